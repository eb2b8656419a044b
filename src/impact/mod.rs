//! What a change of others would do to OKD: two worlds of a release compared, one without the change and one with it.
//!
//! Findings are new, gone or still there, by what they are known by ([`crate::finding::Finding::identity`]) and never by their words; what each
//! means is said by rules `on: finding`. Nobody is blamed for what was there before, or for a neighbour.

mod answer;
mod compare;
mod config;
mod judge;
mod junit;
mod markdown;
mod marks;
mod open;
mod page;
mod sentence;
#[cfg(test)]
mod tests;
mod text;

pub use answer::{Cure, Effect, FileChanged, Found, Impact, Merge, OfRelease, Touched, ValueChange, Verdict};
pub use compare::{Change, Proposed, World, compare};
pub use config::Config;
pub use judge::{Images, Judge, Meaning};
pub use junit::junit;
pub use markdown::markdown;
pub use marks::{Mark, line_in, marks};
pub use open::{Pull, State};
pub use page::page;
pub use sentence::sentence;
pub use text::{UNSEEN, text};

use crate::audit::report::Report;
use crate::finding::policy::Judged;

/// The new findings of an answer as a report of the audit, for those who show those.
pub fn report(impact: &Impact) -> Report {
    let new = impact.releases.iter().flat_map(|release| &release.new);
    let shown = new.map(|found| found.shown.finding.clone()).collect();
    let judged = Judged {
        shown,
        ..Judged::default()
    };
    let releases = impact.releases.iter().map(|release| release.release.clone()).collect();
    Report::new(releases, judged, &[], Vec::new(), &std::collections::BTreeMap::new())
}
