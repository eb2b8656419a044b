//! Results from sources that are slow, broken, huge or lying: each costs itself alone, and says so in clear words.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::results::{image, job, world, write};
use crate::support::audit_world::{World, in_process};
use crate::support::fake_ci::{FakeCi, Trouble};
use lockstep::net::Patience;
use lockstep::run::results::ResultsAsked;
use serde_json::{Value as Json, json};

const GO: &str = "go: go.mod requires go &gt;= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)";

/// What the command says, and its exit code.
fn answer(world: &World) -> (Json, i32) {
    let ran = world.run(&["results", "--format", "json"].map(str::to_owned));
    let json =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr));
    (json, ran.code)
}

fn item(job: &str, build: &str, commit: &str, state: &str, day: u32) -> Json {
    json!({"spec": {"type": "postsubmit", "job": job, "refs": {"base_sha": commit.repeat(40)}},
           "status": {"state": state, "build_id": build, "startTime": format!("2026-01-{day:02}T00:00:00Z")}})
}

fn junit(text: &str) -> String {
    format!(
        "<testsuites><testsuite><testcase name=\"Build image harbor-base from the repository\"><failure>{text}</failure></testcase>\
         </testsuite></testsuites>"
    )
}

/// A world whose deck, artifacts and release controller are behind one address.
fn behind_http() -> (World, FakeCi) {
    let (world, ci) = (world(), FakeCi::start());
    let okd = job("harbor", "okd-scos-");
    let items = json!({"items": [item(&okd, "1", "a", "success", 1), item(&okd, "2", "b", "failure", 2)]});
    ci.put("/deck/prowjobs.js", items.to_string());
    ci.put(&format!("/art/logs/{okd}/2/artifacts/junit_operator.xml"), junit(GO));
    ci.put(
        "/rc/api/v1/releasestream/s/tags",
        "{\"tags\":[{\"name\":\"p1\",\"phase\":\"Accepted\"}]}",
    );
    let config = format!(
        "sources: {{results: {{prow: {{deck: '{0}/deck', artifacts: '{0}/art'}}, release-controller: {{url: '{0}/rc', streams: [s]}}}}}}",
        ci.url
    );
    world.configure(&serde_yaml::from_str(&config).expect("YAML"));
    (world, ci)
}

#[test]
fn each_source_in_trouble_costs_itself_alone() {
    let (world, ci) = behind_http();
    let (found, code) = answer(&world);
    assert_eq!(
        (&image(&found, "harbor-base")["state"], code),
        (&"broken".into(), 0),
        "{found}"
    );
    let troubles = [
        (
            Trouble::Status(404, "no release configuration exists with the requested name"),
            "",
        ),
        (Trouble::Status(429, "slow down"), "429"),
        (Trouble::Status(500, "oops"), "500"),
        (Trouble::Redirect("https://evil.example.com/"), "redirects"),
        (Trouble::Lost, ""),
        (Trouble::Cut(7), ""),
    ];
    for (trouble, says) in troubles {
        for (path, source) in [
            ("/deck/", "sources.results.prow.deck"),
            ("/art/", "sources.results.prow.artifacts"),
            ("/rc/", "sources.results.release-controller"),
        ] {
            ci.mend();
            ci.trouble(path, trouble.clone());
            // What was read before is known still; here nothing was.
            let _ = std::fs::remove_dir_all(world.path("state"));
            let (found, code) = answer(&world);
            let what = format!("{path} {trouble:?}: {found}");
            let harbor = image(&found, "harbor-base");
            let expected = if path == "/rc/" { "broken" } else { "unknown" };
            assert_eq!(harbor["state"], expected, "{what}");
            let accepted = found["releases"][0]["payloads"][0]["accepted"] == "p1";
            assert_eq!(accepted, path != "/rc/", "{what}");
            let unread = found["unread"].as_array().expect("a list");
            // What one run has not left is no trouble of the server's.
            let of_run = path == "/art/" && matches!(trouble, Trouble::Status(404, _) | Trouble::Cut(_));
            let sources: Vec<&Json> = unread.iter().map(|one| &one["source"]).collect();
            let alone: Vec<Json> = if of_run { Vec::new() } else { vec![source.into()] };
            assert_eq!(sources, alone.iter().collect::<Vec<_>>(), "{what}");
            let why = if of_run { &harbor["says"] } else { &unread[0]["why"] };
            assert!(
                why.as_str().is_some_and(|why| why.contains(says) && why.len() > 10),
                "{what}"
            );
            assert_eq!(code, i32::from(!of_run), "{what}");
        }
    }
    assert!(ci.asked().iter().all(|asked| !asked.contains("evil")));
}

