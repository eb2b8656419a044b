//! One image, and what its metadata tells of it: every field that rules on image decide is a field here.

use serde_json::{Value as Json, json};

use super::{Derived, DerivedInput, Standing, failures};
use crate::base::{Origin, RepoName};
use crate::finding::{Finding, Severity};
use crate::model::go::GoNeed;
use crate::model::metadata::Metadata;
use crate::model::replacement::Recipe;
use crate::rules::{Decision, RuleSet, Scope, Subject};

/// One image as it is derived, for Rust: `model::build_config::Image` is what of it the document says.
#[derive(Clone, Debug)]
pub struct DerivedImage {
    /// Its key in ocp-build-data.
    pub key: String,
    /// Whether it could be derived.
    pub standing: Standing,
    /// Why it is needed.
    pub needed: Derived<bool>,
    /// An image that is built from it, by key, where that is the only reason why it is needed.
    pub needed_by: Option<String>,
    /// Why OKD does not build it; empty: it does.
    pub excluded: Derived<String>,
    /// Its tag in the payload.
    pub tag: Derived<String>,
    /// Its public repository.
    pub repository: Derived<Option<RepoName>>,
    /// The branch that rules put in the place of the one that promotes; empty: none.
    pub other_branch: Derived<String>,
    /// The image that stands for it, so that it is not built; empty: none.
    pub pullspec: Derived<String>,
    /// The branch that it is built from.
    pub branch: String,
    /// Why that branch.
    pub branch_because: String,
    /// The Dockerfile's path in the repository.
    pub dockerfile: String,
    /// The rules about the Dockerfile's name.
    pub dockerfile_name: Derived<String>,
    /// The rules about the Dockerfile's folder.
    pub path: Derived<String>,
    /// The build context; empty: the repository's root.
    pub context_dir: Derived<String>,
    /// What it is built from and with, as metadata has it.
    pub from: Derived<Json>,
    /// Git's id of the build context's tree.
    pub tree: Option<String>,
    /// Git's id of the Dockerfile's blob, links followed.
    pub dockerfile_blob: Option<String>,
    /// Whether it is in the payload, or only built because others need it.
    pub in_payload: bool,
    /// Builders and base, in the order of the Dockerfile.
    pub inputs: Vec<DerivedInput>,
    /// Images that other lines of the Dockerfile take files from: each once for each kind of line.
    pub copies: Vec<DerivedInput>,
    /// What of the Dockerfile decides what is replaced.
    pub recipe: Recipe,
    /// Build arguments.
    pub build_args: Derived<Json>,
    /// Resources of its build.
    pub resources: Derived<Json>,
    /// A step that prepares its base.
    pub prepare: Derived<Json>,
    /// The build root that its metadata asks for.
    pub build_root: Derived<Json>,
    /// Architectures.
    pub arches: Derived<Vec<String>>,
    /// The Go that its module asks for.
    pub go: GoNeed,
    /// The build root that the component's `.ci-operator.yaml` names, `namespace/name:tag`, and its line.
    pub own_build_root: Option<(String, u32)>,
    /// Where the component was read.
    pub origin: Option<Origin>,
    /// How many parents its chain of bases has.
    pub depth: u32,
    /// Its build wave, counted from 0.
    pub wave: Option<u32>,
    /// As rules see it.
    pub view: Json,
}

impl DerivedImage {
    /// The repository that it is built from, as findings and causes name it.
    pub fn component(&self) -> Option<String> {
        self.repository.value.as_ref().map(ToString::to_string)
    }
}

/// What is decided of every image before it is known which are needed.
pub(super) struct Draft {
    pub view: Json,
    pub needed: Decision,
    pub from: Decision,
}

impl Draft {
    /// Decides whether an image is needed for its own sake, and what it is built from.
    pub fn new(rules: &RuleSet, metadata: &Metadata, key: &str, view: Json, scope: &Scope<'_>) -> Self {
        let inner = before_tag(rules, metadata, key, &view, scope);
        let decide = |field| rules.decide(Subject::Image, field, metadata.release, &inner);
        let (needed, from) = (decide("needed"), decide("from"));
        Self { view, needed, from }
    }

