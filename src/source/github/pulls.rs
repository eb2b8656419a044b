//! Pull requests of others: which are open, and where each stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Reader;
use super::ask::{Commit, Ref};
use crate::base::RepoName;
use crate::base::loose::{Loose, May, read};
use crate::base::text::clip;
use crate::github::{Fault, FaultKind, Login, Page};

/// How many repositories whose open pull requests are asked for in one question.
const LISTS: usize = 60;
/// How many pull requests are asked in one question where they stand.
const DETAILS: usize = 50;
/// How many open pull requests of a repository are listed: those that were last changed.
pub const LISTED: usize = 100;
/// How many files of a pull request are named in one answer.
const FILES: usize = 100;
/// The longest title that is kept, in characters.
const TITLE: usize = 120;

/// An open pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPull {
    /// The repository.
    pub repo: RepoName,
    /// Its number.
    pub number: u64,
    /// Its title, cut where it is long.
    pub title: String,
    /// Who made it; empty where that account is gone.
    pub author: String,
    /// The branch that it is for.
    pub branch: String,
    /// Its own last commit.
    pub head: String,
    /// Whether whoever reads made it.
    pub is_ours: bool,
}

/// The open pull requests of several repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// The [`LISTED`] of each repository that were last changed.
    pub pulls: Vec<OpenPull>,
    /// How many more are open, by repository.
    pub left_out: BTreeMap<RepoName, u64>,
    /// Repositories that cannot be read.
    pub unread: BTreeSet<RepoName>,
}

/// Where a pull request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullHead {
    /// The branch that it is for.
    pub branch: String,
    /// The commit that it goes on top of: that of the merge, where there is one, else of its branch.
    pub base: String,
    /// Its own last commit.
    pub head: String,
    /// The commit that merging it would make, where GitHub has one: not where it conflicts, nor before that was looked at.
    pub merge: Option<String>,
    /// Whether GitHub says that it conflicts with its base.
    pub conflicts: bool,
    /// The files that it changes; `None` where they are not all known: there are too many, or one was renamed.
    pub files: Option<BTreeSet<String>>,
}

/// The fields of repositories in a question, and its variables: names never stand in its text.
#[derive(Default)]
struct Question {
    head: String,
    body: String,
    variables: Map<String, Value>,
}

impl Question {
    fn add(&mut self, at: usize, repo: &RepoName, fields: &str) {
        let _ = write!(self.head, ", $o{at}: String!, $n{at}: String!");
        self.variables.insert(format!("o{at}"), json!(repo.org));
        self.variables.insert(format!("n{at}"), json!(repo.repo));
        let _ = writeln!(
            self.body,
            "  r{at}: repository(owner: $o{at}, name: $n{at}) {{ {fields} }}"
        );
    }

