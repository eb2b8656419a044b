use super::dot::dot;
use super::mermaid::mermaid;
use super::*;
use crate::derive::document::build_config;
use crate::derive::tests::world::World;
use crate::plan::{self, Plan};

const BASE: &str = "registry.ci.openshift.org/origin/base:stream9";

/// A base, what is built from it, a circle, and one that could not be derived.
fn small() -> World {
    world()
}

fn world() -> World {
    World::new()
        .image("base", "images", "{stream: base}", &format!("FROM {BASE}\n"))
        .image(
            "cli",
            "oc",
            "{builder: [{stream: golang}], member: base}",
            "FROM g AS build\nFROM b\nCOPY --from=registry.example.com/x/y:z /a /a\n",
        )
        .image(
            "tools",
            "oc",
            "{builder: [{stream: golang}], member: cli}",
            "FROM g\nFROM c\nCOPY --from=c /x /x\n",
        )
        .image("short", "oc", "{member: base}", "FROM a\nFROM b\n")
        .image("one", "oc", "{member: two}", "FROM a\n")
        .image("two", "oc", "{member: one}", "FROM a\n")
}

fn graph(world: &World, drift: Option<&Drift>) -> Graph {
    Graph::new(&build_config(&world.release()), drift)
}

fn edges(graph: &Graph) -> Vec<String> {
    let edges = graph.edges.iter();
    edges
        .map(|edge| format!("{} {:?} {}", edge.from, edge.kind, edge.to))
        .collect()
}

#[test]
fn edges_lead_from_what_is_used_to_what_is_built() {
    let graph = graph(&world(), None);
    let golang = "registry.ci.openshift.org/ocp/builder:golang-1.21";
    assert_eq!(
        edges(&graph),
        [
            "base Base cli".to_owned(),
            "base Base short".to_owned(),
            "cli Base tools".to_owned(),
            "cli CopiesFrom tools".to_owned(),
            "one Base two".to_owned(),
            format!("{golang} Builder cli"),
            format!("{golang} Builder tools"),
            format!("{BASE} Base base"),
            "registry.example.com/x/y:z CopiesFrom cli".to_owned(),
            "two Base one".to_owned(),
        ]
    );
    let externals: Vec<_> = graph
        .externals
        .iter()
        .map(|x| (x.pullspec.as_str(), x.go.as_deref()))
        .collect();
    assert_eq!(
        externals,
        [
            (golang, Some("1.21")),
            (BASE, None),
            ("registry.example.com/x/y:z", None)
        ]
    );
    assert_eq!(graph.edges[0].at, ["openshift/oc: cli.Dockerfile:2 at 0123456789"]);
}

#[test]
fn circles_and_what_could_not_be_derived_are_shown_as_such() {
    let graph = graph(&world(), None);
    assert_eq!(graph.cycles, [vec!["one", "two", "one"]]);
    let steps: Vec<_> = graph
        .edges
        .iter()
        .filter(|edge| edge.in_cycle)
        .map(|edge| &edge.from)
        .collect();
    assert_eq!(steps, ["one", "two"]);
    let held: Vec<_> = graph
        .images
        .iter()
        .filter(|node| node.state == State::Held)
        .map(|node| &node.key)
        .collect();
    assert_eq!(held, ["short", "one", "two"], "those without a wave come last");
    assert!(dot(&graph).contains("in a circle") && mermaid(&graph).contains("-->|circle|"));
}

#[test]
fn around_an_image_is_what_it_is_built_from_and_what_is_built_from_it() {
    let whole = graph(&world(), None);
    let key = whole.find("cli").expect("it is there").to_owned();
    let part = whole.around(&key);
    assert_eq!(
        part.images.iter().map(|node| node.key.as_str()).collect::<Vec<_>>(),
        ["base", "cli", "tools"]
    );
    assert!(
        edges(&part).iter().all(|edge| !edge.ends_with("Builder tools")),
        "{:?}",
        edges(&part)
    );
    assert_eq!((part.about.as_deref(), part.cycles.len()), (Some("cli"), 0));
}

#[test]
fn the_plan_says_what_has_drifted() {
    let mut world = world();
    let planned = |world: &World| {
        let rendered = world.render();
        Plan::build(plan::Input {
            desired: rendered.files,
            max_removals: 10,
            ..plan::Input::default()
        })
    };
    let states = |world: &World, plan: &Plan| {
        let graph = graph(world, Some(&Drift::of_plan(plan, "4.16")));
        let derived = graph.images.iter().filter(|node| node.state != State::Held);
        let states = derived.map(|node| format!("{} {:?} {}", node.key, node.state, node.files.len()));
        states.collect::<Vec<_>>()
    };
    let plan = planned(&world);
    assert_eq!(states(&world, &plan), ["base New 1", "cli New 1", "tools New 1"]);
    world.apply();
    let plan = planned(&world);
    assert_eq!(
        states(&world, &plan)[..3],
        ["base InStep 0", "cli InStep 0", "tools InStep 0"]
    );
    let path = crate::derive::tests::world::config_path("oc");
    let text = String::from_utf8(world.files[&path].to_vec()).expect("a config");
    let edited = text.replace("dockerfile_path: tools.Dockerfile", "dockerfile_path: mine.Dockerfile");
    assert_ne!(text, edited);
    let world = world.config("oc", &edited);
    let plan = planned(&world);
    assert_eq!(
        states(&world, &plan)[..3],
        ["base InStep 0", "cli InStep 0", "tools Changed 1"]
    );
    let other = Drift::of_plan(&plan, "4.17");
    assert_eq!(
        other.of("tools"),
        (State::InStep, Vec::new()),
        "another release's drift is not this one's"
    );
}

