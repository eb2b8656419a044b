//! Looks at what is there for one pull request.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{Commit, ObjectType, Oid, Repository, Tree};

use super::git::{Contents, Identity, Proposal, branch_ref, doing, foreign, open, proposals, tip};
use super::record::{PullState, Record, read, record_path};
use super::{Home, LocalForge, mirror};
use crate::forge::carry::{Carried, Offer, carry, reach_of};
use crate::forge::names::check_names;
use crate::forge::{Branch, ForgeError, Observed, Request, State, Wanted, Write};
use crate::plan::{PullRequest, Reach, body_says, carrying, digest_of};
use crate::source::Folders;

/// What is there, and what the branch should change.
pub struct LocalLook {
    /// What the decision is made of.
    pub observed: Observed,
    /// The contents that the branch should have where it differs from the base, with what is carried.
    pub contents: Contents,
    /// What is wanted, with what is carried told.
    pub wanted: PullRequest,
    /// How far those have looked that made what the branch should have.
    pub reach: Reach,
}

/// The base: its commit, and what its source has changed since (of a repository that was seeded).
pub struct Base<'r> {
    id: Oid,
    tree: Tree<'r>,
    folders: Folders<'r>,
    edits: Contents,
}

impl Base<'_> {
    fn blob(&self, path: &str) -> Option<Oid> {
        self.edits.get(path).copied().unwrap_or_else(|| self.folders.blob(path))
    }
}

/// The base as a repository has it; `None`: there is no such branch.
pub fn base_of<'r>(repo: &'r Repository, branch: &str) -> Result<Option<Base<'r>>, ForgeError> {
    let Some(commit) = tip(repo, &branch_ref(branch))? else {
        return Ok(None);
    };
    let tree = commit.tree().map_err(doing("reading the base"))?;
    Ok(Some(Base {
        id: commit.id(),
        folders: Folders::new(repo, tree.clone()),
        tree,
        edits: Contents::new(),
    }))
}

/// Whether a branch has commits of somebody else, and the base has all that it proposes.
pub fn is_spent(repo: &Repository, base: &Base<'_>, branch: &str, identity: &Identity) -> Result<bool, ForgeError> {
    let Some(head) = tip(repo, &branch_ref(branch))? else {
        return Ok(false);
    };
    let proposed = proposed(repo, base, &head)?;
    let lacks_nothing = !proposed.is_empty() && proposed.iter().all(|(path, p)| p.new == base.blob(path));
    Ok(lacks_nothing && !foreign(repo, base.id, head.id(), identity)?.is_empty())
}

/// Looks at what is there for one pull request.
pub fn look(forge: &LocalForge, wanted: &PullRequest) -> Result<LocalLook, ForgeError> {
    check_names(wanted)?;
    let record = read(&record_path(&forge.dir, &wanted.scope))?;
    let contents = contents(wanted)?;
    let (name, branch) = (&wanted.scope.repo, &wanted.base);
    let path = forge.repository(name, branch)?;
    let (repo, edits) = match forge.home(name, branch)? {
        Home::Git(_) => (open(&path)?, Contents::new()),
        Home::Mirror(source) => match open(&path) {
            Ok(repo) if tip(&repo, &branch_ref(branch))?.is_some() => {
                let edits = mirror::edits(&repo, name, branch, source.as_ref())?;
                (repo, edits)
            }
            Ok(_) | Err(ForgeError::Git { .. }) => {
                let files = mirror::scan(name, source.as_ref())?.len();
                let seed = Write::Seed {
                    repo: name.clone(),
                    branch: branch.clone(),
                    files,
                };
                return Ok(unseeded(wanted, record.as_ref(), contents, seed));
            }
            Err(error) => return Err(error),
        },
    };
    let commit = tip(&repo, &branch_ref(branch))?;
    let commit = commit.ok_or_else(|| ForgeError::NoBase {
        repo: name.clone(),
        branch: branch.clone(),
    })?;
    let tree = commit.tree().map_err(doing("reading the base"))?;
    let base = Base {
        id: commit.id(),
        folders: Folders::new(&repo, tree.clone()),
        tree,
        edits,
    };
    check_fresh(&base, wanted)?;
    seen(&repo, &base, wanted, record.as_ref(), contents, &forge.identity)
}

fn blob_id(bytes: &[u8]) -> Result<Oid, ForgeError> {
    Oid::hash_object(ObjectType::Blob, bytes).map_err(doing("hashing a file"))
}

fn contents(wanted: &PullRequest) -> Result<Contents, ForgeError> {
    let content = |after: &Option<crate::plan::Bytes>| after.as_deref().map(blob_id).transpose();
    wanted
        .files
        .iter()
        .map(|file| Ok((file.path.clone(), content(&file.after)?)))
        .collect()
}

