//! Composes libyaml's events to values; expands anchors and aliases within bounds.

use std::collections::HashMap;

use super::entries::{check_duplicates, duplicate, merge_into};
use super::error::{Error, utf8};
use super::events::{Event, Events};
use super::limits::{MAX_COPIED, MAX_DEPTH, MAX_NODES};
use super::tags::{scalar_value, tag_collection};
use super::{Key, Mapping, Node, Pos, Value};

/// An anchored value and what a copy of it costs.
struct Anchored {
    node: Node,
    size: Size,
}

#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    /// Levels of collections: 0 for a scalar.
    height: usize,
}

/// Composes the values of one text.
pub(super) struct Composer<'t> {
    events: Events<'t>,
    text: &'t str,
    lines_before: u32,
    anchors: HashMap<Box<str>, Anchored>,
    nodes: usize,
    copied: usize,
}

/// What stands at the place of an item.
enum Item {
    Node(Node),
    End,
}

impl<'t> Composer<'t> {
    /// Starts on a checked text with `lines_before` lines of the file in front of it.
    pub fn new(text: &'t str, lines_before: u32) -> Composer<'t> {
        Composer {
            events: Events::new(text, lines_before),
            text,
            lines_before,
            anchors: HashMap::new(),
            nodes: 0,
            copied: 0,
        }
    }

    /// Reads the one document, null if there is none.
    pub fn document(mut self) -> Result<Node, Error> {
        let mut root = None;
        loop {
            let (event, pos) = next(&mut self.events, self.text, self.lines_before)?;
            match event {
                Event::DocumentStart if root.is_some() => {
                    return Err(Error::new(pos, "a second document; one document was expected"));
                }
                Event::DocumentStart => {
                    root = match self.item(0)? {
                        Item::Node(node) => Some(node),
                        Item::End => None,
                    }
                }
                Event::StreamEnd => {
                    return Ok(root.unwrap_or(Node {
                        pos: Pos { line: 1, column: 1 },
                        value: Value::Null,
                    }));
                }
                _ => {}
            }
        }
    }

    /// Reads all documents. An anchor belongs to its document.
    pub fn documents(mut self) -> Result<Vec<Node>, Error> {
        let mut roots = Vec::new();
        loop {
            let (event, _) = next(&mut self.events, self.text, self.lines_before)?;
            match event {
                Event::DocumentStart => {
                    self.anchors.clear();
                    if let Item::Node(node) = self.item(0)? {
                        roots.push(node);
                    }
                }
                Event::StreamEnd => return Ok(roots),
                _ => {}
            }
        }
    }

    /// Reads one value, or the end of the sequence or mapping that is being read. `depth`: the collections around it.
    fn item(&mut self, depth: usize) -> Result<Item, Error> {
        let (event, pos) = next(&mut self.events, self.text, self.lines_before)?;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Error::new(pos, format!("more than {MAX_NODES} values")));
        }
        let (anchor, tag, mapping) = match event {
            Event::Scalar(scalar) => {
                let node = Node {
                    pos,
                    value: scalar_value(&scalar, pos)?,
                };
                if let Some(anchor) = scalar.anchor {
                    let anchor = utf8(anchor, pos)?;
                    self.remember(anchor, &node)?;
                }
                return Ok(Item::Node(node));
            }
            Event::Alias { anchor } => {
                let anchor = utf8(anchor, pos)?;
                return self.expand(&anchor, pos, depth).map(Item::Node);
            }
            Event::SequenceStart { anchor, tag } => (anchor, tag, false),
            Event::MappingStart { anchor, tag } => (anchor, tag, true),
            _ => {
                self.nodes -= 1;
                return Ok(Item::End);
            }
        };
        if depth >= MAX_DEPTH {
            return Err(Error::new(pos, format!("more than {MAX_DEPTH} levels of nesting")));
        }
        let anchor = anchor.map(|anchor| utf8(anchor, pos)).transpose()?;
        let tag = tag.map(|tag| utf8(tag, pos)).transpose()?;
        let value = if mapping {
            self.mapping(depth + 1)?
        } else {
            self.sequence(depth + 1)?
        };
        let node = tag_collection(tag.as_deref(), Node { pos, value })?;
        if let Some(anchor) = anchor {
            self.remember(anchor, &node)?;
        }
        Ok(Item::Node(node))
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        while let Item::Node(node) = self.item(depth)? {
            items.push(node);
        }
        Ok(Value::Seq(items))
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Error> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged = Vec::new();
        while let Some((key, merge)) = self.key()? {
            // After a key libyaml always has a value, an empty one if there is nothing.
            let Item::Node(node) = self.item(depth)? else { break };
            if merge {
                merged.push((key, node));
            } else {
                entries.push((key, node));
            }
        }
        check_duplicates(&entries)?;
        if let [first, second, ..] = &merged[..] {
            return Err(duplicate(&first.0, &second.0));
        }
        for (key, node) in merged {
            merge_into(&mut entries, &key, node)?;
        }
        Ok(Value::Map(Mapping { entries }))
    }

    /// The next key, and whether it is a merge key; none at the end of the mapping.
    fn key(&mut self) -> Result<Option<(Key, bool)>, Error> {
        let (event, pos) = next(&mut self.events, self.text, self.lines_before)?;
        match event {
            Event::Scalar(scalar) => {
                let merge = scalar.text == b"<<" && scalar.plain && scalar.tag.is_none();
                let text = utf8(scalar.text, pos)?;
                if let Some(anchor) = scalar.anchor {
                    let (anchor, value) = (utf8(anchor, pos)?, scalar_value(&scalar, pos)?);
                    self.remember(anchor, &Node { pos, value })?;
                }
                Ok(Some((Key { pos, text }, merge)))
            }
            Event::Alias { anchor } => {
                let anchor = utf8(anchor, pos)?;
                let node = self.expand(&anchor, pos, 0)?;
                match node.text() {
                    Some(text) => Ok(Some((Key { pos, text: text.into() }, false))),
                    None => Err(Error::new(
                        pos,
                        format!("a key must be a text, but `*{anchor}` is {}", node.type_name()),
                    )),
                }
            }
            Event::SequenceStart { .. } | Event::MappingStart { .. } => {
                Err(Error::new(pos, "a key must be a text, not a list or a mapping"))
            }
            _ => Ok(None),
        }
    }

    fn remember(&mut self, anchor: Box<str>, node: &Node) -> Result<(), Error> {
        let size = size(node);
        self.pay(size, node.pos)?;
        self.anchors.insert(
            anchor,
            Anchored {
                node: node.clone(),
                size,
            },
        );
        Ok(())
    }

    fn expand(&mut self, anchor: &str, pos: Pos, depth: usize) -> Result<Node, Error> {
        let Some(Anchored { size, .. }) = self.anchors.get(anchor) else {
            return Err(Error::new(
                pos,
                format!("the alias `*{anchor}` has no complete anchor `&{anchor}` before it"),
            ));
        };
        let size = *size;
        if depth + size.height > MAX_DEPTH {
            return Err(Error::new(
                pos,
                format!("the alias `*{anchor}` makes more than {MAX_DEPTH} levels of nesting"),
            ));
        }
        self.pay(size, pos)?;
        Ok(self
            .anchors
            .get(anchor)
            .map(|anchored| anchored.node.clone())
            .unwrap_or_default())
    }

    /// Counts a copy against the bounds.
    fn pay(&mut self, size: Size, pos: Pos) -> Result<(), Error> {
        self.nodes += size.nodes;
        self.copied += size.bytes;
        if self.nodes > MAX_NODES || self.copied > MAX_COPIED {
            return Err(Error::new(
                pos,
                format!(
                    "anchors and aliases multiply to more than {MAX_NODES} values or {} MiB of text",
                    MAX_COPIED >> 20
                ),
            ));
        }
        Ok(())
    }
}

