//! What rules say of an image's metadata as it is, and as it would be without one of its keys: whoever wants to know what a key
//! does asks the rules, and has no order of stanzas of its own.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::Release;
use super::outline::{base_scope, seen, used_as_builder};
use super::provenance::taken_from;
use crate::facts::image::{ImageMetadata, KEYS};
use crate::facts::view::Key;
use crate::rules::{Decision, Rule, Scope, Subject};
use crate::yaml::Node;

/// Fields that are decided before the image's tag is known.
const BEFORE_TAG: [&str; 3] = ["needed", "from", "tag"];

/// Asks the rules about images of a release, whether anything needs them or not.
pub struct Supposed<'r> {
    release: &'r Release<'r>,
    scope: Scope<'static>,
    builders: BTreeSet<&'r str>,
}

impl<'r> Supposed<'r> {
    /// Of a release.
    pub fn new(release: &'r Release<'r>) -> Self {
        let metadata = release.metadata;
        Self {
            release,
            scope: base_scope(metadata.release, &metadata.group, Some(&release.payload.view)),
            builders: used_as_builder(metadata),
        }
    }

    /// What rules decide for a field of an image as its file is.
    pub fn decide(&self, key: &str, field: &str) -> Option<Decision> {
        let facts = self.release.metadata.images.get(key)?;
        Some(self.one(key, facts).decide(field))
    }

    /// The texts of a list that rules decide of an image.
    pub fn texts(&self, key: &str, field: &str) -> Vec<String> {
        let decision = self.decide(key, field).unwrap_or_default();
        let items = decision.value.as_ref().and_then(Json::as_array).into_iter().flatten();
        items.filter_map(Json::as_str).map(str::to_owned).collect()
    }

    /// The key of the image's file whose value a decision took; none where a rule made the value of something else.
    pub fn taken_from(&self, decision: &Decision, field: &str) -> Option<&'static Key> {
        taken_from(self.release.rules, &decision.tried, field)
    }

    /// The rule whose value a decision is.
    pub fn rule(&self, decision: &Decision) -> Option<&'r Rule> {
        self.release.rules.rules.get(decision.deciders().last()?)
    }

    /// Whether rules decide the same of an image without a key of its file, such as `okd.payload_name`: about the image itself, and as
    /// a member of others. A key that only other rules read counts as needed, and so does one of another form than expected; one
    /// that none can see does not.
    pub fn holds_without(&self, key: &str, said: &str) -> bool {
        let facts = self.release.metadata.images.get(key);
        facts.is_some_and(|facts| self.same(key, facts, said))
    }

    /// The same, were some other keys of the file not there either.
    pub fn holds_without_both(&self, key: &str, said: &str, others: &[&str]) -> bool {
        let facts = self.release.metadata.images.get(key);
        facts.is_some_and(|facts| {
            let gone = |node: Node, other: &&str| node.without(&apart(other));
            let node = others
                .iter()
                .filter(|other| **other != said)
                .fold(facts.node.clone(), gone);
            self.same(key, &ImageMetadata::read(node), said)
        })
    }

    fn same(&self, key: &str, facts: &ImageMetadata, said: &str) -> bool {
        if facts.faults.iter().any(|fault| fault.key == said) {
            return false;
        }
        let without = ImageMetadata::read(facts.node.without(&apart(said)));
        let is_seen = without.view != facts.view;
        if is_seen && !self.reads(said) {
            return false;
        }
        let raw = self.release.rules.uses_variable(Subject::Image, "metadata");
        (!is_seen && !raw) || self.one(key, facts).all() == self.one(key, &without).all()
    }

    /// Whether rules about an image read a key of its file, of the image itself or as a member.
    fn reads(&self, said: &str) -> bool {
        let mut known = KEYS.iter().filter(|known| known.file == said);
        known.any(|known| {
            let below = |root| std::iter::once(root).chain(known.view.split('.')).collect::<Vec<_>>();
            let rules = self.release.rules;
            rules.reads(Subject::Image, &below("image")) || rules.reads(Subject::Member, &below("member"))
        })
    }

    fn one<'s>(&'s self, key: &str, facts: &'s ImageMetadata) -> One<'s> {
        One {
            supposed: self,
            facts,
            view: seen(self.release.metadata, &self.builders, key, &facts.view),
        }
    }
}

/// An image whose file says something, as rules see it.
struct One<'s> {
    supposed: &'s Supposed<'s>,
    facts: &'s ImageMetadata,
    view: Json,
}

