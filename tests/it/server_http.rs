//! The server as others reach it: webhooks, access, bounds, health, metrics and the API.

use crate::support::board_world;
use std::io::{Read, Write};
use std::time::Duration;

use board_world::{Answer, Listening, demo, large, open_server};
use hmac::{Hmac, Mac};
use lockstep::board::{Gate, View};
use lockstep::config::{Access, Secret, Server};
use lockstep::server::{EventKind, Limits, Told};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

const SECRET: &str = "It's a Secret to Everybody";

/// A server that takes webhooks and has a token, and the folder of its secrets.
fn guarded(limits: Limits) -> (Listening, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).unwrap();
        Secret::File(dir.path().join(name))
    };
    let config = Server {
        access: Access::Token(file("token", "right-token\n")),
        open_metrics: false,
        webhook: Some(file("secret", SECRET)),
    };
    (Listening::start(View::default(), config, limits), dir)
}

fn quick() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        body_bytes: 200_000,
        connections: 8,
        ..Limits::default()
    }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let digits: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={digits}")
}

fn deliver(server: &Listening, event: &str, body: &[u8], signature: &str) -> Answer {
    let headers = [
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("X-Hub-Signature-256", signature),
        ("Content-Type", "application/json"),
    ];
    server.ask("POST", "/webhook/github", &headers, body)
}

fn push() -> Vec<u8> {
    json!({"ref": "refs/heads/release-4.16", "after": "0123456789", "repository": {"full_name": "openshift/etcd"}})
        .to_string()
        .into_bytes()
}

#[test]
fn a_signed_push_is_told_and_nothing_else_is() {
    let (server, dir) = guarded(Limits::default());
    let body = push();
    let answer = deliver(&server, "push", &body, &signature(SECRET, &body));
    assert_eq!((answer.status, answer.body.trim()), (202, "queued"));
    let events = std::mem::take(&mut *server.ear.events.lock().unwrap());
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].repo.as_ref().unwrap().to_string(), "openshift/etcd");
    let branch = EventKind::Branch {
        branch: "release-4.16".into(),
        commit: Some("0123456789".into()),
    };
    assert_eq!(events[0].kind, branch);
    let right = signature(SECRET, &body);
    for (what, answer, status) in [
        (
            "a wrong secret",
            deliver(&server, "push", &body, &signature("other", &body)),
            401,
        ),
        ("another body", deliver(&server, "push", b"{\"a\":1}", &right), 401),
        (
            "no hexadecimal digits",
            deliver(&server, "push", &body, "sha256=xyz"),
            401,
        ),
        ("half a signature", deliver(&server, "push", &body, &right[..39]), 401),
        (
            "the older, weaker kind",
            deliver(&server, "push", &body, "sha1=0123"),
            401,
        ),
        (
            "no signature",
            server.ask("POST", "/webhook/github", &[("X-GitHub-Event", "push")], &body),
            401,
        ),
        ("no JSON", deliver(&server, "push", b"{", &signature(SECRET, b"{")), 400),
        ("no event", deliver(&server, "", b"{}", &signature(SECRET, b"{}")), 400),
        (
            "no branch",
            deliver(&server, "push", b"{}", &signature(SECRET, b"{}")),
            400,
        ),
        (
            "an unknown event",
            deliver(&server, "star", b"{}", &signature(SECRET, b"{}")),
            202,
        ),
        (
            "a ping",
            deliver(&server, "ping", b"{}", &signature(SECRET, b"{}")),
            200,
        ),
        ("a question", server.get("/webhook/github"), 405),
    ] {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert!(!answer.body.contains(SECRET), "{what}");
    }
    let form = [
        ("X-Hub-Signature-256", right.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    assert_eq!(server.ask("POST", "/webhook/github", &form, &body).status, 415);
    assert!(server.ear.events.lock().unwrap().is_empty(), "none of these was told");

    std::fs::write(dir.path().join("secret"), "a new one").unwrap();
    assert_eq!(
        deliver(&server, "push", &body, &right).status,
        401,
        "a changed secret holds at once"
    );
    assert_eq!(
        deliver(&server, "push", &body, &signature("a new one", &body)).status,
        202
    );
    std::fs::remove_file(dir.path().join("secret")).unwrap();
    assert_eq!(deliver(&server, "push", &body, &right).status, 503);
}

#[test]
fn what_the_daemon_makes_of_an_event_is_answered() {
    let (server, _dir) = guarded(Limits::default());
    let body = push();
    for (told, status, said) in [
        (Told::Foreign, 202, "ignored"),
        (Told::Full, 503, "next full reconcile"),
        (Told::Queued, 202, "queued"),
    ] {
        *server.ear.answer.lock().unwrap() = Some(told);
        let answer = deliver(&server, "push", &body, &signature(SECRET, &body));
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(said), "{}", answer.body);
    }
    let unset = Listening::start(View::default(), open_server(), Limits::default());
    let answer = deliver(&unset, "push", &body, &signature(SECRET, &body));
    assert_eq!(answer.status, 404, "without a secret no delivery is taken");
}

