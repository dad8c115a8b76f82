//! Which daemon, and as whom: flags over the environment over defaults.

use std::ffi::OsString;
use std::path::Path;

use client::{Authorities, Daemon, PublicKey, SigningKey, Token};

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where a daemon listens when nobody says otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8081";

/// The daemon that the command talks to.
pub(crate) fn daemon(global: &Global) -> Result<Daemon, Failure> {
    let url = global.url.as_deref().filter(|url| !url.is_empty());
    let token = token(global.token_file.as_deref(), &|name| std::env::var_os(name))?;
    let authorities = authorities(global.ca_cert.as_deref())?;
    let url = url.unwrap_or(DEFAULT_URL);
    Ok(Daemon::trusting(url, Some(token), authorities)?)
}

/// Whom TLS trusts besides the machine's own authorities. An empty variable counts as absent.
fn authorities(file: Option<&Path>) -> Result<Authorities, Failure> {
    let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else {
        return Ok(Authorities::default());
    };
    let pem = std::fs::read(file).map_err(|error| Failure::file("read", file, &error))?;
    Authorities::from_pem(&pem)
        .map_err(|error| Failure::from(error).while_doing(format!("use {}", file.display())))
}

/// The key that releases must be signed with: the name of a file, or the key itself. An empty one counts as absent.
pub(crate) fn public_key(given: Option<&str>) -> Result<Option<PublicKey>, Failure> {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    let parsed = match std::fs::read_to_string(given) {
        Ok(text) => PublicKey::parse(&text),
        Err(_) => PublicKey::parse(given),
    };
    parsed.map(Some).map_err(|error| {
        Failure::from(error).while_doing("pin the public key").help(
            "give a file that `openssl pkey -pubout` wrote, or the 32 bytes of the key in base64",
        )
    })
}

/// The key that releases are signed with.
pub(crate) fn signing_key(file: &Path) -> Result<SigningKey, Failure> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| Failure::file("read the signing key", file, &error))?;
    SigningKey::parse(&text).map_err(|error| {
        Failure::from(error)
            .while_doing(format!("use {}", file.display()))
            .help("make one with:  openssl genpkey -algorithm ed25519 -out FILE")
    })
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
    fn a_key_is_pinned_by_its_file_or_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("publisher.pub");
        let text = "MCowBQYDK2VwAyEA60jzQi95jodV1IRN7GyWN30QlqAJX7xx+Sgy8Wzo0sw=";
        std::fs::write(&file, format!("{text}\n")).unwrap();
        let by_file = public_key(file.to_str()).unwrap();
        assert!(by_file.is_some());
        assert_eq!(by_file, public_key(Some(text)).unwrap());
        assert_eq!(public_key(Some("")).unwrap(), None);
        let failure = public_key(Some("/nowhere/publisher.pub")).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
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
