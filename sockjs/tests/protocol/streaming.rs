//! The transports whose response goes on: `xhr_streaming`, `eventsource`, `htmlfile`.

use crate::harness::raw::{Request, Streaming};
use crate::harness::{Server, session_url};

async fn send(server: &Server, url: &str, body: &str) {
    let answer = server.post(&format!("{url}/xhr_send"), body).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
}

fn assert_head(stream: &Streaming, content_type: &str) {
    let head = &stream.head;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some(content_type));
    assert_eq!(
        head.header("cache-control"),
        Some("no-store, no-cache, no-transform, must-revalidate, max-age=0")
    );
    assert_eq!(head.header("expires"), None);
    assert_eq!(head.header("x-frame-options"), None);
}

async fn assert_next(stream: &mut Streaming, chunk: &str) {
    assert_eq!(stream.chunk().await.as_deref(), Some(chunk));
}

#[tokio::test]
async fn xhr_streaming_sends_a_prelude_and_then_frame_by_frame() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let request = Request::new("POST", &format!("{url}/xhr_streaming")).header("Origin", "test");
    let mut stream = server.stream(request).await;
    assert_head(&stream, "application/javascript; charset=UTF-8");
    let allowed = stream.head.header("access-control-allow-origin");
    assert_eq!(allowed, Some("test"));
    assert_next(&mut stream, &format!("{}\n", "h".repeat(2048))).await;
    assert_next(&mut stream, "o\n").await;
    send(&server, &url, r#"["x"]"#).await;
    assert_next(&mut stream, "a[\"x\"]\n").await;
    send(&server, &url, r#"["y"]"#).await;
    assert_next(&mut stream, "a[\"y\"]\n").await;
}

#[tokio::test]
async fn xhr_streaming_ends_at_its_limit_and_the_session_goes_on() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let mut stream = server.stream_post(&format!("{url}/xhr_streaming")).await;
    stream.chunk().await.unwrap();
    assert_next(&mut stream, "o\n").await;
    let message = format!("\"{}\"", "x".repeat(128));
    for _ in 0..31 {
        send(&server, &url, &format!("[{message}]")).await;
        assert_next(&mut stream, &format!("a[{message}]\n")).await;
    }
    assert_eq!(stream.chunk().await, None);

    let mut stream = server.stream_post(&format!("{url}/xhr_streaming")).await;
    stream.chunk().await.unwrap();
    send(&server, &url, r#"["more"]"#).await;
    assert_next(&mut stream, "a[\"more\"]\n").await;
}

#[tokio::test]
async fn eventsource_sends_events() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let request = Request::new("GET", &format!("{url}/eventsource")).header("Origin", "null");
    let mut stream = server.stream(request).await;
    assert_head(&stream, "text/event-stream");
    let allowed = stream.head.header("access-control-allow-origin");
    assert_eq!(allowed, Some("null"));
    assert_next(&mut stream, "\r\n").await;
    assert_next(&mut stream, "data: o\r\n\r\n").await;
    send(&server, &url, r#"["x"]"#).await;
    assert_next(&mut stream, "data: a[\"x\"]\r\n\r\n").await;
    send(&server, &url, r#"["  \u0000\n\r "]"#).await;
    assert_next(&mut stream, "data: a[\"  \\u0000\\n\\r \"]\r\n\r\n").await;
    send(&server, &url, r#"["100%"]"#).await;
    assert_next(&mut stream, "data: a[\"100%25\"]\r\n\r\n").await;
}

#[tokio::test]
async fn eventsource_ends_at_its_limit() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let mut stream = server.stream_get(&format!("{url}/eventsource")).await;
    assert_next(&mut stream, "\r\n").await;
    assert_next(&mut stream, "data: o\r\n\r\n").await;
    let message = format!("\"{}\"", "x".repeat(4096));
    send(&server, &url, &format!("[{message}]")).await;
    assert_next(&mut stream, &format!("data: a[{message}]\r\n\r\n")).await;
    assert_eq!(stream.chunk().await, None);
}

const HTML_FILE: &str = r#"<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.callback;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"#;

#[tokio::test]
async fn htmlfile_sends_scripts_in_a_page() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let path = format!("{url}/htmlfile?c=%63allback");
    let mut stream = server.stream_get(&path).await;
    assert_head(&stream, "text/html; charset=UTF-8");
    let page = stream.chunk().await.unwrap();
    assert_eq!(page.trim(), HTML_FILE);
    assert!(page.len() > 1024);
    assert_next(&mut stream, "<script>\np(\"o\");\n</script>\r\n").await;
    send(&server, &url, r#"["x"]"#).await;
    let script = "<script>\np(\"a[\\\"x\\\"]\");\n</script>\r\n";
    assert_next(&mut stream, script).await;
}

#[tokio::test]
async fn htmlfile_lets_no_message_out_of_its_script() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let mut stream = server.stream_get(&format!("{url}/htmlfile?c=c")).await;
    stream.chunk().await.unwrap();
    stream.chunk().await.unwrap();
    send(&server, &url, r#"["</script><!--"]"#).await;
    let script = "<script>\np(\"a[\\\"\\u003c/script>\\u003c!--\\\"]\");\n</script>\r\n";
    assert_next(&mut stream, script).await;
}

#[tokio::test]
async fn htmlfile_ends_at_its_limit() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let mut stream = server
        .stream_get(&format!("{url}/htmlfile?c=callback"))
        .await;
    stream.chunk().await.unwrap();
    stream.chunk().await.unwrap();
    let message = "x".repeat(4096);
    send(&server, &url, &format!("[\"{message}\"]")).await;
    let script = format!("<script>\np(\"a[\\\"{message}\\\"]\");\n</script>\r\n");
    assert_next(&mut stream, &script).await;
    assert_eq!(stream.chunk().await, None);
}

#[tokio::test]
async fn htmlfile_wants_a_callback_that_is_a_name() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let answer = server.get(&format!("{url}/htmlfile")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body, "\"callback\" parameter required");
    for callback in ["%20", "*", "abc(", "abc%28", ""] {
        let answer = server.get(&format!("{url}/htmlfile?c={callback}")).await;
        assert_eq!(answer.status, 500, "{callback}");
        assert_eq!(answer.body, "invalid \"callback\" parameter");
    }
}

#[tokio::test]
async fn what_waits_is_sent_together() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let mut stream = server.stream_post(&format!("{url}/xhr_streaming")).await;
    stream.chunk().await.unwrap();
    assert_next(&mut stream, "o\n").await;
    let big = "x".repeat(5000);
    // Over the limit: the response ends, and what follows waits for the next.
    send(&server, &url, &format!("[\"{big}\"]")).await;
    assert_next(&mut stream, &format!("a[\"{big}\"]\n")).await;
    assert_eq!(stream.chunk().await, None);
    send(&server, &url, r#"["1","2"]"#).await;
    send(&server, &url, r#"["3"]"#).await;
    let mut stream = server.stream_post(&format!("{url}/xhr_streaming")).await;
    stream.chunk().await.unwrap();
    let mut received = String::new();
    while !received.contains('3') {
        received.push_str(&stream.chunk().await.unwrap());
    }
    assert_eq!(received.replace("]\na[", ","), "a[\"1\",\"2\",\"3\"]\n");
}
