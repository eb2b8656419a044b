//! Which of several replicas writes: a Kubernetes Lease, so that the cluster's own API says so and `kubectl` shows it.
//!
//! GitHub knows no fencing. So a replica asks its [`Fence`] before every request that writes, and the fence opens only for
//! as long as the lease is certainly ours by this machine's own clock: after a takeover at most the request that was in
//! flight comes from the old holder.

mod elector;
mod note;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, PostParams};
use tokio::sync::watch;

use super::fence::Fence;
use super::now;
use super::queue::{Queue, Trigger, TriggerKind};
use super::relay::Relay;
use crate::board;
use crate::board::Board;
use crate::config;
use elector::{Elector, Record, Step, Timing};

/// How long webhooks are gathered before another replica is told of them.
const BURST: Duration = Duration::from_millis(150);

/// Keeps a lease for as long as the daemon runs.
pub struct Keeper {
    api: Api<Lease>,
    name: String,
    elector: Elector,
    timing: Timing,
    parts: Parts,
    held: bool,
    told: Option<board::Lease>,
}

/// What the keeper needs of the daemon.
pub struct Parts {
    pub fence: Arc<Fence>,
    pub board: Arc<Board>,
    pub queue: Arc<Queue>,
    pub relay: Arc<Relay>,
}

/// Why it is not known whose the lease is.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Nothing says where the cluster's API is.
    #[error("`lease` needs the cluster's API ({0}): run in a pod with a service account, or set KUBECONFIG")]
    Nowhere(String),
    /// Requests cannot be made on this machine.
    #[error("{0}")]
    Runtime(std::io::Error),
    /// The cluster's API takes too long.
    #[error("the cluster's API does not answer")]
    Silent,
    /// The lease cannot be read, as somebody asks who wants to know nothing else.
    #[error("the lease {lease} cannot be read: {error}")]
    Unreadable {
        /// The lease with its namespace.
        lease: String,
        /// Why.
        error: kube::Error,
    },
    /// The cluster's API refuses.
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

/// The leases of the configured namespace, and its name.
async fn api_of(config: &config::Lease) -> Result<(Api<Lease>, String), LeaseError> {
    let access = kube::Config::infer().await;
    let mut access = access.map_err(|error| LeaseError::Nowhere(error.to_string()))?;
    // What fails is looked at again in a moment; a request that hangs would only be late.
    access.default_retry = false;
    let namespace = config.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| access.default_namespace.clone());
    let client = kube::Client::try_from(access).map_err(|error| LeaseError::Nowhere(error.to_string()))?;
    Ok((Api::namespaced(client, &namespace), namespace))
}

/// Reads the configured lease once, and says in a sentence how it stands.
///
/// # Errors
/// The cluster's API is not reached, or does not let us read.
pub fn look_at_lease(config: &config::Lease) -> Result<String, LeaseError> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(LeaseError::Runtime)?.block_on(async {
        let (api, namespace) = api_of(config).await?;
        let read = tokio::time::timeout(PATIENCE, api.get_opt(&config.name)).await;
        let read = read.map_err(|_| LeaseError::Silent)?;
        let lease = read.map_err(|error| LeaseError::Unreadable {
            lease: format!("{namespace}/{}", config.name),
            error,
        })?;
        let holder = lease
            .and_then(|lease| lease.spec?.holder_identity)
            .filter(|holder| !holder.is_empty());
        Ok(match holder {
            Some(holder) => format!("{}/{}, held by {holder}", namespace, config.name),
            None => format!("{}/{}, held by nobody", namespace, config.name),
        })
    })
}

impl Keeper {
    /// Gets ready to keep the configured lease.
    ///
    /// # Errors
    /// Nothing says where the cluster's API is.
    pub async fn new(config: &config::Lease, parts: Parts) -> Result<Self, LeaseError> {
        let (api, _) = api_of(config).await?;
        Ok(Self {
            api,
            name: config.name.clone(),
            elector: Elector::new(identity()),
            timing: Timing {
                duration: Duration::from_secs(config.duration),
            },
            parts,
            held: false,
            told: None,
        })
    }

