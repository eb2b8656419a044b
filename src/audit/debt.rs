//! What a Dockerfile of OKD's own owes OCP's: found by instruction, walking back along the branch.
//!
//! An instruction is owed from the step in which it came into OCP's file until it is in OKD's or out of OCP's again. Who
//! changes both files in that step had the other one before their eyes, and so had who added OKD's file: what differs then,
//! differs on purpose. Bases differ on purpose anyway: of a `FROM` it counts only that OKD's file still has the one that OCP's
//! had before.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::facts::dockerfile::{Instruction, instructions};
use crate::source::Step;

/// One instruction that OKD's Dockerfile owes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Debt {
    /// The instruction that OKD's file lacks, or should no longer have.
    pub instruction: String,
    /// What OKD's file is to do about it.
    pub kind: Owed,
    /// The commit in which OCP's file changed.
    pub since: String,
}

/// What OKD's file is to do about an instruction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Owed {
    /// To get it; in OCP's file it took the place of that other one, if of any.
    Get(Option<String>),
    /// To lose it; in OCP's file that other one took its place, if any did.
    Lose(Option<String>),
}

/// Looks for debts, step by step.
#[derive(Debug)]
pub struct Search {
    /// What differs and is not explained yet: the instruction, and whether OKD's file lacks it.
    open: Vec<(String, bool)>,
    /// OCP's instructions as they are.
    now: Vec<String>,
    debts: Vec<Debt>,
}

impl Search {
    /// Starts with OCP's file and OKD's as they are. Of a file that is no Dockerfile nothing is owed.
    pub fn new(ocp: &str, okd: &str) -> Self {
        let (now, mine) = match (shown(ocp), shown(okd)) {
            (Some(now), Some(mine)) => (now, mine),
            _ => (Vec::new(), Vec::new()),
        };
        let stage_more = count(&now) > count(&mine);
        let lacks = now
            .iter()
            .filter(|one| !mine.contains(one) && (!is_from(one) || stage_more));
        let has = mine.iter().filter(|one| !now.contains(one));
        let mut open: Vec<(String, bool)> = lacks
            .map(|one| (one.clone(), true))
            .chain(has.map(|one| (one.clone(), false)))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        open.retain(|one| seen.insert(one.clone()));
        Self {
            open,
            now,
            debts: Vec::new(),
        }
    }

    /// Whether nothing is left to be explained.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// What was found, in order.
    pub fn into_debts(mut self) -> Vec<Debt> {
        self.debts.sort();
        self.debts
    }

    /// Looks at a step, OCP's file first; whether there is more to look for.
    pub fn see(&mut self, step: &Step) -> bool {
        let text = |file: &Option<std::sync::Arc<[u8]>>| {
            file.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let [Some(ocp_before), Some(okd_before)] = [&step.before[0], &step.before[1]].map(text) else {
            // Here one of the two begins.
            self.open.clear();
            return false;
        };
        let at = At {
            before: shown(&ocp_before).unwrap_or_default(),
            after: text(&step.after[0]).and_then(|text| shown(&text)).unwrap_or_default(),
            okd_before: shown(&okd_before).unwrap_or_default(),
            both: step.before[0] != step.after[0] && step.before[1] != step.after[1],
        };
        for (instruction, lacks) in std::mem::take(&mut self.open) {
            let verdict = match lacks {
                true => at.came(&instruction),
                false => at.left(&instruction, &self.now),
            };
            match verdict {
                Verdict::Earlier => self.open.push((instruction, lacks)),
                Verdict::OnPurpose => {}
                Verdict::Owed(kind) => self.debts.push(Debt {
                    instruction,
                    kind,
                    since: step.commit.clone(),
                }),
            }
        }
        !self.is_settled()
    }
}

/// What a step says of an instruction.
enum Verdict {
    /// Nothing: an earlier step may.
    Earlier,
    /// It differs on purpose.
    OnPurpose,
    /// It is owed.
    Owed(Owed),
}

/// One step, in instructions.
struct At {
    before: Vec<String>,
    after: Vec<String>,
    okd_before: Vec<String>,
    both: bool,
}

impl At {
    /// An instruction that is in OCP's file and not in OKD's.
    fn came(&self, instruction: &String) -> Verdict {
        if self.before.contains(instruction) {
            // OKD's file had it, and lost it again.
            return match self.okd_before.contains(instruction) {
                true => Verdict::OnPurpose,
                false => Verdict::Earlier,
            };
        }
        let is_new_stage = count(&self.after) > count(&self.before);
        if self.both || is_from(instruction) && !is_new_stage {
            return Verdict::OnPurpose;
        }
        Verdict::Owed(Owed::Get(partner(&self.after, &self.before, instruction)))
    }

