//! How the release controller's streams stand.

use serde::{Deserialize, Serialize};

use super::Reader;
use crate::base::Release;
use crate::config::ReleaseController;
use crate::results::answer::{Change, FailedJob, Payload};
use crate::results::payload::{Info, changes, info, is_name, name_pulls, stream};
use crate::run::InputError;
use crate::source::SourceError;

/// The largest answer of the release controller that is read, in bytes.
const BYTES: u64 = 16 << 20;
/// What is told of it.
const SOURCE: &str = "sources.results.release-controller";
/// A stream is not asked for again within so many seconds where nobody waits for the answer.
const PAUSE: i64 = 300;
/// Must change when what is remembered has another form.
const STORED: u32 = 1;

/// What was read of a stream.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    at: i64,
    payload: Option<Payload>,
    /// What could not be read of it.
    unread: Vec<String>,
}

/// What is remembered of a payload that stands as it always will.
#[derive(Serialize, Deserialize)]
struct Known {
    failed: Vec<FailedJob>,
    from: Option<String>,
    changes: Vec<Change>,
}

/// Why what the release controller says is not known.
#[derive(Debug, thiserror::Error)]
enum Silent {
    /// The configured stream cannot be one.
    #[error("`{0}` is no name of a stream")]
    NoName(String),
    /// It has no such stream.
    #[error("it has no stream `{0}`")]
    NoStream(String),
    /// It cannot be asked about a stream or payload.
    #[error("{what}: {error}")]
    Source {
        /// The stream or payload.
        what: String,
        /// Why.
        error: SourceError,
    },
    /// It did not answer about another stream a moment ago.
    #[error("{0}: it is not asked for, as the server does not answer")]
    Down(String),
    /// Its answer about a stream is none.
    #[error("{0}: it is no list of tags")]
    NoTags(String),
    /// Its answer about a payload is none.
    #[error("{0}: what is said of it makes no sense")]
    NoInfo(String),
    /// The payload's own list cannot be read.
    #[error("payload {tag}: {why}")]
    Payload {
        /// The payload.
        tag: String,
        /// Why.
        why: InputError,
    },
}

impl Silent {
    /// Whether the server does not answer, whatever it is asked.
    fn is_of_server(&self) -> bool {
        matches!(
            self,
            Self::Source {
                error: SourceError::Unreachable { .. },
                ..
            }
        )
    }
}

