//! Pages, as they come over the socket.

use crate::support::board_world;
use board_world::{Listening, demo, large, open_server};
use lockstep::board::{PullRequestState, VerifiedView};
use lockstep::plan::Plan;
use lockstep::run::verified::{Job, Verified};
use lockstep::server::Limits;

const PAGES: [&str; 11] = [
    "/",
    "/drift",
    "/pull-requests",
    "/runs",
    "/findings",
    "/graph",
    "/cut",
    "/results",
    "/payloads",
    "/verify",
    "/impact",
];

#[test]
fn every_page_is_made_of_the_demo_and_of_nothing() {
    for view in [demo(), lockstep::board::View::default()] {
        let server = Listening::start(view, open_server(), Limits::default());
        for page in PAGES {
            let answer = server.get(page);
            assert_eq!(answer.status, 200, "{page}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert!(
                answer.body.starts_with("<!doctype html>") && answer.body.contains("<main"),
                "{page}"
            );
            for never in ["<script", " style=", " onclick=", "<iframe", "http://"] {
                assert!(!answer.body.contains(never), "{page} has {never}");
            }
        }
    }
}

#[test]
fn before_the_first_run_nothing_is_said_to_be_in_order() {
    let server = Listening::start(lockstep::board::View::default(), open_server(), Limits::default());
    for (page, never, said) in [
        ("/", "0 images in 0", "No release has been derived yet."),
        ("/drift", "Nothing differs", "No release has been derived yet."),
        (
            "/pull-requests",
            "No pull request is needed",
            "No run has looked at the pull requests yet.",
        ),
        ("/findings", "Nothing was found", "No release has been derived yet."),
        ("/graph", "in sync", "Nothing has been derived yet."),
        ("/cut", "No branch cut is under way", "No release has been derived yet."),
        ("/verify", "nothing", "No release has been derived yet."),
        ("/runs", "done", "No run has ended yet."),
        ("/results", "No image is known to be broken", "No results are known"),
        ("/payloads", "names no stream", "No payloads are known"),
    ] {
        let html = server.get(page).body;
        assert!(!html.contains(never), "{page} says {never}");
        assert!(html.contains(said), "{page} does not say {said}: {html}");
        assert!(html.contains("<b>Not ready.</b>"), "{page}");
    }
    let server = Listening::start(demo(), open_server(), Limits::default());
    let none = server.get("/findings?release=9.99&severity=note").body;
    assert!(none.contains("No finding fits."), "{none}");
}

#[test]
fn what_does_not_build_is_shown_by_cause_with_what_follows_from_it() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let page = server.get("/results").body;
    for said in [
        "1 cause, read",
        "<a href=\"/images/harbor-base.rhel9/4.16#builds\">4.16</a>",
        "1 waits",
        "go.mod asks for a newer Go than the builder has",
        "go: go.mod requires go &gt;= 1.26.0 &lt;script&gt;",
        "<a href=\"https://github.com/openshift/foundation/pull/7\" rel=\"noreferrer\">#7</a> Raise Go",
        "builds: OKD alone fails",
        "beacon <small>4.16, stale base</small>",
        "What no broken image explains",
        "BuildPodEvicted",
        "it has no stream `4-scos-gone`",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let none = server.get("/results?release=9.99").body;
    assert!(none.contains("No image is known to be broken."), "{none}");
    let image = server.get("/images/harbor-base.rhel9/4.16").body;
    for said in [
        "<h2 id=\"builds\">Builds",
        "What its last runs said",
        "Tried in vain",
        "branch-ci-openshift-foundation-release-4.16-images",
    ] {
        assert!(image.contains(said), "{said} is missing in {image}");
    }
    let matrix = server.get("/").body;
    assert!(
        matrix.contains("<th scope=\"col\" class=\"builds\"><a href=\"/results\">Builds</a></th>"),
        "{matrix}"
    );
    assert!(matrix.contains("<b>broken </b>4.16"), "{matrix}");
    let broken = server.get("/?build=broken").body;
    assert!(
        broken.contains(">base-stream9</a>") && !broken.contains(">compass-driver</a>"),
        "{broken}"
    );
    let mut view = demo();
    view.results = None;
    let server = Listening::start(view, open_server(), Limits::default());
    assert!(
        !server.get("/").body.contains("Builds"),
        "nothing is said of what nobody reads"
    );
    assert!(
        !server
            .get("/images/harbor-base.rhel9/4.16")
            .body
            .contains("id=\"builds\"")
    );
    assert_eq!(server.get("/api/v1/results").status, 404);
}

