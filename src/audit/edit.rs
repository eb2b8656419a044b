//! Small changes of ocp-build-data's files: one key or word, every other byte as it was.
//!
//! A change is made in the text and then held against what the file means: if it means anything else than the one thing that
//! was to change, it is not made.

use std::fmt;

use crate::facts::group::Group;
use crate::yaml::{self, Key, Mapping, Node, Value};

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
            Self::Rename { key, to } => write!(f, "renames `{key}` to `{to}`"),
            Self::Add { key, value, .. } => write!(f, "adds `{key}: {value}`"),
            Self::Remove { key } => write!(f, "removes `{key}`"),
        }
    }
}

impl Edit {
    /// Makes the change. Edits of one file are made in their order: the first kinds leave all lines where they are.
    ///
    /// # Errors
    /// Why it cannot be made safely.
    pub fn apply(&self, text: &str, group: &Group) -> Result<String, String> {
        if text.contains('\r') {
            return Err("its lines do not end as others do".to_owned());
        }
        let before = read(text, group)?;
        let after = match self {
            Self::Replace { line, old, new } => replaced(text, *line, old, new)?,
            Self::Rename { key, to } => renamed(text, &before, key, to)?,
            Self::Add { after, key, value } => added(text, &before, after, &format!("{key}: {value}"))?,
            Self::Remove { key } => removed(text, &before, key)?,
        };
        let wrong = || "the file would mean something else besides".to_owned();
        match read(&after, group) {
            Ok(there) if there == self.wanted(before, group)? => Ok(after),
            _ => Err(wrong()),
        }
    }

    /// What the file should mean afterwards.
    fn wanted(&self, mut root: Node, group: &Group) -> Result<Node, String> {
        match self {
            Self::Replace { line, old, new } => {
                let (old, new) = (group.substitute(old), group.substitute(new));
                in_line(&mut root, *line, &old, &new);
            }
            Self::Rename { key, to } => {
                let (parent, name) = apart(key);
                let map = map_at(&mut root, parent).ok_or_else(gone)?;
                let entry = map.entries.iter_mut().find(|(key, _)| *key.text == *name);
                entry.ok_or_else(gone)?.0.text = to.as_str().into();
            }
            Self::Add { key, value, .. } => {
                let map = map_at(&mut root, "").ok_or_else(gone)?;
                map.insert(key.as_str(), Node::string(value.as_str()));
            }
            Self::Remove { key } => {
                let key = outermost(&root, key)?;
                let (parent, name) = apart(&key);
                map_at(&mut root, parent).ok_or_else(gone)?.remove(name);
            }
        }
        Ok(root)
    }
}

fn gone() -> String {
    "what was to change is not there any more".to_owned()
}

/// What a file means with the variables put in, which must not move its lines.
fn read(text: &str, group: &Group) -> Result<Node, String> {
    let full = group.substitute(text);
    if full.lines().count() != text.lines().count() {
        return Err("a variable has several lines".to_owned());
    }
    yaml::parse(full.as_bytes()).map_err(|error| error.to_string())
}

/// A dotted key's mapping and name.
fn apart(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(|part| !part.is_empty())
}

fn map_at<'n>(root: &'n mut Node, path: &str) -> Option<&'n mut Mapping> {
    let node = parts(path).try_fold(root, |node, part| node.as_map_mut()?.get_mut(part));
    node?.as_map_mut()
}

fn entry_at<'n>(root: &'n Node, path: &str) -> Option<(&'n Key, &'n Node)> {
    let (parent, name) = apart(path);
    let node = parts(parent).try_fold(root, |node, part| node.get(part))?;
    node.as_map()?.get_entry(name)
}

/// The key to remove so that no empty mapping stays. The `okd` stanza itself has an effect by being there.
fn outermost(root: &Node, key: &str) -> Result<String, String> {
    let mut key = key;
    while let (parent, _) = apart(key)
        && !parent.is_empty()
        && entry_at(root, parent).is_some_and(|(_, node)| node.as_map().is_some_and(|map| map.len() == 1))
    {
        if parent == "okd" {
            return Err("the `okd` stanza would be empty, and it has an effect by being there".to_owned());
        }
        key = parent;
    }
    Ok(key.to_owned())
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

/// The lines of a text with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn replaced(text: &str, line: u32, old: &str, new: &str) -> Result<String, String> {
    let mut lines = lines(text);
    let at = line.checked_sub(1).map(|at| at as usize);
    let there = at.and_then(|at| lines.get_mut(at)).ok_or_else(gone)?;
    match there.matches(old).count() {
        0 => Err(gone()),
        1 => {
            let changed = there.replace(old, new);
            *there = &changed;
            Ok(lines.concat())
        }
        _ => Err(format!("`{old}` stands in the line more than once")),
    }
}

