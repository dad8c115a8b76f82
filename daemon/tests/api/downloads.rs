//! Fetching bytes: headers, ranges, conditions, limits, and what is told and counted of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{
    ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Daemon, Upload, eventually, send, updates, versions};

/// A daemon with a release of some size, and its bytes.
async fn with_release() -> (Daemon, Vec<u8>) {
    let daemon = Daemon::start().await;
    let (jar, _) = fixtures::jars::jar_pair(3, 1_500_000);
    let answer = daemon
        .publish(Upload::new("2.1.0").with_jar(jar.clone()))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    (daemon, jar)
}

#[tokio::test]
async fn a_download_is_the_file_with_everything_that_describes_it() {
    let (daemon, jar) = with_release().await;
    let path = updates("/download/2.1.0");
    let answer = send(
        daemon
            .request(Method::GET, &path)
            .header(ACCEPT_ENCODING, "gzip, br, zstd"),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, jar);
    let checksum = hex::encode(Sha256::digest(&jar));
    assert_eq!(answer.header("content-type"), "application/java-archive");
    assert_eq!(answer.header("content-length"), jar.len().to_string());
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("etag"), format!("\"{checksum}\""));
    assert_eq!(answer.header("x-checksum-sha256"), checksum);
    let digest = STANDARD.encode(Sha256::digest(&jar));
    assert_eq!(answer.header("repr-digest"), format!("sha-256=:{digest}:"));
    assert_eq!(
        answer.header("cache-control"),
        "private, max-age=31536000, immutable"
    );
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"app-2.1.0.jar\""
    );
    assert!(answer.header("last-modified").ends_with(" GMT"));
    assert!(!answer.headers.contains_key("content-encoding"));

    let head = send(
        daemon
            .request(Method::HEAD, &path)
            .header(RANGE, "bytes=0-0"),
    )
    .await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    for name in ["content-length", "etag", "content-type", "accept-ranges"] {
        assert_eq!(head.header(name), answer.header(name), "{name}");
    }
}

#[tokio::test]
async fn ranges_and_conditions_are_answered_as_the_rfc_says() {
    let (daemon, jar) = with_release().await;
    let size = jar.len();
    let etag = format!("\"{}\"", hex::encode(Sha256::digest(&jar)));
    let get = || daemon.request(Method::GET, &updates("/download/2.1.0"));

    for (range, part) in [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=1000000-".to_owned(), 1_000_000..size),
        ("bytes=-10".to_owned(), size - 10..size),
        (format!("bytes=5-{}", usize::MAX), 5..size),
    ] {
        let answer = send(get().header(RANGE, &range)).await;
        assert_eq!(answer.status, 206, "{range}");
        let (first, last) = (part.start, part.end - 1);
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {first}-{last}/{size}")
        );
        assert_eq!(answer.header("content-length"), part.len().to_string());
        assert_eq!(answer.body, jar[part], "{range}");
    }
    let unsatisfiable = send(get().header(RANGE, format!("bytes={size}-"))).await;
    unsatisfiable.refused(416, "RANGE_NOT_SATISFIABLE");
    assert_eq!(
        unsatisfiable.header("content-range"),
        format!("bytes */{size}")
    );

    for request in [
        get().header(RANGE, "bytes=0-1,5-6"),
        get().header("request-range", "bytes=0-1"),
        get().header(RANGE, "bytes=0-1").header(IF_RANGE, "\"old\""),
        get()
            .header(RANGE, "bytes=0-1")
            .header(IF_RANGE, format!("W/{etag}")),
        get()
            .header(RANGE, "bytes=0-1")
            .header(IF_RANGE, "Sun, 06 Nov 1994 08:49:37 GMT"),
        get().header(IF_NONE_MATCH, "\"old\""),
        get().header(IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        let answer = send(request).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, size));
    }
    let whole = send(get()).await;
    let modified = whole.header("last-modified");
    for validator in [&etag, modified] {
        let part = send(get().header(RANGE, "bytes=0-1").header(IF_RANGE, validator)).await;
        assert_eq!((part.status.as_u16(), part.body.len()), (206, 2));
        for name in ["etag", "last-modified", "cache-control", "repr-digest"] {
            assert_eq!(part.header(name), whole.header(name), "{name}");
        }
    }
    for request in [
        get().header(IF_NONE_MATCH, &etag),
        get().header(IF_MODIFIED_SINCE, modified),
        get()
            .header(IF_NONE_MATCH, &etag)
            .header(RANGE, "bytes=0-1"),
    ] {
        let unchanged = send(request).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
        for name in ["etag", "last-modified", "cache-control"] {
            assert_eq!(unchanged.header(name), whole.header(name), "{name}");
        }
    }
    send(get().header(IF_MATCH, "\"old\""))
        .await
        .refused(412, "INVALID_REQUEST");
}

