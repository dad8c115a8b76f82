//! `relctl client install`: what is staged, offered or asked for becomes what runs.

use client::install::{Current, Holder, Request};
use client::launch::fetch::{Fetched, Wanted, fetch};
use client::{AppFolder, Error, Updater};
use protocol::Version;
use schemars::JsonSchema;
use serde::Serialize;

use super::folder;
use super::request::ask;
use crate::args::{Global, InstallArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Document {
    /// `switched`: it runs from the next start on. `asked`: the launcher starts it. `up-to-date`: nothing was done.
    outcome: &'static str,
    /// What runs now.
    from_version: Version,
    /// What is to run. Absent when the launcher decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_version: Option<Version>,
}

pub(crate) async fn run(
    global: &Global,
    args: InstallArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let InstallArgs {
        version,
        app_dir,
        followed,
        pinned,
        force,
    } = args;
    let app = folder(&app_dir)?;
    let record = app.record()?;
    let from_version = record
        .as_ref()
        .map_or(Version::ZERO, |current| current.version.clone());
    if let (Some(version), false) = (&version, force)
        && let Some(held) = record
            .as_ref()
            .and_then(|current| current.held_back(version))
    {
        return Err(Failure::from(Error::HeldBack {
            version: held.version.clone(),
            reason: held.reason.clone(),
        }));
    }
    if version.as_ref() == Some(&from_version) {
        return done(output, "up-to-date", from_version, version);
    }
    if app.holder() == Some(Holder::Launcher) {
        let request = Request::Install {
            version: version.clone(),
        };
        ask(&app, &request).await?;
        return done(output, "asked", from_version, version);
    }
    let app = AppFolder::open(app.root())?;
    let _lock = app.lock()?;
    let staged = app.staged_version()?;
    let is_staged = staged.is_some_and(|staged| {
        version
            .as_ref()
            .is_none_or(|version| *version == staged.version)
    });
    if !is_staged {
        let client_id = match followed.client_id {
            Some(client_id) => client_id,
            None => app.client_id()?,
        };
        let mut updater = Updater::new(
            config::daemon(global)?,
            app.clone(),
            client_id,
            followed.channel,
        );
        updater.public_key = config::public_key(pinned.public_key.as_deref())?;
        let wanted = version.map_or(Wanted::OfferNow, Wanted::Version);
        match fetch(&updater, &wanted, &mut |_| {}).await? {
            Fetched::Staged(_) => {}
            Fetched::UpToDate => {
                let version = Some(from_version.clone());
                return done(output, "up-to-date", from_version, version);
            }
            Fetched::HeldBack(held) => {
                return Err(Failure::from(Error::HeldBack {
                    version: held.version,
                    reason: held.reason,
                }));
            }
        }
    }
    let current = switch_to_staged(&app)?;
    done(output, "switched", from_version, Some(current.version))
}

/// Makes what is staged the version that runs.
pub(super) fn switch_to_staged(app: &AppFolder) -> Result<Current, Failure> {
    app.switch_to_staged()?.ok_or_else(|| {
        Failure::check("what was staged is not whole any more")
            .help("run it again: it is fetched anew")
    })
}

fn done(
    output: &Output,
    outcome: &'static str,
    from_version: Version,
    to_version: Option<Version>,
) -> Result<Exit, Failure> {
    let document = Document {
        outcome,
        from_version,
        to_version,
    };
    output.result("client-install", &document, || describe(&document))?;
    Ok(Exit::Ok)
}

fn describe(document: &Document) -> String {
    let Document {
        outcome,
        from_version,
        to_version,
    } = document;
    let to = match to_version {
        Some(version) => version.to_string(),
        None => "what is newest".to_owned(),
    };
    match *outcome {
        "switched" => format!("{from_version} → {to}: it runs from the next start on"),
        "asked" => format!(
            "the launcher was asked to go from {from_version} to {to}; relctl client status shows how it went"
        ),
        _ => format!("{from_version} is up to date"),
    }
}
