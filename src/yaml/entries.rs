//! The entries of a mapping: no key twice, merge keys expanded.

use std::collections::{HashMap, HashSet};

use super::error::Error;
use super::{Key, Mapping, Node, Value};

/// Refuses a key that is there twice.
pub(super) fn check_duplicates(entries: &[(Key, Node)]) -> Result<(), Error> {
    const FEW: usize = 16;
    if entries.len() <= FEW {
        for (at, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..at].iter().find(|(earlier, _)| earlier.text == key.text) {
                return Err(duplicate(first, key));
            }
        }
        return Ok(());
    }
    let mut seen: HashMap<&str, &Key> = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        if let Some(first) = seen.insert(&key.text, key) {
            return Err(duplicate(first, key));
        }
    }
    Ok(())
}

/// The error of a key that is there twice.
pub(super) fn duplicate(first: &Key, second: &Key) -> Error {
    Error::new(
        second.pos,
        format!(
            "the key `{}` is given twice; it stands at {} already",
            second.text, first.pos
        ),
    )
}

/// Adds what `<<` refers to: a mapping, or mappings of which earlier ones win. Keys that are there win over all.
pub(super) fn merge_into(entries: &mut Vec<(Key, Node)>, key: &Key, node: Node) -> Result<(), Error> {
    let expected = |node: &Node| {
        Error::new(
            key.pos,
            format!("`<<` merges a mapping or a list of mappings, not {}", node.type_name()),
        )
    };
    let mappings: Vec<Mapping> = match node.value {
        Value::Map(mapping) => vec![mapping],
        Value::Seq(items) => items
            .into_iter()
            .map(|item| match item.value {
                Value::Map(mapping) => Ok(mapping),
                _ => Err(expected(&item)),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(expected(&node)),
    };
    let mut known: HashSet<Box<str>> = entries.iter().map(|(key, _)| key.text.clone()).collect();
    for (key, node) in mappings.into_iter().flat_map(|mapping| mapping.entries) {
        if known.insert(key.text.clone()) {
            entries.push((key, node));
        }
    }
    Ok(())
}
