use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;

/// An image of a unified build config that is based on one image and built with others.
fn image(tag: &str, base: Option<&str>, builders: &[&str]) -> Json {
    let from = |key: &&str| json!({"written": format!("ocp:{key}"), "image": key, "replaced": true, "pullspec": {"value": format!("okd:{key}")}});
    let mut image = json!({
        "tag": {"value": tag}, "repository": {"value": format!("openshift/{tag}")}, "branch": {"value": "release-4.16"},
        "tree": format!("tree of {tag}"), "commit": "c1", "dockerfile": {"value": "Dockerfile"}, "dockerfile_blob": "b",
        "context_dir": {"value": ""}, "builders": builders.iter().map(from).collect::<Vec<_>>(),
        "build_args": {"value": [{"name": "TAGS", "value": "x"}]}, "prepare": {"value": {}}, "arches": {"value": ["x86_64"]},
    });
    if let Some(base) = base {
        image["base"] = from(&base);
    }
    image
}

fn document(images: impl IntoIterator<Item = (String, Json)>) -> Json {
    json!({"release": "4.16", "images": images.into_iter().collect::<Map<_, _>>()})
}

fn world() -> Json {
    document([
        ("base".to_owned(), image("base", None, &[])),
        ("cli".to_owned(), image("cli", Some("base"), &[])),
        ("tools".to_owned(), image("tools", Some("cli"), &[])),
        ("etcd".to_owned(), image("etcd", Some("base"), &[])),
        ("must-gather".to_owned(), image("must-gather", Some("base"), &["tools"])),
    ])
}

/// All metadata was read, and all of it derived.
fn all() -> Underived {
    Underived {
        complete: true,
        ..Underived::default()
    }
}

fn changed(change: impl FnOnce(&mut Json)) -> Rebuild {
    let mut after = world();
    change(&mut after);
    rebuild(&world(), &after, &all()).expect("both are build configs")
}

fn told(rebuild: &Rebuild) -> Vec<String> {
    let line = |(key, again): (&String, &Again)| {
        let reasons: Vec<_> = again.reasons.iter().map(ToString::to_string).collect();
        format!("{key} {} {}", again.batch.unwrap_or_default(), reasons.join(","))
    };
    rebuild.images.iter().map(line).collect()
}

#[test]
fn nothing_is_built_again_for_nothing() {
    let same = changed(|document| {
        // A merge that changes no tree, resources, places and rules are no reasons; nor is the order of a mapping's keys.
        document["images"]["cli"]["commit"] = json!("c2");
        document["images"]["cli"]["resources"] = json!({"value": {"requests": {"cpu": "9"}}});
        document["images"]["cli"]["build_args"]["value"] = json!([{"value": "x", "name": "TAGS"}]);
        document["images"]["cli"]["tag"]["rules"] = json!(["another (x:1)"]);
    });
    assert_eq!(told(&same), [""; 0]);
    assert_eq!(text(&same), "0 of 5 images of 4.16 have to be built again\n");
}

#[test]
fn each_thing_that_decides_a_build_has_its_reason() {
    for (field, value, reason) in [
        ("/tree", json!("another"), "own-source"),
        ("/dockerfile_blob", json!("another"), "dockerfile"),
        ("/dockerfile/value", json!("Dockerfile.okd"), "dockerfile"),
        ("/context_dir/value", json!("images"), "dockerfile"),
        ("/base/image", json!(null), "base"),
        (
            "/builders",
            json!([{"written": "w", "replaced": true, "pullspec": {"value": "p"}}]),
            "builder",
        ),
        (
            "/copies_from",
            json!([{"written": "w", "replaced": true, "pullspec": "p"}]),
            "builder",
        ),
        ("/build_args/value/0/value", json!("y"), "build-arg"),
        ("/prepare/value", json!({"name": "repos"}), "repositories"),
        ("/arches/value", json!(["x86_64", "aarch64"]), "architectures"),
    ] {
        let found = changed(|document| {
            let image = &mut document["images"]["etcd"];
            match image.pointer_mut(field) {
                Some(there) => *there = value,
                None => image[&field[1..]] = value,
            }
        });
        assert_eq!(told(&found), [format!("etcd 1 {reason}")], "{field}");
        assert!(!found.images["etcd"].only_by_parent);
    }
}