fn next<'e>(events: &'e mut Events<'_>, text: &str, lines_before: u32) -> Result<(Event<'e>, Pos), Error> {
    events
        .next()
        .map_err(|fault| Error::from_fault(&fault, text, lines_before))
}

/// What a copy of a value costs.
fn size(node: &Node) -> Size {
    let children = |sizes: &mut dyn Iterator<Item = Size>| {
        sizes.fold(
            Size {
                nodes: 1,
                bytes: 0,
                height: 0,
            },
            |sum, size| Size {
                nodes: sum.nodes + size.nodes,
                bytes: sum.bytes + size.bytes,
                height: sum.height.max(size.height),
            },
        )
    };
    let inner = match &node.value {
        Value::Null | Value::Bool(_) => {
            return Size {
                nodes: 1,
                bytes: 0,
                height: 0,
            };
        }
        Value::Number(text) | Value::String(text) => {
            return Size {
                nodes: 1,
                bytes: text.len(),
                height: 0,
            };
        }
        Value::Tagged(tagged) => {
            let inner = size(&tagged.node);
            return Size {
                bytes: inner.bytes + tagged.tag.len(),
                nodes: inner.nodes + 1,
                ..inner
            };
        }
        Value::Seq(items) => children(&mut items.iter().map(size)),
        Value::Map(map) => children(&mut map.entries.iter().map(|(key, node)| {
            let inner = size(node);
            Size {
                bytes: inner.bytes + key.text.len(),
                ..inner
            }
        })),
    };
    Size {
        height: inner.height + 1,
        ..inner
    }
}
