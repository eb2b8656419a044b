//! One request after the other through octocrab: signing, limits, faults, repetition.
//!
//! octocrab is asynchronous, the program is not: a runtime of one thread lives in here. It must not be used from within
//! another runtime's thread (use `spawn_blocking` there).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, DATE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::{BodyExt, Limited};
use octocrab::Octocrab;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::answer::{Granted, Graph, GraphError, Installation, Parts, Reason, Refusal};
use super::auth::{Auth, Token, installation_path};
use super::usage::Meter;
use super::{Clock, Credential, Fault, FaultKind, Policy, Repeat, Secret, SystemClock, Usage, web};
use crate::base::loose::read;
use crate::base::{Barred, Gate, RepoName};
use crate::net;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 20;
/// How many changes may be sent at once; after that one a second, as GitHub asks for.
const BURST: f64 = 30.0;
/// How many answers are kept to be asked for by their tag.
const KEPT: usize = 500;
/// Where GraphQL's questions go.
const GRAPHQL: &str = "/graphql";
/// How many redirects of a renamed repository are followed.
const REDIRECTS: usize = 3;

/// Sends requests to one API.
pub struct Client {
    runtime: Runtime,
    rest: Octocrab,
    graph: Octocrab,
    base: http::Uri,
    web: String,
    auth: Auth,
    policy: Policy,
    clock: Arc<dyn Clock>,
    pace: Mutex<Pace>,
    meter: Meter,
    /// Whether the last call could not be made at all: the next ones are tried once.
    down: AtomicBool,
    /// Answers by path, which GitHub need not send again while they are what it has.
    answers: Mutex<BTreeMap<String, Answer>>,
    gate: Gate,
}

/// How many changes may be sent at once now.
struct Pace {
    left: f64,
    at: i64,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path, from the API's root on.
    pub path: String,
    /// The body.
    pub body: Option<Value>,
    /// Whether it may be made twice.
    pub repeat: Repeat,
    /// What is being done, for errors.
    pub what: String,
}

/// An answer that is no fault.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; `null` where there is none.
    pub body: Value,
    /// The server's time, in seconds since 1970-01-01.
    pub date: Option<i64>,
    /// Under which tag GitHub knows it.
    etag: Option<String>,
}

impl Client {
    /// Makes a client for an API's URL (`https://api.github.com`, `https://HOST/api/v3`).
    ///
    /// # Errors
    /// The URL is none, or the runtime cannot be had.
    pub fn new(api: &str, credential: Credential) -> Result<Self, Fault> {
        Self::with(api, credential, Policy::default(), Arc::new(SystemClock))
    }

