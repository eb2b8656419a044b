use super::*;
use crate::yaml::parse;

fn edited(time: i64) -> Edited {
    Edited {
        day: crate::base::Date::of_unix(time * 86_400),
        time: time * 86_400,
        commit: format!("{time:040}"),
    }
}

fn step(time: i64, before: &str, after: &str) -> Step {
    let bytes = |text: &str| (text != "-").then(|| Arc::from(text.as_bytes()));
    Step {
        path: "images/a.yml".to_owned(),
        edited: edited(time),
        before: bytes(before),
        after: bytes(after),
    }
}

/// The keys that steps added, with their values and the day that they were given.
fn new(steps: &[Step]) -> Vec<(String, String, i64)> {
    let of = |one: Added| {
        let value = Json::from(&one.value).to_string();
        (one.key, value, one.edited.time / 86_400)
    };
    added(steps).into_iter().map(of).collect()
}

fn one(key: &str, value: &str, day: i64) -> (String, String, i64) {
    (key.to_owned(), value.to_owned(), day)
}

#[test]
fn what_is_there_in_the_end_and_was_not_before_is_added() {
    let plain = "name: a\n";
    let with = "name: a\nokd: {mode: enabled, envs: {A: b}}\n";
    let more = "name: a\nokd: {mode: enabled, envs: {A: c}}\n";
    let all = [one("okd.mode", "\"enabled\"", 1), one("okd.envs.A", "\"b\"", 1)];
    assert_eq!(new(&[step(1, plain, with)]), all);
    // The step that gave it its value counts.
    let steps = [step(3, more, more), step(2, with, more), step(1, plain, with)];
    assert_eq!(
        new(&steps),
        [one("okd.mode", "\"enabled\"", 1), one("okd.envs.A", "\"c\"", 2)]
    );
    assert_eq!(new(&[step(2, with, plain), step(1, plain, with)]), [], "taken back");
    assert_eq!(new(&[step(2, with, more)]), [], "changed, not added");
    assert_eq!(new(&[step(2, with, "-"), step(1, plain, with)]), [], "the file went");
    assert_eq!(new(&[step(1, "-", with)]).len(), 2, "with a file that was added later");
}

#[test]
fn what_moves_between_the_stanzas_is_not_new() {
    let aligned = "content: {source: {okd_alignment: {dockerfile: D, tag_name: t}}}\n";
    let okd = "okd: {payload_name: t, content: {source: {dockerfile: D}}}\n";
    assert_eq!(new(&[step(1, aligned, okd)]), []);
    assert_eq!(new(&[step(1, okd, aligned)]), []);
    let other = "okd: {content: {source: {dockerfile: E}}}\n";
    assert_eq!(
        new(&[step(1, aligned, other)]),
        [one("okd.content.source.dockerfile", "\"E\"", 1)]
    );
}

#[test]
fn a_from_and_a_list_are_one_thing() {
    let plain = "okd: {from: {stream: x}, content: {source: {modifications: [{action: add}]}}}\n";
    let more = "okd: {from: {stream: x, builder: [{stream: y}]}, content: {source: {modifications: [{action: add}, {action: remove}]}}}\n";
    assert_eq!(new(&[step(1, plain, more)]), []);
    let (key, value, _) = new(&[step(1, "name: a\n", "okd: {from: {stream: x}}\n")]).remove(0);
    assert_eq!((key.as_str(), value.as_str()), ("okd.from", "{\"stream\":\"x\"}"));
    assert_eq!(
        new(&[step(1, "name: a\n", "name: a\nokd: {}\n")]),
        [one("okd", "{}", 1)]
    );
}

fn group(text: &str) -> Group {
    Group::read(&parse(text.as_bytes()).expect("a group"))
}

/// What becomes of a key of 4.20 in a file of 4.21.
fn becomes(key: &str, value: &str, there: &str) -> Result<Option<(Json, Vec<String>)>, String> {
    let group = group("vars: {MAJOR: 4, MINOR: 21, GO: 1.24}\n");
    let node = parse(group.substitute(there).as_bytes()).expect("YAML");
    let added = Added {
        path: "images/a.yml".to_owned(),
        key: key.to_owned(),
        value: parse(value.as_bytes()).expect("YAML"),
        edited: edited(1),
    };
    let there = There {
        node: &node,
        group: &group,
    };
    match fate(&added, Release::new(4, 20), there) {
        Fate::Nothing => Ok(None),
        Fate::Carried(carry) => Ok(Some((Json::from(&carry.value), carry.spelled.into_values().collect()))),
        Fate::Left(why) => Err(why),
    }
}

const DOCKERFILE: &str = "okd.content.source.dockerfile";
const ALIGNED: &str = "content.source.okd_alignment.dockerfile";

