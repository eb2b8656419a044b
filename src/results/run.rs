//! One run of a job, as CI tells of it.

use serde::{Deserialize, Serialize};

/// One run of a job that builds images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// The job's name.
    pub job: String,
    /// The id of the run; empty where CI has given none yet.
    pub build: String,
    /// The commit that was built.
    pub commit: String,
    /// How it ended, or that it did not.
    pub state: State,
    /// When it began, in seconds since 1970; none where that is not told.
    pub started: Option<i64>,
    /// When it ended; none where it did not, or where that is before it began.
    pub finished: Option<i64>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has not ended.
    Running,
    /// It succeeded.
    Success,
    /// It failed.
    Failure,
    /// Somebody, or a newer run, stopped it.
    Aborted,
    /// CI itself could not run it.
    Error,
    /// CI told a word that is not known.
    Unknown(String),
}

impl State {
    /// Reads the state of a ProwJob (`status.state`) or of a commit status.
    pub fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "scheduling" | "triggered" | "pending" | "expected" => Self::Running,
            "success" => Self::Success,
            "failure" => Self::Failure,
            "aborted" => Self::Aborted,
            "error" => Self::Error,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

impl JobRun {
    /// What puts runs in the order in which they began: ids grow with time, and clocks may be wrong.
    pub fn order(&self) -> (usize, &str, Option<i64>) {
        (self.build.len(), &self.build, self.started)
    }

    /// Where its artifacts are below the configured base: built from the job's name and the run's id, and from nothing that
    /// anybody has written into a status. `None` where one of the two has another form than CI gives it.
    pub fn folder(&self) -> Option<String> {
        let plain = |text: &str, more: &str| {
            !text.is_empty()
                && text.len() <= 300
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte))
        };
        let is_number = !self.build.is_empty() && self.build.bytes().all(|byte| byte.is_ascii_digit());
        (plain(&self.job, "-_.") && !self.job.contains("..") && is_number && self.build.len() <= 30)
            .then(|| format!("logs/{}/{}", self.job, self.build))
    }
}
