//! Target `build-config`: the unified build config itself, one file a release, in a repository that the options name.

use serde_json::{Map, Value as Json};

use super::{Actual, Ask, Cut, Destination, Reads, Rendered, Target};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::model::build_config::BuildConfig;
use crate::plan::Desired;
use crate::source::Template;
use crate::yaml::keys::{COMPONENT, Format, Key, Section, ValueForm, default, required, section};
use crate::yaml::{self, Node};

/// The target.
pub static TARGET: Target = Target {
    name: "build-config",
    group: "build-config",
    about: "the unified build config itself, one file a release, for whoever builds from it",
    place: "the repository that its options name, one branch for all releases or one each",
    owns: "the whole file",
    seeds: "nothing",
    leaves: "what the file says of images that could not be derived this time",
    options: &OPTIONS,
    after: &[],
    destinations,
    reads,
    render,
    cut: Cut::None,
    wait: super::door::no_wait,
    folders: &[],
};

const REPO: Key = required(
    "repo",
    COMPONENT,
    "The repository, `org/repo`; it is found as components are.",
);
const BRANCH: Key = default(
    "branch",
    ValueForm::Text(Format::Template {
        may: &["release"],
        must: &[],
    }),
    "main",
    "The branch that pull requests go to; `{release}` stands for the release.",
);
const PATH: Key = default(
    "path",
    ValueForm::Text(Format::Template {
        may: &["release"],
        must: &["release"],
    }),
    "build-config/{release}.yaml",
    "The file of a release; `{release}` stands for the release. One that ends in `.json` is JSON.",
);
const COMMITS: Key = default(
    "commits",
    ValueForm::Flag,
    "false",
    "Whether the commits that everything was read at are written: the file then changes with each of them.",
);

static OPTIONS: Section = section(
    "Where the unified build config is written.",
    &[REPO, BRANCH, PATH, COMMITS],
);

/// The parts of the document that are about one image or repository each, and stay where these could not be derived.
const BY_ITEM: [&str; 2] = ["images", "repositories"];

fn filled(ask: &Ask<'_>, key: &Key) -> String {
    let release = ask.rules().number().to_string();
    let text = ask.options.text(key);
    Template::new(text)
        .fill(&[("release", &release)])
        .unwrap_or_else(|_| text.to_owned())
}

fn destinations(ask: &Ask<'_>) -> Result<Vec<Destination>, Vec<Finding>> {
    let name = ask.options.text(&REPO).parse::<RepoName>();
    let own = name.map(|name| Destination::Repository {
        name,
        branches: vec![filled(ask, &BRANCH)],
    });
    // The configuration has been checked, so there is always one.
    Ok(own.into_iter().collect())
}

fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    Ok(Reads {
        files: vec![filled(ask, &PATH)],
        trees: Vec::new(),
        ..Reads::default()
    })
}

fn render(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let mut rendered = Rendered::default();
    let path = filled(ask, &PATH);
    let mut file = actual.file(&TARGET, ask.rules(), &*path);
    let before = match there(actual, &file) {
        Ok(before) => before,
        Err(why) => {
            let text = format!("the build config that is there cannot be read: {why}");
            let finding = Finding::new(Severity::Error, "unreadable-build-config", text)
                .with_place(actual.place(&path, None))
                .with_release(file.release.clone())
                .with_help("put the file right, or remove it; until then it stays as it is");
            rendered.findings.push(finding);
            file.held = true;
            rendered.files.push(file);
            return rendered;
        }
    };
    let document = ask.build_config();
    let document = if ask.options.flag(&COMMITS) {
        serde_json::to_value(document)
    } else {
        serde_json::to_value(BuildConfig::clone(document).without_commits())
    };
    let Ok(mut document) = document else {
        return rendered;
    };
    keep(&mut document, &before);
    file.images = changed(&document, &before);
    let text = if path.ends_with(".json") {
        format!("{document:#}\n")
    } else {
        yaml::emit(&Node::from(&document))
    };
    rendered.want(file, text.into_bytes());
    rendered
}

/// Why the file that is there cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    /// Its source could not give it.
    #[error("{0}")]
    Source(String),
    /// It is no YAML.
    #[error("line {}: {}", .0.pos.line, .0.text())]
    NotYaml(#[from] yaml::Error),
    /// It is no document.
    #[error("a mapping is expected, this is {0}")]
    NoMapping(&'static str),
}

/// What the file says now; nothing where there is none.
fn there(actual: &Actual, file: &Desired) -> Result<Json, Unreadable> {
    if let Some(why) = actual.unreadable.get(&file.path) {
        return Err(Unreadable::Source(why.clone()));
    }
    let Some(before) = &file.before else {
        return Ok(Json::Null);
    };
    let root = yaml::parse(before)?;
    match root.as_map() {
        Some(_) => Ok(Json::from(&root)),
        None => Err(Unreadable::NoMapping(root.type_name())),
    }
}

/// Keeps what the file says of images that could not be derived this time, and of their repositories.
fn keep(document: &mut Json, before: &Json) {
    let held = document["held_images"].as_object().cloned().unwrap_or_default();
    let keys = held.keys().cloned();
    let repositories = held
        .values()
        .filter_map(|image| image["repository"].as_str().map(str::to_owned));
    for (part, names) in BY_ITEM
        .into_iter()
        .zip([keys.collect::<Vec<_>>(), repositories.collect()])
    {
        for name in names {
            if let (Some(there), Some(into)) = (before[part].get(&name), document[part].as_object_mut()) {
                into.insert(name, there.clone());
            }
        }
    }
}

/// The payload tags of the images that the file says something else of.
fn changed(document: &Json, before: &Json) -> Vec<String> {
    let empty = Map::new();
    let images = |document: &Json| document["images"].as_object().cloned().unwrap_or_else(|| empty.clone());
    let (now, then) = (images(document), images(before));
    let differ = now
        .keys()
        .chain(then.keys())
        .filter(|key| now.get(*key) != then.get(*key));
    let tag = |key: &String| {
        now.get(key).or_else(|| then.get(key))?["tag"]["value"]
            .as_str()
            .map(str::to_owned)
    };
    let mut tags: Vec<String> = differ.filter_map(tag).collect();
    tags.sort();
    tags.dedup();
    tags
}
