//! Nothing goes without positive evidence.

use super::*;

/// `tools` alone is excluded, or both images are.
fn excluded(both: bool) -> World {
    let off = "enabled: false";
    let cli = "{builder: [{stream: golang}], stream: base}";
    let froms = "FROM registry.ci.openshift.org/ocp/builder:golang-1.21 AS builder\nFROM registry.ci.openshift.org/ocp/4.16:base\n";
    World::new()
        .image_with("cli", "cli", cli, froms, if both { off } else { "" })
        .image_with(
            "tools",
            "cli",
            "{member: cli}",
            "FROM registry.ci.openshift.org/ocp/4.16:cli\n",
            off,
        )
}

#[test]
fn an_image_that_metadata_drops_goes_with_its_rule() {
    let world = excluded(false).config("cli", NEW);
    let text = world.rendered("cli").expect("the file");
    assert!(text.contains("to: cli\n") && !text.contains("tools"), "{text}");
    assert_eq!(
        world.causes("cli"),
        [(
            "images[]".to_owned(),
            "tools".to_owned(),
            "excluded-by-alignment".to_owned()
        )]
    );
    let cause = world.render().files[0].causes[0].clone();
    assert!(cause.because.contains("okd_alignment.enabled"), "{}", cause.because);
    assert!(cause.new.is_none() && cause.old.is_some_and(|old| old.contains("tools")));
}

#[test]
fn a_config_whose_images_are_all_dropped_goes() {
    let world = excluded(true).config("cli", NEW);
    assert_eq!(world.rendered("cli"), None);
    let file = world.render().files.remove(0);
    assert_eq!((file.path, file.held, file.after), (config_path("cli"), false, None));
    assert_eq!(file.causes[0].rule, "excluded-by-alignment");
    let mut refusing = excluded(true).config("cli", NEW);
    refusing.policy.adopt.causes = vec!["build_root".to_owned()];
    assert_eq!(refusing.rendered("cli").as_deref(), Some(NEW));
}

#[test]
fn an_image_that_nothing_needs_any_more_goes() {
    let mut world = excluded(false).config("cli", NEW);
    let text = "payload_name: tools\nfrom: {member: cli}\ncontent: {source: {git: {url: 'https://github.com/openshift-priv/cli'}}}\n";
    world = world.metadata("tools", text);
    assert_eq!(
        world.causes("cli"),
        [("images[]".to_owned(), "tools".to_owned(), "not-needed".to_owned())]
    );
}

#[test]
fn what_somebody_added_keeps_a_config() {
    for (right, wrong) in [
        ("promotion:\n", "binary_build_commands: x\npromotion:\n"),
        ("promotion:\n", "  - to: by-hand\npromotion:\n"),
        ("    to: cli\n", "    optional: true\n    to: cli\n"),
        ("tests:\n", "tests:\n- as: unit\n"),
        (
            "promotion:\n",
            "raw_steps:\n- {pipeline_image_cache_step: {to: x, from: y, commands: z}}\npromotion:\n",
        ),
        ("  latest:\n", "  initial: {}\n  latest:\n"),
    ] {
        let there = edited(|text| text.replacen(right, wrong, 1));
        let world = excluded(true).config("cli", &there);
        assert!(world.render().files.iter().all(|file| file.after.is_some()), "{wrong}");
        assert_eq!(world.codes(), ["dropped-with-additions"], "{wrong}");
    }
}

#[test]
fn nothing_goes_while_something_could_not_be_read() {
    type Fault = fn(&mut World);
    let faults: [Fault; 5] = [
        |world| assert!(world.metadata.broken.insert("elsewhere".to_owned())),
        |world| world.metadata.partial = true,
        |world| *world = std::mem::replace(world, World::new()).metadata("odd", "for_payload: perhaps\n"),
        |world| {
            let rule = "rules:\n- id: bad\n  because: x\n  on: image\n  when: image.key == 'cli'\n  set: {needed: '${int(image.name) > 0}'}\n  overrides: [needed-payload]\n";
            world.rules = crate::derive::tests::world::rules(&[rule]);
        },
        |world| {
            let rule = "rules:\n- id: bad\n  because: x\n  on: image\n  when: image.key == 'cli' && int(image.name) > 0\n  set: {from: {stream: base}}\n  overrides: [from-of-alignment]\n";
            world.rules = crate::derive::tests::world::rules(&[rule]);
        },
    ];
    for (at, fault) in faults.iter().enumerate() {
        for both in [true, false] {
            let mut world = excluded(both).config("cli", NEW);
            fault(&mut world);
            assert_eq!(world.rendered("cli").as_deref().unwrap_or(NEW), NEW, "fault {at}");
            assert!(
                world.render().files.iter().all(|file| file.before == file.after),
                "fault {at}"
            );
        }
    }
}

#[test]
fn a_key_of_an_odd_form_is_no_evidence() {
    for text in [
        "from: [odd]",
        "content: odd",
        "from: {stream: base}\ncontent: {source: {git: {url: [odd]}}}",
    ] {
        let text = format!("name: x\npayload_name: tools\nfor_payload: true\n{text}\n");
        let world = excluded(false).config("cli", NEW).metadata("tools", &text);
        assert_eq!(world.rendered("cli").as_deref(), Some(NEW), "{text}");
        assert!(world.codes().contains(&"uncertain-exclusion".to_owned()), "{text}");
    }
}

#[test]
fn configs_of_others_are_left_alone() {
    let mut world = world().config("cli", NEW);
    let stray = |repo: &str, branch: &str| {
        format!("ci-operator/config/openshift/{repo}/openshift-{repo}-{branch}__okd-scos.yaml")
    };
    let theirs: Arc<[u8]> = Arc::from(NEW.as_bytes());
    world.files.insert(stray("unknown", "main"), Arc::clone(&theirs));
    world.files.insert(stray("cli", "main"), Arc::clone(&theirs));
    world.files.insert(
        stray("else", "main"),
        Arc::from(NEW.replace("scos-4.16", "ptp-4.16").as_bytes()),
    );
    assert_eq!(world.codes(), ["double-promotion", "unowned-config"]);
    assert!(world.render().files.iter().all(|file| file.before == file.after));
}

#[test]
fn a_repository_that_cannot_be_reached_keeps_its_configs() {
    let mut world = world().config("cli", NEW);
    let repo = crate::derive::tests::world::repo_name("cli");
    world.components.insert(repo, Err("no route".to_owned()));
    let file = world.render().files.remove(0);
    assert_eq!((file.held, file.before), (true, file.after));
    assert_eq!(world.codes(), ["unreadable-component"; 2], "one for each image");
}
