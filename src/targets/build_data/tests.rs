use super::*;
use crate::derive::texts::FileText;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::derive::tests::world::{World, repo_name};
use crate::targets::Options;

/// Renders the target in a world of one image `a`, whose file this is behind its name, and gives the file as it would be.
struct One {
    world: World,
    file: String,
    text: Option<String>,
    both: bool,
    neighbours: Vec<(&'static str, String)>,
}

const SOURCE: &str = "\
name: openshift/ose-a
payload_name: a
for_payload: true
from:
  builder:
  - stream: golang
  stream: base
content:
  source:
    dockerfile: Dockerfile.ocp
    git:
      url: git@github.com:openshift-priv/a.git
      branch:
        target: release-{MAJOR}.{MINOR}
";

fn group() -> crate::facts::group::Group {
    let text = "vars: {MAJOR: 4, MINOR: 16}\narches: [x86_64]\nokd: {enabled: true}\npublic_upstreams:\n- {private: \
                'https://github.com/openshift-priv', public: 'https://github.com/openshift'}\n";
    crate::facts::group::Group::read(&crate::yaml::parse(text.as_bytes()).expect("a group"))
}

impl One {
    fn new(file: &str) -> Self {
        let mut world = World::new();
        world.metadata.group = group();
        let full = world.metadata.group.substitute(file);
        Self {
            world: world.metadata("a", &full),
            file: file.to_owned(),
            text: None,
            both: false,
            neighbours: Vec::new(),
        }
    }

    fn dockerfile(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }

    fn neighbour(mut self, release: &'static str, file: &str) -> Self {
        self.neighbours.push((release, file.to_owned()));
        self
    }

    fn rendered(&self) -> Rendered {
        let mut release = self.world.release();
        if let Some(text) = &self.text {
            for path in ["Dockerfile.okd", "Dockerfile.ocp"] {
                release
                    .texts
                    .insert(repo_name("a"), path, FileText::Text(text.as_str().into()));
            }
        }
        for (number, file) in &self.neighbours {
            let other = One::new(file);
            let mut metadata = other.world.metadata;
            metadata.release = number.parse().expect("a release");
            release.neighbours.metadata.insert(metadata.release, Arc::new(metadata));
        }
        let mut options = Options::defaults(&OPTIONS);
        if self.both {
            options.set(&STANZAS, serde_json::json!("both"));
        }
        let ask = Ask {
            release: &release,
            options: &options,
            policy: &self.world.policy,
            earlier: &BTreeMap::new(),
            memo: crate::targets::door::Memo::default(),
        };
        let actual = Actual {
            repo: repo_name("ocp-build-data"),
            branch: "openshift-4.16".to_owned(),
            origin: release.metadata.origin.clone(),
            files: BTreeMap::from([("images/a.yml".to_owned(), Arc::from(self.file.as_bytes()))]),
            unreadable: BTreeMap::new(),
            links: std::collections::BTreeSet::new(),
            beside: BTreeMap::new(),
        };
        render(&ask, &actual)
    }

