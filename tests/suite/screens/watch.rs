//! The live table of `relctl watch`.

use tests::Terminal;
use tests::wait::until;

use super::*;

/// The table of a fleet of which everybody is on the way to 2.0.0.
async fn on_the_way(terminal: &Terminal, daemon: &Daemon, line: &str) -> String {
    terminal.enter(line);
    terminal.wait_for("the table", |screen| {
        screen.contains("● live").then_some(())
    });
    publish(daemon, "2.0.0").await;
    terminal.wait_for("everybody under way", |screen| {
        let is_so = screen.contains(" 0 waiting") && screen.contains("downloading ━");
        is_so.then(|| screen.to_owned())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_clients_in_24_rows() {
    let daemon = daemon().await;
    let _fleet = fleet(&daemon, 45);
    let terminal = Terminal::start(&daemon, 80, 24);
    let screen = on_the_way(&terminal, &daemon, "clear; relctl watch").await;
    assert!(
        screen.lines().all(|row| row.chars().count() <= 80),
        "{screen}"
    );
    let rows = screen.lines().filter(|row| row.contains("1.0.0 → 2.0.0"));
    assert_eq!(rows.count(), 13, "{screen}");
    insta::assert_snapshot!(frame(&screen), @r"
    ─ relctl watch ─ V on stable ─ ● live ─ #:#:# ─
    # clients # waiting # downloading # installing # done # failed
    ─ # % # B/s
    CLIENT VERSION WAY PHASE PROGRESS SPEED ETA
    # more below, under way, longest first f failed a all s sort q quit
    ");
    terminal.keys(&["q"]);
    terminal.is_given_back();
    let history = terminal.history();
    assert!(history.contains("stopped: "), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_clients_on_a_large_terminal_with_what_they_run_on() {
    let daemon = daemon().await;
    let _fleet = fleet(&daemon, 45);
    let terminal = Terminal::start(&daemon, 120, 40);
    let screen = on_the_way(&terminal, &daemon, "clear; relctl watch 2.0.0").await;
    let rows = screen.lines().filter(|row| row.contains("1.0.0 → 2.0.0"));
    assert_eq!(rows.count(), 25, "{screen}");
    insta::assert_snapshot!(frame(&screen), @r"
    ─ relctl watch ─ V on stable ─ ● live ─ #:#:# ─
    # clients # waiting # downloading # installing # done # failed
    ─ # % # B/s
    CLIENT PLATFORM VERSION WAY PHASE PROGRESS SPEED ETA
    # more below, under way, longest first f failed a all s sort q quit
    ");
    terminal.keys(&["End"]);
    terminal.wait_for("the end of the table", |screen| {
        screen.contains(" more above").then_some(())
    });
    terminal.keys(&["f"]);
    terminal.wait_for("the failed", |screen| {
        screen.contains("nobody failed").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_scrolls_away_above_the_table() {
    let daemon = daemon().await;
    let fleet = daemon
        .relctl([
            "simulate",
            "-n",
            "40",
            "--current",
            "1.0.0",
            "--rate",
            "400/s",
        ])
        .args(["--scenario", "fail:10%", "--json"])
        .start();
    fleet.wait_for_json("all", |line| line["data"]["connected"] == 40);
    let terminal = Terminal::start(&daemon, 80, 24);
    terminal.enter("relctl watch 2.0.0 --until done --fail-over 20%; echo code $?");
    terminal.wait_for("the table", |screen| {
        screen.contains("● live").then_some(())
    });
    publish(&daemon, "2.0.0").await;
    terminal.wait_for("the end", |screen| screen.contains("code ").then_some(()));
    terminal.is_given_back();
    let history = terminal.history();
    let count = |sign: &str| {
        history
            .lines()
            .filter(|line| line.starts_with(sign))
            .count()
    };
    assert_eq!((count("✓ "), count("✗ ")), (36, 4), "{history}");
    assert!(
        history.contains("reached (done): 90 % done (36 of 40), 4 failed"),
        "{history}"
    );
    assert!(history.contains("code 0"), "{history}");
    // Nothing is left of the table.
    assert!(!history.contains("PROGRESS"), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_size_is_another_picture_and_one_only() {
    let daemon = daemon().await;
    let _fleet = fleet(&daemon, 45);
    let terminal = Terminal::start(&daemon, 80, 24);
    let _ = on_the_way(&terminal, &daemon, "clear; relctl watch").await;
    for (columns, rows) in [(60, 15), (120, 40), (40, 8), (100, 12), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.wait_for("one picture of the new size", |screen| {
            let titles = screen.lines().filter(|row| row.contains("relctl watch"));
            let titles: Vec<&str> = titles.collect();
            let heads = screen.lines().filter(|row| row.contains("CLIENT ")).count();
            let width = usize::from(columns);
            let is_whole = titles.len() == 1 && heads == 1 && titles[0].chars().count() == width;
            is_whole.then_some(())
        });
    }
    terminal.keys(&["q"]);
    terminal.is_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_sigterm_give_the_terminal_back() {
    let daemon = daemon().await;
    let terminal = Terminal::start(&daemon, 80, 24);
    for (line, code) in [
        ("relctl watch", 130),
        (
            "(sleep 3; kill $(cat pid)) & sh -c 'echo $$ >pid; exec relctl watch'",
            143,
        ),
        ("relctl watch --timeout 2s", 10),
    ] {
        terminal.enter(&format!("clear; cd; {line}; echo code $?"));
        terminal.wait_for("the table", |screen| {
            screen.contains("● live").then_some(())
        });
        if code == 130 {
            terminal.keys(&["C-c"]);
        }
        let words = format!("code {code}");
        terminal.wait_for(&words, |screen| screen.contains(&words).then_some(()));
        terminal.is_given_back();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_says_when_the_daemon_is_away_and_when_it_is_back() {
    let mut daemon = daemon().await;
    let terminal = Terminal::start(&daemon, 80, 24);
    terminal.enter("clear; relctl watch");
    terminal.wait_for("the table", |screen| {
        screen.contains("● live").then_some(())
    });
    daemon.kill();
    terminal.wait_for("that it is away", |screen| {
        screen.contains("● reconnecting").then_some(())
    });
    daemon.start_again_where_it_was();
    terminal.wait_for("that it is back", |screen| {
        screen.contains("● live").then_some(())
    });
    let history = terminal.history();
    assert!(history.contains("connected again"), "{history}");
    assert!(!history.contains("some are missing"), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_there_and_can_be_refused() {
    let daemon = daemon().await;
    let terminal = Terminal::start(&daemon, 80, 24);
    for (variable, has_colors) in [("", true), ("NO_COLOR=1", false)] {
        terminal.enter(&format!("clear; {variable} relctl watch"));
        terminal.wait_for("the table", |screen| {
            screen.contains("● live").then_some(())
        });
        let screen = terminal.screen_with_colors();
        // What is dim or bold has no colour, and 39 is that of the terminal.
        let colors = screen.replace("\u{1b}[39m", "");
        assert_eq!(colors.contains("\u{1b}[3"), has_colors, "{screen:?}");
        terminal.keys(&["q"]);
        terminal.is_given_back();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_unicode_is_not_seen_the_table_is_ascii() {
    let daemon = daemon().await;
    let terminal = Terminal::start(&daemon, 80, 24);
    terminal.enter("clear; LC_ALL=C relctl watch");
    let screen = terminal.wait_for("the table", |screen| {
        screen.contains("* live").then(|| screen.to_owned())
    });
    assert!(screen.is_ascii(), "{screen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dumb_terminal_and_a_wish_get_plain_lines() {
    let daemon = daemon().await;
    let terminal = Terminal::start(&daemon, 100, 24);
    for line in ["TERM=dumb relctl watch", "relctl watch --view plain"] {
        terminal.enter(&format!("clear; {line}"));
        terminal.wait_for("the first line", |screen| {
            screen.contains("Ctrl-C ends it").then_some(())
        });
        assert!(
            !terminal.screen().contains("CLIENT"),
            "{}",
            terminal.screen()
        );
        // The watcher is there before its first line; what is printed then comes from an event.
        until("a client that it tells of", async || {
            let fleet = daemon
                .relctl(["simulate", "-n", "1", "--until", "1s"])
                .run();
            drop(fleet);
            terminal
                .screen()
                .contains("sim-1-0 connected, runs")
                .then_some(())
        })
        .await;
        terminal.keys(&["C-c"]);
        terminal.is_given_back();
    }
}

/// The picture without its clients, and without what is another at each run: numbers, gaps, and bars of any length.
fn frame(screen: &str) -> String {
    let title = screen.find("─ relctl watch").unwrap_or_default();
    let rows = screen[title..].lines().filter(|row| !row.contains(" → "));
    let mut text = String::new();
    for row in rows.filter(|row| !row.is_empty()) {
        let mut last = ' ';
        for character in row.chars() {
            let shown = match character {
                '0'..='9' => '#',
                '━' | '╸' => '─',
                other => other,
            };
            if shown != last || !matches!(shown, '#' | ' ' | '─') {
                text.push(shown);
            }
            last = shown;
        }
        text.push('\n');
    }
    text.replace("#.#.#", "V").replace("kB/s", "B/s")
}
