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

/// Looks at every object of some kinds in a namespace. `kinds`: paths of groups and versions, each with the plural, such as
/// `("build.openshift.io/v1", "builds")`. A kind that the cluster does not know has none. How many kinds it knows.
///
/// # Errors
/// A sentence: there is no API, it does not answer, or it does not let us list.
pub fn list(namespace: &str, kinds: &[(&str, &str)], look: &mut dyn FnMut(&str, &Json)) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let all = tokio::time::timeout(PATIENCE, all(namespace, kinds, look));
        all.await.map_err(|_| "the cluster's API does not answer".to_owned())?
    })
}

async fn all(namespace: &str, kinds: &[(&str, &str)], look: &mut dyn FnMut(&str, &Json)) -> Result<usize, String> {
    let nowhere = |error: &dyn std::fmt::Display| {
        format!("the cluster's API is not found ({error}): run in a pod with a service account, or set KUBECONFIG")
    };
    let mut access = kube::Config::infer().await.map_err(|error| nowhere(&error))?;
    // What fails is looked at again by the next run.
    access.default_retry = false;
    let client = kube::Client::try_from(access).map_err(|error| nowhere(&error))?;
    let mut known = 0;
    for (group, plural) in kinds {
        let mut page = format!("/apis/{group}/namespaces/{namespace}/{plural}?limit={PAGE}");
        for _ in 0..PAGES {
            let Some(list) = one(&client, &page, &format!("{plural} in {namespace}")).await? else {
                break;
            };
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
            let next: String = next.bytes().map(|byte| format!("%{byte:02X}")).collect();
            page = format!("/apis/{group}/namespaces/{namespace}/{plural}?limit={PAGE}&continue={next}");
        }
    }
    Ok(known)
}

/// One page of a list; `None`: the cluster has no such kind.
async fn one(client: &kube::Client, page: &str, what: &str) -> Result<Option<Json>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{what} cannot be listed: {error}");
    let request = http::Request::get(page)
        .header("accept", "application/json")
        .body(Body::empty());
    let request = request.map_err(|error| fault(&error))?;
    let answer = client.send(request).await.map_err(|error| fault(&error))?;
    match answer.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        401 | 403 => {
            let text = "the service account may not `list` them; deploy/components/results-of-cluster has the Role";
            return Err(fault(&text));
        }
        410 => {
            return Err(fault(
                &"the list has changed too much while it was read; the next look begins anew",
            ));
        }
        status => return Err(fault(&format!("the cluster's API answered {status}"))),
    }
    let body = Limited::new(answer.into_body(), BYTES).collect().await;
    let bytes = body.map_err(|error| fault(&error))?.to_bytes();
    serde_json::from_slice(&bytes).map(Some).map_err(|error| fault(&error))
}
