//! What ART's tool reads, what is carried and what the audit puts right go to build data on GitHub in one request a release.

use std::fs;

use serde_json::Value as Json;

use crate::build_data::{BUILD_DATA, IMAGE, World, branch};
use crate::support::fake_github::FakeGithub;
use crate::support::fake_github::state::{Pull, PullState};
use crate::support::program::{Ran, program, ran};

const TOKEN: &str = "ghs_0123456789abcdefghij";
const RELEASES: [&str; 2] = ["4.20", "4.21"];
const FILES: [&str; 3] = ["group.yml", "streams.yml", "images/a.yml"];

/// Build data on disk, which is read, and on GitHub, where requests are made.
struct Both {
    world: World,
    github: FakeGithub,
}

impl Both {
    fn new(world: World) -> Self {
        let github = FakeGithub::start();
        github.repository(BUILD_DATA, &[("README.md", "Build data.\n")]);
        let forge = format!("forge: {{kind: github, api: '{}', token-env: TOKEN}}", github.url);
        let at = world.dir.path().join("lockstep.yaml");
        let text = fs::read_to_string(&at).expect("the configuration");
        let text = text
            .replace("forge: {kind: local, dir: forge}", &forge)
            .replace("targets: [build-data]", "targets: [{build-data: {fixes: true}}]");
        fs::write(at, text).expect("written");
        let both = Self { world, github };
        RELEASES.iter().for_each(|release| both.push(release));
        both
    }

    /// Puts a release's files on GitHub as they are on disk.
    fn push(&self, release: &str) {
        let files: Vec<(&str, String)> = FILES
            .iter()
            .map(|path| (*path, self.world.file(release, path).expect("a file")))
            .collect();
        let files: Vec<(&str, Option<&str>)> = files.iter().map(|(path, text)| (*path, Some(text.as_str()))).collect();
        self.github.push(BUILD_DATA, &branch(release), "ann", &files);
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = program();
        let ran = ran(command
            .env("TOKEN", TOKEN)
            .args(args)
            .current_dir(self.world.dir.path()));
        assert!(!format!("{}{}", ran.out, ran.err).contains(TOKEN));
        ran
    }

    fn reconcile(&self) {
        let done = self.run(&["reconcile"]);
        assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    }

    fn open(&self) -> Vec<Pull> {
        let mut pulls = self.github.pulls(BUILD_DATA);
        pulls.retain(|pull| pull.state == PullState::Open);
        pulls.sort_by(|one, other| one.base.cmp(&other.base));
        pulls
    }

    /// The codes of what the audit would put right by itself.
    fn offered(&self) -> String {
        let report: Json = serde_json::from_str(&self.run(&["audit", "--fix", "--format", "json"]).out).expect("JSON");
        report["fixes"].to_string()
    }
}

#[test]
fn fixes_of_the_audit_are_in_the_targets_request_for_the_release() {
    let aligned = "        enabled: false\n    okd_alignment:\n      dockerfile: Dockerfile.okd\n";
    let image = |minor: &str| {
        let text = IMAGE.replace("        enabled: false\n", aligned);
        text.replace("release-{MAJOR}.{MINOR}", &format!("release-4.{minor}"))
    };
    let world = World::new(&image("20"));
    world.cut("4.20", "4.21");
    world.commit("4.21", &[("images/a.yml", &image("21"))]);
    world.commit(
        "4.20",
        &[("images/a.yml", &format!("{}okd:\n  envs:\n    ADDED: x\n", image("20")))],
    );
    let both = Both::new(world);
    assert_eq!(both.offered(), "[]", "the target makes them");
    both.reconcile();
    let pulls = both.open();
    let bases: Vec<&str> = pulls.iter().map(|pull| pull.base.as_str()).collect();
    assert_eq!(bases, ["openshift-4.20", "openshift-4.21"], "one request a release");
    for (pull, release) in pulls.iter().zip(RELEASES) {
        assert_eq!(pull.head, format!("lockstep/build-data/{release}"));
        assert!(pull.title.starts_with("scan-sources-konflux:noop"), "{}", pull.title);
        let text = &both.github.files(BUILD_DATA, &pull.head)["images/a.yml"];
        assert!(
            text.contains("        target: release-{MAJOR}.{MINOR}\n"),
            "{release}: {text}"
        );
        assert!(
            text.contains("\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n"),
            "{release}: {text}"
        );
        assert!(text.contains("    ADDED: x\n"), "{release}: {text}");
        assert!(pull.body.contains("literal-release"), "{release}: {}", pull.body);
    }
    assert!(pulls[1].body.contains("is carried from 4.20"), "{}", pulls[1].body);
    // A second run changes nothing, and once they are merged nothing is left.
    let picture = both.github.picture(BUILD_DATA);
    both.reconcile();
    assert_eq!(both.github.picture(BUILD_DATA), picture);
    for (pull, release) in pulls.iter().zip(RELEASES) {
        let text = both.github.files(BUILD_DATA, &pull.head)["images/a.yml"].clone();
        both.world.commit(release, &[("images/a.yml", &text)]);
        both.push(release);
    }
    both.reconcile();
    assert!(both.open().is_empty(), "{:?}", both.open());
    assert_eq!(both.offered(), "[]");
}
