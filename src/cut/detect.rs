//! Notices a cut: releases that are built from other branches than OKD's configs promote from.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Release;
use crate::base::RepoName;
use crate::derive;
use crate::facts::ci_config;
use crate::facts::ci_tags::{Facts, Tag};
use crate::finding::{Finding, Severity};

/// The code of what tells that a cut is under way.
pub const CODE: &str = "branch-cut";
/// The code of what tells of releases that nobody looks after.
const NEW_RELEASE: &str = "new-release";
/// The code of what tells of components that have branched before anything else did.
const NEW_BRANCH: &str = "new-component-branch";
/// How many components a notice names.
const NAMED: usize = 3;
/// How a notice of a cut starts.
const UNDER_WAY: &str = "a branch cut is under way: ";

/// How people see what has to happen: the cut from a release to the next one of those that are looked after.
fn advice(from: Release, releases: &[Release]) -> String {
    match releases.iter().filter(|release| **release > from).min() {
        Some(to) => format!("`lockstep cut --from {from} --to {to}` shows what has to happen in which order"),
        None => format!(
            "`lockstep cut` shows what has to happen in which order, once ocp-build-data has the release after {from}"
        ),
    }
}

/// Puts all notices of one cut into one finding; the others are given back as they are. `releases`: those that are looked after.
///
/// Each release is looked at by itself, and so are the releases that build data has; what people want to read is one line.
pub fn in_one_place(findings: Vec<Finding>, releases: &[Release]) -> Vec<Finding> {
    let is_notice = |finding: &Finding| [CODE, NEW_RELEASE, NEW_BRANCH].contains(&&*finding.code);
    let (mut notices, mut rest): (Vec<_>, Vec<_>) = findings.into_iter().partition(is_notice);
    let release = |notice: &Finding| {
        notice
            .release
            .as_deref()
            .and_then(|release| release.parse::<Release>().ok())
    };
    notices.sort_by(|a, b| release(a).cmp(&release(b)).then_with(|| a.message.cmp(&b.message)));
    if notices.len() < 2 || notices.iter().all(|finding| finding.code == NEW_RELEASE) {
        for finding in notices.iter_mut().filter(|finding| finding.code == CODE) {
            if let Some(from) = release(finding) {
                finding.help = Some(advice(from, releases));
            }
        }
        rest.append(&mut notices);
        return rest;
    }
    let parts = notices
        .iter()
        .map(|finding| finding.message.trim_start_matches(UNDER_WAY));
    let text = format!("{UNDER_WAY}{}", parts.collect::<Vec<_>>().join("; "));
    let help = match notices.iter().find_map(release) {
        Some(oldest) => advice(oldest, releases),
        None => {
            "add the new release to `releases` once ocp-build-data has it; `lockstep cut` shows what follows".to_owned()
        }
    };
    rest.push(Finding::new(Severity::Note, "branch-cut", text).with_help(help));
    rest
}

/// Whether a config that promotes to a stream from elsewhere is only left over: all that it promotes there is promoted from where
/// the release is built, too, so that no cut has to bring it there.
pub fn is_left_over(other: &Facts, there: &BTreeSet<Tag>, (namespace, name): (&str, &str)) -> bool {
    let here = |tag: &&Tag| tag.namespace == namespace && tag.name == name;
    other.promotes.iter().filter(here).all(|tag| there.contains(tag))
}