#[test]
fn a_later_file_that_lacks_it_gets_it() {
    let carried = |value: Json| Ok(Some((value, Vec::new())));
    assert_eq!(becomes(DOCKERFILE, "D", "name: a\n"), carried("D".into()));
    assert_eq!(
        becomes("okd.mode", "disabled", "okd: {arches: [x]}\n"),
        carried("disabled".into())
    );
    assert_eq!(becomes(ALIGNED, "D", "okd: {mode: enabled}\n"), carried("D".into()));
    // A list that only takes something away does so only where there is something.
    let empty = "okd.content.source.modifications";
    let with = "content: {source: {modifications: [{action: remove}]}}\n";
    assert_eq!(becomes(empty, "[]", with), carried(Json::Array(Vec::new())));
    assert_eq!(becomes(empty, "[]", "name: a\n"), Ok(None));
}

#[test]
fn a_later_file_that_has_it_in_whichever_way_is_left() {
    for (key, value, there) in [
        (DOCKERFILE, "D", "okd: {content: {source: {dockerfile: E}}}\n"),
        (DOCKERFILE, "D", "content: {source: {okd_alignment: {dockerfile: D}}}\n"),
        (DOCKERFILE, "D", "content: {source: {dockerfile: D}}\n"),
        (DOCKERFILE, "Dockerfile", "name: a\n"),
        (ALIGNED, "D", "okd: {content: {source: {dockerfile: D}}}\n"),
        (ALIGNED, "D", "okd: {konflux: {content: {source: {dockerfile: D}}}}\n"),
        (ALIGNED, "D", "content: {source: {dockerfile: D}}\n"),
        (
            "okd.mode",
            "disabled",
            "content: {source: {okd_alignment: {enabled: false}}}\n",
        ),
        ("okd.mode", "enabled", "name: a\n"),
        ("okd.mode", "disabled", "mode: disabled\n"),
        ("content.source.okd_alignment.enabled", "true", "name: a\n"),
        (
            "okd.from",
            "{stream: x}",
            "content: {source: {okd_alignment: {from: {stream: x}}}}\n",
        ),
        (
            "okd.payload_name",
            "t",
            "content: {source: {okd_alignment: {tag_name: t}}}\n",
        ),
        (
            "okd.envs.A",
            "b",
            "content: {source: {okd_alignment: {build_args: [{name: A, value: b}]}}}\n",
        ),
        (
            "content.source.okd_alignment.build_args",
            "[{name: A, value: b}]",
            "okd: {envs: {A: b}}\n",
        ),
    ] {
        assert_eq!(becomes(key, value, there), Ok(None), "{key}: {value} in {there}");
    }
}

#[test]
fn what_the_other_stanza_contradicts_is_left_with_the_reason() {
    let left = |key: &str, value: &str, there: &str| becomes(key, value, there).expect_err(there);
    let there = "content: {source: {okd_alignment: {dockerfile: E}}}\n";
    assert_eq!(left(DOCKERFILE, "D", there), format!("`{ALIGNED}` says E there"));
    let there = "okd: {content: {source: {dockerfile: E}}}\n";
    assert_eq!(left(ALIGNED, "D", there), format!("`{DOCKERFILE}` says E there"));
    let there = "okd: {konflux: {content: {source: {dockerfile: E}}}}\n";
    assert_eq!(
        left(DOCKERFILE, "D", there),
        "`okd.konflux.content.source.dockerfile` says E there"
    );
    let args = "content.source.okd_alignment.build_args";
    let there = "okd: {envs: {A: c}}\n";
    assert_eq!(left(args, "[{name: A, value: b}]", there), "`okd.envs.A` says c there");
    assert_eq!(
        left("okd.envs.A", "'{GO}-{GONE}'", "name: a\n"),
        "{GONE} is no variable there"
    );
}

#[test]
fn values_keep_their_variables_and_get_those_of_the_release() {
    let carried = |value: &str| {
        let (value, spelled) = becomes("okd.envs.A", value, "name: a\n")
            .expect("carried")
            .expect("carried");
        (value.as_str().expect("a text").to_owned(), spelled)
    };
    let written = |means: &str, spelled: &str| (means.to_owned(), vec![spelled.to_owned()]);
    assert_eq!(carried("go-{GO}"), written("go-1.24", "go-{GO}"));
    assert_eq!(carried("v{MAJOR}.{MINOR}"), written("v4.21", "v{MAJOR}.{MINOR}"));
    assert_eq!(carried("v4.20"), written("v4.21", "v{MAJOR}.{MINOR}"));
    assert_eq!(carried("v14.20"), ("v14.20".to_owned(), Vec::new()), "another number");
    assert_eq!(carried("v4.19"), ("v4.19".to_owned(), Vec::new()), "another release's");
}

#[test]
fn a_key_that_was_taken_out_is_removed_and_one_that_came_back_is_not() {
    let (with, without) = ("okd: {mode: enabled}\n", "name: a\n");
    let of = |steps: &[Step]| removed(steps, "images/a.yml", "okd.mode").map(|edited| edited.time / 86_400);
    assert_eq!(of(&[step(2, with, without), step(1, without, with)]), Some(2));
    assert_eq!(of(&[step(3, without, with), step(2, with, without)]), None);
    assert_eq!(of(&[step(2, with, "-")]), None, "the file went");
    assert_eq!(of(&[]), None);
}
