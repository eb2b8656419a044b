//! Keeps a config from being added while another one promotes its tags: outside a cut, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::ci_config;
use crate::facts::ci_tags::{self, Facts, Tag};
use crate::finding::{Finding, Severity};
use crate::plan::Desired;

/// A config of the payload's variant that promotes to the release's stream and that the release does not derive.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its path.
    pub path: String,
    /// What it says.
    pub facts: Facts,
}

/// Finds the configs beside the release's own that promote to its stream. `own`: the paths that the release derives.
pub fn others<'f>(
    files: impl IntoIterator<Item = (&'f String, &'f [u8])>,
    own: &BTreeSet<&str>,
    stream: (&str, &str),
) -> Vec<Other> {
    let promotes_here = |text: &[u8]| {
        let promotions = ci_config::promotions(text).unwrap_or_default();
        promotions
            .iter()
            .any(|p| p.promotes() && (p.namespace.as_str(), p.name.as_str()) == stream)
    };
    let in_stream = |tag: &Tag| (tag.namespace.as_str(), tag.name.as_str()) == stream;
    let others = files
        .into_iter()
        .filter(|(path, text)| !own.contains(path.as_str()) && promotes_here(text));
    let read = others.filter_map(|(path, text)| Some((path, ci_tags::read(text).ok()?)));
    // An entry may promote nothing: all of its images are optional or excluded.
    let read = read.filter(|(_, facts)| facts.promotes.iter().any(in_stream));
    read.map(|(path, facts)| Other {
        path: path.clone(),
        facts,
    })
    .collect()
}

/// Holds every config that would promote what another one promotes, with the files that follow it.
pub fn hold(files: &mut [Desired], others: &[Other]) -> Vec<Finding> {
    let mut taken: BTreeMap<&Tag, &str> = BTreeMap::new();
    for other in others {
        taken.extend(other.facts.promotes.iter().map(|tag| (tag, other.path.as_str())));
    }
    if taken.is_empty() {
        return Vec::new();
    }
    let (mut findings, mut held) = (Vec::new(), BTreeSet::new());
    for file in files.iter().filter(|file| file.before != file.after) {
        let Some(after) = file
            .after
            .as_deref()
            .filter(|_| ci_config::config_of(&file.path).is_some())
        else {
            continue;
        };
        let (Ok(after), before) = (ci_tags::read(after), file.before.as_deref().map(ci_tags::read)) else {
            continue;
        };
        let before = before.and_then(Result::ok).unwrap_or_default();
        let new = after.promotes.iter().filter(|tag| !before.promotes.contains(*tag));
        let Some((tag, other)) = new.filter_map(|tag| Some((tag, *taken.get(tag)?))).next() else {
            continue;
        };
        findings.push(waits(file, tag, other));
        held.insert(file.path.clone());
    }
    restore(files, &held);
    findings
}

/// Keeps an image in its old home as long as its new one does not promote it: metadata moved it to another repository, and what
/// would take it out here waits for what puts it in there. `homes`: the repository that each tag of the stream is built from.
pub fn keep_old_homes(files: &mut [Desired], homes: &BTreeMap<String, String>, stream: (&str, &str)) {
    let promoted = |text: Option<&[u8]>| {
        let facts = text.map(ci_tags::read).and_then(Result::ok).unwrap_or_default();
        let here = facts
            .promotes
            .into_iter()
            .filter(|tag| (tag.namespace.as_str(), tag.name.as_str()) == stream);
        here.map(|tag| tag.tag).collect::<BTreeSet<String>>()
    };
    let leaving = |file: &Desired| {
        let after = promoted(file.after.as_deref());
        let gone = promoted(file.before.as_deref())
            .into_iter()
            .filter(|tag| !after.contains(tag));
        let elsewhere = |tag: &String| homes.get(tag).is_some_and(|home| file.component.as_ref() != Some(home));
        gone.filter(elsewhere).collect::<BTreeSet<String>>()
    };
    let is_config = |file: &&Desired| ci_config::config_of(&file.path).is_some();
    let changed = files
        .iter()
        .filter(is_config)
        .filter(|file| file.before.is_some() && file.before != file.after);
    let left: Vec<(String, BTreeSet<String>)> = changed
        .map(|file| (file.path.clone(), leaving(file)))
        .filter(|(_, tags)| !tags.is_empty())
        .collect();
    if left.is_empty() {
        return;
    }
    let configs = files.iter().filter(is_config);
    let there: BTreeSet<String> = configs.flat_map(|file| promoted(file.after.as_deref())).collect();
    let early = left.into_iter().filter(|(_, tags)| !tags.is_subset(&there));
    restore(files, &early.map(|(path, _)| path).collect());
}

/// Leaves files as they are, with those that follow them.
fn restore(files: &mut [Desired], held: &BTreeSet<String>) {
    let is_held = |file: &&mut Desired| held.contains(file.follows.as_ref().unwrap_or(&file.path));
    for file in files.iter_mut().filter(is_held) {
        file.hold();
    }
}

