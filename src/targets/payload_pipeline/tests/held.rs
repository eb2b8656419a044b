//! What could not be derived is not unwanted: nothing that it may need goes, and nothing is narrowed.

use super::*;

const FROM: &str = "{builder: [{stream: golang}], member: cli}";
const CLI_FROM: &str = "FROM registry.ci.openshift.org/ocp/4.16:cli\n";

/// A world in which a builder and an architecture are there for one image alone.
fn one_of_its_kind(from: &str, dockerfile: &str) -> World {
    let arches = arches_rules();
    let rules = format!(
        "rules:\n- id: one\n  because: x\n  on: image\n  set: {{arches: [x86_64]}}\n  overrides: [{arches}]\n- id: both\n  because: x\n  on: image\n  when: tag == 'only'\n  set: {{arches: [x86_64, aarch64]}}\n  overrides: [one]\n"
    );
    World::new()
        .image(
            "cli",
            "cli",
            "{stream: base}",
            "FROM registry.ci.openshift.org/ocp/4.16:base\n",
        )
        .image("tools", "tools", "{member: cli}", CLI_FROM)
        .image("only", "only", from, dockerfile)
        .refined_by(&based(&rules))
}

fn again(world: &World, files: BTreeMap<String, String>) -> Seen {
    render_with(world, files, &[(&SHIPWRIGHT, true.into())])
}

/// The files as they are once all was written.
fn written(seen: Seen) -> BTreeMap<String, String> {
    let files = seen.files.into_iter();
    files.filter_map(|(path, text)| Some((path, text?))).collect()
}

#[test]
fn an_image_that_is_held_keeps_its_builder_and_its_architectures() {
    let good = format!("FROM {GO} AS builder\n{CLI_FROM}");
    let files = written(again(&one_of_its_kind(FROM, &good), there()));
    assert!(files.contains_key("buildconfigs/04-builder-go1.21.yaml"));
    assert!(
        files[argo::FILE].contains("default: amd64,arm64"),
        "{}",
        files[argo::FILE]
    );
    // One whose Dockerfile cannot be read, and one with a FROM that metadata does not know.
    for bad in ["FROM\n".to_owned(), format!("FROM a AS b\n{good}")] {
        let held = one_of_its_kind(FROM, &bad);
        assert_eq!(held.release().build_config().held, ["only"]);
        let seen = again(&held, files.clone());
        for (path, before) in &files {
            assert_eq!(seen.files.get(path).and_then(Option::as_ref), Some(before), "{path}");
        }
        assert!(!seen.codes().contains(&"listed-but-absent"), "{:?}", seen.codes());
    }
    // Where it is known that nothing needs the builder, it goes.
    let mut files = files;
    replace(
        &mut files,
        "buildconfigs/04-builder-go1.21.yaml",
        "      buildArgs:\n        - name: GO_VERSION\n          value: \"1.21\"\n",
        "",
    );
    let seen = again(&one_of_its_kind("{member: cli}", CLI_FROM), files);
    assert_eq!(seen.files["buildconfigs/04-builder-go1.21.yaml"], None);
}
