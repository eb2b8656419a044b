//! What verifies the payloads of the releases: looked at anew where the CI configs or what a release comes to have changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::known::Known;
use crate::base::{Origin, Release};
use crate::board::VerifiedView;
use crate::model::build_config::BuildConfig;
use crate::run::Run;
use crate::source::Snapshot;

/// What was seen last, and of what.
#[derive(Default)]
pub struct Verification {
    seen: Option<Seen>,
    view: Arc<VerifiedView>,
}

/// What a look was at.
struct Seen {
    ci: Option<Origin>,
    documents: Vec<Arc<BuildConfig>>,
}

impl Verification {
    /// What verifies the payloads of all releases that are known. What cannot be told now stays as it was known.
    pub fn look(
        &mut self,
        run: &Run,
        known: &BTreeMap<Release, Known>,
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Arc<VerifiedView> {
        let now = Seen {
            ci: ci.map(|ci| ci.origin().clone()),
            documents: known.values().map(|known| Arc::clone(&known.document)).collect(),
        };
        if self.seen.as_ref().is_some_and(|seen| seen.is_still(&now)) {
            return Arc::clone(&self.view);
        }
        let releases: Vec<Release> = known.keys().copied().collect();
        let mut seen = Some(now);
        let mut view = match run.verified_by_configs(&releases, ci) {
            Ok(Some(all)) => VerifiedView {
                releases: all
                    .into_iter()
                    .filter_map(|one| Some((one.release.parse().ok()?, one)))
                    .collect(),
                unknown: None,
            },
            Ok(None) => VerifiedView {
                releases: BTreeMap::new(),
                unknown: Some("the CI configs have no gating configs".to_owned()),
            },
            Err(error) => {
                // The next run tries again.
                seen = None;
                VerifiedView {
                    unknown: Some(error.to_string()),
                    ..VerifiedView::clone(&self.view)
                }
            }
        };
        view.releases.retain(|release, _| known.contains_key(release));
        self.seen = seen;
        self.view = Arc::new(view);
        Arc::clone(&self.view)
    }
}

impl Seen {
    /// Whether another look would see the same. A plain directory has no commit that would say so.
    fn is_still(&self, now: &Self) -> bool {
        let pairs = self.documents.iter().zip(&now.documents);
        let same_documents =
            self.documents.len() == now.documents.len() && pairs.into_iter().all(|(was, is)| Arc::ptr_eq(was, is));
        let is_known = now.ci.as_ref().is_none_or(|ci| ci.commit.is_some());
        same_documents && is_known && self.ci == now.ci
    }
}
