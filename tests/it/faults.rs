//! Faults are types: whoever gets one can tell what it is without reading words. What is still a text is counted.

use std::collections::BTreeMap;

use regex::Regex;

use crate::rooms::{DESIGN, files, read, room};

/// The places of a text at which a function's or value's fault is a text itself: `Result<_, String>`, or a tuple with one.
fn texts(code: &str) -> usize {
    let found = code.match_indices("Result<").filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    });
    let faults = found.filter_map(|(at, word)| fault(&code[at + word.len()..]));
    faults
        .filter(|fault| *fault == "String" || (fault.starts_with('(') && fault.contains("String")))
        .count()
}

/// The second type of a `Result` whose types a text starts with.
fn fault(types: &str) -> Option<&str> {
    let (mut depth, mut start, mut before) = (0, None, ' ');
    for (at, c) in types.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if before == '-' => {}
            '>' if depth == 0 => return start.and_then(|start: usize| Some(types.get(start..at)?.trim())),
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 && start.is_none() => start = Some(at + 1),
            _ => {}
        }
        before = c;
    }
    None
}

#[test]
fn what_is_counted_is_a_fault_that_is_a_text() {
    for (code, count) in [
        ("fn a() -> Result<(), String> {", 1),
        ("fn a() -> Result<BTreeMap<String, String>, Fault> {", 0),
        (
            "fn a() -> Result<\n    Vec<Result<u8, String>>,\n    (u32, String),\n> {",
            2,
        ),
        (
            "fn a(f: &dyn Fn(&str) -> Result<Option<(u8, u8)>, String>) -> MyResult<u8, String>",
            1,
        ),
        ("fn a() -> io::Result<String> {", 0),
    ] {
        assert_eq!(texts(code), count, "{code}");
    }
}

/// A fault that is a text is read by people alone. A room that has more of them than are listed fails here; one that has fewer
/// takes them from the list, so that it only gets shorter.
#[test]
fn faults_are_types() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for file in files() {
        if let (Some(room), count @ 1..) = (room(&file), texts(&file.code)) {
            *found.entry(room.to_owned()).or_default() += count;
        }
    }
    let text = read(DESIGN);
    let listed = text.split_once("## Faults that are texts").expect("the list").1;
    let listed = listed.split("\n## ").next().unwrap_or_default();
    let line = Regex::new(r"(?m)^- `(\w+)`: (\d+) — \S.{20,}$").unwrap();
    let listed: BTreeMap<String, usize> = line
        .captures_iter(listed)
        .map(|found| (found[1].to_owned(), found[2].parse().expect("a number")))
        .collect();
    assert_eq!(
        found, listed,
        "{DESIGN} lists how many `Result<_, String>` each room has: make an `enum` with `thiserror` of a new one"
    );
}
