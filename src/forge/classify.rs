//! Names what is to be done for one pull request: pure and total.

use std::fmt;

use serde::Serialize;

/// What a plan wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No change: there is no drift.
    Nothing,
    /// A change.
    Change,
    /// A change that must not be written.
    Withheld,
}

/// What the head branch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// It is not there.
    Absent,
    /// It has commits of ours only. `current`: merged into the base as it is now, it gives what is wanted.
    Ours {
        /// Whether it gives what is wanted.
        current: bool,
    },
    /// It has commits of somebody else.
    Foreign,
}

/// What the pull request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// There never was one.
    Absent,
    /// It is open. `current`: its text says what is wanted.
    Open {
        /// Whether its text says what is wanted.
        current: bool,
    },
    /// It is closed. `refused`: a person closed one with the very content that is wanted.
    Closed {
        /// Whether a person refused this content.
        refused: bool,
    },
    /// It is merged.
    Merged,
}

/// Everything that counts for the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// What the plan wants.
    pub wanted: Wanted,
    /// What the head branch is.
    pub branch: Branch,
    /// What the pull request is.
    pub request: Request,
    /// Whether the base holds what the pull request proposed.
    pub base_holds: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing is wanted and nothing is there.
    InSync,
    /// The open pull request is as it should be.
    UpToDate,
    /// Make branch and pull request.
    Create,
    /// The branch is there without its pull request (a run was killed in between): make the pull request.
    Adopt,
    /// Put new content on the branch, and the text with it.
    Update,
    /// Only the text is not as it should be.
    UpdateText,
    /// The base holds what was proposed: record it as merged.
    NoticeMerged,
    /// The same, and new drift is there: make a new pull request.
    NoticeMergedThenCreate,
    /// The drift is gone in another way: close.
    CloseGone,
    /// A branch of ours is left over: delete it.
    CleanUp,
    /// A person refused this content: leave it closed.
    StayClosed,
    /// A person's commits are on the branch: leave it.
    LeaveForeign,
    /// The pull request must not be written.
    Withhold,
    /// It is to be made, but not now: too many were made lately, or are open. Only an order and budget decide so.
    Wait,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InSync => "in sync",
            Self::UpToDate => "up to date, the pull request is open",
            Self::Create => "new pull request",
            Self::Adopt => "branch found, pull request made for it",
            Self::Update => "pull request updated",
            Self::UpdateText => "text of the pull request updated",
            Self::NoticeMerged => "merged",
            Self::NoticeMergedThenCreate => "merged, and a new pull request for what has drifted since",
            Self::CloseGone => "closed, the drift is gone",
            Self::CleanUp => "left-over branch deleted",
            Self::StayClosed => "left closed, a person refused this content",
            Self::LeaveForeign => "left alone, the branch has commits of somebody else",
            Self::Withhold => "withheld",
            Self::Wait => "waits",
        })
    }
}

/// Names what is to be done.
pub fn classify(state: State) -> Action {
    let State {
        wanted,
        branch,
        request,
        base_holds,
    } = state;
    match wanted {
        Wanted::Withheld => Action::Withhold,
        Wanted::Nothing => without_drift(branch, request, base_holds),
        Wanted::Change => with_drift(branch, request, base_holds),
    }
}

fn without_drift(branch: Branch, request: Request, base_holds: bool) -> Action {
    match (request, branch) {
        (Request::Open { .. }, _) if base_holds => Action::NoticeMerged,
        (Request::Open { .. }, Branch::Foreign) => Action::LeaveForeign,
        (Request::Open { .. }, Branch::Absent | Branch::Ours { .. }) => Action::CloseGone,
        (Request::Absent | Request::Closed { .. } | Request::Merged, Branch::Ours { .. }) => Action::CleanUp,
        (Request::Absent | Request::Closed { .. } | Request::Merged, Branch::Absent | Branch::Foreign) => {
            Action::InSync
        }
    }
}

