//! The few fields of a run that are managed; everything else of it is the repository's.

use std::collections::BTreeSet;

use super::causes::Causes;
use super::fresh::{account, labels_of, name, output};
use super::plans::{Plan, World};
use super::runs::{Event, Run};
use crate::finding::{Finding, Severity};
use crate::model::build_config::RuleAt;
use crate::targets::documents::Files;
use crate::targets::paths::clean;
use crate::yaml::Node;
use crate::yaml::edit::path::{Step, find, keys, set};

/// The values of one run.
pub(super) struct Merge<'m, 'a> {
    pub files: &'m mut Files<'a>,
    pub causes: &'m Causes<'m>,
    pub world: &'m World,
    pub plan: &'m Plan,
    pub run: &'m Run,
    pub event: Event,
    /// Whether nothing else has its name.
    pub may_rename: bool,
}

fn param_path(name: &str) -> [Step<'_>; 4] {
    [
        Step::Key("spec"),
        Step::Key("params"),
        Step::With(&["name"], name),
        Step::Key("value"),
    ]
}

/// The value of a parameter.
pub(super) fn param<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    find(node, &param_path(name))
}

impl Merge<'_, '_> {
    /// Puts right what is managed.
    pub fn all(&mut self) {
        let (world, plan, event) = (self.world, self.plan, self.event);
        let rules = &plan.rules;
        let may_rename = self.may_rename;
        self.text(
            &keys(&["metadata", "name"]),
            "name",
            &rules.component,
            &name(plan, event),
            |_| !may_rename,
        );
        let tenant = world.konflux.tenant.value.clone();
        self.text(
            &keys(&["metadata", "namespace"]),
            "namespace",
            &rules.tenant,
            &tenant,
            |_| false,
        );
        for (key, value) in labels_of(world, plan) {
            let path = [keys(&["metadata", "labels"]), vec![Step::Key(key)]].concat();
            self.text(&path, "labels", &rules.application, value, |_| false);
        }
        self.text(
            &param_path("output-image"),
            "output-image",
            &rules.image,
            &output(plan, event),
            |_| false,
        );
        self.source();
        self.platforms();
        self.build_args();
        self.put_from_map();
        if event == Event::Push {
            self.floating();
        }
        if !plan.repo_files.is_empty() {
            let wanted = plan.repo_files.clone();
            self.text(
                &param_path("yum-repos-d-src"),
                "yum-repos-d-src",
                &rules.component,
                &wanted,
                |_| false,
            );
        }
        self.account();
    }

    fn node(&self) -> Option<&Node> {
        self.files.documents(&self.run.path).get(self.run.document)
    }

