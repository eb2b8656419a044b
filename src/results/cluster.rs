//! Builds on a cluster: OpenShift's Builds name what they push, Konflux' runs name their component.
//!
//! What names no image is no result of one, and nothing is guessed: a task of a pipeline that runs many builds, or the workflow
//! around them, whose remembered (memoized) nodes build nothing at all. The builds that these run name themselves.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::classify::Classifier;
use super::outcome::Outcome;
use super::run::{JobRun, State};
use crate::base::loose::{List, Loose, May, read};
use crate::derive::Release;
use crate::derive::here::here;
use crate::derive::konflux::{Labels, konflux};
use crate::targets::{konflux as konflux_target, payload_pipeline};

/// As much is kept of what a build said last.
const TEXT: usize = 8 << 10;
/// What a BuildConfig gives each of its builds: a label, and the number of the build.
const CONFIG: &str = "openshift.io/build-config.name";
const NUMBER: &str = "openshift.io/build.number";
/// Where a run says which commit it is of: an annotation, else a label.
const COMMIT: &str = "build.appstudio.redhat.com/commit_sha";
const SHA: &str = "pipelinesascode.tekton.dev/sha";
/// What a run was started by: a pull request's says nothing of what is there.
const EVENT: &str = "pipelinesascode.tekton.dev/event-type";

/// A Build or PipelineRun, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default, bound = "S: Default + DeserializeOwned")]
struct Object<S> {
    metadata: Loose<Metadata>,
    spec: Loose<Spec>,
    status: Loose<S>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: May<String>,
    labels: May<BTreeMap<String, May<String>>>,
    annotations: Loose<BTreeMap<String, May<String>>>,
    creation_timestamp: Loose<String>,
}

/// What a Build builds, and where it pushes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    output: Loose<Output>,
    source: Loose<Source>,
    revision: Loose<Source>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    to: Loose<To>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct To {
    kind: Loose<String>,
    name: May<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    git: Loose<Git>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Git {
    #[serde(rename = "ref")]
    branch: Loose<String>,
    commit: May<String>,
}

/// How a Build stands.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BuildStatus {
    phase: Loose<String>,
    reason: Loose<String>,
    message: Loose<String>,
    log_snippet: Loose<String>,
    start_timestamp: Loose<String>,
    completion_timestamp: Loose<String>,
}

/// How a PipelineRun stands.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RunStatus {
    conditions: List<Condition>,
    start_time: Loose<String>,
    completion_time: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: Loose<String>,
    status: Loose<String>,
    reason: Loose<String>,
    message: Loose<String>,
}

/// By which names the builds of a release's images are known on a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Payload tags by the image stream tag that is pushed to and the branch that is built: streams of several releases may have one
    /// name.
    pub outputs: BTreeMap<(String, String), String>,
    /// Payload tags by Konflux' component.
    pub components: BTreeMap<String, String>,
    /// Konflux' application; empty: any.
    pub application: String,
    /// The keys of Konflux' labels.
    pub labels: Labels,
}

/// A build as the cluster tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// What names the image: the image stream tag that is pushed to, or the component.
    name: Name,
    run: JobRun,
    /// Why it failed, where it did.
    text: String,
    /// Whether the cluster and not the build is at fault, whatever the reason says.
    is_cluster: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Output(String, String),
    Labels(BTreeMap<String, String>),
}

/// The names of a release's images, as rules say them. What rules cannot say is left out, with sentences about it.
pub fn names(release: &Release<'_>) -> (Names, Vec<String>) {
    let (mut names, mut faults) = (Names::default(), Vec::new());
    let tag = |key: &String| release.images.get(key).map(|image| image.tag.value.clone());
    match here(release, payload_pipeline::TARGET.name) {
        Ok((found, failed)) => {
            faults.extend(failed.into_iter().map(|finding| finding.message));
            let stream = found.stream.value.clone();
            let built = found.built().into_iter().filter(|_| !stream.is_empty());
            let branch = |key: &String| release.images.get(key).map(|image| image.branch.clone());
            let outputs =
                built.filter_map(|(key, name)| Some(((format!("{stream}:{name}"), branch(&key)?), tag(&key)?)));
            names.outputs = outputs.collect();
        }
        Err(failed) => faults.extend(failed.into_iter().map(|finding| finding.message)),
    }
    match konflux(release, konflux_target::TARGET.name) {
        Ok((found, failed)) => {
            faults.extend(failed.into_iter().map(|finding| finding.message));
            let built = found.images.into_iter().filter(|(_, image)| image.is_built);
            let components = built.filter_map(|(key, image)| Some((image.component.value, tag(&key)?)));
            names.components = components.filter(|(component, _)| !component.is_empty()).collect();
            (names.application, names.labels) = (found.application.value, found.labels.value);
        }
        Err(failed) => faults.extend(failed.into_iter().map(|finding| finding.message)),
    }
    (names, faults)
}

