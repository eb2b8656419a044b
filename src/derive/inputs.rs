//! Pairs a Dockerfile's FROM lines with metadata, and resolves each.

use serde_json::{Value as Json, json};

use super::names::Names;
use super::provenance::taken_from;
use super::resolve::{Resolved, Resolver, named};
use super::{Component, Derived, DerivedImage, DerivedInput, Payload, ReadFile, failures, nearest};
use crate::base::Place;
use crate::facts::dockerfile::{Dockerfile, Stage};
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::model::replacement::InputKind;
use crate::rules::{Rule, RuleSet, Scope, Subject};

/// Everything that the pairing of one image needs.
pub(super) struct Pairing<'p, 'a, 's> {
    pub rules: &'a RuleSet,
    pub metadata: &'a Metadata,
    pub payload: &'p Payload,
    pub names: &'p Names,
    pub component: &'p Component,
    pub scope: &'p Scope<'s>,
}

/// A line of a Dockerfile that names an image.
pub(super) struct Line<'l> {
    pub by: InputKind,
    pub line: u32,
    pub stage: &'l Stage,
    /// Its place among the lines of its kind.
    pub index: usize,
    /// What it names as it stands, and with arguments substituted.
    pub token: &'l str,
    pub written: &'l str,
    pub builder: bool,
    pub inner: bool,
}

