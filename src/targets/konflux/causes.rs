//! Why a field of Konflux's files is what it is.

use super::plans::Plan;
use crate::model::build_config::RuleAt;
use crate::plan::{Cause, WHOLE_FILE};
use crate::targets::asking::{self, OwnRules};

/// Makes causes.
pub(super) struct Causes<'a> {
    pub rules: OwnRules<'a>,
}

/// The field of a component's versions.
pub(super) const VERSIONS: &str = "versions";

/// What the target itself decides: no rule has a say in it.
const ENGINE: [(&str, &str, &str); 5] = [
    (
        "on-cel-expression",
        "konflux-branch",
        "A run starts on the branch that the release is built from, on one kind of event.",
    ),
    (
        WHOLE_FILE,
        "konflux-runs",
        "An image has its runs on the branch that it is built from, and nowhere else.",
    ),
    (
        "resources",
        "konflux-listed",
        "A file that is not listed is not applied.",
    ),
    (
        VERSIONS,
        "konflux-versions",
        "A component has a version for each release that it is built for.",
    ),
    (
        "build-nudges-ref",
        "konflux-nudges",
        "A new image has those rebuilt that are built from it.",
    ),
];

impl Causes<'_> {
    /// A field of a file.
    pub fn field(
        &self,
        plan: Option<&Plan>,
        field: &str,
        rules: &[RuleAt],
        old: Option<&str>,
        new: Option<&str>,
    ) -> Cause {
        let engine = ENGINE.iter().find(|(known, ..)| *known == field);
        let engine = engine.map_or(
            ("konflux-form", "Konflux's files have this form."),
            |(_, id, because)| (*id, *because),
        );
        let (rule, rule_at, because) = asking::why(rules, engine);
        Cause {
            rule,
            rule_at,
            field: field.to_owned(),
            item: None,
            component: plan.map(|plan| plan.repository.clone()).unwrap_or_default(),
            images: plan.iter().map(|plan| plan.tag.clone()).collect(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
            because,
        }
    }

    /// A whole file that comes or goes.
    pub fn file(&self, plan: Option<&Plan>, repository: &str, rules: &[RuleAt], comes: bool, what: &str) -> Cause {
        let (old, new) = if comes { (None, Some(what)) } else { (Some(what), None) };
        Cause {
            component: repository.to_owned(),
            ..self.field(plan, WHOLE_FILE, rules, old, new)
        }
    }
}
