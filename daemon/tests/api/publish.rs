//! Taking in releases.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::harness::{Daemon, Upload, eventually, send, updates, versions};

#[tokio::test]
async fn a_publish_is_answered_with_the_release_and_its_place() {
    let daemon = Daemon::start().await;
    let upload = Upload::new("2.1.0")
        .with("isMandatory", "true")
        .with("releaseNotes", "<script>äöü 🎉</script>\nline");
    let answer = daemon.publish(upload.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("location"), versions("/2.1.0"));
    let release = answer.data();
    let checksum = hex::encode(Sha256::digest(&upload.jar));
    for (field, expected) in [
        ("versionNumber", json!("2.1.0")),
        ("releaseChannel", json!("stable")),
        ("state", json!("ACTIVE")),
        ("isActive", json!(true)),
        ("isMandatory", json!(true)),
        ("releaseNotes", json!("<script>äöü 🎉</script>\nline")),
        ("minimumClientVersion", json!("0.1.0")),
        ("fileName", json!("app-2.1.0.jar")),
        ("fileSize", json!(upload.jar.len())),
        ("checksum", json!(checksum)),
        ("downloadUrl", json!("/api/v1/updates/download/2.1.0")),
        ("rolloutPercentage", json!(100)),
        ("createdBy", json!("admin")),
    ] {
        assert_eq!(release[field], expected, "{field}");
    }
    assert_eq!(daemon.get(answer.header("location")).await.data(), release);
    assert_eq!((daemon.blobs(), daemon.staged()), (1, 0));
}

#[tokio::test]
async fn the_optional_parts_are_kept() {
    let daemon = Daemon::start().await;
    let upload = Upload::new("2.1.0")
        .with("draft", "true")
        .with("rolloutPercentage", "25")
        .with("platforms", "windows, linux,windows")
        .with("signature", "untrusted comment: x\nRWQ")
        .with("fromTheFuture", "ignored");
    let checksum = hex::encode(Sha256::digest(&upload.jar));
    let release = daemon
        .publish(upload.with("checksum", &checksum))
        .await
        .data();
    assert_eq!(release["state"], "DRAFT");
    assert_eq!(release["rolloutPercentage"], 25);
    assert_eq!(release["platforms"], json!(["linux", "windows"]));
    assert_eq!(release["signature"], "untrusted comment: x\nRWQ");
    let check = daemon
        .get(&updates("/check?currentVersion=1.0.0&channel=stable"))
        .await
        .data();
    assert_eq!(check["updateAvailable"], false, "a draft is not offered");
}

#[tokio::test]
async fn only_file_and_version_are_required_and_the_order_is_free() {
    let daemon = Daemon::start().await;
    let mut upload = Upload::new("2.1.0");
    for field in [
        "isMandatory",
        "releaseNotes",
        "minimumClientVersion",
        "releaseChannel",
    ] {
        upload = upload.without(field);
    }
    upload.file_first = true;
    let release = daemon.publish(upload).await.data();
    assert_eq!(release["releaseChannel"], "stable");
    assert_eq!(release["minimumClientVersion"], "0.0.0");
    assert_eq!(
        (&release["isMandatory"], &release["releaseNotes"]),
        (&json!(false), &json!(""))
    );
}

#[tokio::test]
async fn bad_fields_are_refused_by_name_and_leave_nothing() {
    let daemon = Daemon::start().await;
    let notes = "x".repeat(64 * 1024 + 1);
    for (field, value, code) in [
        ("versionNumber", "2.1", "INVALID_VERSION"),
        ("versionNumber", " 2.1.0", "INVALID_VERSION"),
        ("versionNumber", "2.1.0\n", "INVALID_VERSION"),
        ("versionNumber", "../../x", "INVALID_VERSION"),
        ("minimumClientVersion", "old", "INVALID_VERSION"),
        ("minimumClientVersion", "2.1.1", "INVALID_REQUEST"),
        ("isMandatory", "yes", "INVALID_REQUEST"),
        ("isMandatory", "1", "INVALID_REQUEST"),
        ("isMandatory", "TRUE", "INVALID_REQUEST"),
        ("isMandatory", "", "INVALID_REQUEST"),
        ("draft", "maybe", "INVALID_REQUEST"),
        ("releaseChannel", "Stable", "INVALID_REQUEST"),
        ("releaseChannel", "prod/../x", "INVALID_REQUEST"),
        ("releaseChannel", "nightly", "INVALID_REQUEST"),
        ("releaseNotes", &notes, "INVALID_REQUEST"),
        ("releaseNotes", "a\u{1b}[31mb", "INVALID_REQUEST"),
        ("checksum", "abc", "INVALID_REQUEST"),
        ("rolloutPercentage", "101", "INVALID_REQUEST"),
        ("rolloutPercentage", "-1", "INVALID_REQUEST"),
        ("platforms", "a\u{202E}b", "INVALID_REQUEST"),
    ] {
        for file_first in [false, true] {
            let mut upload = Upload::new("2.1.0").with(field, value);
            upload.file_first = file_first;
            let answer = daemon.publish(upload).await;
            answer.refused(400, code);
            assert_eq!(answer.json()["error"]["details"][0]["field"], field);
        }
    }
    for name in ["../x.jar", "a\\b.jar", "..", "x\u{7}.jar", &"x".repeat(256)] {
        let mut upload = Upload::new("2.1.0");
        upload.file_name = name.to_owned();
        daemon.publish(upload).await.refused(400, "INVALID_REQUEST");
    }
    assert_eq!((daemon.blobs(), daemon.staged()), (0, 0));
    assert_eq!(daemon.get(&versions("")).await.data()["totalElements"], 0);
}

