//! Runs as a timeline.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::words::When;
use super::{Moment, words};
use crate::board::{RateLimit, RunRecord};

/// How many runs a page has.
const A_PAGE: usize = 60;
/// How many runs the picture has.
const IN_PICTURE: usize = 120;
/// How high the picture's highest bar is.
const HEIGHT: f64 = 64.0;
/// How wide a bar is, its gap included.
const STEP: usize = 8;

/// Which page.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    /// A text, since people write what they like: what is no number is the first page.
    #[serde(default)]
    page: String,
}

/// The page.
#[derive(Serialize)]
pub(super) struct Runs {
    total: usize,
    bars: Vec<Bar>,
    width: usize,
    height: usize,
    longest: String,
    limits: Vec<LimitView>,
    days: Vec<Day>,
    newer: Option<usize>,
    older: Option<usize>,
}

/// What is left of a limit of an API.
#[derive(Serialize)]
struct LimitView {
    api: String,
    left: u64,
    limit: u64,
    low: bool,
    resets: String,
}

/// One run in the picture: higher where it took longer.
#[derive(Serialize)]
struct Bar {
    id: String,
    x: usize,
    y: String,
    height: String,
    outcome: &'static str,
    title: String,
    link: String,
}

#[derive(Serialize)]
struct Day {
    name: String,
    runs: Vec<RunView>,
}

#[derive(Serialize)]
struct RunView {
    id: String,
    clock: String,
    when: When,
    took: String,
    outcome: &'static str,
    trigger: String,
    because: Vec<String>,
    releases: Vec<String>,
    drift: Vec<(&'static str, usize)>,
    held: usize,
    findings: Vec<(String, usize)>,
    requests: Vec<(String, u64)>,
    writes: Vec<String>,
    hits: u64,
    misses: u64,
    error: Option<String>,
}

impl Runs {
    pub(super) fn of(look: &Moment<'_>, which: &Which) -> Self {
        let runs = &look.view.runs;
        let last = runs.len().saturating_sub(1) / A_PAGE;
        let page = which.page.parse().unwrap_or(0).min(last);
        let mut days: Vec<Day> = Vec::new();
        for run in runs.iter().skip(page * A_PAGE).take(A_PAGE) {
            let name = words::day(run.started);
            if days.last().is_none_or(|day| day.name != name) {
                days.push(Day { name, runs: Vec::new() });
            }
            if let Some(day) = days.last_mut() {
                day.runs.push(view(look, run));
            }
        }
        let drawn: Vec<&Arc<RunRecord>> = runs.iter().take(IN_PICTURE).collect();
        let longest = drawn.iter().map(|run| run.took).fold(0.0, f64::max);
        let bars = drawn.iter().rev().enumerate();
        let bars = bars.map(|(at, run)| bar(at, drawn.len() - 1 - at, run, longest));
        Self {
            total: runs.len(),
            bars: bars.collect(),
            width: drawn.len() * STEP,
            height: HEIGHT as usize,
            longest: words::took(longest),
            limits: look
                .view
                .rate_limits
                .iter()
                .map(|limit| limit_view(look, limit))
                .collect(),
            days,
            newer: page.checked_sub(1),
            older: (page < last).then_some(page + 1),
        }
    }
}

fn limit_view(look: &Moment<'_>, (api, limit): (&String, &RateLimit)) -> LimitView {
    let left = limit.left_at(look.now);
    LimitView {
        api: api.clone(),
        left,
        limit: limit.limit,
        // As the alert has it.
        low: left * 10 < limit.limit,
        resets: words::clock(limit.resets_at),
    }
}

/// A bar; a run's page in the list follows from how many are newer.
fn bar(at: usize, newer: usize, run: &RunRecord, longest: f64) -> Bar {
    // Differences between short runs are seen beside a long one, too.
    let share = if longest > 0.0 {
        (run.took / longest).sqrt()
    } else {
        0.0
    };
    let height = (share * HEIGHT).max(3.0);
    Bar {
        id: run.id.clone(),
        x: at * STEP,
        y: format!("{:.1}", HEIGHT - height),
        height: format!("{height:.1}"),
        outcome: run.outcome.name(),
        title: format!(
            "{}: {}, {}, {}",
            words::utc(run.started),
            run.trigger,
            run.outcome.name(),
            words::took(run.took)
        ),
        link: format!("/runs?page={}#run-{}", newer / A_PAGE, super::links::part(&run.id)),
    }
}

fn view(look: &Moment<'_>, run: &RunRecord) -> RunView {
    let drift = [
        ("new", run.drift.new),
        ("changed", run.drift.changed),
        ("removed", run.drift.removed),
    ];
    RunView {
        id: run.id.clone(),
        clock: words::clock(run.started),
        when: When::of(look, run.started),
        took: words::took(run.took),
        outcome: run.outcome.name(),
        trigger: run.trigger.clone(),
        because: run.because.clone(),
        releases: run.releases.clone(),
        drift: drift.into_iter().filter(|(_, count)| *count > 0).collect(),
        held: run.drift.held,
        findings: run
            .findings
            .iter()
            .map(|(severity, count)| (severity.clone(), *count))
            .collect(),
        requests: run.requests.iter().map(|(api, count)| (api.clone(), *count)).collect(),
        writes: run.writes.clone(),
        hits: run.cache.hits,
        misses: run.cache.misses,
        error: run.error.clone(),
    }
}
