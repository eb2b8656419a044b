//! Telling after the merge: one of each comment, issue and table, whatever happens on the way.

use std::sync::Arc;

use lockstep::base::RepoName;
use lockstep::config;
use lockstep::forge::github::{GithubForge, Options};
use lockstep::github::{Client, Credential, Policy};
use lockstep::results::answer::{Absent, ImageResult, ImageState, OfRelease, Results, Suspect};
use lockstep::run::place::ConfiguredForge;
use lockstep::run::told::Told;
use lockstep::run::{LoadedRules, Run, begin};
use lockstep::store::Store;

use crate::support::fake_github::state::{Pull, PullState};
use crate::support::fake_github::{FakeGithub, Fault};
use crate::support::github_world::StillClock;

const HARBOR: &str = "openshift/harbor";
const TABLE: &str = "okd-project/okd";
const TOKEN: &str = "ghs_0123456789abcdefghij";
const DAY: i64 = 86_400;
/// When tests take place: the fake's time, a little later.
const NOW: i64 = 1_700_010_000;

struct World {
    github: FakeGithub,
    clock: Arc<StillClock>,
    dir: tempfile::TempDir,
    form: &'static str,
    max_new: usize,
    owners: bool,
}

impl World {
    fn new(form: &'static str) -> Self {
        let github = FakeGithub::start();
        github.repository(HARBOR, &[("Dockerfile", "FROM base\n")]);
        github.repository(TABLE, &[("README.md", "OKD\n")]);
        github.inside().tokens.push(TOKEN.to_owned());
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("token"), format!("{TOKEN}\n")).expect("written");
        let world = Self {
            github,
            clock: Arc::default(),
            dir,
            form,
            max_new: 10,
            owners: false,
        };
        world.pull(11, PullState::Merged);
        world
    }

    /// A pull request of harbor's.
    fn pull(&self, number: u64, state: PullState) {
        let head = self.github.branch(HARBOR, "main").expect("a branch");
        let pull = Pull {
            state,
            title: "Change it".to_owned(),
            head_repo: None,
            head_owner: "ann".to_owned(),
            created_at: "2023-11-14T23:00:00Z".to_owned(),
            ..Pull::open(number, HARBOR, ("main", &head), ("topic", &head))
        };
        let mut inside = self.github.inside();
        inside.state.repo_mut(HARBOR).expect("harbor").pulls.push(pull);
    }

    /// A process of its own: nothing but what the store keeps is known from one run to the next.
    fn process(&self, store: Option<&str>) -> (Run, ConfiguredForge) {
        let (form, most, owners) = (self.form, self.max_new, self.owners);
        let table = if form == "table" {
            format!(", table: {TABLE}")
        } else {
            String::new()
        };
        let text = format!(
            "sources:\n  build-data: {{repo: ./none}}\n  components: {{via: github}}\n  results:\n    prow: {{deck: 'https://prow.example.com', artifacts: \
             'https://storage.example.com/bucket'}}\nreleases: ['4.21']\nforge: {{kind: github, api: '{}', token-file: token}}\nfeedback: {{pulls: \
             {{repositories: [x], as: status}}, breaks: {{as: {form}, max-new: {most}, owners: {owners}{table}}}}}\n",
            self.github.url
        );
        let config = config::parse(text.as_bytes(), "lockstep.yaml", self.dir.path()).unwrap_or_else(|f| panic!("{f}"));
        let credential = Credential::TokenFile(self.dir.path().join("token"));
        let client =
            Client::with(&self.github.url, credential, Policy::default(), self.clock.clone()).expect("a client");
        let place = ConfiguredForge::GitHub(Box::new(GithubForge::new(client, Options::default())));
        let sources = begin::sources(&config).expect("sources");
        let mut run = Run::new(config, LoadedRules::new(Vec::new()), sources);
        if let Some(name) = store {
            run = run.remembering(Store::open(&self.dir.path().join(name)).0, "test");
        }
        (run, place)
    }

    fn tell_at(&self, results: &Results, dry_run: bool, now: i64) -> Told {
        let (run, place) = self.process(None);
        run.tell_breaks(&place, results, dry_run, now).expect("GitHub")
    }

    fn tell(&self, results: &Results) -> Told {
        self.tell_at(results, false, NOW)
    }

    fn picture(&self) -> String {
        [HARBOR, TABLE].map(|repo| self.github.picture(repo)).concat()
    }

    /// How many issues are open, and how many comments tell of a break, in all.
    fn telling(&self) -> (usize, usize) {
        let inside = self.github.inside();
        let repos = [HARBOR, TABLE].map(|repo| inside.state.repo(repo).expect("a repository"));
        let issues = repos.iter().flat_map(|repo| &repo.issues);
        let comments = repos
            .iter()
            .flat_map(|repo| &repo.pulls)
            .flat_map(|pull| &pull.comments);
        let tells = |body: &str| body.contains(" broken -->");
        (
            issues.filter(|issue| issue.is_open && tells(&issue.body)).count(),
            comments.filter(|comment| tells(&comment.body)).count(),
        )
    }
}

