//! What is known of a release from one run to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Origin, Release, RepoName};
use crate::board::Time;
use crate::derive;
use crate::finding;
use crate::model::build_config::BuildConfig;
use crate::results::{Built, jobs};
use crate::run::{Derivation, Rendering, RunError};

/// What came of deriving a release.
pub type Attempt = Result<Derivation<Seen>, RunError>;

/// What is kept of a release while it is derived.
#[derive(Debug)]
pub struct Seen {
    document: Arc<BuildConfig>,
    components: BTreeMap<RepoName, Origin>,
    build_data: Origin,
    built: Arc<Built>,
}

/// Takes down what is kept of a derived release.
pub fn seen(release: &derive::Release<'_>, on_cluster: bool) -> Seen {
    Seen {
        document: Arc::clone(release.build_config()),
        components: release.components.clone(),
        build_data: release.metadata.origin.clone(),
        built: Arc::new(jobs(release, release.rules, on_cluster)),
    }
}

/// What is known of a release.
pub struct Known {
    /// What the rendering is remembered under; `None`: it is derived anew in any case.
    pub key: Option<String>,
    /// What it comes to.
    pub rendering: Rendering,
    /// The unified build config.
    pub document: Arc<BuildConfig>,
    /// Where each component stands that was read.
    pub components: BTreeMap<RepoName, Origin>,
    /// Where build data stands.
    pub build_data: Origin,
    /// The jobs that build its images.
    pub built: Arc<Built>,
    /// When it was derived.
    pub at: Time,
}

impl Known {
    /// Takes what was derived; what was recalled is what is known already.
    pub fn take(all: &mut BTreeMap<Release, Self>, release: Release, derivation: Derivation<Seen>, at: Time) {
        let Derivation { rendering, seen, key } = derivation;
        match (seen, all.get_mut(&release)) {
            (Some(seen), _) => {
                let known = Self {
                    key,
                    rendering,
                    document: seen.document,
                    components: seen.components,
                    build_data: seen.build_data,
                    built: seen.built,
                    at,
                };
                all.insert(release, known);
            }
            (None, Some(known)) => known.at = at,
            // Nothing is recalled that is not known.
            (None, None) => {}
        }
    }

    /// Whether something of it could not be read, so that the next run tries again.
    pub fn is_doubtful(&self) -> bool {
        finding::lacks_component(&self.rendering.findings)
    }
}
