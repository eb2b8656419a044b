//! Which rules the cases exercise: decided, tried, never.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::sets::Files;
use crate::rules::decision::Tried;
use crate::rules::{RuleSet, Verdict};

/// What became of one rule.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Cases in which it decided.
    pub cases: BTreeSet<String>,
    /// Images (or repositories, streams, targets) for which it decided, with their case.
    pub decided: BTreeSet<String>,
    /// Those for which it was tried.
    pub tried: BTreeSet<String>,
    /// Releases for which it decided.
    pub releases: BTreeSet<String>,
}

/// A rule: the file it stands in, its line, its id.
pub type RuleKey = (String, u32, String);

/// What became of rules in one case or many.
#[derive(Clone, Debug, Default)]
pub struct Tally(pub BTreeMap<RuleKey, Count>);

impl Tally {
    /// Takes in all rules of a set, so that those that were never looked at are known, too.
    pub fn add_rules(&mut self, rules: &RuleSet) {
        for rule in rules.rules.iter() {
            self.0.entry(key(rule)).or_default();
        }
    }

    /// Takes in the decisions of a case.
    pub fn add(&mut self, case: &str, release: &str, rules: &RuleSet, decisions: &[(String, Vec<Tried>)]) {
        for (about, tried) in decisions {
            let about = format!("{case}: {about}");
            for one in tried {
                let Some(rule) = rules.rules.get(one.rule) else {
                    continue;
                };
                let count = self.0.entry(key(rule)).or_default();
                if one.verdict != Verdict::OtherRelease {
                    count.tried.insert(about.clone());
                }
                if one.verdict == Verdict::Decided {
                    count.cases.insert(case.to_owned());
                    count.releases.insert(release.to_owned());
                    count.decided.insert(about.clone());
                }
            }
        }
    }

    /// Takes in another tally.
    pub fn merge(&mut self, other: Self) {
        for (key, count) in other.0 {
            let known = self.0.entry(key).or_default();
            known.cases.extend(count.cases);
            known.decided.extend(count.decided);
            known.tried.extend(count.tried);
            known.releases.extend(count.releases);
        }
    }

    /// The share of rules that decided at least once, in percent, rounded down; 100 of no rules would be a lie.
    pub fn percent(&self) -> u32 {
        let decided = self.0.values().filter(|count| !count.decided.is_empty()).count();
        u32::try_from((decided * 100).checked_div(self.0.len()).unwrap_or(0)).unwrap_or(0)
    }

    /// The rules that never decided.
    pub fn never(&self) -> impl Iterator<Item = &RuleKey> {
        self.0
            .iter()
            .filter(|(_, count)| count.decided.is_empty())
            .map(|(key, _)| key)
    }

    /// A table for people, rules that never decided marked; only those whose id has a text in it.
    pub fn text(&self, only: &str) -> String {
        let mut out = format!(
            "{:>6} {:>8} {:>6} {:>9}  rule\n",
            "cases", "decided", "tried", "releases"
        );
        for ((file, line, id), count) in self.0.iter().filter(|((.., id), _)| id.contains(only)) {
            let never = match (count.decided.is_empty(), count.tried.is_empty()) {
                (true, true) => "  NEVER TRIED",
                (true, false) => "  NEVER DECIDED",
                _ => "",
            };
            let counts = [
                count.cases.len(),
                count.decided.len(),
                count.tried.len(),
                count.releases.len(),
            ];
            let [cases, decided, tried, releases] = counts;
            let _ = writeln!(
                out,
                "{cases:>6} {decided:>8} {tried:>6} {releases:>9}  {id} ({file}:{line}){never}"
            );
        }
        let _ = writeln!(
            out,
            "{} of {} rules decided in at least one case: {} %",
            self.0.len() - self.never().count(),
            self.0.len(),
            self.percent()
        );
        out
    }

    /// The same for programs.
    pub fn json(&self) -> Json {
        let rule = |((file, line, id), count): (&RuleKey, &Count)| {
            json!({
                "rule": id, "file": file, "line": line,
                "cases": count.cases, "decided": count.decided.len(), "tried": count.tried.len(), "releases": count.releases,
            })
        };
        json!({"percent": self.percent(), "rules": self.0.iter().map(rule).collect::<Vec<_>>()})
    }

    /// Rule files with `decided/tried` beside the line of each rule's id.
    pub fn annotate(&self, files: &Files) -> String {
        let mut out = String::new();
        for (name, bytes) in files {
            let _ = writeln!(out, "{name}");
            let at: BTreeMap<usize, &Count> = self
                .0
                .iter()
                .filter(|((file, ..), _)| file == name)
                .map(|((_, line, _), count)| (*line as usize, count))
                .collect();
            for (number, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
                let count = at.get(&(number + 1));
                let margin = count.map_or(String::new(), |count| match count.decided.len() {
                    0 => format!("NEVER/{}", count.tried.len()),
                    decided => format!("{decided}/{}", count.tried.len()),
                });
                let _ = writeln!(out, "{margin:>10} | {line}");
            }
            out.push('\n');
        }
        out
    }
}

fn key(rule: &crate::rules::Rule) -> RuleKey {
    (rule.place.file.clone(), rule.place.line, rule.id.clone())
}