fn image(tag: &str, state: ImageState) -> ImageResult {
    let fails = state == ImageState::Broken;
    ImageResult {
        image: tag.to_owned(),
        repository: HARBOR.to_owned(),
        branch: "main".to_owned(),
        job: "branch-ci-openshift-harbor-main-okd-scos-images".to_owned(),
        state,
        says: "its build failed".to_owned(),
        because: None,
        since: fails.then(|| "b".repeat(40)),
        since_time: fails.then_some(NOW - 3_600),
        last_good: Some("a".repeat(40)),
        attempts: 2,
        okd_only: Some(true),
        twin: "branch-ci-openshift-harbor-main-images".to_owned(),
        lines: vec!["error: it does not compile".to_owned()],
        suspects: vec![Suspect {
            commit: "b".repeat(40),
            pull: Some(11),
            title: "Change it".to_owned(),
        }],
        run: Some("logs/branch-ci-openshift-harbor-main-okd-scos-images/7".to_owned()),
        elsewhere: None,
        history: Vec::new(),
        silenced: None,
    }
}

fn results(images: Vec<ImageResult>) -> Results {
    Results {
        version: 1,
        releases: vec![OfRelease {
            release: "4.21".to_owned(),
            images,
            payloads: Vec::new(),
            absent: Absent {
                all_others: true,
                ..Absent::default()
            },
        }],
        unread: Vec::new(),
    }
}

fn broken(tags: &[&str]) -> Results {
    results(tags.iter().map(|tag| image(tag, ImageState::Broken)).collect())
}

fn builds(tags: &[&str]) -> Results {
    results(tags.iter().map(|tag| image(tag, ImageState::Builds)).collect())
}

fn lines(told: &Told) -> Vec<String> {
    told.lines()
}

/// What is disturbed, with what goes before it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    Begin,
    Edit,
    End,
    Relapse,
}

impl Life {
    const ALL: [Self; 4] = [Self::Begin, Self::Edit, Self::End, Self::Relapse];

    fn before(self, form: &'static str) -> (World, Results) {
        let world = World::new(form);
        if self != Self::Begin {
            world.tell(&broken(&["a"]));
        }
        if self == Self::Relapse {
            world.tell(&builds(&["a"]));
        }
        let results = match self {
            Self::Begin | Self::Relapse => broken(&["a"]),
            Self::Edit => broken(&["a", "b"]),
            Self::End => builds(&["a"]),
        };
        (world, results)
    }
}

#[test]
fn the_approvers_of_owners_are_named_and_nobody_else() {
    let told = |owners: &str, groups: Option<&str>| {
        let mut world = World::new("comment");
        world.owners = true;
        let files = [("OWNERS", Some(owners)), ("OWNERS_ALIASES", groups)];
        let files: Vec<_> = files.into_iter().filter(|(_, text)| text.is_some()).collect();
        world.github.push(HARBOR, "main", "ann", &files);
        let told = world.tell(&broken(&["a"]));
        assert_eq!((told.failed.len(), told.writes.len()), (0, 1), "{:?}", lines(&told));
        world.tell(&broken(&["a", "b"]));
        let pulls = world.github.pulls(HARBOR);
        assert_eq!(pulls[0].comments.len(), 1);
        let body = pulls[0].comments[0].body.clone();
        let line = body
            .lines()
            .find(|line| line.contains("lockstep:cc"))
            .map(str::to_owned);
        assert_eq!(
            body.matches('@').count(),
            line.as_deref().unwrap_or_default().matches('@').count(),
            "{body}"
        );
        line
    };
    let named = |names: &str| Some(format!("<!-- lockstep:cc -->cc {names} (`approvers` in OWNERS)"));
    let groups = "aliases:\n  harbor-team: [Bob, carol]\n";
    assert_eq!(
        told("approvers: [ann, harbor-team]\n", Some(groups)),
        named("@ann, @bob, @carol")
    );
    let evil = "approvers: [ann, '@everyone', 'openshift/team', '--> </details>', \"x\\n<!-- lockstep:break \"]\n";
    assert_eq!(told(evil, None), named("@ann"));
    assert_eq!(told("approvers: &a [*a, *a]\n", None), None);
    let none = World::new("comment");
    none.github
        .push(HARBOR, "main", "ann", &[("OWNERS", Some("approvers: [ann]\n"))]);
    none.tell(&broken(&["a"]));
    assert!(!none.picture().contains("@ann"), "only by option");
}

