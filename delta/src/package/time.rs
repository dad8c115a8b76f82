//! The one time that all entries of a JAR carry.
//!
//! DOS time has no zone, so it is that of UTC: nothing may depend on where a JAR is made.

use zip::DateTime;

/// 1980-01-01 12:01, as `strip-nondeterminism` sets it: DOS time begins half a day before, and no zone west of UTC
/// must go below it.
const EARLIEST_SECONDS: i64 = 315_576_060;
/// 2107-12-31 23:59:58, where DOS time ends.
const LATEST_SECONDS: i64 = 4_354_819_198;

const DAY_SECONDS: i64 = 86_400;

/// The time for `SOURCE_DATE_EPOCH`, brought into the range that a JAR can hold.
pub(super) fn entry_time(epoch_seconds: Option<i64>) -> DateTime {
    let seconds = epoch_seconds
        .unwrap_or(EARLIEST_SECONDS)
        .clamp(EARLIEST_SECONDS, LATEST_SECONDS);
    let (year, month, day) = date(seconds / DAY_SECONDS);
    let second = seconds % DAY_SECONDS;
    DateTime::from_date_and_time(
        year as u16,
        month as u8,
        day as u8,
        (second / 3600) as u8,
        (second / 60 % 60) as u8,
        (second % 60) as u8,
    )
    .expect("the seconds were brought into range")
}

/// Year, month and day of a day counted from 1970-01-01. Years begin in March here, so that the
/// leap day is the last of a year (Howard Hinnant's `civil_from_days`).
fn date(day: i64) -> (i64, i64, i64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01; 146,097 are 400 years.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = year + era * 400;
    match month {
        0..=9 => (year, month + 3, day),
        _ => (year + 1, month - 9, day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(epoch_seconds: Option<i64>) -> String {
        let time = entry_time(epoch_seconds);
        format!(
            "{}-{:02}-{:02} {:02}:{:02}:{:02}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }

    #[test]
    fn without_an_epoch_all_is_of_noon_on_the_first_day_of_1980() {
        assert_eq!(shown(None), "1980-01-01 12:01:00");
    }

    #[test]
    fn times_that_no_jar_can_hold_are_brought_into_range() {
        assert_eq!(shown(Some(0)), "1980-01-01 12:01:00");
        assert_eq!(shown(Some(i64::MIN)), "1980-01-01 12:01:00");
        assert_eq!(shown(Some(i64::MAX)), "2107-12-31 23:59:58");
    }

    #[test]
    fn an_epoch_is_shown_in_utc_with_even_seconds() {
        assert_eq!(shown(Some(1_700_000_000)), "2023-11-14 22:13:20");
        assert_eq!(shown(Some(951_827_696)), "2000-02-29 12:34:56");
        assert_eq!(shown(Some(951_868_799)), "2000-02-29 23:59:58");
        assert_eq!(shown(Some(951_868_800)), "2000-03-01 00:00:00");
    }
}
