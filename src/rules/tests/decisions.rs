//! Which rule decides: precedence, replacement, lists, contradictions.

use serde_json::json;

use super::{decide, file, on_image, rules};
use crate::rules::{Decision, RuleSet, Verdict};

fn verdicts(set: &RuleSet, decision: &Decision) -> Vec<String> {
    let verdict = |verdict: &Verdict| match verdict {
        Verdict::Failed(_) => "Failed".into(),
        Verdict::Contradicts(_) => "Contradicts".into(),
        other => format!("{other:?}"),
    };
    let tried = decision.tried.iter();
    tried
        .map(|tried| format!("{} {}", set.rules[tried.rule].id, verdict(&tried.verdict)))
        .collect()
}

fn chain() -> RuleSet {
    rules(&[&file(&[
        on_image("weak", "set: {tag: weak}"),
        on_image(
            "middle",
            "when: image.key != 'a', set: {tag: middle}, overrides: [weak]",
        ),
        on_image(
            "strong",
            "when: image.key == 'c', set: {tag: strong}, overrides: [middle]",
        ),
    ])])
}

#[test]
fn the_strongest_rule_that_applies_decides() {
    let set = chain();
    let tag = |key| decide(&set, "tag", "4.16", key).value;
    assert_eq!(tag("a"), Some(json!("weak")));
    assert_eq!(tag("b"), Some(json!("middle")));
    assert_eq!(tag("c"), Some(json!("strong")));
}

#[test]
fn what_became_of_every_rule_is_told_strongest_first() {
    let set = chain();
    let decision = decide(&set, "tag", "4.16", "c");
    assert_eq!(
        verdicts(&set, &decision),
        ["strong Decided", "middle Overridden", "weak Overridden"]
    );
    let decision = decide(&set, "tag", "4.16", "a");
    assert_eq!(
        verdicts(&set, &decision),
        ["strong DidNotApply", "middle DidNotApply", "weak Decided"]
    );
}

#[test]
fn overrides_hold_through_rules_that_do_not_apply() {
    let set = rules(&[&file(&[
        on_image("weak", "set: {tag: weak}"),
        on_image("never", "when: image.key == 'x', set: {tag: never}, overrides: [weak]"),
        on_image(
            "strong",
            "when: image.key == 'c', set: {tag: strong}, overrides: [never]",
        ),
    ])]);
    assert_eq!(decide(&set, "tag", "4.16", "c").value, Some(json!("strong")));
}

#[test]
fn rules_are_for_their_releases() {
    let set = rules(&[&file(&[
        on_image("old", "releases: '<4.17', set: {tag: old}"),
        on_image("new", "releases: '>=4.17', set: {tag: new}"),
    ])]);
    assert_eq!(decide(&set, "tag", "4.16", "a").value, Some(json!("old")));
    assert_eq!(decide(&set, "tag", "4.20", "a").value, Some(json!("new")));
    let decision = decide(&set, "tag", "5.0", "a");
    assert_eq!(verdicts(&set, &decision), ["old OtherRelease", "new Decided"]);
}

#[test]
fn one_value_from_two_rules_is_no_contradiction() {
    let set = rules(&[&file(&[
        on_image("one", "when: image.key != 'x', set: {tag: same}"),
        on_image("two", "when: image.key == 'a', set: {tag: same}"),
    ])]);
    let decision = decide(&set, "tag", "4.16", "a");
    assert_eq!(decision.value, Some(json!("same")));
    assert_eq!(decision.deciders().count(), 2);
}

#[test]
fn two_values_leave_the_field_undecided() {
    let set = rules(&[&file(&[
        on_image("one", "when: image.key != 'x', set: {tag: one}"),
        on_image("two", "when: image.key == 'a', set: {tag: two}"),
    ])]);
    assert_eq!(decide(&set, "tag", "4.16", "b").value, Some(json!("one")));
    let decision = decide(&set, "tag", "4.16", "a");
    assert_eq!(decision.value, None);
    let (_, message) = decision.failures().next().expect("the contradiction");
    assert!(message.contains("`one` says \"one\", `two` says \"two\""), "{message}");
}

