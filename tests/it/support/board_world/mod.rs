//! A board without a daemon, and a server in front of it that is asked over a socket.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockstep::base::Release;
use lockstep::board::*;
use lockstep::cut::{show, train};
use lockstep::derive::document::build_config;
use lockstep::finding::Finding;
use lockstep::impact::{Pull, State, Verdict};
use lockstep::model::build_config::BuildConfig;
use lockstep::plan::{Plan, PullRequest};
use lockstep::results::answer::{
    Absent, Change, FailedJob, ImageResult, ImageState, OfRelease, Payload, Results, Spell, Suspect, Unread,
};
use lockstep::run::{LoadedRules, Run, rule_files};
use lockstep::server::{Event, Limits, Server, Told, Triggers, listen};
use lockstep::source::Sources;
use lockstep::{config, forge};

/// 2026-11-25 22:41 UTC: the moment at which the board is posted.
pub const NOW: Time = 1_795_646_460;

/// What a run over a configuration finds.
pub struct Found {
    pub configs: Vec<BuildConfig>,
    pub plan: Plan,
    pub findings: Vec<Finding>,
}

/// Derives and plans once.
pub fn one_shot(config: &Path) -> Found {
    let config = config::load(config).unwrap_or_else(|error| panic!("{error}"));
    let sources = Sources::new(Some(config.state.clone()));
    let rules = LoadedRules::new(rule_files::read(&config.rules).unwrap());
    let run = Run::new(config, rules, sources);
    let ci = run.ci_config().unwrap();
    let releases = run.releases(&[], ci.as_deref()).unwrap();
    let (mut configs, mut findings) = (Vec::new(), Vec::new());
    for release in &releases {
        let metadata = run.metadata(*release).unwrap();
        let derived = run.derive(&metadata, ci.as_deref()).unwrap();
        configs.push(build_config(&derived));
    }
    let renderings: Vec<_> = releases
        .iter()
        .map(|release| run.rendering(*release, ci.as_ref()).unwrap())
        .collect();
    findings.extend(renderings.iter().flat_map(|rendering| rendering.findings.clone()));
    let between = run.between(&releases, renderings.last(), ci.as_deref());
    let plan = run.plan(renderings, between, true);
    Found {
        configs,
        plan,
        findings,
    }
}

/// The demo as a daemon would post it after its first run.
pub fn demo() -> View {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/lockstep.yaml");
    view(one_shot(&project))
}

/// Posts what was found.
pub fn view(found: Found) -> View {
    let ready = Readiness {
        sources: Gate::Ready,
        store: Gate::Ready,
        forge: Gate::Ready,
        stopping: false,
        comparison: None,
    };
    let releases = found.configs.into_iter().map(|config| {
        let release = config.release;
        let shown = ReleaseView {
            release,
            build_config: Some(Arc::new(config)),
            findings: found.findings.clone(),
            derived_at: NOW - 120,
            drift_since: since(&found.plan, &release.to_string()),
            error: None,
        };
        (release, Arc::new(shown))
    });
    View {
        started: NOW - 86_400,
        releases: releases.collect(),
        pull_requests: found.plan.pull_requests.iter().map(open).collect(),
        runs: runs(7).into(),
        readiness: ready,
        rate_limits: BTreeMap::from([(
            "core".to_owned(),
            RateLimit {
                left: 4321,
                limit: 5000,
                resets_at: 32_503_680_000, // the year 3000: whoever looks, it has not started anew
            },
        )]),
        applied: Arc::new(applied(&found.plan)),
        plan: Arc::new(found.plan),
        trains: vec![Arc::new(train())],
        results: Some(Arc::new(results())),
        impacts: Arc::new(impacts()),
        ..View::default()
    }
}

