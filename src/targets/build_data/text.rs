//! The text of a file with its changes.

use std::collections::BTreeMap;

use super::changes::{Change, Does};
use crate::facts::group::Group;
use crate::yaml::edit::path::{self, Step};
use crate::yaml::edit::{self, How};
use crate::yaml::{Node, Value};

/// Makes changes of a file in its own style. `meant`: what the file meant when it was derived from.
///
/// # Errors
/// Why it is not safe.
pub(super) fn edited(text: &str, group: &Group, meant: &Node, changes: &[Change]) -> Result<String, String> {
    let read = |text: &str| group.substitute(text);
    let written = written(text, group);
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
    let mut documents = edit::documents(text, &how).map_err(|refused| refused.to_string())?;
    let [root] = documents.as_mut_slice() else {
        return Err("it is not one document".to_owned());
    };
    if root != meant {
        return Err("it has changed since it was derived from".to_owned());
    }
    for change in changes {
        let steps: Vec<Step<'_>> = change.key.split('.').map(Step::Key).collect();
        match &change.does {
            Does::Set(value) => {
                if !path::set(root, &steps, value.clone()) {
                    return Err(format!("`{}` leads through something that is no mapping", change.key));
                }
            }
            // The stanza itself has an effect by being there.
            Does::Remove => drop(path::remove(root, &steps)),
        }
    }
    edit::edit(text, &documents, &how).map_err(|refused| refused.to_string())
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

/// A text with variables in the place of the release's number.
fn with_variables(text: &str, release: &str, group: &Group) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(release) {
        let (before, from) = rest.split_at(at);
        let behind = &from[release.len()..];
        let longer =
            is_digit(before.chars().next_back().or_else(|| out.chars().next_back())) || is_digit(behind.chars().next());
        out.push_str(before);
        out.push_str(if longer { release } else { "{MAJOR}.{MINOR}" });
        rest = behind;
    }
    out.push_str(rest);
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
