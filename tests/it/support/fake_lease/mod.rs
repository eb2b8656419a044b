//! A stateful fake of the Lease API behind HTTP on the loopback: versions that must match, answers that are lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use serde_json::{Value, json};

use crate::support::fake_http;

/// What the fake knows.
#[derive(Default)]
pub struct Inside {
    leases: BTreeMap<String, Value>,
    version: u64,
    /// Who held a lease when, in the order of the writes.
    pub holders: Vec<String>,
    /// How many of the next writes are done without an answer.
    pub lose_answers: usize,
    /// Nobody is answered.
    pub down: bool,
    /// The clocks of those who write are wrong by hours, ahead and back by turns.
    pub skew: bool,
}

/// A running fake.
pub struct FakeLease {
    inside: Arc<Mutex<Inside>>,
    server: fake_http::Server,
}

impl FakeLease {
    pub fn start() -> Self {
        let inside = Arc::new(Mutex::new(Inside::default()));
        let shared = Arc::clone(&inside);
        let server = fake_http::Server::start(move |request| answer(request, Arc::clone(&shared)));
        Self { inside, server }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who holds a lease now; empty: nobody.
    pub fn holder(&self) -> String {
        let inside = self.inside();
        let lease = inside.leases.values().next();
        let holder = lease.and_then(|lease| lease["spec"]["holderIdentity"].as_str());
        holder.unwrap_or_default().to_owned()
    }

    /// What is noted beside the lease.
    pub fn notes(&self) -> Value {
        let inside = self.inside();
        let lease = inside.leases.values().next();
        lease.map_or(Value::Null, |lease| lease["metadata"]["annotations"].clone())
    }

    /// Writes what says where the API is, as `KUBECONFIG` has it.
    pub fn kubeconfig(&self, folder: &Path) -> PathBuf {
        kubeconfig(&self.server.url, folder)
    }
}

/// The same for an API at an address.
pub fn kubeconfig(url: &str, folder: &Path) -> PathBuf {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: fake\nclusters:\n- name: fake\n  cluster: {{server: '{}'}}\ncontexts:\n- \
             name: fake\n  context: {{cluster: fake, user: fake, namespace: okd}}\nusers:\n- name: fake\n  user: {{token: none}}\n",
        url
    );
    std::fs::write(&path, text).unwrap();
    path
}

async fn answer(request: Request<Incoming>, inside: Arc<Mutex<Inside>>) -> fake_http::Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let body = fake_http::json(request.into_body()).await?;
    let said = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        let said = if inside.down {
            None
        } else {
            Some(inside.carry_out(&method, &path, body))
        };
        let lost = method != Method::GET && inside.lose_answers > 0;
        if lost {
            inside.lose_answers -= 1;
        }
        said.filter(|_| !lost)
    };
    let Some((status, body)) = said else {
        // Longer than anybody waits.
        std::future::pending::<()>().await;
        unreachable!("pending never ends");
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    Ok(response.body(Full::new(Bytes::from(body.to_string()))).unwrap())
}

impl Inside {
    fn carry_out(&mut self, method: &Method, path: &str, mut body: Value) -> (u16, Value) {
        let root = "/apis/coordination.k8s.io/v1/namespaces/okd/leases";
        let Some(rest) = path.strip_prefix(root) else {
            return status(404, "NotFound");
        };
        let name = rest.trim_start_matches('/').to_owned();
        match (method, name.is_empty()) {
            (&Method::GET, false) => match self.leases.get(&name) {
                Some(lease) => (200, lease.clone()),
                None => status(404, "NotFound"),
            },
            (&Method::POST, true) => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                if self.leases.contains_key(&name) {
                    return status(409, "AlreadyExists");
                }
                body["metadata"]["namespace"] = json!("okd");
                (201, self.write(name, body))
            }
            (&Method::PUT, false) => {
                let Some(there) = self.leases.get(&name) else {
                    return status(404, "NotFound");
                };
                let (is, was) = (
                    &there["metadata"]["resourceVersion"],
                    &body["metadata"]["resourceVersion"],
                );
                if !was.is_null() && is != was {
                    return status(409, "Conflict");
                }
                assert!(!was.is_null(), "a lease is only written as it was read");
                (200, self.write(name, body))
            }
            _ => status(405, "MethodNotAllowed"),
        }
    }

    fn write(&mut self, name: String, mut lease: Value) -> Value {
        self.version += 1;
        lease["apiVersion"] = json!("coordination.k8s.io/v1");
        lease["kind"] = json!("Lease");
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if self.skew {
            let year = if self.version.is_multiple_of(2) { 2001 } else { 2099 };
            lease["spec"]["renewTime"] = json!(format!("{year}-01-01T00:00:00.000000Z"));
        }
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
        self.holders.push(holder);
        self.leases.insert(name, lease.clone());
        lease
    }
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code,
    });
    (code, status)
}
