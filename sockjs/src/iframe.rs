//! The iframe page, by which a page of another origin reaches us where its browser lets it do nothing else.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::headers;

/// The page, made once. Its text is the protocol's, word for word.
#[derive(Debug)]
pub(crate) struct Page {
    body: Bytes,
    etag: String,
}

impl Page {
    /// The page that loads this script.
    pub(crate) fn new(sockjs_url: &str) -> Self {
        let body = format!(
            r#"<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="{}"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"#,
            escaped(sockjs_url)
        );
        let digest = hex::encode(Sha256::digest(&body));
        Self {
            etag: format!("\"{}\"", &digest[..32]),
            body: body.into(),
        }
    }

    /// `GET /iframe….html`.
    pub(crate) fn answer(&self, request: &HeaderMap, now: Timestamp) -> Response {
        let mut response = if self.is_known(request) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            let mut response = Response::new(Body::from(self.body.clone()));
            let html = HeaderValue::from_static("text/html; charset=UTF-8");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            response
        };
        headers::cache(now, response.headers_mut());
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }

    fn is_known(&self, request: &HeaderMap) -> bool {
        let values = request.get_all(header::IF_NONE_MATCH).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim())
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag)
    }
}

/// As an attribute's value.
fn escaped(url: &str) -> String {
    url.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_the_page_is_escaped() {
        let page = Page::new("/a?b&c\"><script>");
        let body = std::str::from_utf8(&page.body).unwrap();
        assert!(
            body.contains("<script src=\"/a?b&amp;c&quot;>&lt;script>\">"),
            "{body}"
        );
    }

    #[test]
    fn a_page_is_known_by_its_tag_only() {
        let page = Page::new("/sockjs.js");
        let other = Page::new("/other.js").etag;
        for (tags, is_known) in [
            (page.etag.clone(), true),
            (format!("{other}, W/{}", page.etag), true),
            ("*".to_owned(), true),
            (other, false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(header::IF_NONE_MATCH, tags.parse().unwrap());
            assert_eq!(page.is_known(&request), is_known, "{tags}");
        }
    }
}