#[test]
fn a_bucket_that_is_not_there_is_asked_for_once_and_told_of() {
    let (world, ci) = behind_http();
    let okd = job("harbor", "okd-scos-");
    let items = json!({"items": [item(&okd, "1", "a", "success", 1), item(&okd, "2", "b", "failure", 2), item(&okd, "3", "c", "failure", 3)]});
    ci.put("/deck/prowjobs.js", items.to_string());
    ci.trouble(
        "/art/",
        Trouble::Status(404, "<Error><Code>NoSuchBucket</Code></Error>"),
    );
    let (found, code) = answer(&world);
    let unread = found["unread"].as_array().expect("a list");
    assert_eq!((unread.len(), code), (1, 1), "{unread:?}");
    assert_eq!(unread[0]["source"], "sources.results.prow.artifacts");
    let why = unread[0]["why"].as_str().expect("a text");
    assert!(why.contains("no such file (the server says `NoSuchBucket`)"), "{why}");
    let asked = ci.asked();
    assert_eq!(
        asked.iter().filter(|asked| asked.starts_with("/art/")).count(),
        1,
        "{asked:?}"
    );
}

#[test]
fn a_server_that_never_answers_is_asked_once_in_a_look() {
    let (world, ci) = behind_http();
    let okd = job("harbor", "okd-scos-");
    let items = json!({"items": [item(&okd, "1", "a", "success", 1), item(&okd, "2", "b", "failure", 2), item(&okd, "3", "c", "failure", 3)]});
    ci.put("/deck/prowjobs.js", items.to_string());
    let (deck, art, rc) = (
        format!("{}/deck", ci.url),
        format!("{}/art", ci.url),
        format!("{}/rc", ci.url),
    );
    let config = format!(
        "sources: {{results: {{prow: {{deck: '{deck}', artifacts: '{art}'}}, release-controller: {{url: '{rc}', streams: [s, other, third]}}}}}}"
    );
    world.configure(&serde_yaml::from_str(&config).expect("YAML"));
    ci.trouble("/art/", Trouble::Silent);
    ci.trouble("/rc/", Trouble::Silent);
    // It is waited for less long than the program does.
    let patience = Patience {
        silence: Duration::from_secs(2),
        total: Duration::from_secs(30),
    };
    let run = in_process(&world.path("lockstep.yaml"), |sources| sources.waiting(patience));
    let found = run.results(&["4.16".parse().expect("a release")], &ResultsAsked::default());
    let found = serde_json::to_value(found.expect("results")).expect("JSON");
    assert_eq!(image(&found, "harbor-base")["state"], "unknown", "{found}");
    let asked = ci.asked();
    for path in ["/art/", "/rc/"] {
        let of = asked.iter().filter(|asked| asked.starts_with(path)).count();
        assert_eq!(of, 1, "{asked:?}");
    }
    let unread = found["unread"].as_array().expect("a list");
    let told = |source: &str| unread.iter().filter(|one| one["source"] == source).count();
    assert_eq!(told("sources.results.prow.artifacts"), 1, "{unread:?}");
    assert_eq!(
        told("sources.results.release-controller"),
        3,
        "each stream is told of: {unread:?}"
    );
}

#[test]
fn what_is_slow_is_waited_for() {
    let (world, ci) = behind_http();
    ci.trouble("/", Trouble::Slow(Duration::from_millis(700)));
    let (found, code) = answer(&world);
    assert_eq!(
        (&image(&found, "harbor-base")["state"], code),
        (&"broken".into(), 0),
        "{found}"
    );
}

