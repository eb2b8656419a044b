//! What of a pull request a run has looked at: what lies beyond that is carried as it stands, never taken back.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::policy::Adopt;

/// The targets whose every file was looked at, and what of the drift was to be put right.
///
/// It is written down with what is proposed. A run that reaches as far may take back what it no longer derives; any
/// other one carries what it has not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The targets that were looked at, by name.
    pub targets: BTreeSet<String>,
    /// Those of them of which something could not be looked at. It is not written down: what they do propose counts.
    pub missed: BTreeSet<String>,
    /// Whether these are all targets that the group has.
    pub whole: bool,
    /// What stands for the adoption that bounds it; `None`: everything is adopted.
    pub adopt: Option<String>,
}

impl Default for Reach {
    /// Everything, whichever targets there are.
    fn default() -> Self {
        Self {
            targets: BTreeSet::new(),
            missed: BTreeSet::new(),
            whole: true,
            adopt: None,
        }
    }
}

/// Stands for an adoption that is none in particular: what different ones have proposed.
const MIXED: &str = "mixed";

impl Reach {
    /// The reach of a run over targets, of some of which something was missed, under an adoption. `all`: every target that
    /// the group has.
    pub fn of(targets: BTreeSet<String>, missed: BTreeSet<String>, all: &BTreeSet<String>, adopt: &Adopt) -> Self {
        Self {
            whole: all.is_subset(&targets),
            targets,
            missed,
            adopt: adopt.is_bounded().then(|| adopt.digest()),
        }
    }

    /// Whether a run of this reach has looked at all that one of another reach may have proposed; `None`: nobody knows.
    pub fn covers(&self, made: Option<&Self>) -> bool {
        let everything = self.whole && self.missed.is_empty() && self.adopt.is_none();
        let as_far = |made: &Self| {
            let mixed = self.adopt.as_deref() == Some(MIXED);
            let adopts = self.adopt.is_none() || (self.adopt == made.adopt && !mixed);
            let looked = |target: &String| self.targets.contains(target) && !self.missed.contains(target);
            adopts && !made.targets.is_empty() && made.targets.iter().all(looked)
        };
        everything || made.is_some_and(as_far)
    }

    /// The reach of what a run proposes together with what it carries.
    #[must_use]
    pub fn with(&self, made: Option<&Self>) -> Self {
        let Some(made) = made else { return Self::default() };
        Self {
            targets: self.targets.union(&made.targets).cloned().collect(),
            missed: BTreeSet::new(),
            whole: self.whole || made.whole,
            adopt: match (&self.adopt, &made.adopt) {
                (Some(a), Some(b)) if a == b => Some(a.clone()),
                (Some(_), Some(_)) => Some(MIXED.to_owned()),
                _ => None,
            },
        }
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reach = Self {
            whole: false,
            ..Self::default()
        };
        for word in text.split_whitespace() {
            match word.split_once('=') {
                Some(("adopt", digest)) => reach.adopt = Some(digest.to_owned()),
                Some(_) => return None,
                None if word == ALL => reach.whole = true,
                None => drop(reach.targets.insert(word.to_owned())),
            }
        }
        (reach.whole || !reach.targets.is_empty()).then_some(reach)
    }
}

/// Stands for all targets of a group.
const ALL: &str = "all";

impl fmt::Display for Reach {
    /// Writes one line: `all`, the targets, and what bounds them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.whole.then(|| ALL.to_owned()).into_iter();
        let adopt = self.adopt.iter().map(|digest| format!("adopt={digest}"));
        let words: Vec<String> = all.chain(self.targets.iter().cloned()).chain(adopt).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(text: &str) -> Reach {
        Reach::parse(text).expect("a reach")
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "all",
            "prow-config",
            "all prow-config prow-jobs",
            "prow-config adopt=abc",
        ] {
            assert_eq!(reach(text).to_string(), text);
        }
        for text in ["", "adopt=abc", "a=b c"] {
            assert_eq!(Reach::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_as_far_a_look_may_take_back() {
        let covers = |now: &str, made: &str| reach(now).covers(Some(&reach(made)));
        assert!(covers("a b", "a") && covers("a", "a") && covers("all a b", "c"));
        assert!(!covers("a", "a b") && !covers("a", "b"));
        assert!(covers("a", "a adopt=1"), "everything is more than a part");
        assert!(covers("a adopt=1", "a adopt=1"));
        assert!(!covers("a adopt=1", "a") && !covers("a adopt=1", "a adopt=2"));
        assert!(!covers("a adopt=mixed", "a adopt=mixed"), "nobody knows of what");
        assert!(reach("all a").covers(None) && !reach("a").covers(None));
        assert!(!reach("all a adopt=1").covers(None));
        let mut missing = reach("all a b");
        missing.missed.insert("b".to_owned());
        assert!(missing.covers(Some(&reach("a"))) && !missing.covers(Some(&reach("a b"))) && !missing.covers(None));
    }

    #[test]
    fn what_is_carried_keeps_its_reach() {
        let with = |now: &str, made: &str| reach(now).with(Some(&reach(made))).to_string();
        assert_eq!(with("a", "b"), "a b");
        assert_eq!(with("a adopt=1", "a"), "a");
        assert_eq!(with("a adopt=1", "b adopt=2"), "a b adopt=mixed");
        assert_eq!(reach("a").with(None).to_string(), "all");
    }
}
