//! Rules and their decisions between runs: as long as program and rules are the same, what was found right is not checked
//! again, and what was decided once is not decided again.

use git2::{ObjectType, Oid};

use super::Run;
use crate::base::Release;
use crate::rules::expr::Known;
use crate::rules::memo::Kept;
use crate::rules::{Diagnostic, RuleSet};

/// Must change when a decision that is kept means something else.
const VERSION: u32 = 1;

impl Run {
    /// Loads the rules; the same ones that were found right before are not checked again.
    pub(super) fn load_rules(&self, files: &[(String, Vec<u8>)]) -> Result<RuleSet, Vec<Diagnostic>> {
        let Some(key) = self.key_of_rules("") else {
            return RuleSet::load(files);
        };
        let known: Option<Known> = self.store.get("rules", VERSION, key.as_bytes());
        let loaded = RuleSet::load_known(files, known.as_ref());
        if let (None, Ok(rules)) = (known, &loaded) {
            self.store.put("rules", VERSION, key.as_bytes(), rules.expressions());
        }
        loaded
    }

    /// Takes what earlier runs decided for a release. `of`: what for, where that asks for other decisions than rendering does.
    pub(super) fn recall_decisions(&self, rules: &RuleSet, release: Release, of: &str) {
        let Some(key) = self.key_of_rules(&format!("{release}{of}")) else {
            return;
        };
        let kept: Option<Vec<Kept>> = self.store.get("decisions", VERSION, key.as_bytes());
        rules.memo.recall(release, kept.unwrap_or_default());
    }

    /// Keeps what was decided for a release, where any of it is new.
    pub(super) fn keep_decisions(&self, rules: &RuleSet, release: Release, of: &str) {
        let Some(key) = self.key_of_rules(&format!("{release}{of}")) else {
            return;
        };
        if let Some(kept) = rules.memo.keep(release) {
            self.store.put("decisions", VERSION, key.as_bytes(), &kept);
        }
    }

    /// What is kept under the program's build and the rules' digest; `None` where nothing is kept.
    fn key_of_rules(&self, of: &str) -> Option<String> {
        let text = format!("{} {of} {}", self.build, self.rules.digest());
        let oid = Oid::hash_object(ObjectType::Blob, text.as_bytes()).ok();
        oid.filter(|_| self.store.is_enabled()).map(|oid| oid.to_string())
    }
}
