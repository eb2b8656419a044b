//! Loading: faults with code, place and hint; releases; the sample world.

use super::{codes, file, load, on_image, only, rules};
use crate::base::Release;
use crate::rules::rule::Releases;
use crate::rules::{RuleSet, Scope, Subject};

fn set(field: &str, value: &str) -> String {
    file(&[on_image("r", &format!("set: {{{field}: {value}}}"))])
}

fn when(condition: &str) -> String {
    file(&[on_image("r", &format!("when: \"{condition}\", set: {{needed: true}}"))])
}

#[test]
fn all_faults_are_told_at_once() {
    let text = "rules:\n- {id: A, because: '', on: imag}\n- {id: b, because: x, on: image}\n- 7\nother: 1\n";
    assert_eq!(
        codes(&[text]),
        [
            "unknown-key",
            "bad-id",
            "missing-because",
            "unknown-subject",
            "sets-nothing",
            "wrong-type"
        ]
    );
}

#[test]
fn unknown_words_come_with_the_nearest_known_one() {
    for (text, code, hint) in [
        (
            file(&[on_image("r", "wen: 'true', set: {tag: t}")]),
            "unknown-key",
            "`when`",
        ),
        (set("dockerfil", "x"), "unknown-field", "`dockerfile`"),
        (when("imag.key == ''"), "unknown-variable", "`image`"),
        (when("image.payload_nam == ''"), "unknown-variable", "`payload_name`"),
        (
            when("image.okd_alignment.tagname == ''"),
            "unknown-variable",
            "`tag_name`",
        ),
        (when("image.key.startWith('a')"), "unknown-function", "`startsWith`"),
        (set("tag", "'a-${relase}'"), "unknown-variable", "`release`"),
        (set("arches", "[x86_64, arm64]"), "wrong-type", "`aarch64`"),
        (set("arches", "[amd65]"), "wrong-type", "`x86_64`"),
    ] {
        let fault = only(&text);
        assert_eq!(fault.code, code, "{text}");
        assert!(fault.hint.contains(hint), "{text}: {}", fault.hint);
    }
}

#[test]
fn a_variable_belongs_to_its_subject() {
    let fault = only(&when("stream.image == ''"));
    assert!(
        fault.message.contains("`stream` in a rule on image"),
        "{}",
        fault.message
    );
}

#[test]
fn variables_of_a_comprehension_are_known_inside_only() {
    assert_eq!(codes(&[&when("image.arches.exists(a, a == 's390x')")]), [""; 0]);
    assert_eq!(codes(&[&when("image.arches.exists(a, a == b)")]), ["unknown-variable"]);
    assert_eq!(
        codes(&[&when("image.arches.exists(a, true) && a == ''")]),
        ["unknown-variable"]
    );
}

#[test]
fn variables_of_the_group_are_open() {
    assert_eq!(codes(&[&set("tag", "'${vars.GO_LATEST}'")]), [""; 0]);
}

#[test]
fn results_are_tried_on_the_sample_world() {
    for (field, value) in [
        ("needed", "'yes'"),
        ("tag", "7"),
        ("tag", "['a']"),
        ("arches", "[1]"),
        ("arches", "x86_64"),
        ("from", "{stream: a, member: b}"),
        ("build_root", "{strem: a}"),
        ("build_args", "[{value: x}]"),
        ("needed", "'${image.key}'"),
        ("tag", "'${image.for_payload}'"),
    ] {
        assert_eq!(only(&set(field, value)).code, "wrong-type", "{field}: {value}");
    }
    assert_eq!(only(&when("image.key")).code, "wrong-type");
    assert_eq!(
        codes(&[&set("tag", "'${image.payload_name}'")]),
        [""; 0],
        "files that say nothing have empty texts"
    );
}

#[test]
fn references_between_rules_must_lead_somewhere() {
    let one = |rest: &str| file(&[on_image("first", "set: {tag: a}"), on_image("second", rest)]);
    for (rest, code) in [
        ("when: 'true', set: {tag: b}, overrides: [frist]", "unknown-rule"),
        ("when: 'true', set: {path: b}, overrides: [first]", "idle-override"),
        ("set: {tag: b}, replaces: nothing", "unknown-rule"),
        (
            "when: 'true', set: {tag: '${image.key'}, overrides: [first]",
            "bad-expression",
        ),
        ("set: {tag: b}", "contradiction"),
    ] {
        assert_eq!(only(&one(rest)).code, code, "{rest}");
    }
    let other = "rules:\n- {id: m, because: x, on: stream, replaces: first, set: {pullspec: p}}\n";
    assert_eq!(
        codes(&[&file(&[on_image("first", "set: {tag: a}")]), other]),
        ["wrong-subject"]
    );
    assert_eq!(
        codes(&[&file(&[
            on_image("a", "set: {tag: a}"),
            on_image("a", "set: {path: a}")
        ])]),
        ["duplicate-id"]
    );
}