impl One<'_> {
    fn decide(&self, field: &str) -> Decision {
        let tag = if BEFORE_TAG.contains(&field) {
            String::new()
        } else {
            text(&self.about_image("tag", ""))
        };
        self.about_image(field, &tag)
    }

    fn about_image(&self, field: &str, tag: &str) -> Decision {
        let Release { rules, metadata, .. } = self.supposed.release;
        let mut scope = self.supposed.scope.inner();
        scope.show("image", &self.view);
        scope.set("tag", &json!(tag));
        if rules.uses_variable(Subject::Image, "metadata") {
            scope.set("metadata", &Json::from(&self.facts.node));
        }
        rules.decide(Subject::Image, field, metadata.release, &scope)
    }

    /// What the image stands for where others are built from it.
    fn as_member(&self) -> Decision {
        let mut member = self.view.clone();
        member["tag"] = json!(text(&self.decide("tag")));
        member["build_root"] = self.decide("build_root").value.unwrap_or_else(|| json!({}));
        let mut scope = self.supposed.scope.inner();
        scope.show("member", &member);
        let Release { rules, metadata, .. } = self.supposed.release;
        rules.decide(Subject::Member, "resolve", metadata.release, &scope)
    }

    /// The value of every field about the image, and of what it stands for.
    fn all(&self) -> Vec<Option<Json>> {
        let fields = Subject::Image.fields().iter();
        let values = fields.map(|field| self.decide(field.name).value);
        values.chain([self.as_member().value]).collect()
    }
}

fn apart(key: &str) -> Vec<&str> {
    key.split('.').collect()
}

fn text(decision: &Decision) -> String {
    let text = decision.value.as_ref().and_then(Json::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Supposed;
    use crate::derive::tests::world::World;

    const SOURCE: &str = "okd_alignment: {dockerfile: D, ci_always_run: true, enabled: true}, dockerfile: D";

    fn world(more: &str) -> World {
        let text =
            format!("name: o/x\nfor_payload: true\nfrom: {{member: m}}\ncontent: {{source: {{{SOURCE}}}}}\n{more}");
        World::new().metadata("x", &text)
    }

    fn holds(world: &World, key: &str) -> bool {
        Supposed::new(&world.release()).holds_without("x", key)
    }

    #[test]
    fn a_key_holds_anyway_where_the_rules_say_the_same_without_it() {
        let dockerfile = "content.source.okd_alignment.dockerfile";
        assert!(holds(&world(""), dockerfile));
        let other = "okd: {content: {source: {dockerfile: E}}}\n";
        assert!(!holds(&world(other), dockerfile), "the other stanza would count");
        let (same, stanza) = (
            world("okd: {content: {source: {dockerfile: D}}}\n"),
            "okd.content.source.dockerfile",
        );
        let both =
            |world: &World| Supposed::new(&world.release()).holds_without_both("x", dockerfile, &[dockerfile, stanza]);
        assert!(holds(&same, dockerfile) && both(&same) && both(&world(other)));
        let alone = World::new().metadata(
            "x",
            "content: {source: {okd_alignment: {dockerfile: D}}}\nokd: {content: {source: {dockerfile: D}}}\n",
        );
        assert!(
            holds(&alone, dockerfile) && !both(&alone),
            "only the other stanza says the same"
        );
        let rule = "rules:\n- id: own-file\n  because: OKD has a file of its own here.\n  on: image\n  \
                    when: image.okd_alignment.dockerfile == ''\n  set: {dockerfile: F}\n  overrides: [dockerfile-of-alignment]\n";
        assert!(!holds(&world("").refined_by(rule), dockerfile), "a rule would count");
    }

    #[test]
    fn what_no_rule_about_the_image_reads_is_not_judged_by_them() {
        let alignment = |key: &str| format!("content.source.okd_alignment.{key}");
        assert!(
            !holds(&world(""), &alignment("ci_always_run")),
            "rules on config read it"
        );
        assert!(holds(&world(""), &alignment("enabled")), "no rule can tell");
        assert!(holds(&world("okd: {other: 1}\n"), "okd.other"));
        assert!(
            !holds(&world("okd: {payload_name: [1]}\n"), "okd.payload_name"),
            "it was not understood"
        );
        assert!(!Supposed::new(&world("").release()).holds_without("y", "name"));
    }

    #[test]
    fn what_others_are_built_from_counts_too() {
        let tag = "payload_name: t\n";
        let mirrored = |more: &str| {
            let source = format!("content: {{source: {{okd_alignment: {{tag_name: t}}{more}}}}}\n");
            World::new().metadata("x", &format!("name: o/x\n{tag}{source}"))
        };
        let key = "content.source.okd_alignment.tag_name";
        assert!(holds(&mirrored(""), key));
        assert!(!holds(&mirrored(", ci_alignment: {upstream_image: 'r/n/x:1'}"), key));
    }
}
