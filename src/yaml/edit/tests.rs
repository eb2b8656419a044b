use super::path::{Step, insert_behind, keys, prune, remove, set};
use super::*;

/// Changes the first document and gives the text.
fn change(text: &str, change: impl FnOnce(&mut Node)) -> Result<String, Refused> {
    let mut wanted = documents(text, &How::default()).expect("YAML");
    change(&mut wanted[0]);
    edit(text, &wanted, &How::default())
}

fn set_keys(text: &str, path: &[&str], value: impl Into<Node>) -> Result<String, Refused> {
    change(text, |root| assert!(set(root, &keys(path), value)))
}

const FILE: &str = "# head\napiVersion: v1   # why\nspec:\n  images:\n    - from:\n        kind: 'A'\n        name: \"b\"\n      as:\n        \
                    - x # first\n        - u\n  # before output\n  output:\n    to: {name: t, kind: K}\n  empty: []\n  none:\n  text: \
                    |\n    a\n    b\n\n  last: 1\n# tail\n";

#[test]
fn a_value_is_set_in_its_place_and_keeps_its_quotes() {
    for (path, value, old, new) in [
        (&["apiVersion"][..], "v2", "v1   # why", "v2   # why"),
        (&["apiVersion"], "4.16", "v1 ", "\"4.16\" "),
        (&["spec", "output", "to", "name"], "u, v", "name: t", "name: \"u, v\""),
        (&["spec", "output", "to"], "x", "{name: t, kind: K}", "x"),
        (&["spec", "none"], "x", "none:\n", "none: x\n"),
        (&["spec", "empty"], "x", "[]", "x"),
        (&["spec", "text"], "one", " |\n    a\n    b\n\n", " one\n"),
        (&["spec", "text"], "c\n\nd\n", "    a\n    b\n\n", "    c\n\n    d\n"),
        (&["spec", "last"], "a\nb", "last: 1\n", "last: |-\n    a\n    b\n"),
    ] {
        let after = set_keys(FILE, path, Node::string(value)).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        assert_eq!(after, FILE.replace(old, new), "{path:?}");
        let same = set_keys(&after, path, Node::string(value));
        assert_eq!(same, Ok(after), "{path:?}");
    }
    let item = [
        Step::Key("spec"),
        Step::Key("images"),
        Step::With(&["from", "name"], "b"),
        Step::Key("from"),
    ];
    for (key, value, old, new) in [
        ("kind", "it's", "'A'", "'it''s'"),
        ("name", "a\"b", "\"b\"", "\"a\\\"b\""),
    ] {
        let path = [&item[..], &[Step::Key(key)]].concat();
        let after = change(FILE, |root| assert!(set(root, &path, Node::string(value))));
        assert_eq!(after, Ok(FILE.replace(old, new)));
    }
}

#[test]
fn a_new_key_stands_behind_the_one_before_it() {
    let after = change(FILE, |root| {
        assert!(insert_behind(
            root,
            &keys(&["spec"]),
            "images",
            "more",
            Node::map([("k", Node::seq(["v"]))])
        ));
    });
    assert_eq!(
        after,
        Ok(FILE.replace("        - u\n", "        - u\n  more:\n    k:\n      - v\n"))
    );
    let after = set_keys(FILE, &["spec", "text2"], Node::string("x\nw\n"));
    assert_eq!(
        after,
        Ok(FILE.replace("  last: 1\n", "  last: 1\n  text2: |\n    x\n    w\n"))
    );
    let after = change(FILE, |root| {
        assert!(insert_behind(root, &keys(&["spec"]), "text", "z", true));
    });
    assert_eq!(after, Ok(FILE.replace("    b\n\n", "    b\n  z: true\n\n")));
    let after = set_keys(
        FILE,
        &["spec", "output", "to", "m"],
        Node::map([("a", Node::seq(["b", "c"]))]),
    );
    assert_eq!(after, Ok(FILE.replace("kind: K}", "kind: K, m: {a: [b, c]}}")));
    let after = change(FILE, |root| {
        let map = root.as_map_mut().expect("a mapping");
        map.entries.insert(0, ("kind".into(), Node::string("X")));
    });
    assert_eq!(after, Ok(FILE.replace("apiVersion", "kind: X\napiVersion")));
    let after = set_keys(FILE, &["spec", "none", "deep", "er"], Node::string("x"));
    assert_eq!(after, Ok(FILE.replace("none:\n", "none:\n    deep:\n      er: x\n")));
}

