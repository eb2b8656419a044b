//! What a config should say: the derived parts as YAML, before they meet the file that is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::froms::{self, Line, Replaced, Want, Wants};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::model::build_config::{BuildConfig, Image, Repository};
use crate::model::metadata::Metadata;
use crate::model::pullspec::StreamTag;
use crate::targets::to_node;
use crate::yaml::Node;

/// The derived parts of a config.
#[derive(Debug, Default)]
pub struct Document {
    /// `base_images` that the images need.
    pub base_images: BTreeMap<String, StreamTag>,
    /// Images in order.
    pub images: Vec<ImageItem>,
    /// `raw_steps`: the step's name and the step.
    pub raw_steps: Vec<(String, Node)>,
    /// Tags of images that could not be derived: what is there of them stays.
    pub left_out: BTreeSet<String>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
}

/// One item of `images`.
#[derive(Debug)]
pub struct ImageItem {
    /// The image's key in build data.
    pub key: String,
    /// Its tag: `to`.
    pub to: String,
    /// Managed fields and their values; an absent one is `None`.
    pub fields: Vec<(&'static str, Option<Node>)>,
    /// Per text that is replaced: the stage's name, the image as written, and the reference in its place.
    pub replaced: Vec<Replaced>,
    /// The reference that stands for the base.
    pub from: Option<String>,
    /// The base itself: the same, or what the step starts from that metadata asks for.
    pub base: Option<String>,
    /// What has to stand in each place of the Dockerfile.
    pub wants: Wants,
    /// Names of FROMs (stage, image as written) for which no reference could be derived: what stands for them stays.
    pub open: BTreeSet<String>,
    /// Whether the base is one of these.
    pub open_base: bool,
}

/// Makes the derived parts of a config. `there`: the tags of the images that the file has.
pub fn document(
    metadata: &Metadata,
    release: &BuildConfig,
    (repo, config): (&RepoName, &Repository),
    there: &BTreeSet<String>,
) -> Document {
    let images = config.keys.iter();
    let mut images: Vec<Keyed<'_>> = images
        .filter_map(|key| Some((key.as_str(), release.images.get(key)?)))
        .collect();
    let mut document = Document {
        left_out: config.held.clone(),
        ..Document::default()
    };
    leave_out(&mut images, &mut document, |(key, image), _| {
        let inside = strip_context(&image.dockerfile.value, &image.context_dir.value).is_some();
        if !inside {
            return Some(outside_context(metadata, key, image).with_component(repo.to_string()));
        }
        let conflict = froms::conflict(image).filter(|_| !config.last_stage_only.value);
        conflict.map(|finding| finding.with_component(repo.to_string()))
    });
    leave_out(&mut images, &mut document, |(_, image), left_out| {
        let lines = froms::froms(image).filter(|(_, line)| line.replaced);
        let mut tags = lines.filter_map(|(_, line)| own_tag(release, line.pullspec));
        let missing = tags.find(|tag| left_out.contains(tag) && !there.contains(tag))?;
        Some(waiting(image, &missing).with_component(repo.to_string()))
    });
    let own = images.iter().map(|(_, image)| image.tag.value.clone());
    let own = own
        .chain(document.left_out.iter().filter(|tag| there.contains(*tag)).cloned())
        .collect();
    let mut maker = Maker {
        metadata,
        release,
        repo,
        last_stage_only: config.last_stage_only.value,
        own,
        document,
    };
    for (key, image) in images {
        maker.image(key, image);
    }
    maker.document
}

/// An image with its key.
type Keyed<'i> = (&'i str, &'i Image);

/// Leaves images out until none is refused any more: one that is left out may take others with it.
fn leave_out(
    images: &mut Vec<Keyed<'_>>,
    document: &mut Document,
    refused: impl Fn(Keyed<'_>, &BTreeSet<String>) -> Option<Finding>,
) {
    let next = |images: &[Keyed<'_>], left_out: &BTreeSet<String>| {
        let mut found = images.iter().enumerate();
        found.find_map(|(at, image)| Some((at, refused(*image, left_out)?)))
    };
    while let Some((at, finding)) = next(images, &document.left_out) {
        document.left_out.insert(images.remove(at).1.tag.value.clone());
        document.findings.push(finding);
    }
}

/// The tag of a pullspec that is one of the release's own images.
fn own_tag(release: &BuildConfig, pullspec: &str) -> Option<String> {
    let tag = StreamTag::parse(pullspec)?;
    (tag == release.payload.tag(&tag.tag)).then_some(tag.tag)
}

fn outside_context(metadata: &Metadata, key: &str, image: &Image) -> Finding {
    let text = format!(
        "{} is not in the build context {}",
        image.dockerfile.value, image.context_dir.value
    );
    Finding::new(Severity::Error, "outside-context", text)
        .with_place(metadata.image_place(key, &["okd_alignment", "context_dir"]))
        .with_image(image.tag.value.clone())
        .with_help("a Dockerfile's path is relative to its context: correct `context_dir` or `path`")
}

fn waiting(image: &Image, missing: &str) -> Finding {
    let text = format!(
        "{} is built from {missing} of the same repository, which could not be derived and is not in the config",
        image.tag.value
    );
    Finding::new(Severity::Error, "waits-for-image", text)
        .with_image(image.tag.value.clone())
        .with_help(format!("see the findings about {missing}"))
}

struct Maker<'a> {
    metadata: &'a Metadata,
    release: &'a BuildConfig,
    repo: &'a RepoName,
    last_stage_only: bool,
    own: BTreeSet<String>,
    document: Document,
}

impl Maker<'_> {
    fn image(&mut self, key: &str, image: &Image) {
        let step = image.prepare.value["name"].as_str();
        let (mut replaced, mut from, mut base) = (Vec::new(), None, None);
        let (mut open, mut open_base) = (BTreeSet::new(), false);
        let wants = Wants::of(image, |line| {
            if !line.replaced {
                return Want::Stays;
            }
            let Some(mut reference) = self.reference(key, image, line) else {
                if self.same(line.pullspec, line.written) {
                    return Want::Stays;
                }
                let names = line.stage.into_iter().chain([line.token, line.written]);
                open.extend(names.map(str::to_owned));
                open_base |= line.last;
                return Want::Open;
            };
            let plain = reference.clone();
            if let Some(step) = step.filter(|_| !line.builder) {
                self.prepare(image, step, &reference);
                step.clone_into(&mut reference);
            }
            if line.last {
                (from, base) = (Some(reference.clone()), Some(plain));
            } else {
                replaced.push(Replaced {
                    stage: line.stage.map(str::to_owned),
                    token: line.token.to_owned(),
                    written: line.written.to_owned(),
                    reference: reference.clone(),
                });
            }
            Want::By(reference)
        });
        let inputs = if self.last_stage_only {
            froms::compose_last(&replaced)
        } else {
            froms::compose(&image.stages, &replaced, from.as_deref())
        };
        let path = &image.dockerfile.value;
        let dockerfile = strip_context(path, &image.context_dir.value).unwrap_or(path);
        let text = |text: &str| {
            if text.is_empty() {
                None
            } else {
                Some(Node::string(text))
            }
        };
        let list = |value: &Json| {
            if value.as_array().is_none_or(Vec::is_empty) {
                None
            } else {
                Some(to_node(value))
            }
        };
        let fields = vec![
            ("build_args", list(&image.build_args.value)),
            ("context_dir", text(&image.context_dir.value)),
            ("dockerfile_path", text(dockerfile)),
            // The base comes last: what the inputs say by then may replace it already.
            ("inputs", froms::node(&inputs)),
            ("from", from.as_deref().and_then(text)),
        ];
        let (key, to) = (key.to_owned(), image.tag.value.clone());
        self.document.images.push(ImageItem {
            key,
            to,
            fields,
            replaced,
            from,
            base,
            wants,
            open,
            open_base,
        });
    }

