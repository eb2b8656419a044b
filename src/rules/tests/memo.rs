//! What is remembered is what would be decided anew.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::rules;
use crate::base::Release;
use crate::rules::{RuleSet, Scope, Subject};

/// Rules that read paths, whole variables, what may not be there, and lists.
const RULES: &str = "rules:
- {id: whole, because: B., on: config, set: {promotion: '${images[0]}'}, when: size(images) > 0}
- id: base
  because: B.
  on: config
  set: {build_root: {stream: 's-${repo.branch}'}}
- id: of-images
  because: B.
  on: config
  when: images.exists(i, has(i.root) && i.root != '')
  set: {build_root: {stream: \"${images.filter(i, has(i.root) && i.root != '')[0].root}\"}}
  overrides: [base]
- {id: one-says, because: B., on: config, when: repo.name == 'odd', set: {resources: {n: '1'}}}
- {id: another-says, because: B., on: config, when: repo.org == 'o', set: {resources: {n: '2'}}}
- id: adds
  because: B.
  on: config
  append: {tests: [{as: 't-${repo.name}', n: '${size(images)}'}]}
";

fn image() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"root": null})),
        Just(json!({"root": ""})),
        "[a-c]{1,2}".prop_map(|root| json!({"root": root})),
    ]
}

fn inputs() -> impl Strategy<Value = (Json, Json)> {
    let names = prop::sample::select(vec!["one", "odd", "two"]);
    let repo =
        (names, "[a-b]").prop_map(|(name, branch)| json!({"org": "o", "name": name, "full": "o/r", "branch": branch}));
    (repo, prop::collection::vec(image(), 0..3).prop_map(Json::from))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn a_memory_says_what_rules_say(inputs in prop::collection::vec(inputs(), 1..12)) {
        const FIELDS: [&str; 4] = ["build_root", "promotion", "resources", "tests"];
        let release = Release::new(4, 16);
        let decide = |set: &RuleSet, (repo, images): &(Json, Json)| {
            let mut scope = Scope::new();
            scope.set("repo", repo);
            scope.set("images", images);
            FIELDS.map(|field| set.decide(Subject::Config, field, release, &scope))
        };
        let shared = rules(&[RULES]);
        let known = postcard::to_stdvec(&shared.expressions()).expect("it can be written");
        let known = postcard::from_bytes(&known).expect("it can be read");
        let file = [("a.yaml".to_owned(), RULES.as_bytes().to_vec())];
        let later = RuleSet::load_known(&file, Some(&known)).expect("it was loaded before");
        let fresh: Vec<_> = inputs.iter().map(|input| decide(&rules(&[RULES]), input)).collect();
        for (input, fresh) in inputs.iter().zip(&fresh) {
            prop_assert_eq!(format!("{:?}", decide(&shared, input)), format!("{fresh:?}"));
        }
        let kept = shared.memo.keep(release).expect("something was decided");
        let bytes = postcard::to_stdvec(&kept).expect("it can be written");
        later.memo.recall(release, postcard::from_bytes(&bytes).expect("it can be read"));
        for (input, fresh) in inputs.iter().zip(&fresh) {
            prop_assert_eq!(format!("{:?}", decide(&later, input)), format!("{fresh:?}"));
        }
        prop_assert!(later.memo.keep(release).is_none(), "nothing was decided anew");
    }
}