#[test]
fn lists_change_by_items() {
    let list = |items: &[&str]| Node::seq(items.iter().map(|item| Node::string(*item)));
    let path = [Step::Key("spec"), Step::Key("images"), Step::At(0), Step::Key("as")];
    for (wanted, old, new) in [
        (&["x", "u", "v"][..], "        - u\n", "        - u\n        - v\n"),
        (&["w", "x", "u"], "        - x", "        - w\n        - x"),
        (&["x", "w", "u"], "        - u", "        - w\n        - u"),
        (&["x"], "        - u\n", ""),
        (&["x", "*z"], "- u", "- \"*z\""),
    ] {
        let after = change(FILE, |root| assert!(set(root, &path, list(wanted))));
        assert_eq!(after, Ok(FILE.replace(old, new)), "{wanted:?}");
    }
    let refused = change(FILE, |root| assert!(set(root, &path, list(&["u"]))));
    assert_eq!(
        refused,
        Err(Refused::Comment {
            line: 9,
            of: "it".to_owned()
        })
    );
    let refused = change(FILE, |root| assert!(set(root, &path, list(&[]))));
    assert_eq!(
        refused,
        Err(Refused::Comment {
            line: 9,
            of: "it".to_owned()
        })
    );
    assert_eq!(
        set_keys(FILE, &["spec", "empty"], list(&["a", "b"])),
        Ok(FILE.replace("empty: []\n", "empty:\n    - a\n    - b\n"))
    );
    for (text, wanted, after) in [
        ("a: [b, c, d]\n", &["b", "d"][..], "a: [b, d]\n"),
        ("a: [b, c, d]\n", &["b", "c"], "a: [b, c]\n"),
        ("a: [b, c, d]\n", &["b"], "a: [b]\n"),
        ("a: [b, c, d]\n", &["d"], "a: [d]\n"),
        ("a: [b, c]\n", &["a", "b", "c", "d"], "a: [a, b, c, d]\n"),
        ("a: [b, c]\n", &[], "a: []\n"),
        ("a:\n- b\n", &[], "a: []\n"),
        ("a:\n- b\n", &["c", "d"], "a:\n- c\n- d\n"),
        ("a:\n- b\n-\n- c\n", &["b", "c"], "a:\n- b\n- c\n"),
    ] {
        assert_eq!(set_keys(text, &["a"], list(wanted)), Ok(after.to_owned()), "{text}");
    }
}

#[test]
fn a_list_that_is_replaced_is_indented_as_it_was() {
    let text = "a:\n- 1\nb:\n  - 1\nc:\n  - 1\n";
    let other = || Node::seq([Node::number("2")]);
    assert_eq!(set_keys(text, &["a"], other()), Ok(text.replacen("- 1", "- 2", 1)));
    assert_eq!(
        set_keys("a:\n  - 1\nb:\n- 1\nc:\n- 1\n", &["a"], other()),
        Ok("a:\n  - 2\nb:\n- 1\nc:\n- 1\n".to_owned())
    );
}

#[test]
fn an_item_with_a_name_is_the_one_of_that_name() {
    // Without names the new one has more in common with the last one.
    let text = "- name: a\n  after: x\n- name: end # keep\n  after: a\n";
    let added = change(text, |root| {
        let items = root.as_seq_mut().expect("a list");
        let mut new = items[1].clone();
        assert!(set(&mut new, &keys(&["name"]), Node::string("b")));
        assert!(set(&mut items[1], &keys(&["after"]), Node::string("b")));
        items.insert(1, new);
    });
    assert_eq!(
        added,
        Ok("- name: a\n  after: x\n- name: b\n  after: a\n- name: end # keep\n  after: b\n".to_owned())
    );
    // One that gets another name is still the same one.
    let renamed = change(text, |root| {
        let items = root.as_seq_mut().expect("a list");
        assert!(set(&mut items[1], &keys(&["name"]), Node::string("last")));
    });
    assert_eq!(renamed, Ok(text.replace("end", "last")));
}

