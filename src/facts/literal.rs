//! Texts of build data that have a number written out where a variable could stand.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::yaml::{Node, Value};

/// A text that is the same whatever the variables are, and that has a number with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Literal {
    /// Where it stands, dotted; entries of a list have their list's key.
    pub key: String,
    /// The text.
    pub text: String,
    /// Its line.
    pub line: u32,
}

static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d\.\d").expect("a pattern"));

/// Finds them in a part of a file; `text` is the whole file as it is before variables are put in.
pub fn find(node: &Node, text: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    walk(node, "", &mut |key, value, line| {
        if NUMBER.is_match(value) {
            found.push(Literal {
                key: key.to_owned(),
                text: value.to_owned(),
                line,
            });
        }
    });
    if found.is_empty() {
        return found;
    }
    let lines: Vec<&str> = text.lines().collect();
    let line_of = |one: &Literal| lines.get((one.line as usize).checked_sub(1)?);
    found.retain(|one| line_of(one).is_some_and(|line| line.contains(&one.text)));
    found
}

fn walk(node: &Node, key: &str, see: &mut impl FnMut(&str, &str, u32)) {
    match &node.value {
        Value::String(text) => see(key, text, node.pos.line),
        Value::Seq(items) => items.iter().for_each(|item| walk(item, key, see)),
        Value::Map(map) => {
            for (name, value) in map.iter() {
                let below = if key.is_empty() {
                    name.to_owned()
                } else {
                    format!("{key}.{name}")
                };
                walk(value, &below, see);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn what_is_written_out_is_told_from_what_variables_make() {
        let text = "a:\n  b: release-4.16\n  c: release-{MAJOR}.{MINOR}\nd:\n- e: x:4.15\n- e: y\nf: 4.16\n";
        let node = parse(text.replace("{MAJOR}.{MINOR}", "4.16").as_bytes()).expect("YAML");
        let found = find(&node, text);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.key.as_str(), one.text.as_str(), one.line))
            .collect();
        assert_eq!(
            told,
            [("a.b", "release-4.16", 2), ("d.e", "x:4.15", 5)],
            "a number alone is no text"
        );
        assert_eq!(find(&node, ""), []);
    }
}
