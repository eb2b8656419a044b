//! A day of the calendar.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

/// A day of the calendar. Passed in as data; nothing here reads a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(NaiveDate);

/// Why a text is not a [`Date`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of the calendar, write it as YYYY-MM-DD")]
pub struct NotADate(String);

impl std::str::FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self);
        // What is read prints the same again: chrono takes days without zeros, signs and spaces as well.
        let day = day.filter(|day| day.to_string() == text);
        day.ok_or_else(|| NotADate(text.to_owned()))
    }
}

impl TryFrom<String> for Date {
    type Error = NotADate;
    fn try_from(text: String) -> Result<Self, NotADate> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl Date {
    /// The day (UTC) of a time in seconds since 1970-01-01; of one that no calendar has, the nearest there is.
    pub fn of_unix(seconds: i64) -> Self {
        let last = if seconds < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
        Self(DateTime::from_timestamp(seconds, 0).map_or(last, |time| time.date_naive()))
    }
}
