//! What was read of the payload, and of what operators ask of it.

use serde_json::{Map, Value as Json, json};

use crate::base::{Place, RepoName};
use crate::facts::payload::{ImageReferences, ReleaseMetadata, Tag};

/// What was read of the payload and of what operators ask of it.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// Whether operators' lists were read: without them nobody can say that nobody wants a tag.
    pub operators_read: bool,
    /// The payload as it was last built.
    pub last: Option<Last>,
    /// Operators' own lists, sorted by repository and file.
    pub operators: Vec<Operator>,
}

/// The payload as it was last built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// Where its list of images was read, without a line.
    pub place: Place,
    /// Its images.
    pub references: ImageReferences,
    /// Its version; none where that wasn't read.
    pub metadata: Option<ReleaseMetadata>,
}

/// An operator's own list of the images that it deploys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The repository that holds it.
    pub repo: RepoName,
    /// The list's place, without a line.
    pub place: Place,
    /// Keys of the images that ship it: their Dockerfile has the label of a release's operator. Empty where none has,
    /// so that the payload knows nothing of the list.
    pub images: Vec<String>,
    /// What it names.
    pub tags: Vec<Tag>,
}

impl Demand {
    /// The last payload's tags as rules see them.
    pub fn tags_view(&self) -> Json {
        let tags = self.last.iter().flat_map(|last| &last.references.tags);
        let view =
            |tag: &Tag| json!({"pullspec": tag.pullspec, "repository": repository(&tag.source), "commit": tag.commit});
        Json::Object(tags.map(|tag| (tag.name.clone(), view(tag))).collect())
    }

    /// Who asks for what, as rules see it: lists by tag.
    pub fn wanted_view(&self) -> Json {
        let mut view = Map::new();
        for operator in &self.operators {
            for tag in &operator.tags {
                let asked = json!({
                    "repository": operator.repo.to_string(), "file": operator.place.file, "line": tag.line,
                    "shipped": !operator.images.is_empty(),
                });
                let list = view.entry(tag.name.clone()).or_insert_with(|| json!([]));
                list.as_array_mut()
                    .into_iter()
                    .for_each(|list| list.push(asked.clone()));
            }
        }
        Json::Object(view)
    }
}

/// The repository `org/repo` of a payload's `source-location`; the text as it is where it is none of GitHub's.
pub fn repository(source: &str) -> &str {
    let path = source.strip_prefix("https://github.com/").unwrap_or(source);
    path.trim_end_matches('/').trim_end_matches(".git")
}
