//! Two replicas of the service, one lease: one tells pull requests and of images that do not build, and the one that takes over writes
//! nothing twice.

use serde_json::{Value as Json, json};

use crate::results::{ci, job, write};
use crate::support::fake_github::issues::Issue;
use crate::support::fake_lease::FakeLease;
use crate::support::pull_world::{BEACON, NUMBER, PullWorld};
use crate::support::service::{SECRET, Service, wait_until};

const HARBOR: &str = "openshift/harbor";
const TOKENS: [&str; 2] = ["ghs_first0123456789abcdef", "ghs_second0123456789abcdef"];

struct Cluster {
    told: PullWorld,
    lease: FakeLease,
}

impl Cluster {
    fn new() -> Self {
        let feedback =
            "{pulls: {repositories: ['openshift/beacon'], as: status, comment: breaks}, breaks: {as: issue}}";
        let (told, lease) = (PullWorld::new(feedback, "token-env: TOKEN"), FakeLease::start());
        told.with_commits();
        ci(&told.world);
        let config = "{sources: {results: {prow: {deck: ci, artifacts: ci/artifacts}}}, lease: {kind: kubernetes, name: lockstep, duration: 4}}";
        told.world.configure(&serde_yaml::from_str(config).expect("YAML"));
        Self { told, lease }
    }

    fn replica(&self, n: usize) -> Service {
        let config = self.told.configured(&format!("state-{n}"), "*/2 * * * * *");
        let kubeconfig = self.lease.kubeconfig(&self.told.world.path("."));
        let kubeconfig = kubeconfig.to_str().expect("UTF-8");
        let env = [("TOKEN", TOKENS[n]), ("KUBECONFIG", kubeconfig), ("SECRET", SECRET)];
        Service::start(&config, &env)
    }

    /// What a replica has written, by method and path.
    fn writes(&self, n: usize) -> Vec<String> {
        let inside = self.told.github.inside();
        let signed = format!("Bearer {}", TOKENS[n]);
        let wrote = inside.log.iter().filter(|exchange| {
            let query = exchange.request["query"].as_str().unwrap_or_default();
            let reads = exchange.method == "GET" || query.trim_start().starts_with("query");
            exchange.authorization.as_deref() == Some(&signed) && !reads
        });
        wrote
            .map(|exchange| format!("{} {}", exchange.method, exchange.path))
            .collect()
    }

    fn issues(&self) -> Vec<Issue> {
        let inside = self.told.github.inside();
        inside.state.repo(HARBOR).expect("harbor").issues.clone()
    }

    /// Statuses, comments and issues.
    fn counts(&self) -> (usize, usize, usize) {
        (
            self.told.statuses().len(),
            self.told.comments().len(),
            self.issues().len(),
        )
    }

    fn wait(&self, services: &[&Service], what: &str, holds: impl FnMut() -> bool) {
        let log = || services.iter().flat_map(|service| service.log()).collect();
        wait_until(what, log, holds);
    }

    /// harbor's image is built again.
    fn mend(&self) {
        let text = std::fs::read_to_string(self.told.world.path("ci/prowjobs.js")).expect("a list");
        let mut deck: Json = serde_json::from_str(&text).expect("JSON");
        let built = json!({"spec": {"type": "postsubmit", "job": job("harbor", "okd-scos-"), "refs": {"base_sha": "c".repeat(40)}},
            "status": {"state": "success", "build_id": "9", "startTime": "2026-01-09T00:00:00Z"}});
        deck["items"].as_array_mut().expect("items").push(built);
        write(&self.told.world, "ci/prowjobs.js", &deck.to_string());
    }
}

#[test]
fn one_tells_and_the_one_that_takes_over_tells_nothing_twice() {
    let cluster = Cluster::new();
    let first = cluster.replica(0);
    cluster.wait(&[&first], "what is told", || cluster.counts() == (1, 1, 1));
    first.rest_of_runs(2);
    assert_eq!(cluster.writes(0).len(), 3, "{:?}", cluster.writes(0));
    let second = cluster.replica(1);
    second.wait_for("waits for the lease", 1);
    second.rest_of_runs(2);
    assert_eq!(cluster.writes(1), [""; 0], "who has no lease looks, and writes nothing");
    let list = second.get("/api/v1/impact").1;
    assert!(
        list.contains("\"verdict\":\"breaks\""),
        "it knows what it would say: {list}"
    );
    // Somebody asks the one that does not write: the one that does looks, and finds that all is said.
    let said = json!({"action": "created", "repository": {"full_name": BEACON}, "sender": {"login": "ann"},
        "issue": {"number": NUMBER, "pull_request": {}}, "comment": {"body": "/lockstep check"}});
    assert_eq!(second.deliver("issue_comment", &said), (202, "queued\n".to_owned()));
    first.wait_for("another replica was told", 1);
    first.rest_of_runs(2);
    assert_eq!((cluster.writes(0).len(), cluster.writes(1).len()), (3, 0));
    // It takes over: nothing is new, and nothing is written.
    first.kill();
    second.wait_for("has the lease and writes", 1);
    second.rest_of_runs(3);
    assert_eq!(cluster.writes(1), [""; 0]);
    assert_eq!(cluster.counts(), (1, 1, 1));
    // What is new it tells, in the place of what the other has told.
    cluster.told.metadata_follows();
    cluster.told.commit_metadata();
    cluster.mend();
    let is_told = || cluster.told.statuses().len() == 2 && cluster.issues().iter().all(|issue| !issue.is_open);
    cluster.wait(&[&second], "what is new", is_told);
    second.rest_of_runs(2);
    assert_eq!(cluster.counts(), (2, 1, 1));
    assert_eq!(cluster.issues()[0].comments.len(), 1, "a word");
    assert!(
        cluster.told.comments()[0].contains("mends"),
        "{:?}",
        cluster.told.comments()
    );
    assert!(cluster.told.tide_merges());
    let writes = cluster.writes(1);
    assert_eq!(
        writes.len(),
        4,
        "a status, the comment's text, a word, and the issue: {writes:?}"
    );
    let metrics = second.get("/metrics").1;
    for line in [
        "lockstep_told_writes_total{kind=\"issue\"} 0",
        "lockstep_told_writes_total{kind=\"word\"} 1",
        "lockstep_told_writes_total{kind=\"close\"} 1",
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line}: {metrics}");
    }
    second.end();
}

/// Waits for some runs.
trait Runs {
    fn rest_of_runs(&self, more: usize);
}

impl Runs for Service {
    fn rest_of_runs(&self, more: usize) {
        let begun = self.count("a run starts");
        self.wait_for("a run is over", begun + more);
    }
}
