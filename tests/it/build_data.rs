//! Target `build-data` on real repositories: what is added to OKD's stanzas on one branch after the next one was made, and what
//! people decided when.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository, RepositoryInitOptions, Signature, Time};
use serde_json::Value as Json;

use crate::support::program::{program, ran};

const DAY: i64 = 86_400;
pub(crate) const BUILD_DATA: &str = "openshift-eng/ocp-build-data";

pub(crate) const GROUP: &str = "\
vars:
  MAJOR: 4
  MINOR: 20
arches:
- x86_64
konflux:
  x: y
okd:
  enabled: true
public_upstreams:
- private: https://github.com/openshift-priv
  public: https://github.com/openshift
";

pub(crate) const IMAGE: &str = "\
name: openshift/ose-a
payload_name: a
for_payload: true
from:
  stream: base
content:
  source:
    dockerfile: Dockerfile.ocp
    git:
      url: git@github.com:openshift-priv/a.git
      branch:
        target: release-{MAJOR}.{MINOR}
    ci_alignment:
      streams_prs:
        enabled: false
";

pub(crate) const STREAMS: &str = "base: {image: openshift/base:9, upstream_image: registry.example.com/ocp/base:9}\n";

/// Build data with a history, and components without one.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) repo: Repository,
    day: Cell<i64>,
}

/// A branch's name.
pub(crate) fn branch(release: &str) -> String {
    format!("openshift-{release}")
}

impl World {
    /// With the branch of 4.20, in which image `a` has this file.
    pub(crate) fn new(image: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(BUILD_DATA);
        let mut options = RepositoryInitOptions::new();
        options
            .bare(true)
            .external_template(false)
            .initial_head("openshift-4.20");
        let repo = Repository::init_opts(&path, &options).unwrap();
        let component = dir.path().join("repos/openshift/a");
        fs::create_dir_all(&component).unwrap();
        for name in ["Dockerfile.ocp", "Dockerfile.okd", "Dockerfile.other"] {
            fs::write(component.join(name), "FROM registry.example.com/ocp/base:9\nRUN make\n").unwrap();
        }
        let world = Self {
            dir,
            repo,
            day: Cell::new(20_000),
        };
        world.configure("");
        world.commit(
            "4.20",
            &[("group.yml", GROUP), ("streams.yml", STREAMS), ("images/a.yml", image)],
        );
        world
    }

    /// With three releases that were made one of the other.
    pub(crate) fn three(image: &str) -> Self {
        let world = Self::new(image);
        world.cut("4.20", "4.21");
        world.cut("4.21", "4.22");
        world
    }

    /// Makes the component a repository with commits: what a plain folder has is never remembered.
    pub(crate) fn component_in_git(&self) {
        let path = self.dir.path().join("repos/openshift/a");
        let repo = Repository::init(&path).unwrap();
        let mut index = repo.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        let tree = repo.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::new("ann", "ann@example.com", &Time::new(DAY, 0)).unwrap();
        for release in ["4.20", "4.21", "4.22"] {
            let name = format!("refs/heads/release-{release}");
            repo.commit(Some(&name), &who, &who, "A change", &tree, &[]).unwrap();
        }
    }

    pub(crate) fn configure(&self, more: &str) {
        let config = format!(
            "sources:\n  build-data: {{repo: {BUILD_DATA}}}\n  components: {{repo: 'repos/{{org}}/{{repo}}'}}\n\
             targets: [build-data]\nforge: {{kind: local, dir: forge}}\nstate: state\nreleases: auto\n{more}"
        );
        fs::write(self.dir.path().join("lockstep.yaml"), config).unwrap();
    }

    /// Commits files to a release's branch, a day after the last commit; an empty text removes the file.
    pub(crate) fn commit(&self, release: &str, files: &[(&str, &str)]) -> String {
        self.commit_to(&branch(release), files)
    }

