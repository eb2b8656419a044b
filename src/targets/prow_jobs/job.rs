//! One job: what rules say of it, put together.

use serde_json::{Map, Value as Json, json};

use super::facts::{Asked, ConfigFacts, JobKind, Runs};
use super::names;
use super::registry::Registry;
use super::there::There;
use crate::base::RepoName;
use crate::finding::Finding;
use crate::rules::{Decision, Scope};
use crate::targets::asking::OwnRules;
use crate::targets::to_node;
use crate::yaml::Node;

/// The lists that jobs of ours stand in, as rules name them.
pub const LISTS: [&str; 3] = ["presubmits", "postsubmits", super::file::PERIODICS];

/// A job before its file was looked at.
pub struct Draft {
    /// The list it stands in; `None`: it is not written.
    pub list: Option<&'static str>,
    /// Its full name.
    pub name: String,
    /// What it is for: the test's name, `images` or `promotion`.
    pub what: String,
    /// What starts it.
    pub runs: Runs,
    /// The job whose cluster is asked for.
    peer: String,
    asked: Asked,
}

/// A job as rules have it.
pub struct Made {
    /// What it says.
    pub node: Node,
    /// The image that it runs.
    pub image: String,
    /// The rules behind it.
    pub why: Why,
}

/// The rules behind a job.
#[derive(Clone, Copy, Debug)]
pub struct Why {
    /// The one about its body.
    pub body: Option<usize>,
    /// The one about its cluster.
    pub cluster: Option<usize>,
}

/// What a job's file says that matters to it.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The job as it is now.
    pub there: There,
    /// The cluster of the job that it goes by.
    pub peer: String,
    /// The clusters of jobs with the same profile, those of most jobs first.
    pub profile: Vec<String>,
}

/// The config whose jobs are made.
#[derive(Clone, Copy)]
pub struct Of<'c> {
    /// The repository that it is for.
    pub repo: &'c RepoName,
    /// The branch that it is for.
    pub branch: &'c str,
    /// Its variant; empty: none.
    pub variant: &'c str,
    /// What it says.
    pub facts: &'c ConfigFacts,
}

/// Makes the jobs of one config.
pub struct Maker<'m> {
    release: OwnRules<'m>,
    registry: &'m Registry,
    scope: Scope<'m>,
    repo: RepoName,
    variant: String,
    /// What failed.
    pub findings: Vec<Finding>,
}

impl<'m> Maker<'m> {
    /// A maker for a config of a branch. `scope` has what all rules of the release see.
    pub fn new(release: OwnRules<'m>, scope: &'m Scope<'static>, registry: &'m Registry, config: Of<'_>) -> Self {
        let mut scope = scope.inner();
        let Of {
            repo,
            branch,
            variant,
            facts,
        } = config;
        scope.set(
            "repo",
            &json!({
                "org": repo.org, "name": repo.repo, "full": repo.to_string(), "branch": branch,
                "label": names::label(branch), "exact": names::exactly(branch), "patterns": names::with_features(branch),
            }),
        );
        let mut view = facts.view.clone();
        view["variant"] = json!(variant);
        scope.set("config", &view);
        let repo = repo.clone();
        Self {
            release,
            registry,
            scope,
            repo,
            variant: variant.to_owned(),
            findings: Vec::new(),
        }
    }

    /// Drafts all jobs that the config asks for; `None` where a rule failed.
    pub fn drafts(&mut self, facts: &ConfigFacts) -> Option<Vec<Draft>> {
        let asked = facts.jobs.iter().cloned().map(|mut asked| {
            self.registry.fill_in(&mut asked.test);
            asked
        });
        let asked: Vec<Asked> = asked.collect();
        asked.into_iter().map(|asked| self.draft(asked)).collect()
    }

    fn draft(&mut self, asked: Asked) -> Option<Draft> {
        let mut scope = self.scope.inner();
        scope.set("job", &job_view(&asked, &self.variant));
        scope.set("test", &asked.test);
        let what = match asked.kind {
            JobKind::Promotion => asked.kind.word().to_owned(),
            _ => asked.name.clone(),
        };
        let mut ask = Asking {
            release: self.release,
            repo: &self.repo,
            what: &what,
            findings: Vec::new(),
            failed: false,
        };
        let list = ask.text(&scope, "list");
        let (full, peer) = (ask.text(&scope, "name"), ask.text(&scope, "peer"));
        let failed = ask.failed || list.is_empty() || full.is_empty();
        let mut findings = ask.findings;
        self.findings.append(&mut findings);
        if failed {
            return None;
        }
        Some(Draft {
            list: LISTS.into_iter().find(|known| *known == list),
            name: full,
            what,
            runs: asked.runs,
            peer,
            asked,
        })
    }

    /// Makes a job; `None` where a rule failed.
    pub fn make(&mut self, draft: &Draft, around: &Around) -> Option<Made> {
        let mut scope = self.scope.inner();
        scope.set("job", &job_view(&draft.asked, &self.variant));
        scope.set("test", &draft.asked.test);
        scope.set("there", &around.there.view());
        scope.set("peers", &json!({"cluster": around.peer, "profile": around.profile}));
        let mut ask = Asking {
            release: self.release,
            repo: &self.repo,
            what: &draft.what,
            findings: Vec::new(),
            failed: false,
        };
        let made = make(&mut ask, &mut scope, draft);
        let failed = ask.failed;
        let mut findings = ask.findings;
        self.findings.append(&mut findings);
        made.filter(|_| !failed)
    }
}

