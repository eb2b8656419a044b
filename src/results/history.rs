//! What an image was, from run to run: runs that say the same, one after the other, are one spell.

use super::answer::{ImageState, Spell};
use super::outcome::Outcome;
use super::run::JobRun;

/// As many spells are told of.
const SPELLS: usize = 10;

/// The spells of an image, the newest first; the runs in any order.
pub fn spells(mut runs: Vec<(JobRun, Outcome)>) -> Vec<Spell> {
    runs.sort_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
    let mut spells: Vec<Spell> = Vec::new();
    for (run, outcome) in runs {
        let (state, says) = told(outcome);
        match spells
            .last_mut()
            .filter(|last| last.state == state && last.says == says)
        {
            Some(last) => {
                last.runs += 1;
                last.until = run.commit;
            }
            None => spells.push(Spell {
                state,
                says,
                since: run.commit.clone(),
                since_time: run.started,
                until: run.commit,
                runs: 1,
            }),
        }
    }
    spells.reverse();
    spells.truncate(SPELLS);
    spells
}

/// The state that one run alone tells of, and what it says.
pub(super) fn told(outcome: Outcome) -> (ImageState, String) {
    match outcome {
        Outcome::Built => (ImageState::Builds, String::new()),
        Outcome::Broken(failure) => (ImageState::Broken, failure.says),
        Outcome::BecauseOf(parent) => (ImageState::BecauseOf, format!("`{parent}` fails")),
        Outcome::HeldBack(sibling) => (
            ImageState::HeldBack,
            format!("`{sibling}` of the same config fails, so nothing of it is promoted"),
        ),
        Outcome::NotTried(why) => (ImageState::NotTried, why),
        Outcome::Ci(why) => (ImageState::Ci, why),
        Outcome::Unknown(why) => (ImageState::Unknown, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Failure, State};

    #[test]
    fn runs_that_say_the_same_are_one_spell() {
        let run = |build: u32, commit: &str, outcome: Outcome| {
            let run = JobRun {
                job: "job".to_owned(),
                build: build.to_string(),
                commit: commit.to_owned(),
                state: State::Failure,
                started: Some(i64::from(build)),
                finished: None,
            };
            (run, outcome)
        };
        let broken = || {
            Outcome::Broken(Failure {
                is_ci: false,
                is_certain: true,
                says: "no Go".to_owned(),
                lines: Vec::new(),
            })
        };
        let runs = vec![
            run(4, "d", broken()),
            run(1, "a", Outcome::Built),
            run(2, "b", Outcome::Built),
            run(3, "c", broken()),
            run(5, "e", Outcome::Ci("evicted".to_owned())),
        ];
        let told: Vec<_> = spells(runs)
            .into_iter()
            .map(|spell| {
                format!(
                    "{} {} {}..{} {}",
                    spell.state.name(),
                    spell.says,
                    spell.since,
                    spell.until,
                    spell.runs
                )
            })
            .collect();
        assert_eq!(told, ["ci evicted e..e 1", "broken no Go c..d 2", "builds  a..b 2"]);
    }
}
