//! The documents that a release's resources are: how each is made, and which of its fields are managed.

use std::collections::BTreeSet;

use super::super::fresh::{MARK, Shared, text};
use super::super::plans::{Plan, World};
use crate::model::build_config::RuleAt;
use crate::targets::asking::{self, OwnRules};
use crate::yaml::edit::path::{Step, find, keys};
use crate::yaml::{Mapping, Node};

/// Asks Konflux, once, to get the repository ready without a request of its own. A component with versions opens none unless its
/// `actions` ask for one.
const REQUEST: (&str, &str) = ("build.appstudio.openshift.io/request", "configure-pac-no-mr");
/// Asks Konflux, once, to tell the component where its image is: without that nothing is built.
const TELL: (&str, &str) = ("image-controller.appstudio.redhat.com/update-component-image", "true");
const BUILD_PIPELINE: &str = "build.appstudio.openshift.io/pipeline";
const LABELS: [&str; 2] = ["appstudio.redhat.com/application", "appstudio.redhat.com/component"];
/// The components that are built again after one.
const AFTER: &str = "build-nudges-ref";
const OLDER: &str = "appstudio.redhat.com/v1alpha1";
const NEWER: &str = "konflux-ci.dev/v1alpha1";

/// A document that a file should have: what it is known by, how it is made, and the fields of it that are managed.
pub(super) struct WantedDocument<'w> {
    pub kind: &'static str,
    pub fresh: Node,
    pub managed: Vec<Field<'w>>,
}

/// A field that is managed.
pub(super) struct Field<'w> {
    pub path: Vec<Step<'w>>,
    pub rules: Vec<RuleAt>,
    /// Whether it is set only where it is not there yet.
    pub once: bool,
}

impl Field<'_> {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self.path.last() {
            Some(Step::Key(key)) => key,
            Some(Step::With(..)) => "versions",
            _ => "",
        }
    }

    /// What it should say: of the components that are built again after one, those that are undecided stay.
    pub fn value(&self, fresh: &Node, there: Option<&Node>, world: &World) -> Option<Node> {
        let value = find(fresh, &self.path)?;
        let (AFTER, Some(after)) = (self.name(), value.as_seq()) else {
            return Some(value.clone());
        };
        let before = there.and_then(Node::as_seq).unwrap_or_default().iter();
        let stays = before.filter_map(Node::text).filter(|name| world.is_undecided(name));
        let all: BTreeSet<&str> = after.iter().filter_map(Node::text).chain(stays).collect();
        Some(Node::seq(all.into_iter().map(text)))
    }

    /// Whether what is there means what is wanted.
    pub fn is_met(&self, there: Option<&Node>, wanted: &Node) -> bool {
        let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
        match (self.name(), there) {
            _ if self.once => there.is_some(),
            ("context", there) => {
                let of = |node| {
                    text(node)
                        .as_deref()
                        .map(crate::targets::paths::clean)
                        .unwrap_or_default()
                };
                of(there) == of(Some(wanted))
            }
            ("url", Some(there)) => bare(&text(Some(there))) == bare(&text(Some(wanted))),
            (_, there) => there == Some(wanted),
        }
    }
}

/// A repository's address without what means nothing.
fn bare(url: &Option<String>) -> Option<&str> {
    url.as_deref()
        .map(|url| url.trim_end_matches('/').trim_end_matches(".git"))
}

/// A field of fixed keys.
fn field<'w>(path: &[&'w str], rules: &[RuleAt]) -> Field<'w> {
    Field {
        path: keys(path),
        rules: rules.to_vec(),
        once: false,
    }
}

/// Makes the documents.
pub(super) struct Maker<'m> {
    pub world: &'m World,
    pub rules: OwnRules<'m>,
    pub shared: &'m Shared<'m>,
    pub nudges: bool,
}

