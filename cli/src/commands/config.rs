//! `relctl config`: what counts, and who said so.

use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{ConfigCommand, ConfigShowArgs, Global};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, table};
use crate::settings::{Given, Origin, Setting, Settings, Surroundings, TOKEN_FILE};
use crate::suggest::nearest;

/// What counts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    profile: Option<String>,
    settings: Vec<Entry>,
}

/// One setting.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Entry {
    key: String,
    /// Absent when nobody set it and there is no default.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// `flag`, `variable`, `file`, `default` or `unset`.
    from: &'static str,
    /// Which flag, variable or file.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    variable: String,
}

/// Which files count.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Paths {
    /// Those that are read, the strongest first.
    files: Vec<String>,
    /// Where the user's own file is, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_file: Option<String>,
    /// Where `relctl login` keeps tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<String>,
}

pub(crate) fn run(
    global: &Global,
    command: ConfigCommand,
    settings: &Settings,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Show(args) => show(global, &args, settings, output)?,
        ConfigCommand::Get { key } => {
            let entry = get(&key, settings)?;
            let value = entry.value.clone().unwrap_or_default();
            output.result("setting", &entry, || value)?;
        }
        ConfigCommand::Path => {
            let paths = paths(settings);
            output.result("config-paths", &paths, || describe_paths(&paths))?;
        }
    }
    Ok(Exit::Ok)
}

fn show(
    global: &Global,
    args: &ConfigShowArgs,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let mut entries: Vec<Entry> = settings
        .catalog
        .all()
        .filter(|setting| !setting.is_narrow || settings.in_files(&setting.key).is_some())
        .map(|setting| entry(setting, settings))
        .filter(|entry| args.all || is_worth_a_line(entry))
        .collect();
    entries.push(token(global, settings));
    let shown = Shown {
        profile: settings.profile.clone(),
        settings: entries,
    };
    output.result("config", &shown, || describe(&shown, args.origin))
}

/// Defaults of single commands are in their help.
fn is_worth_a_line(entry: &Entry) -> bool {
    match entry.from {
        "unset" => false,
        "default" => !entry.key.contains('.'),
        _ => true,
    }
}

fn entry(setting: &Setting, settings: &Settings) -> Entry {
    let found = match setting.key.as_str() {
        // Its order is that of the token: see `token`.
        TOKEN_FILE => settings.in_files(TOKEN_FILE).cloned(),
        _ => settings.resolve(setting, &|name| std::env::var_os(name)),
    };
    let found = found.or_else(|| {
        let value = (setting.key == "url").then(|| config::DEFAULT_URL.to_owned())?;
        Some(Given {
            values: vec![value],
            origin: Origin::Default,
        })
    });
    let (value, from, origin) = match found {
        Some(Given { values, origin }) => {
            let from = match origin {
                Origin::Flag(_) => "flag",
                Origin::Variable(_) => "variable",
                Origin::File { .. } => "file",
                Origin::Default => "default",
            };
            let named = (origin != Origin::Default).then(|| origin.to_string());
            (Some(values.join(",")), from, named)
        }
        None => (None, "unset", None),
    };
    Entry {
        key: setting.key.clone(),
        value,
        from,
        origin,
        variable: setting.variable.clone(),
    }
}

/// Whether there is a token and where it is from; never the token itself.
fn token(global: &Global, settings: &Settings) -> Entry {
    let found = config::anonymous(global)
        .and_then(|daemon| config::token(global, daemon.url(), &|name| std::env::var_os(name)));
    let origin = match (&found, settings.in_files(TOKEN_FILE)) {
        (Ok((_, source)), _) => Some(source.clone()),
        (Err(_), Some(given)) => Some(given.origin.to_string()),
        (Err(_), None) => None,
    };
    Entry {
        key: "token".to_owned(),
        value: found.is_ok().then(|| "****".to_owned()),
        from: match found {
            Ok(_) => "token",
            Err(_) => "unset",
        },
        origin,
        variable: "RELCTL_TOKEN".to_owned(),
    }
}

fn get(key: &str, settings: &Settings) -> Result<Entry, Failure> {
    let Some(setting) = settings.catalog.get(key) else {
        let failure = Failure::new(
            Exit::NotFound,
            "NO_SETTING",
            format!("there is no setting {key}"),
        );
        return Err(match nearest(key, settings.catalog.keys()) {
            Some(near) => failure.help(format!("did you mean {near}?")),
            None => failure.help("what is there?  relctl config show --all"),
        });
    };
    let entry = entry(setting, settings);
    match entry.value {
        Some(_) => Ok(entry),
        None => Err(
            Failure::new(Exit::NotFound, "UNSET", format!("{key} is not set")).help(format!(
                "set it by {}, or as {key} in relctl.toml",
                setting.variable
            )),
        ),
    }
}

fn paths(settings: &Settings) -> Paths {
    let surroundings = Surroundings {
        folder: std::env::current_dir().unwrap_or_default(),
        variable: &|name| std::env::var_os(name),
    };
    let shown = |path: std::path::PathBuf| path.display().to_string();
    Paths {
        files: settings.files.iter().cloned().map(shown).collect(),
        user_file: surroundings.user_file().map(shown),
        credentials: surroundings
            .user_folder()
            .map(|folder| shown(folder.join("credentials.toml"))),
    }
}

fn describe(shown: &Shown, with_origin: bool) -> String {
    let rows: Vec<Vec<String>> = shown
        .settings
        .iter()
        .map(|entry| {
            let value = entry.value.clone().unwrap_or_else(|| "-".to_owned());
            let origin = entry
                .origin
                .clone()
                .unwrap_or_else(|| entry.from.to_owned());
            let mut row = vec![entry.key.clone(), value];
            row.extend(with_origin.then_some(origin));
            row
        })
        .collect();
    match with_origin {
        true => table(&["SETTING", "VALUE", "FROM"], &rows),
        false => table(&["SETTING", "VALUE"], &rows),
    }
}

fn describe_paths(paths: &Paths) -> String {
    let mut text = String::new();
    for file in &paths.files {
        text.push_str(&format!("read         {file}\n"));
    }
    let unread = paths
        .user_file
        .iter()
        .filter(|file| !paths.files.contains(file));
    for file in unread {
        text.push_str(&format!("user file    {file} (not there)\n"));
    }
    if let Some(file) = &paths.credentials {
        text.push_str(&format!("credentials  {file}\n"));
    }
    text
}
