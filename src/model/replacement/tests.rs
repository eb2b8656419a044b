use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn recipe(text: &str) -> Recipe {
    Recipe::read(text.as_bytes())
}

fn built(text: &str, base: Option<&str>, texts: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let recipe = recipe(text);
    let built = replace(&recipe, &Replacements::new(base, texts.iter().copied()));
    let own = |all: &[Became<'_>]| all.iter().map(|one| one.text().to_owned()).collect();
    (own(&built.froms), own(&built.copies))
}

#[test]
fn texts_are_compared_as_they_stand() {
    let text = "ARG B=r/a/b:c\nFROM ${B} AS one\nFROM r/a/b:c\nFROM \"r/a/b:c\"\n";
    let (froms, _) = built(text, None, &[("r/a/b:c", "X")]);
    assert_eq!(froms, ["${B}", "X", "\"r/a/b:c\""]);
    let (froms, _) = built(text, None, &[("${B}", "X")]);
    assert_eq!(froms, ["X", "r/a/b:c", "\"r/a/b:c\""]);
}

#[test]
fn a_stages_name_replaces_what_continues_it_and_not_the_stage() {
    let text = "FROM a:1 AS build\nFROM build AS more\nFROM build\n";
    let (froms, _) = built(text, None, &[("build", "X")]);
    assert_eq!(froms, ["a:1", "X", "X"]);
    let (froms, _) = built(text, Some("BASE"), &[("a:1", "X")]);
    assert_eq!(froms, ["X", "build", "BASE"]);
}

#[test]
fn copies_from_stages_that_have_begun_stay() {
    let text = "FROM a:1 AS one\nCOPY --from=two x y\nCOPY --from=one x y\nFROM b:1\nCOPY --from=0 x y\nCOPY --from=1 x y\n\
                COPY --chown=1:1 --from=\"r/a/b:c\" x y\nFROM c AS two\nCOPY --from=two x y\n";
    let all = ["one", "two", "0", "1", "r/a/b:c"].map(|text| (text, "X"));
    let (_, copies) = built(text, None, &all);
    // A stage that has a name has no number for the builder.
    assert_eq!(copies, ["X", "one", "X", "1", "X", "two"]);
}

#[test]
fn a_later_text_goes_before_an_earlier_one() {
    assert_eq!(built("FROM a\n", None, &[("a", "X"), ("a", "Y")]).0, ["Y"]);
    assert_eq!(built("FROM a\n", Some("BASE"), &[("a", "X"), ("BASE", "Y")]).0, ["Y"]);
}

#[test]
fn continued_stages_are_known_by_name() {
    let recipe = recipe("ARG S=build\nFROM a AS build\nFROM ${S} AS last\nFROM x AS idle\n");
    assert!(recipe.is_continued("build") && recipe.is_continued("${S}") && !recipe.is_continued("idle"));
    assert!(recipe.is_stage("IDLE") && !recipe.is_stage("a"));
}

/// Texts from a small set, so that they meet.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a:1",
        "b:2",
        "${B}",
        "build",
        "final",
        "r.example.com/ocp/4.16:cli",
        "0",
    ])
    .prop_map(str::to_owned)
}

prop_compose! {
    fn stage()(from in word(), name in prop::option::of(prop::sample::select(vec!["build", "final", "x"])),
               copies in prop::collection::vec(word(), 0..3)) -> Stage {
        Stage { from, name: name.map(str::to_owned), continues: None, copies }
    }
}

