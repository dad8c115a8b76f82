//! What a download request asks for, beyond the file: conditions and a range (RFC 9110 sections 13 and 14).
//!
//! Pure: headers and facts about the file in, a plan out.

use axum::http::{HeaderMap, HeaderName, Method, header};
use jiff::fmt::rfc2822::DateTimeParser;
use protocol::Timestamp;

/// The facts that conditions are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// The strong entity tag, with its quotes.
    pub(super) etag: &'a str,
    /// When the file came to be.
    pub(super) modified: Timestamp,
    /// Its size.
    pub(super) size: u64,
}

/// What to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// 200 with all of it.
    Whole,
    /// 206 with the bytes from `start` up to, and without, `end`.
    Part {
        /// First byte.
        start: u64,
        /// Behind the last byte.
        end: u64,
    },
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416.
    NotSatisfiable,
}

/// In the order of RFC 9110 section 13.2.2.
pub(super) fn plan(method: &Method, headers: &HeaderMap, facts: Facts<'_>) -> Plan {
    if let Some(tags) = text(headers, header::IF_MATCH) {
        if !lists_tag(&tags, facts.etag, false) {
            return Plan::PreconditionFailed;
        }
    } else if let Some(date) = date(headers, header::IF_UNMODIFIED_SINCE)
        && facts.modified.unix_seconds() > date
    {
        return Plan::PreconditionFailed;
    }
    if let Some(tags) = text(headers, header::IF_NONE_MATCH) {
        if lists_tag(&tags, facts.etag, true) {
            return Plan::NotModified;
        }
    } else if let Some(date) = date(headers, header::IF_MODIFIED_SINCE)
        && facts.modified.unix_seconds() <= date
    {
        return Plan::NotModified;
    }
    // A range is only defined for GET, and only good for the very bytes that the client has a part of.
    if *method != Method::GET || !if_range_holds(headers, facts) {
        return Plan::Whole;
    }
    match text(headers, header::RANGE) {
        Some(range) => range_plan(&range, facts.size),
        None => Plan::Whole,
    }
}

/// All lines of a header as one, as lists may be split.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Seconds of a date; one that cannot be read is as good as absent.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?;
    DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
        .map(jiff::Timestamp::as_second)
}

fn lists_tag(list: &str, etag: &str, weakly: bool) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let strong = tag.strip_prefix("W/").filter(|_| weakly).unwrap_or(tag);
        tag == "*" || strong == etag
    })
}

fn if_range_holds(headers: &HeaderMap, facts: Facts<'_>) -> bool {
    let Some(validator) = text(headers, header::IF_RANGE) else {
        return true;
    };
    if validator.starts_with('"') || validator.starts_with("W/") {
        return validator == facts.etag;
    }
    date(headers, header::IF_RANGE) == Some(facts.modified.unix_seconds())
}

/// One range; several, and what cannot be understood, are answered with the whole.
fn range_plan(text: &str, size: u64) -> Plan {
    let Some((unit, ranges)) = text.split_once('=') else {
        return Plan::Whole;
    };
    let Some((first, last)) = ranges.split_once('-') else {
        return Plan::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !unit.trim().eq_ignore_ascii_case("bytes") || !is_number(first) || !is_number(last) {
        return Plan::Whole;
    }
    // Numbers beyond u64 lie behind the end of any file.
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    let (start, end) = match (first.is_empty(), last.is_empty()) {
        (true, true) => return Plan::Whole,
        (true, false) => (size.saturating_sub(number(last)), size),
        (false, true) => (number(first), size),
        (false, false) if number(last) < number(first) => return Plan::Whole,
        (false, false) => (number(first), number(last).saturating_add(1).min(size)),
    };
    if start >= size {
        return Plan::NotSatisfiable;
    }
    Plan::Part { start, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn planned(method: Method, lines: &[(&str, &str)]) -> Plan {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let modified = Timestamp::from_unix_ms(784_111_777_000);
        plan(
            &method,
            &headers,
            Facts {
                etag: ETAG,
                modified,
                size: 100,
            },
        )
    }

    fn ranged(range: &str) -> Plan {
        planned(Method::GET, &[("range", range)])
    }

    #[test]
    fn one_range_is_cut_and_clamped() {
        for (range, start, end) in [
            ("bytes=0-0", 0, 1),
            ("bytes=0-", 0, 100),
            ("bytes=99-", 99, 100),
            ("bytes=10-19", 10, 20),
            ("bytes=10-999999999999999999999999", 10, 100),
            ("bytes=-1", 99, 100),
            ("bytes=-999999999999", 0, 100),
            ("Bytes= 5 - 6", 5, 7),
        ] {
            assert_eq!(ranged(range), Plan::Part { start, end }, "{range}");
        }
    }

    #[test]
    fn what_lies_behind_the_end_cannot_be_satisfied() {
        for range in [
            "bytes=100-",
            "bytes=-0",
            "bytes=100-200",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(ranged(range), Plan::NotSatisfiable, "{range}");
        }
    }

    #[test]
    fn several_ranges_and_nonsense_are_answered_with_the_whole() {
        let many = format!("bytes={}", vec!["0-"; 1000].join(","));
        for range in [
            "bytes=0-1,5-6",
            &many,
            "bytes=5-1",
            "bytes=a-b",
            "bytes=-",
            "bytes=",
            "lines=0-1",
            "0-1",
            "bytes=+1-2",
            "bytes=1--2",
        ] {
            assert_eq!(ranged(range), Plan::Whole, "{range}");
        }
        assert_eq!(
            planned(Method::HEAD, &[("range", "bytes=0-1")]),
            Plan::Whole
        );
    }

    #[test]
    fn a_range_holds_only_for_the_bytes_that_the_client_knows() {
        let part = Plan::Part { start: 5, end: 100 };
        let after = |validator| {
            planned(
                Method::GET,
                &[("range", "bytes=5-"), ("if-range", validator)],
            )
        };
        assert_eq!(after(ETAG), part);
        assert_eq!(after(DATE), part);
        for other in [
            "\"old\"",
            "W/\"abc\"",
            "Sun, 06 Nov 1994 08:49:38 GMT",
            "yesterday",
        ] {
            assert_eq!(after(other), Plan::Whole, "{other}");
        }
    }

    #[test]
    fn conditions_are_weighed_in_the_order_of_the_rfc() {
        let get = |lines: &[(&str, &str)]| planned(Method::GET, lines);
        assert_eq!(get(&[("if-match", "\"old\"")]), Plan::PreconditionFailed);
        assert_eq!(get(&[("if-match", "W/\"abc\"")]), Plan::PreconditionFailed);
        assert_eq!(get(&[("if-match", "\"old\", \"abc\"")]), Plan::Whole);
        assert_eq!(get(&[("if-match", "*")]), Plan::Whole);
        assert_eq!(
            get(&[("if-unmodified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]),
            Plan::PreconditionFailed
        );
        assert_eq!(get(&[("if-none-match", "W/\"abc\"")]), Plan::NotModified);
        assert_eq!(get(&[("if-none-match", "*")]), Plan::NotModified);
        assert_eq!(get(&[("if-modified-since", DATE)]), Plan::NotModified);
        assert_eq!(
            get(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]),
            Plan::Whole
        );
        // An entity tag outweighs a date.
        assert_eq!(
            get(&[("if-none-match", "\"old\""), ("if-modified-since", DATE)]),
            Plan::Whole
        );
        assert_eq!(
            get(&[("if-match", "\"old\""), ("if-none-match", ETAG)]),
            Plan::PreconditionFailed
        );
    }
}