/// Makes sure that the base has the files that the plan was made from, and that nothing else stands in their place.
fn check_fresh(base: &Base<'_>, wanted: &PullRequest) -> Result<(), ForgeError> {
    for file in &wanted.files {
        if !base.edits.contains_key(&file.path) && !is_file_or_free(&base.folders, &file.path) {
            let why = "a directory, link or submodule stands there, or a file where its directory should be".to_owned();
            return Err(ForgeError::Unsafe {
                what: file.path.clone(),
                why,
            });
        }
        let before = file.before.as_deref().map(blob_id).transpose()?;
        if base.blob(&file.path) != before {
            return Err(ForgeError::Stale {
                repo: wanted.scope.repo.clone(),
                path: file.path.clone(),
            });
        }
    }
    Ok(())
}

/// Whether a path is a regular file, or free below directories only.
fn is_file_or_free(folders: &Folders<'_>, path: &str) -> bool {
    if let Some(entry) = folders.entry(path) {
        return matches!(entry.filemode(), 0o100_644 | 0o100_755);
    }
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    above
        .map_while(|dir| folders.entry(dir))
        .all(|entry| entry.kind() == Some(ObjectType::Tree))
}

fn unseeded(wanted: &PullRequest, record: Option<&Record>, contents: Contents, seed: Write) -> LocalLook {
    let state = State {
        wanted: wants(wanted, &contents),
        branch: Branch::Absent,
        request: request(wanted, record, false),
        base_holds: false,
    };
    let observed = Observed {
        first: vec![seed],
        ..observed(state, record)
    };
    LocalLook {
        observed,
        contents,
        wanted: wanted.clone(),
        reach: wanted.reach.clone(),
    }
}

fn observed(state: State, record: Option<&Record>) -> Observed {
    Observed {
        state,
        base: None,
        head: None,
        text: record.map(Record::text),
        returned: None,
        title_is_ours: record.is_none_or(|r| r.title == r.written_title),
        first: Vec::new(),
        notes: Vec::new(),
    }
}

fn seen(
    repo: &Repository,
    base: &Base<'_>,
    wanted: &PullRequest,
    record: Option<&Record>,
    mut contents: Contents,
    identity: &Identity,
) -> Result<LocalLook, ForgeError> {
    let head = tip(repo, &branch_ref(&wanted.head()))?;
    let open = record.is_some_and(|r| r.state == PullState::Open);
    let mut whose = Vec::new();
    let (mut branch, mut carried, mut reach) = (Branch::Absent, Carried::default(), wanted.reach.clone());
    if let Some(head) = &head {
        whose = foreign(repo, base.id, head.id(), identity)?;
        let proposed = proposed(repo, base, head)?;
        let made = head.message().ok().and_then(reach_of);
        if open {
            let offers = proposed.iter().map(|(path, p)| Offer {
                path,
                old: p.old,
                new: p.new,
                there: base.blob(path),
            });
            carried = carry(&mut contents, wanted, made.as_ref(), offers);
        }
        reach = if carried.beyond {
            reach.with(made.as_ref())
        } else {
            reach
        };
        let merged = record.is_some_and(|r| r.state == PullState::Merged);
        let lacks_nothing = proposed.iter().all(|(path, p)| p.new == base.blob(path));
        branch = match whose.is_empty() {
            true => Branch::Ours {
                current: gives(base, &proposed, &contents),
            },
            false if merged || (lacks_nothing && !(open && proposed.is_empty())) => Branch::Spent,
            false => Branch::Foreign,
        };
    }
    let mut wanted = wanted.clone();
    if carried.files > 0 {
        let id = |oid: Oid| oid.to_string();
        wanted.digest = digest_of(contents.iter().map(|(path, content)| (path.as_str(), content.map(id))));
        carrying(&mut wanted, carried.files);
    }
    let up_to_date = record.is_some_and(|r| carried.files > 0 || says(r, &wanted, head.as_ref()));
    let held = open && record.is_some_and(|r| holds(repo, base, r));
    let state = State {
        wanted: if carried.stuck && wanted.yields.is_none() {
            Wanted::Unsure
        } else {
            wants(&wanted, &contents)
        },
        branch,
        request: request(&wanted, record, up_to_date),
        base_holds: held || (open && branch == Branch::Spent),
    };
    let follow = Write::Follow {
        repo: wanted.scope.repo.clone(),
        branch: wanted.base.clone(),
        from: base.id.to_string(),
        files: base.edits.len(),
    };
    let observed = Observed {
        base: Some(base.id.to_string()),
        head: head.map(|head| head.id().to_string()),
        first: if base.edits.is_empty() {
            Vec::new()
        } else {
            vec![follow]
        },
        returned: record.and_then(|record| returned(repo, base, record, &wanted)),
        notes: whose
            .into_iter()
            .map(|who| format!("{} has commit {who}", wanted.head()))
            .collect(),
        ..observed(state, record)
    };
    Ok(LocalLook {
        observed,
        contents,
        wanted,
        reach,
    })
}

/// How many commits of the base are looked at for the one that took something back.
const LOOKED_BACK: usize = 500;

