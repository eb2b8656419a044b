//! Makes a world of any size: build data, CI configs and component repositories, shaped like the real ones.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use git2::{FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};

/// How large a world is.
#[derive(Clone, Copy)]
pub struct Size {
    /// Component repositories; three images for every two of them.
    pub repositories: usize,
    /// Files of the repository of CI configs that no image is behind.
    pub other_files: usize,
    /// Releases: `4.16`, `4.17` and so on.
    pub releases: usize,
}

impl Size {
    /// About as large as one release of OpenShift.
    pub const REAL: Self = Self {
        repositories: 170,
        other_files: 6_800,
        releases: 1,
    };

    /// The same with more repositories, images and files.
    pub const fn times(self, factor: usize) -> Self {
        Self {
            repositories: self.repositories * factor,
            other_files: self.other_files * factor,
            ..self
        }
    }

    /// The same with more releases.
    pub const fn with_releases(self, releases: usize) -> Self {
        Self { releases, ..self }
    }

    /// The names of its releases.
    pub fn release_names(self) -> Vec<String> {
        (16..16 + self.releases).map(|minor| format!("4.{minor}")).collect()
    }
}

/// Makes the repositories of a world in a folder, as `<org>/<repo>.git`.
pub fn generate(dir: &Path, size: Size) {
    let releases = size.release_names();
    let build_data = bare(&dir.join("openshift-eng/ocp-build-data.git"));
    for release in &releases {
        let branch = format!("openshift-{release}");
        commit(&build_data, &branch, &build_data_files(size, release));
    }
    let ci = bare(&dir.join("openshift/release.git"));
    commit(&ci, "master", &ci_files(size, &releases));
    for repo in 0..size.repositories {
        let component = bare(&dir.join(format!("openshift/component-{repo:04}.git")));
        for release in &releases {
            commit(
                &component,
                &format!("release-{release}"),
                &component_files(repo, release),
            );
        }
    }
}

/// Adds to each component what a real one has beside the few files that are read: 5,000 files in 250 folders, 12 MB of
/// text that hardly compresses, in one pack that all share.
pub fn fill(dir: &Path, size: Size) {
    let template = bare(&dir.join("vendor.git"));
    let files: Vec<(String, String)> = (0..5_000u64)
        .map(|at| {
            (
                format!("pkg/d{:03}/f{at:04}.go", at % 250),
                crate::testserver::noise(at + 1, 2_400),
            )
        })
        .collect();
    commit(&template, "main", &files);
    let folder = template.path().to_owned();
    let template = Repository::open_bare(&folder).unwrap();
    let vendored = template.find_branch("main", git2::BranchType::Local).unwrap();
    let vendored = vendored.get().peel_to_tree().unwrap().get_name("pkg").unwrap().id();
    for number in 0..size.repositories {
        let path = dir.join(format!("openshift/component-{number:04}.git"));
        for entry in fs::read_dir(folder.join("objects/pack")).unwrap().flatten() {
            fs::hard_link(entry.path(), path.join("objects/pack").join(entry.file_name())).unwrap();
        }
        let repo = Repository::open_bare(&path).unwrap();
        for release in size.release_names() {
            add(&repo, &format!("release-{release}"), "pkg", vendored);
        }
    }
}

/// Puts a folder that is there on top of a branch.
fn add(repo: &Repository, branch: &str, name: &str, folder: Oid) {
    let reference = format!("refs/heads/{branch}");
    let parent = repo.find_reference(&reference).unwrap().peel_to_commit().unwrap();
    let mut builder = repo.treebuilder(Some(&parent.tree().unwrap())).unwrap();
    builder.insert(name, folder, FileMode::Tree.into()).unwrap();
    let tree = repo.find_tree(builder.write().unwrap()).unwrap();
    let who = signature();
    repo.commit(Some(&reference), &who, &who, "vendor", &tree, &[&parent])
        .unwrap();
}

/// Replaces a file on top of a branch.
pub fn change(repo: &Path, branch: &str, path: &str, text: &str) {
    let repo = Repository::open_bare(repo).unwrap();
    let parent = repo.find_reference(&format!("refs/heads/{branch}")).unwrap();
    let parent = parent.peel_to_commit().unwrap();
    let blob = repo.blob(text.as_bytes()).unwrap();
    let mut update = git2::build::TreeUpdateBuilder::new();
    update.upsert(path, blob, FileMode::Blob);
    let tree = update.create_updated(&repo, &parent.tree().unwrap()).unwrap();
    let tree = repo.find_tree(tree).unwrap();
    let who = signature();
    repo.commit(
        Some(&format!("refs/heads/{branch}")),
        &who,
        &who,
        "change",
        &tree,
        &[&parent],
    )
    .unwrap();
}

