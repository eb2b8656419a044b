//! A plan in a file: what somebody looked at is what is written later, or it is said what has moved.
//!
//! The file has the contents and texts of all pull requests, so nothing is derived again, and the writes that a run would have
//! made when it was looked at. Those that it would make now are compared with these: what was not looked at is not written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, ForgeError, Outcome, Write};
use crate::plan::{NotCompared, Plan, PullRequest, summary};

/// The version of the form. A file of another one is refused.
const VERSION: u32 = 1;

/// A plan as it was looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The version of the form.
    version: u32,
    /// The line that summed it up.
    pub summary: String,
    /// What could not be compared when it was made.
    pub not_compared: Vec<NotCompared>,
    /// Its pull requests, each with what a run would have written.
    requests: Vec<Looked>,
    /// The digest of all the rest: what was looked at is not edited.
    #[serde(default)]
    digest: String,
}

/// One pull request and what would have been written for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Looked {
    wanted: PullRequest,
    /// What was decided, for people; `None` where that could not be told.
    action: Option<String>,
    /// The writes, as `plan --format json` has them.
    writes: Vec<Value>,
}

/// How a pull request of a kept plan stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// What would be written was looked at.
    Same,
    /// It has been written.
    Done,
    /// Something else would be written, or cannot be told any more.
    Moved(String),
}

/// Why a file is no kept plan that can be written.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// It is no JSON, or of another form.
    #[error("it is no kept plan: {0}")]
    Form(serde_json::Error),
    /// It does not say what it is.
    #[error("it is no kept plan: it has no `version`")]
    NoVersion,
    /// Another lockstep wrote it.
    #[error("it has version {0} of the form, this program reads {VERSION}: make it anew")]
    Version(u64),
    /// It is not as it was written.
    #[error("it is not what `plan --out` wrote: somebody has edited it, and what is written is what was looked at")]
    Edited,
}

impl From<serde_json::Error> for NotKept {
    fn from(error: serde_json::Error) -> Self {
        Self::Form(error)
    }
}

impl Kept {
    /// Keeps a plan and what a dry run of it came to.
    pub fn of(plan: &Plan, outcomes: &[Outcome]) -> Self {
        let looked = |(wanted, outcome): (&PullRequest, &Outcome)| Looked {
            wanted: wanted.clone(),
            action: outcome.action.map(|action| action.to_string()),
            writes: outcome.writes.iter().map(value).collect(),
        };
        let mut kept = Self {
            version: VERSION,
            summary: summary(plan),
            not_compared: plan.not_compared.clone(),
            requests: plan.pull_requests.iter().zip(outcomes).map(looked).collect(),
            digest: String::new(),
        };
        kept.digest = kept.own_digest();
        kept
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Never for what a plan holds; serde's signature has it.
    pub fn text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// It is none that this program wrote, or it was edited since.
    pub fn read(text: &str) -> Result<Self, NotKept> {
        let root: Value = serde_json::from_str(text)?;
        match root["version"].as_u64() {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(NotKept::Version(version));
            }
            None => return Err(NotKept::NoVersion),
        }
        let kept: Self = serde_json::from_value(root)?;
        if kept.digest != kept.own_digest() {
            return Err(NotKept::Edited);
        }
        Ok(kept)
    }

    fn own_digest(&self) -> String {
        let bare = Self {
            digest: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&bare).unwrap_or_default();
        git2::Oid::hash_object(git2::ObjectType::Blob, &text).map_or_else(|_| String::new(), |oid| oid.to_string())
    }

    /// The plan that a forge looks at and applies.
    pub fn plan(&self) -> Plan {
        self.plan_of(|_| true)
    }

    /// The part of the plan that can be written as it was looked at. `now`: what a dry run of [`Self::plan`] comes to.
    pub fn unmoved(&self, now: &[Outcome]) -> Plan {
        self.plan_of(|at| now.get(at).is_some_and(|now| self.standing(at, now) == Standing::Same))
    }

    fn plan_of(&self, wanted: impl Fn(usize) -> bool) -> Plan {
        let requests = self.requests.iter().enumerate().filter(|(at, _)| wanted(*at));
        Plan {
            pull_requests: requests.map(|(_, looked)| looked.wanted.clone()).collect(),
            not_compared: self.not_compared.clone(),
            ..Plan::default()
        }
    }

    /// What came of the whole plan: what was `written` of its unmoved part, and of what has moved that nothing was.
    pub fn settled(&self, now: Vec<Outcome>, written: Vec<Outcome>) -> Vec<Outcome> {
        let mut written = written.into_iter();
        let each = now.into_iter().enumerate();
        each.map(|(at, now)| match self.standing(at, &now) {
            Standing::Same => written.next().unwrap_or(now),
            Standing::Done => now,
            Standing::Moved(why) => Outcome {
                writes: Vec::new(),
                error: Some(ForgeError::Moved(why)),
                ..now
            },
        })
        .collect()
    }

    fn standing(&self, at: usize, now: &Outcome) -> Standing {
        let Some(looked) = self.requests.get(at) else {
            return Standing::Moved("it is not in the plan".to_owned());
        };
        if let Some(error) = &now.error {
            return Standing::Moved(error.to_string().replace(": make a new plan", ""));
        }
        let writes: Vec<Value> = now.writes.iter().map(value).collect();
        let is_settled = matches!(now.action, Some(Action::UpToDate | Action::InSync));
        match (writes.is_empty(), looked.writes.is_empty()) {
            (true, true) => return Standing::Same,
            (true, false) if is_settled => return Standing::Done,
            _ => {}
        }
        // A run that was killed has done the first of them.
        let mut rest = looked.writes.iter();
        let were_looked_at = !writes.is_empty() && writes.iter().all(|write| rest.any(|looked| looked == write));
        if were_looked_at {
            return Standing::Same;
        }
        Standing::Moved(moved(looked, now, &writes))
    }
}

