//! A loaded set of rules: all files together, refinements applied, contradictions found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::decision::Tried;
use super::diagnostic::Diagnostic;
use super::expr::{Known, Scope};
use super::hint::nearest;
use super::load;
use super::memo::Memo;
use super::rule::{Reference, Rule, RulePlace};
use super::subject::Subject;
use super::variables;
use crate::yaml::Pos;

/// The rules of all files, ready to be evaluated.
#[derive(Debug)]
pub struct RuleSet {
    /// All rules in the order of their files, replaced ones left out.
    pub rules: Arc<Vec<Rule>>,
    fields: Arc<HashMap<(Subject, &'static str), Candidates>>,
    pub(super) record: Option<Arc<Record>>,
    expressions: Arc<Known>,
    /// What was decided already.
    pub memo: Arc<Memo>,
}

/// What became of rules, decision by decision: what the decision was about, and the rules that were tried.
#[derive(Debug, Default)]
pub struct Record {
    noted: Mutex<Vec<(String, Vec<Tried>)>>,
    unlike: Mutex<BTreeSet<String>>,
}

impl Record {
    /// Notes a decision.
    pub(super) fn note(&self, about: String, tried: &[Tried]) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push((about, tried.to_vec()));
    }

    /// Holds what rules are shown against what is said of it.
    pub(super) fn compare(&self, subject: Subject, scope: &Scope<'_>) {
        let mut unlike = self.unlike.lock().unwrap_or_else(PoisonError::into_inner);
        unlike.extend(variables::unlike(subject, scope.shown().into_iter()));
    }

    /// In what the variables that were shown to rules differ from what the reference says of them.
    pub fn unlike(&self) -> BTreeSet<String> {
        self.unlike.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes what was noted so far.
    pub fn take(&self) -> Vec<(String, Vec<Tried>)> {
        std::mem::take(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
    /// The variables that any of the rules reads for the field.
    pub(super) reads: Vec<Vec<String>>,
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
        Self::load_known(files, None)
    }

    /// Loads rule files of which an earlier load found no fault and gave its [`Self::expressions`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_known(files: &[(String, Vec<u8>)], known: Option<&Known>) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        let mut expressions = Known::new();
        for (file, text) in files {
            let (loaded, found) = load::load(file, text, known);
            faults.extend(found);
            for rule in loaded {
                if known.is_none() {
                    expressions.extend(
                        rule.expressions()
                            .map(|expr| (expr.source().to_owned(), expr.names.clone())),
                    );
                }
                add(&mut rules, rule, &mut faults);
            }
        }
        check_overrides(&rules, &mut faults);
        let set = Self {
            fields: Arc::new(index(&rules)),
            rules: Arc::new(rules),
            expressions: Arc::new(expressions),
            record: None,
            memo: Arc::default(),
        };
        set.check_circles(&mut faults);
        set.check_contradictions(&mut faults);
        faults.extend(super::kept::check(&set.rules));
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    /// The same rules, with every decision noted.
    pub fn recording(&self, record: Arc<Record>) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            fields: Arc::clone(&self.fields),
            expressions: Arc::clone(&self.expressions),
            record: Some(record),
            memo: Arc::clone(&self.memo),
        }
    }