const FORMS: [&str; 3] = ["comment", "issue", "table"];

#[test]
fn each_fault_once_at_each_request() {
    for (form, life) in FORMS.iter().flat_map(|form| Life::ALL.map(|life| (*form, life))) {
        let (world, found) = life.before(form);
        let before = world.github.requests();
        let told = world.tell(&found);
        assert!(
            !told.writes.is_empty() && told.failed.is_empty(),
            "{form}, {life:?}: {:?}",
            lines(&told)
        );
        let (requests, expected) = (world.github.requests() - before, world.picture());
        for at in 1..=requests {
            for fault in Fault::ALL {
                let (world, found) = life.before(form);
                world.github.fail(at, fault, false);
                let told = world.tell(&found);
                let context = format!(
                    "{form}, {life:?}, {fault:?} at request {at} of {requests}: {:?}",
                    lines(&told)
                );
                assert!(!context.contains(TOKEN), "{context}");
                if fault.passes() {
                    assert_eq!(told.failed, Vec::<String>::new(), "{context}");
                    assert_eq!(world.picture(), expected, "{context}");
                }
                world.github.mend();
                let healed = world.tell(&found);
                assert_eq!(
                    healed.failed,
                    Vec::<String>::new(),
                    "{context}, then {:?}",
                    lines(&healed)
                );
                assert_eq!(world.picture(), expected, "{context}");
                assert_eq!(world.tell(&found).writes, [], "{context}");
            }
        }
    }
}

#[test]
fn each_fault_for_good_is_told_and_ends() {
    for (form, life) in FORMS.iter().flat_map(|form| Life::ALL.map(|life| (*form, life))) {
        let (world, found) = life.before(form);
        let before = world.github.requests();
        world.tell(&found);
        let (requests, expected) = (world.github.requests() - before, world.picture());
        for at in 1..=requests {
            for fault in Fault::ALL {
                let (world, found) = life.before(form);
                world.github.fail(at, fault, true);
                let before = world.github.requests();
                let told = world.tell(&found);
                let context = format!(
                    "{form}, {life:?}, {fault:?} from request {at} of {requests} on: {:?}",
                    lines(&told)
                );
                let is_done = world.picture() == expected;
                assert!(is_done || !told.failed.is_empty(), "{context}");
                assert!(
                    world.github.requests() - before <= at + 30,
                    "{context}: it goes on asking"
                );
                world.github.mend();
                let healed = world.tell(&found);
                assert_eq!(
                    healed.failed,
                    Vec::<String>::new(),
                    "{context}, then {:?}",
                    lines(&healed)
                );
                assert_eq!(world.picture(), expected, "{context}");
            }
        }
    }
}

#[test]
fn what_is_not_permitted_names_the_permission() {
    for (form, expected) in [
        (
            "comment",
            "commenting on openshift/harbor#11 (permission `pull_requests: write`): not permitted",
        ),
        (
            "issue",
            "opening an issue in openshift/harbor (permission `issues: write`): not permitted",
        ),
        (
            "table",
            "opening an issue in okd-project/okd (permission `issues: write`): not permitted",
        ),
    ] {
        let (world, found) = Life::Begin.before(form);
        let before = world.github.requests();
        world.tell_at(&found, true, NOW);
        let looks = world.github.requests() - before;
        world.github.fail(looks + 1, Fault::Forbidden, true);
        let told = world.tell(&found);
        assert_eq!(told.failed.len(), 1, "{form}: {:?}", lines(&told));
        assert!(told.failed[0].starts_with(expected), "{form}: {:?}", told.failed);
    }
}

#[test]
fn a_dry_run_lists_every_write_and_makes_none() {
    for (form, life) in FORMS.iter().flat_map(|form| Life::ALL.map(|life| (*form, life))) {
        let (world, found) = life.before(form);
        let before = world.picture();
        let dry = world.tell_at(&found, true, NOW);
        assert_eq!(world.picture(), before, "{form}, {life:?}");
        assert_eq!(dry.writes, world.tell(&found).writes, "{form}, {life:?}");
    }
}

