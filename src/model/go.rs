//! Versions of Go, as far as builds depend on them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::gomod::GoMod;

/// A version of Go such as `1.22`, `1.22.3` or `go1.22rc1`; what follows the numbers does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoVersion {
    /// The part before the first dot.
    pub major: u32,
    /// The part behind it: what a builder's tag names.
    pub minor: u32,
    /// The third number, where there is one.
    pub patch: Option<u32>,
}

impl GoVersion {
    /// Reads a version; `None` where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_start_matches("go").splitn(3, '.');
        let major = parts.next()?.parse().ok()?;
        let (minor, rest) = leading_number(parts.next()?)?;
        let patch = parts.next().filter(|_| rest.is_empty());
        Some(Self {
            major,
            minor,
            patch: patch.and_then(leading_number).map(|(patch, _)| patch),
        })
    }

    /// Tells whether a toolchain of this version builds what asks for another. Only major and minor count, and a patch
    /// where both have one: a builder's tag rarely says which it has.
    pub fn satisfies(self, asked: Self) -> bool {
        let line = |version: Self| (version.major, version.minor);
        match line(self).cmp(&line(asked)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => self.patch.zip(asked.patch).is_none_or(|(has, asks)| has >= asks),
        }
    }

    /// Whether a toolchain of this version refuses modules that ask for a newer one; before 1.21 it tried to build them.
    pub fn refuses_newer(self) -> bool {
        (self.major, self.minor) >= (1, 21)
    }
}

/// A version that is asked for, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoLine {
    /// The version, as written.
    pub version: String,
    /// The file in the repository.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// What Go has to be to build an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoNeed {
    /// The newest `go` line that counts.
    pub asked: Option<GoLine>,
    /// The newest `toolchain` line that counts.
    pub toolchain: Option<GoLine>,
    /// Why the module is not certain; empty: it is.
    pub doubt: String,
}

impl GoNeed {
    /// Takes over what a file asks for where it is newer.
    pub fn raise(&mut self, file: &str, facts: &GoMod) {
        let raise = |known: &mut Option<GoLine>, line: &Option<(String, u32)>| {
            let Some((version, line)) = line else { return };
            let order = |text: &str| GoVersion::parse(text).map(|go| (go.major, go.minor, go.patch));
            if known
                .as_ref()
                .is_none_or(|known| order(&known.version) < order(version))
            {
                let (version, file, line) = (version.clone(), file.to_owned(), *line);
                *known = Some(GoLine { version, file, line });
            }
        };
        raise(&mut self.asked, &facts.go);
        raise(&mut self.toolchain, &facts.toolchain);
    }
}

/// The number that a text starts with, and the rest.
fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::gomod;

    fn go(text: &str) -> GoVersion {
        GoVersion::parse(text).expect("a version")
    }

    #[test]
    fn the_newest_line_counts() {
        let mut need = GoNeed::default();
        need.raise("go.mod", &gomod::parse(b"go 1.9\ntoolchain go1.24.1\n"));
        need.raise("go.work", &gomod::parse(b"go 1.21\ntoolchain go1.22.0\n"));
        let told = |line: &Option<GoLine>| {
            line.as_ref()
                .map(|line| format!("{}:{} {}", line.file, line.line, line.version))
        };
        assert_eq!(told(&need.asked).as_deref(), Some("go.work:1 1.21"), "as numbers");
        assert_eq!(told(&need.toolchain).as_deref(), Some("go.mod:2 go1.24.1"));
    }

    #[test]
    fn versions_are_read_as_go_writes_them() {
        for (text, shown) in [
            ("1.20", "1.20"),
            ("1.22.0", "1.22.0"),
            ("go1.22.3", "1.22.3"),
            ("1.23rc1", "1.23"),
            ("1.21.0-custom", "1.21.0"),
        ] {
            assert_eq!(go(text).to_string(), shown);
        }
        for text in ["", "go", "1", "1.", "latest", "one.two", "1.99999999999"] {
            assert_eq!(GoVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_patches_only_where_both_are_known() {
        assert!(go("1.20").satisfies(go("1.9")));
        assert!(!go("1.9").satisfies(go("1.20")));
        assert!(go("1.22").satisfies(go("1.22.7")));
        assert!(!go("1.22.3").satisfies(go("1.22.7")));
        assert!(go("1.22").satisfies(go("1.22")));
    }
}
