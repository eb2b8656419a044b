//! Holds what a case came to against what it expects.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use similar::TextDiff;

use super::CASE_FILE;
use super::case::{Case, EXPECTED};
use super::coverage::Tally;
use super::fault::Fault;
use super::run::{self, Bench, Results, expected_name, written};
use super::sets::RuleSets;
use super::{update, value};
use crate::base::text::terminal;
use crate::derive::explain::explain;
use crate::derive::provenance::{About, RulePart};
use crate::derive::{self, Derived};
use crate::plan::{Cause, Desired};
use crate::results::{Classifier, jobs};
use crate::run::RunError;

/// What a case came to.
#[derive(Debug)]
pub struct Verdict {
    /// The case's name.
    pub name: String,
    /// What it shows; empty where its file cannot be read.
    pub about: String,
    /// Everything that does not hold; empty: the case passes.
    pub failures: Vec<Failure>,
    /// What `--update` rewrote.
    pub updated: Vec<String>,
    /// What became of each rule.
    pub tally: Tally,
    /// How long it took.
    pub took: Duration,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable code, such as `wrong-file`.
    pub code: &'static str,
    /// What does not hold, in one line.
    pub message: String,
    /// A difference, and the rules behind it.
    pub detail: String,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: detail.into(),
        }
    }
}

/// Runs one case and judges it; with `update` its expectations become what it came to.
pub fn judge(dir: &std::path::Path, sets: &RuleSets, update: bool) -> Verdict {
    let start = Instant::now();
    let name = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut verdict = Verdict {
        name,
        about: String::new(),
        failures: Vec::new(),
        updated: Vec::new(),
        tally: Tally::default(),
        took: Duration::ZERO,
    };
    match Case::read(dir) {
        Ok(case) => {
            verdict.about.clone_from(&case.about);
            if let Err(fault) = judge_case(&case, sets, update, &mut verdict) {
                verdict
                    .failures
                    .push(Failure::new("cannot-run", "the case cannot be run", fault.to_string()));
            }
        }
        Err(fault) => verdict.failures.push(Failure::new(
            "bad-case",
            "the case itself has faults",
            fault.to_string(),
        )),
    }
    verdict.took = start.elapsed();
    verdict
}

fn judge_case(case: &Case, sets: &RuleSets, update: bool, verdict: &mut Verdict) -> Result<(), Fault> {
    let bench = Bench::new(case, sets)?;
    let results = bench.results()?;
    let broken_builds = broken_builds(case, &bench, &results)?;
    if let Ok(rules) = bench.run.rules() {
        verdict.tally.add_rules(rules);
        let decisions = bench.record.take();
        verdict
            .tally
            .add(&case.name, &case.release.to_string(), rules, &decisions);
    }
    let mut judge = Judge {
        case,
        bench: &bench,
        results: &results,
        document: results
            .release
            .as_ref()
            .and_then(|release| serde_json::to_value(release.build_config()).ok()),
        failures: broken_builds,
    };
    if !case.expects_something() && !update {
        let hint = "add `values`, `findings`, `absent` or files in `expected`; `--update` writes those files";
        judge.failures.push(Failure::new(
            "expects-nothing",
            "the case does not say what must hold",
            hint,
        ));
    }
    judge.values();
    judge.findings();
    judge.absent();
    judge.files()?;
    judge.removed();
    judge.fixpoint()?;
    let failures = judge.failures;
    if update && failures.iter().any(|failure| failure.code != "not-a-fixpoint") {
        verdict.updated = update::update(case, &results)?;
    }
    verdict.failures = failures;
    Ok(())
}

struct Judge<'j> {
    case: &'j Case,
    bench: &'j Bench,
    results: &'j Results<'j>,
    document: Option<Json>,
    failures: Vec<Failure>,
}

/// Asks the rules about failed builds, and about the jobs whose they are.
fn broken_builds(case: &Case, bench: &Bench, results: &Results<'_>) -> Result<Vec<Failure>, RunError> {
    if case.failures.is_empty() {
        return Ok(Vec::new());
    }
    let rules = bench.run.rules()?;
    if let Some(release) = &results.release {
        jobs(release, rules, false);
    }
    let classifier = Classifier::new(rules, case.release);
    let told = case.failures.iter().filter_map(|(text, wanted)| {
        let says = classifier.failure("image", text).says;
        (says != *wanted).then(|| {
            let message = format!("a build that says `{}` is told as `{says}`", terminal(text));
            Failure::new("wrong-failure", message, format!("expected is `{}`", terminal(wanted)))
        })
    });
    Ok(told.collect())
}

