//! The tables of the language reference (`rules/README.md`), made from what the engine knows.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::diagnostic::CODES;
use super::expr::FUNCTIONS;
use super::sample;
use super::subject::Subject;
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
    for (code, doc) in CODES {
        let _ = writeln!(out, "| `{code}` | {doc} |");
    }
    out
}

/// Which rules see a variable, what it holds, an example, and where it comes from.
struct Row {
    on: &'static str,
    path: &'static str,
    example: &'static str,
    from: &'static str,
}

const fn row(on: &'static str, path: &'static str, example: &'static str, from: &'static str) -> Row {
    Row {
        on,
        path,
        example,
        from,
    }
}

/// What the engine itself makes; what files say comes from [`image::KEYS`] and [`stream::KEYS`].
const MADE: &[Row] = &[
    row("all", "release", "`'4.16'`", "the release that is derived"),
    row("all", "major", "`4`", "the release that is derived"),
    row("all", "minor", "`16`", "the release that is derived"),
    row(
        "all",
        "vars",
        "`vars.GO_LATEST` is `'1.21'`",
        "`vars` of group.yml, all of them texts",
    ),
    row(
        "all",
        "group.arches",
        "`['x86_64', 'aarch64']`",
        "`arches` of group.yml",
    ),
    row(
        "all but payload",
        "payload.registry",
        "`'registry.ci.openshift.org'`",
        "rules on payload",
    ),
    row("all but payload", "payload.namespace", "`'origin'`", "rules on payload"),
    row("all but payload", "payload.name", "`'scos-4.16'`", "rules on payload"),
    row("all but payload", "payload.variant", "`'okd-scos'`", "rules on payload"),
    row(
        "all but payload",
        "payload.source_namespace",
        "`'ocp'`",
        "rules on payload",
    ),
    row("all but payload", "payload.source_name", "`'4.16'`", "rules on payload"),
    row("image", "image", "`image.okd.tag_name`", "the image's file, see below"),
    row(
        "image",
        "tag",
        "`'oc'`",
        "rules on image that set `tag`; empty while `needed`, `from` and `tag` are decided",
    ),
    row(
        "image",
        "metadata",
        "`metadata.konflux.network_mode`",
        "the image's whole file as it is, for keys that `image` lacks: test with `has`",
    ),
    row(
        "member",
        "member",
        "`member.okd.tag_name`",
        "the image that others are built from, as `image` below",
    ),
    row(
        "stream",
        "stream",
        "`stream.upstream_image`",
        "the stream's entry, see below",
    ),
    row(
        "input",
        "image",
        "`image.key`",
        "the image whose FROM it is, as `image` below",
    ),
    row(
        "input",
        "input.kind",
        "`'stream'`",
        "what metadata names: `member`, `stream` or `image`",
    ),
    row("input", "input.name", "`'rhel-9-golang'`", "its name in metadata"),
    row(
        "input",
        "input.builder",
        "`true`",
        "whether it is a builder, or the base",
    ),
    row("input", "input.index", "`0`", "its place among the FROM lines"),
    row(
        "input",
        "input.stage",
        "`'builder'`",
        "the stage's name in the Dockerfile, or empty",
    ),
    row(
        "input",
        "input.written",
        "`'registry.example.com/golang:1.21'`",
        "the FROM line, ARGs substituted",
    ),
    row(
        "input",
        "input.pullspec",
        "`'registry.example.com/golang:okd'`",
        "what rules on member and stream resolved it to",
    ),
    row(
        "config, job",
        "repo.org",
        "`'openshift'`",
        "the repository of the config",
    ),
    row("config, job", "repo.name", "`'oc'`", "the repository of the config"),
    row(
        "config, job",
        "repo.full",
        "`'openshift/oc'`",
        "the repository of the config",
    ),
    row(
        "config, job",
        "repo.branch",
        "`'release-4.16'`",
        "the branch that the release is built from",
    ),
    row(
        "config",
        "images",
        "`images.exists(i, i.tag == 'oc')`",
        "the images of the config, each as `image` below",
    ),
    row(
        "job",
        "repo.label",
        "`'release-4.16'`",
        "the branch as names of files and jobs have it",
    ),
    row(
        "job",
        "repo.exact",
        "`'^release-4\\\\.16$'`",
        "the pattern of exactly this branch",
    ),
    row(
        "job",
        "repo.patterns",
        "`['^main$', '^main-']`",
        "the patterns of this branch and of its feature branches",
    ),
    row(
        "job",
        "config",
        "`config.from_repository`",
        "the config: `variant`, `from_repository`, `releases`, `path_alias`, `additional_images`",
    ),
    row(
        "job",
        "job",
        "`job.kind == 'promotion'`",
        "what the job is for: `kind` (`images`, `promotion` or `test`) and `test`, its name",
    ),
    row(
        "job",
        "test",
        "`test.profile`",
        "the entry of `tests`, `profile` being its cluster profile; without one all of it is empty",
    ),
    row(
        "job",
        "there",
        "`there.cluster`",
        "the job as it is in the file, or empty",
    ),
    row(
        "job",
        "peers",
        "`peers.profile[0]`",
        "`cluster` of the job that `peer` names, and the clusters of jobs with the same `profile`, most jobs first",
    ),
    row(
        "job",
        "parts",
        "`parts.args`",
        "what rules on job have decided, for `pod` and `body`: `name`, `cluster`, `image`, `args`, `labels`, …",
    ),
    row("target", "target", "`'prow-config'`", "the target that is rendered"),
];

