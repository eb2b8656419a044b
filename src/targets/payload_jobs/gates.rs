//! What gating configs are called, and what rules say of them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::base::{Release as Number, RepoName};
use crate::facts::ci_config::{self, ConfigName};
use crate::finding::{Finding, Severity};
use crate::rules::Decision;
use crate::targets::asking::{self, OwnRules};

use super::TARGET;

/// What a gating config verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gate {
    /// The release.
    pub release: Number,
    /// The release that is upgraded to it; `None`: the config is of the release itself.
    pub from: Option<Number>,
}

impl Gate {
    /// The config of a release itself.
    pub fn of(release: Number) -> Self {
        Self { release, from: None }
    }

    /// The config of an upgrade.
    pub fn upgrade(release: Number, from: Number) -> Self {
        Self {
            release,
            from: Some(from),
        }
    }
}

/// What rules say of gating configs.
#[derive(Clone, Debug)]
pub struct Gates {
    /// The repository that they are configs of.
    pub repo: RepoName,
    main: String,
    upgrade: String,
    /// The values that name a config's release, each a path of keys.
    pub moves: Vec<Vec<String>>,
    /// What new configs say besides.
    pub fresh: Json,
    /// The rule behind the configs' names.
    pub decision: Decision,
    bounds: BTreeMap<String, String>,
    /// The releases from which upgrades to the release are tested, in the order of the rule.
    pub upgrades_from: Vec<Number>,
}

/// The bounds that rules give an upgrade's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The lower bound; `None`: no rule says which release is two before.
    pub lower: Option<String>,
    /// The stream that it is taken from.
    pub stream: String,
    /// The upper bound that means none.
    pub upper: String,
}

impl Gates {
    /// Asks the rules; `None`: there are no gating configs.
    ///
    /// # Errors
    /// A rule that failed, or values that make no sense.
    pub fn of<'a>(release: impl Into<OwnRules<'a>>) -> Result<Option<Self>, Vec<Finding>> {
        let release = release.into();
        let mut failed = Vec::new();
        let mut decide = |field: &str| {
            let (decision, more) = asking::of_target(release, TARGET.name, field);
            failed.extend(more);
            decision
        };
        let (gates, moves, fresh, bounds) = (decide("gates"), decide("moves"), decide("fresh"), decide("bounds"));
        if !failed.is_empty() {
            return Err(failed);
        }
        let Some(named) = gates.value.clone().filter(|value| value.is_object()) else {
            return Ok(None);
        };
        let text = |key: &str| named[key].as_str().unwrap_or_default().to_owned();
        let (main, upgrade) = (text("main"), text("upgrade"));
        let wrong = |what: String| {
            let finding = Finding::new(Severity::Error, "rule-failed", what)
                .with_help("put right the rule that sets `gates` of target `payload-jobs`");
            vec![finding]
        };
        let repo = text("repository")
            .parse()
            .map_err(|error| wrong(format!("`gates.repository` names no repository: {error}")))?;
        for (key, pattern, parts) in [("main", &main, &[RELEASE][..]), ("upgrade", &upgrade, &[RELEASE, FROM])] {
            if let Some(part) = parts.iter().find(|part| pattern.matches(**part).count() != 1) {
                return Err(wrong(format!("`gates.{key}` is `{pattern}`, and needs {part} once")));
            }
        }
        let pairs = bounds.value.as_ref().and_then(Json::as_object).into_iter().flatten();
        let pairs = pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        let paths = asking::texts(&moves);
        Ok(Some(Self {
            repo,
            main,
            upgrade,
            moves: paths
                .iter()
                .map(|path| path.split('.').map(str::to_owned).collect())
                .collect(),
            fresh: fresh.value.unwrap_or_default(),
            bounds: pairs.collect(),
            upgrades_from: upgrades_from(release, release.number())?,
            decision: gates,
        }))
    }

    /// The folder of the configs.
    pub fn folder(&self) -> String {
        format!("{}/{}/{}", ci_config::ROOT, self.repo.org, self.repo.repo)
    }

    /// The variant of a config.
    pub fn variant(&self, gate: Gate) -> String {
        let release = gate.release.to_string();
        match gate.from {
            None => self.main.replace(RELEASE, &release),
            Some(from) => self.upgrade.replace(RELEASE, &release).replace(FROM, &from.to_string()),
        }
    }

    /// The path of a config for a branch of the repository.
    pub fn path(&self, branch: &str, gate: Gate) -> String {
        let name = ConfigName {
            branch: branch.to_owned(),
            variant: Some(self.variant(gate)),
        };
        name.path(&self.repo.org, &self.repo.repo)
    }

    /// What the config at a path verifies, and the branch that it is for; `None`: it is no gating config.
    pub fn taken_apart(&self, path: &str) -> Option<(String, Gate)> {
        let (org, repo, name) = ci_config::taken_apart(path)?;
        let own = org == self.repo.org && repo == self.repo.repo;
        let variant = name.variant.filter(|_| own)?;
        let upgrade = read(&self.upgrade, &variant).map(|(release, from)| Gate { release, from });
        let gate = upgrade.or_else(|| read(&self.main, &variant).map(|(release, _)| Gate::of(release)))?;
        Some((name.branch, gate))
    }

    /// The bounds that rules give.
    pub fn bounds<'a>(&self, release: impl Into<OwnRules<'a>>) -> Bounds {
        let release = release.into();
        let text = |key: &str| self.bounds.get(key).cloned().unwrap_or_default();
        let two_before = minor_before(release, release.number()).and_then(|one| minor_before(release, one));
        let lower = text("lower");
        let lower = match two_before {
            Some(two_before) => Some(lower.replace(TWO_BEFORE, &two_before.to_string())),
            None => Some(lower).filter(|lower| !lower.contains(TWO_BEFORE)),
        };
        Bounds {
            lower: lower.filter(|lower| !lower.is_empty()),
            stream: text("stream"),
            upper: text("upper"),
        }
    }
}