impl<'m> Maker<'m> {
    fn metadata(&self, name: &str, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Node {
        let pairs = |all: &[(&'_ str, &'_ str)]| -> Mapping {
            let mut map = Mapping::new();
            all.iter().for_each(|(key, value)| drop(map.insert(*key, text(*value))));
            map
        };
        let mut metadata = Mapping::new();
        if !annotations.is_empty() {
            metadata.insert("annotations", pairs(annotations));
        }
        metadata.insert("labels", pairs(&[&[MARK], labels].concat()));
        metadata.insert("name", text(name));
        metadata.insert("namespace", text(self.world.konflux.tenant.value.as_str()));
        metadata.into()
    }

    /// The release's application; components with versions have none.
    pub fn application(&self) -> WantedDocument<'m> {
        let konflux = &self.world.konflux;
        let rules = asking::rules_of(self.rules, &konflux.application);
        let tenant = asking::rules_of(self.rules, &konflux.tenant);
        let name = text(konflux.display_name.value.as_str());
        WantedDocument {
            kind: "Application",
            fresh: document(
                OLDER,
                "Application",
                self.metadata(&konflux.application.value, &[], &[]),
                Node::map([("displayName", name)]),
            ),
            managed: vec![
                field(&["metadata", "name"], &rules),
                field(&["metadata", "namespace"], &tenant),
                field(&["spec", "displayName"], &rules),
            ],
        }
    }