/// Looks at the configs that are there and at where each release is built from: one finding a release.
pub fn moved(releases: &[derive::Release<'_>], configs: &BTreeMap<String, Facts>) -> Vec<Finding> {
    releases
        .iter()
        .filter_map(|release| moved_of(release, configs))
        .collect()
}

/// Tells of releases that build data has and that come after all that are looked after.
pub fn new_releases(newest: Release, in_build_data: &BTreeSet<Release>) -> Option<Finding> {
    let new: Vec<String> = in_build_data
        .iter()
        .filter(|known| **known > newest)
        .map(Release::to_string)
        .collect();
    if new.is_empty() {
        return None;
    }
    let text = format!(
        "ocp-build-data has branches of releases after {newest}, the newest looked after: {}",
        new.join(", ")
    );
    let help = "add them to `releases`, or let `releases` be auto; `lockstep cut` shows what follows";
    Some(Finding::new(Severity::Note, "new-release", text).with_help(help))
}

/// Tells of a release that `releases: auto` finds and that nothing of OKD's knows.
pub fn passed_over(release: Release) -> Finding {
    let text = format!(
        "build data and an OCP config have {release}, and no OKD config promotes to it and the release controller has no file of \
         it: nothing is made for it"
    );
    let help = "begin with it by `lockstep cut`, or list the releases in `releases`";
    Finding::new(Severity::Note, "release-passed-over", text)
        .with_release(release.to_string())
        .with_help(help)
}

/// Tells of components, of so many that were asked, that have a branch of a release that nobody looks after.
pub fn new_branches(release: Release, found: &[(&RepoName, &String)], of: usize) -> Option<Finding> {
    let (_, branch) = found.first()?;
    let names: Vec<String> = found.iter().take(NAMED).map(|(repo, _)| repo.to_string()).collect();
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let has = if found.len() == 1 { "has" } else { "have" };
    let text = format!(
        "{} of {of} components {has} a branch of {release} already, such as {branch}, and nobody looks after that release: {}{more}",
        found.len(),
        names.join(", ")
    );
    let help = format!(
        "a cut is near: add {release} to `releases` once ocp-build-data has it; `lockstep cut` shows what follows"
    );
    Some(Finding::new(Severity::Note, "new-component-branch", text).with_help(help))
}

/// The repositories whose OKD config promotes to a release from a branch that it is no longer built from.
fn moved_of(release: &derive::Release<'_>, configs: &BTreeMap<String, Facts>) -> Option<Finding> {
    let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
    let mut branches: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (path, facts) in configs {
        let here = facts
            .promotes
            .iter()
            .any(|tag| tag.namespace == *namespace && tag.name == *name);
        let Some((repo, branch)) = ci_config::config_of(path).filter(|_| here) else {
            continue;
        };
        let Some(config) = release.configs.get(&repo) else {
            continue;
        };
        if !config.branch.is_empty() && config.branch != branch {
            let moves = (branch, config.branch.clone());
            branches.entry(moves).or_default().push(repo.to_string());
        }
    }
    if branches.is_empty() {
        return None;
    }
    let number = release.metadata.release;
    let count: usize = branches.values().map(Vec::len).sum();
    let moves = branches
        .iter()
        .map(|((from, to), repos)| format!("{} from {from} to {to}", repos.len()));
    let moves: Vec<String> = moves.collect();
    let repositories = if count == 1 {
        "1 repository is".to_owned()
    } else {
        format!("{count} repositories are")
    };
    let text = format!(
        "{UNDER_WAY}OCP's promotion to {number} has moved, and {repositories} not there yet: {}",
        moves.join(", ")
    );
    let finding = Finding::new(Severity::Note, "branch-cut", text).with_release(number.to_string());
    Some(finding.with_help(advice(number, &[])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(code: &'static str, release: Option<&str>, text: &str) -> Finding {
        let mut finding = Finding::new(Severity::Note, code, text);
        finding.release = release.map(str::to_owned);
        finding
    }

    #[test]
    fn components_that_have_branched_are_named_and_counted() {
        let repos: Vec<RepoName> = (1..=5)
            .map(|n| RepoName {
                org: "o".into(),
                repo: format!("r{n}"),
            })
            .collect();
        let branch = "release-4.17".to_owned();
        let told = |count: usize| {
            let found: Vec<_> = repos[..count].iter().map(|repo| (repo, &branch)).collect();
            new_branches(Release::new(4, 17), &found, 9).map(|finding| finding.message)
        };
        assert_eq!(told(0), None);
        let one = told(1).expect("a finding");
        assert!(
            one.starts_with("1 of 9 components has a branch of 4.17 already, such as release-4.17, "),
            "{one}"
        );
        assert!(one.ends_with(": o/r1"), "{one}");
        assert!(told(5).expect("a finding").ends_with(": o/r1, o/r2, o/r3 and 2 more"));
    }

    #[test]
    fn what_is_promoted_from_both_branches_is_left_over_and_no_cut() {
        let tag = |name: &str, tag: &str| Tag {
            namespace: "origin".to_owned(),
            name: name.to_owned(),
            tag: tag.to_owned(),
        };
        let facts = Facts {
            promotes: [tag("scos-4.16", "a"), tag("scos-4.16", "b"), tag("mine", "c")].into(),
            bases: BTreeSet::new(),
        };
        let stream = ("origin", "scos-4.16");
        let both = [tag("scos-4.16", "a"), tag("scos-4.16", "b")].into();
        assert!(is_left_over(&facts, &both, stream));
        assert!(!is_left_over(&facts, &[tag("scos-4.16", "a")].into(), stream));
        assert!(!is_left_over(&facts, &BTreeSet::new(), stream));
    }

    #[test]
    fn all_signs_of_one_cut_are_one_finding() {
        let other = notice("other", Some("4.16"), "something else");
        let signs = vec![
            notice(CODE, Some("4.17"), "a branch cut is under way: b"),
            other.clone(),
            notice(NEW_RELEASE, None, "build data has 4.18"),
            notice(CODE, Some("4.16"), "a branch cut is under way: a"),
        ];
        let both = [Release::new(4, 16), Release::new(4, 17)];
        let told = in_one_place(signs, &both);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], other);
        assert_eq!(told[1].message, "a branch cut is under way: build data has 4.18; a; b");
        assert!(
            told[1]
                .help
                .as_ref()
                .is_some_and(|help| help.contains("--from 4.16 --to 4.17"))
        );
        assert_eq!(in_one_place(told.clone(), &both), told);
        let of = |release| notice(CODE, Some(release), "a branch cut is under way: moved");
        let oldest = in_one_place(vec![of("4.10"), of("4.9")], &[]).remove(0);
        assert!(
            oldest.help.is_some_and(|help| help.ends_with("the release after 4.9")),
            "4.9 is older than 4.10, and nobody knows what comes after it"
        );
        let alone = vec![notice(NEW_RELEASE, None, "build data has 4.18")];
        assert_eq!(in_one_place(alone.clone(), &both), alone);
    }
}
