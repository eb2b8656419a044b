//! What releases came to in earlier runs of the service, so that it can be compared with: `runs/` of the state directory.
//!
//! A run is a small file with the digest of each release's build config, which stands in a file of its own: most runs find
//! what the one before them found. Beside it stands what did not build, where results are looked at. They are plain files, as the cache belongs to the service as long as it runs.
#![expect(clippy::disallowed_methods, reason = "the history is files of the state directory")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::base::Release;
use crate::model::build_config::BuildConfig;
use crate::rebuild;
use crate::results::answer::{ImageResult, OfRelease, Results};

/// As many runs are kept.
pub const MAX_RUNS: usize = 500;
/// The largest build config that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Why a run is not kept, or not found again.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A text that is no id of a run.
    #[error("`{0}` is no id of a run")]
    NoId(String),
    /// The folder cannot be written to.
    #[error("the history of runs in {} cannot be written: {error}", dir.display())]
    Unwritable {
        /// The folder.
        dir: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The folder has no such run.
    #[error("the history in {} has no run {id}: {}", dir.display(), newest_of(newest))]
    NoRun {
        /// The folder.
        dir: PathBuf,
        /// The run.
        id: String,
        /// How many runs there are, and the newest; `None` where there is none.
        newest: Option<(usize, String)>,
    },
    /// The run is of several releases, and none is asked for.
    #[error("run {id} is of several releases: add `--release`, one of {all}")]
    Several {
        /// The run.
        id: String,
        /// Its releases.
        all: String,
    },
    /// The run is of other releases.
    #[error("run {id} has no release{}; it has {all}", release.map(|release| format!(" {release}")).unwrap_or_default())]
    NoRelease {
        /// The run.
        id: String,
        /// What was asked for.
        release: Option<Release>,
        /// Its releases.
        all: String,
    },
    /// The run's own file is damaged.
    #[error("run {id} cannot be read: {error}")]
    Run {
        /// The run.
        id: String,
        /// What is wrong with it.
        error: io::Error,
    },
    /// Nobody looked at results in the run.
    #[error("run {0} knew nothing of builds: the service looked at no results then (`sources.results`)")]
    NoBuilds(String),
    /// What did not build in the run is damaged.
    #[error("what did not build in run {id} cannot be read: {error}")]
    Builds {
        /// The run.
        id: String,
        /// What is wrong with it.
        error: io::Error,
    },
    /// A build config of the run is damaged.
    #[error("what run {id} came to cannot be read: {error}")]
    Document {
        /// The run.
        id: String,
        /// What is wrong with it.
        error: io::Error,
    },
}

fn newest_of(newest: &Option<(usize, String)>) -> String {
    match newest {
        Some((count, newest)) => format!("it has {count} runs, the newest is {newest}"),
        None => "it has none; the service keeps them".to_owned(),
    }
}

/// An image that does not build: release, payload tag, and the first bad commit, empty where nobody knows it.
pub type Stuck = (String, String, String);

/// The images of a release that do not build.
pub fn stuck(results: &Results) -> BTreeSet<Stuck> {
    let of = |release: &OfRelease| {
        let name = release.release.clone();
        let images = release.images.iter().filter(|image| image.since_time.is_some());
        let keys = images.map(move |image| stuck_one(&name, image));
        keys.collect::<Vec<_>>()
    };
    results.releases.iter().flat_map(of).collect()
}

/// What an image that does not build is known by.
pub fn stuck_one(release: &str, image: &ImageResult) -> Stuck {
    let since = image.since.clone().unwrap_or_default();
    (release.to_owned(), image.image.clone(), since)
}

/// The releases of a run, each with the digest of its build config.
type Releases = BTreeMap<String, String>;

/// Whether a text has the form of a run's id, such as `20260131-235959-3f2a-7`.
pub fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [day, time, process, count] = parts.as_slice() else {
        return false;
    };
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_count = !count.is_empty() && count.len() <= 20 && digits(count, count.len());
    let is_process = !process.is_empty() && process.len() <= 16 && process.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits(day, 8) && digits(time, 6) && is_process && is_count
}

/// Keeps what releases come to.
#[derive(Debug)]
pub struct Keeper {
    dir: PathBuf,
    /// What was kept last of each release, and under which digest.
    last: BTreeMap<Release, (Arc<BuildConfig>, String)>,
}

impl Keeper {
    /// Keeps in a state directory.
    pub fn new(state: &Path) -> Self {
        Self {
            dir: folder(state),
            last: BTreeMap::new(),
        }
    }

