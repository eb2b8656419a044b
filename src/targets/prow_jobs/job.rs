//! One job: what rules say of it, put together.

use serde_json::{Map, Value as Json, json};

use super::facts::ConfigFacts;
use super::names;
use crate::base::RepoName;
use crate::derive::outline::base_scope;
use crate::derive::{Release, failures};
use crate::finding::Finding;
use crate::rules::{Decision, Scope, Subject};
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
    /// The job whose cluster is asked for.
    peer: String,
    /// The profile of its test.
    profile: String,
    kind: &'static str,
    test: Json,
}

/// A job as rules have it.
pub struct Made {
    /// What it says.
    pub node: Node,
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
    /// The cluster that the job runs on now.
    pub there: String,
    /// The cluster of the job that it goes by.
    pub peer: String,
    /// The clusters of jobs with the same profile, those of most jobs first.
    pub profile: Vec<String>,
}

/// Makes the jobs of one config.
pub struct Maker<'m> {
    release: &'m Release<'m>,
    scope: Scope<'m>,
    repo: RepoName,
    /// What failed.
    pub findings: Vec<Finding>,
}

impl<'m> Maker<'m> {
    /// A maker for a config of a branch. `scope` has what all rules of the release see.
    pub fn new(
        release: &'m Release<'m>,
        scope: &'m Scope<'static>,
        repo: &RepoName,
        branch: &str,
        facts: &ConfigFacts,
    ) -> Self {
        let mut scope = scope.inner();
        scope.set(
            "repo",
            &json!({
                "org": repo.org, "name": repo.repo, "full": repo.to_string(), "branch": branch,
                "label": names::label(branch), "exact": names::exactly(branch), "patterns": names::with_features(branch),
            }),
        );
        let mut config = facts.view.clone();
        config["variant"] = json!(release.payload.variant.value);
        scope.set("config", &config);
        let repo = repo.clone();
        Self {
            release,
            scope,
            repo,
            findings: Vec::new(),
        }
    }

    /// The scope of a release's jobs.
    pub fn release_scope(release: &Release<'_>) -> Scope<'static> {
        let metadata = release.metadata;
        base_scope(metadata.release, &metadata.group, Some(&release.payload.view))
    }

    /// Drafts all jobs of the config; `None` where a rule failed.
    pub fn drafts(&mut self, facts: &ConfigFacts) -> Option<Vec<Draft>> {
        let mut wanted: Vec<(&'static str, String, Json)> = Vec::new();
        if facts.builds {
            wanted.push(("images", "images".to_owned(), super::facts::no_test()));
            if facts.promotes {
                wanted.push(("promotion", "images".to_owned(), super::facts::no_test()));
            }
        }
        for test in &facts.tests {
            let name = test["as"].as_str().unwrap_or_default().to_owned();
            // A test that runs by the clock can run on pull requests as well.
            if test["periodic"] == true && test["presubmit"] == true {
                let mut presubmit = test.clone();
                presubmit["periodic"] = json!(false);
                wanted.push(("test", name.clone(), presubmit));
            }
            wanted.push(("test", name, test.clone()));
        }
        wanted
            .into_iter()
            .map(|(kind, name, test)| self.draft(kind, name, test))
            .collect()
    }

    fn draft(&mut self, kind: &'static str, name: String, test: Json) -> Option<Draft> {
        let mut scope = self.scope.inner();
        scope.set("job", &json!({"kind": kind, "test": name}));
        scope.set("test", &test);
        let what = if kind == "promotion" { kind.to_owned() } else { name };
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
            peer,
            profile: test["profile"].as_str().unwrap_or_default().to_owned(),
            what,
            kind,
            test,
        })
    }

    /// Makes a job; `None` where a rule failed.
    pub fn make(&mut self, draft: &Draft, around: &Around) -> Option<Made> {
        let mut scope = self.scope.inner();
        let test = if draft.kind == "test" { &draft.what } else { "images" };
        scope.set("job", &json!({"kind": draft.kind, "test": test}));
        scope.set("test", &draft.test);
        scope.set("there", &json!({"cluster": around.there}));
        scope.set("peers", &json!({"cluster": around.peer, "profile": around.profile}));
        let mut ask = Asking {
            release: self.release,
            repo: &self.repo,
            what: &draft.what,
            findings: Vec::new(),
            failed: false,
        };
        let cluster = ask.decide(&scope, "cluster");
        let mut args: Vec<String> = ask
            .list(&scope, "args")
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        args.sort();
        let mut parts = json!({
            "name": draft.name,
            "cluster": cluster.value.clone().unwrap_or_default(),
            "image": ask.text(&scope, "image"),
            "args": args,
            "labels": pairs(&ask.list(&scope, "labels")),
            "mounts": by_name(ask.list(&scope, "mounts")),
            "volumes": by_name(ask.list(&scope, "volumes")),
            "decoration": pairs(&ask.list(&scope, "decoration")),
            "daily": names::daily(&draft.name),
        });
        scope.set("parts", &parts);
        parts["pod"] = ask.decide(&scope, "pod").value.unwrap_or_default();
        scope.set("parts", &parts);
        let body = ask.decide(&scope, "body");
        if body.value.is_none() && !ask.failed {
            ask.missing("body");
        }
        let failed = ask.failed;
        let mut findings = ask.findings;
        self.findings.append(&mut findings);
        if failed {
            return None;
        }
        Some(Made {
            node: to_node(body.value.as_ref()?),
            why: Why {
                body: body.deciders().last(),
                cluster: cluster.deciders().last(),
            },
        })
    }
}

impl Draft {
    /// The job that the draft's cluster goes by.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// The profile of the draft's test; empty: none.
    pub fn profile(&self) -> &str {
        &self.profile
    }
}

/// Asks the rules about one job.
struct Asking<'a> {
    release: &'a Release<'a>,
    repo: &'a RepoName,
    what: &'a str,
    findings: Vec<Finding>,
    failed: bool,
}

impl Asking<'_> {
    fn decide(&mut self, scope: &Scope<'_>, field: &str) -> Decision {
        let rules = self.release.rules;
        let decision = rules.decide(Subject::Job, field, self.release.metadata.release, scope);
        let subject = format!("the job of `{}` of {}", self.what, self.repo);
        let found = failures(rules, &decision, field, &subject);
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

    fn missing(&mut self, field: &str) {
        let text = format!("no rule sets `{field}` of the job of `{}` of {}", self.what, self.repo);
        let finding = Finding::new(crate::finding::Severity::Error, "no-rule", text)
            .with_component(self.repo.to_string())
            .with_help(format!("add a rule `on: job` that sets `{field}`"));
        self.findings.push(finding);
        self.failed = true;
    }
}

/// `{name, value}` items as a mapping; null where there is none, so that the key is left out.
fn pairs(items: &[Json]) -> Json {
    if items.is_empty() {
        return Json::Null;
    }
    let pair = |item: &Json| Some((item["name"].as_str()?.to_owned(), item["value"].clone()));
    Json::Object(items.iter().filter_map(pair).collect::<Map<_, _>>())
}

fn by_name(mut items: Vec<Json>) -> Json {
    items.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    Json::Array(items)
}
