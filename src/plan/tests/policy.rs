//! What is accepted and adopted.

use super::*;
use crate::base::Date;

fn verdict(policy: &Policy, cause: &Cause) -> Verdict {
    policy.verdict(cause, "4.16")
}

#[test]
fn a_selector_is_a_rule_a_field_or_both() {
    let cause = cause("builders", "images[].inputs", "etcd");
    for selector in ["builders", "images[].inputs", "builders/images[].inputs"] {
        let policy = Policy {
            accept: vec![accept(selector)],
            ..Policy::default()
        };
        assert_eq!(verdict(&policy, &cause), Verdict::Accepted(0), "{selector}");
    }
    for selector in ["builder", "builders/", "builders/images", "inputs", ""] {
        let policy = Policy {
            accept: vec![accept(selector)],
            ..Policy::default()
        };
        assert_eq!(verdict(&policy, &cause), Verdict::Apply, "{selector}");
    }
}

#[test]
fn an_acceptance_is_narrowed_by_component_image_and_release() {
    let cause = cause("builders", "x", "etcd");
    let narrowed = |narrow: &dyn Fn(&mut Accept)| {
        let mut accept = accept("builders");
        narrow(&mut accept);
        verdict(
            &Policy {
                accept: vec![accept],
                ..Policy::default()
            },
            &cause,
        )
    };
    assert_eq!(
        narrowed(&|a| a.component = Some("openshift/etcd".into())),
        Verdict::Accepted(0)
    );
    assert_eq!(
        narrowed(&|a| a.component = Some("openshift/other".into())),
        Verdict::Apply
    );
    assert_eq!(narrowed(&|a| a.image = Some("etcd".into())), Verdict::Accepted(0));
    assert_eq!(narrowed(&|a| a.image = Some("other".into())), Verdict::Apply);
    assert_eq!(narrowed(&|a| a.release = Some("4.16".into())), Verdict::Accepted(0));
    assert_eq!(narrowed(&|a| a.release = Some("4.17".into())), Verdict::Apply);
}

#[test]
fn adoption_takes_everything_or_what_is_listed() {
    let cause = cause("builders", "x", "etcd");
    let adopting = |adopt: Adopt| {
        verdict(
            &Policy {
                adopt,
                ..Policy::default()
            },
            &cause,
        )
    };
    let list = |text: &str| vec![text.to_owned()];
    assert_eq!(adopting(Adopt::default()), Verdict::Apply);
    assert_eq!(
        adopting(Adopt {
            causes: list("builders/x"),
            ..Adopt::default()
        }),
        Verdict::Apply
    );
    assert_eq!(
        adopting(Adopt {
            causes: list("tags"),
            ..Adopt::default()
        }),
        Verdict::NotAdopted
    );
    assert_eq!(
        adopting(Adopt {
            components: list("openshift/etcd"),
            ..Adopt::default()
        }),
        Verdict::Apply
    );
    assert_eq!(
        adopting(Adopt {
            releases: list("4.17"),
            ..Adopt::default()
        }),
        Verdict::NotAdopted
    );
    let both = Adopt {
        images: list("etcd"),
        components: list("openshift/other"),
        ..Adopt::default()
    };
    assert_eq!(adopting(both), Verdict::NotAdopted, "every list has to agree");
}

#[test]
fn an_acceptance_holds_through_its_last_day() {
    let cause = cause("builders", "x", "etcd");
    let on = |today: &str| {
        let accept = Accept {
            until: Some("2026-02-28".parse().unwrap()),
            ..accept("builders")
        };
        let policy = Policy {
            accept: vec![accept],
            today: Some(today.parse().unwrap()),
            ..Policy::default()
        };
        let plan = build(vec![changed("etcd", vec![cause.clone()])], policy);
        (plan.has_drift(), codes(&plan).join(","))
    };
    assert_eq!(on("2026-02-28"), (false, String::new()));
    assert_eq!(on("2026-03-01"), (true, "acceptance-expired".into()));
}

#[test]
fn new_files_and_removals_can_be_accepted_as_a_whole() {
    let accept = vec![accept(NEW_FILE), accept(REMOVED_FILE)];
    let desired = vec![file("a", None, bytes("x")), file("b", bytes("x"), None)];
    let plan = build(
        desired,
        Policy {
            accept,
            ..Policy::default()
        },
    );
    assert!(!plan.has_drift());
    assert_eq!(plan.accepted.iter().map(|a| a.left.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_target_may_say_which_rule_asks_for_a_new_file() {
    let mut asked = cause("in-payload", WHOLE_FILE, "a");
    asked.old = None;
    asked.new = Some("builds a".into());
    let field = cause("builders", "images[].inputs", "a");
    let desired = Desired {
        causes: vec![field, asked.clone()],
        ..file("a", None, bytes("x"))
    };
    let plan = build(vec![desired.clone()], Policy::default());
    assert_eq!(
        plan.files().next().unwrap().causes,
        [asked],
        "its fields go without saying"
    );
    assert!(text(&plan, Some(By::Cause), Color::Off).contains("1 file  new, by in-payload  (rules/in-payload.yaml:3)"));
    for selector in [NEW_FILE, "in-payload", WHOLE_FILE] {
        let plan = build(
            vec![desired.clone()],
            Policy {
                accept: vec![accept(selector)],
                ..Policy::default()
            },
        );
        assert!(!plan.has_drift(), "{selector}");
    }
}

#[test]
fn a_file_of_refused_causes_is_left_and_a_mixed_one_is_never_written() {
    let policy = Policy {
        accept: vec![accept("tags")],
        ..Policy::default()
    };
    let refused = changed("a", vec![cause("tags", "x", "a")]);
    let mixed = changed("b", vec![cause("tags", "x", "b"), cause("builders", "y", "b")]);
    let plan = build(vec![refused, mixed], policy);
    assert!(!plan.has_drift());
    assert_eq!(plan.accepted[0].left.len(), 2);
    assert_eq!(codes(&plan), ["policy-not-applied"]);
}

#[test]
fn an_unused_acceptance_is_found_only_by_a_run_that_could_have_used_it() {
    let other = Accept {
        release: Some("4.17".into()),
        ..accept("tags")
    };
    let policy = Policy {
        accept: vec![accept("tags"), other],
        ..Policy::default()
    };
    let input = |whole| Input {
        desired: vec![file("a", bytes("x"), bytes("x"))],
        policy: policy.clone(),
        whole,
        ..Input::default()
    };
    assert_eq!(codes(&Plan::build(input(true))), ["acceptance-unused"]);
    assert!(Plan::build(input(false)).findings.is_empty());
}

#[test]
fn dates_are_days_of_the_calendar() {
    for good in ["2024-02-29", "2000-02-29", "1999-12-31"] {
        assert_eq!(good.parse::<Date>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        "2026",
        "2023-02-29",
        "2026-04-31",
        "1900-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-1-1",
        "+024-01-01",
        "x",
        "2024-01-0ä",
    ] {
        assert!(bad.parse::<Date>().is_err(), "{bad}");
    }
    for (seconds, date) in [
        (-1, "1969-12-31"),
        (0, "1970-01-01"),
        (86_399, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (1_767_225_599, "2025-12-31"),
        (1_767_225_600, "2026-01-01"),
    ] {
        assert_eq!(Date::of_unix(seconds).to_string(), date, "{seconds}");
    }
    let read: Result<Accept, _> =
        serde_json::from_str(r#"{"cause": "x", "reason": "r", "author": "a", "until": "2024-02-30"}"#);
    assert!(read.unwrap_err().to_string().contains("not a day of the calendar"));
}
