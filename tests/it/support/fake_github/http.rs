//! What GitHub answers, over HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use serde_json::Value;

use super::faults::Fault;
use super::{Exchange, Inside, graphql, rest};
use crate::support::fake_http::{self, Answer, Lost};

/// What may be asked in an hour.
pub const LIMIT: u64 = 5000;

/// Says of every answer what is left, as GitHub does; a fault may have said it already.
fn limited(mut response: Response<Full<Bytes>>, (name, left): (&'static str, u64)) -> Response<Full<Bytes>> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let said = [
        ("x-ratelimit-resource", name.to_owned()),
        ("x-ratelimit-limit", LIMIT.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-used", (LIMIT - left).to_string()),
        ("x-ratelimit-reset", (clock.unwrap().as_secs() + 3600).to_string()),
    ];
    for (name, value) in said {
        let headers = response.headers_mut();
        if !headers.contains_key(name) {
            headers.insert(name, value.parse().unwrap());
        }
    }
    response
}

/// Answers one request; they come one at a time.
pub async fn answer(request: Request<Incoming>, inside: Arc<Mutex<Inside>>) -> Answer {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        body: fake_http::json(body).await?,
        authorization: header("authorization"),
        host: header("host").unwrap_or_default(),
        if_none_match: header("if-none-match"),
    };
    let (fault, response) = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        (inside.next_fault(), inside.answer(&asked))
    };
    if fault.is_some_and(Fault::stalls) {
        std::future::pending::<()>().await;
    }
    response.ok_or(Lost)
}

/// A request.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub authorization: Option<String>,
    pub host: String,
    pub if_none_match: Option<String>,
}

/// A status and a body.
pub type Said = (u16, Value);

impl Inside {
    /// What goes wrong with the next request.
    fn next_fault(&self) -> Option<Fault> {
        let number = self.requests + 1;
        let mut switches = self.faults.iter();
        switches
            .find(|switch| switch.strikes(number))
            .map(|switch| switch.fault)
    }

    fn answer(&mut self, asked: &Asked) -> Option<Response<Full<Bytes>>> {
        let fault = self.next_fault();
        self.requests += 1;
        let number = self.requests;
        let said = match fault {
            Some(fault) if !fault.is_after() => None,
            _ => Some(self.carry_out(asked)),
        };
        let limit = self.spend(asked);
        let response = match fault {
            None => said.as_ref().map(|(status, body)| {
                let etag = etag(asked, body);
                if *status == 200 && etag.is_some() && asked.if_none_match == etag {
                    self.unchanged += 1;
                    return response(304, &[], String::new());
                }
                // A renamed repository's answer says where it is now.
                let place = body["url"].as_str().filter(|_| matches!(status, 301 | 307));
                let place = place.map(|place| ("location", format!("http://{}{place}", asked.host)));
                let headers: Vec<_> = place.into_iter().chain(etag.map(|etag| ("etag", etag))).collect();
                response(*status, &headers, body.to_string())
            }),
            Some(Fault::Truncated) => said.as_ref().map(|(status, body)| {
                let text = body.to_string();
                response(*status, &[], text[..text.len() / 2].to_owned())
            }),
            Some(Fault::Page) => Some(response(200, &[], "<html>down for maintenance</html>".into())),
            Some(fault) => fault
                .answer(self.state.now())
                .map(|(status, headers, body)| response(status, &headers, body.to_string())),
        };
        let response = response.map(|response| limited(response, limit));
        let (status, body) = said.unwrap_or((0, Value::Null));
        self.log.push(Exchange {
            method: asked.method.clone(),
            path: asked.path.clone(),
            request: asked.body.clone(),
            status,
            response: body,
            genuine: fault.is_none(),
            authorization: asked.authorization.clone(),
        });
        if let Some(after) = &mut self.after {
            after(number);
        }
        response
    }

    /// Counts a request against the limit of its API; the limit's name, and what is left of it.
    fn spend(&mut self, asked: &Asked) -> (&'static str, u64) {
        let name = match asked.path.as_str() {
            "/graphql" | "/api/graphql" => "graphql",
            _ => "core",
        };
        let spent = self.spent.entry(name).or_default();
        *spent += 1;
        (name, LIMIT - (*spent).min(LIMIT))
    }

    /// Whether a claim is signed by the app's key, and lasts no longer than GitHub takes.
    fn is_app(&self, claim: &str) -> bool {
        let key = jsonwebtoken::DecodingKey::from_rsa_pem(include_bytes!("app-key.pub.pem")).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_exp = false; // the fake's clock is another
        validation.required_spec_claims.clear();
        let Ok(decoded) = jsonwebtoken::decode::<Value>(claim, &key, &validation) else {
            return false;
        };
        let (from, to) = (
            decoded.claims["iat"].as_i64().unwrap_or(0),
            decoded.claims["exp"].as_i64().unwrap_or(i64::MAX),
        );
        decoded.claims["iss"] == "5" && to - from <= 660
    }

    fn carry_out(&mut self, asked: &Asked) -> Said {
        let bearer = asked
            .authorization
            .as_deref()
            .and_then(|text| text.strip_prefix("Bearer "));
        let claim = bearer.is_some_and(|token| self.is_app(token));
        let known = |token: &str| self.tokens.is_empty() || self.tokens.iter().any(|known| known == token);
        if !claim && !bearer.is_some_and(known) {
            return (
                401,
                serde_json::json!({ "message": "Bad credentials", "documentation_url": "https://docs.github.com/rest" }),
            );
        }
        match asked.path.as_str() {
            "/graphql" | "/api/graphql" => (200, graphql::execute(&mut self.state, &asked.body)),
            _ => rest::answer(self, asked),
        }
    }
}

/// The tag of an answer to a question of REST.
fn etag(asked: &Asked, body: &Value) -> Option<String> {
    let hash = git2::Oid::hash_object(git2::ObjectType::Blob, body.to_string().as_bytes()).unwrap();
    (asked.method == "GET").then(|| format!("\"{hash}\""))
}

fn response(status: u16, headers: &[(&'static str, String)], body: String) -> Response<Full<Bytes>> {
    let mut builder = Response::builder()
        .status(status)
        .header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    let body = if body == "null" { String::new() } else { body };
    builder.body(Full::new(Bytes::from(body))).unwrap()
}
