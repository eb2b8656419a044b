//! Holds a prediction against what is derived, by meaning: the same image, the same stream, the same text.

use super::difference::{Difference, DifferenceKind};
use super::parents::{Stands, called};
use super::predict::{Ends, Prediction, REPOSITORIES_RULE};
use super::wanted::{self, plain};
use crate::derive::{DerivedImage, Release, Standing};
use crate::model::build_config::At;
use crate::model::metadata::Metadata;

/// In what a prediction differs from what is derived of the same image.
pub fn compare(release: &Release<'_>, image: &DerivedImage, prediction: &Prediction) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |kind, text: String, at: Option<At>| found.push(Difference { kind, text, at });
    let reason = || prediction.reasons.first();
    let why = || reason().map(|reason| reason.text.clone()).unwrap_or_default();
    if let Standing::Dropped(not) = &image.standing {
        let aside = !image.view["okd_alignment"]["enabled"].as_bool().unwrap_or(true);
        if aside && prediction.ends != Ends::Skips {
            let at = place(release, image, &["okd_alignment", "enabled"]);
            add(
                DifferenceKind::WouldBuild,
                format!("OKD does not build it ({not}), doozer does: `okd.mode` says nothing"),
                at,
            );
        }
        return found;
    }
    if prediction.ends == Ends::Skips {
        let at = reason().and_then(|reason| reason.at.clone());
        add(
            DifferenceKind::WouldSkip,
            format!("OKD needs it, and doozer passes it over: {}", why()),
            at,
        );
        return found;
    }
    // What stops at a repository has a finding of its own, with the name that was meant.
    let stopping = prediction
        .reasons
        .iter()
        .filter(|reason| reason.rule != REPOSITORIES_RULE);
    for reason in stopping {
        add(DifferenceKind::WouldFail, reason.text.clone(), reason.at.clone());
    }
    let (ours, theirs) = (plain(&image.dockerfile), plain(&prediction.dockerfile.value));
    if ours != theirs {
        let by = match prediction.dockerfile.by.as_str() {
            "" => "where nothing is said".to_owned(),
            key => format!("`{key}`"),
        };
        let text = format!("OKD is built from {ours}, doozer takes {theirs} ({by})");
        let at = prediction
            .dockerfile
            .at
            .clone()
            .or_else(|| place(release, image, &["source", "url"]));
        add(DifferenceKind::OtherDockerfile, text, at);
    }
    for (text, at) in parents(release, image, prediction) {
        add(DifferenceKind::OtherParent, text, at);
    }
    found
}

fn place(release: &Release<'_>, image: &DerivedImage, path: &[&str]) -> Option<At> {
    let place = release.metadata.image_place(&image.key, path);
    let place = match place.line {
        Some(_) => place,
        None => release.metadata.place(Metadata::image_file(&image.key), Some(1)),
    };
    Some(At(place))
}

/// Parents that are not the same.
fn parents(release: &Release<'_>, image: &DerivedImage, prediction: &Prediction) -> Vec<(String, Option<At>)> {
    let ours = wanted::parents(release, image);
    let theirs = &prediction.from;
    let at = || theirs.first().and_then(|parent| parent.at.clone());
    if ours.len() != theirs.len() {
        let text = format!("OKD has {} parents, doozer {}", ours.len(), theirs.len());
        return vec![(text, at())];
    }
    let differ = ours.iter().zip(theirs).filter_map(|((entry, means), parent)| {
        let means = means.as_ref()?;
        let same = match (means, &parent.becomes) {
            (Stands::Own { image: ours }, Stands::Own { image: theirs })
            | (Stands::Text { image: ours }, Stands::Text { image: theirs }) => ours == theirs,
            (
                Stands::Stream { stream: ours, .. },
                Stands::Stream { stream: theirs, .. } | Stands::Canonical { stream: theirs, .. },
            ) => ours == theirs,
            // It is told as what stops the build.
            (_, Stands::Nothing { .. }) => true,
            _ => false,
        };
        let means = match means {
            Stands::Own { image } => format!("OKD's own {image}"),
            other => other.told(),
        };
        let text = format!(
            "{} is {means} in OKD, doozer takes {}",
            called(entry),
            parent.becomes.told()
        );
        (!same).then(|| (text, parent.at.clone()))
    });
    differ.collect()
}
