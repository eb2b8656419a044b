//! HTTP requests to a git server: bounded, with redirects and credentials under control.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body, BodyReader};

use crate::net::{self, Patience};
use crate::source::url::{redact, strip_scheme};
use crate::source::{RemoteUrl, SourceError};

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// Any content type will do.
const ANYTHING: &str = "*/*";
/// So much of the answer is read that something is not there, in bytes.
const MAX_SAID: u64 = 4 << 10;
/// The longest text of a server that is shown, in characters.
const MAX_TEXT: usize = 200;

/// Sends requests; connections are kept and shared.
pub(in crate::source) struct Client {
    agent: Agent,
    sent: AtomicU64,
    results: Patience,
}

/// A request's answer with the URL that gave it after redirects.
pub(super) struct Answer {
    pub(super) base: RemoteUrl,
    pub(super) body: BodyReader<'static>,
}

/// What asks: decides on errors' places and on who may see the credentials.
pub(super) struct Request<'a> {
    /// The repository as configured, credentials included.
    pub(super) url: &'a RemoteUrl,
    /// The most bytes of an answer that are read.
    pub(super) limit: u64,
    /// The content type that an answer must have, or [`ANYTHING`].
    pub(super) accept: &'static str,
}

/// A body as it comes. That its server has become silent is told from that it broke off.
struct Patient<R>(R);

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            match inner {
                Some(ureq::Error::Timeout(_)) => io::Error::new(io::ErrorKind::TimedOut, error.to_string()),
                _ => error,
            }
        })
    }
}

impl Client {
    /// `results`: how long whoever has results of builds may take.
    pub(in crate::source) fn new(results: Patience) -> Self {
        let config = net::ureq(net::GIT)
            // Redirects are followed by hand: which ones may be is decided here, and the new base is needed.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Some servers and proxies serve git's protocol to clients that call themselves git only.
            .user_agent(concat!("git/lockstep-", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.new_agent(),
            sent: AtomicU64::new(0),
            results,
        }
    }

    /// How many requests were sent so far.
    pub(in crate::source) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Gets `<repository><suffix>`, following redirects that end in the same suffix to the same scheme or to https.
    pub(super) fn get(&self, request: &Request<'_>, suffix: &str) -> Result<Answer, SourceError> {
        let mut base = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut call = self.agent.get(format!("{}{suffix}", base.base()));
            call = call.header("Git-Protocol", "version=2").header(header::ACCEPT, "*/*");
            if let Some(basic) = authorization(request.url, &base) {
                call = call.header(header::AUTHORIZATION, basic);
            }
            let proxy = net::proxy(base.authority());
            self.sent.fetch_add(1, Ordering::Relaxed);
            let answer = call.config().proxy(proxy).build().call();
            let answer = answer.map_err(|error| request.unreachable(error.to_string()))?;
            if answer.status().is_redirection() {
                base = request.redirected(&base, &answer, suffix)?;
                continue;
            }
            return Ok(Answer {
                body: request.check(answer)?,
                base,
            });
        }
        Err(request.unreachable(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Gets one file, following redirects.
    pub(in crate::source) fn file(&self, url: &RemoteUrl, limit: u64) -> Result<Vec<u8>, SourceError> {
        let request = Request {
            url,
            limit,
            accept: ANYTHING,
        };
        let mut answer = self.get(&request, "").map_err(|error| match error {
            SourceError::NotFound { place } => SourceError::NoFile { place, code: None },
            other => other,
        })?;
        let mut bytes = Vec::new();
        let read = answer.body.read_to_end(&mut bytes);
        read.map_err(|error| request.unreachable(error.to_string()))?;
        Ok(bytes)
    }

    /// Gets what is below an address, to be read as it comes. A redirect is refused, wherever it leads.
    pub(in crate::source) fn below(
        &self,
        base: &RemoteUrl,
        suffix: &str,
        limit: u64,
    ) -> Result<Box<dyn Read>, SourceError> {
        let request = Request {
            url: base,
            limit,
            accept: ANYTHING,
        };
        let proxy = net::proxy(base.authority());
        self.sent.fetch_add(1, Ordering::Relaxed);
        let call = self.agent.get(format!("{}{suffix}", base.base()));
        let call = call
            .config()
            .proxy(proxy)
            .timeout_per_read(Some(self.results.silence))
            .timeout_recv_response(Some(self.results.silence))
            .timeout_global(Some(self.results.total));
        let answer = call.build().call();
        let answer = answer.map_err(|error| request.unreachable(error.to_string()))?;
        if answer.status().is_redirection() {
            return Err(request.unreachable("the server redirects, which is not followed"));
        }
        if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            let mut said = Vec::new();
            // What cannot be read says nothing: that there is no file is known already.
            let _ = answer.into_body().into_reader().take(MAX_SAID).read_to_end(&mut said);
            return Err(SourceError::NoFile {
                place: format!("{base}{suffix}"),
                code: code(&String::from_utf8_lossy(&said)),
            });
        }
        Ok(Box::new(Patient(request.check(answer)?)))
    }

    /// Posts a message to `<base><suffix>`. Redirects are not followed: the GET before has settled where to go.
    pub(super) fn post(
        &self,
        request: &Request<'_>,
        base: &RemoteUrl,
        v2: bool,
        message: &[u8],
    ) -> Result<BodyReader<'static>, SourceError> {
        let mut call = self.agent.post(format!("{}/git-upload-pack", base.base()));
        call = call
            .content_type("application/x-git-upload-pack-request")
            .header(header::ACCEPT, request.accept);
        if v2 {
            call = call.header("Git-Protocol", "version=2");
        }
        if let Some(basic) = authorization(request.url, base) {
            call = call.header(header::AUTHORIZATION, basic);
        }
        let proxy = net::proxy(base.authority());
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = call.config().proxy(proxy).build().send(message);
        request.check(answer.map_err(|error| request.unreachable(error.to_string()))?)
    }
}

impl Request<'_> {
    pub(super) fn unreachable(&self, message: impl AsRef<str>) -> SourceError {
        SourceError::Unreachable {
            place: self.url.to_string(),
            message: plain(message.as_ref()),
        }
    }

