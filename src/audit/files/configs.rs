//! What is common to the checks of configs in the CI repository.

use crate::audit::context::{CiConfigs, Context};
use crate::base::{Place, RepoName};
use crate::facts::ci_config::{self, ConfigName};

/// Takes the path of a config apart.
pub(super) fn taken_apart(path: &str) -> Option<(RepoName, ConfigName)> {
    let rest = path.strip_prefix(ci_config::ROOT)?.strip_prefix('/')?;
    let (org, rest) = rest.split_once('/')?;
    let (repo, file) = rest.split_once('/')?;
    let name = ConfigName::parse(file, org, repo)?;
    let repo = format!("{org}/{repo}").parse().ok()?;
    Some((repo, name))
}

/// A place in the CI configs.
pub(super) fn place(ci: &CiConfigs, path: &str, line: u32) -> Place {
    Place {
        repo: ci.origin.name.clone(),
        commit: ci.origin.commit.clone(),
        file: path.to_owned(),
        line: Some(line),
    }
}

/// The CI configs, for checks that look at those of all releases: they are run once, for the newest release.
pub(super) fn of_all_releases<'c>(context: &Context<'c>) -> Option<&'c CiConfigs> {
    context.ci.filter(|_| context.after.is_none())
}
