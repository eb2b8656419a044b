//! Tells the pull requests of others what they would do to OKD, where that is configured.
//!
//! A look costs a few questions as long as nothing has changed: what is open is listed, and a pull request whose head, base,
//! metadata and rules are those of the last look is as it was. Of the others those are looked into that touch a file which
//! decides a build. What is remembered may be lost: before anything is written, it is looked for at GitHub.

mod due;
mod kept;
mod marked;
mod meaning;
mod speak;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use self::due::Looking;
use self::kept::{Hour, Kept};
use self::watched::Watched;
use super::{Run, RunError};
use crate::base::{Release, RepoName};
use crate::config::{PullForm, Pulls};
use crate::forge::github::GithubForge;
use crate::forge::github::tell::Form;
use crate::github::Credential;
use crate::impact::{Pull, State, Verdict};
use crate::model::build_config::BuildConfig;
use crate::source::github::{Open, OpenPull};

/// How often somebody may ask for a look within an hour; what is asked for beyond that waits until there is room.
const MOST_ASKED: usize = 60;
/// How long after a look that somebody asked for another one is not made because somebody asks for it, in seconds.
const ASKED_AGAIN: i64 = 60;
/// How many pull requests are looked into at once; the others wait for the next run.
const MOST_AT_ONCE: usize = 100;
/// How many of those that concern all releases.
const MOST_SHARED: usize = 10;

/// Which pull requests are to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// All that are open.
    pub all: bool,
    /// Those of these repositories.
    pub repositories: BTreeSet<RepoName>,
    /// These, whatever is known of them.
    pub pulls: BTreeSet<(RepoName, u64)>,
    /// Those with these heads, whatever is known of them.
    pub heads: BTreeSet<(RepoName, String)>,
}

/// More that is asked for than this is a look at everything.
const MOST_WISHED: usize = 200;

impl Wish {
    /// All that are open.
    pub fn all() -> Self {
        Self {
            all: true,
            ..Self::default()
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many things are asked for.
    pub fn len(&self) -> usize {
        usize::from(self.all) + self.repositories.len() + self.pulls.len() + self.heads.len()
    }

    /// Asks for more; what is too much is a look at everything.
    pub fn extend(&mut self, more: Self) {
        let Self {
            all,
            repositories,
            pulls,
            heads,
        } = more;
        self.all |= all;
        self.repositories.extend(repositories);
        self.pulls.extend(pulls);
        self.heads.extend(heads);
        if self.len() > MOST_WISHED {
            *self = Self::all();
        }
    }

    fn names(&self, repo: &RepoName) -> bool {
        let of = |(name, _): &(RepoName, u64)| name == repo;
        let at = |(name, _): &(RepoName, String)| name == repo;
        self.all || self.repositories.contains(repo) || self.pulls.iter().any(of) || self.heads.iter().any(at)
    }

    /// Whether somebody asks for a pull request, and how.
    fn asks(&self, pull: &OpenPull) -> Option<Ask> {
        let pressed = self.heads.contains(&(pull.repo.clone(), pull.head.clone()));
        let said = self.pulls.contains(&(pull.repo.clone(), pull.number));
        match (pressed, said) {
            (true, _) => Some(Ask::Button),
            (false, true) => Some(Ask::Comment),
            (false, false) => None,
        }
    }
}

/// How somebody asks for a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Ask {
    /// In a comment.
    Comment,
    /// By GitHub's button, which makes the suite of our check wait for an answer.
    Button,
}

/// What is kept between two looks of one process.
#[derive(Debug, Default)]
pub struct Watch {
    known: Option<(String, Arc<Watched>)>,
}

/// What releases are at the time of a look, as far as it is known without reading anything.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What names the state of metadata and CI configs; none where they have no commits.
    stamp: Option<String>,
    /// The commit of build data of each release, and digests of what it has of each repository.
    releases: BTreeMap<Release, (Option<String>, BTreeMap<String, String>)>,
}

impl Standing {
    /// What unified build configs say. `ci`: the commit of the CI configs.
    pub fn of<'d>(documents: impl Iterator<Item = (Release, &'d BuildConfig)>, ci: Option<&str>) -> Self {
        let releases: BTreeMap<_, _> = documents
            .map(|(release, document)| (release, (document.build_data.clone(), parts(document))))
            .collect();
        let commits = releases.values().map(|(commit, _)| commit.as_deref());
        let commits: Option<Vec<&str>> = commits.chain([ci]).collect();
        Self {
            stamp: commits.map(|commits| commits.join(" ")),
            releases,
        }
    }
}

/// Digests of the images of each repository, by its name; what could not be derived is in all of them.
fn parts(document: &BuildConfig) -> BTreeMap<String, String> {
    let held = serde_json::to_string(&(&document.held, &document.held_images)).unwrap_or_default();
    let mut parts: BTreeMap<String, Sha256> = BTreeMap::new();
    for (key, image) in &document.images {
        let Ok(image) = serde_json::to_value(image) else {
            continue;
        };
        let repository = image["repository"]["value"].as_str().unwrap_or_default().to_owned();
        let hash = parts
            .entry(repository)
            .or_insert_with(|| Sha256::new_with_prefix(&held));
        hash.update(format!("{key} {}\n", without_why(&image)));
    }
    parts
        .into_iter()
        .map(|(repository, hash)| (repository, crate::base::text::hex(&hash.finalize())))
        .collect()
}

