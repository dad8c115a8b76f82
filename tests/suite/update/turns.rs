//! One updater at a time.

use fixtures::jars::jar_pair;
use tests::Daemon;
use tests::wait::until;

use super::{app_dir, error, publish_whole, update, updated};
use crate::BINARIES;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_updater_says_who_works_there_and_ends() {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &jar).await;
    let mut first = update(&daemon, daemon.url()).start();
    until("the first one at work", async || {
        app_dir(&daemon).join("current.json").exists().then_some(())
    })
    .await;

    let second = update(&daemon, daemon.url()).args(["--once"]).run();

    let second = second.exits_with(6);
    let error = error(&second);
    assert_eq!(error["code"], "BUSY", "{}", second.story());
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&app_dir(&daemon).display().to_string()));
    assert!(message.contains(&first.id().to_string()), "{message}");

    first.kill();
    let updated = updated(&daemon, daemon.url());
    assert_eq!(updated["updated"], false);
}
