//! Reads what CI says of the jobs that build images, and puts it together.
//!
//! What was read once is kept in [`Followed`], and in the store: a look at which nothing has changed asks nobody for anything but
//! what other work has asked for already.

mod artifacts;
mod cluster;
mod images;
mod payloads;
mod reported;
mod tried;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::{Stuck, stuck_one};
use super::{Run, RunError};
use crate::base::{Date, Release, RepoName};
use crate::config::ResultSources;
use crate::results::answer::{ImageResult, OfRelease, Results, Unread};
use crate::results::{Branch, Built, Classifier, Images, JobRun, deck, jobs, settle};
use crate::rules::hint::near;
use artifacts::Left;
use cluster::OnCluster;
use payloads::Stream;
pub use tried::{Found, Tried};

/// The version of the answer's form.
const VERSION: u32 = 1;
/// The largest list of deck's that is read, in bytes. It is read in a stream.
const DECK_BYTES: u64 = 400 << 20;
/// Deck leaves these out of its list, which is long enough without.
const DECK: &str = "/prowjobs.js?omit=annotations,labels,decoration_config,pod_spec";

/// A repository and a branch of it.
type At = (RepoName, String);

/// Since when something does not build.
#[derive(Clone, Debug)]
pub enum Since {
    /// This day or later.
    Day(Date),
    /// A run in which this did not build already.
    Run(BTreeSet<Stuck>),
}

/// What is asked of results.
#[derive(Clone, Debug, Default)]
pub struct ResultsAsked {
    /// Only this image, by payload tag.
    pub image: Option<String>,
    /// Only what does not build since then.
    pub since: Option<Since>,
    /// When that is asked, in seconds since 1970.
    pub now: i64,
}

/// What is kept from one look at results to the next.
#[derive(Debug, Default)]
pub struct Followed {
    branches: BTreeMap<At, Branch>,
    /// What failed runs left, by folder.
    left: BTreeMap<String, Left>,
    /// The release controller's streams.
    streams: BTreeMap<String, Stream>,
    /// Builds on a cluster.
    cluster: OnCluster,
}

impl Run {
    /// Which images of releases do not build.
    ///
    /// # Errors
    /// Rules that are wrong; or no source of results is configured.
    pub fn results(&self, releases: &[Release], asked: &ResultsAsked) -> Result<Results, RunError> {
        let Some(sources) = &self.config.sources.results else {
            let text = "no results can be read: `sources.results` of the configuration names none";
            return Err(RunError::Config(text.to_owned()));
        };
        self.rules()?;
        let ci = self.ci_config()?;
        let (mut built, mut unread) = (BTreeMap::new(), BTreeSet::new());
        for release in releases {
            let derived = self.metadata(*release).and_then(|metadata| {
                let derived = self.derive(&metadata, ci.as_deref())?;
                Ok(Arc::new(jobs(&derived, derived.rules, self.asks_cluster())))
            });
            match derived {
                Ok(jobs) => drop(built.insert(*release, jobs)),
                Err(error @ RunError::Rules(_)) => return Err(error),
                Err(error) => drop(unread.insert(Unread {
                    source: format!("release {release}"),
                    why: error.to_string(),
                })),
            }
        }
        if let Some(image) = &asked.image {
            find(image, &built, &mut unread)?;
        }
        let mut followed = Followed::default();
        let mut results = self.look(sources, &built, &mut followed, asked.now, true)?;
        for release in &mut results.releases {
            let name = release.release.clone();
            release.images.retain(|image| is_asked(&name, image, asked));
        }
        unread.extend(results.unread);
        results.unread = unread.into_iter().collect();
        Ok(results)
    }

    /// Looks at results again: what is known is not asked for. `None` where no source of results is configured. `now`: seconds
    /// since 1970.
    ///
    /// # Errors
    /// Rules that are wrong.
    pub fn follow_results(
        &self,
        built: &BTreeMap<Release, Arc<Built>>,
        followed: &mut Followed,
        now: i64,
    ) -> Result<Option<Results>, RunError> {
        let Some(sources) = &self.config.sources.results else {
            return Ok(None);
        };
        self.look(sources, built, followed, now, false).map(Some)
    }

