//! What failed runs left: read once, and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use serde::{Deserialize, Serialize};

use super::Reader;
use crate::results::{Artifacts, GRAPH_BYTES, JUNIT_BYTES, JobRun, Step, junit, step_graph};
use crate::source::{NO_BUCKET, SourceError};

/// Must change when what is remembered has another form.
const STORED: u32 = 1;
/// As many failed runs are looked into at once where nobody waits for the answer: the others are by the next look.
const AT_ONCE: usize = 60;
/// What cannot be read is tried again after so many seconds, and then after twice as many each time.
const PAUSE: i64 = 600;
/// So often it is tried: the last time a day after the first.
const TRIES: u32 = 8;

/// What a failed run left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Left {
    /// Its steps; none where nothing could be read.
    steps: Option<Vec<Kept>>,
    /// Why there are none.
    why: String,
    /// How often it was tried in vain, and when last, in seconds since 1970.
    tries: u32,
    last: i64,
}

/// A step as it is kept: what nobody asks for is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    name: String,
    dependencies: Vec<String>,
    tried: bool,
    failed: bool,
    text: String,
}

impl Left {
    fn of(steps: Vec<Step>) -> Self {
        let kept = steps.into_iter().map(|step| {
            let (tried, failed) = (step.was_tried(), step.has_failed());
            Kept {
                name: step.name,
                dependencies: step.dependencies,
                tried,
                failed,
                text: if failed { step.text } else { String::new() },
            }
        });
        Self {
            steps: Some(kept.collect()),
            why: String::new(),
            tries: 0,
            last: 0,
        }
    }

    fn artifacts(&self) -> Artifacts {
        let Some(steps) = &self.steps else {
            return Artifacts::Unreadable(self.why.clone());
        };
        let steps = steps.iter().map(|kept| Step {
            name: kept.name.clone(),
            dependencies: kept.dependencies.clone(),
            started_at: kept.tried.then(|| "tried".to_owned()),
            finished_at: None,
            failed: Some(kept.failed),
            text: kept.text.clone(),
        });
        Artifacts::Steps(steps.collect())
    }

    /// Whether it is worth to try again.
    fn is_due(&self, now: i64) -> bool {
        self.steps.is_none() && self.tries < TRIES && now - self.last >= PAUSE << self.tries.saturating_sub(1)
    }
}

/// Why a file cannot be read.
enum Unread {
    /// It is not there, or makes no sense.
    This(String),
    /// Its server does not answer, or has no such bucket.
    Server(String),
}

impl Reader<'_> {
    /// What a failed run left, for those who ask about images of it.
    pub(super) fn artifacts(&mut self, run: &JobRun, images: &BTreeSet<String>) -> Artifacts {
        if self.sources.artifacts.is_none() {
            return Artifacts::Unreadable("`sources.results.prow.artifacts` is not configured".to_owned());
        }
        let Some(folder) = run.folder() else {
            return Artifacts::Unreadable("the run's job or id has a form that CI does not give".to_owned());
        };
        let known = self.known(&folder);
        let is_due = known
            .as_ref()
            .is_none_or(|left| left.is_due(self.now) || (self.whole && left.steps.is_none()));
        if let (Some(left), false) = (&known, is_due) {
            return left.artifacts();
        }
        if let Some(why) = &self.down {
            return Artifacts::Unreadable(why.clone());
        }
        if !self.whole && self.looked_into >= AT_ONCE {
            return Artifacts::Unreadable("many runs have failed, and this one is looked into next time".to_owned());
        }
        self.looked_into += 1;
        let left = match self.steps_of(&folder, images) {
            Ok(steps) => Left::of(steps),
            Err(Unread::This(why)) => Left {
                steps: None,
                why: format!("what the run left cannot be read: {why}"),
                tries: known.map_or(0, |left| left.tries) + 1,
                last: self.now,
            },
            Err(Unread::Server(why)) => {
                self.missing("sources.results.prow.artifacts", why.clone());
                self.down = Some(format!("what the run left cannot be read: {why}"));
                return Artifacts::Unreadable(format!("what the run left cannot be read: {why}"));
            }
        };
        self.run.store.put("results-left", STORED, folder.as_bytes(), &left);
        let artifacts = left.artifacts();
        self.followed.left.insert(folder, left);
        artifacts
    }

    fn known(&mut self, folder: &str) -> Option<Left> {
        if let Some(left) = self.followed.left.get(folder) {
            return Some(left.clone());
        }
        let left: Left = self.run.store.get("results-left", STORED, folder.as_bytes())?;
        self.followed.left.insert(folder.to_owned(), left.clone());
        Some(left)
    }

    /// The steps of a run. JUnit says which failed and why; where every image is among them, that is all there is to know. Else
    /// the graph says what was not tried, and what for.
    fn steps_of(&self, folder: &str, images: &BTreeSet<String>) -> Result<Vec<Step>, Unread> {
        let said = match self.file(folder, "junit_operator.xml", JUNIT_BYTES) {
            Ok(bytes) => junit(&bytes).map_err(|error| error.to_string()),
            Err(Unread::This(why)) => Err(why),
            Err(down) => return Err(down),
        };
        if let Ok(steps) = &said {
            let named: BTreeSet<&str> = steps.iter().map(|step| step.name.as_str()).collect();
            if images.iter().all(|tag| named.contains(tag.as_str())) {
                return said.map_err(Unread::This);
            }
        }
        let graph = match self.file(folder, "ci-operator-step-graph.json", GRAPH_BYTES) {
            Ok(bytes) => step_graph(&bytes).map_err(|error| error.to_string()),
            Err(Unread::This(why)) => Err(why),
            Err(down) => return Err(down),
        };
        match (graph, said) {
            (Ok(steps), said) => Ok(together(steps, said.unwrap_or_default())),
            (Err(_), Ok(steps)) => Ok(steps),
            (Err(why), Err(_)) => Err(Unread::This(why)),
        }
    }

    fn file(&self, folder: &str, name: &str, most: u64) -> Result<Vec<u8>, Unread> {
        let Some(base) = &self.sources.artifacts else {
            return Err(Unread::This("no artifacts are configured".to_owned()));
        };
        let suffix = format!("/{folder}/artifacts/{name}");
        let reader = self
            .run
            .sources
            .below(base, &suffix, most)
            .map_err(|error| match &error {
                SourceError::Unreachable { .. } => Unread::Server(error.to_string()),
                // No other run has left anything there either.
                SourceError::NoFile { code, .. } if code.as_deref() == Some(NO_BUCKET) => {
                    Unread::Server(error.to_string())
                }
                _ => Unread::This(error.to_string()),
            })?;
        let mut bytes = Vec::new();
        let read = reader.take(most).read_to_end(&mut bytes);
        read.map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => Unread::Server(format!("{base}{suffix}: {error}")),
            _ => Unread::This(format!("{name} breaks off: {error}")),
        })?;
        Ok(bytes)
    }
}

