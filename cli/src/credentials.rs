//! What `relctl login` stored: a token for each daemon, in a file of the user's own that nobody else may read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use client::Token;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Surroundings;

/// The file, and the tokens in it by the daemon's address.
#[derive(Debug)]
pub(crate) struct Credentials {
    path: PathBuf,
    stored: BTreeMap<String, Stored>,
}

/// A token as it is kept.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    token: String,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored(****)")
    }
}

impl Credentials {
    /// Reads the file. One that others can read is refused: its tokens may be known to them.
    pub(crate) fn load(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Failure> {
        let surroundings = Surroundings {
            folder: PathBuf::new(),
            variable,
        };
        match surroundings.user_folder() {
            Some(folder) => Self::load_from(folder.join("credentials.toml")),
            // Without a home nothing is stored.
            None => Ok(Self {
                path: PathBuf::new(),
                stored: BTreeMap::new(),
            }),
        }
    }

    fn load_from(path: PathBuf) -> Result<Self, Failure> {
        if !path.exists() {
            let stored = BTreeMap::new();
            return Ok(Self { path, stored });
        }
        refuse_when_others_may_read(&path)?;
        let failed = |error: &std::io::Error| Failure {
            exit: Exit::Auth,
            ..Failure::file("read the stored tokens in", &path, error)
        };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
        // The parser's own words would repeat a line, and with it perhaps a token.
        match toml::from_str(&text) {
            Ok(stored) => Ok(Self { path, stored }),
            Err(_) => Err(Failure::new(
                Exit::Auth,
                "DAMAGED_CREDENTIALS",
                format!("{} is damaged", path.display()),
            )
            .help(format!(
                "remove it and log in again:  rm {}",
                path.display()
            ))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The token for a daemon.
    pub(crate) fn token(&self, url: &str) -> Result<Option<Token>, Failure> {
        let Some(stored) = self.stored.get(url) else {
            return Ok(None);
        };
        let token = Token::parse(&stored.token).map_err(|error| {
            Failure::from(client::Error::from(error))
                .while_doing(format!("use what is stored for {url}"))
                .help("log in again:  relctl login")
        })?;
        Ok(Some(token))
    }

    /// Keeps a token for a daemon, in place of the one before.
    pub(crate) fn keep(&mut self, url: &str, token: &str) -> Result<(), Failure> {
        let token = token.trim().to_owned();
        self.stored.insert(url.to_owned(), Stored { token });
        self.save()
    }

    /// Forgets the token for a daemon; whether there was one.
    pub(crate) fn forget(&mut self, url: &str) -> Result<bool, Failure> {
        if self.stored.remove(url).is_none() {
            return Ok(false);
        }
        self.save()?;
        Ok(true)
    }

    /// The new file is made beside the old one, for us alone, and takes its place whole.
    fn save(&self) -> Result<(), Failure> {
        let Some(folder) = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        else {
            return Err(Failure::new(
                Exit::Config,
                "NO_HOME",
                "there is no folder to keep the token in: neither HOME nor XDG_CONFIG_HOME is set",
            )
            .help("set HOME, or give the token by RELCTL_TOKEN or --token-file"));
        };
        let failed = |error: std::io::Error| Failure::file("write", &self.path, &error);
        let text =
            toml::to_string(&self.stored).map_err(|error| Failure::error(error.to_string()))?;
        make_private_folder(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(unix)]
fn refuse_when_others_may_read(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path);
    let mode = found.map_or(0, |found| found.permissions().mode() & 0o777);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Auth,
        "OPEN_CREDENTIALS",
        format!("{} may be read by others (mode {mode:o})", path.display()),
    )
    .reason("Its tokens may be known to somebody else.")
    .help(format!("close it:  chmod 600 {}", path.display()))
    .help("if others use this machine, revoke the tokens:  relctl token revoke ID"))
}

#[cfg(not(unix))]
fn refuse_when_others_may_read(_: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_stored_token_is_for_one_daemon_and_for_nobody_elses_eyes() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".config/relctl/credentials.toml");
        let mut credentials = Credentials::load_from(path.clone()).unwrap();
        credentials.keep("http://one", "a.b.c\n").unwrap();
        let credentials = Credentials::load_from(path.clone()).unwrap();
        assert!(credentials.token("http://one").unwrap().is_some());
        assert!(credentials.token("http://two").unwrap().is_none());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{credentials:?}").contains("a.b.c"));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_a_damaged_one_not_repeated() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials.toml");
        std::fs::write(&path, "[\"http://one\"]\ntoken = secret").unwrap();
        let closed = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode));
        closed(0o640).unwrap();
        let failure = Credentials::load_from(path.clone()).unwrap_err();
        assert_eq!(
            (failure.exit, failure.code),
            (Exit::Auth, "OPEN_CREDENTIALS")
        );
        closed(0o600).unwrap();
        let failure = Credentials::load_from(path.clone()).unwrap_err();
        assert_eq!(failure.code, "DAMAGED_CREDENTIALS");
        assert!(!format!("{failure:?}").contains("secret"));
    }

    #[test]
    fn logging_out_forgets_one_daemon_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials.toml");
        let mut credentials = Credentials::load_from(path.clone()).unwrap();
        credentials.keep("http://one", "a.b.c").unwrap();
        credentials.keep("http://two", "d.e.f").unwrap();
        assert!(credentials.forget("http://one").unwrap());
        assert!(!credentials.forget("http://one").unwrap());
        let credentials = Credentials::load_from(path).unwrap();
        assert!(credentials.token("http://one").unwrap().is_none());
        assert!(credentials.token("http://two").unwrap().is_some());
    }
}
