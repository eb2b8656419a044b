//! Small changes of ocp-build-data's files: one key or word, every other byte as it was.
//!
//! A change is made in the text and then held against what the file means: if it means anything else than the one thing that
//! was to change, it is not made.

use std::fmt;

use crate::facts::group::Group;
use crate::yaml::edit::path::{self, Step};
use crate::yaml::edit::{self, How, Refused};
use crate::yaml::{Node, Value};

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// Puts another word in the place of one that a line has once.
    Replace {
        /// The line, from 1.
        line: u32,
        /// The word that is there.
        old: String,
        /// The word in its place.
        new: String,
    },
    /// Puts quotes around a number, or around true or false, that a line has once.
    Quote {
        /// The line, from 1.
        line: u32,
        /// The value as it is written.
        value: String,
    },
    /// Gives a key another name.
    Rename {
        /// The key, dotted.
        key: String,
        /// Its name.
        to: String,
    },
    /// Adds a key of the file behind another one.
    Add {
        /// The key that it stands behind.
        after: String,
        /// Its name.
        key: String,
        /// Its value, a plain word.
        value: String,
    },
    /// Removes a key, and the mappings that are empty without it.
    Remove {
        /// The key, dotted.
        key: String,
    },
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replace { line, old, new } => write!(f, "writes `{new}` for `{old}` in line {line}"),
            Self::Quote { line, value } => write!(f, "puts `{value}` in quotes in line {line}"),
            Self::Rename { key, to } => write!(f, "renames `{key}` to `{to}`"),
            Self::Add { key, value, .. } => write!(f, "adds `{key}: {value}`"),
            Self::Remove { key } => write!(f, "removes `{key}`"),
        }
    }
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEdited {
    /// It cannot be made in the text as it is written.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The file is another one by now.
    #[error("what was to change is not there any more")]
    Gone,
    /// The word is not the only one of its line.
    #[error("`{0}` stands in the line more than once")]
    Twice(String),
    /// A stanza that says something by being there would be left with nothing in it.
    #[error("the `okd` stanza would be empty, and it has an effect by being there")]
    EmptyStanza,
}

impl Edit {
    /// Makes the change. Edits of one file are made in their order: the first kinds leave all lines where they are.
    ///
    /// # Errors
    /// Why it cannot be made safely.
    pub fn apply(&self, text: &str, group: &Group) -> Result<String, NotEdited> {
        let read = |text: &str| group.substitute(text);
        let spell = |string: &str| match self {
            Self::Add { value, .. } if read(value) == string => value.clone(),
            _ => string.to_owned(),
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
        // A word of a line is changed in the text itself.
        let word = match self {
            Self::Replace { line, old, new } => {
                in_line(root, *line, &read(old), &read(new));
                Some(replaced(text, *line, old, new)?)
            }
            Self::Quote { line, value } => {
                quoted(root, *line, value);
                Some(replaced(text, *line, value, &format!("\"{value}\""))?)
            }
            _ => None,
        };
        if let Some(after) = word {
            return match edit::documents(&after, &how) {
                Ok(there) if there == documents => Ok(after),
                _ => Err(Refused::Otherwise.into()),
            };
        }
        self.change(root, &read)?;
        Ok(edit::edit(text, &documents, &how)?)
    }

    /// What the file should mean afterwards.
    fn change(&self, root: &mut Node, read: &dyn Fn(&str) -> String) -> Result<(), NotEdited> {
        match self {
            Self::Replace { .. } | Self::Quote { .. } => Ok(()),
            Self::Rename { key, to } => {
                let (parent, name) = apart(key);
                let map = path::find_mut(root, &steps(parent))
                    .and_then(Node::as_map_mut)
                    .ok_or(NotEdited::Gone)?;
                if map.contains(to) {
                    return Err(Refused::Otherwise.into());
                }
                let entry = map.entries.iter_mut().find(|(key, _)| *key.text == *name);
                entry.ok_or(NotEdited::Gone)?.0.text = to.as_str().into();
                Ok(())
            }
            Self::Add { after, key, value } => {
                root.get(after).ok_or(NotEdited::Gone)?;
                let added = path::insert_behind(root, &[], after, key, Node::string(read(value)));
                added.then_some(()).ok_or(Refused::Otherwise.into())
            }
            Self::Remove { key } => {
                let steps = steps(key);
                path::find(root, &steps).ok_or(NotEdited::Gone)?;
                path::prune(root, &steps);
                // The stanza itself has an effect by being there.
                if key.starts_with("okd.") && root.get("okd").is_none() {
                    return Err(NotEdited::EmptyStanza);
                }
                Ok(())
            }
        }
    }
}

/// A dotted key's mapping and name.
fn apart(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}

fn steps(path: &str) -> Vec<Step<'_>> {
    path.split('.').filter(|part| !part.is_empty()).map(Step::Key).collect()
}

/// Puts a text in the place of another one in all strings of a line.
fn in_line(node: &mut Node, line: u32, old: &str, new: &str) {
    let here = node.pos.line == line;
    match &mut node.value {
        Value::String(text) if here => *text = text.replace(old, new).into(),
        Value::Seq(items) => items.iter_mut().for_each(|item| in_line(item, line, old, new)),
        Value::Map(map) => map
            .entries
            .iter_mut()
            .for_each(|(_, value)| in_line(value, line, old, new)),
        _ => {}
    }
}

/// Makes a text of a value in all of a line.
fn quoted(node: &mut Node, line: u32, wanted: &str) {
    if node.pos.line == line && matches!(node.value, Value::Number(_) | Value::Bool(_)) && node.text() == Some(wanted) {
        node.value = Value::String(wanted.into());
    }
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| quoted(item, line, wanted)),
        Value::Map(map) => map
            .entries
            .iter_mut()
            .for_each(|(_, value)| quoted(value, line, wanted)),
        _ => {}
    }
}