/// How a text starts that somebody still has to write.
const FILL_IN: &str = "FILL IN";

impl Judge<'_> {
    fn fail(&mut self, code: &'static str, message: impl Into<String>, detail: impl Into<String>) {
        self.failures.push(Failure::new(code, message, detail));
    }

    fn values(&mut self) {
        let Some(document) = self.document.clone() else {
            for path in self.case.values.keys() {
                self.fail("wrong-value", format!("{path}: the release could not be derived"), "");
            }
            return;
        };
        for (path, expected) in &self.case.values {
            let Ok(segments) = value::segments(path) else { continue };
            let found = value::find(&document, &segments);
            if found == Some(expected) {
                continue;
            }
            if let Some(todo) = expected.as_str().filter(|text| text.starts_with(FILL_IN)) {
                let found = found.map_or("nothing".into(), pretty);
                let detail = format!(
                    "{}: as it is, the rules make this of it:\n{found}",
                    self.case.dir.join(CASE_FILE).display()
                );
                self.fail("fill-in", format!("{path}: {todo}"), detail);
                continue;
            }
            let mut detail = match found {
                Some(found) => difference("expected", "derived", &pretty(expected), &pretty(found)),
                None => format!(
                    "expected {expected}, but there is no such value\n{}",
                    known(&document, &segments)
                ),
            };
            detail.push_str(&self.trace(&segments));
            self.fail("wrong-value", path.clone(), detail);
        }
    }

    fn findings(&mut self) {
        let mut expected: Vec<(&super::case::ExpectedFinding, bool)> =
            self.case.findings.iter().map(|finding| (finding, false)).collect();
        let mut unexpected = Vec::new();
        for finding in &self.results.findings {
            let mut known = false;
            for (wanted, met) in &mut expected {
                if wanted.code == finding.code && finding.message.contains(&wanted.text) {
                    (*met, known) = (true, true);
                }
            }
            if !known {
                unexpected.push(finding.to_string());
            }
        }
        unexpected.sort();
        unexpected.dedup();
        for finding in unexpected {
            let hint = "if it is right, list its code under `findings`";
            self.fail("unexpected-finding", finding, hint);
        }
        for (wanted, _) in expected.into_iter().filter(|(_, met)| !met) {
            let with = if wanted.text.is_empty() {
                String::new()
            } else {
                format!(" with `{}`", wanted.text)
            };
            let all: Vec<_> = self.results.findings.iter().map(ToString::to_string).collect();
            let detail = if all.is_empty() {
                "there is no finding at all".into()
            } else {
                all.join("\n")
            };
            self.failures.push(Failure::new(
                "missing-finding",
                format!("no finding {}{with}", wanted.code),
                detail,
            ));
        }
    }

    fn absent(&mut self) {
        let document = self.document.clone().unwrap_or_default();
        for path in &self.case.absent_values {
            let Ok(segments) = value::segments(path) else { continue };
            if let Some(found) = value::find(&document, &segments) {
                let detail = format!("it is {found}\n{}", self.trace(&segments));
                self.fail("present-value", format!("{path} must not be there"), detail);
            }
        }
        for text in &self.case.absent_texts {
            for (path, found) in value::texts(&document)
                .into_iter()
                .filter(|(_, found)| found.contains(text.as_str()))
            {
                let trace = value::segments(&path)
                    .map(|segments| self.trace(&segments))
                    .unwrap_or_default();
                let message = format!("`{text}` must not occur, but {path} is {found}");
                self.failures.push(Failure::new("present-text", message, trace));
            }
            for (name, file) in written(self.results) {
                let bytes = file.after.as_deref().unwrap_or_default();
                let all = String::from_utf8_lossy(bytes);
                for (at, line) in all.lines().enumerate().filter(|(_, line)| line.contains(text.as_str())) {
                    let message = format!("`{text}` must not occur, but {name}:{} has it", at + 1);
                    self.failures
                        .push(Failure::new("present-text", message, terminal(line)));
                }
            }
        }
    }

    /// Every expected file must be written so, and every written file must be expected; without `expected` files don't count.
    fn files(&mut self) -> Result<(), Fault> {
        let folder = self.case.dir.join(EXPECTED);
        if !folder.is_dir() {
            return Ok(());
        }
        let expected = run::files(&folder)?;
        let written = written(self.results);
        if expected.is_empty() {
            self.fail(
                "expects-nothing",
                format!("{} holds no file", folder.display()),
                "remove it, or run with `--update`",
            );
        }
        for (name, bytes) in &expected {
            match written.get(name) {
                Some(file) if file.after.as_deref() == Some(bytes.as_slice()) => {}
                Some(file) => {
                    let after = file.after.as_deref().unwrap_or_default();
                    let mut detail = difference(
                        &format!("expected/{name}"),
                        &format!("rendered/{name}"),
                        &String::from_utf8_lossy(bytes),
                        &String::from_utf8_lossy(after),
                    );
                    detail.push_str(&self.causes(file, bytes)?);
                    self.fail("wrong-file", name.clone(), detail);
                }
                None => {
                    let why = self.why_not(name);
                    self.fail("file-not-produced", format!("nothing writes {name}"), why);
                }
            }
        }
        for (name, file) in written.into_iter().filter(|(name, _)| !expected.contains_key(name)) {
            let after = file.after.as_deref().unwrap_or_default();
            let before = file.before.as_deref().unwrap_or_default();
            let (old, new) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
            let detail = difference("input", "rendered", &old, &new);
            self.fail(
                "unexpected-file",
                format!("{name} is written, but not expected"),
                detail,
            );
        }
        Ok(())
    }

    fn why_not(&self, name: &str) -> String {
        match self.results.files.iter().find(|file| expected_name(file) == name) {
            Some(file) if file.held => "it could not be derived, so that what is there stays".into(),
            Some(_) => "it is as it should be already: expect files that change or are new only".into(),
            None => {
                let names: Vec<_> = written(self.results).into_keys().collect();
                format!(
                    "written are: {}",
                    if names.is_empty() {
                        "none".into()
                    } else {
                        names.join(", ")
                    }
                )
            }
        }
    }

    fn removed(&mut self) {
        let gone = |file: &&Desired| file.before.is_some() && file.after.is_none();
        let removed: Vec<String> = self.results.files.iter().filter(gone).map(expected_name).collect();
        for name in self.case.removed.iter().filter(|name| !removed.contains(name)) {
            self.failures
                .push(Failure::new("not-removed", format!("{name} is not removed"), ""));
        }
        for name in removed.iter().filter(|name| !self.case.removed.contains(name)) {
            let hint = "if it is right, list it under `removed`";
            self.failures
                .push(Failure::new("unexpected-removal", format!("{name} is removed"), hint));
        }
    }

    /// What was rendered is rendered once more on top of itself: nothing may change any more.
    fn fixpoint(&mut self) -> Result<(), Fault> {
        let Some(release) = &self.results.release else {
            return Ok(());
        };
        // What goes into other repositories than that of the configs, the tests of its target render again.
        let of_ci = |file: &&Desired| file.repo.to_string() == run::CI_CONFIG;
        let changed = self.results.files.iter().filter(|file| !file.held).filter(of_ci);
        let changed = changed.map(|file| (file.path.clone(), file.after.clone())).collect();
        for file in self.bench.render_on(release, &changed)? {
            if file.held || file.before == file.after || !of_ci(&&file) {
                continue;
            }
            let (before, after) = (
                file.before.as_deref().unwrap_or_default(),
                file.after.as_deref().unwrap_or_default(),
            );
            let (old, new) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
            let mut detail = difference("rendered once", "rendered twice", &old, &new);
            detail.push_str(&show_causes(&file.causes));
            let message = format!(
                "{} changes again when it is rendered on top of itself",
                expected_name(&file)
            );
            self.failures.push(Failure::new("not-a-fixpoint", message, detail));
        }
        Ok(())
    }

    /// The rules behind a file's difference from what is expected: what would change if the expected file were there.
    fn causes(&self, file: &Desired, expected: &[u8]) -> Result<String, Fault> {
        let Some(release) = &self.results.release else {
            return Ok(String::new());
        };
        let there = BTreeMap::from([(file.path.clone(), Some(Arc::from(expected)))]);
        let on_top = self.bench.render_on(release, &there)?;
        let same = on_top.iter().find(|other| other.path == file.path);
        Ok(same.map(|same| show_causes(&same.causes)).unwrap_or_default())
    }

    /// The rules behind a value.
    fn trace(&self, segments: &[String]) -> String {
        let Some(release) = &self.results.release else {
            return String::new();
        };
        match segments {
            [root, key, rest @ ..] if root == "images" => trace_image(release, key, rest),
            [root, repo, field, ..] if root == "repositories" => {
                let config = release.configs.values().find(|config| config.repo.to_string() == *repo);
                config
                    .map(|config| trace_config(release, config, field))
                    .unwrap_or_default()
            }
            [root, field, ..] if root == "payload" => {
                let payload = &release.payload;
                let derived = match field.as_str() {
                    "registry" => &payload.registry,
                    "namespace" => &payload.namespace,
                    "name" => &payload.name,
                    "variant" => &payload.variant,
                    _ => return String::new(),
                };
                show_rules(&release.rule_parts(&derived.tried, field, About::Release))
            }
            _ => String::new(),
        }
    }
}

