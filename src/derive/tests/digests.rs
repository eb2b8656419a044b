//! What decides an image's build is in its digest, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::world::{World, repo_name};
use crate::derive::document::build_config;

/// Images by number, each with the numbers of what it is built from: the last one is its base.
type Graph = Vec<Vec<usize>>;

fn key(at: usize) -> String {
    format!("i{at:02}")
}

/// A world with these images. `line`: what each Dockerfile says besides its FROMs; `alignment`: more of its metadata.
fn world(graph: &Graph, line: impl Fn(usize) -> &'static str, alignment: impl Fn(usize) -> &'static str) -> World {
    let mut world = World::new();
    for (at, parents) in graph.iter().enumerate() {
        let from = |parent: &usize| format!("registry.ci.openshift.org/ocp/4.16:{}\n", key(*parent));
        let (metadata, froms) = match parents.split_last() {
            None => (
                "{stream: base}".to_owned(),
                "FROM registry.ci.openshift.org/ocp/4.16:base\n".to_owned(),
            ),
            Some((base, builders)) => {
                let named: Vec<String> = builders
                    .iter()
                    .map(|parent| format!("{{member: {}}}", key(*parent)))
                    .collect();
                let froms: String = builders.iter().map(|parent| format!("FROM {}", from(parent))).collect();
                let metadata = format!("{{builder: [{}], member: {}}}", named.join(", "), key(*base));
                (metadata, format!("{froms}FROM {}", from(base)))
            }
        };
        let text = format!("{froms}{}", line(at));
        world = world.image_with(&key(at), &key(at), &metadata, &text, alignment(at));
    }
    world
}

fn digests(world: &World) -> BTreeMap<String, String> {
    let images = build_config(&world.release()).images;
    images
        .into_iter()
        .map(|(key, image)| (key, image.digest.expect("a digest")))
        .collect()
}

/// Graphs without circles: each image is built from some of those before it.
fn graphs() -> impl Strategy<Value = Graph> {
    prop::collection::vec(prop::collection::btree_set(0_usize..64, 0..3), 1..9).prop_map(|all| {
        let before = |at: usize, some: BTreeSet<usize>| {
            let parents: BTreeSet<usize> = some
                .into_iter()
                .filter(|_| at > 0)
                .map(|parent| parent % at.max(1))
                .collect();
            parents.into_iter().collect()
        };
        all.into_iter().enumerate().map(|(at, some)| before(at, some)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn one_changed_input_changes_exactly_the_digests_downstream(graph in graphs(), at in 0_usize..64, input in 0_usize..4) {
        let at = at % graph.len();
        let before = digests(&world(&graph, |_| "", |_| ""));
        let of = |image: usize, wanted: usize, text: &'static str| if image == at && input == wanted { text } else { "" };
        let alignment = |image: usize| match input {
            1 => of(image, 1, "build_args: [{name: X, value: y}]"),
            _ => of(image, 3, "inject_rpm_repositories: [{id: a, baseurl: b}]"),
        };
        let mut changed = world(&graph, |image| of(image, 0, "RUN x\n"), alignment);
        if input == 2 {
            let component = changed.components.get_mut(&repo_name(&key(at))).expect("a component");
            component.as_mut().expect("read").oids.insert("/".to_owned(), "another tree".to_owned());
        }
        let after = digests(&changed);
        let mut downstream = BTreeSet::from([at]);
        for (child, parents) in graph.iter().enumerate().skip(at + 1) {
            if parents.iter().any(|parent| downstream.contains(parent)) {
                downstream.insert(child);
            }
        }
        let differ: Vec<&String> = before.keys().filter(|key| before[*key] != after[*key]).collect();
        let wanted: Vec<String> = downstream.into_iter().map(key).collect();
        prop_assert_eq!(differ, wanted.iter().collect::<Vec<_>>());
        prop_assert_eq!(digests(&world(&graph, |_| "", |_| "")), before);
    }
}
