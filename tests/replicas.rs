//! Two replicas of the service, one lease: one writes, and another takes over.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "tests make files and processes, and wait")]

#[path = "fake_github/mod.rs"]
mod fake_github;
mod fake_lease;
mod service;
mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use fake_github::FakeGithub;
use fake_lease::FakeLease;
use service::{Service, wait_until};
use world::{RELEASE, World};

const TOKENS: [&str; 2] = ["ghs_first0123456789abcdef", "ghs_second0123456789abcdef"];
/// How long the lease lasts in these tests, in seconds.
const DURATION: u64 = 4;

struct Cluster {
    world: World,
    github: FakeGithub,
    lease: FakeLease,
}

impl Cluster {
    fn new() -> Self {
        let (world, github) = (World::usual(), FakeGithub::start());
        github.repository(RELEASE, &[("README.md", "configs\n")]);
        let main = github.branch(RELEASE, "main");
        github.inside().state.set_ref(RELEASE, "refs/heads/master", main);
        Self {
            world,
            github,
            lease: FakeLease::start(),
        }
    }

    /// Starts a replica; each signs with a token of its own, so that the fake knows who wrote.
    fn replica(&self, n: usize) -> Service {
        let text = format!(
            "sources:\n  build-data: {{repo: repos/openshift-eng/ocp-build-data}}\n  components: {{repo: 'repos/{{org}}/{{repo}}'}}\n  \
             ci-config: {{repo: repos/openshift/release}}\nreleases: ['4.16']\nforge: {{kind: github, api: '{}', token-env: TOKEN}}\nstate: \
             state-{n}\nschedule: '* * * * * *'\nlisten: 127.0.0.1:0\nlease: {{kind: kubernetes, name: lockstep, duration: {DURATION}}}\n",
            self.github.url
        );
        let config: PathBuf = self.world.write(&format!("replica-{n}.yaml"), text.as_bytes());
        let kubeconfig = self.lease.kubeconfig(self.world.folder());
        let kubeconfig = kubeconfig.to_str().unwrap().to_owned();
        Service::start(&config, &[("TOKEN", TOKENS[n]), ("KUBECONFIG", &kubeconfig)])
    }

    /// The indices of the requests with which a replica wrote.
    fn writes(&self, n: usize) -> Vec<usize> {
        let inside = self.github.inside();
        let signed = format!("Bearer {}", TOKENS[n]);
        let wrote = |exchange: &fake_github::Exchange| {
            let query = exchange.request["query"].as_str().unwrap_or_default();
            let reads = exchange.method == "GET" || query.trim_start().starts_with("query");
            exchange.authorization.as_deref() == Some(&signed) && !reads
        };
        let log = inside.log.iter().enumerate();
        log.filter(|(_, exchange)| wrote(exchange)).map(|(at, _)| at).collect()
    }

    fn pulls(&self) -> usize {
        self.github.pulls(RELEASE).len()
    }

    fn wait(&self, services: &[&Service], what: &str, holds: impl FnMut() -> bool) {
        let log = || services.iter().flat_map(|service| service.log()).collect();
        wait_until(what, log, holds);
    }

    /// Changes metadata, so that there is something to write.
    fn change(&self, n: usize) {
        self.world.image(
            "buoy",
            if n.is_multiple_of(2) {
                "{member: anchor}"
            } else {
                "{stream: base}"
            },
            "",
        );
    }

