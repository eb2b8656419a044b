//! The Dockerfile, its folder, and the modifications that have to fit it; where they do not, that is a
//! [`Finding`](crate::finding::Finding).

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{cause, moved};
use super::{Change, Changes, Does, OKD, OVER_KONFLUX, short};
use crate::derive::texts::FileText;
use crate::doozer::Prediction;
use crate::doozer::merge::{at, origin};
use crate::doozer::modify::modify;
use crate::doozer::topics::Topic;
use crate::doozer::wanted::plain;
use crate::finding::Severity;
use crate::plan::Cause;
use crate::yaml::Node;

impl Changes<'_> {
    /// OCP's modifications that do not fit a Dockerfile that is carried are emptied with it, as beside one that is written.
    pub(super) fn fit_carried(&mut self, prediction: &Prediction) {
        let is_source = |key: &str| {
            [OKD, OVER_KONFLUX]
                .iter()
                .any(|stanza| key == format!("{stanza}.dockerfile"))
        };
        let carried = self
            .all
            .iter()
            .map(|change| change.key.clone())
            .find(|key| is_source(key));
        let Some(key) = carried.filter(|_| self.own(&format!("{OKD}.modifications")).is_none()) else {
            return;
        };
        if let Fit::Empty(because) = self.fit(&prediction.dockerfile.value) {
            let empty = Node::seq(Vec::<Node>::new());
            self.push(&format!("{OKD}.modifications"), empty, None, Some(&key), Some(&because));
        }
    }

    /// Keys that belong into `okd.content.source` and stand in `okd` itself. Whether there are some: what they say is not
    /// derived yet.
    pub(super) fn misplaced(&mut self) -> bool {
        let Some(okd) = self.own("okd").cloned() else {
            return false;
        };
        let keys = moved::misplaced(&okd);
        for key in &keys {
            let (from, to) = (format!("okd.{key}"), format!("{OKD}.{key}"));
            let Some(value) = okd.get(key).cloned() else { continue };
            let because = format!("doozer reads `{key}` of `{OKD}`; in `okd` itself nobody reads it");
            let mut cause = cause(self.ask.release, self.image, None, &to);
            cause.rule = "misplaced-okd-key".to_owned();
            cause.because.clone_from(&because);
            cause.new = Some(short(&value));
            self.all.push(Change {
                key: from.clone(),
                does: Does::Remove,
                cause: Cause {
                    field: from.clone(),
                    old: cause.new.clone(),
                    new: None,
                    ..cause.clone()
                },
                with: None,
                spelled: BTreeMap::new(),
            });
            let file = value.text().map(str::to_owned);
            self.all.push(Change {
                key: to.clone(),
                does: Does::Set(value),
                cause,
                with: Some(from),
                spelled: BTreeMap::new(),
            });
            if let (true, Some(file)) = (*key == "dockerfile", file)
                && !keys.contains(&"modifications")
                && let Fit::Empty(because) = self.fit(&self.path_with(&file))
            {
                self.push(
                    &format!("{OKD}.modifications"),
                    Node::seq(Vec::<Node>::new()),
                    None,
                    Some(&to),
                    Some(&because),
                );
            }
        }
        !keys.is_empty()
    }

    /// The path of a Dockerfile of this name, from the repository's root.
    fn path_with(&self, file: &str) -> String {
        match self.text("content.source.path").map(|path| path.trim_end_matches('/')) {
            Some(folder) if !folder.is_empty() => format!("{folder}/{file}"),
            _ => file.to_owned(),
        }
    }

    pub(super) fn dockerfile(&mut self, prediction: &Prediction) {
        let ours = self.image.dockerfile.clone();
        if plain(&ours) == plain(&prediction.dockerfile.value) || !self.is_ours_to_say(&Topic::Dockerfile) {
            return;
        }
        let over = |name: &str| {
            let konflux = self.own(&format!("konflux.content.source.{name}")).is_some();
            let known = self.own(&format!("{OVER_KONFLUX}.{name}")).is_some();
            if konflux || known { OVER_KONFLUX } else { OKD }
        };
        let (name_key, path_key) = (
            format!("{}.dockerfile", over("dockerfile")),
            format!("{}.path", over("path")),
        );
        let fit = self.fit(&ours);
        if let Fit::Stops(why) = &fit {
            let text = format!("{ours} is not written into `okd`: {why}");
            self.find(
                "okd-modifications-stop",
                Severity::Warning,
                text,
                &format!("{OKD}.modifications"),
            )
            .help("adapt the modifications to that Dockerfile, or remove them");
            return;
        }
        let name = self.image.dockerfile_name.value.clone();
        let built = self
            .text("content.source.dockerfile")
            .unwrap_or("Dockerfile")
            .to_owned();
        let rule = self.image.dockerfile_name.deciders().next();
        let written = name != built;
        if written {
            self.set(&name_key, Node::string(name), rule);
        }
        let folder = self.image.path.value.clone();
        if self
            .text("content.source.path")
            .unwrap_or_default()
            .trim_end_matches('/')
            != folder.trim_end_matches('/')
        {
            let rule = self.image.path.deciders().next();
            self.set(&path_key, Node::string(folder), rule);
        }
        if let Fit::Empty(because) = fit {
            let with = if written { name_key } else { path_key };
            self.push(
                &format!("{OKD}.modifications"),
                Node::seq(Vec::<Node>::new()),
                rule,
                Some(&with),
                Some(&because),
            );
        }
    }

    /// Whether the modifications that would be made fit a Dockerfile.
    pub fn fit(&self, path: &str) -> Fit {
        let none = json!([]);
        let list = at(&self.merged, "content.source.modifications").unwrap_or(&none);
        if list.as_array().is_none_or(Vec::is_empty) {
            return Fit::Yes;
        }
        let okds = origin(self.node, "content.source.modifications").is_some_and(|(key, _)| key.starts_with("okd."));
        let texts = &self.ask.release.texts;
        let read = self
            .image
            .repository
            .value
            .as_ref()
            .and_then(|repo| texts.get(repo, path));
        let text = match read {
            Some(FileText::Text(text)) => Some(&**text),
            _ => None,
        };
        let (outcomes, _) = modify(list, text);
        let stops = outcomes.iter().find(|one| one.outcome.stops());
        let unread = text.is_none()
            && outcomes
                .iter()
                .any(|one| one.outcome == crate::doozer::modify::Outcome::Unread);
        match (stops, okds) {
            (Some(one), true) => Fit::Stops(format!("`{}` of `okd`'s modifications does not occur in it", one.what)),
            (Some(one), false) => Fit::Empty(format!(
                "OCP's modifications do not fit {path}: `{}` does not occur in it",
                one.what
            )),
            (None, false) if unread => Fit::Empty(format!(
                "OCP's modifications are for OCP's Dockerfile; whether they fit {path} was not read"
            )),
            _ => Fit::Yes,
        }
    }
}

/// Whether modifications fit a Dockerfile.
pub enum Fit {
    /// They do, or there are none.
    Yes,
    /// OCP's do not: OKD needs none, and why.
    Empty(String),
    /// OKD's own do not: the Dockerfile cannot be written, and why.
    Stops(String),
}