#[test]
fn huge_and_slow_deliveries_are_cut_off() {
    let (server, _dir) = guarded(quick());
    let large = vec![b' '; 300_000];
    assert_eq!(deliver(&server, "push", &large, &signature(SECRET, &large)).status, 413);
    let head = "POST /webhook/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
                X-GitHub-Event: push\r\nX-Hub-Signature-256: ";
    let head = format!("{head}{}\r\n", signature(SECRET, b""));
    let claimed = format!("{head}Content-Length: 99999999999\r\n\r\n");
    assert_eq!(
        server.send(claimed.as_bytes()).status,
        413,
        "what is claimed is not waited for"
    );
    let slow = format!("{head}Content-Length: 1000\r\n\r\n{{\"half");
    assert_eq!(server.send(slow.as_bytes()).status, 408);
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let mut endless = chunks.into_bytes();
    for _ in 0..30 {
        endless.extend_from_slice(b"4000\r\n");
        endless.extend_from_slice(&[b' '; 0x4000]);
        endless.extend_from_slice(b"\r\n");
    }
    assert_eq!(server.send(&endless).status, 413, "a body without a length is counted");
    assert!(server.ear.events.lock().unwrap().is_empty());
}

#[test]
fn slow_heads_and_idle_connections_give_their_place_back() {
    let (server, _dir) = guarded(quick());
    let mut held: Vec<_> = (0..quick().connections).map(|_| server.connect()).collect();
    for stream in &mut held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").unwrap();
    }
    // All places are taken: this one is answered when the first of them has been cut off.
    assert_eq!(server.get("/healthz").status, 200);
    for mut stream in held {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(
            !rest.starts_with(b"HTTP/1.1 200"),
            "a head that never ends gets no answer"
        );
    }
}

/// A kubelet waits one second for `/healthz`: heads that come byte by byte, in far more connections than there are places
/// for, and bodies that never end do not make it wait longer.
#[test]
fn health_is_answered_while_slow_heads_and_bodies_hold_all_places() {
    let limits = Limits {
        connections: 16,
        ..Limits::default()
    };
    let (server, _dir) = guarded(limits);
    let half = format!(
        "POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {}\r\nContent-Length: 1000\r\n\r\n{{",
        signature(SECRET, b"")
    );
    for (what, text, connections) in [
        ("heads", "GET / HTTP/1.1\r\nX-Slow: ", 48),
        ("bodies", half.as_str(), 16),
    ] {
        let mut held: Vec<_> = (0..connections).map(|_| server.connect()).collect();
        for stream in &mut held {
            let _ = stream.write_all(text.as_bytes());
        }
        std::thread::sleep(Duration::from_millis(400));
        let mut asked = server.connect();
        asked.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        asked
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        asked.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{what}: {answer:?}");
    }
}

#[test]
fn addresses_lead_nowhere_else_and_have_a_length() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    for path in [
        "/../etc/passwd",
        "/assets/../../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e%2fstyle.css",
        "/images/..%2F..%2Fetc%2Fpasswd/4.16",
        "/images/%00/4.16",
        "/images/compass-driver/4.16/more",
        "/api/v1/build-config/../plan",
        "/api/v2/plan",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            !answer.body.contains("root:") && !answer.body.contains("[package]"),
            "{path}"
        );
    }
    assert_eq!(server.get("/images/%ff/4.16").status, 400, "no UTF-8");
    assert_eq!(server.get(&format!("/?q={}", "a".repeat(5000))).status, 414);
    assert_eq!(server.get(&format!("/?q={}", "a".repeat(60_000))).status, 431);
    assert_eq!(
        server.get(&format!("/?{}", "q=a&".repeat(500))).status,
        400,
        "one filter twice means nothing"
    );
    let many: String = (0..200).map(|at| format!("X-{at}: a\r\n")).collect();
    assert_eq!(
        server.send(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).status,
        431
    );
    assert_eq!(server.send(b"\x16\x03\x01\x02\x00\x01").status, 400);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(
            server.ask(method, "/api/v1/plan", &[], b"{}").status,
            405,
            "nothing can be changed"
        );
    }
}

