//! What of a text stands where: the lossless tree of `yaml-edit`, reduced to ranges. The only file that knows that crate.

use std::ops::Range;

use yaml_edit::{Mapping, Sequence, TextPosition, YamlFile, YamlNode};

use super::Refused;

/// A value in the text.
#[derive(Debug)]
pub(super) struct Spot {
    /// Its bytes; of a block collection from its first key or dash on.
    pub range: Range<usize>,
    /// Whether it is written in brackets.
    pub flow: bool,
    pub shape: Shape,
}

/// What a value is made of.
#[derive(Debug)]
pub(super) enum Shape {
    Map(Vec<Entry>),
    Seq(Vec<Item>),
    /// A scalar, an alias, a value with a tag: written anew as a whole or not at all.
    Whole,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_range: Range<usize>,
    /// From the key on; in a block up to the end of its last line, the line's break included.
    pub range: Range<usize>,
    /// None where nothing follows the colon.
    pub value: Option<Spot>,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// From the dash (in brackets: from the value) on; in a block up to the end of its last line.
    pub range: Range<usize>,
    pub value: Option<Spot>,
}

/// The documents of a text, and where its comments are.
#[derive(Debug)]
pub(super) struct Tree {
    pub documents: Vec<Option<Spot>>,
    pub comments: Vec<Range<usize>>,
}

impl Tree {
    /// Reads a text.
    ///
    /// # Errors
    /// The crate could not make sense of all of it.
    pub fn of(text: &str) -> Result<Tree, Refused> {
        let parsed = YamlFile::parse(text);
        if !parsed.errors().is_empty() {
            return Err(Refused::Unfollowed);
        }
        let file = parsed.tree();
        let reader = Reader { text };
        let documents = file.documents().map(|document| {
            let root = document.as_mapping().map(YamlNode::Mapping);
            let root = root.or_else(|| document.as_sequence().map(YamlNode::Sequence));
            let root = root.or_else(|| document.as_scalar().map(YamlNode::Scalar));
            root.and_then(|root| reader.spot(&root))
        });
        let comments = file.comments().map(|comment| {
            let range = comment.text_range();
            usize::from(range.start())..usize::from(range.end())
        });
        Ok(Tree {
            documents: documents.collect(),
            comments: comments.collect(),
        })
    }
}

struct Reader<'t> {
    text: &'t str,
}

fn bytes(position: TextPosition) -> Range<usize> {
    position.start as usize..position.end as usize
}

impl Reader<'_> {
    /// A value; none if it has no text.
    fn spot(&self, node: &YamlNode) -> Option<Spot> {
        let range = bytes(node.byte_range());
        let text = self.text.get(range.clone())?;
        if text.is_empty() {
            return None;
        }
        let flow = text.starts_with(['{', '[']);
        let shape = if let Some(mapping) = node.as_mapping() {
            self.entries(mapping, flow).map(Shape::Map)
        } else if let Some(sequence) = node.as_sequence() {
            self.items(sequence, &range, flow).map(Shape::Seq)
        } else {
            None
        };
        Some(Spot {
            range,
            flow,
            shape: shape.unwrap_or(Shape::Whole),
        })
    }

    /// The entries, if all keys are simple ones.
    fn entries(&self, mapping: &Mapping, flow: bool) -> Option<Vec<Entry>> {
        let entry = |entry: yaml_edit::MappingEntry| {
            let key = entry.key_node()?;
            let range = bytes(entry.byte_range());
            let value = entry.value_node().and_then(|value| self.spot(&value));
            let end = match flow {
                true => value.as_ref().map_or(range.end, |value| value.range.end),
                false => self.line_end(range.end),
            };
            Some(Entry {
                key: key.as_scalar()?.as_string(),
                key_range: bytes(key.byte_range()),
                range: range.start..end,
                value,
            })
        };
        mapping.entries().map(entry).collect()
    }

    /// The items, if each has a text of its own.
    fn items(&self, sequence: &Sequence, range: &Range<usize>, flow: bool) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        let mut from = range.start;
        for value in sequence.values() {
            let value = self.spot(&value);
            let range = if flow {
                value.as_ref()?.range.clone()
            } else {
                let start = self.dash(from)?;
                let end = value.as_ref().map_or(start + 1, |value| value.range.end);
                start..self.line_end(end)
            };
            from = range.end;
            items.push(Item { range, value });
        }
        Some(items)
    }

    /// The end of the line that something ends in, its break included; as it is where a break has been passed already.
    fn line_end(&self, end: usize) -> usize {
        let (before, after) = self.text.split_at(end);
        if before.ends_with('\n') {
            return end;
        }
        end + after.find('\n').map_or(after.len(), |at| at + 1)
    }

    /// The next dash from `from` on, behind blanks and comments.
    fn dash(&self, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = self.text.get(at..)?;
            let blanks = rest.len() - rest.trim_start().len();
            at += blanks;
            let rest = self.text.get(at..)?;
            match rest.as_bytes().first()? {
                // Also where it stands at the very start of its line.
                b'#' => at += rest.find('\n').map_or(rest.len(), |end| end + 1),
                b'-' => return Some(at),
                _ => return None,
            }
        }
    }
}
