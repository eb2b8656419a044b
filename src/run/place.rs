//! Where pull requests are made: the configured forge, with the repositories of the configured sources.
#![expect(clippy::disallowed_methods, reason = "looks which of two folders is there")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Run;
use crate::base::{Gate, Release};
use crate::config::Forge;
use crate::forge::Outcome;
use crate::forge::github::{GithubForge, GithubWriter};
use crate::forge::local::{Home, LocalForge, LocalWriter};
use crate::github::{Client, Fault, Usage};
use crate::plan::Plan;
use crate::source::{Location, Snapshot};

/// The configured forge.
pub enum Place {
    /// Branches and records on disk.
    Local(LocalForge),
    /// Pull requests on GitHub.
    GitHub(Box<GithubForge>),
}

impl Place {
    /// Gets the configured forge ready; every write asks the gate first.
    ///
    /// # Errors
    /// The client for GitHub cannot be made.
    pub fn of(run: &Run, ci: Option<&Arc<dyn Snapshot>>, gate: Gate) -> Result<Self, Fault> {
        Ok(match &run.config.forge {
            Forge::Local { dir } => {
                let forge = LocalForge::new(dir.clone(), super::forge_identity()).guarded(gate);
                Self::Local(with_homes(forge, run, ci))
            }
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

    /// Names the repositories of build data as places of pull requests, too.
    #[must_use]
    pub fn with_build_data(self, run: &Run, releases: &[Release]) -> Self {
        let Self::Local(mut forge) = self else { return self };
        let build_data = &run.config.sources.build_data;
        for release in releases {
            let location = build_data.repo(*release);
            if let (Some(name), Location::Path(path)) = (location.name(), &location) {
                forge.add_home(name, build_data.branch(*release), Home::Git(git_path(path)));
            }
        }
        Self::Local(forge)
    }

    /// Makes the pull requests of a plan what they should be; in a dry run only says what would be written. `now`: the
    /// time that local commits carry, in seconds since 1970-01-01.
    pub fn apply(&self, run: &Run, plan: &Plan, dry_run: bool, now: i64) -> Vec<Outcome> {
        match self {
            Self::Local(forge) => LocalWriter { forge, dry_run, now }.apply(plan),
            Self::GitHub(forge) => GithubWriter {
                forge,
                journal: &run.store,
                dry_run,
            }
            .apply(plan),
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

/// Names the repository of the CI configs as the place of its pull requests.
fn with_homes(mut forge: LocalForge, run: &Run, ci: Option<&Arc<dyn Snapshot>>) -> LocalForge {
    if let (Some(config), Some(ci)) = (&run.config.sources.ci_config, ci)
        && let Some(name) = config.name()
    {
        forge.add_home(name, config.branch.clone(), home(&config.repo(), Arc::clone(ci)));
    }
    forge
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
