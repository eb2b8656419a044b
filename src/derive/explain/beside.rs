//! What rules decide of an image that only some targets ask them.

use serde_json::json;

use super::{Explanation, Field, one_line};
use crate::derive::Release;
use crate::derive::asker::Asker;
use crate::derive::provenance::About;
use crate::rules::Subject;

/// The fields of rules on image that an explanation has not got: whatever their table names can be asked for. `target`: the one that
/// rules say the `model` of.
pub fn beside(release: &Release<'_>, explained: &Explanation, target: &str) -> Vec<Field> {
    let Some(image) = release.images.get(&explained.image) else {
        return Vec::new();
    };
    let mut asker = Asker::new(release);
    let scope = asker.scope();
    let mut whole = scope.inner();
    whole.set("target", &json!(target));
    let model = asker.text(Subject::Target, "model", &whole, "");
    let mut inner = asker.of_image(image, &scope);
    inner.set("model", &json!(model.value));
    let is_told = |name: &str| explained.trace.iter().any(|told| told.path == name);
    let fields = Subject::Image.fields().iter().filter(|field| !is_told(field.name));
    let field = |name: &str| {
        let decision = asker.decide(Subject::Image, name, &inner, "");
        Field {
            path: name.to_owned(),
            value: decision.value.as_ref().map(one_line).unwrap_or_default(),
            steps: Vec::new(),
            rules: release.rule_parts(&decision.tried, name, About::Image(&image.key)),
        }
    };
    fields.map(|field| field.name).map(field).collect()
}
