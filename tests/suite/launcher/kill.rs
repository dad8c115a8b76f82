//! The launcher is killed at fifty moments of an update: the application starts every time, from the old version or the new.

use std::time::Instant;

use tests::Setup;

use super::*;

const MOMENTS: u32 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_of_an_update_the_application_starts_and_is_whole() {
    // One client that comes a hundred times would be told to wait.
    let setup = Setup::new(BINARIES).config("[limits]\nconnections-per-minute = 0\n");
    let daemon = setup.start();
    let desktop = Desktop::with_first(&daemon);
    let old = sha256_of(&desktop.jar("1.0.0"));
    let new = sha256_of(&publish(
        &daemon,
        "1.1.0",
        Character::Confirms,
        &["--mandatory"],
    ));
    let fresh = daemon.home().join("fresh");
    copy(&desktop.folder, &fresh);
    let undisturbed = {
        let start = Instant::now();
        let mut launcher = desktop.run(&[], &["stay"]).start();
        event(&launcher, "confirmed", "1.1.0");
        let elapsed = start.elapsed();
        launcher.kill();
        elapsed
    };

    let mut random = fastrand::Rng::with_seed(5);
    let (mut on_old, mut on_new) = (0, 0);
    for moment in 0..MOMENTS {
        std::fs::remove_dir_all(&desktop.folder).unwrap();
        copy(&fresh, &desktop.folder);
        let mut launcher = desktop.run(&[], &["stay"]).start();
        // Spread over the whole update, and a little beyond: the moment is the point of this test.
        let share = (f64::from(moment) + random.f64()) / f64::from(MOMENTS);
        tokio::time::sleep(undisturbed.mul_f64(share * 1.1)).await;
        launcher.kill();
        // What had started was whole, too.
        started(&launcher.stdout());
        drop(launcher);

        let ended = run_offline(&desktop);
        let versions = started(&ended.stdout);
        let [version] = &versions[..] else {
            panic!("it did not start once: {}", ended.story());
        };
        let expected = match version.as_str() {
            "1.0.0" => {
                on_old += 1;
                &old
            }
            "1.1.0" => {
                on_new += 1;
                &new
            }
            _ => panic!("{}", ended.story()),
        };
        assert_eq!(&sha256_of(&desktop.jar(version)), expected);
        let status = desktop.status();
        assert_eq!(
            &status["current"]["version"],
            version.as_str(),
            "{status:#}"
        );
        assert_eq!(status["heldBack"], serde_json::json!([]), "{status:#}");
    }
    println!(
        "{MOMENTS} kills within {undisturbed:?}: {on_old} on the old version, {on_new} on the new one"
    );
    // The moments must have hit both before and after the switch, or they proved nothing.
    assert!(
        on_old > 0 && on_new > 0,
        "{on_old} old, {on_new} new, {undisturbed:?}"
    );
}

/// A start with no daemon to help.
#[track_caller]
fn run_offline(desktop: &Desktop) -> tests::Finished {
    let launcher = desktop
        .run(&[], &["exit=0"])
        .env("RELCTL_URL", "http://127.0.0.1:9");
    launcher.run().exits_with(0)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
