//! One run: from configuration to plan. The only place where sources, cache, rules and targets meet.

pub mod actual;
pub mod branches;
mod carry;
mod ci;
pub mod components;
pub mod cut;
mod jobs;
pub mod metadata;
pub mod releases;
pub mod rule_files;
pub mod whatif;

use std::sync::Arc;

use crate::audit::{Finding, Place, Severity};
use crate::config::Config;
use crate::derive::complete::complete;
use crate::derive::outline::{Input, Outline};
use crate::derive::{self, Branches};
use crate::forge::local::LocalForge;
use crate::model::metadata::Metadata;
use crate::model::release::Release;
use crate::plan::{self, Plan, Policy};
use crate::rules::RuleSet;
use crate::source::{Snapshot, Sources};
use crate::store::Store;
use crate::target::Rendered;

pub use whatif::Overrides;

/// Everything that a run needs; made once, used for any number of releases.
pub struct Run {
    /// The configuration.
    pub config: Config,
    /// Opens repositories.
    pub sources: Sources,
    /// Facts of earlier runs.
    pub store: Store,
    /// The rules.
    pub rules: RuleSet,
    /// Changes of metadata to try out.
    pub overrides: Overrides,
    /// What of the drift is put right.
    pub policy: Policy,
    /// What is told of long work.
    pub progress: Option<Progress>,
}

/// Is told how far long work is: what is being done, how many of how many.
pub type Progress = Arc<dyn Fn(&str, usize, usize) + Send + Sync>;

/// What kept a whole release, or the run, from being derived.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source that nothing can be done without.
    #[error("{what} cannot be read: {error}")]
    Source {
        /// What the source is for.
        what: String,
        /// Why it cannot be read.
        error: crate::source::SourceError,
    },
    /// A release that could not be derived at all.
    #[error("release {release} cannot be derived")]
    Release {
        /// The release.
        release: Release,
        /// Why.
        findings: Vec<Finding>,
    },
    /// Something in the configuration that only a run can notice.
    #[error("{0}")]
    Config(String),
    /// A target's files as they are could not be read.
    #[error("the target's files cannot be read: {0}")]
    Forge(#[from] crate::forge::ForgeError),
}

impl Run {
    /// Tells how far long work is.
    pub(crate) fn tell(&self, what: &str, done: usize, of: usize) {
        if let Some(progress) = &self.progress {
            progress(what, done, of);
        }
    }

    /// The CI configs' snapshot, where there is such a source.
    ///
    /// # Errors
    /// It is configured and cannot be read.
    pub fn ci_config(&self) -> Result<Option<Arc<dyn Snapshot>>, RunError> {
        let Some(ci) = &self.config.sources.ci_config else {
            return Ok(None);
        };
        let what = || "the CI config source (`sources.ci-config`)".to_owned();
        let name = ci.name().map_or_else(|| ci.repo().to_string(), |name| name.to_string());
        self.tell("reading CI configs", 0, 1);
        let opened = self.sources.open(&name, &ci.repo(), &ci.branch);
        let snapshot = opened.map_err(|error| RunError::Source { what: what(), error })?;
        Ok(Some(Arc::from(snapshot)))
    }

    /// Derives a release from its metadata.
    ///
    /// # Errors
    /// The payload itself could not be derived.
    pub fn derive<'a>(
        &'a self,
        metadata: &'a Metadata,
        ci: Option<&dyn Snapshot>,
    ) -> Result<derive::Release<'a>, RunError> {
        let release = metadata.release;
        let outline = Outline::draw(Input {
            rules: &self.rules,
            metadata,
        });
        let mut outline = outline.map_err(|findings| RunError::Release { release, findings })?;
        let branches: Option<Branches> = ci.map(|ci| branches::read(self, ci, &outline));
        outline.settle_branches(branches.as_ref());
        let components = components::read(self, &outline);
        Ok(complete(outline, &components))
    }

    /// Renders the configured targets of derived releases.
    ///
    /// # Errors
    /// A target's files as they are cannot be read.
    pub fn render(
        &self,
        releases: &[derive::Release<'_>],
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Rendered, RunError> {
        ci::render(self, releases, ci)
    }

    /// Plans what is to change. Findings of the derivation travel with the plan.
    pub fn plan(&self, releases: &[derive::Release<'_>], rendered: Rendered, whole: bool) -> Plan {
        let derived = releases.iter().flat_map(|release| release.findings.iter().cloned());
        let carried = self.carry_forward(releases);
        let findings = derived.chain(rendered.findings).chain(carried).collect();
        Plan::build(plan::Input {
            desired: rendered.files,
            findings,
            policy: self.policy.clone(),
            max_removals: self.config.limits.removals,
            whole,
        })
    }

    /// The local forge, where that is configured.
    pub fn forge(&self) -> Option<LocalForge> {
        match &self.config.forge {
            crate::config::Forge::Local { dir } => Some(LocalForge::new(dir.clone(), forge_identity())),
            crate::config::Forge::GitHub { .. } => None,
        }
    }
}

/// Whose name the local forge's commits carry.
fn forge_identity() -> crate::forge::local::Identity {
    crate::forge::local::Identity::default()
}

/// A finding about a file of a source that could not be read or understood.
pub(crate) fn unreadable(
    snapshot: &dyn Snapshot,
    code: &'static str,
    file: &str,
    line: Option<u32>,
    message: impl Into<String>,
) -> Finding {
    let origin = snapshot.origin();
    let place = Place {
        repo: origin.name.clone(),
        commit: origin.commit.clone(),
        file: file.to_owned(),
        line,
    };
    Finding::new(Severity::Error, code, message).with_place(place)
}
