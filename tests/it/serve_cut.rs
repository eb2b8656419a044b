//! A branch cut while the service runs: it shows the train that `lockstep cut` shows, and follows it to its end.

use crate::cut_payload::{CONTROLLERS, controller, verified};
use crate::support::{cut_world, service};
use cut_world::CutWorld;
use serde_json::Value;
use service::{Service, wait_until};

/// The trains as the API has them, each by releases and steps.
fn trains(service: &Service) -> Vec<Value> {
    let (status, body) = service.get("/api/v1/cuts");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// What of a train `lockstep cut` says, too.
fn course(train: &Value) -> Value {
    let parts = ["releases", "steps", "stuck"];
    parts.iter().map(|part| train[part].clone()).collect()
}

#[test]
fn the_train_of_a_cut_is_shown_until_it_has_arrived() {
    let world = CutWorld::new();
    let service = Service::start(&world.config("schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\n"), &[]);
    wait_until("a train", || service.log(), || !trains(&service).is_empty());
    service.rest();
    let train = trains(&service).remove(0);
    assert_eq!(course(&train), course(&world.cut(&[]).json()));
    assert_eq!(train["waits_for"], "the merge of lockstep/ci/4.17");
    let page = service.get("/cut").1;
    for said in ["<h2>4.16 → 4.17</h2>", "Waits for the merge of lockstep/ci/4.17."] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    assert_eq!(page.matches("<span class=\"stop\"").count(), 4, "{page}");

    let mut taken = 0;
    while let Some(train) = trains(&service).first() {
        let head = format!("lockstep/ci/{}", train["steps"][0]["release"].as_str().unwrap());
        let before = course(train);
        world.merge(&head);
        world.check();
        taken += 1;
        assert!(taken < 12, "it does not arrive: {before:#}");
        let moved = || trains(&service).first().is_none_or(|train| course(train) != before);
        wait_until("the next step", || service.log(), moved);
        service.rest();
    }
    assert!(service.get("/cut").1.contains("No branch cut is under way."));
    assert!(service.end().0.success());
}

#[test]
fn what_verifies_the_payloads_is_shown_as_the_command_has_it() {
    let world = CutWorld::new();
    verified(&world, "4.16", "4.15", "4.14");
    let told = |world: &CutWorld| world.run("payload", &["--format", "json"]).json();
    let expected = told(&world);
    let service = Service::start(&world.config("schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\n"), &[]);
    let seen = || -> Value { serde_json::from_str(&service.get("/api/v1/verification").1).unwrap() };
    wait_until("a look", || service.log(), || seen()["unknown"].is_null());
    assert_eq!(seen()["releases"], expected);
    let page = service.get("/verify/4.16").1;
    assert!(page.contains("nothing is missing"), "{page}");

    // Somebody lets payloads wait for a job that nobody has.
    let gone = controller("4.16", "4.15").replace("-e2e\"}}", "-gone\"}}");
    world.write(&[(&format!("{CONTROLLERS}4.16.json"), &gone)]);
    wait_until("another look", || service.log(), || seen()["releases"] != expected);
    assert_eq!(seen()["releases"], told(&world));
    let page = service.get("/verify/4.16").1;
    assert!(
        page.contains("1 missing") && page.contains("okd-scos-4.16-gone, which no job file has"),
        "{page}"
    );
    assert!(
        service.get("/").1.contains("href=\"/verify/4.16\""),
        "the matrix leads there"
    );
    assert!(service.end().0.success());
}
