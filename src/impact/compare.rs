//! Compares two worlds of one release.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::answer::{Effect, FileChanged, Found, OfRelease, Touched, ValueChange, Verdict};
use super::judge::Judge;
use crate::audit::report::Shown;
use crate::base::RepoName;
use crate::finding::Finding;
use crate::plan::Plan;
use crate::rebuild::{self, Rebuild};
use crate::rules::RuleSet;

/// As many values are named of one release.
const MOST_VALUES: usize = 500;

/// A release as it is without a change, or with it.
pub struct World {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What the findings mean.
    pub judge: Judge,
    /// The unified build config as JSON.
    pub config: Json,
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
        values: values(&before.config, &after.config),
        files: files(&before.files, &after.files, change),
        rebuild: rebuilt(&before.config, &after.config),
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

/// What would have to be built again.
fn rebuilt(before: &Json, after: &Json) -> Option<Rebuild> {
    let found = rebuild::rebuild(before, after).ok()?;
    (!found.images.is_empty() || !found.gone.is_empty()).then_some(found)
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

/// The values that differ, of images by key and of repositories.
fn values(before: &Json, after: &Json) -> Vec<ValueChange> {
    let mut found = Vec::new();
    let none = serde_json::Map::new();
    for part in ["images", "repositories"] {
        let (old, new) = (
            before[part].as_object().unwrap_or(&none),
            after[part].as_object().unwrap_or(&none),
        );
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (old, new) = (old.get(key), new.get(key));
            let tag = new.or(old).and_then(|image| image["tag"]["value"].as_str());
            let of = tag.unwrap_or(key);
            match (old, new) {
                (Some(old), Some(new)) => walk(of, "", old, new, &mut found),
                (None, Some(_)) => found.push(whole(of, Json::Null, Json::Bool(true))),
                _ => found.push(whole(of, Json::Bool(true), Json::Null)),
            }
        }
    }
    found.truncate(MOST_VALUES);
    found
}

/// An image or repository that comes or goes.
fn whole(of: &str, before: Json, after: Json) -> ValueChange {
    ValueChange {
        of: of.to_owned(),
        field: "built".to_owned(),
        before,
        after,
        rules: Vec::new(),
        because: None,
    }
}

fn walk(of: &str, path: &str, before: &Json, after: &Json, found: &mut Vec<ValueChange>) {
    if before == after {
        return;
    }
    let is_value = |node: &Json| node.as_object().is_some_and(|map| map.contains_key("value"));
    if is_value(before) || is_value(after) {
        if before["value"] != after["value"] {
            found.push(changed(of, path, before, after));
        }
        return;
    }
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let at = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let null = Json::Null;
                walk(
                    of,
                    &at,
                    old.get(key).unwrap_or(&null),
                    new.get(key).unwrap_or(&null),
                    found,
                );
            }
        }
        (Json::Array(old), Json::Array(new)) => {
            for at in 0..old.len().max(new.len()) {
                let null = Json::Null;
                let (old, new) = (old.get(at).unwrap_or(&null), new.get(at).unwrap_or(&null));
                walk(of, &format!("{path}[{at}]"), old, new, found);
            }
        }
        (Json::Object(_), Json::Null) | (Json::Null, Json::Object(_)) => found.push(changed(of, path, before, after)),
        // Commits, trees, lines and places are no values that rules decide.
        _ => {}
    }
}

fn changed(of: &str, path: &str, before: &Json, after: &Json) -> ValueChange {
    let value = |node: &Json| match node.get("value") {
        Some(value) => value.clone(),
        None if node.is_object() => node["pullspec"]["value"].clone(),
        None => Json::Null,
    };
    let why = if after.is_null() { before } else { after };
    let rules = why["rules"].as_array().into_iter().flatten();
    ValueChange {
        of: of.to_owned(),
        field: path.to_owned(),
        before: value(before),
        after: value(after),
        rules: rules.filter_map(Json::as_str).map(str::to_owned).collect(),
        because: why["because"].as_str().map(str::to_owned),
    }
}