    /// Asks it, and gives what is said of each repository; nothing of those that cannot be read, or not whole.
    fn ask<T: Default + DeserializeOwned>(
        self,
        reader: &Reader,
        name: &str,
        first: &RepoName,
        what: String,
    ) -> Result<BTreeMap<String, Loose<T>>, Fault> {
        let text = format!(
            "query {name}({}) {{\n{}}}",
            self.head.trim_start_matches(", "),
            self.body
        );
        let home = reader.home.as_ref().unwrap_or(first);
        let answer = match reader
            .client
            .ask_parts(home, &text, Value::Object(self.variables), what)
        {
            Ok(answer) => answer,
            Err(fault) if fault.kind == FaultKind::NotFound => return Ok(BTreeMap::new()),
            Err(fault) => return Err(fault),
        };
        let mut found: BTreeMap<String, Loose<T>> = read(&answer.data).unwrap_or_default();
        found.retain(|of, _| answer.failed_but_for_barred(&[of]).is_none());
        Ok(found)
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    pull_requests: Loose<Page<OneListed>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OneListed {
    number: May<u64>,
    title: Loose<String>,
    head_ref_oid: May<String>,
    base_ref_name: May<String>,
    viewer_did_author: Loose<bool>,
    author: Loose<Login>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stands {
    pull_request: Loose<Where>,
}

/// Where a pull request stands, as GitHub says.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Where {
    base_ref_name: May<String>,
    base_ref_oid: May<String>,
    base_ref: Loose<Ref>,
    head_ref_oid: May<String>,
    mergeable: Loose<String>,
    potential_merge_commit: Loose<Commit>,
    files: Loose<Page<Changed>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Changed {
    path: May<String>,
    change_type: Loose<String>,
}

/// Asks which pull requests are open.
pub(super) fn open(reader: &Reader, repos: &[RepoName]) -> Result<Open, Fault> {
    let fields = format!(
        "pullRequests(first: {LISTED}, states: [OPEN], orderBy: {{field: UPDATED_AT, direction: DESC}}) {{ totalCount nodes {{ number title \
         headRefOid baseRefName viewerDidAuthor author {{ login }} }} }}"
    );
    let mut all = Open::default();
    for repos in repos.chunks(LISTS) {
        let Some(first) = repos.first() else { continue };
        let mut question = Question::default();
        for (at, repo) in repos.iter().enumerate() {
            question.add(at, repo, &fields);
        }
        let what = format!("listing the open pull requests of {} repositories", repos.len());
        let answer: BTreeMap<String, Loose<Listed>> = question.ask(reader, "OpenPulls", first, what)?;
        for (at, repo) in repos.iter().enumerate() {
            let found = answer.get(&format!("r{at}")).map(|listed| &listed.pull_requests);
            let Some((total, nodes)) = found.and_then(|found| Some((*found.total_count, found.nodes.items()?))) else {
                all.unread.insert(repo.clone());
                continue;
            };
            let before = all.pulls.len();
            all.pulls.extend(nodes.iter().filter_map(|node| one_open(repo, node)));
            let listed = (all.pulls.len() - before) as u64;
            let more = total.unwrap_or_default().saturating_sub(listed);
            if more > 0 {
                all.left_out.insert(repo.clone(), more);
            }
        }
    }
    Ok(all)
}

fn one_open(repo: &RepoName, node: &OneListed) -> Option<OpenPull> {
    Some(OpenPull {
        repo: repo.clone(),
        number: (*node.number)?,
        title: clip(&node.title, TITLE),
        author: node.author.login.clone(),
        branch: node.base_ref_name.clone()?,
        head: node.head_ref_oid.clone()?,
        is_ours: *node.viewer_did_author,
    })
}

/// Asks where pull requests stand; `None`: there is none of that number, or its repository cannot be read.
pub(super) fn heads(reader: &Reader, pulls: &[(RepoName, u64)]) -> Result<Vec<Option<PullHead>>, Fault> {
    let fields = format!(
        "baseRefName baseRefOid baseRef {{ target {{ oid }} }} headRefOid mergeable potentialMergeCommit {{ oid parents(first: 1) {{ nodes {{ oid \
         }} }} }} files(first: {FILES}) {{ totalCount nodes {{ path changeType }} }}"
    );
    let mut all = Vec::with_capacity(pulls.len());
    for pulls in pulls.chunks(DETAILS) {
        let Some((first, _)) = pulls.first() else { continue };
        let mut question = Question::default();
        for (at, (repo, number)) in pulls.iter().enumerate() {
            question.add(at, repo, &format!("pullRequest(number: {number}) {{ {fields} }}"));
        }
        let what = match pulls {
            [(repo, number)] => format!("reading {repo}#{number}"),
            several => format!("reading {} pull requests", several.len()),
        };
        let answer: BTreeMap<String, Loose<Stands>> = question.ask(reader, "Pulls", first, what)?;
        all.extend((0..pulls.len()).map(|at| one_head(&answer.get(&format!("r{at}"))?.pull_request)));
    }
    Ok(all)
}

fn one_head(pull: &Where) -> Option<PullHead> {
    let merge = &pull.potential_merge_commit;
    // What the branch was when the pull request was last pushed to says nothing of where it is now.
    let base = merge
        .parent()
        .or(pull.base_ref.target.oid.as_deref())
        .or(pull.base_ref_oid.as_deref());
    Some(PullHead {
        branch: pull.base_ref_name.clone()?,
        base: base?.to_owned(),
        head: pull.head_ref_oid.clone()?,
        merge: merge.oid.clone(),
        conflicts: *pull.mergeable == "CONFLICTING",
        files: files(&pull.files),
    })
}

fn files(found: &Page<Changed>) -> Option<BTreeSet<String>> {
    let nodes = found.nodes.items()?;
    let is_whole = *found.total_count == Some(nodes.len() as u64);
    // What was renamed is named by its new path only.
    let stays = nodes.iter().all(|node| *node.change_type != "RENAMED");
    let paths: Option<BTreeSet<String>> = nodes.iter().map(|node| node.path.clone()).collect();
    paths.filter(|_| is_whole && stays)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(pull: &Value) -> Option<PullHead> {
        one_head(&read(pull).unwrap_or_default())
    }

    fn pull(more: Value) -> Value {
        let mut pull = json!({
            "baseRefName": "main", "baseRefOid": "old", "baseRef": {"target": {"oid": "now"}}, "headRefOid": "head",
            "mergeable": "MERGEABLE", "potentialMergeCommit": null,
            "files": {"totalCount": 1, "nodes": [{"path": "Dockerfile", "changeType": "MODIFIED"}]},
        });
        pull.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        pull
    }

    #[test]
    fn a_pull_request_goes_on_top_of_what_it_would_be_merged_into() {
        let base = |more: Value| stands(&pull(more)).map(|head| head.base);
        let merge = json!({"potentialMergeCommit": {"oid": "m", "parents": {"nodes": [{"oid": "its"}]}}});
        assert_eq!(base(merge).as_deref(), Some("its"));
        assert_eq!(base(json!({})).as_deref(), Some("now"));
        assert_eq!(
            base(json!({"baseRef": null})).as_deref(),
            Some("old"),
            "the branch is gone"
        );
        assert_eq!(stands(&Value::Null), None);
        assert!(stands(&pull(json!({"mergeable": "CONFLICTING"}))).is_some_and(|head| head.conflicts));
    }

    #[test]
    fn files_are_known_only_where_all_are() {
        let of = |files: Value| stands(&pull(json!({ "files": files }))).and_then(|head| head.files);
        assert_eq!(of(json!({"totalCount": 0, "nodes": []})), Some(BTreeSet::new()));
        let node = |kind: &str| json!({"path": "a", "changeType": kind});
        assert_eq!(
            of(json!({"totalCount": 1, "nodes": [node("ADDED")]})),
            Some(BTreeSet::from(["a".to_owned()]))
        );
        assert_eq!(of(json!({"totalCount": 3000, "nodes": [node("ADDED")]})), None);
        assert_eq!(of(json!({"totalCount": 1, "nodes": [node("RENAMED")]})), None);
        assert_eq!(of(Value::Null), None);
    }
}
