//! Looks at what is there for one pull request: one question for branches and history, one for the files of the base.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::files;
use super::journal::Unfinished;
use super::options::Options;
use super::owners;
use super::query::{self, Comment, CommentsAnswer, Fork, HeadCommit, Object, Objects, OfCommit, Pull, Target};
use super::text::{self, Numbers};
use super::train;
use crate::base::loose::Loose;
use crate::base::{RepoName, name_fault};
use crate::forge::carry::{Carried, Offer, carry, reach_of};
use crate::forge::names::check_names;
use crate::forge::{Branch, ForgeError, Observed, Request, State, Text, Wanted};
use crate::github::{Fault, FaultKind, Reader};
use crate::plan::{PullRequest, Reach, body_says, carrying, digest_of};

/// How many paths are asked for in one question.
const PATHS: usize = 500;

/// What is there, and what the branch should change.
pub struct Look {
    /// What the decision is made of.
    pub observed: Observed,
    /// What is wanted, its body as it is written.
    pub wanted: PullRequest,
    /// The blobs that paths should have where they differ from the base, with what is held; `None`: the path goes.
    pub contents: BTreeMap<String, Option<String>>,
    /// The digest of what the branch should change, and from what.
    pub content: String,
    /// How far those have looked that made what the branch should have.
    pub reach: Reach,
    /// The base's tree.
    pub base_tree: String,
    /// The repository of the base, as it is called now.
    pub repo: RepoName,
    /// The repository of the head.
    pub head_repo: RepoName,
    /// The id of the repository of the head.
    pub head_repo_id: String,
    /// The open pull request.
    pub open: Option<u64>,
    /// The last one that is not open any more.
    pub ended: Option<u64>,
    /// Its comments, where they count.
    pub comments: Vec<Comment>,
    /// Who is asked for a review of a new one.
    pub reviewers: Vec<String>,
    /// When pull requests of ours were opened, in seconds since 1970-01-01.
    pub opened: Vec<i64>,
}