/// Results in which the demo's base-stream9 does not build, and what stands on it waits.
pub fn results() -> ResultsView {
    let of = |tag: &str, repo: &str, state, says: &str| ImageResult {
        image: tag.to_owned(),
        repository: format!("openshift/{repo}"),
        branch: "release-4.16".to_owned(),
        job: format!("branch-ci-openshift-{repo}-release-4.16-okd-scos-images"),
        state,
        says: says.to_owned(),
        because: None,
        since: None,
        since_time: None,
        last_good: None,
        attempts: 0,
        okd_only: None,
        twin: format!("branch-ci-openshift-{repo}-release-4.16-images"),
        lines: Vec::new(),
        suspects: Vec::new(),
        run: None,
        elsewhere: None,
        history: Vec::new(),
        silenced: None,
    };
    let spell = |state, says: &str, digit: &str, days: i64| Spell {
        state,
        says: says.to_owned(),
        since: digit.repeat(40),
        since_time: Some(NOW - days * 86_400),
        until: digit.repeat(40),
        runs: 2,
    };
    let suspect = |pull, title: &str| Suspect {
        commit: "b".repeat(40),
        pull: Some(pull),
        title: title.to_owned(),
    };
    let says = "go.mod asks for a newer Go than the builder has";
    let mut broken = of("base-stream9", "foundation", ImageState::Broken, says);
    broken.since = Some("b".repeat(40));
    broken.since_time = Some(NOW - 3 * 86_400);
    broken.last_good = Some("a".repeat(40));
    (broken.attempts, broken.okd_only) = (2, Some(true));
    broken.lines = vec!["go: go.mod requires go >= 1.26.0 <script>alert(1)</script>".to_owned()];
    broken.suspects = vec![suspect(7, "Raise Go"), suspect(6, "Tidy up")];
    broken.history = vec![
        spell(ImageState::Broken, says, "b", 3),
        spell(ImageState::Builds, "", "a", 9),
    ];
    let mut stale = of(
        "beacon",
        "beacon",
        ImageState::StaleBase,
        "it is built on `base-stream9` from before",
    );
    stale.because = Some("base-stream9".to_owned());
    let evicted = "the cluster could not finish the build (BuildPodEvicted)";
    let payload = Payload {
        stream: "4.16.0-0.okd-scos".to_owned(),
        newest: Some("4.16.0-0.okd-scos-2026-01-03-000000".to_owned()),
        newest_time: Some(NOW - 3600),
        phase: Some("Rejected".to_owned()),
        accepted: Some("4.16.0-0.okd-scos-2026-01-01-000000".to_owned()),
        accepted_time: Some(NOW - 4 * 86_400),
        since: 2,
        rejected: Some("4.16.0-0.okd-scos-2026-01-03-000000".to_owned()),
        first_rejected: Some("4.16.0-0.okd-scos-2026-01-02-000000".to_owned()),
        failed: vec![FailedJob {
            job: "aws".to_owned(),
            blocking: true,
            state: "Failed".to_owned(),
            run: None,
        }],
        changes_since: Some("4.16.0-0.okd-scos-2026-01-01-000000".to_owned()),
        changes: vec![Change {
            images: vec!["beacon".to_owned(), "beacon-agent".to_owned()],
            repository: "openshift/beacon".to_owned(),
            before: Some("1".repeat(40)),
            after: Some("2".repeat(40)),
            pulls: vec![suspect(12, "Blink twice")],
        }],
    };
    ResultsView {
        results: Results {
            version: 1,
            releases: vec![OfRelease {
                release: "4.16".to_owned(),
                images: vec![
                    broken,
                    stale,
                    of("compass-driver", "compass-driver", ImageState::Builds, ""),
                    of("tidewatch", "tidewatch", ImageState::Ci, evicted),
                ],
                payloads: vec![payload],
                absent: Absent {
                    all_others: true,
                    ..Absent::default()
                },
            }],
            unread: vec![Unread {
                source: "sources.results.release-controller".to_owned(),
                why: "it has no stream `4-scos-gone`".to_owned(),
            }],
        },
        at: NOW - 60,
    }
}

/// The pull requests of a plan: the first was made, all others wait.
pub fn applied(plan: &Plan) -> Applied {
    let outcome = |(at, request): (usize, &PullRequest)| {
        let mut outcome = forge::Outcome::new(request.scope.clone());
        if at == 0 {
            outcome.action = Some(forge::Action::CleanUp);
            outcome.writes.push(forge::Write::DeleteBranch {
                repo: request.scope.repo.clone(),
                branch: request.head(),
                from: "1".repeat(40),
            });
        } else {
            outcome.action = Some(forge::Action::Wait);
            outcome.waits = Some(forge::Waits {
                why: "too many are open".to_owned(),
                until: Some(NOW),
            });
        }
        outcome.notes.push("somebody should know".to_owned());
        outcome
    };
    Applied {
        run: "run-7".to_owned(),
        dry_run: false,
        outcomes: plan.pull_requests.iter().enumerate().map(outcome).collect(),
    }
}

