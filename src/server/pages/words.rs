//! Times and numbers as people read them.

use chrono::DateTime;
use serde::Serialize;

use super::Moment;
use crate::board::Time;

/// An age and when that was.
#[derive(Serialize)]
pub(super) struct When {
    pub ago: String,
    pub at: String,
    pub iso: String,
}

impl When {
    pub(super) fn of(look: &Moment<'_>, time: Time) -> Self {
        Self {
            ago: look.ago(time),
            at: utc(time),
            iso: iso(time),
        }
    }
}

/// A moment, to the minute.
pub(super) fn utc(time: Time) -> String {
    DateTime::from_timestamp(time, 0).map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// A moment for programs.
pub(super) fn iso(time: Time) -> String {
    DateTime::from_timestamp(time, 0).map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A day.
pub(super) fn day(time: Time) -> String {
    DateTime::from_timestamp(time, 0).map_or_else(String::new, |at| at.format("%A, %-d %B %Y").to_string())
}

/// The time of a day.
pub(super) fn clock(time: Time) -> String {
    DateTime::from_timestamp(time, 0).map_or_else(String::new, |at| at.format("%H:%M:%S").to_string())
}

/// A span in its largest unit.
pub(super) fn span(seconds: Time) -> String {
    const UNITS: [(Time, &str); 4] = [(86_400 * 7, "w"), (86_400, "d"), (3600, "h"), (60, "min")];
    let unit = UNITS
        .iter()
        .find(|(unit, name)| seconds >= unit * if *name == "w" { 3 } else { 1 });
    match unit {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => "now".to_owned(),
    }
}

/// How long something took.
pub(super) fn took(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{} min {:02} s", (s / 60.0) as u64, (s % 60.0) as u64),
    }
}

/// A number with a thin space between its thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `2 files`.
pub(super) fn counted(count: usize, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        let told = [0, 59, 60, 3599, 3600, 86_400, 20 * 86_400, 21 * 86_400, -5].map(span);
        assert_eq!(
            told,
            ["now", "now", "1 min", "59 min", "1 h", "1 d", "20 d", "3 w", "now"]
        );
        assert_eq!([0.0421, 2.34, 61.0].map(took), ["42 ms", "2.3 s", "1 min 01 s"]);
        assert_eq!(thousands(1_234_567), "1\u{2009}234\u{2009}567");
    }

    #[test]
    fn a_moment_is_told_in_utc() {
        assert_eq!(utc(1_795_646_460), "2026-11-25 22:41 UTC");
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(day(0), "Thursday, 1 January 1970");
    }
}
