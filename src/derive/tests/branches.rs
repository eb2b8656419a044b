//! Which branch a repository is built from.

use super::*;

fn world(configs: &[(&str, Vec<Promotion>)], unreadable: bool) -> World {
    let mut world = World::new().image("cli", "cli", "{stream: base}", "FROM x\n");
    let branches = RepoBranches {
        configs: configs
            .iter()
            .map(|(branch, list)| ((*branch).to_owned(), list.clone()))
            .collect(),
        unreadable: if unreadable {
            vec![("broken.yaml".to_owned(), "a tab".to_owned())]
        } else {
            Vec::new()
        },
        ..RepoBranches::default()
    };
    world.branches = Some([(repo_name("cli"), branches)].into_iter().collect());
    world
}

fn branch(world: &World) -> Result<String, String> {
    let release = world.release();
    let image = &release.images["cli"];
    match image.standing {
        Standing::Derived => Ok(image.branch.clone()),
        _ => Err(release
            .findings
            .iter()
            .map(|f| f.code.to_string())
            .collect::<Vec<_>>()
            .join(" ")),
    }
}

#[test]
fn the_branch_whose_config_promotes_is_built() {
    let on = || vec![promotion("4.16", false)];
    let off = || vec![promotion("4.16", true)];
    let later = || vec![promotion("4.17", false)];
    type Case<'c> = (&'c [(&'c str, Vec<Promotion>)], bool, Result<&'c str, &'c str>);
    let cases: [Case<'_>; 10] = [
        (&[("main", on())], false, Ok("main")),
        (
            &[("main", on()), ("release-4.16", off()), ("release-4.17", later())],
            false,
            Ok("main"),
        ),
        (&[("main", later()), ("release-4.16", on())], false, Ok("release-4.16")),
        (&[("main", on()), ("release-4.16", on())], false, Ok("release-4.16")),
        (&[("main", on()), ("other", on())], false, Ok("main")),
        (&[("a", on()), ("b", on())], false, Err("two-branches-promote")),
        (&[("main", on()), ("master", on())], false, Err("two-branches-promote")),
        (&[("main", later())], false, Err("no-promotion")),
        (&[("main", later())], true, Err("unreadable-config")),
        (&[("main", on())], true, Ok("main")),
    ];
    for (configs, unreadable, expected) in cases {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(branch(&world(configs, unreadable)), expected, "{configs:?}");
    }
}

#[test]
fn what_promotes_beside_the_branch_that_is_built_is_told() {
    let on = || vec![promotion("4.16", false)];
    for (configs, built) in [
        ([("main", on()), ("release-4.15", on())], "main"),
        ([("main", on()), ("release-4.16", on())], "release-4.16"),
    ] {
        let world = world(&configs, false);
        assert_eq!(branch(&world), Ok(built.to_owned()));
        let release = world.release();
        let found = finding(&release, "two-branches-promote");
        assert!(found.help.as_ref().is_some_and(|help| help.contains(built)), "{found}");
    }
}

#[test]
fn without_configs_metadata_names_the_branch() {
    let mut world = world(&[], false);
    world.branches = None;
    assert_eq!(branch(&world), Ok("release-4.16".to_owned()));
    let release = world.release();
    let warning = finding(&release, "branch-from-metadata");
    assert_eq!(
        (release.findings.len(), warning.severity),
        (1, crate::finding::Severity::Warning)
    );
    let text = "name: x\npayload_name: x\nfor_payload: true\nfrom: {stream: base}\ncontent: {source: {git: {url: 'https://github.com/o/r'}}}\n";
    world = world.metadata("cli", text);
    assert_eq!(branch(&world), Err("no-branch branch-from-metadata".to_owned()));
}

#[test]
fn a_branch_that_failed_has_a_place_and_a_hint() {
    let world = world(&[], false);
    let release = world.release();
    let found = finding(&release, "no-promotion");
    assert!(
        found
            .place
            .as_ref()
            .is_some_and(|place| place.file == "images/cli.yml" && place.line == Some(10)),
        "{found}"
    );
    assert!(
        found.help.as_ref().is_some_and(|help| help.contains("`release-4.16`")),
        "{found}"
    );
}

#[test]
fn a_rule_that_names_the_branch_is_told_with_it() {
    let rule = "rules:\n- id: next\n  because: It is built ahead.\n  on: image\n  set:\n    branch: next\n";
    let world = world(&[("main", vec![promotion("4.16", false)])], false).refined_by(rule);
    let release = world.release();
    let explained = crate::derive::explain::explain(&release, "cli");
    let branch = explained[0]
        .fields
        .iter()
        .find(|field| field.path == "branch")
        .expect("it is told");
    let rules: Vec<(&str, &str)> = branch.rules.iter().map(|part| (&*part.rule, &*part.verdict)).collect();
    assert_eq!((branch.value.as_str(), rules), ("next", vec![("next", "decided")]));
}