    /// Gets, renews and watches the lease until it is told to stop; gives it back then.
    pub async fn keep(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            self.round().await;
            tokio::select! {
                () = tokio::time::sleep(self.timing.pause()) => {}
                () = self.asked() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.give_back().await;
    }

    /// Waits until another replica is to be told of webhooks. The one that writes has them in its own queue.
    async fn asked(&self) {
        loop {
            self.parts.relay.noted().await;
            if !self.held {
                // What comes in a burst is told at once.
                return tokio::time::sleep(BURST).await;
            }
            self.parts.relay.forget();
        }
    }

    /// Looks once, and does what is to be done.
    async fn round(&mut self) {
        let begun = Instant::now();
        let patience = self.timing.certain() / 2;
        let done = tokio::time::timeout(patience, self.steps()).await;
        match done.unwrap_or(Err(LeaseError::Silent)) {
            Ok(None) => {
                self.parts.fence.hold_until(Some(begun + self.timing.certain()));
                self.gained();
            }
            Ok(Some(holder)) => {
                self.parts.fence.hold_until(None);
                self.lost(board::Lease::Elsewhere { holder });
            }
            // What was certain stays so until it ends by itself.
            Err(error) if self.held && self.parts.fence.is_ours() => {
                tracing::warn!(
                    lease = self.name,
                    "the lease could not be renewed, and is tried again: {error}"
                );
            }
            Err(error) => self.lost(board::Lease::Unknown(error.to_string())),
        }
    }

    /// Takes a step; once more where somebody wrote in between, as a replica that notes a webhook does.
    async fn steps(&mut self) -> Result<Option<String>, LeaseError> {
        let mut done = self.step().await;
        if matches!(&done, Err(kube::Error::Api(status)) if status.code == 409) {
            done = self.step().await;
        }
        Ok(done?)
    }

    /// Reads the lease and writes it where that is to be done; `Ok(None)`: it is ours.
    async fn step(&mut self) -> kube::Result<Option<String>> {
        let read = self.api.get_opt(&self.name).await?;
        let step = self.elector.step(read.as_ref().map(record), Instant::now());
        let write = match (step, read) {
            (Step::Wait { holder }, Some(lease)) => {
                self.tell_holder(lease).await;
                return Ok(Some(holder));
            }
            // Nobody is waited for where there is no lease.
            (Step::Create, _) | (_, None) => {
                let lease = self.taken(Lease::default());
                self.api.create(&PostParams::default(), &lease).await
            }
            (Step::Take, Some(lease)) => self.replace(self.taken(lease)).await,
            (Step::Renew, Some(mut lease)) => {
                self.hear(&mut lease);
                let spec = lease.spec.get_or_insert_default();
                spec.renew_time = time();
                spec.lease_duration_seconds = self.seconds();
                self.replace(lease).await
            }
        };
        // Where somebody was quicker, the next look says who.
        write.map(|_| None)
    }

    /// Looks at what other replicas have noted, and takes the note out with the renewal. Where that fails, it is looked at
    /// twice.
    fn hear(&self, lease: &mut Lease) {
        let Some(look) = note::read(lease) else { return };
        note::clear(lease);
        tracing::info!(lease = self.name, ?look, "another replica was told by a webhook");
        self.parts.queue.push(Trigger {
            kind: TriggerKind::Webhook,
            look,
            because: "a webhook that came to another replica".to_owned(),
        });
    }

    /// Notes for the replica that writes what webhooks have asked for here. Where that fails, it is tried again at the next
    /// look.
    async fn tell_holder(&self, mut lease: Lease) {
        let Some(look) = self.parts.relay.waits() else { return };
        let told = match note::write(&mut lease, look.clone()) {
            true => self.replace(lease).await.map(drop),
            // Another replica has noted the same, or an answer was lost.
            false => Ok(()),
        };
        match told {
            Ok(()) => {
                self.parts.relay.was_told(&look);
                tracing::info!(lease = self.name, ?look, "told the replica that writes of a webhook");
            }
            Err(error) => tracing::debug!(%error, "telling the replica that writes of a webhook"),
        }
    }

    /// Writes the lease, if it is still as it was read.
    async fn replace(&self, lease: Lease) -> kube::Result<Lease> {
        self.api.replace(&self.name, &PostParams::default(), &lease).await
    }

    /// The lease, held by us.
    fn taken(&self, mut lease: Lease) -> Lease {
        lease.metadata.name = Some(self.name.clone());
        // Who takes it over looks at everything.
        note::clear(&mut lease);
        let before = lease.spec.take().unwrap_or_default();
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.elector.me().to_owned()),
            lease_duration_seconds: self.seconds(),
            acquire_time: time(),
            renew_time: time(),
            lease_transitions: Some(before.lease_transitions.map_or(0, |count| count.saturating_add(1))),
            ..before
        });
        lease
    }

    fn seconds(&self) -> Option<i32> {
        i32::try_from(self.timing.duration.as_secs()).ok()
    }

    fn gained(&mut self) {
        if std::mem::replace(&mut self.held, true) {
            return;
        }
        self.tell(board::Lease::Held { since: now() });
        self.parts.relay.forget();
        tracing::info!(
            lease = self.name,
            me = self.elector.me(),
            "this replica has the lease and writes"
        );
        let trigger = Trigger::whole(TriggerKind::Lease, self.name.clone());
        self.parts.queue.push(trigger);
    }

    fn lost(&mut self, lease: board::Lease) {
        if std::mem::take(&mut self.held) {
            tracing::warn!(
                lease = self.name,
                "this replica has lost the lease and writes no more: {lease:?}"
            );
        } else if self.told.as_ref() != Some(&lease) {
            tracing::info!(lease = self.name, "this replica waits for the lease: {lease:?}");
        }
        self.tell(lease);
    }

    fn tell(&mut self, lease: board::Lease) {
        if self.told.as_ref() != Some(&lease) {
            self.parts.board.update(|view| view.lease = lease.clone());
            self.told = Some(lease);
        }
    }

    /// Gives the lease back, so that nobody has to wait for its end.
    async fn give_back(&mut self) {
        if !std::mem::take(&mut self.held) {
            return;
        }
        self.parts.fence.hold_until(None);
        let given = tokio::time::timeout(self.timing.pause(), async {
            let mut lease = self.api.get(&self.name).await?;
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(self.elector.me()) {
                spec.holder_identity = Some(String::new());
                spec.lease_duration_seconds = Some(1);
                spec.renew_time = time();
                self.replace(lease).await?;
            }
            Ok::<(), kube::Error>(())
        });
        match given.await {
            Ok(Ok(())) => tracing::info!(lease = self.name, "gave the lease back"),
            Ok(Err(error)) => tracing::warn!(lease = self.name, "could not give the lease back: {error}"),
            Err(_) => tracing::warn!(lease = self.name, "could not give the lease back in time"),
        }
    }
}