    /// Whether names of images on a cluster are asked of rules.
    pub(crate) fn asks_cluster(&self) -> bool {
        let results = self.config.sources.results.as_ref();
        results.is_some_and(|results| results.namespace.is_some())
    }

    fn look(
        &self,
        sources: &ResultSources,
        built: &BTreeMap<Release, Arc<Built>>,
        followed: &mut Followed,
        now: i64,
        whole: bool,
    ) -> Result<Results, RunError> {
        let rules = self.rules()?;
        let mut reader = Reader {
            run: self,
            sources,
            unread: BTreeSet::new(),
            followed,
            now,
            whole,
            down: None,
            no_payloads: false,
            looked_into: 0,
        };
        reader.read(built);
        reader.list();
        let mut releases = Vec::new();
        for (release, built) in built {
            let mut results = BTreeMap::new();
            let classifier = Classifier::new(rules, *release);
            for job in &built.jobs {
                results.extend(reader.of_job(job, *release, &classifier));
            }
            if let Some(names) = &built.names {
                for why in &built.faults {
                    reader.missing("sources.results.kubernetes", why.clone());
                }
                reader.add_builds(&mut results, *release, names, &classifier);
            }
            settle(Images {
                results: &mut results,
                parents: &built.parents,
            });
            releases.push(OfRelease {
                release: release.to_string(),
                images: results.into_values().collect(),
                payloads: reader.payloads(*release),
                absent: built.absent.clone(),
            });
        }
        reader.forget_old();
        Ok(Results {
            version: VERSION,
            releases,
            unread: reader.unread.into_iter().collect(),
        })
    }
}

/// Makes sure that some release may have an image of a payload tag. Of which that cannot be told is unread.
fn find(image: &str, built: &BTreeMap<Release, Arc<Built>>, unread: &mut BTreeSet<Unread>) -> Result<(), RunError> {
    let images = |built: &'_ Arc<Built>| -> BTreeSet<String> {
        let of_jobs = built.jobs.iter().flat_map(|job| &job.images);
        of_jobs.chain(built.parents.keys()).cloned().collect()
    };
    let known: BTreeMap<Release, BTreeSet<String>> = built.iter().map(|(at, built)| (*at, images(built))).collect();
    let is_known = known.values().any(|images| images.contains(image));
    let all: BTreeSet<&str> = known.values().flatten().map(String::as_str).collect();
    let hint = near(image, &all.into_iter().collect::<Vec<_>>()).filter(|_| !is_known);
    let is_open = |(at, built): &(&Release, &Arc<Built>)| !known[at].contains(image) && !built.absent.has(image);
    let more = hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    unread.extend(built.iter().filter(is_open).map(|(release, _)| Unread {
        source: format!("some metadata of release {release}"),
        why: format!("whether it has an image `{image}` is not known (`lockstep plan` says what is wrong){more}"),
    }));
    if is_known || !unread.is_empty() {
        return Ok(());
    }
    Err(RunError::NoImage {
        image: image.to_owned(),
        releases: built.keys().copied().collect(),
        hint,
    })
}

fn is_asked(release: &str, image: &ImageResult, asked: &ResultsAsked) -> bool {
    let named = asked.image.as_ref().is_none_or(|tag| *tag == image.image);
    let later = match (&asked.since, image.since_time) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(Since::Day(day)), Some(since)) => Date::of_unix(since) >= *day,
        (Some(Since::Run(before)), Some(_)) => !before.contains(&stuck_one(release, image)),
    };
    named && later
}

/// Reads sources; each fails alone.
struct Reader<'r> {
    run: &'r Run,
    sources: &'r ResultSources,
    unread: BTreeSet<Unread>,
    followed: &'r mut Followed,
    /// When that is, in seconds since 1970.
    now: i64,
    /// Whether everything is asked for anew, as somebody does who asks once.
    whole: bool,
    /// Why artifacts are not asked for any more in this look: their server does not answer.
    down: Option<String>,
    /// Whether the release controller is not asked any more in this look: it does not answer.
    no_payloads: bool,
    /// How many failed runs were looked into.
    looked_into: usize,
}