#[test]
fn rules_that_exclude_one_another_by_release_do_not_contradict() {
    let two = |a: &str, b: &str| {
        codes(&[&file(&[
            on_image("a", &format!("releases: '{a}', set: {{tag: a}}")),
            on_image("b", &format!("releases: '{b}', set: {{tag: b}}")),
        ])])
    };
    assert_eq!(two("<4.17", ">=4.17"), [""; 0]);
    assert_eq!(two("4.16", "4.17"), [""; 0]);
    assert_eq!(two("<=4.17", ">=4.17"), ["contradiction"]);
    assert_eq!(two(">4.10", ">4.20"), ["contradiction"]);
}

#[test]
fn rules_that_override_each_other_in_a_circle_are_a_fault() {
    let text = file(&[
        on_image("a", "when: 'true', set: {tag: a}, overrides: [b]"),
        on_image("b", "when: 'true', set: {tag: b}, overrides: [a]"),
    ]);
    assert_eq!(codes(&[&text]), ["override-circle"]);
    let alone = file(&[on_image("a", "set: {tag: a}, overrides: [a]")]);
    assert_eq!(codes(&[&alone]), ["override-circle"]);
}

#[test]
fn releases_are_bounds() {
    let holds = |set: &str, release: &str| {
        set.parse::<Releases>()
            .expect(set)
            .contains(release.parse::<Release>().expect(release))
    };
    assert!(holds("4.16", "4.16") && !holds("4.16", "4.17"));
    assert!(holds(">=4.17 <4.20", "4.19") && !holds(">=4.17 <4.20", "4.20"));
    assert!(holds(">=4.17, <4.20", "4.17"));
    assert!(holds(">4.9", "4.16"), "numbers, not digits");
    assert!(holds("<=4.22", "4.16") && holds(">=4.16", "5.0"));
    for text in ["", "4", "~4.16", "4.16.1", "=>4.16", ">=", "latest"] {
        assert!(text.parse::<Releases>().is_err(), "{text}");
    }
    let overlap = |a: &str, b: &str| a.parse::<Releases>().expect(a).overlap(&b.parse().expect(b));
    assert!(overlap(">4.16", "<4.18") && !overlap(">4.16", "<4.17"));
    assert!(!overlap(">4.4294967295", "<4.0"));
    assert!(overlap(">4.16", "<5.0"));
}

#[test]
fn a_rule_for_no_release_is_a_fault() {
    for releases in [">=4.17 <4.16", "4.16 4.17", ">4.16 <4.17"] {
        let text = file(&[on_image("r", &format!("releases: '{releases}', set: {{tag: t}}"))]);
        assert_eq!(only(&text).code, "no-release", "{releases}");
    }
}

#[test]
fn the_shipped_rules_load() {
    let files: Vec<_> = crate::run::rule_files::BUILTIN.iter().map(|(_, text)| *text).collect();
    assert!(rules(&files).rules.len() > 40);
    let june: Vec<_> = files
        .into_iter()
        .chain([include_str!("../../../fixtures/okd-2024-06/rules.yaml")])
        .collect();
    assert!(load(&june).is_ok());
}

#[test]
fn what_was_found_right_before_is_the_same_rules() {
    let files: Vec<_> = crate::run::rule_files::BUILTIN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let fresh = RuleSet::load(&files).expect("no fault");
    let known = fresh.expressions().clone();
    assert!(known.len() > 40, "{} expressions", known.len());
    let again = RuleSet::load_known(&files, Some(&known)).expect("no fault");
    assert_eq!(again.rules.len(), fresh.rules.len());
    for (again, fresh) in again.rules.iter().zip(fresh.rules.iter()) {
        assert_eq!((&again.id, again.settings.len()), (&fresh.id, fresh.settings.len()));
    }
}

#[test]
fn an_expression_that_is_not_known_is_compiled() {
    let text = file(&[on_image("r", "set: {tag: 'a-${image.nope.'}")]);
    let none = crate::rules::expr::Known::new();
    let faults = RuleSet::load_known(&[("a.yaml".to_owned(), text.into_bytes())], Some(&none)).expect_err("a fault");
    assert_eq!(faults.len(), 1, "{faults:#?}");
}

#[test]
fn an_old_name_is_read_as_what_it_meant_and_told() {
    let rule = |name: &str| {
        format!(
            "rules:\n- id: r\n  because: b\n  on: image\n  when: {name}.tag_name == 'x'\n  set: {{tag: \"${{{name}.tag_name}}\"}}\n"
        )
    };
    let load = |text: String| RuleSet::load(&[("a.yaml".to_owned(), text.into_bytes())]).expect("rules without faults");
    let old = load(rule("image.okd"));
    let told = old.old_names();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].is_warning() && told[0].to_string().starts_with("a.yaml:2:"),
        "{}",
        told[0]
    );
    assert_eq!(told[0].hint, "write `image.okd_alignment`");
    assert!(load(rule("image.okd_alignment")).old_names().is_empty());
    let mut scope = Scope::new();
    scope.set("image", &serde_json::json!({"okd_alignment": {"tag_name": "x"}}));
    let decide = |set: &RuleSet| {
        set.decide(Subject::Image, "tag", "4.16".parse().expect("a release"), &scope)
            .value
    };
    assert_eq!(decide(&old), Some("x".into()));
    assert_eq!(decide(&load(rule("image.okd_alignment"))), Some("x".into()));
}
