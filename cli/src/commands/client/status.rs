//! `relctl client status`: what the folder of an application knows. Reads only, and asks no daemon.

use client::AppFolder;
use client::install::{Current, HeldBack, Holder, StagedVersion, Trouble};
use schemars::JsonSchema;
use serde::Serialize;

use super::folder;
use crate::args::StatusArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, harmless_word};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Document {
    /// Absent when nothing is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Installed>,
    /// What runs from the next start on.
    #[serde(skip_serializing_if = "Option::is_none")]
    staged: Option<StagedVersion>,
    held_back: Vec<HeldBack>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<Trouble>,
    /// `launcher`, `updater` or `none`.
    at_work: &'static str,
    /// Whether reports wait for a daemon.
    has_unsent_reports: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Installed {
    version: protocol::Version,
    checksum: protocol::Checksum,
    /// Whether the file is there with that SHA-256.
    is_whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_version: Option<protocol::Version>,
    is_on_probation: bool,
    /// Of a version on probation: how often it was started without confirming.
    starts: u32,
}

pub(crate) fn run(args: &StatusArgs, output: &Output) -> Result<Exit, Failure> {
    let app = folder(&args.app_dir)?;
    let record = app.record()?;
    let document = Document {
        held_back: record
            .as_ref()
            .map(|current| current.held_back.clone())
            .unwrap_or_default(),
        current: record.map(|current| installed(&app, current)),
        staged: app.staged_version()?,
        last_error: app.trouble(),
        at_work: match app.holder() {
            Some(Holder::Launcher) => "launcher",
            Some(Holder::Updater) => "updater",
            None => "none",
        },
        has_unsent_reports: app.has_unsent(),
    };
    output.result("client-status", &document, || describe(&document))?;
    Ok(Exit::Ok)
}

fn installed(app: &AppFolder, current: Current) -> Installed {
    Installed {
        is_whole: app.is_whole(&current.version, current.checksum),
        version: current.version,
        checksum: current.checksum,
        previous_version: current.previous,
        is_on_probation: current.probation.is_some(),
        starts: current.probation.map_or(0, |probation| probation.starts),
    }
}

fn describe(document: &Document) -> String {
    let Document {
        current,
        staged,
        held_back,
        last_error,
        at_work,
        has_unsent_reports,
    } = document;
    let mut lines = Vec::new();
    match current {
        None => lines.push("installed   nothing yet".to_owned()),
        Some(current) => {
            let mut line = format!("installed   {}", current.version);
            if current.is_on_probation {
                line.push_str(&format!(
                    ", on probation, started {} times without confirming",
                    current.starts
                ));
            }
            if !current.is_whole {
                line.push_str(", but its file is damaged or gone");
            }
            lines.push(line);
            if let Some(previous) = &current.previous_version {
                lines.push(format!("previous    {previous}"));
            }
        }
    }
    if let Some(staged) = staged {
        lines.push(format!(
            "staged      {}, runs from the next start on",
            staged.version
        ));
    }
    for held in held_back {
        lines.push(format!(
            "held back   {} since {}: {}",
            held.version,
            held.since,
            harmless_word(&held.reason)
        ));
    }
    lines.push(match *at_work {
        "launcher" => "at work     relctl client run".to_owned(),
        "updater" => "at work     an updater, such as relctl client update".to_owned(),
        _ => "at work     nobody".to_owned(),
    });
    if *has_unsent_reports {
        lines.push("reports     some wait for a daemon".to_owned());
    }
    if let Some(trouble) = last_error {
        lines.push(format!(
            "last error  {} at {}",
            harmless_word(&trouble.message),
            trouble.since
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_known_has_a_line() {
        let checksum = protocol::Checksum::from_bytes([0; 32]);
        let since = protocol::Timestamp::from_unix_ms(0);
        let document = Document {
            current: Some(Installed {
                version: "2.1.0".parse().unwrap(),
                checksum,
                is_whole: false,
                previous_version: Some("2.0.0".parse().unwrap()),
                is_on_probation: true,
                starts: 2,
            }),
            staged: Some(StagedVersion {
                version: "2.1.1".parse().unwrap(),
                checksum,
                is_mandatory: false,
            }),
            held_back: vec![HeldBack {
                version: "2.0.5".parse().unwrap(),
                reason: "exited with code 1\n".into(),
                since,
            }],
            last_error: Some(Trouble {
                message: "no room".into(),
                since,
            }),
            at_work: "launcher",
            has_unsent_reports: true,
        };
        insta::assert_snapshot!(describe(&document), @r"
        installed   2.1.0, on probation, started 2 times without confirming, but its file is damaged or gone
        previous    2.0.0
        staged      2.1.1, runs from the next start on
        held back   2.0.5 since 1970-01-01T00:00:00Z: exited with code 1\n
        at work     relctl client run
        reports     some wait for a daemon
        last error  no room at 1970-01-01T00:00:00Z
        ");
    }
}
