//! `doctor` on the demo: what is right, and each thing that may be wrong, with what to do about it.

use std::fs;

use serde_json::{Value, json};

use crate::support::fake_ci::{FakeCi, Trouble};
use crate::support::fake_cluster::FakeCluster;
use crate::support::fake_lease::FakeLease;
use crate::support::github_demo::{REPO, TOKEN, World};
use crate::support::program::{Demo, Ran, program, ran};
use crate::support::pull_world::{APP, BEACON, BRANCH, PullWorld, TOKEN as PULL_TOKEN};

fn doctor(world: &World) -> Ran {
    ran(&mut world.command_of("doctor"))
}

/// The things that would fail: what, what was found, what to do.
fn failing(ran: &Ran) -> Vec<String> {
    let report: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    let checks = report["checks"].as_array().expect("checks").iter();
    let failing = checks.filter(|check| check["state"] == "fail");
    let told = failing.map(|check| {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("help").is_empty(), "{check} says what to do");
        format!("{}: {}", text("what"), text("found"))
    });
    told.collect()
}

fn json_of(world: &World) -> Ran {
    ran(world.command_of("doctor").args(["--format", "json"]))
}

/// What a configuration of the demo says in another place.
fn configured(world: &World, old: &str, new: &str) {
    let path = world.demo.folder().join("lockstep.yaml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(path, text.replace(old, new)).unwrap();
}

#[test]
fn nothing_stands_in_the_way_of_the_demo() {
    let demo = Demo::new();
    let ran = demo.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!("demo", without_time(&ran.out));
    let again = demo.run(&["plan"]);
    assert!(
        again.out.contains("Drift"),
        "nothing was left in the way: {}",
        again.out
    );
}

/// The table with the hour left out.
fn without_time(table: &str) -> String {
    let lines = table.lines().map(|line| match line.split_once("clock") {
        Some((before, time)) if time.trim_end().ends_with(" UTC") => format!("{before}clock  (now)"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn where_no_source_is_reached_each_is_named_and_the_rest_is_looked_at() {
    let world = Demo::new();
    fs::remove_dir_all(world.folder().join("repos")).unwrap();
    let ran = world.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!("no_source", without_time(&ran.out));
}

#[test]
fn what_targets_write_to_beside_the_sources_is_tried() {
    let demo = Demo::new();
    let path = demo.folder().join("lockstep.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let target = "targets: [prow-config, {build-config: {repo: okd-project/builds, branch: made}}]";
    fs::write(&path, text.replace("targets: [prow-config]", target)).unwrap();
    let missing = demo.run(&["doctor", "--format", "json"]);
    assert_eq!(missing.code, 1, "{}", missing.out);
    let told = failing(&missing).concat();
    assert!(
        told.starts_with("okd-project/builds: target build-config writes there: "),
        "{told}"
    );
    let builds = demo.folder().join("repos/okd-project/builds");
    fs::create_dir_all(&builds).unwrap();
    let git = |args: &[&str]| {
        let git = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(args)
            .current_dir(&builds)
            .output();
        assert!(git.unwrap().status.success(), "{args:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    let told = failing(&demo.run(&["doctor", "--format", "json"])).concat();
    assert_eq!(
        told,
        "okd-project/builds: target build-config writes there, and it has no branch made"
    );
    git(&["branch", "made"]);
    let ran = demo.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(
        ran.out.contains("target build-config writes there, to made"),
        "{}",
        ran.out
    );
}

#[test]
fn a_token_that_may_write_is_all_that_github_needs() {
    let world = World::new();
    let ran = doctor(&world);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for part in [
        "GitHub accepts the token in TOKEN",
        "rate limit REST",
        "of 5000 requests are left",
        "can be made against",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(!ran.out.contains(TOKEN));
    let asked = world.github.asked(0);
    assert!(
        asked.iter().all(|asked| asked.starts_with("GET ")),
        "nothing is written: {asked:?}"
    );
}

#[test]
fn a_wrong_token_and_none_at_all_are_told_apart() {
    let world = World::new();
    world.github.inside().tokens.push("another".to_owned());
    let found = failing(&json_of(&world));
    assert!(
        found.len() == 1 && found[0].contains("the credential is not accepted"),
        "{found:?}"
    );
    let mut command = world.command_of("doctor");
    let none = ran(command.args(["--format", "json"]).env_remove("TOKEN"));
    let found = failing(&none);
    assert!(
        none.code == 1 && found.len() == 1 && found[0].contains("the environment variable TOKEN"),
        "{found:?}"
    );
}

#[test]
fn no_network_is_said_once() {
    let world = World::new();
    configured(&world, &world.github.url, "http://127.0.0.1:9");
    let ran = json_of(&world);
    let found = failing(&ran);
    assert!(
        ran.code == 1 && found.len() == 1 && found[0].contains("the connection failed"),
        "{found:?}"
    );
}

#[test]
fn a_token_of_another_organisation_sees_no_repository() {
    let world = World::new();
    world.github.inside().state.repos.retain(|_, repo| repo.name != REPO);
    let found = failing(&json_of(&world));
    assert!(
        found.len() == 1 && found[0].starts_with("openshift/release: ") && found[0].contains("has no access to it"),
        "{found:?}"
    );
}

#[test]
fn what_may_not_be_written_is_found_in_each_form() {
    let world = World::new();
    let change = |change: fn(&mut crate::support::fake_github::state::Repo)| {
        let mut inside = world.github.inside();
        change(inside.state.repo_mut(REPO).expect("the repository"));
    };
    change(|repo| repo.read_only = true);
    let found = failing(&json_of(&world));
    assert_eq!(found, ["openshift/release: the credential may not push there"]);
    change(|repo| (repo.read_only, repo.archived) = (false, true));
    let found = failing(&json_of(&world));
    assert_eq!(found, ["openshift/release: it is archived: nothing can be written"]);
    change(|repo| {
        repo.archived = false;
        repo.rules.push(("lockstep/".to_owned(), "creation"));
    });
    let found = failing(&json_of(&world));
    assert!(
        found.len() == 1 && found[0].contains("(creation) is in force for the branch lockstep/"),
        "{found:?}"
    );
    change(|repo| repo.rules = vec![(String::new(), "required_signatures")]);
    let text = doctor(&world).out;
    assert!(text.contains("takes signed commits only"), "{text}");
    change(|repo| {
        repo.rules.clear();
        repo.refs.remove("refs/heads/master");
        repo.refs.remove("refs/heads/main");
    });
    let found = failing(&json_of(&world));
    assert!(found.len() == 1 && found[0].contains("it has no branch"), "{found:?}");
}

#[test]
fn an_app_needs_its_permissions_and_to_be_installed() {
    let world = World::new();
    let key = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/fake_github/app-key.pem");
    configured(
        &world,
        "token-env: TOKEN",
        &format!("app: {{id: 5, key-file: '{}'}}", key.display()),
    );
    let ran = doctor(&world);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("the app 5 is installed in openshift"), "{}", ran.out);
    world.github.inside().state.permissions = Some(json!({"contents": "read", "metadata": "read"}));
    let found = failing(&json_of(&world));
    assert_eq!(
        found,
        [
            "openshift/release: the app lacks permissions: contents is `read` and has to be `write`, pull requests is `none` and has to be `write`"
        ]
    );
    world.github.inside().state.repos.retain(|_, repo| repo.name != REPO);
    let found = failing(&json_of(&world));
    assert!(
        found.len() == 1 && found[0].contains("the app is not installed in openshift"),
        "{found:?}"
    );
}

#[test]
fn a_fork_has_to_be_there() {
    let world = World::new();
    configured(&world, "kind: github", "kind: github, fork: okd-bot");
    let found = failing(&json_of(&world));
    assert!(
        found.len() == 1 && found[0].starts_with("okd-bot/release: "),
        "{found:?}"
    );
}

#[test]
fn sources_state_secrets_and_lease_are_tried() {
    let world = World::new();
    let folder = world.demo.folder();
    let lease = FakeLease::start();
    let kubeconfig = lease.kubeconfig(&folder);
    let path = folder.join("lockstep.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let more = "lease: {kind: kubernetes, name: lockstep}\nserver: {webhook: {secret-env: HOOK}}\n";
    fs::write(&path, format!("{text}{more}")).unwrap();
    let run = |hook: &str| {
        ran(world
            .command_of("doctor")
            .args(["--format", "json"])
            .env("KUBECONFIG", &kubeconfig)
            .env("HOOK", hook))
    };
    let right = run("0123456789abcdef0123");
    assert_eq!(failing(&right), Vec::<String>::new(), "{}", right.out);
    assert!(right.out.contains("okd/lockstep, held by nobody"), "{}", right.out);
    lease.inside().down = true;
    let found = failing(&run(""));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("webhook secret: ") && found[0].ends_with("is empty"),
        "{found:?}"
    );
    assert!(found[1].starts_with("lease: "), "{found:?}");
    // A component that is not there, and a state directory that is a file.
    let mut components: Vec<_> = fs::read_dir(folder.join("repos/openshift"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    components.retain(|path| !path.ends_with("release"));
    components.sort();
    fs::rename(&components[0], folder.join("gone")).unwrap();
    let state = folder.join("state");
    _ = fs::remove_dir_all(&state);
    fs::write(&state, "x").unwrap();
    let found = failing(&json_of(&world));
    assert!(
        found
            .iter()
            .any(|told| told.starts_with("state: ") && told.contains("cannot be written")),
        "{found:?}"
    );
    assert!(found.iter().any(|told| told.starts_with("openshift/")), "{found:?}");
}

#[test]
fn its_json_has_a_schema() {
    let schema = ran(program().args(["doctor", "--schema"]));
    let schema: Value = serde_json::from_str(&schema.out).expect("a schema");
    let ran = Demo::new().run(&["doctor", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &report), "{report}");
}

/// What is said of sources of results and of telling, without what changes from run to run.
fn of_results(report: &str, hide: &[(&str, &str)]) -> String {
    let lines: Vec<&str> = report.lines().collect();
    let mut shown = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_help = line.trim_start().starts_with('→');
        if !is_help && (line.contains("sources.results") || line.contains("feedback.")) {
            shown.push(*line);
            shown.extend(lines.get(at + 1).filter(|next| next.trim_start().starts_with('→')));
        }
    }
    // The first columns are as wide as the longest name of the table.
    let squeezed = shown
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let text = squeezed.collect::<Vec<_>>().join("\n");
    hide.iter().fold(text, |text, (what, with)| text.replace(what, with))
}

/// A world with sources of results and developers to tell; its CI, cluster and the file that says where the cluster is.
fn told_world(credential: &str, feedback: &str) -> (PullWorld, FakeCi, FakeCluster, std::path::PathBuf) {
    let world = PullWorld::new(feedback, credential);
    let (ci, cluster) = (FakeCi::start(), FakeCluster::start());
    let config = format!(
        "sources: {{results: {{github: true, prow: {{deck: '{url}', artifacts: '{url}/bucket'}}, release-controller: {{url: '{url}', streams: \
         ['{{release}}.0-0.okd', gone]}}, kubernetes: {{namespace: okd-team}}}}}}",
        url = ci.url
    );
    world.world.configure(&serde_yaml::from_str(&config).unwrap());
    let kubeconfig = cluster.kubeconfig(&world.world.path(""));
    (world, ci, cluster, kubeconfig)
}

fn examined(world: &PullWorld, kubeconfig: &std::path::Path) -> String {
    let mut command = program();
    command.current_dir(world.world.path("")).env("KUBECONFIG", kubeconfig);
    let ran = ran(command.args(["doctor", "--config", "lockstep.yaml"]));
    assert!(
        !format!("{}{}", ran.out, ran.err).contains("secret\n"),
        "no secret is shown"
    );
    ran.out
}

#[test]
fn sources_of_results_are_tried_one_by_one() {
    let (world, ci, cluster, kubeconfig) = told_world(APP, "{}");
    let hide: Vec<(&str, &str)> = vec![(&ci.url, "CI")];
    insta::assert_snapshot!("results_down", of_results(&examined(&world, &kubeconfig), &hide));
    let head = world.github.branch(BEACON, BRANCH).unwrap();
    let job = "branch-ci-openshift-beacon-release-4.16-okd-scos-images";
    let status = [
        job,
        "SUCCESS",
        &format!("https://elsewhere.example.com/logs/{job}/17"),
        "openshift-ci",
    ];
    world
        .github
        .inside()
        .state
        .statuses
        .insert(head, vec![status.map(str::to_owned)]);
    ci.put("/prowjobs.js", "{\"items\":[]}");
    ci.put(&format!("/bucket/logs/{job}/17/started.json"), "{}");
    for stream in ["4.16.0-0.okd", "gone"] {
        let tags = json!({"name": stream, "tags": [{"name": "p2", "phase": "Accepted"}]});
        ci.put(&format!("/api/v1/releasestream/{stream}/tags"), tags.to_string());
    }
    for (kind, objects) in [
        ("build.openshift.io/v1/namespaces/okd-team/builds", 3),
        ("tekton.dev/v1/namespaces/okd-team/pipelineruns", 0),
    ] {
        cluster
            .inside()
            .objects
            .insert(format!("/apis/{kind}"), vec![json!({}); objects]);
    }
    insta::assert_snapshot!("results_up", of_results(&examined(&world, &kubeconfig), &hide));
    let asked = [ci.asked(), cluster.inside().asked.clone()].concat();
    assert!(asked.len() <= 20, "each is asked for little: {asked:?}");
    // What stands at the addresses is something else.
    ci.put("/prowjobs.js", "<html>log in</html>");
    ci.put("/api/v1/releasestream/gone/tags", "no");
    ci.inside().files.remove(&format!("/bucket/logs/{job}/17/started.json"));
    cluster.inside().refuses = Some(403);
    insta::assert_snapshot!("results_other", of_results(&examined(&world, &kubeconfig), &hide));
}

#[test]
fn a_bucket_that_is_not_there_is_told_from_a_file_that_is_not() {
    let (world, ci, _cluster, kubeconfig) = told_world(APP, "{}");
    let shown = || {
        let text = of_results(&examined(&world, &kubeconfig), &[]);
        let of = text.split_once("sources.results.prow.artifacts").expect("it is told").1;
        of.split("sources.results.release-controller")
            .next()
            .expect("it is told")
            .trim()
            .to_owned()
    };
    // As Google's and S3's servers answer.
    let no_bucket = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchBucket</Code><Message>The specified bucket does not \
                     exist.</Message></Error>";
    ci.trouble("/bucket", Trouble::Status(404, no_bucket));
    let wrong = shown();
    assert!(
        wrong.starts_with("it answers, and has no such bucket (`NoSuchBucket`)"),
        "{wrong}"
    );
    assert!(
        wrong.contains("between `/view/gs/` and `/logs/`") && wrong.contains("put it right"),
        "{wrong}"
    );
    ci.mend();
    let no_key = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code><Message>The specified key does not \
                  exist.</Message><Details>No such object: bucket/logs</Details></Error>";
    ci.trouble("/bucket", Trouble::Status(404, no_key));
    let right = shown();
    assert!(
        right.starts_with("the bucket is there;") && !right.contains('→'),
        "{right}"
    );
    // Who says neither may be anything.
    ci.mend();
    let unclear = shown();
    assert!(
        unclear.starts_with("it answers that nothing is at `/logs`"),
        "{unclear}"
    );
    assert!(unclear.contains("up to `/logs`"), "{unclear}");
}

#[test]
fn the_permission_that_telling_lacks_is_named() {
    let breaks = "breaks: {as: comment, table: okd-project/okd}";
    let (world, _ci, _cluster, kubeconfig) = told_world(
        APP,
        &format!("{{pulls: {{repositories: ['openshift/*'], comment: breaks}}, {breaks}}}"),
    );
    let shown = || {
        let text = of_results(&examined(&world, &kubeconfig), &[]);
        text.lines()
            .filter(|line| !line.contains("sources."))
            .collect::<Vec<_>>()
            .join("\n")
    };
    world.github.inside().state.permissions =
        Some(json!({"contents": "write", "metadata": "read", "pull_requests": "read", "checks": "read"}));
    insta::assert_snapshot!("told_lacks", shown());
    world.github.repository("okd-project/okd", &[("README.md", "x\n")]);
    world.github.inside().state.permissions = Some(
        json!({"contents": "write", "metadata": "read", "pull_requests": "write", "checks": "write", "issues": "write"}),
    );
    insta::assert_snapshot!("told_may", shown());
    world
        .github
        .inside()
        .state
        .repo_mut("okd-project/okd")
        .unwrap()
        .without_issues = true;
    world.github.inside().state.repo_mut(BEACON).unwrap().archived = true;
    insta::assert_snapshot!("told_closed", shown());
}

#[test]
fn a_token_can_set_statuses_where_its_owner_may_write_and_no_checks() {
    let shown = |feedback: &str, read_only: bool| {
        let (world, _ci, _cluster, kubeconfig) = told_world(PULL_TOKEN, feedback);
        for repo in world.github.inside().state.repos.values_mut() {
            repo.read_only = read_only;
        }
        let text = of_results(&examined(&world, &kubeconfig), &[]);
        text.lines()
            .filter(|line| line.contains("feedback."))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let check = shown("{pulls: {repositories: ['openshift/*']}}", false);
    assert_eq!(
        check,
        "FAIL feedback.pulls only an app can write checks, and `forge` has a token"
    );
    let status = "{pulls: {repositories: ['openshift/*'], as: status}}";
    assert!(shown(status, false).starts_with("ok feedback.pulls statuses can be set in openshift/"));
    let refused = shown(status, true);
    assert!(
        refused.starts_with("FAIL feedback.pulls") && refused.ends_with("and so sets no status"),
        "{refused}"
    );
    let nobody = shown("{pulls: {repositories: ['elsewhere/*'], as: status}}", false);
    assert!(nobody.contains("no repository is known"), "{nobody}");
}
