//! Makes the unified build config of a derived release.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::digest::digests;
use super::payload::Last;
use super::provenance::About;
use super::{Config, Derived, DerivedImage, DerivedInput, Release, Standing, config, payload};
use crate::base::Place;
use crate::model::build_config::{
    At, BuildConfig, Copied, Dropped, Go, HeldImage, Image, Input, LastPayload, LastTag, Payload, PayloadTag, Reason,
    Repository, RuleAt, VERSION, Value, WantedBy,
};
use crate::model::go::GoLine;
use crate::model::pullspec::StreamTag;
use crate::rules::Rule;

/// Makes the document of a derived release.
pub fn build_config(release: &Release<'_>) -> BuildConfig {
    let maker = Maker {
        release,
        keys: built(release),
        rules: release.rules.rules.iter().map(Rule::named).collect(),
    };
    let standing =
        |wanted: fn(&Standing) -> bool| release.images.iter().filter(move |(_, image)| wanted(&image.standing));
    let dropped = release.images.iter().filter_map(|(key, image)| match &image.standing {
        Standing::Dropped(why) => Some((key.clone(), why.clone())),
        _ => None,
    });
    let payload = &release.payload;
    let mut images: BTreeMap<String, Image> = standing(|s| *s == Standing::Derived)
        .map(|(key, image)| (key.clone(), maker.image(image)))
        .collect();
    for (key, digest) in digests(&images, &release.metadata.external) {
        images.entry(key).and_modify(|image| image.digest = Some(digest));
    }
    BuildConfig {
        version: VERSION,
        release: release.metadata.release,
        payload: Payload {
            registry: maker.text(&payload.registry, "registry", About::Release),
            namespace: maker.text(&payload.namespace, "namespace", About::Release),
            name: maker.text(&payload.name, "name", About::Release),
            variant: maker.text(&payload.variant, "variant", About::Release),
            last: release.demand.last.as_ref().map(last_payload),
            tags: release
                .tags
                .iter()
                .map(|(name, tag)| (name.clone(), maker.tag(name, tag)))
                .collect(),
            former: payload.former.clone(),
            spellings: payload.spellings.clone(),
        },
        build_data: release.metadata.origin.commit.clone(),
        images,
        dropped: dropped.collect(),
        held: standing(|s| *s == Standing::Held).map(|(key, _)| key.clone()).collect(),
        held_images: standing(|s| *s == Standing::Held)
            .map(|(key, image)| (key.clone(), held(image)))
            .collect(),
        cycles: release.cycles.clone(),
        repositories: release
            .configs
            .iter()
            .map(|(repo, config)| (repo.clone(), maker.repository(config)))
            .collect(),
        external: release.metadata.external.clone(),
        findings: release.findings.clone(),
        complete: release.complete,
    }
}

/// Pullspecs of OKD's own images, and whose they are. One that is derived counts before one that is held.
fn built(release: &Release<'_>) -> BTreeMap<String, String> {
    let mut built = BTreeMap::new();
    for standing in [Standing::Derived, Standing::Held] {
        for (key, image) in release.images.iter().filter(|(_, image)| image.standing == standing) {
            let pullspec = release.payload.tag(&image.tag.value).to_string();
            built.entry(pullspec).or_insert_with(|| key.clone());
        }
    }
    built
}

fn held(image: &DerivedImage) -> HeldImage {
    let repository = image.repository.value.as_ref();
    let from = &image.from.value;
    let member = |entry: &Json| entry["member"].as_str().map(str::to_owned);
    HeldImage {
        tag: image.tag.value.clone(),
        repository: repository.map(ToString::to_string).unwrap_or_default(),
        base: member(from),
        builders: from["builder"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(member)
            .collect(),
        wave: image.wave,
    }
}

struct Maker<'r> {
    release: &'r Release<'r>,
    /// Keys of the images that are built, by pullspec.
    keys: BTreeMap<String, String>,
    /// All rules, each by its place among them.
    rules: Vec<RuleAt>,
}

fn last_payload(last: &Last) -> LastPayload {
    LastPayload {
        version: last.metadata.as_ref().map(|metadata| metadata.version.clone()),
        from: At(last.place.clone()),
    }
}

