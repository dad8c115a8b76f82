//! Every option as a setting: its key in files, its variable, and where on the command line it stands. It is read off
//! the command line's own definition, so that none is forgotten.

use std::collections::BTreeMap;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};

use crate::args::short_variable;

/// Keys that mean nothing inside a file.
const NOT_IN_FILES: [&str; 4] = ["config", "profile", "help", "version"];

/// Options that take a file or something else; as a file they count from the folder of the file that names them.
const PERHAPS_PATHS: [&str; 1] = ["public-key"];

/// All settings by their keys.
#[derive(Debug, Default)]
pub(crate) struct Catalog(BTreeMap<String, Setting>);

/// One option, or several of the same name and meaning.
#[derive(Debug)]
pub(crate) struct Setting {
    /// `url`, or `publish.delta-from`.
    pub(crate) key: String,
    pub(crate) variable: String,
    pub(crate) takes: Takes,
    pub(crate) names: Names,
    pub(crate) default: Option<String>,
    /// Whether it is what one command takes of a setting that many take: `publish.channel` beside `channel`.
    pub(crate) is_narrow: bool,
    first: Place,
    others: Vec<Place>,
}

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    One,
    Many,
}

/// Whether a value names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    File,
    Perhaps,
    Nothing,
}

/// Where an option stands.
#[derive(Clone, Debug)]
struct Place {
    commands: Vec<String>,
    argument: String,
    option: String,
}

impl Catalog {
    pub(crate) fn of(command: &Command) -> Self {
        let mut catalog = Self::default();
        catalog.add(command, &[]);
        catalog
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }

    /// Those that every command takes.
    pub(crate) fn for_all_commands(&self) -> impl Iterator<Item = &Setting> {
        self.all()
            .filter(|setting| setting.first.commands.is_empty())
    }

    fn add(&mut self, command: &Command, path: &[String]) {
        for argument in command.get_arguments() {
            let Some(setting) = Setting::of(argument, path) else {
                continue;
            };
            if let Some(narrow) = setting.narrowed() {
                self.0.insert(narrow.key.clone(), narrow);
            }
            match self.0.get_mut(&setting.key) {
                Some(known) => known.others.push(setting.first),
                None => {
                    self.0.insert(setting.key.clone(), setting);
                }
            }
        }
        for below in command.get_subcommands() {
            let mut path = path.to_vec();
            path.push(below.get_name().to_owned());
            self.add(below, &path);
        }
    }
}

impl Setting {
    fn of(argument: &Arg, commands: &[String]) -> Option<Self> {
        let option = argument.get_long()?;
        if NOT_IN_FILES.contains(&option) {
            return None;
        }
        let short = short_variable(option);
        let variable = argument
            .get_env()
            .map_or_else(|| short.clone(), |name| name.to_string_lossy().into_owned());
        let key = match variable == short {
            true => option.to_owned(),
            false => format!("{}.{option}", commands.join(".")),
        };
        let takes = match argument.get_action() {
            ArgAction::SetTrue => Takes::Nothing,
            ArgAction::Append => Takes::Many,
            _ => Takes::One,
        };
        let parser = argument.get_value_parser().type_id();
        let names = match parser == ValueParser::path_buf().type_id() {
            true => Names::File,
            false if PERHAPS_PATHS.contains(&option) => Names::Perhaps,
            false => Names::Nothing,
        };
        let default = argument.get_default_values().first();
        Some(Self {
            key,
            variable,
            takes,
            names,
            default: default
                .map(|value| value.to_string_lossy().into_owned())
                .filter(|_| takes != Takes::Nothing),
            is_narrow: false,
            first: Place {
                commands: commands.to_vec(),
                argument: argument.get_id().to_string(),
                option: option.to_owned(),
            },
            others: Vec::new(),
        })
    }

    /// The same for its command alone, when others take it as well.
    fn narrowed(&self) -> Option<Self> {
        let commands = &self.first.commands;
        if commands.is_empty() || self.key != self.first.option {
            return None;
        }
        Some(Self {
            key: format!("{}.{}", commands.join("."), self.key),
            variable: self.variable.clone(),
            default: self.default.clone(),
            is_narrow: true,
            first: self.first.clone(),
            others: Vec::new(),
            takes: self.takes,
            names: self.names,
        })
    }

    /// The option's name without its dashes.
    pub(crate) fn option(&self) -> &str {
        &self.first.option
    }

    /// The name under which its value is found after parsing.
    pub(crate) fn argument(&self) -> &str {
        &self.first.argument
    }

    /// The command line on which the option has these values when nobody gives others.
    pub(super) fn set_default(&self, command: Command, values: &[String]) -> Command {
        std::iter::once(&self.first)
            .chain(&self.others)
            .fold(command, |command, place| {
                set_default(command, &place.commands, &place.argument, values)
            })
    }
}

fn set_default(command: Command, below: &[String], argument: &str, values: &[String]) -> Command {
    match below.split_first() {
        Some((name, below)) => command.mut_subcommand(name, |command| {
            set_default(command, below, argument, values)
        }),
        None => command.mut_arg(argument, |argument| {
            argument.required(false).default_values(values.to_vec())
        }),
    }
}
