//! Decisions of rules between runs: as long as program and rules are the same, what was decided once is not decided again.

use git2::{ObjectType, Oid};

use super::Run;
use crate::model::release::Release;
use crate::rules::RuleSet;
use crate::rules::memo::Kept;

/// Must change when a decision that is kept means something else.
const VERSION: u32 = 1;

impl Run {
    /// Takes what earlier runs decided for a release.
    pub(super) fn recall_decisions(&self, rules: &RuleSet, release: Release) {
        let Some(key) = self.decisions_key(release) else { return };
        let kept: Option<Vec<Kept>> = self.store.get("decisions", VERSION, key.as_bytes());
        rules.memo.recall(release, kept.unwrap_or_default());
    }

    /// Keeps what was decided for a release, where any of it is new.
    pub(super) fn keep_decisions(&self, rules: &RuleSet, release: Release) {
        let Some(key) = self.decisions_key(release) else { return };
        if let Some(kept) = rules.memo.keep(release) {
            self.store.put("decisions", VERSION, key.as_bytes(), &kept);
        }
    }

    fn decisions_key(&self, release: Release) -> Option<String> {
        let text = format!("{} {release} {}", self.build, self.rules.digest());
        let oid = Oid::hash_object(ObjectType::Blob, text.as_bytes()).ok();
        oid.filter(|_| self.store.is_enabled()).map(|oid| oid.to_string())
    }
}
