//! Taking in deltas, from another version and from nothing, and offering them.

use delta::{Format, Options};
use reqwest::Method;
use reqwest::header::RANGE;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Daemon, Upload, send, updates, versions};

/// A daemon with 1.0.0 and 1.1.0, and the bytes of both.
async fn with_two_releases() -> (Daemon, Vec<u8>, Vec<u8>) {
    let daemon = Daemon::start().await;
    let (old, new) = fixtures::jars::jar_pair(1, 200_000);
    for (version, jar) in [("1.0.0", &old), ("1.1.0", &new)] {
        let upload = Upload::new(version).with_jar(jar.clone());
        let answer = daemon.publish(upload).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    (daemon, old, new)
}

async fn add(daemon: &Daemon, to: &str, form: Form) -> Answer {
    let path = versions(&format!("/{to}/deltas"));
    send(daemon.request(Method::POST, &path).multipart(form)).await
}

fn delta_form(from: &str, format: &str, patch: Vec<u8>) -> Form {
    let file = Part::bytes(patch).file_name("x.delta");
    Form::new()
        .text("fromVersion", from.to_owned())
        .text("format", format.to_owned())
        .part("file", file)
}

#[tokio::test]
async fn a_delta_is_accepted_when_it_rebuilds_its_target() {
    let (daemon, old, new) = with_two_releases().await;
    let patch = delta::create(Format::Zstd, &old, &new, Options::default()).unwrap();
    let add = |to: &'static str, form: Form| add(&daemon, to, form);
    daemon
        .get(&updates("/delta/1.0.0/1.1.0"))
        .await
        .refused(404, "NOT_FOUND");

    let mut damaged = patch.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    add("1.1.0", delta_form("1.0.0", "zstd", damaged))
        .await
        .refused(422, "INVALID_ARTIFACT");
    add("1.1.0", delta_form("1.0.0", "zstd", Vec::new()))
        .await
        .refused(422, "INVALID_ARTIFACT");
    add("1.0.0", delta_form("1.1.0", "zstd", patch.clone()))
        .await
        .refused(422, "INVALID_ARTIFACT");
    add("1.1.0", delta_form("1.1.0", "zstd", patch.clone()))
        .await
        .refused(400, "INVALID_REQUEST");
    add("1.1.0", delta_form("1.0", "zstd", patch.clone()))
        .await
        .refused(400, "INVALID_VERSION");
    add("1.1.0", delta_form("1.0.0", "bsdiff", patch.clone()))
        .await
        .refused(400, "INVALID_REQUEST");
    add("1.1.0", delta_form("0.9.0", "zstd", patch.clone()))
        .await
        .refused(404, "NOT_FOUND");
    add("9.9.9", delta_form("1.0.0", "zstd", patch.clone()))
        .await
        .refused(404, "NOT_FOUND");
    let stated = delta_form("1.0.0", "zstd", patch.clone()).text("checksum", "0".repeat(64));
    add("1.1.0", stated).await.refused(422, "CHECKSUM_MISMATCH");
    assert_eq!((daemon.blobs(), daemon.staged()), (2, 0));

    let added = add("1.1.0", delta_form("1.0.0", "zstd", patch.clone())).await;
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.header("location"), updates("/delta/1.0.0/1.1.0"));
    assert_eq!(
        add("1.1.0", delta_form("1.0.0", "zstd", patch.clone()))
            .await
            .status,
        200
    );

    let delta = daemon.get(&updates("/delta/1.0.0/1.1.0")).await.data();
    assert_eq!(delta["format"], "zstd");
    assert_eq!(delta["deltas"].as_array().map(Vec::len), Some(1));
    assert_eq!(delta["targetChecksum"], hex::encode(Sha256::digest(&new)));
    assert_eq!(delta["sourceChecksum"], hex::encode(Sha256::digest(&old)));
    assert_eq!(
        (&delta["fullSize"], &delta["size"]),
        (&json!(new.len()), &json!(patch.len()))
    );
    assert_eq!(
        daemon
            .get(delta["downloadUrl"].as_str().unwrap())
            .await
            .body,
        patch
    );

    let check = daemon
        .get(&updates("/check?currentVersion=1.0.0&channel=stable"))
        .await
        .data();
    assert_eq!(check["delta"], delta);
    let release = daemon.get(&versions("/1.1.0")).await.data();
    assert_eq!(release["deltas"][0]["fromVersion"], "1.0.0");
    let statistics = daemon.get("/api/v1/admin/updates/statistics").await.data();
    assert_eq!(
        statistics["bytesSavedByDeltas"],
        json!(new.len() - patch.len())
    );
}

