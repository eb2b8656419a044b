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
    /// Whatever it is, a branch cut that is under way has it.
    Yielded,
    /// A change of which this run has seen a part, and what it has not seen has moved: only a run that sees all can tell
    /// what is wanted.
    Unsure,
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
    /// It has, and nothing that the base lacks: its request was merged as it is, or its content came in another way. It
    /// protects nobody's work.
    Spent,
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
        /// Whether a person closed another one with the very content that is wanted.
        refused: bool,
    },
    /// It is closed. `refused`: a person closed one with the very content that is wanted.
    Closed {
        /// Whether a person refused this content.
        refused: bool,
    },
    /// It is merged.
    Merged {
        /// How often the very content that is wanted was merged, one time after the other: the base has lost it each time.
        times: usize,
    },
}

/// How often content is merged and taken back before it waits for a person.
const PATIENCE: usize = 2;

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
    /// What has become of it a person refused before: close.
    CloseRefused,
    /// A branch cut that is under way has its files: close.
    CloseForCut,
    /// A branch cut that is under way has its files: propose nothing.
    LeaveToCut,
    /// A branch of ours is left over: delete it.
    CleanUp,
    /// A person refused this content: leave it closed.
    StayClosed,
    /// This content was merged and taken back again and again: leave it to a person.
    AwaitPerson,
    /// A person's commits are on the branch: leave it.
    LeaveForeign,
    /// What this run did not look at has moved: leave it until a run looks at all of it.
    LeaveUnseen,
    /// The pull request must not be written.
    Withhold,
    /// It is to be made, but not now: too many were made lately, or are open. Only an order and budget decide so.
    Wait,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InSync => "nothing to change",
            Self::UpToDate => "up to date, the pull request is open",
            Self::Create => "new pull request",
            Self::Adopt => "branch found, pull request made for it",
            Self::Update => "pull request updated",
            Self::UpdateText => "text of the pull request updated",
            Self::NoticeMerged => "merged",
            Self::NoticeMergedThenCreate => "merged, and a new pull request for what has drifted since",
            Self::CloseGone => "closed, the drift is gone",
            Self::CloseRefused => "closed, what is left of it a person refused before",
            Self::CloseForCut => "closed, a branch cut is under way and has it",
            Self::LeaveToCut => "left to the branch cut that is under way",
            Self::CleanUp => "left-over branch deleted",
            Self::StayClosed => "left closed, a person refused this content",
            Self::AwaitPerson => "left to a person, this content was merged and taken back again and again",
            Self::LeaveForeign => "left alone, the branch has commits of somebody else",
            Self::LeaveUnseen => {
                "left as it is, files of it that this run did not look at have moved: a run of all targets brings it up to date"
            }
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
        Wanted::Yielded => yielded(branch, request, base_holds),
        Wanted::Unsure if branch == Branch::Foreign => Action::LeaveForeign,
        Wanted::Unsure => Action::LeaveUnseen,
        Wanted::Nothing => without_drift(branch, request, base_holds),
        Wanted::Change => with_drift(branch, request, base_holds),
    }
}

fn yielded(branch: Branch, request: Request, base_holds: bool) -> Action {
    match (request, branch) {
        (Request::Open { .. }, _) if base_holds => Action::NoticeMerged,
        (Request::Open { .. }, Branch::Foreign) => Action::LeaveForeign,
        (Request::Open { .. }, Branch::Absent | Branch::Ours { .. } | Branch::Spent) => Action::CloseForCut,
        (Request::Absent | Request::Closed { .. } | Request::Merged { .. }, _) => Action::LeaveToCut,
    }
}

fn without_drift(branch: Branch, request: Request, base_holds: bool) -> Action {
    match (request, branch) {
        (Request::Open { .. }, _) if base_holds => Action::NoticeMerged,
        (Request::Open { .. }, Branch::Foreign) => Action::LeaveForeign,
        (Request::Open { .. }, Branch::Absent | Branch::Ours { .. } | Branch::Spent) => Action::CloseGone,
        (Request::Absent | Request::Closed { .. } | Request::Merged { .. }, Branch::Ours { .. } | Branch::Spent) => {
            Action::CleanUp
        }
        (Request::Absent | Request::Closed { .. } | Request::Merged { .. }, Branch::Absent | Branch::Foreign) => {
            Action::InSync
        }
    }
}

