//! Parts of configs that people added and that still name another release: the targets tell of them, here is what can be put
//! right by itself.

use std::sync::Arc;

use super::configs::place;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::{Change, Sink};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::targets::prow_config;
use crate::yaml;

static CODE: Code = Code {
    name: "names-other-release",
    family: Family::Files,
    severity: Warning,
    title: "what somebody added to a config still names another release",
    means: "The branch is built for another release by now, and what is lockstep's own moved. What people added (a base image, a \
            release to test on, a text in a step) still names the release that the branch had before: it works as long as that \
            one is there, and tests or ships the wrong thing. `releases.initial` may name the release before: upgrades start there.",
    action: "Move it to the config's release, unless it is meant.",
    example: "the config is for 4.17, and what somebody added to it still names 4.16: base_images.okd_okd-4.16_cli (line 2)",
    fix: Some("moves base images along whose tag the payload of the config's release has, with what refers to them"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(ci) = context.ci else { return };
    let release = context.release.build_config();
    let configs = release.repositories.iter();
    for (repo, config) in configs.filter(|(_, config)| !config.branch.is_empty()) {
        let path = prow_config::path(release, repo, config);
        let Some(text) = ci.variant.get(&path) else { continue };
        let Ok(root) = yaml::parse(text) else { continue };
        let own = prow_config::own(release, config);
        let Some((finding, line)) = own.finding(&root) else {
            continue;
        };
        let finding = finding
            .with_place(place(ci, &path, line))
            .with_component(repo.to_string());
        let change = own.moved(&root).map(|moved| Change::Config {
            config: path.clone(),
            text: text.clone(),
            after: Arc::from(yaml::emit(&moved).into_bytes()),
        });
        let because = format!("The config is for {}, whose payload has the tag, too.", release.release);
        sink.add_with_fix(finding, change, because);
    }
}
