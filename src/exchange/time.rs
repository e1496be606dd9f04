//! Times as tools write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::Offset;

/// Reads RFC 3339, RFC 5322, seconds or milliseconds since 1970, and a day or time without a zone, which is UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bare = text.trim().trim_end_matches("UTC").trim_end();
    if bare.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return mail(text).filter(in_range);
    }
    let utc = |time: DateTime| Offset::UTC.to_timestamp(time).ok();
    let time = unix(bare).or_else(|| bare.parse::<Timestamp>().ok());
    let time = time.or_else(|| bare.parse::<DateTime>().ok().and_then(utc));
    let time = time.or_else(|| bare.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0))));
    let time = time.or_else(|| mail(text));
    time.filter(in_range)
}

fn in_range(time: &Timestamp) -> bool {
    (0..END).contains(&time.as_second())
}

/// The year 9999 ends the times that the database can hold.
const END: i64 = 253_402_300_800;

fn unix(text: &str) -> Option<Timestamp> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = !whole.is_empty() && whole.bytes().chain(rest.bytes()).all(|b| b.is_ascii_digit());
    let number: i64 = if digits { whole.parse().ok()? } else { return None };
    // Seconds reach this in the year 5138.
    if number < 100_000_000_000 { Timestamp::from_second(number) } else { Timestamp::from_millisecond(number) }.ok()
}

fn mail(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zoned = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |time| format!("{time}+0000"));
    let zoned = zoned.strip_suffix("GMT").map_or_else(|| zoned.clone(), |time| format!("{time}+0000"));
    // Go writes "2011-10-21 11:02:55 +0000 UTC".
    let go = text.strip_suffix(" +0000 UTC").and_then(|time| time.parse::<DateTime>().ok());
    rfc2822::parse(&zoned)
        .ok()
        .map(|time| time.timestamp())
        .or_else(|| go.and_then(|time| Offset::UTC.to_timestamp(time).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::timestamp_text;

    #[test]
    fn every_writing_of_a_time_is_read() {
        for text in [
            "2019-12-10T13:58:33Z",
            "2019-12-10T08:58:33-05:00",
            "2019-12-10T13:58:33.851858Z",
            "2019-12-10T13:58:33+00:00",
            "2019-12-10 13:58:33",
            "2019-12-10 13:58:33 UTC",
            "2019-12-10 13:58:33 +0000 UTC",
            "Tue, 10 Dec 2019 13:58:33 GMT",
            "Tue, 10 Dec 2019 13:58:33 UTC",
            "Tue, 10 Dec 2019 08:58:33 -0500",
            "1575986313",
            "1575986313.077",
            "1575986313000",
        ] {
            assert_eq!(parse(text).map(timestamp_text).as_deref(), Some("2019-12-10T13:58:33Z"), "{text}");
        }
        assert_eq!(parse("2019-12-10").map(timestamp_text).as_deref(), Some("2019-12-10T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "-1", "12.12.2019", "2019-13-01", "1969-12-31T23:59:59Z", "99999999999999999999"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
