//! What is said of jobs: why they change, and what is wrong with them.

use std::collections::BTreeSet;

use super::facts::Unknown;
use super::files::{Files, differing};
use super::job::{Draft, Why};
use super::scan::Job;
use crate::finding::{Finding, Severity};
use crate::plan::Cause;
use crate::targets::asking;
use crate::yaml::Node;

impl Files<'_> {
    pub(super) fn cause(&self, field: &str, rule: Option<usize>) -> Cause {
        let rule = rule.or_else(|| self.release.strongest_of_job("body"));
        Cause {
            images: self.source.images.clone(),
            ..asking::cause(self.release, rule, field, self.source.repo.to_string())
        }
    }

    pub(super) fn removed(&self, job: &Job<'_>) -> Cause {
        let mut cause = self.cause("jobs[]", None);
        cause.item = Some(job.name.to_string());
        cause.old = Some(format!("runs on {}", job.cluster));
        cause.because = format!("{} has nothing that the job would run for", self.source.config);
        cause
    }

    /// The cause that speaks for a file whose last job goes.
    pub(super) fn emptied(&self, causes: &[Cause]) -> Cause {
        let names: Vec<&str> = causes.iter().filter_map(|cause| cause.item.as_deref()).collect();
        let mut cause = self.cause("file", None);
        cause.old = Some(format!("has {}", names.join(", ")));
        cause.because = "its last job goes".to_owned();
        cause
    }

    /// Why a job is written: it is new, or differs in one or more of its fields.
    pub(super) fn changed(&self, draft: &Draft, why: Why, node: &Node, there: Option<&Node>) -> Cause {
        let Some(there) = there else {
            let mut cause = self.cause("jobs[]", why.body);
            cause.item = Some(draft.name.clone());
            cause.new = Some(format!("runs for {}", draft.what));
            return cause;
        };
        let keys = differing(there, node);
        let only_cluster = keys.len() == 1 && keys.contains("cluster");
        let rule = if only_cluster { why.cluster } else { why.body };
        let mut cause = self.cause("jobs[]", rule);
        cause.item = Some(draft.name.clone());
        let show = |node: &Node| {
            let shown = keys
                .iter()
                .filter_map(|key| Some(format!("{key}: {}", short(node.get(key)?))));
            let shown: Vec<String> = shown.collect();
            if shown.is_empty() { None } else { Some(shown.join(", ")) }
        };
        (cause.old, cause.new) = (show(there), show(node));
        cause
    }

    pub(super) fn taken(&self, name: &str, path: &str, job: &Job<'_>) -> Finding {
        let text = format!(
            "job {name} should be one of {}, but another config's has its name",
            self.source.config
        );
        let help = "the generator writes now one, now the other: give one of the tests another name";
        self.finding(Severity::Error, "job-name-taken", text, help, path, job.line)
    }

    pub(super) fn by_hand(&self, name: &str, path: &str, job: &Job<'_>) -> Finding {
        let text = format!(
            "job {name} was written by hand, and {} asks for a job of this name",
            self.source.config
        );
        let help = "CI's generator replaces it, and so does this run: give the job another name to keep it";
        self.finding(Severity::Warning, "job-by-hand", text, help, path, job.line)
    }

    /// `edited`: jobs with the keys that differ, and their lines.
    pub(super) fn by_others(&self, path: &str, line: u32, edited: &[(&str, BTreeSet<String>, u32)]) -> Finding {
        let told = edited.iter().map(|(name, keys, _)| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            format!("{name} ({})", keys.join(", "))
        });
        let told: Vec<String> = told.collect();
        let text = format!(
            "jobs are not as CI's generator writes them, although {} stays as it is: {}",
            self.source.config,
            told.join(", ")
        );
        let help = "what a job should do belongs into its config, where the generator does not take it back";
        self.finding(Severity::Note, "job-edited", text, help, path, line)
    }

    pub(super) fn asked_twice(&self, name: &str) -> Finding {
        let text = format!("{} asks twice for job {name}", self.source.config);
        let help = "one of them never runs: give one of the tests another name; the last one is written";
        self.finding(Severity::Warning, "duplicate-job", text, help, &self.source.config, 0)
    }

    pub(super) fn unknown_key(&self, unknown: &Unknown) -> Finding {
        let Unknown {
            section,
            key,
            line,
            known,
        } = unknown;
        let text = format!("`{section}` has a key `{key}` that CI's generator does not know");
        let help = format!("it stays and does nothing; known are {}", known.join(", "));
        self.finding(
            Severity::Note,
            "unknown-config-key",
            text,
            &help,
            &self.source.config,
            *line,
        )
    }

    pub(super) fn unknown_profile(&self, profile: &str) -> Finding {
        let text = format!("cluster profile {profile} is not one of {}", super::registry::PROFILES);
        let help = "CI's generator stops at it: correct the test's `cluster_profile`, or add the profile there";
        self.finding(
            Severity::Warning,
            "unknown-cluster-profile",
            text,
            help,
            &self.source.config,
            0,
        )
    }

    /// Jobs that no rule writes.
    pub(super) fn unwritten(&self, drafts: &[Draft]) -> Option<Finding> {
        let unwritten = drafts.iter().filter(|draft| draft.list.is_none());
        let periodic = unwritten.filter(|draft| draft.is_periodic());
        let names: Vec<&str> = periodic.map(|draft| draft.what.as_str()).collect();
        if names.is_empty() {
            return None;
        }
        let text = format!("periodic tests have jobs that are not derived: {}", names.join(", "));
        let help = "let a rule write them (`list: periodics`), or run the repository's own generator";
        Some(self.finding(Severity::Note, "periodic-job", text, help, &self.source.config, 0))
    }

    pub(super) fn finding(
        &self,
        severity: Severity,
        code: &'static str,
        text: String,
        help: &str,
        path: &str,
        line: u32,
    ) -> Finding {
        let line = Some(line).filter(|line| *line > 0);
        Finding::new(severity, code, text)
            .with_place(self.actual.place(path, line))
            .with_component(self.source.repo.to_string())
            .with_help(help)
    }
}

/// A value on one line, cut to a readable length.
fn short(node: &Node) -> String {
    const LONGEST: usize = 80;
    let text = match node.text() {
        Some(text) => text.to_owned(),
        None => serde_json::Value::from(node).to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}
