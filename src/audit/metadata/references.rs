//! The members, streams and images that an image's file names, with their places.

use crate::yaml::Node;

/// One entry that names a member, a stream or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'n> {
    /// Where it stands in the file, dotted, e.g. `okd.from.builder`.
    pub key: &'static str,
    /// `member`, `stream` or `image`.
    pub kind: &'static str,
    /// What it names.
    pub name: &'n str,
    /// Its line.
    pub line: u32,
}

/// Where a base and builders are named.
const FROMS: [(&str, &str); 3] = [
    ("from", "from.builder"),
    ("okd.from", "okd.from.builder"),
    (
        "content.source.okd_alignment.from",
        "content.source.okd_alignment.from.builder",
    ),
];

/// Where one member or stream is named.
const SINGLE: [&str; 3] = [
    "content.source.okd_alignment.resolve_as",
    "content.source.okd_alignment.ci_build_root",
    "content.source.ci_alignment.streams_prs.ci_build_root",
];

/// Everything that an image's file names, in the order of the keys.
pub fn all(root: &Node) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    for (from, builder) in FROMS {
        let builders = at(root, builder).and_then(Node::as_seq).unwrap_or_default();
        found.extend(builders.iter().filter_map(|node| one(builder, node)));
        found.extend(at(root, from).and_then(|node| one(from, node)));
    }
    found.extend(SINGLE.into_iter().filter_map(|key| one(key, at(root, key)?)));
    found
}

/// The node at a dotted path.
pub fn at<'n>(root: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(root, |node, key| node.get(key))
}

fn one<'n>(key: &'static str, node: &'n Node) -> Option<Reference<'n>> {
    ["member", "stream", "image"].into_iter().find_map(|kind| {
        let name = node.get(kind)?;
        Some(Reference {
            key,
            kind,
            name: name.text().filter(|text| !text.is_empty())?,
            line: name.pos.line,
        })
    })
}