#[tokio::test]
async fn a_release_is_offered_compressed_once_a_delta_from_nothing_was_taken_in() {
    let (daemon, _, new) = with_two_releases().await;
    let patch = delta::create(Format::Jar, b"", &new, Options::default()).unwrap();
    let zstd = delta::create(Format::Zstd, b"", &new, Options::default()).unwrap();
    let add = |form: Form| add(&daemon, "1.1.0", form);
    let compressed = updates("/delta/none/1.1.0");
    daemon.get(&compressed).await.refused(404, "NOT_FOUND");

    let nameless = Form::new().text("format", "jar");
    let nameless = nameless.part("file", Part::bytes(patch.clone()).file_name("x"));
    add(nameless).await.refused(400, "INVALID_REQUEST");
    add(delta_form("none", "zstd", zstd.clone()))
        .await
        .refused(400, "INVALID_REQUEST");
    for wrong in [zstd, patch[..patch.len() / 2].to_vec()] {
        add(delta_form("none", "jar", wrong))
            .await
            .refused(422, "INVALID_ARTIFACT");
    }
    let added = add(delta_form("none", "jar", patch.clone())).await;
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.header("location"), compressed);
    assert_eq!(added.data().get("fromVersion"), None);
    let again = add(delta_form("none", "jar", patch.clone())).await;
    assert_eq!(again.status, 200, "{}", again.text());

    let answer = daemon.get(&compressed).await.data();
    assert_eq!(answer.get("fromVersion"), None);
    assert_eq!(answer["sourceChecksum"], hex::encode(Sha256::digest(b"")));
    assert_eq!(answer["targetChecksum"], hex::encode(Sha256::digest(&new)));
    assert_eq!(answer["fullSize"], new.len());
    let url = answer["downloadUrl"].as_str().unwrap();
    assert_eq!(url, updates("/delta/none/1.1.0/download?format=jar"));
    assert_eq!(daemon.get(url).await.body, patch);
    let part = daemon.request(Method::GET, url).header(RANGE, "bytes=10-");
    let part = send(part).await;
    assert_eq!(part.status, 206);
    assert_eq!(part.body, patch[10..]);

    for current in ["1.0.0", "0.0.0"] {
        let path = format!("/check?currentVersion={current}&channel=stable");
        let check = daemon.get(&updates(&path)).await.data();
        // Who has nothing is below the minimum; the SDK asks for the file by itself then.
        let expected = if current == "1.0.0" {
            &answer
        } else {
            &Value::Null
        };
        assert_eq!(&check["compressed"], expected, "{check:#}");
        assert_eq!(check.get("delta"), None, "{check:#}");
    }
    daemon
        .get(&updates("/delta/0.0.0/1.1.0"))
        .await
        .refused(404, "NOT_FOUND");
    let release = daemon.get(&versions("/1.1.0")).await.data();
    assert_eq!(release["deltas"], json!([]));
    assert_eq!(release["compressed"]["size"], patch.len());

    let statistics = daemon.get("/api/v1/admin/updates/statistics").await.data();
    // The resumed one counts as well: it got to the end.
    let saved = new.len() - patch.len();
    assert_eq!(statistics["bytesSavedByDeltas"], 2 * saved);
    assert_eq!(statistics["totalDownloads"], 2);
    let version = &statistics["versions"][0];
    assert_eq!(version["compressedDownloadsCompleted"], 2);
    assert_eq!(version["deltaDownloadsCompleted"], 0);
    assert_eq!(version["bytesSent"], 2 * patch.len() - 10);
}

#[tokio::test]
async fn a_patch_that_asks_for_more_than_an_honest_one_is_refused_before_it_gets_it() {
    let (daemon, old, new) = with_two_releases().await;
    let add =
        |format: &str, patch: Vec<u8>| add(&daemon, "1.1.0", delta_form("1.0.0", format, patch));

    // A frame without contents whose window is 2 GiB.
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    let message = add("zstd", frame.to_vec())
        .await
        .refused(422, "INVALID_ARTIFACT");
    assert!(message.contains("memory"), "{message}");

    let honest = delta::create(Format::Jar, &old, &new, Options::default()).unwrap();
    let message = add("jar", with_stated_memory(&honest, 1 << 40))
        .await
        .refused(422, "INVALID_ARTIFACT");
    assert!(message.contains("memory"), "{message}");

    let mut long = honest.clone();
    long.resize(new.len() + (1 << 20) + 1, 0);
    let message = add("jar", long).await.refused(422, "INVALID_ARTIFACT");
    assert!(message.contains("bytes"), "{message}");

    // And the place to check is free again.
    assert_eq!(add("jar", honest).await.status, 201);
}

/// The patch with another number where it states its memory: the sixth behind the magic and two checksums.
fn with_stated_memory(patch: &[u8], bytes: u64) -> Vec<u8> {
    let mut at = 4 + 32 + 32;
    let skip = |at: usize| at + 1 + patch[at..].iter().take_while(|byte| **byte >= 0x80).count();
    for _ in 0..5 {
        at = skip(at);
    }
    let mut changed = patch[..at].to_vec();
    let mut rest = bytes;
    while rest >= 0x80 {
        changed.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    changed.push(rest.to_le_bytes()[0]);
    changed.extend_from_slice(&patch[skip(at)..]);
    changed
}