impl Reader<'_> {
    fn missing(&mut self, source: &str, why: impl Into<String>) {
        self.unread.insert(Unread {
            source: source.to_owned(),
            why: why.into(),
        });
    }

    /// Reads the runs of all jobs.
    fn read(&mut self, built: &BTreeMap<Release, Arc<Built>>) {
        let all = || built.values().flat_map(|built| &built.jobs);
        let names: BTreeSet<&str> = all()
            .flat_map(|job| [job.name.as_str(), job.twin.as_str()])
            .filter(|name| !name.is_empty())
            .collect();
        let branches = self.places(built);
        let before = self.recall(&branches);
        let reported = self.sources.github && self.reported(&names, &branches);
        // What deck knows for a day GitHub knows for ever.
        if let Some(base) = self.sources.deck.clone().filter(|_| self.whole || !reported) {
            let mut places: BTreeMap<&str, BTreeSet<At>> = BTreeMap::new();
            for job in all() {
                let at = (job.repository.clone(), job.branch.clone());
                for name in [job.name.as_str(), job.twin.as_str()] {
                    places.entry(name).or_default().insert(at.clone());
                }
            }
            let reader = self.run.sources.below(&base, DECK, DECK_BYTES);
            let read = reader.map_err(|error| error.to_string());
            match read.and_then(|reader| deck(reader, &|job| names.contains(job)).map_err(|error| error.to_string())) {
                Ok(runs) => runs
                    .into_iter()
                    .for_each(|run| self.take(&run, places.get(run.job.as_str()))),
                Err(why) => self.missing("sources.results.prow.deck", why),
            }
        }
        self.note(before);
    }

    /// The branches that are built from, each with where it is on GitHub.
    fn places(&self, built: &BTreeMap<Release, Arc<Built>>) -> BTreeMap<At, At> {
        let components = &self.run.config.sources.components;
        let mut places = BTreeMap::new();
        for (release, built) in built {
            for job in &built.jobs {
                let at = (job.repository.clone(), job.branch.clone());
                let name = components
                    .repo(*release, &job.repository)
                    .and_then(|location| location.name());
                places.insert(at, (name.unwrap_or_else(|| job.repository.clone()), job.branch.clone()));
            }
        }
        places
    }

    fn take(&mut self, run: &JobRun, places: Option<&BTreeSet<At>>) {
        for at in places.into_iter().flatten() {
            if let Some(branch) = self.followed.branches.get_mut(at) {
                branch.take_run(run.clone());
            }
        }
    }

    /// Recalls what is known of branches, and forgets those that nothing is built from any more. What they were.
    fn recall(&mut self, branches: &BTreeMap<At, At>) -> BTreeMap<At, Branch> {
        self.followed.branches.retain(|at, _| branches.contains_key(at));
        for at in branches.keys() {
            if !self.followed.branches.contains_key(at) {
                let known = self.run.store.noted(&key(at)).unwrap_or_default();
                self.followed.branches.insert(at.clone(), known);
            }
        }
        self.followed.branches.clone()
    }

    /// Notes what has changed.
    fn note(&self, before: BTreeMap<At, Branch>) {
        let changed = self
            .followed
            .branches
            .iter()
            .filter(|(at, branch)| before.get(*at) != Some(*branch));
        let notes: Vec<(String, &Branch)> = changed.map(|(at, branch)| (key(at), branch)).collect();
        if !notes.is_empty() && self.run.store.is_enabled() && !self.run.store.note_all(&notes) {
            tracing::warn!("what is known of results cannot be kept: it is read anew after the next start");
        }
    }

    /// Forgets what no run that is known has left.
    fn forget_old(&mut self) {
        let branches = self.followed.branches.values();
        let runs = branches.flat_map(|branch| branch.runs.values().flatten());
        let known: BTreeSet<String> = runs.filter_map(JobRun::folder).collect();
        self.followed.left.retain(|folder, _| known.contains(folder));
    }
}

fn key((repo, branch): &At) -> String {
    format!("results {repo} {branch}")
}