    /// Takes an answer's body, or says why there is none.
    fn check(&self, answer: Response<Body>) -> Result<BodyReader<'static>, SourceError> {
        let place = self.url.to_string();
        let status = answer.status();
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(SourceError::NotFound { place }),
            // Forges answer so for a repository that does not exist, too: whether it does is a secret.
            StatusCode::UNAUTHORIZED => {
                let message = format!("{status}; it is private, or there is no such repository");
                return Err(SourceError::Denied { place, message });
            }
            StatusCode::FORBIDDEN => {
                return Err(SourceError::Denied {
                    place,
                    message: status.to_string(),
                });
            }
            _ => return Err(self.unreachable(format!("the server answered {status}"))),
        }
        let kind = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|kind| String::from_utf8_lossy(kind.as_bytes()));
        if self.accept != ANYTHING && kind.as_deref() != Some(self.accept) {
            let kind = kind.as_deref().unwrap_or("nothing");
            return Err(self.unreachable(format!("no git server answers there (it sent {kind})")));
        }
        Ok(answer.into_body().into_with_config().limit(self.limit).reader())
    }

    /// Yields the base that a redirect leads to.
    fn redirected(&self, from: &RemoteUrl, answer: &Response<Body>, suffix: &str) -> Result<RemoteUrl, SourceError> {
        let to = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok())
            .unwrap_or_default();
        let to = if to.starts_with('/') && !to.starts_with("//") {
            from.at_path(to)
        } else {
            to.to_owned()
        };
        let refused = |why: &str| self.unreachable(format!("redirected to {}, {why}", redact(&to)));
        let Some(base) = to.strip_suffix(suffix) else {
            return Err(refused("which is no git server's address"));
        };
        let Some((secure, rest)) = strip_scheme(base) else {
            return Err(refused("which is no URL of http(s)"));
        };
        if from.is_secure() && !secure {
            return Err(refused("which is not encrypted"));
        }
        RemoteUrl::new(secure, rest)
            .map(RemoteUrl::without_credentials)
            .map_err(refused)
    }
}

/// The code of an error as servers with buckets write it.
fn code(said: &str) -> Option<String> {
    let (_, after) = said.split_once("<Code>")?;
    let (code, _) = after.split_once("</Code>")?;
    let plain = !code.is_empty() && code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| code.to_owned())
}

/// Basic authentication with the URL's credentials; only for the host they were given for.
fn authorization(configured: &RemoteUrl, target: &RemoteUrl) -> Option<String> {
    let credentials = configured.credentials()?;
    configured
        .same_origin(target)
        .then(|| format!("Basic {}", STANDARD.encode(&credentials)))
}

/// Makes a server's text fit to be shown: one line, no control characters, not too long.
pub(in crate::source) fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Location;

    fn url(text: &str) -> RemoteUrl {
        match Location::parse(text) {
            Ok(Location::Url(url)) => url,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn credentials_go_to_their_own_host_only() {
        let configured = url("https://me:p%40ss@git.example.com/r");
        assert_eq!(
            authorization(&configured, &url("https://git.example.com/other")).unwrap(),
            "Basic bWU6cEBzcw=="
        );
        for other in [
            "https://example.com/r",
            "http://git.example.com/r",
            "https://git.example.com:8443/r",
        ] {
            assert_eq!(authorization(&configured, &url(other)), None, "{other}");
        }
        assert_eq!(authorization(&url("https://host/r"), &url("https://host/r")), None);
    }

    #[test]
    fn texts_of_servers_are_tamed() {
        assert_eq!(plain(" a\x1b[31m\nb\0 "), "a [31m b");
        assert_eq!(plain(&"é".repeat(500)).chars().count(), MAX_TEXT + 1);
    }
}
