//! Changes of YAML that people wrote: what means the same keeps its bytes, comments and all.
//!
//! A change is not described but shown: the caller says what each document should mean, and [`edit()`] finds the places
//! where that differs from what it means now and rewrites those alone. The result is parsed again: if it means anything
//! else, nothing is changed. [`path`] has what is needed to change a value by keys and by items of lists.

mod items;
mod lines;
mod pair;
pub mod path;
mod refused;
mod tree;
mod walk;
mod words;
mod write;

pub use refused::Refused;
pub use words::reword;

use super::{Node, Value, parse_all};
use tree::{Shape, Spot, Tree};
use walk::{Splice, Walk};
use write::{Quotes, Style, Writer, inline};

/// How a text is read, and how strings are spelled in it.
pub struct How<'h> {
    /// Makes of the text as it is written the text as it is read, variables put in. Lines stay where they are.
    pub read: &'h dyn Fn(&str) -> String,
    /// Spells a string of a wanted value as it is to be written.
    pub spell: &'h dyn Fn(&str) -> String,
    /// Whether lists are indented below their key where the text has none that would show it.
    pub indent_lists: bool,
}

impl Default for How<'_> {
    /// As it is written, so it is read.
    fn default() -> Self {
        How {
            read: &str::to_owned,
            spell: &str::to_owned,
            indent_lists: false,
        }
    }
}

/// Rewrites a text so that its documents mean `wanted`, and nothing but what differs is touched.
///
/// Indentation, quotes, line breaks and the absence of a last one are as in the text around. Lists below a key are indented
/// as most of the text's are. A key or item that goes takes its lines along, unless a comment tells of it. The last key or
/// item of a collection leaves `{}` or `[]`: who wants the collection gone says so.
///
/// # Errors
/// Why it cannot be done safely; the text is to stay as it is.
pub fn edit(text: &str, wanted: &[Node], how: &How<'_>) -> Result<String, Refused> {
    let there = documents(text, how)?;
    if there == wanted {
        return Ok(text.to_owned());
    }
    if there.len() != wanted.len() {
        return Err(Refused::Unfollowed);
    }
    let tree = Tree::of(text)?;
    if tree.documents.len() != there.len() {
        return Err(Refused::Unfollowed);
    }
    let style = style(text, &tree, how.indent_lists);
    let mut walk = Walk {
        text,
        tree: &tree,
        style,
        spell: how.spell,
        splices: Vec::new(),
    };
    for ((old, new), root) in there.iter().zip(wanted).zip(&tree.documents) {
        walk.document(old, new, root.as_ref())?;
    }
    let after = spliced(text, walk.splices);
    match documents(&after, how) {
        Ok(means) if means == wanted => Ok(after),
        _ => Err(Refused::Otherwise),
    }
}

/// What the documents of a text mean.
///
/// # Errors
/// It is no YAML.
pub fn documents(text: &str, how: &How<'_>) -> Result<Vec<Node>, Refused> {
    let full = (how.read)(text);
    if full.lines().count() != text.lines().count() {
        return Err(Refused::Unreadable("a variable has several lines".to_owned()));
    }
    parse_all(full.as_bytes()).map_err(|error| Refused::Unreadable(error.to_string()))
}

/// Puts the pieces in, in the order of their places.
fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| (splice.range.start, !splice.range.is_empty()));
    let (mut out, mut at) = (String::with_capacity(text.len() + 256), 0);
    for splice in splices {
        // What comes in where something goes comes in behind that.
        let start = splice.range.start.max(at);
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(&splice.text);
        at = splice.range.end.max(start);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The one piece in which two texts differ: its place in the first, and what the second has there.
pub fn piece(before: &str, after: &str) -> (std::ops::Range<usize>, String) {
    let same = |pair: &(char, char)| pair.0 == pair.1;
    let head: usize = before
        .chars()
        .zip(after.chars())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let (old, new) = (&before[head..], &after[head..]);
    let tail: usize = old
        .chars()
        .rev()
        .zip(new.chars().rev())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    (head..before.len() - tail, new[..new.len() - tail].to_owned())
}

/// How most of a text is written.
fn style(text: &str, tree: &Tree, indent_lists: bool) -> Style {
    let first = text.find('\n').unwrap_or(0);
    let eol = if text[..first].ends_with('\r') { "\r\n" } else { "\n" };
    let mut found = Found::default();
    tree.documents
        .iter()
        .flatten()
        .for_each(|root| found.look(text, root, None));
    let step = found.step.max(2);
    let indented = match found.indented + found.flush {
        0 => indent_lists,
        _ => found.indented > found.flush,
    };
    let dashes = if indented { step } else { 0 };
    Style { eol, step, dashes }
}

/// Counts of what is seen of a text's indentation.
#[derive(Default)]
struct Found {
    step: usize,
    indented: usize,
    flush: usize,
}

impl Found {
    fn look(&mut self, text: &str, spot: &Spot, key: Option<usize>) {
        let column = |at: usize| at - text[..at].rfind('\n').map_or(0, |at| at + 1);
        match &spot.shape {
            Shape::Map(entries) if !spot.flow => {
                if let (Some(key), Some(first)) = (key, entries.first()) {
                    let step = column(first.range.start).saturating_sub(key);
                    self.step = if self.step == 0 { step } else { self.step.min(step) };
                }
                for entry in entries {
                    let key = column(entry.range.start);
                    entry.value.iter().for_each(|value| self.look(text, value, Some(key)));
                }
            }
            Shape::Seq(items) if !spot.flow => {
                if let (Some(key), Some(first)) = (key, items.first()) {
                    match column(first.range.start) > key {
                        true => self.indented += 1,
                        false => self.flush += 1,
                    }
                }
                items
                    .iter()
                    .filter_map(|item| item.value.as_ref())
                    .for_each(|value| self.look(text, value, None));
            }
            _ => {}
        }
    }
}

/// The text of a new file: block style, keys in their order, lists below a key indented by two.
pub fn fresh(node: &Node) -> String {
    let mut text = String::new();
    let style = Style {
        eol: "\n",
        step: 2,
        dashes: 2,
    };
    let mut writer = Writer { style, out: &mut text };
    match &node.value {
        Value::Map(map) if !map.is_empty() => writer.mapping(map, 0),
        Value::Seq(items) if !items.is_empty() => writer.sequence(items, 0),
        _ => text = format!("{}\n", inline(node, Quotes::Needed, false)),
    }
    text
}

/// Whether a value is an empty mapping or list.
pub fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Map(map) => map.is_empty(),
        Value::Seq(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
