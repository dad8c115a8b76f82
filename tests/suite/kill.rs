//! The daemon is killed in the middle of a publish, at thirty moments: the release is whole or absent.

use std::time::{Duration, Instant};

use protocol::api::paths;
use reqwest::Method;
use tests::{Daemon, Upload, api};

use crate::BINARIES;
use crate::jars::large_jar;

const MOMENTS: u32 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_of_a_publish_the_release_is_whole_or_absent() {
    let mut daemon = Daemon::start(BINARIES);
    let undisturbed = {
        let upload = Upload::new("1.0.0", large_jar("1.0.0"));
        let start = Instant::now();
        let _ = daemon.api().publish(&upload).await.is(201);
        start.elapsed()
    };
    let mut random = fastrand::Rng::with_seed(3);
    let (mut acknowledged, mut whole) = (0, 0);
    for moment in 0..MOMENTS {
        let version = format!("1.1.{moment}");
        let jar = large_jar(&version);
        let upload = Upload::new(&version, jar.clone());
        let request = daemon
            .api()
            .request(Method::POST, &format!("{}/versions", paths::ADMIN))
            .multipart(upload.form());
        let publishing = tokio::spawn(api::try_send(request));
        // Spread over the whole publish, and a little beyond: the moment is the point of this test.
        let share = (f64::from(moment) + random.f64()) / f64::from(MOMENTS);
        tokio::time::sleep(undisturbed.mul_f64(share * 1.1)).await;
        daemon.kill();
        let is_acknowledged = publishing
            .await
            .unwrap()
            .is_ok_and(|answer| answer.status == 201);

        daemon.start_again();
        let api = daemon.api();
        let ready = api.get("/readyz").await;
        assert_eq!(ready.status, 200, "{}\n{}", ready.text(), daemon.story());
        assert!(!daemon.log().contains("panicked"), "{}", daemon.story());
        let staging = std::fs::read_dir(daemon.data_dir().join("staging")).unwrap();
        assert_eq!(staging.count(), 0, "staging/ is not empty after the start");

        let release = api.release(&version).await;
        assert!(
            release.status == 200 || (release.status == 404 && !is_acknowledged),
            "acknowledged: {is_acknowledged}, then: {}\n{}",
            release.text(),
            daemon.story()
        );
        if release.status == 200 {
            assert_eq!(release.data()["state"], "ACTIVE");
            assert_eq!(release.data()["checksum"], crate::sha256(&jar));
            let bytes = api.download(&version).await.is(200).body;
            assert!(bytes == jar, "{version} has other bytes");
            whole += 1;
        }
        // Whatever happened, publishing again is the way out, and does nothing twice.
        let again = api.publish(&upload).await;
        let expected = if release.status == 200 { 200 } else { 201 };
        let _ = again.is(expected);
        acknowledged += u32::from(is_acknowledged);
    }
    // The moments must have hit both before and after the point of no return, or they proved nothing.
    assert!(
        (1..MOMENTS).contains(&whole),
        "{whole} of {MOMENTS} whole, {acknowledged} acknowledged, undisturbed {undisturbed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn relctl_publish_run_again_after_a_crash_of_the_daemon_completes_the_release() {
    let mut daemon = Daemon::start(BINARIES);
    let jar = daemon.home().join("app.jar");
    std::fs::write(&jar, large_jar("1.0.0")).unwrap();
    let _ = daemon
        .relctl(["publish"])
        .path(&jar)
        .args(["--version", "1.0.0"])
        .succeed();

    for (moment, delay_ms) in [30, 80, 130, 200, 300].into_iter().enumerate() {
        let version = format!("1.1.{moment}");
        let bytes = large_jar(&version);
        std::fs::write(&jar, &bytes).unwrap();
        let arguments = ["--version", &version];
        let mut publishing = daemon
            .relctl(["publish"])
            .path(&jar)
            .args(arguments)
            .start();
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        publishing.kill();
        drop(publishing);
        daemon.kill();
        daemon.start_again();

        let _ = daemon
            .relctl(["publish"])
            .path(&jar)
            .args(arguments)
            .succeed();
        let release = daemon.api().release(&version).await.is(200).data();
        assert_eq!(release["state"], "ACTIVE");
        assert_eq!(release["checksum"], crate::sha256(&bytes));
        assert!(
            !release["deltas"].as_array().unwrap().is_empty(),
            "the second run made no delta: {release:#}"
        );
    }
}
