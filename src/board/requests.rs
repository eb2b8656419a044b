//! How a pull request stands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::forge::{Action, Outcome};
use crate::plan::Scope;

/// How a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PullRequestState {
    /// Nothing differs.
    InSync,
    /// Something differs, and nothing has been written about it yet: this replica does not write, or has not come to it.
    Planned,
    /// It is open, as it should be.
    Open,
    /// It is to be made, but not now: others go first, or too many were made lately.
    Waiting,
    /// A person holds it: a label, or commits of their own.
    Held,
    /// A person closed it with this content.
    Refused,
    /// It must not be written, such as one with too many removals.
    Withheld,
    /// It could not be looked at or written.
    Failed,
}

impl PullRequestState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::InSync,
        Self::Planned,
        Self::Open,
        Self::Waiting,
        Self::Held,
        Self::Refused,
        Self::Withheld,
        Self::Failed,
    ];

    /// Its name, as labels and the API have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Planned => "planned",
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Withheld => "withheld",
            Self::Failed => "failed",
        }
    }

    /// The state that an action leaves behind.
    pub fn after(action: Action) -> Self {
        match action {
            Action::InSync | Action::NoticeMerged | Action::CloseGone | Action::CleanUp => Self::InSync,
            Action::UpToDate
            | Action::Create
            | Action::Adopt
            | Action::Update
            | Action::UpdateText
            | Action::NoticeMergedThenCreate => Self::Open,
            Action::StayClosed | Action::CloseRefused => Self::Refused,
            Action::LeaveForeign | Action::AwaitPerson => Self::Held,
            Action::LeaveUnseen => Self::Open,
            Action::Withhold => Self::Withheld,
            Action::Wait | Action::LeaveToCut | Action::CloseForCut => Self::Waiting,
        }
    }
}

/// One pull request and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestView {
    /// What it is about.
    pub scope: Scope,
    /// How it stands.
    pub state: PullRequestState,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// Since when it stands so.
    pub since: Time,
    /// Why, in words for people; empty where nothing needs to be said.
    pub note: String,
}

impl PullRequestView {
    /// How it stands after a writer has been at it; one that stands as before keeps its time.
    pub fn after(outcome: &Outcome, now: Time, before: Option<&Self>) -> Self {
        let state = match (&outcome.error, outcome.action) {
            (None, Some(action)) => PullRequestState::after(action),
            _ => PullRequestState::Failed,
        };
        let note = match &outcome.error {
            Some(error) => error.to_string(),
            None => {
                let waits = outcome.waits.iter().map(ToString::to_string);
                waits
                    .chain(outcome.notes.iter().cloned())
                    .collect::<Vec<_>>()
                    .join("; ")
            }
        };
        // One that could not be looked at is where it was.
        let known = before.filter(|_| outcome.error.is_some());
        let url = outcome.url.clone().or_else(|| known?.url.clone());
        let since = before
            .filter(|before| before.state == state)
            .map_or(now, |before| before.since);
        Self {
            scope: outcome.scope.clone(),
            state,
            url,
            since,
            note,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(action: Action) -> Outcome {
        let scope = Scope {
            repo: "openshift/release".parse().unwrap(),
            release: "4.16".into(),
            group: "ci".into(),
        };
        Outcome {
            action: Some(action),
            notes: vec!["a note".into()],
            ..Outcome::new(scope)
        }
    }

    #[test]
    fn the_time_is_that_of_the_last_change_of_state() {
        let first = PullRequestView::after(&outcome(Action::Create), 10, None);
        assert_eq!((first.state, first.since), (PullRequestState::Open, 10));
        let second = PullRequestView::after(&outcome(Action::UpToDate), 20, Some(&first));
        assert_eq!((second.state, second.since), (PullRequestState::Open, 10));
        let third = PullRequestView::after(&outcome(Action::NoticeMerged), 30, Some(&second));
        assert_eq!((third.state, third.since), (PullRequestState::InSync, 30));
    }

    #[test]
    fn what_failed_says_why() {
        let mut failed = outcome(Action::Create);
        failed.error = Some(crate::forge::ForgeError::NoBase {
            repo: "openshift/release".parse().unwrap(),
            branch: "master".into(),
        });
        let view = PullRequestView::after(&failed, 1, None);
        assert_eq!(view.state, PullRequestState::Failed);
        assert!(view.note.contains("no branch `master`"), "{}", view.note);
    }

    #[test]
    fn a_link_stays_while_it_cannot_be_looked_at() {
        let mut open = outcome(Action::Create);
        open.url = Some("https://github.com/openshift/release/pull/7".into());
        let first = PullRequestView::after(&open, 10, None);
        assert_eq!(first.url, open.url);
        let mut failed = outcome(Action::UpToDate);
        failed.error = Some(crate::forge::ForgeError::Fenced(crate::base::Barred::Ending));
        assert_eq!(PullRequestView::after(&failed, 20, Some(&first)).url, open.url);
        let gone = PullRequestView::after(&outcome(Action::CloseGone), 30, Some(&first));
        assert_eq!(gone.url, None, "what is over is not linked to");
    }

    #[test]
    fn names_are_what_the_api_writes() {
        for state in PullRequestState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
