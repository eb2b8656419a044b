//! Webhooks to the running service: what matters leads to a plan at once, what does not to nothing.

use crate::support::{service, world};
use std::time::{Duration, Instant};

use service::{SECRET, Service, deliver, push, signature, wait_until};
use world::World;

/// A service that nothing makes look but webhooks and files; what a test changes unseen, only webhooks tell of.
fn start(world: &mut World) -> Service {
    let more = "schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\nserver: {webhook: {secret-env: SECRET}}\n";
    world.settings.insert("more", more.to_owned());
    let service = Service::start(&world.config(), &[("SECRET", SECRET)]);
    service.wait_for("a run is over", 1);
    service.rest();
    service
}

/// Whether the plan has `buoy` built from another image than at first.
fn has_moved(service: &Service) -> bool {
    service.get("/api/v1/plan").1.contains("tag: capstan")
}

#[test]
fn a_push_that_matters_leads_to_a_plan_within_two_seconds() {
    let mut world = World::usual();
    let service = start(&mut world);
    let (address, runs) = (service.address(), service.runs());
    world.unseen(|world| world.image("buoy", "{member: capstan}", ""));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(service.runs(), runs, "nobody has told of it");
    assert!(!has_moved(&service));
    let started = Instant::now();
    let payload = push("openshift-eng/ocp-build-data", "openshift-4.16");
    assert_eq!(deliver(&address, "push", &payload).0, 202);
    wait_until("a plan", || service.log(), || has_moved(&service));
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
        for _ in 0..8 {
            let address = &address;
            scope.spawn(move || {
                for n in 0..125 {
                    let name = world::NAMES[n % world::NAMES.len()];
                    let payload = push(&format!("openshift/{name}"), "release-4.16");
                    assert_eq!(deliver(address, "push", &payload).0, 202);
                }
            });
        }
    });
    // What the last delivery of all is about is looked at as well, however busy the service is.
    world.unseen(|world| world.image("buoy", "{member: capstan}", ""));
    let last = push("openshift-eng/ocp-build-data", "openshift-4.16");
    assert_eq!(deliver(&address, "push", &last).0, 202);
    wait_until("the last", || service.log(), || has_moved(&service));
    service.rest();
    let made = service.runs() - runs;
    println!("1,000 deliveries led to {made} runs");
    assert!((1..100).contains(&made), "{made} runs");
    service.end();
}

#[test]
fn what_is_foreign_or_unsigned_leads_to_nothing() {
    let mut world = World::usual();
    let service = start(&mut world);
    let (address, runs) = (service.address(), service.runs());
    for (repo, branch) in [
        ("somebody/buoy", "release-4.16"),
        ("openshift/buoy", "somebodys-branch"),
        ("openshift/unknown", "main"),
    ] {
        let (status, said) = deliver(&address, "push", &push(repo, branch));
        assert_eq!(
            (status, said.trim()),
            (202, "ignored: nothing here reads that"),
            "{repo}"
        );
    }
    let body = push("openshift/buoy", "release-4.16").to_string().into_bytes();
    for wrong in [None, Some("sha256=00".to_owned()), Some(signature(b"another body"))] {
        let mut headers = vec![("x-github-event", "push".to_owned())];
        headers.extend(wrong.map(|wrong| ("x-hub-signature-256", wrong)));
        let (status, _) = service::request(&address, "POST", "/webhook/github", &headers, &body).unwrap();
        assert_eq!(status / 100, 4);
    }
    assert_eq!(
        service.count("a webhook's delivery was refused: the delivery is not signed"),
        1
    );
    service.rest();
    assert_eq!(service.runs(), runs);
    service.end();
}
