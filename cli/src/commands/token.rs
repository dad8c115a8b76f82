//! `relctl token`.

use client::Daemon;
use protocol::Timestamp;
use protocol::api::{NewToken, TokenView};

use crate::args::{Global, TokenCommand, TokenCreateArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, table};

pub(crate) async fn run(
    global: &Global,
    command: TokenCommand,
    output: &Output,
) -> Result<Exit, Failure> {
    let daemon = config::daemon(global)?;
    match command {
        TokenCommand::Create(args) => create(&daemon, args, output).await?,
        TokenCommand::List => {
            let tokens = all_tokens(&daemon).await?;
            output.result("tokens", &tokens, || describe(&tokens, Timestamp::now()))?;
        }
        TokenCommand::Revoke { id } => {
            let revoked = daemon.revoke_token(id).await?;
            output.result("token-revoked", &revoked, || {
                format!("revoked {id}; its sessions end now")
            })?;
        }
    }
    Ok(Exit::Ok)
}

async fn create(daemon: &Daemon, args: TokenCreateArgs, output: &Output) -> Result<(), Failure> {
    let asked = NewToken {
        username: args.user,
        ttl_seconds: args.ttl.as_secs().max(1),
    };
    let issued = daemon.issue_token(&asked).await?;
    // The token alone, so that `$(relctl token create …)` is all that a script needs.
    output.result("token", &issued, || issued.token.clone())?;
    output.say(&format!(
        "token {} for {} ({}), until {}; it is shown this once",
        issued.token_id,
        issued.username,
        issued.role.as_str(),
        issued.expires_at
    ));
    Ok(())
}

async fn all_tokens(daemon: &Daemon) -> Result<Vec<TokenView>, Failure> {
    let mut tokens = Vec::new();
    for page in 0.. {
        let page = daemon.tokens(page, 100).await?;
        let is_last = page.content.is_empty() || u64::from(page.page) + 1 >= page.total_pages;
        tokens.extend(page.content);
        if is_last {
            break;
        }
    }
    Ok(tokens)
}

fn describe(tokens: &[TokenView], now: Timestamp) -> String {
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            let state = match (token.revoked, token.expires_at <= now) {
                (true, _) => "revoked",
                (false, true) => "expired",
                (false, false) => "valid",
            };
            vec![
                token.token_id.to_string(),
                token.username.to_string(),
                state.to_owned(),
                token.issued_at.to_string(),
                token.expires_at.to_string(),
            ]
        })
        .collect();
    table(&["TOKEN", "USER", "STATE", "ISSUED", "EXPIRES"], &rows)
}
