//! Turns the raw form into the valid form.
//!
//! The shape has been checked by then, so whatever cannot be read here has been reported already: a stand-in takes its
//! place, which nobody sees, since a configuration with faults is thrown away as a whole.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value as Json, json};

use super::fault::{Code, Fault, span};
use super::findings;
use super::format::is_oci;
use super::keys;
use super::keys::{Format, ValueForm};
use super::sources::{BuildData, CiConfig, Components, Payload, ReleaseController, ResultSources, Sources, Via};
use super::types::*;
use super::view::{View, scalar};
use crate::forge::github;
use crate::github::Credential;
use crate::plan::{Accept, Adopt};
use crate::source::{Location, Template, under};
use crate::targets::{self, Chosen, Options};
use crate::told;
use crate::yaml::{Node, Value};

/// Reads a configuration whose relative paths start at `dir`; adds what the shape cannot show to `faults`.
pub(super) fn validate(root: &Node, file: &str, dir: &Path, faults: &mut Vec<Fault>) -> Config {
    let root = View::of(root, &keys::ROOT);
    let config = Config {
        file: file.to_owned(),
        sources: sources(root.map("sources", &keys::SOURCES), dir),
        releases: releases(root),
        rules: root.texts("rules").map(|text| rule_set(text, dir)).collect(),
        targets: targets(root, dir),
        left_out: Vec::new(),
        forge: forge(root, dir),
        state: under(dir, root.text("state")),
        schedule: root.text("schedule").to_owned(),
        listen: root
            .text("listen")
            .parse()
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        service: link(root.map("links", &keys::LINKS), "service"),
        rules_web: link(root.map("links", &keys::LINKS), "rules"),
        log: Log::ALL
            .into_iter()
            .find(|log| log.name() == root.text("log"))
            .unwrap_or(Log::Auto),
        lease: lease(root, faults),
        server: server(root.map("server", &keys::SERVER), dir),
        adopt: adopt(root.map("adopt", &keys::ADOPT)),
        accept: root
            .items("accept")
            .map(|node| accept(View::of(node, &keys::ACCEPT), format!("{file}:{}", node.pos.line)))
            .collect(),
        audit: findings::policy(root.map("audit", &keys::AUDIT), file),
        feedback: feedback(root.map("feedback", &keys::FEEDBACK), file),
        limits: Limits {
            removals: root.map("limits", &keys::LIMITS).parsed("removals").unwrap_or_default(),
        },
    };
    check_twice(root, faults);
    findings::check_codes(root.map("audit", &keys::AUDIT), faults);
    check_auto(root, &config, faults);
    check_payload(root, faults);
    check_breaks(root, &config, faults);
    check_access(root, &config, faults);
    config
}

/// Finds the rules that are named and that cannot be read.
pub(super) fn check_rules(root: &Node, dir: &Path, missing: &dyn Fn(&Path) -> Option<String>, faults: &mut Vec<Fault>) {
    const SETS: [&str; 2] = ["builtin", "feedback"];
    for node in View::of(root, &keys::ROOT).items("rules") {
        let Some(text) = node.text().filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let RuleSet::Path(path) = rule_set(text, dir) else {
            continue;
        };
        let Some(why) = missing(&path) else { continue };
        let message = format!("rules {} cannot be read: {why}", path.display());
        let hint = match super::wording::nearest(text, &SETS) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "name `builtin`, `feedback`, or a file or directory; a relative path starts at this file's folder"
                .to_owned(),
        };
        faults.push(Fault::new(Code::BadValue, span(node), message, hint));
    }
}

fn sources(view: View<'_>, dir: &Path) -> Sources {
    let build_data = view.map("build-data", &keys::BUILD_DATA);
    let components = view.map("components", &keys::COMPONENTS);
    Sources {
        build_data: BuildData {
            repo: Template::relative_to(build_data.text("repo"), dir),
            branch: Template::new(build_data.text("branch")),
        },
        ci_config: ci_config(view.map("ci-config", &keys::CI_CONFIG), dir),
        components: Components {
            repo: Template::relative_to(components.text("repo"), dir),
            via: Via::ALL
                .into_iter()
                .find(|via| via.name() == components.text("via"))
                .unwrap_or(Via::Git),
        },
        payload: view
            .has("payload")
            .then(|| payload(view.map("payload", &keys::PAYLOAD), dir)),
        results: view
            .has("results")
            .then(|| results(view.map("results", &keys::RESULTS), dir)),
    }
}

