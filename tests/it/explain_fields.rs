//! Whatever rules can say of an image can be asked for by `explain --field`.

use lockstep::rules::Subject;
use serde_json::Value as Json;

use crate::support::program::Demo;

fn explained(demo: &Demo, image: &str, field: &str) -> Json {
    let ran = demo.run(&["explain", image, "--field", field, "--format", "json"]);
    assert_eq!(
        ran.code, 0,
        "`{field}` of an image, as src/rules/subject.rs has it, is not found: src/derive/explain/beside.rs asks for each that \
         src/derive/explain.rs and explain/trace.rs do not show: {}",
        ran.err
    );
    let found: Json = serde_json::from_str(&ran.out).expect("JSON");
    found[0]["fields"][0].clone()
}

#[test]
fn every_field_of_an_image_is_found() {
    let demo = Demo::new();
    for field in Subject::Image.fields() {
        let found = explained(&demo, "beacon", field.name);
        assert!(
            found["value"].is_string() && found["rules"].is_array(),
            "{}: {found}",
            field.name
        );
    }
}

#[test]
fn what_only_a_target_asks_has_its_value_and_its_rule() {
    let demo = Demo::new();
    let found = explained(&demo, "beacon", "component");
    assert_eq!(found["value"], "okd-beacon-4-16", "as Konflux's target names it");
    let decided = |part: &&Json| part["verdict"] == "decided";
    let rule = found["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .find(decided)
        .expect("one decided");
    assert!(
        rule["at"]
            .as_str()
            .expect("a place")
            .starts_with("rules/95-konflux.yaml:"),
        "{rule}"
    );
    let read = rule["read"].as_array().expect("what it read");
    assert!(read.iter().any(|read| read["variable"] == "release"), "{rule}");
}
