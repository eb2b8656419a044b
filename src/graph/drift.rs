//! Which images' files differ from what is derived, from a plan.

use std::collections::BTreeMap;

use super::State;
use crate::plan::{ChangeKind, FileChange, Plan};

/// What a plan says of a release's images, by payload tag.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    files: BTreeMap<String, (State, Vec<String>)>,
}

impl Drift {
    /// Takes from a plan what it says of a release.
    pub fn of_plan(plan: &Plan, release: &str) -> Self {
        let mut drift = Self::default();
        for request in plan
            .pull_requests
            .iter()
            .filter(|request| request.scope.release == release)
        {
            for file in &request.files {
                let name = format!("{}: {}", request.scope.repo, file.path);
                drift.file(file, &name);
            }
        }
        drift
    }

    /// The state of an image, and its files that differ.
    pub fn of(&self, tag: &str) -> (State, Vec<String>) {
        self.files.get(tag).cloned().unwrap_or((State::InStep, Vec::new()))
    }

    fn file(&mut self, file: &FileChange, name: &str) {
        let state = match file.kind {
            ChangeKind::New => State::New,
            ChangeKind::Changed | ChangeKind::Removed => State::Changed,
        };
        for tag in concerned(file) {
            let entry = self.files.entry(tag.clone()).or_insert((state, Vec::new()));
            entry.0 = entry.0.max(state);
            if !entry.1.iter().any(|known| known == name) {
                entry.1.push(name.to_owned());
            }
        }
    }
}

/// The images that a file's change is about: all that it builds, unless each cause names its own.
pub fn concerned(file: &FileChange) -> Vec<&String> {
    let named = !file.causes.is_empty() && file.causes.iter().all(|cause| !cause.images.is_empty());
    if named && file.kind == ChangeKind::Changed {
        file.causes.iter().flat_map(|cause| &cause.images).collect()
    } else {
        file.images.iter().collect()
    }
}
