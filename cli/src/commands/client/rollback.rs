//! `relctl client rollback`: leaves a version that does not do, and holds it back.

use client::Updater;
use client::install::{Holder, Request};
use client::launch::fetch::{Wanted, fetch};
use protocol::{Channel, Timestamp, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::folder;
use super::install::switch_to_staged;
use super::request::ask;
use crate::args::{Global, RollbackArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Why the version that is left is held back.
const REASON: &str = "was left by the user";

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Document {
    /// `switched`: it runs from the next start on. `asked`: the launcher starts it.
    outcome: &'static str,
    /// What is left, and held back.
    from_version: Version,
    /// What is to run.
    to_version: Version,
}

pub(crate) async fn run(
    global: &Global,
    args: RollbackArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let app = folder(&args.app_dir)?;
    let Some(current) = app.record()? else {
        return Err(Failure::from(client::Error::NoWayBack(Version::ZERO)));
    };
    let from_version = current.version.clone();
    let previous = app.way_back(&current).map(|(previous, _)| previous);
    let to_version = match (args.to, previous.clone()) {
        (Some(to), _) | (None, Some(to)) => to,
        (None, None) => return Err(Failure::from(client::Error::NoWayBack(from_version))),
    };
    if to_version == from_version {
        return Err(Failure::usage(format!("{to_version} is what runs")));
    }
    let is_previous = previous.as_ref() == Some(&to_version);
    let outcome = if app.holder() == Some(Holder::Launcher) {
        let request = Request::RollBack {
            version: Some(to_version.clone()),
            reason: REASON.to_owned(),
        };
        ask(&app, &request).await?;
        "asked"
    } else {
        let _lock = app.lock()?;
        if is_previous {
            app.roll_back(current, REASON, Timestamp::now())?;
        } else {
            let daemon = config::daemon(global)?;
            // The version is named, so that no channel decides anything.
            let channel: Channel = Channel::stable();
            let mut updater = Updater::new(daemon, app.clone(), app.client_id()?, channel);
            updater.public_key = config::public_key(args.pinned.public_key.as_deref())?;
            let wanted = Wanted::Version(to_version.clone());
            fetch(&updater, &wanted, &mut |_| {}).await?;
            app.keep(&current.holding_back(REASON, Timestamp::now()))?;
            switch_to_staged(&app)?;
        }
        "switched"
    };
    let document = Document {
        outcome,
        from_version,
        to_version,
    };
    output.result("client-rollback", &document, || describe(&document))?;
    Ok(Exit::Ok)
}

fn describe(document: &Document) -> String {
    let Document {
        outcome,
        from_version,
        to_version,
    } = document;
    match *outcome {
        "asked" => format!(
            "the launcher was asked to go from {from_version} back to {to_version}; relctl client status shows how it went"
        ),
        _ => format!(
            "{from_version} → {to_version} from the next start on; {from_version} is held back"
        ),
    }
}
