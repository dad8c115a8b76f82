//! The protocol's rules for CORS, caching and the sticky cookie.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::{SignedDuration, Timestamp};

/// For how long what never changes may be kept: a year.
const CACHE_SECONDS: u32 = 365 * 24 * 60 * 60;
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=31536000");

/// `no-transform` keeps proxies from compressing, and so buffering, a stream.
const NO_CACHE: HeaderValue =
    HeaderValue::from_static("no-store, no-cache, no-transform, must-revalidate, max-age=0");

const COOKIE_NAME: &str = "JSESSIONID";

/// Lets the page that asks read the answer: its origin is named, since with credentials a star is not enough. Whether
/// that page may ask at all is for the caller to decide, who can give its refusals these headers too.
pub fn allow_origin(request: &HeaderMap, response: &mut HeaderMap) {
    let origin = match request.get(header::ORIGIN) {
        Some(origin) => {
            let credentials = HeaderValue::from_static("true");
            response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials);
            origin.clone()
        }
        None => HeaderValue::from_static("*"),
    };
    response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response.insert(header::VARY, HeaderValue::from_static("Origin"));
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
}

/// The answer to a preflight: these methods, for a year.
pub(crate) fn allow_methods(methods: &'static str, now: Timestamp, response: &mut HeaderMap) {
    let methods = HeaderValue::from_static(methods);
    response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    response.insert(header::ACCESS_CONTROL_MAX_AGE, CACHE_SECONDS.into());
    cache(now, response);
}

/// This answer never changes.
pub(crate) fn cache(now: Timestamp, response: &mut HeaderMap) {
    response.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    let expires_at = now.saturating_add(SignedDuration::from_secs(CACHE_SECONDS.into()));
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let expires = expires_at
        .ok()
        .and_then(|at| printer.timestamp_to_rfc9110_string(&at).ok())
        .and_then(|text| HeaderValue::try_from(text).ok());
    if let Some(expires) = expires {
        response.insert(header::EXPIRES, expires);
    }
}

/// This answer is for this request only.
pub(crate) fn forbid_caching(response: &mut HeaderMap) {
    response.insert(header::CACHE_CONTROL, NO_CACHE);
}

/// Gives a load balancer the cookie that it sticks to: the one that came, or a dummy for it to replace.
pub(crate) fn set_cookie(request: &HeaderMap, response: &mut HeaderMap) {
    let given = request
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
        .find(|value| !value.is_empty());
    let cookie = format!("{COOKIE_NAME}={}; path=/", given.unwrap_or("dummy"));
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.insert(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn an_origin_is_named_with_credentials() {
        for origin in ["http://a.example", "null"] {
            let mut response = HeaderMap::new();
            allow_origin(&headers(&[(header::ORIGIN, origin)]), &mut response);
            assert_eq!(response[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert_eq!(response[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
            assert_eq!(response[header::VARY], "Origin");
        }
    }

    #[test]
    fn without_an_origin_there_is_a_star_and_no_credentials() {
        let mut response = HeaderMap::new();
        allow_origin(&HeaderMap::new(), &mut response);
        assert_eq!(response[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!response.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn asked_headers_are_allowed_unless_there_are_none() {
        for (asked, allowed) in [("a, b, c", Some("a, b, c")), ("", None)] {
            let mut response = HeaderMap::new();
            let request = headers(&[(header::ACCESS_CONTROL_REQUEST_HEADERS, asked)]);
            allow_origin(&request, &mut response);
            let header = response.get(header::ACCESS_CONTROL_ALLOW_HEADERS);
            assert_eq!(header.map(|value| value.to_str().unwrap()), allowed);
        }
    }

    #[test]
    fn what_never_changes_is_kept_for_a_year() {
        let mut response = HeaderMap::new();
        cache(Timestamp::UNIX_EPOCH, &mut response);
        assert_eq!(response[header::EXPIRES], "Fri, 01 Jan 1971 00:00:00 GMT");
        assert!(
            CACHE_CONTROL
                .to_str()
                .unwrap()
                .ends_with(&CACHE_SECONDS.to_string())
        );
    }

    #[test]
    fn a_given_cookie_is_given_back() {
        for (given, expected) in [
            ("JSESSIONID=abcdef", "JSESSIONID=abcdef; path=/"),
            ("a=b; JSESSIONID=x; c", "JSESSIONID=x; path=/"),
            ("JSESSIONID=", "JSESSIONID=dummy; path=/"),
            ("XJSESSIONID=x", "JSESSIONID=dummy; path=/"),
        ] {
            let mut response = HeaderMap::new();
            set_cookie(&headers(&[(header::COOKIE, given)]), &mut response);
            assert_eq!(response[header::SET_COOKIE], expected);
        }
    }
}