    /// Notes the step that prepares an image's base.
    fn prepare(&mut self, image: &Image, step: &str, base: &str) {
        let commands = image.prepare.value["commands"].as_str().unwrap_or_default();
        let body = json!({"pipeline_image_cache_step": {"commands": commands, "from": base, "to": step}});
        self.document.raw_steps.push((step.to_owned(), to_node(&body)));
    }

    fn same(&self, one: &str, other: &str) -> bool {
        self.release.payload.spellings.same(one, other)
    }

    /// What stands for a FROM: an image of the same file by its tag, any other by a key of `base_images`.
    fn reference(&mut self, key: &str, image: &Image, line: &Line<'_>) -> Option<String> {
        let tag = StreamTag::parse(line.pullspec).filter(|tag| tag.registry == self.release.payload.registry.value);
        let Some(tag) = tag else {
            if !self.same(line.written, line.pullspec) {
                self.document.findings.push(self.foreign(key, image, line));
            }
            return None;
        };
        if tag == self.release.payload.tag(&tag.tag) && self.own.contains(&tag.tag) {
            return Some(tag.tag);
        }
        let key = tag.key();
        self.document.base_images.insert(key.clone(), tag);
        Some(key)
    }

    fn foreign(&self, key: &str, image: &Image, line: &Line<'_>) -> Finding {
        let text = format!(
            "{} of {key} stands for {}, which CI's registry {} does not serve; its FROM stays {}",
            line.metadata, line.pullspec, self.release.payload.registry.value, line.written
        );
        let path: &[&str] = if line.builder { &["from", "builder"] } else { &["from"] };
        Finding::new(Severity::Warning, "foreign-pullspec", text)
            .with_place(self.metadata.image_place(key, path))
            .with_component(self.repo.to_string())
            .with_image(image.tag.value.clone())
            .with_help("give the stream an `upstream_image` in CI's registry")
    }
}

/// The Dockerfile's path inside its build context; `None` where it stands outside.
fn strip_context<'p>(path: &'p str, context: &str) -> Option<&'p str> {
    let plain = |path: &'p str| path.strip_prefix("./").unwrap_or(path);
    match context.trim_end_matches('/').trim_start_matches("./") {
        "" | "." => Some(path),
        context => plain(path).strip_prefix(context)?.strip_prefix('/'),
    }
}