    pub(crate) fn commit_to(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let name = format!("refs/heads/{branch}");
        let parent = self
            .repo
            .find_reference(&name)
            .ok()
            .map(|at| at.peel_to_commit().unwrap());
        let empty = self.repo.treebuilder(None).unwrap().write().unwrap();
        let base = match &parent {
            Some(parent) => parent.tree().unwrap(),
            None => self.repo.find_tree(empty).unwrap(),
        };
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            if text.is_empty() {
                update.remove(*path);
            } else {
                update.upsert(*path, self.repo.blob(text.as_bytes()).unwrap(), FileMode::Blob);
            }
        }
        let tree = update.create_updated(&self.repo, &base).unwrap();
        let parents: Vec<_> = parent.iter().collect();
        self.made(&name, tree, &parents)
    }

    fn made(&self, name: &str, tree: Oid, parents: &[&git2::Commit<'_>]) -> String {
        self.day.set(self.day.get() + 1);
        let who = Signature::new("ann", "ann@example.com", &Time::new(self.day.get() * DAY, 0)).unwrap();
        let tree = self.repo.find_tree(tree).unwrap();
        let made = self.repo.commit(Some(name), &who, &who, "A change", &tree, parents);
        made.unwrap().to_string()[..10].to_owned()
    }

    /// Makes the branch of a release of another one's.
    pub(crate) fn cut(&self, from: &str, to: &str) {
        let at = self
            .repo
            .refname_to_id(&format!("refs/heads/{}", branch(from)))
            .unwrap();
        self.repo
            .reference(&format!("refs/heads/{}", branch(to)), at, true, "")
            .unwrap();
        let minor = to.rsplit('.').next().unwrap();
        let old = from.rsplit('.').next().unwrap();
        let group = self.file(from, "group.yml").unwrap();
        let group = group.replace(&format!("MINOR: {old}"), &format!("MINOR: {minor}"));
        self.commit(to, &[("group.yml", &group)]);
    }

    pub(crate) fn file(&self, release: &str, path: &str) -> Option<String> {
        let commit = self
            .repo
            .find_reference(&format!("refs/heads/{}", branch(release)))
            .unwrap();
        let tree = commit.peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new(path)).ok()?;
        let blob = self.repo.find_blob(entry.id()).unwrap();
        Some(String::from_utf8(blob.content().to_vec()).unwrap())
    }

    /// What the target makes of a release's file, and the messages of findings of the family.
    pub(crate) fn rendered(&self, release: &str, path: &str) -> (String, Vec<String>) {
        let (out, told) = self.plan(release);
        let now = self.file(release, path).unwrap_or_default();
        (
            out.into_iter().find(|(at, _)| at == path).map_or(now, |(_, text)| text),
            told,
        )
    }

    /// The files that a release's plan changes, as they would be, and the messages of findings of the family.
    pub(crate) fn plan(&self, release: &str) -> (Vec<(String, String)>, Vec<String>) {
        let out = tempfile::tempdir().unwrap();
        let lockstep = |args: &[&str]| {
            let ran = ran(program()
                .args(args)
                .args(["--release", release])
                .current_dir(self.dir.path()));
            assert!(ran.code < 2, "{}{}", ran.out, ran.err);
            ran.out
        };
        lockstep(&["render", "--out", out.path().to_str().unwrap()]);
        let plan: Json = serde_json::from_str(&lockstep(&["plan", "--format", "json"])).unwrap();
        let findings = plan["findings"].as_array().expect("findings").iter();
        let ours = findings.filter(|one| {
            one["code"]
                .as_str()
                .is_some_and(|code| code.starts_with("okd-") || code == "edit-refused")
        });
        let mut told: Vec<String> = ours
            .map(|one| {
                format!(
                    "{}: {}",
                    one["code"].as_str().unwrap(),
                    one["message"].as_str().unwrap()
                )
            })
            .collect();
        told.sort();
        let mut files = Vec::new();
        let root = out.path().join(BUILD_DATA);
        for path in ["group.yml", "images/a.yml", "images/b.yml"] {
            if let Ok(text) = fs::read_to_string(root.join(path))
                && Some(&text) != self.file(release, path).as_ref()
            {
                files.push((path.to_owned(), text));
            }
        }
        (files, told)
    }

    /// Takes in what is planned for a release; the next plan has to be empty. What was changed.
    pub(crate) fn merged(&self, release: &str) -> Vec<(String, String)> {
        let (files, _) = self.plan(release);
        let all: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        if !all.is_empty() {
            self.commit(release, &all);
        }
        assert_eq!(self.plan(release).0, [], "{release}: a second time nothing changes");
        files
    }
}

pub(crate) fn with(okd: &str) -> String {
    format!("{IMAGE}{okd}")
}

pub(crate) const FLAVOUR: &str =
    "okd:\n  envs:\n    FLAVOUR: v{MAJOR}.{MINOR}\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n";

