//! From what a text means and what it should mean to the places where it changes.

use std::ops::Range;

use super::super::{Node, Value};
use super::refused::Refused;
use super::tree::{Entry, Shape, Spot, Tree};
use super::write::{Quotes, Style, Writer, inline, is_literal};

/// A piece of text in the place of another one.
#[derive(Debug)]
pub(super) struct Splice {
    pub range: Range<usize>,
    pub text: String,
}

/// Where a value hangs: at a key or a dash, behind this byte, which stands at this column.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    /// The byte behind the colon or dash.
    pub behind: usize,
    /// The column of the key or dash.
    pub column: usize,
    pub is_key: bool,
}

/// Collects what changes.
pub(super) struct Walk<'t> {
    pub text: &'t str,
    pub tree: &'t Tree,
    pub style: Style,
    /// How a string of the wanted value is spelled in the text.
    pub spell: &'t dyn Fn(&str) -> String,
    pub splices: Vec<Splice>,
}

impl Walk<'_> {
    /// A whole document.
    pub fn document(&mut self, old: &Node, new: &Node, root: Option<&Spot>) -> Result<(), Refused> {
        if old == new {
            return Ok(());
        }
        let root = root.ok_or(Refused::Unfollowed)?;
        match (&old.value, &new.value, &root.shape) {
            (Value::Map(old), Value::Map(new), Shape::Map(entries)) => self.mapping(old, new, root, entries, None),
            (Value::Seq(old), Value::Seq(new), Shape::Seq(items)) => self.sequence(old, new, root, items, None),
            _ => Err(Refused::Unfollowed),
        }
    }

    /// Writes the collection of a whole document anew.
    pub(super) fn root(&mut self, new: &Node, spot: &Spot) -> Result<(), Refused> {
        self.no_comment(spot.range.clone())?;
        let (new, column) = (self.spelled(new), self.column(spot.range.start));
        let mut text = String::new();
        let mut writer = Writer {
            style: self.style,
            out: &mut text,
        };
        match &new.value {
            Value::Map(map) if !spot.flow && !map.is_empty() => writer.mapping(map, column),
            Value::Seq(items) if !spot.flow && !items.is_empty() => writer.sequence(items, column),
            _ => text = inline(&new, Quotes::Needed, true),
        }
        let range = spot.range.start..spot.range.start + self.part(&spot.range).trim_end().len();
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        self.splices.push(Splice { range, text });
        Ok(())
    }

    pub(super) fn value(
        &mut self,
        old: &Node,
        new: &Node,
        spot: Option<&Spot>,
        holder: Holder,
        end: usize,
    ) -> Result<(), Refused> {
        if old == new {
            return Ok(());
        }
        if let Some(spot) = spot {
            match (&old.value, &new.value, &spot.shape) {
                (Value::Map(old), Value::Map(new), Shape::Map(entries)) if !entries.is_empty() && !new.is_empty() => {
                    return self.mapping(old, new, spot, entries, Some((holder, end)));
                }
                (Value::Seq(old), Value::Seq(new), Shape::Seq(items)) if !items.is_empty() && !new.is_empty() => {
                    return self.sequence(old, new, spot, items, Some((holder, end)));
                }
                _ => {}
            }
        }
        self.whole(old, new, spot, holder, end)
    }

    /// Writes a value anew that stands in a block, behind a key or dash. `end`: the end of its last line.
    pub(super) fn whole(
        &mut self,
        old: &Node,
        new: &Node,
        spot: Option<&Spot>,
        holder: Holder,
        end: usize,
    ) -> Result<(), Refused> {
        let new = &self.spelled(new);
        let is_block = |text: &str| text.starts_with(['|', '>']);
        let there = spot.map_or("", |spot| self.part(&spot.range));
        let in_lines = spot.is_some_and(|spot| !spot.flow && !matches!(spot.shape, Shape::Whole)) || is_block(there);
        let as_lines = match &new.value {
            Value::Map(map) => !map.is_empty(),
            Value::Seq(items) => !items.is_empty(),
            Value::String(text) => is_literal(text),
            _ => false,
        };
        if !in_lines && !as_lines {
            // A comment behind the value stays where it is.
            let range = spot.map_or(holder.behind..holder.behind, |spot| self.scalar_range(old, spot, end));
            let quotes = Quotes::of(there);
            let blank = if spot.is_none() { " " } else { "" };
            let text = format!("{blank}{}", inline(new, quotes, false));
            self.splices.push(Splice { range, text });
            return Ok(());
        }
        self.no_comment(holder.behind..end)?;
        let mut text = String::new();
        let mut writer = Writer {
            style: self.style,
            out: &mut text,
        };
        match (&new.value, holder.is_key) {
            (Value::String(long), _) if is_literal(long) => {
                writer.out.push(' ');
                let indent = self
                    .block_indent(there, spot)
                    .unwrap_or(holder.column + self.style.step);
                writer.literal(long, indent);
            }
            (_, true) => writer.below_key(new, holder.column),
            (_, false) => {
                writer.item(new, holder.column);
                text.remove(0);
            }
        }
        if !self.part(&(holder.behind..end)).ends_with('\n') {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
        }
        self.splices.push(Splice {
            range: holder.behind..end,
            text,
        });
        Ok(())
    }

    /// How far the lines of a block scalar are indented.
    fn block_indent(&self, there: &str, spot: Option<&Spot>) -> Option<usize> {
        spot.filter(|_| there.starts_with(['|', '>']))?;
        let line = there.lines().skip(1).find(|line| !line.trim().is_empty())?;
        Some(line.len() - line.trim_start_matches(' ').len())
    }

    /// The bytes of a scalar. One that starts with a variable, such as `{X}-y`, looks like a mapping with a rest.
    fn scalar_range(&self, old: &Node, spot: &Spot, end: usize) -> Range<usize> {
        let is_scalar = !matches!(old.value, Value::Map(_) | Value::Seq(_));
        if !(is_scalar && spot.flow) {
            return spot.range.clone();
        }
        let within = |comment: &&Range<usize>| comment.start >= spot.range.start && comment.start < end;
        let end = self
            .tree
            .comments
            .iter()
            .find(within)
            .map_or(end, |comment| comment.start);
        let start = spot.range.start;
        start..start + self.part(&(start..end)).trim_end().len()
    }

    pub(super) fn key_holder(&self, entry: &Entry) -> Holder {
        let behind = entry.key_range.end;
        let colon = self.text[behind..].find(':').map_or(behind, |at| behind + at + 1);
        Holder {
            behind: colon,
            column: self.column(entry.key_range.start),
            is_key: true,
        }
    }

    /// A wanted value as it is spelled in the text.
    pub(super) fn spelled(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::String(text) => Value::String((self.spell)(text).into()),
            Value::Seq(items) => Value::Seq(items.iter().map(|item| self.spelled(item)).collect()),
            Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key, self.spelled(value))).collect()),
            other => other.clone(),
        };
        Node { pos: node.pos, value }
    }
}
