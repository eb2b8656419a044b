//! Target `build-data` where build data is behind a URL: the same as from disk, for few bytes and fewer questions.

#[expect(dead_code, reason = "tests of the sources need all of it")]
#[path = "../../src/source/http/testserver.rs"]
mod testserver;

use std::fs;

use self::testserver::{Manner, TestServer, noise};
use crate::build_data::{BUILD_DATA, FLAVOUR, IMAGE, World, with};
use crate::support::program::{program, ran};

/// What is planned for a release, and what is told.
type Planned = (Vec<(String, String)>, Vec<String>);

/// The same world from disk and by URL, each with a state directory of its own.
struct Far {
    world: World,
    server: TestServer,
}

impl Far {
    fn new(world: World, manner: Manner) -> Self {
        let config = world.repo.config();
        config.unwrap().set_bool("uploadpack.allowFilter", true).unwrap();
        let server = TestServer::start(world.dir.path(), manner);
        Self { world, server }
    }

    fn on_disk(&self, release: &str) -> Planned {
        self.world.configure("");
        self.world.plan(release)
    }

    fn by_url(&self, release: &str) -> Planned {
        self.point("far");
        self.world.plan(release)
    }

    /// Has build data read behind the URL.
    fn point(&self, state: &str) {
        let url = self.server.url("", BUILD_DATA);
        let config = format!(
            "sources:\n  build-data: {{repo: '{url}'}}\n  components: {{repo: 'repos/{{org}}/{{repo}}'}}\n\
             targets: [build-data]\nforge: {{kind: local, dir: forge}}\nstate: {state}\nreleases: auto\n"
        );
        fs::write(self.world.dir.path().join("lockstep.yaml"), config).unwrap();
    }

    fn lockstep(&self, args: &[&str]) -> String {
        let ran = ran(program().args(args).current_dir(self.world.dir.path()));
        assert!(ran.code < 3, "{}{}", ran.out, ran.err);
        format!("{}{}", ran.out, ran.err)
    }

    /// How many fetches were made since the last call, and how many requests in all.
    fn asked(&self) -> (usize, usize) {
        let seen = self.server.take_seen();
        let is_fetch = |body: &[u8]| body.windows(13).any(|window| window == b"command=fetch");
        (seen.iter().filter(|one| is_fetch(&one.body)).count(), seen.len())
    }
}

/// Three releases and what people do on them: added, added and removed, settled, merged, in the group's own file, with releases'
/// numbers, in a file that is missing later.
fn busy() -> World {
    let b = IMAGE
        .replace("ose-a", "ose-b")
        .replace("payload_name: a", "payload_name: b");
    let aligned = "        enabled: false\n    okd_alignment:\n      dockerfile: Dockerfile.okd\n";
    let world = World::new(&IMAGE.replace("        enabled: false\n", aligned));
    world.commit("4.20", &[("images/b.yml", &b)]);
    world.cut("4.20", "4.21");
    world.commit(
        "4.20",
        &[("images/b.yml", &format!("{b}okd:\n  envs:\n    FLAVOUR: v4.20\n"))],
    );
    world.cut("4.21", "4.22");
    world.commit(
        "4.21",
        &[("images/b.yml", &format!("{b}okd:\n  enabled_repos:\n  - one\n"))],
    );
    world.commit("4.22", &[("images/a.yml", IMAGE)]);
    world.commit("4.21", &[("images/b.yml", &b)]);
    let more = "okd:\n  envs:\n    FLAVOUR: v4.20\n    OTHER: x\n  payload_name: c\n";
    world.commit("4.20", &[("images/b.yml", &format!("{b}{more}"))]);
    world.commit("4.21", &[("images/b.yml", &format!("{b}okd:\n  payload_name: d\n"))]);
    world
}

