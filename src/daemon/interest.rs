//! Which repositories and branches matter, and to which releases.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Release, RepoName};
use crate::config::{Config, Releases};
use crate::server::Event;
use crate::server::triggers::EventKind;

/// What branches start with that pull requests are made from.
const HEADS: &str = "lockstep/";

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Everything.
    Whole,
    /// These releases.
    Releases(BTreeSet<Release>),
}

impl Look {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Releases(mut releases), Self::Releases(more)) => {
                releases.extend(more);
                Self::Releases(releases)
            }
            _ => Self::Whole,
        }
    }
}

/// A repository's name as GitHub compares it.
fn folded(repo: &RepoName) -> String {
    repo.to_string().to_ascii_lowercase()
}

/// Which repositories and branches matter, and to which releases.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    config: Option<Config>,
    /// The branch of the CI configs, where the configuration names none.
    ci_branch: Option<String>,
    looked_after: BTreeSet<Release>,
    components: BTreeMap<(String, String), BTreeSet<Release>>,
    /// Pull requests by their number: a comment does not say which branch it is about.
    requests: BTreeMap<(String, u64), Release>,
    /// Whether every release was derived, so that a repository that is not named here does not matter.
    complete: bool,
}

impl Interest {
    /// What matters to a configuration as long as nothing was read.
    pub fn of_config(config: &Config) -> Self {
        Self {
            config: Some(config.clone()),
            ..Self::default()
        }
    }

    /// Says which branch the CI configs were read from.
    pub fn read_from(&mut self, branch: Option<String>) {
        self.ci_branch = branch;
    }

    /// Adds a release and the branches of the components that it is derived from.
    pub fn add<'a>(&mut self, release: Release, components: impl Iterator<Item = (&'a RepoName, &'a str)>) {
        self.looked_after.insert(release);
        for (repo, branch) in components {
            for repo in self.names(release, repo) {
                let key = (repo, branch.to_owned());
                self.components.entry(key).or_default().insert(release);
            }
        }
    }

    /// Adds a pull request, by where people look at it.
    pub fn request(&mut self, repo: &RepoName, url: &str, release: Release) {
        let number = url.rsplit('/').next().and_then(|last| last.parse().ok());
        self.requests
            .extend(number.map(|number| ((folded(repo), number), release)));
    }

    /// Says that every release is there.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    /// What a component is called in metadata, and where it is read from.
    fn names(&self, release: Release, repo: &RepoName) -> BTreeSet<String> {
        let location = self
            .config
            .as_ref()
            .and_then(|config| config.sources.components.repo(release, repo));
        let read = location.and_then(|location| location.name());
        [Some(folded(repo)), read.as_ref().map(folded)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// What an event asks to look at, and why; `None` where it is about nothing that matters.
    pub fn of(&self, event: &Event) -> Option<(Look, String)> {
        match (&event.kind, &event.repo) {
            (EventKind::Installation, _) => Some((Look::Whole, "the app's installation has changed".to_owned())),
            (EventKind::Branch { branch, .. }, Some(repo)) => {
                Some((self.branch(repo, branch)?, format!("{repo} {branch}")))
            }
            (EventKind::PullRequest { number, head, action }, Some(repo)) => {
                let look = self.pull_request(repo, *number, head)?;
                Some((look, format!("{repo}#{number} {action}")))
            }
            (_, None) => None,
        }
    }

    /// What a change of a branch asks to look at.
    pub fn branch(&self, repo: &RepoName, branch: &str) -> Option<Look> {
        let config = self.config.as_ref()?;
        let ci = config.sources.ci_config.as_ref();
        if let Some(ci) = ci.filter(|ci| ci.name().is_some_and(|name| folded(&name) == folded(repo))) {
            // As long as nobody knows which branch it is, it may be any but those that pull requests are made from.
            let base = ci.branch.as_ref().or(self.ci_branch.as_ref());
            return match base.map_or(!branch.starts_with(HEADS), |base| base == branch) {
                true => Some(Look::Whole),
                false => self.release_of_head(branch),
            };
        }
        if let Some(look) = self.build_data(config, repo, branch) {
            return Some(look);
        }
        match self.components.get(&(folded(repo), branch.to_owned())) {
            Some(releases) => Some(Look::Releases(releases.clone())),
            // Nobody knows yet which repositories matter.
            None if !self.complete => Some(Look::Whole),
            None => None,
        }
    }

    fn build_data(&self, config: &Config, repo: &RepoName, branch: &str) -> Option<Look> {
        let source = &config.sources.build_data;
        let release = source.release_of(branch);
        let shared = source.shared_repo().and_then(|at| at.name());
        if shared.is_some_and(|name| folded(&name) == folded(repo)) {
            let release = release?;
            return match &config.releases {
                // A branch that was not there before may be a release.
                Releases::Auto if !self.looked_after.contains(&release) => Some(Look::Whole),
                Releases::List(list) if !list.contains(&release) => None,
                _ => Some(Look::Releases(BTreeSet::from([release]))),
            };
        }
        let own = self.looked_after.iter().filter(|release| {
            let name = source.repo(**release).name();
            source.branch(**release) == branch && name.is_some_and(|name| folded(&name) == folded(repo))
        });
        let own: BTreeSet<Release> = own.copied().collect();
        (!own.is_empty()).then_some(Look::Releases(own))
    }

    fn pull_request(&self, repo: &RepoName, number: u64, head: &str) -> Option<Look> {
        if let Some(release) = self.requests.get(&(folded(repo), number)) {
            return Some(Look::Releases(BTreeSet::from([*release])));
        }
        let ci = self.config.as_ref()?.sources.ci_config.as_ref()?;
        let ours = ci.name().is_some_and(|name| folded(&name) == folded(repo));
        ours.then(|| self.release_of_head(head)).flatten()
    }

    /// The release of a branch that pull requests are made from.
    fn release_of_head(&self, head: &str) -> Option<Look> {
        let (_, release) = head.strip_prefix(HEADS)?.split_once('/')?;
        let release: Release = release.parse().ok()?;
        let ours = self.looked_after.contains(&release);
        ours.then(|| Look::Releases(BTreeSet::from([release])))
    }
}