impl Pairing<'_, '_, '_> {
    /// The inputs of an image, builders first.
    pub fn inputs(
        &self,
        image: &DerivedImage,
        resolver: &mut Resolver<'_, '_>,
    ) -> Result<Vec<DerivedInput>, Vec<Finding>> {
        let dockerfile = self.dockerfile(image)?;
        let mut entries: Vec<&Json> = image.from.value["builder"].as_array().into_iter().flatten().collect();
        if named(&image.from.value).is_some() {
            entries.push(&image.from.value);
        }
        let stages: Vec<&Stage> = dockerfile.external_stages().collect();
        if stages.len() != entries.len() {
            return Err(vec![self.count_mismatch(image, &stages, &entries)]);
        }
        let (mut inputs, mut findings) = (Vec::new(), Vec::new());
        for (at, (entry, stage)) in entries.into_iter().zip(stages).enumerate() {
            let builder = !std::ptr::eq(entry, &raw const image.from.value);
            let last = dockerfile.stages.last();
            let line = Line {
                by: InputKind::From,
                line: stage.line,
                stage,
                index: at,
                token: &stage.image_as_written,
                written: &stage.image,
                builder,
                inner: last.is_some_and(|last| last.index != stage.index),
            };
            match self.input(image, entry, &line, resolver) {
                Ok(input) => inputs.push(input),
                Err(found) => findings.extend(found),
            }
        }
        if findings.is_empty() { Ok(inputs) } else { Err(findings) }
    }

    /// The Dockerfile of an image.
    pub fn dockerfile(&self, image: &DerivedImage) -> Result<&Dockerfile, Vec<Finding>> {
        self.read(image).map_err(|finding| vec![finding])
    }

    fn read(&self, image: &DerivedImage) -> Result<&Dockerfile, Finding> {
        let taken = taken_from(self.rules, &image.dockerfile_name.tried, "dockerfile");
        let named_in = taken.map_or("source.dockerfile", |key| key.view);
        let named_in = self.metadata.key_place(&image.key, named_in);
        let path = &image.dockerfile;
        match self.component.dockerfiles.get(path) {
            Some(ReadFile::Found(dockerfile)) => Ok(dockerfile),
            Some(ReadFile::Broken(line, message)) => {
                let text = format!("{path} of {} cannot be used: {message}", self.component.origin.name);
                let finding = self.about(image, "bad-dockerfile", text);
                Err(match line {
                    Some(_) => finding
                        .with_place(self.place(path, *line))
                        .with_help("put the Dockerfile right; until then the image's entry stays as it is"),
                    None => finding
                        .with_place(named_in)
                        .with_help("name a readable file inside the repository; until then the image's entry stays"),
                })
            }
            Some(ReadFile::Missing) | None => {
                let origin = &self.component.origin;
                let of = match origin.branch.as_str() {
                    "" => String::new(),
                    branch => format!("branch {branch} of "),
                };
                let mut text = format!("{path} is not in {of}{}", origin.name);
                let there = self
                    .component
                    .others
                    .as_deref()
                    .map(|others| nearest::nearest(path, others));
                if let Some(there) = &there {
                    text = format!("{text}: {}", nearest::shown(there));
                }
                let first = there.as_deref().and_then(<[_]>::first);
                if let Some(rule) = self.names_dockerfile(image) {
                    return Err(self.rule_names_missing(image, rule, &text, first.copied(), &named_in));
                }
                let help = match first {
                    Some(first) => format!(
                        "if {first} is meant, name it in ocp-build-data, or in `okd_alignment.dockerfile` for OKD alone"
                    ),
                    None => "correct the name in ocp-build-data, or set `okd_alignment.dockerfile`".to_owned(),
                };
                Err(self
                    .about(image, "no-dockerfile", text)
                    .with_place(named_in)
                    .with_help(help))
            }
        }
    }

    /// The rule that names an image's Dockerfile by itself, under a condition of its own, rather than by what metadata says.
    fn names_dockerfile(&self, image: &DerivedImage) -> Option<&Rule> {
        let mut deciders = image.dockerfile_name.deciders();
        let rule = self.rules.rules.get(deciders.next()?)?;
        let mut settings = rule.settings.iter();
        let own = settings.any(|setting| setting.field == "dockerfile" && setting.value.expressions().is_empty());
        (own && rule.when.is_some()).then_some(rule)
    }

    /// A Dockerfile that a rule names and that is not there: the rule first, then where metadata says what it overrules.
    fn rule_names_missing(
        &self,
        image: &DerivedImage,
        rule: &Rule,
        missing: &str,
        near: Option<&str>,
        metadata: &Place,
    ) -> Finding {
        let place = Place {
            file: rule.place.file.clone(),
            line: Some(rule.place.line),
            ..Place::default()
        };
        let text = format!("rule `{}` names the Dockerfile of {}: {missing}", rule.id, image.key);
        let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
        self.about(image, "no-dockerfile", text)
            .with_place(place)
            .with_help(format!("correct the rule{meant}; it stands over what {metadata} says"))
    }

    fn about(&self, image: &DerivedImage, code: &'static str, message: String) -> Finding {
        Finding::new(Severity::Error, code, message)
            .with_component(self.component.origin.name.clone())
            .with_image(image.tag.value.clone())
    }

    fn place(&self, path: &str, line: Option<u32>) -> Place {
        let origin = &self.component.origin;
        Place {
            repo: origin.name.clone(),
            commit: origin.commit.clone(),
            file: path.to_owned(),
            line,
        }
    }

    fn count_mismatch(&self, image: &DerivedImage, stages: &[&Stage], entries: &[&Json]) -> Finding {
        let names: Vec<_> = entries
            .iter()
            .filter_map(|entry| named(entry))
            .map(|(kind, name)| format!("{kind} {name}"))
            .collect();
        let froms: Vec<_> = stages.iter().map(|stage| stage.image.as_str()).collect();
        let text = format!(
            "{} has {} FROM lines that name images ({}), ocp-build-data has {} ({})",
            image.dockerfile,
            stages.len(),
            froms.join(", "),
            entries.len(),
            names.join(", ")
        );
        self.about(image, "stage-count", text)
            .with_place(self.place(&image.dockerfile, stages.first().map(|stage| stage.line)))
            .with_help(format!(
                "make `from` of {} and the Dockerfile agree",
                Metadata::image_file(&image.key)
            ))
    }

    fn input(
        &self,
        image: &DerivedImage,
        entry: &Json,
        line: &Line<'_>,
        resolver: &mut Resolver<'_, '_>,
    ) -> Result<DerivedInput, Vec<Finding>> {
        let resolved = resolver.resolve(entry).map_err(|unresolved| {
            let path = if line.builder {
                vec!["from", "builder"]
            } else {
                vec!["from"]
            };
            let text = format!("{}: {}", image.key, unresolved.message);
            let mut finding = self
                .about(image, "unresolved-from", text)
                .with_place(self.metadata.image_place(&image.key, &path))
                .with_help(unresolved.help);
            finding.about = unresolved.missing;
            unresolved.findings.into_iter().chain([finding]).collect::<Vec<_>>()
        })?;
        let (kind, name) = named(entry).unwrap_or(("image", String::new()));
        self.decided(image, (kind, &name), line, resolved)
    }

    /// Asks the rules about a line whose image is known. `named`: the entry of metadata that it stands for.
    pub fn decided(
        &self,
        image: &DerivedImage,
        (kind, name): (&str, &str),
        line: &Line<'_>,
        resolved: Resolved,
    ) -> Result<DerivedInput, Vec<Finding>> {
        let pullspec = self.payload.spellings.canonical(&resolved.pullspec).into_owned();
        let mut scope = self.scope.inner();
        scope.show("image", &image.view);
        let seen = match line.by {
            InputKind::From => kind,
            other => other.name(),
        };
        let view = json!({
            "kind": seen, "name": name, "builder": line.builder, "index": line.index,
            "stage": line.stage.name.clone().unwrap_or_default(), "written": line.written, "pullspec": pullspec,
        });
        scope.show("input", &view);
        let decide = |field| self.rules.decide(Subject::Input, field, self.metadata.release, &scope);
        let (replace, go) = (decide("replace"), decide("go"));
        let subject = format!("a {}of {}", line.by.line(), image.key);
        let mut failed = failures(self.rules, &replace, "replace", &subject);
        failed.extend(failures(self.rules, &go, "go", &subject));
        if !failed.is_empty() {
            return Err(failed);
        }
        Ok(DerivedInput {
            by: line.by,
            kind: kind.to_owned(),
            name: name.to_owned(),
            builder: line.builder,
            line: line.line,
            stage_index: line.stage.index,
            stage: line.stage.name.clone(),
            token: line.token.to_owned(),
            written: line.written.to_owned(),
            inner: line.inner,
            pullspec: Derived {
                value: pullspec,
                tried: resolved.chain.last().map(|step| step.tried.clone()).unwrap_or_default(),
            },
            chain: resolved.chain,
            replace: Derived::new(replace.value == Some(Json::Bool(true)), replace),
            go: Derived::new(go.text().to_owned(), go),
        })
    }
}
