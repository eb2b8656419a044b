//! One test for each branch of the tool's rules, as art-tools' code has them.

use super::*;
use crate::base::RepoName;
use crate::derive::tests::world::World;
use crate::derive::texts::FileText;
use crate::doozer::parents::Stands;
use crate::doozer::predict::Ends;
use crate::facts::group::Group;
use crate::facts::stream;
use crate::yaml::parse;

const STREAMS: &str = "\
golang: {image: 'art/golang-builder:v1.24.3-202601.el9.gabc', upstream_image: 'ci/builder:rhel-9-golang-1.24', aliases: [go, both]}
golang-10: {image: 'art/golang-builder:v1.24.9-202602.el10', upstream_image: 'ci/builder:rhel-10-golang-1.24'}
digest-only: {image: 'art/golang@sha256:0123', upstream_image: 'ci/builder:x'}
base: {image: 'art/base:9', upstream_image: 'ci/base:9', aliases: [both]}
";

/// A world with these images, all for the payload, and `okd` in the group.
struct Small {
    world: World,
    text: Option<FileText>,
}

impl Small {
    fn new(images: &[(&str, &str)]) -> Self {
        let mut world = World::new();
        let group = "arches: [x86_64, aarch64]\nokd: {enabled: true}\n";
        world.metadata.group = Group::read(&parse(group.as_bytes()).expect("a group"));
        let (streams, faults) = stream::read(&parse(STREAMS.as_bytes()).expect("streams"));
        assert_eq!(faults, []);
        let (release, origin) = (world.metadata.release, world.metadata.origin.clone());
        world.metadata = crate::model::metadata::Metadata::new(release, origin, world.metadata.group, streams);
        for (key, text) in images {
            let text = format!("name: openshift/ose-{key}\npayload_name: {key}\nfor_payload: true\n{text}");
            world = world.metadata(key, &text);
        }
        Self { world, text: None }
    }

    fn group(mut self, text: &str) -> Self {
        self.world.metadata.group = Group::read(&parse(text.as_bytes()).expect("a group"));
        self
    }

    fn dockerfile(mut self, text: &str) -> Self {
        self.text = Some(FileText::Text(text.into()));
        self
    }

    fn missing(mut self) -> Self {
        self.text = Some(FileText::Missing);
        self
    }

    fn predict(&self, key: &str) -> Prediction {
        let release = self.world.release();
        let doozer = Doozer::new(&self.world.metadata, Terms::of(&release));
        let repo = RepoName {
            org: "openshift".to_owned(),
            repo: "r".to_owned(),
        };
        doozer
            .predict(key, Some(&repo), &|_: &RepoName, _: &str| self.text.clone())
            .expect("a prediction")
    }

    fn differences(&self, key: &str) -> Vec<(DifferenceKind, String)> {
        let release = self.world.release();
        let prediction = self.predict(key);
        let found = compare(&release, &release.images[key], &prediction);
        found.into_iter().map(|one| (one.kind, one.text)).collect()
    }
}

fn becomes(prediction: &Prediction) -> Vec<Stands> {
    prediction.from.iter().map(|parent| parent.becomes.clone()).collect()
}

fn reasons(prediction: &Prediction) -> Vec<&str> {
    prediction.reasons.iter().map(|reason| reason.text.as_str()).collect()
}

const TWO: &str = "from: {builder: [{stream: golang}], stream: base}\n";

fn stream_of(name: &str, image: &str) -> Stands {
    Stands::Stream {
        stream: name.to_owned(),
        image: image.to_owned(),
    }
}

const GO: &str = "art/golang-builder:v1.24.3-202601.el9.gabc";

#[test]
fn an_image_without_a_stanza_is_built_as_for_ocp() {
    let one = Small::new(&[("a", TWO)])
        .dockerfile("FROM x AS b\nFROM y\n")
        .predict("a");
    assert_eq!(
        (one.ends, one.mode.value.as_str(), one.mode.by.as_str()),
        (Ends::Builds, "enabled", "")
    );
    assert_eq!(
        (one.dockerfile.value.as_str(), one.dockerfile.by.as_str()),
        ("Dockerfile", "")
    );
    assert_eq!(
        becomes(&one),
        [stream_of("golang", GO), stream_of("base", "art/base:9")]
    );
    let env: Vec<&str> = one.env.iter().map(|env| env.value.as_str()).collect();
    assert_eq!(env, ["TAGS=scos"]);
    assert_eq!(one.arches, ["x86_64", "aarch64"]);
}

