//! What OKD had on one release and lacks on the next although its reason still exists.
//!
//! An image's metadata has two stanzas for OKD, and what they say has moved from one to the other at cuts. So intents are
//! compared, not stanzas: that OKD has a Dockerfile of its own, whichever of the two names it.

mod intent;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use self::intent::Intent;
use crate::base::{Release, RepoName};
use crate::derive::provenance::taken_from;
use crate::derive::{self, Standing};
use crate::facts::image::ImageMetadata;
use crate::facts::view::Key;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::rules::RuleSet;

/// Something that was lost.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The finding, if the reason still exists.
    pub finding: Finding,
    /// What the reason is: a file of a component, where it has to be looked for.
    pub file: Option<NamedFile>,
    /// Where the older release says it.
    pub said: Option<Said>,
}

/// Keys of a file of build data that say something for OKD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The release.
    pub release: Release,
    /// The file.
    pub path: String,
    /// The keys, dotted.
    pub keys: Vec<&'static str>,
}

/// A file of a component that may or may not still be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The component.
    pub repo: RepoName,
    /// The branch that the release is built from.
    pub branch: String,
    /// The file.
    pub path: String,
}

/// What is compared of a release: its metadata, and where each image stands.
#[derive(Clone, Copy, Debug)]
pub struct Side<'s> {
    /// The rules that decided about the images.
    pub rules: &'s RuleSet,
    /// ocp-build-data.
    pub metadata: &'s Metadata,
    /// The images that OKD needs.
    pub images: &'s BTreeMap<String, derive::DerivedImage>,
}

/// Compares two neighbouring releases.
pub fn lost(before: Side<'_>, after: Side<'_>) -> Vec<Lost> {
    let pair = Pair { before, after };
    let images = before.metadata.images.iter();
    images.flat_map(|(key, image)| pair.image(key, image)).collect()
}

struct Pair<'p> {
    before: Side<'p>,
    after: Side<'p>,
}

impl<'s> Side<'s> {
    /// An image that OKD wants built, be it derived or held for a fault of the run.
    fn built(&self, key: &str) -> Option<&'s derive::DerivedImage> {
        let image = self.images.get(key)?;
        (!matches!(image.standing, Standing::Dropped(_))).then_some(image)
    }

    /// What an image's metadata says for OKD.
    fn intents(&self, image: &derive::DerivedImage, facts: &ImageMetadata) -> Vec<Intent> {
        Intent::all(&facts.view, |name| self.taken(image, name))
    }

    /// The key that the rules took for something that both stanzas can say.
    fn taken(&self, image: &derive::DerivedImage, name: &str) -> Option<&'static Key> {
        let tried = match name {
            "dockerfile" => &image.dockerfile_name.tried,
            "from" => &image.from.tried,
            "tag" => &image.tag.tried,
            _ => return None,
        };
        taken_from(self.rules, tried, name)
    }
}

