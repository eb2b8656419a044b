//! Webhooks to the running service: what matters leads to a plan at once, what does not to nothing.
#![allow(clippy::disallowed_methods, reason = "tests make files and processes, and wait")]

mod service;
mod world;

use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use service::{Service, wait_until};
use sha2::Sha256;
use world::World;

const SECRET: &str = "not a secret";

/// A service that nothing makes look but webhooks: its sources are not watched.
fn start(world: &mut World) -> Service {
    let more = "schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\nserver: {webhook: {secret-env: SECRET}}\n";
    world.settings.insert("more", more.to_owned());
    let service = Service::start(&world.config(), &[("SECRET", SECRET)]);
    service.wait_for("a run is over", 1);
    service.rest();
    service
}

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn deliver(address: &str, event: &str, payload: &Value, n: usize) -> u16 {
    let body = payload.to_string().into_bytes();
    let headers = [
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", format!("delivery-{n}")),
        ("x-hub-signature-256", signature(&body)),
        ("content-type", "application/json".to_owned()),
    ];
    service::request(address, "POST", "/webhook/github", &headers, &body)
        .unwrap()
        .0
}

/// A push, with what counts of GitHub's payload.
fn push(repo: &str, branch: &str) -> Value {
    let (org, name) = repo.split_once('/').unwrap();
    json!({
        "ref": format!("refs/heads/{branch}"), "before": "0".repeat(40), "after": "1".repeat(40),
        "created": false, "deleted": false, "forced": false, "commits": [],
        "repository": {"id": 1, "name": name, "full_name": repo, "owner": {"login": org, "id": 2}, "private": false},
        "sender": {"login": "ann", "id": 3},
    })
}

#[test]
fn a_push_that_matters_leads_to_a_plan_within_two_seconds() {
    let mut world = World::usual();
    let service = start(&mut world);
    let (address, runs) = (service.address(), service.runs());
    let started = Instant::now();
    assert_eq!(
        deliver(&address, "push", &push("openshift/buoy", "release-4.16"), 1) / 100,
        2
    );
    wait_until("a plan", || service.log(), || service.runs() > runs);
    let took = started.elapsed();
    println!("from the delivery to the plan: {took:?}");
    assert!(
        took < Duration::from_secs(20),
        "two seconds on a machine of one's own: {took:?}"
    );
    service.end();
}

#[test]
fn a_burst_leads_to_a_handful_of_runs_and_none_is_lost() {
    let mut world = World::usual();
    let service = start(&mut world);
    let (address, runs) = (service.address(), service.runs());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let address = &address;
            scope.spawn(move || {
                for n in 0..125 {
                    let name = world::NAMES[n % world::NAMES.len()];
                    let payload = push(&format!("openshift/{name}"), "release-4.16");
                    assert_eq!(deliver(address, "push", &payload, thread * 125 + n) / 100, 2);
                }
            });
        }
    });
    // What comes last is looked at as well.
    world.image("buoy", "{member: anchor}", "");
    service.rest();
    let made = service.runs() - runs;
    println!("1,000 deliveries led to {made} runs");
    assert!((1..100).contains(&made), "{made} runs");
    let (_, body) = service.get("/api/v1/plan");
    assert!(body.contains("buoy"), "{body}");
    service.end();
}

#[test]
fn what_is_foreign_or_unsigned_leads_to_nothing() {
    let mut world = World::usual();
    let service = start(&mut world);
    let (address, runs) = (service.address(), service.runs());
    for (n, (repo, branch)) in [
        ("somebody/buoy", "release-4.16"),
        ("openshift/buoy", "somebodys-branch"),
        ("openshift/unknown", "main"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(deliver(&address, "push", &push(repo, branch), n) < 500);
    }
    let body = push("openshift/buoy", "release-4.16").to_string().into_bytes();
    for wrong in [None, Some("sha256=00".to_owned()), Some(signature(b"another body"))] {
        let mut headers = vec![("x-github-event", "push".to_owned())];
        headers.extend(wrong.map(|wrong| ("x-hub-signature-256", wrong)));
        let (status, _) = service::request(&address, "POST", "/webhook/github", &headers, &body).unwrap();
        assert_eq!(status / 100, 4);
    }
    service.rest();
    assert_eq!(service.runs(), runs);
    service.end();
}
