//! tus 1.0.0: uploads that go on where they were cut.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::api::paths::UPLOADS;
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Answer, Daemon, Upload, eventually, send, updates, versions};

const CHUNK: &str = "application/offset+octet-stream";

fn tus(daemon: &Daemon, method: Method, path: &str) -> RequestBuilder {
    daemon
        .request(method, path)
        .header("Tus-Resumable", "1.0.0")
}

/// Begins an upload and gives its path.
async fn begin(daemon: &Daemon, length: usize) -> String {
    let request = tus(daemon, Method::POST, UPLOADS)
        .header("Upload-Length", length)
        .header(
            "Upload-Metadata",
            format!("filename {}", STANDARD.encode("app.jar")),
        );
    let answer = send(request).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    assert!(answer.header("upload-expires").ends_with(" GMT"));
    answer.header("location").to_owned()
}

fn patch(daemon: &Daemon, path: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
    tus(daemon, Method::PATCH, path)
        .header("Content-Type", CHUNK)
        .header("Upload-Offset", offset)
        .body(bytes.to_vec())
}

async fn offset(daemon: &Daemon, path: &str) -> String {
    let answer = send(tus(daemon, Method::HEAD, path)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.header("upload-offset").to_owned()
}

fn id(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A create that names an upload in place of a file.
async fn create(daemon: &Daemon, version: &str, path: &str) -> Answer {
    let form = Form::new()
        .text("versionNumber", version.to_owned())
        .text("upload", id(path));
    send(daemon.request(Method::POST, &versions("")).multipart(form)).await
}

fn kept(daemon: &Daemon) -> usize {
    let folder = daemon.folder.path().join("uploads");
    std::fs::read_dir(folder)
        .expect("the folder is there")
        .count()
}

#[tokio::test]
async fn an_upload_in_pieces_and_over_a_restart_becomes_a_release() {
    let mut daemon = Daemon::start().await;
    let jar = fixtures::jars::tiny_jar("2.1.0");
    let path = begin(&daemon, jar.len()).await;
    let answer = send(patch(&daemon, &path, 0, &jar[..100])).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(answer.header("upload-offset"), "100");
    assert!(
        create(&daemon, "2.1.0", &path)
            .await
            .refused(400, "INVALID_REQUEST")
            .contains("missing")
    );

    daemon.restart().await;
    let head = send(tus(&daemon, Method::HEAD, &path)).await;
    assert_eq!(head.header("upload-offset"), "100");
    assert_eq!(head.header("upload-length"), jar.len().to_string());
    assert_eq!(
        head.header("upload-metadata"),
        format!("filename {}", STANDARD.encode("app.jar"))
    );
    let list = daemon.get(UPLOADS).await.data();
    assert_eq!(list[0]["id"], id(&path));
    assert_eq!(list[0]["offset"], 100);
    assert_eq!(list[0]["metadata"], json!({"filename": "app.jar"}));
    let stale = send(patch(&daemon, &path, 0, &jar)).await;
    stale.refused(409, "CONFLICT");
    assert_eq!(stale.header("upload-offset"), "100");
    let answer = send(patch(&daemon, &path, 100, &jar[100..])).await;
    assert_eq!(answer.status, 204, "{}", answer.text());

    let created = create(&daemon, "2.1.0", &path).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.data()["fileName"], "app.jar");
    assert_eq!(
        created.data()["checksum"],
        hex::encode(Sha256::digest(&jar))
    );
    assert_eq!(daemon.get(&updates("/download/2.1.0")).await.body, jar);
    assert_eq!((daemon.blobs(), daemon.staged(), kept(&daemon)), (1, 0, 0));
    send(tus(&daemon, Method::HEAD, &path)).await;
    assert_eq!(send(tus(&daemon, Method::HEAD, &path)).await.status, 404);
}

#[tokio::test]
async fn an_upload_of_bytes_that_are_of_no_use_goes_and_one_that_is_only_refused_stays() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let path = begin(&daemon, 5).await;
    send(patch(&daemon, &path, 0, b"nojar")).await;
    create(&daemon, "2.2.0", &path)
        .await
        .refused(422, "INVALID_ARTIFACT");
    assert_eq!(kept(&daemon), 0);

    let jar = fixtures::jars::tiny_jar("2.0.0");
    let path = begin(&daemon, jar.len()).await;
    send(patch(&daemon, &path, 0, &jar)).await;
    create(&daemon, "2.0.0", &path)
        .await
        .refused(409, "CONFLICT");
    assert_eq!(kept(&daemon), 2);
    assert_eq!(create(&daemon, "2.2.0", &path).await.status, 201);

    let path = begin(&daemon, 1).await;
    let file = Part::bytes(jar).file_name("app.jar");
    let form = Form::new()
        .text("versionNumber", "2.3.0")
        .text("upload", id(&path))
        .part("file", file);
    let both = send(daemon.request(Method::POST, &versions("")).multipart(form)).await;
    both.refused(400, "INVALID_REQUEST");
    assert_eq!(daemon.staged(), 0);
}