impl Pair<'_> {
    fn image(&self, key: &str, facts: &ImageMetadata) -> Vec<Lost> {
        let built = self.before.built(key);
        let Some(image) = built.filter(|_| !self.after.metadata.broken.contains(key)) else {
            return Vec::new();
        };
        let Some((next_key, next)) = self.successor(key, facts) else {
            return self.gone(key, facts).into_iter().collect();
        };
        let Some(next_image) = self.after.built(next_key) else {
            return self.dropped(key, next_key, next).into_iter().collect();
        };
        let (had, has) = (self.before.intents(image, facts), self.after.intents(next_image, next));
        let missing = had
            .into_iter()
            .filter(|intent| !has.iter().any(|other| other.name == intent.name));
        missing
            .filter(|intent| intent.reason_remains(&facts.view, &next.view))
            .filter_map(|intent| self.intent(next_key, image, next_image, &intent))
            .collect()
    }

    /// The image of the next release that is this one: by its key, else by its tag in the same repository.
    fn successor(&self, key: &str, image: &ImageMetadata) -> Option<(&str, &ImageMetadata)> {
        let images = &self.after.metadata.images;
        if let Some((key, next)) = images.get_key_value(key) {
            return Some((key, next));
        }
        let tag = self.before.images.get(key)?.tag.value.as_str();
        let same = |next: &&ImageMetadata| next.view["source"]["url"] == image.view["source"]["url"];
        let tagged = |next: &str| self.after.images.get(next).is_some_and(|image| image.tag.value == tag);
        images
            .iter()
            .find(|(next, image)| tagged(next) && same(image))
            .map(|(key, image)| (key.as_str(), image))
    }

    /// An image whose file is gone. If OCP had it, its going is OCP's business.
    fn gone(&self, key: &str, image: &ImageMetadata) -> Option<Lost> {
        if image.view["mode"] != "disabled" || !self.after.metadata.broken.is_empty() {
            return None;
        }
        let text = format!(
            "{key} was there for OKD alone in {} and its file is gone in {}",
            self.name(),
            self.next()
        );
        let help = "add its file to ocp-build-data's new branch, or tell that OKD no longer needs it";
        Some(self.lost("carry-image", key, text, help, None))
    }

    /// An image that is there and that OKD no longer builds. Where a stanza says so, that is intended.
    fn dropped(&self, key: &str, next_key: &str, next: &ImageMetadata) -> Option<Lost> {
        let view = &next.view;
        let said = view["okd_alignment"]["enabled"] == false
            || view["okd_stanza"]["mode"] == "disabled"
            || filled(&view["okd_alignment"]["resolve_as"]);
        let wanted = view["for_payload"] == true || self.after.images.contains_key(next_key);
        if said || !wanted {
            return None;
        }
        let why = match self.after.images.get(next_key).map(|image| &image.standing) {
            Some(Standing::Dropped(why)) => why.clone(),
            _ => "nothing needs it".to_owned(),
        };
        let text = format!(
            "OKD built {key} in {} and no longer does in {}, though no stanza says so: {why}",
            self.name(),
            self.next()
        );
        let help = "put right what keeps it from being built, or let `okd_alignment.enabled` say that it is meant";
        Some(self.lost("carry-image", next_key, text, help, None))
    }

    fn intent(
        &self,
        key: &str,
        before: &derive::DerivedImage,
        after: &derive::DerivedImage,
        intent: &Intent,
    ) -> Option<Lost> {
        let code = if intent.name == "dockerfile" {
            "carry-dockerfile"
        } else {
            "carry-override"
        };
        let text = format!(
            "OKD's {} of {key} in {} was {}; {} says nothing of it in either stanza",
            intent.what,
            self.name(),
            short(&intent.value),
            self.next()
        );
        let help = format!(
            "carry `{}` forward to ocp-build-data's branch of {}",
            intent.key,
            self.next()
        );
        let file = if intent.name == "dockerfile" {
            Some(wanted(before, after, intent)?)
        } else {
            None
        };
        let said = Said {
            release: self.before.metadata.release,
            path: Metadata::image_file(key),
            keys: intent.said_by.clone(),
        };
        Some(Lost {
            said: Some(said),
            ..self.lost(code, key, text, &help, file)
        })
    }

    fn lost(&self, code: &'static str, key: &str, text: String, help: &str, file: Option<NamedFile>) -> Lost {
        let image = self.after.images.get(key).or_else(|| self.before.images.get(key));
        let place = self.after.metadata.image_place(key, &[]);
        let mut finding = Finding::new(Severity::Warning, code, text)
            .with_place(place)
            .with_release(self.next())
            .with_help(help);
        if let Some(image) = image {
            finding.image = Some(image.tag.value.clone());
            finding.component = image.repository.value.as_ref().map(RepoName::to_string);
        }
        Lost {
            finding,
            file,
            said: None,
        }
    }

    fn name(&self) -> String {
        self.before.metadata.release.to_string()
    }

    fn next(&self) -> String {
        self.after.metadata.release.to_string()
    }
}

/// The Dockerfile that OKD had, in the repository of the next release.
fn wanted(before: &derive::DerivedImage, after: &derive::DerivedImage, intent: &Intent) -> Option<NamedFile> {
    let name = intent.value.as_str().unwrap_or_default().trim_end_matches('/');
    Some(NamedFile {
        repo: after.repository.value.clone()?,
        branch: after.branch.clone(),
        path: match before.path.value.trim_end_matches('/') {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        },
    })
}

fn filled(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// A value on one line, cut to a readable length.
fn short(value: &Json) -> String {
    const LONGEST: usize = 100;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), |text| format!("`{text}`"));
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}
