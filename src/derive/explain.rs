//! `lockstep explain`: for one image, each value with the chain behind it.

mod beside;
mod trace;

use schemars::JsonSchema;
use serde::Serialize;

use super::document::place;
use super::provenance::{About, RulePart, one_line};
use super::{Derived, DerivedImage, DerivedInput, Release, Standing};
use crate::base::RepoName;
use crate::model::pullspec::StreamTag;

pub use beside::beside;

/// Why the values of an image are what they are.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explanation {
    /// The image's key in ocp-build-data.
    pub image: String,
    /// Its payload tag.
    pub tag: String,
    /// Its repository and branch.
    pub repository: String,
    /// The release.
    pub release: String,
    /// What became of it: derived, not built for OKD and why, or could not be derived.
    pub standing: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The whole evaluation in its order: the payload, the fields, and what only leads to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Field>,
    /// What was found about it.
    pub findings: Vec<String>,
}

/// A value and the chain behind it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Field {
    /// The field's path, such as `builders[1]`.
    pub path: String,
    /// The value, on one line.
    pub value: String,
    /// The way from the source's line to the rules: one sentence a step, each with its place.
    pub steps: Vec<Step>,
    /// Rules that were tried, strongest first.
    pub rules: Vec<RulePart>,
}

/// A step on the way to a value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Step {
    /// What kind of step: `replaces`, `metadata`, `resolves`, `branch`.
    pub kind: String,
    /// What it says.
    pub text: String,
    /// Where that stands; empty where nothing can be cited.
    pub at: String,
}

impl Field {
    /// Whether a name means it: its path, or how a plan or a CI config names what it becomes.
    pub fn is_named(&self, name: &str) -> bool {
        let input = self.path == "base" || self.path.starts_with("builders[");
        if let Some(plain) = name.strip_prefix("images[].") {
            return match plain {
                "to" => self.path == "tag",
                "from" => self.path == "base",
                "dockerfile_path" => self.path == "dockerfile",
                "inputs" => input,
                _ => self.path == plain,
            };
        }
        if self.path == name {
            return true;
        }
        // A plan names parts of what is one value here: `releases.latest`, `tests[]`.
        let whole = name.split(['.', '[']).next().unwrap_or_default();
        match whole {
            "to" => self.path == "tag",
            "dockerfile_path" => self.path == "dockerfile",
            "from" => self.path == "base",
            "inputs" | "base_images" => input,
            "builders" => input && whole == name,
            "promotion" | "prowgen" | "releases" | "tests" | "resources" => {
                self.path.strip_prefix("config.") == Some(whole)
            }
            "raw_steps" => self.path == "prepare",
            "images" => self.path == "config.images_form",
            "zz_generated_metadata" => ["payload.variant", "repository", "branch"].contains(&&*self.path),
            "file" => ["needed", "excluded"].contains(&&*self.path),
            _ => false,
        }
    }
}

/// Explains images: one by key or payload tag, or all of a repository.
pub fn explain(release: &Release<'_>, what: &str) -> Vec<Explanation> {
    let by_repo = |image: &DerivedImage| {
        image
            .repository
            .value
            .as_ref()
            .is_some_and(|repo: &RepoName| repo.to_string() == what)
    };
    let images = release.images.values();
    let found: Vec<&DerivedImage> = images
        .filter(|image| image.key == what || image.tag.value == what || by_repo(image))
        .collect();
    if found.is_empty() {
        return absent(release, what).into_iter().collect();
    }
    found
        .into_iter()
        .map(|image| Explainer { release, image }.explanation())
        .collect()
}

/// Whether metadata of a release has an image of a key, payload tag or name.
pub fn is_in_metadata(metadata: &crate::model::metadata::Metadata, what: &str) -> bool {
    let named = |view: &serde_json::Value| view["payload_name"] == what || view["name"] == what;
    metadata
        .images
        .iter()
        .any(|(key, image)| key == what || named(&image.view))
}