/// Holds every file that two releases want to change: both are built from one branch, whose one config cannot promote for
/// both.
pub fn share(files: &mut [Desired]) -> Vec<Finding> {
    // On branches of their own, as in build data, the files of two releases are two.
    let place = |file: &Desired| (file.path.clone(), file.repo.to_string(), file.branch.clone());
    let mut wanted: BTreeMap<(String, String, String), BTreeSet<String>> = BTreeMap::new();
    // A file of no component, as that of a stream's mirroring, is written anew from all that is promoted: no two releases own it.
    for file in files
        .iter()
        .filter(|file| file.component.is_some() && file.before != file.after)
    {
        wanted.entry(place(file)).or_default().insert(file.release.clone());
    }
    wanted.retain(|_, releases| releases.len() > 1);
    for file in files.iter_mut() {
        if wanted.contains_key(&place(file)) {
            file.hold();
        }
    }
    wanted
        .into_iter()
        .map(|((path, ..), releases)| shared(&path, releases))
        .collect()
}

/// Tells of a file that several releases want.
pub fn shared(path: &str, releases: BTreeSet<String>) -> Finding {
    let releases: Vec<String> = releases.into_iter().collect();
    let text = format!(
        "{path} is wanted by {}, which are built from one branch",
        releases.join(" and ")
    );
    let help = "disable OCP's promotion to all but one of them, or leave the others out of `releases`";
    Finding::new(Severity::Warning, "shared-branch", text).with_help(help)
}

fn waits(file: &Desired, tag: &Tag, other: &str) -> Finding {
    let home = file.component.as_deref().unwrap_or_default();
    let elsewhere = ci_config::config_of(other)
        .map(|(repo, _)| repo.to_string())
        .filter(|old| old != home);
    let (what, help) = match elsewhere {
        // No cut ends this wait: the other config is one of another repository.
        Some(old) => (
            format!("which {other} promotes, its old home: it waits until that one no longer does"),
            format!(
                "metadata builds {} from {home} now, not from {old}: remove {other} with its jobs, or take the image out of it; \
                 what somebody added there belongs to the new home",
                tag.tag
            ),
        ),
        None => (
            format!("which {other} promotes: it waits until that one no longer does"),
            "`lockstep cut` shows the order; the other config moves to its new release first".to_owned(),
        ),
    };
    let text = format!("{} would promote {tag}, {what}", file.path);
    let mut finding = Finding::new(Severity::Warning, "waits-for-vacate", text)
        .with_release(file.release.clone())
        .with_help(help);
    finding.component.clone_from(&file.component);
    finding
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn config(tags: &[&str]) -> Arc<[u8]> {
        let items: String = tags.iter().map(|tag| format!("  - to: {tag}\n")).collect();
        let text = format!("images:\n  items:\n{items}promotion:\n  to:\n  - {{name: s, namespace: ns}}\n");
        Arc::from(text.into_bytes())
    }

    fn file(repo: &str, before: Option<Arc<[u8]>>, after: Option<Arc<[u8]>>) -> Desired {
        Desired {
            repo: "openshift/release".parse().expect("a name"),
            branch: "main".to_owned(),
            path: format!("ci-operator/config/o/{repo}/o-{repo}-main__v.yaml"),
            release: "5.0".to_owned(),
            target: "configs".to_owned(),
            group: "ci".to_owned(),
            component: Some(format!("o/{repo}")),
            images: Vec::new(),
            before,
            after,
            causes: Vec::new(),
            refused: Vec::new(),
            notes: Vec::new(),
            held: false,
            follows: None,
        }
    }

    fn kept(files: &mut [Desired], homes: &[(&str, &str)]) -> Vec<bool> {
        let homes = homes.iter().map(|(tag, home)| ((*tag).to_owned(), (*home).to_owned()));
        keep_old_homes(files, &homes.collect(), ("ns", "s"));
        files.iter().map(|file| file.before == file.after).collect()
    }

    #[test]
    fn an_image_leaves_its_old_home_once_it_is_in_the_new_one() {
        let homes = [("x", "o/new"), ("y", "o/old")];
        let leaves = || file("old", Some(config(&["x", "y"])), Some(config(&["y"])));
        let comes = || file("new", None, Some(config(&["x"])));
        assert_eq!(kept(&mut [leaves(), comes()], &homes), [false, false]);
        assert_eq!(
            kept(&mut [leaves(), file("new", None, None)], &homes),
            [true, true],
            "it would be nowhere"
        );
        let removed = || file("old", Some(config(&["x"])), None);
        assert_eq!(kept(&mut [removed(), comes()], &homes), [false, false]);
        assert_eq!(kept(&mut [removed()], &homes), [true]);
        assert_eq!(
            kept(&mut [removed()], &[]),
            [false],
            "what metadata dropped has no home to wait for"
        );
    }

    #[test]
    fn a_wait_for_an_old_home_names_it() {
        let tag = Tag {
            namespace: "ns".to_owned(),
            name: "s".to_owned(),
            tag: "x".to_owned(),
        };
        let other = "ci-operator/config/o/old/o-old-main__v.yaml";
        let finding = waits(&file("new", None, None), &tag, other);
        assert!(finding.message.contains("its old home"), "{finding}");
        assert!(
            finding
                .help
                .as_ref()
                .is_some_and(|help| help.contains("remove ci-operator/config/o/old/")),
            "{finding}"
        );
        let same = waits(
            &file("old", None, None),
            &tag,
            "ci-operator/config/o/old/o-old-release-4.22__v.yaml",
        );
        assert!(
            same.help.as_ref().is_some_and(|help| help.contains("lockstep cut")),
            "{same}"
        );
    }
}