    /// Keeps what the releases of a run came to, and what did not build then, where that is known; the oldest runs go.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn keep(
        &mut self,
        id: &str,
        releases: BTreeMap<Release, Arc<BuildConfig>>,
        stuck: Option<&BTreeSet<Stuck>>,
    ) -> Result<(), HistoryError> {
        if !is_id(id) {
            return Err(HistoryError::NoId(id.to_owned()));
        }
        fs::create_dir_all(&self.dir).map_err(|error| self.told(error))?;
        let mut run = Releases::new();
        for (release, document) in releases {
            let known = self
                .last
                .get(&release)
                .filter(|(known, _)| Arc::ptr_eq(known, &document));
            let digest = match known {
                Some((_, digest)) => digest.clone(),
                None => self.document(&document)?,
            };
            run.insert(release.to_string(), digest.clone());
            self.last.insert(release, (document, digest));
        }
        if let Some(stuck) = stuck {
            let text = serde_json::to_vec(stuck).map_err(|error| self.told(error))?;
            write(&self.dir.join(stuck_file(id)), &text).map_err(|error| self.told(error))?;
        }
        let text = serde_json::to_vec(&run).map_err(|error| self.told(error))?;
        write(&self.dir.join(format!("{id}.json")), &text).map_err(|error| self.told(error))?;
        self.clear().map_err(|error| self.told(error))
    }

    fn told(&self, error: impl Into<io::Error>) -> HistoryError {
        HistoryError::Unwritable {
            dir: self.dir.clone(),
            error: error.into(),
        }
    }

    /// Writes a build config unless it is there. Its digest.
    fn document(&self, document: &BuildConfig) -> Result<String, HistoryError> {
        let document = serde_json::to_value(document).map_err(|error| self.told(error))?;
        let text = rebuild::essence(&document).to_string();
        let digest = crate::base::text::hex(&Sha256::digest(&text));
        let path = self.dir.join(format!("{digest}.json.gz"));
        if !path.exists() {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            let packed = packed.write_all(text.as_bytes()).and_then(|()| packed.finish());
            let packed = packed.map_err(|error| self.told(error))?;
            write(&path, &packed).map_err(|error| self.told(error))?;
        }
        Ok(digest)
    }

    /// Removes the oldest runs, and the build configs that no run has any more.
    fn clear(&self) -> std::io::Result<()> {
        let names = names(&self.dir)?;
        let ids: Vec<&str> = names.iter().filter_map(|name| id_of(name)).collect();
        if ids.len() <= MAX_RUNS {
            return Ok(());
        }
        let mut used = BTreeSet::new();
        for (at, id) in ids.iter().enumerate() {
            if at < ids.len() - MAX_RUNS {
                fs::remove_file(self.dir.join(format!("{id}.json")))?;
                let stuck = stuck_file(id);
                if names.contains(&stuck) {
                    fs::remove_file(self.dir.join(stuck))?;
                }
            } else if let Ok(run) = releases_of(&self.dir, id) {
                used.extend(run.into_values());
            }
        }
        let documents = names.iter().filter_map(|name| name.strip_suffix(".json.gz"));
        for digest in documents.filter(|digest| !used.contains(*digest)) {
            fs::remove_file(self.dir.join(format!("{digest}.json.gz")))?;
        }
        Ok(())
    }
}

/// What a release came to in a run, as far as builds depend on it.
///
/// # Errors
/// There is no such run, it had no such release, or what is there cannot be read.
pub fn read(state: &Path, id: &str, release: Option<Release>) -> Result<Json, HistoryError> {
    let dir = of_run(state, id)?;
    let run = releases_of(&dir, id)?;
    let all = || run.keys().cloned().collect::<Vec<_>>().join(", ");
    let digest = match release {
        Some(release) => run.get(&release.to_string()),
        None if run.len() == 1 => run.values().next(),
        None => {
            return Err(HistoryError::Several {
                id: id.to_owned(),
                all: all(),
            });
        }
    };
    let digest = digest.ok_or_else(|| HistoryError::NoRelease {
        id: id.to_owned(),
        release,
        all: all(),
    })?;
    let damaged = |error| HistoryError::Document {
        id: id.to_owned(),
        error,
    };
    if !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(damaged(io::Error::other("the file of the run is damaged")));
    }
    let file = fs::File::open(dir.join(format!("{digest}.json.gz"))).map_err(damaged)?;
    let mut text = String::new();
    let read = GzDecoder::new(file).take(MAX_BYTES).read_to_string(&mut text);
    read.map_err(damaged)?;
    serde_json::from_str(&text).map_err(|error| damaged(error.into()))
}

/// What did not build in a run.
///
/// # Errors
/// There is no such run, it knew nothing of builds, or what is there cannot be read.
pub fn read_stuck(state: &Path, id: &str) -> Result<BTreeSet<Stuck>, HistoryError> {
    let dir = of_run(state, id)?;
    let damaged = |error| HistoryError::Builds {
        id: id.to_owned(),
        error,
    };
    let file = match fs::File::open(dir.join(stuck_file(id))) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(HistoryError::NoBuilds(id.to_owned())),
        Err(error) => return Err(damaged(error)),
    };
    serde_json::from_reader(file.take(MAX_BYTES)).map_err(|error| damaged(error.into()))
}

