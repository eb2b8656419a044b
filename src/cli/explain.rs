//! `lockstep explain`

use std::collections::BTreeSet;

use anyhow::anyhow;
use lockstep::base::text::terminal;
use lockstep::derive::explain::{Explanation, Field, beside, explain, is_in_metadata};
use lockstep::derive::provenance::RulePart;
use lockstep::derive::{Release, Standing};
use lockstep::model::metadata;
use lockstep::targets::konflux;

use super::args::{Builder, ExplainArgs, TextOrJson};
use super::lines::{entry, line, near};
use super::setup::{self, Ready};
use super::{Ended, Outcome, Usage, print};

/// Prints why the values of an image are what they are.
pub fn run(args: &ExplainArgs) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let mut releases = ready.derive(&metadata, &mut ended)?;
    if args.by == Some(Builder::Doozer) {
        super::doozer::run(&ready, &releases, args)?;
        return Ok(ended);
    }
    for release in &mut releases {
        release.findings = ready.run.heard(std::mem::take(&mut release.findings));
    }
    let mut found: Vec<Explanation> = releases
        .iter()
        .flat_map(|release| explain(release, &args.what))
        .collect();
    if found.is_empty() {
        let mut findings = releases.iter().flat_map(|release| &release.findings);
        if let Some(unread) = findings.find(|finding| metadata::unread_image(finding) == Some(&args.what)) {
            let place = unread.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let text = format!(
                "the metadata of `{}` cannot be read: {place}: {}",
                args.what, unread.message
            );
            return Err(anyhow!("{}", terminal(&text)));
        }
        let known: Vec<&str> = releases
            .iter()
            .flat_map(|release| {
                release
                    .images
                    .values()
                    .flat_map(|image| [&*image.tag.value, &*image.key])
            })
            .collect();
        let repositories: Vec<String> = releases
            .iter()
            .flat_map(|release| release.images.values().filter_map(|image| image.component()))
            .collect();
        let known = known.into_iter().chain(repositories.iter().map(String::as_str));
        let looked: Vec<String> = releases
            .iter()
            .map(|release| release.metadata.release.to_string())
            .collect();
        return Err(anyhow!(
            "no image of {} has the tag, key or repository `{}`{}",
            looked.join(", "),
            terminal(&args.what),
            terminal(&elsewhere(&ready, &args.what).unwrap_or_else(|| near(&args.what, known)))
        ));
    }
    if let Some(wanted) = &args.field {
        only(wanted, &mut found, &releases)?;
    }
    if !args.trace {
        found.iter_mut().for_each(|explanation| explanation.trace.clear());
    }
    match args.format {
        TextOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&found)?))?,
        TextOrJson::Text => {
            let texts: Vec<String> = found
                .iter()
                .map(|one| text(one, args.trace || args.field.is_some()))
                .collect();
            print(&texts.join("\n"))?;
        }
    }
    Ok(ended)
}

