//! Gating configs of openshift/release, as far as they say what a payload's upgrade starts from and which tests it has.

use crate::base::Release;
use crate::yaml::{self, Node};

/// What matters of one config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gating {
    /// The bounds of what upgrades start from; `None`: the config has none.
    pub bounds: Option<Bounds>,
    /// Whether it says what upgrades start from at all.
    pub has_initial: bool,
    /// The names of its tests, with their lines, in order.
    pub tests: Vec<(String, u32)>,
}

/// Bounds of versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The lower one, and its line.
    pub lower: Option<(String, u32)>,
    /// The upper one, and its line.
    pub upper: Option<(String, u32)>,
}

/// Where a config has its bounds.
pub const BOUNDS: [&str; 4] = ["releases", "initial", "prerelease", "version_bounds"];

/// Reads a config.
///
/// # Errors
/// It is no YAML.
pub fn read(text: &[u8]) -> Result<Gating, yaml::Error> {
    let root = yaml::parse(text)?;
    let bound = |key: &str| {
        let node = root.at(&BOUNDS)?.get(key)?;
        Some((node.text().unwrap_or_default().to_owned(), node.pos.line))
    };
    let tests = root.get("tests").and_then(Node::as_seq).unwrap_or_default();
    let name = |test: &Node| Some((test.get("as")?.text()?.to_owned(), test.pos.line));
    Ok(Gating {
        bounds: root.at(&BOUNDS).filter(|node| !node.is_null()).map(|_| Bounds {
            lower: bound("lower"),
            upper: bound("upper"),
        }),
        has_initial: root.at(&["releases", "initial"]).is_some_and(|node| !node.is_null()),
        tests: tests.iter().filter_map(name).collect(),
    })
}

/// The minor release of a version such as `4.20.0-0` or `4.20.0`; `None`: the text is no version.
pub fn minor_of(version: &str) -> Option<Release> {
    let (numbers, rest) = version
        .split_once('-')
        .map_or((version, None), |(numbers, rest)| (numbers, Some(rest)));
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if rest.is_some_and(|rest| rest.is_empty() || !rest.chars().all(is_part)) {
        return None;
    }
    let (minor, patch) = numbers.rsplit_once('.')?;
    let is_number = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    minor.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_a_minor_release() {
        for (text, minor) in [
            ("4.20.0-0", "4.20"),
            ("4.1005.0-0", "4.1005"),
            ("5.0.3", "5.0"),
            ("4.2.0-rc.1", "4.2"),
        ] {
            assert_eq!(
                minor_of(text).map(|one| one.to_string()).as_deref(),
                Some(minor),
                "{text}"
            );
        }
        for text in [
            "",
            "4.20",
            "4.20.x",
            "4.20.0-",
            "as you like",
            "4.20.0 -0",
            "v4.20.0",
            "4.20.0-é",
        ] {
            assert_eq!(minor_of(text), None, "{text}");
        }
    }

    #[test]
    fn bounds_and_tests_are_read_with_their_lines() {
        let text = "releases:\n  initial:\n    prerelease:\n      version_bounds:\n        lower: 4.20.0-0\n        upper: [x]\ntests:\n- as: a\n- {}\n";
        let found = read(text.as_bytes()).expect("YAML");
        let bounds = found.bounds.expect("bounds");
        assert_eq!(bounds.lower, Some(("4.20.0-0".to_owned(), 5)));
        assert_eq!(bounds.upper, Some((String::new(), 6)));
        assert_eq!((found.has_initial, found.tests), (true, vec![("a".to_owned(), 8)]));
        let none = read(b"releases: {latest: {}}\n").expect("YAML");
        assert_eq!(none, Gating::default());
        assert!(read(b"[").is_err());
    }
}