#[test]
fn a_graph_that_is_cut_off_a_word_nobody_knows_and_clocks_that_are_wrong_are_told_of() {
    let world = world();
    let okd = job("harbor", "okd-scos-");
    let folder = format!("ci/artifacts/logs/{okd}/2/artifacts");
    std::fs::remove_file(world.path(&format!("{folder}/junit_operator.xml"))).expect("gone");
    write(
        &world,
        &format!("{folder}/ci-operator-step-graph.json"),
        "[{\"name\": \"harbor-ba",
    );
    let says = || {
        image(&answer(&world).0, "harbor-base")["says"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(says().contains("the graph of steps is cut off"), "{}", says());

    let mut ahead = item(&okd, "4", "d", "failure", 4);
    ahead["status"]["startTime"] = "2999-01-01T00:00:00Z".into();
    ahead["status"]["completionTime"] = "1999-01-01T00:00:00Z".into();
    let items = |last: Json| {
        // What was read before is known still; here nothing was.
        let _ = std::fs::remove_dir_all(world.path("state"));
        json!({"items": [item(&okd, "1", "a", "success", 1), last]}).to_string()
    };
    write(&world, "ci/prowjobs.js", &items(item(&okd, "3", "c", "frobnicated", 3)));
    assert_eq!(says(), "CI says `frobnicated`, which is not known here");
    write(&world, "ci/prowjobs.js", &items(item(&okd, "3", "c", "scheduling", 3)));
    assert_eq!(
        image(&answer(&world).0, "harbor-base")["state"],
        "builds",
        "it has not ended"
    );
    write(&world, "ci/prowjobs.js", &items(ahead));
    write(
        &world,
        &format!("ci/artifacts/logs/{okd}/4/artifacts/junit_operator.xml"),
        &junit(GO),
    );
    let (found, _) = answer(&world);
    let harbor = image(&found, "harbor-base");
    assert_eq!(harbor["state"], "broken");
    let since = harbor["since_time"].as_i64().expect("a time");
    assert!(since < 32_000_000_000, "nothing begins in the future: {since}");
}

/// Runs the command and tells how much memory it had at most, in KiB, as it was a moment before its end.
fn peak(world: &World) -> i64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command
        .args(["results", "--format", "json", "--config"])
        .arg(world.path("lockstep.yaml"))
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let mut most = 0;
    while child.try_wait().expect("our own child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let name = std::fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        if name.trim() == "lockstep" {
            most = kib.unwrap_or(most).max(most);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(most > 0, "it was seen");
    most
}

#[test]
fn decks_list_of_fifty_megabytes_and_a_junit_of_two_hundred_take_little_memory() {
    const MEBI: i64 = 1024;
    let world = world();
    let small = peak(&world);
    let okd = job("harbor", "okd-scos-");
    // Jobs as others have them, with more fields than are asked for.
    let mut other = item("pull-ci-openshift-origin-main-e2e-aws-ovn", "1799", "e", "failure", 3);
    other["spec"]["pod_spec"] = json!({"containers": [{"args": ["x".repeat(700)]}]});
    let other = other.to_string();
    let mut list = String::from("{\"metadata\":{},\"items\":[");
    while list.len() < 50_000_000 {
        list.push_str(&other);
        list.push(',');
    }
    list.push_str(&format!(
        "{},{}]}}",
        item(&okd, "1", "a", "success", 1),
        item(&okd, "2", "b", "failure", 2)
    ));
    write(&world, "ci/prowjobs.js", &list);
    drop(list);
    let deck = peak(&world);
    println!("peak: {small} KiB with a short list, {deck} KiB with 50 MB");
    assert!(deck - small <= 40 * MEBI, "{small} KiB, then {deck} KiB");
    assert_eq!(
        image(&answer(&world).0, "harbor-base")["state"],
        "broken",
        "what stands at its end is found"
    );

    let path = format!("ci/artifacts/logs/{okd}/2/artifacts/junit_operator.xml");
    let file = std::fs::File::options()
        .write(true)
        .open(world.path(&path))
        .expect("it is there");
    file.set_len(200_000_000).expect("a large file");
    let whole = peak(&world);
    println!("peak: {whole} KiB with a JUnit of 200 MB as well");
    assert!(whole - deck <= 60 * MEBI, "{deck} KiB, then {whole} KiB");
    assert_eq!(image(&answer(&world).0, "harbor-base")["state"], "broken");
}