/// The folder of the history, which has a run.
fn of_run(state: &Path, id: &str) -> Result<PathBuf, HistoryError> {
    let dir = folder(state);
    let names = names(&dir).unwrap_or_default();
    let ids: Vec<&str> = names.iter().filter_map(|name| id_of(name)).collect();
    match ids.contains(&id) {
        true => Ok(dir),
        false => Err(HistoryError::NoRun {
            id: id.to_owned(),
            newest: ids.last().map(|newest| (ids.len(), (*newest).to_owned())),
            dir,
        }),
    }
}

/// The file with what did not build in a run.
fn stuck_file(id: &str) -> String {
    format!("{id}.stuck.json")
}

fn folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// The id in the name of a run's file.
fn id_of(name: &str) -> Option<&str> {
    name.strip_suffix(".json").filter(|id| is_id(id))
}

fn releases_of(dir: &Path, id: &str) -> Result<Releases, HistoryError> {
    let damaged = |error| HistoryError::Run {
        id: id.to_owned(),
        error,
    };
    let file = fs::File::open(dir.join(format!("{id}.json"))).map_err(damaged)?;
    serde_json::from_reader(file.take(MAX_BYTES)).map_err(|error| damaged(error.into()))
}

/// The names of the files in a folder, sorted.
fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::document::build_config;
    use crate::derive::tests::world::World;

    fn document(text: &str) -> Arc<BuildConfig> {
        let world = World::new().image("cli", "cli", "{stream: base}", text);
        Arc::new(build_config(&world.release()))
    }

    #[test]
    fn runs_are_found_again_and_the_oldest_go() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut keeper = Keeper::new(dir.path());
        let release = Release::new(4, 16);
        let first = document("FROM registry.ci.openshift.org/ocp/4.16:base\n");
        let id = |at: usize| format!("20260101-{at:06}-00ff-{at}");
        for at in 1..=MAX_RUNS {
            keeper
                .keep(&id(at), [(release, Arc::clone(&first))].into(), None)
                .expect("kept");
        }
        let found = read(dir.path(), &id(1), Some(release)).expect("it is there");
        let whole = serde_json::to_value(&*first).expect("JSON");
        assert!(
            rebuild::rebuild(&found, &whole, &rebuild::Underived::default())
                .expect("both")
                .images
                .is_empty()
        );
        let documents = || {
            let names = names(&folder(dir.path())).expect("files");
            names.iter().filter(|name| name.ends_with(".gz")).count()
        };
        assert_eq!(documents(), 1, "what is the same is there once");
        let other = document("FROM registry.ci.openshift.org/ocp/4.16:base\nRUN x\n");
        let stuck = |image: &str| BTreeSet::from([("4.16".to_owned(), image.to_owned(), "a".to_owned())]);
        let kept = keeper.keep(&id(MAX_RUNS + 1), [(release, other)].into(), Some(&stuck("etcd")));
        kept.expect("kept");
        let read_again = read_stuck(dir.path(), &id(MAX_RUNS + 1)).expect("it is there");
        assert_eq!(read_again, stuck("etcd"));
        let unknown = read_stuck(dir.path(), &id(2)).expect_err("nobody looked").to_string();
        assert!(unknown.contains("knew nothing of builds"), "{unknown}");
        assert_eq!(documents(), 2);
        let gone = read(dir.path(), &id(1), Some(release))
            .expect_err("it is gone")
            .to_string();
        assert!(
            gone.contains("has no run") && gone.contains(&id(MAX_RUNS + 1)),
            "{gone}"
        );
        let none = read(dir.path(), &id(2), Some(Release::new(4, 17)))
            .expect_err("no such release")
            .to_string();
        assert!(none.ends_with("has no release 4.17; it has 4.16"), "{none}");
        // Another process knows nothing of what was kept, and finds the same.
        Keeper::new(dir.path())
            .keep(&id(MAX_RUNS + 2), [(release, Arc::clone(&first))].into(), None)
            .expect("kept");
        assert_eq!(documents(), 2);
        // What did not build goes with its run.
        for at in 3..=MAX_RUNS + 2 {
            let (later, release) = (id(MAX_RUNS + at), [(release, Arc::clone(&first))].into());
            keeper.keep(&later, release, Some(&stuck("cli"))).expect("kept");
        }
        let names = names(&folder(dir.path())).expect("files");
        let stuck = names.iter().filter(|name| name.ends_with(".stuck.json"));
        assert_eq!(stuck.count(), MAX_RUNS);
    }

    #[test]
    fn an_id_is_no_path() {
        assert!(is_id("20260131-235959-3f2a-7"));
        for text in [
            "../../etc",
            "20260131-235959-..-7",
            "20260131-235959-3f2a-",
            "4.16.lock",
            "abc",
            "",
        ] {
            assert!(!is_id(text), "{text}");
        }
        let dir = tempfile::tempdir().expect("a folder");
        assert!(Keeper::new(dir.path()).keep("../x", BTreeMap::new(), None).is_err());
        let none = read(dir.path(), "20260131-235959-3f2a-7", None).expect_err("none");
        assert!(matches!(none, HistoryError::NoRun { newest: None, .. }), "{none}");
    }
}
