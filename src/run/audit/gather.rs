//! Reads what only checks look at. What was read of a commit once is kept, so that its repository is not opened again.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Audited;
use crate::audit::context::{FileText, Files, Names, RepoFiles, RepoNames, Twin};
use crate::audit::debt::Search;
use crate::audit::files::{behind, unnamed};
use crate::audit::pattern::matches;
use crate::audit::registry;
use crate::base::{Origin, RepoName};
use crate::config::Via;
use crate::derive::Release;
use crate::run::Run;
use crate::run::heads::Head;
use crate::source::{CommitId, EntryKind, Noted, Paths, Snapshot, Walked};

/// Must change when the same commit yields something else.
const VERSION: u32 = 1;

/// What was gathered for a release beside what it is derived from.
#[derive(Default)]
pub(super) struct Gathered {
    /// Files of component repositories that checks asked for.
    pub files: Option<Files>,
    /// Names of files of component repositories.
    pub names: Option<Names>,
    /// Dockerfiles of OKD's own beside OCP's.
    pub twins: Option<BTreeMap<String, Twin>>,
    /// Where the repositories stand that were looked at; `None` where that does not tell what was read.
    pub heads: Option<Vec<Head>>,
}

/// What is asked of one repository at a branch.
#[derive(Default)]
struct Wanted {
    /// Files whose text is wanted.
    texts: BTreeSet<String>,
    /// Patterns of names of files; `None`: names do not matter.
    names: Option<BTreeSet<String>>,
    /// OCP's Dockerfile and OKD's own beside it, by the image's key.
    twins: BTreeMap<String, (String, String)>,
}

/// What was read of one repository at a commit.
#[derive(Serialize, Deserialize)]
struct Read {
    /// Texts by the path asked for.
    texts: BTreeMap<String, FileText>,
    /// Files whose names are of the patterns, and what they lead to.
    names: BTreeMap<String, String>,
    /// Dockerfiles by the image's key.
    twins: BTreeMap<String, Twin>,
}

/// Gathers for one release.
pub(super) fn gather(run: &Run, audited: &Audited<'_>) -> Gathered {
    if audited.components.is_none() {
        return Gathered::default();
    }
    // Behind GitHub's API each folder would be a request, and there is no history.
    let at_hand = run.config.sources.components.via == Via::Git;
    let release = &audited.release;
    let read = wanted(release, at_hand)
        .into_par_iter()
        .map(|((repo, branch), wanted)| {
            let read = read(run, release, (&repo, &branch), &wanted);
            (repo, branch, wanted, read)
        });
    let mut gathered = Gathered {
        files: Some(Files::default()),
        names: at_hand.then(Names::default),
        twins: None,
        heads: Some(Vec::new()),
    };
    let mut twins = BTreeMap::new();
    for (repo, branch, wanted, read) in read.collect::<Vec<_>>() {
        // A repository that cannot be read has no entry.
        let Some((origin, read, is_settled)) = read else {
            gathered.heads = None;
            continue;
        };
        let head = origin.commit.clone().filter(|_| is_settled).map(|commit| Head {
            release: release.metadata.release,
            repo: repo.clone(),
            branch,
            commit,
        });
        gathered.heads = gathered.heads.zip(head).map(|(mut heads, head)| {
            heads.push(head);
            heads
        });
        twins.extend(read.twins);
        if let (Some(names), Some(_)) = (&mut gathered.names, &wanted.names) {
            let found = RepoNames {
                origin,
                paths: read.names,
            };
            names.repos.insert(repo.clone(), found);
        }
        if let (Some(files), false) = (&mut gathered.files, wanted.texts.is_empty()) {
            let texts = read.texts;
            files.repos.insert(repo, RepoFiles { texts });
        }
    }
    // Without any history nothing is told of any of them.
    let told = twins.is_empty() || twins.values().any(|twin| !matches!(twin, Twin::Unknown(_)));
    gathered.twins = (at_hand && told).then_some(twins);
    gathered
}