/// A Build of OpenShift's; `None`: it pushes to no image stream tag.
pub fn build(object: &Json) -> Option<Built> {
    let Object { metadata, spec, status } = read::<Object<BuildStatus>>(object)?;
    let to = &spec.output.to;
    let output = to.name.as_deref().filter(|_| *to.kind == "ImageStreamTag")?;
    let name = metadata.name.as_deref()?;
    let config = metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(CONFIG)?.as_deref());
    let number = metadata.annotations.get(NUMBER).and_then(|number| number.as_deref());
    let state = match status.phase.as_str() {
        "New" | "Pending" | "Running" => State::Running,
        "Complete" => State::Success,
        "Failed" => State::Failure,
        "Error" => State::Error,
        "Cancelled" => State::Aborted,
        other => State::Unknown(short(other)),
    };
    let text = format!(
        "build {name} failed with reason {}: {}\n{}",
        *status.reason, *status.message, *status.log_snippet
    );
    Some(Built {
        name: Name::Output(output.to_owned(), spec.source.git.branch.clone()),
        run: run(
            format!("build {}", config.unwrap_or(name)),
            number.unwrap_or_default(),
            spec.revision.git.commit.as_deref(),
            state,
            [&status.start_timestamp, &metadata.creation_timestamp],
            &status.completion_timestamp,
        ),
        text: bounded(&text),
        is_cluster: *status.phase == "Error",
    })
}

/// A PipelineRun with labels; `None`: it has none, or is of a pull request.
pub fn pipeline_run(object: &Json) -> Option<Built> {
    let Object { metadata, status, .. } = read::<Object<RunStatus>>(object)?;
    let labels = metadata.labels.as_ref()?.iter();
    let labels: BTreeMap<String, String> = labels
        .filter_map(|(key, value)| Some((key.clone(), value.0.clone()?)))
        .collect();
    if labels.get(EVENT).is_some_and(|event| event.starts_with("pull_request")) {
        return None;
    }
    let name = metadata.name.as_deref()?;
    let unsaid = Condition::default();
    let mut conditions = status.conditions.iter().map(|condition| &condition.0);
    let said = conditions
        .find(|condition| *condition.kind == "Succeeded")
        .unwrap_or(&unsaid);
    let state = match (said.status.as_str(), said.reason.as_str()) {
        ("True", _) => State::Success,
        ("False", "Cancelled" | "CancelledRunFinally" | "StoppedRunFinally") => State::Aborted,
        ("False", _) => State::Failure,
        ("Unknown" | "", _) => State::Running,
        (other, _) => State::Unknown(short(other)),
    };
    let commit = metadata.annotations.get(COMMIT).and_then(|commit| commit.as_deref());
    let commit = commit.or(labels.get(SHA).map(String::as_str));
    Some(Built {
        run: run(
            format!("pipeline run {name}"),
            "",
            commit,
            state,
            [&status.start_time, &metadata.creation_timestamp],
            &status.completion_time,
        ),
        text: bounded(&format!(
            "{name} failed with reason {}: {}",
            *said.reason, *said.message
        )),
        is_cluster: false,
        name: Name::Labels(labels),
    })
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The end of a text, which says why.
fn bounded(text: &str) -> String {
    let mut at = text.len().saturating_sub(TEXT);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    text[at..].to_owned()
}

fn run(job: String, number: &str, commit: Option<&str>, state: State, began: [&str; 2], ended: &str) -> JobRun {
    let time = |text: &str| Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp());
    let started = began.into_iter().find_map(time);
    let is_number = !number.is_empty() && number.len() <= 18 && number.bytes().all(|byte| byte.is_ascii_digit());
    JobRun {
        job,
        build: if is_number { number.to_owned() } else { String::new() },
        commit: commit.unwrap_or_default().chars().take(64).collect(),
        state,
        started,
        finished: time(ended).filter(|ended| started.is_none_or(|started| started <= *ended)),
    }
}