fn feedback(view: View<'_>, file: &str) -> Feedback {
    let pulls = view.map("pulls", &keys::PULLS);
    let silence = view.items("silence").filter_map(|node| {
        let view = View::of(node, &keys::SILENCE);
        Some(Silence {
            at: format!("{file}:{}", node.pos.line),
            image: view.text("image").to_owned(),
            release: view.text("release").parse().ok(),
            reason: view.text("reason").to_owned(),
            author: view.text("author").to_owned(),
            until: view.text("until").parse().ok()?,
        })
    });
    Feedback {
        silence: silence.collect(),
        breaks: breaks(view.map("breaks", &keys::BREAKS)),
        pulls: view.has("pulls").then(|| Pulls {
            repositories: pulls.texts("repositories").map(str::to_owned).collect(),
            form: match pulls.text("as") {
                "status" => PullForm::Status,
                _ => PullForm::Check,
            },
            breaks_fail: pulls.text("breaks") == "failure",
            comment: match pulls.text("comment") {
                "breaks" => Comment::Breaks,
                "changes" => Comment::Changes,
                _ => Comment::Never,
            },
            max_new: pulls.parsed("max-new").unwrap_or_default(),
        }),
    }
}

/// Where breaks are told; `None`: nowhere.
fn breaks(view: View<'_>) -> Option<Breaks> {
    let form = told::Form::ALL
        .into_iter()
        .find(|form| form.name() == view.text("as"))?;
    Some(Breaks {
        form,
        table: view.text("table").parse().ok(),
        max_new: view.parsed("max-new").unwrap_or_default(),
        owners: view.flag("owners"),
    })
}

