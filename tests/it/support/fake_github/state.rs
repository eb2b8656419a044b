//! What is in the fake: repositories, branches, objects, pull requests, comments, labels.

use std::collections::{BTreeMap, BTreeSet};

use git2::{FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time};

/// Who the credential belongs to.
pub const BOT: &str = "okd-lockstep[bot]";

pub struct State {
    /// Where that is; it goes with the state.
    _dir: tempfile::TempDir,
    /// Holds the objects of all repositories, as a network of forks shares them.
    pub git: Repository,
    pub repos: BTreeMap<String, Repo>,
    /// What was reported on commits: context, state, address and who, by commit.
    pub statuses: BTreeMap<String, Vec<[String; 4]>>,
    /// Check runs by commit.
    pub checks: BTreeMap<String, Vec<serde_json::Value>>,
    /// Commits whose suite of checks waits, since somebody has pressed the button, until a check of it is written.
    pub waiting: BTreeSet<String>,
    /// Statuses that were set through the API, the newest first, by commit.
    pub set_statuses: BTreeMap<String, Vec<serde_json::Value>>,
    /// Renamed repositories.
    pub renamed: BTreeMap<String, String>,
    /// GraphQL's fields that take too long: the end of an argument's value, or the field's name.
    pub fails: BTreeSet<String>,
    /// Repositories of others that nobody of ours may see.
    pub barred: BTreeSet<String>,
    /// Nobody of ours may open an issue.
    pub read_only_issues: bool,
    /// What the App may do, where that is something else than usual.
    pub permissions: Option<serde_json::Value>,
    clock: u64,
    ids: u64,
}

#[derive(Clone, Default)]
pub struct Repo {
    pub id: u64,
    pub name: String,
    pub archived: bool,
    pub refs: BTreeMap<String, String>,
    pub pulls: Vec<Pull>,
    pub issues: Vec<super::issues::Issue>,
    /// Issues are turned off.
    pub without_issues: bool,
    /// People who may write.
    pub writers: Vec<String>,
    /// The repository that this is a fork of.
    pub parent: Option<String>,
    /// Nobody of ours may push.
    pub read_only: bool,
    /// Types of rules that are in force, each for branches whose names start so.
    pub rules: Vec<(String, &'static str)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    pub id: u64,
    pub number: u64,
    pub state: PullState,
    pub title: String,
    pub body: String,
    pub author: String,
    pub base: String,
    pub head: String,
    /// Deleted forks leave none.
    pub head_repo: Option<String>,
    pub head_owner: String,
    pub head_sha: String,
    pub base_sha: String,
    /// The commit that merging it would make.
    pub merge_sha: Option<String>,
    /// Where lists have its head, as of a moment before.
    pub listed: Option<String>,
    /// Whether it does not merge.
    pub conflicts: bool,
    pub draft: bool,
    pub labels: Vec<String>,
    pub reviewers: Vec<String>,
    pub assignees: Vec<String>,
    pub comments: Vec<Comment>,
    pub created_at: String,
}

impl Pull {
    /// An open one of ann's, from a branch of the repository itself.
    pub fn open(number: u64, repo: &str, base: (&str, &str), head: (&str, &str)) -> Self {
        Self {
            id: number,
            number,
            state: PullState::Open,
            title: "A change".to_owned(),
            body: String::new(),
            author: "ann".to_owned(),
            base: base.0.to_owned(),
            head: head.0.to_owned(),
            head_repo: Some(repo.to_owned()),
            head_owner: repo.split('/').next().unwrap_or_default().to_owned(),
            head_sha: head.1.to_owned(),
            base_sha: base.1.to_owned(),
            merge_sha: None,
            listed: None,
            conflicts: false,
            draft: false,
            labels: Vec::new(),
            reviewers: Vec::new(),
            assignees: Vec::new(),
            comments: Vec::new(),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullState {
    Open,
    Closed,
    Merged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    pub id: u64,
    pub author: String,
    pub association: &'static str,
    pub body: String,
    pub created_at: String,
    pub edited_at: Option<String>,
}

impl State {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false);
        let git = Repository::init_opts(dir.path(), &options).unwrap();
        Self {
            _dir: dir,
            git,
            repos: BTreeMap::new(),
            statuses: BTreeMap::new(),
            checks: BTreeMap::new(),
            waiting: BTreeSet::new(),
            fails: BTreeSet::new(),
            barred: BTreeSet::new(),
            read_only_issues: false,
            set_statuses: BTreeMap::new(),
            renamed: BTreeMap::new(),
            permissions: None,
            clock: 1_700_000_000,
            ids: 1_000,
        }
    }

    /// The time of the fake; each look at it is a second later.
    pub fn tick(&mut self) -> String {
        self.clock += 1;
        time(self.clock)
    }

    /// Lets time go by.
    pub fn pass(&mut self, seconds: u64) {
        self.clock += seconds;
    }

    pub fn now(&self) -> u64 {
        self.clock
    }

    pub fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// A repository by name, followed where it was renamed.
    pub fn repo(&self, name: &str) -> Option<&Repo> {
        let name = self.renamed.get(name).map_or(name, String::as_str);
        self.repos.values().find(|repo| repo.name.eq_ignore_ascii_case(name))
    }

    pub fn repo_mut(&mut self, name: &str) -> Option<&mut Repo> {
        let name = self.renamed.get(name).cloned().unwrap_or_else(|| name.to_owned());
        self.repos
            .values_mut()
            .find(|repo| repo.name.eq_ignore_ascii_case(&name))
    }

    pub fn repo_by_id(&self, id: &str) -> Option<String> {
        self.repos
            .values()
            .find(|repo| node_id(repo.id) == id)
            .map(|repo| repo.name.clone())
    }

    pub fn blob(&self, bytes: &[u8]) -> String {
        self.git.blob(bytes).unwrap().to_string()
    }

    /// A tree with changes: a mode and an object, or nothing, at each path.
    pub fn tree(
        &self,
        base: Option<&str>,
        changes: &BTreeMap<String, Option<(i32, String)>>,
    ) -> Result<String, String> {
        let oid = |text: &str| Oid::from_str(text).map_err(|error| error.message().to_owned());
        let empty = self.git.treebuilder(None).unwrap().write().unwrap();
        let base = base.map_or(Ok(empty), oid)?;
        let base = self.git.find_tree(base).map_err(|error| error.message().to_owned())?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, change) in changes {
            match change {
                Some((mode, id)) => {
                    let mode = match mode {
                        0o100_755 => FileMode::BlobExecutable,
                        0o120_000 => FileMode::Link,
                        _ => FileMode::Blob,
                    };
                    let id = oid(id)?;
                    self.git
                        .find_object(id, Some(ObjectType::Blob))
                        .map_err(|_| "no such blob".to_owned())?;
                    update.upsert(path.as_str(), id, mode);
                }
                None => {
                    update.remove(path.as_str());
                }
            }
        }
        update
            .create_updated(&self.git, &base)
            .map(|id| id.to_string())
            .map_err(|error| error.message().to_owned())
    }

