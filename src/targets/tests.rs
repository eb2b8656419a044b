//! What holds of all targets together.
#![allow(clippy::disallowed_methods, reason = "tests read and write the project's own papers")]

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::yaml::keys::Need;

#[test]
fn names_are_unique_and_each_stands_after_what_it_is_made_from() {
    let mut known = BTreeSet::new();
    for target in TARGETS {
        let missing: Vec<_> = target.after.iter().filter(|name| !known.contains(*name)).collect();
        assert!(missing.is_empty(), "{}: {missing:?} must stand before it", target.name);
        assert!(known.insert(target.name), "{} is there twice", target.name);
        assert!(
            target
                .after
                .iter()
                .all(|name| find(name).is_some_and(|other| other.group == target.group))
        );
    }
    assert!(
        find(DEFAULT).is_some_and(|target| Chosen::plain(target).is_some()),
        "the default needs no options"
    );
}

#[test]
fn exactly_one_promotes_and_steps_of_a_cut_have_their_own_place() {
    assert_eq!(TARGETS.iter().filter(|target| target.cut == Cut::Promotes).count(), 1);
    let steps: Vec<_> = TARGETS.iter().flat_map(|target| target.cut.steps()).collect();
    let (at, names): (BTreeSet<_>, BTreeSet<_>) = steps.iter().map(|step| (step.at, step.name)).unzip();
    assert_eq!((at.len(), names.len()), (steps.len(), steps.len()));
}

#[test]
fn a_group_names_a_branch() {
    for target in TARGETS {
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(plain(target.name) && plain(target.group), "{}", target.name);
        assert_ne!(target.group, crate::plan::FIXES, "{}", target.name);
    }
}

#[test]
fn words_are_parts_of_sentences_and_options_explain_themselves() {
    for target in TARGETS {
        for text in [target.about, target.place, target.owns, target.seeds, target.leaves] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.contains('|'),
                "{}: {text}",
                target.name
            );
        }
        for key in target.options.keys {
            assert!(key.about.ends_with('.'), "{}: {}", target.name, key.name);
            if let Need::Default(_) = key.need {
                assert!(
                    Options::defaults(target.options).has(key),
                    "{}: {}",
                    target.name,
                    key.name
                );
            }
        }
    }
}

/// Compares a paper with what it should be; writes it anew where snapshots are.
fn holds(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, made).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "{} differs: run the test with INSTA_UPDATE=always",
        path.display()
    );
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// A paper with what stands between two marks made anew.
fn with(paper: &str, begin: &str, end: &str, made: &str) -> Option<String> {
    let (before, rest) = paper.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{made}{end}{after}"))
}

#[test]
fn each_page_starts_with_its_registration() {
    const BEGIN: &str = "<!-- made from the registration in src/targets -->\n";
    const END: &str = "<!-- end -->";
    for target in TARGETS {
        let (path, head) = (format!("docs/targets/{}.md", target.name), papers::head(target));
        let there = read(&path);
        let empty = format!("# Target `{}`\n\n{BEGIN}{head}{END}\n", target.name);
        let made = with(&there, BEGIN, END, &head).unwrap_or(empty);
        holds(&path, &made);
    }
    holds("docs/targets/README.md", &papers::table());
}

#[test]
fn the_readme_leads_to_every_page() {
    let (begin, end) = ("<!-- targets -->", "<!-- end of targets -->");
    let made = with(&read("README.md"), begin, end, &papers::links());
    holds("README.md", &made.expect("the marks of the links"));
}