fn job_view(asked: &Asked, variant: &str) -> Json {
    let short = match variant {
        "" => asked.name.clone(),
        variant => format!("{variant}-{}", asked.name),
    };
    json!({"kind": asked.kind.word(), "runs": asked.runs.word(), "test": asked.name, "short": short})
}

fn make(ask: &mut Asking<'_>, scope: &mut Scope<'_>, draft: &Draft) -> Option<Made> {
    let cluster = ask.decide(scope, "cluster");
    let image = ask.text(scope, "image");
    let mut args = ask.list(scope, "args");
    args.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    args.dedup();
    let cloud = ask.text(scope, "cloud");
    scope.set("parts", &json!({"cloud": cloud}));
    let parts = json!({
        "name": draft.name,
        "cluster": cluster.value.clone().unwrap_or_default(),
        "always_run": ask.decide(scope, "always_run").value,
        "optional": ask.decide(scope, "optional").value,
        "image": image,
        "args": args,
        "cloud": cloud,
        "labels": settings(&ask.list(scope, "labels")),
        "env": ask.by_name(scope, "env", "name"),
        "ports": ask.by_name(scope, "ports", "name"),
        "mounts": ask.by_name(scope, "mounts", "mountPath"),
        "volumes": ask.by_name(scope, "volumes", "name"),
        "decoration": settings(&ask.list(scope, "decoration")),
        "reporter": ask.decide(scope, "reporter").value,
        "daily": names::daily(&draft.name),
    });
    scope.set("parts", &parts);
    let mut parts = parts;
    parts["pod"] = ask.decide(scope, "pod").value.unwrap_or_default();
    scope.set("parts", &parts);
    let body = ask.decide(scope, "body");
    if body.value.is_none() && !ask.failed {
        ask.missing("body");
    }
    Some(Made {
        node: to_node(body.value.as_ref()?),
        image,
        why: Why {
            body: body.deciders().last(),
            cluster: cluster.deciders().last(),
        },
    })
}

impl Draft {
    /// The job that the draft's cluster goes by.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// The profile of the draft's test; empty: none.
    pub fn profile(&self) -> &str {
        self.asked.test["profile"].as_str().unwrap_or_default()
    }

    /// Whether its test runs by the clock.
    pub fn is_periodic(&self) -> bool {
        self.runs == Runs::Periodic
    }
}

/// Asks the rules about one job.
struct Asking<'a> {
    release: OwnRules<'a>,
    repo: &'a RepoName,
    what: &'a str,
    findings: Vec<Finding>,
    failed: bool,
}

impl Asking<'_> {
    fn decide(&mut self, scope: &Scope<'_>, field: &str) -> Decision {
        let subject = format!("the job of `{}` of {}", self.what, self.repo);
        let (decision, found) = self.release.of_job(field, scope, &subject);
        self.failed |= !found.is_empty();
        self.findings.extend(
            found
                .into_iter()
                .map(|finding| finding.with_component(self.repo.to_string())),
        );
        decision
    }

    fn text(&mut self, scope: &Scope<'_>, field: &str) -> String {
        let value = self.decide(scope, field).value;
        value.as_ref().and_then(Json::as_str).unwrap_or_default().to_owned()
    }

    fn list(&mut self, scope: &Scope<'_>, field: &str) -> Vec<Json> {
        match self.decide(scope, field).value {
            Some(Json::Array(items)) => items,
            _ => Vec::new(),
        }
    }

    /// A list sorted by name, what is there twice once. `key`: what must not be there twice and differ.
    fn by_name(&mut self, scope: &Scope<'_>, field: &str, key: &str) -> Json {
        let mut items: Vec<Json> = Vec::new();
        for item in self.list(scope, field) {
            match items.iter().find(|known| known[key] == item[key]) {
                None => items.push(item),
                Some(known) if *known == item => {}
                Some(_) => self.clash(field, item[key].as_str().unwrap_or_default()),
            }
        }
        items.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        Json::Array(items)
    }

    fn clash(&mut self, field: &str, key: &str) {
        let text = format!(
            "the job of `{}` of {} has two different {field} for {key}",
            self.what, self.repo
        );
        let finding = Finding::new(crate::finding::Severity::Error, "unwritable-job", text)
            .with_component(self.repo.to_string())
            .with_help("the repository's own generator stops at it: give the test's secret another name");
        self.findings.push(finding);
        self.failed = true;
    }

    fn missing(&mut self, field: &str) {
        let text = format!("no rule sets `{field}` of the job of `{}` of {}", self.what, self.repo);
        let finding = Finding::new(crate::finding::Severity::Error, "no-rule", text)
            .with_component(self.repo.to_string())
            .with_help(format!("add a rule `on: job` that sets `{field}`"));
        self.findings.push(finding);
        self.failed = true;
    }
}

/// `{name, value}` items as a mapping; null where there is none. A null value says that there is such a mapping, and that
/// it does not have the key.
fn settings(items: &[Json]) -> Json {
    if items.is_empty() {
        return Json::Null;
    }
    let said = items.iter().filter(|item| !item["value"].is_null());
    let pair = |item: &Json| Some((item["name"].as_str()?.to_owned(), item["value"].clone()));
    Json::Object(said.filter_map(pair).collect::<Map<_, _>>())
}