/// Keeps one field of each answer. A release that cannot give it costs the others nothing.
fn only(wanted: &str, found: &mut [Explanation], releases: &[Release<'_>]) -> Result<(), anyhow::Error> {
    let (mut known, mut held) = (Vec::new(), false);
    for explanation in found.iter_mut() {
        if explanation.trace.is_empty() {
            explanation.trace.append(&mut explanation.fields); // of an image that is not built
        }
        let of_release = |release: &&Release<'_>| release.metadata.release.to_string() == explanation.release;
        if let Some(release) = releases.iter().find(of_release) {
            let more = beside(release, explanation, konflux::TARGET.name);
            explanation.trace.extend(more);
            let image = release.images.get(&explanation.image);
            held |= image.is_some_and(|image| image.standing == Standing::Held);
        }
        known.extend(explanation.trace.iter().map(|field| field.path.clone()));
        // What only leads to a field can be asked for, too.
        explanation.fields = explanation
            .trace
            .drain(..)
            .filter(|field| field.is_named(wanted))
            .collect();
    }
    if found.iter().any(|explanation| !explanation.fields.is_empty()) {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    known.retain(|path| seen.insert(path.clone()));
    let Some(first) = found.first() else { return Ok(()) };
    if held {
        // Whether it would have such a field nobody knows.
        let why: Vec<String> = found.iter().map(|one| text(one, true)).collect();
        return Err(anyhow!(
            "{} has no field `{}`; it has {}\n{}",
            terminal(&first.tag),
            terminal(wanted),
            terminal(&known.join(", ")),
            why.join("\n").trim_end()
        ));
    }
    let text = format!(
        "{} has no field `{wanted}`{}; it has {}",
        first.tag,
        near(wanted, known.iter().map(String::as_str)),
        known.join(", ")
    );
    Err(Usage(terminal(&text)).into())
}

/// Which of the other configured releases have an image, if any has.
fn elsewhere(ready: &Ready, what: &str) -> Option<String> {
    let all = ready.run.releases(&[], ready.ci.as_deref()).ok()?;
    let others = all.into_iter().filter(|release| !ready.releases.contains(release));
    let have = others.filter(|release| {
        let metadata = ready.run.metadata(*release);
        metadata.is_ok_and(|metadata| is_in_metadata(&metadata, what))
    });
    let have: Vec<String> = have.map(|release| release.to_string()).collect();
    (!have.is_empty()).then(|| {
        format!(
            "; {} {} it",
            have.join(", "),
            if have.len() == 1 { "has" } else { "have" }
        )
    })
}

fn text(one: &Explanation, whole: bool) -> String {
    let mut out = String::new();
    let heading = format!(
        "{}  ({}, {}, release {}): {}",
        one.tag, one.image, one.repository, one.release, one.standing
    );
    line(&mut out, 0, &heading);
    let fields = if one.trace.is_empty() { &one.fields } else { &one.trace };
    for field in fields {
        if whole {
            chain(&mut out, field);
        } else {
            let rule = field.rules.iter().rev().find(|part| part.verdict == "decided");
            let why = rule
                .map(|part| format!("  [{} {}]", part.rule, part.at))
                .unwrap_or_default();
            line(&mut out, 2, &format!("{:<14}{}{why}", field.path, quoted(&field.value)));
            if field.path == "needed" {
                let steps = field.steps.iter();
                steps.for_each(|step| line(&mut out, 16, &format!("{}  {}", step.text, step.at)));
            }
        }
    }
    if whole && fields.is_empty() {
        line(&mut out, 2, "it has no such field here");
    }
    for finding in &one.findings {
        finding.lines().for_each(|part| line(&mut out, 2, part));
    }
    out
}

/// One field with everything behind it, from the source's line to the rules that did not apply.
fn chain(out: &mut String, field: &Field) {
    line(out, 0, "");
    line(out, 0, &format!("{} = {}", field.path, field.value));
    for step in &field.steps {
        entry(out, &step.kind, &step.text);
        if !step.at.is_empty() {
            entry(out, "", &step.at);
        }
    }
    let (decided, others): (Vec<&RulePart>, Vec<&RulePart>) =
        field.rules.iter().partition(|part| part.verdict == "decided");
    for part in decided {
        entry(out, "rule", &format!("{} ({})", part.rule, part.at));
        entry(out, "", &part.because);
        reads(out, part);
    }
    for part in others {
        let when = part
            .when
            .as_ref()
            .map(|when| format!("  when {when}"))
            .unwrap_or_default();
        entry(
            out,
            "not",
            &format!("{} ({}) {}{when}", part.rule, part.at, part.verdict),
        );
        reads(out, part);
    }
}

/// The variables that a rule read, with their values and places.
fn reads(out: &mut String, part: &RulePart) {
    for read in &part.read {
        let at = read
            .place
            .as_ref()
            .map(|place| format!("  {place}"))
            .unwrap_or_default();
        entry(out, "", &format!("{} = {}{at}", read.variable, quoted(&read.value)));
    }
}

fn quoted(value: &str) -> String {
    if value.is_empty() {
        "''".to_owned()
    } else {
        value.to_owned()
    }
}