#[test]
fn items_are_found_by_their_keys() {
    let tekton = "tasks:\n  - name: one\n    params:\n      - name: p\n        value:\n        - a\n        - b\n  - name: two # 2\n";
    let path = [
        Step::Key("tasks"),
        Step::With(&["name"], "one"),
        Step::Key("params"),
        Step::With(&["name"], "p"),
        Step::Key("value"),
        Step::At(1),
    ];
    let after = change(tekton, |root| assert!(set(root, &path, Node::string("c"))));
    assert_eq!(after, Ok(tekton.replace("- b", "- c")));
    let new = [Step::Key("tasks"), Step::With(&["name"], "three"), Step::Key("timeout")];
    let after = change(tekton, |root| assert!(set(root, &new, Node::string("1h"))));
    assert_eq!(after, Ok(format!("{tekton}  - name: three\n    timeout: 1h\n")));
    let after = change(tekton, |root| {
        assert!(remove(root, &[Step::Key("tasks"), Step::At(0)]).is_some())
    });
    assert_eq!(after, Ok("tasks:\n  - name: two # 2\n".to_owned()));
    assert!(!set(&mut Node::string("x"), &new, true));
}

#[test]
fn what_goes_takes_its_lines_along() {
    let go = |text: &str, path: &[&str]| change(text, |root| drop(prune(root, &keys(path)).expect("it is there")));
    assert_eq!(go("a: 1\nokd:\n  from: x\n", &["okd", "from"]), Ok("a: 1\n".to_owned()));
    assert_eq!(
        change("a: 1\nokd:\n  from: x\n", |root| drop(remove(
            root,
            &keys(&["okd", "from"])
        ))),
        Ok("a: 1\nokd: {}\n".to_owned())
    );
    assert_eq!(
        go("a: 1 \nb:\n- x\n- y\nc: 2\n", &["b"]),
        Ok("a: 1 \nc: 2\n".to_owned())
    );
    assert_eq!(
        go("a: {b: 1, c: 2, d: 3}\n", &["a", "d"]),
        Ok("a: {b: 1, c: 2}\n".to_owned())
    );
    assert_eq!(
        go("a: {b: 1, c: 2, d: 3}\n", &["a", "b"]),
        Ok("a: {c: 2, d: 3}\n".to_owned())
    );
    let first = change("a:\n- b: 1\n  c: 2\n", |root| {
        drop(remove(root, &[Step::Key("a"), Step::At(0), Step::Key("b")]));
    });
    assert_eq!(first, Ok("a:\n- c: 2\n".to_owned()));
    for text in [
        "a: 1\n# why\nb: 2\n",
        "a: 1\nb: 2 # why\n",
        "a: 1\nb:\n  # why\n  c: 2\n",
    ] {
        assert!(matches!(go(text, &["b"]), Err(Refused::Comment { .. })), "{text}");
    }
    // The comment at the end tells of what comes, or of all; it stays.
    assert_eq!(go("a: 1\nb: 2\n# end\n", &["b"]), Ok("a: 1\n# end\n".to_owned()));
}

#[test]
fn keys_get_other_names() {
    let rename = |text: &str| {
        change(text, |root| {
            let map = root.as_map_mut().expect("a mapping");
            map.entries[0].0.text = "new".into();
        })
    };
    assert_eq!(
        rename("old:\n  # in\n  - 1\nb: 2\n"),
        Ok("new:\n  # in\n  - 1\nb: 2\n".to_owned())
    );
    assert_eq!(rename("{'old': 1, b: 2}\n"), Ok("{'new': 1, b: 2}\n".to_owned()));
}

#[test]
fn line_breaks_marks_and_missing_ends_stay() {
    assert_eq!(
        set_keys("a: 1\r\nb:\r\n  c: 2", &["b", "d"], Node::seq([Node::string("e")])),
        Ok("a: 1\r\nb:\r\n  c: 2\r\n  d:\r\n  - e".to_owned())
    );
    assert_eq!(
        set_keys("\u{feff}a: 1\nb: 2", &["a"], Node::string("x")),
        Ok("\u{feff}a: x\nb: 2".to_owned())
    );
    assert_eq!(
        set_keys("\u{feff}a: 1", &["b"], Node::string("x")),
        Ok("\u{feff}a: 1\nb: x".to_owned())
    );
    assert_eq!(
        set_keys("a: |\r\n  x\r\n", &["a"], Node::string("v\nw\n")),
        Ok("a: |\r\n  v\r\n  w\r\n".to_owned())
    );
    let several = "---\na: 1\n---\nb: 2 # two\n...\n---\n- c\n";
    let mut wanted = documents(several, &How::default()).expect("YAML");
    assert_eq!(wanted.len(), 3);
    assert!(set(&mut wanted[1], &keys(&["b"]), Node::string("x")));
    assert!(set(&mut wanted[2], &[Step::At(0)], Node::string("d")));
    let after = edit(several, &wanted, &How::default());
    assert_eq!(after, Ok(several.replace("2 #", "x #").replace("- c", "- d")));
}

