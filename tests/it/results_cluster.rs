//! Results of builds on a cluster: what names an image, what names none, what stands beside CI's own answer.

use crate::results::{image, world};
use crate::support::audit_world::World;
use crate::support::fake_cluster::FakeCluster;
use serde_json::{Value as Json, json};

const BUILDS: &str = "/apis/build.openshift.io/v1/namespaces/okd-team/builds";
const RUNS: &str = "/apis/tekton.dev/v1/namespaces/okd-team/pipelineruns";

fn configure(world: &World, results: &str) {
    let config = format!("sources: {{results: {{{results}}}}}");
    world.configure(&serde_yaml::from_str(&config).expect("YAML"));
}

fn answer(world: &World, cluster: &FakeCluster) -> (Json, i32) {
    let kubeconfig = cluster.kubeconfig(world.path("lockstep.yaml").parent().expect("a folder"));
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["results", "--format", "json", "--config"])
        .arg(world.path("lockstep.yaml"))
        .env_clear()
        .env("KUBECONFIG", kubeconfig)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&ran.stdout);
    let json = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&ran.stderr)));
    (json, ran.status.code().expect("it ended"))
}

/// A build as OpenShift has it.
fn build(config: &str, number: u32, output: &str, phase: &str, reason: &str) -> Json {
    json!({"kind": "Build", "metadata": {"name": format!("{config}-{number}"), "labels": {"openshift.io/build-config.name": config},
        "annotations": {"openshift.io/build.number": number.to_string()}, "creationTimestamp": format!("2026-01-0{number}T00:00:00Z")},
        "spec": {"output": {"to": {"kind": "ImageStreamTag", "name": output}}, "source": {"git": {"ref": "release-4.16"}},
        "revision": {"git": {"commit": number.to_string().repeat(40)}}},
        "status": {"phase": phase, "reason": reason, "message": "it failed", "logSnippet": "make: *** [all] Error 2"}})
}

#[test]
fn builds_name_images_and_what_names_none_says_nothing() {
    let (world, cluster) = (world(), FakeCluster::start());
    configure(&world, "kubernetes: {namespace: okd-team}");
    let of = |tag: &str| format!("release:{tag}");
    {
        let mut inside = cluster.inside();
        let builds = vec![
            build("beacon", 1, &of("beacon"), "Complete", ""),
            build("harbor-base", 1, &of("harbor-base"), "Complete", ""),
            build("harbor-base", 2, &of("harbor-base"), "Failed", "GenericBuildFailed"),
            build("harbor-base", 3, &of("harbor-base"), "Failed", "GenericBuildFailed"),
            build("harbor-base", 4, &of("harbor-base"), "Running", ""),
            build("ruby-hello-world", 1, "ruby-hello-world:latest", "Failed", ""),
        ];
        inside.objects.insert(BUILDS.to_owned(), builds);
        // A task that runs many builds and names none.
        let task = json!({"metadata": {"name": "r", "labels": {"tekton.dev/pipeline": "build-all"}},
            "status": {"conditions": [{"type": "Succeeded", "status": "False", "reason": "Failed"}]}});
        inside.objects.insert(RUNS.to_owned(), vec![task]);
    }
    let (found, code) = answer(&world, &cluster);
    assert_eq!((code, &found["unread"]), (0, &json!([])), "{found}");
    let harbor = image(&found, "harbor-base");
    assert_eq!(
        (&harbor["state"], &harbor["attempts"]),
        (&"broken".into(), &2.into()),
        "{found}"
    );
    assert_eq!(
        (&harbor["since"], &harbor["last_good"]),
        (&"2".repeat(40).into(), &"1".repeat(40).into())
    );
    assert_eq!(harbor["job"], "build harbor-base");
    assert_eq!(image(&found, "beacon")["state"], "stale-base");
    assert_eq!(image(&found, "tidewatch")["state"], "unknown");
    let asked = cluster.inside().asked.clone();
    assert_eq!(
        asked.iter().filter(|path| path.starts_with(BUILDS)).count(),
        3,
        "page by page: {asked:?}"
    );
}

#[test]
fn where_ci_tells_of_an_image_the_cluster_stands_beside_it() {
    let (world, cluster) = (world(), FakeCluster::start());
    configure(
        &world,
        "prow: {deck: ci, artifacts: ci/artifacts}, kubernetes: {namespace: okd-team}",
    );
    let built = build("harbor-base", 5, "release:harbor-base", "Complete", "");
    cluster.inside().objects.insert(BUILDS.to_owned(), vec![built]);
    let (found, code) = answer(&world, &cluster);
    let harbor = image(&found, "harbor-base");
    assert_eq!(harbor["state"], "broken", "CI's is what is promoted");
    assert_eq!(
        harbor["elsewhere"],
        json!({"job": "build harbor-base", "state": "builds"})
    );
    assert_eq!(code, 0, "a cluster without Tekton has no runs: {found}");
}

#[test]
fn a_cluster_that_refuses_costs_itself_alone_and_says_what_to_do() {
    let (world, cluster) = (world(), FakeCluster::start());
    configure(
        &world,
        "prow: {deck: ci, artifacts: ci/artifacts}, kubernetes: {namespace: okd-team}",
    );
    let why = || {
        let (found, code) = answer(&world, &cluster);
        assert_eq!(
            (&image(&found, "harbor-base")["state"], code),
            (&"broken".into(), 1),
            "{found}"
        );
        assert_eq!(found["unread"][0]["source"], "sources.results.kubernetes");
        found["unread"][0]["why"].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        why().contains("neither OpenShift's Builds nor Tekton's PipelineRuns"),
        "nothing is there: {}",
        why()
    );
    for (status, says) in [
        (403, "may not `list` them; deploy/components/results-of-cluster"),
        (410, "begins anew"),
        (500, "500"),
    ] {
        cluster.inside().refuses = Some(status);
        assert!(why().contains(says), "{status}: {}", why());
    }
}