#[test]
fn of_two_writers_that_know_nothing_of_one_another_one_of_each_is_left() {
    for form in FORMS {
        let (world, found) = Life::Begin.before(form);
        // One has looked and decided; the other writes before it does.
        let decided = world.tell_at(&found, true, NOW);
        world.tell(&found);
        let (_, place) = world.process(None);
        let ConfiguredForge::GitHub(forge) = &place else {
            panic!("it is GitHub")
        };
        for write in &decided.writes {
            forge.write_told(write).expect("written");
        }
        world.tell(&found);
        let (issues, comments) = world.telling();
        assert_eq!(issues + comments, 1, "{form}: {}", world.picture());
        assert_eq!(world.tell(&found).writes, [], "{form}");
        world.tell(&builds(&["a"]));
        assert_eq!(world.telling(), (0, 0), "{form}: {}", world.picture());
    }
}

#[test]
fn two_writers_at_once_leave_one_of_each() {
    for form in FORMS {
        let world = World::new(form);
        let found = broken(&["a", "b"]);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| world.tell(&found));
            }
        });
        // Whoever comes next sees what both have left.
        world.tell(&found);
        let (issues, comments) = world.telling();
        assert_eq!(issues + comments, 1, "{form}: {}", world.picture());
        assert_eq!(world.tell(&found).writes, [], "{form}");
    }
}

#[test]
fn what_is_remembered_makes_a_quiet_run_cheap_and_nothing_is_searched_for() {
    let world = World::new("comment");
    let (run, place) = world.process(Some("state"));
    let tell = |found: &Results| {
        let before = world.github.requests();
        let told = run.tell_breaks(&place, found, false, NOW).expect("GitHub");
        let asked = world.github.asked(before);
        assert!(asked.iter().all(|path| !path.contains("search")), "{asked:?}");
        (told.writes.len(), asked.len())
    };
    assert_eq!(
        tell(&builds(&["a"])),
        (0, 1),
        "where nobody remembers anything, it is looked for once"
    );
    assert_eq!(tell(&builds(&["a"])), (0, 0), "nothing is told, and nothing is asked");
    assert_eq!(tell(&broken(&["a"])).0, 1);
    assert_eq!(tell(&broken(&["a"])), (0, 1), "only where it was told");
    assert_eq!(tell(&builds(&["a"])).0, 1);
}

#[test]
fn what_somebody_has_deleted_is_not_told_again() {
    let world = World::new("comment");
    let (run, place) = world.process(Some("state"));
    let tell = |found: &Results| run.tell_breaks(&place, found, false, NOW).expect("GitHub");
    tell(&broken(&["a"]));
    world.github.edit(HARBOR, |pull| pull.comments.clear());
    let told = tell(&broken(&["a"]));
    assert_eq!(told.writes, []);
    assert_eq!(
        lines(&told),
        ["a of 4.21: not told: it was told, and somebody has deleted that"]
    );
    tell(&builds(&["a"]));
    assert_eq!(
        tell(&broken(&["a"])).writes.len(),
        1,
        "when it was over it is another break"
    );
}

#[test]
fn what_the_check_had_said_before_the_merge_is_told() {
    let world = World::new("comment");
    let head = world.github.branch(HARBOR, "main").expect("a branch");
    let said =
        serde_json::json!({"context": "OKD", "state": "success", "description": "breaks: With this OKD loses a."});
    let status = crate::support::fake_github::shapes::status(HARBOR, &head, 1, "2023-11-14T22:30:00Z", &said);
    world.github.inside().state.set_statuses.insert(head, vec![status]);
    world.tell(&broken(&["a"]));
    let pull = world.github.pulls(HARBOR).remove(0);
    let body = &pull.comments[0].body;
    assert!(
        body.contains("The check `OKD` had said so before the merge: breaks: With this OKD loses a."),
        "{body}"
    );
    let log = "https://prow.example.com/view/gs/bucket/logs/branch-ci-openshift-harbor-main-okd-scos-images/7";
    assert!(body.contains(&format!("[log]({log})")), "{body}");
}

