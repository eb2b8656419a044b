//! OKD's configs of branches that have no config for OCP any more.

use super::configs::{of_all_releases, place, taken_apart};
use crate::audit::Severity::Warning;
use crate::audit::Sink;
use crate::audit::check::{Check, Code, Family, Need, nothing};
use crate::audit::context::Context;
use crate::facts::ci_config::{self, ConfigName};

static CODE: Code = Code {
    name: "stale-config",
    family: Family::Files,
    severity: Warning,
    title: "OKD's config of a branch is there, and OCP's is not",
    means: "OCP's config of the branch was removed, as happens when a release is closed or a repository retired. OKD's goes on \
            building and promoting from a branch that nobody tests any more.",
    action: "Remove the config and its jobs, or bring OCP's config of the branch back.",
    example: "the branch release-4.9 of openshift/beacon has no config without a variant",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check {
    codes: &[&CODE],
    needs: &[Need::CiConfigs],
    asks: nothing,
    run,
};

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(ci) = of_all_releases(context) else { return };
    for (path, text) in &ci.variant {
        let Some((repo, name)) = taken_apart(path) else {
            continue;
        };
        let plain = ConfigName {
            variant: None,
            branch: name.branch.clone(),
        };
        // Where nothing is promoted nothing is left to go wrong, and a broken file is told of elsewhere.
        let promotions = ci_config::promotions(text).unwrap_or_default();
        let Some(promotion) = promotions.iter().find(|promotion| !promotion.disabled) else {
            continue;
        };
        if ci.plain.contains(&plain.path(&repo.org, &repo.repo)) {
            continue;
        }
        let finding = CODE
            .finding(format!(
                "the branch {} of {repo} has no config without a variant",
                name.branch
            ))
            .with_place(place(ci, path, promotion.line))
            .with_help("remove the config and its jobs, unless the branch is still built for OCP");
        sink.add(finding.with_component(repo.to_string()).with_cause(name.branch));
    }
}
