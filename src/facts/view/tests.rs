use serde_json::json;

use super::*;
use crate::yaml::parse;

const KEYS: &[Key] = &[
    Key {
        view: "name",
        file: "name",
        form: Form::Text,
    },
    Key {
        view: "on",
        file: "a.b.on",
        form: Form::Bool(true),
    },
    Key {
        view: "list",
        file: "list",
        form: Form::Texts,
    },
    Key {
        view: "maps",
        file: "maps",
        form: Form::Maps,
    },
    Key {
        view: "map",
        file: "a.map",
        form: Form::Map,
    },
    Key {
        view: "root",
        file: "a.root",
        form: Form::Reference,
    },
    Key {
        view: "from",
        file: "from",
        form: Form::From,
    },
];

fn shaped(text: &str) -> Shaped {
    shape(&parse(text.as_bytes()).expect("YAML"), KEYS)
}

#[test]
fn every_key_is_there() {
    let empty = json!({"name": "", "on": true, "list": [], "maps": [], "map": {}, "root": {}, "from": {}});
    for text in ["", "a:\n", "a: {b: {on: null}}", "unknown: 1"] {
        let shaped = shaped(text);
        assert_eq!((shaped.view, shaped.faults.len()), (empty.clone(), 0), "{text}");
    }
    assert_eq!(sample(KEYS), empty);
}

#[test]
fn values_are_read_in_their_form() {
    let text = "name: 4.16\na: {b: {on: false}, map: {x: [1]}, root: {stream: s, member: m}}\nlist: [a, true, 3]\n\
                maps: [{id: x}]\nfrom: {stream: base, builder: [{member: m}, {image: i}]}\n";
    let shaped = shaped(text);
    assert_eq!(shaped.faults, []);
    let expected = json!({
        "name": "4.16", "on": false, "list": ["a", "true", "3"], "maps": [{"id": "x"}], "map": {"x": [1]},
        "root": {"member": "m"}, "from": {"stream": "base", "builder": [{"member": "m"}, {"image": "i"}]},
    });
    assert_eq!(shaped.view, expected);
}

#[test]
fn a_wrong_form_costs_its_key_and_has_a_place() {
    for (text, key, line, message) in [
        ("name: [x]", "name", 1, "a text is expected here, this is a list"),
        ("x: 1\na: {b: {on: maybe}}", "a.b.on", 2, "true or false is expected"),
        ("a: text", "a", 1, "a mapping is expected here, this is a string"),
        ("list: x", "list", 1, "a list is expected"),
        ("list:\n- [x]", "list", 2, "a text is expected"),
        (
            "from: [x]",
            "from",
            1,
            "a mapping with `member`, `stream` or `image` is expected",
        ),
        ("from:\n  member: {a: b}", "from", 2, "a text is expected"),
        ("from:\n  stream: s\n  builder: s", "from", 3, "a list is expected"),
    ] {
        let shaped = shaped(text);
        let [fault] = shaped.faults.as_slice() else {
            panic!("{text}: {:?}", shaped.faults)
        };
        assert_eq!((fault.key.as_str(), fault.pos.line), (key, line), "{text}");
        assert!(fault.message.contains(message), "{text}: {}", fault.message);
        assert_eq!(shaped.view, sample(KEYS), "{text}: everything has its default");
    }
}

#[test]
fn a_path_of_the_view_leads_to_a_line_of_the_file() {
    let root = parse(b"name: x\na:\n  b:\n    on: true\n  map:\n    deep: 1\nfrom:\n  builder:\n  - stream: s\n")
        .expect("YAML");
    let line = |path: &[&str]| {
        line_of(
            &root,
            KEYS,
            &path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(line(&["name"]), Some(1));
    assert_eq!(line(&["on"]), Some(4));
    assert_eq!(line(&["map", "deep"]), Some(6));
    assert_eq!(line(&["map", "absent"]), Some(5), "the deepest key that is there");
    assert_eq!(line(&["from", "builder"]), Some(8));
    assert_eq!(line(&["root"]), Some(2));
    assert_eq!((line(&["list"]), line(&["nothing"])), (None, None));
}
