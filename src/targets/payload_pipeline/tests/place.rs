//! New files beside what is there: nothing of people's is written over, and nothing is made twice.

use super::*;

const TOOLS: &str = "buildconfigs/10-tools.yaml";
const BUILDER: &str = "buildconfigs/04-builder-go1.21.yaml";

fn told<'s>(seen: &'s Seen, code: &str, part: &str) -> Vec<&'s str> {
    let found = seen.findings.iter().filter(|finding| finding.code == code);
    let found = found.map(|finding| finding.message.as_str());
    found.filter(|text| text.contains(part)).collect()
}

/// The files of the folder that name something, as they are afterwards.
fn named<'s>(seen: &'s Seen, part: &str) -> Vec<&'s str> {
    let below = seen
        .files
        .iter()
        .filter(|(path, after)| path.starts_with(FOLDER) && after.is_some());
    below
        .map(|(path, _)| path.as_str())
        .filter(|path| path.contains(part))
        .collect()
}

#[test]
fn a_broken_file_in_the_place_of_a_new_one_stays_as_it_is() {
    for (path, name) in [(TOOLS, "tools"), (BUILDER, "builder-go1.21")] {
        let broken = format!("# People's.\nkind: [BuildConfig\nmetadata: {{name: {name}}}\n");
        let seen = render(&world(), |files| drop(files.insert(path.to_owned(), broken.clone())));
        assert!(!seen.files.contains_key(path), "{path}");
        assert_eq!(
            told(&seen, "unreadable-buildconfig", "gets no BuildConfig").len(),
            1,
            "{path}"
        );
        for list in [tekton::FILE, argo::FILE, "buildconfigs/kustomization.yaml"] {
            assert!(!seen.text(list).contains(name), "{list} names {name}");
        }
        assert!(!seen.codes().contains(&"listed-but-absent"), "{:?}", seen.codes());
    }
}

#[test]
fn people_s_file_in_the_place_of_a_new_one_stays_and_is_told() {
    for (path, name) in [(TOOLS, "tools"), (BUILDER, "builder-go1.21")] {
        let own = hand_made("mine", "my-artifacts");
        let seen = render(&world(), |files| drop(files.insert(path.to_owned(), own.clone())));
        assert_eq!(seen.files.get(path), Some(&Some(own)), "{path}");
        assert_eq!(told(&seen, "unsafe-path", path).len(), 1, "{:?}", seen.codes());
        for list in [tekton::FILE, argo::FILE, "buildconfigs/kustomization.yaml"] {
            assert!(!seen.text(list).contains(name), "{list} names {name}");
        }
    }
}

#[test]
fn what_waits_for_an_image_without_a_place_is_in_no_batch() {
    let deeper = world().image(
        "deep",
        "deep",
        "{member: tools}",
        "FROM registry.ci.openshift.org/ocp/4.16:tools\n",
    );
    let seen = render(&deeper, |files| {
        drop(files.insert(TOOLS.to_owned(), hand_made("mine", "my-artifacts")))
    });
    assert_eq!(named(&seen, "deep"), Vec::<&str>::new());
    assert_eq!(told(&seen, "parent-in-no-batch", "deep is built from tools").len(), 1);
}

#[test]
fn an_object_of_another_tag_keeps_its_name() {
    for name in ["tools", "builder-go1.21"] {
        let seen = render(&world(), |files| {
            drop(files.insert("buildconfigs/50-mine.yaml".to_owned(), hand_made(name, "my-artifacts")));
        });
        assert_eq!(named(&seen, name), Vec::<&str>::new());
        assert_eq!(told(&seen, "duplicate-output", name).len(), 1, "{:?}", seen.codes());
        assert!(!seen.text(tekton::FILE).contains(name), "{}", seen.text(tekton::FILE));
    }
}

#[test]
fn nothing_is_made_that_a_broken_file_may_hold() {
    let deeper = world().image(
        "deep",
        "deep",
        "{member: tools}",
        "FROM registry.ci.openshift.org/ocp/4.16:tools\n",
    );
    for text in [
        format!("<<<<<<< ours\n{}", hand_made("tools", "tools")),
        format!(
            "<<<<<<< ours\n{}",
            CLI.replace("cli", "tools")
                .replace("name: tools", "name: kit")
                .replace("release:tools", "release:kit")
        ),
    ] {
        let seen = render(&deeper, |files| {
            files.insert("buildconfigs/30-mine.yaml".to_owned(), text.clone());
            replace(
                files,
                tekton::FILE,
                "          - theirs\n",
                "          - theirs\n          - tools\n",
            );
        });
        assert_eq!(named(&seen, "tools"), Vec::<&str>::new(), "{text}");
        let why = told(&seen, "unreadable-buildconfig", "tools gets no BuildConfig");
        assert_eq!(why.len(), 1, "{:?}", seen.codes());
        assert!(why[0].contains("30-mine.yaml"), "{why:?}");
        // It stays where it is called, and what is built from it has the place that it would have.
        assert!(!seen.codes().contains(&"listed-but-absent"), "{:?}", seen.codes());
        assert!(
            seen.text(tekton::FILE)
                .contains("          - theirs\n          - tools\n")
        );
        assert_eq!(named(&seen, "deep"), ["buildconfigs/20-deep.yaml"]);
    }
    // A file that is broken costs what it may hold, and no other.
    let seen = render(&deeper, |files| {
        drop(files.insert(
            "buildconfigs/30-mine.yaml".to_owned(),
            "<<<<<<< ours\nname: tools-of-mine\n".to_owned(),
        ));
    });
    assert_eq!(named(&seen, "tools"), [TOOLS]);
}
