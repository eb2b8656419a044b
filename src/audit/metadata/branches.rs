//! A release written out where a variable belongs.

use std::sync::LazyLock;

use regex::Regex;

use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink};
use crate::base::Release;
use crate::facts::literal::Literal;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::metadata::Metadata;

static LITERAL: Code = Code {
    name: "literal-release",
    family: Family::Metadata,
    severity: Warning,
    title: "a branch or an image has a release written out",
    means: "`content.source.git.branch.target`, a base, a builder, or what one of OKD's stanzas says names a release by its \
            number and not by variables. It is copied as it is when the next release branches off, and goes on naming the \
            old one.",
    action: "Write `{MAJOR}.{MINOR}` in its place, or leave it if the image is really built from that one branch.",
    example: "beacon: the branch `release-4.16` names release 4.16 by its number",
    fix: Some("writes the variables in place of the number of the release itself; another one's is left to a person"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&LITERAL], &[], run);

/// What stands for a release's number.
const VARIABLES: &str = "{MAJOR}.{MINOR}";
const BRANCH: &str = "content.source.git.branch.target";

/// Where texts of an image say what it is built from, and of a stream what it stands for.
const OF_IMAGE: [&str; 6] = [
    BRANCH,
    "from",
    "content.source.ci_alignment.upstream_image",
    "content.source.ci_alignment.streams_prs.ci_build_root",
    "content.source.okd_alignment",
    "okd",
];
const OF_STREAM: [&str; 3] = ["image", "upstream_image", "okd"];

static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+\.\d+(\.\d+)*").expect("a pattern"));

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        let read = image.literals.iter().filter(|one| is_below(&one.key, &OF_IMAGE));
        for (one, other) in read.filter_map(|one| Some((one, named(one, metadata.release)?))) {
            let mut finding = finding(metadata, key, &Metadata::image_file(key), one, other);
            finding.component = metadata.repository_of(&image.view);
            add(metadata, &Metadata::image_file(key), one, other, finding, sink);
        }
    }
    for stream in metadata.streams() {
        let read = stream.literals.iter().filter(|one| is_below(&one.key, &OF_STREAM));
        for (one, other) in read.filter_map(|one| Some((one, named(one, metadata.release)?))) {
            let finding = finding(metadata, &format!("stream {}", stream.name), FILE, one, other);
            add(metadata, FILE, one, other, finding, sink);
        }
    }
}

const FILE: &str = "streams.yml";

fn is_below(key: &str, places: &[&str]) -> bool {
    let below = |place: &&str| {
        key.strip_prefix(*place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    places.iter().any(below)
}

/// The release that a text names.
fn named(one: &Literal, own: Release) -> Option<Release> {
    let mut numbers = NUMBER
        .find_iter(&one.text)
        .filter_map(|found| found.as_str().parse().ok());
    numbers.find(|number| is_ours(*number, own))
}

fn finding(metadata: &Metadata, what: &str, file: &str, one: &Literal, other: Release) -> Finding {
    let text = match one.key.as_str() {
        BRANCH => format!("{what}: the branch `{}` names release {other} by its number", one.text),
        key => format!(
            "{what}: `{key}` is {}, which names release {other} by its number",
            one.text
        ),
    };
    LITERAL
        .finding(text)
        .with_place(metadata.place(file, Some(one.line)))
        .with_help("write `{MAJOR}.{MINOR}` in its place")
        .with_subject(Subject::Key(format!("{file} {what} {}: {}", one.key, one.text)))
        .with_cause(one.text.clone())
}

fn add(metadata: &Metadata, file: &str, one: &Literal, other: Release, finding: Finding, sink: &mut Sink) {
    // Another release's number stays: with variables it would be another branch or image.
    let change = (other == metadata.release).then(|| Change::Metadata {
        file: file.to_owned(),
        edit: Edit::Replace {
            line: one.line,
            old: other.to_string(),
            new: VARIABLES.to_owned(),
        },
    });
    sink.add_with_fix(finding, change, "It follows the release from now on.");
}

/// Whether a number can be a release of the same product: components have versions of their own, too.
fn is_ours(number: Release, own: Release) -> bool {
    const NEAR: u32 = 12;
    if number.major == own.major {
        number.minor.abs_diff(own.minor) <= NEAR
    } else {
        // The last releases before a new first number; `4.0` stands in names that never change.
        number.major + 1 == own.major && number.minor >= NEAR
    }
}
