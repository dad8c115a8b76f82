//! From text to value, one small function for each kind of setting.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use protocol::Channel;
use protocol::limits::{MESSAGE_BYTES, SAFE_INTEGER};

use super::{Channels, ConfigError, DeltaBuild, Given, JwtAlgorithm, LogFormat};

/// Reads values out of what was given.
pub(super) struct Reader<'a>(pub(super) &'a Given);

type Parse<T> = fn(&str) -> Result<T, String>;

impl Reader<'_> {
    pub(super) fn one<T>(
        &self,
        key: &'static str,
        slot: &mut T,
        parse: Parse<T>,
    ) -> Result<(), ConfigError> {
        let mut values = Vec::new();
        self.list(key, &mut values, parse)?;
        if let Some(value) = values.pop() {
            *slot = value;
        }
        Ok(())
    }

    pub(super) fn list<T>(
        &self,
        key: &'static str,
        slot: &mut Vec<T>,
        parse: Parse<T>,
    ) -> Result<(), ConfigError> {
        let Some((texts, origin)) = self.0.0.get(key) else {
            return Ok(());
        };
        *slot = Vec::new();
        for text in texts {
            let value = parse(text).map_err(|reason| ConfigError::Value {
                key,
                origin: origin.clone(),
                reason,
            })?;
            slot.push(value);
        }
        Ok(())
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    // The one name that is always this machine; other names would need a resolver and may have many addresses.
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    let expected =
        || format!("expected ADDRESS:PORT such as 127.0.0.1:8081 or [::1]:8081, not {text:?}");
    numeric.parse().map_err(|_| expected())
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("expected a path".into());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn optional_path(text: &str) -> Result<Option<PathBuf>, String> {
    path(text).map(Some)
}

pub(super) fn optional_text(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Err("expected a text that is not empty".into());
    }
    Ok(Some(text.to_owned()))
}

/// A channel beside the built-in ones, which have their place already.
pub(super) fn channel(text: &str) -> Result<Channel, String> {
    let channel: Channel = text.parse().map_err(|error| format!("{text:?}: {error}"))?;
    if Channels::default().contains(&channel) {
        return Err(format!(
            "{text:?} is built in; list only the channels beside stable, beta and alpha"
        ));
    }
    Ok(channel)
}

pub(super) fn number<N: FromStr + Into<u64> + Copy>(text: &str) -> Result<N, String> {
    let expected = || format!("expected a whole number from 0, not {text:?}");
    let number: N = text.parse().map_err(|_| expected())?;
    if number.into() > SAFE_INTEGER {
        return Err(format!("expected at most {SAFE_INTEGER}"));
    }
    Ok(number)
}

/// 0 is no limit. What is slower than the smallest one is a mistake, such as kilobytes meant: a JAR would take for days.
pub(super) fn bytes_per_second(text: &str) -> Result<u64, String> {
    const SMALLEST: u64 = 1024;
    match number(text)? {
        bytes @ 1..SMALLEST => Err(format!(
            "expected 0, or at least {SMALLEST} bytes a second, not {bytes}"
        )),
        bytes => Ok(bytes),
    }
}

/// A session cannot be talked with in less than 1 KiB, and the decoder's buffers are sized for at most 16 MiB.
pub(super) fn message_bytes(text: &str) -> Result<usize, String> {
    const LARGEST: usize = 256 * MESSAGE_BYTES;
    let expected = || format!("expected a number of bytes from 1024 to {LARGEST}, not {text:?}");
    let bytes: usize = text.parse().map_err(|_| expected())?;
    if (1024..=LARGEST).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(expected())
    }
}

/// Milliseconds as a bare number, or a number with `ms`, `s`, `m` or `h`; a day at most.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST_MS: u64 = 24 * 3600 * 1000;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor_ms = match &text[digits.len()..] {
        "" | "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60 * 1000),
        "h" => Some(3600 * 1000),
        _ => None,
    };
    let number: Option<u64> = digits.parse().ok();
    let total_ms = number
        .zip(factor_ms)
        .and_then(|(number, factor)| number.checked_mul(factor));
    match total_ms {
        Some(ms) if ms <= LONGEST_MS => Ok(Duration::from_millis(ms)),
        Some(_) => Err("expected at most 24 hours".into()),
        None => Err(format!(
            "expected milliseconds such as 30000, or a time such as 30s or 2m, not {text:?}"
        )),
    }
}

/// A duration that timers run on, so it must not be next to nothing.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    let period = duration(text)?;
    if period < Duration::from_millis(10) {
        return Err("expected at least 10 milliseconds".into());
    }
    Ok(period)
}

/// `scheme://host[:port]` in lower case; a slash at the end is forgiven, since people copy it from a browser.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let origin = lower.strip_suffix('/').unwrap_or(&lower);
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    if text == "*" {
        return Err(
            "\"*\" would let every web page act for its visitor; list the origins one by one"
                .into(),
        );
    }
    let well_formed = host.is_some_and(|host| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
    });
    if well_formed {
        Ok(origin.to_owned())
    } else {
        Err(format!(
            "expected an origin such as https://admin.example.com, not {text:?}"
        ))
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("expected true or false, not {text:?}"))
}

/// Where a page gets a script: a path on the daemon's own host, or a whole URL.
pub(super) fn script_url(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic());
    let starts_well = ["/", "http://", "https://"]
        .iter()
        .any(|start| text.starts_with(start));
    if is_plain && starts_well {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "expected a path such as /sockjs.min.js, or a URL that begins with https://, not {text:?}"
        ))
    }
}

pub(super) fn algorithm(text: &str) -> Result<JwtAlgorithm, String> {
    match text {
        "HS256" => Ok(JwtAlgorithm::Hs256),
        "RS256" => Ok(JwtAlgorithm::Rs256),
        "ES256" => Ok(JwtAlgorithm::Es256),
        "EdDSA" => Ok(JwtAlgorithm::EdDsa),
        _ => Err(format!(
            "expected HS256, RS256, ES256 or EdDSA, not {text:?}"
        )),
    }
}

pub(super) fn delta_build(text: &str) -> Result<DeltaBuild, String> {
    match text {
        "on-publish" => Ok(DeltaBuild::OnPublish),
        "off" => Ok(DeltaBuild::Off),
        _ => Err(format!("expected on-publish or off, not {text:?}")),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("expected text or json, not {text:?}")),
    }
}

pub(super) fn log_level(text: &str) -> Result<String, String> {
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "expected error, warn, info, debug, trace or a filter such as info,daemon=debug, not {text:?}"
        )),
    }
}
