//! Drift by cause: which rule, which field, how many files, and one of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Moment, links, words};
use crate::plan::{self, CauseGroup, FileChange};

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    release: String,
}

/// The page.
#[derive(Serialize)]
pub(super) struct Drift {
    release: String,
    releases: Vec<String>,
    files: usize,
    requests: usize,
    causes: Vec<CauseView>,
    accepted: Vec<AcceptedView>,
    not_adopted: Vec<(String, usize)>,
    held: usize,
    not_compared: Vec<String>,
}

#[derive(Serialize)]
struct CauseView {
    rule: String,
    rule_at: String,
    field: String,
    because: String,
    files: String,
    count: usize,
    /// How much of the largest cause it is, of 100.
    share: String,
    old: Option<String>,
    new: Option<String>,
    example: String,
    paths: Vec<(String, String)>,
    images: Vec<(String, String)>,
}

#[derive(Serialize)]
struct AcceptedView {
    cause: String,
    reason: String,
    author: String,
    until: Option<String>,
    places: usize,
}

impl Drift {
    pub(super) fn of(look: &Moment<'_>, filter: Filter) -> Self {
        let plan = &look.view.plan;
        let wanted = |release: &str| filter.release.is_empty() || filter.release == release;
        let requests: Vec<_> = plan
            .changing()
            .filter(|request| wanted(&request.scope.release))
            .collect();
        let files: Vec<&FileChange> = requests.iter().flat_map(|request| &request.files).collect();
        let groups = plan::by_cause(files.iter().copied());
        let most = groups.iter().map(|group| group.files.len()).max().unwrap_or(1);
        let mut not_adopted: BTreeMap<String, usize> = BTreeMap::new();
        for left in plan.not_adopted.iter().filter(|left| wanted(&left.release)) {
            let name = format!("{}: {}", left.cause.rule, left.cause.field);
            *not_adopted.entry(name).or_default() += 1;
        }
        let accepted = plan.accepted.iter().map(|accepted| AcceptedView {
            cause: accepted.accept.cause.clone(),
            reason: accepted.accept.reason.clone(),
            author: accepted.accept.author.clone(),
            until: accepted.accept.until.map(|until| until.to_string()),
            places: accepted.left.iter().filter(|left| wanted(&left.release)).count(),
        });
        Self {
            releases: look.view.releases.keys().map(ToString::to_string).collect(),
            files: files.len(),
            requests: requests.len(),
            causes: groups.iter().map(|group| cause(group, most)).collect(),
            accepted: accepted.filter(|accepted| accepted.places > 0).collect(),
            not_adopted: not_adopted.into_iter().collect(),
            held: plan.held,
            not_compared: plan
                .not_compared
                .iter()
                .filter(|one| one.release.as_deref().is_none_or(&wanted))
                .map(ToString::to_string)
                .collect(),
            release: filter.release,
        }
    }
}

fn cause(group: &CauseGroup<'_>, most: usize) -> CauseView {
    let image = |tag: &&str| ((*tag).to_owned(), format!("/?q={}", links::part(tag)));
    let count = group.files.len();
    CauseView {
        rule: group.rule.to_owned(),
        rule_at: group.rule_at.to_owned(),
        field: group.field.to_owned(),
        because: group.because.to_owned(),
        files: words::counted(count, "file"),
        count,
        share: format!("{:.1}", count as f64 * 100.0 / most.max(1) as f64),
        old: group.example.cause.old.clone(),
        new: group.example.cause.new.clone(),
        example: group.example.path.to_owned(),
        paths: group
            .files
            .iter()
            .map(|(kind, path)| (kind.to_string(), (*path).to_owned()))
            .collect(),
        images: group.images.iter().map(image).collect(),
    }
}