/// Finds what telling developers needs and lacks.
pub(super) fn check_telling(root: &Node, config: &Config, faults: &mut Vec<Fault>) {
    let root = View::of(root, &keys::ROOT);
    check_pulls(root, config, faults);
    let breaks = root.map("feedback", &keys::FEEDBACK).map("breaks", &keys::BREAKS);
    let node = breaks.get("as").filter(|_| config.feedback.breaks.is_some());
    if let (Some(node), Forge::Local { .. }) = (node, &config.forge) {
        let message = "`feedback.breaks` needs `forge` with `kind: github`";
        let hint = "it is there that pull requests and issues are told; leave `breaks` out as long as `forge` is local";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
}

/// Pull requests are looked at and told through GitHub's API.
fn check_pulls(root: View<'_>, config: &Config, faults: &mut Vec<Fault>) {
    let view = root.map("feedback", &keys::FEEDBACK).map("pulls", &keys::PULLS);
    let Some(node) = view.get("repositories").filter(|_| config.feedback.pulls.is_some()) else {
        return;
    };
    if matches!(config.forge, Forge::Local { .. }) {
        let message = "`feedback.pulls` needs `forge` with `kind: github`";
        let hint = "it is there that pull requests are told; leave `pulls` out as long as `forge` is local";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
    if config.sources.components.via != Via::GitHub {
        let message = "`feedback.pulls` needs `sources.components` with `via: github`";
        let hint = "open pull requests are listed, and their files read, through GitHub's API";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
}

/// What is told after a merge is told of results, and a table needs a place.
fn check_breaks(root: View<'_>, config: &Config, faults: &mut Vec<Fault>) {
    let view = root.map("feedback", &keys::FEEDBACK).map("breaks", &keys::BREAKS);
    let (Some(breaks), Some(node)) = (&config.feedback.breaks, view.get("as")) else {
        return;
    };
    if config.sources.results.is_none() {
        let hint = "name in `sources.results` where results of builds are read from";
        let message = "without `sources.results` nobody knows what does not build";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
    if breaks.form == told::Form::Table && breaks.table.is_none() {
        let hint = "name the repository that has the issue with the table, `table: ORG/REPO`";
        faults.push(Fault::new(Code::Conflict, span(node), "the table has no place", hint));
    }
}

fn results(view: View<'_>, dir: &Path) -> ResultSources {
    let prow = view.map("prow", &keys::PROW);
    let controller = view.map("release-controller", &keys::RELEASE_CONTROLLER);
    let at = |view: View<'_>, key| match view.has(key) {
        true => Location::server_in(view.text(key), dir).ok(),
        false => None,
    };
    ResultSources {
        github: view.flag("github"),
        author: prow.has("author").then(|| prow.text("author").to_owned()),
        deck: at(prow, "deck"),
        artifacts: at(prow, "artifacts"),
        namespace: view
            .has("kubernetes")
            .then(|| view.map("kubernetes", &keys::KUBERNETES).text("namespace").to_owned()),
        release_controller: at(controller, "url").map(|url| ReleaseController {
            url,
            streams: controller.texts("streams").map(str::to_owned).collect(),
            payload: controller
                .has("payload")
                .then(|| Template::relative_to(controller.text("payload"), dir)),
        }),
    }
}

fn payload(view: View<'_>, dir: &Path) -> Payload {
    let file = |key| Template::relative_to(view.text(key), dir);
    Payload {
        image_references: file("image-references"),
        release_metadata: view.has("release-metadata").then(|| file("release-metadata")),
        repo: view.has("repo").then(|| file("repo")),
        branch: view.has("branch").then(|| Template::new(view.text("branch"))),
        auth_file: view.has("auth-file").then(|| under(dir, view.text("auth-file"))),
        architecture: view.text("architecture").to_owned(),
        insecure: view.flag("insecure"),
    }
}

fn ci_config(view: View<'_>, dir: &Path) -> Option<CiConfig> {
    Some(CiConfig {
        repo: Location::parse_in(view.text("repo"), dir).ok()?,
        branch: view.has("branch").then(|| view.text("branch").to_owned()),
    })
}

fn releases(root: View<'_>) -> Releases {
    match root.get("releases").map(|node| &node.value) {
        Some(Value::Seq(_)) => Releases::List(root.texts("releases").filter_map(|text| text.parse().ok()).collect()),
        _ => Releases::Auto,
    }
}

/// The targets with their options; without a list the default one.
fn targets(root: View<'_>, dir: &Path) -> Vec<Chosen> {
    if !root.has("targets") {
        return targets::find(targets::DEFAULT)
            .and_then(Chosen::plain)
            .into_iter()
            .collect();
    }
    root.get("targets").map(|list| chosen(list, dir)).unwrap_or_default()
}

/// The targets of a list, each a name or a name with options.
pub(super) fn chosen(list: &Node, dir: &Path) -> Vec<Chosen> {
    let items = list.as_seq().unwrap_or_default();
    items.iter().filter_map(|item| chosen_one(item, dir)).collect()
}

fn chosen_one(node: &Node, dir: &Path) -> Option<Chosen> {
    let target = targets::find(scalar(node)?)?;
    let given = node.as_map().and_then(|map| map.get(target.name));
    let mut options = Options::defaults(target.options);
    let view = View {
        node: given,
        section: target.options,
    };
    for key in target.options.keys.iter().filter(|key| view.has(key.name)) {
        options.set(key, option(view, key, dir));
    }
    Some(Chosen { target, options })
}

/// The value of a target's option. A path is as seen from the current directory.
fn option(view: View<'_>, key: &keys::Key, dir: &Path) -> Json {
    let text = |text: &str| match key.kind {
        ValueForm::Text(Format::Path) | ValueForm::List(ValueForm::Text(Format::Path)) => json!(under(dir, text)),
        _ => json!(text),
    };
    match key.kind {
        ValueForm::Count => json!(view.parsed::<u64>(key.name)),
        ValueForm::Flag => json!(view.flag(key.name)),
        ValueForm::List(_) => view.texts(key.name).map(text).collect(),
        ValueForm::Map(section) => {
            let inner = view.map(key.name, section);
            let given = section.keys.iter().filter(|key| inner.has(key.name));
            given
                .map(|key| (key.name.to_owned(), option(inner, key, dir)))
                .collect()
        }
        _ => text(view.text(key.name)),
    }
}

fn rule_set(text: &str, dir: &Path) -> RuleSet {
    match text {
        "builtin" => RuleSet::Builtin,
        "feedback" => RuleSet::Feedback,
        path => RuleSet::Path(under(dir, path)),
    }
}

fn forge(root: View<'_>, dir: &Path) -> Forge {
    let github = root.map("forge", &keys::GITHUB);
    let local = root.map("forge", &keys::LOCAL);
    if github.text("kind") != "github" {
        return Forge::Local {
            dir: under(dir, local.text("dir")),
        };
    }
    let app = github.map("app", &keys::APP);
    let credential = if github.has("token-env") {
        Credential::TokenEnv(github.text("token-env").to_owned())
    } else if github.has("token-file") {
        Credential::TokenFile(under(dir, github.text("token-file")))
    } else {
        Credential::App {
            id: app.parsed("id").unwrap_or_default(),
            key_file: under(dir, app.text("key-file")),
        }
    };
    Forge::GitHub {
        api: github.text("api").trim_end_matches('/').to_owned(),
        credential,
        options: Box::new(options(github)),
    }
}

fn server(view: View<'_>, dir: &Path) -> Server {
    let access = match secret(view, "token-env", "token-file", dir) {
        Some(token) => Access::Token(token),
        None if view.has("auth") => Access::Proxy,
        None => Access::Machine,
    };
    Server {
        access,
        open_metrics: view.flag("open-metrics"),
        webhook: secret(view.map("webhook", &keys::WEBHOOK), "secret-env", "secret-file", dir),
    }
}

fn secret(view: View<'_>, env: &str, file: &str, dir: &Path) -> Option<Secret> {
    if view.has(env) {
        return Some(Secret::Env(view.text(env).to_owned()));
    }
    view.has(file).then(|| Secret::File(under(dir, view.text(file))))
}

fn options(github: View<'_>) -> github::Options {
    let texts = |key| github.texts(key).map(str::to_owned).collect();
    github::Options {
        fork: github.has("fork").then(|| github.text("fork").to_owned()),
        name: github.text("name").to_owned(),
        email: github.text("email").to_owned(),
        sign_off: github.flag("sign-off"),
        draft: github.flag("draft"),
        labels: texts("labels"),
        hold_labels: texts("hold-labels"),
        reviewers: texts("reviewers"),
        assignees: texts("assignees"),
        max_open: github.parsed("max-open").unwrap_or_default(),
        max_new: github.parsed("max-new").unwrap_or_default(),
    }
}

fn link(links: View<'_>, key: &str) -> Option<String> {
    let text = || links.text(key).trim_end_matches('/').to_owned();
    links.has(key).then(text)
}

fn adopt(view: View<'_>) -> Adopt {
    let texts = |key| view.texts(key).map(str::to_owned).collect();
    Adopt {
        causes: texts("causes"),
        components: texts("components"),
        releases: texts("releases"),
        images: texts("images"),
    }
}

fn accept(view: View<'_>, at: String) -> Accept {
    let text = |key| view.has(key).then(|| view.text(key).to_owned());
    Accept {
        cause: view.text("cause").to_owned(),
        component: text("component"),
        image: text("image"),
        release: text("release"),
        reason: view.text("reason").to_owned(),
        author: view.text("author").to_owned(),
        until: view.parsed("until"),
        at: Some(at),
    }
}

/// The lease; so short a one would be lost at every pause, so long a one would leave nobody to write for long.
fn lease(root: View<'_>, faults: &mut Vec<Fault>) -> Option<Lease> {
    let view = root.map("lease", &keys::LEASE);
    let duration = view.parsed("duration").unwrap_or_default();
    if let Some(node) = view.get("duration")
        && !(3..=600).contains(&duration)
    {
        let message = format!("a lease of {duration} s is of no use");
        faults.push(Fault::new(
            Code::BadValue,
            span(node),
            message,
            "write 3 to 600 seconds",
        ));
    }
    root.has("lease").then(|| Lease {
        name: view.text("name").to_owned(),
        namespace: view.has("namespace").then(|| view.text("namespace").to_owned()),
        duration,
    })
}

/// The same release, rule set or target twice in one list.
fn check_twice(root: View<'_>, faults: &mut Vec<Fault>) {
    for key in ["releases", "rules", "targets"] {
        let mut seen: Vec<&str> = Vec::new();
        for node in root.items(key) {
            let text = scalar(node).unwrap_or("");
            if !text.is_empty() && seen.contains(&text) {
                let message = format!("`{text}` is listed twice");
                faults.push(Fault::new(
                    Code::Duplicate,
                    span(node),
                    message,
                    "remove one of the two",
                ));
            }
            seen.push(text);
        }
    }
}

/// `releases: auto` looks for branches, so all must be in one repository, and a branch must name its release.
fn check_auto(root: View<'_>, config: &Config, faults: &mut Vec<Fault>) {
    let build_data = root.map("sources", &keys::SOURCES).map("build-data", &keys::BUILD_DATA);
    if config.releases != Releases::Auto {
        return;
    }
    let hint = "list the releases, as in `releases: [\"4.16\"]`";
    if let Some(node) = build_data
        .get("repo")
        .filter(|_| config.sources.build_data.repo.has("release"))
    {
        let message = "with a repository for each release there is no list of branches to find releases in";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
    if let Some(node) = build_data
        .get("branch")
        .filter(|_| !config.sources.build_data.branch.has("release"))
    {
        let message = "without `{release}` in the name of the branch no release can be found from it";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
}

/// A payload's files are in a registry, behind a URL, on disk, or in a repository: one of these.
fn check_payload(root: View<'_>, faults: &mut Vec<Fault>) {
    let payload = root.map("sources", &keys::SOURCES).map("payload", &keys::PAYLOAD);
    let mut fault = |key: &str, message: &str, hint: &'static str| {
        if let Some(node) = payload.get(key) {
            faults.push(Fault::new(Code::Conflict, span(node), message, hint));
        }
    };
    for key in ["image-references", "release-metadata"] {
        let text = payload.text(key);
        if payload.has("repo") && (text.contains("://") || text.starts_with('/')) {
            fault(
                key,
                "with `repo` this is a path in it",
                "write it relative to the repository's root, or leave `repo` out",
            );
        }
    }
    if !payload.has("repo") && payload.has("release-metadata") && is_oci(payload.text("release-metadata")) {
        let hint = "a release image holds it itself; a path starts with `./`, `../` or `/`";
        fault("release-metadata", "this is neither a URL nor a path", hint);
    }
    if !payload.has("repo") && payload.has("branch") {
        fault(
            "branch",
            "without `repo` there is no branch",
            "add `repo`, or leave it out",
        );
    }
}

/// Whoever can reach the server can read it, so more than this machine only with a token or a proxy in front.
fn check_access(root: View<'_>, config: &Config, faults: &mut Vec<Fault>) {
    let server = root.map("server", &keys::SERVER);
    let given: Vec<&Node> = ["token-env", "token-file", "auth"]
        .iter()
        .filter_map(|key| server.get(key))
        .collect();
    if let [_, second, ..] = given.as_slice() {
        let message = "only one of `token-env`, `token-file` and `auth` can say who may look";
        faults.push(Fault::new(Code::Conflict, span(second), message, "remove the others"));
    }
    if let Some(node) = root.get("listen")
        && given.is_empty()
        && !config.listen.ip().is_loopback()
    {
        let message = format!("everybody who reaches {} could look", config.listen);
        let hint = "name a token (`server: {token-file: …}`), say that a proxy in front checks who comes (`server: {auth: proxy}`), or listen on 127.0.0.1";
        faults.push(Fault::new(Code::Conflict, span(node), message, hint));
    }
}