    /// What is known of an image that nothing needs.
    pub fn unneeded(self, rules: &RuleSet, metadata: &Metadata, key: &str, scope: &Scope<'_>) -> Unneeded {
        let inner = before_tag(rules, metadata, key, &self.view, scope);
        let tag = rules.decide(Subject::Image, "tag", metadata.release, &inner);
        let value = tag.text();
        Unneeded {
            needed: Derived::new(false, self.needed),
            tag: Derived::new(value.to_owned(), tag),
        }
    }
}

/// An image that nothing needs.
#[derive(Debug)]
pub struct Unneeded {
    /// The rules that were asked.
    pub needed: Derived<bool>,
    /// The tag that it would have.
    pub tag: Derived<String>,
}

/// What rules see of an image as long as its tag is not decided.
fn before_tag<'s>(rules: &RuleSet, metadata: &Metadata, key: &str, view: &'s Json, scope: &'s Scope<'s>) -> Scope<'s> {
    let mut inner = scope.inner();
    inner.show("image", view);
    inner.set("tag", &json!(""));
    if rules.uses_variable(Subject::Image, "metadata") {
        inner.set("metadata", &Json::from(&metadata.images[key].node));
    }
    inner
}

/// Makes one image.
pub(super) struct Maker<'m> {
    pub rules: &'m RuleSet,
    pub metadata: &'m Metadata,
    pub key: &'m str,
    pub findings: Vec<Finding>,
}