#[test]
fn by_url_all_is_as_it_is_from_disk() {
    let far = Far::new(busy(), Manner::default());
    let mut told = 0;
    for release in ["4.20", "4.21", "4.22"] {
        let disk = far.on_disk(release);
        assert_eq!(far.by_url(release), disk, "{release}");
        told += disk.0.len() + disk.1.len();
    }
    assert!(told > 3, "there is something to compare");
    // Without anything that is remembered, and all at once.
    let all = |state: &str| {
        far.point(state);
        far.lockstep(&["plan", "--format", "json"])
    };
    let first = all("other");
    assert!(first.contains("is carried from 4.20"), "{first}");
    assert!(!first.contains("okd-carry-unread"), "{first}");
    far.asked();
    let strip = |text: &str| text.replace(&far.server.url("", ""), "");
    assert_eq!(strip(&all("other")), strip(&first));
    assert_eq!(far.asked().0, 0);
}

#[test]
fn commands_go_the_same_way() {
    let far = Far::new(World::three(IMAGE), Manner::default());
    far.world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    let both = |args: &[&str]| {
        far.world.configure("");
        let disk = far.lockstep(args);
        far.point("far");
        (disk, far.lockstep(args))
    };
    let plan = ["plan", "--release", "4.22"];
    let (disk, url) = both(&plan);
    assert!(url.contains("carried"), "{url}");
    assert_eq!(disk.matches("carried").count(), url.matches("carried").count());
    let (_, url) = both(&["audit", "--release", "4.22", "--format", "json"]);
    assert!(!url.contains("okd-carry-unread"), "{url}");
    let done = far.lockstep(&["reconcile", "--dry-run", "--release", "4.22"]);
    assert!(done.contains("build-data/4.22"), "{done}");
    let (disk, url) = both(&["explain", "a", "--as", "doozer", "--release", "4.22"]);
    assert_eq!(disk, url);
}

#[test]
fn a_quiet_run_asks_where_branches_stand_and_a_moved_branch_costs_its_own_commits() {
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    // Years of commits in which files that nobody asks for change.
    for at in 0..40 {
        let large = noise(at, 8_000);
        for release in ["4.20", "4.21", "4.22"] {
            world.commit(
                release,
                &[("rpms/large.yml", &large), ("releases.yml", &noise(at + 100, 8_000))],
            );
        }
    }
    world.component_in_git();
    let far = Far::new(world, Manner::default());
    far.point("far");
    let first = far.lockstep(&["plan", "--format", "json"]);
    assert!(first.contains("is carried from 4.20"), "{first}");
    // 130 commits with their folders, and what a run reads in any case; the contents are two megabytes.
    let bytes = far.server.sent();
    assert!(bytes < 100_000, "{bytes} bytes");
    let (fetches, _) = far.asked();
    assert!(
        fetches <= 3 + 3 + 6,
        "three branches, their histories, and some files: {fetches}"
    );

    let quiet = far.lockstep(&["plan", "--format", "json"]);
    let (fetches, requests) = far.asked();
    assert_eq!((quiet, fetches), (first, 0));
    // 38 without what is carried, each a greeting or a question for branches.
    assert!(requests <= 46, "{requests} requests");
    assert!(far.server.sent() - bytes < 8_000, "{}", far.server.sent() - bytes);

    let before = far.server.sent();
    far.world.commit("4.20", &[("images/a.yml", &with2(FLAVOUR))]);
    far.point("far");
    let moved = far.lockstep(&["plan", "--format", "json"]);
    assert!(moved.contains("MORE"), "{moved}");
    let bytes = far.server.sent() - before;
    assert!(bytes < 12_000, "{bytes} bytes of one commit");
}

fn with2(okd: &str) -> String {
    with(&okd.replace("  envs:\n", "  envs:\n    MORE: y\n"))
}

#[test]
fn a_server_without_histories_costs_what_is_carried_and_nothing_else() {
    let refuse = Manner {
        old: true,
        ..Manner::default()
    };
    let far = Far::new(busy(), refuse);
    let (disk, url) = (far.on_disk("4.22"), far.by_url("4.22"));
    let unread: Vec<&String> = url
        .1
        .iter()
        .filter(|text| text.starts_with("okd-carry-unread: "))
        .collect();
    assert_eq!(unread.len(), 1, "{url:?}");
    assert!(
        unread[0].contains("cannot leave the contents of files out"),
        "{unread:?}"
    );
    assert!(unread[0].contains("on disk"), "what to do: {unread:?}");
    assert!(url.0.len() <= disk.0.len());
}

