//! Who may come to the SockJS endpoint, and what everybody else is answered.

use futures_util::StreamExt;
use protocol::api::Role;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::harness::Daemon;
use crate::page::{Page, TRANSPORTS, Transport, refusal, request, send};

const LISTED: &str = "http://localhost:3000";

async fn start() -> Daemon {
    Daemon::start_with(|config| config.cors.allowed_origins = vec![LISTED.into()]).await
}

/// States that a page of this origin may read the answer, as browsers see it: each header once.
#[track_caller]
fn is_readable_by(headers: &HeaderMap, origin: &str) {
    let values = |name| headers.get_all(name).iter().collect::<Vec<_>>();
    assert_eq!(values("access-control-allow-origin"), [origin]);
    assert_eq!(values("access-control-allow-credentials"), ["true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_same_for_all_needs_no_token() {
    let daemon = start().await;
    for path in ["", "/"] {
        let greeting = send(request(&daemon, Method::GET, path)).await;
        assert_eq!(greeting.status(), 200);
        assert_eq!(greeting.text().await.unwrap(), "Welcome to SockJS!\n");
    }
    let page = send(request(&daemon, Method::GET, "/iframe-1.6.1.html")).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    for path in [
        "",
        "/info",
        "/0/0/xhr",
        "/0/0/xhr_send",
        "/0/0/xhr_streaming",
    ] {
        let preflight = request(&daemon, Method::OPTIONS, path)
            .header("Origin", LISTED)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "x-auth-token");
        let answer = send(preflight).await;
        assert_eq!(answer.status(), 204, "{path}");
        is_readable_by(answer.headers(), LISTED);
        assert_eq!(
            answer.headers()["access-control-allow-headers"],
            "x-auth-token"
        );
    }
    let nothing = send(request(&daemon, Method::GET, "/nothing")).await;
    assert_eq!(nothing.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_a_page_is_refused_at_once_and_can_read_why() {
    let daemon = start().await;
    for (method, path) in [
        (Method::GET, "/info"),
        (Method::GET, "/info?token=a.b.c"),
        (Method::POST, "/0/0/xhr"),
        (Method::POST, "/0/0/xhr_streaming"),
        (Method::POST, "/0/0/xhr_send"),
        (Method::GET, "/0/0/eventsource"),
        (Method::GET, "/0/0/htmlfile?c=x"),
        (Method::GET, "/0/0/jsonp?c=x"),
        (Method::POST, "/0/0/jsonp_send"),
        (Method::GET, "/0/0/websocket"),
        (Method::GET, "/websocket"),
    ] {
        let asked = request(&daemon, method, path).header("Origin", LISTED);
        let (status, headers, code) = refusal(asked).await;
        assert_eq!((status, code.as_str()), (401, "UNAUTHORIZED"), "{path}");
        is_readable_by(&headers, LISTED);
        assert_eq!(headers["www-authenticate"], "Bearer");
    }
    assert_eq!(daemon.app().hub.connected_sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_three_token_sources_opens_a_session() {
    let daemon = start().await;
    let token = daemon.token("user", Role::User);
    let bearer = format!("Bearer {token}");
    for (query, header) in [
        (format!("?token={token}"), None),
        (String::new(), Some(("Authorization", bearer.as_str()))),
        (String::new(), Some(("X-Auth-Token", token.as_str()))),
    ] {
        let with_token = |method, path: String| {
            let request = request(&daemon, method, &(path + &query));
            match header {
                Some((name, value)) => request.header(name, value),
                None => request,
            }
        };
        let info = send(with_token(Method::GET, "/info".into())).await;
        assert_eq!(info.status(), 200);
        let info: Value = info.json().await.unwrap();
        assert_eq!(info["websocket"], true);
        let path = format!("/0/{}/xhr", uuid::Uuid::new_v4().simple());
        let opened = send(with_token(Method::POST, path.clone())).await;
        assert_eq!(opened.text().await.unwrap(), "o\n");
        let polled = send(with_token(Method::POST, path)).await;
        let polled = polled.text().await.unwrap();
        assert!(polled.contains("WELCOME"), "{polled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_is_refused_on_every_request() {
    let daemon = start().await;
    let token = daemon.token("user", Role::User);
    let own = format!("http://{}", daemon.authority());
    let asked = |origin: &str, method, path: &str| {
        let path = format!("{path}?token={token}");
        request(&daemon, method, &path).header("Origin", origin)
    };
    for origin in [LISTED, own.as_str()] {
        let info = send(asked(origin, Method::GET, "/info")).await;
        assert_eq!(info.status(), 200, "{origin}");
        is_readable_by(info.headers(), origin);
        let opened = send(asked(
            origin,
            Method::POST,
            &format!("/0/{}/xhr", origin.len()),
        ))
        .await;
        assert_eq!(opened.status(), 200, "{origin}");
        is_readable_by(opened.headers(), origin);
    }
    for origin in ["http://evil.example", "null", "http://localhost:30000"] {
        for (method, path) in [
            (Method::GET, "/info"),
            (Method::POST, "/0/1/xhr"),
            (Method::POST, "/0/1/xhr_send"),
            (Method::GET, "/0/1/eventsource"),
            (Method::GET, "/0/1/websocket"),
        ] {
            let (status, headers, code) = refusal(asked(origin, method, path)).await;
            assert_eq!((status, code.as_str()), (403, "FORBIDDEN"), "{path}");
            is_readable_by(&headers, origin);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_users_whatever_token_they_come_with() {
    let daemon = start().await;
    for transport in TRANSPORTS {
        let mut page = Page::open(&daemon, transport).await;
        let stranger = daemon.token("mallory", Role::Admin);
        let (own_query, strange_query) = (page.query.clone(), format!("token={stranger}"));
        for query in [strange_query.as_str(), "", "token=a.b.c"] {
            page.query = query.into();
            let expected = if query == strange_query { 404 } else { 401 };
            for endpoint in [transport.endpoint(), "xhr_send"] {
                let answer = send(page.post(endpoint).body("[\"x\"]")).await;
                assert_eq!(answer.status(), expected, "{endpoint}");
            }
        }
        let another = daemon.token("user", Role::User);
        assert!(!own_query.contains(&another));
        page.query = format!("token={another}");
        page.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transports_that_carry_no_origin_can_be_switched_off() {
    let places = [
        (Method::GET, "/iframe.html?"),
        (Method::GET, "/0/1/jsonp?c=x&"),
        (Method::GET, "/0/2/htmlfile?c=x&"),
        (Method::POST, "/0/1/jsonp_send?"),
    ];
    let daemon = Daemon::start_with(|config| {
        config.sockjs.client_url = "https://pages.example/sockjs.js".into();
    })
    .await;
    let token = daemon.token("user", Role::User);
    for (method, path) in places.clone() {
        let answer = send(request(&daemon, method, &format!("{path}token={token}"))).await;
        assert_ne!(answer.status(), 404, "{path}");
    }
    let page = send(request(&daemon, Method::GET, "/iframe.html")).await;
    let page = page.text().await.unwrap();
    assert!(
        page.contains("<script src=\"https://pages.example/sockjs.js\">"),
        "{page}"
    );

    let daemon = Daemon::start_with(|config| config.sockjs.iframe_and_jsonp = false).await;
    let token = daemon.token("user", Role::User);
    for (method, path) in places {
        let answer = send(request(&daemon, method, &format!("{path}token={token}"))).await;
        assert_eq!(answer.status(), 404, "{path}");
    }
    Page::open(&daemon, Transport::Polling)
        .await
        .expect_nothing()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_of_sockjs_carry_the_same_session() {
    let daemon = start().await;
    let token = daemon.token("user", Role::User);
    let url = |path: &str| format!("ws://{}/ws/updates{path}?token={token}", daemon.authority());

    let mut plain = daemon.open(&url("/websocket"), &[]).await.unwrap();
    plain.expect("WELCOME").await;
    plain.expect_nothing().await;

    let mut framed = daemon.open(&url("/000/abc/websocket"), &[]).await.unwrap();
    let next = async |stream: &mut crate::harness::Stream| {
        let message = stream.next().await.unwrap().unwrap();
        message.into_text().unwrap().to_string()
    };
    assert_eq!(next(&mut framed.stream).await, "o");
    assert!(
        next(&mut framed.stream)
            .await
            .starts_with("a[\"{\\\"type\\\":\\\"WELCOME")
    );
    framed
        .say_text(r#"["{\"type\":\"PING\",\"data\":{}}"]"#)
        .await;
    assert!(next(&mut framed.stream).await.contains("HEARTBEAT"));
    assert_eq!(daemon.app().hub.connected_sessions(), 2);
    framed.say_text("[").await;
    assert!(framed.stream.next().await.is_none_or(|last| last.is_err()));
}