/// A train of two steps, of which the second breaks a rule, and a change that no step can make.
pub fn train() -> show::View {
    let step = |number: usize, release: &str, broken_by: &[&str]| show::StepView {
        number,
        kind: train::StepKind::Configs,
        release: release.to_owned(),
        head: format!("lockstep/ci/{release}"),
        title: format!("{release}: 1 config with its jobs"),
        because: train::StepKind::Configs.because().to_owned(),
        components: vec!["openshift/etcd".to_owned()],
        files: vec![show::FileView {
            repo: "openshift/release".to_owned(),
            path: format!("ci-operator/config/openshift/etcd/{release}.yaml"),
            change: "new",
        }],
        checks: vec![train::Check {
            check: "no two configs promote one tag",
            broken_by: broken_by.iter().map(|text| (*text).to_owned()).collect(),
            wrong_before: Vec::new(),
        }],
    };
    show::View {
        releases: vec!["4.16".to_owned(), "4.17".to_owned()],
        steps: vec![step(1, "4.16", &[]), step(2, "4.17", &["etcd"])],
        stuck: vec![train::Stuck {
            path: "ci-operator/config/openshift/console/main.yaml".to_owned(),
            why: "it waits for itself".to_owned(),
        }],
        payloads: Vec::new(),
        left_out: Vec::new(),
        findings: Vec::new(),
        waits_for: Some("the merge of lockstep/ci/4.16".to_owned()),
    }
}

/// Every file that differs does so for a while: the later in the order of paths, the longer.
pub fn since(plan: &Plan, release: &str) -> BTreeMap<(String, String), Time> {
    let ours = plan
        .pull_requests
        .iter()
        .filter(|request| request.scope.release == release);
    let files = ours.flat_map(|request| {
        let repo = request.scope.repo.to_string();
        request.files.iter().map(move |file| (repo.clone(), file.path.clone()))
    });
    let ages = [40, 5000, 90_000, 1_000_000];
    files
        .enumerate()
        .map(|(at, file)| (file, NOW - ages[at % ages.len()]))
        .collect()
}

fn open(request: &PullRequest) -> PullRequestView {
    PullRequestView {
        scope: request.scope.clone(),
        state: if request.files.is_empty() {
            PullRequestState::InSync
        } else {
            PullRequestState::Open
        },
        url: Some("https://github.com/openshift/release/pull/1".into()),
        since: NOW - 4000,
        note: String::new(),
    }
}

