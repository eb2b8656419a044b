//! Reads rule files: all faults at once, each with its place.

mod fields;

use super::diagnostic::Diagnostic;
use super::expr::Known;
pub use super::hint::{near, nearest};
use super::rule::{Reference, Releases, Rule, RulePlace};
use super::subject::Subject;
use crate::yaml::{self, Mapping, Node, Pos, Value};

/// The largest rule file that is read, in bytes.
const MAX_FILE: usize = 1 << 20;

/// The keys of a rule.
pub const RULE_KEYS: [&str; 9] = [
    "id",
    "because",
    "on",
    "releases",
    "when",
    "set",
    "append",
    "overrides",
    "replaces",
];

/// Reads one rule file. What could be read is returned beside the faults.
///
/// `known`: the expressions of a load that found no fault in the same files. They are neither compiled nor checked again.
pub fn load(file: &str, text: &[u8], known: Option<&Known>) -> (Vec<Rule>, Vec<Diagnostic>) {
    let lossy = String::from_utf8_lossy(text);
    let mut loader = Loader {
        file,
        text: lossy.trim_start_matches('\u{feff}'),
        faults: Vec::new(),
        known,
    };
    let rules = loader.file(text);
    (rules, loader.faults)
}

/// What a fault underlines.
#[derive(Clone, Copy)]
struct Mark {
    pos: Pos,
    width: usize,
}

impl Mark {
    /// A value; a mapping or a list has no width.
    fn of(node: &Node) -> Self {
        let width = match &node.value {
            Value::String(text) | Value::Number(text) if !text.contains('\n') => text.chars().count(),
            _ => 0,
        };
        Self { pos: node.pos, width }
    }

    fn of_key(key: &yaml::Key) -> Self {
        Self {
            pos: key.pos,
            width: key.text.chars().count(),
        }
    }
}

struct Loader<'l> {
    file: &'l str,
    text: &'l str,
    faults: Vec<Diagnostic>,
    known: Option<&'l Known>,
}

