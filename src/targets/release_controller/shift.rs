//! From the texts of one release's file to those of another's: versions move on, all else stays byte for byte.

use crate::base::Release;

/// How versions move.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    from: Release,
    to: Release,
    from_before: Option<Release>,
    to_before: Release,
}

impl Shift {
    /// From the file of `from`, the newest before `to`. `older` is the newest file before that.
    pub fn new(from: Release, older: Option<Release>, to: Release) -> Self {
        Self {
            from,
            to,
            from_before: before(from).or(older),
            // The first release of a major follows the last one that there is of the major before.
            to_before: before(to).unwrap_or(from),
        }
    }

    /// Moves the versions in all of a JSON text's strings.
    pub fn text(&self, text: &str) -> String {
        let (mut out, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let version = if in_string && !escaped {
                leading_version(rest)
            } else {
                ""
            };
            if !version.is_empty() {
                out.push_str(&self.version(version));
                rest = rest.get(version.len()..).unwrap_or_default();
                continue;
            }
            match c {
                _ if escaped => escaped = false,
                '\\' if in_string => escaped = true,
                '"' => in_string = !in_string,
                _ => {}
            }
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        out
    }

    /// Moves one version; `4.16.0` moves as 4.16 does.
    fn version(&self, text: &str) -> String {
        let Some((minor, tail)) = minor_version(text) else {
            return text.to_owned();
        };
        if minor == self.from {
            format!("{}{tail}", self.to)
        } else if Some(minor) == self.from_before {
            format!("{}{tail}", self.to_before)
        } else {
            text.to_owned()
        }
    }
}

/// The release before one, where its number tells.
fn before(release: Release) -> Option<Release> {
    let minor = release.minor.checked_sub(1)?;
    Some(Release { minor, ..release })
}

/// The digits and dots that a text starts with.
fn leading_version(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let run = text.get(..end).unwrap_or_default();
    if run.starts_with('.') { "" } else { run }
}

/// The release that a version starts with, and what follows it.
fn minor_version(text: &str) -> Option<(Release, &str)> {
    let dot = text.find('.')?;
    let (major, rest) = (text.get(..dot)?, text.get(dot + 1..)?);
    let end = rest.find('.').unwrap_or(rest.len());
    let (minor, tail) = (rest.get(..end)?, rest.get(end..)?);
    Some((format!("{major}.{minor}").parse().ok()?, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(from: &str, older: Option<&str>, to: &str, text: &str) -> String {
        let release = |text: &str| text.parse::<Release>().expect("a release");
        Shift::new(release(from), older.map(release), release(to)).text(text)
    }

    #[test]
    fn versions_in_strings_move_and_nothing_else() {
        let text = "{\"name\":\"4.15.0-0.okd-scos\", \"n\": 4.15,\n \"a\": \"upgrade-from-4.14-to-4.15\", \"b\": \"ocp/4.12:cli 14.15 4.150 5000\"}";
        let moved = "{\"name\":\"4.16.0-0.okd-scos\", \"n\": 4.15,\n \"a\": \"upgrade-from-4.15-to-4.16\", \"b\": \"ocp/4.12:cli 14.15 4.150 5000\"}";
        assert_eq!(shift("4.15", None, "4.16", text), moved);
    }

    #[test]
    fn a_gap_and_a_new_major_are_bridged() {
        let text = "\"4.19 from 4.18\"";
        assert_eq!(shift("4.19", None, "4.21", text), "\"4.21 from 4.20\"");
        assert_eq!(shift("4.23", None, "5.0", "\"4.23 from 4.22\""), "\"5.0 from 4.23\"");
        assert_eq!(
            shift("5.0", Some("4.23"), "5.1", "\"5.0 from 4.23\""),
            "\"5.1 from 5.0\""
        );
    }

    #[test]
    fn escapes_and_odd_texts_are_kept() {
        let text = "{\"a\\\"4.15\": \"é4.15.\", \"b\": \"1.2.3.4 . .. 99999999999.1\"}";
        assert_eq!(shift("4.15", None, "4.16", text), text.replace("4.15", "4.16"));
    }
}
