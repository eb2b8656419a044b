use super::*;
use crate::yaml::parse;

/// What a string looks like as a value.
fn written(text: &str) -> String {
    let document = emit(&Node::map([("k", text)]));
    document
        .strip_prefix("k: ")
        .and_then(|rest| rest.strip_suffix('\n'))
        .unwrap()
        .to_owned()
}

#[test]
fn strings_are_quoted_only_where_they_must_be() {
    for text in [
        "a",
        "a b",
        "4.16.0",
        "release-4.16",
        "a:b",
        "http://x",
        "1.2.3",
        "-a",
        "é",
        "a#b",
        "1:60",
        "<<",
        "a'b",
    ] {
        assert_eq!(written(text), text);
    }
    for text in [
        "4.16",
        "on",
        "y",
        "1_000",
        "0o7",
        "1:30",
        "2024-06-17",
        "~",
        "",
        "null",
        ".inf",
        "0x1F",
    ] {
        assert_eq!(written(text), format!("\"{text}\""));
    }
    for text in [
        "- a", "a: b", "a #b", "#a", "[a", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "a ", " a", ": ", "\"a",
    ] {
        assert_eq!(written(text), format!("'{text}'"));
    }
    assert_eq!(written("it's: x"), "'it''s: x'");
    assert_eq!(written("a\tb"), r#""a\tb""#);
    assert_eq!(written("a\rb\0"), r#""a\rb\0""#);
}

#[test]
fn characters_beyond_the_basic_plane_are_escaped() {
    assert_eq!(written("😀"), r#""\U0001F600""#);
    assert_eq!(written("é 😀: \u{10ffff}"), r#""é \U0001F600: \U0010FFFF""#);
    assert_eq!(written("a\n😀"), r#""a\n\U0001F600""#);
    assert_eq!(emit(&Node::map([("😀", 1)])), "\"\\U0001F600\": 1\n");
    // Ten columns each.
    let folded = written(&"😀 ".repeat(12));
    assert_eq!(folded.lines().map(str::len).collect::<Vec<_>>(), [88, 47]);
    // Noncharacters stay what they are.
    assert_eq!(written("😀\u{fdd0}"), "😀\u{fdd0}");
    assert_eq!(written("\u{fdd0}"), "\u{fdd0}");
}

#[test]
fn lines_are_literal_where_that_is_possible() {
    assert_eq!(written("a\nb\n"), "|\n  a\n  b");
    assert_eq!(written("a\nb"), "|-\n  a\n  b");
    assert_eq!(written("\na\n"), "|2\n\n  a");
    assert_eq!(written(" a\nb\n"), "|2\n   a\n  b");
    assert_eq!(emit(&Node::map([("k", "a\n\n")])), "k: |+\n  a\n\n");
    assert_eq!(written("a \nb"), r#""a \nb""#);
}

#[test]
fn long_texts_are_folded_at_80() {
    let words = "word ".repeat(30);
    assert_eq!(
        written(words.trim_end()).lines().map(str::len).collect::<Vec<_>>(),
        [79, 71]
    );
    let escaped = written(&format!("\t{}", words.trim_end()));
    assert!(
        escaped.lines().count() == 2 && escaped.starts_with("\"\\tword"),
        "{escaped}"
    );
    let unbroken = "x".repeat(300);
    assert_eq!(written(&unbroken), unbroken);
}

#[test]
fn collections_are_blocks_and_keys_are_sorted() {
    let text = "b: [1, [x, {y: z}], {}, []]\na10: ~\na2: {c: yes, a: 0x10}\n'on': 4.160\n";
    let expected = "\
a2:
  a: 0x10
  c: true
a10: null
b:
- 1
- - x
  - \"y\": z
- {}
- []
\"on\": 4.160
";
    assert_eq!(emit(&parse(text.as_bytes()).unwrap()), expected);
    assert_eq!(emit(&Node::map([("<<", 1)])), "\"<<\": 1\n");
    let long = "k".repeat(129);
    assert_eq!(emit(&Node::map([(long.as_str(), 1)])), format!("? {long}\n: 1\n"));
}

#[test]
fn a_document_can_be_any_value() {
    assert_eq!(emit(&Node::default()), "null\n");
    assert_eq!(emit(&Node::string("a")), "a\n");
    assert_eq!(emit(&Node::string("a\n")), "|\n  a\n");
    assert_eq!(emit(&Node::map([("a", "b"); 0])), "{}\n");
    assert_eq!(emit(&Node::seq(["b"])), "- b\n");
}

#[test]
fn tags_are_kept() {
    let text = "a: !include x.yml\nb: !t\n  c: 1\nd: !t\n- 1\ne: !!binary aGk=\nf: !include 4.16\n";
    assert_eq!(emit(&parse(text.as_bytes()).unwrap()), text);
    // A tag that can't be is left out, and the text then is quoted as always.
    let odd = |tag: &str| {
        emit(
            &super::super::Tagged {
                tag: tag.into(),
                node: Node::string("x"),
            }
            .into(),
        )
    };
    assert_eq!(odd(""), "x\n");
    assert_eq!(odd("\0"), "x\n");
    assert_eq!(odd("!a b"), "!a%20b x\n");
}

#[test]
fn an_item_below_keys_is_written_as_in_its_document() {
    let long = "word ".repeat(30);
    let item = Node::map([
        ("name", Node::from("a")),
        ("text", Node::from(long.as_str())),
        ("bell", Node::from("\u{7}")),
    ]);
    let list = Node::seq([item.clone()]);
    assert_eq!(emit_below(&[], &item), emit(&list));
    let nested = Node::map([("presubmits", Node::map([("o/r: x", list)]))]);
    assert_eq!(emit_below(&["presubmits", "o/r: x"], &item), emit(&nested));
}
