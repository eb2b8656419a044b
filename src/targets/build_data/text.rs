//! The text of a file with its changes.

use std::collections::BTreeMap;

use super::changes::{Change, Does};
use crate::doozer::carry::numbers_replaced;
use crate::facts::group::Group;
use crate::yaml::edit::path::{self, Step};
use crate::yaml::edit::{self, How, Refused};
use crate::yaml::{self, Node, Value};

/// Why a file's changes are not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEdited {
    /// They cannot be made in the text as it is written.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is no YAML.
    #[error("{}", .0.text())]
    NotYaml(#[from] yaml::Error),
    /// It is another one by now.
    #[error("it has changed since it was derived from")]
    Changed,
    /// A key would stand below something that is no mapping.
    #[error("`{0}` leads through something that is no mapping")]
    NoMapping(String),
}

/// Makes changes of a file in its own style. `meant`: what the file meant when it was derived from.
///
/// # Errors
/// Why it is not safe.
pub(super) fn edited(text: &str, group: &Group, meant: &Node, changes: &[Change]) -> Result<String, NotEdited> {
    let read = |text: &str| group.substitute(text);
    let mut written = written(text, group);
    for change in changes {
        written.extend(change.spelled.clone());
    }
    let release = release(group);
    let spell = |string: &str| match written.get(string) {
        Some(raw) => raw.clone(),
        None => release
            .as_ref()
            .map_or_else(|| string.to_owned(), |release| with_variables(string, release, group)),
    };
    let how = How {
        read: &read,
        spell: &spell,
        indent_lists: false,
    };
    let mut documents = edit::documents(text, &how)?;
    let [root] = documents.as_mut_slice() else {
        return Err(Refused::Documents.into());
    };
    if root != meant {
        return Err(NotEdited::Changed);
    }
    for change in changes {
        let steps: Vec<Step<'_>> = change.key.split('.').map(Step::Key).collect();
        match &change.does {
            Does::Set(value) => {
                make_room(root, &change.key);
                if !path::set(root, &steps, value.clone()) {
                    return Err(NotEdited::NoMapping(change.key.clone()));
                }
            }
            // The stanza itself has an effect by being there.
            Does::Remove => drop(path::remove(root, &steps)),
        }
    }
    Ok(edit::edit(text, &documents, &how)?)
}

/// Strings that are written with variables, by what they mean.
fn written(text: &str, group: &Group) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(raw) = crate::yaml::parse(text.as_bytes()) {
        strings(&raw, &mut |raw: &str| {
            let means = group.substitute(raw);
            if means != raw {
                found.insert(means, raw.to_owned());
            }
        });
    }
    found
}

fn strings(node: &Node, take: &mut dyn FnMut(&str)) {
    match &node.value {
        Value::String(text) => take(text),
        Value::Seq(items) => items.iter().for_each(|item| strings(item, take)),
        Value::Map(map) => map.iter().for_each(|(_, value)| strings(value, take)),
        _ => {}
    }
}

/// The release's number, where both of its variables are there.
fn release(group: &Group) -> Option<String> {
    Some(format!("{}.{}", group.vars.get("MAJOR")?, group.vars.get("MINOR")?))
}

/// Puts a stanza that is not there yet where people have it: `okd_alignment` behind `ci_alignment`, a group's `okd` behind its
/// `konflux`; everything else comes last.
fn make_room(root: &mut Node, key: &str) {
    const PLACES: [(&[&str], &str, &str); 2] = [
        (&["content", "source"], "ci_alignment", "okd_alignment"),
        (&[], "konflux", "okd"),
    ];
    // An image's own `okd` stands at the end.
    let is_image = root.get("content").is_some();
    for (at, behind, stanza) in PLACES {
        let full: Vec<&str> = at.iter().copied().chain([stanza]).collect();
        let concerned = key.split('.').take(full.len()).eq(full.iter().copied());
        let there = root.at(at).is_some_and(|node| node.get(behind).is_some());
        if concerned && there && (!at.is_empty() || !is_image) {
            let _ = path::insert_behind(root, &path::keys(at), behind, stanza, Node::default());
        }
    }
}

/// A text with variables in the place of the release's number.
fn with_variables(text: &str, release: &str, group: &Group) -> String {
    let out = numbers_replaced(text, release, "{MAJOR}.{MINOR}");
    // Only where it is read as what it was.
    if group.substitute(&out) == text {
        out
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_releases_number_is_written_with_variables() {
        let vars = [("MAJOR", "4"), ("MINOR", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let group = Group {
            vars: vars.into(),
            ..Group::default()
        };
        for (text, expected) in [
            ("release-4.2", "release-{MAJOR}.{MINOR}"),
            ("4.22 of 4.2.1 of 14.2", "4.22 of {MAJOR}.{MINOR}.1 of 14.2"),
            ("Dockerfile", "Dockerfile"),
        ] {
            assert_eq!(with_variables(text, "4.2", &group), expected);
        }
    }
}
