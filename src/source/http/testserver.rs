//! A tiny HTTP server on loopback in front of git's own `git http-backend`, for tests.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How the server answers.
#[derive(Clone, Default)]
pub struct Manner {
    /// Ignores the client's wish for protocol version 2.
    pub old: bool,
    /// Answers every request so, status line, headers and body.
    pub always: Option<String>,
    /// Sends paths that start with `/old/` to this URL's base.
    pub redirect: Option<String>,
    /// Ends each answer to a POST after so many bytes.
    pub cut: Option<usize>,
    /// Refuses to leave anything out, whatever it offers.
    pub refuse_filter: bool,
    /// Knows nothing of single files.
    pub forgets: bool,
    /// Leaves folders out that it was asked for.
    pub forgets_folders: bool,
    /// Breaks off the answer to this fetch and all later ones; the first is 0.
    pub gone_at: Option<usize>,
}

/// One request that came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

/// The running server; it ends with this value.
pub struct TestServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    sent: Arc<AtomicU64>,
    mended: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Serves the repositories below `root`.
    pub fn start(root: &Path, manner: Manner) -> Self {
        let backend = find_backend().expect("git with its `http-backend`, which these tests need, is installed");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let sent = Arc::new(AtomicU64::new(0));
        let mended = Arc::new(AtomicBool::new(false));
        let backend = Arc::new(Backend {
            program: backend,
            root: root.to_owned(),
            manner,
            seen: Arc::clone(&seen),
            sent: Arc::clone(&sent),
            fetches: AtomicU64::new(0),
            mended: Arc::clone(&mended),
        });
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let backend = Arc::clone(&backend);
                // A client that goes away is its own affair; tests look at what the client reports.
                std::thread::spawn(move || drop(backend.serve(stream)));
            }
        });
        Self {
            address,
            seen,
            sent,
            mended,
            stop,
            thread: Some(thread),
        }
    }

    /// The URL of a path on the server, with credentials if they are not empty.
    pub fn url(&self, credentials: &str, path: &str) -> String {
        let at = if credentials.is_empty() { "" } else { "@" };
        format!("http://{credentials}{at}{}/{path}", self.address)
    }

    /// From now on it is no longer [gone](Manner::gone_at), and forgets nothing.
    pub fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }

    /// How many bytes of answers were sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Takes the requests since the last call.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Lines that no other file has, and that do not compress well: at least so many bytes.
pub fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(bytes + 20);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}\n"));
    }
    text
}

fn find_backend() -> Option<PathBuf> {
    let output = Command::new("git").arg("--exec-path").output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    Some(Path::new(dir.trim()).join("git-http-backend")).filter(|path| path.is_file())
}

struct Backend {
    program: PathBuf,
    root: PathBuf,
    manner: Manner,
    seen: Arc<Mutex<Vec<Seen>>>,
    sent: Arc<AtomicU64>,
    fetches: AtomicU64,
    mended: Arc<AtomicBool>,
}

impl Backend {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        let (request, headers) = read_request(&mut reader)?;
        self.seen.lock().unwrap().push(request.clone());
        if let Some(answer) = &self.manner.always {
            return stream.write_all(answer.as_bytes());
        }
        if let (Some(to), Some(rest)) = (&self.manner.redirect, request.target.strip_prefix("/old/")) {
            return write!(
                stream,
                "HTTP/1.1 301 Moved\r\nLocation: {to}/{rest}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        let has = |what: &[u8]| request.body.windows(what.len()).any(|window| window == what);
        let is_filtered = has(b"filter blob:none");
        let is_fetch = has(b"command=fetch");
        let is_blobs = is_fetch && !has(b"deepen 1") && !is_filtered;
        let fetches = match is_fetch {
            true => self.fetches.fetch_add(1, Ordering::SeqCst),
            false => 0,
        };
        let is_mended = self.mended.load(Ordering::SeqCst);
        let is_gone = is_fetch && !is_mended && self.manner.gone_at.is_some_and(|at| fetches >= at as u64);
        if (self.manner.refuse_filter && is_filtered) || (self.manner.forgets && is_blobs && !is_mended) {
            let text = "ERR upload-pack: not our ref\n";
            let body = format!("{:04x}{text}", text.len() + 4);
            return write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        let mut request = request;
        if self.manner.forgets_folders {
            request.body = String::from_utf8_lossy(&request.body)
                .replace("0015filter blob:none", "0012filter tree:0")
                .into_bytes();
        }
        let output = self.run(&request, &headers)?;
        let cut = self.manner.cut.filter(|_| request.method == "POST");
        // Enough for the headings and not for the pack.
        let cut = cut.or_else(|| is_gone.then_some(40)).unwrap_or(usize::MAX);
        let split = output
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map_or(output.len(), |at| at + 4);
        let (head, body) = output.split_at(split);
        let head = String::from_utf8_lossy(head);
        let status = head
            .lines()
            .find_map(|line| line.strip_prefix("Status: "))
            .unwrap_or("200 OK");
        write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{head}",
            body.len()
        )?;
        let body = &body[..body.len().min(cut)];
        self.sent.fetch_add(body.len() as u64, Ordering::SeqCst);
        stream.write_all(body)
    }

    /// Runs git's CGI program, with nothing of the user's or system's configuration.
    fn run(&self, request: &Seen, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let header = |name: &str| {
            headers
                .iter()
                .find(|(key, _)| key == name)
                .map_or("", |(_, value)| value.as_str())
        };
        let protocol = if self.manner.old { "" } else { header("git-protocol") };
        let mut child = Command::new(&self.program)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .env("GIT_PROTOCOL", protocol)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        child.stdin.take().unwrap().write_all(&request.body)?;
        Ok(child.wait_with_output()?.stdout)
    }
}

fn read_request(reader: &mut impl BufRead) -> io::Result<(Seen, Vec<(String, String)>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let mut body = vec![
        0;
        header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0)
    ];
    reader.read_exact(&mut body)?;
    Ok((
        Seen {
            method,
            target,
            authorization: header("authorization"),
            body,
        },
        headers,
    ))
}
