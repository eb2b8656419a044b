//! The matrix: images × releases, each with how it stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::builds::{self, States};
use super::{Moment, links, words};
use crate::base::Release;
use crate::board::{PullRequestState, PullRequestView};
use crate::results::answer::ImageState;
use crate::server::standing::{Cell, Row, Standing, State};

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Filter {
    /// A part of an image's tag or key, or of its repository's name.
    #[serde(default)]
    q: String,
    /// How it stands, in some release that is shown.
    #[serde(default)]
    state: String,
    /// One release.
    #[serde(default)]
    release: String,
    /// How its builds go, in some release that is shown.
    #[serde(default)]
    build: String,
}

/// The page.
#[derive(Serialize)]
pub(super) struct Matrix<'v> {
    q: String,
    state: String,
    release: String,
    /// How builds go, where that is known: name, title, whether it is chosen.
    builds: Vec<(&'static str, &'static str, bool)>,
    filtered: bool,
    columns: Vec<Column>,
    releases: Vec<String>,
    states: Vec<StateView>,
    rows: Vec<RowView<'v>>,
    images: usize,
    cells: usize,
    last_run: Option<LastRun>,
}

/// One release.
#[derive(Serialize)]
struct Column {
    release: String,
    link: String,
    requests: Vec<(String, String)>,
    /// The page of what verifies it, and whether something is missing.
    verification: Option<(String, bool)>,
    error: Option<String>,
    counts: Vec<Share>,
    total: usize,
}

/// How much of a release stands in one way: a part of a bar of 100.
#[derive(Serialize)]
struct Share {
    class: &'static str,
    title: &'static str,
    count: usize,
    x: String,
    width: String,
}

#[derive(Serialize)]
struct StateView {
    name: &'static str,
    title: &'static str,
    class: &'static str,
    count: usize,
    chosen: bool,
}

#[derive(Serialize)]
struct RowView<'v> {
    key: &'v str,
    tag: &'v str,
    repository: &'v str,
    link: String,
    build: Option<BuildView>,
    cells: Vec<CellView>,
}

/// The worst that is known of an image's builds.
#[derive(Serialize)]
struct BuildView {
    class: &'static str,
    title: &'static str,
    releases: String,
    link: String,
}

#[derive(Serialize)]
struct CellView {
    class: &'static str,
    title: &'static str,
    age: String,
    link: String,
}

#[derive(Serialize)]
struct LastRun {
    ago: String,
    at: String,
    iso: String,
    took: String,
    outcome: &'static str,
}

/// The class of a state in the style sheet: short, since there are thousands of them.
pub(super) fn class(state: State) -> &'static str {
    match state {
        State::Held => "hd",
        State::InSync => "ok",
        State::Drifted => "df",
        State::Waiting => "wt",
        State::PullRequestOpen => "pr",
        State::Broken => "br",
        State::NotBuilt => "no",
    }
}

impl<'v> Matrix<'v> {
    pub(super) fn of(look: &Moment<'v>, filter: Filter) -> Self {
        let standing = Standing::of(look.view);
        let chosen = State::ALL.into_iter().find(|state| state.name() == filter.state);
        let is_shown = |release: &&Release| filter.release.is_empty() || release.to_string() == filter.release;
        let shown: Vec<Release> = look.view.releases.keys().filter(is_shown).copied().collect();
        let needle = filter.q.trim().to_lowercase();
        let wanted = ImageState::ALL.into_iter().find(|state| state.name() == filter.build);
        let states = builds::states(look.view);
        let rows: Vec<&Row<'v>> = standing
            .rows
            .iter()
            .filter(|row| matches(row, &needle) && stands(row, chosen, &shown))
            .filter(|row| wanted.is_none_or(|state| built(&states, row, &shown).any(|(_, known)| known == state)))
            .collect();
        let mut totals: BTreeMap<State, usize> = BTreeMap::new();
        for row in standing.rows.iter().filter(|row| matches(row, &needle)) {
            for cell in shown.iter().filter_map(|release| row.cells.get(release)) {
                *totals.entry(cell.state).or_default() += 1;
            }
        }
        let views: Vec<RowView<'v>> = rows.iter().map(|row| row_view(look, row, &shown, &states)).collect();
        Self {
            filtered: !needle.is_empty() || chosen.is_some() || wanted.is_some() || !filter.release.is_empty(),
            builds: ImageState::ALL
                .into_iter()
                .filter(|_| look.view.results.is_some())
                .map(|state| (state.name(), builds::title(state), wanted == Some(state)))
                .collect(),
            columns: shown.iter().map(|release| column(look, *release, &standing)).collect(),
            releases: look.view.releases.keys().map(Release::to_string).collect(),
            states: self::states(&totals, chosen),
            images: standing.rows.len(),
            cells: totals.values().sum(),
            rows: views,
            last_run: last_run(look),
            q: filter.q,
            state: chosen.map(State::name).unwrap_or_default().to_owned(),
            release: filter.release,
        }
    }
}

fn matches(row: &Row<'_>, needle: &str) -> bool {
    let texts = [row.tag, row.key, row.repository];
    needle.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(needle))
}