impl Maker<'_> {
    /// Decides the rest of an image that is needed.
    pub fn image(mut self, draft: Draft, needed_by: Option<String>, scope: &Scope<'_>) -> (DerivedImage, Vec<Finding>) {
        let key = self.key;
        let Draft { view, needed, from } = draft;
        let mut inner = before_tag(self.rules, self.metadata, key, &view, scope);
        let misread = self.metadata.is_misread(key);
        let held = needed.failures().next().is_some();
        let mut fields = Fields {
            maker: &mut self,
            scope: &inner,
            held,
        };
        let tag = fields.text("tag");
        let held = fields.held;
        inner.set("tag", &json!(tag.value));
        let mut fields = Fields {
            maker: &mut self,
            scope: &inner,
            held,
        };
        let excluded = fields.text("excluded");
        fields.check("from", &from);
        let repository = fields.text("repository");
        let other_branch = fields.text("branch");
        let pullspec = fields.text("pullspec");
        let dockerfile_name = fields.text("dockerfile");
        let path = fields.text("path");
        let context_dir = fields.text("context_dir");
        let build_args = fields.json("build_args", json!([]));
        let resources = fields.json("resources", json!({}));
        let prepare = fields.json("prepare", json!({}));
        let build_root = fields.json("build_root", json!({}));
        let arches = fields.json("arches", json!([]));
        let held = fields.held;
        let standing = match (held, excluded.value.is_empty()) {
            // A key of a form that was not expected counts as absent, and absence must not drop anything.
            (_, false) if misread => Standing::Held,
            (_, false) => Standing::Dropped(excluded.value.clone()),
            (true, true) => Standing::Held,
            (false, true) if !pullspec.value.is_empty() => {
                Standing::Dropped(format!("{} stands for it", pullspec.value))
            }
            (false, true) => Standing::Derived,
        };
        let repo = repository.value.split_once('/').map(|(org, repo)| RepoName {
            org: org.into(),
            repo: repo.into(),
        });
        let dockerfile = join(&path.value, &dockerfile_name.value);
        let mut view = view;
        view["tag"] = json!(tag.value);
        view["build_root"] = build_root.value.clone();
        let mut image = DerivedImage {
            key: key.to_owned(),
            standing,
            needed: Derived::new(needed.value == Some(Json::Bool(true)), needed),
            needed_by,
            excluded,
            tag,
            repository: Derived {
                value: repo,
                tried: repository.tried,
            },
            other_branch,
            pullspec,
            branch: String::new(),
            branch_because: String::new(),
            dockerfile,
            dockerfile_name,
            path,
            context_dir,
            from: Derived {
                value: from.value.clone().unwrap_or(json!({})),
                tried: from.tried,
            },
            tree: None,
            dockerfile_blob: None,
            in_payload: view["for_payload"] == true,
            inputs: Vec::new(),
            copies: Vec::new(),
            recipe: Recipe::default(),
            build_args,
            resources,
            prepare,
            build_root,
            arches: Derived {
                value: texts(&arches.value),
                tried: arches.tried,
            },
            go: GoNeed::default(),
            own_build_root: None,
            origin: None,
            depth: 0,
            wave: None,
            view,
        };
        self.check_source(&image);
        if misread && image.standing == Standing::Held && !image.excluded.value.is_empty() {
            let text = format!(
                "{key} would not be built ({}), but its metadata has a key of another form than expected",
                image.excluded.value
            );
            let finding = Finding::new(Severity::Error, "uncertain-exclusion", text)
                .with_place(self.metadata.place(Metadata::image_file(key), None))
                .with_image(image.tag.value.clone())
                .with_help("put the key right; until then what is there of the image stays");
            self.findings.push(finding);
        }
        if image.standing == Standing::Derived && image.repository.value.is_none() {
            image.standing = Standing::Held;
            let place = self.metadata.image_place(key, &["source", "url"]);
            let finding = Finding::new(
                Severity::Error,
                "no-repository",
                format!("{key} names no public GitHub repository"),
            )
            .with_place(place)
            .with_image(image.tag.value.clone())
            .with_help("add `content.source.git.web`, or a rule that sets `excluded`");
            self.findings.push(finding);
        }
        (image, self.findings)
    }

    /// An image that is wanted for its own sake and whose address leads nowhere that can be built from deserves a word.
    fn check_source(&mut self, image: &DerivedImage) {
        let url = ["url", "web"].map(|name| image.view["source"][name].as_str().unwrap_or_default());
        let [url, web] = url;
        let address = if url.is_empty() { web } else { url };
        let nowhere = image.view["source"]["repository"] == "" && !address.is_empty();
        if !nowhere || !image.needed.value {
            return;
        }
        let text = format!("{address} of {} leads to no public GitHub repository", image.key);
        let finding = Finding::new(Severity::Note, "no-public-source", text)
            .with_place(
                self.metadata
                    .image_place(&image.key, &["source", if url.is_empty() { "web" } else { "url" }]),
            )
            .with_image(image.tag.value.clone())
            .with_help("correct it, or map it with `public_upstreams` in group.yml; the image is not built until then");
        self.findings.push(finding);
    }
}

struct Fields<'o, 'm, 's> {
    maker: &'o mut Maker<'m>,
    scope: &'s Scope<'s>,
    held: bool,
}

impl Fields<'_, '_, '_> {
    fn decide(&mut self, field: &str) -> Decision {
        let Maker { rules, metadata, .. } = &*self.maker;
        let decision = rules.decide(Subject::Image, field, metadata.release, self.scope);
        self.check(field, &decision);
        decision
    }

    fn check(&mut self, field: &str, decision: &Decision) {
        let found = failures(self.maker.rules, decision, field, &format!("image {}", self.maker.key));
        self.held |= !found.is_empty();
        self.maker.findings.extend(found);
    }

    fn text(&mut self, field: &str) -> Derived<String> {
        let decision = self.decide(field);
        let text = decision.text().to_owned();
        Derived::new(text, decision)
    }

    fn json(&mut self, field: &str, default: Json) -> Derived<Json> {
        let decision = self.decide(field);
        Derived::new(decision.value.clone().unwrap_or(default), decision)
    }
}

fn texts(value: &Json) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect()
}

/// Joins a folder and a file name as they are written: a leading `./` of the name is kept.
fn join(folder: &str, file: &str) -> String {
    match folder.trim_end_matches('/') {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    }
}
