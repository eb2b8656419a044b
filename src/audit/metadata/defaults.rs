//! What a stanza says for OKD although it would hold anyway.

use super::references::at;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink};
use crate::derive::supposed::Supposed;
use crate::doozer::merge;
use crate::finding::Severity::Note;
use crate::finding::{Code, Family, Subject};
use crate::model::metadata::Metadata;
use crate::yaml::{Node, Value};

static EQUAL: Code = Code {
    name: "override-equals-default",
    family: Family::Metadata,
    severity: Note,
    title: "something is said for OKD that would hold anyway",
    means: "A key of one of the two OKD stanzas has the value that holds without it. It does no harm today; when OCP's value \
            changes, OKD stays behind.",
    action: "Remove the key, unless OKD is meant to keep the value.",
    example: "beacon: `content.source.okd_alignment.dockerfile` is Dockerfile.ocp, as it would be without it",
    fix: Some("removes the key, unless a comment tells of it or the `okd` stanza would be empty"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&EQUAL], &[], run);

/// A key, and OCP's own that says the same; whether that counts without the key is decided by the rules. What
/// `okd.enabled_repos` says never holds anyway (it is emptied first), and neither does `okd.mode: disabled`: without it OCP's mode does
/// not count for OKD.
const OVER: [(&str, &str); 9] = [
    ("content.source.okd_alignment.dockerfile", "content.source.dockerfile"),
    ("content.source.okd_alignment.path", "content.source.path"),
    ("content.source.okd_alignment.tag_name", "payload_name"),
    ("content.source.okd_alignment.from", "from"),
    (
        "content.source.okd_alignment.ci_build_root",
        "content.source.ci_alignment.streams_prs.ci_build_root",
    ),
    ("okd.content.source.dockerfile", "content.source.dockerfile"),
    ("okd.content.source.modifications", "content.source.modifications"),
    ("okd.from", "from"),
    ("okd.payload_name", "payload_name"),
];

/// Keys that say one thing, and may say what holds where neither they nor their like of OCP's are there.
const ALONE: [&[&str]; 3] = [
    &[
        "content.source.okd_alignment.dockerfile",
        "okd.content.source.dockerfile",
    ],
    &["content.source.okd_alignment.enabled"],
    &["content.source.okd_alignment.ci_always_run"],
];

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    let supposed = Supposed::new(context.release);
    for (key, image) in &metadata.images {
        let node = &image.node;
        let over = OVER.iter().filter(|(said, own)| same(at(node, said), at(node, own)));
        let is_alone = |said: &&str| {
            let own = OVER.iter().find(|(over, _)| over == said).map(|(_, own)| *own);
            own.is_none_or(|own| at(node, own).is_none()) && at(node, said).and_then(Node::text).is_some()
        };
        let alone = ALONE
            .iter()
            .flat_map(|like| like.iter().map(move |said| (*said, *like)));
        let alone = alone.filter(|(said, _)| is_alone(said));
        let alone = alone.filter(|(said, like)| supposed.holds_without_both(key, said, like));
        let keys = over.map(|(said, _)| *said).chain(alone.map(|(said, _)| said));
        for said in keys.filter(|said| holds_without(&supposed, key, node, said)) {
            add(context, metadata, key, node, said, sink);
        }
    }
}

/// Whether what is built is the same without a key: as rules decide for CI, and as ART's tool merges.
fn holds_without(supposed: &Supposed<'_>, key: &str, node: &Node, said: &str) -> bool {
    let path: Vec<&str> = said.split('.').collect();
    merge::same(node, &node.without(&path)) && supposed.holds_without(key, said)
}

fn add(context: &Context<'_>, metadata: &Metadata, key: &str, node: &Node, said: &str, sink: &mut Sink) {
    let there = at(node, said);
    let value = there
        .and_then(Node::text)
        .map_or_else(|| "the same".to_owned(), str::to_owned);
    let line = there.map(|there| there.pos.line);
    let text = format!("{key}: `{said}` is {value}, as it would be without it");
    let mut finding = EQUAL
        .finding(text)
        .with_place(metadata.place(Metadata::image_file(key), line))
        .with_subject(Subject::Key(said.to_owned()))
        .with_help(format!("remove `{said}`"));
    finding.image = context.release.tag(key);
    let change = Change::Metadata {
        file: Metadata::image_file(key),
        edit: Edit::Remove { key: said.to_owned() },
    };
    let because = format!("`{said}` has the value that holds without it.");
    sink.add_with_fix(finding, Some(change), because);
}

fn same(one: Option<&Node>, other: Option<&Node>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => equal(one, other),
        _ => false,
    }
}

/// Whether two values are the same, wherever they stand and in whichever order their keys are.
fn equal(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Map(one), Value::Map(other)) => {
            let there =
                |(key, value): &(crate::yaml::Key, Node)| other.get(&key.text).is_some_and(|own| equal(value, own));
            one.entries.len() == other.entries.len() && one.entries.iter().all(there)
        }
        (Value::Seq(one), Value::Seq(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (one, other) => one == other,
    }
}
