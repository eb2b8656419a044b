//! Keys of the OKD stanzas that nobody reads.

use super::references::at;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink, spelling};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family, Finding};
use crate::model::metadata::Metadata;
use crate::rules::load::near;
use crate::yaml::{Mapping, Node, Value};

static UNKNOWN: Code = Code {
    name: "unknown-okd-key",
    family: Family::Metadata,
    severity: Warning,
    title: "an OKD stanza has a key that no reader knows",
    means: "The key has no effect. Most often it is a misspelled one, and what it was meant for does not happen.",
    action: "Correct the key; the message has the nearest known one.",
    example: "beacon: `content.source.okd_alignment.dockerfil` is no key that is read",
    fix: Some("gives it the name of the one known key that differs in no more than two letters, unless that is there"),
};

static UNREACHABLE: Code = Code {
    name: "unreachable-okd-key",
    family: Family::Metadata,
    severity: Warning,
    title: "a key for OKD stands where no reader looks, or where another one makes it idle",
    means: "An OKD stanza in another place than its readers look at has no effect, and neither has a key that another one puts out \
            of action: what is built under another image's name has no Dockerfile, and a test that never runs by itself has no \
            filter.",
    action: "Move the stanza to where it is read, or remove what has no effect.",
    example: "beacon: `okd_alignment.run_if_changed` has no effect without `okd_alignment.ci_always_run: true`",
    fix: None,
};

/// The check of unknown keys.
pub static UNKNOWN_CHECK: Check = Check::new(&[&UNKNOWN], &[], unknown);

/// The check of keys without effect.
pub static UNREACHABLE_CHECK: Check = Check::new(&[&UNREACHABLE], &[], unreachable);

const ALIGNMENT: &str = "content.source.okd_alignment";

/// The keys of `okd_alignment`.
const OF_ALIGNMENT: [&str; 14] = [
    "build_args",
    "ci_always_run",
    "ci_build_root",
    "context_dir",
    "dockerfile",
    "enabled",
    "from",
    "inject_rpm_repositories",
    "path",
    "resolve_as",
    "resources",
    "run_if_changed",
    "skip_if_only_changed",
    "tag_name",
];

/// The keys of an image's file, which are those of the `okd` stanza, too: it is merged over the file.
const OF_IMAGE: [&str; 31] = [
    "additional_tags",
    "alternative_upstream",
    "arches",
    "base_only",
    "cachito",
    "canonical_builders_from_upstream",
    "container_yaml",
    "content",
    "delivery",
    "dependents",
    "distgit",
    "enabled_repos",
    "envs",
    "external_scanners",
    "final_stage_user",
    "for_payload",
    "for_release",
    "from",
    "konflux",
    "labels",
    "maintainer",
    "mode",
    "name",
    "name_in_bundle",
    "no_oit_comments",
    "non_shipping_repos",
    "owners",
    "payload_name",
    "push",
    "scan_sources",
    "wait_for",
];

/// The keys of an image's `content.source`.
const OF_SOURCE: [&str; 10] = [
    "alias",
    "artifacts",
    "ci_alignment",
    "dockerfile",
    "dockerfile_fallbacks",
    "git",
    "modifications",
    "okd_alignment",
    "path",
    "pkg_managers",
];

fn unknown(context: &Context<'_>, sink: &mut Sink) {
    for (key, image) in &context.metadata().images {
        let node = &image.node;
        let stanzas: [(&str, Option<&Node>, &[&str]); 4] = [
            (ALIGNMENT, at(node, ALIGNMENT), &OF_ALIGNMENT),
            ("okd", node.get("okd"), &OF_IMAGE),
            ("okd.content", at(node, "okd.content"), &["source"]),
            ("okd.content.source", at(node, "okd.content.source"), &OF_SOURCE),
        ];
        for (stanza, node, known) in stanzas {
            let entries = node.and_then(Node::as_map).into_iter().flat_map(Mapping::iter);
            for (name, value) in entries.filter(|(name, _)| !known.contains(name)) {
                let help = near(name, known).unwrap_or_else(|| format!("known here: {}", known.join(", ")));
                let text = format!("{key}: `{stanza}.{name}` is no key that is read");
                let finding = finding(context, &UNKNOWN, key, text, value.pos.line).with_help(help);
                let to = spelling::meant(name, known.iter().copied());
                let change = to.map(|to| Change::Metadata {
                    file: Metadata::image_file(key),
                    edit: Edit::Rename {
                        key: format!("{stanza}.{name}"),
                        to: to.to_owned(),
                    },
                });
                sink.add_with_fix(finding, change, format!("No reader knows `{stanza}.{name}`."));
            }
        }
    }
}

fn unreachable(context: &Context<'_>, sink: &mut Sink) {
    for (key, image) in &context.metadata().images {
        misplaced(&image.node, "", &mut |path, line| {
            let name = path.rsplit('.').next().unwrap_or(path);
            let right = if name == "okd" { "okd" } else { ALIGNMENT };
            let text = format!("{key}: no reader looks at `{path}`");
            let help = format!("it is read at `{right}`");
            sink.add(finding(context, &UNREACHABLE, key, text, line).with_help(help));
        });
        idle(context, key, &image.node, sink);
    }
}

/// OKD stanzas in other places than their own.
fn misplaced(node: &Node, path: &str, see: &mut impl FnMut(&str, u32)) {
    match &node.value {
        Value::Map(map) => {
            for (key, value) in &map.entries {
                let here = if path.is_empty() {
                    key.text.to_string()
                } else {
                    format!("{path}.{}", key.text)
                };
                let stanza = matches!(&*key.text, "okd" | "okd_alignment");
                if stanza && here != "okd" && here != ALIGNMENT {
                    see(&here, key.pos.line);
                } else {
                    misplaced(value, &here, see);
                }
            }
        }
        Value::Seq(items) => items.iter().for_each(|item| misplaced(item, path, see)),
        _ => {}
    }
}

/// Keys that another one puts out of action.
fn idle(context: &Context<'_>, key: &str, node: &Node, sink: &mut Sink) {
    let Some(alignment) = at(node, ALIGNMENT) else { return };
    let is = |name: &str, value: bool| alignment.get(name).and_then(Node::as_bool) == Some(value);
    let mut tell = |name: &str, why: &str| {
        if let Some(there) = alignment.get(name) {
            let text = format!("{key}: `okd_alignment.{name}` has no effect {why}");
            let help = format!("remove `okd_alignment.{name}`, or what makes it idle");
            sink.add(finding(context, &UNREACHABLE, key, text, there.pos.line).with_help(help));
        }
    };
    if !is("ci_always_run", true) {
        for name in ["run_if_changed", "skip_if_only_changed"] {
            tell(name, "without `okd_alignment.ci_always_run: true`");
        }
    }
    let building = [
        "build_args",
        "context_dir",
        "dockerfile",
        "from",
        "inject_rpm_repositories",
        "path",
        "resources",
    ];
    if alignment.get("resolve_as").is_some() {
        let why = "beside `okd_alignment.resolve_as`, which puts another image in its place";
        building.iter().chain(&["tag_name"]).for_each(|name| tell(name, why));
    } else if is("enabled", false) {
        building
            .iter()
            .for_each(|name| tell(name, "beside `okd_alignment.enabled: false`"));
    }
}

fn finding(context: &Context<'_>, code: &Code, key: &str, text: String, line: u32) -> Finding {
    let place = context.metadata().place(Metadata::image_file(key), Some(line));
    let mut finding = code.finding(text).with_place(place);
    finding.image = context.release.tag(key);
    finding
}
