//! `lockstep rules capture`

use std::sync::Arc;

use anyhow::{Context, anyhow};
use lockstep::config::RuleSet as RuleSource;
use lockstep::derive::{DerivedImage, Release, Standing};
use lockstep::finding::Finding;
use lockstep::run::rule_files;
use lockstep::source::Recorder;
use lockstep::workbench::capture::Cut;
use lockstep::workbench::judge::judge;
use lockstep::workbench::sets::RuleSets;

use super::args::CaptureArgs;
use crate::cli::{Ended, Outcome, Usage, print, say, setup};

/// Cuts a case out of real repositories.
pub fn run(args: &CaptureArgs) -> Outcome {
    let recorder = Arc::new(Recorder::default());
    let ready = setup::ready_recording(&args.common, Some(&recorder))?;
    if ready.releases.len() != 1 {
        return Err(Usage("a case is for one release: give `--release` once".into()).into());
    }
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    let release = releases.first().context("the release could not be derived")?;
    // Rendering reads the configs that are there.
    ready.run.render(&releases, ready.ci.as_ref())?;
    let cut = Cut {
        release,
        recorder: &recorder,
        build_data: release.metadata.origin.name.clone(),
        ci_config: ready.ci.as_ref().map(|ci| ci.origin().name.clone()),
        images: args.images.clone(),
        rules: own_rules(&ready.run.config().rules)?,
    };
    let written = cut.write(&args.out).map_err(|message| anyhow!(message))?;
    let verdict = judge(&args.out, &RuleSets::default(), true);
    let mut text = format!("{} files in {}\n", written.len(), args.out.display());
    for line in &verdict.updated {
        text.push_str(&format!("{line}\n"));
    }
    let lost = verdict
        .failures
        .iter()
        .filter(|failure| matches!(failure.code, "cannot-run" | "bad-case" | "not-a-fixpoint"));
    for failure in lost {
        text.push_str(&format!("[{}] {}\n{}\n", failure.code, failure.message, failure.detail));
        ended = Ended::Failed;
    }
    print(&text)?;
    held(release, &args.images);
    Ok(ended)
}

/// Says of the images that a case is about which could not be derived: the case has what was found, and no file of theirs.
fn held(release: &Release<'_>, images: &[String]) {
    let named = |image: &&DerivedImage| images.iter().any(|name| *name == image.key || *name == image.tag.value);
    let images = release.images.values().filter(named);
    for image in images.filter(|image| image.standing == Standing::Held) {
        let tag = image.tag.value.as_str();
        say(&format!(
            "note: {tag} could not be derived for {}: the case expects what was found, and no file of it",
            release.metadata.release
        ));
        let about = |finding: &&Finding| finding.image.as_deref() == Some(tag);
        let found: Vec<Finding> = release.findings.iter().filter(about).cloned().collect();
        setup::tell(&found);
    }
}

/// The files of rule sets that are not built in: a case brings its own.
fn own_rules(sets: &[RuleSource]) -> Result<Vec<(String, Vec<u8>)>, anyhow::Error> {
    let paths: Vec<RuleSource> = sets
        .iter()
        .filter(|set| **set != RuleSource::Builtin)
        .cloned()
        .collect::<Vec<_>>();
    Ok(rule_files::read(&paths)?)
}
