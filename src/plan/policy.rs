//! What of the drift is put right: adoption of one cause, component, image or release at a time, and accepted deviations.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::change::{NEW_FILE, REMOVED_FILE, WHOLE_FILE};
use super::desired::Cause;

/// A day of the calendar. Passed in as data; nothing here reads a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a text is not a [`Date`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of the calendar, write it as YYYY-MM-DD")]
pub struct NotADate(String);

impl std::str::FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let fault = || NotADate(text.to_owned());
        let digits = |range: std::ops::Range<usize>| -> Option<u16> {
            let part = text.get(range)?;
            if part.bytes().all(|b| b.is_ascii_digit()) {
                part.parse().ok()
            } else {
                None
            }
        };
        if text.len() != 10 || text.get(4..5) != Some("-") || text.get(7..8) != Some("-") {
            return Err(fault());
        }
        let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else {
            return Err(fault());
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u16::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(fault()),
        };
        if day == 0 || day > days {
            return Err(fault());
        }
        Ok(Self {
            year,
            month: month as u8,
            day: day as u8,
        })
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
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Date {
    /// The day (UTC) of a time in seconds since 1970-01-01.
    pub fn of_unix(seconds: i64) -> Self {
        // Howard Hinnant's way from days to the calendar: eras of 400 years, counted from 0000-03-01.
        let days = seconds.div_euclid(86_400) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year: year.clamp(0, 9999) as u16,
            month: month as u8,
            day: day as u8,
        }
    }
}

/// A deviation that somebody stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// What it is about: a rule's id, a field, `rule/field`, `new-file` or `removed-file`.
    pub cause: String,
    /// Only for this component (`org/repo`).
    #[serde(default)]
    pub component: Option<String>,
    /// Only for this image (payload tag).
    #[serde(default)]
    pub image: Option<String>,
    /// Only for this release.
    #[serde(default)]
    pub release: Option<String>,
    /// Why the deviation is right.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// The last day on which it holds, `YYYY-MM-DD`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// Where it is written, e.g. `lockstep.yaml:31`; filled in by whoever reads it.
    #[serde(default, skip)]
    pub at: Option<String>,
}

/// What of the drift is adopted. An empty list adopts everything of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adopt {
    /// Rule ids, fields, `rule/field`, `new-file`, `removed-file`.
    pub causes: Vec<String>,
    /// Components, `org/repo`.
    pub components: Vec<String>,
    /// Releases.
    pub releases: Vec<String>,
    /// Images, by payload tag.
    pub images: Vec<String>,
}

/// What happens to one field that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is put right.
    Apply,
    /// It stays: the acceptance of this index in [`Policy::accept`] says so.
    Accepted(usize),
    /// It stays for now: it is not adopted.
    NotAdopted,
}

/// Adoption and acceptance as of a day.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The accepted deviations.
    pub accept: Vec<Accept>,
    /// What is adopted.
    pub adopt: Adopt,
    /// The day on which the run takes place; `None`: no acceptance has expired.
    pub today: Option<Date>,
}

/// Whether a selector (rule id, field, `rule/field`, or the word for all new or all removed files) names a cause.
fn names(selector: &str, cause: &Cause) -> bool {
    let whole = match selector {
        NEW_FILE => cause.field == WHOLE_FILE && cause.old.is_none() && cause.new.is_some(),
        REMOVED_FILE => cause.field == WHOLE_FILE && cause.old.is_some() && cause.new.is_none(),
        _ => false,
    };
    whole
        || selector == cause.rule
        || selector == cause.field
        || selector
            .strip_prefix(cause.rule.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            == Some(&cause.field)
}

/// Whether a cause concerns an image.
fn concerns(image: &str, cause: &Cause) -> bool {
    cause.item.as_deref() == Some(image) || cause.images.iter().any(|i| i == image)
}

impl Accept {
    /// Whether the acceptance no longer holds on a day.
    pub fn expired(&self, today: Option<Date>) -> bool {
        matches!((self.until, today), (Some(until), Some(today)) if today > until)
    }

    fn covers(&self, cause: &Cause, release: &str) -> bool {
        names(&self.cause, cause)
            && self.component.as_ref().is_none_or(|c| *c == cause.component)
            && self.image.as_ref().is_none_or(|i| concerns(i, cause))
            && self.release.as_ref().is_none_or(|r| r == release)
    }
}

impl Adopt {
    fn covers(&self, cause: &Cause, release: &str) -> bool {
        let among = |list: &[String], held: &dyn Fn(&String) -> bool| list.is_empty() || list.iter().any(held);
        among(&self.causes, &|s| names(s, cause))
            && among(&self.components, &|c| *c == cause.component)
            && among(&self.releases, &|r| r == release)
            && among(&self.images, &|i| concerns(i, cause))
    }
}

impl Policy {
    /// Says what happens to a field that differs. An acceptance goes before adoption; of several the first one counts.
    pub fn verdict(&self, cause: &Cause, release: &str) -> Verdict {
        let accepted = self
            .accept
            .iter()
            .position(|a| !a.expired(self.today) && a.covers(cause, release));
        match accepted {
            Some(index) => Verdict::Accepted(index),
            None if self.adopt.covers(cause, release) => Verdict::Apply,
            None => Verdict::NotAdopted,
        }
    }
}