impl Reader<'_> {
    /// How the release controller's streams of a release stand.
    pub(super) fn payloads(&mut self, release: Release) -> Vec<Payload> {
        let Some(controller) = &self.sources.release_controller else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for stream in &controller.streams {
            let name = stream.replace("{release}", &release.to_string());
            let read = self.stream(controller, &name);
            for why in read.unread {
                self.missing(SOURCE, why);
            }
            all.extend(read.payload);
        }
        all
    }

    /// One stream: as it was read a moment ago, or anew. What cannot be read leaves what is known.
    fn stream(&mut self, controller: &ReleaseController, name: &str) -> Stream {
        let known = self.followed.streams.get(name);
        let is_fresh =
            |known: &&Stream| known.at == self.now || (!self.whole && (0..PAUSE).contains(&(self.now - known.at)));
        if let Some(known) = known.filter(is_fresh) {
            return known.clone();
        }
        let known = known.and_then(|known| known.payload.clone());
        if self.no_payloads {
            return Stream {
                at: self.now,
                payload: known,
                unread: vec![Silent::Down(name.to_owned()).to_string()],
            };
        }
        let (payload, mut unread) = match self.tags(controller, name) {
            Ok(payload) => (Some(payload), Vec::new()),
            Err(why) => {
                self.no_payloads = why.is_of_server();
                (known, vec![why.to_string()])
            }
        };
        let payload = payload.map(|payload| self.looked_into(controller, payload, &mut unread));
        let at = self.now;
        let read = Stream { at, payload, unread };
        self.followed.streams.insert(name.to_owned(), read.clone());
        read
    }

    fn tags(&self, controller: &ReleaseController, name: &str) -> Result<Payload, Silent> {
        if !is_name(name) {
            return Err(Silent::NoName(name.to_owned()));
        }
        let path = format!("/api/v1/releasestream/{name}/tags");
        let bytes = self
            .run
            .sources
            .bytes_below(&controller.url, &path, BYTES)
            .map_err(|error| match error {
                SourceError::NoFile { .. } => Silent::NoStream(name.to_owned()),
                error => Silent::Source {
                    what: name.to_owned(),
                    error,
                },
            })?;
        stream(name, &bytes).ok_or_else(|| Silent::NoTags(name.to_owned()))
    }

    /// Says of a stream whose newest payloads were rejected which jobs failed, and what changed since the last good one.
    fn looked_into(&self, controller: &ReleaseController, mut payload: Payload, unread: &mut Vec<String>) -> Payload {
        let (Some(last), Some(first)) = (payload.rejected.clone(), payload.first_rejected.clone()) else {
            return payload;
        };
        let mut of = |tag: &str| match self.info(controller, &payload.stream, tag) {
            Ok(info) => info,
            Err(why) => {
                unread.push(why.to_string());
                Info::default()
            }
        };
        let newest = of(&last);
        let oldest = if first == last { newest.clone() } else { of(&first) };
        payload.failed = newest.failed;
        match self.ranges(controller, &payload, &first) {
            Some(Ok(mut ranges)) => {
                name_pulls(&mut ranges, &oldest.changes);
                self.name_steps(&mut ranges);
                (payload.changes_since, payload.changes) = (payload.accepted.clone(), ranges);
            }
            Some(Err(why)) => {
                unread.push(why.to_string());
                (payload.changes_since, payload.changes) = (oldest.from, oldest.changes);
            }
            None => (payload.changes_since, payload.changes) = (oldest.from, oldest.changes),
        }
        payload
    }

    /// What the release controller says of a payload; that of one which stands as it always will is asked for once.
    fn info(&self, controller: &ReleaseController, stream: &str, tag: &str) -> Result<Info, Silent> {
        let key = format!("{stream} {tag}");
        if let Some(Known { failed, from, changes }) = self.run.store.get("release-info", STORED, key.as_bytes()) {
            let phase = String::new();
            return Ok(Info {
                phase,
                failed,
                from,
                changes,
            });
        }
        let path = format!("/api/v1/releasestream/{stream}/release/{tag}?format=short");
        let bytes = self.run.sources.bytes_below(&controller.url, &path, BYTES);
        let bytes = bytes.map_err(|error| Silent::Source {
            what: tag.to_owned(),
            error,
        })?;
        let found = info(&bytes).ok_or_else(|| Silent::NoInfo(tag.to_owned()))?;
        if matches!(found.phase.as_str(), "Accepted" | "Rejected" | "Failed") {
            let known = Known {
                failed: found.failed.clone(),
                from: found.from.clone(),
                changes: found.changes.clone(),
            };
            self.run.store.put("release-info", STORED, key.as_bytes(), &known);
        }
        Ok(found)
    }

    /// What changed from the last accepted payload to the first one that was rejected, by what their images are built from; `None`
    /// where it is not said where payloads are, or there is nothing to compare with.
    fn ranges(
        &self,
        controller: &ReleaseController,
        payload: &Payload,
        first: &str,
    ) -> Option<Result<Vec<Change>, Silent>> {
        let accepted = payload.accepted.as_deref()?;
        let key = format!("{accepted} {first}");
        if let Some(known) = self.run.store.get("payload-changes", STORED, key.as_bytes()) {
            return Some(Ok(known));
        }
        let (before, after) = (controller.payload(accepted)?, controller.payload(first)?);
        let read = |tag: &str, file| {
            let tag = tag.to_owned();
            self.run.references(file).map_err(|why| Silent::Payload { tag, why })
        };
        let found = read(accepted, &before).and_then(|before| Ok(changes(&before, &read(first, &after)?)));
        if let Ok(found) = &found {
            self.run.store.put("payload-changes", STORED, key.as_bytes(), found);
        }
        Some(found)
    }

    /// Names the pull requests of changes whose commits are steps of branches that are followed.
    fn name_steps(&self, changes: &mut [Change]) {
        for change in changes.iter_mut().filter(|change| change.pulls.is_empty()) {
            let (Some(before), Some(after)) = (&change.before, &change.after) else {
                continue;
            };
            let branches = self.followed.branches.iter();
            let mut same = branches.filter(|((repo, _), _)| repo.to_string() == change.repository);
            change.pulls = same
                .find_map(|(_, branch)| branch.between(before, after))
                .unwrap_or_default();
        }
    }
}
