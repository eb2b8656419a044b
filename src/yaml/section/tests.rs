use super::*;

const CANONICAL: &str = "\
# a comment
base_images:
  a:
    name: x
build_root:
- commands: |
    cat << EOF
    promotion: no
    \"open
    EOF
  from: \"4.16\"
promotion:
  to:
  - name: \"4.16\"
    namespace: ocp
zz: {}
";

fn found(text: &str, key: &str) -> Option<String> {
    match section(text.as_bytes(), key) {
        Section::Found { range, .. } => Some(text[range].to_owned()),
        Section::Absent | Section::Unclear => None,
    }
}

#[test]
fn a_block_is_found_by_its_lines() {
    assert_eq!(
        found(CANONICAL, "promotion").unwrap(),
        "promotion:\n  to:\n  - name: \"4.16\"\n    namespace: ocp\n"
    );
    assert_eq!(found(CANONICAL, "zz").unwrap(), "zz: {}\n");
    assert_eq!(section(CANONICAL.as_bytes(), "images"), Section::Absent);
    assert_eq!(section(b"", "images"), Section::Absent);
    let windows = CANONICAL.replace('\n', "\r\n");
    assert!(found(&windows, "promotion").unwrap().ends_with("namespace: ocp\r\n"));
}

#[test]
fn a_section_has_the_places_of_the_file() {
    for text in [
        CANONICAL.to_owned(),
        format!("---\n{CANONICAL}"),
        CANONICAL.replace("x", "[x]"),
    ] {
        let whole = parse(text.as_bytes()).unwrap();
        for key in ["base_images", "build_root", "promotion", "zz", "images"] {
            let part = parse_section(text.as_bytes(), key).unwrap();
            assert_eq!(format!("{part:?}"), format!("{:?}", whole.get(key).cloned()));
        }
    }
    let error = parse_section(b"a: 1\nb: @\n", "b").unwrap_err();
    assert_eq!(error.pos.to_string(), "2:4");
}

#[test]
fn the_rest_of_the_file_is_not_read() {
    assert_eq!(parse_section(b"a: [@\nb: 1\n", "b").unwrap_err().pos.line, 1);
    assert_eq!(
        parse_section(b"a: x\na: y\nb: 1\n", "b").unwrap().unwrap().as_u64(),
        Some(1)
    );
    assert!(
        parse_section(b"b: 1\na: x\nb: 1\n", "b")
            .unwrap_err()
            .message
            .contains("given twice")
    );
}

#[test]
fn anchors_from_elsewhere_are_expanded() {
    let text = b"a:\n  b: 1\nc:\n  d: 2\n".to_vec();
    assert!(matches!(section(&text, "c"), Section::Found { .. }));
    let text = "x:\n- &a 1\nc:\n- *a\n";
    assert_eq!(
        parse_section(text.as_bytes(), "c").unwrap().unwrap(),
        Node::seq([Node::number("1")])
    );
}

#[test]
fn quotes_are_followed_over_lines() {
    let table = [
        "a: \"x\nc: y\"\n",
        "a: 'x\nc: y''\nc: z'\n",
        "a: \"x\\\"\nc: y\\\nc: \\\\\"\n",
        "a:\n- \"x\nc: y\"\n",
        "a:\n  \"b\": 'x\nc: y'\n",
        "a:\n  - b:\n     'x\n\nc: y'\n",
        "a:\n- # d: |\n    e: \"x\nc: y\"\n",
    ];
    for text in table {
        assert!(parse(text.as_bytes()).is_ok(), "{text:?}");
        assert_eq!(section(text.as_bytes(), "c"), Section::Absent, "{text:?}");
    }
}

#[test]
fn quotes_in_plain_and_block_text_open_nothing() {
    let table = [
        "a:\n- x\n  'y\n",
        "a: x\n \"y\n",
        "a: |\n  'y\n",
        "a:\n    x\n  \"y\n",
        "a:\n- - x\n   'y\n",
        "a:\n  >\n 'y\n",
    ];
    for head in table {
        let text = format!("{head}c: z'\n");
        assert!(parse(text.as_bytes()).is_ok(), "{text:?}");
        assert_eq!(found(&text, "c").as_deref(), Some("c: z'\n"), "{text:?}");
    }
}

#[test]
fn what_lines_cannot_tell_is_unclear() {
    let table = [
        "a: [x,\nc: y]\n",
        "a: {x: y,\nc: y}\n",
        "a:\n  b: &x \"x\nc: y\"\n",
        "a:\n  b: !!str 'x\nc: y'\n",
        "a:\n  ? 'x\nc: y'\n",
        "a:\n  b: | # no\n    e: \"x\nc: y\"\n",
        "- c: 1\n",
        "? c\n: 1\n",
        "\"c\": 1\n",
        "%YAML 1.1\n---\nc: 1\n",
        "c: 1\n---\nc: 2\n",
        "c: 1\n...\n",
        "a: x\rc: 1\n",
        "a: x\u{2028}c: 1\n",
        "a: x\u{85}c: 1\n",
        "<<: {c: 1}\n",
        "text\n",
        "\u{feff}c: 1\n",
        "a: 1\n\tc: 2\n",
    ];
    for text in table {
        assert_eq!(section(text.as_bytes(), "c"), Section::Unclear, "{text:?}");
    }
    assert_eq!(section(b"4: x\n", "4"), Section::Unclear);
}

/// Pieces of which lines are made that are hard to tell apart.
fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let lines = [
        "", "", "c: 1\n", "c:\n", "  ", "    ", "  - ", "- ", "  b: ", "  d: |", "  - a: |", "  #", "  'e': ",
    ];
    let lines = prop::sample::select(lines.to_vec()).prop_map(|line| format!("\n{line}"));
    let breaks = prop::sample::select(vec!["\r\n", "\r", "\n---\n", "\n...\n"]).prop_map(str::to_owned);
    let within = prop::sample::select(vec![
        " ", "  ", "- ", "a: ", "x", "y", "\"", "'", "[", "]", "{", "}", "|", ">-", "|2", " # ", "&a ", "*a", "!t ",
        "? ", ": ", ":", ",", "\\", "\t", "~", "é", "'x'", "\"x\"", "[]", "{}", "x", "x", "%",
    ]);
    let piece = prop_oneof![8 => lines, 1 => breaks, 9 => within.prop_map(str::to_owned)];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 20_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_section_is_what_the_whole_has(tail in pieces(), head in proptest::bool::ANY) {
        let text = if head { format!("a:\n  {tail}") } else { tail };
        if let Ok(whole) = parse(text.as_bytes()) {
            let part = parse_section(text.as_bytes(), "c").unwrap();
            assert_eq!(format!("{part:?}"), format!("{:?}", whole.get("c").cloned()), "{text:?}");
        }
    }
}
