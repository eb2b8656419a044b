//! Reads rule files: all faults at once, each with its place.

use super::expr::{Expr, FUNCTIONS};
use super::rule::{Place, Releases, Rule, Setting};
use super::sample;
use super::subject::Subject;
use super::template::Template;
use crate::yaml::{self, Mapping, Node, Pos};

/// A fault of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, such as `unknown-key`.
    pub code: &'static str,
    /// The file as it was named.
    pub file: String,
    /// Where the fault is.
    pub pos: Pos,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.file, self.pos, self.message, self.code)?;
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(f, "\n  hint: {}", self.hint)
        }
    }
}

/// The largest rule file that is read, in bytes.
const MAX_FILE: usize = 1 << 20;

const RULE_KEYS: [&str; 9] = [
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
pub fn load(file: &str, text: &[u8]) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut loader = Loader {
        file,
        faults: Vec::new(),
    };
    let rules = loader.file(text);
    (rules, loader.faults)
}

struct Loader<'f> {
    file: &'f str,
    faults: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn fault(&mut self, code: &'static str, pos: Pos, message: impl Into<String>, hint: impl Into<String>) {
        let file = self.file.to_owned();
        self.faults.push(Diagnostic {
            code,
            file,
            pos,
            message: message.into(),
            hint: hint.into(),
        });
    }

    fn file(&mut self, text: &[u8]) -> Vec<Rule> {
        let start = Pos { line: 1, column: 1 };
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
                self.fault("not-yaml", error.pos, error.message, "");
                return Vec::new();
            }
        };
        let Some(map) = root.as_map() else {
            self.fault(
                "wrong-type",
                root.pos,
                "a mapping with `rules` is expected",
                "see rules/README.md",
            );
            return Vec::new();
        };
        self.unknown_keys(map, &["rules"]);
        let Some(items) = map.get("rules").and_then(Node::as_seq) else {
            self.fault(
                "wrong-type",
                root.pos,
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
                    key.pos,
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
                node.pos,
                "a rule is a mapping",
                "start with `id`, `because` and `on`",
            );
            return None;
        };
        self.unknown_keys(map, &RULE_KEYS);
        let id = self.id(node, map)?;
        let because = self.because(node, map, &id);
        let subject = self.subject(node, map, &id)?;
        let when_text = map.get("when").and_then(|when| self.text(when, "when"));
        let when = map.get("when").and_then(|when| self.condition(when, subject));
        let settings = self.settings(map, subject);
        if settings.is_empty() {
            self.fault(
                "sets-nothing",
                node.pos,
                format!("rule `{id}` sets nothing"),
                "give it `set` or `append`",
            );
        }
        Some(Rule {
            because,
            subject,
            releases: self.releases(map),
            when,
            when_text,
            settings,
            overrides: self.overrides(map),
            replaces: map.get("replaces").and_then(|node| self.text(node, "replaces")),
            place: Place {
                file: self.file.to_owned(),
                line: map.get("id").map_or(node.pos.line, |id| id.pos.line),
            },
            id,
        })
    }

    fn id(&mut self, node: &Node, map: &Mapping) -> Option<String> {
        let Some(value) = map.get("id") else {
            self.fault(
                "missing-id",
                node.pos,
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
                value.pos,
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
                node.pos,
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
                node.pos,
                format!("rule `{id}` does not say what it is about (`on`)"),
                hint,
            );
            return None;
        };
        let name = self.text(value, "on")?;
        let subject = Subject::by_name(&name);
        if subject.is_none() {
            let message = format!("`{name}` is nothing that a rule can be about");
            self.fault("unknown-subject", value.pos, message, nearest(&name, &names));
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
        text.parse().unwrap_or_else(|message: String| {
            self.fault("bad-releases", node.pos, message, "");
            Releases::default()
        })
    }

    fn overrides(&mut self, map: &Mapping) -> Vec<String> {
        let Some(node) = map.get("overrides") else {
            return Vec::new();
        };
        let Some(items) = node.as_seq() else {
            self.fault(
                "wrong-type",
                node.pos,
                "`overrides` is a list of rule ids",
                "write `overrides: [some-rule]`",
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item, "overrides")).collect()
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = node.text().map(|text| text.to_string());
        if text.is_none() {
            self.fault(
                "wrong-type",
                node.pos,
                format!("`{key}` must be a text, this is {}", node.type_name()),
                "",
            );
        }
        text
    }

    fn condition(&mut self, node: &Node, subject: Subject) -> Option<Expr> {
        let text = self.text(node, "when")?;
        match Expr::compile(&text) {
            Ok(expr) => {
                self.names(&expr, subject, node.pos);
                if let Err(message) = sample::try_condition(subject, &expr) {
                    self.fault("wrong-type", node.pos, message, "");
                }
                Some(expr)
            }
            Err(message) => {
                self.fault("bad-expression", node.pos, message, "");
                None
            }
        }
    }

    fn settings(&mut self, map: &Mapping, subject: Subject) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (word, append) in [("set", false), ("append", true)] {
            let Some(node) = map.get(word) else { continue };
            let Some(fields) = node.as_map() else {
                self.fault(
                    "wrong-type",
                    node.pos,
                    format!("`{word}` must be a mapping of fields"),
                    "",
                );
                continue;
            };
            for (key, value) in &fields.entries {
                settings.extend(self.setting(subject, &key.text, key.pos, value, append));
            }
        }
        settings
    }

    fn setting(&mut self, subject: Subject, name: &str, pos: Pos, node: &Node, append: bool) -> Option<Setting> {
        let Some(field) = subject.field(name) else {
            let names: Vec<_> = subject.fields().iter().map(|field| field.name).collect();
            let message = format!("{} has no field `{name}`", subject.name());
            self.fault("unknown-field", pos, message, nearest(name, &names));
            return None;
        };
        if append && !field.kind.is_list() {
            self.fault(
                "wrong-type",
                pos,
                format!("`{name}` is not a list, nothing can be added"),
                "use `set`",
            );
            return None;
        }
        let value = match Template::read(node) {
            Ok(value) => value,
            Err(fault) => {
                self.fault("bad-expression", fault.pos, fault.message, "");
                return None;
            }
        };
        for expr in value.expressions() {
            self.names(expr, subject, node.pos);
        }
        if let Err(message) = sample::try_value(subject, field, &value) {
            self.fault(
                "wrong-type",
                node.pos,
                message,
                format!("`{name}` is {}", field.kind.expected()),
            );
        }
        Some(Setting {
            field: field.name,
            append,
            value,
            line: pos.line,
        })
    }

    fn names(&mut self, expr: &Expr, subject: Subject, pos: Pos) {
        for function in &expr.names.functions {
            if !FUNCTIONS.iter().any(|(name, _)| name == function) {
                let names: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
                let message = format!("unknown function `{function}`");
                self.fault("unknown-function", pos, message, nearest(function, &names));
            }
        }
        for path in &expr.names.paths {
            if let Err((message, hint)) = sample::check_path(subject, path) {
                self.fault("unknown-variable", pos, message, hint);
            }
        }
    }
}

/// A hint that names the nearest known word, or all of them where none is near.
pub fn nearest(word: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min();
    match near {
        Some((distance, candidate)) if distance <= 2.max(word.len() / 3) => format!("did you mean `{candidate}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}
