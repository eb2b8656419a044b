//! The sentence for somebody who never heard of OKD, and the one that says what to do.

use super::answer::{Effect, Found, OfRelease, Verdict};
use crate::finding::Finding;

/// What OKD is, for those who never heard of it.
const OKD: &str = "OKD, the community's build of OpenShift from the same repositories,";

/// The verdict over all releases: the worst.
pub(super) fn worst(releases: &[OfRelease]) -> Verdict {
    releases
        .iter()
        .map(|release| release.verdict)
        .min()
        .unwrap_or(Verdict::Nothing)
}

/// What a change comes to, and what to do.
pub fn sentence(releases: &[OfRelease]) -> (Verdict, String, String) {
    if releases.is_empty() {
        return (
            Verdict::Nothing,
            format!("{OKD} builds nothing from this branch in any release that was looked at."),
            "Nothing needs to be done; if that is a surprise, look at the repository's name, the branch and the releases."
                .to_owned(),
        );
    }
    let verdict = worst(releases);
    let ours: Vec<&OfRelease> = releases.iter().filter(|release| release.verdict == verdict).collect();
    let names: Vec<&str> = ours.iter().map(|release| release.release.as_str()).collect();
    let of = match names.as_slice() {
        [] => String::new(),
        [one] => format!(" of release {one}"),
        several => format!(" of releases {}", several.join(", ")),
    };
    let Some(found) = ours.first().and_then(|release| first(release)) else {
        let mut files = releases.iter().flat_map(|release| &release.files);
        if let Some(file) = files.find(|file| file.puts_back) {
            return (
                Verdict::Nothing,
                format!(
                    "{} is written by lockstep for {OKD} and it would put back what this edits by hand.",
                    file.path
                ),
                "Say it with a rule, or have it accepted (`accept` in lockstep's configuration): both last.".to_owned(),
            );
        }
        return (
            Verdict::Nothing,
            format!("{OKD} is not affected by this."),
            "Nothing needs to be done.".to_owned(),
        );
    };
    let finding = &found.shown.finding;
    let (image, what) = (subject(finding), finding.message.trim_end_matches('.'));
    let sentence = match verdict {
        Verdict::Breaks => format!("With this {OKD} loses {image}{of}: {what}."),
        Verdict::Changes => format!("With this {OKD} gets {image}{of} wrong: {what}."),
        Verdict::Mends => format!("This puts right for {OKD} what was wrong with {image}{of}: {what}."),
        Verdict::Still | Verdict::Nothing => {
            format!("{OKD} has something wrong with {image}{of}, before this and after it: {what}.")
        }
    };
    (verdict, sentence, todo(verdict, found))
}

/// The finding that a verdict is spoken of by.
fn first(release: &OfRelease) -> Option<&Found> {
    let counts = |found: &&Found| matches!(found.impact, Effect::Break | Effect::Change);
    match release.verdict {
        Verdict::Breaks => release.new.iter().find(|found| found.impact == Effect::Break),
        Verdict::Changes => release.new.iter().find(counts),
        Verdict::Mends => release.gone.iter().find(counts).or(release.gone.first()),
        Verdict::Still => release.still.iter().filter(|found| found.is_worked_on()).find(counts),
        Verdict::Nothing => None,
    }
}

fn subject(finding: &Finding) -> String {
    match (&finding.image, &finding.component) {
        (Some(image), _) => format!("the image `{image}`"),
        (None, Some(component)) => format!("the images of {component}"),
        (None, None) => "some image".to_owned(),
    }
}

fn todo(verdict: Verdict, found: &Found) -> String {
    let finding = &found.shown.finding;
    if verdict == Verdict::Mends {
        return "Nothing needs to be done.".to_owned();
    }
    if let Some(cure) = &found.cure {
        return format!(
            "The metadata of this image in {} fits already: take `{}` over from {} of branch {} in ocp-build-data.",
            cure.release, cure.key, cure.file, cure.branch
        );
    }
    let help = finding.help.as_deref().unwrap_or_default();
    let mut letters = help.chars();
    let help = match letters.next() {
        Some(one) => format!("{}{}.", one.to_uppercase(), letters.as_str()),
        None => format!("See `lockstep audit --explain {}`.", finding.code),
    };
    match found.alone {
        true => help,
        false => format!("{help} OpenShift's own build meets this as well."),
    }
}