    /// An image's documents.
    pub fn image(&self, plan: &'m Plan) -> Vec<WantedDocument<'m>> {
        let component = match self.world.konflux.has_versions.value {
            true => self.versioned(plan),
            false => self.component(plan),
        };
        let repository = plan.needs_repository.then(|| self.image_repository(plan));
        std::iter::once(component).chain(repository).collect()
    }

    fn component(&self, plan: &'m Plan) -> WantedDocument<'m> {
        let konflux = &self.world.konflux;
        let pipeline = [(BUILD_PIPELINE, konflux.build_pipeline.value.as_str())];
        let annotations: Vec<(&str, &str)> = pipeline.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let mut git = Mapping::new();
        git.insert("url", text(address(plan)));
        git.insert("revision", text(plan.branch.as_str()));
        git.insert("context", text(context(plan)));
        git.insert("dockerfileUrl", text(plan.below.as_str()));
        let mut spec = Mapping::new();
        spec.insert("application", text(konflux.application.value.as_str()));
        if self.nudges && !plan.children.is_empty() {
            let children = plan.children.iter().map(|child| text(child.as_str()));
            spec.insert(AFTER, Node::seq(children));
        }
        spec.insert("componentName", text(plan.component.as_str()));
        if !plan.needs_repository {
            spec.insert("containerImage", text(plan.image.as_str()));
        }
        spec.insert("skip-offboarding-pr", Node::from(true));
        spec.insert("source", Node::map([("git", Node::from(git))]));
        let rules = &plan.rules;
        let mut managed = vec![
            field(&["metadata", "name"], &rules.component),
            field(&["metadata", "namespace"], &rules.tenant),
            field(&["metadata", "annotations", BUILD_PIPELINE], &[]),
            field(&["spec", "application"], &rules.application),
            field(&["spec", "componentName"], &rules.component),
            field(&["spec", "containerImage"], &rules.image),
            field(&["spec", "skip-offboarding-pr"], &[]),
            field(&["spec", "source", "git", "url"], &rules.repository),
            field(&["spec", "source", "git", "revision"], &rules.branch),
            field(&["spec", "source", "git", "context"], &rules.context),
            field(&["spec", "source", "git", "dockerfileUrl"], &rules.dockerfile),
        ];
        if self.nudges {
            managed.push(field(&["spec", AFTER], &[]));
        }
        let metadata = self.metadata(&plan.component, &[], &[&annotations[..], &[REQUEST]].concat());
        WantedDocument {
            kind: "Component",
            fresh: document(OLDER, "Component", metadata, spec.into()),
            managed,
        }
    }

    /// A component of all releases, with this one's version.
    fn versioned(&self, plan: &'m Plan) -> WantedDocument<'m> {
        let version = self.world.konflux.version.value.as_str();
        let mut own = Mapping::new();
        own.insert("name", text(version));
        own.insert("revision", text(plan.branch.as_str()));
        own.insert("context", text(context(plan)));
        own.insert("dockerfilePath", text(plan.below.as_str()));
        let mut source = Mapping::new();
        source.insert("url", text(address(plan)));
        source.insert("versions", Node::seq([Node::from(own)]));
        let mut spec = Mapping::new();
        // Konflux waits until it knows where the image goes.
        spec.insert("containerImage", text(plan.image.as_str()));
        if let Some(pipeline) = self.shared.in_git(self.world) {
            let both = Node::map([("pipelineref-by-git-resolver", pipeline)]);
            spec.insert("default-build-pipeline", Node::map([("pull-and-push", both)]));
        }
        spec.insert("skip-offboarding-pr", Node::from(true));
        spec.insert("source", source);
        let rules = &plan.rules;
        let own = |last: Option<&'m str>, rules: &[RuleAt]| {
            let item = Step::With(&["name"], version);
            let path = [keys(&["spec", "source", "versions"]), vec![item]].concat();
            Field {
                path: path.into_iter().chain(last.map(Step::Key)).collect(),
                rules: rules.to_vec(),
                once: last.is_none(),
            }
        };
        WantedDocument {
            kind: "Component",
            fresh: document(
                NEWER,
                "Component",
                self.metadata(&plan.component, &[], &[]),
                spec.into(),
            ),
            managed: vec![
                field(&["metadata", "name"], &rules.component),
                field(&["metadata", "namespace"], &rules.tenant),
                field(&["spec", "containerImage"], &rules.image),
                field(&["spec", "skip-offboarding-pr"], &[]),
                field(&["spec", "source", "url"], &rules.repository),
                own(None, &rules.component),
                own(Some("revision"), &rules.branch),
                own(Some("context"), &rules.context),
                own(Some("dockerfilePath"), &rules.dockerfile),
            ],
        }
    }

    fn image_repository(&self, plan: &'m Plan) -> WantedDocument<'m> {
        let konflux = &self.world.konflux;
        let (api, application) = match konflux.has_versions.value {
            true => (NEWER, None),
            false => (OLDER, Some((LABELS[0], konflux.application.value.as_str()))),
        };
        let labels = application.into_iter().chain([(LABELS[1], plan.component.as_str())]);
        let labels: Vec<(&str, &str)> = labels.collect();
        // The controller puts the tenant in front.
        let name = format!("{}/{}", konflux.tenant.value, plan.component);
        let image = Node::map([("name", text(name)), ("visibility", text("public"))]);
        let rules = &plan.rules;
        WantedDocument {
            kind: "ImageRepository",
            fresh: document(
                api,
                "ImageRepository",
                self.metadata(&plan.component, &labels, &[TELL]),
                Node::map([("image", image)]),
            ),
            managed: vec![
                field(&["metadata", "name"], &rules.component),
                field(&["metadata", "namespace"], &rules.tenant),
                field(&["metadata", "labels", LABELS[0]], &rules.application),
                field(&["metadata", "labels", LABELS[1]], &rules.component),
                field(&["spec", "image", "name"], &rules.image),
                field(&["spec", "image", "visibility"], &[]),
            ],
        }
    }
}

fn document(api: &str, kind: &str, metadata: Node, spec: Node) -> Node {
    Node::map([
        ("apiVersion", text(api)),
        ("kind", text(kind)),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

/// Where a component's repository is.
fn address(plan: &Plan) -> String {
    format!("https://github.com/{}", plan.repository)
}

fn context(plan: &Plan) -> &str {
    if plan.context.is_empty() { "." } else { &plan.context }
}

/// Where a Component says that its repository is.
pub(super) fn url(component: &Node) -> Option<&str> {
    let paths = [&["spec", "source", "git", "url"][..], &["spec", "source", "url"]];
    paths.into_iter().find_map(|path| find(component, &keys(path))?.text())
}