    /// The same with other bounds and another clock.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(api: &str, credential: Credential, policy: Policy, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let fault = |message: String| Fault {
            what: format!("getting ready for {api}"),
            kind: FaultKind::Credential(message),
        };
        let api = api.trim_end_matches('/');
        let base: http::Uri = api.parse().map_err(|_| fault("`forge.api` is no URL".into()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| fault(error.to_string()))?;
        let client = net::reqwest(net::API, base.authority().map_or("", |authority| authority.as_str()));
        let client = client.map_err(|error| fault(error.to_string()))?;
        let crab = |base: &str| {
            let _inside = runtime.enter();
            Octocrab::builder()
                .base_uri(base)
                .and_then(|builder| builder.build_with_reqwest(client.clone()))
                .map_err(|error| fault(error.to_string()))
        };
        // GitHub Enterprise has REST below `/api/v3` and GraphQL at `/api/graphql`.
        let (rest, graph) = (crab(api)?, crab(api.strip_suffix("/v3").unwrap_or(api))?);
        let at = clock.now();
        Ok(Self {
            runtime,
            rest,
            graph,
            base,
            web: web::host(api),
            auth: Auth::new(credential),
            policy,
            clock,
            pace: Mutex::new(Pace { left: BURST, at }),
            meter: Meter::default(),
            down: AtomicBool::new(false),
            answers: Mutex::default(),
            gate: Gate::default(),
        })
    }

    /// Asks a gate before every request that writes.
    #[must_use]
    pub fn guarded(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// How many requests were sent so far, and what GitHub says is left.
    pub fn usage(&self) -> Usage {
        self.meter.usage(self.clock.now())
    }

    /// The host that people look at, with its scheme.
    pub fn web(&self) -> &str {
        &self.web
    }

    /// The time, in seconds since 1970-01-01.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Waits a little before something is looked at again.
    pub fn breathe(&self, round: u32) {
        let pause = self
            .policy
            .pause(round, &FaultKind::Server(0), Repeat::Safe, self.clock.jitter());
        self.clock.sleep(pause.unwrap_or(self.policy.first_pause));
    }

    /// Makes a call on behalf of a repository (whose organisation says which token), again where that may help.
    ///
    /// # Errors
    /// It failed for good.
    pub fn call(&self, repo: &RepoName, call: &Call) -> Result<Answer, Fault> {
        self.patiently(call, |client| {
            let token = client.token(repo)?;
            client.hold_pace(call);
            client.pass(call)?;
            let answer = client.follow(&client.rest, call, &token);
            if matches!(answer, Err(FaultKind::Unauthorized(_))) && client.auth.forget(&repo.org) {
                let token = client.token(repo)?;
                client.pass(call)?;
                return client.follow(&client.rest, call, &token);
            }
            answer
        })
    }

    /// Asks a GraphQL question, and gives data and errors: one part may fail without the others.
    ///
    /// # Errors
    /// There is no data at all.
    pub fn graphql(&self, repo: &RepoName, call: &Query<'_>) -> Result<(Value, Vec<GraphError>), Fault> {
        let request = Call {
            method: Method::POST,
            path: GRAPHQL.into(),
            body: Some(json!({ "query": call.text, "variables": call.variables })),
            repeat: call.repeat,
            what: call.what.clone(),
        };
        self.patiently(&request, |client| {
            let mut token = client.token(repo)?;
            client.pass(&request)?;
            let mut answer = client.once(&client.graph, &request, &token);
            if matches!(answer, Err(FaultKind::Unauthorized(_))) && client.auth.forget(&repo.org) {
                token = client.token(repo)?;
                client.pass(&request)?;
                answer = client.once(&client.graph, &request, &token);
            }
            data_of(answer?.body)
        })
    }

    /// Makes sure that a request that writes may still be made. Of GraphQL's questions those write that must not be
    /// asked twice.
    fn pass(&self, call: &Call) -> Result<(), FaultKind> {
        let reads = call.method == Method::GET || (call.path == GRAPHQL && call.repeat == Repeat::Safe);
        if reads {
            return Ok(());
        }
        self.gate.pass().map_err(FaultKind::Fenced)
    }

    fn patiently<T>(&self, call: &Call, mut once: impl FnMut(&Self) -> Result<T, FaultKind>) -> Result<T, Fault> {
        let mut attempt = 1;
        loop {
            let kind = match once(self) {
                Ok(done) => {
                    self.down.store(false, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(kind) => kind,
            };
            tracing::debug!(what = call.what, attempt, %kind, "a request failed");
            let pause = self.policy.pause(attempt, &kind, call.repeat, self.clock.jitter());
            let is_down = matches!(kind, FaultKind::Connection(_)) && self.down.load(Ordering::Relaxed);
            let Some(pause) = pause.filter(|_| !is_down) else {
                let lost = matches!(kind, FaultKind::Connection(_)) && call.repeat == Repeat::Safe;
                self.down.store(lost, Ordering::Relaxed);
                let what = match attempt {
                    1 => call.what.clone(),
                    n => format!("{} ({n} attempts)", call.what),
                };
                return Err(Fault { what, kind });
            };
            self.clock.sleep(pause);
            attempt += 1;
        }
    }

    /// Waits where many changes were sent in a short time.
    fn hold_pace(&self, call: &Call) {
        if call.method == Method::GET {
            return;
        }
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        pace.left = (pace.left + (now - pace.at).max(0) as f64).min(BURST);
        pace.at = now;
        pace.left -= 1.0;
        let missing = -pace.left;
        drop(pace);
        if missing > 0.0 {
            self.clock.sleep(Duration::from_secs_f64(missing));
        }
    }

    /// The token for a repository; an app's is asked for where none is at hand.
    fn token(&self, repo: &RepoName) -> Result<Secret, FaultKind> {
        let claim = match self.auth.token(&repo.org, self.clock.now())? {
            Token::Ready(token) => return Ok(token),
            Token::AskWith(claim) => claim,
        };
        let found = self.installed(repo, &claim)?;
        let id = found.id.ok_or_else(|| FaultKind::lacks("id"))?;
        let path = format!("/app/installations/{id}/access_tokens");
        let made = self.follow(&self.rest, &of_app(Method::POST, path), &claim)?.body;
        let made: Granted = read(&made).unwrap_or_default();
        let token = Secret::new(made.token.0.ok_or_else(|| FaultKind::lacks("token"))?);
        let ends = seconds(&made.expires_at).ok_or_else(|| FaultKind::lacks("expires_at"))?;
        self.auth.keep(&repo.org, token.clone(), ends);
        Ok(token)
    }

    /// Where an App is installed for a repository, and what it may do there; nothing where the credential is a token.
    ///
    /// # Errors
    /// It is installed nowhere, or that cannot be asked.
    pub fn installation(&self, repo: &RepoName) -> Result<Installation, Fault> {
        let call = of_app(Method::GET, installation_path(repo));
        let call = Call {
            what: format!("looking at the app in {}", repo.org),
            ..call
        };
        self.patiently(&call, |client| match client.auth.claim(client.clock.now())? {
            Some(claim) => client.installed(repo, &claim),
            None => Ok(Installation::default()),
        })
    }

    fn installed(&self, repo: &RepoName, claim: &Secret) -> Result<Installation, FaultKind> {
        let found = self.follow(&self.rest, &of_app(Method::GET, installation_path(repo)), claim);
        let found = found.map_err(|kind| match kind {
            FaultKind::NotFound => FaultKind::Credential(format!("the app is not installed in {}", repo.org)),
            kind => kind,
        })?;
        Ok(read(&found.body).unwrap_or_default())
    }

    /// Makes a call and follows the redirects of a renamed repository, on the same host only.
    fn follow(&self, crab: &Octocrab, call: &Call, token: &Secret) -> Result<Answer, FaultKind> {
        let mut call = call.clone();
        for _ in 0..REDIRECTS {
            let answer = self.once(crab, &call, token);
            let Err(FaultKind::Redirected(to)) = &answer else {
                return answer;
            };
            call.path = self.here(to)?;
        }
        Err(FaultKind::Redirected(call.path))
    }

    /// The path of a redirect's target below the API's root.
    fn here(&self, to: &str) -> Result<String, FaultKind> {
        let elsewhere = |host: &str| FaultKind::Redirected(host.to_owned());
        let uri: http::Uri = to.parse().map_err(|_| elsewhere("unreadable"))?;
        if uri.scheme() != self.base.scheme() || uri.authority() != self.base.authority() {
            return Err(elsewhere(uri.host().unwrap_or("another")));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let root = self.base.path().trim_end_matches('/');
        path.strip_prefix(root)
            .map(str::to_owned)
            .ok_or_else(|| elsewhere(uri.host().unwrap_or("another")))
    }

    fn once(&self, crab: &Octocrab, call: &Call, token: &Secret) -> Result<Answer, FaultKind> {
        let is_graphql = call.path == GRAPHQL;
        self.meter.sent(is_graphql);
        let known = self.known(call);
        let etag = known.as_ref().and_then(|known| known.etag.as_deref());
        let sent = self.runtime.block_on(async {
            tokio::time::timeout(net::API.total, send(crab, call, token, etag))
                .await
                .unwrap_or_else(|_| Err(FaultKind::Connection("it took too long".into())))
        });
        sent.map_err(|kind| match kind {
            FaultKind::Connection(text) => FaultKind::Connection(token.scrub(&text)),
            kind => kind,
        })
        .and_then(|(status, headers, body)| {
            let now = self.clock.now();
            self.meter.answered(token, is_graphql, &headers, now);
            understand(status, &headers, &body, now, token)
        })
        .map(|answer| match (answer.status, known) {
            (304, Some(known)) => known,
            _ => {
                self.keep(call, &answer);
                answer
            }
        })
    }

    /// The answer that was last given to a call that only reads.
    fn known(&self, call: &Call) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&call.path).filter(|_| call.method == Method::GET).cloned()
    }

    /// Keeps an answer that has a tag. The content of a blob never changes, and is asked for once.
    fn keep(&self, call: &Call, answer: &Answer) {
        if call.method == Method::GET && answer.etag.is_some() && !call.path.contains("/git/blobs/") {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() < KEPT {
                answers.insert(call.path.clone(), answer.clone());
            }
        }
    }
}

/// The half of a client that reads. It has no way to write: whoever only has this can change nothing.
#[derive(Clone)]
pub struct Reader(Arc<Client>);

impl Reader {
    /// Reads through a client.
    pub fn new(client: impl Into<Arc<Client>>) -> Self {
        Self(client.into())
    }

    /// Asks for what is at a path, on behalf of a repository.
    ///
    /// # Errors
    /// It failed for good.
    pub fn get(&self, repo: &RepoName, path: String, what: String) -> Result<Answer, Fault> {
        let call = Call {
            method: Method::GET,
            path,
            body: None,
            repeat: Repeat::Safe,
            what,
        };
        self.0.call(repo, &call)
    }

    /// Asks a GraphQL question, and gives the data. What is `null` in it is not there.
    ///
    /// # Errors
    /// A part of it could not be read, or it is no question.
    pub fn ask(&self, repo: &RepoName, text: &str, variables: Value, what: String) -> Result<Value, Fault> {
        self.ask_parts(repo, text, variables, what.clone())?.whole(what)
    }

    /// Asks a GraphQL question of several parts, each of which may fail without the others.
    ///
    /// # Errors
    /// There is no data at all, or it is no question.
    pub fn ask_parts(&self, repo: &RepoName, text: &str, variables: Value, what: String) -> Result<Parts, Fault> {
        if text.trim_start().starts_with("mutation") {
            let kind = FaultKind::Fenced(Barred::Reader);
            return Err(Fault { what, kind });
        }
        let query = Query {
            text,
            variables,
            repeat: Repeat::Safe,
            what,
        };
        let (data, errors) = self.0.graphql(repo, &query)?;
        Ok(Parts { data, errors })
    }

    /// How many requests were sent so far, and what GitHub says is left.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }
}

/// A GraphQL question.
pub struct Query<'a> {
    /// The text.
    pub text: &'a str,
    /// Its variables.
    pub variables: Value,
    /// Whether it may be asked twice.
    pub repeat: Repeat,
    /// What is being done, for errors.
    pub what: String,
}

