//! Commands about relctl itself: completions, manual pages, help.

use std::path::Path;

use clap::Command;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{self, CompletionsArgs, HelpArgs, ManArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::suggest::nearest;

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Manual {
    folder: String,
    pages: usize,
}

pub(crate) fn complete(args: &CompletionsArgs, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "relctl", &mut script);
    output.verbatim(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}

pub(crate) fn write_manual(args: &ManArgs, output: &Output) -> Result<Exit, Failure> {
    let mut command = args::command();
    command.build();
    match &args.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .map_err(|error| Failure::file("make the folder", folder, &error))?;
            let manual = Manual {
                folder: folder.display().to_string(),
                pages: write_pages(&command, folder)?,
            };
            output.result("manual", &manual, || {
                format!("{} pages in {}", manual.pages, manual.folder)
            })?;
        }
        None => {
            let mut page = Vec::new();
            let man = clap_mangen::Man::new(command);
            man.render(&mut page)
                .map_err(|error| Failure::error(error.to_string()))?;
            output.verbatim(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Ok)
}

/// One page for each command, `relctl-versions-list.1`.
fn write_pages(command: &Command, folder: &Path) -> Result<usize, Failure> {
    let man = clap_mangen::Man::new(command.clone());
    let path = folder.join(man.get_filename());
    let mut page = Vec::new();
    man.render(&mut page)
        .and_then(|()| std::fs::write(&path, page))
        .map_err(|error| Failure::file("write", &path, &error))?;
    let mut pages = 1;
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
    {
        pages += write_pages(below, folder)?;
    }
    Ok(pages)
}

/// `relctl help`: a command's long help, or a topic.
pub(crate) fn help(args: &HelpArgs, output: &Output) -> Result<Exit, Failure> {
    let mut command = args::command();
    command.build();
    if let [name] = args.about.as_slice()
        && let Some((_, topic)) = TOPICS.iter().find(|(known, _)| known == name)
    {
        output.line(&topic())?;
        return Ok(Exit::Ok);
    }
    let mut found = &mut command;
    for name in &args.about {
        let names: Vec<String> = found
            .get_subcommands()
            .map(|below| below.get_name().to_owned())
            .collect();
        found = match found.find_subcommand_mut(name) {
            Some(below) => below,
            None => return Err(unknown(name, &names)),
        };
    }
    let help = found.render_long_help();
    match output.style().color_stdout {
        true => output.verbatim(&help.ansi().to_string())?,
        false => output.verbatim(&help.to_string())?,
    }
    Ok(Exit::Ok)
}

fn unknown(name: &str, commands: &[String]) -> Failure {
    let topics = TOPICS.iter().map(|(topic, _)| *topic);
    let known = commands.iter().map(String::as_str).chain(topics);
    let failure = Failure::usage(format!("there is no command and no topic {name:?}"));
    match nearest(name, known) {
        Some(near) => failure.help(format!("did you mean {near}?")),
        None => failure.help("all commands:  relctl help"),
    }
}

type Topic = (&'static str, fn() -> String);

const TOPICS: [Topic; 3] = [
    ("exit-codes", exit_codes),
    ("environment", environment),
    ("json", || include_str!("../help/json.txt").to_owned()),
];

fn exit_codes() -> String {
    let mut text = "How relctl ends. These numbers do not change.\n\n".to_owned();
    for (exit, name, meaning) in Exit::TABLE {
        text.push_str(&format!("{:>5}  {name:<17} {meaning}\n", exit.code()));
    }
    text.push_str(
        "\n`relctl client run` ends with the exit code of its application.\n\
         With --json the same number is error.exitCode.\n",
    );
    text
}

fn environment() -> String {
    let mut text = include_str!("../help/environment.txt").to_owned();
    add_variables(&args::command(), "relctl", &mut text);
    text
}

fn add_variables(command: &Command, path: &str, text: &mut String) {
    let mut lines = String::new();
    for argument in command.get_arguments() {
        if let (Some(option), Some(name)) = (argument.get_long(), argument.get_env()) {
            lines.push_str(&format!("  {:<42} --{option}\n", name.to_string_lossy()));
        }
    }
    if !lines.is_empty() {
        text.push_str(&format!("\n{path}\n{lines}"));
    }
    for below in command.get_subcommands() {
        add_variables(below, &format!("{path} {}", below.get_name()), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_codes_are_told_as_they_are() {
        insta::assert_snapshot!(exit_codes());
    }

    #[test]
    fn the_environment_is_told_whole() {
        let text = environment();
        for words in [
            "RELCTL_TOKEN_FILE",
            "CLICOLOR_FORCE",
            "relctl publish\n",
            "RELCTL_PUBLISH_DELTA_FROM                  --delta-from",
        ] {
            assert!(text.contains(words), "{words} is not in {text}");
        }
    }

    #[test]
    fn a_topic_that_is_misspelt_is_guessed() {
        let failure = unknown("exit-code", &["publish".to_owned()]);
        assert_eq!(failure.help, ["did you mean exit-codes?"]);
        let failure = unknown("zzz", &[]);
        assert_eq!(failure.help, ["all commands:  relctl help"]);
    }
}
