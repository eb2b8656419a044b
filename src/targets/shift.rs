//! From the texts of one release's file to those of another's: versions move on, all else stays byte for byte.

use std::collections::BTreeMap;

use crate::base::Release;

/// How versions move.
#[derive(Clone, Debug, Default)]
pub struct Shift(BTreeMap<Release, Release>);

impl Shift {
    /// From the file of one release to that of another, each with the release that it is upgraded from, where there is one.
    pub fn between(from: (Release, Option<Release>), to: (Release, Option<Release>)) -> Self {
        let mut moves = BTreeMap::new();
        if let (Some(old), Some(new)) = (from.1, to.1) {
            moves.insert(old, new);
        }
        moves.insert(from.0, to.0);
        Self(moves)
    }

    /// Moves the versions in a text, wherever they stand.
    pub fn plain(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(c) = rest.chars().next() {
            let version = leading_version(rest);
            if version.is_empty() {
                out.push(c);
            } else {
                out.push_str(&self.version(version));
            }
            let step = version.len().max(c.len_utf8() * usize::from(version.is_empty()));
            rest = rest.get(step..).unwrap_or_default();
        }
        out
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
        match self.0.get(&minor) {
            Some(to) => format!("{to}{tail}"),
            None => text.to_owned(),
        }
    }
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

    fn shift(from: (&str, Option<&str>), to: (&str, Option<&str>)) -> Shift {
        let release = |text: &str| text.parse::<Release>().expect("a release");
        let pair = |(of, before): (&str, Option<&str>)| (release(of), before.map(release));
        Shift::between(pair(from), pair(to))
    }

    #[test]
    fn versions_in_strings_move_and_nothing_else() {
        let text = "{\"name\":\"4.15.0-0.okd-scos\", \"n\": 4.15,\n \"a\": \"upgrade-from-4.14-to-4.15\", \"b\": \"ocp/4.12:cli 14.15 4.150 5000\"}";
        let moved = "{\"name\":\"4.16.0-0.okd-scos\", \"n\": 4.15,\n \"a\": \"upgrade-from-4.15-to-4.16\", \"b\": \"ocp/4.12:cli 14.15 4.150 5000\"}";
        assert_eq!(shift(("4.15", Some("4.14")), ("4.16", Some("4.15"))).text(text), moved);
    }

    #[test]
    fn a_gap_and_a_new_major_are_bridged() {
        let text = "\"4.19 from 4.18\"";
        let gap = shift(("4.19", Some("4.18")), ("4.21", Some("4.20")));
        assert_eq!(gap.text(text), "\"4.21 from 4.20\"");
        let major = shift(("4.23", Some("4.22")), ("5.0", Some("4.22")));
        assert_eq!(major.text("\"4.23 from 4.22\""), "\"5.0 from 4.22\"");
        let second = shift(("5.0", Some("4.22")), ("5.1", Some("5.0")));
        assert_eq!(second.plain("5.0 from 4.22"), "5.1 from 5.0");
    }

    #[test]
    fn versions_in_plain_texts_move_as_whole_numbers() {
        let shift = shift(("4.19", None), ("4.20", None));
        assert_eq!(
            shift.plain("scos-4.19 é stable-4.19.3 ocm-14.19 4.190"),
            "scos-4.20 é stable-4.20.3 ocm-14.19 4.190"
        );
    }

    #[test]
    fn escapes_and_odd_texts_are_kept() {
        let text = "{\"a\\\"4.15\": \"é4.15.\", \"b\": \"1.2.3.4 . .. 99999999999.1\"}";
        assert_eq!(
            shift(("4.15", None), ("4.16", None)).text(text),
            text.replace("4.15", "4.16")
        );
    }
}
