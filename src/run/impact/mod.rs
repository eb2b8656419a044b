//! Reads the two worlds of a change of others: the base as it is, and the base with the head as if it were merged.

mod bases;
mod cure;
mod ends;
mod home;
mod kept;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

pub(super) use self::bases::Bases;
use self::ends::Read;
use self::home::{Home, Role};
use self::worlds::Side;
use super::{Run, RunError};
use crate::base::{Release, RepoName};
use crate::impact::{Impact, Merge, sentence};
use crate::source::github::PullHead;
use crate::source::merge::{MergeError, merged};
use crate::source::{Instead, Location};

/// The version of the answer's form.
const VERSION: u32 = 1;

/// A change of others.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The repository.
    pub repository: RepoName,
    /// The number of the pull request, if it is one.
    pub pull: Option<u64>,
    /// The base, a branch, ref, commit or folder; none: the branch.
    pub base: Option<String>,
    /// The head, a branch, ref, commit or folder.
    pub head: String,
    /// The branch that is changed; none: the base where that is one, else the repository's own default branch.
    pub branch: Option<String>,
    /// Where the repository is, where that is not where the configuration has it.
    pub at: Option<Location>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ImpactError {
    /// The run itself cannot be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The head cannot be read, or does not merge.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// There is no such repository.
    #[error("{0}")]
    Unknown(String),
    /// GitHub says that it does not merge.
    #[error("{0}#{1} does not merge into {2}; nothing can be said until it is rebased")]
    Conflict(RepoName, u64, String),
}

/// What is known of a pull request already.
pub(super) struct Known {
    /// Where it stands.
    pub head: PullHead,
    /// The releases that are built from its branch.
    pub built: Option<BTreeMap<String, BTreeSet<Release>>>,
}

impl Run {
    /// What a change of others would do to releases.
    ///
    /// # Errors
    /// The repository, base or head cannot be read; they do not merge; or nothing can be derived at all.
    pub fn impact(&mut self, asked: &Asked, releases: &[Release]) -> Result<Impact, ImpactError> {
        self.asking_once(|run| run.impact_of(asked, None, releases, &mut run.new_bases()))
    }

    /// What each of several changes would do by itself. What releases are without any of them is derived once.
    pub fn impacts(&mut self, asked: &[Asked], releases: &[Release]) -> Vec<Result<Impact, ImpactError>> {
        self.asking_once(|run| {
            let mut bases = run.new_bases();
            let each = asked.iter().map(|one| run.impact_of(one, None, releases, &mut bases));
            each.collect()
        })
    }

    /// Asks where branches of components are once for all that is looked at.
    pub(super) fn asking_once<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        self.sources.ask_once(true);
        let found = look(self);
        self.sources.ask_once(false);
        found
    }

    /// What releases are without any change; what was looked at is noted where a head is read by questions.
    fn new_bases(&self) -> Bases {
        match self.sources.github() {
            Some(_) => Bases::with_notes(),
            None => Bases::default(),
        }
    }

    /// The same of one of several changes. `known`: what is known of it already; `bases`: what releases are without any change.
    pub(super) fn impact_of(
        &mut self,
        asked: &Asked,
        known: Option<Known>,
        releases: &[Release],
        bases: &mut Bases,
    ) -> Result<Impact, ImpactError> {
        let (head, built) = known.map_or((None, None), |known| (Some(known.head), known.built));
        let (asked, how) = self.on_github(asked.clone(), head)?;
        let asked = &asked;
        let home = self.home(asked, releases)?;
        let built = match built {
            Some(built) => built,
            None => self.built_from(asked, &home, releases, bases)?,
        };
        let branch = match (&asked.branch, built.keys().next()) {
            (Some(branch), _) => branch.clone(),
            (None, Some(branch)) if built.len() == 1 => branch.clone(),
            _ => String::new(),
        };
        let meant = match built.is_empty() {
            true => self.meant(asked, &home, releases, bases),
            false => None,
        };
        // Rules are loaded meanwhile; what is wrong with them is said where they are asked.
        let (sides, _) = rayon::join(|| self.sides(asked, &home, built, &how), || self.rules().is_ok());
        let sides = sides?;
        let mut answer = Impact {
            version: VERSION,
            repository: asked.repository.to_string(),
            pull: asked.pull,
            base: asked.base.clone().unwrap_or_else(|| branch.clone()),
            head: asked.head.clone(),
            merged: Merge::AsIs,
            branch,
            digest: String::new(),
            verdict: crate::impact::Verdict::Nothing,
            sentence: String::new(),
            todo: String::new(),
            releases: Vec::new(),
        };
        let mut read = Vec::new();
        for side in sides {
            if let Some(commit) = &side.merged.base_commit {
                answer.base.clone_from(commit);
            }
            if let Some(commit) = &side.merged.head_commit {
                answer.head.clone_from(commit);
            }
            match (&how, &side.merged.merged_commit) {
                (Read::Merge { head }, _) => (answer.merged, answer.head) = (Merge::Commit, head.clone()),
                (Read::Files(_), Some(_)) => answer.merged = Merge::Files,
                (_, Some(_)) => answer.merged = Merge::Memory,
                _ => {}
            }
            let found = self.compared(asked, &home, side, &mut read, bases);
            self.set_instead(Instead::default());
            answer.releases.extend(found?);
        }
        (answer.verdict, answer.sentence, answer.todo) = sentence(&answer.releases);
        if let Some(meant) = meant {
            answer.todo = meant;
        }
        answer.digest = self.digest(&answer, &read);
        Ok(answer)
    }

    /// The branches that are changed, with and without the change.
    fn sides(
        &self,
        asked: &Asked,
        home: &Home,
        built: BTreeMap<String, BTreeSet<Release>>,
        how: &Read,
    ) -> Result<Vec<Side>, MergeError> {
        let side = |(branch, releases): (String, BTreeSet<Release>)| {
            let base = asked.base.as_deref().or(asked.branch.as_deref());
            let merged = match &home.location {
                Location::Url(_) => self.far(home, &branch, base, &asked.head, how)?,
                Location::Path(_) => merged(&home.name, &home.location, &branch, base, &asked.head)?,
            };
            Ok(Side {
                branch,
                releases,
                merged,
            })
        };
        built.into_iter().map(side).collect()
    }

    /// A digest of the answer, of metadata and rules.
    fn digest(&self, answer: &Impact, read: &[String]) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        };
        part(&format!("{VERSION} {}", self.rules.digest()));
        read.iter().for_each(|commit| part(commit));
        part(&serde_json::to_string(&answer.releases).unwrap_or_default());
        crate::base::text::hex(&hash.finalize()[..16])
    }
}
