use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::base::{Origin, RepoName};
use crate::derive::tests::world::World;
use crate::facts::promoted::Tag;
use crate::plan::{Accept, Adopt};

const FOLDER: &str = "core-services/image-mirroring/openshift";
const CONFIG: &str = "source_namespace: origin\ntarget_registry: quay.io\ntarget_namespace: openshift\nimages:\n  scos-4.15: ['4.15', 4.15.0]\n  scos-4.16: ['4.16', 4.16.0]\n";

/// The mapping files of a world: what is there, what other configs promote, and what changes in this one.
struct Case {
    files: BTreeMap<String, Arc<[u8]>>,
    promoted: Promoted,
    changed: Vec<Desired>,
    policy: Policy,
}

impl Case {
    fn new(config: &str) -> Self {
        Self {
            files: BTreeMap::new(),
            promoted: Promoted::default(),
            changed: Vec::new(),
            policy: Policy::default(),
        }
        .file("_config.yaml", config)
    }

    fn file(mut self, name: &str, text: &str) -> Self {
        self.files
            .insert(format!("{FOLDER}/{name}"), Arc::from(text.as_bytes()));
        self
    }

    fn promotes(mut self, path: &str, stream: &str, tags: &[&str]) -> Self {
        let tag = |tag: &&str| Tag {
            namespace: "origin".to_owned(),
            name: stream.to_owned(),
            tag: (*tag).to_owned(),
        };
        self.promoted
            .tags
            .insert(path.to_owned(), tags.iter().map(tag).collect());
        self
    }

    fn changes(mut self, path: &str, after: Option<&str>) -> Self {
        self.changed.push(Desired {
            repo: repo(),
            branch: "main".to_owned(),
            path: path.to_owned(),
            release: "4.16".to_owned(),
            target: "prow-config".to_owned(),
            group: TARGET.group.to_owned(),
            component: None,
            images: Vec::new(),
            before: Some(Arc::from(&b"x"[..])),
            after: after.map(|text| Arc::from(text.as_bytes())),
            causes: Vec::new(),
            refused: Vec::new(),
            follows: None,
            notes: Vec::new(),
            held: false,
        });
        self
    }

    fn render(&self) -> Rendered {
        let world = World::new();
        let release = world.release();
        let spot = place(&release).expect("rules").expect("a place");
        let actual = Actual {
            repo: repo(),
            branch: "main".to_owned(),
            origin: Origin {
                name: "openshift/release".to_owned(),
                branch: "main".to_owned(),
                commit: None,
            },
            files: self.files.clone(),
            unreadable: BTreeMap::new(),
            beside: BTreeMap::new(),
            links: std::collections::BTreeSet::new(),
        };
        render(
            (&release).into(),
            &spot,
            &actual,
            &self.promoted,
            &self.changed,
            &self.policy,
        )
    }

    /// Files by name, as they should be.
    fn written(&self) -> BTreeMap<String, String> {
        let files = self.render().files.into_iter();
        let name = |path: &str| path.strip_prefix(&format!("{FOLDER}/")).expect("the folder").to_owned();
        let text = |bytes: Option<Bytes>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        files.map(|file| (name(&file.path), text(file.after))).collect()
    }

    fn findings(&self) -> Vec<String> {
        let findings = self.render().findings;
        findings.iter().map(ToString::to_string).collect()
    }
}

fn repo() -> RepoName {
    RepoName {
        org: "openshift".to_owned(),
        repo: "release".to_owned(),
    }
}

fn line(release: &str, tag: &str) -> String {
    format!(
        "quay.io/openshift/ci:origin_scos-{release}_{tag} quay.io/openshift/origin-{tag}:{release} quay.io/openshift/origin-{tag}:{release}.0\n"
    )
}

fn promoting(stream: &str, tag: &str) -> String {
    format!("images: {{items: [{{to: {tag}}}]}}\npromotion: {{to: [{{name: {stream}, namespace: origin}}]}}\n")
}

#[test]
fn a_file_has_a_line_for_each_tag_that_any_config_promotes() {
    let there = line("4.16", "gone") + &line("4.16", "a");
    let case = Case::new(CONFIG)
        .file("mapping_origin_scos-4_16", &there)
        .promotes("one", "scos-4.16", &["a", "c"])
        .promotes("two", "scos-4.16-art", &["x"])
        .changes("new", Some(&promoting("scos-4.16", "b")));
    let expected = line("4.16", "a") + &line("4.16", "b") + &line("4.16", "c");
    assert_eq!(
        case.written(),
        [("mapping_origin_scos-4_16".to_owned(), expected.clone())].into()
    );
    assert_eq!(case.findings(), Vec::<String>::new());
    let files = case.render().files;
    let cause = &files[0].causes[0];
    assert_eq!(
        (cause.rule.as_str(), cause.field.as_str()),
        ("image-mirroring-lines", "lines")
    );
    assert_eq!(cause.old.as_deref(), Some("a line that nothing stands for any more"));
    assert_eq!(cause.new.as_deref(), Some("2 lines for what is promoted to scos-4.16"));
    let again = case.file("mapping_origin_scos-4_16", &expected);
    assert!(
        again.render().files.iter().all(|file| file.before == file.after),
        "nothing is left to do"
    );
}

#[test]
fn a_config_that_moves_takes_its_lines_along() {
    let case = Case::new(CONFIG)
        .promotes("main", "scos-4.15", &["a"])
        .promotes("other", "scos-4.15", &["b"])
        .changes("main", Some(&promoting("scos-4.16", "a")));
    let expected = [
        ("mapping_origin_scos-4_15".to_owned(), line("4.15", "b")),
        ("mapping_origin_scos-4_16".to_owned(), line("4.16", "a")),
    ];
    assert_eq!(case.written(), expected.into());
}

