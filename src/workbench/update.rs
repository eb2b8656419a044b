//! `--update`: makes what a case came to its expectation.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::CASE_FILE;
use super::case::{Case, EXPECTED};
use super::fault::Fault;
use super::run::{self, Results, written};
use super::value;
use crate::yaml::{self, Node};

/// Rewrites a case's expectations; returns what was written, removed or changed.
///
/// # Errors
/// A file that cannot be read or written.
pub fn update(case: &Case, results: &Results<'_>) -> Result<Vec<String>, Fault> {
    let mut done = Vec::new();
    files(case, results, &mut done)?;
    let path = case.dir.join(CASE_FILE);
    let text = fs::read_to_string(&path).map_err(Fault::io(&path, "read"))?;
    let mut new = text.clone();
    if let Some(values) = values(case, results) {
        new = with_section(&new, "values", &values);
    }
    new = with_section(&new, "findings", &findings(case, results));
    if new != text {
        write(&path, new.as_bytes())?;
        done.push(format!("wrote {}", path.display()));
    }
    Ok(done)
}

/// Expected files are kept where the case has any, or where it expects nothing else yet.
fn files(case: &Case, results: &Results<'_>, done: &mut Vec<String>) -> Result<(), Fault> {
    let folder = case.dir.join(EXPECTED);
    if !folder.is_dir() && case.expects_something() {
        return Ok(());
    }
    let written = written(results);
    let known = if folder.is_dir() {
        run::files(&folder)?
    } else {
        Default::default()
    };
    for (name, file) in &written {
        let after = file.after.as_deref().unwrap_or_default();
        if known.get(name).map(Vec::as_slice) != Some(after) {
            write(&folder.join(name), after)?;
            done.push(format!("wrote {}", folder.join(name).display()));
        }
    }
    for name in known.keys().filter(|name| !written.contains_key(*name)) {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(Fault::io(&path, "removed"))?;
        done.push(format!("removed {}", path.display()));
    }
    if written.is_empty() && folder.is_dir() {
        // A folder without a file expects nothing.
        fs::remove_dir_all(&folder).map_err(Fault::io(&folder, "removed"))?;
    }
    Ok(())
}

/// Values that are expected, as they are derived; what leads nowhere is left out.
fn values(case: &Case, results: &Results<'_>) -> Option<Json> {
    let document = serde_json::to_value(results.release.as_ref()?.build_config()).ok()?;
    let derived = case.values.keys().filter_map(|path| {
        let segments = value::segments(path).ok()?;
        Some((path.clone(), value::find(&document, &segments)?.clone()))
    });
    let derived: serde_json::Map<String, Json> = derived.collect();
    if case
        .values
        .iter()
        .all(|(path, expected)| derived.get(path) == Some(expected))
    {
        return None;
    }
    Some(Json::Object(derived))
}

/// Findings as the case has them, without those that are gone and with those that are new.
fn findings(case: &Case, results: &Results<'_>) -> Json {
    let meets = |expected: &super::case::ExpectedFinding, finding: &crate::finding::Finding| {
        expected.code == finding.code && finding.message.contains(&expected.text)
    };
    let mut items = Vec::new();
    for expected in case
        .findings
        .iter()
        .filter(|expected| results.findings.iter().any(|finding| meets(expected, finding)))
    {
        items.push(if expected.text.is_empty() {
            Json::from(expected.code.as_str())
        } else {
            serde_json::json!({"code": expected.code, "text": expected.text})
        });
    }
    let mut new: Vec<Json> = results
        .findings
        .iter()
        .filter(|finding| !case.findings.iter().any(|expected| meets(expected, finding)))
        .map(|finding| Json::from(finding.code.as_ref()))
        .collect();
    new.sort_by_key(ToString::to_string);
    new.dedup();
    items.extend(new);
    Json::Array(items)
}

/// Replaces a top-level section of a YAML text, or adds it; an empty one is taken out. What is around it stays.
fn with_section(text: &str, key: &str, value: &Json) -> String {
    let known = yaml::parse(text.as_bytes())
        .ok()
        .and_then(|root| root.get(key).map(Json::from));
    let empty =
        matches!(value, Json::Array(items) if items.is_empty()) || matches!(value, Json::Object(map) if map.is_empty());
    if known.as_ref() == Some(value) || (known.is_none() && empty) {
        return text.to_owned();
    }
    let section = if empty {
        String::new()
    } else {
        yaml::emit(&Node::map([(key, Node::from(value))]))
    };
    let (mut out, mut inside, mut placed) = (String::new(), false, false);
    for line in text.split_inclusive('\n') {
        let starts = line.starts_with(|c: char| !c.is_whitespace() && c != '-');
        if starts {
            inside = line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
            if inside {
                out.push_str(&section);
                placed = true;
            }
        }
        if !inside {
            out.push_str(line);
        }
    }
    if !placed {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&section);
    }
    out
}

/// Writes a file, and the folders that it needs.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let made = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, bytes));
    made.map_err(Fault::io(path, "written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_section_is_replaced_and_the_rest_stays() {
        let text = "# c\nabout: x\nvalues:\n  a: 1\n  # inner\n- odd\n# before\nrules: [builtin]\n";
        let new = with_section(text, "values", &json!({"a": "2"}));
        assert_eq!(new, "# c\nabout: x\nvalues:\n  a: \"2\"\n# before\nrules: [builtin]\n");
        assert_eq!(
            with_section("a: 1", "findings", &json!(["x"])),
            "a: 1\nfindings:\n- x\n"
        );
        assert_eq!(
            with_section("a: 1\nfindings: [x]\nb: 2\n", "findings", &json!([])),
            "a: 1\nb: 2\n"
        );
        assert_eq!(
            with_section("findings: [x]\n", "findings", &json!(["x"])),
            "findings: [x]\n"
        );
    }
}
