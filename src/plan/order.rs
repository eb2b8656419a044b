//! Which pull requests come before which: those with the images that others are built from.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{ChangeKind, Plan, PullRequest, Scope};
use super::upstream::Upstream;

/// What a pull request depends on, by its place in the plan.
type Edges = Vec<BTreeSet<usize>>;

/// Notes for each pull request which others of the same release and group have the images that its own are built from,
/// and when its turn is.
pub fn arrange(prs: &mut [PullRequest], upstreams: &[Upstream]) {
    let edges = without_circles(edges(prs, upstreams));
    let scopes: Vec<Scope> = prs.iter().map(|pr| pr.scope.clone()).collect();
    for (pr, needs) in prs.iter_mut().zip(edges) {
        let upstream = upstreams.iter().find(|up| up.release == pr.scope.release);
        let turns = upstream.into_iter().flat_map(|up| tags(pr).map(|tag| up.turn(tag)));
        pr.turn = turns.min().unwrap_or(u32::MAX);
        pr.depends = needs.into_iter().filter_map(|at| scopes.get(at).cloned()).collect();
    }
}

/// The payload tags that a pull request builds anew: what goes is nothing to build on.
fn tags(pr: &PullRequest) -> impl Iterator<Item = &str> {
    let stays = pr.files.iter().filter(|file| file.kind != ChangeKind::Removed);
    stays.flat_map(|file| file.images.iter().map(String::as_str))
}

fn edges(prs: &[PullRequest], upstreams: &[Upstream]) -> Edges {
    let mut owners: BTreeMap<(&str, &str, &str), BTreeSet<usize>> = BTreeMap::new();
    for (at, pr) in prs.iter().enumerate() {
        for tag in tags(pr) {
            let key = (pr.scope.release.as_str(), pr.scope.group.as_str(), tag);
            owners.entry(key).or_default().insert(at);
        }
    }
    let of = |at: usize, pr: &PullRequest| -> BTreeSet<usize> {
        let Some(upstream) = upstreams.iter().find(|up| up.release == pr.scope.release) else {
            return BTreeSet::new();
        };
        let needed: BTreeSet<&str> = tags(pr).flat_map(|tag| upstream.ancestors(tag)).collect();
        let owned = needed
            .iter()
            .filter_map(|tag| owners.get(&(&*pr.scope.release, &*pr.scope.group, *tag)));
        owned.flatten().copied().filter(|other| *other != at).collect()
    };
    // Most plans have one pull request a release and group: nothing is looked up for those.
    let mut count: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for pr in prs.iter().filter(|pr| !pr.files.is_empty()) {
        *count.entry((&pr.scope.release, &pr.scope.group)).or_default() += 1;
    }
    let alone = |pr: &PullRequest| {
        count
            .get(&(&*pr.scope.release, &*pr.scope.group))
            .is_none_or(|n| *n < 2)
    };
    let each = prs.iter().enumerate();
    each.map(|(at, pr)| if alone(pr) { BTreeSet::new() } else { of(at, pr) })
        .collect()
}

/// Two pull requests that each have images for the other cannot wait for one another.
fn without_circles(edges: Edges) -> Edges {
    let reaches: Vec<BTreeSet<usize>> = (0..edges.len()).map(|from| reachable(&edges, from)).collect();
    let kept = |from: usize, to: &usize| reaches.get(*to).is_some_and(|back| !back.contains(&from));
    let each = edges.iter().enumerate();
    each.map(|(from, needs)| needs.iter().copied().filter(|to| kept(from, to)).collect())
        .collect()
}

fn reachable(edges: &Edges, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(next) = todo.pop() {
        todo.extend(edges.get(next).into_iter().flatten().filter(|to| found.insert(**to)));
    }
    found
}