#[tokio::test]
async fn a_delta_can_come_as_an_upload_too() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.1.0"]).await;
    let (old, new) = (Upload::new("2.0.0").jar, Upload::new("2.1.0").jar);
    let patch_bytes =
        delta::create(delta::Format::Zstd, &old, &new, delta::Options::default()).unwrap();
    let path = begin(&daemon, patch_bytes.len()).await;
    send(patch(&daemon, &path, 0, &patch_bytes)).await;
    let form = Form::new()
        .text("fromVersion", "2.0.0")
        .text("format", "zstd")
        .text("upload", id(&path));
    let request = daemon.request(Method::POST, &versions("/2.1.0/deltas"));
    let answer = send(request.multipart(form)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(kept(&daemon), 0);
}

#[tokio::test]
async fn what_arrived_of_a_cut_request_is_kept() {
    let daemon = Daemon::start().await;
    let path = begin(&daemon, 1000).await;
    let mut socket = TcpStream::connect(daemon.address()).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
         content-type: {CHUNK}\r\nupload-offset: 0\r\ncontent-length: 1000\r\n\r\n",
        daemon.admin
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&[b'a'; 600]).await.unwrap();
    socket.shutdown().await.unwrap();
    socket.read_to_end(&mut Vec::new()).await.ok();
    assert_eq!(offset(&daemon, &path).await, "600");
    assert_eq!(
        send(patch(&daemon, &path, 600, &[b'b'; 400])).await.status,
        204
    );
}

#[tokio::test]
async fn a_client_that_comes_back_need_not_wait_for_its_dead_connection() {
    let daemon = Daemon::start().await;
    let path = begin(&daemon, 1000).await;
    let mut dead = TcpStream::connect(daemon.address()).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
         content-type: {CHUNK}\r\nupload-offset: 0\r\ncontent-length: 1000\r\n\r\n",
        daemon.admin
    );
    dead.write_all(head.as_bytes()).await.unwrap();
    dead.write_all(&[b'a'; 300]).await.unwrap();
    // Its bytes are on their way; each look takes the turn, so the one that gets a whole number has them.
    let came = tokio::time::timeout(Duration::from_secs(10), offset(&daemon, &path)).await;
    let came: usize = came.expect("the old request steps aside").parse().unwrap();
    assert!(came == 0 || came == 300, "{came}");
    let rest = vec![b'b'; 1000 - came];
    assert_eq!(send(patch(&daemon, &path, came, &rest)).await.status, 204);
}

