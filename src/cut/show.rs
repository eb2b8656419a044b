//! The train for people and for programs.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::payload::Verified;
use super::train::{Check, StepKind, Stuck, Train};
use super::unit::Unit;
use crate::base::text::terminal;
use crate::finding::Finding;
use crate::plan::Desired;

/// How many components of a step the text names; JSON has all.
const NAMED: usize = 5;

/// A cut as `--format json` has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Train")]
pub struct View {
    /// The releases, oldest first.
    pub releases: Vec<String>,
    /// The steps that are left, in order.
    pub steps: Vec<StepView>,
    /// Changes that no step can make.
    pub stuck: Vec<Stuck>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// What verifies each release's payload once all steps are made.
    pub payloads: Vec<Verified>,
    /// Releases between the first and the last that the configuration leaves out.
    pub left_out: Vec<String>,
    /// What the train waits for; absent where nothing was applied or nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// One step: one pull request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainStep")]
pub struct StepView {
    /// Its number, from 1.
    pub number: usize,
    /// What it does.
    pub kind: StepKind,
    /// The release whose pull request it is.
    pub release: String,
    /// The branch that the pull request is made from.
    pub head: String,
    /// What happens, in a sentence.
    pub title: String,
    /// Why it stands where it does.
    pub because: String,
    /// The components whose configs change.
    pub components: Vec<String>,
    /// The files.
    pub files: Vec<FileView>,
    /// What holds once it is merged.
    pub checks: Vec<Check>,
}

/// One file of a step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainFile")]
pub struct FileView {
    /// The repository.
    pub repo: String,
    /// The path.
    pub path: String,
    /// `new`, `changed` or `removed`.
    pub change: &'static str,
}

/// The branch that a step is made from in other repositories than the train's own.
fn beside(unit: &Unit) -> Option<String> {
    let file = unit.files.first()?;
    file.group
        .starts_with(crate::plan::CUT_BESIDE)
        .then(|| crate::plan::head(&file.group, &file.release))
}

impl StepView {
    /// Whether its requests are in other repositories than the train's own.
    pub fn is_beside(&self) -> bool {
        self.head != super::train::head()
    }
}

impl View {
    /// Numbers the steps; of a train that is under way some are behind it.
    pub fn number_from(&mut self, first: usize) {
        for (at, step) in self.steps.iter_mut().enumerate() {
            step.number = first + at;
        }
    }

    /// The view of a train, its steps numbered from 1.
    pub fn new(releases: Vec<String>, train: &Train, all: &[Unit], findings: Vec<Finding>) -> Self {
        let steps = train.steps.iter().enumerate().map(|(at, step)| {
            let units: Vec<&Unit> = step.units.iter().filter_map(|at| all.get(*at)).collect();
            let mut components: Vec<String> = units.iter().filter_map(|unit| unit.component.clone()).collect();
            components.sort();
            components.dedup();
            let changed = units
                .iter()
                .flat_map(|unit| &unit.files)
                .filter(|file| file.before != file.after);
            let mut files: Vec<FileView> = changed.map(file).collect();
            files.sort_by(|a, b| a.path.cmp(&b.path));
            StepView {
                number: 1 + at,
                kind: step.kind,
                release: step.release.to_string(),
                head: units
                    .iter()
                    .find_map(|unit| beside(unit))
                    .unwrap_or_else(super::train::head),
                title: title(step.kind, &step.release.to_string(), units.len()),
                because: step.because().to_owned(),
                components,
                files,
                checks: step.checks.clone(),
            }
        });
        Self {
            releases,
            steps: steps.collect(),
            stuck: train.stuck.clone(),
            findings,
            payloads: train.verified.clone(),
            left_out: Vec::new(),
            waits_for: None,
        }
    }

    /// The same with details of each step, ready for a terminal.
    pub fn text_with(&self, details: &[String]) -> String {
        let left_out = match self.left_out.len() {
            0 => String::new(),
            1 => format!(" ({} is left out)", self.left_out.join(", ")),
            _ => format!(" ({} are left out)", self.left_out.join(", ")),
        };
        let mut out = format!("branch cut {}{left_out}: ", escaped(&self.releases.join(" → ")));
        match self.steps.len() {
            0 => out.push_str("nothing is left to do\n"),
            1 => out.push_str("1 step is left\n"),
            steps => {
                let _ = writeln!(out, "{steps} steps are left, each after the merge of the one before");
            }
        }
        for (at, step) in self.steps.iter().enumerate() {
            out.push_str(&escaped(&step.text()));
            if let Some(details) = details.get(at) {
                let _ = write!(out, "\n{details}");
            }
        }
        for stuck in &self.stuck {
            let text = format!("\nnot in the train: {}\n   {}\n", stuck.path, stuck.why);
            out.push_str(&escaped(&text));
        }
        if !self.payloads.is_empty() {
            let told: Vec<String> = self.payloads.iter().map(Verified::told).collect();
            out.push_str(&escaped(&format!("\nafter all steps {}\n", told.join("; "))));
        }
        if let Some(waits) = &self.waits_for {
            let _ = writeln!(out, "\nwaits for {}", terminal(waits));
        }
        out.truncate(out.trim_end().len());
        out + "\n"
    }
}

/// Text of inputs as a terminal may have it, line by line.
fn escaped(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => terminal(line) + "\n",
            None => terminal(line),
        })
        .collect()
}

impl StepView {
    fn text(&self) -> String {
        let mut out = format!("\n{}. {} ({})\n", self.number, self.title, self.head);
        let _ = writeln!(out, "   because {}", self.because);
        let count = |change: &str| self.files.iter().filter(|file| file.change == change).count();
        let counts = ["new", "changed", "removed"].map(|change| (count(change), change));
        let counts = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, change)| format!("{count} {change}"));
        let _ = writeln!(out, "   files: {}", counts.collect::<Vec<_>>().join(", "));
        if !self.components.is_empty() {
            let named: Vec<&str> = self.components.iter().take(NAMED).map(String::as_str).collect();
            let more = match self.components.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let _ = writeln!(out, "   components: {}{more}", named.join(", "));
        }
        for check in &self.checks {
            let told = check.told().unwrap_or_else(|| "holds".to_owned());
            let _ = writeln!(out, "   check: {}: {told}", check.check);
        }
        out
    }
}

fn title(kind: StepKind, release: &str, units: usize) -> String {
    let one = units == 1;
    let configs = if one {
        "1 config".to_owned()
    } else {
        format!("{units} configs")
    };
    let (stop, move_on, promote, its) = if one {
        ("stops", "moves on", "promotes", "its")
    } else {
        ("stop", "move on", "promote", "their")
    };
    match kind {
        StepKind::Vacate => format!("{release}: {configs} {stop} promoting elsewhere and {move_on}"),
        StepKind::Pause => format!("{release}: {configs} {promote} nothing for a while"),
        StepKind::Bases => format!("{release}: {configs} whose images others are built from"),
        StepKind::Configs => format!("{release}: {configs} with {its} jobs"),
        StepKind::Own(step) => format!("{release}: {}", step.title),
    }
}

fn file(desired: &Desired) -> FileView {
    let change = match (&desired.before, &desired.after) {
        (None, _) => "new",
        (Some(_), None) => "removed",
        (Some(_), Some(_)) => "changed",
    };
    FileView {
        repo: desired.repo.to_string(),
        path: desired.path.clone(),
        change,
    }
}
