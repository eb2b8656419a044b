//! A fake of a cluster's API that lists objects of a namespace, two at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use serde_json::{Value, json};

use crate::support::{fake_http, fake_lease};

/// As many objects come at once.
const PAGE: usize = 2;

/// What the fake has.
#[derive(Default)]
pub struct Inside {
    /// The objects of each kind that it knows, by the list's path.
    pub objects: BTreeMap<String, Vec<Value>>,
    /// The status that everything is answered with.
    pub refuses: Option<u16>,
    /// The paths and queries that were asked for.
    pub asked: Vec<String>,
}

/// A running fake.
pub struct FakeCluster {
    inside: Arc<Mutex<Inside>>,
    server: fake_http::Server,
}

impl FakeCluster {
    pub fn start() -> Self {
        let inside = Arc::new(Mutex::new(Inside::default()));
        let shared = Arc::clone(&inside);
        let server = fake_http::Server::start(move |request| answer(request, Arc::clone(&shared)));
        Self { inside, server }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what says where the API is, as `KUBECONFIG` has it.
    pub fn kubeconfig(&self, folder: &Path) -> PathBuf {
        fake_lease::kubeconfig(&self.server.url, folder)
    }
}

async fn answer(request: Request<Incoming>, inside: Arc<Mutex<Inside>>) -> fake_http::Answer {
    assert_eq!(request.method(), Method::GET, "nothing there is changed");
    let (status, body) = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.asked.push(request.uri().to_string());
        list(&inside, request.uri().path(), request.uri().query().unwrap_or_default())
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    Ok(response.body(Full::new(Bytes::from(body.to_string()))).unwrap())
}

fn list(inside: &Inside, path: &str, query: &str) -> (u16, Value) {
    let fault = |code: u16| {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code});
        (code, status)
    };
    if let Some(code) = inside.refuses {
        return fault(code);
    }
    let Some(objects) = inside.objects.get(path) else {
        return fault(404);
    };
    // The token is a number, percent-encoded.
    let token = query.split('&').find_map(|pair| pair.strip_prefix("continue="));
    let digits = token
        .unwrap_or_default()
        .split('%')
        .skip(1)
        .map(|hex| u8::from_str_radix(hex, 16).unwrap() as char);
    let from: usize = digits.collect::<String>().parse().unwrap_or_default();
    let items: Vec<&Value> = objects.iter().skip(from).take(PAGE).collect();
    let more = objects.len() > from + PAGE;
    let next = if more { (from + PAGE).to_string() } else { String::new() };
    (
        200,
        json!({"kind": "List", "metadata": {"continue": next}, "items": items}),
    )
}
