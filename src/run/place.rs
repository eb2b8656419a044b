//! Where pull requests are made: the configured forge, with the repositories of the configured sources.
#![expect(clippy::disallowed_methods, reason = "looks which of two folders is there")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Run;
use crate::base::{Gate, RepoName};
use crate::config::Forge;
use crate::forge::github::{GithubForge, GithubWriter};
use crate::forge::local::{Home, LocalForge, LocalWriter};
use crate::forge::{ForgeError, Outcome, Train};
use crate::github::{Client, Fault, Usage};
use crate::plan::Plan;
use crate::source::{Location, Snapshot};

/// The configured forge.
pub enum ConfiguredForge {
    /// Branches and records on disk.
    Local(LocalForge),
    /// Pull requests on GitHub.
    GitHub(Box<GithubForge>),
}

impl ConfiguredForge {
    /// Gets the configured forge ready; every write asks the gate first.
    ///
    /// # Errors
    /// The client for GitHub cannot be made.
    pub fn of(run: &Run, gate: Gate) -> Result<Self, Fault> {
        Ok(match &run.config.forge {
            Forge::Local { dir } => Self::Local(LocalForge::new(dir.clone(), super::forge_identity()).guarded(gate)),
            Forge::GitHub {
                api,
                credential,
                options,
            } => {
                let client = Client::new(api, credential.clone())?.guarded(gate);
                Self::GitHub(Box::new(GithubForge::new(client, (**options).clone())))
            }
        })
    }

    /// Makes the pull requests of a plan what they should be; in a dry run only says what would be written. `ci`: the CI
    /// configs, which are part of a local forge where it makes branches in a copy; `now`: the time that local commits carry,
    /// in seconds since 1970-01-01.
    pub fn apply(
        &mut self,
        run: &Run,
        ci: Option<&Arc<dyn Snapshot>>,
        plan: &Plan,
        dry_run: bool,
        now: i64,
    ) -> Vec<Outcome> {
        match self {
            Self::Local(forge) => {
                add_homes(forge, run, ci, plan);
                LocalWriter { forge, dry_run, now }.apply(plan)
            }
            Self::GitHub(forge) => GithubWriter {
                forge,
                journal: &run.store,
                dry_run,
            }
            .apply(plan),
        }
    }

    /// Finds where pull requests of a plan are made, so that what is there can be looked at.
    pub fn look_for(&mut self, run: &Run, ci: Option<&Arc<dyn Snapshot>>, plan: &Plan) {
        if let Self::Local(forge) = self {
            add_homes(forge, run, ci, plan);
        }
    }

    /// The train of a branch cut that is under way in a repository, if one is.
    ///
    /// # Errors
    /// That cannot be told.
    pub fn train(&self, repo: &RepoName, base: &str) -> Result<Option<Train>, ForgeError> {
        match self {
            Self::Local(forge) => forge.train(repo, base),
            Self::GitHub(forge) => forge.train(repo),
        }
    }

    /// Ends the train that is under way in a repository: done, or given up. Tells what was done about its request.
    ///
    /// # Errors
    /// That could not be written.
    pub fn end_train(&self, repo: &RepoName, base: &str) -> Result<Vec<String>, ForgeError> {
        match self {
            Self::Local(forge) => forge.end_train(repo, base),
            Self::GitHub(forge) => forge.end_train(repo),
        }
    }

    /// GitHub, where pull requests are there.
    pub fn github(&self) -> Option<&GithubForge> {
        match self {
            Self::Local(_) => None,
            Self::GitHub(forge) => Some(forge),
        }
    }

    /// What was used of the forge's API so far.
    pub fn usage(&self) -> Usage {
        match self {
            Self::Local(_) => Usage::default(),
            Self::GitHub(forge) => forge.client().usage(),
        }
    }
}

/// Names the repositories that a plan's pull requests go to. One that cannot be read has no place, which the forge says of its
/// pull request.
fn add_homes(forge: &mut LocalForge, run: &Run, ci: Option<&Arc<dyn Snapshot>>, plan: &Plan) {
    for pr in &plan.pull_requests {
        let repo = &pr.scope.repo;
        let Some(location) = pr
            .scope
            .release
            .parse()
            .ok()
            .and_then(|release| run.home_of(release, repo))
        else {
            continue;
        };
        let ci_config = run.config.sources.ci_config.as_ref();
        let is_ci = |read: &Arc<dyn Snapshot>| {
            ci_config.is_some_and(|config| config.repo() == location && config.base(read.origin()) == pr.base)
        };
        let known = ci.filter(|read| is_ci(read));
        let opened = || {
            run.sources
                .open(&repo.to_string(), &location, &pr.base)
                .ok()
                .map(Arc::from)
        };
        if let Some(source) = known.cloned().or_else(opened) {
            forge.add_home(repo.clone(), pr.base.clone(), home(&location, source));
        }
    }
}

/// Where branches of a target are made: in its own repository where that is local, else in one seeded from it.
fn home(location: &Location, source: Arc<dyn Snapshot>) -> Home {
    match (location, &source.origin().commit) {
        (Location::Path(path), Some(_)) => Home::Git(git_path(path)),
        _ => Home::Mirror(source),
    }
}

/// `PATH`, or `PATH.git` where only that is there.
pub fn git_path(path: &Path) -> PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let mut with_git = path.as_os_str().to_owned();
    with_git.push(".git");
    with_git.into()
}
