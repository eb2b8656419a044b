//! Repositories that OKD's builds enable and that the group does not have.

use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::metadata::references::at;
use crate::finding::Severity::Error;
use crate::finding::{Code, Family, Subject};
use crate::model::metadata::Metadata;
use crate::rules::load::near;
use crate::yaml::Node;

static CODE: Code = Code {
    name: "unknown-repository",
    family: Family::Doozer,
    severity: Error,
    title: "an `okd` stanza enables a package repository that the group does not have",
    means: "What `okd.enabled_repos` names is enabled in the build, out of the group's `repos` with those of the group's own `okd` laid \
            over them. At a name that is not there the rebase stops (art-tools: `doozerlib/repos.py` `content_sets`), so that the image \
            is not built. Groups that have no `repos` in group.yml are not looked at.",
    action: "Write the name that the group has, or add the repository to it.",
    example: "beacon: `okd.enabled_repos` names baseos-rpm, which is no repository of the group",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    let Some(repos) = &metadata.group.repos else { return };
    let known: Vec<&str> = repos.iter().map(String::as_str).collect();
    for (key, image) in &metadata.images {
        let items = at(&image.node, "okd.enabled_repos").and_then(Node::as_seq);
        for item in items.unwrap_or_default() {
            let Some(name) = item.text().filter(|name| !repos.contains(*name)) else {
                continue;
            };
            let text = format!("{key}: `okd.enabled_repos` names {name}, which is no repository of the group");
            let mut finding = CODE
                .finding(text)
                .with_place(metadata.place(Metadata::image_file(key), Some(item.pos.line)))
                .with_help(
                    near(name, &known).unwrap_or_else(|| "name one that the group has, or add it there".to_owned()),
                )
                .with_subject(Subject::Key(format!("okd.enabled_repos.{name}")));
            finding.image = context.release.tag(key);
            sink.add(finding);
        }
    }
}
