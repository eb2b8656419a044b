//! What rules say of an image that something is, or could be, built from: whether it is foreign, whether that is allowed, which Go
//! it has. Whoever comes after derivation asks here, and no rule.

use serde_json::{Value as Json, json};

use super::outline::base_scope;
use super::resolve::Resolver;
use super::{DerivedInput, Release};
use crate::model::go::GoVersion;
use crate::rules::{Decision, Scope, Subject};

/// What the rules of a release say of content.
pub struct Content<'r> {
    release: &'r Release<'r>,
    scope: Scope<'static>,
}

impl<'r> Content<'r> {
    /// Of a release.
    pub fn new(release: &'r Release<'r>) -> Self {
        let metadata = release.metadata;
        let scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
        Self { release, scope }
    }

    /// A resolver of what metadata names.
    pub fn resolver(&self) -> Resolver<'r, '_> {
        let Release {
            rules,
            metadata,
            images,
            ..
        } = self.release;
        Resolver::new(rules, metadata, images, &self.scope)
    }

    /// Why an input is foreign, unless a rule allows it. A rule that fails allows nothing and forbids nothing.
    pub fn foreign(&self, image: &Json, input: &Json) -> Option<String> {
        let text = |field| {
            let decision = self.input(field, image, input);
            decision.text().to_owned()
        };
        let why = text("foreign");
        (!why.is_empty() && text("allowed").is_empty()).then_some(why)
    }

    /// The tag of OCP's payload that a line names; none or empty: it names none.
    pub fn payload_tag(&self, image: &Json, input: &Json) -> Option<String> {
        let decision = self.input("payload_tag", image, input);
        decision.value.as_ref()?.as_str().map(str::to_owned)
    }

    /// The Go version that an image provides when something is built with it.
    pub fn go(&self, image: &Json, pullspec: &str) -> Option<GoVersion> {
        let input = view(("image", pullspec), true, 0, None, pullspec);
        let decision = self.input("go", image, &input);
        GoVersion::parse(decision.value.as_ref()?.as_str()?)
    }

    fn input(&self, field: &str, image: &Json, input: &Json) -> Decision {
        let mut scope = self.scope.inner();
        scope.show("image", image);
        scope.show("input", input);
        let rules = self.release.rules;
        rules.decide(Subject::Input, field, self.release.metadata.release, &scope)
    }
}

/// An input as rules see it.
pub fn view(named: (&str, &str), builder: bool, index: usize, input: Option<&DerivedInput>, pullspec: &str) -> Json {
    let (kind, name) = named;
    let stage = input.and_then(|input| input.stage.as_deref()).unwrap_or_default();
    let written = input.map_or("", |input| &input.written);
    json!({
        "kind": kind, "name": name, "builder": builder, "index": index,
        "stage": stage, "written": written, "pullspec": pullspec,
    })
}
