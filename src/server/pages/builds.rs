//! Which image does not build and because of whom, as the pages show it: on a page of its own by cause, and on each image's.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::words::When;
use super::{Moment, links};
use crate::base::Release;
use crate::board::View;
use crate::results::answer::{ImageResult, ImageState, Spell, Suspect, Unread};

/// As many suspects are shown.
const SUSPECTS: usize = 8;

/// The class of a state in the style sheet.
pub(super) fn class(state: ImageState) -> &'static str {
    match state {
        ImageState::Builds => "ok",
        ImageState::Broken => "br",
        ImageState::Ci | ImageState::StaleBase => "df",
        ImageState::BecauseOf => "wt",
        ImageState::HeldBack => "hd",
        ImageState::NotTried | ImageState::Unknown => "no",
    }
}

/// A state's name for people.
pub(super) fn title(state: ImageState) -> &'static str {
    match state {
        ImageState::Builds => "builds",
        ImageState::Broken => "broken",
        ImageState::BecauseOf => "waits for another image",
        ImageState::HeldBack => "held back",
        ImageState::NotTried => "not tried",
        ImageState::Ci => "trouble of CI",
        ImageState::StaleBase => "stale base",
        ImageState::Unknown => "not known",
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Which {
    /// One release.
    #[serde(default)]
    release: String,
}

/// The page by cause.
#[derive(Serialize)]
pub(super) struct Results {
    known: bool,
    read: Option<When>,
    unread: Vec<Unread>,
    releases: Vec<String>,
    release: String,
    counts: Vec<(&'static str, &'static str, usize)>,
    causes: Vec<Cause>,
    rest: Vec<Rest>,
}

/// An image that does not build, with what follows from it.
#[derive(Serialize)]
struct Cause {
    releases: Vec<(String, Option<String>)>,
    told: Told,
    follows: Vec<Follower>,
}

/// What waits for a cause.
#[derive(Serialize)]
struct Follower {
    tag: String,
    link: Option<String>,
    release: String,
    state: &'static str,
}

/// Images that no broken image keeps from being built, by what keeps them.
#[derive(Serialize)]
struct Rest {
    class: &'static str,
    title: &'static str,
    says: String,
    images: Vec<Follower>,
}

/// A commit, and where it can be looked at.
#[derive(Serialize)]
struct Commit {
    short: String,
    link: Option<String>,
}

/// What is known of one image's builds.
#[derive(Serialize)]
pub(super) struct Told {
    tag: String,
    class: &'static str,
    title: &'static str,
    says: String,
    because: Option<(String, Option<String>)>,
    repository: String,
    repository_link: Option<String>,
    branch: String,
    job: String,
    twin: String,
    okd_only: Option<bool>,
    since: Option<Commit>,
    when: Option<When>,
    last_good: Option<Commit>,
    attempts: usize,
    lines: String,
    suspects: Vec<SuspectView>,
    left_out: usize,
    silenced: Option<String>,
    /// How another system builds it: class and title of the state, what that is, what builds it.
    elsewhere: Option<(&'static str, &'static str, String, String)>,
    history: Vec<SpellView>,
}

#[derive(Serialize)]
pub(super) struct SuspectView {
    pub label: String,
    pub link: Option<String>,
    pub title: String,
}

#[derive(Serialize)]
struct SpellView {
    class: &'static str,
    title: &'static str,
    says: String,
    when: Option<When>,
    since: Commit,
    until: Option<Commit>,
    runs: usize,
}

impl Results {
    pub(super) fn of(look: &Moment<'_>, which: Which) -> Self {
        let shown = look.view.results.as_deref();
        let all = shown.map(|shown| shown.results.releases.as_slice()).unwrap_or_default();
        let wanted = || {
            all.iter()
                .filter(|one| which.release.is_empty() || one.release == which.release)
        };
        let mut counts: BTreeMap<ImageState, usize> = BTreeMap::new();
        for image in wanted().flat_map(|release| &release.images) {
            *counts.entry(image.state).or_default() += 1;
        }
        let mut causes: BTreeMap<(&str, &str, Option<&str>), Cause> = BTreeMap::new();
        let mut rest: BTreeMap<(ImageState, &str), Vec<Follower>> = BTreeMap::new();
        for release in wanted() {
            let keys = Keys::of(look.view, &release.release);
            let broken = |tag: &str| {
                release
                    .images
                    .iter()
                    .find(|image| image.image == tag && image.state == ImageState::Broken)
            };
            for image in release.images.iter().filter(|image| image.state != ImageState::Builds) {
                if image.state == ImageState::Broken {
                    let cause = causes.entry(known_by(image)).or_insert_with(|| Cause {
                        releases: Vec::new(),
                        told: told(look, image, &keys),
                        follows: Vec::new(),
                    });
                    cause.releases.push((release.release.clone(), keys.link(&image.image)));
                    continue;
                }
                let follower = Follower {
                    tag: image.image.clone(),
                    link: keys.link(&image.image),
                    release: release.release.clone(),
                    state: title(image.state),
                };
                match image.because.as_deref().and_then(broken) {
                    Some(root) => {
                        let cause = causes.entry(known_by(root)).or_insert_with(|| Cause {
                            releases: Vec::new(),
                            told: told(look, root, &keys),
                            follows: Vec::new(),
                        });
                        cause.follows.push(follower);
                    }
                    None => rest.entry((image.state, &image.says)).or_default().push(follower),
                }
            }
        }
        let mut causes: Vec<Cause> = causes.into_values().collect();
        causes.sort_by_key(|cause| (cause.told.silenced.is_some(), std::cmp::Reverse(cause.follows.len())));
        let rest = rest.into_iter().map(|((state, says), images)| Rest {
            class: class(state),
            title: title(state),
            says: says.to_owned(),
            images,
        });
        Self {
            known: shown.is_some(),
            read: shown.map(|shown| When::of(look, shown.at)),
            unread: shown.map(|shown| shown.results.unread.clone()).unwrap_or_default(),
            releases: all.iter().map(|one| one.release.clone()).collect(),
            counts: counts
                .into_iter()
                .map(|(state, count)| (class(state), title(state), count))
                .collect(),
            causes,
            rest: rest.collect(),
            release: which.release,
        }
    }
}

/// What is one cause in several releases.
fn known_by(image: &ImageResult) -> (&str, &str, Option<&str>) {
    (&image.image, &image.says, image.since.as_deref())
}

/// The keys of a release's images by tag: addresses of pages have keys, results have tags.
struct Keys<'v> {
    release: &'v str,
    keys: BTreeMap<&'v str, &'v str>,
}