/// Pull requests of others: one that breaks OKD and was told, one that waits, one that there is nothing to say of.
pub fn impacts() -> Impacts {
    let pull = |number: u64, verdict, state, note: &str| Pull {
        repository: "openshift/etcd".to_owned(),
        pull: number,
        title: "Add a stage </details> @everyone \u{202e}evil".to_owned(),
        author: "ann".to_owned(),
        branch: "release-4.16".to_owned(),
        head: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        url: format!("https://github.com/openshift/etcd/pull/{number}"),
        releases: vec!["4.16".to_owned()],
        verdict,
        sentence: "With this OKD loses the image `etcd` of release 4.16: its Dockerfile has 3 FROMs, metadata 2."
            .to_owned(),
        todo: "Let metadata name the new stage.".to_owned(),
        state,
        note: note.to_owned(),
        until: (state == State::Waits).then_some(NOW + 600),
        since: NOW - 4000,
    };
    let answer = serde_json::json!({
        "version": 1, "repository": "openshift/etcd", "pull": 7, "base": "1111111111111111111111111111111111111111",
        "head": "0123456789abcdef0123456789abcdef01234567", "merged": "commit", "branch": "release-4.16",
        "digest": "00112233445566778899aabbccddeeff", "verdict": "breaks", "sentence": "With this OKD loses the image `etcd`.",
        "do": "Let metadata name the new stage.", "releases": [{
            "release": "4.16", "verdict": "breaks", "gone": [], "still": [],
            "new": [{
                "severity": "error", "code": "stage-count", "message": "its Dockerfile has 3 FROMs, metadata 2", "help": "let metadata name it",
                "place": {"repo": "openshift/etcd", "commit": null, "file": "Dockerfile", "line": 3}, "release": "4.16",
                "component": "openshift/etcd", "image": "etcd", "family": "files", "fixable": false, "impact": "break", "alone": true,
            }],
            "values": [{"of": "etcd", "field": "base.pullspec", "before": "base:1", "after": null, "rules": ["base (rules/30-from.yaml:3)"]}],
            "files": [{
                "repository": "openshift/release", "path": "ci-operator/config/openshift/etcd/x.yaml", "target": "prow-config",
                "change": "changed", "puts_back": false,
            }],
            "rebuild": {
                "version": 1, "release": "4.16", "of": 2, "batches": [["etcd"]],
                "images": {"etcd": {"tag": "etcd", "reasons": ["own-source"], "only_by_parent": false, "batch": 1, "only_source": true}},
            },
        }],
    });
    Impacts {
        looked_at: Some(NOW - 60),
        pulls: vec![
            pull(
                7,
                Some(Verdict::Breaks),
                State::Told,
                "check `OKD` (neutral) on openshift/etcd#7 at 0123456789",
            ),
            pull(
                8,
                Some(Verdict::Changes),
                State::Waits,
                "60 answers were given within the last hour",
            ),
            pull(9, None, State::Silent, ""),
        ],
        answers: BTreeMap::from([("openshift/etcd#7".to_owned(), answer.to_string().into())]),
        unread: vec!["openshift/gone".to_owned()],
        left_out: BTreeMap::from([("openshift/release".to_owned(), 12)]),
        error: None,
    }
}

/// Runs, newest first, of all outcomes.
pub fn runs(count: usize) -> Vec<Arc<RunRecord>> {
    let run = |at: usize| {
        let outcome = match at % 11 {
            3 => Outcome::Partly,
            7 => Outcome::Failed,
            _ => Outcome::Done,
        };
        RunRecord {
            id: format!("run-{}", count - at),
            trigger: ["schedule", "webhook", "files"][at % 3].to_owned(),
            because: if at % 3 == 1 {
                vec!["openshift/etcd release-4.16".to_owned()]
            } else {
                Vec::new()
            },
            releases: vec!["4.16".to_owned()],
            started: NOW - 130 - 600 * Time::try_from(at).unwrap(),
            took: 0.3 + (at * 7 % 13) as f64 * 0.9,
            outcome,
            drift: Drift {
                new: at % 4,
                changed: at % 3,
                removed: 0,
                held: at % 2,
            },
            findings: BTreeMap::from([("error".to_owned(), 1)]),
            requests: BTreeMap::from([("rest".to_owned(), 4), ("git".to_owned(), 12)]),
            writes: if at.is_multiple_of(5) {
                vec!["open a pull request from lockstep/ci/4.16 to master".to_owned()]
            } else {
                Vec::new()
            },
            cache: Cache { hits: 1200, misses: 3 },
            told: BTreeMap::from([("breaks".to_owned(), 1)]),
            told_writes: BTreeMap::from([("issue".to_owned(), 1)]),
            error: (outcome == Outcome::Failed).then(|| "build data cannot be read: no such host".to_owned()),
        }
    };
    (0..count).map(|at| Arc::new(run(at))).collect()
}

