//! Who may open a session, and what everybody else is answered.

use daemon::store::Actor;
use protocol::api::{Role, UserChange};
use serde_json::Value;
use tokio_tungstenite::tungstenite::http::Response;

use crate::frames::exchange;
use crate::harness::Daemon;

fn refusal(response: &Response<Option<Vec<u8>>>) -> (u16, String) {
    let body: Value =
        serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap();
    assert_eq!(body["success"], false, "{body}");
    (
        response.status().as_u16(),
        body["error"]["code"].as_str().unwrap().to_owned(),
    )
}

async fn refused(daemon: &Daemon, url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    match daemon.open(url, headers).await {
        Ok(_) => panic!("{url} with {headers:?} was let in"),
        Err(response) => refusal(&response),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_three_token_sources_opens_a_session() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let bearer = format!("Bearer {token}");
    let in_url = daemon.url(&format!("?token={token}"));
    let plain = daemon.url("");
    for (url, headers) in [
        (&in_url, vec![]),
        (&plain, vec![("Authorization", bearer.as_str())]),
        (&plain, vec![("X-Auth-Token", token.as_str())]),
        (&in_url, vec![("X-Client-Id", "desktop-client-123")]),
    ] {
        let mut client = daemon.open(url, &headers).await.unwrap();
        client.expect("WELCOME").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_source_that_is_there_wins_even_when_it_is_bad() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let url = daemon.url(&format!("?token={token}"));
    let unauthorized = (401, "UNAUTHORIZED".to_owned());
    assert_eq!(
        refused(&daemon, &url, &[("X-Auth-Token", "bad")]).await,
        unauthorized
    );
    let headers = [
        ("Authorization", "Bearer bad"),
        ("X-Auth-Token", token.as_str()),
    ];
    assert_eq!(refused(&daemon, &url, &headers).await, unauthorized);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_token_the_handshake_is_refused_with_the_envelope() {
    let daemon = Daemon::start().await;
    let unauthorized = (401, "UNAUTHORIZED".to_owned());
    assert_eq!(refused(&daemon, &daemon.url(""), &[]).await, unauthorized);
    assert_eq!(
        refused(&daemon, &daemon.url("?token="), &[]).await,
        unauthorized
    );
    assert_eq!(
        refused(&daemon, &daemon.url("?token=a.b.c"), &[]).await,
        unauthorized
    );

    let token = daemon.token("gone", Role::User);
    let change = UserChange {
        role: None,
        enabled: Some(false),
    };
    daemon
        .app()
        .store
        .change_user(&Actor::daemon(), &"gone".parse().unwrap(), change)
        .unwrap();
    assert_eq!(
        refused(&daemon, &daemon.url(&format!("?token={token}")), &[]).await,
        unauthorized
    );
    assert_eq!(daemon.app().hub.connected_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_of_another_origin_is_refused() {
    let daemon = Daemon::start_with(|config| {
        config.cors.allowed_origins = vec!["http://localhost:3000".into()];
    })
    .await;
    let token = daemon.token("user", Role::User);
    let url = daemon.url(&format!("?token={token}"));
    let own = format!("http://{}", daemon.authority());
    for origin in ["http://localhost:3000", own.as_str()] {
        let mut client = daemon.open(&url, &[("Origin", origin)]).await.unwrap();
        client.expect("WELCOME").await;
    }
    let forbidden = (403, "FORBIDDEN".to_owned());
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:3000.evil.example",
        "http://localhost:30000",
    ] {
        assert_eq!(
            refused(&daemon, &url, &[("Origin", origin)]).await,
            forbidden,
            "{origin}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_origins_are_refused() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let own = format!("http://{}", daemon.authority());
    let request = format!(
        "GET /ws/updates?token={token} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Origin: {own}\r\nOrigin: {own}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        daemon.authority()
    );
    let answer = exchange(&daemon, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_none_is_told_what_to_do() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let request = |version: &str, lines: &str| {
        format!("GET /ws/updates?token={token} HTTP/{version}\r\nHost: x\r\n{lines}\r\n")
    };
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let good_key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (text, status) in [
        (request("1.1", "Upgrade: websocket\r\n"), "426"),
        (
            request(
                "1.0",
                &format!("{upgrade}{good_key}Sec-WebSocket-Version: 13\r\n"),
            ),
            "426",
        ),
        (
            request(
                "1.1",
                &format!("{upgrade}{good_key}Sec-WebSocket-Version: 8\r\n"),
            ),
            "426",
        ),
        (request("1.1", &format!("{upgrade}{good_key}")), "426"),
        (
            request(
                "1.1",
                &format!("{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n"),
            ),
            "400",
        ),
        (
            request(
                "1.1",
                &format!("{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: !!!\r\n"),
            ),
            "400",
        ),
        (
            request("1.1", &format!("{upgrade}Sec-WebSocket-Version: 13\r\n")),
            "400",
        ),
    ] {
        let answer = exchange(&daemon, text.as_bytes()).await;
        let (_, rest) = answer.split_once(' ').unwrap();
        assert!(rest.starts_with(status), "{text}\n{answer}");
        assert!(answer.contains("\"INVALID_REQUEST\""), "{answer}");
    }
    let post = format!(
        "POST /ws/updates?token={token} HTTP/1.1\r\nHost: x\r\n{upgrade}{good_key}\
         Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
    );
    assert!(
        exchange(&daemon, post.as_bytes())
            .await
            .starts_with("HTTP/1.1 405 ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_that_breaks_the_grammar_is_refused() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let url = daemon.url(&format!("?token={token}&clientId=../x"));
    assert_eq!(
        refused(&daemon, &url, &[]).await,
        (400, "INVALID_REQUEST".to_owned())
    );
}