impl Maker<'_> {
    fn tag(&self, name: &str, tag: &payload::PayloadTag) -> PayloadTag {
        let about = About::Release;
        let said =
            |derived: &Derived<String>, field| (!derived.value.is_empty()).then(|| self.text(derived, field, about));
        let wanted = |wanted: &payload::AskedBy| WantedBy {
            operators: wanted.operators.clone(),
            at: At(wanted.place.clone()),
        };
        let last = |last: &payload::Before| LastTag {
            pullspec: last.tag.pullspec.clone(),
            repository: payload::repository(&last.tag.source).to_owned(),
            commit: last.tag.commit.clone(),
            at: At(last.place.clone()),
        };
        PayloadTag {
            built_by: tag.built_by.clone(),
            wanted_by: tag.wanted_by.iter().map(wanted).collect(),
            last: tag.last.as_ref().map(last),
            stands_for: said(&tag.stands_for, "stands_for").filter(|other| other.value != name),
            external: said(&tag.external, "external"),
            kept: said(&tag.kept, "kept"),
        }
    }

    fn value<T, U>(&self, derived: &Derived<T>, field: &str, about: About<'_>, value: U) -> Value<U> {
        let rules = &self.release.rules.rules;
        let rules = derived.deciders().filter_map(|at| rules.get(at));
        let places = rules.flat_map(|rule| self.release.places_read_by(rule, field, about));
        let mut from: Vec<At> = places.map(At).collect();
        from.sort_by_cached_key(At::to_string);
        from.dedup();
        Value {
            value,
            rules: self.rules_of(derived),
            from,
            because: None,
        }
    }

    fn rules_of<T>(&self, derived: &Derived<T>) -> Vec<RuleAt> {
        derived.deciders().filter_map(|at| self.rule(at)).collect()
    }

    fn rule(&self, at: usize) -> Option<RuleAt> {
        self.rules.get(at).cloned()
    }

    fn text(&self, derived: &Derived<String>, field: &str, about: About<'_>) -> Value<String> {
        self.value(derived, field, about, derived.value.clone())
    }

    fn json(&self, derived: &Derived<Json>, field: &str, about: About<'_>) -> Value<Json> {
        self.value(derived, field, about, derived.value.clone())
    }

    fn image(&self, image: &DerivedImage) -> Image {
        let about = About::Image(&image.key);
        let is_base = |input: &&DerivedInput| !input.builder;
        let repository = image.component().unwrap_or_default();
        Image {
            tag: self.text(&image.tag, "tag", about),
            repository: self.value(&image.repository, "repository", about, repository),
            branch: Value {
                value: image.branch.clone(),
                rules: Vec::new(),
                from: Vec::new(),
                because: Some(image.branch_because.clone()).filter(|because| !because.is_empty()),
            },
            commit: image.origin.as_ref().and_then(|origin| origin.commit.clone()),
            tree: image.tree.clone(),
            dockerfile_blob: image.dockerfile_blob.clone(),
            payload: image.in_payload,
            digest: None,
            dockerfile: self.value(&image.dockerfile_name, "dockerfile", about, image.dockerfile.clone()),
            context_dir: self.text(&image.context_dir, "context_dir", about),
            base: image.inputs.iter().find(is_base).map(|input| self.input(image, input)),
            builders: image
                .inputs
                .iter()
                .filter(|input| input.builder)
                .map(|input| self.input(image, input))
                .collect(),
            copies_from: image.copies.iter().map(|copy| self.copied(image, copy)).collect(),
            stages: image.recipe.clone(),
            go: self.go(image),
            own_build_root: image.own_build_root.as_ref().map(|(root, line)| Value {
                value: root.clone(),
                rules: Vec::new(),
                because: None,
                from: vec![place(image, ".ci-operator.yaml", *line)],
            }),
            build_args: self.json(&image.build_args, "build_args", about),
            resources: self.json(&image.resources, "resources", about),
            prepare: self.json(&image.prepare, "prepare", about),
            arches: self.value(&image.arches, "arches", about, image.arches.value.clone()),
            wave: image.wave,
            reason: self.reason(image),
        }
    }

    fn reason(&self, image: &DerivedImage) -> Reason {
        let Some(child) = &image.needed_by else {
            let rule = image.needed.deciders().next().and_then(|at| self.rule(at));
            return Reason {
                because: rule.as_ref().map(|rule| rule.because.to_string()).unwrap_or_default(),
                rule,
                for_another: false,
            };
        };
        let tag = self.release.images.get(child).map_or(child, |child| &child.tag.value);
        Reason {
            rule: image.excluded.deciders().last().and_then(|at| self.rule(at)),
            because: format!("{tag} is built from it"),
            for_another: true,
        }
    }

    fn copied(&self, image: &DerivedImage, copy: &DerivedInput) -> Copied {
        let pullspec = &copy.pullspec.value;
        Copied {
            kind: copy.by,
            written: copy.written.clone(),
            token: token(copy),
            pullspec: pullspec.clone(),
            image: self.keys.get(pullspec).cloned(),
            metadata: (!copy.kind.is_empty()).then(|| format!("{} {}", copy.kind, copy.name)),
            at: place(image, &image.dockerfile, copy.line),
            replaced: copy.replace.value,
            rules: self.rules_of(&copy.pullspec),
        }
    }

    fn input(&self, image: &DerivedImage, input: &DerivedInput) -> Input {
        let about = input
            .chain
            .last()
            .map_or(About::Image(&image.key), |step| match step.kind {
                "member" => About::Member(&step.name),
                _ => About::Stream(&step.name),
            });
        let field = if matches!(about, About::Stream(_)) {
            "pullspec"
        } else {
            "resolve"
        };
        Input {
            pullspec: self.text(&input.pullspec, field, about),
            image: self.keys.get(&input.pullspec.value).cloned(),
            metadata: format!("{} {}", input.kind, input.name),
            written: input.written.clone(),
            token: token(input),
            at: place(image, &image.dockerfile, input.line),
            stage: input.stage.clone(),
            replaced: input.replace.value,
            go: Some(input.go.value.clone()).filter(|go| !go.is_empty()),
            stage_index: input.stage_index,
            inner: input.inner,
        }
    }

    fn go(&self, image: &DerivedImage) -> Option<Go> {
        let line = |asked: &Option<GoLine>| {
            let GoLine { version, file, line } = asked.as_ref()?;
            Some(Value {
                value: version.clone(),
                rules: Vec::new(),
                because: None,
                from: vec![place(image, file, *line)],
            })
        };
        let go = Go {
            version: line(&image.go.asked),
            toolchain: line(&image.go.toolchain),
        };
        if go.version.is_none() && go.toolchain.is_none() {
            None
        } else {
            Some(go)
        }
    }

    fn repository(&self, config: &Config) -> Repository {
        let about = About::Release;
        let images = config.images.iter().filter_map(|key| self.release.images.get(key));
        let root = config.build_root.value.as_ref().map(StreamTag::to_string);
        Repository {
            branch: config.branch.clone(),
            images: images.map(|image| image.tag.value.clone()).collect(),
            build_root: root.map(|root| self.value(&config.build_root, "build_root", about, root)),
            promotion: self.json(&config.promotion, "promotion", about),
            prowgen: self.json(&config.prowgen, "prowgen", about),
            releases: self.json(&config.releases, "releases", about),
            resources: self.json(&config.resources, "resources", about),
            tests: self.json(&config.tests, "tests", about),
            keys: config.images.clone(),
            held: config.held.clone(),
            dropped: config
                .dropped
                .iter()
                .map(|(tag, dropped)| (tag.clone(), self.dropped(dropped)))
                .collect(),
            images_as_items: self.word(&config.images_as_items, "images_form"),
            last_stage_only: self.word(&config.last_stage_only, "stage_names"),
            rewrite_same_meaning: self.word(&config.rewrite_same_meaning, "same_meaning"),
            broken: config.broken,
        }
    }

    fn word(&self, derived: &Derived<bool>, field: &str) -> Value<bool> {
        self.value(derived, field, About::Release, derived.value)
    }

    fn dropped(&self, dropped: &config::Dropped) -> Dropped {
        let image = self.release.images.get(&dropped.key);
        let step = image.and_then(|image| image.prepare.value["name"].as_str());
        Dropped {
            key: dropped.key.clone(),
            why: dropped.why.clone(),
            rule: dropped.rule.and_then(|at| self.rule(at)),
            step: step.map(str::to_owned),
        }
    }
}

/// What a line names as it stands, where that is something else than what it resolves to.
fn token(input: &DerivedInput) -> Option<String> {
    Some(input.token.clone()).filter(|token| *token != input.written)
}

/// A place in an image's repository.
pub(super) fn place(image: &DerivedImage, file: &str, line: u32) -> At {
    let origin = image.origin.as_ref();
    At(Place {
        repo: origin.map(|origin| origin.name.clone()).unwrap_or_default(),
        commit: origin.and_then(|origin| origin.commit.clone()),
        file: file.to_owned(),
        line: Some(line),
    })
}