const RELEASE: &str = "{release}";
const FROM: &str = "{from}";
const BEFORE: &str = "{before}";
const TWO_BEFORE: &str = "{two_before}";

const UPGRADES_FROM: &str = "upgrades_from";

/// The rule that says from which releases one is upgraded to, with its place; empty where none does.
pub fn rule_of_upgrades<'a>(release: impl Into<OwnRules<'a>>, number: Number) -> String {
    let release = release.into();
    let (decision, _) = release.of_target_at(number, TARGET.name, UPGRADES_FROM);
    let rule = decision.deciders().last().and_then(|at| release.rule(at));
    rule.map(|rule| rule.to_string()).unwrap_or_default()
}

/// The releases from which upgrades to one are tested, as the rules have it.
///
/// # Errors
/// A rule that failed, or names what is no release.
pub fn upgrades_from<'a>(release: impl Into<OwnRules<'a>>, number: Number) -> Result<Vec<Number>, Vec<Finding>> {
    let (decision, failed) = release.into().of_target_at(number, TARGET.name, UPGRADES_FROM);
    if !failed.is_empty() {
        return Err(failed);
    }
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for text in asking::texts(&decision) {
        if text == BEFORE {
            found.extend(number.minor.checked_sub(1).map(|minor| Number { minor, ..number }));
            continue;
        }
        match text.parse::<Number>() {
            Ok(one) if one < number => found.push(one),
            Ok(one) => wrong.push(format!("`upgrades_from` of {number} names {one}, which is not older")),
            Err(error) => wrong.push(format!("`upgrades_from` of {number}: {error}")),
        }
    }
    if wrong.is_empty() {
        return Ok(found);
    }
    let finding = |text| {
        Finding::new(Severity::Error, "rule-failed", text)
            .with_release(number.to_string())
            .with_help("put right the rule that sets `upgrades_from` of target `payload-jobs`")
    };
    Err(wrong.into_iter().map(finding).collect())
}

/// The minor release before one. Before the first of a major it is the first that rules let be upgraded to it.
pub fn minor_before<'a>(release: impl Into<OwnRules<'a>>, number: Number) -> Option<Number> {
    match number.minor.checked_sub(1) {
        Some(minor) => Some(Number { minor, ..number }),
        None => upgrades_from(release, number).ok()?.first().copied(),
    }
}

/// Reads the releases that stand in a text where a pattern has `{release}` and `{from}`.
fn read(pattern: &str, text: &str) -> Option<(Number, Option<Number>)> {
    let (before, rest) = pattern.split_once(RELEASE)?;
    let text = text.strip_prefix(before)?;
    match rest.split_once(FROM) {
        None => Some((text.strip_suffix(rest)?.parse().ok()?, None)),
        Some((between, after)) => {
            let (release, from) = text.strip_suffix(after)?.split_once(between)?;
            Some((release.parse().ok()?, Some(from.parse().ok()?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_read_by_their_patterns() {
        let upgrade = "okd-{release}-upgrade-from-okd-{from}";
        let number = |text: &str| text.parse::<Number>().expect("a release");
        assert_eq!(read("okd-{release}", "okd-4.19"), Some((number("4.19"), None)));
        let pair = Some((number("5.0"), Some(number("4.22"))));
        assert_eq!(read(upgrade, "okd-5.0-upgrade-from-okd-4.22"), pair);
        for other in [
            "okd-4.19",
            "okd-4.19-upgrade-from-okd-x",
            "okd-4.y-upgrade-from-okd-4.1",
            "",
        ] {
            assert_eq!(read(upgrade, other), None, "{other}");
        }
        assert_eq!(read("okd-{release}", "okd-4.19-upgrade-from-okd-4.18"), None);
    }
}
