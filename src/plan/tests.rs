mod policy;
mod show;

use std::sync::Arc;

use super::*;
use crate::base::{Color, Place, RepoName};
use crate::finding::policy::AuditPolicy;
use crate::finding::{Finding, Severity};

fn repo() -> RepoName {
    RepoName {
        org: "openshift".into(),
        repo: "release".into(),
    }
}

fn bytes(text: &str) -> Option<Bytes> {
    Some(Arc::from(text.as_bytes()))
}

fn cause(rule: &str, field: &str, component: &str) -> Cause {
    Cause {
        rule: rule.into(),
        rule_at: format!("rules/{rule}.yaml:3"),
        field: field.into(),
        item: None,
        component: format!("openshift/{component}"),
        images: vec![component.into()],
        old: Some("centos:7".into()),
        new: Some("centos:9".into()),
        because: "builders follow metadata".into(),
    }
}

fn file(component: &str, before: Option<Bytes>, after: Option<Bytes>) -> Desired {
    Desired {
        repo: repo(),
        branch: "master".into(),
        path: format!("ci-operator/config/openshift/{component}/openshift-{component}-release-4.16__okd-scos.yaml"),
        release: "4.16".into(),
        target: "prow-config".into(),
        group: "ci".into(),
        component: Some(format!("openshift/{component}")),
        images: vec![component.into()],
        before,
        after,
        causes: Vec::new(),
        refused: Vec::new(),
        follows: None,
        notes: Vec::new(),
        held: false,
    }
}

fn changed(component: &str, causes: Vec<Cause>) -> Desired {
    Desired {
        causes,
        ..file(component, bytes("a: 1\nb: 2\nc: 3\n"), bytes("a: 1\nb: 5\nc: 3\n"))
    }
}

fn accept(cause: &str) -> Accept {
    Accept {
        cause: cause.into(),
        component: None,
        image: None,
        release: None,
        reason: "needs the old builder".into(),
        author: "ann".into(),
        until: None,
        at: Some("lockstep.yaml:9".into()),
    }
}

fn build(desired: Vec<Desired>, policy: Policy) -> Plan {
    Plan::build(Input {
        desired,
        policy,
        max_removals: 2,
        whole: true,
        ..Input::default()
    })
}

/// The bases of the pull requests that are withheld.
fn blocked(plan: &Plan) -> Vec<&str> {
    let withheld = plan.pull_requests.iter().filter(|pr| pr.blocked.is_some());
    withheld.map(|pr| pr.base.as_str()).collect()
}

fn codes(plan: &Plan) -> Vec<&str> {
    plan.findings.iter().map(|f| &*f.code).collect()
}

/// A plan with something of everything.
fn rich() -> Plan {
    let mut etcd = changed("etcd", vec![cause("builders", "images[].inputs", "etcd")]);
    etcd.notes.push("was not in canonical form and is rewritten so".into());
    let mut left = file("coredns", bytes("x\n"), bytes("x\n"));
    let policy = Policy {
        accept: vec![accept("builders/build_root")],
        ..Policy::default()
    };
    left.refused.push(Refused {
        cause: cause("builders", "build_root", "coredns"),
        verdict: Verdict::Accepted(0),
    });
    left.refused.push(Refused {
        cause: cause("tags", "promotion", "coredns"),
        verdict: Verdict::NotAdopted,
    });
    let findings = vec![
        Finding::new(Severity::Error, "stage-count", "etcd has 3 stages, metadata names 2")
            .with_component("openshift/etcd")
            .with_place(Place {
                repo: "openshift/etcd".into(),
                commit: None,
                file: "Dockerfile".into(),
                line: Some(7),
            })
            .with_help("name the missing stage"),
    ];
    let desired = vec![
        etcd,
        left,
        file("installer", None, bytes("new: true\n")),
        file("gone", bytes("old\n"), None),
    ];
    Plan::build(Input {
        desired,
        findings,
        policy,
        max_removals: 2,
        whole: true,
        upstream: vec![upstream()],
        service: Some("https://lockstep.example.org".into()),
        audit: AuditPolicy::default(),
        ..Input::default()
    })
}

