//! The tables of the language reference (`rules/README.md`), made from what the engine knows.

use std::fmt::Write as _;

use super::diagnostic::{CODES, HELD};
use super::expr::FUNCTIONS;
use super::subject::Subject;
use super::variables::{self, Variable};
use crate::facts::view::Key;
use crate::facts::{image, stream};

/// The tables by the name that their place in the reference has.
pub fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("fields", fields()),
        ("variables", variables()),
        ("functions", functions()),
        ("codes", codes()),
    ]
}

/// Puts the tables into a text, between `<!-- NAME -->` and `<!-- end NAME -->`.
///
/// # Errors
/// The name of a table that has no place.
pub fn fill(text: &str) -> Result<String, &'static str> {
    tables().into_iter().try_fold(text.to_owned(), |text, (name, table)| {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end {name} -->"));
        let from = text.find(&start).map(|at| at + start.len()).ok_or(name)?;
        let to = text[from..].find(&end).map(|at| at + from).ok_or(name)?;
        Ok(format!("{}\n{table}\n{}", &text[..from], &text[to..]))
    })
}

fn fields() -> String {
    let mut out = String::from("| `on` | field | form | what it decides |\n|---|---|---|---|\n");
    for subject in Subject::ALL {
        for field in subject.fields() {
            let list = if field.kind.is_list() { " (`append`)" } else { "" };
            let (subject, form) = (subject.name(), field.kind.expected());
            let _ = writeln!(out, "| {subject} | `{}`{list} | {form} | {} |", field.name, field.doc);
        }
    }
    out
}

fn functions() -> String {
    let mut out = String::from("| function | what it is |\n|---|---|\n");
    for (name, doc) in FUNCTIONS {
        let _ = writeln!(out, "| `{name}` | {} |", doc.replace('|', "\\|"));
    }
    out
}

fn codes() -> String {
    let mut out = String::from("| code | what is wrong |\n|---|---|\n");
    for (code, doc) in CODES.iter().chain(HELD) {
        let _ = writeln!(out, "| `{code}` | {doc} |");
    }
    out
}

fn variables() -> String {
    let mut out = String::from("| on | variable | type | example | where it comes from |\n|---|---|---|---|---|\n");
    for one in variables::all() {
        let (
            form,
            Variable {
                on,
                path,
                example,
                from,
                ..
            },
        ) = (one.type_name(), one);
        let _ = writeln!(out, "| {on} | `{path}` | {form} | {example} | {from} |");
    }
    for (on, name, file, keys) in [
        ("image", "image", "images/<key>.yml", image::KEYS),
        ("stream", "stream", "streams.yml", stream::KEYS),
    ] {
        for key in keys {
            let example = example(key);
            let unused = image::WITHOUT_RULE
                .iter()
                .find(|(view, _)| on == "image" && *view == key.view);
            let unused = unused.map_or(String::new(), |(_, why)| format!("; no built-in rule uses it: {why}"));
            let _ = writeln!(
                out,
                "| {on} | `{name}.{}` | {} | {example} | `{}` of {file}{unused} |",
                key.view,
                form(key),
                key.file
            );
        }
    }
    out
}

fn form(key: &Key) -> &'static str {
    use crate::facts::view::Form;
    match key.form {
        Form::Text => "text",
        Form::Bool(_) => "true or false",
        Form::Texts => "list of texts",
        Form::Maps => "list of mappings",
        Form::Map => "mapping",
        Form::Reference => "`{member\\|stream\\|image: name}`, or empty",
        Form::From => "the same, and `builder` with a list of such",
    }
}