#[tokio::test]
async fn a_piece_counts_only_with_its_checksum() {
    let daemon = Daemon::start().await;
    let path = begin(&daemon, 10).await;
    let sum = |name: &str, bytes: &[u8]| format!("{name} {}", STANDARD.encode(bytes));
    let sha256 = Sha256::digest(b"hello");
    let wrong =
        patch(&daemon, &path, 0, b"hell0").header("Upload-Checksum", sum("sha256", &sha256));
    send(wrong).await.refused(460, "CHECKSUM_MISMATCH");
    assert_eq!(offset(&daemon, &path).await, "0");
    let right =
        patch(&daemon, &path, 0, b"hello").header("Upload-Checksum", sum("sha256", &sha256));
    assert_eq!(send(right).await.status, 204);
    // `printf world | sha1sum`
    let sha1 = hex::decode("7c211433f02071597741e6ff5a8ea34789abbf43").unwrap();
    let right = patch(&daemon, &path, 5, b"world").header("Upload-Checksum", sum("sha1", &sha1));
    assert_eq!(send(right).await.status, 204);
    for bad in ["md5 x", "sha256", "sha256 !"] {
        let request = patch(&daemon, &path, 10, b"").header("Upload-Checksum", bad);
        send(request).await.refused(400, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn the_first_bytes_may_come_with_the_creation() {
    let daemon = Daemon::start().await;
    let request = tus(&daemon, Method::POST, UPLOADS)
        .header("Upload-Length", 10)
        .header("Content-Type", CHUNK)
        .body("hello");
    let answer = send(request).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("upload-offset"), "5");
    assert_eq!(offset(&daemon, answer.header("location")).await, "5");
}

#[tokio::test]
async fn an_upload_is_ended_by_its_owner_and_is_not_there_for_others() {
    let daemon = Daemon::start().await;
    let path = begin(&daemon, 10).await;
    let other = daemon.token_of("other", "PUBLISHER").await;
    let user = daemon.token_of("jane", "USER").await;
    let as_user = |token: &str, method, path: &str| {
        daemon
            .request_as(token, method, path)
            .header("Tus-Resumable", "1.0.0")
    };
    for method in [Method::PATCH, Method::DELETE] {
        let request = as_user(&other, method.clone(), &path)
            .header("Content-Type", CHUNK)
            .header("Upload-Offset", 0);
        send(request).await.refused(404, "NOT_FOUND");
        send(as_user(&user, method, &path))
            .await
            .refused(403, "FORBIDDEN");
    }
    let refused = as_user(&user, Method::POST, UPLOADS).header("Upload-Length", 1);
    send(refused).await.refused(403, "FORBIDDEN");
    assert_eq!(daemon.get_as(&other, UPLOADS).await.data(), json!([]));
    let form = Form::new()
        .text("versionNumber", "2.1.0")
        .text("upload", id(&path));
    let theft = daemon
        .request_as(&other, Method::POST, &versions(""))
        .multipart(form);
    send(theft).await.refused(404, "NOT_FOUND");

    let ended = send(tus(&daemon, Method::DELETE, &path)).await;
    assert_eq!(ended.status, 204);
    assert_eq!(kept(&daemon), 0);
    send(tus(&daemon, Method::DELETE, &path))
        .await
        .refused(404, "NOT_FOUND");
    send(tus(&daemon, Method::DELETE, &format!("{UPLOADS}/..%2Fx")))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn what_breaks_the_protocol_is_refused_and_changes_nothing() {
    let daemon = Daemon::start_with(|config| {
        config.limits.max_upload_bytes = 1000;
        config.limits.unfinished_uploads = 2;
    })
    .await;
    let begin_with = |name: &'static str, value: &'static str| {
        send(tus(&daemon, Method::POST, UPLOADS).header(name, value))
    };
    begin_with("Upload-Length", "1001")
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    for (name, value) in [
        ("Upload-Length", "-1"),
        ("Upload-Length", "+1"),
        ("Upload-Length", "1e3"),
        ("Upload-Length", "99999999999999999999"),
        ("Upload-Defer-Length", "1"),
    ] {
        begin_with(name, value)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    let no_version = daemon
        .request(Method::POST, UPLOADS)
        .header("Upload-Length", 1);
    let answer = send(no_version).await;
    answer.refused(412, "INVALID_REQUEST");
    assert_eq!(answer.header("tus-version"), "1.0.0");
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    assert_eq!(kept(&daemon), 0);

    let path = begin(&daemon, 10).await;
    let no_type = tus(&daemon, Method::PATCH, &path)
        .header("Upload-Offset", 0)
        .header("Content-Type", "text/plain")
        .body("x");
    send(no_type).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    send(patch(&daemon, &path, 0, &[0; 11]))
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    send(patch(&daemon, &path, 3, b"x"))
        .await
        .refused(409, "CONFLICT");
    assert_eq!(offset(&daemon, &path).await, "0");
    begin(&daemon, 10).await;
    begin_with("Upload-Length", "1")
        .await
        .refused(409, "CONFLICT");
}

#[tokio::test]
async fn options_tell_what_the_daemon_can_and_pages_may_use_it() {
    let daemon = Daemon::start_with(|config| {
        config.cors.allowed_origins = vec!["https://a.example".into()];
    })
    .await;
    let answer = send(daemon.http.request(Method::OPTIONS, daemon.url(UPLOADS))).await;
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("tus-version", "1.0.0"),
        ("tus-resumable", "1.0.0"),
        (
            "tus-extension",
            "creation,creation-with-upload,checksum,termination,expiration",
        ),
        ("tus-checksum-algorithm", "sha256,sha1"),
        ("tus-max-size", "536870912"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    let preflight = daemon
        .http
        .request(Method::OPTIONS, daemon.url(UPLOADS))
        .header("Origin", "https://a.example")
        .header("Access-Control-Request-Method", "PATCH");
    let answer = send(preflight).await;
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("upload-offset")
    );
    let elsewhere = send(
        daemon
            .http
            .request(Method::OPTIONS, daemon.url(&versions(""))),
    )
    .await;
    assert_eq!(elsewhere.headers.get("tus-version"), None);
}

#[tokio::test]
async fn where_only_post_passes_the_method_stands_in_a_header() {
    let daemon = Daemon::start().await;
    let path = begin(&daemon, 5).await;
    let post = |method: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("X-HTTP-Method-Override", method.parse().unwrap());
        tus(&daemon, Method::POST, &path).headers(headers)
    };
    let bytes = post("PATCH")
        .header("Content-Type", CHUNK)
        .header("Upload-Offset", 0)
        .body("hello");
    assert_eq!(send(bytes).await.status, 204);
    assert_eq!(send(post("HEAD")).await.header("upload-offset"), "5");
    assert_eq!(send(post("DELETE")).await.status, 204);
    send(post("PUT")).await.refused(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_rest_that_is_too_long_is_over() {
    let daemon =
        Daemon::start_with(|config| config.limits.upload_expiry = Duration::from_millis(10)).await;
    let path = begin(&daemon, 5).await;
    let uploads = daemon.running().app().uploads.clone();
    let owner = "admin".parse().unwrap();
    eventually("the upload is over", || {
        uploads.of(&owner, protocol::Timestamp::now()).is_empty()
    })
    .await;
    assert_eq!(send(tus(&daemon, Method::HEAD, &path)).await.status, 404);
}