#[tokio::test]
async fn a_form_with_parts_missing_twice_or_nameless_is_refused() {
    let daemon = Daemon::start().await;
    let refused = |upload: Upload| async {
        daemon.publish(upload).await.refused(400, "INVALID_REQUEST");
    };
    refused(Upload::new("2.1.0").without("versionNumber")).await;
    refused(Upload::new("2.1.0").and("versionNumber", "2.1.0")).await;
    refused(Upload::new("2.1.0").and("file", "again")).await;
    let many = (0..100).fold(Upload::new("2.1.0"), |upload, i| {
        upload.and(&format!("x{i}"), "y")
    });
    refused(many).await;

    let no_file = Form::new().text("versionNumber", "2.1.0");
    let request = daemon
        .request(Method::POST, &versions(""))
        .multipart(no_file);
    send(request).await.refused(400, "INVALID_REQUEST");
    let nameless = Form::new().part("", Part::text("x"));
    let request = daemon
        .request(Method::POST, &versions(""))
        .multipart(nameless);
    send(request).await.refused(400, "INVALID_REQUEST");

    for (content_type, body, status, code) in [
        ("application/json", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data", "x", 400, "INVALID_REQUEST"),
        (
            "multipart/form-data; boundary=b",
            "",
            400,
            "INVALID_REQUEST",
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\n\r\nno disposition\r\n--b--\r\n",
            400,
            "INVALID_REQUEST",
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\ncut",
            400,
            "INVALID_REQUEST",
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\nContent-Disposition: form-data; name=\"versionNumber\"\n\n2.1.0\n--b--\n",
            400,
            "INVALID_REQUEST",
        ),
    ] {
        let request = daemon
            .request(Method::POST, &versions(""))
            .header(CONTENT_TYPE, content_type);
        send(request.body(body)).await.refused(status, code);
    }
    assert_eq!((daemon.blobs(), daemon.staged()), (0, 0));
}

#[tokio::test]
async fn what_is_no_jar_or_has_another_checksum_is_refused() {
    let daemon = Daemon::start().await;
    let with = |jar: &[u8]| Upload::new("2.1.0").with_jar(jar.to_vec());
    for jar in [&b""[..], b"text", b"\x7fELF", b"PK\x05\x06"] {
        daemon
            .publish(with(jar))
            .await
            .refused(422, "INVALID_ARTIFACT");
    }
    for (what, jar) in fixtures::broken::all() {
        let message = daemon
            .publish(with(&jar))
            .await
            .refused(422, "INVALID_ARTIFACT");
        assert!(!message.contains("staging"), "{what}: {message}");
    }
    let stated = "0".repeat(64);
    daemon
        .publish(Upload::new("2.1.0").with("checksum", &stated))
        .await
        .refused(422, "CHECKSUM_MISMATCH");
    assert_eq!((daemon.blobs(), daemon.staged()), (0, 0));
}

#[tokio::test]
async fn the_same_publish_again_is_the_same_release() {
    let daemon = Daemon::start().await;
    let upload = Upload::new("2.1.0").with("platforms", "linux,windows");
    let first = daemon.publish(upload.clone()).await.data();
    let again = daemon
        .publish(upload.clone().with("platforms", "windows,linux"))
        .await;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(again.data(), first);
    // Also once it was toggled: what was sent is the same.
    daemon
        .patch(&versions("/2.1.0/toggle-status"), &json!({}))
        .await
        .data();
    assert_eq!(daemon.publish(upload).await.status, 200);
    let history = daemon.get(&versions("/2.1.0/history")).await.data();
    assert_eq!(
        history["totalElements"], 2,
        "created and toggled: {history}"
    );
}

#[tokio::test]
async fn a_version_never_changes() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let before = daemon.get(&versions("/2.1.0")).await.data();
    let mut renamed = Upload::new("2.1.0");
    renamed.file_name = "other.jar".into();
    for (upload, difference) in [
        (
            Upload::new("2.1.0").with_jar(fixtures::jars::tiny_jar("9.9.9")),
            "file",
        ),
        (
            Upload::new("2.1.0").with("releaseNotes", "other"),
            "releaseNotes",
        ),
        (
            Upload::new("2.1.0").with("isMandatory", "true"),
            "isMandatory",
        ),
        (
            Upload::new("2.1.0").with("releaseChannel", "beta"),
            "releaseChannel",
        ),
        (
            Upload::new("2.1.0").with("minimumClientVersion", "0.2.0"),
            "minimumClientVersion",
        ),
        (
            Upload::new("2.1.0").with("rolloutPercentage", "5"),
            "rolloutPercentage",
        ),
        (
            Upload::new("2.1.0").with("versionNumber", "2.1.0+b"),
            "versionNumber",
        ),
        (renamed, "file name"),
    ] {
        let message = daemon.publish(upload).await.refused(409, "CONFLICT");
        assert!(message.contains(difference), "{difference}: {message}");
    }
    assert_eq!(daemon.get(&versions("/2.1.0")).await.data(), before);
    assert_eq!(daemon.blobs(), 1);
}

