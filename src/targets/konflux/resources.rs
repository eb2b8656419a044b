//! Konflux's resources of a release, a file each, in the repository that a cluster applies.

use std::collections::BTreeSet;

use super::causes::Causes;
use super::fresh::{MARK, Shared, text};
use super::pipeline;
use super::plans::{Plan, World};
use super::runs::label;
use crate::finding::{Finding, Severity};
use crate::model::build_config::RuleAt;
use crate::targets::asking;
use crate::targets::documents::Files;
use crate::targets::to_node;
use crate::yaml::edit;
use crate::yaml::edit::path::{Step, find, keys, set};
use crate::yaml::{Mapping, Node};

/// Asks Konflux, once, to get the repository ready without a request of its own.
const REQUEST: (&str, &str) = ("build.appstudio.openshift.io/request", "configure-pac-no-mr");
const BUILD_PIPELINE: &str = "build.appstudio.openshift.io/pipeline";
const LABELS: [&str; 2] = ["appstudio.redhat.com/application", "appstudio.redhat.com/component"];

/// A release's resources.
pub(super) struct Resources<'r> {
    pub world: &'r World,
    pub causes: &'r Causes<'r>,
    pub repository: String,
    pub shared: Shared<'r>,
    /// Whether a component has those rebuilt that are built from it.
    pub nudges: bool,
}

/// A document that a file should have: what it is known by, how it is made, and the fields of it that are managed.
struct Wanted {
    kind: &'static str,
    fresh: Node,
    managed: Vec<(Vec<&'static str>, Vec<RuleAt>)>,
}

impl Resources<'_> {
    fn folder(&self) -> &str {
        self.world.konflux.resources_folder.value.trim_matches('/')
    }

    /// The file of a component.
    fn file(&self, component: &str) -> String {
        format!("{}/components/{component}.yaml", self.folder())
    }

    /// Makes the files right.
    pub fn render(&self, files: &mut Files<'_>) {
        let mut listed = BTreeSet::from(["application.yaml".to_owned()]);
        let path = format!("{}/application.yaml", self.folder());
        self.document(files, &path, None, &[self.application()]);
        for plan in &self.world.plans {
            let mut wanted = vec![self.component(plan)];
            if plan.needs_repository {
                wanted.push(self.image_repository(plan));
            }
            let path = self.file(&plan.component);
            files.about(&path, Some(&plan.repository), &plan.tag);
            self.document(files, &path, Some(plan), &wanted);
            self.moved(files, &path, plan);
            listed.insert(format!("components/{}.yaml", plan.component));
        }
        for (file, resource) in &self.world.konflux.extra_resources.value {
            let path = format!("{}/{file}", self.folder());
            if crate::base::path_fault(&path).is_some() {
                continue;
            }
            if !files.is_there(&path) {
                let cause = self.causes.file(None, &self.repository, &[], true, "a resource");
                files.add(&path, edit::fresh(&to_node(resource)), cause, None, &[]);
            }
            listed.insert(file.clone());
        }
        let gone = self.unwanted(files);
        self.kustomization(files, &listed, &gone);
        let path = &self.world.konflux.pipeline.value.path;
        if !files.is_there(path) {
            let cause = self
                .causes
                .file(None, &self.repository, &[], true, "the build pipeline");
            files.add(path, pipeline::text(self.world, &self.shared), cause, None, &[]);
        }
    }

