//! What a finding means for OKD, as rules say it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::answer::Effect;
use crate::audit::files::behind;
use crate::audit::registry;
use crate::derive::outline::base_scope;
use crate::derive::{Release, Standing};
use crate::facts::group::Group;
use crate::finding::Finding;
use crate::rules::{RuleSet, Scope, Subject};

/// Asks the rules of a release about findings.
pub struct Judge {
    release: crate::base::Release,
    scope: Scope<'static>,
    images: Images,
}

/// What of a release's images decides what findings mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// Tags of images that could not be derived.
    held: BTreeSet<String>,
    /// Tags of images that OKD builds from a Dockerfile of its own.
    own: BTreeSet<String>,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What becomes of OKD.
    pub impact: Effect,
    /// Whether of OKD alone.
    pub alone: bool,
}

impl Judge {
    /// For a release as it is derived.
    pub fn new(release: &Release<'_>) -> Self {
        let metadata = release.metadata;
        let held = release.images.values().filter(|image| image.standing == Standing::Held);
        let images = Images {
            held: held.map(|image| image.tag.value.clone()).collect(),
            own: behind::pairs(release)
                .iter()
                .filter_map(|pair| release.tag(&pair.key))
                .collect(),
        };
        Self::of(metadata.release, &metadata.group, &release.payload.view, images)
    }

    /// For a release of which is known what decides it: its group, its payload as rules see it, and its images.
    pub fn of(release: crate::base::Release, group: &Group, payload: &Json, images: Images) -> Self {
        Self {
            release,
            scope: base_scope(release, group, Some(payload)),
            images,
        }
    }

    /// What of its images decides.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// For a release that could not be derived at all.
    pub fn bare(release: crate::base::Release) -> Self {
        let mut scope = Scope::new();
        scope.set("release", &json!(release.to_string()));
        scope.set("major", &json!(release.major));
        scope.set("minor", &json!(release.minor));
        Self {
            release,
            scope,
            images: Images::default(),
        }
    }

    /// What a finding means. A rule that fails lets it be what it is by its severity alone.
    pub fn meaning(&self, rules: &RuleSet, finding: &Finding) -> Meaning {
        let mut scope = self.scope.inner();
        scope.set("finding", &self.view(finding));
        let decide = |field| rules.decide(Subject::Finding, field, self.release, &scope).value;
        let impact = decide("impact");
        let impact = match impact.as_ref().and_then(Json::as_str) {
            Some("break") => Effect::Break,
            Some("change") => Effect::Change,
            Some("none") => Effect::None,
            _ => Effect::Note,
        };
        let alone = decide("alone").as_ref().and_then(Json::as_bool).unwrap_or_default();
        Meaning { impact, alone }
    }

    fn view(&self, finding: &Finding) -> Json {
        let image = finding.image.as_deref().unwrap_or_default();
        json!({
            "code": finding.code,
            "severity": finding.severity.to_string(),
            "family": registry::family(&finding.code).map_or("", |family| family.name()),
            "component": finding.component.as_deref().unwrap_or_default(),
            "image": image,
            "held": self.images.held.contains(image),
            "own_dockerfile": self.images.own.contains(image),
        })
    }
}
