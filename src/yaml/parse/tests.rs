use super::*;
use crate::yaml::{MAX_DEPTH, MAX_NODES, Mapping, Value};

fn read(text: &str) -> Node {
    parse(text.as_bytes()).unwrap()
}

fn fault(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

fn number(text: &str) -> Value {
    Value::Number(text.into())
}

fn string(text: &str) -> Value {
    Value::String(text.into())
}

#[test]
fn an_empty_text_is_null() {
    for text in ["", "\n", "# nothing\n", "---\n", "---\n...\n", "~"] {
        assert_eq!(read(text).value, Value::Null, "{text:?}");
    }
}

#[test]
fn values_know_their_places() {
    let node = read("# first\na:\n  b: é\n  é: x\nc:\n- 1\n- - 2\n");
    let at = |path: &[&str]| node.at(path).unwrap().pos.to_string();
    assert_eq!(at(&["a"]), "3:3");
    assert_eq!(at(&["a", "b"]), "3:6");
    assert_eq!(at(&["a", "é"]), "4:6");
    assert_eq!(node.get("c").unwrap().as_seq().unwrap()[1].pos.to_string(), "7:3");
    assert_eq!(node.as_map().unwrap().get_entry("c").unwrap().0.pos.to_string(), "5:1");
}

#[test]
fn plain_scalars_mean_what_they_mean_to_yaml_v2() {
    let node = read("{a: 4.16, b: on, c: '4.16', d: 2001-01-01, e: 1:30, f: 0o7, g: , h: y, i: 1e400}");
    let value = |key: &str| node.get(key).unwrap().value.clone();
    assert_eq!(value("a"), number("4.16"));
    assert_eq!(value("b"), Value::Bool(true));
    assert_eq!(value("c"), string("4.16"));
    assert_eq!(value("d"), string("2001-01-01"));
    assert_eq!(value("e"), string("1:30"));
    assert_eq!(value("f"), number("0o7"));
    assert_eq!(value("g"), Value::Null);
    assert_eq!(value("h"), Value::Bool(true));
    assert_eq!(value("i"), string("1e400"));
}

#[test]
fn core_tags_are_honoured_and_others_kept() {
    let node =
        read("a: !!str 4.16\nb: !!int 7\nc: !include plashet.yml\nd: !!float 7\ne: !x [1]\nf: ! 7\ng: !!map {}\n");
    let value = |key: &str| node.get(key).unwrap().value.clone();
    assert_eq!(value("a"), string("4.16"));
    assert_eq!(value("b"), number("7"));
    assert_eq!(value("d"), number("7"));
    assert_eq!(value("f"), string("7"));
    assert_eq!(value("g"), Value::Map(Mapping::new()));
    let (tag, file) = node.get("c").unwrap().as_tagged().unwrap();
    assert_eq!((tag, file.as_str()), ("!include", Some("plashet.yml")));
    let (tag, list) = node.get("e").unwrap().as_tagged().unwrap();
    assert_eq!((tag, list.as_seq().unwrap().len()), ("!x", 1));
    assert_eq!(fault("a: !!int x"), "1:4: `x` is tagged !!int but is none");
    assert_eq!(fault("a: !!seq {}"), "1:4: a mapping is tagged !!seq");
}

#[test]
fn keys_are_texts() {
    let node = read("on: 1\n4.16: 2\n~: 3\n'': 4\n0x1F: 5\ntrue: 6\n");
    assert_eq!(
        node.as_map().unwrap().keys().collect::<Vec<_>>(),
        ["on", "4.16", "~", "", "0x1F", "true"]
    );
    assert_eq!(fault("[a]: 1"), "1:1: a key must be a text, not a list or a mapping");
    assert_eq!(
        fault("a: &x {}\n*x : 1"),
        "2:1: a key must be a text, but `*x` is a mapping"
    );
}

#[test]
fn anchors_and_merge_keys_are_expanded() {
    let text = "base: &b {x: 1, y: 2}
list: &l [*b]
one:
  <<: *b
  y: 3
two: {y: 4, <<: [{x: 5}, *b, {z: 6}]}
&k key: 1
z: *k
";
    let node = read(text);
    assert_eq!(
        node.get("list").unwrap().as_seq().unwrap()[0],
        *node.get("base").unwrap()
    );
    assert_eq!(node.get("one").unwrap(), &read("{x: 1, y: 3}"));
    assert_eq!(node.get("two").unwrap(), &read("{x: 5, y: 4, z: 6}"));
    assert_eq!(node.get("z").unwrap().as_str(), Some("key"));
    assert_eq!(read("'<<': 1").get("<<").unwrap().value, number("1"));
    assert_eq!(
        fault("a: {<<: 7}"),
        "1:5: `<<` merges a mapping or a list of mappings, not a number"
    );
    assert_eq!(
        fault("a: *b"),
        "1:4: the alias `*b` has no complete anchor `&b` before it"
    );
    assert_eq!(
        fault("a: &a [*a]"),
        "1:8: the alias `*a` has no complete anchor `&a` before it"
    );
}

#[test]
fn a_duplicate_key_names_both_places() {
    assert_eq!(
        fault("a: 1\nb: 2\na: 3\n"),
        "3:1: the key `a` is given twice; it stands at 1:1 already"
    );
    assert_eq!(
        fault("1: x\n'1': y"),
        "2:1: the key `1` is given twice; it stands at 1:1 already"
    );
    let many: String = (0..40).map(|n| format!("k{n}: 1\n")).collect();
    assert_eq!(
        fault(&(many + "k7: 2\n")),
        "41:1: the key `k7` is given twice; it stands at 8:1 already"
    );
    assert_eq!(
        fault("a: &a {}\nb: {<<: *a, <<: *a}"),
        "2:13: the key `<<` is given twice; it stands at 2:5 already"
    );
}

#[test]
fn a_second_document_is_refused() {
    assert_eq!(
        fault("a: 1\n---\nb: 2\n"),
        "2:1: a second document; one document was expected"
    );
}

#[test]
fn mistakes_are_told_in_plain_words() {
    let table = [
        (
            "a:\n\tb: 1\n",
            "2:1: a tab in the indentation; YAML is indented with spaces only",
        ),
        (
            "\ta: 1\n",
            "1:1: a tab in the indentation; YAML is indented with spaces only",
        ),
        (
            "a:\n  b: 1\n\tc: 2\n",
            "3:1: a tab in the indentation; YAML is indented with spaces only",
        ),
        ("a: @x\n", "1:4: a value can't start with `@` unless it is quoted"),
        (
            "a: b: c\n",
            "1:5: a `key:` is not expected here; check the indentation, or quote the value if the `:` belongs to it",
        ),
        ("a: 'b\n", "2:1: the quote that opens at 1:4 is never closed"),
        ("a: [1, 2\n", "2:1: expected `,` or `]` in the list that opens at 1:4"),
        (
            "a: {b: 2\n",
            "2:1: expected `,` or `}` in the mapping that opens at 1:4",
        ),
        (
            "a: 1\n b: 2\n",
            "2:3: a `key:` is not expected here; check the indentation, or quote the value if the `:` belongs to it",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "3:2: expected the next key of the mapping that starts at 1:1; check the indentation and the quotes",
        ),
        (
            "- a\nb: 1\n",
            "2:1: expected the next `- ` item of the list that starts at 1:1; check the indentation",
        ),
        (
            "a: 1\nb\n",
            "3:1: expected `:` after the key that starts at 2:1; check the indentation and the quotes",
        ),
        (
            "a: \"\\q\"\n",
            "1:5: an unknown `\\` escape in double quotes; write `\\\\` for a backslash, or use single quotes",
        ),
        (
            "a: - b\n",
            "1:4: a `- ` item is not expected here; put the list on the next line",
        ),
    ];
    for (text, message) in table {
        assert_eq!(fault(text), message, "{text:?}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    assert_eq!(fault("a: 1\nb: x\0y\n"), "2:5: a NUL byte; YAML is text");
    assert_eq!(
        fault("é: \u{1}\n"),
        "1:4: the control character U+0001 is not allowed in YAML"
    );
    let error = parse(b"a: 1\nb: \xc3\xa9\xff\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "2:5: the byte 0xff is not UTF-8; YAML is read as UTF-8 only"
    );
    let utf16 = parse(b"\xff\xfea\0:\0").unwrap_err();
    assert_eq!(utf16.pos.to_string(), "1:1");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_matter() {
    let node = read("\u{feff}a: 1\r\nb:\r\n- x\r\n- |\r\n  l\r\n  m\r\n");
    assert_eq!(node, read("a: 1\nb: [x, \"l\\nm\\n\"]"));
    assert_eq!(node.as_map().unwrap().get_entry("a").unwrap().0.pos.to_string(), "1:1");
}

#[test]
fn too_large_a_text_is_refused_unread() {
    let error = parse(&vec![b'['; 100 << 20]).unwrap_err();
    assert_eq!(error.to_string(), "1:1: 100 MiB of YAML; at most 8 MiB are read");
    let items = "- a\n".repeat(MAX_NODES);
    assert_eq!(fault(&items), "1000000:3: more than 1000000 values");
}

#[test]
fn nesting_is_bounded() {
    let flow = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(parse(flow(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(fault(&flow(MAX_DEPTH + 1)), "1:101: more than 100 levels of nesting");
    assert_eq!(fault(&"[".repeat(1 << 20)), "1:101: more than 100 levels of nesting");
    assert_eq!(fault(&"- ".repeat(1 << 20)), "1:201: more than 100 levels of nesting");
    let block: String = (0..=MAX_DEPTH).map(|level| " ".repeat(level) + "a:\n").collect();
    assert_eq!(fault(&block), "101:101: more than 100 levels of nesting");
    let keys = "{a: ".repeat(1 << 18);
    assert!(fault(&keys).contains("levels of nesting"));
    assert!(parse("? ".repeat(1 << 18).as_bytes()).is_err());
    // Aliases deepen what they stand in.
    let half = flow(60);
    let deep = format!("a: &a {half}\nb: {}*a{}", "[".repeat(60), "]".repeat(60));
    assert_eq!(
        fault(&deep),
        "2:64: the alias `*a` makes more than 100 levels of nesting"
    );
}

#[test]
fn alias_bombs_are_bounded() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb += &format!("a{n}: &a{n} [{aliases}]\n");
    }
    assert!(fault(&bomb).contains("anchors and aliases multiply to more than 1000000 values or 64 MiB of text"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(1000));
    assert!(fault(&long).contains("anchors and aliases multiply"));
    let nested = "&a [".replace("&a", "&a0") + &"x, ".repeat(100_000);
    let nested = (1..90).fold(nested, |inner, n| format!("&a{n} [{inner}")) + &"]".repeat(90);
    assert!(fault(&nested).contains("anchors and aliases multiply"));
}

#[test]
fn shapes_that_cost_libyaml_far_more_than_their_size_are_refused() {
    let blanks = format!("a: x{}y{}\n", " ".repeat(1 << 20), " z".repeat(1 << 20));
    assert_eq!(fault(&blanks), "1:5: more than 4096 blanks or empty lines in a row");
    let lines = format!("a: |\n  x{}  y\n", "\n".repeat(5000));
    assert_eq!(fault(&lines), "2:4: more than 4096 blanks or empty lines in a row");
    assert!(parse(format!("a: x{}y\n", " ".repeat(4096)).as_bytes()).is_ok());
    let tags: String = (0..101).map(|n| format!("%TAG !a{n}! x\n")).collect();
    assert_eq!(fault(&(tags + "---\na\n")), "101:1: more than 100 %TAG lines");
}