/// What is to be said of content that was merged before and that the base has lost again.
fn returned(repo: &Repository, base: &Base<'_>, record: &Record, wanted: &PullRequest) -> Option<String> {
    let merges = record.merged(&wanted.digest);
    if merges.is_empty() || wanted.files.is_empty() {
        return None;
    }
    let short = |commit: &&str| commit.get(..10).unwrap_or(commit).to_owned();
    let merges: Vec<String> = merges.iter().map(short).collect();
    let by = taken_back_by(repo, base, wanted)
        .map(|by| format!(", last by commit {by}"))
        .unwrap_or_default();
    Some(crate::forge::taken_back(&merges, &by))
}

/// The commit of the base that took back what is wanted again.
fn taken_back_by(repo: &Repository, base: &Base<'_>, wanted: &PullRequest) -> Option<String> {
    let file = wanted.files.first()?;
    let ours = file.after.as_deref().map(blob_id).transpose().ok()?;
    let mut walk = repo.revwalk().ok()?;
    walk.push(base.id).ok()?;
    walk.simplify_first_parent().ok()?;
    for commit in walk.take(LOOKED_BACK).filter_map(|id| repo.find_commit(id.ok()?).ok()) {
        let parent = commit.parent(0).and_then(|parent| parent.tree()).ok()?;
        let blob = |tree: Tree<'_>| {
            let entry = tree.get_path(Path::new(&file.path)).ok();
            entry.map(|entry| entry.id())
        };
        if blob(parent) == ours && blob(commit.tree().ok()?) != ours {
            let id: String = commit.id().to_string().chars().take(10).collect();
            let author = commit.author();
            return Some(format!("{id} of {}", String::from_utf8_lossy(author.name_bytes())));
        }
    }
    None
}

/// What the branch proposes since it left the base.
fn proposed(repo: &Repository, base: &Base<'_>, head: &Commit<'_>) -> Result<BTreeMap<String, Proposal>, ForgeError> {
    let fork = match repo.merge_base(base.id, head.id()) {
        Ok(fork) => repo
            .find_commit(fork)
            .and_then(|fork| fork.tree())
            .map_err(doing("reading the fork"))?,
        Err(error) if error.code() == git2::ErrorCode::NotFound => base.tree.clone(),
        Err(error) => return Err(doing("looking for where the branch left its base")(error)),
    };
    proposals(repo, &fork, &head.tree().map_err(doing("reading the branch"))?)
}

/// Whether a branch, merged into the base as it is now, gives what is wanted and nothing else.
fn gives(base: &Base<'_>, proposed: &BTreeMap<String, Proposal>, contents: &Contents) -> bool {
    let mut merged = 0;
    for (path, Proposal { old, new }) in proposed {
        let there = base.blob(path);
        if there == *new {
            continue; // the base has it already
        }
        if there != *old || contents.get(path) != Some(new) {
            return false;
        }
        merged += 1;
    }
    merged == contents.len()
}

fn wants(wanted: &PullRequest, contents: &Contents) -> Wanted {
    if wanted.yields.is_some() {
        return Wanted::Yielded;
    }
    match (contents.is_empty(), &wanted.blocked) {
        (true, _) => Wanted::Nothing,
        (false, None) => Wanted::Change,
        (false, Some(_)) => Wanted::Withheld,
    }
}

fn request(wanted: &PullRequest, record: Option<&Record>, current: bool) -> Request {
    match record.map(|r| (r.state, r)) {
        None => Request::Absent,
        Some((PullState::Open, record)) => Request::Open {
            current,
            refused: record.digest != wanted.digest && record.refused(&wanted.digest),
        },
        Some((PullState::Closed, record)) => Request::Closed {
            refused: record.refused(&wanted.digest),
        },
        Some((PullState::Merged, record)) => Request::Merged {
            times: record.merged(&wanted.digest).len(),
        },
    }
}

/// Whether a record says what is wanted.
fn says(record: &Record, wanted: &PullRequest, head: Option<&Commit<'_>>) -> bool {
    record.digest == wanted.digest
        && record.base == wanted.base
        && head.is_some_and(|head| head.id().to_string() == record.commit)
        && (record.title != record.written_title || record.title == wanted.title)
        && body_says(&record.body, &wanted.body)
}

/// Whether the base holds what a record's commit proposes: the commit itself, or all that it changed.
pub fn holds(repo: &Repository, base: &Base<'_>, record: &Record) -> bool {
    let Ok(commit) = Oid::from_str(&record.commit).and_then(|id| repo.find_commit(id)) else {
        return false;
    };
    if base.id == commit.id() || repo.graph_descendant_of(base.id, commit.id()).unwrap_or(false) {
        return true;
    }
    let trees = commit.parent(0).and_then(|parent| Ok((parent.tree()?, commit.tree()?)));
    let proposed = trees
        .ok()
        .and_then(|(from, to)| proposals(repo, &from, &to).ok())
        .unwrap_or_default();
    !proposed.is_empty() && proposed.iter().all(|(path, proposal)| base.blob(path) == proposal.new)
}