#[test]
fn many_that_are_built_from_the_same_are_one_box() {
    let many = (0..9).fold(world(), |world, at| {
        world.image(
            &format!("leaf-{at}"),
            "leaves",
            "{builder: [{stream: golang}], member: base}",
            "FROM g\nFROM b\n",
        )
    });
    let graph = graph(&many, None);
    let picture = dot(&graph);
    assert_eq!(picture.matches("<TABLE").count(), 1);
    assert_eq!(picture.matches("<TD ").count(), 9);
    let drawn = mermaid(&graph);
    assert!(drawn.contains("[\"9 images\"]"), "{drawn}");
    assert_eq!(graph.images.len(), 15, "nothing is folded in the data");
}

#[test]
fn names_cannot_break_out_of_a_drawing() {
    let mut graph = graph(&world(), None);
    let evil = "a\"] -> b; //\n<b>&\\#96;`|{x}%%\u{202e}";
    for node in &mut graph.images {
        evil.clone_into(&mut node.tag);
        evil.clone_into(&mut node.repository);
    }
    for drawing in [dot(&graph), mermaid(&graph)] {
        assert!(
            !drawing.contains("<b>") || drawing.contains("\\\"] -> b; //\\\\n<b>"),
            "{drawing}"
        );
        assert!(!drawing.contains('\u{202e}') && !drawing.contains("a\"]"), "{drawing}");
    }
    let plain = mermaid(&graph);
    assert!(!plain.contains("%%\u{202e}") && !plain.contains('`'), "{plain}");
}

#[test]
fn too_old_a_go_is_marked() {
    let mut world = world();
    let component = world
        .components
        .get_mut(&crate::derive::tests::world::repo_name("oc"))
        .expect("a component");
    let component = component.as_mut().expect("it is read");
    let newer = crate::facts::gomod::parse(b"module m\n\ngo 1.22.1\n");
    component.go.values_mut().for_each(|need| need.raise("go.mod", &newer));
    let graph = graph(&world, None);
    let cli = graph.images.iter().find(|node| node.key == "cli").expect("cli");
    let go = cli.go.as_ref().expect("it is built with Go");
    assert_eq!((go.asked.as_deref(), go.enough), (Some("1.22.1"), false));
    assert!(dot(&graph).contains("Go 1.21, asks 1.22.1!"));
}

#[test]
fn drawings_are_as_they_were() {
    let graph = graph(&world(), None);
    insta::assert_snapshot!("dot", dot(&graph));
    insta::assert_snapshot!("mermaid", mermaid(&graph));
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&graph).expect("JSON"));
}

#[test]
fn what_most_images_are_built_from_is_a_mark_in_a_large_graph() {
    let mut world = world();
    for at in 0..30 {
        let name = format!("many-{at:02}");
        world = world.image(
            &name,
            "oc",
            "{builder: [{stream: golang}], member: base}",
            "FROM g\nFROM b\n",
        );
    }
    world = world.image("deep", "oc", "{member: many-00}", "FROM m\n");
    let whole = graph(&world, None);
    let drawn = whole.clone().unknotted();
    let legend: Vec<String> = drawn.legend().collect();
    assert_eq!(legend.len(), 2, "{legend:?}");
    assert!(
        legend.contains(&"① built from base, 32 images".to_owned()),
        "{legend:?}"
    );
    assert_eq!(
        (drawn.marks("many-07"), drawn.marks("deep"), drawn.marks("short")),
        ("①②".into(), String::new(), "①".into())
    );
    let left = edges(&drawn);
    assert!(!left.iter().any(|edge| edge.starts_with("base ")), "{left:?}");
    assert!(left.contains(&"many-00 Base deep".to_owned()) && left.contains(&"one Base two".to_owned()));
    let (dot, mermaid) = (dot(&drawn), mermaid(&drawn));
    for picture in [&dot, &mermaid] {
        assert!(
            picture.contains("(①) base") && picture.contains("many-07 ①②"),
            "{picture}"
        );
    }
    // A part of the graph, and a small one, are no knot.
    assert_eq!(whole.clone().around("base").unknotted().common, []);
    assert_eq!(graph(&small(), None).unknotted().common, []);
    assert!(!serde_json::to_string(&drawn).expect("JSON").contains("marked"));
}
