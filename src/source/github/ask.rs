//! Builds the GraphQL questions for many repositories, and takes the answers apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Blobs, ENDINGS, Foreseen, LastStep, Listing, Missing, NoReports, Reader, Reported, Status, ToRead};
use crate::base::loose::{List, Loose, May, read};
use crate::base::{RepoName, within};
use crate::github::{Fault, FaultKind, Login, Page, Parts};
use crate::source::{EntryKind, MAX_BLOB};

/// How many branches are asked for in one question.
const BRANCHES: usize = 200;
/// How many branches whose last steps are asked for: each has twenty, with all that was reported on them.
const HISTORIES: usize = 20;
/// So many steps of a branch are enough.
const ENOUGH: usize = 20;
/// How often it is asked again for the steps below those that an answer had between what was merged.
const FURTHER: usize = 2;
/// How many directories.
const TREES: usize = 100;
/// How many blobs: their text is in the answer.
const TEXTS: usize = 60;
/// How often links are followed to directories that nobody has asked for.
const HOPS: usize = 4;

/// One field of a question: what it is asked of, and with what.
struct Field<'a> {
    repo: &'a RepoName,
    /// The value of its one variable.
    value: String,
}

/// Why a field has no answer.
enum Unread {
    /// Its repository is not there for this credential.
    Repository,
    /// It could not be read this time.
    Failed(Fault),
}

/// What is at a field, where anything is.
type Answer<T> = Result<Option<T>, Unread>;

/// A question of many fields, grouped by repository.
struct Batch<'a> {
    name: &'static str,
    /// The field with `$v` for its variable, e.g. `ref(qualifiedName: $v) { target { oid } }`.
    field: &'a str,
    fields: Vec<Field<'a>>,
}

impl Batch<'_> {
    /// Asks, and gives the answer of each field.
    fn ask<T: DeserializeOwned>(&self, reader: &Reader) -> Result<Vec<Answer<T>>, Fault> {
        let Some(first) = self.fields.first() else {
            return Ok(Vec::new());
        };
        let mut repos: BTreeMap<&RepoName, Vec<usize>> = BTreeMap::new();
        for (n, field) in self.fields.iter().enumerate() {
            repos.entry(field.repo).or_default().push(n);
        }
        let (mut head, mut body, mut variables) = (String::new(), String::new(), Map::new());
        for (r, (repo, fields)) in repos.iter().enumerate() {
            let _ = write!(head, ", $o{r}: String!, $n{r}: String!");
            variables.insert(format!("o{r}"), json!(repo.org));
            variables.insert(format!("n{r}"), json!(repo.repo));
            let _ = writeln!(body, "  r{r}: repository(owner: $o{r}, name: $n{r}) {{");
            for n in fields {
                let kind = if self.field.contains("oid: $v") {
                    "GitObjectID"
                } else {
                    "String"
                };
                let _ = write!(head, ", $v{n}: {kind}!");
                variables.insert(format!("v{n}"), json!(self.fields[*n].value));
                let _ = writeln!(body, "    f{n}: {}", self.field.replace("$v", &format!("$v{n}")));
            }
            body.push_str("  }\n");
        }
        let text = format!("query {}({}) {{\n{body}}}", self.name, head.trim_start_matches(", "));
        let what = format!("reading {} repositories", repos.len());
        let home = reader.home.as_ref().unwrap_or(first.repo);
        let answer = match reader.client.ask_parts(home, &text, Value::Object(variables), what) {
            Ok(answer) => answer,
            // Not one of them can be read.
            Err(fault) if fault.kind == FaultKind::NotFound => Parts::none(),
            Err(fault) => return Err(fault),
        };
        let mut answers: Vec<Answer<T>> = self.fields.iter().map(|_| Err(Unread::Repository)).collect();
        for (r, (repo, fields)) in repos.iter().enumerate() {
            for n in fields {
                answers[*n] = answer_of(&answer, &format!("r{r}"), &format!("f{n}"), repo);
            }
        }
        Ok(answers)
    }
}

