//! The variables that rules see. `variables.md` says each once; the sample world, what may be named, and the table of the
//! language reference are made from it.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::subject::Subject;
use crate::facts::view::{self, Key};
use crate::facts::{image, stream};

const TABLE: &str = include_str!("variables.md");

/// Mappings whose keys are the input's business: group variables and the group's `okd` are what `group.yml` says, tags what the
/// payload and operators say.
const OPEN: [&str; 4] = ["vars", "group.okd", "payload.tags", "payload.wanted_by"];

/// A variable, or a part of one.
#[derive(Debug)]
pub struct Variable {
    /// Which rules see it, in words: subjects, `all`, or `all but` one.
    pub on: &'static str,
    /// Its dotted name.
    pub path: &'static str,
    /// A value of it; `None`: what a file of metadata says.
    sample: Sample,
    /// What its value looks like, in Markdown.
    pub example: &'static str,
    /// Where it comes from, in Markdown.
    pub from: &'static str,
}

#[derive(Debug)]
enum Sample {
    Value(Json),
    File,
    Files,
}

static ALL: LazyLock<Vec<Variable>> = LazyLock::new(|| TABLE.lines().filter_map(Variable::read).collect());

static SAMPLES: LazyLock<Vec<(Subject, Json)>> = LazyLock::new(|| {
    let of = |subject| (subject, sample(subject));
    Subject::ALL.into_iter().map(of).collect()
});

/// The variables that rules about a subject see, with sample values.
pub fn seen_by(subject: Subject) -> &'static Map<String, Json> {
    let mut samples = SAMPLES.iter();
    let found = samples
        .find(|(known, _)| *known == subject)
        .and_then(|(_, sample)| sample.as_object());
    found.expect("there is a sample for every subject")
}

/// All variables, in the order of the reference.
pub fn all() -> &'static [Variable] {
    &ALL
}

impl Variable {
    fn read(line: &'static str) -> Option<Self> {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<&str> = cells.split(" | ").collect();
        let [on, path, sample, example, from] = cells.try_into().ok()?;
        let sample = match sample {
            "file" => Sample::File,
            "files" => Sample::Files,
            value => Sample::Value(serde_json::from_str(value).ok()?),
        };
        Some(Self {
            on,
            path,
            sample,
            example,
            from,
        })
    }

    /// Whether rules about a subject see it.
    pub fn is_seen_by(&self, subject: Subject) -> bool {
        match self.on.strip_prefix("all") {
            Some("") => true,
            Some(but) => but.strip_prefix(" but ") != Some(subject.name()),
            None => self.on.split(", ").any(|on| on == subject.name()),
        }
    }

    /// Its type, for people.
    pub fn type_name(&self) -> &'static str {
        match &self.sample {
            Sample::File => "mapping",
            Sample::Files => "list",
            Sample::Value(value) => match value {
                Json::Bool(_) => "true or false",
                Json::Number(_) => "number",
                Json::Array(_) => "list",
                Json::Object(_) => "mapping",
                Json::Null | Json::String(_) => "text",
            },
        }
    }

    /// Whether it is a part of what a file's view shows: it stands in the table once, under the name that most rules use.
    fn is_added(&self) -> bool {
        self.path.starts_with("image.") || self.path.starts_with("stream.")
    }
}

/// Whether the keys of a mapping are the input's business, so that any may be named.
pub fn is_open(path: &[String]) -> bool {
    OPEN.contains(&path.join(".").as_str())
}

fn sample(subject: Subject) -> Json {
    let mut sample = json!({});
    for variable in ALL.iter().filter(|one| one.is_seen_by(subject) && !one.is_added()) {
        let value = match &variable.sample {
            Sample::Value(value) => value.clone(),
            Sample::File => file(subject),
            Sample::Files => json!([file(subject)]),
        };
        put(&mut sample, variable.path, value);
    }
    sample
}

/// A file of metadata as the engine shows it to rules: every key as where the file says nothing, and what the engine looked up.
fn file(subject: Subject) -> Json {
    let (keys, root, said): (&[Key], _, _) = match subject {
        Subject::Stream => (stream::KEYS, "stream.", ("image", "sample.example/base:tag")),
        _ => (image::KEYS, "image.", ("name", "sample/ose-sample")),
    };
    let mut file = view::sample(keys);
    put(&mut file, said.0, json!(said.1));
    let image = root == "image.";
    let added = ALL
        .iter()
        .filter(|one| one.is_seen_by(subject) || (image && one.is_seen_by(Subject::Image)));
    for variable in added {
        if let (Some(name), Sample::Value(value)) = (variable.path.strip_prefix(root), &variable.sample) {
            put(&mut file, name, value.clone());
        }
    }
    file
}

/// In what the variables that are shown to rules about a subject differ from the table: names that it lacks, and parts of what is
/// shown that are not there. `parts` grow while a job is made, so that only what they have is held against it.
pub fn unlike<'s>(subject: Subject, shown: impl Iterator<Item = (&'s str, &'s Json)>) -> Vec<String> {
    let sample = seen_by(subject);
    let mut found = Vec::new();
    for (name, value) in shown {
        match sample.get(name) {
            Some(known) => compare(&mut vec![name.to_owned()], known, value, &mut found),
            None => found.push(format!("`{name}` is not in the table")),
        }
    }
    found
        .iter()
        .map(|found| format!("on {}: {found}", subject.name()))
        .collect()
}

fn compare(path: &mut Vec<String>, known: &Json, shown: &Json, found: &mut Vec<String>) {
    match (known, shown) {
        (Json::Object(known), Json::Object(shown)) if !known.is_empty() && !is_open(path) => {
            let absent = known
                .keys()
                .filter(|key| !shown.contains_key(*key) && path[0] != "parts");
            found.extend(absent.map(|key| format!("`{}.{key}` is not shown", path.join("."))));
            for (key, value) in shown {
                path.push(key.clone());
                match known.get(key) {
                    Some(known) => compare(path, known, value, found),
                    // What was derived of an image is shown with it wherever it is known; rules that come before cannot name it.
                    None if ALL.iter().any(|one| one.path == path.join(".")) => {}
                    None => found.push(format!("`{}` is not in the table", path.join("."))),
                }
                path.pop();
            }
        }
        (Json::Array(known), Json::Array(shown)) => {
            let Some(known) = known.first() else { return };
            shown.iter().for_each(|item| compare(path, known, item, found));
        }
        _ => {}
    }
}

fn put(into: &mut Json, path: &str, value: Json) {
    let mut at = into;
    for name in path.split('.') {
        at = &mut at[name];
    }
    *at = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read_and_names_subjects() {
        let rows = TABLE.lines().filter(|line| line.starts_with("| ")).skip(1);
        assert_eq!(rows.count(), ALL.len());
        for variable in ALL.iter().filter(|one| !one.on.starts_with("all")) {
            let mut on = variable.on.split(", ");
            assert!(
                on.all(|on| Subject::by_name(on).is_some()),
                "{}: {}",
                variable.path,
                variable.on
            );
        }
        for path in OPEN {
            assert!(ALL.iter().any(|one| one.path == path), "{path}");
        }
    }

    #[test]
    fn an_image_has_what_was_derived_of_it_only_after_that() {
        let tag = |subject, root: &str| sample(subject)[root].get("tag").cloned();
        assert_eq!(tag(Subject::Image, "image"), None);
        assert_eq!(tag(Subject::Member, "member"), Some(json!("sample")));
        assert_eq!(sample(Subject::Config)["images"][0]["build_root"], json!({}));
        assert_eq!(sample(Subject::Stream)["stream"]["name"], "sample");
    }
}
