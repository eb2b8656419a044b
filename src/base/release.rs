//! An OpenShift minor version.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An OpenShift minor version such as `4.16`. Ordered by number, so 4.9 comes before 4.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Release {
    /// The part before the dot, as `4` of 4.16.
    pub major: u32,
    /// The part after the dot, as `16` of 4.16.
    pub minor: u32,
}

/// A text that is no release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a release: two numbers with a dot between them are expected, such as 4.16")]
pub struct NotARelease(pub String);

impl Release {
    /// A release from its two numbers.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The minor release after this one. What follows a major version's last, no number tells.
    pub const fn next(self) -> Self {
        Self::new(self.major, self.minor.saturating_add(1))
    }

    /// Whether this is the release before another one: the minor before, or any of the major before a major's first.
    pub const fn precedes(self, other: Self) -> bool {
        match other.minor.checked_sub(1) {
            Some(minor) => self.major == other.major && self.minor == minor,
            None => match other.major.checked_sub(1) {
                Some(major) => self.major == major,
                None => false,
            },
        }
    }

    /// The release of a text that differs from a text of this release in nothing but the release: `okd-4.17` where this is 4.16
    /// and its own text `okd-4.16`.
    pub fn of_same_form(self, own: &str, text: &str) -> Option<Self> {
        let (before, after) = own.rsplit_once(&self.to_string())?;
        text.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
    }
}

/// What a text that names a release is ordered by: 4.9 before 4.10, what is no release before them all.
pub fn by_version(text: &str) -> (Option<Release>, &str) {
    (text.parse().ok(), text)
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Release {
    type Err = NotARelease;

    /// Reads `4.16`. Signs, spaces, leading zeros and a third number are refused: what is read prints the same again.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || NotARelease(text.to_owned());
        let (major, minor) = text.split_once('.').ok_or_else(fault)?;
        Ok(Self {
            major: number(major).ok_or_else(fault)?,
            minor: number(minor).ok_or_else(fault)?,
        })
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    if digits && !padded { text.parse().ok() } else { None }
}

impl From<Release> for String {
    fn from(release: Release) -> Self {
        release.to_string()
    }
}

impl TryFrom<String> for Release {
    type Error = NotARelease;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_prints_the_same() {
        for text in ["4.16", "4.1", "4.10", "5.0", "0.1"] {
            assert_eq!(text.parse::<Release>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn releases_are_ordered_by_number() {
        let mut releases = ["4.16", "5.0", "4.9", "4.20"].map(|r| r.parse::<Release>().unwrap());
        releases.sort();
        assert_eq!(releases.map(|r| r.to_string()), ["4.9", "4.16", "4.20", "5.0"]);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "4",
            "4.",
            ".16",
            "4.16.1",
            "v4.16",
            "4.x",
            "+4.16",
            "4.016",
            "04.16",
            " 4.16",
            "4.99999999999",
        ] {
            assert_eq!(text.parse::<Release>(), Err(NotARelease(text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn json_holds_the_text() {
        let release = Release::new(4, 16);
        assert_eq!(serde_json::to_string(&release).unwrap(), "\"4.16\"");
        assert_eq!(serde_json::from_str::<Release>("\"4.16\"").unwrap(), release);
        assert!(serde_json::from_str::<Release>("\"4\"").is_err());
    }
}
