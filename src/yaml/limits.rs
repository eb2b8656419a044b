//! Bounds that hold for any input.

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// The deepest nesting that is read.
pub const MAX_DEPTH: usize = 100;
/// The most values that a text may stand for, aliases expanded.
pub const MAX_NODES: usize = 1_000_000;
/// The most text that anchors and aliases may multiply, in bytes.
pub(super) const MAX_COPIED: usize = 64 << 20;
