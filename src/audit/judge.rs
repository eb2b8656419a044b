//! What rules say of an input, for checks: whether its image is foreign, whether that is allowed, which Go it has.

use serde_json::{Value as Json, json};

use crate::derive::outline::base_scope;
use crate::derive::{Image, Input, Release};
use crate::model::go::GoVersion;
use crate::rules::{Decision, Scope, Subject};

/// Asks the rules of a release.
pub(super) struct Judge<'r> {
    release: &'r Release<'r>,
    /// The variables that all rules see.
    pub scope: Scope<'static>,
}

impl<'r> Judge<'r> {
    pub fn new(release: &'r Release<'r>) -> Self {
        let metadata = release.metadata;
        let scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
        Self { release, scope }
    }

    /// Why an input is foreign, unless a rule allows it. A rule that fails allows nothing and forbids nothing.
    pub fn foreign(&self, image: &Json, input: &Json) -> Option<String> {
        let text = |field| {
            let decision = self.input(field, image, input);
            decision
                .value
                .as_ref()
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned()
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

    /// Names of Dockerfiles that are OKD's, with `*` for any characters.
    pub fn own_dockerfiles(&self, image: &Image) -> Vec<String> {
        let mut scope = self.scope.inner();
        scope.show("image", &image.view);
        scope.set("tag", &json!(image.tag.value));
        let rules = self.release.rules;
        if rules.uses_variable(Subject::Image, "metadata")
            && let Some(facts) = self.release.metadata.images.get(&image.key)
        {
            scope.set("metadata", &Json::from(&facts.node));
        }
        let release = self.release.metadata.release;
        let decision = rules.decide(Subject::Image, "own_dockerfiles", release, &scope);
        let names = decision.value.as_ref().and_then(Json::as_array);
        names
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect()
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
pub(super) fn view(named: (&str, &str), builder: bool, index: usize, input: Option<&Input>, pullspec: &str) -> Json {
    let (kind, name) = named;
    let stage = input.and_then(|input| input.stage.as_deref()).unwrap_or_default();
    let written = input.map_or("", |input| &input.written);
    json!({
        "kind": kind, "name": name, "builder": builder, "index": index,
        "stage": stage, "written": written, "pullspec": pullspec,
    })
}
