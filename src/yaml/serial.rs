//! Values in a cache: serde's forms, which keep places.

use std::cell::Cell;

use serde::de::{Deserialize, Deserializer, Error as _};

use super::limits::MAX_DEPTH;
use super::{Node, Pos, Value};

/// Levels that may be read back: collections nest up to [`MAX_DEPTH`], and each level may be tagged.
const LEVELS: usize = 2 * MAX_DEPTH + 2;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level deeper until dropped.
struct Level;

impl Level {
    /// Goes a level deeper, unless that is too deep: a damaged cache must not overflow the stack.
    fn enter() -> Option<Level> {
        let depth = DEPTH.get();
        (depth < LEVELS).then(|| {
            DEPTH.set(depth + 1);
            Level
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// [`Node`] as serde derives it.
#[derive(serde::Deserialize)]
#[serde(rename = "Node")]
struct Plain {
    pos: Pos,
    value: Value,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        let _level = Level::enter().ok_or_else(|| D::Error::custom("values nest too deeply"))?;
        let Plain { pos, value } = Plain::deserialize(deserializer)?;
        Ok(Node { pos, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn values_survive_a_cache_with_their_places() {
        let node = parse(b"a: [1, two, {b: true}, !x y, ~]\nc: 4.16\n").unwrap();
        let bytes = postcard::to_stdvec(&node).unwrap();
        let back: Node = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(format!("{back:?}"), format!("{node:?}"));
        assert!(bytes.len() < 80, "{}", bytes.len());
    }

    #[test]
    fn damaged_bytes_are_an_error_and_nothing_worse() {
        // Sequences in sequences: place 0:0, variant 4 (a sequence), one item.
        let deep = [0, 0, 4, 1].repeat(1 << 20);
        assert!(postcard::from_bytes::<Node>(&deep).is_err());
        // The levels are given back: what is in order can still be read.
        let bytes = postcard::to_stdvec(&parse(b"[[[1]]]").unwrap()).unwrap();
        assert!(postcard::from_bytes::<Node>(&bytes).is_ok());
        assert!(postcard::from_bytes::<Node>(&[0, 0, 4, 255, 255, 255, 255, 15]).is_err());
    }

    #[test]
    fn what_can_be_parsed_can_be_read_back() {
        let deepest = "!x [".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        let node = parse(deepest.as_bytes()).unwrap();
        let bytes = postcard::to_stdvec(&node).unwrap();
        assert!(postcard::from_bytes::<Node>(&bytes).is_ok());
    }
}