/// What the rich plan was derived from.
fn upstream() -> Upstream {
    let spot = |name: &str, branch: &str| Spot {
        name: name.into(),
        branch: branch.into(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        web: Some(format!("https://github.com/{name}")),
    };
    let image = UpstreamImage {
        file: "images/etcd.yml".into(),
        component: Some("openshift/etcd".into()),
        ..UpstreamImage::default()
    };
    Upstream {
        release: "4.16".into(),
        metadata: spot("openshift-eng/ocp-build-data", "openshift-4.16"),
        components: [("openshift/etcd".to_owned(), spot("openshift/etcd", "release-4.16"))].into(),
        images: [("etcd".to_owned(), image)].into(),
    }
}

#[test]
fn text_by_cause() {
    insta::assert_snapshot!(text(&rich(), Some(By::Cause), Color::Off));
}

#[test]
fn text_by_file() {
    insta::assert_snapshot!(text(&rich(), Some(By::File), Color::Off));
}

#[test]
fn text_by_image() {
    insta::assert_snapshot!(text(&rich(), Some(By::Image), Color::Off));
}

#[test]
fn json_form() {
    insta::assert_snapshot!(json(&rich()).unwrap());
}

#[test]
fn body_of_a_pull_request() {
    let plan = rich();
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        plan.pull_requests[0].title, plan.pull_requests[0].body
    ));
}

#[test]
fn nothing_differs() {
    let plan = build(vec![file("etcd", bytes("a"), bytes("a"))], Policy::default());
    assert!(!plan.has_drift());
    assert_eq!(plan.pull_requests.len(), 1, "the scope was looked at");
    assert_eq!(summary(&plan), "In sync: 1 file looked at, nothing to change");
    let nothing = build(Vec::new(), Policy::default());
    assert!(
        summary(&nothing).starts_with("Nothing was compared: "),
        "that is not in sync"
    );
}

#[test]
fn one_pull_request_a_repository_release_and_group_whatever_the_order() {
    let mut all: Vec<Desired> = ["a", "b", "c"].into_iter().map(|c| file(c, None, bytes(c))).collect();
    all.push(Desired {
        release: "4.17".into(),
        ..file("d", None, bytes("d"))
    });
    all.push(Desired {
        group: "doc".into(),
        ..file("e", None, bytes("e"))
    });
    let there = build(all.clone(), Policy::default());
    all.reverse();
    let back = build(all, Policy::default());
    assert_eq!(json(&there).unwrap(), json(&back).unwrap());
    let heads: Vec<_> = there.pull_requests.iter().map(PullRequest::head).collect();
    assert_eq!(heads, ["lockstep/ci/4.16", "lockstep/doc/4.16", "lockstep/ci/4.17"]);
}

#[test]
fn the_digest_follows_paths_and_contents() {
    let digest = |d: Vec<Desired>| build(d, Policy::default()).pull_requests[0].digest.clone();
    let one = digest(vec![file("a", None, bytes("x"))]);
    assert_eq!(
        one,
        digest(vec![file("a", bytes("old"), bytes("x"))]),
        "what was there before does not count"
    );
    assert_ne!(one, digest(vec![file("a", None, bytes("y"))]));
    assert_ne!(one, digest(vec![file("b", None, bytes("x"))]));
}

#[test]
fn more_removals_than_allowed_withhold_the_pull_request() {
    let gone = |n: usize| {
        (0..n)
            .map(|i| file(&format!("c{i}"), bytes("x"), None))
            .collect::<Vec<_>>()
    };
    assert_eq!(blocked(&build(gone(2), Policy::default())), [""; 0]);
    let plan = build(gone(3), Policy::default());
    assert_eq!(
        plan.pull_requests[0].blocked.as_deref(),
        Some("it would remove 3 files, more than the 2 that are allowed")
    );
    assert_eq!(codes(&plan), ["pull-request-withheld"]);
    assert!(text(&plan, None, Color::Off).contains("withheld: it would remove 3 files"));
}

