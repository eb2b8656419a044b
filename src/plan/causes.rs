//! Groups what changes by rule and field, so that drift of years can be read.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{ChangeKind, FileChange, Left, WHOLE_FILE};
use super::desired::Cause;

/// Everything that changes for one rule and field; files as a whole are apart by what becomes of them, and why.
#[derive(Clone, Debug)]
pub struct CauseGroup<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The field; `file` for files that are new or go.
    pub field: &'a str,
    /// Where the rule stands; empty for what is no rule's.
    pub rule_at: &'a str,
    /// The rule's sentence.
    pub because: &'a str,
    /// The files, by kind and path.
    pub files: BTreeSet<(ChangeKind, &'a str)>,
    /// The images that it concerns.
    pub images: BTreeSet<&'a str>,
    /// How many fields: a file may have several items.
    pub fields: usize,
    /// One of them, the first in order of path.
    pub example: Example<'a>,
}

/// One field that changes.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The file.
    pub path: &'a str,
    /// The field and both values.
    pub cause: &'a Cause,
}

/// Groups the causes of files: what a reader has to look at first, then most files first, then by rule and field.
pub fn by_cause<'a>(files: impl IntoIterator<Item = &'a FileChange>) -> Vec<CauseGroup<'a>> {
    let causes = files
        .into_iter()
        .flat_map(|f| f.causes.iter().map(move |c| (f.kind, f.path.as_str(), c)));
    collect(causes)
}

/// Groups what was left alone in the same way.
pub fn left_by_cause<'a>(left: impl IntoIterator<Item = &'a Left>) -> Vec<CauseGroup<'a>> {
    collect(
        left.into_iter()
            .map(|l| (ChangeKind::Changed, l.path.as_str(), &l.cause)),
    )
}

/// What the causes of a group share: rule and field, and of whole files the kind of change and the reason.
type Shared<'a> = (&'a str, &'a str, Option<(ChangeKind, &'a str)>);

fn collect<'a>(causes: impl Iterator<Item = (ChangeKind, &'a str, &'a Cause)>) -> Vec<CauseGroup<'a>> {
    let mut groups: BTreeMap<Shared<'a>, CauseGroup<'a>> = BTreeMap::new();
    for (kind, path, cause) in causes {
        let whole = (cause.field == WHOLE_FILE).then_some((kind, cause.because.as_str()));
        let key = (cause.rule.as_str(), cause.field.as_str(), whole);
        let group = groups.entry(key).or_insert_with(|| CauseGroup {
            rule: &cause.rule,
            field: &cause.field,
            rule_at: &cause.rule_at,
            because: &cause.because,
            files: BTreeSet::new(),
            images: BTreeSet::new(),
            fields: 0,
            example: Example { path, cause },
        });
        group.files.insert((kind, path));
        group.images.extend(cause.images.iter().map(String::as_str));
        group.fields += 1;
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let by_weight = weight(a).cmp(&weight(b));
        by_weight
            .then_with(|| b.files.len().cmp(&a.files.len()))
            .then_with(|| (a.rule, a.field).cmp(&(b.rule, b.field)))
    });
    groups
}

/// Files in the order in which a reader has to look at them: by the weightiest of their causes, then by path.
pub fn by_weight<'a>(files: impl IntoIterator<Item = &'a FileChange>) -> Vec<&'a FileChange> {
    let mut files: Vec<&FileChange> = files.into_iter().collect();
    let of = |file: &FileChange| {
        let kinds = [file.kind];
        let each = file
            .causes
            .iter()
            .map(|cause| weight_of(&cause.field, || kinds == [ChangeKind::Removed]));
        each.min().unwrap_or(u8::MAX)
    };
    files.sort_by(|a, b| of(a).cmp(&of(b)).then_with(|| a.path.cmp(&b.path)));
    files
}

/// How much a reader has to look at: what goes, then what another file or place is taken for, then what else differs, and
/// last what is new as a whole. Among hundreds of new files these are the ones that matter.
fn weight(group: &CauseGroup<'_>) -> u8 {
    weight_of(group.field, || {
        group.files.iter().all(|(its, _)| *its == ChangeKind::Removed)
    })
}

fn weight_of(field: &str, goes: impl Fn() -> bool) -> u8 {
    let last = field.rsplit(['.', ']']).next().unwrap_or_default();
    match field {
        WHOLE_FILE if goes() => 0,
        WHOLE_FILE => 3,
        "promotion" => 1,
        _ if ["dockerfile_path", "dockerfile", "from"].contains(&last) => 1,
        _ => 2,
    }
}
