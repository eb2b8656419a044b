//! What the configuration says of findings: severities, scope, and suppressions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Finding, Severity};
use crate::base::Date;

/// What becomes of the findings of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// They are not shown.
    Off,
    /// They have this severity.
    On(Severity),
}

/// Where a setting holds; what is `None` restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Scope {
    /// Only in this component, `org/repo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Only for this image, by its payload tag or key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Only in this release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

impl Scope {
    /// Whether a finding is within the scope.
    pub fn holds(&self, finding: &Finding) -> bool {
        let same = |wanted: &Option<String>, there: &Option<String>| wanted.is_none() || wanted == there;
        let image = match &self.image {
            None => true,
            Some(image) => finding.image.as_ref() == Some(image) || is_file_of(image, finding),
        };
        image && same(&self.component, &finding.component) && same(&self.release, &finding.release)
    }

    /// What restricts it: of what kind, and the name.
    fn parts(&self) -> Vec<(&'static str, &str)> {
        let parts = [
            (IMAGE, &self.image),
            (COMPONENT, &self.component),
            (RELEASE, &self.release),
        ];
        let given = parts
            .into_iter()
            .filter_map(|(what, name)| Some((what, name.as_deref()?)));
        given.collect()
    }

    /// The scope as if nothing were said of one kind.
    fn without(&self, what: &str) -> Self {
        let kept = |kind: &str, name: &Option<String>| name.clone().filter(|_| kind != what);
        Self {
            component: kept(COMPONENT, &self.component),
            image: kept(IMAGE, &self.image),
            release: kept(RELEASE, &self.release),
        }
    }
}

const IMAGE: &str = "image";
const COMPONENT: &str = "component";
const RELEASE: &str = "release";

/// The names of a kind that a finding has.
fn names<'f>(finding: &'f Finding, what: &str) -> Vec<&'f str> {
    let names = match what {
        IMAGE => [finding.image.as_deref(), key_of(finding)],
        COMPONENT => [finding.component.as_deref(), None],
        _ => [finding.release.as_deref(), None],
    };
    names.into_iter().flatten().collect()
}

/// Whether a finding stands in the metadata file of an image.
fn is_file_of(key: &str, finding: &Finding) -> bool {
    key_of(finding) == Some(key)
}

/// The key of the image in whose metadata file a finding stands.
fn key_of(finding: &Finding) -> Option<&str> {
    let file = finding.place.as_ref().map(|place| place.file.as_str());
    file.and_then(|file| file.strip_prefix("images/")?.strip_suffix(".yml"))
}

/// The one of some names that is nearest to what was written, if any is near.
fn near<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |name: &'n str| (strsim::damerau_levenshtein(written, name), name);
    let nearest = names.map(distance).min();
    nearest
        .filter(|(distance, _)| *distance <= 2.max(written.len() / 3))
        .map(|(_, name)| name)
}

/// A severity for a code, within a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The code.
    pub code: String,
    /// What becomes of its findings.
    pub level: Level,
    /// Where.
    pub scope: Scope,
}

/// Findings that somebody stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Suppression {
    /// The code.
    pub code: String,
    /// Where.
    #[serde(flatten)]
    pub scope: Scope,
    /// Why they are not to be shown.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// The last day on which it holds.
    #[schemars(with = "String")]
    pub until: Date,
    /// Where it is written, e.g. `lockstep.yaml:31`.
    #[serde(skip)]
    pub at: String,
}

impl Suppression {
    /// Whether it no longer holds on a day.
    pub fn expired(&self, today: Option<Date>) -> bool {
        today.is_some_and(|today| today > self.until)
    }

    /// What it was probably meant for, by the findings that there are: those of its code for something of nearly the same name;
    /// else those of another code where it looks.
    fn meant(&self, there: &[&Finding]) -> Option<String> {
        let all = || there.iter().copied();
        for (what, written) in self.scope.parts() {
            let others = self.scope.without(what);
            let same = all().filter(|finding| finding.code == self.code && others.holds(finding));
            if let Some(name) = near(written, same.flat_map(|finding| names(finding, what))) {
                return Some(format!("findings of `{}` there are for {what} `{name}`", self.code));
            }
        }
        let (what, name) = self.scope.parts().into_iter().next()?;
        let found = all().filter(|finding| self.scope.holds(finding));
        let nearest =
            found.min_by_key(|finding| (strsim::damerau_levenshtein(&self.code, &finding.code), &finding.code));
        nearest.map(|finding| format!("for {what} `{name}` there are findings of `{}`", finding.code))
    }

    fn finding(&self, code: &'static str, text: &str, help: &str) -> Finding {
        let text = format!(
            "{}: the suppression of `{}` by {} {text}",
            self.at, self.code, self.author
        );
        Finding::new(Severity::Warning, code, text).with_help(help)
    }
}

/// The part of the configuration that is about findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPolicy {
    /// Severities; a later one goes before an earlier one.
    pub settings: Vec<Setting>,
    /// Suppressions.
    pub suppress: Vec<Suppression>,
}

