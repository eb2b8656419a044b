//! The one YAML module: values with positions, and the canonical form of openshift/release.
//!
//! Reading goes through libyaml's events ([`parse`]), so every value knows its line and column. Writing ([`emit`]) goes
//! through libyaml's emitter with the settings that openshift/release's own formatter (Go, yaml.v2) has.

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
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Where the value starts.
    pub pos: Pos,
    /// What it is.
    pub value: Value,
}

/// A YAML value. Numbers keep the text they were written with.
#[derive(Clone, Debug, Default, PartialEq)]
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
}

/// A mapping with its keys in the order of the text.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Keys with their places, and values.
    pub entries: Vec<(Key, Node)>,
}

/// A mapping's key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where the key starts.
    pub pos: Pos,
    /// The key's text.
    pub text: Box<str>,
}
