//! What all rules of a release see.

use serde_json::{Value as Json, json};

use crate::base::Release;
use crate::facts::group::Group;
use crate::rules::Scope;

/// The variables that all rules of a release see.
pub fn base_scope(release: Release, group: &Group, payload: Option<&Json>) -> Scope<'static> {
    let mut scope = Scope::new();
    scope.set("release", &json!(release.to_string()));
    scope.set("major", &json!(release.major));
    scope.set("minor", &json!(release.minor));
    scope.set("vars", &json!(group.vars));
    scope.set("group", &group.view());
    if let Some(payload) = payload {
        scope.set("payload", payload);
    }
    // Only Konflux's own fields are decided with it.
    scope.set("model", &json!(""));
    scope
}
