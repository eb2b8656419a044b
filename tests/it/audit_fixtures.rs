//! Runs the program in the worlds of `fixtures/audit`: each code is found where it should be, and nothing else is.

use crate::support::audit_world;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use audit_world::{Case, Ran, World};
use lockstep::audit::registry;

#[test]
fn the_base_world_has_no_finding() {
    let ran = World::base().run(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.codes(), BTreeSet::new(), "{}", ran.stdout);
}

#[test]
fn every_code_is_found_where_it_should_be_and_nothing_else_is() {
    let codes: Vec<_> = registry::codes().into_iter().map(|code| code.name).collect();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(code) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = judge(code);
            faults.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    let faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong with a code's fixture.
fn judge(code: &str) -> Vec<String> {
    let case = match Case::read(code) {
        Ok(case) => case,
        Err(fault) => return vec![fault],
    };
    if let Some(shown) = &case.shown_by {
        return shown_by(code, shown).into_iter().collect();
    }
    let mut faults = Vec::new();
    let (there, ran) = compare(&case, "positive", &case.also_with(code));
    faults.extend(there);
    if let (Some(ran), Some(at)) = (&ran, &case.at)
        && !ran.places(code).contains(at)
    {
        faults.push(format!("{code}: it is found at {:?}, not at {at}", ran.places(code)));
    }
    if let (Some(ran), Some(says)) = (&ran, &case.says)
        && !ran.messages(code).iter().any(|message| message.contains(says.as_str()))
    {
        faults.push(format!("{code}: nothing says `{says}`: {:?}", ran.messages(code)));
    }
    faults.extend(compare(&case, "negative", &case.otherwise).0);
    if case.otherwise.contains(code) {
        faults.push(format!("{code}: the negative world has the code"));
    }
    faults
}

fn compare(case: &Case, which: &str, expected: &BTreeSet<String>) -> (Option<String>, Option<Ran>) {
    let world = match World::of(case, which) {
        Ok(world) => world,
        Err(fault) => return (Some(format!("{} ({which}): {fault}", case.code)), None),
    };
    let ran = world.run(&case.run);
    let found = ran.codes();
    if found == *expected && ran.code < 2 {
        return (None, Some(ran));
    }
    let text = format!(
        "{} ({which}): exit code {}, found {found:?}, expected {expected:?}\n{}{}",
        case.code, ran.code, ran.stderr, ran.stdout
    );
    (Some(text), Some(ran))
}

/// A test that shows a code which no input can cause: it must be there and name the code.
fn shown_by(code: &str, shown: &str) -> Option<String> {
    let (file, name) = shown.split_once("::")?;
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default();
    let there = text.contains(&format!("fn {name}()")) && text.contains(&format!("\"{code}\""));
    (!there).then(|| format!("{code}: {shown} is not there, or does not name the code"))
}

#[test]
fn no_fixture_is_left_over() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit");
    let names = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name());
    let codes: Vec<_> = names
        .filter_map(|name| name.to_str()?.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    let unknown: Vec<_> = codes.iter().filter(|code| registry::find(code).is_none()).collect();
    assert!(unknown.is_empty(), "no such code: {unknown:?}");
}
