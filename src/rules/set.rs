//! A loaded set of rules: all files together, refinements applied, contradictions found.

use std::collections::{BTreeMap, HashMap};

use super::load::{self, Diagnostic, nearest};
use super::rule::Rule;
use super::subject::Subject;
use crate::yaml::Pos;

/// The rules of all files, ready to be evaluated.
#[derive(Debug)]
pub struct RuleSet {
    /// All rules in the order of their files, replaced ones left out.
    pub rules: Vec<Rule>,
    fields: HashMap<(Subject, &'static str), Candidates>,
}

/// The rules that set one field, and which of them wins over which.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Indices into [`RuleSet::rules`] of rules that set the field: a rule stands before those that it wins over.
    pub setters: Vec<usize>,
    /// Indices of rules that add items, in the order of the files.
    pub adders: Vec<usize>,
    /// For each rule those that it wins over, directly or through others.
    beats: BTreeMap<usize, Vec<usize>>,
}

impl Candidates {
    /// Tells whether one rule wins over another.
    pub fn beats(&self, winner: usize, loser: usize) -> bool {
        self.beats.get(&winner).is_some_and(|losers| losers.contains(&loser))
    }
}

impl RuleSet {
    /// Loads rule files in order: later files may replace and override what earlier ones have.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(files: &[(String, Vec<u8>)]) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        for (file, text) in files {
            let (loaded, found) = load::load(file, text);
            faults.extend(found);
            for rule in loaded {
                add(&mut rules, rule, &mut faults);
            }
        }
        check_overrides(&rules, &mut faults);
        let set = Self {
            fields: index(&rules),
            rules,
        };
        set.check_contradictions(&mut faults);
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    /// The rules that set or add to a field.
    pub fn candidates(&self, subject: Subject, field: &str) -> Option<&Candidates> {
        let field = subject.field(field)?;
        self.fields.get(&(subject, field.name))
    }

    /// Tells whether any rule refers to a variable, so that costly ones are made only when they are used.
    pub fn uses_variable(&self, subject: Subject, name: &str) -> bool {
        let about = self.rules.iter().filter(|rule| rule.subject == subject);
        let mut expressions = about.flat_map(|rule| {
            rule.when
                .iter()
                .chain(rule.settings.iter().flat_map(|setting| setting.value.expressions()))
        });
        expressions.any(|expr| expr.names.paths.iter().any(|path| path[0] == name))
    }

    /// Two rules that set one field and may both apply must say which wins.
    fn check_contradictions(&self, faults: &mut Vec<Diagnostic>) {
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by_key(|(key, _)| **key);
        for ((_, field), candidates) in fields {
            for (at, &first) in candidates.setters.iter().enumerate() {
                for &second in &candidates.setters[at + 1..] {
                    self.check_pair(field, candidates, first.min(second), first.max(second), faults);
                }
            }
        }
    }

    fn check_pair(&self, field: &str, known: &Candidates, first: usize, second: usize, faults: &mut Vec<Diagnostic>) {
        let (a, b) = (&self.rules[first], &self.rules[second]);
        let ordered = known.beats(first, second) || known.beats(second, first);
        let exclusive = a.when.is_some() && b.when.is_some();
        if ordered || exclusive || !a.releases.overlap(&b.releases) {
            return;
        }
        let (strong, weak) = if a.when.is_some() { (a, b) } else { (b, a) };
        faults.push(Diagnostic {
            code: "contradiction",
            file: b.place.file.clone(),
            pos: Pos {
                line: b.place.line,
                column: 1,
            },
            message: format!(
                "`{}` and `{}` ({}) both set `{field}`, and neither says which wins",
                b.id, a.id, a.place
            ),
            hint: format!("give `{}` the line `overrides: [{}]`", strong.id, weak.id),
        });
    }
}

