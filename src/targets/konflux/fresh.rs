//! A new run, as Konflux itself would write it.

use super::plans::{Plan, World};
use super::runs::{EXPRESSION, Event};
use crate::yaml::{Mapping, Node};

/// The label of a file that we made.
pub(super) const MARK: (&str, &str) = ("app.kubernetes.io/managed-by", "lockstep");

pub(super) fn text(text: impl Into<Box<str>>) -> Node {
    Node::string(text)
}

/// `{name, value}` of a parameter.
pub(super) fn param(name: &str, value: impl Into<Node>) -> Node {
    Node::map([("name", text(name)), ("value", value.into())])
}

/// Where runs find the shared pipeline.
pub(super) enum Shared<'s> {
    /// In a repository.
    Repository(&'s str),
    /// Nobody says: by its name.
    Unknown,
}

impl Shared<'_> {
    /// The reference to it.
    pub fn reference(&self, world: &World) -> Node {
        match self.place(world) {
            Some(place) => {
                let params = place.into_iter().map(|(name, value)| param(name, text(value)));
                Node::map([("resolver", text("git")), ("params", Node::seq(params))])
            }
            None => Node::map([("name", text(self.name(world)))]),
        }
    }

    /// Where it is, as a Component says it; `None`: nobody says.
    pub fn in_git(&self, world: &World) -> Option<Node> {
        let place = self.place(world)?;
        Some(Node::map(place.map(|(name, value)| (name, text(value)))))
    }

    fn place(&self, world: &World) -> Option<[(&'static str, String); 3]> {
        let pipeline = &world.konflux.pipeline.value;
        match self {
            Self::Repository(repository) => Some([
                ("url", format!("https://github.com/{repository}")),
                ("revision", pipeline.revision.clone()),
                ("pathInRepo", pipeline.path.clone()),
            ]),
            Self::Unknown => None,
        }
    }

    /// The pipeline's name: that of its file.
    pub fn name<'w>(&self, world: &'w World) -> &'w str {
        let path = world.konflux.pipeline.value.path.as_str();
        let file = path.rsplit('/').next().unwrap_or(path);
        file.trim_end_matches(".yaml").trim_end_matches(".yml")
    }
}

/// The name of a run.
pub(super) fn name(plan: &Plan, event: Event) -> String {
    format!("{}-on-{}", plan.stem, event.suffix())
}

/// The name of its file.
pub(super) fn file(plan: &Plan, event: Event) -> String {
    format!("{}-{}.yaml", plan.stem, event.suffix())
}

/// The image that a run pushes.
pub(super) fn output(plan: &Plan, event: Event) -> String {
    let prefix = if event == Event::PullRequest { "on-pr-" } else { "" };
    format!("{}:{prefix}{{{{revision}}}}", plan.image)
}

/// The service account that a component is built with.
pub(super) fn account(world: &World, plan: &Plan) -> String {
    world
        .konflux
        .service_account
        .value
        .replace("{component}", &plan.component)
}

/// When a run starts. A component without a context is built from all of its repository, so that every change counts.
pub(super) fn starts(world: &World, plan: &Plan, event: Event) -> String {
    let mut expression = format!("event == \"{}\" && target_branch == \"{}\"", event.word(), plan.branch);
    if world.konflux.has_versions.value {
        expression.push_str(" && builds_enabled == \"true\"");
    }
    if !plan.context.is_empty() {
        let mut paths = vec![
            format!("{}/***", plan.context),
            format!(".tekton/{}", file(plan, event)),
        ];
        if !plan.dockerfile.starts_with(&format!("{}/", plan.context)) {
            paths.push(plan.dockerfile.clone());
        }
        let changed: Vec<String> = paths.iter().map(|path| format!("\"{path}\".pathChanged()")).collect();
        expression.push_str(&format!(" && ( {} )", changed.join(" || ")));
    }
    expression
}

/// The map of what is replaced, a line each.
pub(super) fn map_text(plan: &Plan) -> String {
    plan.from_map
        .iter()
        .map(|(text, with)| format!("{text}={with}\n"))
        .collect()
}