/// A world of any size in which all states occur: made of the demo's images under other names.
pub fn large(images: usize, releases: usize) -> View {
    let mut small = demo();
    let pattern = small.releases.values().next().unwrap().build_config.clone().unwrap();
    let patterns: Vec<_> = pattern.images.values().cloned().collect();
    let request = small.plan.changing().next().unwrap().clone();
    let (mut plan, mut shown) = (Plan::default(), BTreeMap::new());
    let mut requests = Vec::new();
    for number in 0..releases {
        let release = Release::new(4, 14 + u32::try_from(number).unwrap());
        let mut config = BuildConfig::clone(&pattern);
        config.release = release;
        (config.images, config.held, config.dropped) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let mut wanted = request.clone();
        wanted.scope.release = release.to_string();
        let patterns_of_files = std::mem::take(&mut wanted.files);
        for at in 0..images {
            let tag = format!(
                "{}-{at:03}",
                [
                    "cluster-storage-operator",
                    "etcd",
                    "ose-machine-api-provider",
                    "console"
                ][at % 4]
            );
            match (at * 31 + number * 17) % 97 {
                0 => config.held.push(format!("{tag}.rhel9")),
                1 => drop(config.dropped.insert(format!("{tag}.rhel9"), "metadata says so".into())),
                kind => {
                    let mut image = patterns[at % patterns.len()].clone();
                    image.tag.value.clone_from(&tag);
                    image.repository.value = format!("openshift/{tag}");
                    config.images.insert(format!("{tag}.rhel9"), image);
                    if kind < 9 {
                        let mut file = patterns_of_files[at % patterns_of_files.len()].clone();
                        file.path = format!("ci-operator/config/openshift/{tag}.yaml");
                        file.images = vec![tag];
                        wanted.files.push(file);
                    }
                }
            }
        }
        let mut state = open(&wanted);
        state.state = [
            PullRequestState::Open,
            PullRequestState::Waiting,
            PullRequestState::Planned,
        ][number % 3];
        requests.push(state);
        plan.pull_requests.push(wanted);
        let view = ReleaseView {
            release,
            build_config: Some(Arc::new(config)),
            findings: Vec::new(),
            derived_at: NOW - 120,
            drift_since: since(&plan, &release.to_string()),
            error: (number == 1).then(|| "build data cannot be read: no such host".to_owned()),
        };
        shown.insert(release, Arc::new(view));
    }
    plan.findings = small.plan.findings.clone();
    (small.plan, small.pull_requests, small.releases) = (Arc::new(plan), requests, shown);
    small.runs = runs(170).into();
    small
}

/// Keeps what it was told.
#[derive(Default)]
pub struct Ear {
    pub events: Mutex<Vec<Event>>,
    pub answer: Mutex<Option<Told>>,
}

impl Triggers for Ear {
    fn tell(&self, event: Event) -> Told {
        self.events.lock().unwrap().push(event);
        self.answer.lock().unwrap().unwrap_or(Told::Queued)
    }
}

/// A server that listens until it is dropped.
pub struct Listening {
    pub address: SocketAddr,
    pub board: Arc<Board>,
    pub ear: Arc<Ear>,
    pub server: Server,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listening {
    /// Listens on a free port of this machine.
    pub fn start(view: View, config: config::Server, limits: Limits) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), view, config, limits)
    }

    /// Listens at an address.
    pub fn at(address: SocketAddr, view: View, config: config::Server, limits: Limits) -> Self {
        let _ = tracing_subscriber::fmt().with_test_writer().try_init();
        let (board, ear) = (Arc::new(Board::new(view)), Arc::new(Ear::default()));
        let server = Server::new(Arc::clone(&board), ear.clone() as Arc<dyn Triggers>, config, limits);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(listen::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let answering = server.clone();
        let thread = std::thread::spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            runtime.block_on(listen::serve(answering, listener, stopped, Duration::from_secs(5)));
        });
        Self {
            address,
            board,
            ear,
            server,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Asks for a path.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// Asks with headers and a body.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.send(&[head.as_bytes(), b"\r\n", body].concat())
    }

    /// Sends bytes as they are and reads what comes back.
    pub fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may close while this is still being sent.
        let _ = stream.write_all(bytes);
        Answer::read(stream)
    }

    /// A connection on which nothing has been said.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Stops listening, and waits until that has happened.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    /// Reads a connection to its end. Status 0: nothing came.
    pub fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
        assert!(!chunked, "answers are whole");
        Self {
            status: status.unwrap_or(0),
            headers,
            body: body.to_owned(),
        }
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Who may look: whoever reaches it; no webhook.
pub fn open_server() -> config::Server {
    config::Server {
        access: config::Access::Machine,
        open_metrics: false,
        webhook: None,
    }
}