#[test]
fn what_is_built_from_it_follows_in_batches() {
    let found = changed(|document| document["images"]["cli"]["tree"] = json!("another"));
    assert_eq!(
        told(&found),
        ["cli 1 own-source", "must-gather 3 parent:tools", "tools 2 parent:cli"]
    );
    assert_eq!(found.batches, [vec!["cli"], vec!["tools"], vec!["must-gather"]]);
    assert!(found.images["tools"].only_by_parent && !found.images["cli"].only_by_parent);
    let shown = text(&found);
    assert!(
        shown.contains("batch 2\n  tools: parent:cli (only by what it is built from)\n"),
        "{shown}"
    );
    assert_eq!(tags(&found), "cli\ntools\nmust-gather\n");
}

#[test]
fn new_ones_gone_ones_and_unknown_ones_are_told_of() {
    let found = changed(|document| {
        let images = document["images"].as_object_mut().expect("images");
        images.remove("etcd");
        images.insert("new".to_owned(), image("new", Some("base"), &[]));
        images.insert("waits".to_owned(), image("waits", Some("held"), &[]));
    });
    assert_eq!(told(&found), ["new 1 metadata-new", "waits 1 metadata-new,unknown"]);
    assert_eq!(found.gone, ["etcd"]);
    assert!(rebuild(&json!({}), &world(), &all()).is_err());
}

#[test]
fn what_could_not_be_read_or_derived_is_not_gone() {
    let mut after = world();
    let images = after["images"].as_object_mut().expect("images");
    images.remove("etcd");
    images.remove("cli");
    let found = |rest: &Underived| rebuild(&world(), &after, rest).expect("build configs");
    let held = Underived {
        held: BTreeSet::from(["cli".to_owned()]),
        ..all()
    };
    assert_eq!(
        (found(&held).gone, found(&held).unknown),
        (vec!["etcd".to_owned()], vec!["cli".to_owned()])
    );
    let unread = Underived {
        dropped: BTreeSet::from(["cli".to_owned()]),
        ..Underived::default()
    };
    assert_eq!(
        (found(&unread).gone, found(&unread).unknown),
        (vec!["cli".to_owned()], vec!["etcd".to_owned()])
    );
    let shown = text(&found(&unread));
    assert!(shown.contains("\nno longer built: cli\n"), "{shown}");
    assert!(
        shown.ends_with("\nnot known, as they could not be read or derived: etcd\n"),
        "{shown}"
    );
}

#[test]
fn digests_of_two_locks_are_compared() {
    let locked = |digest: Option<&str>| {
        let mut document = world();
        document["images"]["base"]["base"] =
            json!({"written": "stream9", "replaced": true, "pullspec": {"value": "quay.io/centos:9"}});
        document["images"]["etcd"]["builders"] =
            json!([{"written": "golang", "replaced": true, "pullspec": {"value": "quay.io/golang:1"}}]);
        if let Some(digest) = digest {
            document["external"] = json!({"quay.io/centos:9": digest, "quay.io/golang:1": "sha256:g"});
        }
        document
    };
    let between = |before, after| told(&rebuild(&locked(before), &locked(after), &all()).expect("build configs"));
    assert_eq!(between(Some("sha256:a"), Some("sha256:a")), Vec::<String>::new());
    let found = between(Some("sha256:a"), Some("sha256:b"));
    assert_eq!(found[0], "base 1 base");
    assert_eq!(found.len(), 5, "all that stands on it: {found:?}");
    // What only one of them knows is no change.
    assert_eq!(between(None, Some("sha256:b")), Vec::<String>::new());
    assert_eq!(between(Some("sha256:a"), None), Vec::<String>::new());
}

#[test]
fn what_is_kept_of_a_build_config_compares_as_the_whole() {
    let mut before = world();
    before["external"] = json!({"quay.io/centos:9": "sha256:a"});
    before["images"]["cli"]["resources"] = json!({"value": "much"});
    before["images"]["cli"]["tag"]["rules"] = json!([{"id": "tag", "at": "x:1"}]);
    let kept = essence(&before);
    assert!(rebuild(&before, &kept, &all()).expect("both").images.is_empty());
    assert_eq!(kept["external"], before["external"]);
    assert!(kept["images"]["cli"].get("resources").is_none() && kept["images"]["cli"]["tag"].get("rules").is_none());
    for field in [
        "tree",
        "dockerfile_blob",
        "context_dir",
        "build_args",
        "prepare",
        "arches",
        "base",
        "builders",
    ] {
        let mut after = before.clone();
        after["images"]["must-gather"][field] = match field {
            "tree" | "dockerfile_blob" => json!("another"),
            "context_dir" => json!({"value": "another"}),
            "builders" => json!([]),
            "base" => json!({"written": "x", "replaced": false}),
            _ => json!({"value": ["another"]}),
        };
        let (whole, short) = (
            rebuild(&before, &after, &all()).expect("both"),
            rebuild(&kept, &after, &all()).expect("both"),
        );
        assert_eq!(told(&short), told(&whole));
        assert_eq!(whole.images.len(), 1, "{field}");
    }
}

