//! Rules held against a world: the cases, or the repositories of a configuration.
//!
//! A rule that can be read may still match nothing, contradict another one on a real image, or fail there. What became of
//! every rule in every decision is noted while a release is derived and rendered; here it is read from the author's side.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{self, Case};
use super::fault::Fault;
use super::run::Bench;
use super::sets::RuleSets;
use crate::rules::decision::Tried;
use crate::rules::subject::Subject;
use crate::rules::{Diagnostic, Rule, RuleSet, Verdict};
use crate::yaml::Pos;

/// How many subjects of one fault are named.
const NAMED: usize = 3;

/// What became of the rules of an author.
#[derive(Debug, Default)]
pub struct Held {
    /// What each rule decided, by its id.
    decided: BTreeMap<String, BTreeSet<String>>,
    /// For how many subjects each rule was tried: it is for their release, and no stronger rule had decided.
    tried: BTreeMap<String, BTreeSet<String>>,
    /// Rules that won over each rule where it would have been tried.
    beaten: BTreeMap<String, BTreeSet<String>>,
    /// The rules that each rule contradicts, and where.
    against: BTreeMap<String, (BTreeSet<usize>, BTreeSet<String>)>,
    /// Where each rule fails, and why.
    failed: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Held {
    /// Takes in what became of rules. `place`: which case or release it was, for people.
    pub fn add(&mut self, place: &str, rules: &RuleSet, decisions: &[(String, Vec<Tried>)]) {
        for (about, tried) in decisions {
            let about = format!("{about} ({place})");
            let rule = |at: usize| rules.rules.get(at);
            let decided = |one: &&Tried| matches!(one.verdict, Verdict::Decided | Verdict::Contradicts(_));
            let rivals: BTreeSet<usize> = tried.iter().filter(decided).map(|one| one.rule).collect();
            let has_contradiction = tried.iter().any(|one| matches!(one.verdict, Verdict::Contradicts(_)));
            let winner = tried.iter().find(decided).and_then(|one| rule(one.rule));
            for one in tried {
                let Some(its) = rule(one.rule) else { continue };
                let id = || its.id.clone();
                match &one.verdict {
                    Verdict::OtherRelease => continue,
                    Verdict::Overridden => {
                        let winner = winner.map(|winner| winner.id.clone());
                        self.beaten.entry(id()).or_default().extend(winner);
                        continue;
                    }
                    Verdict::Decided => drop(self.decided.entry(id()).or_default().insert(about.clone())),
                    Verdict::Failed(why) => {
                        let places = self.failed.entry(id()).or_default();
                        places.entry(why.clone()).or_default().insert(about.clone());
                    }
                    Verdict::DidNotApply | Verdict::Contradicts(_) => {}
                }
                self.tried.entry(id()).or_default().insert(about.clone());
                if has_contradiction && rivals.contains(&one.rule) {
                    let (others, places) = self.against.entry(id()).or_default();
                    others.extend(rivals.iter().filter(|other| **other != one.rule));
                    places.insert(about.clone());
                }
            }
        }
    }

    /// Whether every rule of an author has decided something.
    pub fn is_complete(&self, rules: &RuleSet, own: &dyn Fn(&Rule) -> bool) -> bool {
        rules
            .rules
            .iter()
            .filter(|rule| own(rule))
            .all(|rule| self.decided.contains_key(&rule.id))
    }

    /// How many values the rules of an author decided.
    pub fn values(&self, rules: &RuleSet, own: &dyn Fn(&Rule) -> bool) -> usize {
        let own = rules.rules.iter().filter(|rule| own(rule));
        own.filter_map(|rule| self.decided.get(&rule.id))
            .map(BTreeSet::len)
            .sum()
    }

    /// What contradicts or fails: an error wherever it is met.
    pub fn faults(&self, rules: &RuleSet, own: &dyn Fn(&Rule) -> bool) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        for rule in rules.rules.iter() {
            for (why, places) in self.failed.get(&rule.id).into_iter().flatten() {
                let text = format!("`{}` fails for {}: {why}", rule.id, some(places));
                let hint =
                    "ask before you use what may be missing, such as `size(list) > 0 && …` or `'key' in map && …`";
                faults.push(fault("rule-fails", rule, text, hint.to_owned()));
            }
            let Some((others, places)) = self.against.get(&rule.id) else {
                continue;
            };
            let theirs = others.iter().filter_map(|at| rules.rules.get(*at));
            // Of a contradiction with a rule of the author's, the author's side is told.
            let is_later = theirs.clone().all(|other| precedes(rules, other, rule));
            if !own(rule) && (theirs.clone().any(own) || !is_later) || own(rule) && theirs.clone().all(own) && !is_later
            {
                continue;
            }
            faults.push(contradiction(rules, rule, others, places));
        }
        faults
    }

