//! The made-up cut of `fixtures/cut` as git repositories, and the people who merge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::{FileMode, Repository, RepositoryInitOptions, Signature, Time};
use lockstep::facts::ci_tags;

const RELEASE: &str = "openshift/release.git";
const MIRRORING: &str = "core-services/image-mirroring/openshift/";
const RECORDS: &str = "forge";

/// What runs sign with.
pub const TOKEN: &str = "ghs_0123456789abcdefghij";

/// A finished process.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

pub struct CutWorld {
    dir: tempfile::TempDir,
}

impl CutWorld {
    pub fn new() -> Self {
        Self::renumbered(str::to_owned)
    }

    /// The same cut, from 4.23 to 5.0.
    pub fn across_a_major() -> Self {
        Self::renumbered(|text| {
            let text = text
                .replace("MINOR: 16", "MINOR: 23")
                .replace("MAJOR: 4\n  MINOR: 17", "MAJOR: 5\n  MINOR: 0");
            text.replace("4.17", "5.0")
                .replace("4.16", "4.23")
                .replace("4.15", "4.22")
        })
    }

    /// The fixture with other numbers in its texts and paths.
    fn renumbered(number: impl Fn(&str) -> String) -> Self {
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let all = |folder: &Path| -> BTreeMap<String, Vec<u8>> {
            let texts = files(folder).into_iter();
            let text = |bytes: Vec<u8>| number(&String::from_utf8(bytes).unwrap()).into_bytes();
            texts.map(|(path, bytes)| (number(&path), text(bytes))).collect()
        };
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cut");
        for release in folders(&fixture.join("build-data")) {
            let branch = format!("openshift-{}", number(&name(&release)));
            world.commit("build-data.git", &branch, &all(&release));
        }
        for org in folders(&fixture.join("components")) {
            for repo in folders(&org) {
                for branch in folders(&repo) {
                    let path = format!("components/{}/{}.git", name(&org), name(&repo));
                    world.commit(&path, &number(&name(&branch)), &all(&branch));
                }
            }
        }
        world.commit(RELEASE, "master", &all(&fixture.join("release")));
        let config = "sources:\n  build-data: {repo: build-data.git, branch: \"openshift-{release}\"}\n  ci-config: {repo: openshift/release.git, branch: master}\n  components: {repo: \"components/{org}/{repo}.git\"}\nreleases: [\"4.16\", \"4.17\"]\nrules: [builtin]\ntargets: [prow-config, prow-jobs, release-controller]\nforge: {kind: local, dir: forge}\nstate: state\n";
        std::fs::write(world.dir.path().join("lockstep.yaml"), number(config)).unwrap();
        world
    }

