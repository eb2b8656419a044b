//! What a payload needs beside its images, during a cut: jobs that verify it, and the entry that mirrors its stream.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Release;
use crate::facts::ci_tags::Tag;
use crate::facts::release_controller;
use crate::plan::Desired;
use crate::targets::{image_mirroring, prow_jobs, release_controller as controller};

/// What there is of it.
#[derive(Clone, Debug, Default)]
pub struct Payloads {
    /// The jobs of job files that can be waited for; `None`: they are not known.
    pub jobs: Option<BTreeSet<String>>,
    /// Jobs of other repositories, which were not looked at.
    pub elsewhere: BTreeSet<String>,
    /// The jobs that each of the release controller's files waits for, by its path.
    pub waits: BTreeMap<String, BTreeSet<String>>,
    /// The namespace and names of the streams that are mirrored; `None`: it is not known.
    pub mirrored: Option<(String, BTreeSet<String>)>,
    /// Streams that are deliberately not mirrored.
    pub unmirrored: BTreeSet<String>,
}

impl Payloads {
    /// Takes in one of the release controller's files; one that cannot be read waits for nothing.
    pub fn wait(&mut self, path: &str, text: &[u8]) {
        let file = release_controller::read(text).unwrap_or_default();
        let entries = file.entries.into_iter().filter(|entry| !file.ended && !entry.disabled);
        let jobs = entries.filter_map(|entry| Some(entry.job?.0)).collect();
        self.waits.insert(path.to_owned(), jobs);
    }

    /// Applies changes of files.
    pub(super) fn apply(&mut self, files: &[Desired]) {
        for file in files.iter().filter(|file| file.before != file.after) {
            let names = |text: Option<&[u8]>| {
                text.map(|text| prow_jobs::periodics_in(&file.path, text))
                    .unwrap_or_default()
            };
            if let Some(jobs) = &mut self.jobs {
                let after: BTreeSet<String> = names(file.after.as_deref()).into_iter().collect();
                // Another release's jobs may have come into the same file meanwhile.
                let gone = names(file.before.as_deref())
                    .into_iter()
                    .filter(|name| !after.contains(name));
                for name in gone {
                    jobs.remove(&name);
                }
                jobs.extend(after);
            }
            match (&file.after, file.target == controller::TARGET.name) {
                (Some(text), true) => self.wait(&file.path, text),
                (None, true) => drop(self.waits.remove(&file.path)),
                _ => {}
            }
            let streams = file
                .after
                .as_deref()
                .filter(|_| file.target == image_mirroring::TARGET.name);
            if let (Some(after), Some((_, streams))) =
                (streams.and_then(image_mirroring::streams_in), &mut self.mirrored)
            {
                streams.extend(after.1);
            }
        }
    }

    /// What waits for a job that nobody has, path and job.
    pub(super) fn without_job(&self) -> BTreeSet<(String, String)> {
        let Some(jobs) = &self.jobs else {
            return BTreeSet::new();
        };
        let lacks = |job: &&String| !jobs.contains(*job) && !self.elsewhere.contains(*job);
        let all = self.waits.iter();
        all.flat_map(|(path, waits)| waits.iter().filter(lacks).map(|job| (path.clone(), job.clone())))
            .collect()
    }

    /// The streams to which something is promoted, and that nobody mirrors, though nobody says so.
    pub(super) fn not_mirrored<'t>(&self, promoted: impl Iterator<Item = &'t Tag>) -> BTreeSet<String> {
        let Some((namespace, streams)) = &self.mirrored else {
            return BTreeSet::new();
        };
        let here = promoted.filter(|tag| tag.namespace == *namespace).map(|tag| &tag.name);
        here.filter(|name| !streams.contains(*name) && !self.unmirrored.contains(*name))
            .cloned()
            .collect()
    }

    /// The jobs that the files of a release wait for, and those of them that nobody has; `None`: nothing can be said.
    pub(super) fn of(&self, is_own: impl Fn(&str) -> bool) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        let jobs = self.jobs.as_ref()?;
        let own = self.waits.iter().filter(|(path, _)| is_own(path));
        let all: BTreeSet<String> = own.flat_map(|(_, jobs)| jobs.iter().cloned()).collect();
        let missing = all
            .iter()
            .filter(|job| !jobs.contains(*job) && !self.elsewhere.contains(*job))
            .cloned()
            .collect();
        Some((all, missing))
    }
}

/// What verifies a release's payload once the train has arrived.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "TrainPayload")]
pub struct Verified {
    /// The release.
    pub release: String,
    /// The jobs that its payload waits for.
    pub jobs: BTreeSet<String>,
    /// Those of them that nobody has.
    pub missing: BTreeSet<String>,
}

impl Verified {
    /// Of a release whose files are known.
    pub fn new(release: Release, payloads: &Payloads, is_own: impl Fn(&str) -> bool) -> Option<Self> {
        let (jobs, missing) = payloads.of(is_own)?;
        Some(Self {
            release: release.to_string(),
            jobs,
            missing,
        })
    }

    /// It in a sentence.
    pub fn told(&self) -> String {
        let release = &self.release;
        let are = |count: usize| {
            if count == 1 {
                "1 job".to_owned()
            } else {
                format!("{count} jobs")
            }
        };
        match (self.jobs.len(), self.missing.len()) {
            (0, _) => format!("a payload of {release} would be verified by no job"),
            (all, 0) => format!(
                "a payload of {release} would be verified by {} that are there",
                are(all)
            ),
            (all, missing) => {
                let names: Vec<&str> = self.missing.iter().map(String::as_str).collect();
                format!(
                    "a payload of {release} would wait for {}, and {missing} of them nobody has: {}",
                    are(all),
                    names.join(", ")
                )
            }
        }
    }
}