    /// An instruction that is in OKD's file and not in OCP's, which is `now`.
    fn left(&self, instruction: &String, now: &[String]) -> Verdict {
        if !self.before.contains(instruction) {
            // OKD's file got it by itself, after OCP's had lost it or without it.
            return match self.okd_before.contains(instruction) {
                true => Verdict::Earlier,
                false => Verdict::OnPurpose,
            };
        }
        if self.both {
            return Verdict::OnPurpose;
        }
        let by = partner(&self.before, &self.after, instruction);
        match by {
            // What took its place is owed, and that is said once.
            Some(other) if !is_from(instruction) && now.contains(&other) => Verdict::OnPurpose,
            by => Verdict::Owed(Owed::Lose(by)),
        }
    }
}

/// What stands in another version of a file in the place of an instruction: the one of the same keyword in the same changed
/// part.
fn partner(here: &[String], there: &[String], instruction: &String) -> Option<String> {
    let ops = capture_diff_slices(Algorithm::Myers, here, there);
    ops.into_iter().find_map(|op| {
        let DiffOp::Replace {
            old_index,
            old_len,
            new_index,
            new_len,
        } = op
        else {
            return None;
        };
        let alike = |one: &&String| keyword(one) == keyword(instruction);
        let mut mine = here.get(old_index..old_index + old_len)?.iter().filter(alike);
        let at = mine.position(|one| one == instruction)?;
        let mut others = there.get(new_index..new_index + new_len)?.iter().filter(alike);
        others.nth(at).cloned()
    })
}

fn keyword(instruction: &str) -> &str {
    instruction.split(' ').next().unwrap_or_default()
}

fn is_from(instruction: &str) -> bool {
    keyword(instruction) == "FROM"
}

fn count(instructions: &[String]) -> usize {
    instructions.iter().filter(|one| is_from(one)).count()
}

/// The instructions that count, spaces made even; of a `FROM` the image alone.
fn shown(text: &str) -> Option<Vec<String>> {
    let counts = |one: &Instruction| ["FROM", "COPY", "ADD", "RUN"].contains(&one.keyword.as_str());
    let even = |one: Instruction| {
        let mut words = one.rest.split_whitespace();
        let rest = match one.keyword.as_str() {
            "FROM" => words
                .find(|word| !word.starts_with("--"))
                .unwrap_or_default()
                .to_owned(),
            _ => words.collect::<Vec<_>>().join(" "),
        };
        format!("{} {rest}", one.keyword)
    };
    Some(instructions(text).ok()?.into_iter().filter(counts).map(even).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What is owed after steps, each OCP's file and OKD's; the first one adds both.
    fn owed(steps: &[(&str, &str)]) -> Vec<String> {
        let (ocp, okd) = steps.last().expect("a step");
        let mut search = Search::new(ocp, okd);
        let both = |(ocp, okd): &(&str, &str)| [ocp, okd].map(|text| Some(Arc::from(text.as_bytes())));
        let mut more = !search.is_settled();
        for at in (0..steps.len()).rev() {
            if !more {
                break;
            }
            let before = at.checked_sub(1).map_or([None, None], |before| both(&steps[before]));
            more = search.see(&Step {
                commit: format!("c{at}"),
                before,
                after: both(&steps[at]),
            });
        }
        let tell = |debt: Debt| match debt.kind {
            Owed::Get(None) => format!("{}: get {}", debt.since, debt.instruction),
            Owed::Get(Some(before)) => format!("{}: get {} for {before}", debt.since, debt.instruction),
            Owed::Lose(None) => format!("{}: lose {}", debt.since, debt.instruction),
            Owed::Lose(Some(by)) => format!("{}: lose {} by {by}", debt.since, debt.instruction),
        };
        search.into_debts().into_iter().map(tell).collect()
    }

    const EVEN: (&str, &str) = (
        "FROM ocp:1\nRUN a\nCOPY x /x\n",
        "FROM okd\nRUN a\nRUN mine\nCOPY x /x\n",
    );

    #[test]
    fn an_instruction_is_owed_until_okd_has_it_or_ocp_has_not() {
        let got = ("FROM ocp:1\nRUN a\nCOPY x /x\nCOPY  y \\\n  /y\n", EVEN.1);
        assert_eq!(
            owed(&[EVEN]),
            [""; 0],
            "what was different in the beginning is on purpose"
        );
        assert_eq!(owed(&[EVEN, got]), ["c1: get COPY y /y"]);
        let both = (
            "FROM ocp:1\n# note\nRUN a\nCOPY x /x\nCOPY y /y\n",
            "FROM okd\nRUN a\nRUN own\nCOPY x /x\n",
        );
        assert_eq!(
            owed(&[EVEN, got, both]),
            ["c1: get COPY y /y"],
            "another change of both settles nothing"
        );
        let okd = (
            "FROM ocp:1\nRUN a\nCOPY x /x\nCOPY y /y\n",
            "FROM okd\nRUN a\nRUN mine\nCOPY x /x\nCOPY y /y\n",
        );
        assert_eq!(owed(&[EVEN, got, okd]), [""; 0]);
        assert_eq!(owed(&[EVEN, got, EVEN]), [""; 0]);
        let own_way = (got.0, EVEN.1);
        assert_eq!(
            owed(&[EVEN, got, okd, own_way]),
            [""; 0],
            "OKD's had it, and went its own way"
        );
    }

    #[test]
    fn a_change_of_okds_file_alone_forgets_nothing() {
        let got = ("FROM ocp:1\nRUN a\nCOPY x /x\nCOPY y /y\n", EVEN.1);
        let okd_alone = (got.0, "FROM okd:2\nRUN a\nRUN mine\nCOPY x /x\n");
        assert_eq!(owed(&[EVEN, got, okd_alone]), ["c1: get COPY y /y"]);
    }

    #[test]
    fn what_comes_with_a_change_of_both_is_on_purpose() {
        let both = (
            "FROM ocp:1\nRUN a && art\nCOPY x /x\n",
            "FROM okd\nRUN a && okd\nRUN mine\nCOPY x /x\n",
        );
        assert_eq!(owed(&[EVEN, both]), [""; 0]);
    }

    #[test]
    fn an_edit_is_one_debt_and_a_loss_another() {
        let edit = ("FROM ocp:1\nRUN b\nCOPY x /x\n", EVEN.1);
        assert_eq!(owed(&[EVEN, edit]), ["c1: get RUN b for RUN a"]);
        let own = (edit.0, "FROM okd\nRUN a --okd\nRUN mine\nCOPY x /x\n");
        assert_eq!(owed(&[EVEN, edit, own]), ["c1: get RUN b for RUN a"]);
        let lost = ("FROM ocp:1\nRUN a\n", EVEN.1);
        assert_eq!(owed(&[EVEN, lost]), ["c1: lose COPY x /x"]);
    }

    #[test]
    fn a_from_counts_while_okd_has_the_one_that_ocp_had_before() {
        let go = |version: &str| format!("FROM go:{version} AS b\nFROM ocp\n");
        let (old, new, newer) = (go("1"), go("2"), go("3"));
        let own = "FROM mine AS b\nFROM okd\n";
        assert_eq!(owed(&[(&old, own), (&new, own)]), [""; 0]);
        let same = "FROM go:1 AS b\nFROM okd\n";
        assert_eq!(owed(&[(&old, same), (&new, same)]), ["c1: lose FROM go:1 by FROM go:2"]);
        assert_eq!(
            owed(&[(&old, same), (&new, same), (&newer, same)]),
            ["c1: lose FROM go:1 by FROM go:2"]
        );
        let other = "FROM go:okd AS b\nFROM okd\n";
        assert_eq!(owed(&[(&old, same), (&new, same), (&new, other)]), [""; 0]);
        let named = "FROM go:1 AS builder\nFROM ocp\n";
        assert_eq!(
            owed(&[(&old, same), (named, same)]),
            [""; 0],
            "a stage's name is no base"
        );
    }

    #[test]
    fn a_stage_that_okd_has_not_counts() {
        let own = "FROM mine AS b\nFROM okd\n";
        let more = "FROM go:1 AS b\nFROM node AS n\nFROM ocp\nCOPY --from=n a /a\n";
        assert_eq!(
            owed(&[("FROM go:1 AS b\nFROM ocp\n", own), (more, own)]),
            ["c1: get COPY --from=n a /a", "c1: get FROM node"]
        );
    }

    #[test]
    fn of_what_is_no_dockerfile_nothing_is_owed() {
        assert!(Search::new("FROM a\nRUN <<EOF\n", "FROM b\nRUN x\n").is_settled());
    }
}
