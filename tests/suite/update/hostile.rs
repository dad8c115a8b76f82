//! Wrong bytes, other files, sign-in pages: nothing of it is ever installed, and all of it is called by its name.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fixtures::jars::jar_pair;
use futures_util::{StreamExt, stream};
use protocol::Checksum;
use serde_json::json;

use client::download::{Fetched, Wanted, download};
use tests::front::{Asked, Reply, redirect_to_sign_in, sign_in_page};
use tests::wait::until;
use tests::{Daemon, Front};

use super::{app_dir, error, installed, publish_whole, publish_with_deltas, update, updated};
use crate::BINARIES;

const FILE: &str = "/api/v1/updates/download/";

fn is_file(asked: &Asked) -> bool {
    asked.path.contains("/download")
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_change_on_the_way_lead_to_the_next_way_and_in_the_end_to_a_refusal() {
    let daemon = Daemon::start(BINARIES);
    let (old, new) = jar_pair(1, 300_000);
    publish_with_deltas(&daemon, "1.0.0", &old);
    let _ = updated(&daemon, daemon.url());
    publish_with_deltas(&daemon, "1.1.0", &new);
    let all_flipped = Front::of(daemon.url(), |asked| match is_file(asked) {
        true => Reply::Flip,
        false => Reply::Forward,
    });
    let all_flipped = all_flipped.await;

    let finished = update(&daemon, all_flipped.url()).args(["--once"]).run();

    let finished = finished.exits_with(3);
    assert_eq!(error(&finished)["code"], "CHECKSUM_MISMATCH");
    for way in ["jar delta", "zstd delta", "compressed download"] {
        let warning = format!("the {way} did not work");
        assert!(finished.stderr.contains(&warning), "{}", finished.story());
    }
    assert!(installed(&daemon) == ("1.0.0".into(), old));

    let deltas_flipped = Front::of(daemon.url(), |asked| match asked.path.contains("/delta/") {
        true if is_file(asked) => Reply::Flip,
        _ => Reply::Forward,
    });
    let updated = updated(&daemon, deltas_flipped.await.url());
    assert_eq!(updated["way"], "full");
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_is_not_even_fetched_for_a_file_that_is_not_what_it_was() {
    let daemon = Daemon::start(BINARIES);
    let (old, new) = jar_pair(1, 300_000);
    publish_with_deltas(&daemon, "1.0.0", &old);
    let _ = updated(&daemon, daemon.url());
    publish_with_deltas(&daemon, "1.1.0", &new);
    let jar = app_dir(&daemon).join("versions/1.0.0/app.jar");
    let mut bytes = old;
    bytes[1000] ^= 1;
    std::fs::write(jar, bytes).unwrap();
    let front = Front::of(daemon.url(), |_| Reply::Forward).await;

    let updated = updated(&daemon, front.url());

    assert_eq!(updated["way"], "compressed");
    assert!(front.asked("/delta/1.0.0/1.1.0/download").is_empty());
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_page_is_neither_installed_nor_taken_for_a_daemon() {
    let daemon = Daemon::start(BINARIES);
    let (old, new) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &old).await;
    let _ = updated(&daemon, daemon.url());
    publish_whole(&daemon, "1.1.0", &new).await;
    type Caught = fn(&Asked) -> bool;
    type Page = fn() -> Response;
    let pages: [(Caught, Page, &str); 4] = [
        (is_file, sign_in_page, "a web page in place of a file"),
        (
            is_file,
            redirect_to_sign_in,
            "redirects to login.hotel.example",
        ),
        (
            |_| true,
            sign_in_page,
            "text/html; charset=utf-8 in place of JSON",
        ),
        (
            |_| true,
            redirect_to_sign_in,
            "redirects to login.hotel.example",
        ),
    ];
    for (is_caught, page, words) in pages {
        let portal = Front::of(daemon.url(), move |asked| match is_caught(asked) {
            true => Reply::Own(page()),
            false => Reply::Forward,
        });
        let portal = portal.await;
        let finished = update(&daemon, portal.url()).args(["--once"]).run();
        let finished = finished.exits_with(8);
        let error = error(&finished);
        assert_eq!(error["code"], "NOT_A_DAEMON", "{}", finished.story());
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert!(installed(&daemon) == ("1.0.0".into(), old.clone()));
    }
    let _ = updated(&daemon, daemon.url());
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_swapped_under_a_half_done_download_is_fetched_from_its_beginning() {
    // What the server says of its second file, to whoever wants to go on with the first.
    let honest: fn(&Asked) -> Response = |_| file(B, "\"b\"");
    let careless: fn(&Asked) -> Response = |asked| match &asked.range {
        Some(_) => rest(B, Some("\"b\"")),
        None => file(B, "\"b\""),
    };
    let blind: fn(&Asked) -> Response = |asked| match &asked.range {
        Some(_) => rest(B, None),
        None => file(B, "\"b\""),
    };
    for second in [honest, careless, blind] {
        let server = Front::of("http://127.0.0.1:1", move |asked| {
            Reply::Own(match asked.before {
                0 => half(A, "\"a\""),
                _ => second(asked),
            })
        });
        let server = server.await;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("app.jar");
        let fetched = fetch(server.url(), &target).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == B);
        let asked = server.asked(FILE);
        let half = format!("bytes={}-", B.len() / 2);
        assert_eq!(asked[1].range.as_deref(), Some(half.as_str()), "{asked:?}");
        assert!(fetched.fetched_bytes >= B.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_is_left_and_gone_on_with() {
    let server = Front::of("http://127.0.0.1:1", |asked| {
        Reply::Own(match asked.before {
            0 => half(B, "\"b\""),
            _ => rest(B, Some("\"b\"")),
        })
    });
    let server = server.await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("app.jar");
    let fetched = fetch(server.url(), &target).await.unwrap();
    assert!(std::fs::read(&target).unwrap() == B);
    assert_eq!(fetched.fetched_bytes, B.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_a_pause_gets_it() {
    for status in [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let server = Front::of("http://127.0.0.1:1", move |asked| {
            Reply::Own(match asked.before {
                0 => (status, [(header::RETRY_AFTER, "1")]).into_response(),
                _ => file(B, "\"b\""),
            })
        });
        let server = server.await;
        let folder = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let _ = fetch(server.url(), &folder.path().join("app.jar"))
            .await
            .unwrap();
        assert!(began.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_wants_not_to_be_asked_is_not_asked() {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &jar).await;
    let front = Front::of(daemon.url(), |asked| match asked.before {
        0 if asked.path.contains("/check") => {
            let refusal = json!({"success": false, "error": {
                "code": "RATE_LIMITED", "message": "too many", "timestamp": "2026-01-15T10:30:00Z",
                "details": {"retryAfter": 2, "violationType": "CONNECTION_LIMIT", "currentCount": 11,
                    "maxAllowed": 10, "windowMinutes": 1}}});
            let refusal = (StatusCode::TOO_MANY_REQUESTS, refusal.to_string());
            Reply::Own(refusal.into_response())
        }
        _ => Reply::Forward,
    });
    let front = front.await;
    let _running = update(&daemon, front.url()).args(["--poll", "1s"]).start();
    let asked = until("a second question", async || {
        let asked = front.asked("/check");
        (asked.len() > 1).then_some(asked)
    })
    .await;
    let pause = asked[1].at - asked[0].at;
    assert!(pause >= Duration::from_secs(2), "{pause:?}");
}

/// Two files of one length.
static A: &[u8] = &[b'a'; 600_000];
static B: &[u8] = &[b'b'; 600_000];

/// Fetches the second file.
async fn fetch(url: &str, target: &Path) -> Result<Fetched, client::Error> {
    let daemon = client::Daemon::at(url, None).unwrap();
    let daemon = daemon.with_patience(Duration::from_millis(500));
    let wanted = Wanted {
        path: format!("{FILE}2.1.0"),
        size_bytes: B.len() as u64,
        checksum: Checksum::from_bytes(delta::checksum::sha256(B)),
    };
    download(&daemon, &wanted, None, target, &mut |_| {}).await
}

fn file(bytes: &'static [u8], tag: &'static str) -> Response {
    answer(StatusCode::OK, tag, None, Body::from(bytes))
}

/// The first half of a file, and then nothing any more: whoever waits for the rest gives up.
fn half(bytes: &'static [u8], tag: &'static str) -> Response {
    let half = Ok::<_, std::io::Error>(Bytes::from_static(&bytes[..bytes.len() / 2]));
    let silence = stream::once(async { half }).chain(stream::pending());
    let length = (header::CONTENT_LENGTH, bytes.len().to_string());
    answer(
        StatusCode::OK,
        tag,
        Some(length),
        Body::from_stream(silence),
    )
}

/// The second half of a file.
fn rest(bytes: &'static [u8], tag: Option<&'static str>) -> Response {
    let (half, all) = (bytes.len() / 2, bytes.len());
    let range = format!("bytes {half}-{}/{all}", all - 1);
    let range = Some((header::CONTENT_RANGE, range));
    let body = Body::from(&bytes[half..]);
    let mut response = answer(
        StatusCode::PARTIAL_CONTENT,
        tag.unwrap_or_default(),
        range,
        body,
    );
    if tag.is_none() {
        response.headers_mut().remove(header::ETAG);
    }
    response
}

fn answer(
    status: StatusCode,
    tag: &'static str,
    more: Option<(header::HeaderName, String)>,
    body: Body,
) -> Response {
    let mut response = (status, [(header::ETAG, tag)], body).into_response();
    if let Some((name, value)) = more {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
