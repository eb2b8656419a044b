//! A small world of real git repositories in a temporary directory, with the binary run on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Repository, RepositoryInitOptions, Signature, Time};
use serde_json::Value as Json;

/// Repositories below `repos/<org>/<repo>`, a configuration, and a state directory.
pub struct World {
    dir: tempfile::TempDir,
    /// Lines of the configuration that differ from the usual ones.
    pub settings: BTreeMap<&'static str, String>,
    /// The folder that repositories are in: what is done to them is done there.
    repos: String,
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

pub const BUILD_DATA: &str = "openshift-eng/ocp-build-data";
pub const RELEASE: &str = "openshift/release";

/// The repositories of the images of [`World::usual`].
pub const NAMES: [&str; 4] = ["anchor", "buoy", "capstan", "davit"];

impl World {
    /// Four images of four repositories, built from a stream each; `davit` from `anchor`.
    pub fn usual() -> Self {
        let world = Self::without_images();
        for name in NAMES {
            let from = if name == "davit" {
                "{member: anchor}"
            } else {
                "{stream: base}"
            };
            world.image(name, from, "");
            world.component(name);
        }
        world
    }

    /// Build data and CI configs without a single image.
    pub fn without_images() -> Self {
        let world = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            settings: BTreeMap::new(),
            repos: "repos".to_owned(),
        };
        let group = "vars: {MAJOR: 4, MINOR: 16}\narches: [x86_64]\npublic_upstreams:\n- {private: 'https://github.com/openshift-priv', \
                     public: 'https://github.com/openshift'}\n";
        let streams = "base: {image: 'a/b', upstream_image: 'registry.ci.openshift.org/origin/base:stream9'}\n\
                       rhel-9-golang: {image: 'a/c', upstream_image: 'registry.ci.openshift.org/ocp/builder:golang'}\n";
        world.build_data(&[("group.yml", group), ("streams.yml", streams)]);
        world.commit(RELEASE, "master", &[("README.md", b"configs\n")]);
        world
    }

