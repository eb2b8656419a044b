//! Compares two worlds of one release.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::answer::{Effect, FileChanged, Found, OfRelease, Touched, Verdict};
use super::config::{Config, rebuilt, values};
use super::judge::Judge;
use crate::audit::report::Shown;
use crate::base::RepoName;
use crate::finding::Finding;
use crate::plan::Plan;
use crate::rules::RuleSet;

/// A release as it is without a change, or with it.
pub struct World {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What the findings mean.
    pub judge: Judge,
    /// The unified build config; none where it could not be derived.
    pub config: Option<Config>,
    /// The files that targets propose: what they would be, by repository and path.
    pub files: BTreeMap<(String, String), Proposed>,
}

/// A file as a target proposes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    target: String,
    change: String,
    /// The digest of what it would be.
    after: Option<[u8; 32]>,
}

impl World {
    /// The files of a plan that are of a release.
    pub fn files_of(plan: &Plan, release: &str) -> BTreeMap<(String, String), Proposed> {
        let ours = plan.changing().filter(|request| request.scope.release == release);
        let files = ours.flat_map(|request| request.files.iter().map(move |file| (request, file)));
        let proposed = files.map(|(request, file)| {
            let place = (request.scope.repo.to_string(), file.path.clone());
            let proposed = Proposed {
                target: file.target.clone(),
                change: file.kind.to_string(),
                after: file.after.as_ref().map(|bytes| Sha256::digest(bytes).into()),
            };
            (place, proposed)
        });
        proposed.collect()
    }
}

/// What is changed, and what else is known of it.
pub struct Change<'c> {
    /// The repository.
    pub repository: &'c RepoName,
    /// What findings call it, where that is another name.
    pub name: &'c str,
    /// Whether a file of the repository is another one with the change.
    pub is_touched: &'c dyn Fn(&str) -> bool,
}

/// Compares a release without a change and with it.
pub fn compare(release: &str, rules: &RuleSet, change: &Change<'_>, before: &World, after: &World) -> OfRelease {
    let touched = |finding: &Finding| {
        let place = finding.place.as_ref();
        let place = place.filter(|place| place.repo == change.name && !place.file.is_empty())?;
        match (change.is_touched)(&place.file) {
            true => Some(Touched::Yes),
            false => Some(Touched::No),
        }
    };
    let shown = |finding: Finding, world: &World| {
        let meaning = world.judge.meaning(rules, &finding);
        Found {
            impact: meaning.impact,
            alone: meaning.alone,
            cure: None,
            touched: touched(&finding),
            shown: Shown::of(finding, &BTreeMap::new()),
        }
    };
    let all = |findings: Vec<&Finding>, world: &World| {
        let found = findings.into_iter().map(|finding| shown(finding.clone(), world));
        let mut found: Vec<Found> = found.filter(|found| found.impact != Effect::None).collect();
        found.sort_by_key(|found| (!found.alone, found.impact, found.shown.finding.clone()));
        found
    };
    let (was, is) = (Known::of(&before.findings), Known::of(&after.findings));
    let new = all(is.beyond(&was), after);
    let gone = all(was.beyond(&is), before);
    let repository = change.repository.to_string();
    let concerns =
        |finding: &&Finding| finding.component.as_ref() == Some(&repository) || touched(finding) == Some(Touched::Yes);
    let still = is.common(&was).into_iter().filter(concerns).collect();
    let still = all(still, after);
    OfRelease {
        release: release.to_owned(),
        verdict: verdict(&new, &gone, &still),
        values: values(before.config.as_ref(), after.config.as_ref()),
        files: files(&before.files, &after.files, change),
        rebuild: before
            .config
            .as_ref()
            .zip(after.config.as_ref())
            .and_then(|(before, after)| rebuilt(release, before, after)),
        new,
        gone,
        still,
    }
}

/// Findings in order, each once, with what each is known by.
struct Known<'f>(Vec<(String, &'f Finding)>);

impl<'f> Known<'f> {
    fn of(findings: &'f [Finding]) -> Self {
        let mut findings: Vec<&Finding> = findings.iter().collect();
        findings.sort();
        findings.dedup();
        Self(
            findings
                .into_iter()
                .map(|finding| (finding.identity(), finding))
                .collect(),
        )
    }

    /// Those that others do not have, each as often as it is here more often.
    fn beyond(&self, others: &Self) -> Vec<&'f Finding> {
        self.against(others, false)
    }

    /// Those that others have as well, each as often as it is there.
    fn common(&self, others: &Self) -> Vec<&'f Finding> {
        self.against(others, true)
    }

    fn against(&self, others: &Self, wanted: bool) -> Vec<&'f Finding> {
        let mut left: HashMap<&str, usize> = HashMap::new();
        for (identity, _) in &others.0 {
            *left.entry(identity).or_default() += 1;
        }
        let mut is_known = |identity: &str| match left.get_mut(identity) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        let all = self.0.iter();
        let chosen = all.filter(|(identity, _)| is_known(identity) == wanted);
        chosen.map(|(_, finding)| *finding).collect()
    }
}

fn verdict(new: &[Found], gone: &[Found], still: &[Found]) -> Verdict {
    let counts = |found: &Found| matches!(found.impact, Effect::Break | Effect::Change);
    if new.iter().any(|found| found.impact == Effect::Break) {
        Verdict::Breaks
    } else if new.iter().any(counts) {
        Verdict::Changes
    } else if gone.iter().any(counts) || new.is_empty() && !gone.is_empty() {
        Verdict::Mends
    } else if still.iter().any(|found| counts(found) && found.is_worked_on()) {
        Verdict::Still
    } else {
        Verdict::Nothing
    }
}

/// The files that would be proposed otherwise.
fn files(
    before: &BTreeMap<(String, String), Proposed>,
    after: &BTreeMap<(String, String), Proposed>,
    change: &Change<'_>,
) -> Vec<FileChanged> {
    let places: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differ = places.into_iter().filter(|place| before.get(place) != after.get(place));
    let told = differ.filter_map(|place| {
        let (repository, path) = place.clone();
        let with = after.get(place);
        let here = repository == change.repository.to_string() || repository == change.name;
        let puts_back = with.is_some() && here && (change.is_touched)(&path);
        Some(FileChanged {
            puts_back,
            repository,
            path,
            target: with.or_else(|| before.get(place))?.target.clone(),
            change: with.map_or_else(|| "none".to_owned(), |with| with.change.clone()),
        })
    });
    told.collect()
}
