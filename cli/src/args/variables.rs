//! A variable for every option, by one rule: `RELCTL_`, the command, the option. `relctl publish --delta-from` is
//! `RELCTL_PUBLISH_DELTA_FROM`. What all or many commands take has a short name, set where the option is.

use clap::builder::{FalseyValueParser, Resettable};
use clap::{Arg, ArgAction, Command, CommandFactory};

use super::Cli;

/// These have none: two only answer, and a token file has a rule of its own (`config.rs`).
const WITHOUT: [&str; 3] = ["help", "version", "token-file"];

/// The command line of `relctl`.
pub(crate) fn command() -> Command {
    with_variables(Cli::command(), "RELCTL")
}

/// The name that an option's variable has when all or many commands take it.
pub(crate) fn short_variable(option: &str) -> String {
    format!("RELCTL_{}", in_capitals(option))
}

fn with_variables(command: Command, prefix: &str) -> Command {
    command
        .mut_args(|argument| with_variable(argument, prefix))
        .mut_subcommands(|below| {
            let prefix = format!("{prefix}_{}", in_capitals(below.get_name()));
            with_variables(below, &prefix)
        })
}

fn with_variable(argument: Arg, prefix: &str) -> Arg {
    let Some(option) = argument.get_long() else {
        return argument;
    };
    if WITHOUT.contains(&option) {
        return argument;
    }
    let argument = match argument.get_env() {
        Some(_) => argument,
        None => {
            let name = format!("{prefix}_{}", in_capitals(option));
            argument.env(name)
        }
    };
    let argument = argument.hide_env_values(true);
    match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(FalseyValueParser::new()),
        _ => argument,
    }
}

/// The same command line, on which an empty variable counts as absent: CI systems set what they do not know.
pub(crate) fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|argument| {
            let is_empty = argument
                .get_env()
                .and_then(std::env::var_os)
                .is_some_and(|value| value.is_empty());
            match is_empty {
                true => argument.env(Resettable::Reset),
                false => argument,
            }
        })
        .mut_subcommands(without_empty_variables)
}

fn in_capitals(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}