/// What a key's value looks like when a file has it; when it has none, texts, lists and mappings are empty.
fn example(key: &Key) -> String {
    use crate::facts::view::Form;
    match key.form {
        Form::Bool(default) => format!("`{default}` unless said"),
        Form::Text => match key.view.rsplit('.').next().unwrap_or_default() {
            "name" => "`'openshift/ose-cli'`",
            "payload_name" | "tag_name" => "`'cli'`",
            "mode" => "`'disabled'`",
            "dockerfile" => "`'build/Dockerfile'`",
            "path" | "context_dir" => "`'images/cli'`",
            "url" => "`'git@github.com:openshift-priv/oc.git'`",
            "web" => "`'https://github.com/openshift/oc'`",
            "branch" => "`'release-4.16'`",
            "image" | "upstream_image" => "`'registry.example.com/ocp/builder:base'`",
            "run_if_changed" | "skip_if_only_changed" => "`'^pkg/'`",
            _ => "`'a text'`",
        }
        .to_owned(),
        Form::Texts => match key.view.rsplit('.').next().unwrap_or_default() {
            "arches" => "`['x86_64']`",
            "aliases" => "`['golang']`",
            _ => "`['baseos-rpms']`",
        }
        .to_owned(),
        Form::Maps if key.view.ends_with("build_args") => "`[{'name': 'TAGS', 'value': 'x'}]`".to_owned(),
        Form::Maps => "`[{'id': 'a', 'baseurl': 'https://…'}]`".to_owned(),
        Form::Map => "`{'requests': {'cpu': '1'}}`".to_owned(),
        Form::Reference => "`{'stream': 'golang'}`".to_owned(),
        Form::From => "`{'member': 'base', 'builder': [{'stream': 'golang'}]}`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts the rules of cases between `<!-- case NAME -->` and `<!-- end case -->`.
    fn with_examples(text: &str) -> String {
        let mut parts = text.split("<!-- case ");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once(" -->").expect("a closed comment");
            let (_, rest) = rest.split_once("<!-- end case -->").expect("an end");
            let path = format!("{}/fixtures/cases/{name}/rules.yaml", env!("CARGO_MANIFEST_DIR"));
            let rules = std::fs::read_to_string(&path).expect(&path);
            let head = |line: &&str| line.starts_with('#') || *line == "rules:";
            let shown: Vec<&str> = rules.lines().skip_while(head).collect();
            let shown = shown.join("\n");
            let _ = write!(
                out,
                "<!-- case {name} -->\n```yaml\n{shown}\n```\n<!-- end case -->{rest}"
            );
        }
        out
    }

    /// Compares a file with what is wanted; with LOCKSTEP_UPDATE=1 it is written instead.
    fn agree(file: &str, wanted: impl Fn(&str) -> String) {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let there = std::fs::read_to_string(&path).expect(file);
        let wanted = wanted(&there);
        if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
            std::fs::write(&path, &wanted).expect("written");
        } else if there != wanted {
            panic!("{file} is behind; run this test with LOCKSTEP_UPDATE=1 to write it anew");
        }
    }

    #[test]
    fn every_key_of_okds_stanzas_is_used_or_said_to_be_unused() {
        let files: Vec<(String, Vec<u8>)> = crate::run::rule_files::BUILTIN
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let texts: String = files.iter().map(|(_, text)| String::from_utf8_lossy(text)).collect();
        for key in image::KEYS {
            let stanza = key.view.starts_with("okd_") || key.view.starts_with("konflux_");
            // Rules see an image as `image`, `member`, or as an item of a list.
            let used = regex::Regex::new(&format!(r"[a-z\]]\.{}\b", regex::escape(key.view))).expect("a pattern");
            let said = image::WITHOUT_RULE.iter().any(|(view, _)| *view == key.view);
            if stanza {
                assert_ne!(
                    used.is_match(&texts),
                    said,
                    "{}: either a rule uses it or WITHOUT_RULE says why not",
                    key.view
                );
            }
        }
        for (view, _) in image::WITHOUT_RULE {
            assert!(image::KEYS.iter().any(|key| key.view == *view), "{view} is no key");
        }
    }

    #[test]
    fn the_reference_and_the_engine_agree() {
        agree("rules/README.md", |text| {
            with_examples(&fill(text).expect("a place for every table"))
        });
    }

    #[test]
    fn the_schema_beside_the_rules_is_the_one_that_is_printed() {
        let schema = crate::rules::schema::schema();
        let wanted = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
        agree("rules/schema.json", |_| wanted.clone());
    }
}