#[test]
fn what_is_added_after_the_cut_is_carried_to_all_later_releases() {
    let world = World::three(IMAGE);
    assert_eq!(world.plan("4.21"), (Vec::new(), Vec::new()));
    let commit = world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    for release in ["4.21", "4.22"] {
        assert_eq!(
            world.rendered(release, "images/a.yml"),
            (with(FLAVOUR), Vec::new()),
            "{release}"
        );
    }
    let out = ran(program()
        .args(["plan", "--release", "4.22", "--format", "json"])
        .current_dir(world.dir.path()))
    .out;
    assert!(
        out.contains(&format!("is carried from 4.20: {commit} of 2024-")) && out.contains("It was added to 4.20"),
        "{out}"
    );
    for release in ["4.21", "4.22"] {
        assert_eq!(world.merged(release).len(), 1, "{release}");
    }
    assert_eq!(world.plan("4.20").0, []);
}

#[test]
fn what_the_new_branch_had_already_or_was_taken_back_is_not_carried() {
    let world = World::three(&with(FLAVOUR));
    // Both branches lose it, one after the other: nobody added it.
    world.commit("4.21", &[("images/a.yml", IMAGE)]);
    assert_eq!(world.plan("4.21").0, []);
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    world.commit("4.20", &[("images/a.yml", IMAGE)]);
    assert_eq!(world.plan("4.21"), (Vec::new(), Vec::new()));
}

#[test]
fn a_later_decision_of_people_counts() {
    let world = World::three(IMAGE);
    let added = world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    world.commit("4.21", &[("images/a.yml", &with(FLAVOUR))]);
    let removed = world.commit("4.21", &[("images/a.yml", IMAGE)]);
    for release in ["4.21", "4.22"] {
        let (files, told) = world.plan(release);
        assert_eq!(files, [], "{release}");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("okd-carry-left: a: "), "{told:?}");
        assert!(
            told[0].contains(&added) && told[0].contains(&format!("{removed} of 2024-")),
            "{told:?}"
        );
        assert!(told[0].ends_with("removed it from 4.21"), "{told:?}");
        assert_eq!(told[0].split(':').next(), Some("okd-carry-left"));
    }
    // What is added once more after that is a later decision still.
    world.commit("4.20", &[("images/a.yml", IMAGE)]);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    assert_eq!(world.rendered("4.21", "images/a.yml").0, with(FLAVOUR));
}

#[test]
fn of_several_additions_that_of_the_nearest_release_counts() {
    let world = World::three(IMAGE);
    let of = |value: &str| with(&format!("okd:\n  envs:\n    FLAVOUR: {value}\n"));
    world.commit("4.21", &[("images/a.yml", &of("late"))]);
    world.commit("4.20", &[("images/a.yml", &of("early"))]);
    assert_eq!(world.rendered("4.22", "images/a.yml").0, of("late"));
    assert_eq!(world.plan("4.21").0, [], "it has one of its own");
    // Others of both come together.
    world.commit(
        "4.20",
        &[(
            "images/a.yml",
            &with("okd:\n  envs:\n    FLAVOUR: early\n  enabled_repos:\n  - one\n"),
        )],
    );
    let both = with("okd:\n  envs:\n    FLAVOUR: late\n  enabled_repos:\n  - one\n");
    assert_eq!(world.rendered("4.22", "images/a.yml").0, both);
}

#[test]
fn what_the_other_stanza_says_is_not_carried() {
    let aligned = IMAGE.replace(
        "        enabled: false\n",
        "        enabled: false\n    okd_alignment:\n      tag_name: b\n",
    );
    let other = with("okd:\n  payload_name: b\n");
    let world = World::new(IMAGE);
    world.cut("4.20", "4.21");
    world.commit("4.21", &[("images/a.yml", &other)]);
    world.commit("4.20", &[("images/a.yml", &aligned)]);
    assert_eq!(
        world.plan("4.21"),
        (Vec::new(), Vec::new()),
        "it has the value under the other stanza"
    );
    let contrary = with("okd:\n  payload_name: c\n");
    world.commit("4.21", &[("images/a.yml", &contrary)]);
    let (files, told) = world.plan("4.21");
    assert_eq!(files, []);
    assert!(told[0].ends_with("`okd.payload_name` says c there"), "{told:?}");
}