#[test]
fn a_file_that_could_not_be_derived_is_held() {
    let plan = build(
        vec![Desired {
            held: true,
            ..file("a", bytes("x"), bytes("x"))
        }],
        Policy::default(),
    );
    assert_eq!((plan.held, plan.pull_requests[0].held.len()), (1, 1));
}

#[test]
fn a_held_file_that_is_nowhere_is_not_counted() {
    let held = |name: &str, there| Desired {
        held: true,
        ..file(name, there, None)
    };
    let plan = build(vec![held("a", None), held("b", bytes("x"))], Policy::default());
    assert_eq!((plan.looked_at, plan.held), (1, 1));
}

#[test]
fn what_could_not_be_compared_is_not_said_not_to_be_there() {
    let mut plan = build(Vec::new(), Policy::default());
    plan.not_compared
        .push(NotCompared::release("4.17", "it could not be derived"));
    assert_eq!(
        summary(&plan),
        "Nothing was compared\nNot compared: 4.17: it could not be derived (not-derived)"
    );
}

#[test]
fn files_that_go_are_no_new_ones_of_the_same_rule() {
    let whole = |name: &str, before, after| Desired {
        causes: vec![cause("r", WHOLE_FILE, name)],
        ..file(name, before, after)
    };
    let desired = vec![whole("a", None, bytes("x")), whole("b", bytes("x"), None)];
    let shown = text(&build(desired, Policy::default()), Some(By::Cause), Color::Off);
    assert!(
        shown.contains("removed, by r") && shown.contains("new, by r"),
        "{shown}"
    );
}

#[test]
fn a_change_without_values_or_images_is_told_in_few_words() {
    let alone = Desired {
        images: Vec::new(),
        causes: vec![Cause {
            old: None,
            new: None,
            ..cause("r", WHOLE_FILE, "")
        }],
        component: None,
        ..file("a", bytes("x"), bytes("y"))
    };
    let plan = build(vec![alone], Policy::default());
    let shown = brief(&plan.pull_requests[0]);
    assert!(!shown.contains("(nothing)"), "{shown}");
    assert!(shown.lines().all(|line| !line.trim_end().ends_with(':')), "{shown}");
}

#[test]
fn unsafe_paths_and_conflicts_are_findings_and_cost_no_other_file() {
    let bad = Desired {
        path: "../../etc/passwd".into(),
        ..file("bad", None, bytes("x"))
    };
    let twice = Desired {
        target: "prow-jobs".into(),
        ..file("twice", None, bytes("other"))
    };
    let plan = build(
        vec![
            bad,
            twice,
            file("twice", None, bytes("x")),
            file("good", None, bytes("x")),
        ],
        Policy::default(),
    );
    assert_eq!(codes(&plan), ["path-conflict", "unsafe-path"]);
    assert_eq!(
        plan.files().map(|f| f.component.as_deref()).collect::<Vec<_>>(),
        [Some("openshift/good")]
    );
}

#[test]
fn two_targets_may_agree_on_a_file() {
    let a = changed("a", vec![cause("r", "x", "a")]);
    let b = Desired {
        target: "z".into(),
        ..changed("a", vec![cause("r", "y", "a")])
    };
    let plan = build(vec![a, b], Policy::default());
    assert_eq!(plan.files().map(|f| f.causes.len()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_second_base_for_one_scope_is_withheld() {
    let plan = build(
        vec![
            file("a", None, bytes("x")),
            Desired {
                branch: "next".into(),
                ..file("b", None, bytes("x"))
            },
        ],
        Policy::default(),
    );
    assert_eq!(blocked(&plan), ["next"]);
}
