//! The trains of branch cuts that are under way: planned anew where what their releases come to has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::known::Known;
use crate::base::Release;
use crate::cut::detect;
use crate::cut::show::View;
use crate::model::build_config::BuildConfig;
use crate::model::metadata::Metadata;
use crate::run::{Run, RunError};
use crate::source::Snapshot;

/// The trains that were planned last.
#[derive(Default)]
pub struct Cuts {
    planned: BTreeMap<Vec<Release>, Planned>,
}

/// A train, and what its releases came to when it was planned.
struct Planned {
    from: Vec<Arc<BuildConfig>>,
    train: Arc<View>,
}

impl Cuts {
    /// The trains that have something left to do. One that cannot be planned now stays as it was known.
    pub fn trains(
        &mut self,
        run: &Run,
        known: &BTreeMap<Release, Known>,
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Vec<Arc<View>> {
        let under_way = known.iter().filter(|(_, known)| is_under_way(known));
        let moved: BTreeSet<Release> = under_way.map(|(release, _)| *release).collect();
        let all: Vec<Release> = known.keys().copied().collect();
        let spans = spans(&all, &moved);
        self.planned.retain(|span, _| spans.contains(span));
        for span in spans {
            let documents = span.iter().filter_map(|release| known.get(release));
            let from: Vec<_> = documents.map(|known| Arc::clone(&known.document)).collect();
            if self.planned.get(&span).is_some_and(|planned| planned.is_of(&from)) {
                continue;
            }
            match train(run, &span, ci) {
                Ok(train) => drop(self.planned.insert(span, Planned { from, train })),
                Err(error) => tracing::warn!("the train of a branch cut cannot be planned: {error}"),
            }
        }
        let trains = self.planned.values().map(|planned| &planned.train);
        let left = trains.filter(|train| !train.steps.is_empty() || !train.stuck.is_empty());
        left.cloned().collect()
    }
}

impl Planned {
    /// A release that is derived anew has another document, even where it says the same.
    fn is_of(&self, documents: &[Arc<BuildConfig>]) -> bool {
        let pairs = self.from.iter().zip(documents);
        self.from.len() == documents.len() && pairs.into_iter().all(|(was, is)| Arc::ptr_eq(was, is))
    }
}

fn is_under_way(known: &Known) -> bool {
    let mut findings = known.rendering.findings.iter();
    findings.any(|finding| finding.code == detect::CODE)
}

/// The releases of each cut, oldest first: those whose promotion has moved, and the one after them, which takes over where
/// they were. Cuts that meet are one.
fn spans(all: &[Release], moved: &BTreeSet<Release>) -> Vec<Vec<Release>> {
    let mut spans: Vec<Vec<Release>> = Vec::new();
    for (at, release) in all.iter().enumerate() {
        if !moved.contains(release) {
            continue;
        }
        let next = all.get(at + 1).copied();
        match spans.last_mut().filter(|span| span.last() == Some(release)) {
            Some(span) => span.extend(next),
            None => spans.push([*release].into_iter().chain(next).collect()),
        }
    }
    spans
}

fn train(run: &Run, span: &[Release], ci: Option<&Arc<dyn Snapshot>>) -> Result<Arc<View>, RunError> {
    let metadata: Vec<Metadata> = span
        .iter()
        .map(|release| run.metadata(*release))
        .collect::<Result<_, _>>()?;
    let derived = metadata.iter().map(|metadata| run.derive(metadata, ci.map(|ci| &**ci)));
    let derived: Vec<_> = derived.collect::<Result<_, _>>()?;
    let cut = run.cut(&derived, ci)?;
    let names = span.iter().map(Release::to_string).collect();
    Ok(Arc::new(View::new(names, &cut.train, &cut.units, cut.findings)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(texts: &[&str]) -> Vec<Release> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_cut_goes_from_what_has_moved_to_what_comes_after_it() {
        let all = releases(&["4.14", "4.15", "4.16", "4.17", "4.18"]);
        let of = |moved: &[&str]| {
            let found = spans(&all, &releases(moved).into_iter().collect());
            let text = |span: &Vec<Release>| span.iter().map(Release::to_string).collect::<Vec<_>>().join(" ");
            found.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&["4.16"]), ["4.16 4.17"]);
        assert_eq!(of(&["4.16", "4.17"]), ["4.16 4.17 4.18"], "two that meet are one");
        assert_eq!(of(&["4.14", "4.17"]), ["4.14 4.15", "4.17 4.18"]);
        assert_eq!(of(&["4.18"]), ["4.18"], "what comes after it is not looked after yet");
    }
}