#[test]
fn the_okd_stanza_replaces_from_whole_and_lists_and_empties_repositories() {
    let stanza = "enabled_repos: [r]\narches: [s390x, x86_64]\nokd:\n  from: {stream: base}\n  arches: [aarch64]\n  envs: {TAGS: mine, A: b}\n";
    let one = Small::new(&[("a", &format!("{TWO}{stanza}"))]).predict("a");
    assert_eq!(becomes(&one), [stream_of("base", "art/base:9")]);
    assert_eq!(
        (one.arches, one.enabled_repos),
        (vec!["aarch64".to_owned()], Vec::new())
    );
    let env: Vec<(&str, &str)> = one
        .env
        .iter()
        .map(|env| (env.value.as_str(), env.by.as_str()))
        .collect();
    assert_eq!(env, [("TAGS=mine", "okd.envs.TAGS"), ("A=b", "okd.envs.A")]);
}

#[test]
fn a_mode_skips_and_an_okd_mode_decides() {
    let of = |more: &str| Small::new(&[("a", &format!("{TWO}{more}"))]).predict("a");
    let off = of("mode: disabled\n");
    assert_eq!(
        (off.ends, reasons(&off)),
        (Ends::Skips, vec!["`mode` is disabled after the merge"])
    );
    assert_eq!(of("mode: wip\n").ends, Ends::Skips);
    let on = of("mode: disabled\nokd: {mode: enabled}\n");
    assert_eq!(
        (on.ends, on.mode.by.as_str(), on.mode.at.map(|at| at.0.line)),
        (Ends::Builds, "okd.mode", Some(Some(6)))
    );
}

#[test]
fn a_parent_stands_for_a_stream_for_its_own_build_or_for_nothing() {
    let parent = |text: &str| {
        let small = Small::new(&[
            ("a", "from: {member: p}\n"),
            ("p", &format!("from: {{stream: base}}\n{text}")),
        ]);
        becomes(&small.predict("a")).remove(0)
    };
    let alignment = |text: &str| format!("content: {{source: {{okd_alignment: {{{text}}}}}}}\n");
    assert_eq!(parent(""), Stands::Own { image: "p".to_owned() });
    assert_eq!(parent(&alignment("resolve_as: {stream: go}")), stream_of("golang", GO));
    let off = format!("mode: disabled\n{}", alignment("resolve_as: {stream: base}"));
    assert_eq!(
        parent(&off),
        stream_of("base", "art/base:9"),
        "what stands for it counts, whatever its mode"
    );
    let nothing = |text: &str| match parent(text) {
        Stands::Nothing { why } => why,
        other => panic!("{other:?}"),
    };
    let why = nothing(&format!(
        "mode: disabled\n{}",
        alignment("resolve_as: {image: 'x/y:z'}")
    ));
    assert_eq!(
        why,
        "p is not built for OKD (`mode` is disabled after the merge), and no stream stands for it"
    );
    assert_eq!(
        nothing(&alignment("resolve_as: {stream: gone}")),
        "there is no stream gone"
    );
    assert_eq!(
        nothing(&alignment("resolve_as: {stream: both}")),
        "streams golang and base are both called both"
    );
}

#[test]
fn what_names_nothing_or_nobody_stops_the_build() {
    for (from, told) in [
        (
            "{builder: [{}], stream: base}",
            "nothing stands for an entry that names nothing: the entry names no member, image or stream",
        ),
        (
            "{member: gone}",
            "nothing stands for member gone: member gone is not there",
        ),
        (
            "{stream: gone}",
            "nothing stands for stream gone: there is no stream gone",
        ),
    ] {
        let one = Small::new(&[("a", &format!("from: {from}\n"))]).predict("a");
        assert_eq!((one.ends, reasons(&one)), (Ends::Fails, vec![told]), "{from}");
    }
    let literal = Small::new(&[("a", "from: {image: 'quay.io/x:1'}\n")]).predict("a");
    let text = Stands::Text {
        image: "quay.io/x:1".to_owned(),
    };
    assert_eq!((literal.ends, becomes(&literal)), (Ends::Builds, vec![text]));
}

