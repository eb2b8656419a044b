//! Open pull requests of others: what each would do to OKD, what it was told, and what waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::words::When;
use super::{Moment, links, words};
use crate::base::loose::{List, Loose, May, read};
use crate::impact::{Pull, State, UNSEEN, Verdict};

/// How many findings of a kind, values or files a page has.
const MOST: usize = 200;

/// Which pull requests.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    repository: String,
    #[serde(default)]
    verdict: String,
}

/// The page of all.
#[derive(Serialize)]
pub(super) struct Impacts {
    repository: String,
    verdict: String,
    repositories: Vec<String>,
    verdicts: Vec<&'static str>,
    /// Whether pull requests are looked at at all, as far as anything says so.
    looked: Option<When>,
    error: Option<String>,
    open: usize,
    silent: usize,
    waits: Vec<PullView>,
    pulls: Vec<PullView>,
    unread: Vec<String>,
    left_out: Vec<(String, u64)>,
}

/// One pull request as lists show it.
#[derive(Serialize)]
struct PullView {
    name: String,
    title: String,
    author: String,
    branch: String,
    releases: String,
    url: Option<String>,
    /// Its page here, where there is more to say.
    page: Option<String>,
    verdict: &'static str,
    class: &'static str,
    sentence: String,
    todo: String,
    state: &'static str,
    note: String,
    until: Option<String>,
    since: When,
}

impl Impacts {
    pub(super) fn of(look: &Moment<'_>, which: Which) -> Self {
        let impacts = &look.view.impacts;
        let chosen = |pull: &&Pull| {
            let verdict = pull.verdict.map_or("", Verdict::name);
            (which.repository.is_empty() || pull.repository == which.repository)
                && (which.verdict.is_empty() || verdict == which.verdict)
        };
        let mut shown: Vec<&Pull> = impacts.pulls.iter().filter(chosen).collect();
        shown.sort_by_key(|pull| (pull.verdict.map_or(u8::MAX, |verdict| verdict as u8), pull.state));
        let (waits, others): (Vec<&Pull>, Vec<&Pull>) = shown
            .into_iter()
            .filter(|pull| pull.state != State::Silent)
            .partition(|pull| matches!(pull.state, State::Waits | State::Failed));
        let names: std::collections::BTreeSet<&String> = impacts.pulls.iter().map(|pull| &pull.repository).collect();
        Self {
            repositories: names.into_iter().cloned().collect(),
            verdicts: Verdict::ALL.iter().map(|verdict| verdict.name()).collect(),
            looked: impacts.looked_at.map(|at| When::of(look, at)),
            error: impacts.error.clone(),
            open: impacts.pulls.len(),
            silent: impacts.count(State::Silent),
            waits: waits.into_iter().map(|pull| view(look, pull)).collect(),
            pulls: others.into_iter().map(|pull| view(look, pull)).collect(),
            unread: impacts.unread.clone(),
            left_out: impacts
                .left_out
                .iter()
                .map(|(repo, count)| (repo.clone(), *count))
                .collect(),
            repository: which.repository,
            verdict: which.verdict,
        }
    }
}

fn view(look: &Moment<'_>, pull: &Pull) -> PullView {
    let has_page = look.view.impacts.answers.contains_key(&pull.name());
    PullView {
        name: pull.name(),
        title: pull.title.clone(),
        author: pull.author.clone(),
        branch: pull.branch.clone(),
        releases: pull.releases.join(", "),
        url: links::web(&pull.url),
        page: has_page.then(|| page_of(pull)),
        verdict: pull.verdict.map_or("not known", Verdict::name),
        class: class(pull.verdict),
        sentence: pull.sentence.clone(),
        todo: pull.todo.clone(),
        state: pull.state.name(),
        note: pull.note.clone(),
        until: pull.until.map(words::utc),
        since: When::of(look, pull.since),
    }
}

fn page_of(pull: &Pull) -> String {
    let (org, repo) = pull.repository.split_once('/').unwrap_or_default();
    format!("/impact/{}/{}/{}", links::part(org), links::part(repo), pull.pull)
}

/// The mark of a verdict.
fn class(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Breaks) => "br",
        Some(Verdict::Changes) => "df",
        Some(Verdict::Still) => "wt",
        Some(Verdict::Mends | Verdict::Nothing) => "ok",
        None => "no",
    }
}

/// The page of one.
#[derive(Serialize)]
pub(super) struct One {
    pull: PullView,
    merged: &'static str,
    base: String,
    head: String,
    releases: Vec<ReleaseView>,
    unseen: &'static str,
    api: String,
}