/// What the engine adds to an image's file.
const ADDED: &[Row] = &[
    row(
        "image",
        "image.key",
        "`'openshift-enterprise-cli'`",
        "the file's name without `.yml`",
    ),
    row(
        "image",
        "image.used_as_builder",
        "`false`",
        "whether any image names it as a builder",
    ),
    row(
        "image",
        "image.source.repository",
        "`'openshift/oc'`",
        "`content.source.git` through `public_upstreams` of group.yml; empty: none on GitHub",
    ),
    row(
        "member, input, config",
        "image.tag",
        "`'cli'`",
        "rules on image that set `tag`",
    ),
    row(
        "member, input, config",
        "image.build_root",
        "`{'stream': 'rhel-9-golang'}`",
        "rules on image that set `build_root`",
    ),
    row(
        "stream",
        "stream.name",
        "`'rhel-9-golang'`",
        "the stream's name in streams.yml",
    ),
];

fn variables() -> String {
    let mut out = String::from("| on | variable | type | example | where it comes from |\n|---|---|---|---|---|\n");
    for row in MADE.iter().chain(ADDED) {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} | {} |",
            row.on,
            row.path,
            type_of(row),
            row.example,
            row.from
        );
    }
    for (on, name, file, keys) in [
        ("image", "image", "images/<key>.yml", image::KEYS),
        ("stream", "stream", "streams.yml", stream::KEYS),
    ] {
        for key in keys {
            let example = example(key);
            let _ = writeln!(
                out,
                "| {on} | `{name}.{}` | {} | {example} | `{}` of {file} |",
                key.view,
                form(key),
                key.file
            );
        }
    }
    out
}

