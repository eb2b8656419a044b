//! What a member, a stream or an image stands for in OKD: lookups are the engine's, choices are the rules'.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{DerivedImage, failures};
use crate::finding::Finding;
use crate::model::metadata::Metadata;
use crate::rules::decision::Tried;
use crate::rules::load::nearest;
use crate::rules::{Decision, RuleSet, Scope, Subject};

/// One step from a metadata entry to a pullspec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was resolved: `member`, `stream`.
    pub kind: &'static str,
    /// Its name (a stream's own name, where an alias was given).
    pub name: String,
    /// The rules that were tried for it, strongest first.
    pub tried: Vec<Tried>,
}

/// What an entry stands for.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The pullspec.
    pub pullspec: String,
    /// How it came about.
    pub chain: Vec<Step>,
}

/// Why an entry stands for nothing.
#[derive(Clone, Debug)]
pub struct Unresolved {
    /// A sentence.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The name that nothing has, where that is why.
    pub missing: Option<String>,
    /// Failures of rules on the way.
    pub findings: Vec<Finding>,
}

/// How many entries may lead to one another.
const MAX_STEPS: usize = 16;

/// Resolves entries, each member and stream once.
pub struct Resolver<'a, 's> {
    rules: &'a RuleSet,
    metadata: &'a Metadata,
    images: &'s std::collections::BTreeMap<String, DerivedImage>,
    scope: &'s Scope<'s>,
    known: HashMap<(&'static str, String), Decision>,
}

impl<'a, 's> Resolver<'a, 's> {
    /// A resolver over the images of an outline.
    pub fn new(
        rules: &'a RuleSet,
        metadata: &'a Metadata,
        images: &'s std::collections::BTreeMap<String, DerivedImage>,
        scope: &'s Scope<'s>,
    ) -> Self {
        Self {
            rules,
            metadata,
            images,
            scope,
            known: HashMap::new(),
        }
    }

    /// Resolves `{member|stream|image: name}` to a pullspec.
    ///
    /// # Errors
    /// A name that does not exist, a circle, or a rule that failed.
    pub fn resolve(&mut self, reference: &Json) -> Result<Resolved, Unresolved> {
        let mut chain = Vec::new();
        let mut at = reference.clone();
        loop {
            let Some((kind, name)) = named(&at) else {
                return Err(unresolved(
                    "the entry names no member, stream or image",
                    "name one of them",
                ));
            };
            if kind == "image" {
                return Ok(Resolved { pullspec: name, chain });
            }
            let circle = chain.iter().any(|step: &Step| step.kind == kind && step.name == name);
            if circle || chain.len() >= MAX_STEPS {
                let path: Vec<_> = chain
                    .iter()
                    .map(|step| format!("{} {}", step.kind, step.name))
                    .collect();
                let message = format!("{} leads back to {kind} {name}", path.join(" → "));
                return Err(unresolved(message, "break the circle of `resolve_as`"));
            }
            let (name, decision) = if kind == "member" {
                self.member(&name)?
            } else {
                self.stream(&name)?
            };
            let value = decision.value.clone();
            let found = failures(self.rules, &decision, "resolve", &format!("{kind} {name}"));
            chain.push(Step {
                kind,
                name: name.clone(),
                tried: decision.tried,
            });
            at = match value {
                _ if !found.is_empty() => {
                    let message = format!("rules failed on {kind} {name}");
                    let help = "see the findings about the rules".to_owned();
                    return Err(Unresolved {
                        message,
                        help,
                        missing: None,
                        findings: found,
                    });
                }
                Some(Json::String(pullspec)) => json!({ "image": pullspec }),
                Some(reference @ Json::Object(_)) => reference,
                _ => {
                    let message = format!("no rule says what {kind} {name} stands for");
                    return Err(unresolved(message, "give it an image in ocp-build-data, or add a rule"));
                }
            };
        }
    }

    fn member(&mut self, name: &str) -> Result<(String, Decision), Unresolved> {
        let Some(facts) = self.metadata.images.get(name) else {
            if self.metadata.broken.contains(name) {
                let help = format!("put {} right", Metadata::image_file(name));
                return Err(unresolved(
                    format!("member {name} has a file that cannot be read"),
                    help,
                ));
            }
            let keys: Vec<_> = self.metadata.images.keys().map(String::as_str).collect();
            return Err(Unresolved {
                missing: Some(name.to_owned()),
                ..unresolved(
                    format!("there is no image {name}"),
                    near(name, &keys, "images/<key>.yml"),
                )
            });
        };
        if let Some(known) = self.known.get(&("member", name.to_owned())) {
            return Ok((name.to_owned(), known.clone()));
        }
        if self.images.get(name).is_some_and(|image| image.tag.value.is_empty()) {
            return Err(unresolved(
                format!("the payload tag of member {name} could not be derived"),
                "see the findings about that image",
            ));
        }
        if let Some(image) = self.images.get(name).filter(|image| !image.pullspec.value.is_empty()) {
            let decision = Decision {
                value: Some(json!({"image": image.pullspec.value})),
                tried: image.pullspec.tried.clone(),
            };
            return Ok((name.to_owned(), decision));
        }
        let view = self.images.get(name).map_or(&facts.view, |image| &image.view);
        let mut scope = self.scope.inner();
        scope.show("member", view);
        let decision = self
            .rules
            .decide(Subject::Member, "resolve", self.metadata.release, &scope);
        self.known.insert(("member", name.to_owned()), decision.clone());
        Ok((name.to_owned(), decision))
    }

    fn stream(&mut self, name: &str) -> Result<(String, Decision), Unresolved> {
        let Some(stream) = self.metadata.stream(name) else {
            let names: Vec<_> = self.metadata.stream_names().collect();
            return Err(Unresolved {
                missing: Some(name.to_owned()),
                ..unresolved(format!("there is no stream {name}"), near(name, &names, "streams.yml"))
            });
        };
        let key = ("stream", stream.name.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok((stream.name.clone(), known.clone()));
        }
        let mut view = stream.view.clone();
        view["name"] = json!(stream.name);
        let mut scope = self.scope.inner();
        scope.show("stream", &view);
        let decision = self
            .rules
            .decide(Subject::Stream, "pullspec", self.metadata.release, &scope);
        self.known.insert(key, decision.clone());
        Ok((stream.name.clone(), decision))
    }
}

/// The kind and name of a reference.
pub fn named(reference: &Json) -> Option<(&'static str, String)> {
    ["member", "stream", "image"].into_iter().find_map(|kind| {
        let name = reference[kind].as_str().filter(|name| !name.is_empty())?;
        Some((kind, name.to_owned()))
    })
}

fn near(name: &str, known: &[&str], place: &str) -> String {
    let hint = nearest(name, known);
    if hint.starts_with("known here") {
        format!("add it to {place}, or correct the name")
    } else {
        hint
    }
}

fn unresolved(message: impl Into<String>, help: impl Into<String>) -> Unresolved {
    Unresolved {
        message: message.into(),
        help: help.into(),
        missing: None,
        findings: Vec::new(),
    }
}
