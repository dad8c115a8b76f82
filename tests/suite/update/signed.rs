//! A pinned key: what its holder did not sign is not even fetched.

use std::path::{Path, PathBuf};
use std::process::Command;

use fixtures::jars::jar_pair;
use tests::front::Reply;
use tests::{Daemon, Front, Upload};

use super::{error, installed, update};
use crate::BINARIES;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_pinned_key_only_what_its_holder_signed_is_taken() {
    let daemon = Daemon::start(BINARIES);
    let (first, second) = jar_pair(1, 300_000);
    let (private, public) = keys(daemon.home(), "publisher");
    let path = daemon.home().join("1.0.0.jar");
    std::fs::write(&path, &first).unwrap();
    for _again in 0..2 {
        let _ = daemon
            .relctl(["publish"])
            .path(&path)
            .args(["--signing-key"])
            .path(&private)
            .succeed();
    }
    let front = Front::of(daemon.url(), |_| Reply::Forward).await;
    let pinned = |key: &Path| {
        let update = update(&daemon, front.url()).args(["--once"]);
        update
            .env("RELCTL_PUBLIC_KEY", &key.to_string_lossy())
            .run()
    };
    let (_, stranger) = keys(daemon.home(), "stranger");
    let refused = pinned(&stranger).exits_with(3);
    assert_eq!(error(&refused)["code"], "SIGNATURE", "{}", refused.story());
    assert!(front.asked("/download").is_empty());
    let _ = pinned(&public).exits_with(0);
    assert!(installed(&daemon) == ("1.0.0".into(), first));

    // Signed by nobody, by somebody else, and for another version.
    let unsigned = Upload::new("1.1.0", second.clone());
    let (other, _) = keys(daemon.home(), "other");
    for (index, upload) in [
        unsigned.clone(),
        unsigned
            .clone()
            .with("signature", &sign(&other, "1.1.1", &second)),
        unsigned
            .clone()
            .with("signature", &sign(&private, "1.1.0", &second)),
        unsigned.with("signature", "c2lnbmF0dXJl"),
    ]
    .into_iter()
    .enumerate()
    {
        let upload = upload.with("versionNumber", &format!("1.1.{index}"));
        let _ = daemon.api().publish(&upload).await.is(201);
        let before = front.asked("/download").len();
        let refused = pinned(&public).exits_with(3);
        assert_eq!(error(&refused)["code"], "SIGNATURE", "{}", refused.story());
        let download = daemon
            .relctl([
                "client",
                "download",
                &format!("1.1.{index}"),
                "--json",
                "-o",
            ])
            .path(&daemon.home().join("taken.jar"))
            .args(["--public-key"])
            .path(&public)
            .run()
            .exits_with(3);
        assert_eq!(error(&download)["code"], "SIGNATURE");
        assert_eq!(front.asked("/download").len(), before);
        assert_eq!(installed(&daemon).0, "1.0.0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_openssl_made_will_do() {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    let (private, public) = keys(daemon.home(), "publisher");
    let path = daemon.home().join("app.jar");
    std::fs::write(&path, &jar).unwrap();
    let signature = sign(&private, "1.0.0", &jar);
    let _ = daemon
        .relctl(["publish", "--signature", &signature])
        .path(&path)
        .succeed();
    let _ = update(&daemon, daemon.url())
        .args(["--once", "--public-key"])
        .path(&public)
        .run()
        .exits_with(0);
    assert!(installed(&daemon) == ("1.0.0".into(), jar));
}

/// A new key pair in two PEM files.
fn keys(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let private = folder.join(format!("{name}.pem"));
    let public = folder.join(format!("{name}.pub"));
    openssl(&["genpkey", "-algorithm", "ed25519", "-out"], &[&private]);
    openssl(
        &["pkey", "-pubout", "-in"],
        &[&private, Path::new("-out"), &public],
    );
    (private, public)
}

/// What PROTOCOL.md says of signatures, done with nothing of ours.
fn sign(private: &Path, version: &str, jar: &[u8]) -> String {
    let text = format!("relctl-release-v1:{version}:{}", crate::sha256(jar));
    let file = private.with_extension("text");
    std::fs::write(&file, text).unwrap();
    let bytes = openssl(
        &["pkeyutl", "-sign", "-rawin", "-inkey"],
        &[private, Path::new("-in"), &file],
    );
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn openssl(arguments: &[&str], paths: &[&Path]) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments)
        .args(paths)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output.stdout
}
