//! Whether developers can be told what is to be told, and which permission is missing for it.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use super::forge::{Forge, Repository, lacks, refused};
use crate::audit::pattern::matches;
use crate::base::RepoName;
use crate::config::{Comment, Config, PullForm, Pulls};
use crate::github::Credential;
use crate::told;

/// As many repositories are asked for each thing that is told.
const ASKED: usize = 20;
/// As many are named where they have the same fault.
const NAMED: usize = 5;

/// What is to be told, where, and what that needs.
struct Need {
    /// The key in the configuration.
    what: &'static str,
    /// What is done there.
    does: &'static str,
    /// What an App has to be allowed, as GitHub's API names it.
    permissions: Vec<(&'static str, &'static str)>,
    repos: BTreeSet<RepoName>,
    /// Whether whose token it is has to be somebody who may push.
    push: bool,
    /// Whether issues have to be turned on.
    issues: bool,
}

/// What is needed for what is configured. `components`: where images are built from; `shared`: build data and CI configs.
fn needs(config: &Config, components: &BTreeSet<RepoName>, shared: &BTreeSet<RepoName>) -> Vec<Need> {
    let mut needs = Vec::new();
    if let Some(pulls) = &config.feedback.pulls {
        needs.push(of_pulls(pulls, components, shared));
    }
    let Some(breaks) = &config.feedback.breaks else {
        return needs;
    };
    let what = "feedback.breaks";
    let issues = |repos: BTreeSet<RepoName>| Need {
        what,
        does: "issues can be opened",
        permissions: vec![("issues", "write")],
        repos,
        push: false,
        issues: true,
    };
    let table = breaks.table.iter().cloned().collect::<BTreeSet<_>>();
    let has_table = !table.is_empty() && breaks.form != told::Form::Issue;
    needs.push(issues(if has_table { table } else { components.clone() }));
    if breaks.form == told::Form::Comment {
        needs.push(Need {
            what,
            does: "merged pull requests can be commented on",
            permissions: vec![("pull_requests", "write")],
            repos: components.clone(),
            push: false,
            issues: false,
        });
    }
    needs
}

fn of_pulls(pulls: &Pulls, components: &BTreeSet<RepoName>, shared: &BTreeSet<RepoName>) -> Need {
    let is_named = |name: &&RepoName| {
        let name = name.to_string();
        pulls.repositories.iter().any(|pattern| matches(pattern, &name))
    };
    let (does, writes) = match pulls.form {
        PullForm::Check => ("checks can be written", "checks"),
        PullForm::Status => ("statuses can be set", "statuses"),
    };
    let comments = if pulls.comment == Comment::Never {
        "read"
    } else {
        "write"
    };
    Need {
        what: "feedback.pulls",
        does,
        permissions: vec![(writes, "write"), ("contents", "read"), ("pull_requests", comments)],
        repos: components.union(shared).filter(is_named).cloned().collect(),
        push: pulls.form == PullForm::Status,
        issues: false,
    }
}

impl Forge<'_> {
    /// Looks at all that is to be told.
    pub(super) fn told(
        &self,
        config: &Config,
        components: &BTreeSet<RepoName>,
        shared: &BTreeSet<RepoName>,
    ) -> Vec<Check> {
        needs(config, components, shared)
            .iter()
            .flat_map(|need| self.need(config, need))
            .collect()
    }

    fn need(&self, config: &Config, need: &Need) -> Vec<Check> {
        let is_app = matches!(self.credential, Credential::App { .. });
        let is_check = config
            .feedback
            .pulls
            .as_ref()
            .is_some_and(|pulls| pulls.form == PullForm::Check);
        if need.what == "feedback.pulls" && is_check && !is_app {
            let help = "set `forge.app`, or `as: status`";
            return vec![Check::fail(
                need.what,
                "only an app can write checks, and `forge` has a token",
                help,
            )];
        }
        if need.repos.is_empty() {
            return vec![Check::note(
                need.what,
                "no repository is known that it is about",
                "check `repositories`",
            )];
        }
        let mut faults: BTreeMap<(String, String), Vec<&RepoName>> = BTreeMap::new();
        for repo in need.repos.iter().take(ASKED) {
            if let Some(fault) = self.stands_against(repo, need) {
                faults.entry(fault).or_default().push(repo);
            }
        }
        let asked = need.repos.len().min(ASKED);
        let more = match need.repos.len() - asked {
            0 => String::new(),
            more => format!("; {more} more were not asked"),
        };
        if faults.is_empty() {
            return vec![Check::ok(
                need.what,
                format!(
                    "{} in {}{more}",
                    need.does,
                    named(&need.repos.iter().take(ASKED).collect::<Vec<_>>())
                ),
            )];
        }
        let told = faults
            .into_iter()
            .map(|((found, help), repos)| Check::fail(need.what, format!("{}: {found}", named(&repos)), help));
        told.collect()
    }

    /// What stands against it in a repository, and what to do about it.
    fn stands_against(&self, repo: &RepoName, need: &Need) -> Option<(String, String)> {
        let told = |check: Check| Some((check.found, check.help));
        if let Credential::App { .. } = self.credential {
            match self.client.installation(repo) {
                Err(fault) => return told(refused(need.what, &fault)),
                Ok(installation) => {
                    if let Some(found) = lacks(&installation, &need.permissions) {
                        let help = format!(
                            "change the app's permissions, and have an owner of {} accept them",
                            repo.org
                        );
                        return Some((found, help));
                    }
                }
            }
        }
        match self.repository_of(repo, "looking at the repository") {
            Err(fault) => told(refused(need.what, &fault)),
            Ok(found) => self.of_repository(&found, need),
        }
    }

    fn of_repository(&self, found: &Repository, need: &Need) -> Option<(String, String)> {
        let told = |found: &str, help: &str| Some((found.to_owned(), help.to_owned()));
        let is_app = matches!(self.credential, Credential::App { .. });
        match () {
            () if *found.archived => told(
                "it is archived: nothing can be written",
                "leave it out, or have it unarchived",
            ),
            () if need.issues && *found.has_issues == Some(false) => told(
                "issues are turned off there",
                "turn them on, or tell breaks in a `table` elsewhere",
            ),
            () if need.push && !is_app && *found.permissions.push == Some(false) => told(
                "whose token it is may not write there, and so sets no status",
                "let them, with a token that has *Commit statuses* (read and write)",
            ),
            () => None,
        }
    }
}

fn named(repos: &[&RepoName]) -> String {
    let names: Vec<String> = repos.iter().take(NAMED).map(ToString::to_string).collect();
    match repos.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