/// Why an image that metadata has is not built: nothing needs it.
fn absent(release: &Release<'_>, what: &str) -> Option<Explanation> {
    let named = |view: &serde_json::Value| view["payload_name"] == what || view["name"] == what;
    let mut images = release.metadata.images.iter();
    let (key, image) = images.find(|(key, image)| *key == what || named(&image.view))?;
    let mut dropped = release.configs.values().flat_map(|config| config.dropped.values());
    let dropped = dropped.find(|dropped| dropped.key == *key);
    let why = dropped.map_or("nothing asks for it", |dropped| &dropped.why);
    let rule = dropped.and_then(|dropped| release.rules.rules.get(dropped.rule?));
    let step = |kind: &str, text: &str, at: String| Step {
        kind: kind.to_owned(),
        text: text.to_owned(),
        at,
    };
    let mut steps = vec![step(
        "metadata",
        why,
        release.metadata.image_place(key, &["for_payload"]).to_string(),
    )];
    steps.extend(rule.map(|rule| {
        step(
            "rule",
            &format!("{}: {}", rule.id, rule.because),
            rule.place.to_string(),
        )
    }));
    Some(Explanation {
        image: key.clone(),
        tag: image.view["payload_name"]
            .as_str()
            .filter(|tag| !tag.is_empty())
            .unwrap_or(key)
            .to_owned(),
        repository: release.metadata.repository_of(&image.view).unwrap_or_default(),
        release: release.metadata.release.to_string(),
        standing: format!("not built for OKD: not needed, {why}"),
        fields: vec![Field {
            path: "needed".into(),
            value: "false".into(),
            steps,
            rules: Vec::new(),
        }],
        trace: Vec::new(),
        findings: Vec::new(),
    })
}

struct Explainer<'e> {
    release: &'e Release<'e>,
    image: &'e DerivedImage,
}

