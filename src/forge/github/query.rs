//! The GraphQL questions, and the form of their answers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::RepoName;
use crate::base::loose::{Loose, May};
use crate::github::{Fault, FaultKind, Reader};

/// Everything about one pull request: branches, history, and what is at a number of paths (`$p0`, …) of the base. The
/// paths are variables, so that no name can break out.
pub fn look(paths: usize) -> String {
    let (variables, fields) = objects(paths);
    format!(
        "query Look($owner: String!, $name: String!, {OF_LOOK}{variables}) {{\n  repository(owner: $owner, name: $name) {{\n{fields}{LOOK}"
    )
}

const OF_LOOK: &str = "$base: String!, $headOwner: String!, $headName: String!, $head: String!, $branch: String!";
const LOOK: &str = "    nameWithOwner
    isArchived
    base: ref(qualifiedName: $base) { target { oid ... on Commit { tree { oid } } } }
    pullRequests(headRefName: $branch, last: 50, orderBy: {field: CREATED_AT, direction: ASC}) {
      nodes {
        number
        state
        title
        body
        createdAt
        baseRefName
        headRefOid
        viewerDidAuthor
        headRepository { nameWithOwner }
        labels(first: 100) { nodes { name } }
        commits(last: 1) { nodes { commit { message } } }
      }
    }
    train: pullRequests(headRefName: \"lockstep/cut\", last: 3, orderBy: {field: CREATED_AT, direction: ASC}) {
      nodes { number state body headRepository { nameWithOwner } }
    }
  }
  fork: repository(owner: $headOwner, name: $headName) {
    id
    nameWithOwner
    head: ref(qualifiedName: $head) {
      target { oid ... on Commit { message author { name email } committer { email } parents(first: 2) { totalCount nodes { oid } } } }
    }
  }
}";

/// The last pull requests of a branch cut, and where its branch is.
pub const TRAIN: &str = "\
query Train($owner: String!, $name: String!, $headOwner: String!, $headName: String!, $head: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    pullRequests(headRefName: $branch, last: 10, orderBy: {field: CREATED_AT, direction: ASC}) {
      nodes { number state body headRepository { nameWithOwner } }
    }
  }
  fork: repository(owner: $headOwner, name: $headName) {
    id
    nameWithOwner
    head: ref(qualifiedName: $head) {
      target { oid ... on Commit { message author { name email } committer { email } parents(first: 2) { totalCount nodes { oid } } } }
    }
  }
}";

/// Where [`look`] and [`TRAIN`] list pull requests, whoever's.
const PULLS: [[&str; 3]; 2] = [
    ["repository", "pullRequests", "nodes"],
    ["repository", "train", "nodes"],
];

/// Asks a question that lists pull requests. One whose head's repository may not be seen is none of ours and is left: anybody can open
/// one, from a private fork.
///
/// # Errors
/// Any other part of it could not be read.
pub fn ask_of_pulls<T: DeserializeOwned>(
    reader: &Reader,
    repo: &RepoName,
    text: &str,
    variables: Value,
    what: &str,
) -> Result<T, Fault> {
    let mut answer = reader.ask_parts(repo, text, variables, what.to_owned())?;
    for list in PULLS {
        answer.leave_barred(&list, "headRepository");
    }
    read(answer.whole(what.to_owned())?, what)
}

/// Reads data of an answer as what it is.
///
/// # Errors
/// It is something else.
pub fn read<T: DeserializeOwned>(data: Value, what: &str) -> Result<T, Fault> {
    serde_json::from_value(data).map_err(|error| Fault {
        what: what.to_owned(),
        kind: FaultKind::Garbled(error.to_string()),
    })
}

/// The comments of a pull request that may matter: the latest.
pub const COMMENTS: &str = "\
query Comments($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(last: 100) {
        nodes { databaseId body createdAt lastEditedAt authorAssociation viewerDidAuthor }
      }
    }
  }
}";

/// Sets, makes or deletes a branch if it is where it was seen.
pub const UPDATE_REF: &str = "\
mutation UpdateRef($repository: ID!, $name: GitRefname!, $before: GitObjectID!, $after: GitObjectID!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: [{name: $name, beforeOid: $before, afterOid: $after, force: true}]}) {
    clientMutationId
  }
}";

/// The object id that stands for no object.
pub const NONE: &str = "0000000000000000000000000000000000000000";

/// What is at a number of paths (`$p0`, …) of a commit.
pub fn files(paths: usize) -> String {
    let (variables, fields) = objects(paths);
    format!(
        "query Files($owner: String!, $name: String!{variables}) {{\n  repository(owner: $owner, name: $name) {{\n{fields}  }}\n}}"
    )
}

fn objects(paths: usize) -> (String, String) {
    use std::fmt::Write as _;
    let (mut variables, mut fields) = (String::new(), String::new());
    for n in 0..paths {
        let _ = write!(variables, ", $p{n}: String!");
        let _ = writeln!(fields, "    f{n}: object(expression: $p{n}) {{ __typename oid }}");
    }
    (variables, fields)
}

/// The texts of files at a number of paths (`$q0`, …) of a commit.
pub fn texts(paths: usize) -> String {
    use std::fmt::Write as _;
    let (mut variables, mut fields) = (String::new(), String::new());
    for n in 0..paths {
        let _ = write!(variables, ", $q{n}: String!");
        let _ = writeln!(
            fields,
            "    t{n}: object(expression: $q{n}) {{ __typename ... on Blob {{ text }} }}"
        );
    }
    format!(
        "query Texts($owner: String!, $name: String!{variables}) {{\n  repository(owner: $owner, name: $name) {{\n{fields}  }}\n}}"
    )
}

