//! What the operator gave, before it is understood: texts by key, each with where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::keys::{self, KEYS};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// The environment.
    Variable(&'static str),
    /// A line of the file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(variable) => f.write_str(variable),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
        }
    }
}

/// Values of one source or of all, by key. A list is one text for each item.
#[derive(Clone, Debug, Default)]
pub struct Given(pub(super) BTreeMap<&'static str, (Vec<String>, Origin)>);

/// A configuration is a page of text; what is larger is another file.
const FILE_BYTES: u64 = 1024 * 1024;

impl Given {
    /// Sets a value from the command line or the environment, where lists are written with commas.
    pub fn set(&mut self, name: &'static str, text: &str, origin: Origin) {
        let items = if is_list(name) {
            let items = text.split(',').map(str::trim);
            items
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect()
        } else {
            vec![text.to_owned()]
        };
        self.0.insert(name, (items, origin));
    }

    /// Adds what another source has and this one does not.
    #[must_use]
    pub fn over(mut self, weaker: Self) -> Self {
        for (name, value) in weaker.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// Reads the file, and refuses what no key is called.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or has an unknown key or a value of a wrong type.
    pub fn read_file(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path)?;
        let at = |line| Origin::File {
            path: path.to_owned(),
            line,
        };
        let line_of = |start: usize| text[..start.min(text.len())].matches('\n').count() + 1;
        let table = DeTable::parse(&text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let place = text.get(span.clone()).unwrap_or_default();
            ConfigError::Syntax {
                origin: at(line_of(span.start)),
                reason: syntax_problem(error.message(), place),
            }
        })?;
        let mut given = Self::default();
        for (key, value) in table.get_ref() {
            let name = key.get_ref().as_ref();
            let origin = at(line_of(key.span().start));
            match value.get_ref() {
                DeValue::Table(inner) if keys::find(name).is_none() => {
                    for (key, value) in inner {
                        let name = format!("{name}.{}", key.get_ref());
                        let origin = at(line_of(key.span().start));
                        given.set_from_file(&name, value.get_ref(), origin)?;
                    }
                    if inner.is_empty() && !is_section(name) {
                        return Err(unknown(name, origin));
                    }
                }
                value => given.set_from_file(name, value, origin)?,
            }
        }
        Ok(given)
    }

    fn set_from_file(
        &mut self,
        name: &str,
        value: &DeValue<'_>,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let Some(key) = keys::find(name) else {
            return Err(unknown(name, origin));
        };
        let texts = match value {
            DeValue::Array(items) if is_list(key.name) => {
                items.iter().map(|item| scalar(item.get_ref())).collect()
            }
            // One text could as well be several with commas, as on the command line; a file has real lists.
            _ if is_list(key.name) => None,
            value => scalar(value).map(|text| vec![text]),
        };
        let Some(texts) = texts else {
            return Err(ConfigError::Value {
                key: key.name,
                origin,
                reason: format!("expected {}", expected_type(key.name)),
            });
        };
        self.0.insert(key.name, (texts, origin));
        Ok(())
    }
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    let failed = |reason: String| ConfigError::File {
        path: path.to_owned(),
        reason,
    };
    let metadata = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if !metadata.is_file() {
        return Err(failed("it is not a file".into()));
    }
    if metadata.len() > FILE_BYTES {
        return Err(failed("it is larger than 1 MiB".into()));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".into()))
}

/// What the reader of TOML complains of; of a key that is there twice it does not say which.
fn syntax_problem(message: &str, place: &str) -> String {
    match message {
        "duplicate key" => format!("the key {:?} is there twice", place.trim()),
        other => other.lines().collect::<Vec<_>>().join(" "),
    }
}

fn unknown(name: &str, origin: Origin) -> ConfigError {
    let known = KEYS.iter().map(|key| key.name);
    ConfigError::UnknownKey {
        nearest: keys::nearest(name, known),
        key: name.to_owned(),
        origin,
    }
}

/// Whether keys are written below this table.
fn is_section(name: &str) -> bool {
    KEYS.iter()
        .any(|key| key.name.split_once('.').is_some_and(|(s, _)| s == name))
}

fn is_list(name: &str) -> bool {
    matches!(name, "channels" | "cors.allowed-origins")
}

fn expected_type(name: &str) -> &'static str {
    if is_list(name) {
        "a list of texts, such as [\"one\", \"two\"]"
    } else {
        "a text, a number, true or false"
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Boolean(is_on) => Some(is_on.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        _ => None,
    }
}