/// The index of the line that a key starts, and how far it is indented.
fn own_line(lines: &[&str], root: &Node, key: &str) -> Result<(usize, usize), String> {
    let (found, _) = entry_at(root, key).ok_or_else(gone)?;
    let (at, indent) = (found.pos.line as usize - 1, found.pos.column as usize - 1);
    let line = lines.get(at).ok_or_else(gone)?;
    let starts = line.trim_start().starts_with(&format!("{}:", found.text));
    if indent_of(line) == indent && starts {
        Ok((at, indent))
    } else {
        Err(format!("`{key}` does not stand in a line of its own"))
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The index of the line after a key and its value.
fn end(lines: &[&str], at: usize, indent: usize) -> usize {
    let is_within = |line: &str| {
        let own = indent_of(line);
        let item = own == indent && (line.trim_start().starts_with("- ") || line.trim() == "-");
        own > indent || item
    };
    let mut end = at + 1;
    for (index, line) in lines.iter().enumerate().skip(at + 1) {
        if line.trim().is_empty() {
            continue;
        }
        if !is_within(line) {
            break;
        }
        end = index + 1;
    }
    end
}

fn renamed(text: &str, root: &Node, key: &str, to: &str) -> Result<String, String> {
    let mut lines = lines(text);
    let (at, indent) = own_line(&lines, root, key)?;
    let (_, name) = apart(key);
    let rest = lines[at].get(indent + name.len()..).ok_or_else(gone)?;
    let changed = format!("{}{to}{rest}", " ".repeat(indent));
    lines[at] = &changed;
    Ok(lines.concat())
}

fn added(text: &str, root: &Node, after: &str, line: &str) -> Result<String, String> {
    let mut lines = lines(text);
    let (at, indent) = own_line(&lines, root, after)?;
    let end = end(&lines, at, indent);
    let whole = lines.get(end - 1).is_some_and(|last| last.ends_with('\n'));
    let line = format!("{}{line}\n", if whole { "" } else { "\n" });
    lines.insert(end, &line);
    Ok(lines.concat())
}

fn removed(text: &str, root: &Node, key: &str) -> Result<String, String> {
    let key = outermost(root, key)?;
    let mut lines = lines(text);
    let (at, indent) = own_line(&lines, root, &key)?;
    let end = end(&lines, at, indent);
    // Whoever wrote a comment had a reason that a program does not know.
    let above = at.checked_sub(1).and_then(|above| lines.get(above));
    let says = |line: &&str| line.contains('#');
    if above.is_some_and(|line| line.trim_start().starts_with('#')) || lines[at..end].iter().any(says) {
        return Err(format!("a comment tells of `{key}`"));
    }
    lines.drain(at..end);
    Ok(lines.concat())
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

    fn remove(text: &str, key: &str) -> Result<String, String> {
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
            remove("name: x\nlast: |\n  # no comment\n", "last").map_err(|_| ()),
            Err(())
        );
        assert_eq!(
            remove("name: x\nlast: |\n  a\n\n  b", "last"),
            Ok("name: x\n".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_removed_safely_stays() {
        for (text, key, why) in [
            (
                "okd:\n  from:\n    member: m\nname: x\n",
                "okd.from",
                "it has an effect by being there",
            ),
            (
                "okd: {from: {member: m}, mode: enabled}\n",
                "okd.from",
                "line of its own",
            ),
            ("a: 1\n# why\nb: 2\n", "b", "a comment tells"),
            ("a: 1\nb: 2 # why\n", "b", "a comment tells"),
            ("a: 1\nb: &x [1]\nc: *x\n", "b", "something else"),
            ("a: 1\n", "b", "not there any more"),
            ("a: 1\r\nb: 2\r\n", "b", "do not end as others do"),
        ] {
            let error = remove(text, key).expect_err(text);
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
            Ok("for_payload: true\npayload_name: x\n".to_owned())
        );
        assert_eq!(
            add.apply("for_payload: true\nname: y\n", &group()),
            Ok("for_payload: true\npayload_name: x\nname: y\n".to_owned())
        );
        assert!(add.apply("for_payload: true\npayload_name: z\n", &group()).is_err());
    }
}