/// Looks at what is there for one pull request.
pub fn look(
    reader: &Reader,
    options: &Options,
    wanted: &PullRequest,
    unfinished: Unfinished,
    numbers: &Numbers,
) -> Result<Look, ForgeError> {
    check_names(wanted)?;
    let lookup = Lookup {
        reader,
        options,
        wanted,
    };
    let paths = lookup.paths();
    let (target, fork) = lookup.branches(&paths)?;
    let repo = lookup.named(&target.name_with_owner)?;
    if target.is_archived {
        return Err(ForgeError::Archived { repo });
    }
    let base = target.base.as_ref().ok_or_else(|| ForgeError::NoBase {
        repo: repo.clone(),
        branch: wanted.base.clone(),
    })?;
    let base = &base.target;
    let ours: Vec<&Pull> = target
        .pull_requests
        .nodes
        .iter()
        .filter(|pull| ours(pull, &fork))
        .collect();
    let train = train::seen(&target.train.nodes, &fork).filter(|train| train.step.owns(&wanted.scope));
    let yields = train.map(|train| train.told());
    let is_open = |pull: &&&Pull| pull.state == "OPEN" && pull.head_repository.is_some();
    let open = ours.iter().rev().find(is_open).copied();
    let mut before = lookup.fresh(&lookup.found(&target, &paths)?)?;
    let owners = match open.is_none() || unfinished.assign {
        true => lookup.owners(&base.oid)?,
        false => Vec::new(),
    };
    let head = fork.head.as_ref().map(|head| &head.target);
    let mut foreign = head.filter(|head| !lookup.made_here(head));
    let mut comments = Vec::new();
    if let Some(pull) = open.filter(|_| foreign.is_some() || wanted.files.is_empty() || yields.is_some()) {
        comments = lookup.comments(pull.number)?;
        foreign = foreign.filter(|head| !handed_back(&comments, &head.oid));
    }
    let spent = match foreign {
        Some(head) => lookup.is_spent(&ours, open, head, &base.oid)?,
        None => false,
    };
    let mut changes = lookup.changes();
    let made = head.and_then(|head| reach_of(&head.message));
    let carried = match head.filter(|_| open.is_some() && foreign.is_none()) {
        Some(head) => lookup.carry(&mut changes, &mut before, head, made.as_ref(), &base.oid)?,
        None => Carried::default(),
    };
    let mut dressed = PullRequest {
        yields: yields.clone(),
        ..wanted.clone()
    };
    if carried.files > 0 {
        dressed.digest = digest_of(changes.iter().map(|(path, oid)| (path.as_str(), oid.clone())));
        carrying(&mut dressed, carried.files);
    }
    let content = content(&changes, &before);
    let branch = match head {
        None => Branch::Absent,
        Some(_) if spent => Branch::Spent,
        Some(_) if foreign.is_some() => Branch::Foreign,
        Some(head) => Branch::Ours {
            current: lookup.made_here(head) && text::content_of(&head.message) == Some(content.digest.as_str()),
        },
    };
    let paused = open.and_then(|pull| lookup.pausing(pull));
    let predecessor = predecessor(&ours, open);
    dressed.body = text::with_numbers(&text::managed(&dressed, predecessor), wanted, numbers);
    let state = State {
        wanted: match carried.stuck {
            _ if yields.is_some() && paused.is_none() => Wanted::Yielded,
            true => Wanted::Unsure,
            false => wants(wanted, !changes.is_empty(), paused.is_some()),
        },
        branch,
        request: request(&ours, open, &dressed, carried.files > 0),
        base_holds: false, // a merge is seen as such here
    };
    let observed = Observed {
        state,
        base: Some(base.oid.clone()),
        head: head.map(|head| head.oid.clone()),
        text: open.map(|pull| Text {
            title: pull.title.clone(),
            body: pull.body.replace("\r\n", "\n"),
        }),
        title_is_ours: open.is_none_or(|pull| text::title_is_ours(&pull.body, &pull.title)),
        first: Vec::new(),
        returned: Some(merges(&ours, &dressed.digest))
            .filter(|merges| !merges.is_empty() && !wanted.files.is_empty())
            .map(|merges| crate::forge::taken_back(&merges, "")),
        notes: paused
            .into_iter()
            .chain(foreign.map(|head| lookup.whose(head)))
            .chain(ours.iter().filter_map(|pull| orphan(pull)))
            .collect(),
    };
    Ok(Look {
        observed,
        contents: changes,
        content: content.digest,
        reach: match carried.beyond {
            true => wanted.reach.with(made.as_ref()),
            false => wanted.reach.clone(),
        },
        base_tree: base.tree.oid.clone(),
        head_repo: lookup.named(&fork.name_with_owner)?,
        head_repo_id: fork.id,
        open: open.map(|pull| pull.number),
        ended: ours.iter().rfind(|pull| pull.state != "OPEN").map(|pull| pull.number),
        opened: ours
            .iter()
            .filter_map(|pull| crate::github::seconds(&pull.created_at))
            .collect(),
        reviewers: lookup.reviewers(owners),
        wanted: dressed,
        comments,
        repo,
    })
}

struct Lookup<'a> {
    reader: &'a Reader,
    options: &'a Options,
    wanted: &'a PullRequest,
}

type Changes = BTreeMap<String, Option<String>>;
/// The blob at each path; `None`: nothing is there.
type Blobs = BTreeMap<String, Option<String>>;

