//! The registry of finding codes is complete: what the sources emit is registered, and what is registered is documented.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lockstep::audit::{pages, registry};
use regex::Regex;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources without their tests, by path.
fn sources() -> BTreeMap<PathBuf, String> {
    let (mut todo, mut found) = (vec![project().join("src")], BTreeMap::new());
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default()
                .to_owned();
            if path.is_dir() && name != "tests" {
                todo.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).expect("a file");
                let code = text
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                found.insert(path, code);
            }
        }
    }
    found
}

/// The text between a parenthesis that has just been opened and its end.
fn arguments(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// The codes that the sources name where they make findings.
fn emitted() -> BTreeSet<String> {
    // What is wrong with rules and with their cases is told by diagnostics, which have codes of their own.
    let diagnostics = ["src/rules", "src/workbench"].map(|folder| project().join(folder));
    let mut sources = sources();
    sources.retain(|path, _| !diagnostics.iter().any(|folder| path.starts_with(folder)));
    sources.retain(|_, text| text.contains("Finding"));
    let word =
        Regex::new(r#"^\s*(?:&?[\w.:*]+(?:\([^()]*\))?\s*,\s*)*"([a-z0-9]+(?:-[a-z0-9]+)+)""#).expect("a pattern");
    let forwards = Regex::new(r"fn (\w+)(?:<[^>]*>)?\(([^{]*?)\bcode: (?:&'static str|impl Into)").expect("a pattern");
    let mut makers = BTreeSet::from(["new".to_owned()]);
    for text in sources.values() {
        makers.extend(forwards.captures_iter(text).map(|found| found[1].to_owned()));
    }
    let names: Vec<_> = makers.into_iter().collect();
    let calls = Regex::new(&format!(r"(?:Finding::|\.|\b)({})\(", names.join("|"))).expect("a pattern");
    let variable = Regex::new(r"(?s)(?:let code =|\.code =)([^;]*);").expect("a pattern");
    let literal = Regex::new(r#""([a-z0-9]+(?:-[a-z0-9]+)+)""#).expect("a pattern");
    let mut found = BTreeSet::new();
    for text in sources.values() {
        for call in calls.captures_iter(text) {
            let (whole, name) = (call.get(0).expect("a match"), &call[1]);
            if name == "new" && !whole.as_str().starts_with("Finding::") {
                continue;
            }
            let inside = arguments(&text[whole.end()..]);
            found.extend(word.captures(inside).map(|word| word[1].to_owned()));
        }
        for said in variable.captures_iter(text) {
            found.extend(literal.captures_iter(&said[1]).map(|word| word[1].to_owned()));
        }
    }
    found
}

#[test]
fn every_code_that_the_sources_emit_is_registered_and_the_other_way_round() {
    let emitted = emitted();
    let unknown: Vec<_> = emitted.iter().filter(|code| registry::find(code).is_none()).collect();
    assert!(
        unknown.is_empty(),
        "not registered in src/finding/codes, or by a check that is in no `CHECKS`: {unknown:?}"
    );
    // Those of checks are named where they are registered; that they are found, their fixtures show.
    let of_checks: BTreeSet<_> = registry::checks()
        .flat_map(|check| check.codes)
        .map(|code| code.name)
        .collect();
    let codes = registry::codes();
    let others = codes
        .iter()
        .map(|code| code.name)
        .filter(|code| !of_checks.contains(code));
    let idle: Vec<_> = others.filter(|code| !emitted.contains(*code)).collect();
    assert!(idle.is_empty(), "registered, but nothing emits them: {idle:?}");
    assert!(
        emitted.len() > 40,
        "the pattern no longer finds what it should: {emitted:?}"
    );
}

#[test]
fn every_code_of_a_check_is_registered() {
    let sources = sources();
    let of_audit = sources.iter().filter(|(path, _)| {
        ["src/audit", "src/finding"]
            .iter()
            .any(|room| path.starts_with(project().join(room)))
    });
    let pattern = Regex::new(r#"(?s)\bCode \{\s*name: "([a-z0-9-]+)""#).expect("a pattern");
    let named: BTreeSet<String> = of_audit
        .flat_map(|(_, text)| pattern.captures_iter(text).map(|found| found[1].to_owned()))
        .collect();
    let unknown: Vec<_> = named.iter().filter(|code| registry::find(code).is_none()).collect();
    assert!(unknown.is_empty(), "no check of the registry has them: {unknown:?}");
    assert_eq!(named.len(), registry::codes().len());
}

#[test]
fn codes_are_unique_kebab_case_and_documented() {
    let form = Regex::new("^[a-z0-9]+(-[a-z0-9]+)+$").expect("a pattern");
    let mut seen = BTreeSet::new();
    for code in registry::codes() {
        assert!(seen.insert(code.name), "{} is registered twice", code.name);
        assert!(form.is_match(code.name), "{} is not kebab-case", code.name);
        for (what, text) in [
            ("title", code.title),
            ("means", code.means),
            ("action", code.action),
            ("example", code.example),
        ] {
            assert!(!text.trim().is_empty(), "{} has no {what}", code.name);
        }
        for sentence in [code.means, code.action] {
            assert!(
                sentence.ends_with(['.', '?']),
                "{}: a sentence ends here: {sentence}",
                code.name
            );
        }
        assert!(!code.title.ends_with('.'), "{}: a title has no full stop", code.name);
        assert!(pages::page(code).contains(code.action), "{}", code.name);
    }
    for check in registry::checks() {
        assert!(!check.codes.is_empty());
    }
}

#[test]
fn the_document_of_codes_is_current() {
    let path = project().join("src/audit/CODES.md");
    let expected = pages::document();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&path, &expected).expect("the document");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == expected,
        "write it anew: INSTA_UPDATE=always cargo test --test it audit_codes::"
    );
}
