//! The one YAML module: values with positions, and the canonical form of openshift/release.
//!
//! Reading goes through libyaml's events ([`parse()`]), so every value knows its line and column. Writing ([`emit()`]) goes
//! through libyaml's emitter with the settings that openshift/release's own formatter (Go, yaml.v2) has.

mod compose;
pub mod edit;
mod emit;
mod entries;
mod error;
mod events;
mod excerpt;
mod json;
pub mod keys;
mod limits;
mod mapping;
mod node;
mod order;
mod parse;
mod resolve;
mod section;
mod serial;
mod tags;
mod timestamp;

pub use emit::{emit, emit_below};
pub use error::Error;
pub use excerpt::excerpt;
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use order::key_order;
pub use parse::{parse, parse_all};
pub use section::{Section, parse_section, section};

use std::fmt;

/// A place in a text: line and column, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Pos {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and where it starts.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Node {
    /// Where the value starts.
    pub pos: Pos,
    /// What it is.
    pub value: Value,
}

/// A YAML value. Numbers keep the text they were written with.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    #[default]
    Null,
    /// A boolean of YAML 1.1 as yaml.v2 resolves it.
    Bool(bool),
    /// An integer or a float, as written.
    Number(Box<str>),
    /// A string.
    String(Box<str>),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping.
    Map(Mapping),
    /// A value with a tag that YAML itself doesn't know, such as `!include x`.
    Tagged(Box<Tagged>),
}

/// A value with a tag that means something to the reader of the file only.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Tagged {
    /// The tag: `!include`, or `tag:yaml.org,2002:binary` for one of YAML's own that is not resolved (`!!binary`).
    pub tag: Box<str>,
    /// The value; a scalar is a string, whatever it looks like.
    pub node: Node,
}

/// A mapping with its keys in the order of the text.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Mapping {
    /// Keys with their places, and values.
    pub entries: Vec<(Key, Node)>,
}

/// A mapping's key.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Where the key starts.
    pub pos: Pos,
    /// The key's text.
    pub text: Box<str>,
}

impl PartialEq for Node {
    /// Compares the values; places don't count.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Mapping {
    /// Compares by key; the order of keys doesn't count.
    fn eq(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self
                .entries
                .iter()
                .all(|(key, node)| other.get(&key.text) == Some(node))
    }
}