fn with_drift(branch: Branch, request: Request, base_holds: bool) -> Action {
    match (request, branch) {
        (Request::Closed { refused: true }, _) => Action::StayClosed,
        (_, Branch::Foreign) => Action::LeaveForeign,
        (Request::Open { .. }, _) if base_holds => Action::NoticeMergedThenCreate,
        (Request::Open { current: true }, Branch::Ours { current: true }) => Action::UpToDate,
        (Request::Open { current: false }, Branch::Ours { current: true }) => Action::UpdateText,
        (Request::Open { .. }, Branch::Absent | Branch::Ours { current: false }) => Action::Update,
        (Request::Absent | Request::Closed { refused: false } | Request::Merged, Branch::Ours { current: true }) => {
            Action::Adopt
        }
        (
            Request::Absent | Request::Closed { refused: false } | Request::Merged,
            Branch::Absent | Branch::Ours { current: false },
        ) => Action::Create,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRANCHES: [Branch; 4] = [
        Branch::Absent,
        Branch::Ours { current: false },
        Branch::Ours { current: true },
        Branch::Foreign,
    ];
    const REQUESTS: [Request; 6] = [
        Request::Absent,
        Request::Open { current: false },
        Request::Open { current: true },
        Request::Closed { refused: false },
        Request::Closed { refused: true },
        Request::Merged,
    ];

    fn row(wanted: Wanted, request: Request, base_holds: bool) -> [Action; 4] {
        BRANCHES.map(|branch| {
            classify(State {
                wanted,
                branch,
                request,
                base_holds,
            })
        })
    }

    #[test]
    fn drift() {
        use Action::*;
        //                                 branch: absent, stale,  current,    foreign
        let table = [
            (
                Request::Absent,
                /*              */ [Create, Create, Adopt, LeaveForeign],
            ),
            (
                Request::Open { current: false },
                [Update, Update, UpdateText, LeaveForeign],
            ),
            (
                Request::Open { current: true },
                [Update, Update, UpToDate, LeaveForeign],
            ),
            (
                Request::Closed { refused: false },
                [Create, Create, Adopt, LeaveForeign],
            ),
            (Request::Closed { refused: true }, [StayClosed; 4]),
            (Request::Merged, [Create, Create, Adopt, LeaveForeign]),
        ];
        for (request, expected) in table {
            assert_eq!(row(Wanted::Change, request, false), expected, "{request:?}");
        }
    }

    #[test]
    fn drift_after_a_merge() {
        use Action::*;
        for current in [false, true] {
            let expected = [
                NoticeMergedThenCreate,
                NoticeMergedThenCreate,
                NoticeMergedThenCreate,
                LeaveForeign,
            ];
            assert_eq!(row(Wanted::Change, Request::Open { current }, true), expected);
        }
        for request in [Request::Absent, Request::Closed { refused: true }, Request::Merged] {
            assert_eq!(
                row(Wanted::Change, request, true),
                row(Wanted::Change, request, false),
                "{request:?}"
            );
        }
    }

    #[test]
    fn no_drift() {
        use Action::*;
        //                                 branch: absent, stale,     current,   foreign
        let done = [InSync, CleanUp, CleanUp, InSync];
        for request in REQUESTS {
            let open = matches!(request, Request::Open { .. });
            let gone = if open {
                [CloseGone, CloseGone, CloseGone, LeaveForeign]
            } else {
                done
            };
            assert_eq!(row(Wanted::Nothing, request, false), gone, "{request:?}");
            let merged = if open { [NoticeMerged; 4] } else { done };
            assert_eq!(row(Wanted::Nothing, request, true), merged, "{request:?}");
        }
    }

    #[test]
    fn what_is_withheld_is_never_touched() {
        for request in REQUESTS {
            for base_holds in [false, true] {
                assert_eq!(row(Wanted::Withheld, request, base_holds), [Action::Withhold; 4]);
            }
        }
    }
}