#[test]
fn a_key_of_okd_alignment_stands_where_people_have_it_and_okd_follows() {
    let stanza = "    okd_alignment:\n      dockerfile: Dockerfile.okd\n";
    let aligned = IMAGE.replace("        enabled: false\n", &format!("        enabled: false\n{stanza}"));
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &aligned)]);
    let all = format!("{aligned}okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n");
    for release in ["4.21", "4.22"] {
        assert_eq!(
            world.rendered(release, "images/a.yml"),
            (all.clone(), Vec::new()),
            "{release}"
        );
        world.merged(release);
    }
}

#[test]
fn what_is_merged_counts_as_added_when_it_was_merged() {
    let world = World::new(IMAGE);
    let at = world.repo.refname_to_id("refs/heads/openshift-4.20").unwrap();
    world.repo.reference("refs/heads/topic", at, true, "").unwrap();
    world.commit_to("topic", &[("images/a.yml", &with(FLAVOUR))]);
    world.cut("4.20", "4.21");
    let (ours, theirs) = (at, world.repo.refname_to_id("refs/heads/topic").unwrap());
    let (ours, theirs) = (
        world.repo.find_commit(ours).unwrap(),
        world.repo.find_commit(theirs).unwrap(),
    );
    world.made("refs/heads/openshift-4.20", theirs.tree_id(), &[&ours, &theirs]);
    assert_eq!(world.rendered("4.21", "images/a.yml").0, with(FLAVOUR));
}

#[test]
fn branches_that_were_not_made_of_one_another_are_told_apart_by_days() {
    let world = World::new(IMAGE);
    let group = GROUP.replace("MINOR: 20", "MINOR: 21");
    world.commit(
        "4.20",
        &[("images/a.yml", &with("okd:\n  mode: enabled\n  envs:\n    OLD: x\n"))],
    );
    world.commit(
        "4.21",
        &[("group.yml", &group), ("streams.yml", STREAMS), ("images/a.yml", IMAGE)],
    );
    assert_eq!(
        world.plan("4.21").0,
        [],
        "what is older than the branch is the cut's business"
    );
    world.commit(
        "4.20",
        &[(
            "images/a.yml",
            &with("okd:\n  mode: enabled\n  envs:\n    OLD: x\n    NEW: z\n"),
        )],
    );
    assert_eq!(
        world.rendered("4.21", "images/a.yml").0,
        with("okd:\n  envs:\n    NEW: z\n")
    );
}

#[test]
fn without_a_history_nothing_is_carried_and_that_is_said() {
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    let head = world.repo.refname_to_id("refs/heads/openshift-4.20").unwrap();
    fs::write(world.repo.path().join("shallow"), format!("{head}\n")).unwrap();
    let (files, told) = world.plan("4.21");
    assert_eq!(files, []);
    assert!(
        told[0].starts_with("okd-carry-unread: ") && told[0].contains("shallow"),
        "{told:?}"
    );
    assert_eq!(
        world.plan("4.20").1,
        Vec::<String>::new(),
        "the first has nothing before it"
    );
}

#[test]
fn a_releases_number_is_written_with_variables() {
    let world = World::three(IMAGE);
    world.commit(
        "4.20",
        &[(
            "images/a.yml",
            &with("okd:\n  envs:\n    FLAVOUR: v4.20\n    OTHER: \"4.19\"\n"),
        )],
    );
    let (text, _) = world.rendered("4.22", "images/a.yml");
    assert_eq!(
        text,
        with("okd:\n  envs:\n    FLAVOUR: v{MAJOR}.{MINOR}\n    OTHER: \"4.19\"\n")
    );
    world.merged("4.22");
}

#[test]
fn the_groups_stanza_is_carried_behind_konflux() {
    let plain = GROUP.replace("okd:\n  enabled: true\n", "");
    let world = World::new(&with("okd:\n  mode: enabled\n"));
    world.commit("4.20", &[("group.yml", &plain)]);
    world.cut("4.20", "4.21");
    world.commit("4.20", &[("group.yml", GROUP)]);
    let (files, _) = world.plan("4.21");
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].1, GROUP.replace("MINOR: 20", "MINOR: 21"));
    world.merged("4.21");
}