impl Loader<'_> {
    fn fault(&mut self, code: &'static str, mark: Mark, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Diagnostic {
            code,
            file: self.file.to_owned(),
            pos: mark.pos,
            width: mark.width,
            message: message.into(),
            hint: hint.into(),
        });
    }

    /// Finds a text that stands within a value, however the value is quoted or folded; else the value itself.
    fn within(&self, node: &Node, wanted: &str) -> Mark {
        const FAR: usize = 8_000;
        let mut at = 0;
        let mut lines = self.text.split_inclusive('\n');
        for _ in 1..node.pos.line {
            at += lines.next().map_or(0, str::len);
        }
        let rest = self.text.get(at..).unwrap_or_default();
        let column = (node.pos.column as usize).saturating_sub(1);
        let skipped: usize = rest.chars().take(column).map(char::len_utf8).sum();
        let mut area: &str = &rest[skipped..];
        let end = (0..=FAR.min(area.len())).rev().find(|end| area.is_char_boundary(*end));
        area = &area[..end.unwrap_or_default()];
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let found = area
            .match_indices(wanted)
            .find(|(start, _)| !area[..*start].ends_with(word) && !area[start + wanted.len()..].starts_with(word));
        let Some((start, _)) = found else { return Mark::of(node) };
        let before = &rest[..skipped + start];
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let line = node.pos.line.saturating_add(count(before.matches('\n').count()));
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        Mark {
            pos: Pos {
                line,
                column: count(column).saturating_add(1),
            },
            width: wanted.chars().count(),
        }
    }

    /// A line of the file, counted from 1.
    fn line(&self, number: u32) -> &'_ str {
        let before = (number as usize).saturating_sub(1);
        self.text.lines().nth(before).unwrap_or_default()
    }

    fn file(&mut self, text: &[u8]) -> Vec<Rule> {
        let start = Mark {
            pos: Pos { line: 1, column: 1 },
            width: 0,
        };
        if text.len() > MAX_FILE {
            let message = format!("the file is {} bytes large; {MAX_FILE} are the most", text.len());
            self.fault(
                "too-large",
                start,
                message,
                "split it: all `*.yaml` files of a folder are one rule set",
            );
            return Vec::new();
        }
        let root = match yaml::parse(text) {
            Ok(root) => root,
            Err(error) => {
                let mark = Mark {
                    pos: error.pos,
                    width: 0,
                };
                let line = self.line(error.pos.line).trim();
                let hint = match line.split_once(": ") {
                    Some((key, value)) if value.starts_with('!') => quoted(key, value),
                    _ => "rule files are YAML: `rules:` and a list".into(),
                };
                self.fault("not-yaml", mark, error.message, hint);
                return Vec::new();
            }
        };
        let Some(map) = root.as_map() else {
            self.fault(
                "wrong-type",
                Mark::of(&root),
                "a mapping with `rules` is expected",
                "see rules/README.md",
            );
            return Vec::new();
        };
        self.unknown_keys(map, &["rules"]);
        let Some(items) = map.get("rules").and_then(Node::as_seq) else {
            self.fault(
                "wrong-type",
                Mark::of(&root),
                "`rules` with a list of rules is expected",
                "see rules/README.md",
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.rule(item)).collect()
    }

    fn unknown_keys(&mut self, map: &Mapping, known: &[&str]) {
        for (key, _) in &map.entries {
            if !known.contains(&&*key.text) {
                self.fault(
                    "unknown-key",
                    Mark::of_key(key),
                    format!("unknown key `{}`", key.text),
                    nearest(&key.text, known),
                );
            }
        }
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let Some(map) = node.as_map() else {
            self.fault(
                "wrong-type",
                Mark::of(node),
                "a rule is a mapping",
                "start with `id`, `because` and `on`",
            );
            return None;
        };
        self.unknown_keys(map, &RULE_KEYS);
        let id = self.id(node, map)?;
        let because = self.because(node, map, &id);
        let subject = self.subject(node, map, &id)?;
        // A condition with a fault is one all the same: what the rule is meant for is not "always".
        let when_text = map.get("when").map(|when| when.text().unwrap_or_default().to_owned());
        let when = map.get("when").and_then(|when| self.condition(when, subject));
        let before = self.faults.len();
        let settings = self.settings(map, subject);
        if settings.is_empty() && self.faults.len() == before {
            self.fault(
                "sets-nothing",
                Mark::of(node),
                format!("rule `{id}` sets nothing"),
                "give it `set` or `append`",
            );
        }
        let is_whole = self.faults.len() == before;
        Some(Rule {
            because,
            subject,
            releases: self.releases(map),
            when,
            when_text,
            settings,
            is_whole,
            overrides: self.overrides(map),
            replaces: map.get("replaces").and_then(|node| self.reference(node, "replaces")),
            replaced: Vec::new(),
            place: RulePlace {
                file: self.file.to_owned(),
                line: map.get("id").map_or(node.pos, |id| id.pos).line,
            },
            id,
        })
    }

    fn id(&mut self, node: &Node, map: &Mapping) -> Option<String> {
        let Some(value) = map.get("id") else {
            self.fault(
                "missing-id",
                Mark::of(node),
                "the rule has no `id`",
                "name it in kebab-case, such as `needed-payload`",
            );
            return None;
        };
        let id = self.text(value, "id")?;
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.chars().all(kebab) || !id.starts_with(|c: char| c.is_ascii_lowercase()) || id.ends_with('-') {
            let hint = "small letters, digits and dashes, such as `needed-payload`";
            self.fault(
                "bad-id",
                Mark::of(value),
                format!("`{id}` is no rule name in kebab-case"),
                hint,
            );
        }
        Some(id)
    }

    fn because(&mut self, node: &Node, map: &Mapping, id: &str) -> String {
        let because = map
            .get("because")
            .and_then(|because| self.text(because, "because"))
            .unwrap_or_default();
        if because.trim().is_empty() {
            let hint = "say in one sentence why it is so: pull requests and `explain` show it";
            self.fault(
                "missing-because",
                Mark::of(node),
                format!("rule `{id}` does not say why"),
                hint,
            );
        }
        because
    }

    fn subject(&mut self, node: &Node, map: &Mapping, id: &str) -> Option<Subject> {
        let names = Subject::ALL.map(Subject::name);
        let Some(value) = map.get("on") else {
            let hint = format!("one of {}", names.join(", "));
            self.fault(
                "missing-on",
                Mark::of(node),
                format!("rule `{id}` does not say what it is about (`on`)"),
                hint,
            );
            return None;
        };
        let name = self.text(value, "on")?;
        let subject = Subject::by_name(&name);
        if subject.is_none() {
            let message = format!("`{name}` is nothing that a rule can be about");
            self.fault("unknown-subject", Mark::of(value), message, nearest(&name, &names));
        }
        subject
    }

    fn releases(&mut self, map: &Mapping) -> Releases {
        let Some(node) = map.get("releases") else {
            return Releases::default();
        };
        let Some(text) = self.text(node, "releases") else {
            return Releases::default();
        };
        match text.parse::<Releases>() {
            Ok(releases) if !releases.is_empty() => releases,
            Ok(_) => {
                let message = format!("no release is within `{text}`");
                let hint = "bounds hold together: `>=4.17 <4.20` is 4.17, 4.18 and 4.19";
                self.fault("no-release", Mark::of(node), message, hint);
                Releases::default()
            }
            Err(error) => {
                let hint = "such as `4.16`, `>=4.17` or `>=4.17 <4.20`; leave it out where the rule is for all";
                self.fault("bad-releases", Mark::of(node), error.to_string(), hint);
                Releases::default()
            }
        }
    }

    fn overrides(&mut self, map: &Mapping) -> Vec<Reference> {
        let Some(node) = map.get("overrides") else {
            return Vec::new();
        };
        let Some(items) = node.as_seq() else {
            self.fault(
                "wrong-type",
                Mark::of(node),
                "`overrides` is a list of rule ids",
                "write `overrides: [some-rule]`",
            );
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.reference(item, "overrides"))
            .collect()
    }

    fn reference(&mut self, node: &Node, key: &str) -> Option<Reference> {
        let id = self.text(node, key)?;
        Some(Reference { id, pos: node.pos })
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = node.text().map(|text| text.to_string());
        if text.is_none() {
            self.fault(
                "wrong-type",
                Mark::of(node),
                format!("`{key}` must be a text, this is {}", node.type_name()),
                "",
            );
        }
        text
    }
}

/// How a value that YAML takes for a tag is written.
fn quoted(key: &str, value: &str) -> String {
    let quote = if value.contains('"') { '\'' } else { '"' };
    let inner = match quote {
        '\'' => value.replace('\'', "''"),
        _ => value.replace('\\', "\\\\"),
    };
    format!("quote it, `!` begins a tag in YAML: `{key}: {quote}{inner}{quote}`")
}
