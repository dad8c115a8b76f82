use clap::FromArgMatches;

use super::*;

/// As on a terminal of 100 columns, whatever the tests run in.
fn command() -> clap::Command {
    let mut command = super::command().term_width(100);
    command.build();
    command
}

fn parse(line: &str) -> Result<Cli, String> {
    let words = std::iter::once("relctl").chain(line.split_whitespace());
    let matches = super::command().try_get_matches_from(words);
    matches
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| error.to_string())
}

#[test]
fn the_command_line_contradicts_itself_nowhere() {
    super::command().debug_assert();
}

#[test]
fn the_lines_of_the_contract_are_understood() {
    for line in [
        "user add ci --role PUBLISHER",
        "token create --user ci --ttl 1h",
        "token create --user ci",
        "publish app.jar",
        "publish app.jar --version 2.1.0 --channel beta --notes text --mandatory --minimum-client-version 2.0.0 --rollout 10 --delta-from auto --draft",
        "publish app.jar --notes-file - --rollout 10% --delta-from 2.0.0,1.9.4",
        "publish app.jar --delta-from none",
        "delta create old new -o patch",
        "delta create old new -o patch --format jar",
        "delta create old new -o patch --format zstd",
        "delta create old new -o patch --format auto --level 19 --max-ratio 60%",
        "delta create old new -o patch --fast",
        "delta apply old patch -o new",
        "delta inspect patch --json",
        "checksum create a b -o SHA256SUMS",
        "checksum create a",
        "checksum verify SHA256SUMS",
        "checksum verify",
        "package classes --version 2.1.0 --main-class app.Main -o app.jar",
        "package app.jar --version 2.1.0 -o dist",
        "package app.jar --normalize --manifest m --max-java 17 --strict",
        "inspect app.jar",
        "inspect app.jar --against old.jar --list --max-java 17 --strict --json",
        "versions list",
        "versions show 2.1.0",
        "versions enable 2.1.0",
        "versions disable 2.1.0",
        "versions rollback --channel stable --to 2.0.5",
        "watch",
        "watch 2.1.0 --json --until 95% --fail-over 2% --timeout 30m",
        "watch --until done --min-sample 20 --give-up-after 5m --view plain",
        "watch --until 40",
        "client update --app-dir app --client-id desktop-1 --channel stable --once",
        "client run --app-dir app",
        "client run --app-dir app --probation 5s --max-crashes 2 --require-confirmation -- -Xmx1g -- --open x",
        "client run --app-dir app --java jre/bin/java -- -cp {jar}:lib/* app.Main",
        "client install --app-dir app",
        "client install 2.1.0 --app-dir app --force",
        "client rollback --app-dir app --to 2.0.0",
        "client status --app-dir app --json",
        "--json whoami",
        "simulate --clients 200",
        "simulate --clients 200 --channel beta --scenario fail:10% --json",
        "simulate --clients 2 --scenario flaky --rate 5/s --seed 7 --until updated --download",
        "client simulate -n 200 --scenario slow --until 90s --current 1.0.0",
        "whoami --json --token-file f --url http://127.0.0.1:1",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn wrong_values_are_named_with_what_was_expected() {
    for (line, words) in [
        ("publish app.jar --version 2.1", "not a SemVer 2.0 version"),
        (
            "publish app.jar --channel Stable",
            "expected a channel name",
        ),
        (
            "publish app.jar --rollout 101",
            "expected a whole number from 0 to 100",
        ),
        (
            "publish app.jar --delta-from 2.0.0,x",
            "expected auto, none, or versions",
        ),
        (
            "delta create old new -o patch --fast --level 19",
            "cannot be used with",
        ),
        (
            "publish app.jar --notes a --notes-file b",
            "cannot be used with",
        ),
        (
            "client update --app-dir d --client-id ../x",
            "expected a client id",
        ),
        (
            "token create --user ci --ttl soon",
            "expected a time such as 30s",
        ),
        (
            "user add ci --role BOSS",
            "possible values: USER, PUBLISHER, ADMIN",
        ),
        (
            "client run --app-dir d --max-crashes 0",
            "0 is not in 1..=100",
        ),
        (
            "client install --app-dir d --force",
            "required arguments were not provided",
        ),
        ("client status", "--app-dir"),
        ("simulate", "--clients"),
        ("simulate --clients 0", "0 is not in 1..=25000"),
        (
            "simulate --clients 5 --scenario sad",
            "expected happy, slow, flaky, or fail:P%",
        ),
        (
            "simulate --clients 5 --until soon",
            "expected updated, or a time",
        ),
        ("watch --until 0", "expected a share such as 95%"),
        (
            "watch --until 101%",
            "expected a whole number from 0 to 100",
        ),
        ("publsh app.jar", "similar subcommand"),
        ("whoami --token secret", "unexpected argument '--token'"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
}

#[test]
fn the_help_of_relctl_fits_on_a_screen() {
    insta::assert_snapshot!(command().render_help());
}

#[test]
fn the_help_of_each_command_says_what_it_does_and_shows_how() {
    let mut command = command();
    for path in [
        &["publish"][..],
        &["watch"],
        &["package"],
        &["inspect"],
        &["delta", "create"],
        &["client", "update"],
        &["client", "run"],
        &["client", "install"],
        &["client", "rollback"],
        &["client", "status"],
        &["token", "create"],
        &["versions", "rollback"],
        &["simulate"],
        &["login"],
        &["config", "show"],
        &["doctor"],
        &["schema"],
        &["completions"],
        &["man"],
    ] {
        let mut found = &mut command;
        for name in path {
            found = found.find_subcommand_mut(name).unwrap();
        }
        // What all commands take is in the help of `relctl`.
        let help = found.render_long_help().to_string();
        let own = help.split("Global options:").next().unwrap();
        let examples = help.split("Examples:").nth(1).unwrap_or_default();
        insta::assert_snapshot!(path.join("-"), format!("{own}{examples}"));
    }
}

#[test]
fn the_help_shows_no_value_of_the_environment() {
    let command = command();
    let mut left: Vec<&clap::Command> = vec![&command];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands());
        for argument in command.get_arguments() {
            let is_shown = argument.get_env().is_some() && !argument.is_hide_env_values_set();
            assert!(!is_shown, "{} {}", command.get_name(), argument.get_id());
        }
    }
}

#[test]
fn every_option_has_a_variable_of_its_own_but_those_that_only_answer() {
    let command = command();
    let mut left: Vec<(String, &clap::Command)> = vec![(String::new(), &command)];
    let mut options_by_variable: std::collections::BTreeMap<String, String> = Default::default();
    while let Some((path, command)) = left.pop() {
        for below in command.get_subcommands() {
            left.push((format!("{path} {}", below.get_name()), below));
        }
        for argument in command.get_arguments() {
            let Some(option) = argument.get_long() else {
                continue;
            };
            if ["help", "version", "token-file"].contains(&option) {
                continue;
            }
            let name = argument.get_env().unwrap().to_string_lossy().into_owned();
            // One variable for options of different names would be an accident.
            let known = options_by_variable.insert(name.clone(), option.to_owned());
            assert!(
                known.is_none_or(|known| known == option),
                "{path} --{option}: {name}"
            );
        }
    }
    let names = [
        "RELCTL_URL",
        "RELCTL_PUBLISH_DELTA_FROM",
        "RELCTL_CLIENT_UPDATE_POLL",
    ];
    for name in names {
        assert!(options_by_variable.contains_key(name), "{name}");
    }
}