#[tokio::test]
async fn a_release_is_newer_than_its_channel_unless_it_says_that_it_is_not() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.10.0"]).await;
    daemon
        .publish(Upload::new("2.9.0"))
        .await
        .refused(409, "CONFLICT");
    assert_eq!(
        daemon
            .publish(Upload::new("2.9.0").with("releaseChannel", "beta"))
            .await
            .status,
        201
    );
    assert_eq!(
        daemon
            .publish(Upload::new("2.8.0").with("allowOlder", "true"))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn uploads_have_a_size_limit_and_zero_means_none() {
    let daemon = Daemon::start_with(|config| config.limits.max_upload_bytes = 100).await;
    assert!(Upload::new("2.1.0").jar.len() > 100);
    daemon
        .publish(Upload::new("2.1.0"))
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    // The stated length alone tells.
    let large = Upload::new("2.1.0").with_jar(vec![7; 4 << 20]);
    daemon
        .publish(large)
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!((daemon.blobs(), daemon.staged()), (0, 0));

    let daemon = Daemon::start_with(|config| config.limits.max_upload_bytes = 0).await;
    daemon.has(&["2.1.0"]).await;
}

#[tokio::test]
async fn users_may_not_publish() {
    let daemon = Daemon::start().await;
    let user = daemon.token_of("jane", "USER").await;
    daemon
        .publish_as(&user, Upload::new("2.1.0"))
        .await
        .refused(403, "FORBIDDEN");
    let publisher = daemon.token_of("ci", "PUBLISHER").await;
    let answer = daemon.publish_as(&publisher, Upload::new("2.1.0")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.data()["createdBy"], "ci");
}

#[tokio::test]
async fn two_uploads_of_one_version_at_the_same_time_make_one_release() {
    let daemon = Daemon::start().await;
    let other = Upload::new("2.1.0").with("releaseNotes", "other");
    let (first, second, third) = tokio::join!(
        daemon.publish(Upload::new("2.1.0")),
        daemon.publish(Upload::new("2.1.0")),
        daemon.publish(other),
    );
    let mut statuses = [first.status, second.status, third.status].map(|status| status.as_u16());
    statuses.sort_unstable();
    assert!(
        matches!(statuses, [200, 201, 409] | [201, 409, 409]),
        "{statuses:?}"
    );
    assert_eq!((daemon.blobs(), daemon.staged()), (1, 0));
}

#[tokio::test]
async fn a_publisher_that_hangs_up_leaves_nothing() {
    use tokio::io::AsyncWriteExt;
    let daemon = Daemon::start().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 10000000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.jar\"\r\n\r\n",
        versions(""),
        daemon.admin
    );
    let mut socket = tokio::net::TcpStream::connect(daemon.address())
        .await
        .unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![7; 2 << 20]).await.unwrap();
    eventually("the upload is staged", || daemon.staged() == 1).await;
    drop(socket);
    eventually("the staged file is gone", || daemon.staged() == 0).await;
    assert_eq!(daemon.blobs(), 0);
}