impl<'v> Keys<'v> {
    fn of(view: &'v View, release: &'v str) -> Self {
        let shown = release
            .parse::<Release>()
            .ok()
            .and_then(|release| view.releases.get(&release));
        let config = shown.and_then(|shown| shown.build_config.as_deref());
        let images = config.into_iter().flat_map(|config| &config.images);
        Self {
            release,
            keys: images
                .map(|(key, image)| (image.tag.value.as_str(), key.as_str()))
                .collect(),
        }
    }

    fn link(&self, tag: &str) -> Option<String> {
        let key = self.keys.get(tag)?;
        Some(links::image(key, self.release))
    }
}

/// What is known of the builds of an image in a release; `None`: nothing.
pub(super) fn of_image(look: &Moment<'_>, tag: &str, release: &str) -> Option<Told> {
    let result = result(look.view, tag, release)?;
    Some(told(look, result, &Keys::of(look.view, release)))
}

/// How each image of each release builds, by release and tag.
pub(super) type States<'v> = HashMap<(Release, &'v str), ImageState>;

/// How everything builds.
pub(super) fn states(view: &View) -> States<'_> {
    let releases = view.results.iter().flat_map(|shown| &shown.results.releases);
    let known = releases.filter_map(|one| Some((one.release.parse::<Release>().ok()?, &one.images)));
    let all = known.flat_map(|(release, images)| {
        images
            .iter()
            .map(move |image| ((release, image.image.as_str()), image.state))
    });
    all.collect()
}

/// An image's result.
fn result<'v>(view: &'v View, tag: &str, release: &str) -> Option<&'v ImageResult> {
    let results = &view.results.as_deref()?.results;
    let mut releases = results.releases.iter().filter(|one| one.release == release);
    releases.find_map(|one| one.images.iter().find(|image| image.image == tag))
}

fn told(look: &Moment<'_>, image: &ImageResult, keys: &Keys<'_>) -> Told {
    let commit = |id: &String| commit(&image.repository, id);
    let suspects = image.suspects.iter().take(SUSPECTS);
    Told {
        tag: image.image.clone(),
        class: class(image.state),
        title: title(image.state),
        says: image.says.clone(),
        because: image.because.as_ref().map(|tag| (tag.clone(), keys.link(tag))),
        repository: image.repository.clone(),
        repository_link: links::repository(&image.repository),
        branch: image.branch.clone(),
        job: image.job.clone(),
        twin: image.twin.clone(),
        okd_only: image.okd_only,
        since: image.since.as_ref().map(commit),
        when: image.since_time.map(|time| When::of(look, time)),
        last_good: image.last_good.as_ref().map(commit),
        attempts: image.attempts,
        lines: image.lines.join("\n"),
        suspects: suspects.map(|one| suspect(&image.repository, one)).collect(),
        left_out: image.suspects.len().saturating_sub(SUSPECTS),
        silenced: image.silenced.clone(),
        elsewhere: image.elsewhere.as_ref().map(|other| {
            (
                class(other.state),
                title(other.state),
                other.says.clone(),
                other.job.clone(),
            )
        }),
        history: image
            .history
            .iter()
            .map(|spell| spell_view(look, image, spell))
            .collect(),
    }
}

fn spell_view(look: &Moment<'_>, image: &ImageResult, spell: &Spell) -> SpellView {
    SpellView {
        class: class(spell.state),
        title: title(spell.state),
        says: spell.says.clone(),
        when: spell.since_time.map(|time| When::of(look, time.min(look.now))),
        since: commit(&image.repository, &spell.since),
        until: (spell.until != spell.since).then(|| commit(&image.repository, &spell.until)),
        runs: spell.runs,
    }
}

fn commit(repository: &str, id: &str) -> Commit {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let repository = links::repository(repository).filter(|_| is_id);
    Commit {
        short: id.chars().take(10).collect(),
        link: repository.map(|repository| format!("{repository}/commit/{id}")),
    }
}

/// Somebody's change, with a link to its pull request where there is one.
pub(super) fn suspect(repository: &str, one: &Suspect) -> SuspectView {
    let Commit { short, link } = commit(repository, &one.commit);
    let pull = one.pull.zip(links::repository(repository));
    SuspectView {
        label: one.pull.map_or(short, |pull| format!("#{pull}")),
        link: pull
            .map(|(pull, repository)| format!("{repository}/pull/{pull}"))
            .or(link),
        title: one.title.clone(),
    }
}
