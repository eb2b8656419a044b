//! Answers connections: a bounded number of them, none of which can hold its place by being slow.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::room::{Admission, Room, Working};
use super::{Limits, Server};

/// How long an answer may take to be taken by who asked for it.
const LONGEST: Duration = Duration::from_secs(120);

/// How long a head may take to arrive in a place of the reserve.
const RESERVED_HEAD: Duration = Duration::from_secs(1);
/// What is answered there.
const RESERVED_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

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
    let room = Room::new(limits.connections);
    let (told, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // While there is no place for this one, others wait in the system's own bounded queue.
        let place = tokio::select! {
            () = &mut stop => break,
            place = room.enter() => place,
        };
        connections.spawn(answer(stream, router.clone(), limits, place, stopping.clone()));
    }
    drop(listener);
    // Nobody listens when no connection is open.
    let _ = told.send(true);
    let ended = tokio::time::timeout(grace, async { while connections.join_next().await.is_some() {} });
    if ended.await.is_err() {
        tracing::warn!("connections that did not end were cut off");
    }
}

async fn answer(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    place: Admission,
    mut stopping: watch::Receiver<bool>,
) {
    let (working, reserved) = (place.working(), place.is_reserved());
    let router = router.layer(from_fn(move |request, next| {
        work(working.clone(), reserved, request, next)
    }));
    let service = TowerToHyperService::new(router);
    let head = if reserved {
        RESERVED_HEAD.min(limits.head)
    } else {
        limits.head
    };
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .keep_alive(!reserved)
        .max_headers(100)
        .max_buf_size(limits.head_bytes.max(8 << 10));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let lasts = tokio::time::timeout(LONGEST, async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = place.given_up() => return Ok(()),
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

/// Tells the connection's place that a request is worked on; in a place of the reserve, most are refused.
async fn work(working: Working, reserved: bool, request: Request, next: Next) -> Response {
    working.begins();
    let response = if reserved && !RESERVED_PATHS.contains(&request.uri().path()) {
        let text = "all connections are taken; try again in a moment\n";
        (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")], text).into_response()
    } else {
        next.run(request).await
    };
    working.ends();
    response
}
