//! Open pull requests of others, and what each was told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Verdict;

/// An open pull request of somebody else, and what became of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pull {
    /// The repository, `org/repo`.
    pub repository: String,
    /// Its number.
    pub pull: u64,
    /// Its title.
    pub title: String,
    /// Who made it; empty where that account is gone.
    pub author: String,
    /// The branch that it is for.
    pub branch: String,
    /// Its head, a commit.
    pub head: String,
    /// Where people look at it.
    pub url: String,
    /// The releases that are built from the branch.
    pub releases: Vec<String>,
    /// What it would do; null where it touches nothing that decides a build, or could not be looked at.
    pub verdict: Option<Verdict>,
    /// The same as a sentence; empty where there is nothing to say.
    pub sentence: String,
    /// What to do.
    #[serde(rename = "do")]
    pub todo: String,
    /// What became of its answer.
    pub state: State,
    /// Why, where it waits or could not be given; else what was written.
    pub note: String,
    /// Until when it waits, in seconds since 1970-01-01, where that is known.
    pub until: Option<i64>,
    /// Since when it stands so, in seconds since 1970-01-01.
    pub since: i64,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It could not be given, or there is none.
    Failed,
    /// It is not given yet.
    Waits,
    /// It would be given by whoever may write.
    Planned,
    /// It was given.
    Told,
    /// There is nothing to say: it touches nothing that decides a build, or changes nothing of it.
    Silent,
}

impl State {
    /// All, those first that somebody should look at.
    pub const ALL: [Self; 5] = [Self::Failed, Self::Waits, Self::Planned, Self::Told, Self::Silent];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Waits => "waits",
            Self::Planned => "planned",
            Self::Told => "told",
            Self::Silent => "silent",
        }
    }
}

impl Pull {
    /// What it is called beside others: `org/repo#7`.
    pub fn name(&self) -> String {
        format!("{}#{}", self.repository, self.pull)
    }
}

impl std::fmt::Display for Pull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name();
        match self.state {
            State::Failed => write!(f, "{name}: not answered: {}", self.note),
            State::Waits => write!(f, "{name}: waits: {}", self.note),
            State::Planned => write!(f, "{name}: would be told: {}", self.note),
            State::Told if self.note.is_empty() => write!(f, "{name}: answered already"),
            State::Told => write!(f, "{name}: {}", self.note),
            State::Silent => write!(f, "{name}: nothing to say"),
        }
    }
}