#[test]
fn canonical_builders_are_switched_on_by_image_and_group() {
    let dockerfile = "FROM ci/builder:rhel-10-golang-1.24-openshift-4.16 AS b\nFROM y\n";
    let on = "arches: [x86_64]\ncanonical_builders_from_upstream: true\nokd: {}\n";
    let builder = |group: &str, image: &str, dockerfile: &str| {
        let small = Small::new(&[("a", &format!("{TWO}{image}"))])
            .group(group)
            .dockerfile(dockerfile);
        becomes(&small.predict("a")).remove(0)
    };
    let canonical = Stands::Canonical {
        stream: "golang-10".to_owned(),
        image: "art/golang-builder:v1.24.9-202602.el10".to_owned(),
    };
    let named = stream_of("golang", GO);
    assert_eq!(builder("okd: {}\n", "", dockerfile), named, "off unless said");
    assert_eq!(builder(on, "", dockerfile), canonical);
    assert_eq!(
        builder(on, "canonical_builders_from_upstream: false\n", dockerfile),
        named
    );
    assert_eq!(
        builder("okd: {}\n", "canonical_builders_from_upstream: true\n", dockerfile),
        canonical
    );
    assert_eq!(
        builder("okd: {canonical_builders_from_upstream: true}\n", "", dockerfile),
        canonical,
        "the group's `okd` counts"
    );
    let auto = "canonical_builders_from_upstream: auto\nokd: {}\n";
    assert_eq!(
        builder(auto, "", dockerfile),
        named,
        "what is neither true nor false counts as false"
    );
    for other in [
        "FROM ci/builder:rhel-10-golang-1.25 AS b\nFROM y\n",
        "FROM ci/builder:base AS b\nFROM y\n",
    ] {
        assert_eq!(builder(on, "", other), named, "{other}");
    }
}

#[test]
fn the_numbers_of_parents_and_froms_have_to_be_the_same() {
    let of = |dockerfile: &str| Small::new(&[("a", TWO)]).dockerfile(dockerfile).predict("a");
    assert_eq!(
        of("FROM x AS b\nFROM b AS c\nFROM y\n").ends,
        Ends::Builds,
        "a stage is no parent"
    );
    let one = of("FROM x\n");
    let told = "metadata names 2 parents, and Dockerfile has 1 FROMs that name an image";
    assert_eq!((one.ends, reasons(&one)), (Ends::Fails, vec![told]));
    assert_eq!(
        (one.from[0].written.as_deref(), one.from[0].line, one.from[1].line),
        (Some("x"), Some(1), None)
    );
}

#[test]
fn a_dockerfile_has_to_be_there_below_its_folder() {
    let text = format!(
        "{TWO}content: {{source: {{dockerfile: D, path: sub/}}}}\nokd: {{content: {{source: {{dockerfile: E}}}}}}\n"
    );
    let small = Small::new(&[("a", &text)]).missing();
    let one = small.predict("a");
    assert_eq!((one.ends, reasons(&one)), (Ends::Fails, vec!["sub/E is not there"]));
    assert_eq!(one.dockerfile.by, "okd.content.source.dockerfile");
    let release = small.world.release();
    let doozer = Doozer::new(&small.world.metadata, Terms::of(&release));
    assert_eq!(doozer.dockerfile("a").as_deref(), Some("sub/E"));
}

#[test]
fn modifications_match_or_stop() {
    let text =
        format!("{TWO}content: {{source: {{modifications: [{{action: replace, match: ocp, replacement: okd}}]}}}}\n");
    let of = |text: &str, dockerfile: &str| Small::new(&[("a", text)]).dockerfile(dockerfile).predict("a");
    let one = of(&text, "FROM x AS ocp\nFROM y\n");
    assert_eq!(
        (one.ends, one.modified.as_deref()),
        (Ends::Builds, Some("FROM x AS okd\nFROM y\n"))
    );
    let one = of(&text, "FROM x\nFROM y\n");
    assert_eq!(
        reasons(&one),
        ["`ocp` does not occur in Dockerfile, so its replacement changes nothing"]
    );
    let none = format!("{text}okd: {{content: {{source: {{modifications: []}}}}}}\n");
    assert_eq!(of(&none, "FROM x\nFROM y\n").ends, Ends::Builds, "a list is replaced");
    let odd = format!("{TWO}okd: {{content: {{source: {{modifications: [{{action: sed}}]}}}}}}\n");
    assert_eq!(
        reasons(&of(&odd, "FROM x\nFROM y\n")),
        ["a modification of the kind `sed` cannot be made"]
    );
}

#[test]
fn architectures_are_those_of_image_and_group() {
    let of = |group: &str, text: &str| Small::new(&[("a", &format!("{TWO}{text}"))]).group(group).predict("a");
    let both = "arches: [x86_64, s390x]\nokd: {arches: [x86_64, aarch64]}\n";
    assert_eq!(of(both, "").arches, ["x86_64", "aarch64"]);
    assert_eq!(of(both, "okd: {arches: [aarch64, ppc64le]}\n").arches, ["aarch64"]);
    let none = of(both, "okd: {arches: [s390x]}\n");
    let told = "none of its architectures (s390x) is one of the group's (x86_64, aarch64)";
    assert_eq!((none.ends, reasons(&none)), (Ends::Fails, vec![told]));
}

