//! The end of the service in the middle of a write that GitHub does not answer: in time, truthful, and made good by the next
//! start.

use crate::support::{fake_github, place, service, world};
use std::time::{Duration, Instant};

use fake_github::Fault;
use place::Place;
use service::Service;
use world::RELEASE;

/// What the service promises: Kubernetes kills after 30 s.
const PROMISED: Duration = Duration::from_secs(20);

/// Tells a service to end, and looks what it says of itself until it has.
fn end(service: Service) {
    let started = Instant::now();
    service.signal(libc::SIGTERM);
    service.wait_for("finishing the write at hand", 1);
    let (status, body) = service.get("/readyz");
    assert!(status == 503 && body.contains("it is shutting down"), "{status} {body}");
    assert_eq!(service.get("/healthz").0, 200, "it is alive until it has ended");
    let mut service = service;
    let status = service.wait();
    println!("ended {:?} after it was told", started.elapsed());
    assert!(status.success(), "{status}");
    assert!(started.elapsed() < PROMISED, "{:?}", started.elapsed());
    assert_eq!(
        service.count("is still at work; what it was writing is in the journal"),
        1
    );
}

#[test]
fn a_write_that_stalls_is_made_good_by_the_next_start() {
    let undisturbed = Place::new("").picture();
    // The first run looks, makes a tree and a commit, sets the branch, and opens the pull request.
    std::thread::scope(|scope| {
        for at in 2..=5 {
            for fault in [Fault::Stalls, Fault::StallsAfter] {
                let undisturbed = &undisturbed;
                scope.spawn(move || {
                    let place = Place::disturbed("", |github| github.fail(at, fault, true));
                    place.wait("the stalled request", || place.github.requests() >= at);
                    let place = place.restart(|service, github| {
                        end(service);
                        let asked = github.asked(0);
                        assert_eq!(asked.len(), at, "nothing is begun any more: {asked:?}");
                        github.mend();
                    });
                    place.service.wait_for("a run is over", 1);
                    place.service.rest();
                    assert_eq!(place.picture(), *undisturbed, "{fault:?} at {at}");
                    assert_eq!(place.github.pulls(RELEASE).len(), 1);
                    let outcomes = place.json("/api/v1/runs");
                    assert_eq!(outcomes[0]["outcome"], "done", "{outcomes:#}");
                    assert!(place.service.end().0.success());
                });
            }
        }
    });
}
