//! Modules that ask for a newer Go than any of the release's variables names.

use std::collections::BTreeSet;

use super::streams::{asked, go_line};
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::derive::Standing;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::model::go::GoVersion;

static CODE: Code = Code {
    name: "go-beyond-vars",
    family: Family::Go,
    severity: Warning,
    title: "a module asks for a newer Go than the release has",
    means: "group.yml's `GO_…` variables say which versions of Go a release is built with, and go.mod on the branch that is \
            built asks for a newer one than all of them: no builder of the release can have it.",
    action: "Raise the variable and the streams that use it, or lower the `go` line on this branch.",
    example: "openshift/beacon: go.mod asks for Go 1.23, and the newest of group.yml's variables is GO_LATEST, 1.22",
    fix: None,
};

/// How variables that name a version of Go start.
const PREFIX: &str = "GO_";

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::Components], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let vars = context
        .metadata()
        .group
        .vars
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX));
    let known = vars.filter_map(|(name, value)| Some((GoVersion::parse(value)?, name)));
    let Some((newest, name)) = known.max_by_key(|(go, name)| (go.major, go.minor, go.patch, *name)) else {
        return;
    };
    let mut told = BTreeSet::new();
    let derived = context
        .release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived);
    for image in derived {
        let (Some((asked, file)), Some(repo)) = (asked(image), &image.repository.value) else {
            continue;
        };
        if newest.satisfies(asked) || !told.insert(repo) {
            continue;
        }
        let text =
            format!("{repo}: {file} asks for Go {asked}, and the newest of group.yml's variables is {name}, {newest}");
        let help = format!("raise {name} in group.yml, or lower the `go` line on {}", image.branch);
        let finding = CODE.finding(text).with_place(go_line(image)).with_help(help);
        sink.add(finding.with_component(repo.to_string()).with_cause(name.clone()));
    }
}
