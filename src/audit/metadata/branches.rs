//! Branches with a release written out where a variable belongs.

use std::sync::LazyLock;

use regex::Regex;

use crate::audit::Severity::Warning;
use crate::audit::check::{Check, Code, Family, nothing};
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink};
use crate::model::metadata::Metadata;
use crate::model::release::Release;

static LITERAL: Code = Code {
    name: "literal-release",
    family: Family::Metadata,
    severity: Warning,
    title: "a branch has a release written out",
    means: "`content.source.git.branch.target` names a release by its number and not by variables. It is copied as it is when \
            the next release branches off, and goes on naming the old one.",
    action: "Write `{MAJOR}.{MINOR}` in its place, or leave it if the image is really built from that one branch.",
    example: "beacon: the branch `release-4.16` names release 4.16 by its number",
    fix: Some("writes the variables in place of the number of the release itself; another one's is left to a person"),
};

/// The check.
pub static CHECK: Check = Check {
    codes: &[&LITERAL],
    needs: &[],
    asks: nothing,
    run,
};

/// What stands for a release's number.
const VARIABLES: &str = "{MAJOR}.{MINOR}";

static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+\.\d+(\.\d+)*").expect("a pattern"));

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in metadata.images.iter().filter(|(_, image)| image.literal_branch) {
        let branch = image.view["source"]["branch"].as_str().unwrap_or_default();
        let mut named = NUMBER.find_iter(branch).filter_map(|found| found.as_str().parse().ok());
        let Some(other) = named.find(|number| is_ours(*number, metadata.release)) else {
            continue;
        };
        let text = format!("{key}: the branch `{branch}` names release {other} by its number");
        let place = metadata.image_place(key, &["source", "branch"]);
        let place_line = place.line;
        let mut finding = LITERAL
            .finding(text)
            .with_place(place)
            .with_help("write `{MAJOR}.{MINOR}` in its place");
        finding.component = metadata.repository_of(&image.view);
        // Another release's number stays: with variables the branch would be another one.
        let change = place_line
            .filter(|_| other == metadata.release)
            .map(|line| Change::Metadata {
                file: Metadata::image_file(key),
                edit: Edit::Replace {
                    line,
                    old: other.to_string(),
                    new: VARIABLES.to_owned(),
                },
            });
        let because = "The branch follows the release from now on.";
        sink.add_with_fix(finding.with_cause(branch.to_owned()), change, because);
    }
}

/// Whether a number can be a release of the same product: components have versions of their own, too.
fn is_ours(number: Release, own: Release) -> bool {
    const NEAR: u32 = 12;
    if number.major == own.major {
        number.minor.abs_diff(own.minor) <= NEAR
    } else {
        number.major.abs_diff(own.major) == 1 && number.minor >= NEAR.min(own.minor)
    }
}