/// The lines of a text with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn replaced(text: &str, line: u32, old: &str, new: &str) -> Result<String, NotEdited> {
    let mut lines = lines(text);
    let at = line.checked_sub(1).map(|at| at as usize);
    let there = at.and_then(|at| lines.get_mut(at)).ok_or(NotEdited::Gone)?;
    match there.matches(old).count() {
        0 => Err(NotEdited::Gone),
        1 => {
            let changed = there.replace(old, new);
            *there = &changed;
            Ok(lines.concat())
        }
        _ => Err(NotEdited::Twice(old.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Group {
        Group {
            vars: [("MAJOR", "4"), ("MINOR", "16"), ("GO_LATEST", "1.22")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Group::default()
        }
    }

    fn remove(text: &str, key: &str) -> Result<String, NotEdited> {
        Edit::Remove { key: key.to_owned() }.apply(text, &group())
    }

    const FILE: &str = "content:\n  source:\n    dockerfile: D\n    okd_alignment:\n      dockerfile: D\n      from:\n        \
                        builder:\n        - stream: a\n\n        - stream: b\n        member: m\n    git:\n      branch: {target: \
                        \"release-{MAJOR}.{MINOR}\"}\n# end\nname: x\n";

    #[test]
    fn a_key_goes_with_its_lines_and_nothing_else() {
        let without = remove(FILE, "content.source.okd_alignment.dockerfile").expect("it goes");
        assert_eq!(without, FILE.replace("      dockerfile: D\n", ""));
        let without = remove(&without, "content.source.okd_alignment.from").expect("it goes with its empty stanza");
        assert!(!without.contains("okd_alignment"), "{without}");
        assert!(without.contains("dockerfile: D\n    git:\n"), "{without}");
    }

    #[test]
    fn sequences_beside_their_key_and_last_keys_go_too() {
        assert_eq!(
            remove(
                "name: x\nokd:\n  a: 1\n  mods:\n  - b\n  - c:\n      d\n  e: 2\n",
                "okd.mods"
            ),
            Ok("name: x\nokd:\n  a: 1\n  e: 2\n".to_owned())
        );
        assert_eq!(
            remove("name: x\nlast: |\n  # no comment\n", "last"),
            Ok("name: x\n".to_owned())
        );
        assert_eq!(remove("name: x\nlast: |\n  a\n\n  b", "last"), Ok("name: x".to_owned()));
    }

    #[test]
    fn a_file_keeps_its_own_form() {
        for (text, key, after) in [
            (
                "okd: {from: {member: m}, mode: enabled}\n",
                "okd.from",
                "okd: {mode: enabled}\n",
            ),
            ("a: 1\r\nb: 2\r\n", "b", "a: 1\r\n"),
            ("\u{feff}a: 1\nb: 2\nc: 3", "b", "\u{feff}a: 1\nc: 3"),
        ] {
            assert_eq!(remove(text, key), Ok(after.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_removed_safely_stays() {
        for (text, key, why) in [
            (
                "okd:\n  from:\n    member: m\nname: x\n",
                "okd.from",
                "it has an effect by being there",
            ),
            ("a: 1\n# why\nb: 2\n", "b", "a comment tells"),
            ("a: 1\nb: 2 # why\n", "b", "a comment tells"),
            ("a: 1\nb: &x [1]\nc: *x\n", "b", "something else"),
            ("a: 1\n", "b", "not there any more"),
        ] {
            let error = remove(text, key).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_key_gets_another_name_and_a_word_another_one() {
        let rename = |key: &str, to: &str| Edit::Rename {
            key: key.to_owned(),
            to: to.to_owned(),
        };
        assert_eq!(
            rename("okd.dockerfil", "dockerfile").apply("okd:\n  dockerfil: D # mine\n", &group()),
            Ok("okd:\n  dockerfile: D # mine\n".to_owned())
        );
        assert!(rename("okd.a", "b").apply("okd:\n  a: 1\n  b: 2\n", &group()).is_err());
        let replace = |line, old: &str, new: &str| Edit::Replace {
            line,
            old: old.to_owned(),
            new: new.to_owned(),
        };
        assert_eq!(
            replace(1, "4.16", "{MAJOR}.{MINOR}").apply("b: release-4.16 # x\nc: 4.16\n", &group()),
            Ok("b: release-{MAJOR}.{MINOR} # x\nc: 4.16\n".to_owned())
        );
        assert_eq!(
            replace(1, "{GO_LATST}", "{GO_LATEST}").apply("b: go-{GO_LATST}\n", &group()),
            Ok("b: go-{GO_LATEST}\n".to_owned())
        );
        for (line, old) in [(1, "4.17"), (3, "4.16"), (0, "4.16"), (2, "4.16")] {
            let text = "b: release-4.16\nc: 4.16 of 4.16\n";
            assert!(replace(line, old, "x").apply(text, &group()).is_err(), "{line} {old}");
        }
    }

    #[test]
    fn a_key_is_added_behind_another_one() {
        let add = Edit::Add {
            after: "for_payload".to_owned(),
            key: "payload_name".to_owned(),
            value: "x".to_owned(),
        };
        assert_eq!(
            add.apply("for_payload: true", &group()),
            Ok("for_payload: true\npayload_name: x".to_owned())
        );
        assert_eq!(
            add.apply("for_payload: true\nname: y\n", &group()),
            Ok("for_payload: true\npayload_name: x\nname: y\n".to_owned())
        );
        assert!(add.apply("for_payload: true\npayload_name: z\n", &group()).is_err());
    }
}