    /// All expressions of the rules, also of replaced ones, with what they refer to; none where the load was told of them.
    pub fn expressions(&self) -> &Known {
        &self.expressions
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

    /// Tells whether any rule about a subject refers to a variable at a path, to a part of it, or to a mapping that it is in.
    pub fn reads(&self, subject: Subject, wanted: &[&str]) -> bool {
        let about = self.fields.iter().filter(|((of, _), _)| *of == subject);
        let covers = |path: &Vec<String>| path.iter().zip(wanted).all(|(name, wanted)| name == wanted);
        about
            .into_iter()
            .any(|(_, candidates)| candidates.reads.iter().any(covers))
    }

    /// Tells whether any rule refers to something below a path of variables, whatever it is about.
    pub fn uses_path(&self, wanted: &[&str]) -> bool {
        let expressions = self.rules.iter().flat_map(|rule| {
            let values = rule.settings.iter().flat_map(|setting| setting.value.expressions());
            rule.when.iter().chain(values)
        });
        let covers = |path: &Vec<String>| path.iter().zip(wanted).all(|(name, wanted)| name == wanted);
        expressions.into_iter().any(|expr| expr.names.paths.iter().any(covers))
    }

    /// Two rules that set one field and may both apply must say which wins. What a rule has against those of other files is
    /// told once, from its own side.
    fn check_contradictions(&self, faults: &mut Vec<Diagnostic>) {
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by_key(|(key, _)| **key);
        let mut against: BTreeMap<usize, Vec<(usize, &'static str)>> = BTreeMap::new();
        for ((_, field), candidates) in fields {
            for (at, &first) in candidates.setters.iter().enumerate() {
                for &second in &candidates.setters[at + 1..] {
                    let (first, second) = (first.min(second), first.max(second));
                    if !self.contradict(candidates, first, second) {
                        continue;
                    }
                    if self.rules[first].place.file == self.rules[second].place.file {
                        faults.push(self.contradiction_of_pair(field, first, second));
                    } else {
                        against.entry(second).or_default().push((first, field));
                    }
                }
            }
        }
        let told = against
            .iter()
            .map(|(rule, others)| self.contradiction_of(*rule, others));
        faults.extend(told);
    }

    /// What a rule of a later file has against those of earlier ones, and how it wins over all that set the same fields.
    fn contradiction_of(&self, at: usize, others: &[(usize, &'static str)]) -> Diagnostic {
        let rule = &self.rules[at];
        let name = |at: &usize| format!("`{}` ({})", self.rules[*at].id, self.rules[*at].place);
        let rivals: BTreeSet<usize> = others.iter().map(|(other, _)| *other).collect();
        let fields: BTreeSet<&str> = others.iter().map(|(_, field)| *field).collect();
        let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        let message = match rivals.len() {
            1 => format!(
                "`{}` and {} both set {}, and neither says which wins",
                rule.id,
                rivals.iter().map(name).collect::<String>(),
                fields.join(" and ")
            ),
            many => format!(
                "`{}` and {many} other rules set {}, and none says which wins: {}",
                rule.id,
                fields.join(" and "),
                rivals.iter().map(name).collect::<Vec<_>>().join(", ")
            ),
        };
        // Those with a `when` of their own may contradict it only later, on some image: it has to win over all of them.
        let set = others
            .iter()
            .flat_map(|(_, field)| self.candidates(rule.subject, field))
            .flat_map(|c| &c.setters);
        let earlier = set.copied().filter(|other| {
            let other = &self.rules[*other];
            other.place.file != rule.place.file && other.releases.overlap(&rule.releases)
        });
        let strongest = self.strongest(rule, earlier);
        let ids: Vec<&str> = strongest.iter().map(|at| self.rules[*at].id.as_str()).collect();
        let more = match strongest.len() {
            1 => ", which wins over all others there are",
            _ => "",
        };
        let hint = format!(
            "for `{}` to win, give it the line `overrides: [{}]`{more}",
            rule.id,
            ids.join(", ")
        );
        fault("contradiction", &rule.place, None, message, hint)
    }

    /// Of some rules those that none of the others wins over, without those that a rule wins over already: whoever overrides
    /// these wins over all.
    pub fn strongest(&self, rule: &Rule, others: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let by_id: HashMap<&str, usize> = self
            .rules
            .iter()
            .enumerate()
            .map(|(at, rule)| (rule.id.as_str(), at))
            .collect();
        let beats = |at: usize| reachable(at, &self.rules, &by_id);
        let own = by_id.get(rule.id.as_str()).copied();
        let won: Vec<usize> = own.map(beats).unwrap_or_default();
        let is_other =
            |at: &usize| Some(*at) != own && !won.contains(at) && own.is_none_or(|own| !beats(*at).contains(&own));
        let others: BTreeSet<usize> = others.into_iter().filter(is_other).collect();
        let beaten: BTreeSet<usize> = others.iter().flat_map(|at| beats(*at)).collect();
        others.into_iter().filter(|at| !beaten.contains(at)).collect()
    }

    /// Whether two rules that set a field may both apply, and nothing says which wins.
    fn contradict(&self, known: &Candidates, first: usize, second: usize) -> bool {
        let (a, b) = (&self.rules[first], &self.rules[second]);
        let ordered = known.beats(first, second) || known.beats(second, first);
        let exclusive = a.when.is_some() && b.when.is_some();
        // A name that leads nowhere is a fault of its own, and probably meant to settle this.
        let dangling = |rule: &Rule| {
            rule.overrides
                .iter()
                .any(|r| self.rules.iter().all(|other| other.id != r.id))
        };
        // So is a condition that cannot be read.
        let broken = |rule: &Rule| rule.when.is_none() && rule.when_text.is_some();
        let told_otherwise = broken(a) || broken(b) || dangling(a) || dangling(b);
        !ordered && !exclusive && !told_otherwise && a.releases.overlap(&b.releases)
    }

    fn contradiction_of_pair(&self, field: &str, first: usize, second: usize) -> Diagnostic {
        let (a, b) = (&self.rules[first], &self.rules[second]);
        let (strong, weak) = if a.when.is_some() { (a, b) } else { (b, a) };
        let message = format!(
            "`{}` and `{}` ({}) both set `{field}`, and neither says which wins",
            b.id, a.id, a.place
        );
        let hint = format!("give `{}` the line `overrides: [{}]`", strong.id, weak.id);
        fault("contradiction", &b.place, None, message, hint)
    }

    /// Of rules that override each other in a circle none would win. Each circle is told once.
    fn check_circles(&self, faults: &mut Vec<Diagnostic>) {
        let by_id: HashMap<&str, usize> = self
            .rules
            .iter()
            .enumerate()
            .map(|(at, rule)| (rule.id.as_str(), at))
            .collect();
        let beats: Vec<Vec<usize>> = (0..self.rules.len())
            .map(|at| reachable(at, &self.rules, &by_id))
            .collect();
        let mut told = vec![false; self.rules.len()];
        for at in 0..self.rules.len() {
            let circle: Vec<usize> = beats[at]
                .iter()
                .copied()
                .filter(|&other| beats[other].contains(&at))
                .collect();
            if circle.is_empty() || told[at] {
                continue;
            }
            let rule = &self.rules[at];
            let names: Vec<_> = circle
                .iter()
                .map(|&other| format!("`{}`", self.rules[other].id))
                .collect();
            circle.into_iter().for_each(|other| told[other] = true);
            let message = format!("`{}` and {} override each other", rule.id, names.join(" and "));
            let hint = "remove one of the `overrides`".into();
            faults.push(fault(
                "override-circle",
                &rule.place,
                rule.overrides.first(),
                message,
                hint,
            ));
        }
    }

    /// Names of variables that rules had once: they are read as what they meant, and told where rules are checked and loaded.
    pub fn old_names(&self) -> Vec<Diagnostic> {
        let told = self.rules.iter().flat_map(|rule| {
            let names: std::collections::BTreeSet<_> =
                rule.expressions().flat_map(super::expr::Expr::old_names).collect();
            names.into_iter().map(|(old, new)| {
                let message = format!(
                    "`{old}` in `{}` is called `{new}` now: files have another `{}` of their own",
                    rule.id,
                    last(&old)
                );
                fault("old-name", &rule.place, None, message, format!("write `{new}`"))
            })
        });
        told.collect()
    }

    /// Rules that can never decide, whatever the input: worth a fault when rules are checked, harmless when they run.
    pub fn unreachable(&self) -> Vec<Diagnostic> {
        let never = |rule: &Rule| rule.when_text.as_deref().is_some_and(|when| when.trim() == "false");
        let mut faults = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if never(rule) {
                let message = format!("`{}` can never decide: its `when` is false", rule.id);
                let hint = "remove it; a later set takes a rule out with `replaces`".into();
                faults.push(fault("unreachable", &rule.place, None, message, hint));
                continue;
            }
            let shadows: Option<Vec<&Rule>> = rule
                .settings
                .iter()
                .map(|setting| self.shadow(at, rule, setting))
                .collect();
            let Some(&[shadow, ..]) = shadows.as_deref() else {
                continue;
            };
            let message = format!(
                "`{}` can never decide: `{}` ({}) always overrides it",
                rule.id, shadow.id, shadow.place
            );
            let hint = format!("give `{}` a `when`, or let it say `replaces: {}`", shadow.id, rule.id);
            faults.push(fault("unreachable", &rule.place, None, message, hint));
        }
        faults
    }

    /// A rule that always overrides another one for a field.
    fn shadow(&self, at: usize, rule: &Rule, setting: &super::rule::Setting) -> Option<&Rule> {
        let candidates = self.candidates(rule.subject, setting.field)?;
        if setting.append {
            return None;
        }
        let always = |other: &&usize| {
            let strong = &self.rules[**other];
            strong.when.is_none() && strong.releases.covers(&rule.releases) && candidates.beats(**other, at)
        };
        candidates.setters.iter().find(always).map(|other| &self.rules[*other])
    }
}

/// A fault of a rule, at the rule's `id` or where it names another rule.
fn fault(code: &'static str, place: &RulePlace, at: Option<&Reference>, message: String, hint: String) -> Diagnostic {
    let start = Pos {
        line: place.line,
        column: 1,
    };
    Diagnostic {
        code,
        file: place.file.clone(),
        pos: at.map_or(start, |reference| reference.pos),
        width: at.map_or(0, |reference| reference.id.chars().count()),
        message,
        hint,
    }
}

/// Adds a rule; one that replaces another takes its place, its name's role included.
fn add(rules: &mut Vec<Rule>, mut rule: Rule, faults: &mut Vec<Diagnostic>) {
    if let Some(known) = rules.iter().find(|known| known.id == rule.id) {
        let message = format!("rule `{}` is there already ({})", rule.id, known.place);
        let hint = "give it a name of its own, and `replaces` or `overrides`".into();
        return faults.push(fault("duplicate-id", &rule.place, None, message, hint));
    }
    let Some(reference) = rule.replaces.clone() else {
        return rules.push(rule);
    };
    let replaced = &reference.id;
    let Some(at) = rules.iter().position(|known| known.id == *replaced) else {
        let ids: Vec<_> = rules.iter().map(|known| known.id.as_str()).collect();
        let message = format!("`{}` replaces `{replaced}`, which is no rule", rule.id);
        let hint = near(replaced, &ids);
        return faults.push(fault("unknown-rule", &rule.place, Some(&reference), message, hint));
    };
    if rules[at].subject != rule.subject {
        let (own, other) = (rule.subject.name(), rules[at].subject.name());
        let message = format!("`{}` is about {own}, `{replaced}` about {other}", rule.id);
        let hint = "a rule can replace one of its own kind only".into();
        return faults.push(fault("wrong-subject", &rule.place, Some(&reference), message, hint));
    }
    for other in rules.iter_mut() {
        let renamed = other.overrides.iter_mut().filter(|known| known.id == *replaced);
        renamed.for_each(|known| known.id.clone_from(&rule.id));
    }
    let old = &mut rules[at];
    // What it inherits from a file of an earlier set is cited at its own `replaces`.
    let inherited = std::mem::take(&mut old.overrides).into_iter();
    rule.overrides.extend(inherited.map(|known| Reference {
        pos: reference.pos,
        ..known
    }));
    rule.replaced = std::mem::take(&mut old.replaced);
    rule.replaced.push((old.id.clone(), old.place.clone()));
    rules[at] = rule;
}

/// The last part of a dotted name.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
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
        for reference in &rule.overrides {
            let id = &reference.id;
            let mut add = |code, message, hint| faults.push(fault(code, &rule.place, Some(reference), message, hint));
            if *id == rule.id {
                let message = format!("`{id}` overrides itself");
                add("override-circle", message, "remove it from `overrides`".into());
                continue;
            }
            let Some(other) = rules.iter().find(|other| other.id == *id) else {
                let message = format!("`{}` overrides `{id}`, which is no rule", rule.id);
                add("unknown-rule", message, near(id, &ids));
                continue;
            };
            let shares = |setting: &super::rule::Setting| other.settings.iter().any(|o| o.field == setting.field);
            // A replacement that sets less than what it replaces inherits overrides that have nothing to win.
            let inherited = rule
                .replaces
                .as_ref()
                .is_some_and(|replaces| replaces.pos == reference.pos);
            // What is missing because of a fault may be what they have in common.
            let told = rule.is_whole && other.is_whole;
            if told && !inherited && (other.subject != rule.subject || !rule.settings.iter().any(shares)) {
                let message = format!("`{}` overrides `{id}`, but they set no field in common", rule.id);
                add("idle-override", message, "remove it from `overrides`".into());
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
    for ((_, field), candidates) in &mut fields {
        candidates.reads = reads(rules, field, candidates);
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

/// The variables that the rules of a field name in their conditions and values.
fn reads(rules: &[Rule], field: &str, candidates: &Candidates) -> Vec<Vec<String>> {
    let members = candidates.setters.iter().chain(&candidates.adders);
    let expressions = members.filter_map(|at| rules.get(*at)).flat_map(|rule| {
        let settings = rule.settings.iter().filter(|setting| setting.field == field);
        rule.when
            .iter()
            .chain(settings.flat_map(|setting| setting.value.expressions()))
    });
    let mut paths: Vec<Vec<String>> = expressions.flat_map(|expr| expr.names.paths.iter().cloned()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// All rules that a rule overrides, directly or through others; circles end where they close.
fn reachable(from: usize, rules: &[Rule], by_id: &HashMap<&str, usize>) -> Vec<usize> {
    let (mut seen, mut todo) = (Vec::new(), vec![from]);
    while let Some(at) = todo.pop() {
        for next in rules[at]
            .overrides
            .iter()
            .filter_map(|known| by_id.get(known.id.as_str()))
        {
            if *next != from && !seen.contains(next) {
                seen.push(*next);
                todo.push(*next);
            }
        }
    }
    seen
}