impl Lookup<'_> {
    fn repo(&self) -> &RepoName {
        &self.wanted.scope.repo
    }

    fn fork(&self) -> RepoName {
        let repo = self.repo();
        RepoName {
            org: self.options.fork.clone().unwrap_or_else(|| repo.org.clone()),
            repo: repo.repo.clone(),
        }
    }

    fn named(&self, name: &str) -> Result<RepoName, ForgeError> {
        let unsafe_ = |why: &str| ForgeError::Unsafe {
            what: name.to_owned(),
            why: why.to_owned(),
        };
        let name: RepoName = name.parse().map_err(|_| unsafe_("it is no repository's name"))?;
        match name_fault(&name) {
            Some(why) => Err(unsafe_(why)),
            None => Ok(name),
        }
    }

    fn ask<T: DeserializeOwned>(&self, text: &str, variables: Value, what: String) -> Result<T, ForgeError> {
        let data = self.reader.ask(self.repo(), text, variables, what.clone())?;
        Ok(query::read(data, &what)?)
    }

    /// What is there of base, head, and pull requests.
    fn branches(&self, paths: &[&str]) -> Result<(Target, Fork), ForgeError> {
        let (repo, fork) = (self.repo(), self.fork());
        let branch = self.wanted.head();
        let paths = &paths[..paths.len().min(PATHS)];
        let base = format!("refs/heads/{}", self.wanted.base);
        let mut variables = expressions(&base, paths, "p");
        let more = [
            ("owner", &repo.org),
            ("name", &repo.repo),
            ("headOwner", &fork.org),
            ("headName", &fork.repo),
            ("head", &format!("refs/heads/{branch}")),
            ("branch", &branch),
            ("base", &base),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
        let what = format!("looking at {repo}");
        let (text, variables) = (query::look(paths.len()), Value::Object(variables));
        let seen: query::LookAnswer = query::ask_of_pulls(self.reader, repo, &text, variables, &what)?;
        let not_found = Fault {
            what,
            kind: FaultKind::NotFound,
        };
        let target = seen.repository.ok_or(not_found)?;
        let fork = seen.fork.ok_or_else(|| ForgeError::NoFork {
            repo: repo.clone(),
            fork,
        })?;
        Ok((target, fork))
    }

    /// What is at paths of a commit.
    fn blobs(&self, commit: &str, paths: &[&str]) -> Result<BTreeMap<String, Found>, ForgeError> {
        let mut found = BTreeMap::new();
        for paths in paths.chunks(PATHS) {
            let answer = self.ask_of_commit(&query::files(paths.len()), expressions(commit, paths, "p"))?;
            found.extend(named(paths, &answer));
        }
        Ok(found)
    }

    /// What is at paths of the base: most of it came with the first look.
    fn found(&self, target: &Target, paths: &[&str]) -> Result<BTreeMap<String, Found>, ForgeError> {
        let (first, rest) = paths.split_at(paths.len().min(PATHS));
        let mut found = named(first, &target.files);
        if let (false, Some(base)) = (rest.is_empty(), &target.base) {
            found.extend(self.blobs(&base.target.oid, rest)?);
        }
        Ok(found)
    }

    fn ask_of_commit(&self, text: &str, mut variables: Map<String, Value>) -> Result<Objects, ForgeError> {
        variables.insert("owner".into(), json!(self.repo().org));
        variables.insert("name".into(), json!(self.repo().repo));
        let what = format!("looking at the files of {}", self.repo());
        let answer: OfCommit = self.ask(text, Value::Object(variables), what.clone())?;
        let not_found = Fault {
            what,
            kind: FaultKind::NotFound,
        };
        Ok(answer.repository.0.ok_or(not_found)?)
    }

    /// Who the OWNERS files above what changes ask for a review, where the configuration wants that.
    fn owners(&self, base: &str) -> Result<Vec<String>, ForgeError> {
        let files = owners::files(self.wanted);
        if files.is_empty() || !self.options.reviewers.iter().any(|name| name == owners::OWNERS) {
            return Ok(Vec::new());
        }
        let paths: Vec<&str> = files.iter().map(String::as_str).collect();
        let answer = self.ask_of_commit(&query::texts(paths.len()), expressions(base, &paths, "q"))?;
        let text = |(n, path): (usize, &String)| Some((path.clone(), answer.get(&format!("t{n}"))?.text.clone()?));
        let texts = files.iter().enumerate().filter_map(text).collect();
        Ok(owners::pick(&texts, &files, self.wanted))
    }

    /// Who is asked for a review, OWNERS resolved.
    fn reviewers(&self, owners: Vec<String>) -> Vec<String> {
        let named = self.options.reviewers.iter().filter(|name| *name != owners::OWNERS);
        let mut all: Vec<String> = named.cloned().chain(owners).collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|name| seen.insert(name.clone()));
        all
    }

    /// The paths of the base that count: of the files, of what is above new ones, and of what is held.
    fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.wanted.files.iter().map(|file| file.path.as_str()).collect();
        let new = self.wanted.files.iter().filter(|file| file.before.is_none());
        paths.extend(new.flat_map(|file| file.path.match_indices('/').map(|(at, _)| &file.path[..at])));
        paths.extend(self.wanted.held.iter().map(String::as_str));
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Makes sure that the base has the files that the plan was made from, and that nothing stands in their place.
    /// Gives the blobs of those files, and of the ones that are held.
    fn fresh(&self, found: &BTreeMap<String, Found>) -> Result<Blobs, ForgeError> {
        let wrong = |path: &str| ForgeError::Unsafe {
            what: path.to_owned(),
            why: "a directory stands there, or a file where its directory should be".into(),
        };
        let mut blobs = Blobs::new();
        for file in &self.wanted.files {
            let there = match &found[&file.path] {
                Found::Blob(oid) => Some(oid.clone()),
                Found::Nothing => None,
                Found::Other => return Err(wrong(&file.path)),
            };
            if there != file.before.as_deref().map(blob_id) {
                return Err(ForgeError::Stale {
                    repo: self.repo().clone(),
                    path: file.path.clone(),
                });
            }
            let mut above = file.path.match_indices('/').map(|(at, _)| &file.path[..at]);
            if let Some(dir) = above.find(|dir| matches!(found.get(*dir), Some(Found::Blob(_)))) {
                return Err(wrong(dir));
            }
            blobs.insert(file.path.clone(), there);
        }
        for path in &self.wanted.held {
            blobs.insert(path.clone(), found[path].oid());
        }
        Ok(blobs)
    }

    fn changes(&self) -> Changes {
        let files = self.wanted.files.iter();
        files
            .map(|file| (file.path.clone(), file.after.as_deref().map(blob_id)))
            .collect()
    }

    /// Adds what the branch proposes for files that could not be derived, or were not looked at, in this run; and to what
    /// is there, what is there of these.
    fn carry(
        &self,
        changes: &mut Changes,
        before: &mut Blobs,
        head: &HeadCommit,
        made: Option<&Reach>,
        base: &str,
    ) -> Result<Carried, ForgeError> {
        let mut paths = self.wanted.held.clone();
        if !self.wanted.reach.covers(made) {
            paths.extend(files::of_commit(self.reader, &self.fork(), &head.oid)?);
        }
        paths.retain(|path| !changes.contains_key(path));
        let (Some(parent), false) = (head.parents.nodes.first(), paths.is_empty()) else {
            return Ok(Carried::default());
        };
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let [at_head, at_parent, at_base] =
            [head.oid.as_str(), &parent.oid, base].map(|commit| self.blobs(commit, &paths));
        let (at_head, at_parent, at_base) = (at_head?, at_parent?, at_base?);
        let offers = paths.iter().filter_map(|path| {
            let [new, old, there] = [&at_head, &at_parent, &at_base].map(|blobs| blobs[*path].oid());
            (new != old).then_some(Offer { path, old, new, there })
        });
        let carried = carry(changes, self.wanted, made, offers);
        for (path, found) in at_base.into_iter().filter(|(path, _)| changes.contains_key(path)) {
            before.entry(path).or_insert(found.oid());
        }
        Ok(carried)
    }

    /// Whether commits of somebody else need no protection: their request was merged as they are, or the base has all
    /// that they come to.
    fn is_spent(&self, ours: &[&Pull], open: Option<&Pull>, head: &HeadCommit, base: &str) -> Result<bool, ForgeError> {
        if open.is_some() {
            return Ok(false); // people still talk about it
        }
        let merged = |pull: &&Pull| pull.state == "MERGED" && pull.head_ref_oid.as_deref() == Some(&*head.oid);
        if ours.iter().any(merged) {
            return Ok(true);
        }
        let Some(files) = files::since(self.reader, self.repo(), base, &head.oid)? else {
            return Ok(false); // too many to be looked at
        };
        let paths: Vec<&str> = files.keys().map(String::as_str).collect();
        let there = self.blobs(base, &paths)?;
        Ok(files.iter().all(|(path, blob)| there[path].oid() == *blob))
    }

    fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let repo = self.repo();
        let variables = json!({ "owner": repo.org, "name": repo.repo, "number": number });
        let what = format!("reading the comments of {repo}#{number}");
        let answer: CommentsAnswer = self.ask(query::COMMENTS, variables, what.clone())?;
        let pull = answer.repository.and_then(|of| of.pull_request);
        let comments = pull.and_then(|pull| pull.comments);
        Ok(comments.ok_or_else(|| Fault::lacks(what, "comments"))?.nodes)
    }

    /// Whether a commit was made here: by our address, on one parent, and it says what it changes.
    fn made_here(&self, head: &HeadCommit) -> bool {
        let ours =
            |who: &Option<query::Actor>| who.as_ref().and_then(|who| who.email.as_deref()) == Some(&self.options.email);
        ours(&head.author)
            && ours(&head.committer)
            && head.parents.total_count == 1
            && text::content_of(&head.message).is_some()
    }

    fn whose(&self, head: &HeadCommit) -> String {
        let who = head
            .author
            .as_ref()
            .and_then(|who| who.name.clone().or_else(|| who.email.clone()));
        let short = head.oid.get(..10).unwrap_or(&head.oid);
        format!("commit {short} by {}", who.unwrap_or_else(|| "somebody else".into()))
    }

    /// Why an open pull request is paused, if so.
    fn pausing(&self, pull: &Pull) -> Option<String> {
        let mut labels = pull.labels.iter().flat_map(|labels| &labels.nodes);
        let label = labels.find(|label| self.options.holds(&label.name))?;
        Some(format!("#{} is paused by its label {}", pull.number, label.name))
    }
}