#[test]
fn streams_say_what_was_accepted_and_what_changed_since() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let page = server.get("/payloads").body;
    for said in [
        "2 since the last accepted",
        "4.16.0-0.okd-scos-2026-01-01-000000",
        "What failed of <code>4.16.0-0.okd-scos-2026-01-03-000000</code>",
        "1 change from 4.16.0-0.okd-scos-2026-01-01-000000 to 4.16.0-0.okd-scos-2026-01-02-000000",
        "<code>1111111111..2222222222</code>",
        "beacon, beacon-agent",
        "#12</a> Blink twice",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let streams = server.get("/api/v1/payloads").json();
    assert_eq!(streams[0]["releases"], serde_json::json!(["4.16"]));
    assert_eq!(streams[0]["changes"][0]["pulls"][0]["pull"], 12);
}

#[test]
fn an_image_says_why_and_what_differs() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let page = server.get("/images/compass-driver/4.16").body;
    for said in [
        "<h1>compass-driver</h1>",
        "pull request open",
        "<b>stream-upstream</b> <code>rules/30-from.yaml:",
        "<th scope=\"row\"><code>builders[0]</code></th>",
        "openshift/compass-driver",
        "<del>20</del>",
        "<ins>21</ins>",
        "Built from",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let broken = server.get("/images/tidewatch-exporter/4.16");
    assert_eq!(broken.status, 200);
    assert!(broken.body.contains("Its metadata cannot be read"), "{}", broken.body);
    let matrix = server.get("/").body;
    assert!(
        matrix.contains("/images/tidewatch-exporter/4.16"),
        "it is shown as broken: {matrix}"
    );
    assert_eq!(server.get("/images/compass-driver").status, 303);
    assert_eq!(server.get("/images/compass-driver/9.99").status, 404);
}

#[test]
fn in_sync_is_said_only_of_what_was_compared() {
    let mut view = demo();
    let mut plan = Plan::clone(&view.plan);
    for request in &mut plan.pull_requests {
        request.files.clear();
    }
    plan.held_images = [("4.16".to_owned(), "beacon".to_owned())].into();
    assert!(
        !plan.not_compared.is_empty(),
        "one file of the demo's metadata is broken"
    );
    view.plan = std::sync::Arc::new(plan);
    for request in &mut view.pull_requests {
        request.state = PullRequestState::InSync;
    }
    let server = Listening::start(view, open_server(), Limits::default());
    let image = |name: &str| server.get(&format!("/images/{name}/4.16")).body;
    let held = image("beacon");
    assert!(held.contains("kept as it is") && !held.contains("in sync"), "{held}");
    assert!(
        held.contains("it could not be compared, or waits for another change"),
        "{held}"
    );
    assert!(image("compass-driver").contains("in sync"));
    let requests = server.get("/pull-requests").body;
    assert!(
        requests.contains("0 in sync, 1 with nothing to change of what could be compared"),
        "{requests}"
    );
    let drift = server.get("/drift").body;
    assert!(!drift.contains("Nothing differs."), "{drift}");
    assert!(drift.contains("Nothing differs of what could be compared."), "{drift}");
    assert!(drift.contains("tidewatch-exporter"), "it says what: {drift}");
    let api = server.get("/api/v1/releases").body;
    assert!(api.contains("\"held\""), "{api}");
}

#[test]
fn the_graph_draws_what_is_built_from_what() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let whole = server.get("/graph?release=4.16").body;
    assert_eq!(whole.matches("class=\"node").count(), 10, "{whole}");
    assert_eq!(whole.matches("class=\"wave\"").count(), 3, "a column a wave: {whole}");
    assert!(whole.matches("class=\"edge").count() >= 9, "{whole}");
    // Whoever sees no colours sees a shape, and whoever sees nothing hears a word.
    assert_eq!(whole.matches("<symbol id=\"mark-").count(), 7, "{whole}");
    assert_eq!(
        whole.matches("<use class=\"shape\" href=\"#mark-pr\"").count(),
        9,
        "{whole}"
    );
    assert!(
        whole.contains("<path d=\"M3.5 8.5l3 3 6-7\"/></symbol>"),
        "a shape is not escaped: {whole}"
    );
    assert!(
        whole.contains("aria-label=\"compass-driver: pull request open"),
        "{whole}"
    );
    let part = server.get("/graph?release=4.16&image=harbor-toolbox").body;
    assert!(part.contains("class=\"node pr about\""), "{part}");
    assert_eq!(
        part.matches("class=\"node").count(),
        2,
        "the toolbox and its base: {part}"
    );
    let unknown = server.get("/graph?image=nothing").body;
    assert!(unknown.contains("has the tag or key “nothing”"));
    assert_eq!(server.get("/graph?release=9.99").status, 404);
}