    /// Makes the documents of a file right, those of other kinds left alone.
    fn document(&self, files: &mut Files<'_>, path: &str, plan: Option<&Plan>, wanted: &[Wanted]) {
        if files.is_unread(path) {
            return;
        }
        if !files.is_there(path) {
            let texts: Vec<String> = wanted.iter().map(|wanted| edit::fresh(&wanted.fresh)).collect();
            let cause = self.causes.file(plan, &self.repository, &[], true, "a resource");
            let tags: Vec<&str> = plan.iter().map(|plan| plan.tag.as_str()).collect();
            let component = plan.map(|plan| plan.repository.as_str());
            files.add(path, texts.join("---\n"), cause, component, &tags);
            return;
        }
        for wanted in wanted {
            let kind = |node: &Node| node.get("kind").and_then(Node::as_str) == Some(wanted.kind);
            let Some(document) = files.documents(path).iter().position(kind) else {
                let text = format!("{path} has no {}, though Konflux needs one", wanted.kind);
                let finding = Finding::new(Severity::Warning, "resource-missing", text)
                    .with_help("add it to the file, or remove the file so that it is written anew");
                files.tell(finding, path, None);
                continue;
            };
            for (keys_of, rules) in &wanted.managed {
                let steps: Vec<Step<'_>> = keys(keys_of);
                let value = find(&wanted.fresh, &steps).cloned();
                let there = files
                    .documents(path)
                    .get(document)
                    .and_then(|node| find(node, &steps))
                    .cloned();
                let Some(value) = value.filter(|value| there.as_ref() != Some(value)) else {
                    continue;
                };
                let field = keys_of.last().copied().unwrap_or_default();
                let old = there.as_ref().map(told);
                let cause = self
                    .causes
                    .field(plan, field, rules, old.as_deref(), Some(&told(&value)));
                files.change(path, cause, |documents| {
                    if let Some(root) = documents.get_mut(document) {
                        _ = set(root, &steps, value);
                    }
                });
            }
        }
    }

    fn metadata(&self, name: &str, labels: &[(&str, &str)], annotations: Mapping) -> Node {
        let mut metadata = Mapping::new();
        if !annotations.is_empty() {
            metadata.insert("annotations", Node::from(annotations));
        }
        let mark = [(MARK.0, text(MARK.1))];
        let labels = labels.iter().map(|(key, value)| (*key, text(*value)));
        metadata.insert("labels", Node::map(mark.into_iter().chain(labels)));
        metadata.insert("name", text(name));
        metadata.insert("namespace", text(self.world.konflux.tenant.value.as_str()));
        metadata.into()
    }

    fn application(&self) -> Wanted {
        let konflux = &self.world.konflux;
        let rules = asking::rules_of(self.causes.release, &konflux.application);
        let tenant = asking::rules_of(self.causes.release, &konflux.tenant);
        let name = text(konflux.display_name.value.as_str());
        Wanted {
            kind: "Application",
            fresh: Node::map([
                ("apiVersion", text("appstudio.redhat.com/v1alpha1")),
                ("kind", text("Application")),
                (
                    "metadata",
                    self.metadata(&konflux.application.value, &[], Mapping::new()),
                ),
                ("spec", Node::map([("displayName", name)])),
            ]),
            managed: vec![
                (vec!["metadata", "name"], rules.clone()),
                (vec!["metadata", "namespace"], tenant),
                (vec!["spec", "displayName"], rules),
            ],
        }
    }