/// What checks ask for: files, the names that one of them looks for, and OCP's Dockerfiles beside OKD's own.
fn wanted(release: &Release<'_>, at_hand: bool) -> BTreeMap<(RepoName, String), Wanted> {
    let mut all: BTreeMap<(RepoName, String), Wanted> = BTreeMap::new();
    for asked in registry::checks().flat_map(|check| (check.asks)(release)) {
        all.entry((asked.repo, asked.branch))
            .or_default()
            .texts
            .insert(asked.path);
    }
    if !at_hand {
        return all;
    }
    for (place, patterns) in unnamed::wanted(release) {
        all.entry(place).or_default().names = Some(patterns);
    }
    for pair in behind::pairs(release) {
        let wanted = all.entry((pair.repo, pair.branch)).or_default();
        wanted.twins.insert(pair.key, (pair.twin, pair.file));
    }
    all
}

/// Reads what is wanted of a repository; recalled where it was read at the same commit before. Whether another look would find
/// the same comes with it.
fn read(
    run: &Run,
    release: &Release<'_>,
    (repo, branch): (&RepoName, &str),
    wanted: &Wanted,
) -> Option<(Origin, Read, bool)> {
    let location = run.config.sources.components.repo(release.metadata.release, repo)?;
    let kept = |commit: &str| Kept::new(run, (repo, branch), commit, wanted);
    // To be asked for its commit costs a repository less than to be opened. What is wrong with it, opening it tells.
    let head = run.sources.component_head(repo, &location, branch).ok().flatten();
    if let Some(CommitId(commit)) = head
        && let Some(read) = kept(&commit).recall()
    {
        let name = match run.sources.github() {
            Some(_) => location.name().unwrap_or_else(|| repo.clone()).to_string(),
            None => repo.to_string(),
        };
        let (branch, commit) = (branch.to_owned(), Some(commit));
        return Some((Origin { name, branch, commit }, read, true));
    }
    let snapshot = run.sources.open_component(repo, &location, branch).ok()?;
    let noted = Noted::of(&*snapshot);
    let origin = snapshot.origin().clone();
    let (read, is_settled) = read_now(&noted, wanted);
    if let Some(commit) = origin.commit.as_deref().filter(|_| is_settled) {
        kept(commit).remember(&read, &noted.paths());
    }
    Some((origin, read, is_settled))
}

/// What is remembered of a repository at a commit.
struct Kept<'k> {
    run: &'k Run,
    place: (&'k RepoName, &'k str),
    key: Vec<u8>,
}

impl<'k> Kept<'k> {
    fn new(run: &'k Run, place: (&'k RepoName, &'k str), commit: &str, wanted: &Wanted) -> Self {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        };
        part(commit);
        wanted.texts.iter().for_each(|path| part(path));
        part(if wanted.names.is_some() { "names" } else { "no names" });
        wanted.names.iter().flatten().for_each(|pattern| part(pattern));
        part("twins");
        for (key, (twin, file)) in &wanted.twins {
            [key, twin, file].into_iter().for_each(|text| part(text));
        }
        let key = hash.finalize().to_vec();
        Self { run, place, key }
    }

    fn recall(&self) -> Option<Read> {
        let store = &self.run.store;
        let read: Read = store.get("gathered", VERSION, &self.key)?;
        if self.run.sources.takes_notes() {
            let paths: Paths = store.get("gathered-paths", VERSION, &self.key)?;
            let (repo, branch) = self.place;
            self.run.sources.note(&repo.to_string(), branch, &paths);
        }
        Some(read)
    }

    fn remember(&self, read: &Read, paths: &Paths) {
        self.run.store.put("gathered", VERSION, &self.key, read);
        self.run.store.put("gathered-paths", VERSION, &self.key, paths);
    }
}

