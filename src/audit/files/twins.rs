//! OKD's configs for both names of a development branch.

use std::collections::BTreeMap;

use super::configs::{of_all_releases, place, taken_apart};
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::{Change, Sink};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};

static CODE: Code = Code {
    name: "branch-twins",
    family: Family::Files,
    severity: Warning,
    title: "OKD has a config for master and one for main of one repository",
    means: "The development branch was renamed, and the config of its old name stayed. Both are built where both branches \
            exist; what the older one builds is of another time.",
    action: "Remove the config of the name that the repository no longer develops on, and its jobs.",
    example: "openshift/beacon has a config for main, and one for master",
    fix: Some(
        "where all releases are audited: removes the config of the name that OCP is not built from, with its jobs, unless it promotes to anything else than \
         releases of OKD, a release of the audit is built from it, or somebody added tests to it",
    ),
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(ci) = of_all_releases(context) else { return };
    let names = &context.release.payload.development;
    let mut by_repo: BTreeMap<_, Vec<(&String, String)>> = BTreeMap::new();
    for path in ci.variant.keys() {
        if let Some((repo, name)) = taken_apart(path)
            && names.contains(&name.branch)
        {
            by_repo.entry(repo).or_default().push((path, name.branch));
        }
    }
    for (repo, configs) in by_repo {
        let [(_, one), (path, other)] = configs.as_slice() else {
            continue;
        };
        let developed = context.release.configs.get(&repo).map(|config| config.branch.as_str());
        let old = [one, other].into_iter().find(|name| {
            Some(name.as_str()) != developed && developed.is_some_and(|branch| names.iter().any(|name| name == branch))
        });
        let help = match old {
            Some(old) => format!("remove the config of {old}, with its jobs: OCP is built from the other one"),
            None => "remove the config of the branch that is no longer developed on, with its jobs".to_owned(),
        };
        let finding = CODE
            .finding(format!("{repo} has a config for {one}, and one for {other}"))
            .with_place(place(ci, path, 1))
            .with_help(help);
        let spare = configs.iter().find(|(path, name)| {
            let text = ci.variant.get(*path);
            old == Some(name) && text.is_some_and(|text| ci.is_spare(&repo, name, text))
        });
        let change = spare.and_then(|(path, _)| {
            Some(Change::Retire {
                config: (*path).clone(),
                text: ci.variant.get(*path)?.clone(),
            })
        });
        let because = old.map(|old| format!("{repo} is no longer developed on {old}."));
        sink.add_with_fix(
            finding.with_component(repo.to_string()),
            change,
            because.unwrap_or_default(),
        );
    }
}
