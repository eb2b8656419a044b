//! The HTTP side of all fakes: one thread, a task for each connection, answers by whoever is behind it.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use tokio::sync::oneshot;

/// The answer that never comes: the connection ends without one.
#[derive(Debug, thiserror::Error)]
#[error("the connection is lost")]
pub struct Lost;

pub type Answer = Result<Response<Full<Bytes>>, Lost>;

/// A server that answers until it is dropped.
pub struct Server {
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port of this machine.
    pub fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(listener, Arc::new(answer), stopped));
        Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Answers nobody any more, and waits until that is so.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve<A, F>(listener: TcpListener, answer: Arc<A>, mut stopped: oneshot::Receiver<()>)
where
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    listener.set_nonblocking(true).unwrap();
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let answer = Arc::clone(&answer);
                    tokio::spawn(async move {
                        let service = hyper::service::service_fn(move |request| answer(request));
                        let io = hyper_util::rt::TokioIo::new(stream);
                        let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                    });
                }
            }
        }
    });
}

/// Reads a request's body; `null` where there is none, or no JSON.
pub async fn json(body: Incoming) -> Result<Value, Lost> {
    let bytes = body.collect().await.map_err(|_| Lost)?.to_bytes();
    Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