impl Names {
    /// The image that a build builds.
    fn tag(&self, built: &Built) -> Option<&String> {
        match &built.name {
            Name::Output(output, branch) => self.outputs.get(&(output.clone(), branch.clone())),
            Name::Labels(labels) => {
                let Labels {
                    application,
                    component,
                    kind,
                    ..
                } = &self.labels;
                let is_build = labels.get(kind).is_none_or(|kind| kind == "build");
                let is_ours = labels
                    .get(application)
                    .is_none_or(|application| self.application.is_empty() || *application == self.application);
                let component = labels.get(component).filter(|_| is_build && is_ours)?;
                self.components.get(component)
            }
        }
    }

    /// The builds of a release by payload tag, each with what it says; those that have not ended say nothing.
    pub fn rows(&self, all: &[Built], classifier: &Classifier<'_>) -> BTreeMap<String, Vec<(JobRun, Outcome)>> {
        let mut rows: BTreeMap<String, Vec<(JobRun, Outcome)>> = BTreeMap::new();
        for built in all {
            if let Some((tag, outcome)) = self.tag(built).zip(built.outcome(classifier)) {
                rows.entry(tag.clone()).or_default().push((built.run.clone(), outcome));
            }
        }
        rows
    }
}

impl Built {
    fn outcome(&self, classifier: &Classifier<'_>) -> Option<Outcome> {
        Some(match &self.run.state {
            State::Running => return None,
            State::Success => Outcome::Built,
            State::Aborted => Outcome::Ci("the build was cancelled".to_owned()),
            State::Error => Outcome::Ci("the cluster could not run the build".to_owned()),
            State::Unknown(word) => Outcome::Unknown(format!("the cluster says `{word}`, which is not known here")),
            State::Failure => {
                let failure = classifier.failure(&self.run.job, &self.text);
                match failure.is_ci || self.is_cluster {
                    true => Outcome::Ci(failure.says),
                    false => Outcome::Broken(failure),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::RuleSet;

    fn rules() -> RuleSet {
        let files: Vec<(String, Vec<u8>)> = crate::run::rule_files::BUILTIN
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        RuleSet::load(&files).expect("the built-in rules")
    }

    fn names() -> Names {
        let one = |key: &str, tag: &str| BTreeMap::from([(key.to_owned(), tag.to_owned())]);
        Names {
            outputs: BTreeMap::from([(
                ("release:etcd".to_owned(), "release-4.21".to_owned()),
                "etcd".to_owned(),
            )]),
            components: one("okd-4-21-etcd", "etcd"),
            application: "okd-4-21".to_owned(),
            labels: Labels {
                application: "a/application".to_owned(),
                component: "a/component".to_owned(),
                version: String::new(),
                kind: "a/type".to_owned(),
            },
        }
    }

    fn object(phase: &str, reason: &str, log: &str) -> Json {
        json!({"metadata": {"name": "etcd-7", "creationTimestamp": "2026-01-02T00:00:00Z", "labels": {CONFIG: "etcd"}, "annotations": {NUMBER: "7"}},
            "spec": {"output": {"to": {"kind": "ImageStreamTag", "name": "release:etcd"}}, "source": {"git": {"ref": "release-4.21"}}, "revision": {"git": {"commit": "abc"}}},
            "status": {"phase": phase, "reason": reason, "message": "it failed", "logSnippet": log,
                "startTimestamp": "2026-01-02T00:00:10Z", "completionTimestamp": "2026-01-02T00:00:05Z"}})
    }

    /// What builds say of `etcd`.
    fn told(all: &[Option<Built>]) -> Vec<String> {
        let rules = rules();
        let classifier = Classifier::new(&rules, crate::base::Release::new(4, 21));
        let all: Vec<Built> = all.iter().flatten().cloned().collect();
        let rows = names().rows(&all, &classifier);
        assert!(rows.keys().all(|tag| tag == "etcd"), "{rows:?}");
        let one = |(run, outcome): &(JobRun, Outcome)| match outcome {
            Outcome::Broken(failure) => format!("{} {} broken {}", run.build, run.commit, failure.says),
            other => format!("{} {} {other:?}", run.build, run.commit),
        };
        rows.values().flatten().map(one).collect()
    }

    #[test]
    fn builds_are_known_by_what_they_push_and_end_as_they_say() {
        let of = |phase: &str, reason: &str, log: &str| told(&[build(&object(phase, reason, log))]);
        assert_eq!(of("Complete", "", ""), ["7 abc Built"]);
        assert_eq!(
            of("Failed", "GenericBuildFailed", "make: *** [all] Error 2"),
            ["7 abc broken its build failed"]
        );
        let go = "go: go.mod requires go >= 1.26.0 (running go 1.25.9)";
        assert_eq!(
            of("Failed", "DockerBuildFailed", go),
            ["7 abc broken go.mod asks for a newer Go than the builder has"]
        );
        assert_eq!(
            of("Failed", "OutOfMemoryKilled", ""),
            ["7 abc Ci(\"the cluster could not finish the build (OutOfMemoryKilled)\")"]
        );
        assert_eq!(
            of("Error", "", ""),
            ["7 abc Ci(\"the cluster could not run the build\")"]
        );
        assert_eq!(
            of("Cancelled", "CancelledBuild", ""),
            ["7 abc Ci(\"the build was cancelled\")"]
        );
        assert_eq!(
            of("Odd", "", ""),
            ["7 abc Unknown(\"the cluster says `Odd`, which is not known here\")"]
        );
        for phase in ["New", "Pending", "Running"] {
            assert_eq!(of(phase, "", ""), [""; 0], "it has not ended");
        }
        let run = build(&object("Failed", "", "")).expect("a build").run;
        assert_eq!(
            (run.started.is_some(), run.finished),
            (true, None),
            "nothing ends before it begins"
        );
        let mut elsewhere = object("Failed", "", "");
        elsewhere["spec"]["output"]["to"]["name"] = json!("other:etcd");
        assert_eq!(told(&[build(&elsewhere)]), [""; 0], "nobody's");
        let mut older = object("Failed", "", "");
        older["spec"]["source"]["git"]["ref"] = json!("release-4.20");
        assert_eq!(
            told(&[build(&older)]),
            [""; 0],
            "another release's stream has the same name"
        );
        elsewhere["spec"]["output"]["to"]["kind"] = json!("DockerImage");
        assert_eq!(build(&elsewhere), None);
    }

    #[test]
    fn runs_are_known_by_their_component_and_what_names_none_says_nothing() {
        let run = |labels: Json, status: &str, reason: &str| {
            pipeline_run(
                &json!({"metadata": {"name": "r", "labels": labels, "annotations": {COMMIT: "abc"}},
                "status": {"startTime": "2026-01-02T00:00:00Z", "conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": "m"}]}}),
            )
        };
        let ours = || json!({"a/component": "okd-4-21-etcd", "a/application": "okd-4-21", "a/type": "build"});
        let of = |status: &str, reason: &str| told(&[run(ours(), status, reason)]);
        assert_eq!(of("True", "Succeeded"), [" abc Built"]);
        assert_eq!(of("False", "Failed"), [" abc broken its build failed"]);
        assert_eq!(
            of("False", "PipelineRunTimeout"),
            [" abc Ci(\"the cluster could not finish the run (PipelineRunTimeout)\")"]
        );
        assert_eq!(of("False", "Cancelled"), [" abc Ci(\"the build was cancelled\")"]);
        assert_eq!(of("Unknown", "Running"), [""; 0]);
        for labels in [
            json!({"tekton.dev/pipeline": "build-all"}),
            json!({"a/component": "okd-4-20-etcd", "a/application": "okd-4-20"}),
            json!({"a/component": "okd-4-21-etcd", "a/application": "somebody"}),
            json!({"a/component": "okd-4-21-etcd", "a/type": "test"}),
            json!({"a/component": "okd-4-21-etcd", EVENT: "pull_request"}),
            json!(null),
        ] {
            assert_eq!(told(&[run(labels.clone(), "False", "Failed")]), [""; 0], "{labels}");
        }
    }
}
