//! A registry on loopback: what it holds is set by the test, and so is what it gets wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LIST: &str = "application/vnd.oci.image.index.v1+json";

/// A registry that runs until the test's process ends.
pub struct Registry {
    host: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Manifests by tag and digest.
    manifests: BTreeMap<String, (&'static str, Vec<u8>)>,
    /// What is sent for a digest.
    blobs: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
    /// The `Authorization` of each request.
    shown: Vec<String>,
    login: Option<String>,
    /// What is asked for, in place of a token of its own.
    challenge: Option<String>,
    token: Option<String>,
    /// Says neither how long an answer is nor which digest it has.
    taciturn: bool,
    failure: Option<u16>,
}

/// `sha256:…` of bytes.
pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A tar of entries, each name exactly as it is given; of links the content is the target.
pub fn layer(entries: &[(tar::EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        let bytes = match kind {
            tar::EntryType::Symlink => {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                &[][..]
            }
            _ => content.as_bytes(),
        };
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, bytes).expect("appended");
    }
    builder.into_inner().expect("finished")
}

impl Registry {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, own) = (Arc::clone(&state), host.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, own) = (Arc::clone(&shared), own.clone());
                std::thread::spawn(move || serve(stream, &shared, &own));
            }
        });
        Self { host, state }
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.host.clone()
    }

    /// The full name of an image.
    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.host)
    }

    /// Puts an image in; its layers' lowest comes first. Yields its digest.
    pub fn image(&self, tag: &str, layers: &[Vec<u8>]) -> String {
        let describe = |bytes: &Vec<u8>| {
            let kind = "application/vnd.oci.image.layer.v1.tar";
            json!({"mediaType": kind, "digest": sha256(bytes), "size": bytes.len()})
        };
        for bytes in layers {
            self.send_for(&sha256(bytes), bytes.clone());
        }
        let config =
            json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(b"{}"), "size": 2});
        let layers: Vec<Value> = layers.iter().map(describe).collect();
        self.put(
            tag,
            MANIFEST,
            &json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}),
        )
    }

    /// Puts a list of images in, by architecture.
    pub fn list(&self, tag: &str, images: &[(&str, String)]) {
        let entry = |(architecture, digest): &(&str, String)| {
            let platform = json!({"os": "linux", "architecture": architecture});
            json!({"mediaType": MANIFEST, "digest": digest, "size": 2, "platform": platform})
        };
        let manifests: Vec<Value> = images.iter().map(entry).collect();
        self.put(
            tag,
            LIST,
            &json!({"schemaVersion": 2, "mediaType": LIST, "manifests": manifests}),
        );
    }

    /// Takes a tag away.
    pub fn forget(&self, tag: &str) {
        self.state().manifests.remove(tag);
    }

    fn put(&self, tag: &str, kind: &'static str, manifest: &Value) -> String {
        let bytes = manifest.to_string().into_bytes();
        let digest = sha256(&bytes);
        let mut state = self.state();
        for name in [tag, &digest] {
            state.manifests.insert(name.to_owned(), (kind, bytes.clone()));
        }
        digest
    }

    /// Says what is sent for a digest.
    pub fn send_for(&self, digest: &str, bytes: Vec<u8>) {
        self.state().blobs.insert(digest.to_owned(), bytes);
    }

    /// Lets nobody in without a token, which is given for a login only.
    pub fn ask_for_login(&self, user: &str, password: &str) {
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.state().login = Some(login);
    }

    /// Asks for this instead of a token of its own.
    pub fn challenge(&self, challenge: &str) {
        self.state().challenge = Some(challenge.to_owned());
    }

    /// Gives this token to whoever has the login, and takes it.
    pub fn give(&self, token: &str) {
        self.state().token = Some(token.to_owned());
    }

    /// Says neither how long an answer is nor which digest it has.
    pub fn be_taciturn(&self) {
        self.state().taciturn = true;
    }

    /// What is sent as the manifest of a tag.
    pub fn send_as_manifest(&self, tag: &str, bytes: Vec<u8>) {
        self.state().manifests.insert(tag.to_owned(), (MANIFEST, bytes));
    }

    /// What requests showed of a login; empty ones left out.
    pub fn shown(&self) -> Vec<String> {
        let state = self.state();
        state.shown.iter().filter(|text| !text.is_empty()).cloned().collect()
    }

    /// Answers everything with a status.
    pub fn fail_with(&self, status: u16) {
        self.state().failure = Some(status);
    }

    /// The paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn token(&self) -> &str {
        self.token.as_deref().unwrap_or("t0ken")
    }
}

/// An answer: status, headers, body.
type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

fn serve(mut stream: TcpStream, state: &Mutex<State>, host: &str) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let (mut first, mut authorization) = (String::new(), String::new());
    if reader.read_line(&mut first).is_err() {
        return;
    }
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = value.trim().to_owned();
        }
    }
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.shown.push(authorization.clone());
    let (status, mut headers, body) = answer(&mut state, path, &authorization, host);
    let mut text = format!("HTTP/1.1 {status} said\r\nConnection: close\r\n");
    if state.taciturn && status == 200 {
        headers.retain(|(name, _)| *name != "Docker-Content-Digest");
    } else {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    headers
        .iter()
        .for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    // A client that has gone away is no fault of the test.
    let _ = stream.write_all(text.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(&body);
    }
}

fn answer(state: &mut State, path: &str, authorization: &str, host: &str) -> Answer {
    state.asked.push(path.to_owned());
    if let Some(status) = state.failure {
        return (status, Vec::new(), Vec::new());
    }
    if path.starts_with("/token") {
        let known = state
            .login
            .as_ref()
            .is_some_and(|login| authorization == format!("Basic {login}"));
        return match known {
            true => (
                200,
                Vec::new(),
                json!({"token": state.token()}).to_string().into_bytes(),
            ),
            false => (401, Vec::new(), Vec::new()),
        };
    }
    let accepted = match (&state.login, &state.challenge) {
        (Some(login), Some(challenge)) if challenge.starts_with("Basic") => format!("Basic {login}"),
        _ => format!("Bearer {}", state.token()),
    };
    if state.login.is_some() && authorization != accepted {
        let own = format!("Bearer realm=\"http://{host}/token\",service=\"registry\"");
        let challenge = state.challenge.clone().unwrap_or(own);
        return (401, vec![("WWW-Authenticate", challenge)], Vec::new());
    }
    if path == "/v2/" {
        return (200, Vec::new(), Vec::new());
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    if path.contains("/manifests/") {
        return match state.manifests.get(name) {
            Some((kind, bytes)) => {
                let headers = vec![
                    ("Content-Type", (*kind).to_owned()),
                    ("Docker-Content-Digest", sha256(bytes)),
                ];
                (200, headers, bytes.clone())
            }
            None => (
                404,
                Vec::new(),
                b"{\"errors\": [{\"code\": \"MANIFEST_UNKNOWN\"}]}".to_vec(),
            ),
        };
    }
    match state.blobs.get(name) {
        Some(bytes) => (200, Vec::new(), bytes.clone()),
        None => (404, Vec::new(), Vec::new()),
    }
}
