//! A stateful GitHub behind HTTP on the loopback: what tests drive the real client against.
//!
//! Objects are real git objects, so ids are those that git gives. Faults are switched on by the number of a request.

pub mod faults;
mod graphql;
mod http;
pub mod issues;
pub mod people;
mod rest;
pub mod shapes;
pub mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use crate::support::fake_http;
pub use faults::{Fault, Switch};
pub use state::State;

/// One request and its answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub request: serde_json::Value,
    pub status: u16,
    pub response: serde_json::Value,
    /// Whether the answer is the API's own, not that of a fault.
    pub genuine: bool,
    /// The credential that came with it.
    #[serde(skip)]
    pub authorization: Option<String>,
}

/// What is done when a request has come in: told its number, from 1.
pub type Hook = Box<dyn FnMut(usize) + Send>;

/// Everything behind the server.
pub struct Inside {
    pub state: State,
    pub log: Vec<Exchange>,
    pub faults: Vec<Switch>,
    pub requests: usize,
    /// How many of them count against each limit.
    pub spent: std::collections::BTreeMap<&'static str, u64>,
    /// How many answers were "not modified".
    pub unchanged: usize,
    pub after: Option<Hook>,
    /// The only credentials that are accepted; empty: any.
    pub tokens: Vec<String>,
}

/// A running fake.
pub struct FakeGithub {
    inside: Arc<Mutex<Inside>>,
    pub url: String,
    server: fake_http::Server,
}

impl FakeGithub {
    pub fn start() -> Self {
        let inside = Arc::new(Mutex::new(Inside {
            state: State::new(),
            log: Vec::new(),
            faults: Vec::new(),
            requests: 0,
            spent: std::collections::BTreeMap::new(),
            unchanged: 0,
            after: None,
            tokens: Vec::new(),
        }));
        let shared = Arc::clone(&inside);
        let server = fake_http::Server::start(move |request| http::answer(request, Arc::clone(&shared)));
        Self {
            inside,
            url: server.url.clone(),
            server,
        }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Answers the `at`th request from now on (from 1) with a fault; `stays`: and all after it.
    pub fn fail(&self, at: usize, fault: Fault, stays: bool) {
        let mut inside = self.inside();
        let at = inside.requests + at;
        inside.faults.push(Switch { at, fault, stays });
    }

    pub fn mend(&self) {
        self.inside().faults.clear();
    }

    /// How many requests came so far.
    pub fn requests(&self) -> usize {
        self.inside().requests
    }

    /// The methods and paths of the requests after the first `since`.
    pub fn asked(&self, since: usize) -> Vec<String> {
        let inside = self.inside();
        inside.log[since..]
            .iter()
            .map(|e| format!("{} {}", e.method, e.path))
            .collect()
    }
}

impl FakeGithub {
    /// The lines that checks marked, in order: level, file, line, title and words.
    pub fn marked(&self) -> Vec<String> {
        let inside = self.inside();
        let written = inside
            .log
            .iter()
            .filter(|exchange| exchange.status == 201 && exchange.path.ends_with("/check-runs"));
        let marks = written.flat_map(|exchange| {
            exchange.request["output"]["annotations"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        });
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let line = |mark: serde_json::Value| {
            let (level, path) = (text(&mark["annotation_level"]), text(&mark["path"]));
            format!(
                "{level} {path}:{} {}: {}",
                mark["start_line"],
                text(&mark["title"]),
                text(&mark["message"])
            )
        };
        marks.map(line).collect()
    }
}

impl Drop for FakeGithub {
    fn drop(&mut self) {
        self.server.stop();
        self.keep_exchanges();
    }
}

impl FakeGithub {
    /// Writes every exchange to a folder, for the check against GitHub's own description of its API.
    fn keep_exchanges(&self) {
        use std::io::Write as _;
        let Some(dir) = std::env::var_os("LOCKSTEP_EXCHANGES") else {
            return;
        };
        let inside = self.inside();
        let port = self.url.rsplit(':').next().unwrap_or_default();
        let path = std::path::Path::new(&dir).join(format!("{}-{port}.jsonl", std::process::id()));
        let Ok(mut file) = std::fs::File::options().create(true).append(true).open(path) else {
            return;
        };
        for exchange in inside.log.iter().filter(|exchange| exchange.genuine) {
            let _ = writeln!(file, "{}", serde_json::to_string(exchange).unwrap());
        }
    }
}
