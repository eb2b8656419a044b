//! Webhooks as GitHub sends them: every example of `@octokit/webhooks-examples`, signed, to the running service.
//!
//! Ignored by itself, since npm has the examples: `.ci/run` installs them and runs this; `npm ci` in
//! `tests/webhook_examples` does, too.

use crate::support::{place, world};
use std::collections::{BTreeMap, BTreeSet};

use place::{BRANCH, Place};
use serde_json::Value;
use world::{BUILD_DATA, RELEASE};

/// GitHub itself, and each version of GitHub Enterprise Server that there are examples of.
const HOSTS: [&str; 6] = ["api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"];

/// An event and a payload.
struct Example {
    event: String,
    payload: Value,
}

fn examples() -> Vec<Example> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/webhook_examples/node_modules");
    let mut all = Vec::new();
    for host in HOSTS {
        let path = folder.join(format!("@octokit/webhooks-examples/{host}/index.json"));
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: `npm ci` there", path.display()));
        let events: Vec<Value> = serde_json::from_slice(&text).unwrap();
        for event in events {
            let name = event["name"].as_str().unwrap().to_owned();
            let payloads = event["examples"].as_array().unwrap().iter();
            all.extend(payloads.map(|payload| Example {
                event: name.clone(),
                payload: payload.clone(),
            }));
        }
    }
    all
}

impl Example {
    fn is(&self, events: &[&str]) -> bool {
        events.contains(&self.event.as_str())
    }

    /// The repository that it is about.
    fn repo(&self) -> Option<&str> {
        self.payload["repository"]["full_name"].as_str()
    }

    /// The same, as if it had happened in another repository.
    fn moved_to(&self, repo: &str) -> Value {
        let (org, name) = repo.split_once('/').unwrap();
        let text = self.payload.to_string().replace(self.repo().unwrap(), repo);
        let mut payload: Value = serde_json::from_str(&text).unwrap();
        payload["repository"]["name"] = name.into();
        payload["repository"]["owner"]["login"] = org.into();
        payload
    }

    /// The same about what matters here; `None` where the event does not name anything that could.
    fn about_us(&self) -> Option<Value> {
        let mut payload = match self.event.as_str() {
            "installation" | "installation_repositories" => return Some(self.payload.clone()),
            "pull_request" | "pull_request_review" => self.moved_to(RELEASE),
            "push" | "create" | "delete" => self.moved_to(BUILD_DATA),
            _ => return None,
        };
        match self.event.as_str() {
            "push" if self.payload["ref"].as_str()?.starts_with("refs/tags/") => return None,
            "push" => payload["ref"] = "refs/heads/openshift-4.16".into(),
            "create" | "delete" => {
                payload["ref_type"] = "branch".into();
                payload["ref"] = "openshift-4.16".into();
            }
            _ => payload["pull_request"]["head"]["ref"] = BRANCH.into(),
        }
        Some(payload)
    }
}

#[test]
#[ignore = "needs the examples; `.ci/run` installs them and runs this"]
fn what_concerns_others_is_answered_and_leads_to_nothing() {
    let place = Place::new("");
    let runs = place.service.runs();
    let examples = examples();
    let mut pings = 0;
    for example in examples
        .iter()
        .filter(|example| !example.is(&["installation", "installation_repositories"]))
    {
        let (status, said) = place.service.deliver(&example.event, &example.payload);
        if example.is(&["ping"]) {
            pings += 1;
            assert_eq!((status, said.trim()), (200, "pong"));
        } else {
            assert!(
                status == 202 && said.starts_with("ignored: "),
                "{}: {status} {said}",
                example.event
            );
        }
    }
    println!("{} examples, of which {pings} pings", examples.len());
    assert!(pings >= HOSTS.len() && examples.len() > 500);
    place.service.rest();
    assert_eq!(place.service.runs(), runs);
    place.service.end();
}

/// Delivers examples that are made to concern us, each after a change that nothing else tells of, and waits until what
/// is made of it shows that change. Gives the number of each event.
fn deliver(place: &mut Place, examples: Vec<Example>, shows: impl Fn(&Place, &str) -> bool) -> BTreeMap<String, usize> {
    let (mut told, mut members) = (BTreeMap::new(), ["capstan", "anchor"].into_iter().cycle());
    for example in examples {
        let Some(payload) = example.about_us() else { continue };
        let member = members.next().unwrap();
        let from = format!("{{member: {member}}}");
        place.world.unseen(|world| world.image("buoy", &from, ""));
        let (status, said) = place.service.deliver(&example.event, &payload);
        assert_eq!((status, said.trim()), (202, "queued"), "{}", example.event);
        place.wait("the change", || shows(place, member));
        *told.entry(example.event).or_insert(0) += 1;
    }
    told
}

const EVENTS: [&str; 7] = [
    "create",
    "delete",
    "installation",
    "installation_repositories",
    "pull_request",
    "pull_request_review",
    "push",
];

#[test]
#[ignore = "needs the examples; `.ci/run` installs them and runs this"]
fn what_concerns_us_leads_to_a_plan() {
    // Nothing is written: GitHub asks for a second between any two of many writes.
    let mut place = Place::new(", max-new: 0");
    let base = |place: &Place, member: &str| {
        let plan = place.json("/api/v1/plan");
        let files = plan["pull_requests"][0]["files"].as_array().unwrap();
        let buoy = files.iter().find(|file| file["component"] == "openshift/buoy");
        buoy.is_some_and(|file| file["diff"].as_str().unwrap().contains(&format!("tag: {member}")))
    };
    let told = deliver(&mut place, examples(), base);
    println!("{told:?}");
    assert!(told.keys().eq(EVENTS) && told.values().sum::<usize>() > 100);
    place.service.end();
}

#[test]
#[ignore = "needs the examples; `.ci/run` installs them and runs this"]
fn what_concerns_us_leads_to_a_pull_request_that_follows() {
    let mut place = Place::new("");
    let mut first = examples();
    let mut seen = BTreeSet::new();
    first.retain(|example| example.about_us().is_some() && seen.insert(example.event.clone()));
    let told = deliver(&mut place, first, |place, member| {
        place.proposes("buoy", &format!("tag: {member}"))
    });
    assert!(told.keys().eq(EVENTS), "{told:?}");
    assert_eq!(place.github.pulls(RELEASE).len(), 1);
    place.service.end();
}
