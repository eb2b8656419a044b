//! `lockstep rules list`

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use lockstep::rules::{Rule, RuleSet};
use lockstep::workbench::sets::RuleSets;
use serde_json::{Value as Json, json};

use super::args::ListArgs;
use crate::cli::common::TextOrJson;
use crate::cli::{Ended, Outcome, print};

/// Lists the rules: what each sets, for which releases, and who refines it.
pub fn run(args: &ListArgs) -> Outcome {
    let sets: Vec<PathBuf> = args.files.sets();
    let set = RuleSets::default().load(&sets).map_err(|error| anyhow!("{error}"))?;
    match args.format {
        TextOrJson::Json => {
            let rules: Vec<Json> = set.rules.iter().map(|rule| as_json(&set, rule)).collect();
            print(&format!("{}\n", serde_json::to_string_pretty(&rules)?))?;
        }
        TextOrJson::Text => {
            let texts: Vec<String> = set.rules.iter().map(|rule| as_text(&set, rule)).collect();
            print(&texts.join("\n"))?;
        }
    }
    Ok(Ended::Done)
}

/// The rules that win over one.
fn overridden_by(set: &RuleSet, rule: &Rule) -> Vec<String> {
    let names = |other: &&Rule| other.overrides.iter().any(|known| known.id == rule.id);
    set.rules.iter().filter(names).map(|other| other.id.clone()).collect()
}

fn fields(rule: &Rule) -> Vec<String> {
    let field = |setting: &lockstep::rules::rule::Setting| {
        let sign = if setting.append { "+" } else { "" };
        format!("{}.{}{sign}", rule.subject.name(), setting.field)
    };
    rule.settings.iter().map(field).collect()
}

fn ids(list: &[lockstep::rules::rule::Reference]) -> Vec<&str> {
    list.iter().map(|known| known.id.as_str()).collect()
}

fn as_json(set: &RuleSet, rule: &Rule) -> Json {
    let replaced: Vec<Json> = rule
        .replaced
        .iter()
        .map(|(id, place)| json!({"rule": id, "at": place.to_string()}))
        .collect();
    json!({
        "rule": rule.id,
        "because": rule.because,
        "at": rule.place.to_string(),
        "sets": fields(rule),
        "releases": rule.releases.to_string(),
        "when": rule.when_text,
        "overrides": ids(&rule.overrides),
        "overridden_by": overridden_by(set, rule),
        "replaced": replaced,
    })
}

fn as_text(set: &RuleSet, rule: &Rule) -> String {
    let mut out = format!("{}  ({})\n", rule.id, rule.place);
    let mut line = |text: String| {
        let _ = writeln!(out, "  {}", lockstep::base::text::terminal(&text));
    };
    line(rule.because.clone());
    line(format!("sets {}; releases: {}", fields(rule).join(", "), rule.releases));
    if let Some(when) = &rule.when_text {
        line(format!("when {}", when.trim()));
    }
    if !rule.overrides.is_empty() {
        line(format!("wins over {}", ids(&rule.overrides).join(", ")));
    }
    let by = overridden_by(set, rule);
    if !by.is_empty() {
        line(format!("gives way to {}", by.join(", ")));
    }
    for (id, place) in &rule.replaced {
        line(format!("stands in place of {id} ({place})"));
    }
    out
}