    fn component(&self, plan: &Plan) -> Wanted {
        let konflux = &self.world.konflux;
        let mut annotations = Mapping::new();
        if !konflux.build_pipeline.value.is_empty() {
            annotations.insert(BUILD_PIPELINE, text(konflux.build_pipeline.value.as_str()));
        }
        annotations.insert(REQUEST.0, text(REQUEST.1));
        let mut git = Mapping::new();
        git.insert("url", text(format!("https://github.com/{}", plan.repository)));
        git.insert("revision", text(plan.branch.as_str()));
        git.insert(
            "context",
            text(if plan.context.is_empty() { "." } else { &plan.context }),
        );
        git.insert("dockerfileUrl", text(plan.below.as_str()));
        let mut spec = Mapping::new();
        spec.insert("application", text(konflux.application.value.as_str()));
        if self.nudges && !plan.children.is_empty() {
            let children = plan.children.iter().map(|child| text(child.as_str()));
            spec.insert("build-nudges-ref", Node::seq(children));
        }
        spec.insert("componentName", text(plan.component.as_str()));
        if !plan.needs_repository {
            spec.insert("containerImage", text(plan.image.as_str()));
        }
        spec.insert("skip-offboarding-pr", Node::from(true));
        spec.insert("source", Node::map([("git", Node::from(git))]));
        let rules = &plan.rules;
        let mut managed = vec![
            (vec!["metadata", "name"], rules.component.clone()),
            (vec!["metadata", "namespace"], rules.tenant.clone()),
            (vec!["metadata", "annotations", BUILD_PIPELINE], Vec::new()),
            (vec!["spec", "application"], rules.application.clone()),
            (vec!["spec", "componentName"], rules.component.clone()),
            (vec!["spec", "containerImage"], rules.image.clone()),
            (vec!["spec", "skip-offboarding-pr"], Vec::new()),
            (vec!["spec", "source", "git", "url"], rules.repository.clone()),
            (vec!["spec", "source", "git", "revision"], rules.branch.clone()),
            (vec!["spec", "source", "git", "context"], rules.context.clone()),
            (vec!["spec", "source", "git", "dockerfileUrl"], rules.dockerfile.clone()),
        ];
        if self.nudges {
            managed.push((vec!["spec", "build-nudges-ref"], Vec::new()));
        }
        Wanted {
            kind: "Component",
            fresh: Node::map([
                ("apiVersion", text("appstudio.redhat.com/v1alpha1")),
                ("kind", text("Component")),
                ("metadata", self.metadata(&plan.component, &[], annotations)),
                ("spec", spec.into()),
            ]),
            managed,
        }
    }

    fn image_repository(&self, plan: &Plan) -> Wanted {
        let application = self.world.konflux.application.value.as_str();
        let labels = [(LABELS[0], application), (LABELS[1], plan.component.as_str())];
        // The controller puts the tenant in front.
        let name = format!("{}/{}", self.world.konflux.tenant.value, plan.component);
        let image = Node::map([("name", text(name)), ("visibility", text("public"))]);
        let rules = &plan.rules;
        Wanted {
            kind: "ImageRepository",
            fresh: Node::map([
                ("apiVersion", text("appstudio.redhat.com/v1alpha1")),
                ("kind", text("ImageRepository")),
                ("metadata", self.metadata(&plan.component, &labels, Mapping::new())),
                ("spec", Node::map([("image", image)])),
            ]),
            managed: vec![
                (vec!["metadata", "name"], rules.component.clone()),
                (vec!["metadata", "namespace"], rules.tenant.clone()),
                (vec!["metadata", "labels", LABELS[0]], rules.application.clone()),
                (vec!["metadata", "labels", LABELS[1]], rules.component.clone()),
                (vec!["spec", "image", "name"], rules.image.clone()),
                (vec!["spec", "image", "visibility"], Vec::new()),
            ],
        }
    }

    /// Tells of a component whose repository is another one now: nobody looks at the old one any more.
    fn moved(&self, files: &mut Files<'_>, path: &str, plan: &Plan) {
        let Some(before) = files.actual.files.get(path) else {
            return;
        };
        let documents = crate::yaml::parse_all(before).unwrap_or_default();
        let url = documents
            .iter()
            .find_map(|node| node.at(&["spec", "source", "git", "url"])?.text());
        let old = url.map(|url| {
            url.trim_end_matches(".git")
                .trim_start_matches("https://github.com/")
                .to_owned()
        });
        if let Some(old) = old.filter(|old| *old != plan.repository) {
            let text = format!(
                "{} is built from {} now; its runs in {old} stay there",
                plan.component, plan.repository
            );
            let finding = Finding::new(Severity::Warning, "konflux-moved", text)
                .with_image(plan.tag.clone())
                .with_component(plan.repository.clone())
                .with_help("remove them by hand, unless the forge says that it is the same repository");
            files.tell(finding, path, None);
        }
    }