impl Explainer<'_> {
    fn explanation(&self) -> Explanation {
        let image = self.image;
        let repository = image.component().unwrap_or_default();
        let branch = if image.branch.is_empty() {
            String::new()
        } else {
            format!(", branch {}", image.branch)
        };
        let fields = self.fields();
        let about = |finding: &&crate::finding::Finding| finding.image.as_deref() == Some(image.tag.value.as_str());
        Explanation {
            image: image.key.clone(),
            tag: image.tag.value.clone(),
            repository: format!("{repository}{branch}"),
            release: self.release.metadata.release.to_string(),
            standing: match &image.standing {
                Standing::Derived => "derived".into(),
                Standing::Dropped(why) => format!("not built for OKD: {why}"),
                Standing::Held => "could not be derived: what is there stays".into(),
            },
            trace: trace::of(self, &fields),
            fields,
            findings: self
                .release
                .findings
                .iter()
                .filter(about)
                .map(ToString::to_string)
                .collect(),
        }
    }

    fn fields(&self) -> Vec<Field> {
        let image = self.image;
        let mut fields = vec![
            self.needed(),
            self.field("tag", &image.tag, image.tag.value.clone(), "tag"),
            self.field(
                "repository",
                &image.repository,
                image.component().unwrap_or_default(),
                "repository",
            ),
            self.branch(),
            self.field(
                "dockerfile",
                &image.dockerfile_name,
                image.dockerfile.clone(),
                "dockerfile",
            ),
            self.field(
                "context_dir",
                &image.context_dir,
                image.context_dir.value.clone(),
                "context_dir",
            ),
        ];
        let builders = image.inputs.iter().filter(|input| input.builder).enumerate();
        fields.extend(builders.map(|(at, input)| self.input(&format!("builders[{at}]"), input)));
        fields.extend(
            image
                .inputs
                .iter()
                .find(|input| !input.builder)
                .map(|input| self.input("base", input)),
        );
        for (path, value) in [
            ("build_args", &image.build_args),
            ("resources", &image.resources),
            ("prepare", &image.prepare),
        ] {
            fields.push(self.field(path, value, one_line(&value.value), path));
        }
        fields.extend(self.build_root());
        let arches = Derived {
            value: (),
            tried: image.arches.tried.clone(),
        };
        fields.push(self.field("arches", &arches, image.arches.value.join(", "), "arches"));
        if let Some(wave) = image.wave {
            fields.push(Field {
                path: "wave".into(),
                value: wave.to_string(),
                steps: Vec::new(),
                rules: Vec::new(),
            });
        }
        fields
    }

    /// What others are built from is needed whatever the rules say of it by itself.
    fn needed(&self) -> Field {
        let image = self.image;
        let Some(by) = image.needed_by.as_ref().filter(|_| !image.needed.value) else {
            return self.field("needed", &image.needed, image.needed.value.to_string(), "needed");
        };
        Field {
            path: "needed".into(),
            value: "true".into(),
            steps: vec![Step {
                kind: "because".into(),
                text: format!("{by} is built from it"),
                at: self.release.metadata.image_place(by, &["from"]).to_string(),
            }],
            rules: Vec::new(),
        }
    }

    fn field<T>(&self, path: &str, derived: &Derived<T>, value: String, rule_field: &str) -> Field {
        self.about(About::Image(&self.image.key), path, rule_field, derived, value)
    }

    fn about<T>(&self, about: About<'_>, path: &str, field: &str, derived: &Derived<T>, value: String) -> Field {
        Field {
            path: path.to_owned(),
            value,
            steps: Vec::new(),
            rules: self.release.rule_parts(&derived.tried, field, about),
        }
    }

    fn branch(&self) -> Field {
        let step = Step {
            kind: "branch".into(),
            text: self.image.branch_because.clone(),
            at: String::new(),
        };
        Field {
            path: "branch".into(),
            value: self.image.branch.clone(),
            steps: vec![step],
            rules: self
                .release
                .rule_parts(&self.image.other_branch.tried, "branch", About::Image(&self.image.key)),
        }
    }

    fn build_root(&self) -> Option<Field> {
        let config = self.release.configs.get(self.image.repository.value.as_ref()?)?;
        let value = config
            .build_root
            .value
            .as_ref()
            .map(StreamTag::to_string)
            .unwrap_or_default();
        let mut field = self.field("build_root", &config.build_root, value, "build_root");
        let asked = &self.image.build_root.value;
        if asked.as_object().is_some_and(|map| !map.is_empty()) {
            let place = self
                .release
                .metadata
                .image_place(&self.image.key, &["ci", "build_root"]);
            let text = format!("the image asks for {asked}");
            field.steps.push(Step {
                kind: "metadata".into(),
                text,
                at: place.to_string(),
            });
        }
        Some(field)
    }

    fn input(&self, path: &str, input: &DerivedInput) -> Field {
        let stage = input
            .stage
            .as_ref()
            .map(|stage| format!(" (stage {stage})"))
            .unwrap_or_default();
        let kind = if input.replace.value { "replaces" } else { "keeps" };
        let in_metadata = if input.builder {
            vec!["from", "builder"]
        } else {
            vec!["from", input.kind.as_str()]
        };
        let mut steps = vec![
            Step {
                kind: kind.into(),
                text: format!("FROM {}{stage}", input.written),
                at: place(self.image, &self.image.dockerfile, input.line).to_string(),
            },
            Step {
                kind: "metadata".into(),
                text: format!("{} {}", input.kind, input.name),
                at: self
                    .release
                    .metadata
                    .image_place(&self.image.key, &in_metadata)
                    .to_string(),
            },
        ];
        let mut rules = Vec::new();
        for (at, step) in input.chain.iter().enumerate() {
            let (about, field) = match step.kind {
                "member" => (About::Member(&step.name), "resolve"),
                _ => (About::Stream(&step.name), "pullspec"),
            };
            let next = input
                .chain
                .get(at + 1)
                .map(|next| format!("{} {}", next.kind, next.name));
            let to = next.unwrap_or_else(|| input.pullspec.value.clone());
            let text = format!("{} {} stands for {to}", step.kind, step.name);
            steps.push(Step {
                kind: "resolves".into(),
                text,
                at: String::new(),
            });
            rules.extend(self.release.rule_parts(&step.tried, field, about));
        }
        Field {
            path: path.to_owned(),
            value: input.pullspec.value.clone(),
            steps,
            rules,
        }
    }
}