#[test]
fn a_rule_that_fails_leaves_the_field_undecided_whatever_weaker_ones_say() {
    let set = rules(&[&file(&[
        on_image("weak", "set: {tag: weak}"),
        on_image(
            "strong",
            "set: {tag: '${image.arches[7]}'}, when: image.key == 'a', overrides: [weak]",
        ),
    ])]);
    let decision = decide(&set, "tag", "4.16", "a");
    assert_eq!(decision.value, None);
    assert_eq!(verdicts(&set, &decision), ["strong Failed", "weak Overridden"]);
    assert_eq!(decide(&set, "tag", "4.16", "b").value, Some(json!("weak")));
}

#[test]
fn a_value_of_another_form_is_a_failure() {
    let set = rules(&[&file(&[on_image("r", "set: {tag: '${image.payload_name}'}")])]);
    let decision = decide(&set, "tag", "4.16", "a");
    let (_, message) = decision.failures().next().expect("an empty tag");
    assert!(message.contains("a text that is not empty"), "{message}");
}

#[test]
fn a_replaced_rule_hands_over_its_place() {
    let set = rules(&[
        &file(&[
            on_image("weak", "set: {tag: weak}"),
            on_image(
                "middle",
                "when: image.key != 'a', set: {tag: middle}, overrides: [weak]",
            ),
            on_image(
                "strong",
                "when: image.key == 'c', set: {tag: strong}, overrides: [middle]",
            ),
        ]),
        &file(&[on_image("other", "replaces: middle, set: {tag: other}")]),
    ]);
    let ids: Vec<_> = set.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["weak", "other", "strong"]);
    assert_eq!(
        decide(&set, "tag", "4.16", "a").value,
        Some(json!("other")),
        "it wins over `weak`"
    );
    assert_eq!(
        decide(&set, "tag", "4.16", "c").value,
        Some(json!("strong")),
        "`strong` wins over it"
    );
}

#[test]
fn a_replacement_can_be_replaced() {
    let set = rules(&[
        &file(&[on_image("first", "set: {tag: first}")]),
        &file(&[on_image("second", "replaces: first, set: {tag: second}")]),
        &file(&[on_image("third", "replaces: second, set: {tag: third}")]),
    ]);
    assert_eq!(decide(&set, "tag", "4.16", "a").value, Some(json!("third")));
}

#[test]
fn several_rules_add_to_a_list_in_the_order_of_files() {
    let set = rules(&[&file(&[
        on_image("base", "set: {build_args: [{name: A, value: '1'}]}"),
        on_image("more", "append: {build_args: [{name: B, value: '2'}]}"),
        on_image(
            "some",
            "when: image.key == 'a', append: {build_args: [{name: C, value: '3'}]}",
        ),
    ])]);
    let names = |key| {
        let value = decide(&set, "build_args", "4.16", key).value.expect("a list");
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| item["name"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
            .join("")
    };
    assert_eq!(names("a"), "ABC");
    assert_eq!(names("b"), "AB");
}

#[test]
fn items_of_one_key_must_agree_or_one_rule_must_win() {
    let add = |id: &str, value: &str, rest: &str| {
        on_image(
            id,
            &format!("append: {{build_args: [{{name: A, value: {value}}}]}}{rest}"),
        )
    };
    let same = rules(&[&file(&[add("one", "x", ""), add("two", "x", "")])]);
    assert_eq!(
        decide(&same, "build_args", "4.16", "a").value,
        Some(json!([{"name": "A", "value": "x"}]))
    );
    let differ = rules(&[&file(&[add("one", "x", ""), add("two", "z", "")])]);
    assert_eq!(decide(&differ, "build_args", "4.16", "a").value, None);
    let wins = rules(&[&file(&[add("one", "x", ""), add("two", "z", ", overrides: [one]")])]);
    assert_eq!(
        decide(&wins, "build_args", "4.16", "a").value,
        Some(json!([{"name": "A", "value": "z"}]))
    );
    let earlier = rules(&[&file(&[add("one", "x", ", overrides: [two]"), add("two", "z", "")])]);
    assert_eq!(
        decide(&earlier, "build_args", "4.16", "a").value,
        Some(json!([{"name": "A", "value": "x"}]))
    );
}

#[test]
fn a_field_without_rules_is_undecided() {
    let set = rules(&[&file(&[on_image("r", "set: {tag: t}")])]);
    let decision = decide(&set, "path", "4.16", "a");
    assert_eq!(decision.value, None);
    assert!(decision.tried.is_empty());
}
