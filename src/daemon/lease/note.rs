//! Tells the replica that writes of webhooks that came to one that does not.
//!
//! GitHub sends each delivery once, to whichever replica the cluster's service chose. One that does not write notes what is
//! to be looked at in an annotation of the Lease, which the holder reads at every renewal and takes out with it. It needs
//! no right that a replica has not, no connection between replicas, and nothing depends on it: a note that is lost is what
//! the schedule's next run finds.

use std::collections::BTreeSet;

use k8s_openapi::api::coordination::v1::Lease;

use crate::base::Release;
use crate::daemon::look::Extent;
use crate::run::feedback::Wish;

/// The annotation that carries what is to be looked at: releases and pull requests (`org/repo`, `org/repo#7`, `org/repo@head`),
/// separated by commas, or [`WHOLE`].
const ANNOTATION: &str = "lockstep.okd.io/look-sooner";
/// Look at everything.
const WHOLE: &str = "*";
/// Look at all pull requests of others.
const ALL_PULLS: &str = "#";
/// No list is longer than this.
const MAX_TEXT: usize = 4096;

/// Writes into a lease what is to be looked at, beside what is there already. Tells whether that changes it.
pub fn write(lease: &mut Lease, look: Extent) -> bool {
    let there = read(lease);
    let all = match there.clone() {
        Some(there) => look.and(there),
        None => look,
    };
    if there.as_ref() == Some(&all) {
        return false;
    }
    let annotations = lease.metadata.annotations.get_or_insert_default();
    annotations.insert(ANNOTATION.to_owned(), text(&all));
    true
}

/// What a lease says is to be looked at.
pub fn read(lease: &Lease) -> Option<Extent> {
    let annotations = lease.metadata.annotations.as_ref()?;
    annotations.get(ANNOTATION).map(|text| parse(text))
}

/// Takes out of a lease what it says.
pub fn clear(lease: &mut Lease) {
    if let Some(annotations) = &mut lease.metadata.annotations {
        annotations.remove(ANNOTATION);
    }
}

fn text(look: &Extent) -> String {
    let Some((releases, wish)) = look.clone().parts() else {
        return WHOLE.to_owned();
    };
    let mut parts: Vec<String> = releases.iter().map(Release::to_string).collect();
    parts.extend(wish.all.then(|| ALL_PULLS.to_owned()));
    parts.extend(wish.repositories.iter().map(ToString::to_string));
    parts.extend(wish.pulls.iter().map(|(repo, number)| format!("{repo}#{number}")));
    parts.extend(wish.heads.iter().map(|(repo, head)| format!("{repo}@{head}")));
    let text = parts.join(",");
    match text.len() {
        0..=MAX_TEXT => text,
        _ => WHOLE.to_owned(),
    }
}

/// What cannot be understood asks for a look at everything, which is never wrong.
fn parse(text: &str) -> Extent {
    if text.len() > MAX_TEXT {
        return Extent::Whole;
    }
    let (mut releases, mut wish) = (BTreeSet::new(), Wish::default());
    for part in text.split(',').map(str::trim) {
        if let Ok(release) = part.parse() {
            releases.insert(release);
        } else if parse_pull(part, &mut wish).is_none() {
            return Extent::Whole;
        }
    }
    Extent::of(releases, wish)
}

/// Takes in one part that is about pull requests; `None`: it is none.
fn parse_pull(part: &str, wish: &mut Wish) -> Option<()> {
    if part == ALL_PULLS {
        wish.all = true;
    } else if let Some((repo, number)) = part.split_once('#') {
        wish.pulls.insert((repo.parse().ok()?, number.parse().ok()?));
    } else if let Some((repo, head)) = part.split_once('@') {
        let is_commit = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_hexdigit());
        wish.heads
            .insert((repo.parse().ok()?, is_commit.then(|| head.to_owned())?));
    } else {
        wish.repositories.insert(part.parse().ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(texts: &[&str]) -> Extent {
        Extent::Releases(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn a_lease_carries_what_several_replicas_note() {
        let mut lease = Lease::default();
        assert_eq!(read(&lease), None);
        assert!(write(&mut lease, releases(&["4.16"])));
        assert!(write(&mut lease, releases(&["4.17", "4.16"])));
        assert!(!write(&mut lease, releases(&["4.16"])), "it is there already");
        assert_eq!(read(&lease), Some(releases(&["4.16", "4.17"])));
        assert!(write(&mut lease, Extent::Whole));
        assert!(!write(&mut lease, releases(&["4.15"])), "everything is there already");
        clear(&mut lease);
        assert_eq!(read(&lease), None);
    }

    #[test]
    fn pull_requests_are_told_as_well() {
        let mut wish = Wish::default();
        let repo = |text: &str| text.parse::<crate::base::RepoName>().unwrap();
        wish.repositories.insert(repo("o/a"));
        wish.pulls.insert((repo("o/b"), 7));
        wish.heads.insert((repo("o/c"), "0123abc".to_owned()));
        let look = Extent::of(["4.16".parse().unwrap()].into(), wish.clone());
        assert_eq!(parse(&text(&look)), look);
        let alone = Extent::Pulls(wish);
        assert_eq!(parse(&text(&alone)), alone);
        let all = Extent::Pulls(Wish::all());
        assert_eq!(parse(&text(&all)), all);
        assert_eq!(parse("o/c@not-a-commit"), Extent::Whole);
    }

    #[test]
    fn what_is_not_understood_asks_for_everything() {
        for text in ["*", "", "4.16,later", &"4.16,".repeat(2000)] {
            assert_eq!(parse(text), Extent::Whole, "{text:.20}");
        }
        assert_eq!(parse("4.16, 4.17"), releases(&["4.16", "4.17"]));
    }
}
