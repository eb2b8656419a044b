//! Deck's list of ProwJobs (`/prowjobs.js`), read in a stream: it has tens of megabytes, and few of its jobs are asked for.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::run::{JobRun, State};

/// As many runs are kept.
const MOST_RUNS: usize = 20_000;

/// The list is cut off, or none.
#[derive(Debug, thiserror::Error)]
#[error("deck's list of jobs is cut off, or is none: {0}")]
pub struct DeckError(String);

#[derive(Deserialize)]
struct ProwJob {
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    job: String,
    #[serde(default)]
    refs: Option<Refs>,
}

#[derive(Default, Deserialize)]
struct Refs {
    #[serde(default)]
    base_sha: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    state: String,
    #[serde(default)]
    start_time: Option<String>,
    #[serde(default)]
    completion_time: Option<String>,
    #[serde(default, rename = "build_id")]
    build_id: String,
}

/// Reads the postsubmits of jobs that are asked for.
///
/// # Errors
/// The list ends too early, or has another form. What was read up to there is lost with it: half a list says nothing of what
/// is not in it.
pub fn deck(reader: impl Read, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<JobRun>, DeckError> {
    let mut runs = Vec::new();
    let mut source = serde_json::Deserializer::from_reader(std::io::BufReader::new(reader));
    let seed = List {
        wanted,
        runs: &mut runs,
    };
    seed.deserialize(&mut source)
        .map_err(|error| DeckError(error.to_string()))?;
    Ok(runs)
}

/// The whole list: a mapping with `items`.
struct List<'r> {
    wanted: &'r dyn Fn(&str) -> bool,
    runs: &'r mut Vec<JobRun>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping with `items`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                map.next_value_seed(Items(&mut self))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Items<'i, 'r>(&'i mut List<'r>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of ProwJobs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(job) = seq.next_element::<ProwJob>()? {
            let List { wanted, runs } = &mut *self.0;
            if job.spec.kind == "postsubmit" && runs.len() < MOST_RUNS && wanted(&job.spec.job) {
                runs.push(run(job));
            }
        }
        Ok(())
    }
}

fn run(job: ProwJob) -> JobRun {
    let time = |text: Option<String>| {
        let time = chrono::DateTime::parse_from_rfc3339(&text?).ok()?;
        Some(time.timestamp())
    };
    let started = time(job.status.start_time);
    let finished = time(job.status.completion_time);
    JobRun {
        job: job.spec.job,
        build: job.status.build_id,
        commit: job.spec.refs.unwrap_or_default().base_sha,
        state: State::of(&job.status.state),
        started,
        // A clock that goes wrong is no reason to believe that it ended before it began.
        finished: finished.filter(|finished| started.is_none_or(|started| started <= *finished)),
    }
}