#[tokio::test]
async fn what_is_not_offered_is_only_there_for_publishers() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.0"]).await;
    let draft = Upload::new("2.1.0").with("draft", "true");
    assert_eq!(daemon.publish(draft).await.status, 201);
    let user = daemon.token_of("jane", "USER").await;
    let publisher = daemon.token_of("ci", "PUBLISHER").await;
    let paths = ["/download/2.1.0", "/versions/2.1.0/metadata"];
    for path in paths.map(updates) {
        let hidden = daemon.get_as(&user, &path).await.refused(404, "NOT_FOUND");
        let absent = daemon
            .get_as(&user, &path.replace("2.1.0", "9.9.9"))
            .await
            .refused(404, "NOT_FOUND");
        assert_eq!(
            hidden,
            absent.replace("9.9.9", "2.1.0"),
            "nothing tells a hidden version from none"
        );
        assert_eq!(daemon.get_as(&publisher, &path).await.status, 200);
    }
    daemon
        .patch(&versions("/2.0.0/toggle-status"), &json!({}))
        .await
        .data();
    daemon
        .get_as(&user, &updates("/download/2.0.0"))
        .await
        .refused(404, "NOT_FOUND");
    let inactive = daemon.get_as(&publisher, &updates("/download/2.0.0")).await;
    assert_eq!(inactive.status, 200);
}

#[tokio::test]
async fn a_version_in_the_path_is_a_version_or_refused() {
    let daemon = Daemon::start().await;
    for text in [
        "..%2f..%2fetc%2fpasswd",
        "%252e%252e%252f",
        "..%5Cx",
        "%ff",
        "%zz",
        "é",
        "2.1",
        "v2.1.0",
        "2.1.0.0",
        "02.1.0",
        "2.1.0-",
        "2.1.0+",
        "99999999999999999999.0.0",
        "CON",
        "-rf",
        "~",
        "２.1.0",
        "%00",
        "2.1.0%0d%0aX:%20y",
    ] {
        for path in [
            format!("/download/{text}"),
            format!("/versions/{text}/metadata"),
            format!("/delta/1.0.0/{text}"),
        ] {
            daemon
                .get(&updates(&path))
                .await
                .refused(400, "INVALID_VERSION");
        }
    }
    for path in [
        "/download/",
        "/download/2.1.0/",
        "//download/2.1.0",
        "/delta/1.0.0/2.0.0",
    ] {
        daemon.get(&updates(path)).await.refused(404, "NOT_FOUND");
    }
    daemon
        .get(&updates("/delta/1.0.0/1.0.0"))
        .await
        .refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_client_has_few_downloads_at_a_time_and_gets_its_places_back() {
    let folder_size = 24 << 20;
    let daemon = Daemon::start_with(|config| config.limits.concurrent_downloads = 2).await;
    // Large and incompressible, so that it does not fit into the buffers between us and the daemon.
    let (jar, _) = fixtures::jars::jar_pair(5, folder_size);
    assert_eq!(
        daemon
            .publish(Upload::new("2.1.0").with_jar(jar))
            .await
            .status,
        201
    );
    let path = updates("/download/2.1.0");
    let slow = || {
        daemon
            .request(Method::GET, &path)
            .header("x-client-id", "slow")
            .send()
    };
    let first = slow().await.unwrap();
    let second = slow().await.unwrap();
    let third = send(
        daemon
            .request(Method::GET, &path)
            .header("x-client-id", "slow"),
    )
    .await;
    third.refused(429, "RATE_LIMITED");
    assert!(third.header("retry-after").parse::<u64>().is_ok());
    let details = third.json()["error"]["details"].clone();
    assert_eq!(details["violationType"], "DOWNLOAD_LIMIT");
    assert_eq!(
        (&details["currentCount"], &details["maxAllowed"]),
        (&json!(3), &json!(2))
    );
    let head = send(
        daemon
            .request(Method::HEAD, &path)
            .header("x-client-id", "slow"),
    )
    .await;
    assert_eq!(head.status, 200, "asking for the headers is no download");
    let other = send(
        daemon
            .request(Method::GET, &path)
            .header("x-client-id", "other")
            .header(RANGE, "bytes=0-9"),
    )
    .await;
    assert_eq!(other.status, 206, "others are not concerned");

    drop((first, second));
    let limits = &daemon.running().app().limits;
    eventually("the places are free again", || {
        limits.running_downloads() == 0
    })
    .await;
    let statistics = daemon.get("/api/v1/admin/updates/statistics").await.data();
    assert_eq!(statistics["activeDownloads"], 0);
    assert_eq!(
        statistics["totalDownloads"], 0,
        "broken off is not completed: {statistics}"
    );
}

#[tokio::test]
async fn downloads_on_one_connection_follow_each_other_byte_for_byte() {
    let (daemon, jar) = with_release().await;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n",
        updates("/download/2.1.0"),
        daemon.admin
    );
    // All asked for before the first is answered; a part of megabytes stands between two of a few bytes.
    let parts = [0..1, 7..jar.len(), 100..103];
    let requests: String = parts
        .iter()
        .map(|part| format!("{head}Range: bytes={}-{}\r\n\r\n", part.start, part.end - 1))
        .collect();
    let mut socket = TcpStream::connect(daemon.address()).await.unwrap();
    socket.write_all(requests.as_bytes()).await.unwrap();
    for part in parts {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await.unwrap());
        }
        let mut body = vec![0; part.len()];
        socket.read_exact(&mut body).await.unwrap();
        assert!(body == jar[part.clone()], "{part:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_last_byte_may_come_again_and_has_been_counted() {
    let daemon = Daemon::start_with(|config| config.limits.concurrent_downloads = 1).await;
    daemon.has(&["2.1.0"]).await;
    let path = updates("/download/2.1.0?clientId=desktop-1");
    let app = daemon.running().app();
    for count in 1..=200 {
        // Each on a connection of its own, so that nothing but the last byte tells that it is over.
        let http = reqwest::Client::new();
        let request = http.get(daemon.url(&path)).bearer_auth(&daemon.admin);
        assert_eq!(send(request).await.status, 200, "the {count}th");
        let counts = &app.counters.snapshot().versions[&"2.1.0".parse().unwrap()];
        assert_eq!(counts.downloads_completed, count);
    }
}

