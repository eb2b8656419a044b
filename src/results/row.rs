//! A row of runs of one image: how it stands, since when, and what it was before.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{ImageResult, ImageState};
use super::history::told as told_by;
use super::outcome::Outcome;
use super::run::JobRun;

/// A break counts after so many attempts, where its reason may go by itself.
const ATTEMPTS: usize = 2;

/// What a row of runs comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// How the image stands.
    pub state: ImageState,
    /// What that is, in a few words.
    pub says: String,
    /// The image of its config that it waits for.
    pub because: Option<String>,
    /// The first run that failed since the last good one.
    pub since: Option<JobRun>,
    /// The last good run.
    pub last_good: Option<JobRun>,
    /// The newest run that told how it stands; none where it builds.
    pub last: Option<JobRun>,
    /// How often it was tried in vain since.
    pub attempts: usize,
    /// The commits at which it was, the newest first.
    pub failing: Vec<String>,
    /// The last lines of what was said.
    pub lines: Vec<String>,
}

/// Puts the runs of one image together, whatever order they come in.
pub fn row(mut runs: Vec<(JobRun, Outcome)>) -> Row {
    runs.sort_by(|(one, _), (other, _)| other.order().cmp(&one.order()));
    runs.dedup_by(|one, other| !one.0.build.is_empty() && one.0.build == other.0.build);
    let mut row = Row {
        state: ImageState::Unknown,
        says: "no run has told of it".to_owned(),
        because: None,
        since: None,
        last_good: None,
        last: None,
        attempts: 0,
        failing: Vec::new(),
        lines: Vec::new(),
    };
    let good = runs.iter().position(|(_, outcome)| *outcome == Outcome::Built);
    row.last_good = good.and_then(|at| runs.get(at)).map(|(run, _)| run.clone());
    if good == Some(0) {
        (row.state, row.says) = (ImageState::Builds, String::new());
        return row;
    }
    let bad = runs.get(..good.unwrap_or(runs.len())).unwrap_or_default();
    // CI's own trouble mends nothing and breaks nothing.
    let is_ci = |outcome: &Outcome| matches!(outcome, Outcome::Ci(_) | Outcome::NotTried(_) | Outcome::Unknown(_));
    let told: Vec<&(JobRun, Outcome)> = bad.iter().filter(|(_, outcome)| !is_ci(outcome)).collect();
    let Some((_, last)) = told.first().or(bad.first().as_ref()) else {
        return row;
    };
    let mut streak = if told.is_empty() {
        bad.iter().collect()
    } else {
        told.clone()
    };
    if matches!(last, Outcome::Broken(_)) {
        // Before it broke itself it may have been held back, which is built, or not tried.
        let first = streak
            .iter()
            .position(|(_, outcome)| !matches!(outcome, Outcome::Broken(_)));
        let before = streak.split_off(first.unwrap_or(streak.len()));
        let built = before
            .iter()
            .find(|(_, outcome)| matches!(outcome, Outcome::HeldBack(_)));
        row.last_good = built.map(|(run, _)| run.clone()).or(row.last_good);
    }
    row.last = streak.first().map(|(run, _)| run.clone());
    row.attempts = streak.len();
    row.failing = streak.iter().map(|(run, _)| run.commit.clone()).collect();
    row.since = streak.last().map(|(run, _)| run.clone());
    match last {
        Outcome::Broken(failure) => {
            row.lines.clone_from(&failure.lines);
            row.says.clone_from(&failure.says);
            row.state = match failure.is_certain || row.attempts >= ATTEMPTS {
                true => ImageState::Broken,
                false => {
                    row.says = format!(
                        "it failed once, which counts after {ATTEMPTS} attempts: {}",
                        failure.says
                    );
                    ImageState::Unknown
                }
            };
        }
        Outcome::BecauseOf(other) | Outcome::HeldBack(other) => {
            row.because = Some(other.clone());
            (row.state, row.says) = told_by(last.clone());
        }
        Outcome::NotTried(_) | Outcome::Ci(_) | Outcome::Unknown(_) => (row.state, row.says) = told_by(last.clone()),
        Outcome::Built => {}
    }
    row
}

/// The images of a release: their results by tag, and the tags that each is built from.
pub struct Images<'i> {
    /// By payload tag.
    pub results: &'i mut BTreeMap<String, ImageResult>,
    /// The tags of what each is built from or with.
    pub parents: &'i BTreeMap<String, BTreeSet<String>>,
}

/// Finds the roots: what waits for something that waits itself waits for the first of them. What is built on an image that is
/// no longer built has a stale base; what was not tried and is built on one waits for it.
pub fn settle(images: Images<'_>) {
    let Images { results, parents } = images;
    let root = |results: &BTreeMap<String, ImageResult>, tag: &str| {
        let (mut at, mut seen) = (tag.to_owned(), BTreeSet::new());
        while let Some(next) = results.get(&at).and_then(|result| result.because.clone()) {
            if !seen.insert(at.clone()) || !results.contains_key(&next) {
                break;
            }
            at = next;
        }
        at
    };
    let tags: Vec<String> = results.keys().cloned().collect();
    for tag in &tags {
        let Some(because) = results.get(tag).and_then(|result| result.because.clone()) else {
            continue;
        };
        let root = root(results, &because);
        if let Some(result) = results.get_mut(tag) {
            result.because = Some(root);
        }
    }
    let fails = |results: &BTreeMap<String, ImageResult>, tag: &String| {
        let result = results.get(tag)?;
        match result.state {
            ImageState::Broken => Some(tag.clone()),
            ImageState::BecauseOf | ImageState::HeldBack | ImageState::StaleBase => result.because.clone(),
            _ => None,
        }
    };
    // Waves are few: each round reaches one further.
    loop {
        let mut stale = Vec::new();
        for tag in &tags {
            let is_on = |result: &ImageResult| matches!(result.state, ImageState::Builds | ImageState::NotTried);
            let waits = results.get(tag).is_some_and(is_on);
            let above = parents.get(tag).into_iter().flatten();
            if let (true, Some(root)) = (waits, above.into_iter().find_map(|parent| fails(results, parent))) {
                stale.push((tag.clone(), root));
            }
        }
        if stale.is_empty() {
            return;
        }
        for (tag, root) in stale {
            if let Some(result) = results.get_mut(&tag) {
                (result.state, result.says) = match result.state {
                    ImageState::NotTried => (ImageState::BecauseOf, format!("`{root}` fails")),
                    _ => (ImageState::StaleBase, format!("it is built on `{root}` from before")),
                };
                result.because = Some(root);
            }
        }
    }
}