/// The answer to [`look`].
#[derive(Debug, Deserialize)]
pub struct LookAnswer {
    /// The repository of the base.
    pub repository: Option<Target>,
    /// The repository of the head, which may be the same.
    pub fork: Option<Fork>,
}

/// The answer to [`files`] and [`texts`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OfCommit {
    /// What is at the paths.
    pub repository: May<Objects>,
}

/// What is at paths, by the name of its field.
pub type Objects = BTreeMap<String, Loose<Object>>;

/// What is at a path.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    /// `Blob`, `Tree`, …; nothing where nothing is there.
    #[serde(rename = "__typename")]
    pub kind: May<String>,
    /// Its id.
    pub oid: Loose<String>,
    /// The text of a file.
    pub text: May<String>,
}

/// The answer to [`COMMENTS`].
#[derive(Debug, Deserialize)]
pub struct CommentsAnswer {
    /// The repository.
    pub repository: Option<OfPull>,
}

/// A pull request of a repository, as far as it is asked what was said there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfPull {
    /// The pull request.
    pub pull_request: Option<Conversation>,
}

/// What was said on a pull request.
#[derive(Debug, Deserialize)]
pub struct Conversation {
    /// The comments.
    pub comments: Option<Nodes<Comment>>,
}

/// The answer to [`UPDATE_REF`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Updated {
    /// There where the branch was set.
    pub update_refs: May<BTreeMap<String, Value>>,
}

/// The answer to [`TRAIN`].
#[derive(Debug, Deserialize)]
pub struct Steps {
    /// The repository of the base.
    pub repository: Option<StepTarget>,
    /// The repository of the head, which may be the same.
    pub fork: Option<Fork>,
}

/// The pull requests of a branch cut, oldest first.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepTarget {
    /// The pull requests.
    pub pull_requests: Nodes<StepPull>,
}

/// A pull request of a branch cut.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPull {
    /// Its number.
    pub number: u64,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: String,
    /// Its body.
    pub body: String,
    /// The repository of its head; `None` once that is deleted.
    pub head_repository: Option<Named>,
}

/// The repository of the base.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its name now: it may have been renamed.
    pub name_with_owner: String,
    /// Whether it is read-only.
    pub is_archived: bool,
    /// The base branch.
    pub base: Option<Ref<BaseCommit>>,
    /// The pull requests from branches of that name, whoever's, oldest first.
    pub pull_requests: Nodes<Pull>,
    /// The last ones of a branch cut.
    pub train: Nodes<StepPull>,
    /// What is at the paths of the base, as `f0`, ….
    #[serde(flatten)]
    pub files: Objects,
}

/// The repository of the head.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fork {
    /// Its id.
    pub id: String,
    /// Its name now.
    pub name_with_owner: String,
    /// The head branch.
    pub head: Option<Ref<HeadCommit>>,
}

/// A branch.
#[derive(Debug, Deserialize)]
pub struct Ref<T> {
    /// Its commit.
    pub target: T,
}

/// The base's commit.
#[derive(Debug, Deserialize)]
pub struct BaseCommit {
    /// Its id.
    pub oid: String,
    /// Its tree.
    pub tree: Oid,
}

/// The head's commit.
#[derive(Debug, Deserialize)]
pub struct HeadCommit {
    /// Its id.
    pub oid: String,
    /// Its message.
    pub message: String,
    /// Who wrote it.
    pub author: Option<Actor>,
    /// Who made it.
    pub committer: Option<Actor>,
    /// What it stands on.
    pub parents: Parents,
}

/// What a commit stands on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parents {
    /// How many.
    pub total_count: u64,
    /// The first of them.
    pub nodes: Vec<Oid>,
}

/// An object.
#[derive(Debug, Deserialize)]
pub struct Oid {
    /// Its id.
    pub oid: String,
}

/// Somebody, as commits have it.
#[derive(Debug, Deserialize)]
pub struct Actor {
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// A list.
#[derive(Debug, Deserialize)]
pub struct Nodes<T> {
    /// Its items.
    pub nodes: Vec<T>,
}

/// A pull request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: String,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// When it was opened.
    pub created_at: String,
    /// The branch that it is made against.
    pub base_ref_name: String,
    /// The commit that its branch had last.
    pub head_ref_oid: Option<String>,
    /// Whether it is ours.
    pub viewer_did_author: bool,
    /// The repository of its head; `None` once that is deleted.
    pub head_repository: Option<Named>,
    /// Its labels.
    pub labels: Option<Nodes<Label>>,
    /// Its last commit.
    pub commits: Nodes<PullCommit>,
}

/// A repository's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The name.
    pub name_with_owner: String,
}

/// A label.
#[derive(Debug, Deserialize)]
pub struct Label {
    /// Its name.
    pub name: String,
}

/// A commit of a pull request.
#[derive(Debug, Deserialize)]
pub struct PullCommit {
    /// The commit.
    pub commit: Message,
}

/// A commit's message.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// The message.
    pub message: String,
}

/// A comment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Its id for REST.
    pub database_id: Option<u64>,
    /// Its text.
    pub body: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last edited.
    pub last_edited_at: Option<String>,
    /// What its author is to the repository.
    pub author_association: String,
    /// Whether it is ours.
    pub viewer_did_author: bool,
}

impl Comment {
    /// When its text came to be.
    pub fn at(&self) -> &str {
        self.last_edited_at.as_deref().unwrap_or(&self.created_at)
    }
}
