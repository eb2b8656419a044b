//! What rules say of the words of pull requests.

use std::collections::BTreeMap;

use serde_json::json;

use super::Run;
use crate::base::Release;
use crate::derive::outline::base_scope;
use crate::facts::group::Group;
use crate::plan::Words;
use crate::rules::Subject;

impl Run {
    /// The words of the configured targets' pull requests, by release and group.
    pub(super) fn words(&self, releases: impl Iterator<Item = Release>) -> BTreeMap<(String, String), Words> {
        let Ok(rules) = self.rules() else {
            return BTreeMap::new();
        };
        let mut words = BTreeMap::new();
        for release in releases {
            for target in self.config.targets.iter().map(|chosen| chosen.target) {
                let mut scope = base_scope(release, &Group::default(), None);
                scope.set("target", &json!(target.name));
                let text = |field: &str| {
                    let decision = rules.decide(Subject::Target, field, release, &scope);
                    decision.text().to_owned()
                };
                let (prefix, note) = (text("title_prefix"), text("request_note"));
                if !(prefix.is_empty() && note.is_empty()) {
                    words.insert((release.to_string(), target.group.to_owned()), Words { prefix, note });
                }
            }
        }
        words
    }
}
