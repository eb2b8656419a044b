//! Whatever is written reads back as the same value, here and, where YAML 1.1 and 1.2 agree, by serde_yaml.

use lockstep::yaml::{Node, Tagged, emit, parse};
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..Default::default()
    }
}

/// Texts that are hard for someone: parsers of numbers and dates, the emitter's folding, block and quoted styles.
fn text() -> impl Strategy<Value = String> {
    let words = [
        "",
        "~",
        "null",
        "y",
        "No",
        "on",
        "true",
        "0",
        "7",
        "07",
        "0o7",
        "0x1F",
        "1_000",
        "4.16",
        "1:30",
        "-1",
        "+.inf",
        ".nan",
        "1e3",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "<<",
        "=",
        "-",
        "- ",
        "?",
        ": ",
        "a: b",
        " #",
        "#",
        "\n",
        "\n\n",
        " ",
        "  ",
        "\t",
        "\"",
        "'",
        "\\",
        "|",
        ">",
        "&a",
        "*a",
        "!x",
        "%",
        "@",
        "`",
        "[",
        "]",
        "{",
        "}",
        ",",
        "é",
        "日本",
        "😀",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\r",
        "\0",
        "\u{1b}",
        "---",
        "...",
        "word",
        "a-longer-word-without-blanks",
        "some words that make a line long enough to be folded ",
    ];
    let hard = prop::collection::vec(prop::sample::select(words.to_vec()), 0..12).prop_map(|words| words.concat());
    prop_oneof![3 => hard, 1 => any::<String>(), 2 => "[a-z][a-z0-9 ./_-]{0,200}"]
}

fn scalar() -> impl Strategy<Value = Node> {
    let numbers = [
        "0",
        "-7",
        "4.16",
        "0x1F",
        "0o17",
        "1_000",
        ".inf",
        "-.INF",
        ".nan",
        "1e3",
        "12345678901234567890",
    ];
    prop_oneof![
        4 => text().prop_map(Node::from),
        1 => any::<bool>().prop_map(Node::from),
        1 => any::<i64>().prop_map(Node::from),
        1 => prop::sample::select(numbers.to_vec()).prop_map(Node::number),
        1 => Just(Node::default()),
    ]
}

fn tagged(node: Node) -> Node {
    Tagged {
        tag: "!include".into(),
        node,
    }
    .into()
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![9 => scalar(), 1 => text().prop_map(|text| tagged(Node::from(text)))];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let map = || prop::collection::vec((text(), inner.clone()), 0..6).prop_map(Node::map);
        prop_oneof![
            4 => map(),
            3 => prop::collection::vec(inner.clone(), 0..6).prop_map(Node::seq),
            1 => map().prop_map(tagged),
        ]
    })
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn what_is_written_reads_back_the_same(node in node()) {
        let text = emit(&node);
        let back = parse(text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&back, &node, "{}", text);
        prop_assert_eq!(emit(&back), text, "writing again changes nothing");
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_text_is_a_value_or_an_error(text in text()) {
        if let Ok(node) = parse(text.as_bytes()) {
            prop_assert_eq!(parse(emit(&node).as_bytes()).unwrap(), node);
        }
    }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn serde_yaml_reads_the_same_strings(strings in prop::collection::vec(text(), 1..6)) {
        let ordinary: Vec<&str> = strings.iter().map(String::as_str).filter(|text| !text.contains("<<")).collect();
        let text = emit(&Node::seq(ordinary.iter().copied()));
        let back: Vec<String> = serde_yaml::from_str(&text)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(back, ordinary, "{}", text);
    }
}