#[tokio::test]
async fn downloads_are_counted_and_the_counts_outlive_a_restart() {
    let (mut daemon, jar) = with_release().await;
    let path = updates("/download/2.1.0");
    assert_eq!(daemon.get(&path).await.body.len(), jar.len());
    assert_eq!(
        send(
            daemon
                .request(Method::GET, &path)
                .header(RANGE, "bytes=0-9")
        )
        .await
        .body
        .len(),
        10
    );
    assert_eq!(send(daemon.request(Method::HEAD, &path)).await.status, 200);
    let running = daemon.running().app().clone();
    eventually("both have ended", || {
        running.limits.running_downloads() == 0
    })
    .await;
    drop(running);
    let of = |statistics: &serde_json::Value| statistics["versions"][0].clone();
    let before = daemon.get("/api/v1/admin/updates/statistics").await.data();
    let counts = of(&before);
    assert_eq!(counts["version"], "2.1.0");
    assert_eq!(
        (&counts["downloadsStarted"], &counts["downloadsCompleted"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(counts["bytesSent"], json!(jar.len() + 10));
    assert_eq!(
        (&before["totalVersions"], &before["activeVersions"]),
        (&json!(1), &json!(1))
    );

    daemon.restart().await;
    let after = daemon.get("/api/v1/admin/updates/statistics").await.data();
    assert_eq!(of(&after), counts);
    assert_eq!(after["since"], before["since"]);
}

#[tokio::test]
async fn a_client_must_be_named_well() {
    let (daemon, _) = with_release().await;
    let path = updates("/download/2.1.0");
    let request = daemon
        .request(Method::GET, &path)
        .header("x-client-id", "../x");
    send(request).await.refused(400, "INVALID_REQUEST");
    daemon
        .get(&format!("{path}?clientId=a%20b"))
        .await
        .refused(400, "INVALID_REQUEST");
    assert_eq!(
        daemon
            .get(&format!("{path}?clientId=desktop-1"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_format_of_a_delta_is_one_that_exists() {
    let (daemon, _) = with_release().await;
    let path = updates("/delta/2.0.0/2.1.0/download");
    for unknown in ["foo", "", "ZSTD"] {
        let answer = daemon.get(&format!("{path}?format={unknown}")).await;
        answer.refused(400, "INVALID_REQUEST");
        assert_eq!(answer.json()["error"]["details"][0]["field"], "format");
    }
    let answer = daemon.get(&format!("{path}?format=zstd")).await;
    answer.refused(404, "NOT_FOUND");
}
