//! What the two OKD stanzas of an image's metadata say together.

use serde_json::Value as Json;

use super::filled;
use crate::doozer::merge::at;
use crate::facts::image::KEYS;
use crate::facts::view::Key;

/// One thing that metadata says for OKD, whichever stanza says it.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// The key to write it under.
    pub key: &'static str,
    /// What it says.
    pub value: Json,
    /// The keys of the file that say it, dotted.
    pub said_by: Vec<&'static str>,
}

/// Name, what it is, the key to write, the keys of the view that say it, and OCP's own that it stands in for.
type Kind = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const KINDS: [Kind; 11] = [
    (
        "dockerfile",
        "Dockerfile",
        "okd_alignment.dockerfile",
        &["okd_alignment.dockerfile", "okd_stanza.dockerfile"],
        "source.dockerfile",
    ),
    (
        "from",
        "`from`",
        "okd_alignment.from",
        &["okd_alignment.from", "okd_stanza.from"],
        "from",
    ),
    (
        "path",
        "folder",
        "okd_alignment.path",
        &["okd_alignment.path"],
        "source.path",
    ),
    (
        "context",
        "build context",
        "okd_alignment.context_dir",
        &["okd_alignment.context_dir"],
        "",
    ),
    (
        "tag",
        "tag",
        "okd_alignment.tag_name",
        &["okd_alignment.tag_name", "okd_stanza.payload_name"],
        "payload_name",
    ),
    (
        "stand-in",
        "stand-in",
        "okd_alignment.resolve_as",
        &["okd_alignment.resolve_as"],
        "",
    ),
    (
        "build-args",
        "build arguments",
        "okd_alignment.build_args",
        &["okd_alignment.build_args"],
        "",
    ),
    (
        "repositories",
        "RPM repositories",
        "okd_alignment.inject_rpm_repositories",
        &["okd_alignment.inject_rpm_repositories", "okd_stanza.enabled_repos"],
        "",
    ),
    (
        "resources",
        "resources",
        "okd_alignment.resources",
        &["okd_alignment.resources"],
        "",
    ),
    (
        "arches",
        "architectures",
        "okd.arches",
        &["okd_stanza.arches"],
        "arches",
    ),
    ("mode", "`mode`", "okd.mode", &["okd_stanza.mode"], "mode"),
];

/// What `mode` is where it is not set.
const BUILT: &str = "enabled";

/// The key of the file that one of the view is made of.
fn key_of(said: &str) -> Option<&'static str> {
    KEYS.iter().find(|key| key.view == said).map(|key| key.file)
}

impl Intent {
    /// Everything that an image's view says for OKD and that differs from what holds for OCP. `taken`: the key that rules took for a
    /// thing, by its name; that one counts where several say it.
    pub fn all(view: &Json, taken: impl Fn(&str) -> Option<&'static Key>) -> Vec<Self> {
        let said = KINDS.iter().filter_map(|(name, what, key, keys, own)| {
            let said = keys.iter().filter_map(|said| Some((*said, at(view, said)?)));
            let said: Vec<_> = said.filter(|(_, value)| filled(value)).collect();
            let counts = |said: &str| taken(name).is_some_and(|key| key.view == said);
            let (_, value) = said.iter().find(|(said, _)| counts(said)).or_else(|| said.first())?;
            let value = (*value).clone();
            let same = !own.is_empty() && at(view, own) == Some(&value);
            // That OKD does without an image is nothing that it has.
            let nothing = *name == "mode" && (value != BUILT || !filled(&view["mode"]));
            let said_by = said.iter().filter_map(|(said, _)| key_of(said)).collect();
            (!same && !nothing).then_some(Self {
                name,
                what,
                key,
                value,
                said_by,
            })
        });
        said.collect()
    }

    /// Whether what the intent was for is still so, as far as metadata tells.
    pub fn reason_remains(&self, before: &Json, after: &Json) -> bool {
        let own = KINDS.iter().find(|kind| kind.0 == self.name).map_or("", |kind| kind.4);
        // OCP now has itself what OKD had instead.
        let adopted = !own.is_empty() && at(after, own) == Some(&self.value);
        let same = |key: &str| at(before, key) == at(after, key);
        match self.name {
            // Whether the file is still there is looked up.
            "dockerfile" => !adopted,
            // What it stood in for must be the same.
            "from" | "tag" | "path" | "arches" | "mode" => !adopted && same(own),
            "stand-in" => true,
            _ => same("source.dockerfile") && same("source.path"),
        }
    }
}