/// Reads what is wanted. The second value: whether all of it could be read, and the history reached back far enough.
fn read_now(snapshot: &dyn Snapshot, wanted: &Wanted) -> (Read, bool) {
    snapshot.expect(&wanted.texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut sure = true;
    let texts = wanted
        .texts
        .iter()
        .map(|path| (path.clone(), text(snapshot, path, &mut sure)));
    let texts = texts.collect();
    let mut names = BTreeMap::new();
    if let Some(patterns) = &wanted.names {
        find(snapshot, ("", DEPTH), patterns, &mut names, &mut sure);
    }
    let twins = wanted
        .twins
        .iter()
        .map(|(key, (ocp, okd))| (key.clone(), twin(snapshot, (ocp, okd), &mut sure)));
    let twins = twins.collect();
    (Read { texts, names, twins }, sure)
}

fn text(snapshot: &dyn Snapshot, path: &str, sure: &mut bool) -> FileText {
    match snapshot.read(path) {
        Ok(Some(blob)) => match std::str::from_utf8(&blob.bytes) {
            Ok(text) => FileText::Text(text.into()),
            Err(_) => FileText::Unreadable,
        },
        Ok(None) => FileText::Missing,
        Err(_) => {
            *sure = false;
            FileText::Unreadable
        }
    }
}

/// Folders that hold other people's files.
const FOREIGN: [&str; 3] = ["vendor", "node_modules", "third_party"];
/// How deep folders are looked into.
const DEPTH: usize = 6;

/// Looks into a folder. One that cannot be read holds nothing that can be told of.
fn find(
    snapshot: &dyn Snapshot,
    (folder, depth): (&str, usize),
    patterns: &BTreeSet<String>,
    found: &mut BTreeMap<String, String>,
    sure: &mut bool,
) {
    let listed = snapshot.list(folder);
    *sure &= listed.is_ok();
    for entry in listed.ok().flatten().unwrap_or_default() {
        let path = if folder.is_empty() {
            entry.name.clone()
        } else {
            format!("{folder}/{}", entry.name)
        };
        let wanted = || patterns.iter().any(|pattern| matches(pattern, &entry.name));
        match entry.kind {
            EntryKind::Dir if depth > 1 && !FOREIGN.contains(&entry.name.as_str()) => {
                find(snapshot, (&path, depth - 1), patterns, found, sure);
            }
            EntryKind::File if wanted() => drop(found.insert(path.clone(), path)),
            // A link that leads nowhere is no Dockerfile.
            EntryKind::Link if wanted() => {
                if let Ok(Some(blob)) = snapshot.read(&path) {
                    found.insert(path, blob.path);
                }
            }
            _ => {}
        }
    }
}

/// Compares OKD's own Dockerfile with OCP's.
fn twin(snapshot: &dyn Snapshot, (ocp, okd): (&str, &str), sure: &mut bool) -> Twin {
    let (now, mine) = match (text(snapshot, ocp, sure), text(snapshot, okd, sure)) {
        (FileText::Text(now), FileText::Text(okd)) => (now, okd),
        (FileText::Missing, _) => return Twin::Gone,
        _ => return Twin::Unknown("one of them cannot be read as text".to_owned()),
    };
    let mut search = Search::new(&now, &mine);
    if search.is_settled() {
        return Twin::Apart { debts: Vec::new() };
    }
    let walked = snapshot.walk_back([ocp, okd], &mut |step| search.see(step));
    // More of the history may be there another time.
    *sure &= matches!(walked, Ok(Walked::Enough));
    let open = !search.is_settled();
    let debts = search.into_debts();
    match walked {
        // What came in a part of the history that is here is owed, whatever came before.
        Ok(Walked::Short(why)) if open && debts.is_empty() => Twin::Unknown(why),
        Ok(_) => Twin::Apart { debts },
        Err(error) => Twin::Unknown(error.to_string()),
    }
}