/// The answer of a field of a repository: that it is `null` says only where it did not fail that nothing is there.
fn answer_of<T: DeserializeOwned>(answer: &Parts, of: &str, field: &str, repo: &RepoName) -> Answer<T> {
    let failed = |kind| {
        Unread::Failed(Fault {
            what: format!("reading {repo}"),
            kind,
        })
    };
    let Some(found) = answer.data.get(of).and_then(Value::as_object) else {
        return Err(match answer.failed(&[of]) {
            None | Some(FaultKind::Forbidden(_)) => Unread::Repository,
            Some(kind) => failed(kind),
        });
    };
    if let Some(kind) = answer.failed_but_for_barred(&[of, field]) {
        return Err(failed(kind));
    }
    match found.get(field) {
        Some(Value::Null) => Ok(None),
        value => value
            .and_then(read)
            .map(Some)
            .ok_or_else(|| failed(FaultKind::lacks(field))),
    }
}

/// A branch.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ref {
    pub(super) target: Loose<Commit>,
}

/// A commit, as far as it was asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Commit {
    pub(super) oid: May<String>,
    message: Loose<String>,
    parents: Loose<Page<Commit>>,
    status: Loose<Contexts>,
    history: Loose<Page<Commit>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Contexts {
    contexts: List<Context>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Context {
    context: Loose<String>,
    state: Loose<String>,
    target_url: Loose<String>,
    created_at: Loose<String>,
    creator: Loose<Login>,
}

impl Commit {
    /// Its first parent.
    pub(super) fn parent(&self) -> Option<&str> {
        self.parents.nodes.first()?.oid.as_deref()
    }

    /// The steps that lead to it, where they can be told.
    fn history(&self) -> Option<&[Loose<Self>]> {
        self.history.nodes.items()
    }

    /// What was reported on it.
    fn reported(&self) -> Reported {
        let statuses = self.status.contexts.iter().map(|status| Status {
            context: status.context.clone(),
            state: status.state.clone(),
            link: status.target_url.clone(),
            created_at: status.created_at.clone(),
            author: status.creator.login.clone(),
        });
        Reported {
            commit: self.oid.clone().unwrap_or_default(),
            message: self.message.clone(),
            statuses: statuses.collect(),
        }
    }
}

/// Asks where branches are. What failed stays unknown, and is the fault in the end.
pub(super) fn heads(reader: &Reader, branches: &[(RepoName, String)]) -> Result<(), Fault> {
    let mut failed = None;
    for branches in branches.chunks(BRANCHES) {
        let batch = Batch {
            name: "Heads",
            field: match reader.reports {
                false => "ref(qualifiedName: $v) { target { oid } }",
                true => {
                    "ref(qualifiedName: $v) { target { oid ... on Commit { message parents(first: 1) { nodes { oid } } \
                     status { contexts { context state targetUrl createdAt creator { login } } } } } }"
                }
            },
            fields: branches
                .iter()
                .map(|(repo, branch)| Field {
                    repo,
                    value: format!("refs/heads/{branch}"),
                })
                .collect(),
        };
        let answers = batch.ask::<Ref>(reader)?;
        let mut known = reader.known();
        for (branch, answer) in branches.iter().zip(answers) {
            let target = answer.map(|found| found.map(|found| found.target.0).unwrap_or_default());
            let head = match target.as_ref().map(|target| target.oid.clone()) {
                Ok(Some(oid)) => Ok(oid),
                Ok(None) => Err(Missing::Branch),
                Err(Unread::Repository) => Err(Missing::Repository),
                Err(Unread::Failed(fault)) => {
                    failed = Some(fault.clone());
                    continue;
                }
            };
            if let (true, Ok(_), Ok(target)) = (reader.reports, &head, &target) {
                let last = LastStep {
                    parent: target.parent().map(str::to_owned),
                    step: target.reported(),
                };
                known.steps.insert(branch.clone(), last);
            }
            known.heads.insert(branch.clone(), head);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// What is asked of a commit about the steps that lead to it.
const STEPS: &str = "... on Commit { history(first: 20) { nodes { oid message parents(first: 1) { nodes { oid } } \
                     status { contexts { context state targetUrl createdAt creator { login } } } } } }";

/// The last steps of a branch, as far as they are known.
#[derive(Default)]
struct Trail {
    steps: Vec<Reported>,
    /// The commit that stands below them; none at a branch's beginning.
    below: Option<String>,
}

impl Trail {
    /// Takes as many steps as a history has in one line. GitHub lists what was merged beside the merges; a step of the branch is what
    /// the first parents lead to, as with `git log --first-parent`.
    fn take(&mut self, nodes: &[Loose<Commit>]) {
        let by_id: BTreeMap<&str, &Loose<Commit>> = nodes
            .iter()
            .filter_map(|node| Some((node.oid.as_deref()?, node)))
            .collect();
        let first = nodes.first().and_then(|node| node.oid.clone());
        let mut at = self.below.take().or(first);
        // No history has a circle, and an answer that has one must not hold us up.
        for _ in 0..nodes.len() {
            let Some(node) = at.as_deref().and_then(|id| by_id.get(id)) else {
                break;
            };
            self.steps.push(node.reported());
            at = node.parent().map(str::to_owned);
        }
        self.below = at;
    }
}

/// Asks what was reported on the last steps of branches, the newest first.
pub(super) fn reported(
    reader: &Reader,
    branches: &[(RepoName, String)],
) -> Result<Vec<Result<Vec<Reported>, NoReports>>, Fault> {
    let of_branch = format!("ref(qualifiedName: $v) {{ target {{ {STEPS} }} }}");
    let of_commit = format!("object(expression: $v) {{ __typename {STEPS} }}");
    let mut all = Vec::new();
    for branches in branches.chunks(HISTORIES) {
        let heads = branches
            .iter()
            .map(|(repo, branch)| (repo, format!("refs/heads/{branch}")));
        let mut trails: Vec<Result<Trail, NoReports>> = histories::<Ref>(reader, &of_branch, heads)?
            .into_iter()
            .zip(branches)
            .map(|(answer, (repo, branch))| {
                let found = answer.map_err(|unread| match unread {
                    Unread::Repository => NoReports::Repository(repo.clone()),
                    Unread::Failed(fault) => NoReports::Failed(fault),
                })?;
                let no_branch = || NoReports::Branch(repo.clone(), branch.clone());
                let mut trail = Trail::default();
                trail.take(found.unwrap_or_default().target.history().ok_or_else(no_branch)?);
                Ok(trail)
            })
            .collect();
        for _ in 0..FURTHER {
            let short = trails.iter().zip(branches).enumerate();
            let short: Vec<(usize, (&RepoName, String))> = short
                .filter_map(|(at, (trail, (repo, _)))| {
                    let trail = trail.as_ref().ok().filter(|trail| trail.steps.len() < ENOUGH)?;
                    Some((at, (repo, trail.below.clone()?)))
                })
                .collect();
            let wanted = short.iter().map(|(_, place)| place.clone());
            let answers = histories::<Commit>(reader, &of_commit, wanted)?;
            for ((at, _), answer) in short.iter().zip(&answers) {
                let found = answer.as_ref().ok().and_then(Option::as_ref).and_then(Commit::history);
                if let (Some(Ok(trail)), Some(found)) = (trails.get_mut(*at), found) {
                    trail.take(found);
                }
            }
        }
        all.extend(trails.into_iter().map(|trail| trail.map(|trail| trail.steps)));
    }
    Ok(all)
}

/// Asks for histories.
fn histories<'r, T: DeserializeOwned>(
    reader: &Reader,
    field: &str,
    places: impl Iterator<Item = (&'r RepoName, String)>,
) -> Result<Vec<Answer<T>>, Fault> {
    let fields = places.map(|(repo, value)| Field { repo, value }).collect();
    let batch = Batch {
        name: "Reported",
        field,
        fields,
    };
    batch.ask(reader)
}

/// A directory of a commit.
pub(super) type DirAt = (RepoName, String, String);

/// Reads directories of commits. What failed stays unknown, with the last fault of those.
pub(super) fn trees(reader: &Reader, places: &[DirAt]) -> Result<Option<Fault>, Fault> {
    let mut failed = None;
    let unknown: Vec<DirAt> = {
        let known = reader.known();
        places
            .iter()
            .filter(|place| !known.trees.contains_key(*place))
            .cloned()
            .collect()
    };
    for places in unknown.chunks(TREES) {
        let batch = Batch {
            name: "Trees",
            field: "object(expression: $v) { __typename ... on Tree { entries { name mode oid } } }",
            fields: places
                .iter()
                .map(|(repo, commit, dir)| Field {
                    repo,
                    value: format!("{commit}:{dir}"),
                })
                .collect(),
        };
        let answers = batch.ask::<Tree>(reader)?;
        let mut known = reader.known();
        for (place, answer) in places.iter().zip(answers) {
            // What cannot be read now stays unknown: that is not "nothing is there".
            match answer {
                Ok(tree) => drop(known.trees.insert(place.clone(), tree.and_then(listing))),
                Err(Unread::Failed(fault)) => failed = Some(fault),
                Err(Unread::Repository) => {}
            }
        }
    }
    Ok(failed)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tree {
    entries: List<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    name: May<String>,
    mode: May<u32>,
    oid: May<String>,
}

fn listing(tree: Tree) -> Option<Listing> {
    let entry = |Loose(entry): &Loose<Entry>| Some((entry.name.clone()?, ((*entry.mode)?, entry.oid.clone()?)));
    Some(tree.entries.items()?.iter().filter_map(entry).collect())
}

/// A file, as GraphQL gives it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Blob {
    byte_size: Loose<u64>,
    is_binary: May<bool>,
    is_truncated: May<bool>,
    text: May<String>,
}

/// Reads blobs that are neither known nor in the cache. What failed stays unknown, with the last fault of those.
pub(super) fn blobs(
    reader: &Reader,
    wanted: &[(RepoName, String)],
    cache: Option<&dyn Blobs>,
) -> Result<Option<Fault>, Fault> {
    let mut failed = None;
    let mut seen = BTreeSet::new();
    let mut unknown = Vec::new();
    for (repo, oid) in wanted {
        let is_known = |known: &super::Known| known.blobs.contains_key(oid) || known.large.contains_key(oid);
        if !seen.insert(oid) || is_known(&reader.known()) {
            continue;
        }
        match cache.and_then(|cache| cache.get(oid)) {
            Some(bytes) => drop(reader.known().blobs.insert(oid.clone(), bytes)),
            None => unknown.push((repo.clone(), oid.clone())),
        }
    }
    for blobs in unknown.chunks(TEXTS) {
        let batch = Batch {
            name: "Texts",
            field: "object(oid: $v) { __typename ... on Blob { oid byteSize isBinary isTruncated text } }",
            fields: blobs
                .iter()
                .map(|(repo, oid)| Field {
                    repo,
                    value: oid.clone(),
                })
                .collect(),
        };
        let answers = batch.ask::<Blob>(reader)?;
        for ((repo, oid), answer) in blobs.iter().zip(answers) {
            let blob = match answer {
                Ok(Some(blob)) => blob,
                Err(Unread::Failed(fault)) => {
                    failed = Some(fault);
                    continue;
                }
                Ok(None) | Err(Unread::Repository) => continue,
            };
            // What nobody reads is not fetched.
            if *blob.byte_size > MAX_BLOB {
                reader.known().large.insert(oid.clone(), *blob.byte_size);
                continue;
            }
            let whole = *blob.is_truncated == Some(false) && *blob.is_binary == Some(false);
            let text = blob.text.0.filter(|text| whole && is_blob(text.as_bytes(), oid));
            let bytes = match text {
                Some(text) => text.into_bytes(),
                None => raw(reader, repo, oid)?,
            };
            if let Some(cache) = cache {
                cache.put(oid, &bytes);
            }
            reader.known().blobs.insert(oid.clone(), Arc::from(bytes));
        }
    }
    Ok(failed)
}

/// Whether bytes are those of a blob: text that is not UTF-8 comes with replacements.
fn is_blob(bytes: &[u8], oid: &str) -> bool {
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes).is_ok_and(|id| id.to_string() == oid)
}

/// A file, as REST gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    content: Loose<String>,
}

/// Reads a blob that GraphQL does not give whole: it is large or no text.
fn raw(reader: &Reader, repo: &RepoName, oid: &str) -> Result<Vec<u8>, Fault> {
    let what = format!("reading a file of {repo}");
    let path = format!("/repos/{repo}/git/blobs/{oid}");
    let home = reader.home.as_ref().unwrap_or(repo);
    let answer = reader.client.get(home, path, what.clone())?.body;
    let file: Content = read(&answer).unwrap_or_default();
    let text: String = file.content.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
    bytes.filter(|bytes| is_blob(bytes, oid)).ok_or_else(|| Fault {
        what,
        kind: FaultKind::Garbled("its content is not that of the file".into()),
    })
}

/// Reads the directories that lead to files, links included, then the files.
pub(super) fn gather(reader: &Reader, wanted: &[ToRead], cache: &dyn Blobs) -> Result<(), Fault> {
    let mut paths: Vec<(&ToRead, String)> = wanted
        .iter()
        .flat_map(|of| of.files.iter().map(move |file| (of, file.clone())))
        .collect();
    let mut below: Vec<(&ToRead, String)> = wanted
        .iter()
        .flat_map(|of| of.folders.iter().map(move |folder| (of, folder.clone())))
        .collect();
    for _ in 0..HOPS {
        let at = |of: &ToRead, dir: &str| (of.repo.clone(), of.commit.0.clone(), dir.to_owned());
        let above = paths.iter().flat_map(|(of, path)| folders(path).map(|dir| at(of, dir)));
        let places: BTreeSet<DirAt> = above.chain(below.iter().map(|(of, dir)| at(of, dir))).collect();
        trees(reader, &places.into_iter().collect::<Vec<_>>())?;
        let found: Vec<(&ToRead, String, EntryKind, String)> = paths
            .iter()
            .filter_map(|(of, path)| {
                entry(reader, &of.repo, &of.commit.0, path).map(|(kind, oid)| (*of, path.clone(), kind, oid))
            })
            .collect();
        let mut oids: Vec<_> = found
            .iter()
            .map(|(of, _, _, oid)| (of.repo.clone(), oid.clone()))
            .collect();
        below = inside(reader, below, &mut oids);
        blobs(reader, &oids, Some(cache))?;
        paths = found
            .into_iter()
            .filter(|(_, _, kind, _)| *kind == EntryKind::Link)
            .filter_map(|(of, path, _, oid)| {
                let target = reader.known().blobs.get(&oid).cloned()?;
                Some((of, target_of(&path, std::str::from_utf8(&target).ok()?)?))
            })
            .collect();
        if paths.is_empty() && below.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Reads the directories that lead to files, and those that are only listed, then the files: two questions, unless it is much.
/// Links are followed by whoever reads.
pub(super) fn foresee(reader: &Reader, wanted: &[Foreseen], cache: &dyn Blobs) -> Result<(), Fault> {
    let mut places = BTreeSet::new();
    for of in wanted {
        let above = of.files.iter().flat_map(|file| folders(file));
        let listed = of.folders.iter().flat_map(|dir| folders(dir).chain([dir.as_str()]));
        places.extend(
            above
                .chain(listed)
                .map(|dir| (of.repo.clone(), of.commit.0.clone(), dir.to_owned())),
        );
    }
    trees(reader, &places.into_iter().collect::<Vec<_>>())?;
    let found = wanted.iter().flat_map(|of| {
        let files = of.files.iter();
        files.filter_map(|path| {
            let (_, oid) = entry(reader, &of.repo, &of.commit.0, path)?;
            Some((of.repo.clone(), oid))
        })
    });
    blobs(reader, &found.collect::<Vec<_>>(), Some(cache))?;
    Ok(())
}

/// The folders in folders; adds the blobs of their files that are wanted.
fn inside<'w>(
    reader: &Reader,
    folders: Vec<(&'w ToRead, String)>,
    oids: &mut Vec<(RepoName, String)>,
) -> Vec<(&'w ToRead, String)> {
    let known = reader.known();
    let mut below = Vec::new();
    for (of, folder) in folders {
        let place = (of.repo.clone(), of.commit.0.clone(), folder.clone());
        let listing = known.trees.get(&place).and_then(Option::as_ref);
        for (name, (mode, oid)) in listing.into_iter().flatten() {
            match kind(*mode) {
                EntryKind::Dir => below.push((of, format!("{folder}/{name}"))),
                EntryKind::File if ENDINGS.iter().any(|ending| name.ends_with(ending)) => {
                    oids.push((of.repo.clone(), oid.clone()));
                }
                _ => {}
            }
        }
    }
    below
}

/// The directories on the way to a file, the root first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(path.match_indices('/').map(|(at, _)| &path[..at]))
}

fn entry(reader: &Reader, repo: &RepoName, commit: &str, path: &str) -> Option<(EntryKind, String)> {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let known = reader.known();
    let listing = known.trees.get(&(repo.clone(), commit.to_owned(), dir.to_owned()))?;
    let (mode, oid) = listing.as_ref()?.get(name)?;
    let kind = kind(*mode);
    matches!(kind, EntryKind::File | EntryKind::Link).then(|| (kind, oid.clone()))
}

/// Where a link leads, as far as it can be told from its text alone.
fn target_of(path: &str, target: &str) -> Option<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    within(&format!("{folder}/{target}"))
}

/// What a mode stands for.
pub(super) fn kind(mode: u32) -> EntryKind {
    match mode & 0o170_000 {
        0o040_000 => EntryKind::Dir,
        0o100_000 => EntryKind::File,
        0o120_000 => EntryKind::Link,
        _ => EntryKind::Other,
    }
}
