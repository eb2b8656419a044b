//! Runs the service on a world of real repositories: starts it, reads its log, asks it over HTTP, ends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How long anything may take that is waited for: far longer than it takes, since machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running service.
pub struct Service {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Starts the service with a configuration.
    pub fn start(config: &Path, env: &[(&str, &str)]) -> Self {
        Self::start_with(config, &[], env)
    }

    /// The same with more arguments.
    pub fn start_with(config: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(["serve", "--config"])
            .arg(config)
            .args(args)
            .env_clear()
            .env("RUST_LOG", "lockstep=debug")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, into) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { child, log }
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many lines have a text.
    pub fn count(&self, text: &str) -> usize {
        self.log().iter().filter(|line| line.contains(text)).count()
    }

    /// Waits for so many lines that have a text.
    pub fn wait_for(&self, text: &str, times: usize) {
        wait_until(
            &format!("{times} × `{text}`"),
            || self.log(),
            || self.count(text) >= times,
        );
    }

    /// How many runs are over.
    pub fn runs(&self) -> usize {
        self.count("a run is over")
    }

    /// Waits for the end of a run that starts from now on, and of all that are made until it rests.
    pub fn rest(&self) {
        let mut seen = (self.runs(), Instant::now());
        wait_until(
            "rest",
            || self.log(),
            || {
                let started = self.count("a run starts");
                if started != self.runs() || seen.0 != started {
                    seen = (started, Instant::now());
                }
                seen.1.elapsed() > Duration::from_millis(2500)
            },
        );
    }

    /// The address that it listens on.
    pub fn address(&self) -> String {
        self.wait_for("listening on http://", 1);
        let line = self
            .log()
            .into_iter()
            .find(|line| line.contains("listening on http://"));
        let rest = line.unwrap().split_once("http://").unwrap().1.to_owned();
        let ends = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
        rest[..ends.unwrap_or(rest.len())].to_owned()
    }

    /// Asks over HTTP; the status and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        request(&self.address(), "GET", path, &[], b"").unwrap()
    }

    /// Delivers a webhook, signed with [`SECRET`]; the status and what was said.
    pub fn deliver(&self, event: &str, payload: &serde_json::Value) -> (u16, String) {
        deliver(&self.address(), event, payload)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: it is sent to our own child, which has not been waited for.
        let sent = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(sent, 0);
    }

    /// Tells it to end, and waits; how it ended and how long that took.
    pub fn end(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.signal(libc::SIGTERM);
        (self.wait(), started.elapsed())
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let (log, child) = (Arc::clone(&self.log), &mut self.child);
        let mut status = None;
        wait_until(
            "the end",
            || log.lock().unwrap().clone(),
            || {
                status = child.try_wait().unwrap();
                status.is_some()
            },
        );
        status.unwrap()
    }

    /// Kills it, as a machine does that goes down.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its memory in bytes, and how many files it has open.
    pub fn size(&self) -> (u64, usize) {
        let proc = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{proc}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let files = std::fs::read_dir(format!("{proc}/fd")).map_or(0, Iterator::count);
        (kib.unwrap_or(0) << 10, files)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}\n---", self.child.id(), self.log().join("\n"));
        }
    }
}

/// What webhooks are signed with.
pub const SECRET: &str = "not a secret";

/// The signature of a body.
pub fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// Delivers a webhook that is signed; the status and what was said.
pub fn deliver(address: &str, event: &str, payload: &serde_json::Value) -> (u16, String) {
    let body = payload.to_string().into_bytes();
    let headers = [
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958".to_owned()),
        ("x-hub-signature-256", signature(&body)),
        ("content-type", "application/json".to_owned()),
    ];
    request(address, "POST", "/webhook/github", &headers, &body).unwrap()
}

/// A push, with what counts of GitHub's payload.
pub fn push(repo: &str, branch: &str) -> serde_json::Value {
    let (org, name) = repo.split_once('/').unwrap();
    serde_json::json!({
        "ref": format!("refs/heads/{branch}"), "before": "0".repeat(40), "after": "1".repeat(40),
        "created": false, "deleted": false, "forced": false, "commits": [],
        "repository": {"id": 1, "name": name, "full_name": repo, "owner": {"login": org, "id": 2}, "private": false},
        "sender": {"login": "ann", "id": 3},
    })
}

/// Waits until something holds.
pub fn wait_until(what: &str, log: impl Fn() -> Vec<String>, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < PATIENCE,
            "waited in vain for {what}\n{}",
            log().join("\n")
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Makes one request on a connection of its own.
pub fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Ok((status.unwrap_or(0), body))
}

fn unchunked(mut rest: &str) -> String {
    let mut out = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            break;
        }
        out.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    out
}