/// A file of a branch.
pub fn read(repo: &Path, branch: &str, path: &str) -> String {
    let repo = Repository::open_bare(repo).unwrap();
    let tree = repo.find_reference(&format!("refs/heads/{branch}")).unwrap();
    let entry = tree.peel_to_tree().unwrap().get_path(Path::new(path)).unwrap();
    let blob = repo.find_blob(entry.id()).unwrap();
    String::from_utf8(blob.content().to_vec()).unwrap()
}

/// Makes a branch `topic` with another Dockerfile beside the one branch of a repository; the name of that branch. `None`: it has no
/// Dockerfile, or several branches.
pub fn topic(path: &Path) -> Option<String> {
    let repo = Repository::open_bare(path).unwrap();
    let heads: Vec<String> = repo
        .references_glob("refs/heads/*")
        .unwrap()
        .names()
        .map(|name| name.unwrap().to_owned())
        .filter(|name| name != "refs/heads/topic")
        .collect();
    let [head] = heads.as_slice() else { return None };
    let commit = repo.find_reference(head).unwrap().peel_to_commit().unwrap();
    let tree = commit.tree().unwrap();
    let dockerfile = tree.iter().find(|entry| {
        let name = entry.name().unwrap_or_default();
        name.starts_with("Dockerfile") && entry.kind() == Some(ObjectType::Blob)
    });
    let name = dockerfile?.name().unwrap().to_owned();
    repo.reference("refs/heads/topic", commit.id(), true, "topic").unwrap();
    let text = read(path, "topic", &name);
    change(path, "topic", &name, &format!("{text}RUN true\n"));
    head.strip_prefix("refs/heads/").map(str::to_owned)
}

type Files = Vec<(String, String)>;

/// How many images a repository has: one or two.
fn images_of(repo: usize) -> usize {
    1 + repo % 2
}

fn build_data_files(size: Size, release: &str) -> Files {
    let minor = release.trim_start_matches("4.");
    let mut files: Files = vec![
        ("group.yml".into(), format!(
            "name: openshift-{{MAJOR}}.{{MINOR}}\nvars:\n  MAJOR: 4\n  MINOR: {minor}\n  GO_LATEST: \"1.21\"\narches:\n- x86_64\n- aarch64\n\
             public_upstreams:\n- private: https://github.com/openshift-priv\n  public: https://github.com/openshift\n"
        )),
        ("streams.yml".into(), "rhel-9-golang:\n  aliases:\n  - golang\n  image: openshift/golang-builder:el9\n  \
             upstream_image: registry.ci.openshift.org/ocp/builder:rhel-9-golang-{GO_LATEST}-openshift-{MAJOR}.{MINOR}\n\
             rhel9:\n  image: rhel:9\n  upstream_image: registry.ci.openshift.org/ocp/builder:rhel-9-openshift-{MAJOR}.{MINOR}\n".into()),
    ];
    for repo in 0..size.repositories {
        for image in 0..images_of(repo) {
            files.push((
                format!("images/component-{repo:04}-{image}.yml"),
                image_file(repo, image),
            ));
        }
    }
    files
}

/// The first image of all is the base of the rest; the second of a repository is built from its first.
fn image_file(repo: usize, image: usize) -> String {
    let from = match (repo, image) {
        (0, 0) => "  stream: rhel9".to_owned(),
        (_, 0) => "  member: component-0000-0".to_owned(),
        _ => format!("  member: component-{repo:04}-0"),
    };
    format!(
        "content:\n  source:\n    dockerfile: Dockerfile.{image}\n    git:\n      branch:\n        target: release-{{MAJOR}}.{{MINOR}}\n      \
         url: git@github.com:openshift-priv/component-{repo:04}.git\n      web: https://github.com/openshift/component-{repo:04}\n    \
         ci_alignment:\n      streams_prs:\n        ci_build_root:\n          stream: rhel-9-golang\n\
         distgit:\n  namespace: containers\ndependents:\n- something\nenabled_repos:\n- rhel-9-baseos-rpms\n- rhel-9-appstream-rpms\n\
         for_payload: true\nfrom:\n  builder:\n  - stream: golang\n{from}\nlabels:\n  vendor: Red Hat\nname: openshift/ose-component-{repo:04}-{image}\n\
         payload_name: component-{repo:04}-{image}\nowners:\n- somebody@example.com\n"
    )
}