    /// The folder of repositories.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(&self.repos).join(below)
    }

    /// Changes repositories in a way that nobody who watches files can see: in a copy, which then takes their place at
    /// once, as a link that leads elsewhere.
    pub fn unseen(&mut self, change: impl FnOnce(&Self)) {
        let link = self.dir.path().join("repos");
        let count = std::fs::read_dir(self.dir.path()).expect("a folder").count();
        let (from, to) = (format!("repos-{count}a"), format!("repos-{count}b"));
        let at = |name: &str| self.dir.path().join(name);
        let real = match std::fs::read_link(&link) {
            Ok(real) => at(&real.display().to_string()),
            Err(_) => {
                std::fs::rename(&link, at(&from)).expect("another name");
                std::os::unix::fs::symlink(&from, &link).expect("a link");
                at(&from)
            }
        };
        copy(&real, &at(&to));
        self.repos.clone_from(&to);
        change(self);
        let new = self.dir.path().join("link");
        std::os::unix::fs::symlink(&to, &new).expect("a link");
        std::fs::rename(&new, &link).expect("the link, moved at once");
        self.repos = "repos".to_owned();
    }

    /// Adds an image's metadata; `more` are further lines at the top level.
    pub fn image(&self, name: &str, from: &str, more: &str) {
        let text = format!(
            "name: openshift/ose-{name}\npayload_name: {name}\nfor_payload: true\nfrom: {from}\n{more}content:\n  source:\n    \
             git: {{url: 'https://github.com/openshift-priv/{name}', branch: {{target: release-4.16}}}}\n"
        );
        self.build_data(&[(&format!("images/{name}.yml"), &text)]);
    }

    /// Adds a component repository with a Dockerfile, and the OCP config of its branch.
    pub fn component(&self, name: &str) {
        self.commit(
            &format!("openshift/{name}"),
            "release-4.16",
            &[("Dockerfile", b"FROM base:1\n")],
        );
        self.promote(name, "release-4.16", "4.16");
    }

    /// Makes an OCP config that promotes a branch to a release.
    pub fn promote(&self, name: &str, branch: &str, release: &str) {
        let path = format!("ci-operator/config/openshift/{name}/openshift-{name}-{branch}.yaml");
        let text = format!("promotion:\n  to:\n  - name: '{release}'\n    namespace: ocp\n");
        self.commit(RELEASE, "master", &[(&path, text.as_bytes())]);
    }

    /// Commits files to build data of 4.16.
    pub fn build_data(&self, files: &[(&str, &str)]) {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        self.commit(BUILD_DATA, "openshift-4.16", &files);
    }

    /// Commits files on top of a branch.
    pub fn commit(&self, repo: &str, branch: &str, files: &[(&str, &[u8])]) {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_bytes(), *text, FileMode::Blob))
            .collect();
        self.commit_items(repo, branch, &files);
    }

    /// Commits items of any kind; paths are bytes.
    pub fn commit_items(&self, repo: &str, branch: &str, items: &[(&[u8], &[u8], FileMode)]) {
        let repo = self.repository(repo);
        let mut update = TreeUpdateBuilder::new();
        for (path, bytes, mode) in items {
            update.upsert(*path, repo.blob(bytes).expect("a blob"), *mode);
        }
        let name = format!("refs/heads/{branch}");
        let parent = repo
            .find_reference(&name)
            .ok()
            .map(|tip| tip.peel_to_commit().expect("a commit"));
        let base = parent.as_ref().map(|parent| parent.tree().expect("a tree"));
        let base = base.unwrap_or_else(|| {
            let empty = repo
                .treebuilder(None)
                .and_then(|builder| builder.write())
                .expect("the empty tree");
            repo.find_tree(empty).expect("the empty tree")
        });
        let tree = update.create_updated(&repo, &base).expect("a tree");
        let author =
            Signature::new("A Tester", "tester@example.com", &Time::new(1_700_000_000, 0)).expect("a signature");
        let tree = repo.find_tree(tree).expect("a tree");
        let parents: Vec<_> = parent.iter().collect();
        repo.commit(Some(&name), &author, &author, "A change", &tree, &parents)
            .expect("a commit");
    }

    /// Opens a repository, made where there is none.
    pub fn repository(&self, name: &str) -> Repository {
        lockstep::source::prepare_git();
        let path = self.path(name);
        if path.exists() {
            return Repository::open(&path).expect("a repository");
        }
        let mut options = RepositoryInitOptions::new();
        options
            .bare(true)
            .mkpath(true)
            .external_template(false)
            .initial_head("main");
        Repository::init_opts(&path, &options).expect("an empty repository")
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Writes the configuration.
    pub fn config(&self) -> PathBuf {
        let get = |key: &str, usual: &str| self.settings.get(key).cloned().unwrap_or_else(|| usual.to_owned());
        let ci_config = match get("ci-config", "{repo: repos/openshift/release}").as_str() {
            "" => String::new(),
            source => format!("  ci-config: {source}\n"),
        };
        let text = format!(
            "sources:\n  build-data: {}\n  components: {}\n{ci_config}releases: {}\nrules: {}\ntargets: {}\n\
             forge: {}\nstate: state\n{}",
            get("build-data", "{repo: repos/openshift-eng/ocp-build-data}"),
            get("components", "{repo: 'repos/{org}/{repo}'}"),
            get("releases", "['4.16']"),
            get("rules", "[builtin]"),
            get("targets", "[prow-config]"),
            get("forge", "{kind: local, dir: forge}"),
            get("more", ""),
        );
        self.write("lockstep.yaml", text.as_bytes());
        self.dir.path().join("lockstep.yaml")
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// Runs a command on the world.
    pub fn run(&self, command: &str, more: &[&str]) -> Ran {
        let config = self.config();
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args([command, "--config"])
            .arg(config)
            .args(more)
            .current_dir(self.dir.path())
            .env_remove("RUST_LOG")
            .output()
            .expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran {
            code: status.code().expect("it was not killed"),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// The findings of a plan, and how it ended.
    pub fn plan(&self) -> (i32, Json, Ran) {
        let ran = self.run("plan", &["--format", "json"]);
        let plan = serde_json::from_str(&ran.stdout).unwrap_or(Json::Null);
        (ran.code, plan, ran)
    }

    /// The rendered files by path, and what was said of them.
    pub fn render(&self) -> (BTreeMap<String, Vec<u8>>, Ran) {
        let out = self.dir.path().join("out");
        let _ = std::fs::remove_dir_all(&out);
        let ran = self.run("render", &["--out", &out.display().to_string()]);
        let mut files = BTreeMap::new();
        collect(&out, &out, &mut files);
        (files, ran)
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let there = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).expect("a copy");
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            files.insert(name, std::fs::read(&path).expect("a file"));
        }
    }
}

/// The rendered config of a repository's branch.
pub fn config_of(name: &str, branch: &str) -> String {
    format!("openshift/release/ci-operator/config/openshift/{name}/openshift-{name}-{branch}__okd-scos.yaml")
}
