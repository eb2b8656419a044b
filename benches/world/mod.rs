//! The worlds that are measured: the corpus where it is there, else a generated one of the same size.
#![allow(clippy::disallowed_methods, reason = "measurements make files and processes")]

pub mod generate;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use generate::Size;
use tempfile::TempDir;

/// A world on disk, and a configuration that points at it.
pub struct World {
    dir: PathBuf,
    releases: Vec<String>,
    rules: Vec<String>,
    /// An image file of build data that can be changed.
    image: String,
    runs: AtomicUsize,
    _temporary: TempDir,
}

impl World {
    /// The corpus of 4.16, or a generated world of the same size.
    pub fn real() -> Self {
        match corpus() {
            Some(corpus) => Self::of_corpus(&corpus),
            None => Self::generated(Size::REAL),
        }
    }

    /// A generated world.
    pub fn generated(size: Size) -> Self {
        let temporary = temporary();
        generate::generate(temporary.path(), size);
        Self::new(
            temporary,
            size.release_names(),
            Vec::new(),
            "images/component-0001-0.yml",
        )
    }

    /// A generated world whose components are as large as real ones.
    pub fn filled(size: Size) -> Self {
        let temporary = temporary();
        generate::generate(temporary.path(), size);
        generate::fill(temporary.path(), size);
        Self::new(
            temporary,
            size.release_names(),
            Vec::new(),
            "images/component-0001-0.yml",
        )
    }

    fn of_corpus(corpus: &Path) -> Self {
        let temporary = temporary();
        let made = Command::new("python3")
            .arg(corpus.join("materialize.py"))
            .args([&corpus.join("4.16"), temporary.path()])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        pipeline(corpus, temporary.path());
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/okd-2024-06/rules.yaml");
        let rules = ["--rules", "builtin", "--rules", &rules.display().to_string()].map(str::to_owned);
        Self::new(temporary, vec!["4.16".into()], rules.into(), "images/ose-etcd.yml")
    }

    fn new(temporary: TempDir, releases: Vec<String>, rules: Vec<String>, image: &str) -> Self {
        let world = Self {
            dir: temporary.path().to_owned(),
            releases,
            rules,
            image: image.to_owned(),
            runs: AtomicUsize::new(0),
            _temporary: temporary,
        };
        fs::write(world.dir.join("none.yaml"), world.config("none")).unwrap();
        world
    }

    fn config(&self, state: &str) -> String {
        let releases: Vec<String> = self.releases.iter().map(|release| format!("\"{release}\"")).collect();
        format!(
            "sources:\n  build-data: {{repo: openshift-eng/ocp-build-data.git}}\n  ci-config: {{repo: openshift/release.git}}\n  \
             components: {{repo: \"{{org}}/{{repo}}.git\"}}\nreleases: [{}]\nforge: {{kind: local, dir: forge}}\nstate: {state}\n",
            releases.join(", ")
        )
    }

