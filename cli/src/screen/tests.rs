//! The terminal in a panic. What a user does to it is tested with the whole program (tests/suite/screens.rs), which has no panic to offer.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

/// Says to this very test that it is the one that panics.
const PANICS: &str = "RELCTL_TEST_PANICS";

#[test]
fn a_panic_gives_the_terminal_back_and_can_be_read() {
    if std::env::var_os(PANICS).is_some() {
        let mut screen = Screen::open().unwrap();
        let paint = |buffer: &mut Buffer| {
            buffer.set_string(0, buffer.area.y, "the picture", Style::new());
        };
        screen.draw(&[], 5, paint).unwrap();
        panic!("the words of the panic");
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "screen::tests::a_panic_gives_the_terminal_back_and_can_be_read";
    let program = std::env::current_exe().unwrap();
    let line = format!(
        "{PANICS}=1 RUST_BACKTRACE=0 {} --exact {name} --nocapture; stty -a | grep -ow -e '-*echo' -e '-*icanon'; echo o''ver; read _",
        program.display()
    );
    let tmux = Tmux(&folder.path().join("tmux"));
    tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", &line]);
    let deadline = Instant::now() + Duration::from_secs(30);
    let seen = loop {
        let seen = tmux.run(&["capture-pane", "-p", "-S", "-"]);
        if seen.lines().any(|line| line == "over") {
            break seen;
        }
        assert!(Instant::now() < deadline, "{seen}");
        std::thread::sleep(Duration::from_millis(20));
    };
    for words in ["the picture\n", "the words of the panic\n"] {
        assert!(seen.contains(words), "{seen}");
    }
    let state: Vec<&str> = seen
        .lines()
        .filter(|line| line.ends_with("echo") || line.ends_with("icanon"))
        .collect();
    assert_eq!(state, ["icanon", "echo"], "{seen}");
    assert_eq!(
        tmux.run(&["display-message", "-p", "#{cursor_flag}"]),
        "1\n"
    );
}

#[test]
fn a_long_line_goes_on_below_and_is_cut_in_the_end() {
    assert_eq!(wrapped("", 3), [""]);
    assert_eq!(wrapped("abcdef", 3), ["abc", "def"]);
    assert_eq!(wrapped("日本語", 5), ["日本", "語"]);
    assert_eq!(wrapped(&"x".repeat(100), 2), ["xx", "xx", "xx", "xx"]);
    // Narrower than a character: cut, and not for ever.
    assert_eq!(wrapped("日", 1).concat(), "日");
}

/// A terminal of its own, by the socket of its server.
struct Tmux<'a>(&'a Path);

impl Tmux<'_> {
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(self.0)
            .args(arguments);
        let output = command.output();
        let output = output.expect("tmux is needed: make setup-tests");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        text
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        command
            .arg("-S")
            .arg(self.0)
            .arg("kill-server")
            .output()
            .ok();
    }
}