    /// The lines that come behind the file, where nothing else changes; what was found.
    fn behind(&self) -> (String, Vec<String>) {
        let rendered = self.rendered();
        let file = &rendered.files[0];
        let after = String::from_utf8_lossy(file.after.as_deref().expect("the file")).into_owned();
        let added = after.strip_prefix(&self.file).map(str::to_owned);
        let codes = rendered.findings.iter().map(|finding| finding.code.to_string());
        (added.unwrap_or(after), codes.collect())
    }
}

fn aligned(more: &str) -> String {
    SOURCE.replace("    git:\n", &format!("    okd_alignment:\n{more}    git:\n"))
}

const OKD: &str = "      dockerfile: Dockerfile.okd\n";

#[test]
fn a_dockerfile_is_written_at_the_end() {
    let (added, codes) = One::new(&aligned(OKD)).behind();
    assert_eq!(
        added,
        "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n"
    );
    assert_eq!(codes, [""; 0]);
    let rendered = One::new(&aligned(OKD)).rendered();
    let cause = &rendered.files[0].causes[0];
    assert_eq!(
        (cause.rule.as_str(), cause.field.as_str()),
        ("dockerfile-of-alignment", "okd.content.source.dockerfile")
    );
    assert_eq!(
        (rendered.files[0].group.as_str(), cause.new.as_deref()),
        ("build-data", Some("Dockerfile.okd"))
    );
}

#[test]
fn nothing_is_written_where_both_say_the_same() {
    for file in [
        SOURCE.to_owned(),
        aligned("      dockerfile: Dockerfile.ocp\n"),
        format!(
            "{}okd: {{content: {{source: {{dockerfile: Dockerfile.okd}}}}}}\n",
            aligned(OKD)
        ),
    ] {
        assert_eq!(One::new(&file).behind(), (String::new(), Vec::new()), "{file}");
    }
}

#[test]
fn over_a_konflux_stanza_it_is_written_where_it_wins() {
    let file = format!(
        "{}konflux:\n  content:\n    source:\n      dockerfile: Dockerfile.konflux\n",
        aligned(OKD)
    );
    let (added, _) = One::new(&file).behind();
    assert_eq!(
        added,
        "okd:\n  konflux:\n    content:\n      source:\n        dockerfile: Dockerfile.okd\n"
    );
}

#[test]
fn modifications_that_do_not_fit_are_emptied_with_it() {
    let with = |file: &str| {
        file.replace(
            "    git:\n",
            "    modifications:\n    - action: replace\n      match: RUN ocp\n      replacement: RUN okd\n    git:\n",
        )
    };
    let okd = "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n";
    let file = with(&aligned(OKD));
    let (added, _) = One::new(&file).dockerfile("FROM x\nFROM y\n").behind();
    assert_eq!(added, format!("{okd}      modifications: []\n"));
    assert_eq!(
        One::new(&file).behind().0,
        added,
        "they are for OCP's Dockerfile, and the other was not read"
    );
    let (added, _) = One::new(&file).dockerfile("FROM x\nFROM y\nRUN ocp\n").behind();
    assert_eq!(added, okd, "they fit");
}

#[test]
fn modifications_of_okd_that_would_not_fit_hold_the_dockerfile() {
    let file = format!(
        "{}okd:\n  content:\n    source:\n      modifications:\n      - action: replace\n        match: RUN ocp\n        replacement: RUN okd\n",
        aligned(OKD)
    );
    let one = One::new(&file).dockerfile("FROM x\nFROM y\n");
    assert_eq!(one.behind(), (String::new(), vec!["okd-modifications-stop".to_owned()]));
    let (after, codes) = One::new(&file).dockerfile("FROM x\nFROM y\nRUN ocp\n").behind();
    assert_eq!(after, "      dockerfile: Dockerfile.okd\n");
    assert_eq!(codes, [""; 0]);
}

#[test]
fn what_somebody_wrote_into_okd_is_shown_and_stays_unless_adopted() {
    let file = format!(
        "{}okd: {{content: {{source: {{dockerfile: Dockerfile.mine}}}}}}\n",
        aligned(OKD)
    );
    let mut one = One::new(&file);
    assert_eq!(one.behind(), (String::new(), vec!["okd-says-otherwise".to_owned()]));
    one.world.policy.adopt.causes = vec!["okd-says-otherwise".to_owned(), "dockerfile-of-alignment".to_owned()];
    let (after, codes) = one.behind();
    assert!(
        after.ends_with("okd: {content: {source: {dockerfile: Dockerfile.okd}}}\n"),
        "{after}"
    );
    assert_eq!(codes, [""; 0]);
}

#[test]
fn what_people_settled_otherwise_is_shown_and_not_written() {
    let here = aligned(OKD);
    let agrees = format!("{here}okd: {{content: {{source: {{dockerfile: Dockerfile.okd}}}}}}\n");
    let silent = format!("{SOURCE}okd: {{mode: enabled}}\n");
    let one = One::new(&here).neighbour("4.15", &agrees);
    assert!(one.rendered().files[0].notes[0].starts_with("carried: 4.15 builds Dockerfile.okd"));
    assert_ne!(one.behind().0, "");
    let settled = (String::new(), vec!["okd-settled-otherwise".to_owned()]);
    assert_eq!(One::new(&here).neighbour("4.17", &silent).behind(), settled);
    assert_eq!(
        One::new(&here)
            .neighbour("4.15", &agrees)
            .neighbour("4.17", &silent)
            .behind(),
        settled,
        "in two ways"
    );
    let far = One::new(&here).neighbour("4.14", &silent).neighbour("4.15", &agrees);
    assert_ne!(far.behind().0, "", "the nearest one counts");
    let unsettled = One::new(&here).neighbour("4.17", &here);
    assert_ne!(unsettled.behind().0, "", "who disagrees, too, has settled nothing");
}

#[test]
fn a_settlement_counts_only_where_it_is_younger() {
    use crate::derive::neighbours::Edited;
    let edited = |day: &str, time| {
        Some(Edited {
            day: day.parse().expect("a day"),
            time,
            commit: "0123456789abcdef".to_owned(),
        })
    };
    let silent = format!("{SOURCE}okd: {{mode: enabled}}\n");
    let outcome = |there: Option<Edited>, here: Option<Edited>| {
        let other = One::new(&silent).world.metadata;
        let mut neighbours = crate::derive::neighbours::Neighbours::default();
        let (own, next) = ("4.16".parse().expect("a release"), "4.17".parse().expect("a release"));
        let mut other = other;
        other.release = next;
        neighbours.metadata.insert(next, Arc::new(other));
        neighbours.edits.insert((next, "a".to_owned()), there);
        neighbours.edits.insert((own, "a".to_owned()), here);
        let topic = crate::doozer::topics::Topic::Dockerfile;
        crate::doozer::settled::settled(&neighbours, own, "a", &topic, &serde_json::json!("Dockerfile.okd"))
    };
    use crate::doozer::settled::Outcome;
    let (old, new) = (edited("2026-01-01", 1), edited("2026-01-02", 2));
    assert_eq!(outcome(old.clone(), new.clone()), Outcome::Nowhere);
    let Outcome::Otherwise(all) = outcome(new, old.clone()) else {
        panic!("it is younger")
    };
    assert_eq!(
        all[0].to_string(),
        "4.17 builds Dockerfile.ocp (since 0123456789 of 2026-01-02)"
    );
    let Outcome::Otherwise(all) = outcome(None, old) else {
        panic!("it counts where a date is unknown")
    };
    assert!(all[0].to_string().ends_with("of a day that is unknown)"), "{}", all[0]);
}

#[test]
fn what_else_people_settled_otherwise_is_not_written_either() {
    let disabled = |file: &str| file.replace("for_payload: true", "for_payload: true\nmode: disabled");
    let args = "      build_args:\n      - name: FLAVOUR\n        value: mine\n";
    for (here, there, says) in [
        (
            aligned("      from:\n        stream: base\n"),
            format!("{SOURCE}okd: {{from: {{builder: [{{stream: golang}}], stream: other}}}}\n"),
            "`okd_alignment.from` says {\"stream\":\"base\"}, doozer has {\"builder\":[{\"stream\":\"golang\"}],\"stream\":\"base\"}, and \
             people settled it: 4.17 has {\"builder\":[{\"stream\":\"golang\"}],\"stream\":\"other\"} as its `from`",
        ),
        (
            disabled(&aligned("      enabled: true\n")),
            disabled(SOURCE),
            "`okd_alignment.enabled` says true, doozer has disabled, and people settled it: 4.17 has disabled as its `mode`",
        ),
        (
            aligned("      enabled: false\n"),
            format!("{SOURCE}okd: {{mode: enabled}}\n"),
            "`okd_alignment.enabled` says false, doozer has enabled, and people settled it: 4.17 has enabled as its `mode`",
        ),
        (
            aligned("      tag_name: other\n"),
            SOURCE.to_owned(),
            "`okd_alignment.tag_name` says other, doozer has a, and people settled it: 4.17 has the tag a",
        ),
        (
            aligned(args),
            format!("{SOURCE}okd: {{envs: {{FLAVOUR: theirs}}}}\n"),
            "`okd_alignment.build_args` says mine, doozer has nothing, and people settled it: 4.17 has theirs as FLAVOUR",
        ),
    ] {
        assert_ne!(One::new(&here).behind().0, "", "alone it is written: {here}");
        let one = One::new(&here).neighbour("4.17", &there);
        assert_eq!(
            one.behind(),
            (String::new(), vec!["okd-settled-otherwise".to_owned()]),
            "{here}"
        );
        let message = one.rendered().findings.remove(0).message;
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn what_else_somebody_wrote_into_okd_is_shown_and_stays() {
    let args = "      build_args:\n      - name: FLAVOUR\n        value: mine\n";
    for (file, says) in [
        (
            format!(
                "{}okd: {{from: {{stream: other}}}}\n",
                aligned("      from:\n        stream: base\n")
            ),
            "`okd.from` says {\"stream\":\"other\"}, `okd_alignment.from` {\"stream\":\"base\"}",
        ),
        (
            format!("{}okd: {{mode: disabled}}\n", aligned("      enabled: true\n")),
            "`okd.mode` says disabled, `okd_alignment.enabled` true",
        ),
        (
            format!("{}okd: {{mode: enabled}}\n", aligned("      enabled: false\n")),
            "`okd.mode` says enabled, `okd_alignment.enabled` false",
        ),
        (
            format!("{}okd: {{payload_name: mine}}\n", aligned("      tag_name: other\n")),
            "`okd.payload_name` says mine, `okd_alignment.tag_name` other",
        ),
        (
            format!("{}okd: {{envs: {{FLAVOUR: theirs}}}}\n", aligned(args)),
            "`okd.envs.FLAVOUR` says theirs, `okd_alignment.build_args` mine",
        ),
    ] {
        let one = One::new(&file);
        assert_eq!(
            one.behind(),
            (String::new(), vec!["okd-says-otherwise".to_owned()]),
            "{file}"
        );
        let message = one.rendered().findings.remove(0).message;
        assert!(message.ends_with(says), "{message}");
    }
}

#[test]
fn modes_tags_arguments_and_architectures_are_written() {
    let disabled = SOURCE.replace("for_payload: true", "for_payload: true\nmode: disabled");
    assert_eq!(One::new(&disabled).behind().0, "okd:\n  mode: enabled\n");
    let off = aligned("      enabled: false\n");
    assert_eq!(One::new(&off).behind().0, "okd:\n  mode: disabled\n");
    let tag = aligned("      tag_name: other\n");
    assert_eq!(One::new(&tag).behind().0, "okd:\n  payload_name: other\n");
    let args = aligned("      build_args:\n      - name: FLAVOUR\n        value: v4.16\n");
    assert_eq!(
        One::new(&args).behind().0,
        "okd:\n  envs:\n    FLAVOUR: v{MAJOR}.{MINOR}\n"
    );
    let from = aligned("      from:\n        stream: base\n");
    assert_eq!(One::new(&from).behind().0, "okd:\n  from:\n    stream: base\n");
}

#[test]
fn a_misplaced_key_is_moved() {
    let file = format!("{SOURCE}okd:\n  dockerfile: Dockerfile.okd\n");
    let (after, _) = One::new(&file).behind();
    assert_eq!(
        after,
        format!("{SOURCE}okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n")
    );
}

#[test]
fn odd_forms_are_kept() {
    let added = "okd:\n  content:\n    source:\n      dockerfile: Dockerfile.okd\n";
    let bare = aligned(OKD).trim_end().to_owned();
    assert_eq!(
        One::new(&bare).behind().0,
        format!("\n{}", added.trim_end()),
        "no final line break"
    );
    let crlf = aligned(OKD).replace('\n', "\r\n");
    assert_eq!(One::new(&crlf).behind().0, added.replace('\n', "\r\n"));
    let null = format!("{}okd: null\n", aligned(OKD));
    let after = One::new(&null).behind().0;
    assert!(after.ends_with(added), "{after}");
    let flow = format!("{}okd: {{mode: enabled}}\nowners: [x]\n", aligned(OKD));
    let after = One::new(&flow).behind().0;
    assert!(
        after.ends_with("okd: {mode: enabled, content: {source: {dockerfile: Dockerfile.okd}}}\nowners: [x]\n"),
        "{after}"
    );
    let comment = format!("{}okd: # mine\n  mode: enabled\nowners: [x] # theirs\n", aligned(OKD));
    let after = One::new(&comment).behind().0;
    assert!(after.ends_with("okd: # mine\n  mode: enabled\n  content:\n    source:\n      dockerfile: Dockerfile.okd\nowners: [x] # theirs\n"), "{after}");
}

#[test]
fn what_cannot_be_changed_safely_is_left_with_a_finding() {
    for (file, why) in [
        (
            format!("{}okd: []\n", aligned(OKD)),
            "leads through something that is no mapping",
        ),
        (
            format!("{}okd: &x {{mode: enabled}}\nother: *x\n", aligned(OKD)),
            "the file would mean something else besides",
        ),
    ] {
        let one = One::new(&file);
        let rendered = one.rendered();
        let told: Vec<&str> = rendered
            .findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert!(told.iter().any(|text| text.contains(why)), "{file}: {told:?}");
        assert!(rendered.files[0].held, "{file}");
    }
}

#[test]
fn a_file_that_has_changed_meanwhile_is_left() {
    let mut one = One::new(&aligned(OKD));
    one.file = one.file.replace("for_payload: true", "for_payload: false");
    let rendered = one.rendered();
    assert!(
        rendered.findings[0]
            .message
            .ends_with("it has changed since it was derived from")
    );
    assert_eq!(rendered.files[0].after, rendered.files[0].before);
}

#[test]
fn a_release_that_doozer_does_not_build_has_one_note() {
    let mut one = One::new(&aligned(OKD));
    let text = "vars: {MAJOR: 4, MINOR: 16}\narches: [x86_64]\n";
    one.world.metadata.group = crate::facts::group::Group::read(&crate::yaml::parse(text.as_bytes()).expect("a group"));
    assert_eq!(one.behind(), (String::new(), vec!["doozer-builds-nothing".to_owned()]));
}

#[test]
fn both_stanzas_are_written_where_that_is_asked_for() {
    let file = format!("{SOURCE}okd: {{content: {{source: {{dockerfile: Dockerfile.okd}}}}}}\n");
    let mut one = One::new(&file);
    assert_eq!(one.behind().0, "");
    one.both = true;
    let after = one.behind().0;
    assert!(
        after.contains("    okd_alignment:\n      dockerfile: Dockerfile.okd\n"),
        "{after}"
    );
}

#[test]
fn what_is_not_adopted_is_refused_with_what_belongs_to_it() {
    let file = aligned(OKD).replace(
        "    git:\n",
        "    modifications:\n    - action: replace\n      match: x\n      replacement: y\n    git:\n",
    );
    let mut one = One::new(&file);
    one.world.policy.adopt.causes = vec!["okd.content.source.modifications".to_owned()];
    let file = one.rendered().files.remove(0);
    assert_eq!((file.causes.len(), file.refused.len()), (0, 2));
    assert_eq!(file.after, file.before);
}

#[test]
fn a_stanza_that_only_undoes_something_of_ocps_stays() {
    let modified = SOURCE.replace(
        "    git:\n",
        "    modifications:\n    - action: replace\n      match: RUN ocp\n      replacement: RUN okd\n    git:\n",
    );
    let undone = format!("{modified}okd:\n  content:\n    source:\n      modifications: []\n");
    assert_eq!(One::new(&undone).behind(), (String::new(), Vec::new()));
    let more = undone.replace("    git:\n", &format!("    okd_alignment:\n{OKD}    git:\n"));
    let (added, codes) = One::new(&more).dockerfile("FROM x\nFROM y\n").behind();
    assert_eq!(
        (added.as_str(), codes.len()),
        ("      dockerfile: Dockerfile.okd\n", 0),
        "it fits already"
    );
}

#[test]
fn a_stanza_in_the_middle_and_comments_in_it_stay_as_they_are() {
    let file = format!(
        "{}okd:\n  # why it is built\n  mode:\n    # between key and value\n    enabled\n  arches: [x86_64] # one\n# about owners\nowners: [x]\n",
        aligned(OKD)
    );
    let after = One::new(&file).behind().0;
    let line = "  content:\n    source:\n      dockerfile: Dockerfile.okd\n";
    let expected = file.replace(
        "  arches: [x86_64] # one\n",
        &format!("  arches: [x86_64] # one\n{line}"),
    );
    assert_eq!(after, expected);
}

#[test]
fn a_key_twice_is_left_with_a_finding() {
    let file = format!("{}okd:\n  mode: enabled\n  mode: enabled\n", aligned(OKD));
    let group = group();
    let meant = crate::yaml::parse(group.substitute(&file).as_bytes());
    assert!(
        meant.is_err_and(|error| error.text().contains("mode")),
        "its image cannot be read at all"
    );
    // And where it was not twice when it was read.
    let mut one = One::new(&file.replace("  mode: enabled\n  mode: enabled\n", "  mode: enabled\n"));
    one.file = file;
    let rendered = one.rendered();
    assert_eq!(rendered.findings[0].code, "edit-refused");
    assert!(rendered.files[0].held);
}

#[test]
fn a_variable_of_several_lines_is_left_with_a_finding() {
    let mut one = One::new(&aligned(OKD));
    let vars = [("MAJOR", "4"), ("MINOR", "16"), ("LINES", "a\n  b")];
    one.world.metadata.group.vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let file = aligned(OKD).replace("payload_name: a\n", "payload_name: a\nnote: '{LINES}'\n");
    let full = one.world.metadata.group.substitute(&file);
    one.world = one.world.metadata("a", &full);
    one.file = file;
    let rendered = one.rendered();
    let told: Vec<&str> = rendered
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(
        told.iter().any(|text| text.contains("a variable has several lines")),
        "{told:?}"
    );
    assert_eq!(rendered.files[0].after, rendered.files[0].before);
}

#[test]
fn a_broken_file_does_not_keep_others_from_being_written() {
    let one = One::new(&aligned(OKD));
    let mut release = one.world.release();
    let options = Options::defaults(&OPTIONS);
    let actual = |release: &Release<'_>| Actual {
        repo: repo_name("ocp-build-data"),
        branch: "openshift-4.16".to_owned(),
        origin: release.metadata.origin.clone(),
        files: BTreeMap::from([
            ("images/a.yml".to_owned(), Arc::from(one.file.as_bytes())),
            ("images/broken.yml".to_owned(), Arc::from(&b"name: ["[..])),
            ("images/latin.yml".to_owned(), Arc::from(&b"name: \xe4\n"[..])),
        ]),
        unreadable: BTreeMap::new(),
        links: std::collections::BTreeSet::new(),
        beside: BTreeMap::new(),
    };
    release.complete = false;
    let ask = Ask {
        release: &release,
        options: &options,
        policy: &one.world.policy,
        earlier: &BTreeMap::new(),
        memo: crate::targets::door::Memo::default(),
    };
    let rendered = render(&ask, &actual(&release));
    let changed = rendered.files.iter().filter(|file| file.before != file.after);
    assert_eq!(
        changed.map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["images/a.yml"]
    );
    assert_eq!(rendered.files.len(), 3);
}