#[test]
fn a_repository_that_the_group_does_not_have_stops_the_rebase() {
    let of = |group: &str, text: &str| {
        let group = format!("arches: [x86_64]\n{group}");
        Small::new(&[("a", &format!("{TWO}{text}"))]).group(&group).predict("a")
    };
    let group = "repos: {base: {}}\nokd: {enabled: true, repos: {extra: {}}}\n";
    let one = of(group, "okd: {enabled_repos: [base, extra, bas]}\n");
    let told = "bas of its `enabled_repos` is no repository of the group";
    assert_eq!((one.ends, reasons(&one)), (Ends::Fails, vec![told]));
    assert_eq!(of(group, "okd: {enabled_repos: [base, extra]}\n").ends, Ends::Builds);
    let ours_alone = "enabled_repos: [bas]\nokd: {arches: [x86_64]}\n";
    assert_eq!(of(group, ours_alone).ends, Ends::Builds, "OCP's list is emptied");
    let elsewhere = of("okd: {enabled: true}\n", "okd: {enabled_repos: [bas]}\n");
    assert_eq!(elsewhere.ends, Ends::Builds, "the group's repositories stand elsewhere");
}

#[test]
fn a_stanza_that_cannot_be_merged_stops_the_rebase() {
    let one = Small::new(&[("a", &format!("{TWO}okd: []\n"))]).predict("a");
    assert_eq!(
        (one.ends, reasons(&one)),
        (Ends::Fails, vec!["`okd` is a list, and the rebase merges a mapping"])
    );
}

#[test]
fn what_is_not_read_is_told_with_what_would_be() {
    let alignment = "content: {source: {okd_alignment: {resolve_as: {image: 'ci/base:9'}, inject_rpm_repositories: [{id: a, baseurl: b}], \
                     build_args: [{name: TAGS, value: x}, {name: A, value: b}, {name: C, value: d}]}}}\nokd: {envs: {C: d}}\n";
    let one = Small::new(&[("a", &format!("{TWO}{alignment}"))]).predict("a");
    let told: Vec<&str> = one.unread.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(
        told[0],
        "`okd_alignment.resolve_as.image` is not read; `resolve_as.stream: base` names the same image, and it is read"
    );
    assert!(
        told[1].starts_with("`okd_alignment.inject_rpm_repositories` is not read"),
        "{told:?}"
    );
    assert!(
        told[2].starts_with("`okd_alignment.build_args` is not read (A); `okd.envs` is"),
        "{told:?}"
    );
}

#[test]
fn differences_are_told_by_meaning() {
    let source = |alignment: &str| {
        format!(
            "content: {{source: {{git: {{url: 'git@github.com:openshift-priv/r.git'}}, okd_alignment: {{{alignment}}}}}}}\n"
        )
    };
    let small = |a: &str, p: &str| {
        let parent = format!("from: {{stream: base}}\n{}", source(p));
        let child = format!("from: {{builder: [{{stream: go}}], member: p}}\n{a}");
        Small::new(&[("a", &child), ("p", &parent)])
    };
    let of = |a: &str, p: &str| small(a, p).differences("a");
    assert_eq!(of(&source(""), ""), []);
    assert_eq!(of(&source(""), "tag_name: other"), [], "another tag is the same image");
    assert_eq!(of(&source("dockerfile: ./Dockerfile"), ""), [], "`./` changes nothing");
    let other = of(&source("dockerfile: D"), "");
    assert_eq!(
        other,
        [(
            DifferenceKind::OtherDockerfile,
            "OKD is built from D, doozer takes Dockerfile (where nothing is said)".to_owned()
        )]
    );
    let (kind, text) = of(&source(""), "resolve_as: {image: 'q.io/x:1'}").remove(0);
    let told = "member p is q.io/x:1 in OKD, doozer takes doozer's own build of p";
    assert_eq!((kind, text.as_str()), (DifferenceKind::OtherParent, told));
    let froms = of(&source("from: {stream: base}"), "");
    assert_eq!(
        froms,
        [(DifferenceKind::OtherParent, "OKD has 1 parents, doozer 2".to_owned())]
    );
    let skipped = of(&format!("mode: disabled\n{}", source("")), "");
    assert_eq!(skipped[0].0, DifferenceKind::WouldSkip);
    let built = of(&source("enabled: false"), "");
    assert_eq!(built[0].0, DifferenceKind::WouldBuild);
    assert_eq!(
        of(&format!("okd: {{mode: disabled}}\n{}", source("enabled: false")), ""),
        []
    );
}
