//! Whether what is derived may be written against what doozer builds now.

use serde_json::{Value as Json, json};

use super::Changes;
use crate::doozer::settled::{Outcome, Settled, settled};
use crate::doozer::topics::Topic;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;

impl Changes<'_> {
    /// Whether what `okd_alignment` says of a topic may be written into `okd`: not where somebody said otherwise there, and not
    /// where people settled it otherwise since. What `okd_alignment` does not say at all is derived, and may be.
    pub(super) fn is_ours_to_say(&mut self, topic: &Topic) -> bool {
        let Some(aligned) = topic.aligned(self.node) else {
            return true;
        };
        let stanza = topic.alignment_key();
        let short = stanza.strip_prefix("content.source.").unwrap_or(&stanza).to_owned();
        let adopted = |rule: &str| self.ask.policy.adopt.causes.iter().any(|cause| cause == rule);
        let said = topic.said(self.node).filter(|(_, said)| !topic.same(said, &aligned));
        if let Some((key, said)) = said.filter(|_| !adopted("okd-says-otherwise")) {
            let text = format!(
                "`{key}` says {}, `{short}` {}",
                shown(&said),
                shown(&as_written(topic, &aligned))
            );
            self.find("okd-says-otherwise", Severity::Warning, text, &key).help(
                "remove the one that is not meant; `okd-says-otherwise` in `adopt.causes` lets `okd_alignment` win",
            );
            return false;
        }
        let release = self.ask.release.metadata.release;
        match settled(&self.ask.release.neighbours, release, self.key(), topic, &aligned) {
            Outcome::Nowhere => true,
            Outcome::AsAligned(all) => {
                self.notes.push(format!("carried: {}", told(&all)));
                true
            }
            Outcome::Otherwise(all) => {
                let built = topic.built(&self.merged);
                let dates = match all.iter().all(|one| one.edited.is_some()) {
                    true => "",
                    false => "; when that was decided is not known",
                };
                let own = self.ask.release.neighbours.edited(release, self.key());
                let own = own.map(|own| {
                    let commit = own.commit.get(..10).unwrap_or(&own.commit);
                    format!(" (since {commit} of {})", own.day)
                });
                let says = match topic {
                    Topic::Dockerfile => format!("`okd_alignment` names {}", shown(&aligned)),
                    _ => format!("`{short}` says {}", shown(&as_written(topic, &aligned))),
                };
                let does = match topic {
                    Topic::Dockerfile => format!("doozer takes {}", shown(&built)),
                    _ => format!("doozer has {}", shown(&built)),
                };
                let text = format!(
                    "{says}{}, {does}, and people settled it: {}{dates}",
                    own.unwrap_or_default(),
                    told(&all)
                );
                self.find("okd-settled-otherwise", Severity::Warning, text, &stanza)
                    .help("settle it here in the same way, or say why this release differs; nothing is written until then");
                false
            }
        }
    }

    pub(super) fn find(&mut self, code: &'static str, severity: Severity, text: String, key: &str) -> Found<'_> {
        let metadata = self.ask.release.metadata;
        let line = self.own(key).map(|node| node.pos.line);
        let mut finding = Finding::new(severity, code, format!("{}: {text}", self.image.key))
            .with_place(metadata.place(Metadata::image_file(&self.image.key), line))
            .with_image(self.image.tag.value.clone())
            .with_release(metadata.release.to_string());
        finding.component = self.image.component();
        self.findings.push(finding);
        Found(&mut self.findings)
    }
}

/// The finding that was made last.
pub(super) struct Found<'f>(&'f mut Vec<Finding>);

impl Found<'_> {
    pub(super) fn help(self, help: &str) {
        if let Some(finding) = self.0.last_mut() {
            finding.help = Some(help.into());
        }
    }
}

/// A value as `okd_alignment` has it.
fn as_written(topic: &Topic, aligned: &Json) -> Json {
    match topic {
        Topic::Mode => json!(aligned == "enabled"),
        _ => aligned.clone(),
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "nothing".to_owned(),
        other => crate::doozer::modify::short(&other.to_string()),
    }
}

fn told(all: &[Settled]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