#[test]
fn a_train_says_what_waits_breaks_and_stays() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let page = server.get("/cut").body;
    for said in [
        "<h2>4.16 → 4.17</h2>",
        "Waits for the merge of lockstep/ci/4.16.",
        "<a href=\"https://github.com/openshift/release/pull/1\" rel=\"noreferrer\">pull request #1</a>",
        "broken by etcd",
        "<code>ci-operator/config/openshift/console/main.yaml</code>: it waits for itself",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    assert_eq!(page.matches("pull request #1").count(), 1, "only the next step has one");
    let runs = server.get("/runs").body;
    assert!(
        runs.contains("<code>core</code> 4\u{2009}321 of 5\u{2009}000"),
        "{runs}"
    );
    server.board.update(|view| {
        view.rate_limits.get_mut("core").unwrap().left = 499;
    });
    assert!(server.get("/runs").body.contains("low</span> 499 of"));
}

/// A release with all that a page of it can have: jobs of all kinds, an upgrade that is tested and one that is not.
fn verified() -> VerifiedView {
    let config = Some("ci-operator/config/openshift/release/openshift-release-main__okd-scos-4.16.yaml".to_owned());
    let waits = |entry: &str| vec![format!("release-okd-scos-4.16.json: {entry}")];
    let jobs = [
        ("e2e", config.clone(), waits("aws"), true),
        ("upgrade", config.clone(), waits("aws-upgrade"), false),
        ("alone", config.clone(), Vec::new(), false),
        ("<gone>", None, waits("gone"), true),
    ];
    let jobs = jobs.map(|(name, config, waited_for_by, blocking)| {
        let job = Job {
            config,
            waited_for_by,
            blocking,
        };
        (name.to_owned(), job)
    });
    let one = Verified {
        release: "4.16".to_owned(),
        stream: "origin/scos-4.16".to_owned(),
        jobs: jobs.into(),
        upgrades_from: [("4.15".to_owned(), config), ("4.14".to_owned(), None)].into(),
        missing: vec!["`verify.gone` waits for <gone>, which no job file has".to_owned()],
        not_looked_after: std::collections::BTreeSet::new(),
        ended: String::new(),
    };
    VerifiedView {
        releases: [("4.16".parse().unwrap(), one)].into(),
        unknown: None,
    }
}

#[test]
fn what_verifies_a_release_says_what_is_missing() {
    let mut view = demo();
    view.verified = Some(std::sync::Arc::new(verified()));
    let server = Listening::start(view, open_server(), Limits::default());
    let page = server.get("/verify/4.16").body;
    for said in [
        "<h1>What verifies 4.16</h1>",
        "1 missing",
        "<code>origin/scos-4.16</code>",
        "waits for &lt;gone&gt;, which no job file has",
        "<code>release-okd-scos-4.16.json: aws</code></div><div class=\"help\">no payload is accepted without it</div>",
        "<code>release-okd-scos-4.16.json: aws-upgrade</code></div><div class=\"help\">optional</div>",
        "made from no gating config",
        "<span class=\"none\">no payload</span>",
        "no gating config tests it",
        "href=\"/findings?release=4.16\"",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let all = server.get("/verify").body;
    for said in [
        "href=\"/verify/4.16\"",
        "1 missing",
        "payloads wait for 3, and are not accepted without 2",
        "4.14, 4.15",
    ] {
        assert!(all.contains(said), "{said} is missing in {all}");
    }
    let matrix = server.get("/").body;
    assert!(
        matrix.contains("href=\"/verify/4.16\" title=\"What verifies its payloads, and what is missing\""),
        "{matrix}"
    );
    assert_eq!(server.get("/verify/9.99").status, 404);
    assert_eq!(server.get("/verify/x").status, 404);
    let api = server.get("/api/v1/verification").json();
    assert_eq!(api["releases"][0]["jobs"]["e2e"]["blocking"], true);
    assert_eq!(server.get("/api/v1/verification/4.16").json(), api["releases"][0]);

    server.board.update(|view| {
        view.verified = Some(std::sync::Arc::new(VerifiedView {
            unknown: Some("no such host".to_owned()),
            ..VerifiedView::default()
        }));
    });
    for page in ["/verify", "/verify/4.16"] {
        let html = server.get(page).body;
        assert!(html.contains("It cannot be told now: no such host."), "{html}");
        assert!(!html.contains("nothing is missing"), "{html}");
    }
    let answer = server.get("/api/v1/verification/4.16");
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("what verifies 4.16 cannot be told: no such host"),
        "{}",
        answer.body
    );
}