/// Values without the rules and places that they come from, which move with every commit.
fn without_why(value: &Json) -> Json {
    match value {
        Json::Object(map) if map.contains_key("value") => without_why(&map["value"]),
        Json::Object(map) => {
            let kept = map.iter().filter(|(key, _)| *key != "from" && *key != "rules");
            Json::Object(kept.map(|(key, value)| (key.clone(), without_why(value))).collect())
        }
        Json::Array(items) => items.iter().map(without_why).collect(),
        other => other.clone(),
    }
}

/// What a look came to.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// The open pull requests that were looked at, sorted by repository and number.
    pub pulls: Vec<Pull>,
    /// The answers of those that have one, by name, as `impact --format json` has them.
    pub answers: BTreeMap<String, Arc<str>>,
    /// The repositories whose open pull requests are all here.
    pub repositories: BTreeSet<RepoName>,
    /// Repositories that cannot be read.
    pub unread: BTreeSet<RepoName>,
    /// How many older open ones were not looked at, by repository.
    pub left_out: BTreeMap<RepoName, u64>,
    /// What was written, or would be.
    pub writes: Vec<String>,
    /// How many answers were written, by verdict.
    pub told: BTreeMap<Verdict, u64>,
}

impl Looked {
    fn take(&mut self, pull: Pull, answer: Option<&str>) {
        if let Some(answer) = answer {
            self.answers.insert(pull.name(), answer.into());
        }
        self.pulls.push(pull);
    }

    /// Whether something could not be done.
    pub fn failed(&self) -> impl Iterator<Item = &Pull> {
        self.pulls.iter().filter(|pull| pull.state == State::Failed)
    }
}

impl Run {
    /// Looks at open pull requests of the configured repositories, and gives each an answer that has not got it. `now`: seconds
    /// since 1970.
    ///
    /// # Errors
    /// Rules or a configuration that is wrong, or pull requests that cannot be listed.
    pub fn look_at_pulls(
        &mut self,
        forge: Option<&GithubForge>,
        watch: &mut Watch,
        standing: &Standing,
        releases: &[Release],
        wish: &Wish,
        (dry_run, now): (bool, i64),
    ) -> Result<Looked, RunError> {
        let Some(pulls) = self.config.feedback.pulls.clone() else {
            return Ok(Looked::default());
        };
        let (Some(forge), Some(reader)) = (forge, self.sources.github().cloned()) else {
            let text =
                "`feedback.pulls` needs `forge` with `kind: github`, and `sources.components` with `via: github`";
            return Err(RunError::Config(text.to_owned()));
        };
        let form = self.form_of_pulls(&pulls)?;
        let watched = self.known_watched(watch, standing, &pulls, releases)?;
        let names: Vec<RepoName> = watched.names().filter(|name| wish.names(name)).cloned().collect();
        if names.is_empty() {
            return Ok(Looked::default());
        }
        let listed = reader
            .open_pulls(&names)
            .map_err(|fault| RunError::Config(fault.to_string()))?;
        let mut looking = Looking {
            forge,
            form,
            watched: &watched,
            standing,
            releases,
            pulls: &pulls,
            sent: Hour::of(&self.store, "sent", pulls.max_new, now),
            asked: Hour::of(&self.store, "asked", MOST_ASKED, now),
            stopped: None,
            dry_run,
            now,
        };
        let mut looked = Looked {
            repositories: names.into_iter().filter(|name| !listed.unread.contains(name)).collect(),
            ..Looked::default()
        };
        let due = self.due(&mut looking, wish, &listed, &mut looked);
        let Open { unread, left_out, .. } = listed;
        (looked.unread, looked.left_out) = (unread, left_out);
        self.asking_once(|run| run.answer_all(&mut looking, due, &mut looked))?;
        looked
            .pulls
            .sort_by(|one, other| (&one.repository, one.pull).cmp(&(&other.repository, other.pull)));
        if !dry_run {
            looking.sent.put(&self.store);
            looking.asked.put(&self.store);
        }
        Ok(looked)
    }

    fn known_watched(
        &self,
        watch: &mut Watch,
        standing: &Standing,
        pulls: &Pulls,
        releases: &[Release],
    ) -> Result<Arc<Watched>, RunError> {
        let stamp = standing
            .stamp
            .as_ref()
            .map(|stamp| format!("{stamp} {} {releases:?} {pulls:?}", self.rules.digest()));
        match (&watch.known, &stamp) {
            (Some((known, watched)), Some(stamp)) if known == stamp => return Ok(Arc::clone(watched)),
            _ => {}
        }
        let watched = Arc::new(self.watched(pulls, releases)?);
        watch.known = stamp.map(|stamp| (stamp, Arc::clone(&watched)));
        Ok(watched)
    }

    /// In which form open pull requests are told.
    pub(super) fn form_of_pulls(&self, pulls: &Pulls) -> Result<Form, RunError> {
        match (pulls.form, &self.config.forge) {
            (PullForm::Status, _) => Ok(Form::Status),
            (
                PullForm::Check,
                crate::config::Forge::GitHub {
                    credential: Credential::App { id, .. },
                    ..
                },
            ) => Ok(Form::Check(*id)),
            (PullForm::Check, _) => {
                let text = "`feedback.pulls.as: check` needs `forge.app`: only an app can write checks; a token can set a status";
                Err(RunError::Config(text.to_owned()))
            }
        }
    }
}
