//! The keys of a mapping and the items of a list: which stay, which go, which are new.

use super::super::{Mapping, Node, Value};
use super::pair::{Pair, pairs};
use super::refused::Refused;
use super::tree::{Entry, Item, Shape, Spot};
use super::walk::{Holder, Splice, Walk};
use super::write::{Quotes, Writer, inline};

impl Walk<'_> {
    pub(super) fn mapping(
        &mut self,
        old: &Mapping,
        new: &Mapping,
        spot: &Spot,
        entries: &[Entry],
        holder: Option<(Holder, usize)>,
    ) -> Result<(), Refused> {
        let kept = |entry: &&Entry| new.contains(&entry.key) || !old.contains(&entry.key);
        let renamed = renamed(old, new, entries);
        if !entries.iter().any(|entry| kept(&entry)) && renamed.is_empty() {
            let (old, new) = (Node::from(old.clone()), Node::from(new.clone()));
            return match holder {
                Some((holder, end)) => self.whole(&old, &new, Some(spot), holder, end),
                None => self.root(&new, spot),
            };
        }
        for (at, entry) in entries.iter().enumerate() {
            // What is merged in stands at its anchor.
            let Some(there) = old.get(&entry.key) else {
                continue;
            };
            if let Some((_, to)) = renamed.iter().find(|(from, _)| *from == entry.key) {
                let text = super::write::string(to, Quotes::of(self.part(&entry.key_range)), spot.flow);
                let range = entry.key_range.clone();
                self.splices.push(Splice { range, text });
                continue;
            }
            match new.get(&entry.key) {
                Some(wanted) if spot.flow => self.inline_value(there, wanted, entry)?,
                Some(wanted) => {
                    let holder = self.key_holder(entry);
                    self.value(there, wanted, entry.value.as_ref(), holder, entry.range.end)?;
                }
                None => {
                    let next = entries[at + 1..].iter().find(kept).map(|entry| entry.range.start);
                    let before = entries[..at].iter().rfind(kept).map(|entry| entry.range.end);
                    self.remove(&entry.range, before, next, spot.flow, Some(&entry.key))?;
                }
            }
        }
        self.new_keys(old, new, spot, entries, &renamed)
    }

    pub(super) fn new_keys(
        &mut self,
        old: &Mapping,
        new: &Mapping,
        spot: &Spot,
        entries: &[Entry],
        renamed: &[(&str, &str)],
    ) -> Result<(), Refused> {
        let mut behind: Option<&Entry> = None;
        for (key, value) in new.iter() {
            if let Some(entry) = entries.iter().find(|entry| entry.key == key) {
                behind = Some(entry);
                continue;
            }
            // What comes out of a merge is no key of this text.
            if old.get(key) == Some(value) || renamed.iter().any(|(_, to)| *to == key) {
                continue;
            }
            let value = self.spelled(value);
            let first = entries.first().ok_or(Refused::Unfollowed)?;
            if spot.flow {
                let pair = Mapping::from_iter([(key, value)]);
                let text = inline(&pair.into(), Quotes::Needed, true);
                let pair = text
                    .trim_start_matches('{')
                    .strip_suffix('}')
                    .unwrap_or_default()
                    .to_owned();
                self.insert_inline(behind.map(|entry| entry.range.end), first.range.start, &pair);
                continue;
            }
            let column = self.column(first.range.start);
            let mut text = String::new();
            let mut writer = Writer {
                style: self.style,
                out: &mut text,
            };
            writer.entry(key, &value, column);
            self.insert_lines(behind.map(|entry| &entry.range), first.range.start, column, text);
        }
        Ok(())
    }

    pub(super) fn sequence(
        &mut self,
        old: &[Node],
        new: &[Node],
        spot: &Spot,
        items: &[Item],
        holder: Option<(Holder, usize)>,
    ) -> Result<(), Refused> {
        if items.len() != old.len() {
            return Err(Refused::Unfollowed);
        }
        let pairs = pairs(old, new);
        if !pairs.iter().any(|pair| matches!(pair, Pair::Both(..))) {
            let (old, new) = (Node::seq(old.to_vec()), Node::seq(new.to_vec()));
            let Some((holder, end)) = holder else {
                return self.root(&new, spot);
            };
            // The list itself shows how far it is indented.
            let of_text = self.style;
            if let Some(first) = items.first().filter(|_| holder.is_key && !spot.flow) {
                self.style.dashes = self.column(first.range.start).saturating_sub(holder.column);
            }
            let done = self.whole(&old, &new, Some(spot), holder, end);
            self.style = of_text;
            return done;
        }
        let kept = |wanted: usize| {
            pairs
                .iter()
                .any(|pair| matches!(pair, Pair::Both(at, _) if *at == wanted))
        };
        let mut behind: Option<&Item> = None;
        for pair in &pairs {
            match *pair {
                Pair::Both(at, to) => {
                    self.item(&old[at], &new[to], &items[at], spot.flow)?;
                    behind = Some(&items[at]);
                }
                Pair::Gone(at) => {
                    let next = (at + 1..items.len())
                        .find(|at| kept(*at))
                        .map(|at| items[at].range.start);
                    let before = (0..at).rfind(|at| kept(*at)).map(|at| items[at].range.end);
                    self.remove(&items[at].range, before, next, spot.flow, None)?;
                    if next.is_none() || !spot.flow {
                        behind = Some(&items[at]);
                    }
                }
                Pair::New(to) => {
                    let value = self.spelled(&new[to]);
                    let first = items[0].range.start;
                    if spot.flow {
                        let text = inline(&value, Quotes::Needed, true);
                        self.insert_inline(behind.map(|item| item.range.end), first, &text);
                        continue;
                    }
                    let column = self.column(first);
                    let mut text = String::new();
                    Writer {
                        style: self.style,
                        out: &mut text,
                    }
                    .item(&value, column);
                    self.insert_lines(behind.map(|item| &item.range), first, column, text);
                }
            }
        }
        Ok(())
    }

    pub(super) fn item(&mut self, old: &Node, new: &Node, item: &Item, flow: bool) -> Result<(), Refused> {
        if old == new {
            return Ok(());
        }
        if flow {
            let spot = item.value.as_ref().ok_or(Refused::Unfollowed)?;
            return self.inline_spot(old, new, spot);
        }
        let holder = Holder {
            behind: item.range.start + 1,
            column: self.column(item.range.start),
            is_key: false,
        };
        self.value(old, new, item.value.as_ref(), holder, item.range.end)
    }

    pub(super) fn inline_value(&mut self, old: &Node, new: &Node, entry: &Entry) -> Result<(), Refused> {
        if old == new {
            return Ok(());
        }
        match &entry.value {
            Some(spot) => self.inline_spot(old, new, spot),
            None => Err(Refused::Unfollowed),
        }
    }

    pub(super) fn inline_spot(&mut self, old: &Node, new: &Node, spot: &Spot) -> Result<(), Refused> {
        match (&old.value, &new.value, &spot.shape) {
            (Value::Map(old), Value::Map(new), Shape::Map(entries)) if !entries.is_empty() && !new.is_empty() => {
                let any = entries.iter().any(|entry| new.contains(&entry.key));
                if any {
                    return self.mapping(old, new, spot, entries, None);
                }
            }
            (Value::Seq(old), Value::Seq(new), Shape::Seq(items))
                if !items.is_empty() && old.iter().any(|item| new.contains(item)) =>
            {
                return self.sequence(old, new, spot, items, None);
            }
            _ => {}
        }
        self.no_comment(spot.range.clone())?;
        let text = inline(&self.spelled(new), Quotes::of(self.part(&spot.range)), true);
        let range = spot.range.clone();
        self.splices.push(Splice { range, text });
        Ok(())
    }
}

/// Keys that got another name: at the same place, with the same value.
fn renamed<'m>(old: &'m Mapping, new: &'m Mapping, entries: &[Entry]) -> Vec<(&'m str, &'m str)> {
    let written = |key: &str| entries.iter().any(|entry| entry.key == key);
    if old.len() != new.len() {
        return Vec::new();
    }
    let both = old.iter().zip(new.iter());
    let other = both.filter(|((from, was), (to, is))| {
        from != to && was == is && written(from) && !new.contains(from) && !old.contains(to)
    });
    other.map(|((from, _), (to, _))| (from, to)).collect()
}