#[test]
fn a_file_that_is_missing_or_broken_or_cannot_be_changed_costs_itself_alone() {
    let b = IMAGE
        .replace("ose-a", "ose-b")
        .replace("payload_name: a", "payload_name: b");
    let okd = "okd:\n  envs:\n    A: x\n";
    for (there, told_of_it) in [
        ("", ""),
        ("name: [", ""),
        (&*format!("{b}okd: []\n"), "no mapping there"),
        (
            &*format!("{b}okd: &x {{mode: enabled}}\nother: *x\n"),
            "something else besides",
        ),
    ] {
        let world = World::new(IMAGE);
        world.commit("4.20", &[("images/b.yml", &b)]);
        world.cut("4.20", "4.21");
        world.commit(
            "4.20",
            &[("images/a.yml", &with(okd)), ("images/b.yml", &format!("{b}{okd}"))],
        );
        world.commit("4.21", &[("images/b.yml", there)]);
        let (files, told) = world.plan("4.21");
        assert_eq!(files, [("images/a.yml".to_owned(), with(okd))], "{there}");
        assert_eq!(
            told.iter().any(|text| text.contains(told_of_it)),
            !told.is_empty(),
            "{there}: {told:?}"
        );
        assert_eq!(told.is_empty(), told_of_it.is_empty(), "{there}: {told:?}");
    }
}

#[test]
fn what_doozer_could_not_build_then_is_left() {
    let world = World::three(IMAGE);
    let missing = "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.gone\n";
    world.commit("4.20", &[("images/a.yml", &with(missing))]);
    let (files, told) = world.plan("4.21");
    assert_eq!(files, []);
    assert!(
        told[0].ends_with("doozer could not build it then: Dockerfile.gone is not there"),
        "{told:?}"
    );
    // Modifications of OCP's that do not fit are emptied with a Dockerfile that is carried.
    let modified = IMAGE.replace(
        "    git:\n",
        "    modifications:\n    - action: replace\n      match: RUN ocp\n      replacement: RUN okd\n    git:\n",
    );
    let okd = "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n";
    world.commit("4.20", &[("images/a.yml", &with(okd))]);
    world.commit("4.21", &[("images/a.yml", &modified)]);
    let expected = format!("{modified}{okd}      modifications: []\n");
    assert_eq!(world.rendered("4.21", "images/a.yml"), (expected, Vec::new()));
}

#[test]
fn each_release_gets_a_request_of_its_own() {
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    let done = ran(program().args(["reconcile"]).current_dir(world.dir.path()));
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    for release in ["4.21", "4.22"] {
        let head = world
            .repo
            .find_reference(&format!("refs/heads/lockstep/build-data/{release}"))
            .unwrap();
        let tree = head.peel_to_tree().unwrap();
        let blob = world
            .repo
            .find_blob(tree.get_path(Path::new("images/a.yml")).unwrap().id())
            .unwrap();
        assert_eq!(std::str::from_utf8(blob.content()).unwrap(), with(FLAVOUR), "{release}");
    }
    assert!(
        world
            .repo
            .find_reference("refs/heads/lockstep/build-data/4.20")
            .is_err()
    );
    let heads = || -> Vec<Oid> {
        let heads = world.repo.references_glob("refs/heads/lockstep/*").unwrap();
        heads.filter_map(|head| head.ok()?.target()).collect()
    };
    let before = heads();
    let again = ran(program().args(["reconcile"]).current_dir(world.dir.path()));
    assert_eq!((again.code, heads()), (0, before), "{}", again.err);
}

#[test]
fn what_is_not_adopted_is_not_carried() {
    let world = World::three(IMAGE);
    world.configure("adopt: {causes: [dockerfile-of-alignment]}\n");
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    assert_eq!(world.plan("4.21").0, []);
}

