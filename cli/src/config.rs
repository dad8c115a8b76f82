//! Which daemon, and as whom. What files of configuration say has become defaults of the command line before
//! (`settings.rs`); a token has an order of its own, because none goes into a flag or such a file.

use std::ffi::OsString;
use std::path::Path;

use client::{Authorities, Daemon, PublicKey, SigningKey, Token};

use crate::args::Global;
use crate::credentials::Credentials;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where a daemon listens when nobody says otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8081";

/// The daemon that the command talks to.
pub(crate) fn daemon(global: &Global) -> Result<Daemon, Failure> {
    let daemon = anonymous(global)?;
    let (token, _) = token(global, daemon.url(), &|name| std::env::var_os(name))?;
    Ok(daemon.with_token(token))
}

/// The same, to which nobody says who they are.
pub(crate) fn anonymous(global: &Global) -> Result<Daemon, Failure> {
    let url = global.url.as_deref().filter(|url| !url.is_empty());
    let authorities = authorities(global.ca_cert.as_deref())?;
    let url = url.unwrap_or(DEFAULT_URL);
    Ok(Daemon::trusting(url, None, authorities)?)
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

/// The token and where it is from: `--token-file`, then `RELCTL_TOKEN`, then `RELCTL_TOKEN_FILE`, then a file of
/// configuration, then what `relctl login` stored for this daemon. An empty variable counts as absent.
pub(crate) fn token(
    global: &Global,
    url: &str,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<(Token, String), Failure> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    let from = |file: &Path, source: &str| {
        let source = format!("{source} ({})", file.display());
        Ok((read_token(file)?, source))
    };
    if let Some(token) = &global.token {
        return Ok((token.clone(), "standard input".to_owned()));
    }
    if let Some(file) = &global.token_file {
        return from(file, "--token-file");
    }
    if let Some(text) = given("RELCTL_TOKEN") {
        let parsed = Token::parse(&text.to_string_lossy());
        let token = parsed.map_err(|error| {
            Failure::from(client::Error::from(error)).while_doing("use RELCTL_TOKEN")
        })?;
        return Ok((token, "RELCTL_TOKEN".to_owned()));
    }
    if let Some(file) = given("RELCTL_TOKEN_FILE") {
        return from(Path::new(&file), "RELCTL_TOKEN_FILE");
    }
    if let Some(file) = &global.configured_token_file {
        return from(file, "configuration");
    }
    let stored = Credentials::load(variable)?;
    match stored.token(url)? {
        Some(token) => Ok((token, format!("relctl login ({})", stored.path().display()))),
        None => Err(no_token(url)),
    }
}

fn no_token(url: &str) -> Failure {
    Failure::new(
        Exit::Auth,
        "NO_TOKEN",
        format!("no token was given for {url}"),
    )
    .reason("Every command that talks to a daemon needs one.")
    .help("export RELCTL_TOKEN=…, or give --token-file FILE")
    .help("keep one for this daemon:  relctl login")
    .help("a fresh daemon on this machine:  --token-file relctl-data/admin.token")
    .help("an administrator makes one with:  relctl token create --user NAME")
}

/// The token that `--token-file -` means.
pub(crate) fn token_from_stdin() -> Result<Token, Failure> {
    read_token(Path::new("-"))
}

pub(crate) fn read_token(path: &Path) -> Result<Token, Failure> {
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

    const URL: &str = "http://127.0.0.1:8081";

    fn given(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<OsString> {
        move |asked| (asked == name).then(|| value.into())
    }

    #[test]
    fn a_variable_holds_a_token_or_names_its_file() {
        let global = |file: Option<&Path>| Global {
            token_file: file.map(Path::to_owned),
            ..Global::default()
        };
        let found = token(&global(None), URL, &given("RELCTL_TOKEN", "a.b.c"));
        assert_eq!(found.unwrap().1, "RELCTL_TOKEN");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("admin.token");
        std::fs::write(&file, "a.b.c\n").unwrap();
        let bad = given("RELCTL_TOKEN", "bad token");
        assert!(token(&global(Some(&file)), URL, &bad).is_ok());
        let configured = Global {
            configured_token_file: Some(file),
            ..Global::default()
        };
        assert!(
            token(&configured, URL, &bad).is_err(),
            "a variable is stronger"
        );
        assert!(token(&configured, URL, &given("OTHER", "")).is_ok());
    }

    #[test]
    fn without_a_token_the_ways_to_one_are_named() {
        for variable in [given("RELCTL_TOKEN", ""), given("OTHER", "x")] {
            let failure = token(&Global::default(), URL, &variable).unwrap_err();
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
        let missing = Global {
            token_file: Some("/nowhere/token".into()),
            ..Global::default()
        };
        let failure = token(&missing, URL, &given("", "")).unwrap_err();
        assert_eq!(failure.exit, Exit::Auth);
        assert!(failure.message.contains("/nowhere/token"));
        let secret = given("RELCTL_TOKEN", "se cret");
        let failure = token(&Global::default(), URL, &secret).unwrap_err();
        assert!(!failure.message.contains("cret"), "{}", failure.message);
    }
}
