//! What holds for any world: rendering on top of its own output changes nothing, and the same input gives the same bytes.

use proptest::prelude::*;

use super::*;

/// One image of a made-up world: repository, builders, base, and what its alignment says.
type Made = (u8, Vec<u8>, u8, u8);

fn build(images: &[Made]) -> World {
    let mut world = World::new();
    for (at, (repo, builders, base, alignment)) in images.iter().enumerate() {
        let repo = format!("repo-{}", repo % 3);
        let reference = |pick: u8| match pick % 4 {
            0 => "{stream: golang}".to_owned(),
            1 => "{stream: base}".to_owned(),
            2 if at > 0 => format!("{{member: image-{}}}", usize::from(pick) % at),
            _ => "{image: 'registry.ci.openshift.org/ocp/x:y'}".to_owned(),
        };
        let list: Vec<_> = builders.iter().map(|pick| reference(*pick)).collect();
        let base = reference(*base);
        let from = format!("{{builder: [{}], {}", list.join(", "), &base[1..]);
        let mut froms: String = (0..builders.len())
            .map(|n| format!("FROM r/n/builder:{} AS b{n}\n", n % 2))
            .collect();
        froms.push_str("FROM r/n/base:1\n");
        let alignment = match alignment % 6 {
            0 => "tag_name: other-".to_owned() + &at.to_string(),
            1 => "enabled: false".to_owned(),
            2 => "inject_rpm_repositories: [{id: a, baseurl: 'https://b'}]".to_owned(),
            3 => "build_args: [{name: A, value: b}]".to_owned(),
            _ => String::new(),
        };
        world = world.image_with(&format!("image-{at}"), &repo, &from, &froms, &alignment);
    }
    world
}

/// Changes some lines of each config, as people do.
fn scramble(world: &mut World, seed: usize) {
    for bytes in world.files.values_mut() {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let text = match seed % 5 {
            0 => text.replace("scos-4.16", "scos-4.15"),
            1 => text.replace("Dockerfile\n", "Dockerfile.old\n"),
            2 => text.replace("tests:\n", "tests:\n- as: unit\n"),
            3 => text.replacen("  - build_args:", "  - optional: true\n    build_args:", 1),
            _ => text.replace("to: image-1\n", "to: by-hand\n"),
        };
        *bytes = Arc::from(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rendering_onto_its_own_output_changes_nothing(
        images in proptest::collection::vec((0..3u8, proptest::collection::vec(0..8u8, 0..3), 0..8u8, 0..9u8), 1..7),
        seed in 0..5usize,
        rewrite: bool,
    ) {
        let mut world = build(&images);
        if rewrite {
            world = world.refined_by("rules:\n- id: rewrite\n  because: x\n  on: config\n  replaces: keep-same-meaning\n  set: {same_meaning: rewrite}\n");
        }
        for round in 0..2 {
            world.apply();
            let files = world.files.clone();
            for file in world.render().files {
                prop_assert_eq!(&file.before, &file.after, "round {}: {} {:?}", round, file.path, file.causes);
                prop_assert!(file.causes.is_empty());
            }
            prop_assert_eq!(&files, &world.files);
            scramble(&mut world, seed);
        }
    }
}

#[test]
fn the_same_world_gives_the_same_bytes_in_any_order() {
    let images: Vec<Made> = (0..6u8).map(|n| (n, vec![n, n + 1], n + 2, n)).collect();
    let all = |world: &World| -> Vec<_> {
        let files = world.render().files.into_iter();
        files.map(|file| (file.path, file.after, file.causes)).collect()
    };
    let first = all(&build(&images));
    assert!(first.len() > 1);
    for _ in 0..10 {
        assert_eq!(all(&build(&images)), first);
    }
    // The order in which the files were read.
    let (mut forward, mut back) = (World::new(), World::new());
    let made = build(&images);
    for (key, image) in &made.metadata.images {
        forward.metadata.images.insert(key.clone(), image.clone());
    }
    for (key, image) in made.metadata.images.iter().rev() {
        back.metadata.images.insert(key.clone(), image.clone());
    }
    for world in [&mut forward, &mut back] {
        world.components = made.components.clone();
        world.branches = made.branches.clone();
    }
    assert_eq!(all(&forward), first);
    assert_eq!(all(&back), first);
}