    fn there(&self, path: &[Step<'_>]) -> Option<Node> {
        self.node().and_then(|node| find(node, path)).cloned()
    }

    /// Sets a text; `same` says whether what is there means the same.
    fn text(&mut self, path: &[Step<'_>], field: &str, rules: &[RuleAt], wanted: &str, same: impl Fn(&str) -> bool) {
        let there = self.there(path);
        let old = there.as_ref().and_then(Node::text);
        if old.is_some_and(|old| old == wanted || same(old)) {
            return;
        }
        let cause = self.causes.field(Some(self.plan), field, rules, old, Some(wanted));
        let document = self.run.document;
        self.files.change(&self.run.path, cause, |documents| {
            if let Some(root) = documents.get_mut(document) {
                _ = set(root, path, Node::string(wanted));
            }
        });
    }

    /// Sets a list.
    fn list(&mut self, name: &str, rules: &[RuleAt], there: &[Node], wanted: Vec<Node>) {
        if there == wanted {
            return;
        }
        let told = |items: &[Node]| {
            let texts: Vec<&str> = items.iter().filter_map(Node::text).collect();
            Some(texts.join(", ")).filter(|text| !text.is_empty())
        };
        let (old, new) = (told(there), told(&wanted));
        let cause = self
            .causes
            .field(Some(self.plan), name, rules, old.as_deref(), new.as_deref());
        let document = self.run.document;
        self.files.change(&self.run.path, cause, |documents| {
            if let Some(root) = documents.get_mut(document) {
                _ = set(root, &param_path(name), Node::seq(wanted));
            }
        });
    }

    fn items(&self, name: &str) -> Vec<Node> {
        let there = self.node().and_then(|node| param(node, name));
        there.and_then(Node::as_seq).map(<[Node]>::to_vec).unwrap_or_default()
    }

    fn source(&mut self) {
        let plan = self.plan;
        let context = self.there(&param_path("path-context"));
        let context = context.as_ref().and_then(Node::text).map(clean).unwrap_or_default();
        if context != plan.context {
            let wanted = if plan.context.is_empty() { "." } else { &plan.context };
            self.text(
                &param_path("path-context"),
                "path-context",
                &plan.rules.context,
                wanted,
                |_| false,
            );
        }
        // Konflux looks for a Dockerfile below the context first, then from the root.
        let same = |there: &str| clean(there) == plan.below || clean(there) == plan.dockerfile;
        if self.there(&param_path("dockerfile")).is_none() && plan.below == "Dockerfile" {
            return;
        }
        self.text(
            &param_path("dockerfile"),
            "dockerfile",
            &plan.rules.dockerfile,
            &plan.below,
            same,
        );
    }

    fn platforms(&mut self) {
        let there = self.items("build-platforms");
        let wanted: BTreeSet<&str> = self
            .plan
            .platforms
            .iter()
            .map(|platform| architecture(platform))
            .collect();
        let has = |list: &[Node], arch: &str| {
            list.iter()
                .filter_map(Node::text)
                .any(|item| architecture(item) == arch)
        };
        let kept = there
            .iter()
            .filter(|item| item.text().is_none_or(|item| wanted.contains(architecture(item))));
        let mut after: Vec<Node> = kept.cloned().collect();
        for platform in &self.plan.platforms {
            if !has(&after, architecture(platform)) {
                after.push(Node::string(platform.as_str()));
            }
        }
        self.list("build-platforms", &self.plan.rules.arches, &there, after);
    }

    fn build_args(&mut self) {
        let by_file = self.there(&param_path("build-args-file"));
        let by_file = by_file.as_ref().and_then(Node::text).filter(|file| !file.is_empty());
        let there = self.items("build-args");
        let key_of = |item: &Node| {
            item.text()
                .map(|text| text.split('=').next().unwrap_or(text).to_owned())
        };
        let mut after = there.clone();
        let mut lacking = Vec::new();
        for (name, value) in &self.plan.build_args {
            let wanted = Node::string(format!("{name}={value}"));
            match after.iter().position(|item| key_of(item).as_ref() == Some(name)) {
                Some(at) => after[at] = wanted,
                None if by_file.is_some() => lacking.push(name.as_str()),
                None => after.push(wanted),
            }
        }
        if let (Some(file), false) = (by_file, lacking.is_empty()) {
            let text = format!(
                "{} takes its build arguments from {file}, and {} is not among those that the run itself names",
                self.plan.component,
                lacking.join(", ")
            );
            let finding = Finding::new(Severity::Note, "build-args-by-file", text)
                .with_image(self.plan.tag.clone())
                .with_component(self.plan.repository.clone())
                .with_help("see that the file has them; nothing is added beside it");
            self.files.tell(finding, &self.run.path, None);
        }
        self.list("build-args", &self.plan.rules.build_args, &there, after);
    }

    /// Keeps lines that are right where they stand; those that name nothing of the Dockerfile would make the run fail.
    fn put_from_map(&mut self) {
        let there = self.there(&param_path("from-map"));
        let old = there.as_ref().and_then(Node::as_str).unwrap_or_default();
        let mut left = self.plan.from_map.clone();
        let mut lines = Vec::new();
        for line in old.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let text = line.rsplit_once('=').map_or(line, |(text, _)| text);
            if let Some(with) = left.remove(text) {
                lines.push(format!("{text}={with}"));
            }
        }
        let are_new = !left.is_empty();
        lines.extend(left.into_iter().map(|(text, with)| format!("{text}={with}")));
        if are_new {
            lines.sort();
        }
        let said: Vec<&str> = old.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if said == lines || (lines.is_empty() && there.is_none()) {
            return;
        }
        let wanted: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.text(
            &param_path("from-map"),
            "from-map",
            &self.plan.rules.from,
            &wanted,
            |_| false,
        );
    }

    fn floating(&mut self) {
        let there = self.items("additional-tags");
        let tag = self.world.konflux.floating.value.as_str();
        if there.iter().any(|item| item.text() == Some(tag)) {
            return;
        }
        let after = there.iter().cloned().chain([Node::string(tag)]).collect();
        self.list("additional-tags", &self.plan.rules.component, &there, after);
    }

    fn account(&mut self) {
        let wanted = account(self.world, self.plan);
        let old = [Step::Key("spec"), Step::Key("serviceAccountName")];
        let new = keys(&["spec", "taskRunTemplate", "serviceAccountName"]);
        let is_old = self.node().and_then(|node| node.get("apiVersion")?.text()) == Some("tekton.dev/v1beta1");
        let rules = &self.plan.rules.account;
        match is_old && self.there(&new).is_none() {
            true => self.text(&old, "serviceAccountName", rules, &wanted, |_| false),
            false => self.text(&new, "serviceAccountName", rules, &wanted, |_| false),
        }
    }
}

/// The architecture of a platform: `linux-mxlarge/arm64` is one of `arm64`, and `localhost` is the cluster's own.
fn architecture(platform: &str) -> &str {
    match platform.rsplit('/').next().unwrap_or(platform) {
        "localhost" | "local" | "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    }
}

/// What of a run is neither managed nor set in a new one: people's, so that the file does not go by itself.
pub(super) fn additions(node: &Node) -> Vec<String> {
    const PARAMS: [&str; 11] = [
        "git-url",
        "revision",
        "output-image",
        "image-expires-after",
        "build-platforms",
        "dockerfile",
        "path-context",
        "build-args",
        "from-map",
        "additional-tags",
        "yum-repos-d-src",
    ];
    const SPEC: [&str; 6] = [
        "params",
        "pipelineRef",
        "taskRunTemplate",
        "serviceAccountName",
        "timeouts",
        "workspaces",
    ];
    let spec = node.get("spec");
    let params = spec
        .and_then(|spec| spec.get("params"))
        .and_then(Node::as_seq)
        .unwrap_or_default();
    let names = params.iter().filter_map(|param| param.get("name")?.text());
    let params = names
        .filter(|name| !PARAMS.contains(name))
        .map(|name| format!("param {name}"));
    let others = spec.and_then(Node::as_map).into_iter().flat_map(|spec| spec.keys());
    let others = others
        .filter(|key| !SPEC.contains(key))
        .map(|key| format!("spec.{key}"));
    params.chain(others).collect()
}