fn with_drift(branch: Branch, request: Request, base_holds: bool) -> Action {
    match (request, branch) {
        (Request::Closed { refused: true }, _) => Action::StayClosed,
        (_, Branch::Foreign) => Action::LeaveForeign,
        (Request::Merged { times }, _) if times >= PATIENCE => Action::AwaitPerson,
        (Request::Open { .. }, _) if base_holds => Action::NoticeMergedThenCreate,
        (Request::Open { current: true, .. }, Branch::Ours { current: true }) => Action::UpToDate,
        (Request::Open { refused: true, .. }, _) => Action::CloseRefused,
        (Request::Open { current: false, .. }, Branch::Ours { current: true }) => Action::UpdateText,
        (Request::Open { .. }, Branch::Absent | Branch::Ours { current: false } | Branch::Spent) => Action::Update,
        (
            Request::Absent | Request::Closed { refused: false } | Request::Merged { .. },
            Branch::Ours { current: true },
        ) => Action::Adopt,
        (
            Request::Absent | Request::Closed { refused: false } | Request::Merged { .. },
            Branch::Absent | Branch::Ours { current: false } | Branch::Spent,
        ) => Action::Create,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRANCHES: [Branch; 5] = [
        Branch::Absent,
        Branch::Ours { current: false },
        Branch::Ours { current: true },
        Branch::Foreign,
        Branch::Spent,
    ];
    const REQUESTS: [Request; 7] = [
        Request::Absent,
        open(false),
        open(true),
        Request::Open {
            current: false,
            refused: true,
        },
        Request::Closed { refused: false },
        Request::Closed { refused: true },
        Request::Merged { times: 1 },
    ];

    const fn open(current: bool) -> Request {
        let refused = false;
        Request::Open { current, refused }
    }

    fn row(wanted: Wanted, request: Request, base_holds: bool) -> [Action; 5] {
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
        //                                 branch: absent, stale,  current,    foreign,      spent
        let table = [
            (
                Request::Absent,
                /*              */ [Create, Create, Adopt, LeaveForeign, Create],
            ),
            (open(false), [Update, Update, UpdateText, LeaveForeign, Update]),
            (open(true), [Update, Update, UpToDate, LeaveForeign, Update]),
            (
                Request::Open {
                    current: false,
                    refused: true,
                },
                [CloseRefused, CloseRefused, CloseRefused, LeaveForeign, CloseRefused],
            ),
            (
                Request::Closed { refused: false },
                [Create, Create, Adopt, LeaveForeign, Create],
            ),
            (Request::Closed { refused: true }, [StayClosed; 5]),
            (
                Request::Merged { times: 1 },
                [Create, Create, Adopt, LeaveForeign, Create],
            ),
        ];
        for (request, expected) in table {
            assert_eq!(row(Wanted::Change, request, false), expected, "{request:?}");
        }
    }

    #[test]
    fn what_is_taken_back_each_time_waits_for_a_person() {
        use Action::*;
        let expected = [AwaitPerson, AwaitPerson, AwaitPerson, LeaveForeign, AwaitPerson];
        assert_eq!(
            row(Wanted::Change, Request::Merged { times: PATIENCE }, false),
            expected
        );
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
                NoticeMergedThenCreate,
            ];
            assert_eq!(row(Wanted::Change, open(current), true), expected);
        }
        for request in [
            Request::Absent,
            Request::Closed { refused: true },
            Request::Merged { times: 0 },
        ] {
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
        //                                 branch: absent, stale,     current,   foreign,      spent
        let done = [InSync, CleanUp, CleanUp, InSync, CleanUp];
        for request in REQUESTS {
            let open = matches!(request, Request::Open { .. });
            let gone = if open {
                [CloseGone, CloseGone, CloseGone, LeaveForeign, CloseGone]
            } else {
                done
            };
            assert_eq!(row(Wanted::Nothing, request, false), gone, "{request:?}");
            let merged = if open { [NoticeMerged; 5] } else { done };
            assert_eq!(row(Wanted::Nothing, request, true), merged, "{request:?}");
        }
    }

    #[test]
    fn what_a_cut_has_is_left_to_it() {
        use Action::*;
        for request in REQUESTS {
            let expected = match request {
                Request::Open { .. } => [CloseForCut, CloseForCut, CloseForCut, LeaveForeign, CloseForCut],
                _ => [LeaveToCut; 5],
            };
            assert_eq!(row(Wanted::Yielded, request, false), expected, "{request:?}");
        }
    }

    #[test]
    fn what_was_not_seen_is_left() {
        use Action::*;
        for request in REQUESTS {
            let expected = [LeaveUnseen, LeaveUnseen, LeaveUnseen, LeaveForeign, LeaveUnseen];
            assert_eq!(row(Wanted::Unsure, request, false), expected);
        }
    }

    #[test]
    fn what_is_withheld_is_never_touched() {
        for request in REQUESTS {
            for base_holds in [false, true] {
                assert_eq!(row(Wanted::Withheld, request, base_holds), [Action::Withhold; 5]);
            }
        }
    }
}