    /// The rules of an author that decide nothing here.
    pub fn idle(&self, rules: &RuleSet, own: &dyn Fn(&Rule) -> bool, place: &str) -> Vec<Diagnostic> {
        let idle = rules
            .rules
            .iter()
            .filter(|rule| own(rule) && !self.decided.contains_key(&rule.id));
        let told = idle.filter(|rule| !self.failed.contains_key(&rule.id) && !self.against.contains_key(&rule.id));
        told.map(|rule| {
            let why = match (self.tried.get(&rule.id), self.beaten.get(&rule.id)) {
                (Some(tried), None) => format!("its `when` holds for none of {} that it was tried for", tried.len()),
                (Some(tried), Some(by)) => {
                    format!("its `when` holds for none of {}, and for others {} decided", tried.len(), names(by))
                }
                (None, Some(by)) => format!("wherever it could, {} decided", names(by)),
                (None, None) => "nothing there is what it is about, or of its releases".to_owned(),
            };
            let hint = match (self.tried.get(&rule.id), self.beaten.get(&rule.id)) {
                (None, Some(by)) => format!("for it to win, give it the line `overrides: [{}]`", list(by)),
                _ => "`lockstep explain IMAGE --trace` shows the values that it sees; `lockstep rules new` makes a case for it".to_owned(),
            };
            fault("matches-nothing", rule, format!("`{}` decides nothing in {place}: {why}", rule.id), hint)
        })
        .collect()
    }
}

/// Holds rules against cases: those of an author on top of what each case has. Stops as soon as each has decided something.
///
/// # Errors
/// The folder of cases cannot be read.
pub fn against_cases(
    folder: &std::path::Path,
    own_sets: &[std::path::PathBuf],
    own: &dyn Fn(&Rule) -> bool,
    rules: &RuleSet,
) -> Result<(Held, usize), Fault> {
    let (sets, mut held, mut count) = (RuleSets::default(), Held::default(), 0);
    for dir in case::discover(&[folder.to_owned()])? {
        // A case that cannot be run is what `rules test` tells of.
        let Ok(mut case) = Case::read(&dir) else { continue };
        case.rules.extend(
            own_sets
                .iter()
                .filter(|set| !case.rules.contains(set))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let Ok(bench) = Bench::new(&case, &sets) else { continue };
        let (Ok(_), Ok(its)) = (bench.results(), bench.run.rules()) else {
            continue;
        };
        held.add(&case.name, its, &bench.record.take());
        count += 1;
        if held.is_complete(rules, own) {
            break;
        }
    }
    Ok((held, count))
}

/// Whether any rule of an author is about what only an audit looks at.
pub fn is_of_audit(rules: &RuleSet, own: &dyn Fn(&Rule) -> bool) -> bool {
    let mut own = rules.rules.iter().filter(|rule| own(rule));
    own.any(|rule| matches!(rule.subject, Subject::Tag | Subject::Builder))
}

fn precedes(rules: &RuleSet, one: &Rule, other: &Rule) -> bool {
    let at = |wanted: &Rule| rules.rules.iter().position(|rule| rule.id == wanted.id);
    at(one) < at(other)
}

fn contradiction(rules: &RuleSet, rule: &Rule, others: &BTreeSet<usize>, places: &BTreeSet<String>) -> Diagnostic {
    let named: Vec<String> = others
        .iter()
        .filter_map(|at| rules.rules.get(*at))
        .map(|other| format!("`{}` ({})", other.id, other.place))
        .collect();
    let text = format!(
        "`{}` and {} decide the same field differently for {}, and neither says which wins",
        rule.id,
        named.join(" and "),
        some(places)
    );
    let strongest: BTreeSet<String> = rules
        .strongest(rule, others.iter().copied())
        .into_iter()
        .filter_map(|at| Some(rules.rules.get(at)?.id.clone()))
        .collect();
    let hint = format!(
        "for `{}` to win, give it the line `overrides: [{}]`; for it to yield, let its `when` leave these out",
        rule.id,
        list(&strongest)
    );
    fault("contradiction", rule, text, hint)
}

/// The first few of some, and how many more there are.
fn some(places: &BTreeSet<String>) -> String {
    let named: Vec<&str> = places.iter().take(NAMED).map(String::as_str).collect();
    match places.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn names(ids: &BTreeSet<String>) -> String {
    let named: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    named.join(" and ")
}

fn list(ids: &BTreeSet<String>) -> String {
    ids.iter().cloned().collect::<Vec<_>>().join(", ")
}

fn fault(code: &'static str, rule: &Rule, message: String, hint: String) -> Diagnostic {
    Diagnostic {
        code,
        file: rule.place.file.clone(),
        pos: Pos {
            line: rule.place.line,
            column: 1,
        },
        width: 0,
        message,
        hint,
    }
}