#[test]
fn only_who_may_write_silences() {
    let world = World::new("comment");
    world.tell(&broken(&["a"]));
    for _ in 0..12 {
        world
            .github
            .say(HARBOR, "eve", "NONE", "/lockstep silence 7d because I say so");
    }
    let told = world.tell(&broken(&["a"]));
    assert_eq!(
        lines(&told),
        ["note: openshift/harbor#11: eve asks for silence, and may not write to the repository"]
    );
    world.github.inside().state.repo_mut(HARBOR).expect("harbor").writers = vec!["ann".to_owned()];
    world
        .github
        .say(HARBOR, "ann", "MEMBER", "/lockstep silence 7d because the base moves");
    let told = world.tell(&broken(&["a"]));
    assert_eq!(told.writes.len(), 1, "{:?}", lines(&told));
    let told = world.tell(&broken(&["a", "b"]));
    assert_eq!(
        told.writes.len(),
        1,
        "of others it is told, where it was: {:?}",
        lines(&told)
    );
    assert_eq!(
        world.tell(&builds(&["a", "b"])).writes.len(),
        1,
        "and of these alone that it is over"
    );
    let over = world.tell_at(&builds(&["a", "b"]), false, NOW + 9 * DAY);
    assert_eq!(over.writes.len(), 1, "{:?}", lines(&over));
    assert_eq!(world.telling(), (0, 0));
}

#[test]
fn where_issues_are_turned_off_or_nothing_can_be_read_that_is_said() {
    let world = World::new("issue");
    world
        .github
        .inside()
        .state
        .repo_mut(HARBOR)
        .expect("harbor")
        .without_issues = true;
    let told = world.tell(&broken(&["a"]));
    assert_eq!(
        lines(&told),
        [
            "a of 4.21: not told: nothing can be said in openshift/harbor: issues are turned off there: `feedback.breaks` with `table` needs none of its own"
        ]
    );
    world.github.delete_repository(HARBOR);
    let told = world.tell(&broken(&["a"]));
    assert_eq!(told.failed.len(), 1, "{:?}", lines(&told));
    assert!(
        told.failed[0].contains("openshift/harbor: not found"),
        "{:?}",
        told.failed
    );
}

#[test]
fn where_a_part_of_an_answer_failed_nothing_is_told_anew() {
    for (form, field) in [("issue", "issues"), ("comment", "pullRequests"), ("table", "issues")] {
        let world = World::new(form);
        world.tell(&broken(&["a"]));
        let before = world.picture();
        world.github.inside().state.fails.insert(field.to_owned());
        let told = world.tell(&broken(&["a"]));
        assert_eq!(told.writes, [], "{form}");
        assert!(told.failed.concat().contains("Something went wrong"), "{told:?}");
        assert_eq!(world.picture(), before, "{form}");
        world.github.inside().state.fails.clear();
        assert_eq!(world.tell(&broken(&["a"])).writes, [], "{form}");
    }
}

#[test]
fn many_issues_of_others_are_read_page_by_page() {
    let world = World::new("issue");
    world.tell(&broken(&["a"]));
    {
        let mut inside = world.github.inside();
        let repo = inside.state.repo_mut(HARBOR).expect("harbor");
        let ours = repo.issues[0].clone();
        for number in 100..350 {
            repo.issues.push(crate::support::fake_github::issues::Issue {
                number,
                author: "ann".to_owned(),
                ..ours.clone()
            });
        }
    }
    assert_eq!(
        world.tell(&broken(&["a"])).writes,
        [],
        "somebody's copy of our text is none of ours"
    );
}

#[test]
fn so_many_an_hour_are_begun_by_all_runs_together() {
    let mut world = World::new("issue");
    world.max_new = 1;
    let (run, place) = world.process(Some("state"));
    let mut found = broken(&["a", "b"]);
    found.releases[0].images[1].since = Some("d".repeat(40));
    let tell = |now: i64| run.tell_breaks(&place, &found, false, now).expect("GitHub");
    assert_eq!(tell(NOW).writes.len(), 1);
    let told = tell(NOW + 60);
    assert_eq!(
        lines(&told),
        ["b of 4.21: waits: 1 comments and issues were begun within the last hour (`feedback.breaks.max-new`)"]
    );
    assert_eq!(tell(NOW + 3_700).writes.len(), 1);
}

#[test]
fn repositories_of_several_organisations_are_asked_for_apart() {
    let world = World::new("issue");
    let other: RepoName = "elsewhere/beacon".parse().expect("a name");
    world
        .github
        .repository("elsewhere/beacon", &[("Dockerfile", "FROM base\n")]);
    let mut found = broken(&["a", "b"]);
    found.releases[0].images[1].repository = other.to_string();
    let told = world.tell(&found);
    assert_eq!(told.writes.len(), 2, "{:?}", lines(&told));
    assert_eq!(world.tell(&found).writes, []);
}
