//! Small made-up worlds for findings: what a fixture says is different from the base world, on disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep::config;
use lockstep::run::{LoadedRules, Run, begin, rule_files};
use lockstep::source::Sources;
use lockstep::store::Store;
use serde_json::Value as Json;
use serde_yaml::{Mapping, Value};

/// The fixture of a code.
pub struct Case {
    /// The code.
    pub code: String,
    /// Further codes of the positive world.
    pub also: BTreeSet<String>,
    /// The codes of the negative world.
    pub otherwise: BTreeSet<String>,
    /// File and line of a finding of the code.
    pub at: Option<String>,
    /// A part of its message.
    pub says: Option<String>,
    /// What is run.
    pub run: Vec<String>,
    /// A test in place of worlds.
    pub shown_by: Option<String>,
    root: Mapping,
}

const KEYS: [&str; 11] = [
    "positive", "negative", "copy", "git", "also", "else", "at", "says", "config", "run", "shown-by",
];

impl Case {
    /// Reads the fixture of a code.
    pub fn read(code: &str) -> Result<Self, String> {
        let path = fixtures().join(format!("{code}.yaml"));
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let root: Mapping = serde_yaml::from_str(&text).map_err(|error| format!("{code}.yaml: {error}"))?;
        if let Some(key) = root
            .keys()
            .find(|key| !KEYS.contains(&key.as_str().unwrap_or_default()))
        {
            return Err(format!("{code}.yaml: unknown key {key:?}"));
        }
        let texts = |key: &str| -> Vec<String> {
            let items = root.get(key).and_then(Value::as_sequence).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let text = |key: &str| root.get(key).and_then(Value::as_str).map(str::to_owned);
        if text("shown-by").is_none() && !(root.contains_key("positive") && root.contains_key("negative")) {
            return Err(format!("{code}.yaml: `positive` and `negative` are needed"));
        }
        Ok(Self {
            code: code.to_owned(),
            also: texts("also").into_iter().collect(),
            otherwise: texts("else").into_iter().collect(),
            at: text("at"),
            says: text("says"),
            run: texts("run"),
            shown_by: text("shown-by"),
            root,
        })
    }

    /// The codes of the positive world.
    pub fn also_with(&self, code: &str) -> BTreeSet<String> {
        self.also.iter().cloned().chain([code.to_owned()]).collect()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit")
}

/// A world on disk.
pub struct World {
    dir: tempfile::TempDir,
}

/// What a run said.
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl World {
    /// The base world.
    pub fn base() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        copy(&fixtures().join("base"), dir.path());
        Self { dir }
    }

    /// A case's positive or negative world.
    pub fn of(case: &Case, which: &str) -> Result<Self, String> {
        let world = Self::base();
        for (from, to) in case.root.get("copy").and_then(Value::as_mapping).into_iter().flatten() {
            let (from, to) = (from.as_str().unwrap_or_default(), to.as_str().unwrap_or_default());
            copy(&world.path(from), &world.path(to));
        }
        if let Some(config) = case.root.get("config").and_then(Value::as_mapping) {
            world.configure(config);
        }
        if let Some(changes) = case.root.get(which) {
            world.change(changes)?;
        }
        for repo in case.root.get("git").and_then(Value::as_sequence).into_iter().flatten() {
            world.commit(repo)?;
        }
        Ok(world)
    }

    /// A path below the world.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Puts keys of the configuration in the place of the base's.
    pub fn configure(&self, keys: &Mapping) {
        let path = self.path("lockstep.yaml");
        let text = fs::read_to_string(&path).expect("the configuration");
        let mut config: Mapping = serde_yaml::from_str(&text).expect("YAML");
        for (key, value) in keys {
            match (config.get_mut(key).and_then(Value::as_mapping_mut), value.as_mapping()) {
                (Some(there), Some(new)) => there.extend(new.clone()),
                _ => drop(config.insert(key.clone(), value.clone())),
            }
        }
        fs::write(path, serde_yaml::to_string(&config).expect("YAML")).expect("a file");
    }

    /// Takes a key out of the configuration.
    pub fn unconfigure(&self, key: &str) {
        let path = self.path("lockstep.yaml");
        let text = fs::read_to_string(&path).expect("the configuration");
        let mut config: Mapping = serde_yaml::from_str(&text).expect("YAML");
        config.remove(key);
        fs::write(path, serde_yaml::to_string(&config).expect("YAML")).expect("a file");
    }

    /// Makes changes: path → text, `{old: new}`, or null.
    pub fn change(&self, changes: &Value) -> Result<(), String> {
        for (path, change) in changes.as_mapping().into_iter().flatten() {
            self.change_one(path.as_str().unwrap_or_default(), change)?;
        }
        Ok(())
    }

    fn change_one(&self, name: &str, change: &Value) -> Result<(), String> {
        let path = self.path(name);
        match change {
            Value::Null if path.is_dir() => fs::remove_dir_all(&path).map_err(|error| format!("{name}: {error}")),
            Value::Null => fs::remove_file(&path).map_err(|error| format!("{name}: {error}")),
            Value::Mapping(pairs) => {
                let mut text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
                for (old, new) in pairs {
                    let (old, new) = (old.as_str().unwrap_or_default(), new.as_str().unwrap_or_default());
                    if !text.contains(old) {
                        return Err(format!("{name} has no `{old}`"));
                    }
                    text = text.replace(old, new);
                }
                fs::write(&path, text).map_err(|error| format!("{name}: {error}"))
            }
            text => {
                fs::create_dir_all(path.parent().expect("a folder")).map_err(|error| format!("{name}: {error}"))?;
                let text = text.as_str().ok_or_else(|| format!("{name}: a text is expected"))?;
                fs::write(&path, text).map_err(|error| format!("{name}: {error}"))
            }
        }
    }

    /// Makes a git repository of a folder: what is there, then each of the commits.
    pub fn commit(&self, repo: &Value) -> Result<(), String> {
        let text = |key: &str| repo.get(key).and_then(Value::as_str).unwrap_or_default();
        let (folder, branch) = (text("repo"), text("branch"));
        let path = self.path(folder);
        lockstep::source::prepare_git();
        let mut options = git2::RepositoryInitOptions::new();
        options.external_template(false).initial_head(branch);
        let git = git2::Repository::init_opts(&path, &options).map_err(|error| error.to_string())?;
        let mut time = 1_700_000_000;
        take(&git, time).map_err(|error| error.to_string())?;
        for commit in repo.get("commits").and_then(Value::as_sequence).into_iter().flatten() {
            for (file, change) in commit.as_mapping().into_iter().flatten() {
                self.change_one(&format!("{folder}/{}", file.as_str().unwrap_or_default()), change)?;
            }
            time += 86_400;
            take(&git, time).map_err(|error| error.to_string())?;
        }
        let tip = git
            .head()
            .and_then(|head| head.peel_to_commit())
            .map_err(|error| error.to_string())?;
        for other in repo.get("also").and_then(Value::as_sequence).into_iter().flatten() {
            let made = git.branch(other.as_str().unwrap_or_default(), &tip, false);
            made.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Runs a command, by default `audit --format json`.
    pub fn run(&self, args: &[String]) -> Ran {
        let usual = ["audit", "--format", "json"].map(str::to_owned);
        let args = if args.is_empty() { &usual[..] } else { args };
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        let output = command
            .args(args)
            .args(["--config", "lockstep.yaml"])
            .current_dir(self.dir.path());
        let output = output.env_clear().output().expect("the program runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// A run by a configuration in this process, by the built-in rules or those that it names.
pub fn in_process(config: &Path, change: impl FnOnce(Sources) -> Sources) -> Run {
    let config = config::load(config).unwrap_or_else(|error| panic!("{error}"));
    let rules = LoadedRules::new(rule_files::read(&config.rules).expect("rules"));
    let (sources, store) = (begin::sources(&config).expect("sources"), Store::open(&config.state).0);
    Run::new(config, rules, change(sources)).remembering(store, "test")
}

/// Commits a work tree as it is.
fn take(git: &git2::Repository, time: i64) -> Result<(), git2::Error> {
    let mut index = git.index()?;
    index.add_all(["*"], git2::IndexAddOption::FORCE, None)?;
    index.update_all(["*"], None)?;
    let tree = git.find_tree(index.write_tree()?)?;
    let who = git2::Signature::new("A Tester", "tester@example.com", &git2::Time::new(time, 0))?;
    let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<_> = parent.iter().collect();
    git.commit(Some("HEAD"), &who, &who, "A change", &tree, &parents)?;
    Ok(())
}

impl Ran {
    fn findings(&self) -> Vec<Json> {
        let root: Json = serde_json::from_str(&self.stdout).unwrap_or_default();
        root["findings"].as_array().cloned().unwrap_or_default()
    }

    /// The codes of all findings. A release that cannot be derived at all tells on stderr.
    pub fn codes(&self) -> BTreeSet<String> {
        let said = self.stderr.lines().filter_map(|line| line.strip_prefix("error["));
        let said = said.filter_map(|line| Some(line.split_once(']')?.0.to_owned()));
        let found = self
            .findings()
            .into_iter()
            .filter_map(|finding| Some(finding["code"].as_str()?.to_owned()));
        found.chain(said).collect()
    }

    /// File and line of the findings of a code.
    pub fn places(&self, code: &str) -> BTreeSet<String> {
        let of = self.findings().into_iter().filter(|finding| finding["code"] == code);
        of.map(|finding| {
            let place = &finding["place"];
            let line = place["line"]
                .as_u64()
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            format!("{}{line}", place["file"].as_str().unwrap_or_default())
        })
        .collect()
    }

    /// The messages of the findings of a code.
    pub fn messages(&self, code: &str) -> Vec<String> {
        let of = self.findings().into_iter().filter(|finding| finding["code"] == code);
        of.map(|finding| finding["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(from, to).expect("a file");
        return;
    }
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
