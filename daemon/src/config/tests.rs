//! Precedence, refusals and the sample file.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use super::args::{self, Action, ArgsError};
use super::keys::KEYS;
use super::*;

fn parse_file(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relctld.toml");
    std::fs::write(&path, text).unwrap();
    Config::from_given(&Given::read_file(&path)?)
}

fn refusal(text: &str) -> String {
    let message = parse_file(text).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

fn flags(args: &[&str]) -> Result<Action, ArgsError> {
    args::parse(["relctld", "serve"].iter().chain(args).map(OsString::from))
}

fn served(args: &[&str]) -> Config {
    match flags(args).unwrap() {
        Action::Serve(config) => *config,
        Action::CheckConfig(..) => panic!("serve was asked for"),
    }
}

#[test]
fn without_a_file_the_defaults_of_the_table_hold() {
    let config = Config::from_given(&Given::default()).unwrap();
    for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
        let mut given = Given::default();
        given.set(key.name, key.default, Origin::Flag(key.flag));
        let said = report::effective(&Config::from_given(&given).unwrap(), &Given::default());
        assert_eq!(
            said,
            report::effective(&config, &Given::default()),
            "{}",
            key.name
        );
        let name = key.name;
        assert!(!said.contains(&format!("# {name} is not set")), "{name}");
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relctld.toml");
    std::fs::write(
        &path,
        "listen = \"127.0.0.1:9\"\nshutdown-grace = \"2s\"\n[limits]\nmessages-per-minute = 7\n",
    )
    .unwrap();
    let config = served(&[
        "--config",
        path.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(config.listen.port(), 0);
    assert_eq!(config.shutdown_grace, Duration::from_secs(2));
    assert_eq!(config.limits.messages_per_minute, 7);
    assert_eq!(config.limits.concurrent_downloads, 3);
}

#[test]
fn lists_are_written_with_commas_on_the_command_line() {
    let config = served(&[
        "--cors-allowed-origins",
        "https://a.example, http://B.example:3000/",
        "--channels",
        "nightly,canary",
    ]);
    assert_eq!(
        config.cors.allowed_origins,
        ["https://a.example", "http://b.example:3000"]
    );
    assert_eq!(
        config.channels.as_slice().last().unwrap().as_str(),
        "canary"
    );
}

#[test]
fn unknown_keys_are_refused_with_file_line_and_a_guess() {
    let message = refusal("\n[limits]\nmessage-per-minute = 3\n");
    assert!(message.contains("relctld.toml, line 3"), "{message}");
    assert!(
        message.contains("did you mean \"limits.messages-per-minute\"?"),
        "{message}"
    );
    for text in [
        "lisen = \"127.0.0.1:1\"",
        "[limit]\n",
        "[limit]\nx = 1",
        "[log.format]\nx = 1",
    ] {
        refusal(text);
    }
}

#[test]
fn bad_values_are_refused_with_file_line_and_key() {
    for (text, key) in [
        ("listen = \"127.0.0.1:65536\"", "listen"),
        ("listen = \"http\"", "listen"),
        ("listen = 8081", "listen"),
        ("listen = true", "listen"),
        ("data-dir = \"\"", "data-dir"),
        ("channels = [\"Stable!\"]", "channels"),
        ("channels = \"a b\"", "channels"),
        ("shutdown-grace = \"soon\"", "shutdown-grace"),
        ("shutdown-grace = -1", "shutdown-grace"),
        ("shutdown-grace = \"25h\"", "shutdown-grace"),
        (
            "[websocket]\nheartbeat-interval = 0",
            "websocket.heartbeat-interval",
        ),
        (
            "[websocket]\nmax-message-bytes = 1",
            "websocket.max-message-bytes",
        ),
        (
            "[sockjs]\niframe-and-jsonp = \"on\"",
            "sockjs.iframe-and-jsonp",
        ),
        ("[sockjs]\niframe-and-jsonp = 1", "sockjs.iframe-and-jsonp"),
        (
            "[sockjs]\nclient-url = \"sockjs.min.js\"",
            "sockjs.client-url",
        ),
        ("[sockjs]\nclient-url = \"/a b.js\"", "sockjs.client-url"),
        (
            "[limits]\nconnections-per-minute = -1",
            "limits.connections-per-minute",
        ),
        (
            "[limits]\nconnections-per-minute = 4294967296",
            "limits.connections-per-minute",
        ),
        (
            "[limits]\nmax-upload-bytes = 1.5",
            "limits.max-upload-bytes",
        ),
        (
            "[limits]\ndownload-bytes-per-second-per-client = 1",
            "limits.download-bytes-per-second-per-client",
        ),
        (
            "[limits]\ndownload-bytes-per-second = \"1 MB\"",
            "limits.download-bytes-per-second",
        ),
        (
            "[limits]\ndownload-stall-timeout = 0",
            "limits.download-stall-timeout",
        ),
        ("[deltas]\nbuild = \"on\"", "deltas.build"),
        ("[deltas]\nbuild = true", "deltas.build"),
        ("[cors]\nallowed-origins = [\"*\"]", "cors.allowed-origins"),
        (
            "[cors]\nallowed-origins = [\"your-domain.com\"]",
            "cors.allowed-origins",
        ),
        (
            "[cors]\nallowed-origins = [\"https://a.example/path\"]",
            "cors.allowed-origins",
        ),
        ("[cors]\nallowed-origins = [1.5]", "cors.allowed-origins"),
        ("[jwt]\nalgorithm = \"none\"", "jwt.algorithm"),
        ("[jwt]\nalgorithm = \"HS512\"", "jwt.algorithm"),
        ("[jwt]\nalgorithm = \"RS256\"", "jwt.public-key-file"),
        (
            "[jwt]\npublic-key-file = \"key.pem\"",
            "jwt.public-key-file",
        ),
        (
            "[jwt]\nalgorithm = \"EdDSA\"\nsecret-file = \"x\"",
            "jwt.secret-file",
        ),
        ("[log]\nformat = \"xml\"", "log.format"),
        ("[log]\nlevel = \"\"", "log.level"),
    ] {
        let message = refusal(text);
        assert!(message.contains(key), "{text}: {message}");
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused_with_their_place_and_what_to_set() {
    let message = refusal("[jwt]\nalgorithm = \"RS256\"\n");
    for words in [
        "relctld.toml, line 2: jwt.algorithm: RS256 needs",
        "set jwt.public-key-file (PEM) or jwt.jwks-file",
    ] {
        assert!(message.contains(words), "{message}");
    }
    let message = flags(&["--jwt-jwks-file", "keys.json"]).unwrap_err();
    let message = message.to_string();
    assert!(
        message.starts_with("--jwt-jwks-file: jwt.jwks-file: "),
        "{message}"
    );
}

#[test]
fn a_key_that_is_there_twice_is_named() {
    for (text, key, line) in [
        (
            "listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"",
            "listen",
            2,
        ),
        ("[jwt]\nissuer = \"a\"\n\n issuer = \"b\"", "issuer", 4),
        ("[log]\n[jwt]\n[log]\n", "log", 3),
    ] {
        let message = refusal(text);
        let told = format!("line {line}: the key {key:?} is there twice");
        assert!(message.ends_with(&told), "{message}");
    }
}

#[test]
fn a_file_has_lists_where_the_command_line_has_commas() {
    for (text, key) in [
        (
            "[cors]\nallowed-origins = \"http://a\"",
            "cors.allowed-origins",
        ),
        ("channels = \"nightly\"", "channels"),
    ] {
        let message = refusal(text);
        assert!(
            message.contains(&format!("{key}: expected a list of texts")),
            "{message}"
        );
    }
    let config = parse_file("channels = [\"nightly\"]").unwrap();
    assert_eq!(config.channels.extra().len(), 1);
}

#[test]
fn a_built_in_channel_is_not_listed_again() {
    for text in [
        "channels = [\"nightly\", \"beta\"]",
        "channels = [\"stable\"]",
    ] {
        let message = refusal(text);
        assert!(message.contains("line 1: channels: "), "{message}");
        assert!(message.contains("is built in"), "{message}");
    }
    assert!(flags(&["--channels", "alpha"]).is_err());
}

#[test]
fn what_is_no_toml_file_is_refused() {
    for text in [
        "listen = ",
        "listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"",
        "[limits",
        "\u{0}",
    ] {
        refusal(text);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relctld.toml");
    assert!(Given::read_file(&path).is_err(), "a missing file");
    assert!(Given::read_file(folder.path()).is_err(), "a folder");
    std::fs::write(&path, [b'#', 0xff]).unwrap();
    assert!(Given::read_file(&path).is_err(), "not UTF-8");
    std::fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    assert!(Given::read_file(&path).is_err(), "far too large");
}

#[test]
fn zero_switches_limits_off_and_durations_have_units() {
    let config = parse_file(
        "[limits]\nconnections-per-minute = 0\nmax-upload-bytes = 0\n[websocket]\nheartbeat-interval = \"1m\"\nconnection-timeout = 300\n",
    )
    .unwrap();
    assert_eq!(
        (
            config.limits.connections_per_minute,
            config.limits.max_upload_bytes
        ),
        (0, 0)
    );
    assert_eq!(config.websocket.heartbeat_interval, Duration::from_secs(60));
    assert_eq!(
        config.websocket.connection_timeout,
        Duration::from_millis(300)
    );
}

#[test]
fn a_switch_is_written_as_in_any_toml_file() {
    let config = parse_file("[sockjs]\niframe-and-jsonp = false\n").unwrap();
    assert!(!config.sockjs.iframe_and_jsonp);
    let config = served(&["--sockjs-iframe-and-jsonp", "false"]);
    assert!(!config.sockjs.iframe_and_jsonp);
}

#[test]
fn a_refused_setting_is_told_from_a_command_line_that_makes_no_sense() {
    assert!(matches!(
        flags(&["--listen", "nowhere"]),
        Err(ArgsError::Config(_))
    ));
    assert!(matches!(
        flags(&["--config", "/nonexistent.toml"]),
        Err(ArgsError::Config(_))
    ));
    assert!(matches!(
        flags(&["--no-such-flag"]),
        Err(ArgsError::Usage(_))
    ));
}

#[test]
fn the_sample_file_is_the_table_and_holds_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("relctld.sample.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        sample(),
        "relctld.sample.toml differs from the table of keys; it should be as above"
    );
    // A default stands behind a bare number sign; prose, and what has no default, behind a number sign and a space.
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
        Some(_) => String::new(),
        None => format!("{line}\n"),
    };
    let values: String = text.lines().map(uncommented).collect();
    let config = parse_file(&values).unwrap();
    assert_eq!(config.listen, Config::with_defaults("x".into()).listen);
}

/// The sample file: each key with its meaning, variable and default, commented out.
fn sample() -> String {
    let mut text = String::from(
        "# Settings of relctld, with their defaults. A flag wins over the environment, that over this file.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if table != section {
            section = table;
            let _ = writeln!(text, "\n[{table}]");
        }
        let _ = writeln!(text, "\n# {} ({}).", key.about, key.env);
        let _ = match key.default {
            "" if matches!(key.name, "channels" | "cors.allowed-origins") => {
                writeln!(text, "#{name} = []")
            }
            "" => writeln!(text, "# {name} = \"{}\"", key.value),
            switch @ ("true" | "false") => writeln!(text, "#{name} = {switch}"),
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                writeln!(text, "#{name} = {number}")
            }
            word => writeln!(text, "#{name} = {word:?}"),
        };
    }
    text
}