/// The variables that ask for paths of a commit or branch.
fn expressions(of: &str, paths: &[&str], letter: &str) -> Map<String, Value> {
    let variable = |(n, path): (usize, &&str)| (format!("{letter}{n}"), json!(format!("{of}:{path}")));
    paths.iter().enumerate().map(variable).collect()
}

/// What is at paths, from the fields of an answer.
fn named(paths: &[&str], objects: &Objects) -> BTreeMap<String, Found> {
    let one = |(n, path): (usize, &&str)| ((*path).to_owned(), Found::of(objects.get(&format!("f{n}"))));
    paths.iter().enumerate().map(one).collect()
}

/// What is at a path.
enum Found {
    Nothing,
    Blob(String),
    Other,
}

impl Found {
    fn of(object: Option<&Loose<Object>>) -> Self {
        match object.and_then(|object| Some((object.kind.as_deref()?, &object.oid))) {
            Some(("Blob", oid)) => Self::Blob(oid.to_string()),
            Some(_) => Self::Other,
            None => Self::Nothing,
        }
    }

    fn oid(&self) -> Option<String> {
        match self {
            Self::Blob(oid) => Some(oid.clone()),
            Self::Nothing | Self::Other => None,
        }
    }
}

/// The id that git gives a file. libgit2 fails here only when it is out of memory.
fn blob_id(bytes: &[u8]) -> String {
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes).map_or_else(|_| String::new(), |oid| oid.to_string())
}

