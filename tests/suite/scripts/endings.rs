//! How commands end when something ends them: a reader that goes, a signal, a full disk, a network that breaks.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use tests::Relctl;

use super::relctl;
use crate::BINARIES;

/// A daemon that takes connections and says nothing until it is told what.
struct Mute(TcpListener);

impl Mute {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn versions_list(&self) -> Relctl<'static> {
        let url = format!("http://{}", self.0.local_addr().unwrap());
        let call = relctl(["versions", "list"]);
        call.env("RELCTL_URL", &url).token("a.b.c")
    }

    /// Waits until a request has arrived.
    fn request(&self) -> TcpStream {
        let (mut stream, _) = self.0.accept().unwrap();
        let mut request = [0; 16];
        stream.read_exact(&mut request).unwrap();
        stream
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(BINARIES.relctl)
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    let finished = child.wait_with_output().unwrap();
    assert_eq!(finished.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&finished.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_full_is_an_error_that_is_said() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    for arguments in [&["schema"][..], &["help", "exit-codes"], &["--help"]] {
        let finished = Command::new(BINARIES.relctl)
            .args(arguments)
            .stdout(full.as_ref().unwrap().try_clone().unwrap())
            .output()
            .unwrap();
        assert_eq!(finished.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8_lossy(&finished.stderr);
        assert!(
            said.contains("cannot write the output: no space left"),
            "{said}"
        );
    }
}

#[test]
fn signals_end_a_command_that_waits_with_their_own_codes() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let daemon = Mute::new();
        let running = daemon.versions_list().args(["--json"]).start();
        let connection = daemon.request();
        running.signal(signal);
        let finished = running.finish().exits_with(code);
        assert_eq!(finished.json()["error"]["code"], "INTERRUPTED");
        drop(connection);
    }
}

#[test]
fn a_time_that_is_over_ends_a_command_with_its_own_code() {
    let daemon = Mute::new();
    let running = daemon.versions_list().args(["--timeout", "200ms"]).start();
    let connection = daemon.request();
    let finished = running.finish().exits_with(10);
    assert!(
        finished.stderr.contains("--timeout"),
        "{}",
        finished.story()
    );
    drop(connection);
}

#[test]
fn a_connection_that_breaks_or_talks_nonsense_is_the_network() {
    for (answer, code) in [
        ("", "CONNECTION_LOST"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"succ",
            "CONNECTION_LOST",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\ncontent-type: text/html\r\n\r\n<html>",
            "NOT_A_DAEMON",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", "CONNECTION_LOST"),
    ] {
        let daemon = Mute::new();
        let running = daemon.versions_list().args(["--json"]).start();
        let mut connection = daemon.request();
        connection.write_all(answer.as_bytes()).unwrap();
        drop(connection);
        // Whoever asks again finds nobody.
        drop(daemon);
        let finished = running.finish().exits_with(8);
        assert_eq!(
            finished.json()["error"]["code"],
            code,
            "{}",
            finished.story()
        );
    }
}

#[test]
fn nobody_is_asked_where_there_is_nobody() {
    let login = relctl(["login"]).run().exits_with(4);
    assert!(
        login.stderr.contains("the token is empty"),
        "{}",
        login.story()
    );
    assert!(!login.stderr.contains("Token for"), "{}", login.story());
    let piped = relctl(["whoami", "--token-file", "-"]).run().exits_with(4);
    assert!(
        piped.stderr.contains("the token is empty"),
        "{}",
        piped.story()
    );
}

#[test]
fn a_full_terminal_is_drawn_in_colour_and_a_pipe_is_not() {
    let said = |variables: &[(&str, &str)], arguments: &[&'static str]| {
        let call = relctl(["config", "get", "nonsense"]).args(arguments.iter().copied());
        let call = variables
            .iter()
            .fold(call, |call, (name, value)| call.env(name, value));
        call.run().exits_with(5).stderr
    };
    assert!(!said(&[], &[]).contains('\u{1b}'));
    assert!(said(&[("CLICOLOR_FORCE", "1")], &[]).contains("\u{1b}[1;31merror:"));
    assert!(!said(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]).contains('\u{1b}'));
    assert!(said(&[("NO_COLOR", "1")], &["--color", "always"]).contains('\u{1b}'));
    let help = relctl(["--color", "always", "--help"]).succeed();
    assert!(help.contains('\u{1b}'));
    assert!(!relctl(["--help"]).succeed().contains('\u{1b}'));
}