impl Plan {
    /// The places of the pull requests in the order in which they are to be made: what others depend on goes before
    /// them, images to be merged first and earlier waves go before others, else as they are sorted.
    pub fn order(&self) -> Vec<usize> {
        let places: BTreeMap<&Scope, usize> = self
            .pull_requests
            .iter()
            .enumerate()
            .map(|(at, pr)| (&pr.scope, at))
            .collect();
        let mut needs: Vec<BTreeSet<usize>> = Vec::new();
        for pr in &self.pull_requests {
            needs.push(
                pr.depends
                    .iter()
                    .filter_map(|scope| places.get(scope).copied())
                    .collect(),
            );
        }
        let mut waiting: BTreeSet<(u32, usize)> = self
            .pull_requests
            .iter()
            .enumerate()
            .map(|(at, pr)| (pr.turn, at))
            .collect();
        let mut order = Vec::new();
        let mut done = BTreeSet::new();
        // There are no circles: something can always go next.
        while let Some(next) = waiting.iter().copied().find(|(_, at)| needs[*at].is_subset(&done)) {
            waiting.remove(&next);
            done.insert(next.1);
            order.push(next.1);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::super::upstream::UpstreamImage;
    use super::super::{Bytes, Desired, Input};
    use super::*;

    fn file(repo: &str, group: &str, images: &[&str]) -> Desired {
        Desired {
            repo: repo.parse().unwrap(),
            branch: "main".into(),
            path: format!("{group}.yaml"),
            release: "4.16".into(),
            target: "t".into(),
            group: group.into(),
            component: None,
            images: images.iter().map(|image| (*image).to_owned()).collect(),
            before: None,
            after: Some(Bytes::from(&b"x"[..])),
            causes: Vec::new(),
            refused: Vec::new(),
            follows: None,
            notes: Vec::new(),
            held: false,
        }
    }

    fn plan(desired: Vec<Desired>) -> Plan {
        let image = |parents: &[&str], wave, merge_first| UpstreamImage {
            parents: parents.iter().map(|p| (*p).to_owned()).collect(),
            wave: Some(wave),
            merge_first,
            ..UpstreamImage::default()
        };
        let images = [
            ("base".to_owned(), image(&[], 0, false)),
            ("cli".to_owned(), image(&["base"], 1, false)),
            ("tools".to_owned(), image(&["cli"], 2, false)),
            ("first".to_owned(), image(&[], 5, true)),
        ];
        let upstream = Upstream {
            release: "4.16".into(),
            images: images.into(),
            ..Upstream::default()
        };
        Plan::build(Input {
            desired,
            upstream: vec![upstream],
            ..Input::default()
        })
    }

    fn told(plan: &Plan) -> Vec<String> {
        let name = |pr: &PullRequest| {
            let needs: Vec<_> = pr.depends.iter().map(|scope| scope.repo.repo.clone()).collect();
            format!("{} after [{}]", pr.scope.repo.repo, needs.join(" "))
        };
        plan.order()
            .into_iter()
            .map(|at| name(&plan.pull_requests[at]))
            .collect()
    }

    #[test]
    fn what_is_built_on_goes_first() {
        let plan = plan(vec![
            file("o/a-tools", "k", &["tools"]),
            file("o/b-cli", "k", &["cli"]),
            file("o/c-base", "k", &["base"]),
            file("o/d-first", "k", &["first"]),
            file("o/e-other", "k", &["unknown"]),
        ]);
        let expected = [
            "d-first after []",
            "c-base after []",
            "b-cli after [c-base]",
            "a-tools after [b-cli c-base]",
            "e-other after []",
        ];
        assert_eq!(told(&plan), expected);
        assert!(
            plan.pull_requests[0]
                .body
                .contains("from `lockstep/k/4.16` in `o/b-cli`"),
            "{}",
            plan.pull_requests[0].body
        );
    }

    #[test]
    fn those_that_need_each_other_wait_for_nobody() {
        let plan = plan(vec![file("o/a", "k", &["base", "tools"]), file("o/b", "k", &["cli"])]);
        assert_eq!(told(&plan), ["a after []", "b after []"]);
    }

    #[test]
    fn other_groups_are_built_elsewhere() {
        let plan = plan(vec![file("o/a", "k", &["cli"]), file("o/b", "other", &["base"])]);
        assert_eq!(told(&plan), ["b after []", "a after []"]);
    }
}
