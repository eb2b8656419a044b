//! Which images there are, what they are built from, and in which order.

use serde_json::json;

use super::*;
use crate::derive::outline::base_scope;

const PLAIN: &str = "FROM x\n";

/// Metadata of an image that is not for the payload.
fn helper(from: &str) -> String {
    format!(
        "name: openshift/ose-helper\nfrom: {from}\ncontent: {{source: {{git: {{url: 'https://github.com/openshift-priv/helper'}}}}}}\n"
    )
}

#[test]
fn the_payload_what_it_stands_on_and_builders_are_needed() {
    let world = World::new()
        .image("cli", "cli", "{member: mid}", PLAIN)
        .metadata("mid", &helper("{member: low}"))
        .metadata("low", &helper("{stream: base}"))
        .metadata("builder", &helper("{stream: base}"))
        .metadata("idle", &helper("{builder: [{member: builder}], stream: base}"))
        .dockerfile("helper", "Dockerfile", PLAIN);
    let release = world.release();
    assert_eq!(
        release.images.keys().collect::<Vec<_>>(),
        ["builder", "cli", "low", "mid"]
    );
    let by = |key: &str| release.images[key].needed_by.clone();
    assert_eq!(
        (by("cli"), by("builder"), by("mid").as_deref(), by("low").as_deref()),
        (None, None, Some("cli"), Some("mid"))
    );
    assert!(release.complete);
}

#[test]
fn what_metadata_excludes_is_dropped_and_what_fails_is_held() {
    let world = World::new()
        .image("good", "good", "{stream: base}", PLAIN)
        .image_with("off", "off", "{stream: base}", PLAIN, "enabled: false")
        .image_with("other", "other", "{stream: base}", PLAIN, "resolve_as: {stream: base}")
        .image("short", "short", "{stream: base}", "FROM x\nFROM y\n")
        .image("typo", "typo", "{stream: bass}", PLAIN)
        .image("orphan", "orphan", "{member: nobody}", PLAIN);
    let release = world.release();
    assert_eq!(standing(&release, "good"), Standing::Derived);
    for (key, why) in [("off", "enabled"), ("other", "resolve_as")] {
        assert!(
            matches!(standing(&release, key), Standing::Dropped(text) if text.contains(why)),
            "{key}"
        );
    }
    for key in ["short", "typo", "orphan"] {
        assert_eq!(standing(&release, key), Standing::Held, "{key}");
        assert!(release.configs[&repo_name(key)].held.contains(key));
    }
    let count = finding(&release, "stage-count");
    assert!(
        count
            .place
            .as_ref()
            .is_some_and(|place| place.file == "short.Dockerfile" && place.line == Some(1)),
        "{count}"
    );
    let unresolved: Vec<_> = release
        .findings
        .iter()
        .filter(|f| f.code == "unresolved-from")
        .collect();
    assert_eq!(unresolved.len(), 2);
    let typo = unresolved
        .iter()
        .find(|f| f.image.as_deref() == Some("typo"))
        .expect("about typo");
    assert!(typo.help.as_ref().is_some_and(|help| help.contains("`base`")), "{typo}");
    assert_eq!(typo.place.as_ref().and_then(|place| place.line), Some(4));
}

#[test]
fn members_and_streams_lead_to_pullspecs() {
    let world = World::new()
        .image("cli", "cli", "{stream: base}", PLAIN)
        .image_with("tagged", "a", "{stream: base}", PLAIN, "tag_name: mine")
        .image_with("as-stream", "a", "{stream: base}", PLAIN, "resolve_as: {stream: go}")
        .image_with(
            "as-image",
            "a",
            "{stream: base}",
            PLAIN,
            "resolve_as: {image: 'q.io/a/b:c'}",
        )
        .metadata(
            "mirrored",
            "name: x\nfrom: {stream: base}\ncontent: {source: {ci_alignment: {upstream_image: 'r/n/m:t'}}}\n",
        );
    let release = world.release();
    let scope = base_scope(
        release.metadata.release,
        &release.metadata.group,
        Some(&release.payload.view),
    );
    let mut resolver = Resolver::new(release.rules, release.metadata, &release.images, &scope);
    for (reference, pullspec, steps) in [
        (
            json!({"member": "cli"}),
            "registry.ci.openshift.org/origin/scos-4.16:cli",
            1,
        ),
        (
            json!({"member": "tagged"}),
            "registry.ci.openshift.org/origin/scos-4.16:mine",
            1,
        ),
        (
            json!({"member": "as-stream"}),
            "registry.ci.openshift.org/ocp/builder:golang-1.21",
            2,
        ),
        (json!({"member": "as-image"}), "q.io/a/b:c", 1),
        (json!({"member": "mirrored"}), "r/n/m:t", 1),
        (
            json!({"stream": "go"}),
            "registry.ci.openshift.org/ocp/builder:golang-1.21",
            1,
        ),
        (json!({"image": "a/b:c"}), "a/b:c", 0),
    ] {
        let resolved = resolver.resolve(&reference).expect("it resolves");
        assert_eq!(
            (resolved.pullspec.as_str(), resolved.chain.len()),
            (pullspec, steps),
            "{reference}"
        );
    }
    let chain = resolver.resolve(&json!({"stream": "go"})).expect("an alias").chain;
    assert_eq!(chain[0].name, "golang", "a step has the stream's own name");
    for (reference, message) in [
        (json!({"member": "clj"}), "there is no image clj"),
        (json!({"stream": "nowhere"}), "there is no stream nowhere"),
        (json!({}), "names no member"),
    ] {
        let unresolved = resolver.resolve(&reference).expect_err("nothing");
        assert!(unresolved.message.contains(message), "{}", unresolved.message);
        assert!(!unresolved.help.is_empty());
    }
}