fn trace_image(release: &derive::Release<'_>, key: &str, rest: &[String]) -> String {
    let Some(explained) = explain(release, key).into_iter().next() else {
        return format!("  {key} is not among the images that OKD needs\n");
    };
    let mut out = format!("  {key}: {}\n", explained.standing);
    let path = rest
        .iter()
        .fold(String::new(), |path, part| match part.parse::<usize>() {
            Ok(at) => format!("{path}[{at}]"),
            Err(_) if path.is_empty() => part.clone(),
            Err(_) => format!("{path}.{part}"),
        });
    let covers = |field: &&derive::explain::Field| path.strip_prefix(&field.path).is_some();
    for field in explained.fields.iter().filter(covers) {
        for step in &field.steps {
            let at = if step.at.is_empty() {
                String::new()
            } else {
                format!("  ({})", step.at)
            };
            let _ = writeln!(out, "  {} {}{at}", step.kind, terminal(&step.text));
        }
        out.push_str(&show_rules(&field.rules));
    }
    out
}

fn trace_config(release: &derive::Release<'_>, config: &derive::Config, field: &str) -> String {
    fn parts<T>(release: &derive::Release<'_>, derived: &Derived<T>, field: &str) -> String {
        show_rules(&release.rule_parts(&derived.tried, field, About::Release))
    }
    match field {
        "build_root" => parts(release, &config.build_root, field),
        "promotion" => parts(release, &config.promotion, field),
        "prowgen" => parts(release, &config.prowgen, field),
        "releases" => parts(release, &config.releases, field),
        "resources" => parts(release, &config.resources, field),
        "tests" => parts(release, &config.tests, field),
        _ => String::new(),
    }
}

