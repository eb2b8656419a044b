//! The release controller's files: a stream of payloads each, and the jobs that a payload waits for.

use std::collections::BTreeSet;
use std::ops::Range;

use super::json::{self, Fault, Member, NotJson, Value};

/// What matters of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controller {
    /// What the stream is called.
    pub name: String,
    /// Whether the stream has ended.
    pub ended: bool,
    /// What a payload waits for, in the order of the file.
    pub entries: Vec<Entry>,
    /// Keys that are there twice, with their lines: the last one counts.
    pub twice: Vec<(String, u32)>,
}

/// One entry of `verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its line.
    pub line: u32,
    /// Its bytes, from its key to the end of its value.
    pub range: Range<usize>,
    /// The job, and the bytes of its name; `None`: it names none.
    pub job: Option<(String, Range<usize>)>,
    /// The version of the candidate that is upgraded.
    pub from: Option<String>,
    /// What is upgraded, in the controller's own words, such as `PreviousMinor`, and the bytes of key and value.
    pub upgrade_from: Option<(String, Range<usize>)>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Whether a payload is accepted where its job fails.
    pub optional: bool,
}

/// Reads a file.
///
/// # Errors
/// It is no JSON, or no mapping: why, and the line.
pub fn read(text: &[u8]) -> Result<Controller, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| NotJson::NotUtf8.at(1))?;
    let root = json::parse(text)?;
    if !matches!(root.what, json::What::Map(_)) {
        return Err(NotJson::NoMapping.at(json::line(text, root.range.start)));
    }
    let of = |key: &str| root.get(key).and_then(Value::text).unwrap_or_default().to_owned();
    let mut twice = Vec::new();
    doubled(text, &root, &mut twice);
    let entries = root.get("verify").map(Value::members).unwrap_or_default();
    Ok(Controller {
        name: of("name"),
        ended: is_true(text, root.get("endOfLife")),
        entries: last_of_each(entries).map(|member| entry(text, member)).collect(),
        twice,
    })
}

/// The members whose key does not come again.
fn last_of_each(members: &[Member]) -> impl Iterator<Item = &Member> {
    members
        .iter()
        .enumerate()
        .filter(|(at, member)| members.iter().skip(at + 1).all(|other| other.key != member.key))
        .map(|(_, member)| member)
}

fn entry(text: &str, member: &Member) -> Entry {
    let value = &member.value;
    let job = value.at(&["prowJob", "name"]);
    let job = job.and_then(|name| Some((name.text()?.to_owned(), name.range.clone())));
    let from = value
        .at(&["upgradeFromRelease", "candidate", "version"])
        .and_then(Value::text);
    let upgrade = value.members().iter().rev().find(|member| member.key == "upgradeFrom");
    let upgrade = upgrade.and_then(|member| {
        let range = member.at.start..member.value.range.end;
        Some((member.value.text()?.to_owned(), range))
    });
    Entry {
        key: member.key.clone(),
        line: json::line(text, member.at.start),
        range: member.at.start..value.range.end,
        job: job.filter(|(name, _)| !name.is_empty()),
        from: from.map(str::to_owned),
        upgrade_from: upgrade,
        disabled: is_true(text, value.get("disabled")),
        optional: is_true(text, value.get("optional")),
    }
}

fn is_true(text: &str, value: Option<&Value>) -> bool {
    value.and_then(|value| text.get(value.range.clone())) == Some("true")
}

fn doubled(text: &str, value: &Value, found: &mut Vec<(String, u32)>) {
    let mut seen = BTreeSet::new();
    for member in value.members() {
        if !seen.insert(&member.key) {
            found.push((member.key.clone(), json::line(text, member.at.start)));
        }
        doubled(text, &member.value, found);
    }
    if let json::What::List(items) = &value.what {
        items.iter().for_each(|item| doubled(text, item, found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_their_places() {
        let text = "{\n  \"name\": \"4.22.0-0.okd\",\n  \"verify\": {\n    \"aws\":{\"prowJob\": {\"name\": \"job-a\"}},\n    \
                    \"minor\": {\"disabled\": true, \"upgradeFrom\": \"PreviousMinor\",\n      \"prowJob\": {\"name\": \"job-b\"},\n      \
                    \"upgradeFromRelease\": {\"candidate\": {\"version\": \"4.21\"}}},\n    \"none\": {}\n  }\n}\n";
        let found = read(text.as_bytes()).expect("a file");
        assert_eq!(
            (&*found.name, found.ended, found.twice.len()),
            ("4.22.0-0.okd", false, 0)
        );
        let keys: Vec<_> = found
            .entries
            .iter()
            .map(|entry| (&*entry.key, entry.line, entry.disabled))
            .collect();
        assert_eq!(keys, [("aws", 4, false), ("minor", 5, true), ("none", 8, false)]);
        let [aws, minor, none] = &found.entries[..] else {
            panic!("{found:?}")
        };
        let (name, range) = aws.job.clone().expect("a job");
        assert_eq!((&*name, &text[range]), ("job-a", "\"job-a\""));
        assert_eq!(&text[aws.range.clone()], "\"aws\":{\"prowJob\": {\"name\": \"job-a\"}}");
        assert_eq!(minor.from.as_deref(), Some("4.21"));
        let (words, range) = minor.upgrade_from.clone().expect("what is upgraded");
        assert_eq!(
            (&*words, &text[range]),
            ("PreviousMinor", "\"upgradeFrom\": \"PreviousMinor\"")
        );
        assert_eq!(none.job, None);
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_counts() {
        let text =
            b"{\"verify\": {\"a\": {\"prowJob\": {\"name\": \"x\"}},\n \"a\": {\"prowJob\": {\"name\": \"y\"}}}}";
        let found = read(text).expect("a file");
        assert_eq!(found.twice, [("a".to_owned(), 2)]);
        assert_eq!(found.entries.len(), 1);
        assert_eq!(found.entries[0].job.as_ref().map(|(name, _)| &**name), Some("y"));
    }

    #[test]
    fn what_is_no_file_of_it_is_told() {
        assert_eq!(read(b"[]"), Err(NotJson::NoMapping.at(1)));
        assert_eq!(read(b"{\n// x\n}"), Err(NotJson::Comment.at(2)));
        assert!(read(b"\xff").is_err());
    }
}