#[test]
fn an_override_of_the_source_is_safe_from_the_workflows_memory() {
    let found = changed(|document| {
        let image = &mut document["images"]["cli"];
        image["tree"] = json!("partner's");
        image["repository"]["value"] = json!("partner/oc");
        image["branch"]["value"] = json!("fix");
    });
    let names = ["cli", "tools", "must-gather"]
        .map(|name| (name.to_owned(), name.to_owned()))
        .into();
    let workflow = argo(&found, &names);
    let parameters = workflow["arguments"]["parameters"].as_array().expect("parameters");
    assert_eq!(parameters[1], json!({"name": "cleanup", "value": "true"}));
    let list: Json = serde_json::from_str(parameters[0]["value"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        list[0][0],
        json!({"buildConfig": "cli", "overrideRepoUrl": "https://github.com/partner/oc", "overrideBranch": "fix"})
    );
    assert_eq!(list[1][0]["overrideRepoUrl"], "");
    // Without an override nothing is forgotten.
    let found = changed(|document| document["images"]["cli"]["tree"] = json!("another"));
    assert_eq!(
        argo(&found, &names)["arguments"]["parameters"].as_array().map(Vec::len),
        Some(1)
    );
}

/// A graph without circles: each image is built from some of those before it.
fn any_world() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(0_usize..64, 0..4), 1..20)
}

proptest! {
    #[test]
    fn one_change_builds_exactly_what_is_downstream(world in any_world(), at in 0_usize..64) {
        let name = |at: usize| format!("i{at:02}");
        let parents = |at: usize| -> Vec<usize> {
            let mut some: Vec<usize> = world[at].iter().filter(|_| at > 0).map(|parent| parent % at.max(1)).collect();
            some.sort_unstable();
            some.dedup();
            some
        };
        let images = (0..world.len()).map(|at| {
            let above: Vec<String> = parents(at).into_iter().map(name).collect();
            let above: Vec<&str> = above.iter().map(String::as_str).collect();
            (name(at), image(&name(at), above.first().copied(), above.get(1..).unwrap_or_default()))
        });
        let before = document(images);
        let at = at % world.len();
        let mut after = before.clone();
        after["images"][name(at)]["tree"] = json!("another");
        let mut downstream = BTreeSet::from([at]);
        for child in at + 1..world.len() {
            if parents(child).iter().any(|parent| downstream.contains(parent)) {
                downstream.insert(child);
            }
        }
        let found = rebuild(&before, &after, &all()).expect("build configs");
        prop_assert_eq!(found.images.keys().cloned().collect::<Vec<_>>(), downstream.into_iter().map(name).collect::<Vec<_>>());
        for again in found.images.values() {
            for reason in &again.reasons {
                if let Reason::Parent(parent) = reason {
                    prop_assert!(found.images[parent].batch < again.batch);
                }
            }
        }
        prop_assert!(rebuild(&after, &after, &all()).expect("build configs").images.is_empty());
    }
}

#[test]
fn what_is_derived_decides_the_same_as_what_is_written_of_it() {
    let world = crate::derive::tests::world::World::new()
        .image(
            "base",
            "images",
            "{stream: base}",
            "FROM registry.ci.openshift.org/origin/base:stream9\n",
        )
        .image(
            "cli",
            "oc",
            "{builder: [{stream: golang}, {member: base}], member: base}",
            "FROM g AS build\nFROM c\nFROM b\nCOPY --from=registry.example.com/x/y:z /a /a\nCOPY --from=build /a /b\n",
        );
    let document = crate::derive::document::build_config(&world.release());
    let written = serde_json::to_value(&document).expect("JSON");
    let read = image::all(&written, &BTreeMap::new()).expect("a build config");
    let derived: BTreeMap<String, Facts> = document
        .images
        .iter()
        .map(|(key, image)| (key.clone(), Facts::of(image)))
        .collect();
    assert_eq!(read, derived);
    assert_eq!(
        image::parents(&derived)["cli"],
        BTreeSet::from(["base".to_owned()]),
        "{written}"
    );
}
