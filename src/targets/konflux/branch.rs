//! The branch in a run's expression: put right where it stands, and what is told of runs that do not start.

use super::causes::Causes;
use super::cel::{self, Starts};
use super::plans::{Plan, World};
use super::runs::{EXPRESSION, Event, Run, expression, lists_branches, starts};
use crate::base::Release;
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::Node;
use crate::yaml::edit::reword;

/// Whether a release may have been built from a branch before its own.
pub(super) fn was_built_from(world: &World, branch: &str) -> bool {
    let Ok(own) = world.release.parse::<Release>() else {
        return false;
    };
    world
        .konflux
        .built_before
        .value
        .iter()
        .any(|form| match form.split_once("{earlier}") {
            None => form == branch,
            Some((head, tail)) => {
                let number = branch.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
                number.is_some_and(|number| number.parse::<Release>().is_ok_and(|earlier| earlier < own))
            }
        })
}

/// The branches besides its own that a release's files may have been left on.
pub(super) fn former(world: &World, own: &str) -> Vec<String> {
    let Ok(release) = world.release.parse::<Release>() else {
        return Vec::new();
    };
    let earlier = (release.minor > 0).then(|| Release::new(release.major, release.minor - 1).to_string());
    let forms = world.konflux.built_before.value.iter();
    let branches = forms.filter_map(|form| match (form.contains("{earlier}"), &earlier) {
        (false, _) => Some(form.clone()),
        (true, Some(earlier)) => Some(form.replace("{earlier}", earlier)),
        (true, None) => None,
    });
    branches.filter(|branch| branch != own).collect()
}

/// Puts the branch and the event of one of our runs right, where they are plain words of its expression.
pub(super) fn retarget(
    files: &mut Files<'_>,
    causes: &Causes<'_>,
    world: &World,
    plan: &Plan,
    run: &Run,
    event: Option<Event>,
) {
    let Some(text) = said(files, run) else {
        return;
    };
    let Some(found) = cel::read(&text) else {
        return;
    };
    let mut words = Vec::new();
    let other = found.branches.iter().find(|literal| literal.value != plan.branch);
    if let (Some(other), false) = (other.map(|literal| literal.value.clone()), found.by_hand) {
        let same = found.branches.iter().all(|literal| literal.value == other);
        if same && was_built_from(world, &other) {
            let places = found.branches.iter();
            words.extend(places.map(|literal| (literal.at.clone(), literal.spelled(&text, &plan.branch))));
        }
    }
    if let ([only], Some(event)) = (found.events.as_slice(), event)
        && only.value != event.word()
    {
        words.push((only.at.clone(), only.spelled(&text, event.word())));
    }
    if words.is_empty() {
        return;
    }
    let mut after = text.clone();
    let mut ordered = words.clone();
    ordered.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    ordered
        .iter()
        .for_each(|(range, word)| after.replace_range(range.clone(), word));
    let path = ["metadata", "annotations", EXPRESSION];
    // What cannot be changed by its meaning is told when the file is finished.
    let Some(before) = files.text(&run.path) else {
        return;
    };
    match reword(&before, run.document, &path, &words) {
        Ok(changed) => {
            let cause = causes.field(Some(plan), "on-cel-expression", &[], Some(&text), Some(&after));
            files.retext(&run.path, cause, changed);
        }
        Err(why) => by_hand(files, plan, run, &text, &format!("its words cannot be changed: {why}")),
    }
}

fn said(files: &Files<'_>, run: &Run) -> Option<String> {
    let node = files.documents(&run.path).get(run.document)?;
    expression(node).map(str::to_owned)
}

fn by_hand(files: &mut Files<'_>, plan: &Plan, run: &Run, expression: &str, why: &str) {
    let text = format!(
        "{} says by hand when it starts ({why}), so that is left: {}",
        run.name,
        crate::base::text::clip(expression, 300)
    );
    let finding = Finding::new(Severity::Warning, "tekton-branch-by-hand", text)
        .with_help(format!("see that it starts on {}, and there alone", plan.branch));
    tell(files, plan, run, finding);
}

pub(super) fn tell(files: &mut Files<'_>, plan: &Plan, run: &Run, finding: Finding) {
    let finding = finding
        .with_image(plan.tag.clone())
        .with_component(plan.repository.clone());
    let line = files.documents(&run.path).get(run.document).and_then(|node| {
        let annotation = node.at(&["metadata", "annotations"])?.get(EXPRESSION);
        annotation.or_else(|| node.get("metadata")).map(|node| node.pos.line)
    });
    files.tell(finding, &run.path, line);
}

/// Tells what one of our runs says of branches that is not ours to change, and whether it starts at all on one of the events.
pub(super) fn judge(files: &mut Files<'_>, world: &World, plan: &Plan, run: &Run, events: &[Event]) {
    let Some(node) = files.documents(&run.path).get(run.document).cloned() else {
        return;
    };
    if let Some(text) = expression(&node) {
        match cel::read(text) {
            Some(found) if found.by_hand => by_hand(files, plan, run, text, "not by a plain comparison that must hold"),
            Some(found) => {
                let other = found.branches.iter().find(|literal| literal.value != plan.branch);
                if let Some(other) = other {
                    let why = match was_built_from(world, &other.value) {
                        true => format!("for {}, and more than one branch is named", other.value),
                        false => format!("for {}, from which {} was never built", other.value, world.release),
                    };
                    by_hand(files, plan, run, text, &why);
                }
            }
            // Told below.
            None => {}
        }
    } else if lists_branches(&node) {
        by_hand(files, plan, run, &listed(&node), "by a list of branches");
    }
    let never = |why: &str| {
        let words: Vec<&str> = events.iter().map(|event| event.word()).collect();
        let text = format!(
            "{} never starts on {} ({}): {why}",
            run.name,
            plan.branch,
            words.join(", ")
        );
        Finding::new(Severity::Error, "tekton-never-starts", text).with_help("put its expression right by hand")
    };
    let found: Vec<Starts> = events
        .iter()
        .map(|event| starts(&node, *event, &plan.branch, &plan.dockerfile))
        .collect();
    if found.contains(&Starts::Yes) {
        return;
    }
    let told = found
        .into_iter()
        .find(|one| matches!(one, Starts::NotJudged(_) | Starts::Unreadable(_)));
    let finding = match told.unwrap_or(Starts::No) {
        Starts::Yes => return,
        Starts::No => never("what it says of event and branch does not hold there"),
        Starts::Unreadable(why) => never(&format!("its expression cannot be read: {why}")),
        Starts::NotJudged(why) => {
            let text = format!("whether {} starts on {} is not judged: {why}", run.name, plan.branch);
            Finding::new(Severity::Note, "tekton-not-judged", text)
                .with_help("nothing, where people know what it asks for")
        }
    };
    tell(files, plan, run, finding);
}

fn listed(node: &Node) -> String {
    let annotations = node.at(&["metadata", "annotations"]).and_then(Node::as_map);
    let lists = annotations.into_iter().flat_map(|map| map.iter());
    let lists = lists.filter(|(key, _)| key.contains("/on-"));
    lists
        .filter_map(|(key, value)| Some(format!("{key}: {}", value.text()?)))
        .collect::<Vec<_>>()
        .join(", ")
}