struct Content {
    digest: String,
}

/// The digest of what changes, and from what: while it stays, a merge gives the same.
fn content(changes: &Changes, before: &Blobs) -> Content {
    use std::fmt::Write as _;
    let mut listing = String::new();
    for (path, after) in changes {
        let before = before.get(path).and_then(Option::as_deref).unwrap_or("-");
        let _ = writeln!(listing, "{before} {} {path}", after.as_deref().unwrap_or("-"));
    }
    Content {
        digest: text::hash(&listing),
    }
}

/// Whether a pull request is from our branch, not from one of that name elsewhere.
fn ours(pull: &Pull, fork: &Fork) -> bool {
    match &pull.head_repository {
        Some(head) => head.name_with_owner.eq_ignore_ascii_case(&fork.name_with_owner),
        None => pull.viewer_did_author, // its fork was deleted
    }
}

/// What is to be said of an open pull request whose fork was deleted: nothing can bring its content up to date any more.
fn orphan(pull: &Pull) -> Option<String> {
    let orphaned = pull.state == "OPEN" && pull.head_repository.is_none();
    orphaned.then(|| {
        format!(
            "#{} is open, but the fork that it came from is gone: close it",
            pull.number
        )
    })
}

/// Whether somebody who may has handed the branch back since we said that it has their commits.
fn handed_back(comments: &[Comment], head: &str) -> bool {
    let said = comments
        .iter()
        .find(|comment| comment.viewer_did_author && text::foreign_head(&comment.body) == Some(head));
    let Some(said) = said else { return false };
    comments.iter().any(|comment| {
        let may = matches!(comment.author_association.as_str(), "OWNER" | "MEMBER" | "COLLABORATOR");
        may && text::foreign_head(&comment.body).is_none()
            && text::takes(&comment.body)
            && comment.created_at.as_str() >= said.at()
    })
}

