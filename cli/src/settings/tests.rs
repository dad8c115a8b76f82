use std::fs;

use tempfile::TempDir;

use super::*;
use crate::args;

/// A home with a project in it.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project/build/deep")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn read(&self, line: &str) -> Result<Settings, Failure> {
        let command = args::command();
        let words = std::iter::once("relctl").chain(line.split_whitespace());
        let lenient = command.clone().ignore_errors(true);
        let matches = lenient.try_get_matches_from(words).unwrap();
        let home = self.0.path().to_owned();
        let variable = |name: &str| (name == "HOME").then(|| home.clone().into_os_string());
        let surroundings = Surroundings {
            folder: self.path("project/build/deep"),
            variable: &variable,
        };
        Settings::read(&command, &matches, &surroundings)
    }

    /// What counts for a setting.
    fn value(&self, line: &str, key: &str) -> String {
        let settings = self.read(line).unwrap();
        let setting = settings.catalog.get(key).unwrap();
        let given = settings.resolve(setting, &|_| None);
        given.map_or_else(String::new, |given| given.values.join(","))
    }
}

#[test]
fn the_nearer_file_counts_and_a_profile_before_both() {
    let home = Home::new();
    home.write(
        "project/relctl.toml",
        "url = 'http://project'\n[profiles.prod]\nurl = 'http://prod'",
    )
    .write(
        ".config/relctl/config.toml",
        "url = 'http://user'\nchannel = 'beta'\n[profiles.prod]\nchannel = 'alpha'\n[profiles.mine]\nurl = 'http://mine'",
    );
    assert_eq!(home.value("whoami", "url"), "http://project");
    assert_eq!(home.value("whoami", "channel"), "beta");
    assert_eq!(home.value("whoami --profile prod", "url"), "http://prod");
    assert_eq!(home.value("whoami --profile prod", "channel"), "alpha");
    assert_eq!(home.value("whoami --profile mine", "url"), "http://mine");
    assert_eq!(home.value("whoami --config none", "url"), "");
    let failure = home.read("whoami --profile prid").unwrap_err();
    assert_eq!(failure.exit, Exit::Config);
    assert_eq!(failure.help[0], "did you mean \"prod\"?");
}

#[test]
fn a_file_can_choose_a_profile_and_another_file_can_be_named() {
    let home = Home::new();
    home.write(
        "project/relctl.toml",
        "profile = 'prod'\n[profiles.prod]\nurl = 'http://prod'",
    )
    .write("project/build/deep/other.toml", "url = 'http://other'");
    assert_eq!(home.value("whoami", "url"), "http://prod");
    assert_eq!(
        home.value("whoami --config other.toml", "url"),
        "http://other"
    );
    let failure = home.read("whoami --config missing.toml").unwrap_err();
    assert_eq!(failure.exit, Exit::Config);
}

#[test]
fn options_of_single_commands_become_their_defaults() {
    let home = Home::new();
    home.write(
        "project/relctl.toml",
        "channel = 'beta'\njson = true\n[watch]\nchannel = 'alpha'\n[publish]\nrollout = '10%'\nplatform = ['linux', 'windows']\nallow-older = true\nsigning-key = 'keys/publisher.pem'",
    );
    let settings = home.read("publish app.jar").unwrap();
    let command = settings.apply(args::command());
    let parse = |line: &str| {
        let words = std::iter::once("relctl").chain(line.split_whitespace());
        let matches = command.clone().try_get_matches_from(words).unwrap();
        <args::Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap()
    };
    let cli = parse("publish app.jar");
    assert!(cli.global.json);
    let args::Command::Publish(publish) = cli.command else {
        panic!("another command");
    };
    assert_eq!(publish.channel.as_str(), "beta");
    assert_eq!((publish.rollout, publish.allow_older), (10, true));
    assert_eq!(publish.platforms.len(), 2);
    let key = home.path("project/keys/publisher.pem");
    assert_eq!(publish.signing_key.as_deref(), Some(key.as_path()));

    let args::Command::Publish(publish) =
        parse("publish app.jar --rollout 50 -c stable --platform macos").command
    else {
        panic!("another command");
    };
    assert_eq!((publish.rollout, publish.platforms.len()), (50, 1));
    assert_eq!(publish.channel.as_str(), "stable");

    let args::Command::Watch(watch) = parse("watch").command else {
        panic!("another command");
    };
    assert_eq!(watch.channel.unwrap().as_str(), "alpha");
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_file_and_key() {
    let home = Home::new();
    for (text, words) in [
        ("chanel = 'beta'", "chanel: there is no such setting"),
        ("[publish]\nrollot = '10%'", "publish.rollot"),
        ("token = 'a.b.c'", "no token belongs into a file"),
        ("[profiles.prod]\ntoken = 'a.b.c'", "no token belongs"),
        ("json = 'yes'", "json: expected true or false"),
        ("url = ['a', 'b']", "url: expected a text or a number"),
        ("url = 'http://x", "line 1"),
        ("profiles = 1", "profiles: there is no such setting"),
    ] {
        home.write("project/relctl.toml", text);
        let failure = home.read("whoami").unwrap_err();
        assert_eq!(failure.exit, Exit::Config, "{text}");
        let file = home.path("project/relctl.toml").display().to_string();
        let message = &failure.message;
        assert!(
            message.contains(words) && message.contains(&file),
            "{message}"
        );
        assert!(!message.contains("a.b.c"), "{message}");
    }
}

#[test]
fn a_value_that_no_option_takes_is_blamed_on_its_file() {
    let home = Home::new();
    home.write("project/relctl.toml", "[publish]\nrollout = '200%'");
    let settings = home.read("publish app.jar").unwrap();
    let command = settings.apply(args::command());
    let error = command
        .try_get_matches_from(["relctl", "publish", "app.jar"])
        .unwrap_err();
    let failure = settings.blame(&error).unwrap();
    assert_eq!(failure.exit, Exit::Config);
    assert!(
        failure
            .message
            .contains("relctl.toml: publish.rollout: \"200%\": expected a whole number"),
        "{}",
        failure.message
    );
}

#[test]
fn an_application_looks_at_no_project_and_nobody_at_what_a_stranger_may_have_put_there() {
    let home = Home::new();
    home.write("project/relctl.toml", "url = 'http://project'");
    assert_eq!(home.value("client status --app-dir x", "url"), "");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(home.path("project"), open).unwrap();
        let settings = home.read("whoami").unwrap();
        assert!(settings.files.is_empty());
        assert!(settings.warnings[0].contains("everybody may write"));
    }
}
