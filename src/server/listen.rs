//! Answers connections: a bounded number of them, none of which can hold its place by being slow.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{Limits, Server};

/// How long an answer may take to be taken by who asked for it.
const LONGEST: Duration = Duration::from_secs(120);

/// How long the process waits after it could not take a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that connections come to.
///
/// # Errors
/// The address is taken, or not this machine's.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers connections until `stop` is done; requests that have begun are answered, for at most `grace`.
pub async fn serve(server: Server, listener: TcpListener, stop: impl Future<Output = ()>, grace: Duration) {
    let limits = server.limits();
    let router = server.router();
    let room = Arc::new(Semaphore::new(limits.connections));
    let (told, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = take(&listener, &room) => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (router, stopping) = (router.clone(), stopping.clone());
        connections.spawn(async move {
            answer(stream, router, limits, stopping).await;
            drop(permit);
        });
    }
    drop(listener);
    // Nobody listens when no connection is open.
    let _ = told.send(true);
    let ended = tokio::time::timeout(grace, async { while connections.join_next().await.is_some() {} });
    if ended.await.is_err() {
        tracing::warn!("connections that did not end were cut off");
    }
}

/// Takes the next connection when there is room for it; others wait in the system's own bounded queue.
async fn take(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!("a connection could not be taken: {error}");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

async fn answer(stream: TcpStream, router: Router, limits: Limits, mut stopping: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(router);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(100)
        .max_buf_size(limits.head_bytes.max(8 << 10));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let lasts = tokio::time::timeout(LONGEST, async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    });
    match lasts.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a connection ended: {error}"),
        Err(_) => tracing::debug!("a connection was cut off after {} s", LONGEST.as_secs()),
    }
}