type Raw = (u16, HeaderMap, Vec<u8>);

async fn send(crab: &Octocrab, call: &Call, token: &Secret, etag: Option<&str>) -> Result<Raw, FaultKind> {
    let broken = |error: &dyn std::fmt::Display| FaultKind::Connection(error.to_string());
    let mut secret = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| FaultKind::Credential("the token has characters that no token has".into()))?;
    secret.set_sensitive(true);
    let mut builder = http::Request::builder()
        .method(call.method.clone())
        .uri(call.path.as_str())
        .header(AUTHORIZATION, secret)
        .header(ACCEPT, "application/vnd.github+json");
    if let Some(etag) = etag {
        builder = builder.header(IF_NONE_MATCH, etag);
    }
    let request = crab.build_request(builder, call.body.as_ref());
    let request = request.map_err(|error| FaultKind::Connection(deepest(&error)))?;
    let response = crab.send(request).await;
    let response = response.map_err(|error| FaultKind::Connection(deepest(&error)))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|error| broken(&error))?.to_bytes();
    Ok((parts.status.as_u16(), parts.headers, body.to_vec()))
}

/// What an error comes down to: octocrab's own text carries a backtrace.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A request that an App makes for itself.
fn of_app(method: Method, path: String) -> Call {
    Call {
        method,
        path,
        body: None,
        repeat: Repeat::Safe,
        what: String::new(),
    }
}