fn wants(wanted: &PullRequest, any: bool, paused: bool) -> Wanted {
    match (any, wanted.blocked.is_some() || paused) {
        (_, true) if paused => Wanted::Withheld,
        (false, _) => Wanted::Nothing,
        (true, false) => Wanted::Change,
        (true, true) => Wanted::Withheld,
    }
}

/// The pull request that a person closed before, which the next one links to.
fn predecessor(ours: &[&Pull], open: Option<&Pull>) -> Option<u64> {
    let before = open.map_or(u64::MAX, |pull| pull.number);
    let mut closed = ours.iter().rev().filter(|pull| pull.number < before);
    let last = closed.next()?;
    (last.state == "CLOSED" && !last.body.contains(text::CLOSED)).then_some(last.number)
}

/// The digest of what a pull request changes.
fn digest(pull: &Pull) -> Option<String> {
    let last = pull.commits.nodes.last();
    let message = last.map_or("", |last| last.commit.message.as_str());
    let digest = text::digest_in_body(&pull.body).or_else(|| text::digest_of(message));
    digest.map(str::to_owned)
}

/// The last merges of this very content, one after the other.
fn merges(ours: &[&Pull], of: &str) -> Vec<String> {
    let merged = ours.iter().rev().filter(|pull| pull.state == "MERGED");
    let same = merged.take_while(|pull| digest(pull).as_deref() == Some(of));
    same.map(|pull| format!("#{}", pull.number)).collect()
}

fn request(ours: &[&Pull], open: Option<&Pull>, dressed: &PullRequest, kept: bool) -> Request {
    let has_it = |pull: &Pull| digest(pull).as_ref() == Some(&dressed.digest);
    let refuses = |pull: &&Pull| pull.state == "CLOSED" && !pull.body.contains(text::CLOSED) && has_it(pull);
    let refused = ours.iter().any(refuses);
    if let Some(pull) = open {
        return Request::Open {
            current: kept || says(pull, dressed),
            refused: refused && !has_it(pull),
        };
    }
    match ours.iter().rfind(|pull| pull.state != "OPEN") {
        None => Request::Absent,
        Some(last) if last.state == "MERGED" => Request::Merged {
            times: merges(ours, &dressed.digest).len(),
        },
        Some(_) => Request::Closed { refused },
    }
}

/// Whether an open pull request says what is wanted.
fn says(pull: &Pull, written: &PullRequest) -> bool {
    pull.base_ref_name == written.base
        && (!text::title_is_ours(&pull.body, &pull.title) || pull.title == written.title)
        && body_says(&pull.body, &written.body)
}
