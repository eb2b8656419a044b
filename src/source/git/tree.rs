//! A git tree object, indexed by name.

use git2::Oid;

use crate::source::EntryKind;

/// The length of a binary object id.
const OID_LEN: usize = 20;

/// A tree object's bytes and where its entries are in them, sorted by name.
pub(super) struct TreeIndex {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

/// One entry: its name is `bytes[start..end]`, a NUL and the object id follow.
struct Slot {
    start: usize,
    end: usize,
    mode: u32,
}

/// One entry of a tree.
pub(super) struct TreeEntry<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: u32,
    pub(super) oid: Oid,
}

impl TreeEntry<'_> {
    /// Says what the entry's mode stands for.
    pub(super) fn kind(&self) -> EntryKind {
        match self.mode & 0o170_000 {
            0o040_000 => EntryKind::Dir,
            0o100_000 => EntryKind::File,
            0o120_000 => EntryKind::Link,
            _ => EntryKind::Other,
        }
    }
}

impl TreeIndex {
    /// Parses a tree object: `<octal mode> <name>\0<id>` again and again. `None` when it is damaged.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut slots = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..)?;
            let space = memchr::memchr(b' ', rest)?;
            let nul = memchr::memchr(0, rest)?;
            let mode = std::str::from_utf8(rest.get(..space)?).ok()?;
            let mode = u32::from_str_radix(mode, 8).ok()?;
            let (start, end) = (at + space + 1, at + nul);
            if end < start || end + OID_LEN >= bytes.len() {
                return None;
            }
            slots.push(Slot { start, end, mode });
            at = end + 1 + OID_LEN;
        }
        slots.sort_by(|a, b| bytes.get(a.start..a.end).cmp(&bytes.get(b.start..b.end)));
        Some(Self { bytes, slots })
    }

    /// Looks an entry up by its name's bytes.
    pub(super) fn get(&self, name: &[u8]) -> Option<TreeEntry<'_>> {
        let found = self
            .slots
            .binary_search_by(|slot| self.bytes.get(slot.start..slot.end).cmp(&Some(name)));
        self.entry(self.slots.get(found.ok()?)?)
    }

    /// Yields all entries in the order of their names' bytes.
    pub(super) fn entries(&self) -> impl Iterator<Item = TreeEntry<'_>> {
        self.slots.iter().filter_map(|slot| self.entry(slot))
    }

    fn entry(&self, slot: &Slot) -> Option<TreeEntry<'_>> {
        let name = self.bytes.get(slot.start..slot.end)?;
        let oid = self.bytes.get(slot.end + 1..slot.end + 1 + OID_LEN)?;
        Some(TreeEntry {
            name,
            mode: slot.mode,
            oid: Oid::from_bytes(oid).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (mode, name) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(&[7; OID_LEN]);
        }
        bytes
    }

    #[test]
    fn finds_names_in_git_order() {
        // Git sorts the directory `a` as `a/`, that is behind `a.b`.
        let index = TreeIndex::parse(tree(&[("100644", b"a.b"), ("40000", b"a"), ("120000", b"\xff")])).unwrap();
        assert_eq!(index.get(b"a").unwrap().kind(), EntryKind::Dir);
        assert_eq!(index.get(b"a.b").unwrap().kind(), EntryKind::File);
        assert_eq!(index.get(b"\xff").unwrap().kind(), EntryKind::Link);
        assert!(index.get(b"b").is_none());
        assert_eq!(index.entries().count(), 3);
    }

    #[test]
    fn refuses_damage() {
        let whole = tree(&[("100644", b"a"), ("100644", b"b")]);
        for end in 0..whole.len() {
            let cut = TreeIndex::parse(whole[..end].to_vec());
            assert_eq!(cut.is_some(), end == 0 || end == whole.len() / 2, "cut at {end}");
        }
        assert!(TreeIndex::parse(tree(&[("9", b"a")])).is_none());
        assert!(TreeIndex::parse(b"\0 ".repeat(20)).is_none());
    }
}
