//! Tags that two of OKD's configs promote.

use std::collections::BTreeMap;

use super::configs::{of_all_releases, place, taken_apart};
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::facts::ci_tags::Tag;
use crate::facts::{ci_config, ci_tags};
use crate::finding::Severity::Error;
use crate::finding::{Code, Family};

static CODE: Code = Code {
    name: "promoted-twice",
    family: Family::Files,
    severity: Error,
    title: "two of OKD's configs promote one tag",
    means: "Whichever builds last wins, so that the payload has now the one image, now the other. The CI repository's own \
            checks refuse a change that adds such a pair, and every later change of either file with it.",
    action: "Remove the tag from one of them: `excluded_images`, another stream, or `disabled: true`.",
    example: "okd/4.16:beacon is promoted by the config of main of openshift/beacon, and by the config of release-4.16 of openshift/beacon",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(ci) = of_all_releases(context) else { return };
    let mut by_tag: BTreeMap<Tag, Vec<&String>> = BTreeMap::new();
    for (path, text) in &ci.variant {
        // What is no YAML promotes nothing that can be named; it is told of elsewhere.
        let Ok(facts) = ci_tags::read(text) else { continue };
        for tag in facts.promotes {
            by_tag.entry(tag).or_default().push(path);
        }
    }
    // One finding for two files, however many tags they share.
    let mut pairs: BTreeMap<(&String, &String), Vec<Tag>> = BTreeMap::new();
    for (tag, paths) in by_tag {
        for pair in paths.windows(2) {
            pairs.entry((pair[0], pair[1])).or_default().push(tag.clone());
        }
    }
    for ((one, other), tags) in pairs {
        let Some(first) = tags.first() else { continue };
        let rest = match tags.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let text = format!("{first}{rest} is promoted by {}, and by {}", about(one), about(other));
        let line = ci
            .variant
            .get(other)
            .and_then(|text| ci_config::promotions(text).ok()?.first().map(|p| p.line));
        let finding = CODE
            .finding(text)
            .with_place(place(ci, other, line.unwrap_or(1)))
            .with_help(format!("exclude the tag in one of them; the other file is {one}"));
        let finding = finding.with_image(first.tag.clone());
        sink.add(match taken_apart(other) {
            Some((repo, _)) => finding.with_component(repo.to_string()),
            None => finding,
        });
    }
}

fn about(path: &str) -> String {
    match taken_apart(path) {
        Some((repo, name)) => format!("the config of {} of {repo}", name.branch),
        None => path.to_owned(),
    }
}
