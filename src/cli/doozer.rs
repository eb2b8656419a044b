//! `lockstep explain IMAGE --as doozer`

use anyhow::anyhow;
use lockstep::base::text::terminal;
use lockstep::derive::{DerivedImage, Release};
use lockstep::doozer::parents::Stands;
use lockstep::doozer::predict::{Ends, Reason, Said};
use lockstep::doozer::{Doozer, Prediction, Terms, compare};

use super::args::{ExplainArgs, TextOrJson};
use super::lines::{entry, line, near};
use super::print;
use super::setup::Ready;

/// Prints what ART's tool makes of images.
pub fn run(ready: &Ready, releases: &[Release<'_>], args: &ExplainArgs) -> Result<(), anyhow::Error> {
    let found: Vec<Prediction> = releases
        .iter()
        .flat_map(|release| of(ready, release, &args.what))
        .collect();
    if found.is_empty() {
        let known = releases
            .iter()
            .flat_map(|release| release.metadata.images.keys().map(String::as_str));
        return Err(anyhow!(
            "build data has no image with the tag, key or repository `{}`{}",
            terminal(&args.what),
            terminal(&near(&args.what, known))
        ));
    }
    match args.format {
        TextOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&found)?)),
        TextOrJson::Text => {
            let texts: Vec<String> = found.iter().map(text).collect();
            print(&texts.join("\n"))
        }
    }
}

/// The predictions of the images of a release that a word names: by key, payload tag or repository.
fn of(ready: &Ready, release: &Release<'_>, what: &str) -> Vec<Prediction> {
    let named = |key: &str, image: Option<&DerivedImage>| {
        let tag = image.is_some_and(|image| image.tag.value == what);
        let repo = image.and_then(|image| image.repository.value.as_ref());
        let unneeded = || {
            let view = release.metadata.images.get(key).map(|image| &image.view);
            image.is_none() && view.is_some_and(|view| view["payload_name"] == what || view["name"] == what)
        };
        key == what || tag || repo.is_some_and(|repo| repo.to_string() == what) || unneeded()
    };
    let keys: Vec<&String> = release
        .metadata
        .images
        .keys()
        .filter(|key| named(key, release.images.get(*key)))
        .collect();
    if keys.is_empty() {
        return Vec::new();
    }
    let doozer = Doozer::new(release.metadata, Terms::of(release));
    let texts = ready.run.texts(release);
    let look = |repo: &_, path: &str| texts.get(repo, path).cloned();
    let one = |key: &String| {
        let image = release.images.get(key);
        let repo = image.and_then(|image| image.repository.value.as_ref());
        let mut prediction = doozer.predict(key, repo, &look)?;
        prediction.differences = image
            .map(|image| compare(release, image, &prediction))
            .unwrap_or_default();
        Some(prediction)
    };
    keys.into_iter().filter_map(one).collect()
}

fn text(one: &Prediction) -> String {
    let mut out = String::new();
    let ends = match one.ends {
        Ends::Builds => "builds it",
        Ends::Skips => "passes it over",
        Ends::Fails => "stops at it",
    };
    line(
        &mut out,
        0,
        &format!("{}  (release {}): doozer {ends}", one.image, one.release),
    );
    for reason in &one.reasons {
        because(&mut out, "because", reason);
    }
    said(&mut out, "mode", &one.mode);
    said(&mut out, "dockerfile", &one.dockerfile);
    for (at, parent) in one.from.iter().enumerate() {
        let written = match (&parent.written, parent.line) {
            (Some(written), Some(line)) => format!("FROM {written} ({}:{line})", one.dockerfile.value),
            _ => "its FROM was not read".to_owned(),
        };
        line(&mut out, 0, "");
        line(&mut out, 0, &format!("from[{at}] = {}", parent.becomes.told()));
        entry(&mut out, "replaces", &written);
        entry(&mut out, "metadata", &parent.metadata);
        if let Some(at) = &parent.at {
            entry(&mut out, "", &at.to_string());
        }
        entry(&mut out, "rule", rule_of(&parent.becomes));
    }
    one.env.iter().for_each(|env| said(&mut out, "env", env));
    line(&mut out, 0, "");
    line(&mut out, 0, &format!("arches = {}", one.arches.join(", ")));
    line(
        &mut out,
        0,
        &format!("enabled_repos = [{}]", one.enabled_repos.join(", ")),
    );
    for modification in &one.modifications {
        let outcome = serde_json::to_value(modification.outcome).unwrap_or_default();
        let told = format!(
            "modification {}: {} ({})",
            modification.action,
            modification.what,
            outcome.as_str().unwrap_or_default()
        );
        line(&mut out, 0, &told);
    }
    for reason in &one.unread {
        because(&mut out, "unread", reason);
    }
    for difference in &one.differences {
        let at = difference.at.as_ref().map(|at| format!("  {at}")).unwrap_or_default();
        line(&mut out, 0, "");
        line(&mut out, 0, &format!("differs: {}{at}", difference.text));
    }
    out
}

fn rule_of(becomes: &Stands) -> &'static str {
    match becomes {
        Stands::Own { .. } | Stands::Nothing { .. } => "doozerlib/backend/rebaser.py: _resolve_member_parent",
        Stands::Stream { .. } => "doozerlib/backend/rebaser.py: _resolve_stream_parent",
        Stands::Canonical { .. } => "doozerlib/backend/rebaser.py: _resolve_image_from_upstream_parent",
        Stands::Text { .. } => "doozerlib/backend/rebaser.py: _resolve_parents",
    }
}

fn said(out: &mut String, name: &str, said: &Said) {
    line(out, 0, "");
    line(out, 0, &format!("{name} = {}", said.value));
    let by = if said.by.is_empty() {
        "nothing says so"
    } else {
        &said.by
    };
    entry(out, "metadata", by);
    if let Some(at) = &said.at {
        entry(out, "", &at.to_string());
    }
    entry(out, "rule", &said.rule);
}

fn because(out: &mut String, kind: &str, reason: &Reason) {
    entry(out, kind, &reason.text);
    if let Some(at) = &reason.at {
        entry(out, "", &at.to_string());
    }
    entry(out, "", &reason.rule);
}