/// Says what has moved between two looks.
fn moved(looked: &Looked, now: &Outcome, writes: &[Value]) -> String {
    let head = |writes: &[Value]| {
        let set = writes.iter().find(|write| write["write"] == "set-branch")?;
        Some((set["branch"].as_str()?.to_owned(), set["from"].as_str().map(short)))
    };
    let at = |at: Option<String>| at.map_or_else(|| "was not there".to_owned(), |at| format!("stood at {at}"));
    let action = now.action.map_or_else(String::new, |action| action.to_string());
    let was = looked.action.clone().unwrap_or_default();
    let notes: String = now.notes.iter().map(|note| format!(" ({note})")).collect();
    match (head(&looked.writes), head(writes)) {
        (Some((branch, before)), Some((_, after))) if before != after => {
            let after = after.map_or_else(|| "is gone".to_owned(), |after| format!("stands at {after} now"));
            format!("{branch} {} when it was looked at, and {after}", at(before))
        }
        _ if was == action => {
            format!("what is there has other content or another text than when it was looked at ({action}){notes}")
        }
        _ => {
            let waits = now.waits.iter().map(|waits| format!("; {waits}")).collect::<String>();
            format!("it was looked at as `{was}`, and is `{action}` by now{notes}{waits}")
        }
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

fn value(write: &Write) -> Value {
    // Plain data: there is nothing in it that JSON cannot hold.
    serde_json::to_value(write).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Bytes, Desired, Input};

    fn plan() -> Plan {
        let file = |path: &str, after: &[u8]| Desired {
            repo: "o/r".parse().unwrap(),
            branch: "main".into(),
            path: path.into(),
            release: "4.16".into(),
            target: "prow-config".into(),
            group: "ci".into(),
            component: None,
            images: vec!["cli".into()],
            before: None,
            after: Some(Bytes::from(after)),
            causes: Vec::new(),
            refused: Vec::new(),
            follows: None,
            notes: Vec::new(),
            held: false,
        };
        Plan::build(Input {
            desired: vec![file("a.yaml", b"a: 1\n"), file("b.bin", b"\xff\x00")],
            ..Input::default()
        })
    }

    fn outcome(plan: &Plan, action: Action, from: Option<&str>) -> Outcome {
        let set = Write::SetBranch {
            repo: "o/r".parse().unwrap(),
            branch: "lockstep/ci/4.16".into(),
            from: from.map(str::to_owned),
            files: 2,
            digest: plan.pull_requests[0].digest.clone(),
        };
        let close = Write::Close {
            repo: "o/r".parse().unwrap(),
            head: "lockstep/ci/4.16".into(),
        };
        Outcome {
            action: Some(action),
            writes: match action {
                Action::Create => vec![set, close],
                Action::Adopt => vec![close],
                _ => Vec::new(),
            },
            ..Outcome::new(plan.pull_requests[0].scope.clone())
        }
    }

    #[test]
    fn what_is_kept_is_read_again_and_edited_it_is_refused() {
        let plan = plan();
        let kept = Kept::of(&plan, &[outcome(&plan, Action::Create, None)]);
        let text = kept.text().unwrap();
        let read = Kept::read(&text).unwrap();
        assert_eq!(read.plan().pull_requests, plan.pull_requests);
        let edited = Kept::read(&text.replace("a: 1", "a: 2")).unwrap_err();
        assert!(matches!(edited, NotKept::Edited), "{edited}");
        for text in ["", "[]", "{}", r#"{"version": 9}"#, r#"{"version": 1}"#] {
            assert!(Kept::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_was_looked_at_is_written() {
        let plan = plan();
        let kept = Kept::of(&plan, &[outcome(&plan, Action::Create, Some("abc"))]);
        let standing = |action, from: Option<&str>| kept.standing(0, &outcome(&plan, action, from));
        assert_eq!(standing(Action::Create, Some("abc")), Standing::Same);
        assert_eq!(
            standing(Action::Adopt, None),
            Standing::Same,
            "a run was killed in between"
        );
        assert_eq!(standing(Action::UpToDate, None), Standing::Done);
        let told = |action, from| match standing(action, from) {
            Standing::Moved(why) => why,
            other => panic!("{other:?}"),
        };
        let why = told(Action::Create, Some("def"));
        assert_eq!(
            why,
            "lockstep/ci/4.16 stood at abc when it was looked at, and stands at def now"
        );
        assert!(told(Action::Create, None).ends_with("and is gone"));
        assert!(told(Action::StayClosed, None).contains("a person refused this content"));
        let now = vec![outcome(&plan, Action::StayClosed, None)];
        assert!(kept.unmoved(&now).pull_requests.is_empty());
        let settled = kept.settled(now, Vec::new());
        assert!(matches!(&settled[0].error, Some(ForgeError::Moved(_))), "{settled:?}");
    }

    #[test]
    fn what_was_to_be_left_is_not_written_later() {
        let plan = plan();
        let kept = Kept::of(&plan, &[outcome(&plan, Action::Wait, None)]);
        assert_eq!(kept.standing(0, &outcome(&plan, Action::Wait, None)), Standing::Same);
        let later = kept.standing(0, &outcome(&plan, Action::Create, None));
        assert!(matches!(later, Standing::Moved(_)), "{later:?}");
    }
}