#[test]
fn anchors_and_merges_are_left_or_refused() {
    let text = "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n";
    assert_eq!(
        set_keys(text, &["c"], Node::string("w")),
        Ok(text.replace("c: *x", "c: w"))
    );
    assert_eq!(
        set_keys(text, &["d", "e"], Node::number("3")),
        Ok(text.replace("e: 2", "e: 3"))
    );
    // A key of its own beats the merged one.
    assert_eq!(
        set_keys(text, &["d", "b"], Node::number("3")),
        Ok(format!("{text}  b: 3\n"))
    );
    // What is changed there would change at all aliases.
    assert_eq!(set_keys(text, &["a", "b"], Node::number("3")), Err(Refused::Otherwise));
    let refused = change(text, |root| drop(remove(root, &keys(&["a"]))));
    assert_eq!(refused, Err(Refused::Otherwise));
}

#[test]
fn what_is_read_with_variables_is_written_with_them() {
    let how = How {
        read: &|text| text.replace("{V}", "4.16"),
        spell: &|text| text.replace("4.16", "{V}"),
        indent_lists: false,
    };
    let text = "a: {V}-x # c\nb: release-{V}\n";
    let mut wanted = documents(text, &how).expect("YAML");
    assert_eq!(wanted[0].get("a").and_then(Node::as_str), Some("4.16-x"));
    assert!(set(&mut wanted[0], &keys(&["a"]), Node::string("golang-4.16")));
    assert!(set(&mut wanted[0], &keys(&["c", "d"]), Node::string("4.16")));
    assert_eq!(
        edit(text, &wanted, &how),
        Err(Refused::Otherwise).or(Ok("a: golang-{V} # c\nb: release-{V}\nc:\n  d: \"{V}\"\n".to_owned()))
    );
}

#[test]
fn what_is_no_yaml_is_left() {
    assert!(matches!(
        edit("a: [", &[Node::default()], &How::default()),
        Err(Refused::Unreadable(_))
    ));
    assert_eq!(edit("a: 1\n", &[], &How::default()), Err(Refused::Unfollowed));
    assert!(edit("? [a]\n: 1\n", &[Node::string("x")], &How::default()).is_err());
    assert_eq!(
        edit("a: 1\n", &[Node::string("x")], &How::default()),
        Err(Refused::Unfollowed)
    );
    let other = edit(
        "# head\na: 1\n",
        &[Node::map([("b", Node::seq(["c"]))])],
        &How::default(),
    );
    assert_eq!(other, Ok("# head\nb:\n- c\n".to_owned()));
}

#[test]
fn a_comment_at_the_start_of_a_line_between_items_is_passed() {
    for text in [
        "a:\n- x\n# between\n- y\n",
        "a:\n- x\n# one\n# two\n\n- y\n",
        "# first\n- x\n# between\n- y\n",
        "a:\n  b:\n  - x: 1\n# out of place\n  - y: 2\n",
    ] {
        let how = How::default();
        let wanted = documents(text, &how).expect("YAML");
        assert_eq!(edit(text, &wanted, &how).as_deref(), Ok(text));
        let mut more = wanted.clone();
        let all = more[0].as_map_mut().and_then(|map| map.get_mut("a"));
        let list = match all {
            Some(list) => list,
            None => &mut more[0],
        };
        if let Some(items) = list.as_seq_mut() {
            items.push(crate::yaml::Node::string("z"));
            let edited = edit(text, &more, &how).expect("an edit");
            assert_eq!(documents(&edited, &how).as_ref(), Ok(&more), "{edited}");
        }
    }
}

#[test]
fn two_texts_differ_in_one_piece() {
    assert_eq!(piece("a: 5.0\nb: 1\n", "a: 4.21\nb: 1\n"), (3..6, "4.21".to_owned()));
    assert_eq!(piece("a: é1\n", "a: é12\n"), (6..6, "2".to_owned()));
    assert_eq!(piece("same", "same"), (4..4, String::new()));
}