#[test]
fn only_who_has_the_token_may_look() {
    let (server, dir) = guarded(Limits::default());
    let with = |token: &str, path: &str| server.ask("GET", path, &[("Authorization", token)], b"");
    for path in [
        "/",
        "/images/x/4.16",
        "/metrics",
        "/api/v1/plan",
        "/api/v1/openapi.json",
        "/runs",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        for wrong in [
            "Bearer wrong",
            "Bearer",
            "Bearer right-token-",
            "Basic right-token",
            "right-token",
        ] {
            assert_eq!(with(wrong, path).status, 401, "{wrong}");
        }
        assert_ne!(with("Bearer right-token", path).status, 401, "{path}");
        assert_ne!(with("bearer  right-token ", path).status, 401, "{path}");
    }
    for path in ["/healthz", "/assets/style.css"] {
        assert_eq!(server.get(path).status, 200, "{path} is open");
    }
    assert_eq!(server.get("/readyz").status, 503, "open, and not ready yet");
    std::fs::write(dir.path().join("token"), "another").unwrap();
    assert_eq!(
        with("Bearer right-token", "/").status,
        401,
        "a changed token holds at once"
    );
    std::fs::remove_file(dir.path().join("token")).unwrap();
    let answer = with("Bearer another", "/");
    assert_eq!(answer.status, 503, "without its token nobody gets in");
    assert!(
        !answer.body.contains(&*dir.path().to_string_lossy()),
        "where it is, only the log says"
    );
    let mut config = open_server();
    config.access = Access::Token(Secret::Env("LOCKSTEP_NO_SUCH_VARIABLE".into()));
    config.open_metrics = true;
    server.server.reconfigure(config);
    assert_eq!((server.get("/metrics").status, server.get("/").status), (200, 503));
}

#[test]
fn every_answer_carries_the_headers_that_guard_a_browser() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    for path in [
        "/",
        "/nowhere",
        "/healthz",
        "/api/v1/plan",
        "/assets/style.css",
        "/metrics",
    ] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[test]
fn readiness_says_why_not() {
    let server = Listening::start(View::default(), open_server(), Limits::default());
    let answer = server.get("/readyz");
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.json()["reasons"][0],
        json!({"what": "sources", "why": "not tried yet"})
    );
    server.board.update(|view| {
        view.readiness.sources = Gate::Ready;
        view.readiness.store = Gate::Ready;
        view.readiness.forge = Gate::Ready;
    });
    let answer = server.get("/readyz");
    assert_eq!((answer.status, &answer.json()["ready"]), (200, &json!(true)));
    server.board.update(|view| view.readiness.stopping = true);
    let answer = server.get("/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("shutting down"), "{}", answer.body);
    assert_eq!(server.get("/healthz").status, 200, "it is alive until it has ended");
}

