use axum::http::HeaderValue;

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn a_program_without_an_origin_may_come() {
    assert!(check_origin(&headers(&[("host", "a:8081")]), &[]).is_ok());
}

#[test]
fn the_daemons_own_pages_may_come() {
    for (origin, host) in [
        ("http://localhost:8081", "localhost:8081"),
        ("https://updates.example.com", "updates.example.com"),
        ("https://updates.example.com", "Updates.Example.com:443"),
        ("http://updates.example.com", "updates.example.com:80"),
        ("http://[::1]:8081", "[::1]:8081"),
    ] {
        let headers = headers(&[("host", host), ("origin", origin)]);
        assert!(check_origin(&headers, &[]).is_ok(), "{origin} {host}");
    }
}

#[test]
fn any_other_page_may_not() {
    for (origin, host) in [
        ("http://evil.example", "localhost:8081"),
        ("null", "localhost:8081"),
        ("", "localhost:8081"),
        ("http://", ""),
        ("http://localhost", "localhost:8081"),
        ("http://localhost:80810", "localhost:8081"),
        ("http://localhost:8081.evil.example", "localhost:8081"),
        ("http://evil.example/localhost:8081", "localhost:8081"),
        ("http://x@localhost:8081", "localhost:8081"),
        ("file://localhost:8081", "localhost:8081"),
        ("https://updates.example.com", "updates.example.com:80"),
    ] {
        let headers = headers(&[("host", host), ("origin", origin)]);
        let error = check_origin(&headers, &[]).unwrap_err();
        assert_eq!(error.code(), protocol::Code::Forbidden, "{origin} {host}");
    }
}

#[test]
fn an_allowed_origin_is_compared_exactly() {
    let allowed = ["http://localhost:3000".to_owned()];
    let check = |origin| check_origin(&headers(&[("host", "a:1"), ("origin", origin)]), &allowed);
    assert!(check("http://localhost:3000").is_ok());
    for origin in [
        "http://localhost:30001",
        "https://localhost:3000",
        "http://localhost:3000/",
        "http://LOCALHOST:3000",
        "http://localhost:3000.evil.example",
    ] {
        assert!(check(origin).is_err(), "{origin}");
    }
}

#[test]
fn two_origins_are_refused_even_when_both_are_allowed() {
    let allowed = ["http://localhost:3000".to_owned()];
    let twice = headers(&[
        ("host", "a:1"),
        ("origin", "http://localhost:3000"),
        ("origin", "http://localhost:3000"),
    ]);
    assert!(check_origin(&twice, &allowed).is_err());
}