fn type_of(row: &Row) -> &'static str {
    let subject = Subject::ALL
        .into_iter()
        .find(|subject| row.on.split(", ").any(|on| on == subject.name()));
    let sample = sample::variables(subject.unwrap_or(Subject::Image));
    let mut path = row.path.split('.');
    // Rules on member see an image as `member`, those on config in a list; the table names it `image` once.
    let root = path.next().unwrap_or_default();
    let first = sample.get(root).or_else(|| sample.get("member"));
    path.try_fold(first, |value, name| Some(value?.get(name)))
        .flatten()
        .map_or("text", kind)
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Bool(_) => "true or false",
        Json::Number(_) => "number",
        Json::Array(_) => "list",
        Json::Object(_) => "mapping",
        _ => "text",
    }
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
            "dockerfile" => "`'Dockerfile.rhel9'`",
            "path" | "context_dir" => "`'images/cli'`",
            "url" => "`'git@github.com:openshift-priv/oc.git'`",
            "web" => "`'https://github.com/openshift/oc'`",
            "branch" => "`'release-4.16'`",
            "image" | "upstream_image" => "`'registry.example.com/ocp/builder:rhel-9'`",
            "run_if_changed" | "skip_if_only_changed" => "`'^pkg/'`",
            _ => "`'a text'`",
        }
        .to_owned(),
        Form::Texts => match key.view.rsplit('.').next().unwrap_or_default() {
            "arches" => "`['x86_64']`",
            "aliases" => "`['golang']`",
            _ => "`['rhel-9-baseos-rpms']`",
        }
        .to_owned(),
        Form::Maps if key.view.ends_with("build_args") => "`[{'name': 'TAGS', 'value': 'x'}]`".to_owned(),
        Form::Maps => "`[{'id': 'a', 'baseurl': 'https://…'}]`".to_owned(),
        Form::Map => "`{'requests': {'cpu': '1'}}`".to_owned(),
        Form::Reference => "`{'stream': 'rhel-9-golang'}`".to_owned(),
        Form::From => "`{'member': 'base', 'builder': [{'stream': 'rhel-9-golang'}]}`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All variables of the sample world that are not parts of a file's view.
    fn leaves(subject: Subject) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in sample::variables(subject) {
            match value {
                Json::Object(map) if ["payload", "group", "input", "repo"].contains(&name.as_str()) => {
                    found.extend(map.keys().map(|key| format!("{name}.{key}")));
                }
                _ => found.push(name.clone()),
            }
        }
        found
    }

    #[test]
    fn every_variable_that_rules_see_is_in_the_table() {
        for subject in Subject::ALL {
            for leaf in leaves(subject) {
                let known = MADE.iter().any(|row| {
                    row.path == leaf
                        && (row.on.split(", ").any(|on| on == subject.name())
                            || row.on == "all"
                            || (row.on == "all but payload" && subject != Subject::Payload))
                });
                assert!(known, "{leaf} on {}", subject.name());
            }
        }
    }

    #[test]
    fn every_variable_of_the_table_exists() {
        for row in MADE.iter().chain(ADDED) {
            let all = row.on.starts_with("all");
            let subjects = Subject::ALL
                .into_iter()
                .filter(|s| row.on.split(", ").any(|on| on == s.name()) || (all && *s == Subject::Image));
            for subject in subjects {
                let path: Vec<String> = row.path.split('.').map(str::to_owned).collect();
                let as_member = subject == Subject::Member || subject == Subject::Config;
                let known = sample::check_path(subject, &path).is_ok() || (as_member && path[0] == "image");
                assert!(known, "{} on {}", row.path, subject.name());
            }
        }
    }

    #[test]
    fn the_reference_and_the_engine_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/README.md");
        let text = std::fs::read_to_string(path).expect("the reference");
        let filled = fill(&text).expect("a place for every table");
        if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
            std::fs::write(path, &filled).expect("written");
        }
        assert!(
            text == filled,
            "rules/README.md is behind; run this test with LOCKSTEP_UPDATE=1 to fill it anew"
        );
    }

    #[test]
    fn the_schema_beside_the_rules_is_the_one_that_is_printed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/schema.json");
        let wanted = format!(
            "{}\n",
            serde_json::to_string_pretty(&crate::rules::schema::schema()).expect("JSON")
        );
        if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
            std::fs::write(path, &wanted).expect("written");
        }
        let there = std::fs::read_to_string(path).expect("the schema");
        assert!(
            there == wanted,
            "rules/schema.json is behind; `lockstep rules schema > rules/schema.json`"
        );
    }
}
