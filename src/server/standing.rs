//! How each image stands in each release: what the matrix, the API and the metrics have in common.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Release;
use crate::board::{PullRequestState, PullRequestView, ReleaseView, Time, View};
use crate::finding::Finding;
use crate::graph::concerned;
use crate::model::metadata;
use crate::plan::{FileChange, PullRequest};

/// How an image stands in a release. The order is that of how much it asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It could not be derived; what is there stays.
    Broken,
    /// Its files differ, and nothing is under way about it.
    Drifted,
    /// Its files differ, and the pull request waits its turn.
    Waiting,
    /// Its files differ, and a pull request is open.
    PullRequestOpen,
    /// A file of it stays as it is for now: it could not be compared, or waits for something else. The findings say which.
    Held,
    /// Its files were all compared and are as they should be.
    InSync,
    /// Metadata says that it is not built for OKD.
    NotBuilt,
}

impl State {
    /// Every state, those that ask for attention first.
    pub const ALL: [Self; 7] = [
        Self::Broken,
        Self::Drifted,
        Self::Waiting,
        Self::PullRequestOpen,
        Self::Held,
        Self::InSync,
        Self::NotBuilt,
    ];

    /// Its name in addresses, labels and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Drifted => "drifted",
            Self::Waiting => "waiting",
            Self::PullRequestOpen => "pull-request-open",
            Self::Held => "held",
            Self::InSync => "in-sync",
            Self::NotBuilt => "not-built",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Drifted => "drifted",
            Self::Waiting => "waiting",
            Self::PullRequestOpen => "pull request open",
            Self::Held => "kept as it is",
            Self::InSync => "in sync",
            Self::NotBuilt => "not built",
        }
    }

    fn of(request: Option<&PullRequestView>) -> Self {
        match request.map(|request| request.state) {
            Some(PullRequestState::Open | PullRequestState::Held) => Self::PullRequestOpen,
            Some(PullRequestState::Waiting) => Self::Waiting,
            _ => Self::Drifted,
        }
    }
}

/// One image in one release.
#[derive(Clone, Debug)]
pub struct Cell<'v> {
    /// How it stands.
    pub state: State,
    /// Since when its files differ.
    pub since: Option<Time>,
    /// The pull request that puts it right.
    pub request: Option<&'v PullRequestView>,
    /// The files that differ, each with the pull request that it belongs to.
    pub files: Vec<(&'v PullRequest, &'v FileChange)>,
    /// Why it is not built, or what is broken.
    pub why: Option<&'v str>,
}

/// One image in all releases.
#[derive(Clone, Debug)]
pub struct Row<'v> {
    /// Its key in ocp-build-data.
    pub key: &'v str,
    /// Its tag in the payload, in the newest release that has one; else its key.
    pub tag: &'v str,
    /// Its repository, in the newest release that names one.
    pub repository: &'v str,
    /// By release.
    pub cells: BTreeMap<Release, Cell<'v>>,
}

/// All images in all releases.
#[derive(Debug)]
pub struct Standing<'v> {
    /// By tag and key.
    pub rows: Vec<Row<'v>>,
}

impl<'v> Standing<'v> {
    /// How everything stands.
    pub fn of(view: &'v View) -> Self {
        Self::only(view, |_| true)
    }

    /// How images of some keys stand.
    pub fn only(view: &'v View, wanted: impl Fn(&str) -> bool) -> Self {
        let differing = Differing::of(view);
        let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
        for (release, shown) in view.releases.iter().rev() {
            for (key, cell) in cells(shown, &differing).filter(|(key, _)| wanted(key)) {
                let (tag, repository) = names(shown, key);
                let row = rows.entry(key).or_insert_with(|| Row {
                    key,
                    tag: key,
                    repository: "",
                    cells: BTreeMap::new(),
                });
                if let (true, Some(tag)) = (row.tag == row.key, tag) {
                    row.tag = tag;
                }
                if let ("", Some(repository)) = (row.repository, repository) {
                    row.repository = repository;
                }
                row.cells.insert(*release, cell);
            }
        }
        let mut rows: Vec<_> = rows.into_values().collect();
        rows.sort_by_key(|row| (row.tag, row.key));
        Self { rows }
    }