    /// The same configuration with sources at URLs, its state empty.
    pub fn by_urls(&self, base: &str) -> PathBuf {
        let name = format!("state-{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let text = self.config(&name);
        let text = text
            .replace("{repo: openshift", &format!("{{repo: {base}openshift"))
            .replace("{repo: \"", &format!("{{repo: \"{base}"));
        let path = self.dir.join(format!("{name}.yaml"));
        fs::write(&path, text).unwrap();
        path
    }

    /// Whether its repositories may be fetched in part.
    pub fn allow_filter(&self, allowed: bool) {
        for org in ["openshift", "openshift-eng"] {
            for repo in fs::read_dir(self.dir.join(org)).unwrap().flatten() {
                let repo = git2::Repository::open_bare(repo.path()).unwrap();
                repo.config()
                    .unwrap()
                    .set_bool("uploadpack.allowFilter", allowed)
                    .unwrap();
            }
        }
    }

    /// A configuration whose state is empty.
    pub fn nothing_cached(&self) -> PathBuf {
        let name = format!("state-{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let path = self.dir.join(format!("{name}.yaml"));
        fs::write(&path, self.config(&name)).unwrap();
        path
    }

    /// Renders; what is rendered is checked to be something.
    pub fn command(&self, config: &Path, releases: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        command
            .args(["render", "--target", "prow-config", "--config"])
            .arg(config);
        command.args(&self.rules).arg("--out").arg(self.dir.join("rendered"));
        for release in releases {
            command.args(["--release", release]);
        }
        command
    }

    /// Renders the pipeline's files as well; without the corpus there are none that people made.
    pub fn with_pipeline(&self, config: &Path) -> Command {
        let mut command = self.command(config, &[]);
        command.args(["--target", "payload-pipeline"]);
        command
    }

    /// Any command on the configuration.
    pub fn asked(&self, words: &[&str], config: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        command.args(words).arg("--config").arg(config).args(&self.rules);
        command
    }

    /// A run by the configuration in this process.
    pub fn run(&self, config: &Path) -> lockstep::run::Run {
        let mut config = lockstep::config::load(config).unwrap();
        let rules = self.rules.chunks(2).map(|pair| match pair[1].as_str() {
            "builtin" => lockstep::config::RuleSet::Builtin,
            path => lockstep::config::RuleSet::Path(path.into()),
        });
        if !self.rules.is_empty() {
            config.rules = rules.collect();
        }
        let files = lockstep::run::rule_files::read(&config.rules).unwrap();
        let sources = lockstep::source::Sources::new(Some(config.state.clone()));
        let (store, _) = lockstep::store::Store::open(&config.state);
        let run = lockstep::run::Run::new(config, lockstep::run::LoadedRules::new(files), sources);
        run.remembering(store, "bench")
    }

    /// The names of the releases.
    pub fn releases(&self) -> Vec<&str> {
        self.releases.iter().map(String::as_str).collect()
    }

    /// Commits a change of one image file to build data.
    pub fn change_one_image(&self) {
        let repo = self.dir.join("openshift-eng/ocp-build-data.git");
        let branch = format!("openshift-{}", self.releases[0]);
        let text = generate::read(&repo, &branch, &self.image);
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        generate::change(&repo, &branch, &self.image, &format!("{text}# change {run}\n"));
    }

    /// Makes a branch `topic` with another Dockerfile in so many components; their names, and the branch that each goes into.
    pub fn topics(&self, count: usize) -> Vec<(String, String)> {
        let folder = self.dir.join("openshift");
        let mut names: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        let topics = names.iter().filter_map(|path| {
            let branch = generate::topic(path)?;
            let name = path.file_stem()?.to_str()?;
            Some((format!("openshift/{name}"), branch))
        });
        topics.take(count).collect()
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Makes the pipeline's repository of what the corpus has of it.
fn pipeline(corpus: &Path, world: &Path) {
    let tree = world.join("pipeline");
    fs::create_dir_all(&tree).unwrap();
    let unpack =
        "import sys, tarfile\nfor name in sys.argv[2:]: tarfile.open(name).extractall(sys.argv[1], filter='data')";
    let tars = ["support", "examples"].map(|name| corpus.join(format!("payload-pipeline/{name}.tar.xz")));
    let unpacked = Command::new("python3")
        .args(["-c", unpack])
        .arg(&tree)
        .args(tars)
        .status()
        .unwrap();
    assert!(unpacked.success());
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=T", "-c", "user.email=t@example.com"]);
        assert!(
            command.args(words).current_dir(&tree).status().unwrap().success(),
            "{words:?}"
        );
    };
    git(&["init", "--quiet", "--initial-branch", "release-4.16", "."]);
    git(&["add", "--all", "."]);
    git(&["commit", "--quiet", "--message", "as it is"]);
    let bare = world.join("okd-project/okd-payload-pipeline.git");
    git(&["clone", "--quiet", "--bare", ".", &bare.display().to_string()]);
}

fn corpus() -> Option<PathBuf> {
    let path = match std::env::var_os("LOCKSTEP_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    path.join("4.16").is_dir().then_some(path)
}

fn temporary() -> TempDir {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::Builder::new().prefix("world-").tempdir_in(target).unwrap()
}
