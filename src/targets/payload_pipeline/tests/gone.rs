//! What is removed is called by nothing afterwards.

use super::*;

const OLD: &str = "buildconfigs/10-old.yaml";
const BUILD: &str = "shipwright/builds/old.yaml";
const KUSTOMIZATION: &str = "buildconfigs/kustomization.yaml";
const REBUILD: &str = "pipelines/full-rebuild.yaml";

/// Metadata says that `old` is not built, and everything calls it still.
fn calls_old(files: &mut BTreeMap<String, String>) {
    let build = "apiVersion: shipwright.io/v1beta1\nkind: Build\nmetadata:\n  name: old\n  labels:\n    app.kubernetes.io/managed-by: \
                 lockstep\nspec: {}\n";
    files.insert(OLD.to_owned(), hand_made("old", "old"));
    files.insert(BUILD.to_owned(), build.to_owned());
    files.insert(
        "shipwright/builds/mine.yaml".to_owned(),
        "kind: Build\nmetadata: {name: mine}\n".to_owned(),
    );
    files.insert("shipwright/builds/broken.yaml".to_owned(), "kind: [\n".to_owned());
    let rebuild = "spec:\n  tasks:\n    - params:\n        - name: build_configs\n          value: [cli, tools, old]\n";
    files.insert(REBUILD.to_owned(), rebuild.to_owned());
    replace(
        files,
        KUSTOMIZATION,
        "  - 06-cli.yaml",
        "  - ./10-old.yaml\n  - ./10-theirs.yaml\n  - 06-cli.yaml",
    );
    replace(
        files,
        tekton::FILE,
        "          - theirs\n",
        "          - old\n          - theirs\n",
    );
    replace(
        files,
        argo::FILE,
        "[ [\n",
        "[ [\n            {\"buildConfig\":\"old\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\"},\n",
    );
    replace(
        files,
        argo::SHARED,
        "{\"buildConfig\": \"base\"}",
        "{\"buildConfig\": \"base\"}, {\"buildConfig\": \"old\"}",
    );
}

fn render_old(alignment: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Seen {
    let world = world().image_with("old", "old", "{stream: base}", "FROM x\n", alignment);
    let mut files = there();
    calls_old(&mut files);
    change(&mut files);
    render_with(&world, files, &[(&SHIPWRIGHT, true.into())])
}

fn absent(seen: &Seen) -> Vec<&str> {
    let found = seen
        .findings
        .iter()
        .filter(|finding| finding.code == "listed-but-absent");
    found.map(|finding| finding.message.as_str()).collect()
}

#[test]
fn nothing_calls_what_is_removed() {
    let seen = render_old("enabled: false", |_| {});
    for path in [OLD, BUILD] {
        assert_eq!(seen.files.get(path), Some(&None), "{path}");
    }
    for path in [
        KUSTOMIZATION,
        tekton::FILE,
        argo::FILE,
        "shipwright/builds/kustomization.yaml",
    ] {
        assert!(!seen.text(path).contains("old"), "{path}: {}", seen.text(path));
    }
    assert!(seen.text(KUSTOMIZATION).contains("- ./10-theirs.yaml\n"));
    let builds = seen.text("shipwright/builds/kustomization.yaml");
    assert!(
        builds.contains("- mine.yaml\n") && builds.contains("- broken.yaml\n"),
        "{builds}"
    );
    // What people keep is theirs to change.
    let told = absent(&seen);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|text| text.contains("old")), "{told:?}");
}

#[test]
fn what_stays_is_called_as_before() {
    let additions = |files: &mut BTreeMap<String, String>| {
        replace(files, OLD, "spec:\n  source", "spec:\n  nodeSelector: {a: b}\n  source");
    };
    let seen = render_old("enabled: false", additions);
    assert_eq!(seen.text(tekton::FILE).matches("- old\n").count(), 1);
    assert!(seen.text(argo::FILE).contains("\"old\""));
    assert!(seen.text(KUSTOMIZATION).contains("- ./10-old.yaml\n"));
    assert_eq!(absent(&seen), Vec::<&str>::new());
}

#[test]
fn a_file_may_be_listed_with_a_dot_in_front() {
    let seen = render(&world(), |files| {
        replace(
            files,
            KUSTOMIZATION,
            "  - 05-base.yaml\n",
            "  - ./05-base.yaml\n  - ./10-theirs.yaml\n",
        );
    });
    for code in ["listed-but-absent", "absent-from-list"] {
        assert_eq!(seen.message(code), "");
    }
}