#[test]
fn a_circle_of_resolve_as_ends_with_its_path() {
    let world = World::new()
        .image_with("a", "a", "{stream: base}", PLAIN, "resolve_as: {member: b}")
        .image_with("b", "b", "{stream: base}", PLAIN, "resolve_as: {member: a}")
        .image("c", "c", "{member: a}", PLAIN);
    let release = world.release();
    // `resolve_as` takes a stream or an image; a member counts as well and may lead back.
    assert_eq!(standing(&release, "c"), Standing::Held);
    assert!(
        finding(&release, "unresolved-from")
            .message
            .contains("member a → member b leads back to member a")
    );
}

#[test]
fn a_member_whose_tag_failed_holds_what_is_built_from_it() {
    let rule = "rules:\n- id: bad-tag\n  because: x\n  on: image\n  when: image.key == 'cli'\n  set: {tag: \"${['x'][int(image.name.size())]}\"}\n  overrides: [tag-from-alignment]\n";
    let world = World::new()
        .image("cli", "cli", "{stream: base}", PLAIN)
        .image("tools", "tools", "{member: cli}", PLAIN)
        .image("free", "free", "{stream: base}", PLAIN)
        .refined_by(rule);
    let release = world.release();
    assert_eq!(standing(&release, "cli"), Standing::Held);
    assert_eq!(standing(&release, "tools"), Standing::Held);
    assert_eq!(standing(&release, "free"), Standing::Derived);
    let failed = finding(&release, "rule-failed");
    assert!(failed.message.contains("bad-tag") && failed.help.is_some(), "{failed}");
    assert_eq!(
        failed.place.as_ref().map(|place| (place.file.as_str(), place.line)),
        Some(("more-0.yaml", Some(2)))
    );
}

#[test]
fn stages_pair_with_metadata_in_order() {
    let froms =
        "FROM b/a:1 AS one\nFROM one AS again\nFROM b/b:2\nCOPY --from=q.io/x /a /b\nFROM f/f:3 AS last\nFROM last\n";
    let world = World::new().image(
        "cli",
        "cli",
        "{builder: [{stream: golang}, {image: 'q/q/q:q'}], stream: base}",
        froms,
    );
    let release = world.release();
    let image = &release.images["cli"];
    let told: Vec<_> = image
        .inputs
        .iter()
        .map(|i| (i.written.as_str(), i.line, i.builder, i.inner, i.replace.value))
        .collect();
    assert_eq!(
        told,
        [
            ("b/a:1", 1, true, true, true),
            ("b/b:2", 3, true, true, false),
            ("f/f:3", 5, false, true, true)
        ]
    );
    assert_eq!(image.inputs[0].go.value, "1.21");
    let copies: Vec<_> = image
        .copies
        .iter()
        .map(|copy| (copy.written.as_str(), copy.replace.value))
        .collect();
    assert_eq!(copies, [("q.io/x", false)]);
    assert_eq!(image.go.asked.as_ref().map(|line| line.version.as_str()), Some("1.21"));
}

#[test]
fn what_files_are_copied_from_comes_first_but_closes_no_circle() {
    let copying = |other: &str| format!("FROM f/f:1\nCOPY --from=registry.ci.openshift.org/ocp/4.15:{other} a b\n");
    let world = World::new()
        .image("anchor", "anchor", "{stream: base}", "FROM f/f:1\n")
        .image("one", "one", "{stream: base}", &copying("two"))
        .image("rope", "rope", "{stream: base}", &copying("anchor"))
        .image("two", "two", "{stream: base}", &copying("one"));
    let release = world.release();
    let waves: Vec<_> = release
        .images
        .values()
        .map(|image| (image.key.as_str(), image.wave))
        .collect();
    assert_eq!(
        waves,
        [
            ("anchor", Some(0)),
            ("one", Some(1)),
            ("rope", Some(1)),
            ("two", Some(0))
        ]
    );
    assert!(release.images.values().all(|image| image.standing == Standing::Derived));
}

