//! Decides a field: which rule applies, what it yields, and what became of the others.

use serde_json::Value as Json;

use super::decision::{Decision, Tried, Verdict};
use super::expr::Scope;
use super::memo;
use super::rule::{Rule, Setting};
use super::set::{Candidates, RuleSet};
use super::subject::{Field, FieldForm, Subject};
use crate::base::Release;

impl RuleSet {
    /// Decides one field of a subject whose variables are in scope.
    ///
    /// A rule that fails leaves the field undecided, whatever weaker rules would say: a wrong value is worse than none.
    pub fn decide(&self, subject: Subject, name: &str, release: Release, scope: &Scope<'_>) -> Decision {
        let (Some(field), Some(candidates)) = (subject.field(name), self.candidates(subject, name)) else {
            return Decision::default();
        };
        let key = memo::key(subject, field.name, &candidates.reads, scope);
        let decision = self.memo.of(release).decision(key, || {
            let mut run = Run {
                set: self,
                field,
                candidates,
                release,
                scope,
                decision: Decision::default(),
            };
            run.setters();
            run.adders();
            run.decision
        });
        if let Some(record) = &self.record {
            record.note(about(subject, scope), &decision.tried);
            record.compare(subject, scope);
        }
        decision.as_ref().clone()
    }
}

impl RuleSet {
    /// The values that rules would give a field which a stronger one overrides: what it would be, or was, without that one.
    pub fn overridden(&self, subject: Subject, name: &str, release: Release, scope: &Scope<'_>) -> Vec<Json> {
        let (Some(field), Some(candidates)) = (subject.field(name), self.candidates(subject, name)) else {
            return Vec::new();
        };
        let decision = self.decide(subject, name, release, scope);
        let lost = decision
            .tried
            .iter()
            .filter(|tried| tried.verdict == Verdict::Overridden);
        let lost = lost.filter_map(|tried| self.rules.get(tried.rule));
        let run = Run {
            set: self,
            field,
            candidates,
            release,
            scope,
            decision: Decision::default(),
        };
        lost.filter_map(|rule| run.evaluate(rule, false).ok()).collect()
    }
}

/// What a decision is about, in words.
fn about(subject: Subject, scope: &Scope<'_>) -> String {
    let paths: &[&[&str]] = match subject {
        Subject::Payload => &[],
        Subject::Image => &[&["image", "key"]],
        Subject::Member => &[&["member", "key"]],
        Subject::Stream => &[&["stream", "name"]],
        Subject::Input => &[&["image", "key"], &["input", "name"]],
        Subject::Config => &[&["repo", "full"]],
        Subject::Job => &[&["repo", "full"], &["job", "kind"], &["job", "test"]],
        Subject::Target => &[&["target"]],
        Subject::Tag => &[&["tag", "name"]],
        Subject::Builder => &[&["builder", "name"]],
        Subject::Failure => &[&["failure", "step"]],
        Subject::Finding => &[&["finding", "code"], &["finding", "image"]],
    };
    let names = paths.iter().filter_map(|path| scope.text(path));
    std::iter::once(subject.name())
        .chain(names)
        .collect::<Vec<_>>()
        .join(" ")
}

struct Run<'r, 's> {
    set: &'r RuleSet,
    field: &'static Field,
    candidates: &'r Candidates,
    release: Release,
    scope: &'r Scope<'s>,
    decision: Decision,
}

impl Run<'_, '_> {
    fn setters(&mut self) {
        let mut winners: Vec<usize> = Vec::new();
        let mut failed = false;
        for &at in &self.candidates.setters {
            let beaten = winners.iter().any(|winner| self.candidates.beats(*winner, at));
            let verdict = if beaten {
                Verdict::Overridden
            } else {
                self.set_by(at, &winners)
            };
            match verdict {
                Verdict::Decided => winners.push(at),
                Verdict::Failed(_) | Verdict::Contradicts(_) => {
                    failed = true;
                    winners.push(at);
                }
                _ => {}
            }
            self.decision.tried.push(Tried { rule: at, verdict });
        }
        if failed {
            self.decision.value = None;
        }
    }

