//! Runs the program on a copy of the demo, as a person would from a clone of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::fake_github::FakeGithub;

/// A copy of the demo at `fixtures/demo` of an empty folder.
pub struct Demo {
    root: TempDir,
}

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
}

impl Demo {
    /// Copies the demo, without what runs in the project have left in it.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
        let copy = root.path().join("fixtures/demo");
        fs::create_dir_all(&copy).unwrap();
        fs::copy(project.join("lockstep.yaml"), copy.join("lockstep.yaml")).unwrap();
        copy_folder(&project.join("repos"), &copy.join("repos"));
        Self { root }
    }

    /// The demo's folder.
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("fixtures/demo")
    }

    /// Runs a command on the demo.
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(program()
            .args(args)
            .args(["--config", "fixtures/demo/lockstep.yaml"])
            .current_dir(self.root.path()))
    }
}

/// The program, in an environment that says nothing.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The text with `N` for the lines of rules, which move whenever a rule is added.
pub fn without_lines_of_rules(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(".yaml:") {
        let (before, after) = rest.split_at(at + ".yaml:".len());
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        out.push_str(before);
        out.push_str(if digits > 0 { "N" } else { "" });
        rest = &after[digits..];
    }
    out + rest
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Runs until a request to a fake GitHub has been carried out, and kills the process before it gets the answer.
pub fn killed_after(github: &FakeGithub, command: &mut Command, request: usize) {
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let victim = Arc::clone(&child);
    let last = github.requests() + request;
    github.inside().after = Some(Box::new(move |number| {
        if number == last {
            // The process may have sent its first request before its handle was put here.
            while victim.lock().unwrap().is_none() {
                std::thread::yield_now();
            }
            if let Some(child) = victim.lock().unwrap().as_mut() {
                child.kill().unwrap();
            }
        }
    }));
    let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    *child.lock().unwrap() = Some(spawned);
    let killed = loop {
        if let Some(status) = child.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    github.inside().after = None;
    assert!(killed.code().is_none(), "it was killed, it did not end: {killed}");
}
