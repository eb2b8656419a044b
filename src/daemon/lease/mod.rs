//! Which of several replicas writes: a Kubernetes Lease, so that the cluster's own API says so and `kubectl` shows it.
//!
//! GitHub knows no fencing. So a replica asks its [`Fence`] before every request that writes, and the fence opens only for
//! as long as the lease is certainly ours by this machine's own clock: after a takeover at most the request that was in
//! flight comes from the old holder.

mod elector;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, PostParams};
use tokio::sync::watch;

use super::board::{self, Board};
use super::fence::Fence;
use super::now;
use super::queue::{Queue, Trigger, TriggerKind};
use crate::config;
use elector::{Elector, Record, Step, Timing};

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
}

impl Keeper {
    /// Gets ready to keep the configured lease.
    ///
    /// # Errors
    /// Nothing says where the cluster's API is.
    pub async fn new(config: &config::Lease, parts: Parts) -> Result<Self, String> {
        let fault = |error: &dyn std::fmt::Display| {
            format!("`lease` needs the cluster's API ({error}): run in a pod with a service account, or set KUBECONFIG")
        };
        let mut access = kube::Config::infer().await.map_err(|error| fault(&error))?;
        // What fails is looked at again in a moment; a request that hangs would only be late.
        access.default_retry = false;
        let namespace = config.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| access.default_namespace.clone());
        let client = kube::Client::try_from(access).map_err(|error| fault(&error))?;
        Ok(Self {
            api: Api::namespaced(client, &namespace),
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
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.give_back().await;
    }

    /// Looks once, and does what is to be done.
    async fn round(&mut self) {
        let begun = Instant::now();
        let patience = self.timing.certain() / 2;
        let done = tokio::time::timeout(patience, self.step()).await;
        match done.unwrap_or_else(|_| Err("the cluster's API does not answer".to_owned())) {
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
            Err(error) => self.lost(board::Lease::Unknown(error)),
        }
    }

    /// Reads the lease and writes it where that is to be done; `Ok(None)`: it is ours.
    async fn step(&mut self) -> Result<Option<String>, String> {
        let read = self.api.get_opt(&self.name).await.map_err(|error| error.to_string())?;
        let step = self.elector.step(read.as_ref().map(record), Instant::now());
        let write = match (step, read) {
            (Step::Wait { holder }, _) => return Ok(Some(holder)),
            (Step::Create, _) | (_, None) => {
                let lease = self.taken(Lease::default());
                self.api.create(&PostParams::default(), &lease).await
            }
            (Step::Take, Some(lease)) => self.replace(self.taken(lease)).await,
            (Step::Renew, Some(mut lease)) => {
                let spec = lease.spec.get_or_insert_default();
                spec.renew_time = time();
                spec.lease_duration_seconds = self.seconds();
                self.replace(lease).await
            }
        };
        // Where somebody was quicker, the next look says who.
        write.map(|_| None).map_err(|error| error.to_string())
    }

    /// Writes the lease, if it is still as it was read.
    async fn replace(&self, lease: Lease) -> kube::Result<Lease> {
        self.api.replace(&self.name, &PostParams::default(), &lease).await
    }

    /// The lease, held by us.
    fn taken(&self, mut lease: Lease) -> Lease {
        lease.metadata.name = Some(self.name.clone());
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
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
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