#[test]
fn a_stream_without_promotions_keeps_its_file() {
    let case = Case::new(CONFIG)
        .file("mapping_origin_scos-4_16", &line("4.16", "a"))
        .promotes("gone", "scos-4.16", &["a"])
        .changes("gone", None);
    assert_eq!(case.written(), BTreeMap::new(), "as CI's tool, which writes none");
}

#[test]
fn a_stream_that_is_not_mirrored_is_told_with_the_lines() {
    let config = CONFIG.replace("  scos-4.16: ['4.16', 4.16.0]\n", "");
    let case = Case::new(&config).promotes("one", "scos-4.16", &["a"]);
    assert_eq!(case.written(), BTreeMap::new());
    let expected = format!(
        "warning[stream-not-mirrored]: openshift/release: {FOLDER}/_config.yaml:5: configs promote to origin/scos-4.16, and \
         {FOLDER}/_config.yaml does not name that stream: its images are not mirrored\n    help: add below `images`:\n\
         scos-4.16:\n- \"4.16\"\n- 4.16.0"
    );
    assert_eq!(case.findings(), [expected]);
    assert_eq!(
        Case::new(&config).findings(),
        Vec::<String>::new(),
        "nothing promotes there"
    );
}

#[test]
fn a_new_stream_gets_its_entry_before_its_file_needs_it() {
    let config = "source_namespace: origin\ntarget_registry: quay.io\ntarget_namespace: openshift\nimages:\n  \"scos-4.15\":\n  - \
                  \"4.15\"\n  - \"4.15.0\"\n  - latest\n";
    let case = Case::new(config).promotes("one", "scos-4.16", &["a"]);
    assert_eq!(case.findings(), Vec::<String>::new());
    let latest = line("4.16", "a").replace('\n', " quay.io/openshift/origin-a:latest\n");
    let with_entry = config.replace(
        "  \"scos-4.15\":\n  - \"4.15\"\n  - \"4.15.0\"\n  - latest\n",
        "  \"scos-4.16\":\n  - \"4.16\"\n  - \"4.16.0\"\n  - latest\n  \"scos-4.15\":\n  - \"4.15\"\n  - \"4.15.0\"\n",
    );
    let expected = [
        ("_config.yaml".to_owned(), with_entry),
        ("mapping_origin_scos-4_16".to_owned(), latest),
    ];
    assert_eq!(case.written(), expected.into());
    let mut unwanted = Case::new(config).promotes("one", "scos-4.16", &["a"]);
    unwanted.policy.adopt = Adopt {
        causes: vec!["something-else".to_owned()],
        ..Adopt::default()
    };
    let rendered = unwanted.render();
    assert!(
        rendered.files.iter().all(|file| file.before == file.after),
        "neither without the other"
    );
    assert_eq!(rendered.findings[0].code, "stream-not-mirrored");
}

#[test]
fn without_a_configuration_nothing_is_mirrored() {
    let mut case = Case::new("").promotes("one", "scos-4.16", &["a"]);
    case.files.clear();
    assert!(case.render().files.is_empty() && case.render().findings.is_empty());
}

#[test]
fn a_broken_configuration_holds_the_files() {
    for (config, said) in [
        ("source_namespace: [", "cannot be read"),
        (&*CONFIG.replace("4.16.0]", "'4.16']"), "has the tag 4.16 twice"),
        (&*CONFIG.replace("'4.16',", "4.16,"), "needs quotes"),
    ] {
        let case = Case::new(config)
            .file("mapping_origin_scos-4_16", "x\n")
            .promotes("one", "scos-4.16", &["a"]);
        let rendered = case.render();
        assert!(rendered.files.iter().all(|file| file.before == file.after), "{config}");
        let [finding] = rendered.findings.as_slice() else {
            panic!("{:?}", rendered.findings)
        };
        assert_eq!(finding.code, "unreadable-mirroring");
        let is_missed = rendered.missed.contains(TARGET.name);
        assert_eq!(is_missed, said == "cannot be read", "what is proposed already stays");
        assert!(finding.message.contains(said), "{finding}");
    }
}

#[test]
fn a_config_that_cannot_be_read_costs_no_line() {
    let mut case = Case::new(CONFIG)
        .file("mapping_origin_scos-4_16", &line("4.16", "z"))
        .promotes("one", "scos-4.16", &["a"]);
    case.promoted.unreadable.insert("broken".to_owned());
    assert_eq!(
        case.written().into_values().collect::<Vec<_>>(),
        [line("4.16", "a") + &line("4.16", "z")]
    );
    assert!(
        case.findings()[0].starts_with("warning[mirroring-unsure]"),
        "{:?}",
        case.findings()
    );
}

#[test]
fn what_is_not_adopted_stays() {
    let mut case = Case::new(CONFIG)
        .file("mapping_origin_scos-4_16", "old\n")
        .promotes("one", "scos-4.16", &["a"]);
    case.policy.adopt = Adopt {
        causes: vec!["something-else".to_owned()],
        ..Adopt::default()
    };
    let files = case.render().files;
    assert_eq!(files[0].before, files[0].after);
    assert_eq!(files[0].refused.len(), 1);
    case.policy.adopt = Adopt::default();
    case.policy.accept = Vec::<Accept>::new();
    assert_ne!(case.render().files[0].before, case.render().files[0].after);
}