    /// What a single replica would have left, by files and pull requests.
    fn picture(&self) -> String {
        let text = self.github.picture(RELEASE);
        let lines = text.lines().filter(|line| !line.starts_with("<!-- lockstep:run "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn one_writes_and_another_takes_over() {
    let cluster = Cluster::new();
    let first = cluster.replica(0);
    cluster.wait(&[&first], "a pull request", || cluster.pulls() == 1);
    let second = cluster.replica(1);
    second.wait_for("waits for the lease", 1);
    second.wait_for("a run is over", 2);
    assert!(
        cluster.writes(1).is_empty(),
        "who has no lease plans and writes nothing"
    );
    let (before, started) = (cluster.lease.holder(), Instant::now());
    first.kill();
    cluster.change(0);
    cluster.wait(&[&second], "the takeover", || !cluster.writes(1).is_empty());
    println!("taken over after {:?} with a lease of {DURATION} s", started.elapsed());
    assert_ne!(cluster.lease.holder(), before);
    second.rest_of_writes(&cluster);
    assert_eq!(cluster.pulls(), 1, "there is no second pull request");
    let branch = cluster.github.files(RELEASE, "lockstep/ci/4.16");
    let buoy = branch.iter().find(|(path, _)| path.contains("buoy")).unwrap().1;
    assert!(buoy.contains("anchor"), "{buoy}");
    // Told to end, it gives the lease back: the next one need not wait.
    assert!(second.end().0.success());
    assert_eq!(cluster.lease.holder(), "");
}

/// Waits for writing to be over.
trait Rests {
    fn rest_of_writes(&self, cluster: &Cluster);
}

impl Rests for Service {
    fn rest_of_writes(&self, cluster: &Cluster) {
        let runs = self.runs();
        cluster.wait(&[self], "two more runs", || self.runs() >= runs + 3);
    }
}

#[test]
fn a_replica_that_was_stopped_past_its_lease_writes_at_most_what_was_in_flight() {
    let cluster = Cluster::new();
    let first = cluster.replica(0);
    cluster.wait(&[&first], "a pull request", || cluster.pulls() == 1);
    let second = cluster.replica(1);
    second.wait_for("waits for the lease", 1);
    // It is stopped in the middle of its writes.
    let writes = cluster.writes(0).len();
    cluster.change(0);
    let started = Instant::now();
    while cluster.writes(0).len() == writes && started.elapsed() < service::PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    first.signal(libc::SIGSTOP);
    cluster.wait(&[&second], "the takeover", || !cluster.writes(1).is_empty());
    second.rest_of_writes(&cluster);
    let at = *cluster.writes(1).first().unwrap();
    let picture = cluster.picture();
    first.signal(libc::SIGCONT);
    first.wait_for("has lost the lease", 1);
    let runs = first.runs();
    cluster.wait(&[&first, &second], "more runs", || first.runs() > runs + 1);
    let late = cluster.writes(0).into_iter().filter(|write| *write > at).count();
    println!("{writes} writes before, {late} after the takeover");
    assert!(late <= 1, "{late} writes of the old holder after the takeover");
    second.rest_of_writes(&cluster);
    assert_eq!(cluster.picture(), picture, "as if there had been one");
    assert_eq!(cluster.pulls(), 1);
}

#[test]
fn lost_answers_and_an_api_that_is_down_cost_nothing() {
    let cluster = Cluster::new();
    cluster.lease.inside().lose_answers = 1;
    let first = cluster.replica(0);
    cluster.wait(&[&first], "a pull request", || cluster.pulls() == 1);
    let second = cluster.replica(1);
    second.wait_for("waits for the lease", 1);
    cluster.lease.inside().lose_answers = 1;
    std::thread::sleep(Duration::from_secs(DURATION));
    // Nobody can renew: nobody writes.
    cluster.lease.inside().down = true;
    first.wait_for("has lost the lease", 1);
    let writes = (cluster.writes(0).len(), cluster.writes(1).len());
    cluster.change(0);
    std::thread::sleep(Duration::from_secs(DURATION));
    assert_eq!((cluster.writes(0).len(), cluster.writes(1).len()), writes);
    cluster.lease.inside().down = false;
    cluster.wait(&[&first, &second], "a writer", || {
        cluster.writes(0).len() + cluster.writes(1).len() > writes.0 + writes.1
    });
    assert_eq!(cluster.pulls(), 1);
}

#[test]
fn clocks_that_differ_by_hours_do_not_matter() {
    let cluster = Cluster::new();
    let first = cluster.replica(0);
    cluster.wait(&[&first], "a pull request", || cluster.pulls() == 1);
    // What the holder writes looks hours old to everybody else.
    cluster.lease.inside().skew = true;
    let second = cluster.replica(1);
    second.wait_for("waits for the lease", 1);
    std::thread::sleep(Duration::from_secs(2 * DURATION));
    assert_eq!(second.count("has the lease and writes"), 0);
    let holders = cluster.lease.inside().holders.clone();
    assert!(holders.windows(2).all(|pair| pair[0] == pair[1]), "{holders:?}");
}