#[test]
fn the_matrix_filters() {
    let server = Listening::start(large(40, 3), open_server(), Limits::default());
    let rows = |path: &str| server.get(path).body.matches("<th scope=\"row\">").count();
    assert_eq!(rows("/"), 40);
    assert_eq!(rows("/?q=etcd"), 10);
    assert_eq!(rows("/?q=ETCD-001"), 1);
    assert_eq!(rows("/?q=openshift%2Fetcd-001"), 1, "the repository's name counts, too");
    assert_eq!(rows("/?q=nothing-like-it"), 0);
    assert_eq!(rows("/?release=4.14"), 40);
    let broken = rows("/?state=broken");
    assert!(broken > 0 && broken < 5, "{broken}");
    assert!(server.get("/?release=4.14").body.matches("<th scope=\"col\">").count() == 1);
    let hostile = server.get("/?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E").body;
    assert!(!hostile.contains("<script"), "what was asked for is text");
}

#[test]
fn a_large_matrix_is_small() {
    let server = Listening::start(large(250, 9), open_server(), Limits::default());
    let answer = server.get("/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.matches("<tr>").count(), 251);
    assert!(answer.body.len() < 300_000, "{} bytes", answer.body.len());
    println!("the matrix of 250 images in 9 releases has {} bytes", answer.body.len());
}

/// Not a test: serves a large world to look at. `LOCKSTEP_SHOW=127.0.0.1:8099 cargo test --test it server_pages:: -- --ignored`
#[test]
#[ignore = "serves until it is stopped"]
fn look() {
    let address = std::env::var("LOCKSTEP_SHOW").unwrap_or_else(|_| "127.0.0.1:8099".into());
    let view = if std::env::var_os("LOCKSTEP_SHOW_DEMO").is_some() {
        demo()
    } else {
        large(250, 9)
    };
    let server = Listening::at(address.parse().unwrap(), view, open_server(), Limits::default());
    println!("http://{}", server.address);
    loop {
        std::thread::park();
    }
}

#[test]
fn impact_lists_what_waits_and_shows_one() {
    let server = Listening::start(demo(), open_server(), Limits::default());
    let list = server.get("/impact").body;
    for said in [
        "3 looked at",
        "1 of them touch nothing that decides a build",
        "Not answered yet",
        "Waits: 60 answers were given within the last hour, until 2026-11-25 22:51 UTC",
        "href=\"/impact/openshift/etcd/7\"",
        "href=\"https://github.com/openshift/etcd/pull/7\"",
        "12 of openshift/release",
        "Not readable: openshift/gone",
        "Add a stage &lt;/details&gt; @everyone \\u{202e}evil",
    ] {
        assert!(list.contains(said), "{said} is missing in {list}");
    }
    assert!(!list.contains("openshift/etcd#9"), "of that there is nothing to say");
    let one = server.get("/impact/openshift/etcd/7").body;
    for said in [
        "<h1>openshift/etcd#7</h1>",
        "What to do:",
        "<code>stage-count</code> OKD alone",
        "openshift/etcd: Dockerfile:3",
        "batch 1: etcd",
        "Not seen here",
        "href=\"/api/v1/impact/openshift/etcd/7\"",
    ] {
        assert!(one.contains(said), "{said} is missing in {one}");
    }
    let none = server.get("/impact?verdict=mends").body;
    assert!(none.contains("No pull request fits."), "{none}");
    for missing in ["/impact/openshift/etcd/8", "/impact/openshift/etcd/x", "/impact/a/b/1"] {
        assert_eq!(server.get(missing).status, 404, "{missing}");
    }
    let nothing = Listening::start(lockstep::board::View::default(), open_server(), Limits::default());
    let said = nothing.get("/impact").body;
    assert!(
        said.contains("<code>feedback.pulls</code> in the configuration says whose are"),
        "{said}"
    );
}