    /// How many images there are of each state in a release.
    pub fn counts(&self, release: Release) -> BTreeMap<State, usize> {
        let mut counts = BTreeMap::new();
        for cell in self.rows.iter().filter_map(|row| row.cells.get(&release)) {
            *counts.entry(cell.state).or_default() += 1;
        }
        counts
    }
}

/// The tag and repository of an image, where a release names them.
fn names<'v>(shown: &'v ReleaseView, key: &str) -> (Option<&'v str>, Option<&'v str>) {
    let config = shown.build_config.as_deref();
    if let Some(image) = config.and_then(|config| config.images.get(key)) {
        return (Some(&image.tag.value), Some(&image.repository.value));
    }
    let said = |text: &'v String| Some(text.as_str()).filter(|text| !text.is_empty());
    match config.and_then(|config| config.held_images.get(key)) {
        Some(image) => (said(&image.tag), said(&image.repository)),
        None => (None, None),
    }
}

fn cells<'v>(shown: &'v ReleaseView, differing: &Differing<'v>) -> impl Iterator<Item = (&'v str, Cell<'v>)> {
    let bare = |state| Cell {
        state,
        since: None,
        request: None,
        files: Vec::new(),
        why: None,
    };
    let mut cells: BTreeMap<&str, Cell<'_>> = BTreeMap::new();
    if let Some(config) = shown.build_config.as_deref() {
        for (key, image) in &config.images {
            cells.insert(key, differing.cell(shown, &image.tag.value));
        }
        for (key, why) in &config.dropped {
            let why = Some(why.as_str());
            cells.insert(
                key,
                Cell {
                    why,
                    ..bare(State::NotBuilt)
                },
            );
        }
        for key in &config.held {
            cells.insert(key, bare(State::Broken));
        }
    }
    let unread = shown.findings.iter().filter(|finding| is_of(finding, shown.release));
    for (finding, key) in unread.filter_map(|finding| Some((finding, metadata::unread_image(finding)?))) {
        let why = Some(finding.message.as_str());
        let broken = Cell {
            why,
            ..bare(State::Broken)
        };
        cells.entry(key).or_insert(broken);
    }
    cells.into_iter()
}

/// Whether a finding is about a release, or about none in particular.
fn is_of(finding: &Finding, release: Release) -> bool {
    let of = finding.release.as_deref();
    of.is_none_or(|of| of == release.to_string())
}

/// What differs, by release and image.
struct Differing<'v> {
    files: HashMap<(&'v str, &'v str), Vec<(&'v PullRequest, &'v FileChange)>>,
    requests: HashMap<(&'v str, String), &'v PullRequestView>,
    /// Images of which a file is kept as it is, by release and tag.
    held: &'v BTreeSet<(String, String)>,
}

impl<'v> Differing<'v> {
    fn of(view: &'v View) -> Self {
        let mut files: HashMap<_, Vec<_>> = HashMap::new();
        for request in view.plan.changing() {
            for file in &request.files {
                for tag in concerned(file).into_iter().collect::<BTreeSet<_>>() {
                    let key = (request.scope.release.as_str(), tag.as_str());
                    files.entry(key).or_default().push((request, file));
                }
            }
        }
        let requests = view.pull_requests.iter();
        let requests = requests.map(|shown| ((shown.scope.release.as_str(), shown.scope.to_string()), shown));
        Self {
            files,
            requests: requests.collect(),
            held: &view.plan.held_images,
        }
    }

    fn cell(&self, shown: &ReleaseView, tag: &str) -> Cell<'v> {
        let release = shown.release.to_string();
        let files = self.files.get(&(release.as_str(), tag)).cloned().unwrap_or_default();
        let request = files.first().and_then(|(request, _)| {
            let key = (release.as_str(), request.scope.to_string());
            self.requests.get(&key).copied()
        });
        let since = files
            .iter()
            .filter_map(|(request, file)| since(shown, request, file))
            .min();
        Cell {
            state: match files.is_empty() {
                true if self.held.contains(&(release, tag.to_owned())) => State::Held,
                true => State::InSync,
                false => State::of(request),
            },
            since,
            request,
            files,
            why: None,
        }
    }
}

/// Since when a file differs.
pub fn since(shown: &ReleaseView, request: &PullRequest, file: &FileChange) -> Option<Time> {
    let key = (request.scope.repo.to_string(), file.path.clone());
    shown.drift_since.get(&key).copied()
}
