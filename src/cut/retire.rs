//! What of a release that has ended may go, and who still refers to it.

use std::collections::BTreeSet;

use crate::base::Release as Number;
use crate::derive::Release;
use crate::facts::release_controller as controller;
use crate::targets::payload_jobs::gates::Gates;
use crate::targets::payload_jobs::verification::Verification;
use crate::targets::release_controller::place;

/// What verifies the payload of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Its gating configs.
    pub configs: Vec<String>,
    /// Their jobs.
    pub jobs: BTreeSet<String>,
    /// The release controller's files.
    pub controllers: Vec<String>,
}

impl Ending {
    /// Finds what there is of a release.
    pub fn of(release: &Release<'_>, gates: &Gates, known: &Verification) -> Self {
        let number = release.metadata.release;
        let is_own = |path: &&String| gates.taken_apart(path).is_some_and(|(_, gate)| gate.release == number);
        let configs: Vec<String> = known.configs.keys().filter(is_own).cloned().collect();
        let jobs = configs.iter().filter_map(|path| known.of_configs.get(path)).flatten();
        let spot = place(release).ok().flatten();
        let controllers = known.controllers.keys();
        let controllers =
            controllers.filter(|path| spot.as_ref().is_some_and(|spot| spot.release_of(path) == Some(number)));
        Self {
            jobs: jobs.cloned().collect(),
            controllers: controllers.cloned().collect(),
            configs,
        }
    }
}

/// Who still refers to what may go, a sentence each.
pub fn referrers(release: Number, gates: &Gates, ending: &Ending, known: &Verification) -> Vec<String> {
    let mut found = Vec::new();
    for path in known.configs.keys() {
        let Some((_, gate)) = gates.taken_apart(path) else {
            continue;
        };
        if gate.from == Some(release) && gate.release != release {
            found.push(format!("{path} tests upgrades from {release} to {}", gate.release));
        }
    }
    let number = release.to_string();
    for (path, text) in known
        .controllers
        .iter()
        .filter(|(path, _)| !ending.controllers.contains(path))
    {
        for entry in controller::read(text).map(|file| file.entries).unwrap_or_default() {
            if let Some((job, _)) = entry.job.filter(|(job, _)| ending.jobs.contains(job)) {
                found.push(format!("`verify.{}` of {path} waits for {job}", entry.key));
            } else if entry.from.as_deref() == Some(&number) {
                found.push(format!("`verify.{}` of {path} upgrades from {release}", entry.key));
            }
        }
    }
    found
}