/// The steps of the graph with what JUnit says of those that failed. A step that builds no image has a sentence for its name
/// there, in which its own name is a word.
fn together(mut steps: Vec<Step>, said: Vec<Step>) -> Vec<Step> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for step in said {
        if step.has_failed() {
            texts.insert(step.name, step.text);
        }
    }
    for step in &mut steps {
        step.text = texts.remove(&step.name).unwrap_or_default();
    }
    for step in steps
        .iter_mut()
        .filter(|step| step.has_failed() && step.text.is_empty())
    {
        let names = |sentence: &String| sentence.split(' ').any(|word| word == step.name);
        let found = texts.keys().find(|sentence| names(sentence)).cloned();
        step.text = found.and_then(|sentence| texts.remove(&sentence)).unwrap_or_default();
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, failed: bool, text: &str) -> Step {
        Step {
            name: name.to_owned(),
            started_at: Some("2026-01-01T00:00:00Z".to_owned()),
            failed: Some(failed),
            text: text.to_owned(),
            ..Step::default()
        }
    }

    #[test]
    fn what_is_kept_says_the_same_of_every_step() {
        let steps = vec![step("a", true, "no Go"), step("b", false, ""), Step::default()];
        let Artifacts::Steps(again) = Left::of(steps.clone()).artifacts() else {
            panic!("steps");
        };
        let of = |steps: &[Step]| -> Vec<(String, bool, bool, String)> {
            let told = |step: &Step| {
                (
                    step.name.clone(),
                    step.was_tried(),
                    step.has_failed(),
                    step.text.clone(),
                )
            };
            steps.iter().map(told).collect()
        };
        assert_eq!(of(&again), of(&steps));
    }

    #[test]
    fn what_is_not_there_is_tried_again_and_given_up_after_a_day() {
        let (mut at, mut tries) = (0, 0);
        let mut left = Left {
            steps: None,
            why: "not there".to_owned(),
            tries: 1,
            last: 0,
        };
        while left.tries < TRIES {
            at += 60;
            if left.is_due(at) {
                (left.tries, left.last, tries) = (left.tries + 1, at, tries + 1);
            }
        }
        assert_eq!(tries, TRIES - 1);
        assert!((86_400 / 2..=2 * 86_400).contains(&at), "{at} seconds");
        assert!(!left.is_due(i64::MAX));
    }

    #[test]
    fn a_step_that_builds_nothing_is_found_by_a_word_of_its_sentence() {
        let graph = vec![step("src", true, ""), step("a", false, "")];
        let sentence = "Clone the correct source code into an image and tag it as src";
        let found = together(graph, vec![step(sentence, true, "Could not resolve host: github.com")]);
        assert_eq!(found[0].text, "Could not resolve host: github.com");
    }
}