#[derive(Serialize)]
struct ReleaseView {
    release: String,
    verdict: String,
    class: &'static str,
    groups: Vec<(&'static str, Vec<FoundView>, usize)>,
    values: Vec<ValueView>,
    files: Vec<FileView>,
    rebuild: Vec<(String, Vec<String>)>,
}

#[derive(Serialize)]
struct FoundView {
    severity: String,
    code: String,
    message: String,
    who: &'static str,
    place: Option<String>,
    help: Option<String>,
}

#[derive(Serialize)]
struct ValueView {
    of: String,
    field: String,
    before: String,
    after: String,
    why: String,
}

#[derive(Serialize)]
struct FileView {
    repository: String,
    path: String,
    change: String,
    puts_back: bool,
}

/// An answer, as far as the page shows it; it may have been written by another version.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    merged: Loose<String>,
    base: Loose<String>,
    head: Loose<String>,
    releases: List<OfRelease>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OfRelease {
    release: Loose<String>,
    verdict: Loose<String>,
    new: List<Found>,
    gone: List<Found>,
    still: List<Found>,
    values: List<Value>,
    files: List<File>,
    rebuild: Loose<Rebuild>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    severity: Loose<String>,
    code: Loose<String>,
    message: Loose<String>,
    alone: Loose<bool>,
    place: Loose<Place>,
    help: May<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place {
    repo: Loose<String>,
    file: May<String>,
    line: May<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Value {
    of: Loose<String>,
    field: Loose<String>,
    before: Json,
    after: Json,
    rules: List<String>,
    because: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    repository: Loose<String>,
    path: Loose<String>,
    change: Loose<String>,
    puts_back: Loose<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rebuild {
    images: BTreeMap<String, Loose<Tagged>>,
    batches: Vec<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tagged {
    tag: May<String>,
}

impl One {
    /// The page of a pull request; `None` where nothing is known of it.
    pub(super) fn of(look: &Moment<'_>, repository: &str, number: u64) -> Option<Self> {
        let pull = look.view.impacts.pull(repository, number)?;
        let answer = look.view.impacts.answers.get(&pull.name())?;
        let answer: Answer = read(&serde_json::from_str(answer).ok()?).unwrap_or_default();
        Some(Self {
            merged: match answer.merged.as_str() {
                "commit" => "read as the commit that GitHub would merge",
                "files" => {
                    "its files laid over its base one by one, as GitHub has no merge of the two: what both changed in one file may be missing"
                }
                "memory" => "merged here",
                _ => "read as it is: what its base got meanwhile may be missing",
            },
            base: answer.base.clone(),
            head: answer.head.clone(),
            releases: answer.releases.iter().map(|of| release(of)).collect(),
            unseen: UNSEEN,
            api: format!("/api/v1{}", page_of(pull)),
            pull: view(look, pull),
        })
    }
}

fn release(of: &OfRelease) -> ReleaseView {
    let groups = [("New", &of.new), ("Gone", &of.gone), ("Still there", &of.still)].map(|(title, all)| {
        let shown: Vec<FoundView> = all.iter().take(MOST).map(|of| found(of)).collect();
        let more = all.len() - shown.len();
        (title, shown, more)
    });
    let known = Verdict::ALL.into_iter().find(|known| known.name() == *of.verdict);
    ReleaseView {
        release: of.release.clone(),
        class: class(known),
        verdict: of.verdict.clone(),
        groups: groups.into_iter().filter(|(_, shown, _)| !shown.is_empty()).collect(),
        values: of.values.iter().take(MOST).map(|of| value(of)).collect(),
        files: of
            .files
            .iter()
            .take(MOST)
            .map(|file| FileView {
                repository: file.repository.clone(),
                path: file.path.clone(),
                change: file.change.clone(),
                puts_back: *file.puts_back,
            })
            .collect(),
        rebuild: batches(&of.rebuild),
    }
}

fn found(of: &Found) -> FoundView {
    let place = &of.place;
    let line = place.line.map_or_else(String::new, |line| format!(":{line}"));
    FoundView {
        severity: of.severity.clone(),
        code: of.code.clone(),
        message: of.message.clone(),
        who: if *of.alone { "OKD alone" } else { "OCP as well" },
        place: place.file.as_ref().map(|file| format!("{}: {file}{line}", *place.repo)),
        help: of.help.clone(),
    }
}

fn value(of: &Value) -> ValueView {
    let text = |value: &Json| match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rules: Vec<&str> = of.rules.iter().map(|rule| rule.as_str()).collect();
    ValueView {
        of: of.of.clone(),
        field: of.field.clone(),
        before: text(&of.before),
        after: text(&of.after),
        why: match rules.is_empty() {
            true => of.because.clone(),
            false => rules.join(", "),
        },
    }
}

/// What would have to be built again, by batch.
fn batches(of: &Rebuild) -> Vec<(String, Vec<String>)> {
    let tag = |key: &String| {
        let image = of.images.get(key);
        image.and_then(|image| image.tag.clone()).unwrap_or_else(|| key.clone())
    };
    let batches = of.batches.iter().enumerate();
    let named = batches.map(|(at, keys)| (format!("batch {}", at + 1), keys.iter().map(tag).collect()));
    named.collect()
}