    fn set_by(&mut self, at: usize, winners: &[usize]) -> Verdict {
        let rule = &self.set.rules[at];
        let value = match self.evaluate(rule, false) {
            Ok(value) => value,
            Err(verdict) => return verdict,
        };
        match (&self.decision.value, winners.first()) {
            (Some(known), Some(first)) if *known != value => {
                let other = &self.set.rules[*first];
                // The rule of the later file is the author's own, and can say so.
                let (strong, weak) = match *first < at {
                    true => (rule, other),
                    false => (other, rule),
                };
                Verdict::Contradicts(format!(
                    "`{}` says {known}, `{}` says {value}; for `{}` to win, give it the line `overrides: [{}]` ({})",
                    other.id, rule.id, strong.id, weak.id, strong.place
                ))
            }
            _ => {
                self.decision.value = Some(value);
                Verdict::Decided
            }
        }
    }

    fn adders(&mut self) {
        let mut items: Vec<(usize, Json)> = match self.decision.value.take() {
            Some(Json::Array(items)) => items.into_iter().map(|item| (usize::MAX, item)).collect(),
            other => {
                self.decision.value = other;
                Vec::new()
            }
        };
        let failed_before = self.decision.failures().next().is_some();
        let (mut any, mut failed) = (!items.is_empty(), failed_before);
        for &at in &self.candidates.adders {
            let verdict = match self.evaluate(&self.set.rules[at], true) {
                Ok(Json::Array(added)) => self.add_items(at, added, &mut items),
                Ok(_) => Verdict::Failed("a list is expected".into()),
                Err(verdict) => verdict,
            };
            any |= verdict == Verdict::Decided;
            failed |= matches!(verdict, Verdict::Failed(_) | Verdict::Contradicts(_));
            self.decision.tried.push(Tried { rule: at, verdict });
        }
        if failed {
            self.decision.value = None;
        } else if any {
            self.decision.value = Some(items.into_iter().map(|(_, item)| item).collect());
        }
    }

    /// Adds items; one with the key of an item that is there must be the same, or one of the rules must win.
    fn add_items(&self, at: usize, added: Vec<Json>, items: &mut Vec<(usize, Json)>) -> Verdict {
        for item in added {
            let same = items.iter_mut().find(|(_, known)| self.same_item(known, &item));
            match same {
                None => items.push((at, item)),
                Some((_, known)) if *known == item => {}
                Some((rule, known)) if self.candidates.beats(at, *rule) => (*rule, *known) = (at, item),
                Some((rule, _)) if self.candidates.beats(*rule, at) => {}
                Some((_, known)) => return Verdict::Contradicts(format!("an item is {known} already, here {item}")),
            }
        }
        Verdict::Decided
    }

    fn same_item(&self, one: &Json, other: &Json) -> bool {
        match self.field.kind {
            FieldForm::ListBy(key) => one[key] == other[key],
            _ => one == other,
        }
    }

    fn evaluate(&self, rule: &Rule, append: bool) -> Result<Json, Verdict> {
        if !rule.releases.contains(self.release) {
            return Err(Verdict::OtherRelease);
        }
        if let Some(when) = &rule.when {
            match when.holds(self.scope) {
                Ok(true) => {}
                Ok(false) => return Err(Verdict::DidNotApply),
                Err(error) => return Err(error.into()),
            }
        }
        let wanted = |setting: &&Setting| setting.append == append && setting.field == self.field.name;
        let setting = rule.settings.iter().find(wanted).ok_or(Verdict::DidNotApply)?;
        let value = setting.value.evaluate(self.scope)?;
        if self.field.kind.accepts(&value) {
            return Ok(value);
        }
        Err(Verdict::Failed(format!(
            "`{}` is {}, not {value}",
            self.field.name,
            self.field.kind.expected()
        )))
    }
}