#[test]
fn the_dates_of_settlements_are_those_of_the_branches() {
    let aligned = |file: &str| {
        let stanza = format!("        enabled: false\n    okd_alignment:\n      dockerfile: {file}\n");
        IMAGE.replace("        enabled: false\n", &stanza)
    };
    let world = World::three(&aligned("Dockerfile.okd"));
    // Nobody settled it: what `okd_alignment` says is written.
    let okd = "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n";
    assert_eq!(
        world.rendered("4.21", "images/a.yml").0,
        format!("{}{okd}", aligned("Dockerfile.okd"))
    );
    // On 4.22 somebody takes `okd_alignment` away.
    let settled = world.commit("4.22", &[("images/a.yml", IMAGE)]);
    let (files, told) = world.plan("4.21");
    assert_eq!(files, []);
    assert!(told[0].starts_with("okd-settled-otherwise: a: "), "{told:?}");
    assert!(
        told[0].contains(&format!("4.22 builds Dockerfile.ocp (since {settled} of 2024-")),
        "{told:?}"
    );
    // On 4.21 somebody says it anew, which is later.
    let own = world.commit("4.21", &[("images/a.yml", &aligned("Dockerfile.other"))]);
    let other = okd.replace("Dockerfile.okd", "Dockerfile.other");
    assert_eq!(
        world.rendered("4.21", "images/a.yml").0,
        format!("{}{other}", aligned("Dockerfile.other"))
    );
    // A commit that changes something else does not make the settlement younger.
    let note = IMAGE.replace("for_payload: true\n", "for_payload: true\nowners: [x]\n");
    world.commit("4.22", &[("images/a.yml", &note)]);
    assert_eq!(world.rendered("4.21", "images/a.yml").1, Vec::<String>::new());
    world.commit("4.22", &[("images/a.yml", &format!("{note}okd:\n  mode: enabled\n"))]);
    let told = world.plan("4.21").1;
    assert!(
        told[0].contains(&format!("(since {own} of 2024-")),
        "both commits are shown: {told:?}"
    );
}

