//! `htmlfile`: frames as calls of a script in a page that goes on, in an iframe.

use axum::http::HeaderValue;
use bytes::Bytes;

use super::Dress;
use super::jsonp::Callback;
use crate::frame::quote;
use crate::options::Options;

/// Browsers run the scripts of a page only after some of it came.
const PRELUDE_BYTES: usize = 1024;

#[derive(Debug)]
pub(crate) struct HtmlFile {
    pub(crate) callback: Callback,
}

impl Dress for HtmlFile {
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/html; charset=UTF-8");

    /// The page's text is the protocol's, word for word.
    fn prelude(&self) -> Option<Bytes> {
        let mut page = format!(
            r#"<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.{};
    c.start();
    function p(d) {{c.message(d);}};
    window.onload = function() {{c.stop();}};
  </script>"#,
            self.callback
        );
        let padding = PRELUDE_BYTES.saturating_sub(page.len());
        page.push_str(&" ".repeat(padding));
        page.push_str("\r\n\r\n");
        Some(page.into())
    }

    /// A `</script>` in a message would end the script and begin a page of the sender's choice.
    fn dress(&self, frame: &str) -> Bytes {
        let mut text = String::new();
        quote(&mut text, frame);
        let text = text.replace('<', "\\u003c");
        format!("<script>\np({text});\n</script>\r\n").into()
    }

    fn limit(&self, options: &Options) -> usize {
        options.response_limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html_file() -> HtmlFile {
        HtmlFile {
            callback: Callback::parse("c").unwrap(),
        }
    }

    #[test]
    fn the_page_is_long_enough_to_be_shown() {
        assert!(html_file().prelude().unwrap().len() > PRELUDE_BYTES);
    }

    proptest! {
        #[test]
        fn no_frame_ends_its_script(frame in "[a-z<>/!\"\\\\-]*(</script>|<!--)?[a-z<>/]*") {
            let dressed = html_file().dress(&frame);
            let dressed = std::str::from_utf8(&dressed).unwrap();
            let inner = dressed.strip_prefix("<script>\np(").unwrap();
            let inner = inner.strip_suffix(");\n</script>\r\n").unwrap();
            prop_assert!(!inner.contains('<'));
            prop_assert_eq!(serde_json::from_str::<String>(inner).unwrap(), frame);
        }
    }
}
