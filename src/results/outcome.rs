//! What one run says of each of the images that it builds.

use std::collections::{BTreeMap, BTreeSet};

use super::classify::{Classifier, Failure};
use super::run::{JobRun, State};
use super::steps::Step;

/// What a run left.
#[derive(Clone, Debug)]
pub enum Artifacts {
    /// Its steps; whether those that were not tried are among them.
    Steps(Vec<Step>),
    /// Nothing that can be read, and why.
    Unreadable(String),
}

/// What a run says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was built.
    Built,
    /// Its build failed.
    Broken(Failure),
    /// An image of the same config, by tag, failed before it could be tried.
    BecauseOf(String),
    /// It was built, and not promoted: that image of the same config failed.
    HeldBack(String),
    /// It was not tried, and what failed is no image.
    NotTried(String),
    /// CI itself failed.
    Ci(String),
    /// Nobody can tell, and why.
    Unknown(String),
}

/// What a run says of the images of its config; `None` where it has not ended.
pub fn outcomes(
    run: &JobRun,
    images: &BTreeSet<String>,
    artifacts: impl FnOnce() -> Artifacts,
    classifier: &Classifier<'_>,
) -> Option<BTreeMap<String, Outcome>> {
    let all = |outcome: Outcome| Some(images.iter().map(|tag| (tag.clone(), outcome.clone())).collect());
    match &run.state {
        State::Running => None,
        State::Success => all(Outcome::Built),
        State::Aborted => all(Outcome::Ci("the run was stopped".to_owned())),
        State::Error => all(Outcome::Ci("CI could not run the job".to_owned())),
        State::Unknown(word) => all(Outcome::Unknown(format!("CI says `{word}`, which is not known here"))),
        State::Failure => match artifacts() {
            Artifacts::Unreadable(why) => all(Outcome::Unknown(why)),
            Artifacts::Steps(steps) => Some(of_steps(&steps, images, classifier)),
        },
    }
}

fn of_steps(steps: &[Step], images: &BTreeSet<String>, classifier: &Classifier<'_>) -> BTreeMap<String, Outcome> {
    let by_name: BTreeMap<&str, &Step> = steps.iter().map(|step| (step.name.as_str(), step)).collect();
    let failed: Vec<&Step> = steps.iter().filter(|step| step.has_failed()).collect();
    let broken: Vec<&str> = images
        .iter()
        .map(String::as_str)
        .filter(|tag| by_name.get(tag).is_some_and(|step| step.has_failed()))
        .collect();
    let one = |tag: &String| match by_name.get(tag.as_str()) {
        Some(step) if step.has_failed() => {
            let failure = classifier.failure(tag, &step.text);
            match failure.is_ci {
                true => Outcome::Ci(failure.says),
                false => Outcome::Broken(failure),
            }
        }
        Some(step) if step.was_tried() => match (broken.first(), failed.first()) {
            (Some(other), _) => Outcome::HeldBack((*other).to_owned()),
            (None, Some(other)) => Outcome::Ci(ci(classifier, other)),
            (None, None) => Outcome::Ci("every step succeeded, and the job failed: it did not promote".to_owned()),
        },
        there => {
            let cause = there.and_then(|step| root(step, &by_name, images));
            match (cause, failed.first()) {
                (Some(parent), _) => Outcome::BecauseOf(parent),
                (None, Some(other)) => Outcome::NotTried(ci(classifier, other)),
                (None, None) => Outcome::Unknown("the run says nothing of this image".to_owned()),
            }
        }
    };
    images.iter().map(|tag| (tag.clone(), one(tag))).collect()
}

/// What failed, where that is no image.
fn ci(classifier: &Classifier<'_>, step: &Step) -> String {
    let failure = classifier.failure(&step.name, &step.text);
    match failure.says.as_str() {
        "" => format!("step `{}` failed", step.name),
        says => format!("step `{}` failed: {says}", step.name),
    }
}

/// The image that failed before a step could be tried: the first one on the way up.
fn root(step: &Step, by_name: &BTreeMap<&str, &Step>, images: &BTreeSet<String>) -> Option<String> {
    let (mut todo, mut seen) = (vec![step], BTreeSet::new());
    while let Some(step) = todo.pop() {
        for name in &step.dependencies {
            let Some(above) = by_name.get(name.as_str()).filter(|_| seen.insert(name.clone())) else {
                continue;
            };
            if above.has_failed() && images.contains(name) {
                return Some(name.clone());
            }
            todo.push(above);
        }
    }
    None
}