#[test]
fn what_the_audit_puts_right_is_part_of_the_same_request() {
    let image = IMAGE.replace(
        "        enabled: false\n",
        "        enabled: false\n    okd_alignment:\n      dockerfile: Dockerfile.okd\n",
    );
    let okd = "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n";
    // The branch is written out, below a line that looks the same for another reason.
    let literal = |minor: &str| {
        let text = image.replace("release-{MAJOR}.{MINOR}", &format!("release-4.{minor}"));
        text.replace(
            "for_payload: true\n",
            &format!("for_payload: true\nnote: release-4.{minor}\n"),
        )
    };
    let world = World::new(&literal("20"));
    let lockstep = |args: &[&str]| ran(program().args(args).current_dir(world.dir.path()));
    let offered = || {
        let report: Json = serde_json::from_str(&lockstep(&["audit", "--fix", "--format", "json"]).out).unwrap();
        let codes = report["fixes"]
            .as_array()
            .expect("fixes")
            .iter()
            .map(|fix| fix["codes"].to_string());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(
        offered(),
        ["[\"literal-release\"]"],
        "without the option it is the audit's"
    );
    let text = fs::read_to_string(world.dir.path().join("lockstep.yaml")).unwrap();
    let text = text.replace("targets: [build-data]", "targets: [{build-data: {fixes: true}}]");
    fs::write(world.dir.path().join("lockstep.yaml"), text).unwrap();
    assert_eq!(offered(), Vec::<String>::new(), "with it, it is the target's");
    let ran_once = lockstep(&["reconcile"]);
    assert_eq!(ran_once.code, 0, "{}{}", ran_once.out, ran_once.err);
    let heads: Vec<String> = world
        .repo
        .references_glob("refs/heads/lockstep/*")
        .unwrap()
        .filter_map(|head| head.ok()?.name().ok().map(str::to_owned))
        .collect();
    assert_eq!(heads, ["refs/heads/lockstep/build-data/4.20"], "one request");
    let head = world.repo.find_reference(&heads[0]).unwrap().peel_to_commit().unwrap();
    assert!(
        head.summary()
            .unwrap()
            .unwrap_or_default()
            .starts_with("scan-sources-konflux:noop"),
        "{:?}",
        head.summary()
    );
    let tree = head.tree().unwrap();
    let blob = world
        .repo
        .find_blob(tree.get_path(Path::new("images/a.yml")).unwrap().id())
        .unwrap();
    let expected = format!(
        "{}{okd}",
        literal("20").replace("target: release-4.20", "target: release-{MAJOR}.{MINOR}")
    );
    assert_eq!(std::str::from_utf8(blob.content()).unwrap(), expected);
    // Merged, nothing of it is left.
    world
        .repo
        .reference("refs/heads/openshift-4.20", head.id(), true, "merged")
        .unwrap();
    assert_eq!(world.plan("4.20").0, []);
    assert_eq!(offered(), Vec::<String>::new());
}

#[test]
fn a_fix_is_made_where_its_line_is_after_what_is_carried() {
    let line = |branch: &str| IMAGE.replace("release-{MAJOR}.{MINOR}", branch);
    let stanza = "    okd_alignment:\n      context_dir: release-4.21\n";
    let world = World::new(IMAGE);
    world.cut("4.20", "4.21");
    world.commit("4.21", &[("images/a.yml", &line("release-4.21"))]);
    let aligned = IMAGE.replace("    git:\n", &format!("{stanza}    git:\n"));
    world.commit("4.20", &[("images/a.yml", &aligned)]);
    let text = fs::read_to_string(world.dir.path().join("lockstep.yaml")).unwrap();
    let text = text.replace("targets: [build-data]", "targets: [{build-data: {fixes: true}}]");
    fs::write(world.dir.path().join("lockstep.yaml"), text).unwrap();
    let after = world.rendered("4.21", "images/a.yml").0;
    assert!(after.contains("        target: release-{MAJOR}.{MINOR}\n"), "{after}");
    assert!(
        after.contains("    okd_alignment:\n      context_dir: release-"),
        "{after}"
    );
}

#[test]
fn a_try_carries_as_a_run_does() {
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    let lockstep = |args: &[&str]| {
        let ran = ran(program()
            .args(args)
            .args(["--release", "4.21"])
            .current_dir(world.dir.path()));
        assert!(ran.code < 2, "{}{}", ran.out, ran.err);
        ran.out
    };
    let stream = "--set=streams.base.upstream_image=registry.example.com/ocp/base:8";
    let out = tempfile::tempdir().unwrap();
    lockstep(&["render", stream, "--out", out.path().to_str().unwrap()]);
    let text = fs::read_to_string(out.path().join(BUILD_DATA).join("images/a.yml")).unwrap();
    assert_eq!(text, with(FLAVOUR));
    // What is carried without the try is no change of the try.
    let plan: Json = serde_json::from_str(&lockstep(&["plan", stream, "--format", "json"])).unwrap();
    assert!(!plan["files"].to_string().contains("FLAVOUR"), "{plan}");
    assert!(!plan["findings"].to_string().contains("okd-carry"), "{plan}");
    // A variable that is tried holds for what is carried, too, which is written as it was.
    lockstep(&["render", "--set=vars.MINOR=99", "--out", out.path().to_str().unwrap()]);
    let text = fs::read_to_string(out.path().join(BUILD_DATA).join("images/a.yml")).unwrap();
    assert_eq!(text, with(FLAVOUR));
}

#[test]
fn what_the_target_carries_nobody_is_asked_to_carry_by_hand() {
    let helps = |world: &World, args: &[&str]| {
        let ran = ran(program()
            .args(args)
            .args(["--format", "json"])
            .current_dir(world.dir.path()));
        let found: Json = serde_json::from_str(&ran.out).unwrap();
        let findings = found["findings"].as_array().unwrap().iter();
        let ours = findings.filter(|one| one["code"] == "carry-dockerfile");
        let help = ours.map(|one| one["help"].as_str().unwrap().to_owned());
        help.collect::<Vec<_>>()
    };
    // Lost at the cut, which is nobody's but a person's.
    let lost = World::new(&with(FLAVOUR));
    lost.cut("4.20", "4.21");
    lost.commit("4.21", &[("images/a.yml", IMAGE)]);
    let added = World::new(IMAGE);
    added.cut("4.20", "4.21");
    added.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    for command in [&["plan"][..], &["audit"]] {
        for turn in ["first", "again"] {
            let by_hand = helps(&lost, command);
            assert!(
                by_hand.len() == 1 && by_hand[0].starts_with("carry `"),
                "{command:?} {turn}: {by_hand:?}"
            );
            let by_us = helps(&added, command);
            let says = |help: &String| help.contains("target `build-data` carries it with its request for 4.21");
            assert!(
                by_us.len() == 1 && by_us.iter().all(says),
                "{command:?} {turn}: {by_us:?}"
            );
        }
    }
    // Without the target somebody has to.
    let config = fs::read_to_string(added.dir.path().join("lockstep.yaml")).unwrap();
    fs::write(
        added.dir.path().join("lockstep.yaml"),
        config.replace("[build-data]", "[{build-config: {repo: openshift/a}}]"),
    )
    .unwrap();
    assert!(helps(&added, &["plan"])[0].starts_with("carry `"));
}
