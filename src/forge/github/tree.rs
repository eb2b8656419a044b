//! Makes a tree of any number of files in one request; what does not fit inline goes first, as blobs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use http::Method;
use serde_json::{Value, json};

use super::answers::Made;
use super::look::Look;
use crate::base::RepoName;
use crate::github::{Call, Client, Fault, Repeat};

/// How much goes inline into one tree, in bytes.
const INLINE: usize = 6 << 20;
/// How many blobs are sent at a time.
const AT_A_TIME: usize = 4;

/// What a tree changes of the base's.
pub struct Contents<'a> {
    base_tree: &'a str,
    entries: BTreeMap<&'a str, Entry<'a>>,
}

enum Entry<'a> {
    Removed,
    /// A blob that is there already.
    Known(&'a str),
    Inline(&'a str),
    Blob(&'a [u8]),
}

impl<'a> Contents<'a> {
    /// What a pull request's branch should change.
    pub fn of(look: &'a Look) -> Self {
        let bytes: BTreeMap<&str, &[u8]> = look
            .wanted
            .files
            .iter()
            .filter_map(|file| Some((file.path.as_str(), file.after.as_deref()?)))
            .collect();
        let mut left = INLINE;
        let entry = |(path, oid): (&'a String, &'a Option<String>)| {
            let entry = match (oid, bytes.get(path.as_str())) {
                (None, _) => Entry::Removed,
                (Some(oid), None) => Entry::Known(oid),
                (Some(_), Some(bytes)) => match std::str::from_utf8(bytes) {
                    Ok(text) if text.len() <= left => {
                        left -= text.len();
                        Entry::Inline(text)
                    }
                    _ => Entry::Blob(bytes),
                },
            };
            (path.as_str(), entry)
        };
        Self {
            base_tree: &look.base_tree,
            entries: look.contents.iter().map(entry).collect(),
        }
    }

    /// Makes the tree, and gives its id.
    pub fn tree(&self, client: &Client, repo: &RepoName) -> Result<String, Fault> {
        let uploaded = self.upload(client, repo)?;
        let entry = |(path, entry): (&&str, &Entry<'_>)| {
            let (key, content) = match entry {
                Entry::Removed => ("sha", Value::Null),
                Entry::Known(oid) => ("sha", json!(oid)),
                Entry::Inline(text) => ("content", json!(text)),
                Entry::Blob(_) => ("sha", json!(uploaded.get(path))),
            };
            json!({ "path": path, "mode": "100644", "type": "blob", key: content })
        };
        let items: Vec<Value> = self.entries.iter().map(entry).collect();
        let what = format!("making a tree in {repo}");
        let call = Call {
            method: Method::POST,
            path: format!("/repos/{repo}/git/trees"),
            body: Some(json!({ "base_tree": self.base_tree, "tree": items })),
            repeat: Repeat::Safe,
            what: what.clone(),
        };
        sha(&client.call(repo, &call)?.body, &what)
    }

    /// Sends what does not fit inline, a few at a time.
    fn upload(&self, client: &Client, repo: &RepoName) -> Result<BTreeMap<&'a str, String>, Fault> {
        let blobs: Vec<(&str, &[u8])> = self
            .entries
            .iter()
            .filter_map(|(path, entry)| match entry {
                Entry::Blob(bytes) => Some((*path, *bytes)),
                _ => None,
            })
            .collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut made = Vec::new();
            while let Some((path, bytes)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                made.push((*path, upload(client, repo, path, bytes)?));
            }
            Ok::<_, Fault>(made)
        };
        let made: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_A_TIME.min(blobs.len())).map(|_| scope.spawn(work)).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, _>| worker.join();
            let panicked = |panic| std::panic::resume_unwind(panic);
            workers
                .into_iter()
                .map(|worker| join(worker).unwrap_or_else(panicked))
                .collect()
        });
        let mut all = BTreeMap::new();
        for made in made {
            all.extend(made?);
        }
        Ok(all)
    }
}

fn upload(client: &Client, repo: &RepoName, path: &str, bytes: &[u8]) -> Result<String, Fault> {
    let what = format!("sending {path} to {repo}");
    let content = base64::engine::general_purpose::STANDARD.encode(bytes);
    let call = Call {
        method: Method::POST,
        path: format!("/repos/{repo}/git/blobs"),
        body: Some(json!({ "content": content, "encoding": "base64" })),
        repeat: Repeat::Safe,
        what: what.clone(),
    };
    sha(&client.call(repo, &call)?.body, &what)
}

/// The id of an object that was made.
pub(super) fn sha(made: &Value, what: &str) -> Result<String, Fault> {
    let sha = Made::of(made).sha.0;
    sha.ok_or_else(|| Fault::lacks(what.to_owned(), "sha"))
}
