//! `jsonp` and `jsonp_send`.

use crate::harness::raw::Request;
use crate::harness::{Server, session_url};
use crate::pages::assert_not_cached;

async fn open(server: &Server, url: &str) {
    let answer = server.get(&format!("{url}/jsonp?c=x")).await;
    assert_eq!(answer.body, "/**/x(\"o\");\r\n");
}

#[tokio::test]
async fn frames_are_calls_of_the_callback() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let poll = format!("{url}/jsonp?c=%63allback");
    let answer = server.get(&poll).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/javascript; charset=UTF-8")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_not_cached(&answer);
    assert_eq!(answer.body, "/**/callback(\"o\");\r\n");

    let request = Request::new("POST", &format!("{url}/jsonp_send"));
    let answer = server.send(request.form("d=%5B%22x%22%5D")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
    assert_not_cached(&answer);
    let answer = server.get(&poll).await;
    assert_eq!(answer.body, "/**/callback(\"a[\\\"x\\\"]\");\r\n");
}

#[tokio::test]
async fn the_callback_has_to_be_a_name() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let answer = server.get(&format!("{url}/jsonp")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body, "\"callback\" parameter required");
    let too_long = "x".repeat(33);
    for callback in ["%20", "*", "abc(", "abc%28", "", too_long.as_str()] {
        let answer = server.get(&format!("{url}/jsonp?c={callback}")).await;
        assert_eq!(answer.status, 500, "{callback}");
        assert_eq!(answer.body, "invalid \"callback\" parameter");
    }
}

#[tokio::test]
async fn what_is_no_array_of_messages_is_refused_and_the_session_goes_on() {
    let server = Server::start().await;
    let url = session_url("/echo");
    open(&server, &url).await;
    let send = async |form: &str| {
        let request = Request::new("POST", &format!("{url}/jsonp_send"));
        server.send(request.form(form)).await
    };
    for (form, text) in [
        ("d=%5B%22x", "Broken JSON encoding."),
        ("", "Payload expected."),
        ("d=", "Payload expected."),
        ("p=p", "Payload expected."),
    ] {
        let answer = send(form).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, text));
    }
    assert_eq!(send("d=%5B%5D").await.body, "ok");
    assert_eq!(send("d=%5B%22b%22%5D").await.body, "ok");
    let answer = server.get(&format!("{url}/jsonp?c=x")).await;
    assert_eq!(answer.body, "/**/x(\"a[\\\"b\\\"]\");\r\n");
}

#[tokio::test]
async fn messages_come_in_a_form_or_plainly() {
    let server = Server::start().await;
    let url = session_url("/echo");
    open(&server, &url).await;
    let path = format!("{url}/jsonp_send");
    for (request, echoed) in [
        (Request::new("POST", &path).form("d=%5B%22abc%22%5D"), "abc"),
        (
            Request::new("POST", &path)
                .header("Content-Type", "text/plain")
                .body(r#"["%61bc"]"#),
            "%61bc",
        ),
    ] {
        assert_eq!(server.send(request).await.body, "ok");
        let answer = server.get(&format!("{url}/jsonp?c=x")).await;
        assert_eq!(answer.body, format!("/**/x(\"a[\\\"{echoed}\\\"]\");\r\n"));
    }
}

#[tokio::test]
async fn a_closed_session_says_so_to_each_poll() {
    let server = Server::start().await;
    let url = session_url("/close");
    open(&server, &url).await;
    for _ in 0..2 {
        let answer = server.get(&format!("{url}/jsonp?c=x")).await;
        assert_eq!(answer.body, "/**/x(\"c[3000,\\\"Go away!\\\"]\");\r\n");
    }
}
