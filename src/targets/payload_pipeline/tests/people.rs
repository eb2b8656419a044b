//! What is people's stays theirs, and what was set for a reason goes with the reason.

use super::*;

const STREAM: &str = "buildconfigs/01-imagestream.yaml";

#[test]
fn an_image_that_people_set_aside_keeps_another_one_in_its_place() {
    let stream = "kind: ImageStream\nmetadata:\n  name: release\nspec:\n  tags:\n    - name: tools\n      from:\n        name: x\n";
    for aside in ["failing-10-tools.yaml", "10-tools.yaml"] {
        let seen = render(&world(), |files| {
            files.insert(STREAM.to_owned(), stream.to_owned());
            files.insert(format!("buildconfigs/{aside}"), hand_made("tools", "tools"));
            if !aside.starts_with("failing") {
                files.insert("buildconfigs/20-again.yaml".to_owned(), hand_made("again", "tools"));
            }
        });
        assert_eq!(seen.text(STREAM), stream, "{aside}");
        assert_eq!(seen.message("placeholder-tag-built"), "", "{aside}");
    }
}

/// The files once they were written for a world in which `only` is built for one architecture of two.
fn narrowed(per_image: bool) -> (BTreeMap<String, String>, Seen) {
    let rules = |also: &str| {
        let arches = arches_rules();
        based(&format!(
            "rules:\n- id: two\n  because: x\n  on: image\n  set: {{arches: [x86_64, aarch64]}}\n  overrides: [{arches}]\n{also}"
        ))
    };
    let one =
        "- id: one\n  because: x\n  on: image\n  when: tag == 'only'\n  set: {arches: [x86_64]}\n  overrides: [two]\n";
    let from = "FROM registry.ci.openshift.org/ocp/4.16:cli\n";
    let with = |also: &str| {
        world()
            .image("only", "only", "{member: cli}", from)
            .refined_by(&rules(also))
    };
    let option = if per_image { "per-image" } else { "for-all" };
    let options: [(&Key, serde_json::Value); 1] = [(&ARCHITECTURES, option.into())];
    let seen = render_with(&with(one), there(), &options);
    let files = seen.files.into_iter();
    let files: BTreeMap<String, String> = files.filter_map(|(path, text)| Some((path, text?))).collect();
    (files.clone(), render_with(&with(""), files, &options))
}

#[test]
fn an_image_that_is_built_for_all_again_is_no_longer_marked() {
    let item = |name: &str, arches: &str| {
        format!("\"buildConfig\":\"{name}\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\"{arches}}}")
    };
    let one = ",\"architectures\":\"amd64\"";
    let all = ",\"architectures\":\"{{workflow.parameters.architectures}}\"";
    for (per_image, after) in [(false, ""), (true, all)] {
        let (before, seen) = narrowed(per_image);
        assert!(before["buildconfigs/10-only.yaml"].contains("annotations"));
        assert!(
            before[argo::FILE].contains(&item("only", one)),
            "{}",
            before[argo::FILE]
        );
        let text = seen.text("buildconfigs/10-only.yaml");
        assert!(text.contains("name: only") && !text.contains("annotations"), "{text}");
        let text = seen.text(argo::FILE);
        assert!(
            text.contains(&item("only", after)) && text.contains(&item("tools", after)),
            "{text}"
        );
    }
}

#[test]
fn another_dockerfile_of_the_repository_is_another_image() {
    let beside = |context: &str, dockerfile: &str| {
        CLI.replace("cli", "tools")
            .replace("release:tools", "release:tools-fips")
            .replace("contextDir: .", &format!("contextDir: {context}"))
            .replace("./tools.Dockerfile", dockerfile)
    };
    let path = "buildconfigs/70-fips.yaml";
    for (context, dockerfile, is_ours) in [
        ("fips", "tools.Dockerfile", false),
        (".", "fips/tools.Dockerfile", false),
        (".", "./tools.Dockerfile", true),
        ("./", "tools.Dockerfile", true),
    ] {
        let text = beside(context, dockerfile).replace("name: tools\n", "name: fips\n");
        let seen = render(&world(), |files| drop(files.insert(path.to_owned(), text.clone())));
        assert_eq!(seen.text(path) != text, is_ours, "{context} {dockerfile}");
        assert_eq!(
            seen.files.contains_key("buildconfigs/10-tools.yaml"),
            !is_ours,
            "{context} {dockerfile}"
        );
    }
}

#[test]
fn other_arguments_of_a_builder_are_people_s() {
    let path = "buildconfigs/04-builder-go1.21.yaml";
    let fresh = render(&world(), |_| {}).text(path).to_owned();
    let old =
        "        - name: GO_VERSION\n          value: \"1.20\"\n        - name: MINE\n          value: x # people's\n";
    let there = fresh.replace("        - name: GO_VERSION\n          value: \"1.21\"\n", old);
    assert_ne!(fresh, there);
    let seen = render(&world(), |files| drop(files.insert(path.to_owned(), there.clone())));
    assert_eq!(seen.text(path), there.replace("1.20", "1.21"));
}