/// The run of an image on an event.
pub(super) fn run(world: &World, plan: &Plan, event: Event, shared: &Shared<'_>) -> Node {
    let konflux = &world.konflux;
    let mut spec = Mapping::new();
    spec.insert("params", Node::seq(params(world, plan, event)));
    spec.insert("pipelineRef", shared.reference(world));
    let account = text(account(world, plan));
    spec.insert("taskRunTemplate", Node::map([("serviceAccountName", account)]));
    spec.insert(
        "timeouts",
        Node::map([("pipeline", text(konflux.pipeline.value.timeout.as_str()))]),
    );
    let secret = Node::map([("secretName", text("{{ git_auth_secret }}"))]);
    spec.insert(
        "workspaces",
        Node::seq([Node::map([("name", text("git-auth")), ("secret", secret)])]),
    );
    Node::map([
        ("apiVersion", text("tekton.dev/v1")),
        ("kind", text("PipelineRun")),
        ("metadata", metadata(world, plan, event)),
        ("spec", spec.into()),
    ])
}

fn metadata(world: &World, plan: &Plan, event: Event) -> Node {
    let konflux = &world.konflux;
    let is_request = event == Event::PullRequest;
    let mut annotations = Mapping::new();
    let source = format!("https://github.com/{}?rev={{{{revision}}}}", plan.repository);
    // The older API has two prefixes, the newer one one.
    let (of_repo, of_change) = match konflux.has_versions.value {
        true => ("build.konflux-ci.dev", "build.konflux-ci.dev"),
        false => ("build.appstudio.openshift.io", "build.appstudio.redhat.com"),
    };
    annotations.insert(format!("{of_repo}/repo"), text(source));
    annotations.insert(format!("{of_change}/commit_sha"), text("{{revision}}"));
    if is_request {
        annotations.insert(
            format!("{of_change}/pull_request_number"),
            text("{{pull_request_number}}"),
        );
    }
    annotations.insert(format!("{of_change}/target_branch"), text("{{target_branch}}"));
    let version = konflux.labels.value.version.as_str();
    if !version.is_empty() {
        annotations.insert(version, text(konflux.version.value.as_str()));
    }
    let cancel = if is_request { "true" } else { "false" };
    annotations.insert("pipelinesascode.tekton.dev/cancel-in-progress", text(cancel));
    annotations.insert("pipelinesascode.tekton.dev/max-keep-runs", text("3"));
    annotations.insert(EXPRESSION, text(starts(world, plan, event)));
    let mut labels = Mapping::new();
    labels.insert(MARK.0, text(MARK.1));
    for (key, value) in labels_of(world, plan) {
        labels.insert(key, text(value));
    }
    Node::map([
        ("annotations", annotations.into()),
        ("labels", labels.into()),
        ("name", text(name(plan, event))),
        ("namespace", text(konflux.tenant.value.as_str())),
    ])
}

/// The labels of an image's runs.
pub(super) fn labels_of<'w>(world: &'w World, plan: &'w Plan) -> Vec<(&'w str, &'w str)> {
    let keys = &world.konflux.labels.value;
    let labels = [
        (keys.application.as_str(), world.konflux.application.value.as_str()),
        (keys.component.as_str(), plan.component.as_str()),
        (keys.kind.as_str(), "build"),
    ];
    labels.into_iter().filter(|(key, _)| !key.is_empty()).collect()
}

fn params(world: &World, plan: &Plan, event: Event) -> Vec<Node> {
    let konflux = &world.konflux;
    let mut params = vec![
        param("git-url", text("{{source_url}}")),
        param("revision", text("{{revision}}")),
        param("output-image", text(output(plan, event))),
    ];
    if event == Event::PullRequest && !konflux.expires.value.is_empty() {
        params.push(param("image-expires-after", text(konflux.expires.value.as_str())));
    }
    let platforms = plan.platforms.iter().map(|platform| text(platform.as_str()));
    params.push(param("build-platforms", Node::seq(platforms)));
    params.push(param("dockerfile", text(plan.below.as_str())));
    if !plan.context.is_empty() {
        params.push(param("path-context", text(plan.context.as_str())));
    }
    if !plan.build_args.is_empty() {
        let args = plan
            .build_args
            .iter()
            .map(|(name, value)| text(format!("{name}={value}")));
        params.push(param("build-args", Node::seq(args)));
    }
    if !plan.from_map.is_empty() {
        params.push(param("from-map", text(map_text(plan))));
    }
    if event == Event::Push {
        params.push(param(
            "additional-tags",
            Node::seq([text(konflux.floating.value.as_str())]),
        ));
    }
    if !plan.repo_files.is_empty() {
        params.push(param("yum-repos-d-src", text(plan.repo_files.as_str())));
    }
    params
}
