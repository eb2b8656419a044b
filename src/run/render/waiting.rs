//! What has to wait: for a tag that another config still promotes, for a target that a run leaves out, for what cannot follow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::RunError;
use super::{Part, ReleaseFiles};
use crate::base::RepoName;
use crate::cut::{detect, guard};
use crate::derive::{DerivedImage, Release, Standing};
use crate::facts::ci_config;
use crate::facts::ci_tags::{self, Tag};
use crate::finding::Finding;
use crate::plan::Desired;
use crate::targets::{Chosen, Earlier, Rendered};

/// The configs that promote to the release's stream from where the release is not built.
fn others(release: &Release<'_>, files: &[Desired], configs: &BTreeMap<String, Arc<[u8]>>) -> Vec<guard::Other> {
    let own = files.iter().filter(|file| !file.held).map(|file| file.path.as_str());
    let own: BTreeSet<&str> = own.collect();
    let payload = &release.payload;
    let stream = (payload.namespace.value.as_str(), payload.name.value.as_str());
    guard::others(configs.iter().map(|(path, text)| (path, &**text)), &own, stream)
}

/// What tells of a branch cut.
pub(super) fn detected(releases: &[Release<'_>], parts: &[ReleaseFiles]) -> Vec<Finding> {
    let mut configs = BTreeMap::new();
    for (release, part) in releases.iter().zip(parts) {
        let others = others(release, &part.rendered.files, &part.configs);
        let there = promoted_there(release, &others, &part.configs);
        let payload = &release.payload;
        let stream = (&*payload.namespace.value, &*payload.name.value);
        let moves = others
            .into_iter()
            .filter(|other| !detect::is_left_over(&other.facts, &there, stream));
        configs.extend(moves.map(|other| (other.path, other.facts)));
    }
    detect::moved(releases, &configs)
}

/// What the repositories of some configs promote already from the branches that the release is built from.
fn promoted_there(
    release: &Release<'_>,
    others: &[guard::Other],
    configs: &BTreeMap<String, Arc<[u8]>>,
) -> BTreeSet<Tag> {
    let repos: BTreeSet<RepoName> = others
        .iter()
        .filter_map(|other| Some(ci_config::config_of(&other.path)?.0))
        .collect();
    let is_own = |path: &String| {
        let own = ci_config::config_of(path).filter(|(repo, _)| repos.contains(repo));
        own.is_some_and(|(repo, branch)| release.configs.get(&repo).is_some_and(|config| config.branch == branch))
    };
    let own = configs.iter().filter(|(path, _)| is_own(path));
    let read = own.filter_map(|(_, text)| ci_tags::read(text).ok());
    read.flat_map(|facts| facts.promotes).collect()
}

/// Holds configs, with what follows them, whose tags another config promotes, and those that images leave before they are
/// elsewhere.
pub(super) fn wait(
    release: &Release<'_>,
    files: &mut [Desired],
    configs: &BTreeMap<String, Arc<[u8]>>,
) -> Vec<Finding> {
    let others = others(release, files, configs);
    let waiting = guard::hold(files, &others);
    let derived = release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived);
    let home = |image: &DerivedImage| Some((image.tag.value.clone(), image.repository.value.as_ref()?.to_string()));
    let homes = derived.filter_map(home).collect();
    let payload = &release.payload;
    guard::keep_old_homes(files, &homes, (&payload.namespace.value, &payload.name.value));
    waiting
}

impl Part<'_> {
    /// Keeps files as they are that would come to something else once those that they are made from have changed, where the
    /// run leaves the targets of these out: files of a group change together.
    pub(super) fn wait_for_others(
        &self,
        chosen: &Chosen,
        results: &BTreeMap<&'static str, Earlier>,
        rendered: &mut Rendered,
    ) -> Result<(), RunError> {
        let unwritten: Vec<&'static str> = chosen
            .target
            .after
            .iter()
            .copied()
            .filter(|name| {
                let left_out = self.run.config.left_out.iter().any(|other| other.target.name == *name);
                let earlier = results.get(name).filter(|earlier| left_out && !earlier.is_written);
                earlier.is_some_and(|earlier| earlier.files.iter().any(|file| file.before != file.after))
            })
            .collect();
        if unwritten.is_empty() {
            return Ok(());
        }
        let as_if = results.iter().map(|(name, earlier)| {
            let is_written = earlier.is_written || unwritten.contains(name);
            let earlier = Earlier {
                is_written,
                ..earlier.clone()
            };
            (*name, earlier)
        });
        let (later, _) = self.one(chosen, &as_if.collect(), &mut ReleaseFiles::default())?;
        let mut later: BTreeMap<_, _> = later.files.into_iter().map(|file| (place_of(&file), file)).collect();
        for file in &mut rendered.files {
            let then = later.remove(&place_of(file)).map(|then| then.after);
            if then.is_some_and(|then| then != file.after) {
                file.hold();
            }
        }
        rendered.files.extend(later.into_values().map(|mut file| {
            file.hold();
            file
        }));
        Ok(())
    }
}

/// Where a file stands.
fn place_of(file: &Desired) -> (String, String, String) {
    (file.repo.to_string(), file.branch.clone(), file.path.clone())
}

/// What there is elsewhere about repositories that could not be looked at stays: files there may need it.
pub(super) fn hold_unseen<T>(files: &mut [Desired], not_seen: &BTreeMap<RepoName, T>) {
    let is_unseen = |file: &Desired| {
        let mut names = not_seen.keys().filter(|name| **name != file.repo);
        names.any(|name| file.component.as_deref() == Some(&*name.to_string()))
    };
    for file in files
        .iter_mut()
        .filter(|file| file.before.is_some() && file.before != file.after)
    {
        if is_unseen(file) {
            file.hold();
        }
    }
}

/// Files that cannot be followed stay as they are.
pub(super) fn hold(files: &mut [Desired], stuck: &BTreeSet<String>) {
    for file in files.iter_mut().filter(|file| stuck.contains(&file.path)) {
        file.hold();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_a_repository_that_was_not_looked_at_stays() {
        let name = |name: &str| -> RepoName { name.parse().expect("a name") };
        let file = |repo: &str, component: &str| Desired {
            repo: name(repo),
            branch: "main".to_owned(),
            path: "a.yaml".to_owned(),
            release: "4.16".to_owned(),
            target: "konflux".to_owned(),
            group: "konflux".to_owned(),
            component: Some(component.to_owned()),
            images: Vec::new(),
            before: Some(b"a".as_slice().into()),
            after: None,
            causes: Vec::new(),
            refused: Vec::new(),
            follows: None,
            notes: Vec::new(),
            held: false,
        };
        // Its own other branch was read.
        let mut files = [
            file("o/config", "o/gone"),
            file("o/config", "o/other"),
            file("o/gone", "o/gone"),
        ];
        hold_unseen(&mut files, &BTreeMap::from([(name("o/gone"), ())]));
        assert_eq!(
            files.map(|file| (file.held, file.after.is_some())),
            [(true, true), (false, false), (false, false)]
        );
    }
}
