//! Which daemon, and as whom: flags over the environment over defaults.

use std::ffi::OsString;
use std::path::Path;

use client::{Daemon, Token};

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where a daemon listens when nobody says otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8081";

/// The daemon that the command talks to.
pub(crate) fn daemon(global: &Global) -> Result<Daemon, Failure> {
    let url = global.url.as_deref().filter(|url| !url.is_empty());
    let token = token(global.token_file.as_deref(), &|name| std::env::var_os(name))?;
    Ok(Daemon::at(url.unwrap_or(DEFAULT_URL), Some(token))?)
}

/// `--token-file`, then `RELCTL_TOKEN`, then `RELCTL_TOKEN_FILE`. An empty variable counts as absent.
fn token(
    file: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Token, Failure> {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(file) = file {
        return read_token(file);
    }
    if let Some(text) = variable("RELCTL_TOKEN") {
        let parsed = Token::parse(&text.to_string_lossy());
        return parsed.map_err(|error| {
            Failure::from(client::Error::from(error)).while_doing("use RELCTL_TOKEN")
        });
    }
    if let Some(file) = variable("RELCTL_TOKEN_FILE") {
        return read_token(Path::new(&file));
    }
    Err(Failure::new(Exit::Auth, "NO_TOKEN", "no token was given")
        .reason("Every command that talks to a daemon needs one.")
        .help("export RELCTL_TOKEN=…, or give --token-file FILE")
        .help("a fresh daemon on this machine:  --token-file relctl-data/admin.token")
        .help("an administrator makes one with:  relctl token create --user NAME"))
}

fn read_token(path: &Path) -> Result<Token, Failure> {
    let text = match path == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin().lock()),
        false => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| Failure {
        exit: Exit::Auth,
        ..Failure::file("read the token file", path, &error)
    })?;
    Token::parse(&text).map_err(|error| {
        Failure::from(client::Error::from(error)).while_doing(format!("use {}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<OsString> {
        move |asked| (asked == name).then(|| value.into())
    }

    #[test]
    fn a_variable_holds_a_token_or_names_its_file() {
        assert!(token(None, &given("RELCTL_TOKEN", "a.b.c")).is_ok());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("admin.token");
        std::fs::write(&file, "a.b.c\n").unwrap();
        assert!(token(Some(&file), &given("RELCTL_TOKEN", "bad token")).is_ok());
    }

    #[test]
    fn without_a_token_the_ways_to_one_are_named() {
        for variable in [given("RELCTL_TOKEN", ""), given("OTHER", "x")] {
            let failure = token(None, &variable).unwrap_err();
            assert_eq!(failure.exit, Exit::Auth);
            assert!(
                failure
                    .help
                    .iter()
                    .any(|help| help.contains("relctl-data/admin.token"))
            );
        }
    }

    #[test]
    fn an_unreadable_token_file_is_named_and_its_content_is_not() {
        let failure = token(Some(Path::new("/nowhere/token")), &given("", "")).unwrap_err();
        assert_eq!(failure.exit, Exit::Auth);
        assert!(failure.message.contains("/nowhere/token"));
        let failure = token(None, &given("RELCTL_TOKEN", "se cret")).unwrap_err();
        assert!(!failure.message.contains("cret"), "{}", failure.message);
    }
}
