//! `relctl login` and `relctl logout`: a token for each daemon, kept where only its owner can read it.

use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

use client::Token;
use protocol::Timestamp;
use protocol::api::Role;
use schemars::JsonSchema;
use serde::Serialize;

use super::blocking;
use crate::args::{Global, LoginArgs};
use crate::config;
use crate::credentials::Credentials;
use crate::exit::Exit;
use crate::failure::{Failure, plain};
use crate::output::{Hidden, Output};

/// Far more than a token takes.
const INPUT_BYTES: u64 = 64 * 1024;

/// What was stored.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedIn {
    url: String,
    file: String,
    /// Absent with `--offline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// What was forgotten.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoggedOut {
    url: String,
    was_stored: bool,
}

pub(crate) async fn run(
    global: &Global,
    args: LoginArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let daemon = config::anonymous(global)?;
    let url = daemon.url().to_owned();
    let (text, token) = given(global, &url, output).await?;
    let who = match args.offline {
        true => None,
        false => Some(daemon.with_token(token).whoami().await.map_err(|error| {
            Failure::from(error)
                .while_doing("log in")
                .help("store it without trying it:  relctl login --offline")
        })?),
    };
    let mut credentials = Credentials::load(&|name| std::env::var_os(name))?;
    credentials.keep(&url, &text)?;
    let logged_in = LoggedIn {
        file: credentials.path().display().to_string(),
        username: who.as_ref().map(|who| who.username.to_string()),
        role: who.as_ref().map(|who| who.role),
        expires_at: who.as_ref().map(|who| who.expires_at),
        url,
    };
    output.result("login", &logged_in, || describe(&logged_in))?;
    if std::env::var_os("RELCTL_TOKEN").is_some_and(|token| !token.is_empty()) {
        output.warn("RELCTL_TOKEN is set and comes before what was stored");
    }
    Ok(Exit::Ok)
}

pub(crate) fn forget(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let daemon = config::anonymous(global)?;
    let mut credentials = Credentials::load(&|name| std::env::var_os(name))?;
    let logged_out = LoggedOut {
        url: daemon.url().to_owned(),
        was_stored: credentials.forget(daemon.url())?,
    };
    output.result("logout", &logged_out, || match logged_out.was_stored {
        true => format!("forgot the token for {}", logged_out.url),
        false => format!("no token is stored for {}", logged_out.url),
    })?;
    if logged_out.was_stored {
        output.say("it still counts until it expires; end it with:  relctl token revoke ID");
    }
    Ok(Exit::Ok)
}

/// The token as it was given, and the same understood.
async fn given(global: &Global, url: &str, output: &Output) -> Result<(String, Token), Failure> {
    let file = global.token_file.as_deref();
    let text = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            text.map_err(|error| Failure::file("read the token file", file, &error))?
        }
        None => {
            let hidden = output.style().interactive.then(|| {
                output.ask(&format!("Token for {url} (it is not shown):"));
                Hidden::while_typing()
            });
            if hidden.is_none() && std::io::stdin().is_terminal() {
                return Err(Failure::usage("there is nobody to ask for the token")
                    .reason(
                        "Standard input is a terminal, but CI is set or standard error is none.",
                    )
                    .help("relctl login < FILE, or relctl login --token-file FILE"));
            }
            let text = blocking(read_input(hidden.is_some())).await;
            drop(hidden);
            text?
        }
    };
    let token = Token::parse(&text).map_err(|error| {
        Failure::from(client::Error::from(error))
            .while_doing("log in")
            .help("relctl login < FILE, or relctl login --token-file FILE")
    })?;
    Ok((text, token))
}

/// A line of a terminal, or all of a file or a pipe.
fn read_input(is_line: bool) -> impl FnOnce() -> Result<String, Failure> + Send + 'static {
    move || {
        let mut text = String::new();
        let stdin = std::io::stdin().lock();
        let read = match is_line {
            true => stdin.take(INPUT_BYTES).read_line(&mut text),
            false => stdin.take(INPUT_BYTES).read_to_string(&mut text),
        };
        match read {
            Ok(_) => Ok(text),
            Err(error) => Err(Failure::usage(format!(
                "cannot read the token from standard input: {}",
                plain(&error)
            ))),
        }
    }
}

fn describe(logged_in: &LoggedIn) -> String {
    let url = &logged_in.url;
    let file = &logged_in.file;
    match (&logged_in.username, logged_in.role, logged_in.expires_at) {
        (Some(name), Some(role), Some(until)) => format!(
            "logged in to {url} as {name} ({}), until {until}\nkept in {file}",
            role.as_str()
        ),
        _ => format!("stored a token for {url}, untried\nkept in {file}"),
    }
}
