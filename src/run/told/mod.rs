//! Tells once, where that is configured, that images do not build: looks at what was told, plans, and writes.

mod places;
mod teller;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::places::Places;
use self::teller::Teller;
use super::place::ConfiguredForge;
use super::{Run, RunError};
use crate::base::text::terminal;
use crate::results::answer::Results;
use crate::source::Location;
use crate::told::{There, Unsaid, Write};

/// For how long what was begun is counted, in seconds.
const HOUR: i64 = 3_600;
/// Must change when what is remembered has another form.
const VERSION: u32 = 1;

/// What came of telling.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Told {
    /// What was written, or would be, in order.
    pub writes: Vec<Write>,
    /// What does not build and is not told, and why.
    pub unsaid: Vec<Unsaid>,
    /// What failed; it costs the others nothing.
    pub failed: Vec<String>,
    /// What whoever runs this should know.
    pub notes: Vec<String>,
}

impl Told {
    /// A line each, safe to show.
    pub fn lines(&self) -> Vec<String> {
        let writes = self.writes.iter().map(ToString::to_string);
        let unsaid = self.unsaid.iter().map(ToString::to_string);
        let failed = self.failed.iter().map(|why| terminal(&format!("not told: {why}")));
        let notes = self.notes.iter().map(|note| terminal(&format!("note: {note}")));
        writes.chain(unsaid).chain(failed).chain(notes).collect()
    }
}

impl Run {
    /// Tells, edits and ends what results ask for; in a dry run only says what would be written. `now`: seconds since 1970.
    ///
    /// # Errors
    /// The forge is not GitHub.
    pub fn tell_breaks(
        &self,
        place: &ConfiguredForge,
        results: &Results,
        dry_run: bool,
        now: i64,
    ) -> Result<Told, RunError> {
        let Some(breaks) = &self.config.feedback.breaks else {
            return Ok(Told::default());
        };
        let ConfiguredForge::GitHub(forge) = place else {
            let text = "`feedback.breaks` needs `forge` with `kind: github`: it is there that pull requests and issues are told";
            return Err(RunError::Config(text.to_owned()));
        };
        let mut teller = Teller {
            run: self,
            forge,
            breaks,
            results,
            dry_run,
            now,
            looked: BTreeMap::new(),
            there: There::default(),
            told: Told::default(),
            failed: BTreeSet::new(),
            unclear: BTreeMap::new(),
            before: Places::noted(&self.store),
            sent: self.begun_of_late(now),
        };
        teller.tell();
        let Teller { mut told, sent, .. } = teller;
        told.notes.extend(self.silences_of_no_use(results));
        if !dry_run {
            self.store.put("told", VERSION, b"sent", &sent);
        }
        Ok(told)
    }

    /// When something was begun within the last hour.
    fn begun_of_late(&self, now: i64) -> Vec<i64> {
        let known: Option<Vec<i64>> = self.store.get("told", VERSION, b"sent");
        let mut sent = known.unwrap_or_default();
        sent.retain(|at| now - at < HOUR);
        sent
    }

    /// A sentence about each silence that is over, or of an image that a release does not have.
    pub fn silences_of_no_use(&self, results: &Results) -> Vec<String> {
        let mut notes = Vec::new();
        for one in &self.config.feedback.silence {
            let what = format!("{}: the silence of `{}` by {}", one.at, one.image, one.author);
            if self.today().is_some_and(|today| today > one.until) {
                notes.push(format!(
                    "{what} ended on {}: remove it, or agree on a later `until`",
                    one.until
                ));
                continue;
            }
            let of = results
                .releases
                .iter()
                .filter(|of| one.release.is_none_or(|only| only.to_string() == of.release));
            let of: Vec<_> = of.collect();
            if !of.is_empty() && of.iter().all(|of| of.lacks(&one.image)) {
                let names: BTreeSet<&str> = of
                    .iter()
                    .flat_map(|of| of.images.iter().map(|image| image.image.as_str()))
                    .collect();
                let names: Vec<&str> = names.into_iter().collect();
                let hint = crate::rules::load::nearest(&one.image, &names);
                let releases: Vec<&str> = of.iter().map(|of| of.release.as_str()).collect();
                notes.push(format!(
                    "{what}: there is no such image in {}; {hint}",
                    releases.join(", ")
                ));
            }
        }
        notes
    }

    /// Where people find what a run left: the page of jobs, else the bare log. The address is built of what is configured and of the
    /// run's folder alone.
    fn address(&self, folder: &str) -> Option<String> {
        let sources = self.config.sources.results.as_ref()?;
        let url = |at: &Option<Location>| match at {
            Some(Location::Url(url)) => Some(url.to_string().trim_end_matches('/').to_owned()),
            _ => None,
        };
        let artifacts = url(&sources.artifacts)?;
        let address = match (url(&sources.deck), artifacts.rsplit('/').next()) {
            (Some(deck), Some(bucket)) => format!("{deck}/view/gs/{bucket}/{folder}"),
            _ => format!("{artifacts}/{folder}/build-log.txt"),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%".contains(c);
        address.chars().all(plain).then_some(address)
    }
}
