//! The steps of `relctl publish`, which come one below the other and leave nothing else behind.

use tests::Terminal;

use super::*;
use crate::jars::large_jar;

async fn published(columns: u16, rows: u16) {
    let daemon = daemon().await;
    let terminal = Terminal::start(&daemon, columns, rows);
    let jar = daemon.home().join("app-2.0.0.jar");
    std::fs::write(&jar, large_jar("2.0.0")).unwrap();
    terminal.enter(&format!(
        "clear; relctl publish {}; echo code $?",
        jar.display()
    ));
    terminal.wait_for("the end", |screen| {
        screen.contains("code 0\n").then_some(())
    });
    terminal.is_given_back();
    let history = terminal.history();
    // In this order, and each once.
    let mut rest = history.as_str();
    for step in [
        "Publishing 2.0.0",
        "hecked ",
        "ploaded ",
        "nnounced ",
        "code 0\n",
    ] {
        let found = rest.find(step);
        let Some(place) = found else {
            panic!("{step:?} does not follow:\n{history}");
        };
        rest = &rest[place + step.len()..];
        assert!(!rest.contains(step), "{step:?} is there twice:\n{history}");
    }
    // No bar is left.
    assert!(!history.contains('━'), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_on_a_small_terminal() {
    published(80, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_on_a_large_terminal() {
    published(120, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_in_a_terminal_that_changes() {
    let daemon = daemon().await;
    let terminal = Terminal::start(&daemon, 80, 24);
    let jar = daemon.home().join("app-2.0.0.jar");
    std::fs::write(&jar, large_jar("2.0.0")).unwrap();
    terminal.enter(&format!(
        "clear; relctl publish {}; echo code $?",
        jar.display()
    ));
    terminal.wait_for("the first step", |screen| {
        screen.contains("hecked ").then_some(())
    });
    terminal.resize(60, 15);
    terminal.resize(120, 40);
    terminal.wait_for("the end", |screen| screen.contains("code 0").then_some(()));
    terminal.is_given_back();
}