fn stands(row: &Row<'_>, chosen: Option<State>, shown: &[Release]) -> bool {
    let mut cells = shown.iter().filter_map(|release| row.cells.get(release));
    match chosen {
        Some(state) => cells.any(|cell| cell.state == state),
        None => cells.next().is_some(),
    }
}

fn states(totals: &BTreeMap<State, usize>, chosen: Option<State>) -> Vec<StateView> {
    let view = |state: State| StateView {
        name: state.name(),
        title: state.title(),
        class: class(state),
        count: totals.get(&state).copied().unwrap_or_default(),
        chosen: chosen == Some(state),
    };
    State::ALL.into_iter().map(view).collect()
}

fn column(look: &Moment<'_>, release: Release, standing: &Standing<'_>) -> Column {
    let counts = standing.counts(release);
    let total: usize = counts.values().sum();
    let mut x = 0.0;
    let share = |(state, count): (&State, &usize)| {
        let width = *count as f64 * 100.0 / total.max(1) as f64;
        let share = Share {
            class: class(*state),
            title: state.title(),
            count: *count,
            x: format!("{x:.2}"),
            width: format!("{width:.2}"),
        };
        x += width;
        share
    };
    Column {
        release: release.to_string(),
        link: format!("/?release={}", links::part(&release.to_string())),
        requests: open_requests(look, &release.to_string()),
        verification: verification(look, release),
        error: look.view.releases.get(&release).and_then(|shown| shown.error.clone()),
        counts: counts.iter().map(share).collect(),
        total,
    }
}

fn verification(look: &Moment<'_>, release: Release) -> Option<(String, bool)> {
    let one = look.view.verified.as_ref()?.releases.get(&release)?;
    Some((links::verification(&one.release), !one.missing.is_empty()))
}

/// The pull requests that are open for a release, by their numbers.
fn open_requests(look: &Moment<'_>, release: &str) -> Vec<(String, String)> {
    let open = |shown: &&PullRequestView| {
        let is_open = matches!(shown.state, PullRequestState::Open | PullRequestState::Held);
        is_open && shown.scope.release == release
    };
    let link = |shown: &PullRequestView| {
        let url = links::web(shown.url.as_deref()?)?;
        Some((links::number(&url), url))
    };
    look.view.pull_requests.iter().filter(open).filter_map(link).collect()
}

fn row_view<'v>(look: &Moment<'v>, row: &Row<'v>, shown: &[Release], known: &States<'_>) -> RowView<'v> {
    let cell = |release: &Release| match row.cells.get(release) {
        Some(cell) => cell_view(look, cell, links::image(row.key, &release.to_string())),
        None => CellView {
            class: "",
            title: "",
            age: String::new(),
            link: String::new(),
        },
    };
    let newest = shown.iter().rev().find(|release| row.cells.contains_key(release));
    RowView {
        key: row.key,
        tag: row.tag,
        repository: row.repository,
        link: newest
            .map(|release| links::image(row.key, &release.to_string()))
            .unwrap_or_default(),
        build: build_view(known, row, shown),
        cells: shown.iter().map(cell).collect(),
    }
}

/// How an image's builds go in the releases that are shown, where that is known.
fn built<'l>(
    states: &'l States<'l>,
    row: &'l Row<'l>,
    shown: &'l [Release],
) -> impl Iterator<Item = (Release, ImageState)> + 'l {
    let there = shown.iter().filter(|release| row.cells.contains_key(release));
    there.filter_map(|release| Some((*release, *states.get(&(*release, row.tag))?)))
}

/// The worst of it, where an image does not build somewhere.
fn build_view(states: &States<'_>, row: &Row<'_>, shown: &[Release]) -> Option<BuildView> {
    let known: Vec<(Release, ImageState)> = built(states, row, shown).collect();
    let worst = known.iter().map(|(_, state)| *state).min()?;
    let of_worst: Vec<Release> = known
        .iter()
        .filter(|(_, state)| *state == worst)
        .map(|(release, _)| *release)
        .collect();
    let newest = of_worst.iter().max()?;
    let others = of_worst.len() - 1;
    Some(BuildView {
        class: builds::class(worst),
        title: builds::title(worst),
        releases: match (worst, others) {
            (ImageState::Builds | ImageState::Unknown, _) => String::new(),
            (_, 0) => newest.to_string(),
            (_, others) => format!("{newest} +{others}"),
        },
        link: format!("{}#builds", links::image(row.key, &newest.to_string())),
    })
}

fn cell_view(look: &Moment<'_>, cell: &Cell<'_>, link: String) -> CellView {
    CellView {
        class: class(cell.state),
        title: cell.state.title(),
        age: cell.since.map(|since| look.ago(since)).unwrap_or_default(),
        link,
    }
}

fn last_run(look: &Moment<'_>) -> Option<LastRun> {
    let run = look.view.runs.front()?;
    Some(LastRun {
        ago: look.ago(run.started),
        at: words::utc(run.started),
        iso: words::iso(run.started),
        took: words::took(run.took),
        outcome: run.outcome.name(),
    })
}
