//! `relctl doctor`: goes the way to the daemon step by step, and says of each what is wrong and how to mend it.

mod steps;

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Global;
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use steps::{clock, configuration, disk, health, tls, token, version};

/// What was looked at.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Whether nothing failed. Warnings are no failures.
    healthy: bool,
    checks: Vec<Check>,
}

/// One step.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Check {
    /// `configuration`, `address`, `daemon`, `version`, `clock`, `tls`, `token` or `disk`.
    id: &'static str,
    status: Status,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    help: Vec<String>,
    #[serde(skip)]
    exit: Exit,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ok,
    Warning,
    Failed,
    /// An earlier step stands in its way.
    Skipped,
}

impl Check {
    fn ok(id: &'static str, detail: impl Into<String>) -> Self {
        Self {
            id,
            status: Status::Ok,
            detail: detail.into(),
            help: Vec::new(),
            exit: Exit::Ok,
        }
    }

    fn warning(id: &'static str, detail: impl Into<String>, help: &str) -> Self {
        Self {
            status: Status::Warning,
            help: vec![help.to_owned()],
            ..Self::ok(id, detail)
        }
    }

    fn failed(id: &'static str, exit: Exit, detail: impl Into<String>, help: &str) -> Self {
        Self {
            status: Status::Failed,
            exit,
            ..Self::warning(id, detail, help)
        }
    }

    fn because(id: &'static str, failure: Failure) -> Self {
        Self {
            status: Status::Failed,
            exit: failure.exit,
            help: failure.help,
            ..Self::ok(id, failure.message)
        }
    }

    fn skipped(id: &'static str) -> Self {
        Self {
            status: Status::Skipped,
            ..Self::ok(id, "needs what failed above")
        }
    }
}

pub(crate) async fn run(
    global: &Global,
    settings: &Settings,
    output: &Output,
) -> Result<Exit, Failure> {
    let checks = examine(global, settings).await;
    let failed = checks.iter().find(|check| check.status == Status::Failed);
    let exit = failed.map_or(Exit::Ok, |check| check.exit);
    let report = Report {
        healthy: failed.is_none(),
        checks,
    };
    output.result("doctor", &report, || describe(&report))?;
    Ok(exit)
}

async fn examine(global: &Global, settings: &Settings) -> Vec<Check> {
    let mut checks = vec![configuration(settings)];
    let daemon = match config::anonymous(global) {
        Ok(daemon) => daemon,
        Err(failure) => {
            checks.push(Check::because("address", failure));
            let rest = ["daemon", "version", "clock", "tls", "token"];
            checks.extend(rest.map(Check::skipped));
            checks.push(disk());
            return checks;
        }
    };
    checks.push(Check::ok("address", daemon.url()));
    match daemon.probe().await {
        Ok(probe) => {
            checks.push(health(&probe));
            checks.push(version(&probe.health.version));
            checks.push(clock(&probe, SystemTime::now()));
            checks.push(tls(daemon.url()));
            checks.push(token(global, daemon).await);
        }
        Err(error) => {
            let mut failure = Failure::from(error);
            failure.help.retain(|help| !help.contains("relctl doctor"));
            let is_tls = failure.message.to_lowercase().contains("certificate");
            checks.push(Check::because("daemon", failure));
            checks.extend(["version", "clock"].map(Check::skipped));
            checks.push(match is_tls {
                true => Check::failed(
                    "tls",
                    Exit::Network,
                    "the certificate is not trusted here",
                    "a company's own authority:  --ca-cert FILE.pem or RELCTL_CA_CERT",
                ),
                false => Check::skipped("tls"),
            });
            checks.push(Check::skipped("token"));
        }
    }
    checks.push(disk());
    checks
}

fn describe(report: &Report) -> String {
    let mut text = String::new();
    for check in &report.checks {
        let mark = match check.status {
            Status::Ok => "✓",
            Status::Warning => "!",
            Status::Failed => "✗",
            Status::Skipped => "-",
        };
        text.push_str(&format!("{mark:<2} {:<13} {}\n", check.id, check.detail));
        for help in &check.help {
            text.push_str(&format!("   {:<13} help: {help}\n", ""));
        }
    }
    text
}