/// Adds a rule; one that replaces another takes its place, its name's role included.
fn add(rules: &mut Vec<Rule>, mut rule: Rule, faults: &mut Vec<Diagnostic>) {
    let mut fault = |code, message: String, hint: String| {
        let (file, pos) = (
            rule.place.file.clone(),
            Pos {
                line: rule.place.line,
                column: 1,
            },
        );
        faults.push(Diagnostic {
            code,
            file,
            pos,
            message,
            hint,
        });
    };
    if let Some(known) = rules.iter().find(|known| known.id == rule.id) {
        let message = format!("rule `{}` is there already ({})", rule.id, known.place);
        return fault(
            "duplicate-id",
            message,
            "give it a name of its own, and `replaces` or `overrides`".into(),
        );
    }
    let Some(replaced) = rule.replaces.clone() else {
        return rules.push(rule);
    };
    let Some(at) = rules.iter().position(|known| known.id == replaced) else {
        let ids: Vec<_> = rules.iter().map(|known| known.id.as_str()).collect();
        return fault(
            "unknown-rule",
            format!("`{}` replaces `{replaced}`, which is no rule", rule.id),
            near(&replaced, &ids),
        );
    };
    if rules[at].subject != rule.subject {
        let message = format!(
            "`{}` is about {}, `{replaced}` about {}",
            rule.id,
            rule.subject.name(),
            rules[at].subject.name()
        );
        return fault(
            "wrong-subject",
            message,
            "a rule can replace one of its own kind only".into(),
        );
    }
    for other in rules.iter_mut() {
        other
            .overrides
            .iter_mut()
            .filter(|id| **id == replaced)
            .for_each(|id| id.clone_from(&rule.id));
    }
    let inherited = std::mem::take(&mut rules[at].overrides);
    rule.overrides.extend(inherited);
    rules[at] = rule;
}

fn near(word: &str, ids: &[&str]) -> String {
    let hint = nearest(word, ids);
    if hint.starts_with("known here") {
        "`lockstep rules list` names all rules".into()
    } else {
        hint
    }
}

fn check_overrides(rules: &[Rule], faults: &mut Vec<Diagnostic>) {
    let ids: Vec<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
    for rule in rules {
        for id in &rule.overrides {
            let mut fault = |code, message: String, hint: String| {
                let (file, pos) = (
                    rule.place.file.clone(),
                    Pos {
                        line: rule.place.line,
                        column: 1,
                    },
                );
                faults.push(Diagnostic {
                    code,
                    file,
                    pos,
                    message,
                    hint,
                });
            };
            let Some(other) = rules.iter().find(|other| other.id == *id) else {
                fault(
                    "unknown-rule",
                    format!("`{}` overrides `{id}`, which is no rule", rule.id),
                    near(id, &ids),
                );
                continue;
            };
            let shares = |setting: &super::rule::Setting| other.settings.iter().any(|o| o.field == setting.field);
            if other.subject != rule.subject || !rule.settings.iter().any(shares) {
                let message = format!("`{}` overrides `{id}`, but they set no field in common", rule.id);
                fault("idle-override", message, "remove it from `overrides`".into());
            }
        }
    }
}

fn index(rules: &[Rule]) -> HashMap<(Subject, &'static str), Candidates> {
    let mut fields: HashMap<(Subject, &'static str), Candidates> = HashMap::new();
    for (at, rule) in rules.iter().enumerate() {
        for setting in &rule.settings {
            let candidates = fields.entry((rule.subject, setting.field)).or_default();
            let list = if setting.append {
                &mut candidates.adders
            } else {
                &mut candidates.setters
            };
            list.push(at);
        }
    }
    let by_id: HashMap<_, _> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| (rule.id.as_str(), at))
        .collect();
    for candidates in fields.values_mut() {
        let members: Vec<_> = candidates.setters.iter().chain(&candidates.adders).copied().collect();
        for &rule in &members {
            candidates.beats.insert(rule, reachable(rule, rules, &by_id));
        }
        // A rule that beats another beats all that the other beats, so it has more to beat: strongest first.
        let strength = |rule: &usize| {
            candidates.beats[rule]
                .iter()
                .filter(|loser| members.contains(loser))
                .count()
        };
        candidates
            .setters
            .sort_by_key(|rule| (std::cmp::Reverse(strength(rule)), *rule));
    }
    fields
}

/// All rules that a rule overrides, directly or through others; circles end where they close.
fn reachable(from: usize, rules: &[Rule], by_id: &HashMap<&str, usize>) -> Vec<usize> {
    let (mut seen, mut todo) = (Vec::new(), vec![from]);
    while let Some(at) = todo.pop() {
        for next in rules[at].overrides.iter().filter_map(|id| by_id.get(id.as_str())) {
            if *next != from && !seen.contains(next) {
                seen.push(*next);
                todo.push(*next);
            }
        }
    }
    seen
}
