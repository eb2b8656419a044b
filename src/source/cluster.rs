//! Lists objects of a namespace through the API of the cluster that `kubectl` would ask.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde_json::Value as Json;

/// How long the whole may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// As many objects are asked for at once.
const PAGE: usize = 250;
/// As many pages are read.
const PAGES: usize = 40;
/// The largest page that is read, in bytes.
const BYTES: usize = 64 << 20;

/// Why objects are not listed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Nothing says where the API is.
    #[error("the cluster's API is not found ({0}): run in a pod with a service account, or set KUBECONFIG")]
    Nowhere(String),
    /// Requests cannot be made on this machine.
    #[error("{0}")]
    Runtime(std::io::Error),
    /// It took too long.
    #[error("the cluster's API does not answer")]
    Silent,
    /// There are more than are read.
    #[error("{0} are more than {most}: have old ones pruned", most = PAGES * PAGE)]
    TooMany(String),
    /// A kind cannot be listed.
    #[error("{what} cannot be listed: {why}")]
    Kind {
        /// The kind and the namespace.
        what: String,
        /// Why.
        why: Unlisted,
    },
}

/// Why a kind cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum Unlisted {
    /// The service account may not.
    #[error("the service account may not `list` them; deploy/components/results-of-cluster has the Role")]
    Denied,
    /// The pages do not fit together any more.
    #[error("the list has changed too much while it was read; the next look begins anew")]
    Changed,
    /// Another answer.
    #[error("the cluster's API answered {0}")]
    Status(u16),
    /// It cannot be asked.
    #[error(transparent)]
    Client(#[from] kube::Error),
    /// It cannot be asked for in that way.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// The answer breaks off, or is too long.
    #[error("{0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// The answer is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Looks at every object of some kinds in a namespace. `kinds`: paths of groups and versions, each with the plural, such as
/// `("build.openshift.io/v1", "builds")`. A kind that the cluster does not know has none. How many kinds it knows.
///
/// # Errors
/// There is no API, it does not answer, or it does not let us list.
pub fn list(namespace: &str, kinds: &[(&str, &str)], look: &mut dyn FnMut(&str, &Json)) -> Result<usize, ClusterError> {
    within(PATIENCE, async {
        let access = access().await?;
        all(access, namespace, kinds, look).await
    })
}

/// What comes within some time; a server that is silent, or that never ends, costs no more.
fn within<T>(patience: Duration, wanted: impl Future<Output = Result<T, ClusterError>>) -> Result<T, ClusterError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ClusterError::Runtime)?.block_on(async {
        let wanted = tokio::time::timeout(patience, wanted);
        wanted.await.map_err(|_| ClusterError::Silent)?
    })
}

fn nowhere(error: impl std::fmt::Display) -> ClusterError {
    ClusterError::Nowhere(error.to_string())
}

/// Where the API is, and who we are there.
async fn access() -> Result<kube::Config, ClusterError> {
    let mut access = kube::Config::infer().await.map_err(nowhere)?;
    // What fails is looked at again by the next run.
    access.default_retry = false;
    Ok(access)
}

async fn all(
    access: kube::Config,
    namespace: &str,
    kinds: &[(&str, &str)],
    look: &mut dyn FnMut(&str, &Json),
) -> Result<usize, ClusterError> {
    let client = kube::Client::try_from(access).map_err(nowhere)?;
    let mut known = 0;
    for (group, plural) in kinds {
        let mut page = format!("/apis/{group}/namespaces/{namespace}/{plural}?limit={PAGE}");
        let what = format!("{plural} in {namespace}");
        let told = |why| ClusterError::Kind {
            what: what.clone(),
            why,
        };
        let mut pages = 0;
        while let Some(list) = one(&client, &page).await.map_err(told)? {
            list["items"]
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|item| look(plural, item));
            let next = list["metadata"]["continue"].as_str().filter(|next| !next.is_empty());
            let Some(next) = next else {
                known += 1;
                break;
            };
            pages += 1;
            if pages == PAGES {
                return Err(ClusterError::TooMany(what));
            }
            let next: String = next.bytes().map(|byte| format!("%{byte:02X}")).collect();
            page = format!("/apis/{group}/namespaces/{namespace}/{plural}?limit={PAGE}&continue={next}");
        }
    }
    Ok(known)
}

/// One page of a list; `None`: the cluster has no such kind.
async fn one(client: &kube::Client, page: &str) -> Result<Option<Json>, Unlisted> {
    let request = http::Request::get(page)
        .header("accept", "application/json")
        .body(Body::empty());
    let answer = client.send(request?).await?;
    match answer.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        401 | 403 => return Err(Unlisted::Denied),
        410 => return Err(Unlisted::Changed),
        status => return Err(Unlisted::Status(status)),
    }
    let body = Limited::new(answer.into_body(), BYTES).collect().await;
    let bytes = body.map_err(Unlisted::Body)?.to_bytes();
    Ok(Some(serde_json::from_slice(&bytes)?))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;

    /// A server that does this with each connection; its address.
    fn server(serve: fn(TcpStream)) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            listener
                .incoming()
                .flatten()
                .for_each(|stream| drop(std::thread::spawn(move || serve(stream))))
        });
        format!("http://{address}")
    }

    fn listed(url: &str, patience: Duration) -> Result<usize, ClusterError> {
        let mut access = kube::Config::new(url.parse().expect("an address"));
        access.default_retry = false;
        within(
            patience,
            all(
                access,
                "okd-team",
                &[("build.openshift.io/v1", "builds")],
                &mut |_, _| {},
            ),
        )
    }

    #[test]
    fn a_cluster_that_is_silent_or_never_ends_is_left() {
        let silent = server(|mut stream| {
            let _ = stream.read(&mut [0; 1024]);
            std::thread::sleep(Duration::from_secs(30));
        });
        let dripping = server(|mut stream| {
            // An answer before the question would be a fault of its own.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let circling = server(|mut stream| {
            let body = "{\"items\": [], \"metadata\": {\"continue\": \"again\"}}";
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            while stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        for url in [silent, dripping] {
            let began = Instant::now();
            let error = listed(&url, Duration::from_millis(300)).expect_err("it does not answer");
            assert!(matches!(error, ClusterError::Silent), "{error}");
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        }
        // A list that always has one more page ends all the same.
        let endless = listed(&circling, Duration::from_secs(60)).expect_err("there is always more");
        assert!(
            endless
                .to_string()
                .starts_with("builds in okd-team are more than 10000"),
            "{endless}"
        );
    }

    #[test]
    fn a_cluster_that_is_slow_is_waited_for() {
        let slow = server(|mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            std::thread::sleep(Duration::from_millis(400));
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"items\": []}");
        });
        assert!(matches!(listed(&slow, Duration::from_secs(60)), Ok(1)));
    }
}
