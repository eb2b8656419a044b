//! Why a field of the pipeline's files is what it is.

use super::names::Plan;
use crate::derive::Derived;
use crate::derive::here::Here;
use crate::model::build_config::RuleAt;
use crate::plan::{Cause, WHOLE_FILE};
use crate::targets::asking::{self, OwnRules};

/// Makes causes.
pub(super) struct Causes<'a> {
    pub rules: OwnRules<'a>,
    pub here: &'a Here,
    /// The repository that is written to.
    pub repository: String,
}

/// Why the file of an image goes.
const GONE: &str = "The release does not have the image any more.";
/// Why the file of an image has another name.
const RENAMED: &str = "The file moves to the number of its image's batch, after all that the image is built from.";

/// What the target itself decides: no rule has a say in it.
const ENGINE: [(&str, &str, &str); 6] = [
    (
        "labels",
        "pipeline-labels",
        "What the labels say of an image's builds follows from what its BuildConfig says.",
    ),
    (
        "build_configs",
        "pipeline-batches",
        "An image is built after all that it is built from.",
    ),
    (
        "resources",
        "pipeline-resources-list",
        "A file that is not listed is not applied.",
    ),
    (
        "tags",
        "pipeline-placeholders",
        "A tag that is built needs no image in its place.",
    ),
    (
        "architectures",
        "pipeline-architectures-of",
        "An image is built for the architectures that metadata names.",
    ),
    (
        "file",
        "pipeline-file",
        "Every image of the release that is built here has a file of its own.",
    ),
];

impl Causes<'_> {
    /// The image stream that is built into.
    pub fn stream(&self) -> &str {
        &self.here.stream.value
    }

    /// The rules behind a value, as the unified build config names them.
    pub fn rules_of<T>(&self, derived: &Derived<T>) -> Vec<RuleAt> {
        asking::rules_of(self.rules, derived)
    }

    /// A field of an image's file.
    pub fn image(
        &self,
        plan: &Plan<'_>,
        field: &str,
        item: Option<String>,
        rules: &[RuleAt],
        old: Option<String>,
        new: Option<String>,
    ) -> Cause {
        Cause {
            component: plan.image.repository.value.clone(),
            images: vec![plan.here.tag.value.clone()],
            item,
            old,
            new,
            ..self.of(field, rules)
        }
    }

    /// A field that follows from others.
    pub fn engine(&self, plan: &Plan<'_>, field: &str, item: &str, old: Option<String>, new: Option<String>) -> Cause {
        self.image(plan, field, Some(item.to_owned()), &[], old, new)
    }

    /// A field of a file that is about many images.
    pub fn list(&self, field: &str, item: &str, images: &[&str], old: Option<String>, new: Option<String>) -> Cause {
        Cause {
            images: images.iter().map(|image| (*image).to_owned()).collect(),
            item: Some(item.to_owned()),
            old,
            new,
            ..self.of(field, &[])
        }
    }

    /// A whole file.
    pub fn file(&self, component: Option<&str>, image: Option<&str>, old: Option<&str>, new: Option<&str>) -> Cause {
        let component = component.map_or_else(|| self.repository.clone(), str::to_owned);
        let cause = self.of(WHOLE_FILE, &[]);
        let because = match new {
            Some(_) => cause.because.clone(),
            None => GONE.to_owned(),
        };
        Cause {
            component,
            images: image.into_iter().map(str::to_owned).collect(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
            because,
            ..cause
        }
    }

    /// A whole file that goes under one name and comes under another.
    pub fn renamed(&self, component: &str, image: &str, old: &str, new: &str) -> Cause {
        Cause {
            because: RENAMED.to_owned(),
            ..self.file(Some(component), Some(image), Some(old), Some(new))
        }
    }

    fn of(&self, field: &str, rules: &[RuleAt]) -> Cause {
        let name = field.trim_end_matches("[]");
        let engine = ENGINE.iter().find(|(known, ..)| *known == name);
        let engine = engine.map_or(
            ("pipeline-form", "The pipeline's builds have this form."),
            |(_, id, because)| (*id, *because),
        );
        let (rule, rule_at, because) = asking::why(rules, engine);
        Cause {
            rule,
            rule_at,
            field: field.to_owned(),
            item: None,
            component: self.repository.clone(),
            images: Vec::new(),
            old: None,
            new: None,
            because,
        }
    }
}
