//! Two replicas of the service, one lease: one writes, and another takes over.

use crate::support::{fake_github, fake_lease, service, world};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fake_github::FakeGithub;
use fake_lease::FakeLease;
use service::{SECRET, Service, push, wait_until};
use world::{BUILD_DATA, RELEASE, World};

const TOKENS: [&str; 2] = ["ghs_first0123456789abcdef", "ghs_second0123456789abcdef"];

/// How long the lease lasts in these tests, in seconds. `LOCKSTEP_LEASE=15` measures with what is usual.
fn duration() -> u64 {
    let said = std::env::var("LOCKSTEP_LEASE").ok();
    said.map_or(4, |text| text.parse().expect("seconds"))
}

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

    /// Starts a replica that looks every second.
    fn replica(&self, n: usize) -> Service {
        self.replica_by(n, "* * * * * *")
    }

    /// Starts a replica; each signs with a token of its own, so that the fake knows who wrote.
    fn replica_by(&self, n: usize, schedule: &str) -> Service {
        let duration = duration();
        let text = format!(
            "sources:\n  build-data: {{repo: repos/openshift-eng/ocp-build-data}}\n  components: {{repo: 'repos/{{org}}/{{repo}}'}}\n  \
             ci-config: {{repo: repos/openshift/release}}\nreleases: ['4.16']\nforge: {{kind: github, api: '{}', token-env: TOKEN}}\nstate: \
             state-{n}\nschedule: '{schedule}'\nlisten: 127.0.0.1:0\nserver: {{webhook: {{secret-env: SECRET}}}}\nlease: {{kind: kubernetes, name: lockstep, \
             duration: {duration}}}\n",
            self.github.url
        );
        let config: PathBuf = self.world.write(&format!("replica-{n}.yaml"), text.as_bytes());
        let kubeconfig = self.lease.kubeconfig(self.world.folder());
        let kubeconfig = kubeconfig.to_str().unwrap().to_owned();
        let env = [("TOKEN", TOKENS[n]), ("KUBECONFIG", &kubeconfig), ("SECRET", SECRET)];
        Service::start(&config, &env)
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
    println!(
        "taken over after {:?} with a lease of {} s",
        started.elapsed(),
        duration()
    );
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
    // On a busy machine it may have written all by now: there is something left to write in any case.
    cluster.world.image("capstan", "{member: anchor}", "");
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
    std::thread::sleep(Duration::from_secs(duration()));
    // Nobody can renew: nobody writes.
    cluster.lease.inside().down = true;
    first.wait_for("has lost the lease", 1);
    let writes = (cluster.writes(0).len(), cluster.writes(1).len());
    cluster.change(0);
    std::thread::sleep(Duration::from_secs(duration()));
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
    std::thread::sleep(Duration::from_secs(2 * duration()));
    assert_eq!(second.count("has the lease and writes"), 0);
    let holders = cluster.lease.inside().holders.clone();
    assert!(holders.windows(2).all(|pair| pair[0] == pair[1]), "{holders:?}");
}

#[test]
fn a_webhook_that_comes_to_one_replica_is_looked_at_by_the_one_that_writes() {
    let mut cluster = Cluster::new();
    let never = "0 0 0 1 1 *";
    let first = cluster.replica_by(0, never);
    cluster.wait(&[&first], "a pull request", || cluster.pulls() == 1);
    let second = cluster.replica_by(1, never);
    second.wait_for("waits for the lease", 1);
    for service in [&first, &second] {
        service.rest();
    }
    // Nobody but a webhook tells of what changes, and it comes to the one that does not write; sometimes the answer of the
    // cluster's API gets lost as well.
    for (n, member) in ["capstan", "anchor", "capstan", "anchor"].into_iter().enumerate() {
        let from = format!("{{member: {member}}}");
        cluster.world.unseen(|world| world.image("buoy", &from, ""));
        cluster.lease.inside().lose_answers = n % 2;
        let started = Instant::now();
        let (status, said) = second.deliver("push", &push(BUILD_DATA, "openshift-4.16"));
        assert_eq!((status, said.trim()), (202, "queued"));
        let tag = format!("tag: {member}");
        let written = || {
            let branch = cluster.github.files(RELEASE, "lockstep/ci/4.16");
            let mut its = branch.iter().filter(|(path, _)| path.contains("buoy"));
            its.any(|(_, text)| text.contains(&tag))
        };
        cluster.wait(&[&first, &second], "the change", written);
        println!(
            "written after {:?}, renewed every {:.1} s",
            started.elapsed(),
            duration() as f64 * 2.0 / 15.0
        );
        first.rest();
    }
    assert!(cluster.writes(1).is_empty(), "who has no lease writes nothing");
    assert_eq!(
        cluster.lease.notes(),
        serde_json::json!({}),
        "what was told is taken out"
    );
    assert_eq!(first.count("has lost the lease"), 0);
    // The one that writes needs nobody to tell it.
    let noted = first.count("another replica was told");
    assert!(noted >= 4, "{noted}");
    first.deliver("push", &push(BUILD_DATA, "openshift-4.16"));
    first.rest();
    assert_eq!(first.count("another replica was told"), noted);
    // Where nobody is left to tell, who takes over looks at everything.
    cluster.world.unseen(|world| world.image("buoy", "{stream: base}", ""));
    first.kill();
    second.deliver("push", &push(BUILD_DATA, "openshift-4.16"));
    cluster.wait(&[&second], "the takeover", || !cluster.writes(1).is_empty());
    second.rest();
    assert_eq!(cluster.lease.notes(), serde_json::json!({}));
    assert_eq!(cluster.pulls(), 1);
}
