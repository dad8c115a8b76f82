//! What files of configuration say: the nearest `relctl.toml` upward and the user's own. Both stand below flags and
//! variables and above defaults, and can hold every option.
//!
//! Nothing is believed that a stranger could have put there: a `relctl.toml` in a folder that everybody may write to is
//! passed over, and commands of an installed application (`relctl client`) look at no `relctl.toml` at all, for they
//! are started in any folder. No file holds a token.

mod catalog;
mod file;
mod places;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::suggest::nearest;

pub(crate) use catalog::{Catalog, Setting, Takes};
use file::{SettingsFile, Values};
pub(crate) use places::Surroundings;

/// `--config none`: no file at all.
const NO_FILE: &str = "none";

/// What the files say, put together.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) catalog: Catalog,
    given: BTreeMap<String, Given>,
    /// What flags set, as far as every command takes them.
    flags: BTreeMap<String, String>,
    /// The files that were read, the strongest first.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) profile: Option<String>,
    /// Why no file counts, for commands that help to mend one.
    pub(crate) broken: Option<Failure>,
    /// What was passed over, and why.
    pub(crate) warnings: Vec<String>,
}

/// What a setting is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) values: Vec<String>,
    pub(crate) origin: Origin,
}

/// Who said what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Variable(String),
    File {
        path: PathBuf,
        profile: Option<String>,
    },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::File {
                path,
                profile: None,
            } => write!(f, "{}", path.display()),
            Self::File {
                path,
                profile: Some(profile),
            } => write!(f, "{}, profile {profile}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Settings {
    /// Reads the files that count for a command line.
    pub(crate) fn read(
        command: &Command,
        matches: &ArgMatches,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, Failure> {
        let mut settings = Self {
            catalog: Catalog::of(command),
            ..Self::default()
        };
        let named = matches.get_one::<PathBuf>("config");
        if named.is_some_and(|file| file == Path::new(NO_FILE)) {
            return Ok(settings);
        }
        let mut paths = Vec::new();
        match named {
            Some(file) => paths.push(surroundings.folder.join(file)),
            None if matches.subcommand_name() == Some("client") => {}
            None => paths.extend(surroundings.nearest_project_file(&mut settings.warnings)),
        }
        paths.extend(surroundings.user_file().filter(|file| file.is_file()));
        let files: Result<Vec<_>, _> = paths
            .iter()
            .map(|path| SettingsFile::read(path, &settings.catalog))
            .collect();
        let asked = matches.get_one::<String>("profile").cloned();
        settings.merge(files?, asked)?;
        settings.files = paths;
        Ok(settings)
    }

    /// The chosen profile comes before what stands outside of profiles, and in each the nearer file before the other.
    fn merge(&mut self, files: Vec<SettingsFile>, asked: Option<String>) -> Result<(), Failure> {
        self.profile = asked.or_else(|| files.iter().find_map(|file| file.profile.clone()));
        if let Some(name) = &self.profile {
            let known = |file: &SettingsFile| file.profiles.contains_key(name);
            if !files.iter().any(known) {
                return Err(no_profile(name, &files));
            }
            for file in &files {
                if let Some(values) = file.profiles.get(name) {
                    add(&mut self.given, values, &file.path, Some(name));
                }
            }
        }
        for file in &files {
            add(&mut self.given, &file.values, &file.path, None);
        }
        Ok(())
    }

    /// The same command line with what the files say as its defaults.
    pub(crate) fn apply(&self, command: Command) -> Command {
        let all = || {
            let given = self.given.iter().filter(|(key, _)| *key != TOKEN_FILE);
            given.filter_map(|(key, given)| Some((self.catalog.get(key)?, given)))
        };
        // What is meant for one command comes last, and stays.
        let wide = all().filter(|(setting, _)| !setting.is_narrow);
        let narrow = all().filter(|(setting, _)| setting.is_narrow);
        wide.chain(narrow)
            .fold(command, |command, (setting, given)| {
                setting.set_default(command, &given.values)
            })
    }

    /// Keeps which flags were given.
    pub(crate) fn note_flags(&mut self, matches: &ArgMatches) {
        for setting in self.catalog.for_all_commands() {
            let argument = setting.argument();
            if matches.value_source(argument) != Some(ValueSource::CommandLine) {
                continue;
            }
            let raw = matches
                .get_raw(argument)
                .and_then(|mut raw| raw.next_back());
            let value = match (setting.takes, raw) {
                (Takes::Nothing, _) | (_, None) => "true".to_owned(),
                (_, Some(raw)) => raw.to_string_lossy().into_owned(),
            };
            self.flags.insert(setting.key.clone(), value);
        }
    }

    /// What a file says of a key.
    pub(crate) fn in_files(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    /// What counts for a setting, whoever said it.
    pub(crate) fn resolve(
        &self,
        setting: &Setting,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<Given> {
        if let Some(value) = self.flags.get(&setting.key) {
            return Some(Given {
                values: vec![value.clone()],
                origin: Origin::Flag(setting.option().to_owned()),
            });
        }
        let found = variable(&setting.variable).filter(|value| !value.is_empty());
        if let Some(value) = found {
            return Some(Given {
                values: vec![value.to_string_lossy().into_owned()],
                origin: Origin::Variable(setting.variable.clone()),
            });
        }
        self.given.get(&setting.key).cloned().or_else(|| {
            let default = setting.default.clone()?;
            Some(Given {
                values: vec![default],
                origin: Origin::Default,
            })
        })
    }

    /// An error of the command line, when a file is to blame for it.
    pub(crate) fn blame(&self, error: &clap::Error) -> Option<Failure> {
        use clap::error::{ContextKind, ContextValue};
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let argument = text(ContextKind::InvalidArg)?;
        let value = text(ContextKind::InvalidValue)?;
        let (key, given) = self.given.iter().find(|(key, given)| {
            let names =
                |setting: &Setting| argument.starts_with(&format!("--{}", setting.option()));
            given.values.iter().any(|given| given == value)
                && self.catalog.get(key).is_some_and(names)
        })?;
        let why = std::error::Error::source(error).map_or_else(
            || format!("{value:?} is no value for it"),
            |source| format!("{value:?}: {source}"),
        );
        Some(unusable(format!("{}: {key}: {why}", given.origin)))
    }
}

/// The key that is never a default, for a variable with the token itself comes before it.
pub(crate) const TOKEN_FILE: &str = "token-file";

fn add(
    given: &mut BTreeMap<String, Given>,
    values: &Values,
    path: &Path,
    profile: Option<&String>,
) {
    for (key, values) in values {
        given.entry(key.clone()).or_insert_with(|| Given {
            values: values.clone(),
            origin: Origin::File {
                path: path.to_owned(),
                profile: profile.cloned(),
            },
        });
    }
}

fn no_profile(name: &str, files: &[SettingsFile]) -> Failure {
    let names: Vec<&str> = files
        .iter()
        .flat_map(|file| file.profiles.keys())
        .map(String::as_str)
        .collect();
    let failure = unusable(format!("there is no profile {name:?}"));
    match (nearest(name, names.iter().copied()), names.is_empty()) {
        (Some(near), _) => failure.help(format!("did you mean {near:?}?")),
        (None, false) => failure.help(format!("there are: {}", names.join(", "))),
        (None, true) => failure.help(format!("describe it:  [profiles.{name}] in relctl.toml")),
    }
    .help("which files count?  relctl config path")
}

/// A configuration that cannot be used.
pub(crate) fn unusable(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Config, "CONFIG", message)
}

#[cfg(test)]
mod tests;
