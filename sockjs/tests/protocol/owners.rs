//! Whose session it is, which transport it has, and what is offered at all.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};

use sockjs::Owner;

use crate::harness::calls::{Endpoint, whole};

const TRANSPORTS: [(&str, &str); 5] = [
    ("POST", "xhr"),
    ("POST", "xhr_streaming"),
    ("GET", "eventsource"),
    ("GET", "htmlfile?c=c"),
    ("GET", "jsonp?c=c"),
];

#[tokio::test(start_paused = true)]
async fn a_session_is_found_by_its_owner_only() {
    let mut endpoint = Endpoint::new(|_| ());
    let opened = endpoint.post_as(Some("alice"), "xhr", "").await;
    assert_eq!(whole(opened).await, "o\n");
    let mut session = endpoint.session().await;
    for other in [Some("mallory"), None] {
        for endpoint_name in ["xhr", "xhr_send"] {
            let response = endpoint.post_as(other, endpoint_name, r#"["x"]"#).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{other:?}");
        }
    }
    let sent = endpoint
        .post_as(Some("alice"), "xhr_send", r#"["a"]"#)
        .await;
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    assert_eq!(session.recv().await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_session_without_an_owner_is_not_found_by_one() {
    let mut endpoint = Endpoint::new(|_| ());
    let _session = endpoint.open("xhr").await;
    let response = endpoint.post_as(Some("mallory"), "xhr", "").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_found_by_its_transport_only() {
    for (method, opener) in TRANSPORTS {
        let endpoint = Endpoint::new(|_| ());
        let opened = endpoint.call(method, None, opener, "").await;
        assert_eq!(opened.status(), StatusCode::OK);
        for (method, other) in TRANSPORTS {
            let response = endpoint.call(method, None, other, "").await;
            let expected = if other == opener {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(response.status(), expected, "{opener}, {other}");
        }
        let is_jsonp = opener.starts_with("jsonp");
        for (sender, is_its_own) in [("xhr_send", !is_jsonp), ("jsonp_send", is_jsonp)] {
            let response = endpoint.post(sender, "[]").await;
            assert_eq!(
                response.status().is_success(),
                is_its_own,
                "{opener}, {sender}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_carries_no_origin_can_be_switched_off() {
    let endpoint = Endpoint::new(|options| options.without_origin = false);
    for (method, transport) in [
        ("GET", "htmlfile?c=c"),
        ("GET", "jsonp?c=c"),
        ("POST", "jsonp_send"),
    ] {
        let response = endpoint.call(method, None, transport, "[]").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{transport}");
    }
    let page = Request::get("/at/iframe.html").body(Body::empty()).unwrap();
    let page = endpoint.sockjs.serve(page).await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    let response = endpoint.post("xhr", "").await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn the_application_sees_the_request_that_opened_its_session() {
    let mut endpoint = Endpoint::new(|_| ());
    let request = Request::post("/at/0/0/xhr?token=x")
        .header("User-Agent", "test")
        .extension(7_u32)
        .body(Body::empty())
        .unwrap();
    endpoint.sockjs.serve(request).await;
    let session = endpoint.session().await;
    let request = session.request();
    assert_eq!(request.uri.query(), Some("token=x"));
    assert_eq!(request.headers["user-agent"], "test");
    assert_eq!(request.extensions.get::<u32>(), Some(&7));
}

#[tokio::test]
async fn what_is_the_same_for_all_is_public() {
    let endpoint = Endpoint::new(|_| ());
    for (method, path, is_public) in [
        (Method::GET, "/at", true),
        (Method::GET, "/at/", true),
        (Method::GET, "/at/iframe-1.6.1.html", true),
        (Method::OPTIONS, "/at/info", true),
        (Method::OPTIONS, "/at/0/0/xhr", true),
        (Method::GET, "/at/nothing", true),
        (Method::GET, "/elsewhere/info", true),
        (Method::GET, "/at/info", false),
        (Method::GET, "/at/websocket", false),
        (Method::POST, "/at/0/0/xhr", false),
        (Method::POST, "/at/0/0/xhr_send", false),
        (Method::GET, "/at/0/0/jsonp", false),
    ] {
        let request = Request::builder().method(&method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(
            endpoint.sockjs.is_public(&request),
            is_public,
            "{method} {path}"
        );
    }
}

fn to_session(method: &str, transport: &str) -> Request {
    let request = Request::builder().method(method);
    let request = request.uri(format!("/at/000/session/{transport}"));
    request.body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_first_request_of_a_session_is_told_from_those_that_follow() {
    let mut endpoint = Endpoint::new(|_| ());
    let opens = |endpoint: &Endpoint, method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        endpoint.sockjs.opens_session(&request)
    };
    for (method, path, is_first) in [
        ("GET", "/at/000/session/websocket", true),
        ("GET", "/at/websocket", true),
        ("POST", "/at/000/session/xhr", true),
        ("POST", "/at/000/session/xhr_streaming", true),
        ("GET", "/at/000/session/eventsource", true),
        ("GET", "/at/000/session/htmlfile", true),
        ("GET", "/at/000/session/jsonp", true),
        ("GET", "/at/000/session/xhr", false),
        ("OPTIONS", "/at/000/session/xhr", false),
        ("POST", "/at/000/session/xhr_send", false),
        ("POST", "/at/000/session/jsonp_send", false),
        ("GET", "/at/info", false),
        ("GET", "/at", false),
        ("POST", "/elsewhere/000/session/xhr", false),
    ] {
        assert_eq!(opens(&endpoint, method, path), is_first, "{method} {path}");
    }
    let _session = endpoint.open("xhr").await;
    for transport in ["xhr", "xhr_streaming"] {
        let path = format!("/at/000/session/{transport}");
        assert!(!opens(&endpoint, "POST", &path), "{transport}");
    }
    assert!(opens(&endpoint, "POST", "/at/000/another/xhr"));
}

#[tokio::test(start_paused = true)]
async fn the_goodbye_of_a_session_is_told_from_all_else() {
    let mut endpoint = Endpoint::new(|_| ());
    let (alice, mallory) = (Owner::new("alice"), Owner::new("mallory"));
    let is_for_farewell = |endpoint: &Endpoint, transport: &str, owner: &Owner| {
        let request = to_session("POST", transport);
        endpoint.sockjs.is_for_farewell(&request, owner)
    };
    assert!(!is_for_farewell(&endpoint, "xhr", &alice), "there is none");
    let opened = endpoint.post_as(Some("alice"), "xhr", "").await;
    assert_eq!(whole(opened).await, "o\n");
    let session = endpoint.session().await;
    assert!(!is_for_farewell(&endpoint, "xhr", &alice), "it is open");
    session.close(1008, "go");
    assert!(is_for_farewell(&endpoint, "xhr", &alice));
    assert!(!is_for_farewell(&endpoint, "xhr", &mallory));
    assert!(!is_for_farewell(&endpoint, "xhr_send", &alice));
    let farewell = endpoint.post_as(Some("alice"), "xhr", "").await;
    assert_eq!(whole(farewell).await, "c[1008,\"go\"]\n");
}