/// Findings after the configuration was heard.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Those that are shown.
    pub shown: Vec<Finding>,
    /// Those that are not, by the suppression that covers them.
    pub suppressed: BTreeMap<usize, Vec<Finding>>,
}

impl AuditPolicy {
    /// Sorts findings into those that are shown and those that are suppressed, and adds what is wrong with suppressions: for
    /// an audit, which has seen all that there is. `whole`: the run was for everything that is configured, so that a
    /// suppression that covers nothing is unused.
    pub fn judge(&self, findings: Vec<Finding>, today: Option<Date>, whole: bool) -> Judged {
        let mut judged = self.heard(findings, today);
        let own = self.own_findings(&judged, today, whole);
        judged.shown.extend(own.into_iter().filter_map(|own| self.level(own)));
        judged.shown.sort();
        judged
    }

    /// Sorts findings into those that are shown and those that are suppressed, as every command does. `today`: `None` if no
    /// suppression has expired.
    pub fn heard(&self, findings: Vec<Finding>, today: Option<Date>) -> Judged {
        let mut judged = Judged::default();
        let seen: BTreeSet<Finding> = findings.into_iter().collect();
        for finding in seen {
            let Some(finding) = self.level(finding) else { continue };
            match self.covering(&finding, today) {
                Some(at) => judged.suppressed.entry(at).or_default().push(finding),
                None => judged.shown.push(finding),
            }
        }
        judged.shown.sort();
        judged
    }

    fn level(&self, mut finding: Finding) -> Option<Finding> {
        let said = self.settings.iter().rev();
        let mut said = said.filter(|setting| setting.code == finding.code && setting.scope.holds(&finding));
        match said.next().map(|setting| setting.level) {
            Some(Level::Off) => return None,
            Some(Level::On(severity)) => finding.severity = severity,
            None => {}
        }
        Some(finding)
    }

    fn covering(&self, finding: &Finding, today: Option<Date>) -> Option<usize> {
        let covers = |one: &Suppression| one.code == finding.code && one.scope.holds(finding) && !one.expired(today);
        self.suppress.iter().position(covers)
    }

    /// Suppressions that have ended or cover nothing.
    fn own_findings(&self, judged: &Judged, today: Option<Date>, whole: bool) -> Vec<Finding> {
        let there: Vec<&Finding> = judged
            .shown
            .iter()
            .chain(judged.suppressed.values().flatten())
            .collect();
        let mut found = Vec::new();
        for (at, one) in self.suppress.iter().enumerate() {
            if one.expired(today) {
                let text = format!("ended on {}", one.until);
                let help = "put right what it covered, or agree on a later `until`";
                found.push(one.finding("suppression-expired", &text, help));
            } else if whole && !judged.suppressed.contains_key(&at) {
                let help = match one.meant(&there) {
                    Some(meant) => format!("{meant}: put it right if those are meant, else remove it"),
                    None => "what it covered has been put right: remove it".to_owned(),
                };
                found.push(one.finding("suppression-unused", "covers nothing", &help));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &'static str, image: &str) -> Finding {
        let mut finding = Finding::new(Severity::Warning, code, "it is wrong");
        finding.image = Some(image.to_owned());
        finding.release = Some("4.16".to_owned());
        finding
    }

    /// What is said of a suppression, when there are findings of etcd.
    fn help(code: &str, image: Option<&str>, release: Option<&str>) -> Vec<String> {
        let one = Suppression {
            code: code.to_owned(),
            scope: Scope {
                component: None,
                image: image.map(str::to_owned),
                release: release.map(str::to_owned),
            },
            reason: "r".to_owned(),
            author: "ann".to_owned(),
            until: "2026-12-31".parse().expect("a day"),
            at: "lockstep.yaml:20".to_owned(),
        };
        let policy = AuditPolicy {
            settings: Vec::new(),
            suppress: vec![one],
        };
        let there = vec![finding("stage-count", "etcd"), finding("no-dockerfile", "etcd")];
        let shown = policy.judge(there, None, true).shown.into_iter();
        let unused = shown.filter(|finding| finding.code == "suppression-unused");
        unused.filter_map(|finding| finding.help).collect()
    }

    #[test]
    fn a_suppression_that_covers_nothing_names_what_was_probably_meant() {
        let put = "put it right if those are meant, else remove it";
        let of_etcd = format!("findings of `stage-count` there are for image `etcd`: {put}");
        assert_eq!(help("stage-count", Some("etdc"), None), [of_etcd]);
        let of_release = format!("findings of `stage-count` there are for release `4.16`: {put}");
        assert_eq!(help("stage-count", Some("etcd"), Some("4.61")), [of_release]);
        let of_code = format!("for image `etcd` there are findings of `stage-count`: {put}");
        assert_eq!(help("stage-names", Some("etcd"), None), [of_code]);
        let nothing = "what it covered has been put right: remove it";
        assert_eq!(help("stage-count", Some("installer"), None), [nothing]);
        assert_eq!(help("stage-names", None, None), [nothing]);
        assert_eq!(help("stage-count", Some("etcd"), None), [""; 0]);
    }
}