#[test]
fn two_images_with_one_tag_are_both_held() {
    let world = World::new()
        .image("one", "one", "{stream: base}", PLAIN)
        .image_with("two", "two", "{stream: base}", PLAIN, "tag_name: one")
        .image("three", "three", "{stream: base}", PLAIN);
    let release = world.release();
    assert_eq!(
        (standing(&release, "one"), standing(&release, "two")),
        (Standing::Held, Standing::Held)
    );
    assert_eq!(standing(&release, "three"), Standing::Derived);
    let found: Vec<_> = release.findings.iter().filter(|f| f.code == "duplicate-tag").collect();
    assert_eq!(found.len(), 2);
    assert!(
        found[0].message.contains("images/one.yml and images/two.yml"),
        "{}",
        found[0]
    );
}

#[test]
fn waves_follow_parents_and_a_circle_is_held() {
    let world = World::new()
        .image("base", "r", "{stream: base}", PLAIN)
        .image(
            "cli",
            "r",
            "{builder: [{member: base}], member: base}",
            "FROM x\nFROM y\n",
        )
        .image("tools", "r", "{member: cli}", PLAIN)
        .image("a", "a", "{member: b}", PLAIN)
        .image("b", "b", "{member: a}", PLAIN);
    let release = world.release();
    let wave = |key: &str| release.images[key].wave;
    assert_eq!(
        (wave("base"), wave("cli"), wave("tools"), wave("a")),
        (Some(0), Some(1), Some(2), None)
    );
    assert_eq!(
        (standing(&release, "a"), standing(&release, "b")),
        (Standing::Held, Standing::Held)
    );
    let cycle = finding(&release, "member-cycle");
    assert!(cycle.message.contains("a → b → a"), "{cycle}");
    assert!(
        cycle
            .place
            .as_ref()
            .is_some_and(|place| place.file == "images/a.yml" && place.line.is_some())
    );
    assert_eq!(release.configs[&repo_name("r")].images, ["base", "cli", "tools"]);
}

#[test]
fn an_image_that_is_not_built_closes_no_circle() {
    let world = World::new().image("a", "a", "{member: b}", PLAIN).image_with(
        "b",
        "b",
        "{member: a}",
        PLAIN,
        "resolve_as: {stream: base}",
    );
    let release = world.release();
    assert_eq!(standing(&release, "a"), Standing::Derived);
    assert!(release.findings.is_empty(), "{:#?}", release.findings);
}

#[test]
fn images_come_by_depth_and_file_name() {
    let world = World::new()
        .image("driver-webhook", "r", "{stream: base}", PLAIN)
        .image("driver", "r", "{stream: base}", PLAIN)
        .image("aaa", "r", "{member: driver}", PLAIN);
    // `driver-webhook.yml` stands before `driver.yml`.
    assert_eq!(
        world.release().configs[&repo_name("r")].images,
        ["driver-webhook", "driver", "aaa"]
    );
}

#[test]
fn a_repository_elsewhere_is_not_built() {
    for url in [
        "https://gitlab.com/o/r",
        "https://github.com/../etc",
        "https://github.com/o/..",
        "https://github.com/o",
        "https://github.com/o/r/tree/x",
        "git@github.com:o/r x",
    ] {
        let text = format!(
            "name: x\npayload_name: x\nfor_payload: true\nfrom: {{stream: base}}\ncontent: {{source: {{git: {{url: '{url}'}}}}}}\n"
        );
        let world = World::new().metadata("x", &text);
        assert!(matches!(standing(&world.release(), "x"), Standing::Dropped(_)), "{url}");
        assert!(world.release().configs.is_empty(), "{url}");
    }
}

#[test]
fn a_document_names_rules_by_id_and_place_and_can_do_without_commits() {
    let mut world = World::new().image("cli", "cli", "{stream: base}", PLAIN);
    world.metadata.origin.commit = Some("c".repeat(40));
    let document = crate::derive::document::build_config(&world.release());
    let image = document.images.values().next().expect("an image");
    assert!(!image.tag.rules.is_empty() && image.tag.rules.iter().all(|rule| rule.at.contains(".yaml:")));
    assert!(
        image
            .tag
            .from
            .iter()
            .any(|at| at.to_string().ends_with(" at cccccccccc")),
        "{:?}",
        image.tag
    );
    assert!(
        image.branch.rules.is_empty() && image.branch.because.is_some(),
        "{:?}",
        image.branch
    );
    let text = serde_json::to_value(&document).expect("JSON");
    let rule = text["images"]
        .as_object()
        .and_then(|images| images.values().next())
        .expect("an image")["tag"]["rules"][0]
        .clone();
    assert!(
        rule.as_str()
            .is_some_and(|rule| rule.ends_with(')') && rule.contains(" (")),
        "{rule}"
    );
    let without = serde_json::to_string(&document.without_commits()).expect("JSON");
    assert!(
        !without.contains("\"commit\"") && !without.contains("build_data") && !without.contains(" at "),
        "{without}"
    );
}