/// Tells an answer from a fault.
fn understand(status: u16, headers: &HeaderMap, body: &[u8], now: i64, token: &Secret) -> Result<Answer, FaultKind> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if (301..=308).contains(&status) && status != 304 {
        return Err(FaultKind::Redirected(
            header(LOCATION.as_str()).unwrap_or_default().to_owned(),
        ));
    }
    let json: Result<Value, _> = match body {
        [] => Ok(Value::Null),
        body => serde_json::from_slice(body),
    };
    if (200..300).contains(&status) || status == 304 {
        return Ok(Answer {
            status,
            body: json.map_err(|error| FaultKind::Garbled(error.to_string()))?,
            date: header(DATE.as_str())
                .and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok())
                .map(|date| date.timestamp()),
            etag: header(ETAG.as_str()).map(str::to_owned),
        });
    }
    let message = message_of(json.as_ref().ok());
    let message = token.scrub(&message);
    Err(match status {
        401 => FaultKind::Unauthorized(message),
        403 | 429 => limited(&header, now).unwrap_or(match status {
            429 => slow(60),
            _ => FaultKind::Forbidden(message),
        }),
        404 | 410 | 451 => FaultKind::NotFound,
        409 | 422 => FaultKind::Refused { status, message },
        408 | 500.. => FaultKind::Server(status),
        _ => FaultKind::Other { status, message },
    })
}

