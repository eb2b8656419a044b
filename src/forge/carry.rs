//! What an open pull request proposes beyond what a run has looked at: it stays proposed, as it stands.

use std::collections::BTreeMap;

use crate::plan::{PullRequest, Reach};

/// The commit's trailer that says how far the run looked that made it.
const REACH: &str = "Lockstep-Reach";

/// What a branch proposes for a path: the blobs at the base that it was made from, of its own, and at the base as it is.
pub struct Offer<'p, B> {
    /// The path.
    pub path: &'p str,
    /// What was there; `None`: nothing.
    pub old: Option<B>,
    /// What it proposes.
    pub new: Option<B>,
    /// What is there now.
    pub there: Option<B>,
}

/// What is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// How many files.
    pub files: usize,
    /// Whether some of them were not looked at, so that only a run that looks as far may take them back.
    pub beyond: bool,
    /// Whether some of these have moved in the base: what is proposed for them can be neither kept nor made anew.
    pub stuck: bool,
}

/// Adds to the contents of a branch what it proposes for files that could not be derived, or were not looked at, in this
/// run. `made`: how far the run looked that made the branch, where that is known.
pub fn carry<'p, B: Clone + PartialEq>(
    contents: &mut BTreeMap<String, Option<B>>,
    wanted: &PullRequest,
    made: Option<&Reach>,
    offers: impl Iterator<Item = Offer<'p, B>>,
) -> Carried {
    let (mut carried, all) = (Carried::default(), !wanted.reach.covers(made));
    for offer in offers {
        let is_held = wanted.held.contains(offer.path);
        let unseen = all && !wanted.settled.contains(offer.path);
        let moot = offer.new == offer.there || contents.contains_key(offer.path);
        if moot || !(is_held || unseen) {
            continue;
        }
        carried.files += 1;
        carried.beyond |= !is_held;
        carried.stuck |= !is_held && offer.old != offer.there;
        contents.insert(offer.path.to_owned(), offer.new);
    }
    carried
}

/// The line of a commit's message that says how far was looked.
pub fn trailer(reach: &Reach) -> String {
    format!("{REACH}: {reach}\n")
}

/// How far the run looked that made a commit.
pub fn reach_of(message: &str) -> Option<Reach> {
    let line = message
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(REACH)?.strip_prefix(": "))?;
    Reach::parse(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_was_looked_is_read_from_a_message() {
        let reach = Reach::parse("prow-config").expect("a reach");
        let message = format!("title\n\nDerived.\n\n{}Signed-off-by: a <a@b>\n", trailer(&reach));
        assert_eq!(reach_of(&message), Some(reach));
        assert_eq!(reach_of("title\n\nLockstep-Reaches: all\n"), None);
    }
}