#[test]
fn what_is_known_is_not_said_again() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    for path in ["/api/v1/plan", "/api/v1/releases", "/"] {
        let tag = server.get(path).header("etag").to_owned();
        assert!(!tag.is_empty(), "{path}");
        let again = server.ask("GET", path, &[("If-None-Match", &tag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        server.board.update(|view| view.started += 0);
        let changed = server.ask("GET", path, &[("If-None-Match", &tag)], b"");
        assert_eq!(changed.status, 200, "{path}");
    }
}

#[test]
fn metrics_say_what_the_board_says() {
    let server = Listening::start(large(40, 3), open_server(), Limits::default());
    server.board.update(|view| {
        let run = lockstep::board::RunRecord {
            id: "new".into(),
            trigger: "webhook".into(),
            took: 0.3,
            ..Default::default()
        };
        view.runs.push_front(run.into());
    });
    server.board.set_queue_length(3);
    let answer = server.get("/metrics");
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = &answer.body;
    for line in [
        "lockstep_queue_length 3",
        "lockstep_runs_total{trigger=\"webhook\",outcome=\"done\"} 1",
        "lockstep_run_duration_seconds_bucket{le=\"0.5\",trigger=\"webhook\"} 1",
        "lockstep_rate_limit_left{api=\"core\"} 4321",
        "lockstep_rate_limit{api=\"core\"} 5000",
        "lockstep_rate_limit_reset_timestamp_seconds{api=\"core\"} 32503680000",
        "lockstep_lease_state{state=\"alone\"} 1",
        "lockstep_writer 1",
        "lockstep_image_builds{release=\"4.16\",state=\"broken\"} 1",
        "lockstep_ready 1",
        "lockstep_pull_requests{state=\"open\"} 1",
        "lockstep_findings{severity=\"error\",code=\"unreadable-metadata\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is missing in {text}");
    }
    assert!(
        text.contains("lockstep_drift_files{release=\"4.14\",target=\"prow-config\",age=\""),
        "{text}"
    );
    assert!(
        text.contains("lockstep_drift_oldest_age_seconds{release=\"4.14\""),
        "{text}"
    );
    for begin in [
        "lockstep_image_broken_since_seconds{release=\"4.16\",image=\"base-stream9\"} ",
        "lockstep_payload_age_seconds{stream=\"4.16.0-0.okd-scos\"} ",
    ] {
        assert!(text.contains(begin), "{begin} is missing in {text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let plain = server.ask("GET", "/metrics", &[("Accept", "text/plain")], b"");
    assert!(plain.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = &plain.body;
    assert!(
        text.contains("lockstep_queue_length 3") && !text.contains("# EOF"),
        "{text}"
    );
    // For `.ci/run`, which has Debian's promtool look at it.
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(target.join("metrics.txt"), text).unwrap();
}

/// A schema of the description, with what it refers to.
fn schema(document: &Value, path: &str, status: &str) -> Value {
    let answer = &document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"];
    assert!(!answer.is_null(), "{path} {status} is not described");
    let mut schema = answer.clone();
    schema["components"] = document["components"].clone();
    schema
}

fn check(schema: &Value, value: &Value, what: &str) {
    let validator = jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{what}: {error}"));
    let faults: Vec<String> = validator
        .iter_errors(value)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{what}: {faults:#?}");
}

#[test]
fn every_answer_of_the_api_is_as_described() {
    for view in [demo(), View::default(), large(20, 3)] {
        let server = Listening::start(view, open_server(), Limits::default());
        let document = server.get("/api/v1/openapi.json").json();
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.len(), 14);
        for path in paths.keys() {
            let asked = path
                .replace("{release}", "4.16")
                .replace("{org}/{repo}/{number}", "openshift/etcd/7");
            let answer = server.get(&asked);
            let status = if answer.status == 200 { "200" } else { "default" };
            check(&schema(&document, path, status), &answer.json(), &asked);
        }
        for (asked, path, status) in [
            ("/api/v1/build-config/4.1", "/api/v1/build-config/{release}", 404),
            ("/api/v1/build-config/x", "/api/v1/build-config/{release}", 400),
            ("/api/v1/findings?severity=bad", "/api/v1/findings", 400),
            ("/api/v1/findings?code=a&code=b", "/api/v1/findings", 400),
            ("/api/v1/runs?limit=many", "/api/v1/runs", 400),
            ("/api/v1/verification/9.99", "/api/v1/verification/{release}", 404),
            ("/api/v1/verification/x", "/api/v1/verification/{release}", 400),
            (
                "/api/v1/impact/openshift/etcd/x",
                "/api/v1/impact/{org}/{repo}/{number}",
                400,
            ),
            ("/api/v1/nothing", "/api/v1/runs", 404),
        ] {
            let answer = server.get(asked);
            assert_eq!(answer.status, status, "{asked}");
            check(&schema(&document, path, "default"), &answer.json(), asked);
        }
    }
}

#[test]
fn the_api_says_what_the_commands_say() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let plan = server.get("/api/v1/plan").json();
    assert_eq!(plan["counts"], json!({"new": 4, "changed": 1, "removed": 0}));
    assert_eq!((&plan["run"], &plan["dry_run"]), (&json!("run-7"), &json!(false)));
    assert_eq!(
        plan["outcomes"][0]["writes"][0]["write"], "delete-branch",
        "{}",
        plan["outcomes"]
    );
    assert_eq!(
        Listening::start(View::default(), open_server(), Limits::default())
            .get("/api/v1/plan")
            .json()["run"],
        json!(null)
    );
    let config = server.get("/api/v1/build-config/4.16").json();
    assert_eq!(config["images"]["compass-driver"]["tag"]["value"], "compass-driver");
    let requests = server.get("/api/v1/pull-requests").json();
    assert_eq!(
        (&requests[0]["state"], &requests[0]["head"]),
        (&json!("open"), &json!("lockstep/ci/4.16"))
    );
    assert_eq!(server.get("/api/v1/runs?limit=2").json().as_array().unwrap().len(), 2);
    let found = |query: &str| {
        server
            .get(&format!("/api/v1/findings{query}"))
            .json()
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((found("?severity=error"), found("?severity=note")), (1, 0));
    assert_eq!((found("?code=unreadable-metadata"), found("?code=other")), (1, 0));
    let releases = server.get("/api/v1/releases").json();
    assert_eq!(releases[0]["images"]["pull-request-open"], 9, "{releases}");
}

#[test]
fn an_answer_that_has_begun_is_given_when_the_server_ends() {
    let mut server = Listening::start(demo(), open_server(), Limits::default());
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let address = server.address;
    server.stop();
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "nobody listens any more"
    );
}
