//! What of all that verifies payloads is a release's own.

use std::sync::Arc;

use crate::audit::context::Context;
use crate::base::{Place, Release};
use crate::facts::ci_config;
use crate::facts::gating::{self, Gating};
use crate::facts::release_controller::{self, Controller};
use crate::finding::Subject;
use crate::targets::payload_jobs::gates::{Gate, Gates};
use crate::targets::payload_jobs::verification::Verification;
use crate::targets::prow_jobs::names;
use crate::targets::release_controller::{Spot, place};

/// What of it is a release's own.
pub struct Own<'v> {
    /// All of it.
    pub all: &'v Verification,
    /// The release.
    pub release: Release,
    /// What rules say of gating configs.
    pub gates: Gates,
    /// Where the release controller's files are.
    pub spot: Option<Spot>,
}

impl<'v> Own<'v> {
    /// What is a release's own; `None`: there is nothing to look at, or rules fail, which is told of elsewhere.
    pub fn of(context: &Context<'v>) -> Option<Self> {
        Some(Self {
            all: context.verification?,
            release: context.metadata().release,
            gates: Gates::of(context.release).ok()??,
            spot: place(context.release).ok().flatten(),
        })
    }

    /// The gating configs of some kind, with their path and text. Of several for one thing all.
    pub fn configs(&self, wanted: impl Fn(Gate) -> bool) -> Vec<(Gate, &'v String, &'v Arc<[u8]>)> {
        let all = self.all.configs.iter();
        let known = all.filter_map(|(path, text)| Some((self.gates.taken_apart(path)?.1, path, text)));
        known.filter(|(gate, ..)| wanted(*gate)).collect()
    }

    /// The gating configs that are wanted and could not be read, with why.
    pub fn unread(&self, wanted: impl Fn(Gate) -> bool) -> Vec<(&'v String, &'v String)> {
        let is_wanted = |path: &str| self.gates.taken_apart(path).is_some_and(|(_, gate)| wanted(gate));
        let all = self.all.unreadable.iter();
        all.filter(|(path, _)| is_wanted(path)).collect()
    }

    /// A job file or config that could not be read, and may have jobs that nobody knows.
    pub fn unread_jobs(&self) -> Option<&'v String> {
        let is_of_jobs = |path: &&String| path.starts_with(names::ROOT) || path.starts_with(ci_config::ROOT);
        self.all.unreadable.keys().find(is_of_jobs)
    }

    /// Whether a file of the release controller's could not be read that may say what the release's payloads wait for.
    pub fn may_wait_for_more(&self) -> bool {
        let Some(spot) = &self.spot else { return false };
        let mut unread = self.all.unreadable.keys();
        unread.any(|path| self.is_own(path) || spot.folders().contains(path))
    }

    /// The release's own main configs that can be read.
    pub fn mains(&self) -> Vec<(&'v String, &'v Arc<[u8]>, Gating)> {
        let own = self.configs(|gate| gate == Gate::of(self.release)).into_iter();
        own.filter_map(|(_, path, text)| Some((path, text, gating::read(text).ok()?)))
            .collect()
    }

    /// The release controller's files of the release, and with the newest release of its major those of the major.
    pub fn controllers(&self) -> Vec<(&'v String, &'v Arc<[u8]>, Controller)> {
        let all = self.controller_texts().into_iter();
        all.filter_map(|(path, text)| Some((path, text, release_controller::read(text).ok()?)))
            .collect()
    }

    /// The texts of these files, whether they can be read or not.
    pub fn controller_texts(&self) -> Vec<(&'v String, &'v Arc<[u8]>)> {
        let Some(spot) = &self.spot else { return Vec::new() };
        let major = self.release.major;
        let newest = self.all.looked_after.iter().filter(|other| other.major == major).max();
        let is_newest = newest == Some(&self.release);
        let own = self.all.controllers.iter().filter(|(path, _)| {
            spot.release_of(path) == Some(self.release) || (is_newest && spot.major_of(path) == Some(major))
        });
        own.collect()
    }

    /// Whether a path is that of a file of the release itself.
    pub fn is_own(&self, path: &str) -> bool {
        self.spot
            .as_ref()
            .is_some_and(|spot| spot.release_of(path) == Some(self.release))
    }

    /// What a finding about a key of a file is known by.
    pub fn key(path: &str, key: &str) -> Subject {
        Subject::Key(format!("{path} {key}"))
    }

    /// A place in what was read.
    pub fn place(&self, path: &str, line: u32) -> Place {
        Place {
            repo: self.all.origin.name.clone(),
            commit: self.all.origin.commit.clone(),
            file: path.to_owned(),
            line: Some(line),
        }
    }
}