#[test]
fn a_server_that_goes_half_way_is_asked_again() {
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    world.component_in_git();
    // Folders and files of the release itself come, and the histories of two branches; that of the third breaks off.
    let gone_at = Some(4);
    let far = Far::new(
        world,
        Manner {
            gone_at,
            ..Manner::default()
        },
    );
    let (files, told) = far.by_url("4.22");
    assert_eq!(files, []);
    let unread = told.iter().find(|text| text.starts_with("okd-carry-unread: "));
    assert!(
        unread.is_some_and(|text| text.contains("cannot be reached")),
        "{told:?}"
    );
    let plan = far.lockstep(&["plan", "--release", "4.22"]);
    assert!(plan.contains("the next run tries again"), "{plan}");
    far.server.mend();
    far.asked();
    // It was not remembered as if nothing were carried, and what had come is not fetched again.
    let (files, told) = far.by_url("4.22");
    assert_eq!(far.asked().0, 2, "one branch, and what its files said");
    assert_eq!((files.len(), told.as_slice()), (1, &[][..]));
    assert_eq!((files, told), far.on_disk("4.22"));
}

#[test]
fn a_branch_that_was_written_anew_is_read_anew() {
    let world = World::three(IMAGE);
    let before = world.repo.refname_to_id("refs/heads/openshift-4.20").unwrap();
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    let far = Far::new(world, Manner::default());
    assert_eq!(far.by_url("4.21").0.len(), 1);
    let name = "refs/heads/openshift-4.20";
    far.world.repo.reference(name, before, true, "").unwrap();
    far.world
        .commit("4.20", &[("images/a.yml", &with("okd:\n  envs:\n    ANEW: x\n"))]);
    let (files, told) = far.by_url("4.21");
    assert_eq!((files.clone(), told), far.on_disk("4.21"));
    assert!(
        files[0].1.contains("ANEW") && !files[0].1.contains("FLAVOUR"),
        "{files:?}"
    );
}

#[test]
fn a_change_of_others_comes_to_the_same_by_url() {
    let world = World::three(IMAGE);
    world.commit("4.20", &[("images/a.yml", &with(FLAVOUR))]);
    world.component_in_git();
    let at = world.repo.refname_to_id("refs/heads/openshift-4.21").unwrap();
    for topic in ["owners", "own"] {
        let name = format!("refs/heads/{topic}");
        world.repo.reference(&name, at, true, "").unwrap();
    }
    let owners = IMAGE.replace("for_payload: true\n", "for_payload: true\nowners: [x]\n");
    world.commit_to("owners", &[("images/a.yml", &owners)]);
    world.commit_to("own", &[("images/a.yml", &with("okd:\n  envs:\n    FLAVOUR: own\n"))]);
    // The branch goes on meanwhile.
    world.commit(
        "4.21",
        &[(
            "streams.yml",
            &format!("# later\n{}", world.file("4.21", "streams.yml").unwrap()),
        )],
    );
    let far = Far::new(world, Manner::default());
    for topic in ["owners", "own"] {
        let told = |far: &Far| {
            let args = [
                "impact",
                BUILD_DATA,
                "--head",
                topic,
                "--branch",
                "openshift-4.21",
                "--format",
                "json",
            ];
            let ran = ran(program().args(args).current_dir(far.world.dir.path()));
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
            let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
            assert!(!ran.out.contains("okd-carry-unread"), "{}", ran.out);
            answer["releases"].clone()
        };
        far.world.configure("");
        let disk = told(&far);
        far.point("far");
        assert!(disk.as_array().is_some_and(|releases| releases.len() == 1), "{disk}");
        assert!(disk[0]["files"].to_string().contains("images/a.yml"), "{disk}");
        assert_eq!(told(&far), disk, "{topic}");
    }
}