    /// The configuration, with more lines.
    pub fn config(&self, more: &str) -> PathBuf {
        let path = self.dir.path().join("lockstep.yaml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, config + more).unwrap();
        path
    }

    pub fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// A file in the world's folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// The text of the configuration, with more lines.
    pub fn config_text(&self, more: &str) -> String {
        std::fs::read_to_string(self.path("lockstep.yaml")).unwrap() + more
    }

    /// A person commits to a branch of openshift/release.
    pub fn push(&self, branch: &str, files: &[(&str, &str)]) {
        let files = files.iter();
        let files = files.map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        self.commit(RELEASE, branch, &files.collect());
    }

    /// Runs a command of the binary in this world.
    pub fn run(&self, command: &str, args: &[&str]) -> Ran {
        self.run_with("lockstep.yaml", command, args)
    }

    /// The same with another configuration.
    pub fn run_with(&self, config: &str, command: &str, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg(command)
            .args(["--config", config])
            .args(args)
            .current_dir(self.dir.path())
            .env("TOKEN", TOKEN)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Plans the cut, as JSON unless the arguments say otherwise.
    pub fn cut(&self, args: &[&str]) -> Ran {
        let mut all = vec!["--from", "4.16", "--to", "4.17"];
        if !args.contains(&"--format") {
            all.extend(["--format", "json"]);
        }
        all.extend(args);
        self.run("cut", &all)
    }

    pub fn repo(&self) -> Repository {
        Repository::open_bare(self.dir.path().join(RELEASE)).unwrap()
    }

    /// Somebody changes files of openshift/release.
    pub fn write(&self, files: &[(&str, &str)]) {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        self.commit(RELEASE, "master", &files);
    }

    /// Somebody changes a file of a component.
    pub fn change_component(&self, repo: &str, branch: &str, path: &str, text: &str) {
        let files = [(path.to_owned(), text.as_bytes().to_vec())].into();
        self.commit(&format!("components/{repo}.git"), branch, &files);
    }

    /// Somebody removes a file of a component.
    pub fn remove_from_component(&self, repo: &str, branch: &str, path: &str) {
        let repo = Repository::open_bare(self.dir.path().join(format!("components/{repo}.git"))).unwrap();
        let name = format!("refs/heads/{branch}");
        let parent = repo.find_reference(&name).unwrap().peel_to_commit().unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        let tree = update
            .remove(path)
            .create_updated(&repo, &parent.tree().unwrap())
            .unwrap();
        let tree = repo.find_tree(tree).unwrap();
        repo.commit(Some(&name), &ann(), &ann(), "Remove it\n", &tree, &[&parent])
            .unwrap();
    }

    /// Somebody changes a file of a release's build data.
    pub fn change_build_data(&self, release: &str, path: &str, text: &str) {
        let files = [(path.to_owned(), text.as_bytes().to_vec())].into();
        self.commit("build-data.git", &format!("openshift-{release}"), &files);
    }

    /// Has pull requests made on GitHub, which the configuration finds at an address; the token is `TOKEN`'s.
    pub fn use_github(&self, api: &str) {
        let path = self.dir.path().join("lockstep.yaml");
        let config = std::fs::read_to_string(&path).unwrap();
        let local = "forge: {kind: local, dir: forge}";
        assert!(config.contains(local));
        let github = format!("forge: {{kind: github, api: '{api}', token-env: TOKEN}}");
        std::fs::write(path, config.replace(local, &github)).unwrap();
    }

    /// Somebody merges a pull request's branch.
    pub fn merge(&self, head: &str) {
        let repo = self.repo();
        let head = repo
            .find_reference(&format!("refs/heads/{head}"))
            .unwrap()
            .peel_to_commit()
            .unwrap();
        let base = repo
            .find_reference("refs/heads/master")
            .unwrap()
            .peel_to_commit()
            .unwrap();
        let mut index = repo.merge_commits(&base, &head, None).unwrap();
        assert!(!index.has_conflicts());
        let tree = repo.find_tree(index.write_tree_to(&repo).unwrap()).unwrap();
        repo.commit(
            Some("refs/heads/master"),
            &ann(),
            &ann(),
            "Merge\n",
            &tree,
            &[&base, &head],
        )
        .unwrap();
    }

    /// The records of all pull requests.
    pub fn pull_requests(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.dir.path().join(RECORDS);
        let all = if folder.exists() {
            files(&folder)
        } else {
            BTreeMap::new()
        };
        all.into_iter().filter(|(path, _)| path.ends_with(".json")).collect()
    }

    pub fn read(&self, path: &str) -> String {
        let all = self.all();
        let bytes = all.get(path).unwrap_or_else(|| panic!("{path} is not there"));
        String::from_utf8(bytes.clone()).unwrap()
    }

    /// All files of openshift/release.
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let repo = self.repo();
        let tree = repo
            .find_reference("refs/heads/master")
            .unwrap()
            .peel_to_tree()
            .unwrap();
        let mut found = BTreeMap::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if let Ok(blob) = entry.to_object(&repo).and_then(|object| object.peel_to_blob()) {
                found.insert(format!("{folder}{}", entry.name().unwrap()), blob.content().to_vec());
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        found
    }

    /// Somebody has CI mirror the streams of both releases, and what is promoted by now has its lines.
    pub fn mirror(&self) {
        let mut tags = BTreeSet::new();
        for (path, text) in self.all() {
            if path.ends_with("__okd-scos.yaml") {
                tags.extend(ci_tags::read(&text).unwrap().promotes);
            }
        }
        let config = "images:\n  scos-4.16:\n  - \"4.16\"\n  scos-4.17:\n  - \"4.17\"\nsource_namespace: origin\nsource_registry: registry.ci.openshift.org\ntarget_namespace: openshift\ntarget_registry: quay.io\n";
        let lines = tags.iter().filter(|tag| tag.name == "scos-4.16").map(|tag| {
            let tag = &tag.tag;
            format!("quay.io/openshift/ci:origin_scos-4.16_{tag} quay.io/openshift/origin-{tag}:4.16\n")
        });
        self.write(&[
            (&format!("{MIRRORING}_config.yaml"), config),
            (
                &format!("{MIRRORING}mapping_origin_scos-4_16"),
                &lines.collect::<String>(),
            ),
        ]);
    }

    /// The tags that mapping files have, by stream.
    fn mirrored(all: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, BTreeSet<String>> {
        let files = all
            .iter()
            .filter(|(path, _)| path.starts_with(&format!("{MIRRORING}mapping_")));
        let sources = files.flat_map(|(_, text)| std::str::from_utf8(text).unwrap().lines());
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in sources {
            let source = line.split(' ').next().unwrap().rsplit(':').next().unwrap();
            let (stream, tag) = source.strip_prefix("origin_").unwrap().split_once('_').unwrap();
            assert!(
                found.entry(stream.to_owned()).or_default().insert(tag.to_owned()),
                "{line}"
            );
        }
        found
    }

    /// What must hold between any two merges: no tag is promoted twice, jobs of ours have a config, and what is promoted to a
    /// stream with a mapping file is what that has.
    pub fn check(&self) {
        let all = self.all();
        let mut promoters: BTreeMap<ci_tags::Tag, Vec<&str>> = BTreeMap::new();
        for (path, text) in all.iter().filter(|(path, _)| path.ends_with("__okd-scos.yaml")) {
            for tag in lockstep::facts::ci_tags::read(text).unwrap().promotes {
                promoters.entry(tag).or_default().push(path);
            }
        }
        for (stream, mirrored) in Self::mirrored(&all) {
            let promoted = promoters.keys().filter(|tag| tag.name == stream);
            let promoted: BTreeSet<String> = promoted.map(|tag| tag.tag.clone()).collect();
            assert_eq!(mirrored, promoted, "{stream}: what is mirrored is what is promoted");
        }
        promoters.retain(|_, paths| paths.len() > 1);
        assert!(promoters.is_empty(), "{promoters:?}");
        let jobs = all.iter().filter(|(path, _)| path.starts_with("ci-operator/jobs/"));
        for (path, _) in jobs.filter(|(_, text)| String::from_utf8_lossy(text).contains("variant: okd-scos\n")) {
            let config = path.replace("/jobs/", "/config/");
            let config = config
                .trim_end_matches("-presubmits.yaml")
                .trim_end_matches("-postsubmits.yaml")
                .trim_end_matches("-periodics.yaml");
            assert!(
                all.contains_key(&format!("{config}__okd-scos.yaml")),
                "{path} has no config"
            );
        }
    }

    /// Commits files on top of a branch of a repository, both of which are made where they are not there.
    fn commit(&self, repo: &str, branch: &str, files: &BTreeMap<String, Vec<u8>>) {
        let path = self.dir.path().join(repo);
        let repo = Repository::open_bare(&path).unwrap_or_else(|_| {
            let mut options = RepositoryInitOptions::new();
            options
                .bare(true)
                .external_template(false)
                .mkpath(true)
                .initial_head("master");
            Repository::init_opts(&path, &options).unwrap()
        });
        let name = format!("refs/heads/{branch}");
        let parent = repo
            .find_reference(&name)
            .ok()
            .map(|found| found.peel_to_commit().unwrap());
        let mut index = git2::Index::new().unwrap();
        if let Some(parent) = &parent {
            index.read_tree(&parent.tree().unwrap()).unwrap();
        }
        for (path, bytes) in files {
            let entry = git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: u32::from(FileMode::Blob),
                uid: 0,
                gid: 0,
                file_size: 0,
                id: repo.blob(bytes).unwrap(),
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            };
            index.add(&entry).unwrap();
        }
        let tree = repo.find_tree(index.write_tree_to(&repo).unwrap()).unwrap();
        let parents: Vec<_> = parent.iter().collect();
        repo.commit(Some(&name), &ann(), &ann(), "A change\n", &tree, &parents)
            .unwrap();
    }
}

fn ann() -> Signature<'static> {
    Signature::new("ann", "ann@example.com", &Time::new(1_700_000_000, 0)).unwrap()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// All files below a folder, by their path in it.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(relative, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
