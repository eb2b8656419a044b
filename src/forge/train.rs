//! The train of a branch cut that is under way: while it is, the pull requests of its releases are its own.

use crate::base::RepoName;
use crate::plan::{Plan, PullRequest, Step};
use crate::targets;

use super::ForgeError;
use crate::cut::show::StepView;

/// How the last step of a train stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Its request is open.
    Open,
    /// It is merged, and another one comes after it.
    Merged,
    /// A person closed it.
    Refused,
}

/// A train that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Train {
    /// The last step that was proposed.
    pub step: Step,
    /// How it stands.
    pub state: StepState,
    /// What people call its request.
    pub name: String,
    /// The request that was merged before it.
    pub before: Option<String>,
}

impl Train {
    /// The train of a step; `None` where nothing comes after it.
    pub fn new(step: Step, state: StepState, name: String) -> Option<Self> {
        let over = state == StepState::Merged && step.is_last();
        (!over).then_some(Self {
            step,
            state,
            name,
            before: None,
        })
    }

    /// The request that comes before the next step, or before the one that is open.
    pub fn after(&self) -> Option<String> {
        match self.state {
            StepState::Merged => Some(self.name.clone()),
            StepState::Open | StepState::Refused => self.before.clone().filter(|_| self.step.number > 1),
        }
    }

    /// The number of the step that comes next, or is still open.
    pub fn next(&self) -> usize {
        match self.state {
            StepState::Merged => self.step.number + 1,
            StepState::Open | StepState::Refused => self.step.number,
        }
    }

    /// The number of the first of the steps that are left. Steps in other repositories leave nothing in the train's own; where
    /// they stand follows from how many are left of all.
    pub fn first_of(&self, left: &[StepView]) -> usize {
        match left.first() {
            Some(first) if first.is_beside() => self.next().max((self.step.of + 1).saturating_sub(left.len())),
            _ => self.next(),
        }
    }

    /// What it waits for.
    pub fn waits_for(&self) -> String {
        let Self { step, state, name, .. } = self;
        match state {
            StepState::Open => format!("the merge of {step} ({name})"),
            StepState::Merged => {
                format!(
                    "`lockstep cut --from {} --to {} --apply`, which takes the step after {name}",
                    step.from, step.to
                )
            }
            StepState::Refused => format!("a person: {}", self.told()),
        }
    }

    /// What it keeps others from doing, and how it goes on, in a line.
    pub fn told(&self) -> String {
        let Self { step, state, name, .. } = self;
        let command = format!("lockstep cut --from {} --to {}", step.from, step.to);
        match state {
            StepState::Open => format!(
                "{step} is open ({name}): nothing else is proposed until the cut is done; `{command} --abandon` gives it up"
            ),
            StepState::Merged => format!(
                "{step} is merged ({name}): `{command} --apply` takes the next one, `--abandon` gives the cut up"
            ),
            StepState::Refused => {
                format!("{step} was closed by a person ({name}): `{command} --abandon` gives the cut up")
            }
        }
    }
}

/// Has a pull request yield to the train that owns it, if one does.
pub fn yielding(wanted: &PullRequest, trains: &[(RepoName, Train)]) -> PullRequest {
    let mut wanted = wanted.clone();
    let owner = trains
        .iter()
        .find(|(repo, train)| *repo == wanted.scope.repo && train.step.owns(&wanted.scope));
    wanted.yields = owner.map(|(_, train)| train.told());
    wanted
}

/// The trains that are under way where a plan has pull requests. Only those that propose to a train's own group are asked
/// for, each repository once.
pub fn under_way(
    plan: &Plan,
    train: impl Fn(&PullRequest) -> Result<Option<Train>, ForgeError>,
) -> Result<Vec<(RepoName, Train)>, ForgeError> {
    let mut found: Vec<(RepoName, Option<Train>)> = Vec::new();
    let group = targets::promoting().map(|target| target.group);
    for pr in plan.pull_requests.iter().filter(|pr| group == Some(&*pr.scope.group)) {
        if found.iter().all(|(repo, _)| *repo != pr.scope.repo) {
            found.push((pr.scope.repo.clone(), train(pr)?));
        }
    }
    Ok(found
        .into_iter()
        .filter_map(|(repo, train)| Some((repo, train?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Release;
    use crate::cut::train::StepKind;

    fn left(heads: &[&str]) -> Vec<StepView> {
        let one = |head: &&str| StepView {
            number: 1,
            kind: StepKind::Configs,
            release: "4.17".to_owned(),
            head: (*head).to_owned(),
            title: String::new(),
            because: String::new(),
            components: Vec::new(),
            files: Vec::new(),
            checks: Vec::new(),
        };
        heads.iter().map(one).collect()
    }

    #[test]
    fn steps_in_other_repositories_are_numbered_by_how_many_are_left() {
        let step = Step {
            from: Release::new(4, 16),
            to: Release::new(4, 17),
            group: "ci".to_owned(),
            number: 2,
            of: 5,
            what: String::new(),
            because: String::new(),
            after: None,
        };
        let train = Train::new(step, StepState::Merged, "#2".to_owned()).expect("under way");
        let (home, beside) = (crate::cut::train::head(), "lockstep/cut-konflux/4.17");
        for (heads, first) in [
            (vec![&*home, beside, beside], 3),
            (vec![beside, beside, beside], 3),
            (vec![beside, beside], 4),
            (vec![beside], 5),
            (vec![beside; 9], 3),
            (vec![], 3),
        ] {
            assert_eq!(train.first_of(&left(&heads)), first, "{heads:?}");
        }
    }
}