/// What counts of a lease.
fn record(lease: &Lease) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let seconds = spec.lease_duration_seconds.and_then(|count| u64::try_from(count).ok());
    Record {
        holder: spec.holder_identity.unwrap_or_default(),
        duration: Duration::from_secs(seconds.unwrap_or_default()),
        // Not the object's version: what others write beside it is no sign of life of its holder.
        version: serde_json::to_string(&lease.spec).unwrap_or_default(),
    }
}

/// The time as the API writes it. It is for people: nobody reckons with it.
fn time() -> Option<MicroTime> {
    let text = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    serde_json::from_value(text.into()).ok()
}

/// A name for this process: the pod's, and letters that no other process has.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "lockstep",
        host => host,
    };
    format!("{host}_{}", super::history::letters(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_replica_notes_is_no_sign_of_life_of_the_holder() {
        let mut lease = Lease {
            spec: Some(LeaseSpec {
                holder_identity: Some("one".to_owned()),
                lease_duration_seconds: Some(15),
                renew_time: time(),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        lease.metadata.resource_version = Some("1".to_owned());
        let before = record(&lease);
        note::write(&mut lease, crate::daemon::Extent::Whole);
        lease.metadata.resource_version = Some("2".to_owned());
        assert_eq!(record(&lease), before);
        let spec = lease.spec.get_or_insert_default();
        spec.renew_time = serde_json::from_value("2026-01-01T00:00:00.000000Z".into()).ok();
        assert_ne!(record(&lease), before, "a renewal is");
    }
}
