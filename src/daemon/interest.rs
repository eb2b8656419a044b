//! Which repositories and branches matter, and to which releases.

use std::collections::{BTreeMap, BTreeSet};

use super::look::Extent;
use crate::audit::pattern::matches;
use crate::base::{Release, RepoName};
use crate::config::{Config, Forge, Releases};
use crate::github::Credential;
use crate::run::feedback::Wish;
use crate::server::Event;
use crate::server::triggers::EventKind;

/// What branches start with that pull requests are made from.
const HEADS: &str = "lockstep/";

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
    pub fn of(&self, event: &Event) -> Option<(Extent, String)> {
        match (&event.kind, &event.repo) {
            (EventKind::Installation, _) => Some((Extent::Whole, "the app's installation has changed".to_owned())),
            (EventKind::Branch { branch, .. }, Some(repo)) => {
                Some((self.branch(repo, branch)?, format!("{repo} {branch}")))
            }
            (EventKind::PullRequest { number, head, action }, Some(repo)) => {
                let ours = self.pull_request(repo, *number, head);
                let others = self.of_others(repo, action);
                let look = match (ours, others) {
                    (Some(ours), Some(others)) => ours.and(others),
                    (one, other) => one.or(other)?,
                };
                Some((look, format!("{repo}#{number} {action}")))
            }
            (EventKind::Asked { number, head, app }, Some(repo)) => {
                let look = self.asked(repo, *number, head.as_deref(), *app)?;
                let what = number.map_or_else(
                    || format!(" at {}", head.as_deref().unwrap_or_default()),
                    |n| format!("#{n}"),
                );
                Some((look, format!("somebody asks for a look at {repo}{what}")))
            }
            (_, None) => None,
        }
    }

    /// What a change of a branch asks to look at.
    pub fn branch(&self, repo: &RepoName, branch: &str) -> Option<Extent> {
        let config = self.config.as_ref()?;
        let ci = config.sources.ci_config.as_ref();
        if let Some(ci) = ci.filter(|ci| ci.name().is_some_and(|name| folded(&name) == folded(repo))) {
            // As long as nobody knows which branch it is, it may be any but those that pull requests are made from.
            let base = ci.branch.as_ref().or(self.ci_branch.as_ref());
            return match base.map_or(!branch.starts_with(HEADS), |base| base == branch) {
                true => Some(Extent::Whole),
                false => self.release_of_head(branch),
            };
        }
        if let Some(look) = self.build_data(config, repo, branch) {
            return Some(look);
        }
        match self.components.get(&(folded(repo), branch.to_owned())) {
            Some(releases) => Some(Extent::Releases(releases.clone())),
            // Nobody knows yet which repositories matter.
            None if !self.complete => Some(Extent::Whole),
            None => None,
        }
    }

    fn build_data(&self, config: &Config, repo: &RepoName, branch: &str) -> Option<Extent> {
        let source = &config.sources.build_data;
        let release = source.release_of(branch);
        let shared = source.shared_repo().and_then(|at| at.name());
        if shared.is_some_and(|name| folded(&name) == folded(repo)) {
            let release = release?;
            return match &config.releases {
                // A branch that was not there before may be a release.
                Releases::Auto if !self.looked_after.contains(&release) => Some(Extent::Whole),
                Releases::List(list) if !list.contains(&release) => None,
                _ => Some(Extent::Releases(BTreeSet::from([release]))),
            };
        }
        let own = self.looked_after.iter().filter(|release| {
            let name = source.repo(**release).name();
            source.branch(**release) == branch && name.is_some_and(|name| folded(&name) == folded(repo))
        });
        let own: BTreeSet<Release> = own.copied().collect();
        (!own.is_empty()).then_some(Extent::Releases(own))
    }

    /// Whether pull requests of a repository are told what they would do.
    fn is_told(&self, repo: &RepoName) -> bool {
        let Some(config) = &self.config else { return false };
        let Some(pulls) = &config.feedback.pulls else {
            return false;
        };
        let is_named = pulls
            .repositories
            .iter()
            .any(|pattern| matches(&pattern.to_ascii_lowercase(), &folded(repo)));
        // What is no component, nobody looks at; that is not known before all are.
        let is_read = !self.complete || self.branch_of_any(repo);
        is_named && is_read
    }

    /// Whether any branch of a repository is read.
    fn branch_of_any(&self, repo: &RepoName) -> bool {
        let name = folded(repo);
        let is_it = |other: Option<RepoName>| other.is_some_and(|other| folded(&other) == name);
        let Some(config) = &self.config else { return false };
        let build_data = &config.sources.build_data;
        let own = self
            .looked_after
            .iter()
            .any(|release| is_it(build_data.repo(*release).name()));
        let ci = config.sources.ci_config.as_ref().is_some_and(|ci| is_it(ci.name()));
        own || ci || self.components.keys().any(|(known, _)| *known == name)
    }

    /// What a change of a pull request of others asks to look at: none where it has the same commits for the same branch.
    fn of_others(&self, repo: &RepoName, action: &str) -> Option<Extent> {
        const CHANGES: [&str; 6] = [
            "opened",
            "reopened",
            "synchronize",
            "edited",
            "closed",
            "ready_for_review",
        ];
        let wish = Wish {
            repositories: BTreeSet::from([repo.clone()]),
            ..Wish::default()
        };
        (CHANGES.contains(&action) && self.is_told(repo)).then_some(Extent::Pulls(wish))
    }

    /// What somebody who asks for a look gets looked at.
    fn asked(&self, repo: &RepoName, number: Option<u64>, head: Option<&str>, app: Option<u64>) -> Option<Extent> {
        let own = match self.config.as_ref().map(|config| &config.forge) {
            Some(Forge::GitHub {
                credential: Credential::App { id, .. },
                ..
            }) => Some(*id),
            _ => None,
        };
        // Another app's button is none of ours.
        let is_ours = app.is_none_or(|app| own == Some(app));
        let request = number.and_then(|number| self.pull_request(repo, number, ""));
        let wish = Wish {
            pulls: number.map(|number| (repo.clone(), number)).into_iter().collect(),
            heads: head.map(|head| (repo.clone(), head.to_owned())).into_iter().collect(),
            ..Wish::default()
        };
        let told = (is_ours && self.is_told(repo)).then_some(Extent::Pulls(wish));
        match (request, told) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    fn pull_request(&self, repo: &RepoName, number: u64, head: &str) -> Option<Extent> {
        if let Some(release) = self.requests.get(&(folded(repo), number)) {
            return Some(Extent::Releases(BTreeSet::from([*release])));
        }
        let ci = self.config.as_ref()?.sources.ci_config.as_ref()?;
        let ours = ci.name().is_some_and(|name| folded(&name) == folded(repo));
        ours.then(|| self.release_of_head(head)).flatten()
    }

    /// The release of a branch that pull requests are made from.
    fn release_of_head(&self, head: &str) -> Option<Extent> {
        let (_, release) = head.strip_prefix(HEADS)?.split_once('/')?;
        let release: Release = release.parse().ok()?;
        let ours = self.looked_after.contains(&release);
        ours.then(|| Extent::Releases(BTreeSet::from([release])))
    }
}