/// Reads an answer of the API as one that came with a status, for the mutation runner (`tests/fuzz`).
pub fn answered(status: u16, body: &[u8]) {
    let read = understand(status, &HeaderMap::new(), body, 0, &Secret::new("s"));
    drop(read.and_then(|answer| data_of(answer.body)));
}

fn message_of(body: Option<&Value>) -> String {
    let refusal: Refusal = body.and_then(read).unwrap_or_default();
    let mut message = refusal.message.0.unwrap_or_else(|| "no reason given".into());
    for reason in refusal.errors.iter().filter_map(|reason| reason.as_ref()) {
        let (Reason::Text(text) | Reason::Told { message: text }) = reason;
        message.push_str("; ");
        message.push_str(text);
    }
    crate::base::text::terminal(&message).chars().take(500).collect()
}

fn slow(seconds: u64) -> FaultKind {
    FaultKind::RateLimited {
        wait: Duration::from_secs(seconds),
        secondary: true,
    }
}

/// The limit that an answer speaks of, as GitHub documents: `retry-after`, else no requests left until a time.
fn limited<'h>(header: &impl Fn(&str) -> Option<&'h str>, now: i64) -> Option<FaultKind> {
    if let Some(seconds) = header("retry-after").and_then(|text| text.parse().ok()) {
        return Some(slow(seconds));
    }
    if header("x-ratelimit-remaining") != Some("0") {
        return None;
    }
    let reset: i64 = header("x-ratelimit-reset")?.parse().ok()?;
    Some(FaultKind::RateLimited {
        wait: Duration::from_secs(reset.saturating_sub(now).clamp(1, 86_400) as u64),
        secondary: false,
    })
}

/// Data and errors of a GraphQL answer.
fn data_of(body: Value) -> Result<(Value, Vec<GraphError>), FaultKind> {
    if !body.is_object() {
        return Err(FaultKind::Garbled("it is no JSON object".into()));
    }
    let answer: Graph = serde_json::from_value(body).map_err(|error| FaultKind::Garbled(error.to_string()))?;
    let (data, errors) = (answer.data, answer.errors.unwrap_or_default());
    if let Some(error) = errors.iter().find(|error| error.kind == "RATE_LIMITED") {
        tracing::debug!(error.message, "the limit of GraphQL is used up");
        return Err(slow(60));
    }
    match (&data, errors.first()) {
        (Value::Null, Some(error)) => Err(error.fault()),
        (Value::Null, None) => Err(FaultKind::Garbled("neither data nor errors".into())),
        _ => Ok((data, errors)),
    }
}

/// Seconds since 1970-01-01 of a time as the API writes it.
pub fn seconds(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.timestamp())
}