    pub fn commit(
        &mut self,
        tree: &str,
        parents: &[String],
        message: &str,
        who: (&str, &str),
    ) -> Result<String, String> {
        self.clock += 1;
        let oid = |text: &str| Oid::from_str(text).map_err(|error| error.message().to_owned());
        let tree = self
            .git
            .find_tree(oid(tree)?)
            .map_err(|error| error.message().to_owned())?;
        let mut found = Vec::new();
        for parent in parents {
            found.push(
                self.git
                    .find_commit(oid(parent)?)
                    .map_err(|error| error.message().to_owned())?,
            );
        }
        let found: Vec<_> = found.iter().collect();
        let signature = Signature::new(who.0, who.1, &Time::new(self.clock as i64, 0)).unwrap();
        let made = self.git.commit(None, &signature, &signature, message, &tree, &found);
        made.map(|id| id.to_string())
            .map_err(|error| error.message().to_owned())
    }

    /// The texts of a branch's files.
    pub fn files(&self, repo: &str, branch: &str) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let Some(commit) = self.branch(repo, branch) else {
            return files;
        };
        let tree = self
            .git
            .find_commit(Oid::from_str(&commit).unwrap())
            .unwrap()
            .tree()
            .unwrap();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                let blob = self.git.find_blob(entry.id()).unwrap();
                let text = String::from_utf8_lossy(blob.content()).into_owned();
                files.insert(format!("{folder}{}", entry.name().unwrap()), text);
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        files
    }

    pub fn branch(&self, repo: &str, branch: &str) -> Option<String> {
        self.repo(repo)?.refs.get(&format!("refs/heads/{branch}")).cloned()
    }

    /// Moves a branch, and what GitHub does along with it.
    pub fn set_ref(&mut self, repo: &str, name: &str, to: Option<String>) {
        let full = self.repo(repo).unwrap().name.clone();
        let refs = &mut self.repo_mut(repo).unwrap().refs;
        match &to {
            Some(oid) => refs.insert(name.to_owned(), oid.clone()),
            None => refs.remove(name),
        };
        let branch = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
        for other in self.repos.values_mut() {
            for pull in &mut other.pulls {
                if pull.state == PullState::Open && pull.head == branch && pull.head_repo.as_deref() == Some(&full) {
                    match &to {
                        Some(oid) => pull.head_sha.clone_from(oid),
                        None => pull.state = PullState::Closed, // a pull request without a branch is closed
                    }
                }
            }
        }
    }
}

pub fn node_id(id: u64) -> String {
    format!("R_{id}")
}

pub fn time(seconds: u64) -> String {
    let date = String::from(lockstep::base::Date::of_unix(seconds as i64));
    let of_day = seconds % 86_400;
    format!(
        "{date}T{:02}:{:02}:{:02}Z",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    )
}