    /// Removes the resources of images that the release does not have; gives the names of their files.
    fn unwanted(&self, files: &mut Files<'_>) -> BTreeSet<String> {
        let folder = format!("{}/components/", self.folder());
        let known: BTreeSet<&str> = self.world.plans.iter().map(|plan| plan.component.as_str()).collect();
        let mut gone = BTreeSet::new();
        let there: Vec<String> = files.below(&folder).map(|(path, _)| path.to_owned()).collect();
        for path in there {
            let documents = files.documents(&path).to_vec();
            let component = documents
                .iter()
                .find(|node| node.get("kind").and_then(Node::as_str) == Some("Component"))
                .and_then(|node| node.at(&["metadata", "name"])?.text())
                .unwrap_or_default()
                .to_owned();
            if component.is_empty() || known.contains(&*component) || self.world.held.contains(&component) {
                continue;
            }
            let marked = documents.iter().all(|node| label(node, MARK.0) == Some(MARK.1));
            let dropped = self.world.dropped.get(&component);
            if !marked || (dropped.is_none() && !self.world.complete) {
                let text =
                    format!("{path} is of {component}, which the release does not build; it stays, as people made it");
                if dropped.is_some() {
                    let finding = Finding::new(Severity::Warning, "dropped-with-additions", text)
                        .with_help("remove the file by hand");
                    files.tell(finding, &path, None);
                }
                continue;
            }
            let tag = dropped.cloned().unwrap_or_default();
            files.about(&path, None, &tag);
            let cause = self.causes.file(None, &self.repository, &[], false, "a resource");
            if files.remove(&path, cause) {
                gone.insert(format!("components/{component}.yaml"));
            }
        }
        gone
    }

    fn kustomization(&self, files: &mut Files<'_>, listed: &BTreeSet<String>, gone: &BTreeSet<String>) {
        let path = format!("{}/kustomization.yaml", self.folder());
        if files.is_unread(&path) {
            return;
        }
        if !files.is_there(&path) {
            let node = Node::map([
                ("apiVersion", text("kustomize.config.k8s.io/v1beta1")),
                ("kind", text("Kustomization")),
                ("resources", Node::seq(listed.iter().map(|file| text(file.as_str())))),
            ]);
            let cause = self.causes.file(None, &self.repository, &[], true, "the list of files");
            files.add(&path, edit::fresh(&node), cause, None, &[]);
            return;
        }
        let resources = keys(&["resources"]);
        let there = files
            .documents(&path)
            .first()
            .and_then(|node| find(node, &resources))
            .cloned();
        let there: Vec<Node> = there
            .and_then(|node| node.as_seq().map(<[Node]>::to_vec))
            .unwrap_or_default();
        let clean = |node: &Node| node.text().unwrap_or_default().trim_start_matches("./").to_owned();
        let mut after: Vec<Node> = there
            .iter()
            .filter(|node| !gone.contains(&clean(node)))
            .cloned()
            .collect();
        let known: BTreeSet<String> = after.iter().map(clean).collect();
        after.extend(
            listed
                .iter()
                .filter(|file| !known.contains(*file))
                .map(|file| text(file.as_str())),
        );
        if after == there {
            return;
        }
        let new: Vec<&str> = after
            .iter()
            .filter(|node| !there.contains(node))
            .filter_map(Node::text)
            .collect();
        let cause = self.causes.field(
            None,
            "resources",
            &[],
            None,
            Some(&crate::base::text::clip(&new.join(", "), 200)),
        );
        files.change(&path, cause, |documents| {
            if let Some(root) = documents.first_mut() {
                _ = set(root, &resources, Node::seq(after));
            }
        });
    }
}

/// A value in a few words.
fn told(node: &Node) -> String {
    match node.as_seq() {
        Some(items) => format!("{} items", items.len()),
        None => node.text().unwrap_or_default().to_owned(),
    }
}
