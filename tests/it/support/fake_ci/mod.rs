//! A fake of deck, of the artifacts' bucket and of the release controller behind one HTTP address: paths with what is there, and
//! switches for slow and broken answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};

use crate::support::fake_http;

/// How a path is answered, beside what is there.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// With a status and plain text.
    Status(u16, &'static str),
    /// The connection ends within the body: as many bytes come as this, and more were announced.
    Cut(usize),
    /// Elsewhere.
    Redirect(&'static str),
    /// After a while.
    Slow(Duration),
    /// Not at all.
    Lost,
    /// Never, and the connection stays.
    Silent,
}

/// What the fake has.
#[derive(Default)]
pub struct Inside {
    /// Bodies by path without the query.
    pub files: BTreeMap<String, Bytes>,
    /// Trouble by the beginning of a path.
    pub trouble: Vec<(String, Trouble)>,
    /// The paths that were asked for, with their queries.
    pub asked: Vec<String>,
}

/// A running fake.
pub struct FakeCi {
    inside: Arc<Mutex<Inside>>,
    pub url: String,
    _server: fake_http::Server,
}

impl FakeCi {
    pub fn start() -> Self {
        let inside = Arc::new(Mutex::new(Inside::default()));
        let shared = Arc::clone(&inside);
        let server = fake_http::Server::start(move |request| answer(request, Arc::clone(&shared)));
        let url = server.url.clone();
        Self {
            inside,
            url,
            _server: server,
        }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something at a path.
    pub fn put(&self, path: &str, body: impl Into<Bytes>) {
        self.inside().files.insert(path.to_owned(), body.into());
    }

    /// Answers what begins with a path with trouble from now on.
    pub fn trouble(&self, path: &str, trouble: Trouble) {
        self.inside().trouble.push((path.to_owned(), trouble));
    }

    /// Answers everything as it is.
    pub fn mend(&self) {
        self.inside().trouble.clear();
    }

    /// What was asked for since this was asked last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inside().asked)
    }
}

async fn answer(request: Request<Incoming>, inside: Arc<Mutex<Inside>>) -> fake_http::Answer {
    let path = request.uri().path().to_owned();
    assert!(
        !request.headers().contains_key("authorization"),
        "no token is sent to {path}"
    );
    let (body, trouble) = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.asked.push(request.uri().to_string());
        let trouble = inside
            .trouble
            .iter()
            .find(|(begin, _)| path.starts_with(begin.as_str()));
        (
            inside.files.get(&path).cloned(),
            trouble.map(|(_, trouble)| trouble.clone()),
        )
    };
    let said = |status: u16, body: Bytes| Response::builder().status(status).body(Full::new(body)).unwrap();
    Ok(match (trouble, body) {
        (Some(Trouble::Lost), _) => return Err(fake_http::Lost),
        (Some(Trouble::Silent), _) => std::future::pending().await,
        (Some(Trouble::Status(status, text)), _) => said(status, Bytes::from_static(text.as_bytes())),
        (Some(Trouble::Redirect(to)), _) => {
            let response = Response::builder().status(302).header("location", to);
            response.body(Full::new(Bytes::new())).unwrap()
        }
        (Some(Trouble::Cut(at)), Some(body)) => said(200, body.slice(..at.min(body.len()))),
        (Some(Trouble::Slow(pause)), Some(body)) => {
            tokio::time::sleep(pause).await;
            said(200, body)
        }
        (_, Some(body)) => said(200, body),
        (_, None) => said(
            404,
            Bytes::from_static(b"no release configuration exists with the requested name"),
        ),
    })
}
