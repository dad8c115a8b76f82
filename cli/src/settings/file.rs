//! One file of configuration, read strictly: a key that no option has is an error, not a setting that does nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::catalog::Names;
use super::{Catalog, Takes, unusable};
use crate::failure::{Failure, plain};
use crate::suggest::nearest;

/// Far more than all options take.
const FILE_BYTES: u64 = 1024 * 1024;

/// Values by their keys.
pub(super) type Values = BTreeMap<String, Vec<String>>;

/// What a file says.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    /// The profile that it chooses when nobody chooses another.
    pub(super) profile: Option<String>,
    pub(super) values: Values,
    pub(super) profiles: BTreeMap<String, Values>,
}

impl SettingsFile {
    pub(super) fn read(path: &Path, catalog: &Catalog) -> Result<Self, Failure> {
        let unreadable = |why: String| {
            unusable(format!("cannot read {}: {why}", path.display()))
                .help("name another file with --config, or none with --config none")
        };
        let size = std::fs::metadata(path).map(|found| found.len());
        if size.is_ok_and(|size| size > FILE_BYTES) {
            return Err(unreadable(format!("it is longer than {FILE_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(plain(&error)))?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            // Its own text repeats the line, which may hold what belongs elsewhere.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            unreadable(format!("line {line}: {}", error.message()))
        })?;
        let reader = Reader { path, catalog };
        let mut file = Self {
            path: path.to_owned(),
            profile: None,
            values: Values::new(),
            profiles: BTreeMap::new(),
        };
        for (key, value) in table {
            match (key.as_str(), value) {
                ("profile", Value::String(name)) => file.profile = Some(name),
                ("profiles", Value::Table(profiles)) => {
                    for (name, value) in profiles {
                        let Value::Table(table) = value else {
                            return Err(
                                reader.refused(&format!("profiles.{name}"), "expected a table")
                            );
                        };
                        let mut values = Values::new();
                        for (key, value) in table {
                            reader.take(&key, value, &mut values)?;
                        }
                        file.profiles.insert(name, values);
                    }
                }
                (_, value) => reader.take(&key, value, &mut file.values)?,
            }
        }
        Ok(file)
    }
}

struct Reader<'a> {
    path: &'a Path,
    catalog: &'a Catalog,
}

impl Reader<'_> {
    fn take(&self, key: &str, value: Value, values: &mut Values) -> Result<(), Failure> {
        if let (Value::Table(table), None) = (&value, self.catalog.get(key)) {
            for (name, value) in table.clone() {
                self.take(&format!("{key}.{name}"), value, values)?;
            }
            return Ok(());
        }
        let Some(setting) = self.catalog.get(key) else {
            return Err(self.unknown(key));
        };
        let given = match (value, setting.takes) {
            (Value::Boolean(on), Takes::Nothing) => vec![on.to_string()],
            (_, Takes::Nothing) => return Err(self.refused(key, "expected true or false")),
            (Value::Array(items), Takes::Many) => {
                let texts: Option<Vec<_>> = items.into_iter().map(text).collect();
                texts.ok_or_else(|| self.refused(key, "expected a list of texts"))?
            }
            (value, _) => match text(value) {
                Some(text) => vec![text],
                None => return Err(self.refused(key, "expected a text or a number")),
            },
        };
        let given = match setting.names {
            Names::Nothing => given,
            names => given.iter().map(|text| self.beside(text, names)).collect(),
        };
        values.insert(key.to_owned(), given);
        Ok(())
    }

    /// A path counts from the folder of the file that names it.
    fn beside(&self, text: &str, names: Names) -> String {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(text);
        match text == "-" || names == Names::Perhaps && !path.exists() {
            true => text.to_owned(),
            false => path.to_string_lossy().into_owned(),
        }
    }

    fn unknown(&self, key: &str) -> Failure {
        if key.rsplit('.').next() == Some("token") {
            return self
                .refused(key, "no token belongs into a file of configuration")
                .help("store it where only you can read it:  relctl login")
                .help("revoke it if others saw it:           relctl token revoke ID");
        }
        let failure = self.refused(key, "there is no such setting");
        match nearest(key, self.catalog.keys()) {
            Some(near) => failure.help(format!("did you mean {near}?")),
            None => failure.help("what is there?  relctl config show --all"),
        }
    }

    fn refused(&self, key: &str, why: &str) -> Failure {
        unusable(format!("{}: {key}: {why}", self.path.display()))
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_) => None,
    }
}
