//! The step of a branch cut that a pull request is: what its body says of the train for everybody who comes later.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scope::{CUT, Scope};
use crate::base::Release;
use crate::base::RepoName;

/// Starts the group of steps that are made in other repositories than the train's own, on branches of their own: a step on one
/// branch of a repository must not look like what another one left there.
pub const CUT_BESIDE: &str = "cut-";
/// Starts the line of a body that says which step it is.
const STEP: &str = "<!-- lockstep:train ";
/// Stands in the body of a train's last request once the train is done or given up.
pub const OVER: &str = "<!-- lockstep:train-over -->";

/// A step of a train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The release whose branches are made.
    pub from: Release,
    /// The release that development goes on with.
    pub to: Release,
    /// The group whose files it changes.
    pub group: String,
    /// Which step it is, from 1.
    pub number: usize,
    /// How many there are, as far as can be told today.
    pub of: usize,
    /// What it does, in a sentence.
    pub what: String,
    /// Why it stands where it does.
    pub because: String,
    /// What was merged before it, as people name it.
    pub after: Option<String>,
}

impl Step {
    /// What the request of a train's steps in a repository is about; there is one at a time.
    pub fn scope(repo: RepoName, release: Release) -> Scope {
        Scope {
            repo,
            release: release.to_string(),
            group: CUT.to_owned(),
        }
    }

    /// The line for a body.
    pub fn mark(&self) -> String {
        let Self {
            from,
            to,
            group,
            number,
            of,
            ..
        } = self;
        format!("{STEP}from={from} to={to} group={group} step={number} of={of} -->\n")
    }

    /// Reads what a body says; `None`: it is of no train, or the train is over.
    pub fn of_body(body: &str) -> Option<Self> {
        if body.contains(OVER) {
            return None;
        }
        let rest = body.get(body.find(STEP)? + STEP.len()..)?;
        let inside = rest.get(..rest.find("-->")?)?;
        let value = |name: &str| {
            let mut parts = inside.split_whitespace();
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            from: value("from")?.parse().ok()?,
            to: value("to")?.parse().ok()?,
            group: value("group")?.to_owned(),
            number: value("step")?.parse().ok()?,
            of: value("of")?.parse().ok()?,
            what: String::new(),
            because: String::new(),
            after: None,
        })
    }

    /// Whether it is the last one, as far as could be told when it was made.
    pub fn is_last(&self) -> bool {
        self.number >= self.of
    }

    /// Whether the train has what a pull request is about.
    pub fn owns(&self, scope: &Scope) -> bool {
        let release = scope.release.parse::<Release>();
        scope.group == self.group && release.is_ok_and(|release| (self.from..=self.to).contains(&release))
    }
}

impl fmt::Display for Step {
    /// Writes `step 1 of 6 of the cut from 4.16 to 4.17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from, to, number, of, ..
        } = self;
        write!(f, "step {number} of {of} of the cut from {from} to {to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Step {
        Step {
            from: Release::new(4, 16),
            to: Release::new(4, 17),
            group: "ci".to_owned(),
            number: 2,
            of: 6,
            what: String::new(),
            because: String::new(),
            after: None,
        }
    }

    #[test]
    fn what_a_body_says_is_read_again_until_the_train_is_over() {
        let body = format!("hello\n{}more\n", step().mark());
        assert_eq!(Step::of_body(&body), Some(step()));
        assert_eq!(Step::of_body(&format!("{body}{OVER}\n")), None);
        for body in ["", "<!-- lockstep:train ", "<!-- lockstep:train from=x -->"] {
            assert_eq!(Step::of_body(body), None, "{body:?}");
        }
    }

    #[test]
    fn a_train_owns_what_its_releases_propose() {
        let scope = |release: &str, group: &str| Scope {
            repo: "o/r".parse().expect("a name"),
            release: release.to_owned(),
            group: group.to_owned(),
        };
        assert!(step().owns(&scope("4.16", "ci")) && step().owns(&scope("4.17", "ci")));
        assert!(!step().owns(&scope("4.15", "ci")) && !step().owns(&scope("4.16", "fixes")));
    }
}