proptest! {
    #[test]
    fn nothing_is_replaced_that_is_not_named(stages in prop::collection::vec(stage(), 1..5)) {
        let recipe = Recipe { stages };
        let built = replace(&recipe, &Replacements::new(None, [("other", "X")]));
        prop_assert!(built.froms.iter().chain(&built.copies).all(|one| one.replacement().is_none()));
        let froms: Vec<_> = recipe.stages.iter().map(|stage| stage.from.as_str()).collect();
        prop_assert_eq!(built.froms.iter().map(|one| one.text()).collect::<Vec<_>>(), froms);
    }

    #[test]
    fn equal_froms_become_equal_but_for_the_last(stages in prop::collection::vec(stage(), 1..6), texts in prop::collection::btree_map(word(), word(), 0..5), base in prop::option::of(word())) {
        let recipe = Recipe { stages };
        let texts: BTreeMap<&str, &str> = texts.iter().map(|(text, with)| (text.as_str(), with.as_str())).collect();
        let built = replace(&recipe, &Replacements::new(base.as_deref(), texts.clone()));
        for (at, stage) in recipe.stages.iter().enumerate().take(recipe.stages.len() - 1) {
            prop_assert_eq!(built.froms[at].replacement(), texts.get(stage.from.as_str()).copied());
        }
        let last = built.froms[recipe.stages.len() - 1];
        match base.as_deref() {
            Some(base) => prop_assert_eq!(last.text(), texts.get(base).copied().unwrap_or(base)),
            None => prop_assert_eq!(last.replacement(), texts.get(recipe.stages[recipe.stages.len() - 1].from.as_str()).copied()),
        }
        let copies: usize = recipe.stages.iter().map(|stage| stage.copies.len()).sum();
        prop_assert_eq!(built.copies.len(), copies);
    }

    #[test]
    fn a_text_that_occurs_nowhere_changes_nothing(stages in prop::collection::vec(stage(), 1..5), texts in prop::collection::vec((word(), word()), 0..4)) {
        let recipe = Recipe { stages };
        let texts: Vec<(&str, &str)> = texts.iter().map(|(text, with)| (text.as_str(), with.as_str())).collect();
        let more = texts.iter().copied().chain([("nowhere", "X")]);
        prop_assert_eq!(replace(&recipe, &Replacements::new(None, texts.clone())), replace(&recipe, &Replacements::new(None, more)));
    }
}

/// One case of the corpus: a Dockerfile, what the build is told, and what the builder itself made of it.
#[derive(serde::Deserialize)]
struct Case {
    id: String,
    dockerfile: String,
    from: String,
    images: Vec<Image>,
    result: Outcome,
}

#[derive(serde::Deserialize)]
struct Image {
    r#as: Vec<String>,
    from: String,
}

#[derive(PartialEq, Debug, serde::Deserialize)]
struct Outcome {
    from: Vec<String>,
    copy: Vec<String>,
}

/// The cases, one a line; none where the corpus is not there.
fn cases() -> Option<String> {
    let corpus = std::env::var_os("LOCKSTEP_CORPUS").map(std::path::PathBuf::from);
    let corpus = corpus.unwrap_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    let file = corpus.join("builder/cases.jsonl.xz");
    if !file.is_file() {
        println!("skipped: no {}", file.display());
        return None;
    }
    let read = std::process::Command::new("xz")
        .arg("-dc")
        .arg(file)
        .output()
        .expect("xz");
    assert!(read.status.success(), "xz could not read the cases");
    Some(String::from_utf8(read.stdout).expect("UTF-8"))
}

#[test]
fn the_corpus_comes_out_as_the_builder_itself_made_it() {
    let Some(cases) = cases() else { return };
    let (mut all, mut other) = (0, Vec::new());
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).expect("a case");
        let base = Some(case.from.as_str()).filter(|base| !base.is_empty());
        let texts = case
            .images
            .iter()
            .flat_map(|image| image.r#as.iter().map(|text| (text.as_str(), image.from.as_str())));
        let texts: Vec<_> = texts.collect();
        let (from, copy) = built(&case.dockerfile, base, &texts);
        let here = Outcome { from, copy };
        all += 1;
        if here != case.result {
            other.push(format!("{}: {here:?} instead of {:?}", case.id, case.result));
        }
    }
    println!(
        "builder: {} of {all} Dockerfiles come out as the builder made them",
        all - other.len()
    );
    assert!(other.is_empty(), "{}", other.join("\n"));
}
