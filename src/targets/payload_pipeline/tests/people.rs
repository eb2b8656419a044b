//! What is people's stays theirs, and what was set for a reason goes with the reason.

use super::*;

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
