//! Sizes, times and shares, as people write and read them.

use std::num::NonZeroU32;
use std::time::Duration;

/// Reads `90`, `90s`, `15m`, `1h`, `30d`, `500ms`; a bare number is seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let expected = || "expected a time such as 30s, 15m, 1h or 30d".to_owned();
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60 * 1000),
        "h" => number.checked_mul(60 * 60 * 1000),
        "d" => number.checked_mul(24 * 60 * 60 * 1000),
        _ => return Err(expected()),
    };
    match milliseconds {
        Some(0) => Err("expected more than no time at all".into()),
        Some(milliseconds) if milliseconds <= LONGEST_MS => Ok(Duration::from_millis(milliseconds)),
        _ => Err("expected at most 10000 years".into()),
    }
}

/// The same for how often a daemon is asked: no fleet of ours shall be a flood.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        interval if interval < Duration::from_secs(1) => Err("expected at least 1s".into()),
        interval => Ok(interval),
    }
}

/// Far beyond any use, and safe to add to any clock.
const LONGEST_MS: u64 = 10_000 * 366 * 24 * 60 * 60 * 1000;

/// Reads `95` or `95%`.
pub(crate) fn parse_percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    match number.parse::<u8>() {
        Ok(percent) if percent <= 100 => Ok(percent),
        _ => Err("expected a whole number from 0 to 100, such as 95%".into()),
    }
}

/// Reads `5/s` or `5`.
pub(crate) fn parse_rate(text: &str) -> Result<NonZeroU32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse() {
        Ok(rate) if rate <= RATE_MAX && !number.starts_with('+') => Ok(rate),
        _ => Err("expected a whole number from 1 to 1000 a second, such as 5/s".into()),
    }
}

/// Finer than a millisecond no clock of ours is.
const RATE_MAX: NonZeroU32 = NonZeroU32::new(1000).expect("a thousand is not zero");

/// `84 kB`, `14.6 MB`: 1000 is the step, and three digits are enough.
pub(crate) fn format_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        // 999 960 reads better as 1.0 MB than as 1000 kB.
        if size < 999.5 {
            break;
        }
        size /= 1000.0;
        unit = larger;
    }
    match size < 99.95 && unit != "kB" {
        true => format!("{size:.1} {unit}"),
        false => format!("{size:.0} {unit}"),
    }
}

/// `5.2 MB/s`.
pub(crate) fn format_speed(bytes_a_second: u64) -> String {
    format!("{}/s", format_size(bytes_a_second))
}

/// `412 ms`, `4.2 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `30 d`.
pub(crate) fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// `0.6 %`, `62 %`: what `part` is of `whole`.
pub(crate) fn format_share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".into();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match share < 9.95 && part != 0 {
        true => format!("{share:.1} %"),
        false => format!("{share:.0} %"),
    }
}

/// `1 client`, `2 clients`.
pub(crate) fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("15m", 900),
            ("1h", 3600),
            ("2d", 172_800),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for text in [
            "",
            "h",
            "1 h",
            "-1s",
            "1w",
            "0",
            "99999999999999999999s",
            "9999999d",
            "1.5h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_read_with_or_without_their_sign() {
        assert_eq!(
            (
                parse_percent("95"),
                parse_percent("95%"),
                parse_percent("0")
            ),
            (Ok(95), Ok(95), Ok(0))
        );
        for text in ["", "%", "101", "-1", "2.5%", "x"] {
            assert!(parse_percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_read_with_or_without_their_unit() {
        for text in ["5/s", "5"] {
            assert_eq!(parse_rate(text).unwrap().get(), 5);
        }
        for text in ["", "/s", "0/s", "-1/s", "+5/s", "5/m", "1.5/s", "1001"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (84_321, "84 kB"),
            (999_700, "1.0 MB"),
            (14_589_123, "14.6 MB"),
            (250_000_000, "250 MB"),
            (3_200_000_000, "3.2 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(format_size(bytes), text);
        }
        assert_eq!(format_speed(5_200_000), "5.2 MB/s");
    }

    #[test]
    fn durations_read_well() {
        for (ms, text) in [
            (412, "412 ms"),
            (4_210, "4.2 s"),
            (42_000, "42 s"),
            (60_000, "1 min"),
            (185_000, "3 min 5 s"),
            (7_800_000, "2 h 10 min"),
            (2_592_000_000, "30 d"),
        ] {
            assert_eq!(format_duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn shares_read_well() {
        assert_eq!(format_share(84_000, 14_600_000), "0.6 %");
        assert_eq!(format_share(62, 100), "62 %");
        assert_eq!(
            (format_share(0, 10), format_share(0, 0)),
            ("0 %".into(), "0 %".into())
        );
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            (count(1, "client"), count(0, "client")),
            ("1 client".into(), "0 clients".into())
        );
    }
}