fn show_rules(rules: &[RulePart]) -> String {
    let mut out = String::new();
    for part in rules {
        let when = part
            .when
            .as_ref()
            .map(|when| format!(", when {when}"))
            .unwrap_or_default();
        let _ = writeln!(out, "  rule {} ({}) {}{when}", part.rule, part.at, part.verdict);
        for read in &part.read {
            let place = read
                .place
                .as_ref()
                .map(|place| format!("  ({place})"))
                .unwrap_or_default();
            let _ = writeln!(out, "    {} = {}{place}", read.variable, terminal(&read.value));
        }
    }
    out
}

fn show_causes(causes: &[Cause]) -> String {
    let mut out = String::new();
    for cause in causes {
        let item = cause
            .item
            .as_ref()
            .map(|item| format!(" of {item}"))
            .unwrap_or_default();
        let (old, new) = (
            cause.old.as_deref().unwrap_or("nothing"),
            cause.new.as_deref().unwrap_or("nothing"),
        );
        let _ = writeln!(
            out,
            "  {}{item}: {} expected, {} derived",
            cause.field,
            terminal(old),
            terminal(new)
        );
        if !cause.rule.is_empty() {
            let _ = writeln!(out, "    rule {} ({}): {}", cause.rule, cause.rule_at, cause.because);
        }
    }
    out
}

/// What there is where a path ends.
fn known(document: &Json, segments: &[String]) -> String {
    let there = (0..segments.len())
        .rev()
        .find_map(|end| Some((end, value::find(document, &segments[..end])?)));
    let Some((end, Json::Object(map))) = there else {
        return String::new();
    };
    let names: Vec<_> = map.keys().map(String::as_str).take(30).collect();
    let place = if end == 0 {
        "the document".to_owned()
    } else {
        segments[..end].join(".")
    };
    let names = if names.is_empty() {
        "nothing in it".to_owned()
    } else {
        names.join(", ")
    };
    format!("{place} has {names}\n")
}

fn pretty(value: &Json) -> String {
    match value {
        Json::String(text) => format!("{text}\n"),
        other => format!("{}\n", serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

/// A unified diff, safe to print.
fn difference(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut unified = diff.unified_diff();
    let shown = unified.context_radius(3).header(old_name, new_name).to_string();
    shown.lines().map(|line| format!("{}\n", terminal(line))).collect()
}
