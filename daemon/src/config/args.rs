//! The command line of `relctld`, made from the table of keys.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::keys::KEYS;
use super::{Config, ConfigError, Given, Origin};

/// What the daemon was asked to do.
#[derive(Debug)]
pub enum Action {
    /// Run until a signal.
    Serve(Box<Config>),
    /// Print what would hold, and end.
    CheckConfig(Box<Config>, Given),
}

/// Why nothing can be done.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// Help, version, or a command line that makes no sense; clap knows what to print and how to end.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// A setting was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Where the file is named, when no flag names it.
const CONFIG_VARIABLE: &str = "RELCTLD_CONFIG";

/// The command line, without the values of any run.
#[must_use]
pub fn command() -> Command {
    let serve = Command::new("serve").about("Store and serve releases until SIGTERM or SIGINT");
    let check = Command::new("check-config")
        .about("Print the settings that would hold, and where each comes from");
    Command::new("relctld")
        .about("Stores releases, serves them and follows their way to the users")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_settings(serve))
        .subcommand(with_settings(check))
}

fn with_settings(command: Command) -> Command {
    let file = Arg::new("config")
        .long("config")
        .env(CONFIG_VARIABLE)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Configuration file (TOML)");
    KEYS.iter().fold(command.arg(file), |command, key| {
        let default = if key.default.is_empty() {
            String::new()
        } else {
            format!(" [default: {}]", key.default)
        };
        let arg = Arg::new(key.name)
            .long(key.flag)
            .env(key.env)
            .value_name(key.value)
            // A value may begin with a dash; what it means is checked below, with its source named.
            .allow_hyphen_values(true)
            .hide_short_help(!key.common)
            .help(format!("{}{default}", key.about));
        command.arg(arg)
    })
}

/// Reads flags, environment and file.
///
/// # Errors
/// The command line makes no sense, or a setting was refused.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Action, ArgsError> {
    let matches = command().try_get_matches_from(args)?;
    let (name, matches) = match matches.subcommand() {
        Some(found) => found,
        None => {
            return Err(command()
                .error(clap::error::ErrorKind::MissingSubcommand, "")
                .into());
        }
    };
    let given = given(matches)?;
    let config = Box::new(Config::from_given(&given)?);
    Ok(match name {
        "check-config" => Action::CheckConfig(config, given),
        _ => Action::Serve(config),
    })
}

fn given(matches: &ArgMatches) -> Result<Given, ConfigError> {
    let mut flags = Given::default();
    for key in KEYS {
        let Some(text) = matches.get_one::<String>(key.name) else {
            continue;
        };
        let origin = match matches.value_source(key.name) {
            Some(ValueSource::EnvVariable) => Origin::Variable(key.env),
            _ => Origin::Flag(key.flag),
        };
        flags.set(key.name, text, origin);
    }
    match matches.get_one::<PathBuf>("config") {
        Some(path) => Ok(flags.over(Given::read_file(path)?)),
        None => Ok(flags),
    }
}

/// Variables that look like settings and are none: a slip that would otherwise go unseen.
#[must_use]
pub fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names
        .filter(|name| name.starts_with("RELCTLD_") && !is_known(name))
        .collect()
}

fn is_known(variable: &str) -> bool {
    variable == CONFIG_VARIABLE || KEYS.iter().any(|key| key.env == variable)
}
