//! `relctl user`.

use client::Daemon;
use protocol::Code;
use protocol::api::{NewUser, UserChange, UserView};

use crate::args::{Global, UserCommand};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, table};

pub(crate) async fn run(
    global: &Global,
    command: UserCommand,
    output: &Output,
) -> Result<Exit, Failure> {
    let daemon = config::daemon(global)?;
    match command {
        UserCommand::Add { name, role } => {
            let user = NewUser {
                username: name,
                role: role.into(),
            };
            let added = daemon.add_user(&user).await.map_err(|error| {
                let is_there = error.code() == Some(Code::Conflict);
                let failure = Failure::from(error);
                match is_there {
                    true => failure.help(format!(
                        "change its role:  relctl user set-role {} --role {}",
                        user.username,
                        user.role.as_str()
                    )),
                    false => failure,
                }
            })?;
            output.result("user", &added, || {
                format!("added {} ({})", added.username, added.role.as_str())
            })?;
            output.say(&format!(
                "Next    relctl token create --user {}",
                added.username
            ));
        }
        UserCommand::List => {
            let users = all_users(&daemon).await?;
            output.result("users", &users, || describe(&users))?;
        }
        UserCommand::Disable { name } => {
            let change = UserChange {
                enabled: Some(false),
                ..UserChange::default()
            };
            let user = daemon.change_user(&name, &change).await?;
            output.result("user", &user, || {
                format!("disabled {name}; its tokens no longer count")
            })?;
        }
        UserCommand::Enable { name } => {
            let change = UserChange {
                enabled: Some(true),
                ..UserChange::default()
            };
            let user = daemon.change_user(&name, &change).await?;
            output.result("user", &user, || format!("enabled {name}"))?;
        }
        UserCommand::SetRole { name, role } => {
            let change = UserChange {
                role: Some(role.into()),
                ..UserChange::default()
            };
            let user = daemon.change_user(&name, &change).await?;
            output.result("user", &user, || {
                format!("{name} is {} now", user.role.as_str())
            })?;
        }
    }
    Ok(Exit::Ok)
}

async fn all_users(daemon: &Daemon) -> Result<Vec<UserView>, Failure> {
    let mut users = Vec::new();
    for page in 0.. {
        let page = daemon.users(page, 100).await?;
        let is_last = page.content.is_empty() || u64::from(page.page) + 1 >= page.total_pages;
        users.extend(page.content);
        if is_last {
            break;
        }
    }
    Ok(users)
}

fn describe(users: &[UserView]) -> String {
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| {
            vec![
                user.username.to_string(),
                user.role.as_str().to_owned(),
                if user.enabled { "yes" } else { "no" }.to_owned(),
                user.created_at.to_string(),
            ]
        })
        .collect();
    table(&["USER", "ROLE", "ENABLED", "CREATED"], &rows)
}
