//! OKD's configs that nobody needs any more: of releases that are closed, and of branches that have no config for OCP.

use super::configs::{of_all_releases, place, taken_apart};
use crate::audit::check::{Check, Need};
use crate::audit::context::{CiConfigs, Context};
use crate::audit::{Change, Sink};
use crate::base::RepoName;
use crate::facts::ci_config::{self, ConfigName, Promotion};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};

static CODE: Code = Code {
    name: "stale-config",
    family: Family::Files,
    severity: Warning,
    title: "OKD's config of a branch is left over",
    means: "It promotes to a release that is closed (`closed` of a rule on payload: by default what build data says of the \
            release, `software_lifecycle.phase`), or OCP's config of the branch was removed, as happens when a release is closed \
            or a repository retired. OKD's goes on building and promoting what nobody tests or ships any more.",
    action: "Remove the config and its jobs, or bring OCP's config of the branch back.",
    example: "the branch release-4.9 of openshift/beacon has no config without a variant",
    fix: Some(
        "where all releases are audited: removes the config and its jobs, unless it promotes to anything else than releases of OKD, a release of the audit is \
         built from the branch, or somebody added tests to it",
    ),
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(ci) = of_all_releases(context) else { return };
    for (path, text) in &ci.variant {
        let Some((repo, name)) = taken_apart(path) else {
            continue;
        };
        // Where nothing is promoted nothing is left to go wrong, and a broken file is told of elsewhere.
        let promotions = ci_config::promotions(text).unwrap_or_default();
        let active: Vec<&Promotion> = promotions.iter().filter(|promotion| promotion.promotes()).collect();
        let Some((why, line, cause)) = why(ci, &repo, &name, &active) else {
            continue;
        };
        let finding = CODE
            .finding(why.clone())
            .with_place(place(ci, path, line))
            .with_help("remove the config and its jobs, unless the branch is still built for OCP")
            .with_component(repo.to_string())
            .with_cause(cause);
        let change = ci.is_spare(&repo, &name.branch, text).then(|| Change::Retire {
            config: path.clone(),
            text: text.clone(),
        });
        sink.add_with_fix(finding, change, format!("{why}."));
    }
}

/// Why a config is left over, the line that tells, and what it has in common with others.
fn why(ci: &CiConfigs, repo: &RepoName, name: &ConfigName, active: &[&Promotion]) -> Option<(String, u32, String)> {
    let first = active.first()?;
    let stream = |promotion: &Promotion| (promotion.namespace.clone(), promotion.name.clone());
    let closed: Vec<_> = active.iter().filter_map(|one| ci.closed.get(&stream(one))).collect();
    // What also goes somewhere else is still of use.
    if let (Some(one), true) = (closed.first(), closed.len() == active.len()) {
        let text = format!(
            "the branch {} of {repo} is promoted to {}/{}, and release {} is closed: {}",
            name.branch, first.namespace, first.name, one.release, one.because
        );
        return Some((text, first.line, format!("release {}", one.release)));
    }
    let plain = ConfigName {
        variant: None,
        branch: name.branch.clone(),
    };
    if ci.plain.contains(&plain.path(&repo.org, &repo.repo)) {
        return None;
    }
    let text = format!("the branch {} of {repo} has no config without a variant", name.branch);
    Some((text, first.line, name.branch.clone()))
}
