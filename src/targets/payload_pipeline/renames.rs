//! The numbers in front of files' names: an order that a person reads. The truth is in the batches.

use std::collections::BTreeMap;

use super::causes::Causes;
use super::found::{Found, Matched};
use super::lists::Listed;
use super::names::Plan;
use super::order::Order;
use crate::targets::documents::Files;

/// The number of a batch's new files.
pub(super) fn number(batch: u32) -> String {
    match batch {
        0 => "05".to_owned(),
        batch => format!("{:02}", batch.saturating_mul(10).min(99)),
    }
}

/// The number of a file, if its name starts with one.
fn of_file(path: &str) -> Option<u32> {
    let name = path.rsplit('/').next()?;
    let (number, _) = name.split_once('-')?;
    (number.len() == 2).then(|| number.parse().ok()).flatten()
}

/// Renames files whose number is not greater than that of what they are built from.
pub(super) fn render(
    files: &mut Files<'_>,
    causes: &Causes<'_>,
    plans: &[Plan<'_>],
    matched: &Matched,
    order: &Order,
) -> Vec<Listed> {
    let mut listed = Vec::new();
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut ordered: Vec<(&u32, &Plan<'_>)> = plans
        .iter()
        .filter_map(|plan| Some((order.batches.of.get(plan.key)?, plan)))
        .collect();
    ordered.sort_by_key(|(batch, plan)| (**batch, plan.key));
    for (batch, plan) in ordered {
        let wanted = number(*batch).parse().unwrap_or_default();
        let Some(there) = matched.of_image.get(plan.key) else {
            numbers.insert(plan.key, wanted);
            continue;
        };
        let Some(own) = of_file(&there.path) else { continue };
        let above = plan
            .parents
            .iter()
            .filter_map(|parent| numbers.get(parent.as_str()))
            .max()
            .copied();
        numbers.insert(plan.key, own);
        if *batch == 0 || above.is_none_or(|above| own > above) || !is_alone(files, there) {
            continue;
        }
        let folder = there.path.rfind('/').map_or(0, |at| at + 1);
        let (rest, name) = (&there.path[folder + 2..], &there.path[folder..]);
        let renamed = format!("{wanted:02}{rest}");
        let to = format!("{}{renamed}", &there.path[..folder]);
        if files.is_there(&to) {
            continue;
        }
        let tag = plan.here.tag.value.as_str();
        let cause = causes.renamed(&plan.image.repository.value, tag, name, &renamed);
        if files.rename(&there.path, &to, cause) {
            numbers.insert(plan.key, wanted);
            listed.push(Listed::Renamed(name.to_owned(), renamed));
        }
    }
    listed
}

fn is_alone(files: &Files<'_>, there: &Found) -> bool {
    files.documents(&there.path).len() == 1
}