fn component_files(repo: usize, release: &str) -> Files {
    let mut files: Files = vec![
        (
            "go.mod".into(),
            format!("module github.com/openshift/component-{repo:04}\n\ngo 1.21\n"),
        ),
        ("README.md".into(), format!("# component {repo} of {release}\n")),
    ];
    for image in 0..images_of(repo) {
        files.push((
            format!("Dockerfile.{image}"),
            format!(
                "FROM registry.ci.openshift.org/ocp/builder:rhel-9-golang-1.21-openshift-{release} AS builder\n\
                 WORKDIR /src\nCOPY . .\nRUN make build\n\nFROM registry.ci.openshift.org/ocp/{release}:base\n\
                 COPY --from=builder /src/bin /usr/bin\nLABEL io.openshift.release.operator=true\n"
            ),
        ));
    }
    files
}

fn ci_files(size: Size, releases: &[String]) -> Files {
    let mut files = Files::new();
    for repo in 0..size.repositories {
        let name = format!("component-{repo:04}");
        for release in releases {
            files.push((
                format!("ci-operator/config/openshift/{name}/openshift-{name}-release-{release}.yaml"),
                plain_config(&name, release),
            ));
        }
    }
    for other in 0..size.other_files {
        let (org, repo) = (other % 90, other / 90);
        files.push((
            format!("ci-operator/config/org-{org:02}/repo-{repo:04}/org-{org:02}-repo-{repo:04}-main.yaml"),
            plain_config(&format!("repo-{repo:04}"), "5.99"),
        ));
    }
    files
}

/// OCP's own config of a component, about as long as they are.
fn plain_config(name: &str, release: &str) -> String {
    let mut text = format!(
        "base_images:\n  base:\n    name: \"{release}\"\n    namespace: ocp\n    tag: base\nbuild_root:\n  from_repository: true\n\
         images:\n- dockerfile_path: Dockerfile.0\n  from: base\n  to: {name}\npromotion:\n  to:\n  - name: \"{release}\"\n    namespace: ocp\n\
         releases:\n  latest:\n    candidate:\n      product: ocp\n      stream: nightly\n      version: \"{release}\"\n\
         resources:\n  '*':\n    requests:\n      cpu: 100m\n      memory: 200Mi\ntests:\n"
    );
    for test in 0..12 {
        text.push_str(&format!(
            "- as: e2e-{test:02}\n  optional: true\n  run_if_changed: ^pkg/part-{test}/\n  steps:\n    cluster_profile: aws\n    \
             env:\n      FEATURE_SET: TechPreviewNoUpgrade\n    workflow: openshift-e2e-aws\n"
        ));
    }
    text.push_str(&format!(
        "zz_generated_metadata:\n  branch: release-{release}\n  org: openshift\n  repo: {name}\n"
    ));
    text
}

fn bare(path: &Path) -> Repository {
    fs::create_dir_all(path).unwrap();
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("master");
    Repository::init_opts(path, &options).unwrap()
}

fn signature() -> Signature<'static> {
    Signature::new("bench", "bench@example.invalid", &Time::new(1_718_366_400, 0)).unwrap()
}

/// Commits files as the only ones of a branch, in one pack as a clone has them.
fn commit(repo: &Repository, branch: &str, files: &Files) {
    let odb = repo.odb().unwrap();
    let _memory = odb.add_new_mempack_backend(1000).unwrap();
    let mut index = git2::Index::new().unwrap();
    for (path, text) in files {
        let blob = odb.write(ObjectType::Blob, text.as_bytes()).unwrap();
        index.add(&entry(path, blob)).unwrap();
    }
    let tree = repo.find_tree(index.write_tree_to(repo).unwrap()).unwrap();
    let who = signature();
    let id = repo.commit(None, &who, &who, "all", &tree, &[]).unwrap();

    let (mut builder, mut pack) = (repo.packbuilder().unwrap(), git2::Buf::new());
    builder.insert_commit(id).unwrap();
    builder.write_buf(&mut pack).unwrap();
    let folder = repo.path().join("objects/pack");
    fs::create_dir_all(&folder).unwrap();
    let mut indexer = git2::Indexer::new(None, &folder, 0o444, false).unwrap();
    indexer.write_all(&pack).unwrap();
    indexer.commit().unwrap();
    let on_disk = Repository::open_bare(repo.path()).unwrap();
    let reference = format!("refs/heads/{branch}");
    on_disk.reference(&reference, id, true, "all").unwrap();
}

fn entry(path: &str, id: Oid) -> git2::IndexEntry {
    let none = git2::IndexTime::new(0, 0);
    git2::IndexEntry {
        ctime: none,
        mtime: none,
        dev: 0,
        ino: 0,
        mode: u32::from(FileMode::Blob),
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
