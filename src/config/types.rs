//! The valid form: what the rest of the program gets to see. Every path is as seen from the current directory.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::sources::Sources;
use crate::base::{Date, Release, RepoName};
use crate::finding::policy::AuditPolicy;
use crate::github::Credential;
use crate::plan::{Accept, Adopt, Policy};
use crate::targets::{Chosen, TARGETS};
use crate::told;

/// A configuration without faults, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it was read from, as named by the person.
    pub file: String,
    /// Where metadata, configs and sources are read from.
    pub sources: Sources,
    /// The releases to look after.
    pub releases: Releases,
    /// The rule sets; later ones refine earlier ones.
    pub rules: Vec<RuleSet>,
    /// What is rendered.
    pub targets: Vec<Chosen>,
    /// Configured targets that this run leaves out. What depends on their files waits for a whole run.
    pub left_out: Vec<Chosen>,
    /// Where pull requests go.
    pub forge: Forge,
    /// The folder of clones, caches and the journal.
    pub state: PathBuf,
    /// When the daemon makes a full run: a cron expression with seconds.
    pub schedule: String,
    /// Where the daemon's HTTP server listens.
    pub listen: SocketAddr,
    /// The form of the daemon's log.
    pub log: Log,
    /// The address at which people reach the daemon, without a slash at its end.
    pub service: Option<String>,
    /// Where people find the rule files, without a slash at the end.
    pub rules_web: Option<String>,
    /// Which of several replicas writes; `None`: there is one.
    pub lease: Option<Lease>,
    /// Who may look at the HTTP server, and whose webhooks it believes.
    pub server: Server,
    /// What drift is acted on.
    pub adopt: Adopt,
    /// Deviations that people have accepted.
    pub accept: Vec<Accept>,
    /// What is done with findings.
    pub audit: AuditPolicy,
    /// What developers are told.
    pub feedback: Feedback,
    /// Bounds that stop a run that would do too much.
    pub limits: Limits,
}

impl Config {
    /// A sentence about each group of targets of which only a part is configured: its files change together.
    pub fn parts_of_groups(&self) -> Vec<String> {
        let mut groups: Vec<&str> = TARGETS.iter().map(|target| target.group).collect();
        groups.sort_unstable();
        groups.dedup();
        let names = |group: &str, configured: bool| {
            let is_there = |name: &str| self.targets.iter().any(|chosen| chosen.target.name == name);
            let all = TARGETS.iter().filter(|target| target.group == group);
            let all = all
                .map(|target| target.name)
                .filter(|name| is_there(name) == configured);
            all.collect::<Vec<_>>().join(", ")
        };
        let told = groups.into_iter().filter_map(|group| {
            let (has, lacks) = (names(group, true), names(group, false));
            (!has.is_empty() && !lacks.is_empty()).then(|| {
                format!("of group {group}, whose files change together, `targets` has {has} and leaves out {lacks}: nothing of these is looked at")
            })
        });
        told.collect()
    }

    /// Adoption and acceptance on a day; with `None` no acceptance has expired.
    pub fn policy(&self, today: Option<Date>) -> Policy {
        Policy {
            accept: self.accept.clone(),
            adopt: self.adopt.clone(),
            today,
        }
    }
}

/// What developers are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// Open pull requests of others; `None`: they are told nothing.
    pub pulls: Option<Pulls>,
    /// Images that do not build after a merge; `None`: nobody is told of them.
    pub breaks: Option<Breaks>,
    /// Images that nobody is to hear of for a while.
    pub silence: Vec<Silence>,
}

/// Which pull requests of others are told what they would do, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulls {
    /// Patterns of repositories.
    pub repositories: Vec<String>,
    /// The form of an answer.
    pub form: PullForm,
    /// Whether an answer holds a pull request up that breaks OKD.
    pub breaks_fail: bool,
    /// Which answers a comment gives as well.
    pub comment: Comment,
    /// The most answers within an hour.
    pub max_new: usize,
}

/// Which answers about pull requests are given in a comment as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comment {
    /// None.
    Never,
    /// Those that say that OKD breaks.
    Breaks,
    /// Those that say that OKD breaks or gets another image.
    Changes,
}

/// The form of an answer about a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullForm {
    /// A check run.
    Check,
    /// A commit status.
    Status,
}

/// Where it is told once that an image does not build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaks {
    /// In which form.
    pub form: told::Form,
    /// The repository of the table.
    pub table: Option<RepoName>,
    /// The most comments and issues that are begun within an hour.
    pub max_new: usize,
    /// Whether a comment or issue names who approves changes of the component.
    pub owners: bool,
}

/// An image that nobody is to hear of for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Where it stands, `FILE:LINE`.
    pub at: String,
    /// Its payload tag.
    pub image: String,
    /// Only in this release.
    pub release: Option<Release>,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// The last day on which it holds.
    pub until: Date,
}

/// The releases to look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Releases {
    /// Every release with a branch in build data and an active promotion.
    Auto,
    /// These, in the order given.
    List(Vec<Release>),
}

/// One set of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSet {
    /// The one in the binary.
    Builtin,
    /// The one in the binary that appends a test for feedback to developers.
    Feedback,
    /// A file, or a directory of files.
    Path(PathBuf),
}

/// Where pull requests go.
#[derive(Clone, Debug, PartialEq)]
pub enum Forge {
    /// GitHub, or a server with its API.
    GitHub {
        /// The API's URL, without a slash at its end.
        api: String,
        /// What requests are signed with.
        credential: Credential,
        /// How pull requests are made.
        options: Box<crate::forge::github::Options>,
    },
    /// Branches in local repositories and a record for each pull request.
    Local {
        /// The folder of records.
        dir: PathBuf,
    },
}

/// The form of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// For people on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Log {
    pub(super) const ALL: [Self; 3] = [Self::Auto, Self::Text, Self::Json];

    /// The name as the configuration has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The Kubernetes Lease whose holder writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub name: String,
    /// Its namespace; `None`: the one that the service runs in.
    pub namespace: Option<String>,
    /// How long it lasts after a renewal, in seconds.
    pub duration: u64,
}

/// Who may look at the HTTP server, and whose webhooks it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Who may look.
    pub access: Access,
    /// Whether `/metrics` is answered to everybody.
    pub open_metrics: bool,
    /// What GitHub signs its deliveries with; `None`: no delivery is taken.
    pub webhook: Option<Secret>,
}

/// Who may look at the HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches it, which is this machine.
    Machine,
    /// Whoever has the token.
    Token(Secret),
    /// Whoever the proxy in front lets through.
    Proxy,
}

/// Where a secret that is one text is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The environment variable that holds it.
    Env(String),
    /// The file that holds it.
    File(PathBuf),
}

/// Bounds that stop a run that would do too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// More removals than this in one pull request stop it.
    pub removals: usize,
}
