//! Dockerfiles of OKD's own that fell behind those of OCP that they were made from.

use super::unnamed::plain;
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::{Context, Twin};
use crate::audit::debt::{Debt, Owed};
use crate::base::{Place, RepoName};
use crate::derive::{DerivedImage, Release, Standing};
use crate::doozer::merge;
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::metadata::Metadata;

static BEHIND: Code = Code {
    name: "dockerfile-behind",
    family: Family::Files,
    severity: Warning,
    title: "a Dockerfile for OKD fell behind OCP's",
    means: "OCP's Dockerfile of the image got or lost a stage, COPY, ADD or RUN in a commit that left OKD's alone, and OKD's did \
            not follow since. OKD's image lacks something, or has what OCP's no longer has. A base counts only where OKD's file \
            still names the one that OCP's named before.",
    action: "Make the same change in OKD's Dockerfile.",
    example: "beacon: since 0123456789 Dockerfile has `COPY a /a`, and Dockerfile.okd has not",
    fix: None,
};

static NOT_JUDGED: Code = Code {
    name: "behind-not-judged",
    family: Family::Files,
    severity: Note,
    title: "whether a Dockerfile for OKD fell behind cannot be told",
    means: "That needs the history of the repository, and what is here of it does not go back far enough.",
    action: "Give `sources.components` a path with whole clones, or accept it.",
    example: "beacon: whether Dockerfile.okd fell behind Dockerfile cannot be told: the history that is here is shallow",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&BEHIND, &NOT_JUDGED], &[Need::History], run);

/// An image's Dockerfile of OKD's own and OCP's, where there are two.
pub struct Pair {
    /// The image's key.
    pub key: String,
    /// The repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// OKD's Dockerfile.
    pub file: String,
    /// OCP's.
    pub twin: String,
}

/// The images that OKD builds from another Dockerfile than OCP.
pub fn pairs(release: &Release<'_>) -> Vec<Pair> {
    let derived = release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived);
    derived.filter_map(|image| pair(release.metadata, image)).collect()
}

fn pair(metadata: &Metadata, image: &DerivedImage) -> Option<Pair> {
    let ocp = &metadata.images.get(&image.key)?.node;
    let (file, twin) = (plain(&image.dockerfile), plain(&merge::dockerfile_of(ocp)));
    (file != twin).then(|| Pair {
        key: image.key.clone(),
        repo: image
            .repository
            .value
            .clone()
            .expect("a derived image has a repository"),
        branch: image.branch.clone(),
        file,
        twin,
    })
}

fn run(context: &Context<'_>, sink: &mut Sink) {
    let (release, Some(twins)) = (context.release, context.twins) else {
        return;
    };
    for pair in pairs(release) {
        let Some(image) = release.images.get(&pair.key) else {
            continue;
        };
        let findings: Vec<Finding> = match twins.get(&pair.key) {
            Some(Twin::Apart { debts }) => debts.iter().map(|debt| behind(&pair, debt)).collect(),
            Some(Twin::Unknown(why)) => {
                let text = format!(
                    "{}: whether {} fell behind {} cannot be told: {why}",
                    pair.key, pair.file, pair.twin
                );
                vec![NOT_JUDGED.finding(text).with_cause(why.clone())]
            }
            // Without OCP's file there is nothing to fall behind.
            Some(Twin::Gone) | None => Vec::new(),
        };
        for finding in findings {
            let origin = image.origin.as_ref();
            let place = Place {
                repo: pair.repo.to_string(),
                commit: origin.and_then(|origin| origin.commit.clone()),
                file: pair.file.clone(),
                line: Some(1),
            };
            let finding = finding.with_place(place).with_image(image.tag.value.clone());
            sink.add(finding.with_component(pair.repo.to_string()));
        }
    }
}

fn behind(pair: &Pair, debt: &Debt) -> Finding {
    let Pair { key, file, twin, .. } = pair;
    let (since, this) = (debt.since.get(..10).unwrap_or(&debt.since), short(&debt.instruction));
    let text = match &debt.kind {
        Owed::Get(None) => format!("{key}: since {since} {twin} has {this}, and {file} has not"),
        Owed::Get(Some(other)) => {
            let other = short(other);
            format!("{key}: since {since} {twin} has {this} in place of {other}, and {file} has not")
        }
        Owed::Lose(None) => format!("{key}: since {since} {twin} no longer has {this}, and {file} still has it"),
        Owed::Lose(Some(other)) => {
            let other = short(other);
            format!("{key}: since {since} {twin} has {other} in place of {this}, which {file} still has")
        }
    };
    BEHIND
        .finding(text)
        .with_cause(format!("{file} of {}", pair.repo))
        .with_subject(Subject::Instruction(debt.instruction.clone()))
        .with_help(format!(
            "see `git show {since} -- {twin}`, and make the same change in {file}"
        ))
}

/// An instruction as it is shown, cut where it is long.
fn short(instruction: &str) -> String {
    const LENGTH: usize = 100;
    let cut: String = instruction.chars().take(LENGTH).collect();
    let dots = if cut.len() < instruction.len() { "…" } else { "" };
    format!("`{cut}{dots}`")
}
