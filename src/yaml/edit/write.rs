//! The text of values that are new, in the style of the text around them.

use super::super::resolve::needs_quotes;
use super::super::{Mapping, Node, Value};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// The line break.
    pub eol: &'static str,
    /// How far a mapping is indented below its key.
    pub step: usize,
    /// How far a list is indented below its key.
    pub dashes: usize,
}

/// How a scalar is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Where it needs them.
    Needed,
    Single,
    Double,
}

impl Quotes {
    /// Those of a scalar that is there.
    pub fn of(text: &str) -> Quotes {
        match text.as_bytes().first() {
            Some(b'\'') => Quotes::Single,
            Some(b'"') => Quotes::Double,
            _ => Quotes::Needed,
        }
    }
}

/// A scalar or a value in brackets, on one line.
pub(super) fn inline(node: &Node, quotes: Quotes, flow: bool) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.to_string(),
        Value::String(text) => string(text, quotes, flow),
        Value::Seq(items) => {
            let items: Vec<_> = items.iter().map(|item| inline(item, Quotes::Needed, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let pair = |(key, value): (&str, &Node)| {
                let key = string(key, Quotes::Needed, true);
                format!("{key}: {}", inline(value, Quotes::Needed, true))
            };
            format!("{{{}}}", map.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => format!("{} {}", tagged.tag, inline(&tagged.node, quotes, flow)),
    }
}

/// A string on one line.
pub(super) fn string(text: &str, quotes: Quotes, flow: bool) -> String {
    let simple = text
        .chars()
        .all(|c| !c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'));
    match quotes {
        Quotes::Single if simple => format!("'{}'", text.replace('\'', "''")),
        Quotes::Needed if simple && is_plain(text, flow) => text.to_owned(),
        _ => double(text),
    }
}

fn double(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a string can stand without quotes and stay one.
fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let second = text.chars().nth(1);
    let starts = match first {
        '-' | '?' | ':' => second.is_some_and(|c| !(c.is_whitespace() || flow && ",[]{}".contains(c))),
        c => !c.is_whitespace() && !",[]{}#&*!|>'\"%@`".contains(c),
    };
    starts
        && !needs_quotes(text)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains('\t')
        && !text.ends_with([':', ' '])
        && text != "---"
        && text != "..."
        && !(flow && text.contains([',', '[', ']', '{', '}']))
}

/// Writes values that stand behind a key or a dash, in lines.
pub(super) struct Writer<'o> {
    pub style: Style,
    pub out: &'o mut String,
}

impl Writer<'_> {
    /// What follows a key's colon, up to and with the end of its last line. `column`: where the key starts.
    pub fn below_key(&mut self, node: &Node, column: usize) {
        match &node.value {
            Value::Map(map) if !map.is_empty() => {
                self.out.push_str(self.style.eol);
                self.indent(column + self.style.step);
                self.mapping(map, column + self.style.step);
            }
            Value::Seq(items) if !items.is_empty() => {
                self.out.push_str(self.style.eol);
                self.indent(column + self.style.dashes);
                self.sequence(items, column + self.style.dashes);
            }
            _ => {
                self.out.push(' ');
                self.scalar(node, column + self.style.step);
            }
        }
    }

    /// A dash and its value. `column`: where the dash stands.
    pub fn item(&mut self, node: &Node, column: usize) {
        self.out.push_str("- ");
        match &node.value {
            Value::Map(map) if !map.is_empty() => self.mapping(map, column + 2),
            Value::Seq(items) if !items.is_empty() => self.sequence(items, column + 2),
            _ => self.scalar(node, column + 2),
        }
    }

    /// A mapping whose first key stands where the text ends.
    pub fn mapping(&mut self, map: &Mapping, column: usize) {
        for (at, (key, value)) in map.iter().enumerate() {
            if at > 0 {
                self.indent(column);
            }
            self.entry(key, value, column);
        }
    }

    /// A key with its value.
    pub fn entry(&mut self, key: &str, value: &Node, column: usize) {
        self.out.push_str(&string(key, Quotes::Needed, false));
        self.out.push(':');
        self.below_key(value, column);
    }

    /// A list whose first dash stands where the text ends.
    pub fn sequence(&mut self, items: &[Node], column: usize) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.indent(column);
            }
            self.item(item, column);
        }
    }

    fn scalar(&mut self, node: &Node, indent: usize) {
        match node.as_str() {
            Some(text) if is_literal(text) => self.literal(text, indent),
            _ => self.out.push_str(&inline(node, Quotes::Needed, false)),
        }
        if !self.out.ends_with('\n') {
            self.out.push_str(self.style.eol);
        }
    }

    /// A text of several lines, in a block of its own.
    pub fn literal(&mut self, text: &str, indent: usize) {
        let body = text.trim_end_matches('\n');
        let ends = text.len() - body.len();
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            self.out.push_str(&self.style.step.to_string());
        }
        match ends {
            0 => self.out.push('-'),
            1 => {}
            _ => self.out.push('+'),
        }
        self.out.push_str(self.style.eol);
        for line in body.split('\n') {
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
            self.out.push_str(self.style.eol);
        }
        for _ in 1..ends {
            self.out.push_str(self.style.eol);
        }
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }
}

/// Whether a string is written in a block of its own.
pub(super) fn is_literal(text: &str) -> bool {
    let odd = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    text.contains('\n') && !text.trim_end_matches('\n').is_empty() && !text.contains(odd)
}
