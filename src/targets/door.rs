//! What a target is to the rest of the program.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::asking::OwnRules;
use super::{Actual, Options, Rendered};
use crate::base::RepoName;
use crate::derive::here::{self, Here};
use crate::derive::konflux::{self, Konflux};
use crate::derive::{Derived, Release};
use crate::finding::Finding;
use crate::model::build_config::BuildConfig;
use crate::model::metadata::Metadata;
use crate::plan::{Desired, Policy};
use crate::yaml::keys::Section;

/// A target: all that the rest of the program knows of it.
pub struct Target {
    /// The name, as configuration, command line and plans have it.
    pub name: &'static str,
    /// The group: its files change in one pull request with those of other targets of the group.
    pub group: &'static str,
    /// What it makes, in a sentence without its full stop.
    pub about: &'static str,
    /// Where it writes, in words.
    pub place: &'static str,
    /// What it owns: files, fields and items that it keeps as derived.
    pub owns: &'static str,
    /// What it sets in new files only.
    pub seeds: &'static str,
    /// What it leaves alone.
    pub leaves: &'static str,
    /// Its options, with their schema.
    pub options: &'static Section,
    /// The targets whose files its own are made from. Where one of them is not configured, its files are taken as they are.
    pub after: &'static [&'static str],
    /// The branches of repositories that it writes to for a release.
    pub destinations: fn(&Ask<'_>) -> Result<Vec<Destination>, Vec<Finding>>,
    /// What it looks at there: all of it is read before [`Self::render`] is called, and nothing else.
    pub reads: fn(&Ask<'_>, &RepoName) -> Result<Reads, Vec<Finding>>,
    /// Folders that it looks at in each component's repository: they are read together with Dockerfiles where many repositories
    /// are asked for at once.
    pub folders: &'static [&'static str],
    /// Renders its files of one destination.
    pub render: fn(&Ask<'_>, &Actual) -> Rendered,
    /// What it does in a branch cut.
    pub cut: Cut,
    /// Holds those of its files of a release that have to wait for others of them, which are in another request.
    pub wait: fn(&mut [Desired]) -> Vec<Finding>,
}

/// Of targets whose files wait for nothing.
pub fn no_wait(_: &mut [Desired]) -> Vec<Finding> {
    Vec::new()
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Target {}

/// A configured target.
#[derive(Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The target.
    pub target: &'static Target,
    /// What it is rendered with.
    pub options: Options,
}

impl Chosen {
    /// A target with its options' defaults; `None` where it has options that must be given.
    pub fn plain(target: &'static Target) -> Option<Self> {
        let given = target.options.required().next().is_some();
        (!given).then(|| Self {
            target,
            options: Options::defaults(target.options),
        })
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.target.name, self.options.all())
    }
}

/// What a target is asked for: a release's files.
pub struct Ask<'a> {
    /// The release as it was derived.
    pub release: &'a Release<'a>,
    /// The target's options.
    pub options: &'a Options,
    /// What of the drift is put right.
    pub policy: &'a Policy,
    /// What the targets came to that it goes after, by name.
    pub earlier: &'a BTreeMap<&'static str, Earlier>,
    /// What the target makes of the release once, whatever the number of its destinations.
    pub memo: Memo,
}

impl<'a> Ask<'a> {
    /// What rules say of the target's own files.
    pub fn rules(&self) -> OwnRules<'a> {
        self.release.into()
    }

    /// The repositories that images of the release are built from, each with its branch; empty where that is not known.
    pub fn repositories(&self) -> impl Iterator<Item = (&'a RepoName, &'a str)> + use<'a> {
        let configs = self.release.configs.values();
        configs.map(|config| (&config.repo, config.branch.as_str()))
    }

    /// What the rules say of Konflux for the release, as a target of this name writes it.
    ///
    /// # Errors
    /// As [`konflux::konflux`].
    pub fn konflux(&self, target: &str) -> Result<(Konflux, Vec<Finding>), Vec<Finding>> {
        konflux::konflux(self.release, target)
    }

    /// What the rules say of OKD's own pipeline for the release, as a target of this name writes it.
    ///
    /// # Errors
    /// As [`here::here`].
    pub fn here(&self, target: &str) -> Result<(Here, Vec<Finding>), Vec<Finding>> {
        here::here(self.release, target)
    }

    /// The branch of the pipeline's repository alone.
    ///
    /// # Errors
    /// Rules that failed.
    pub fn branch_here(&self, target: &str) -> Result<Derived<String>, Vec<Finding>> {
        here::branch_here(self.release, target)
    }

    /// The release's build data, as it was read.
    pub fn metadata(&self) -> &'a Metadata {
        self.release.metadata
    }

    /// The release's build config, made when it is first asked for.
    pub fn build_config(&self) -> &'a BuildConfig {
        self.release.build_config()
    }
}

/// A value that is made when it is first asked for, of whatever type a target likes.
#[derive(Default)]
pub struct Memo(OnceLock<Box<dyn Any + Send + Sync>>);

impl Memo {
    /// The value, made if this is the first time; `None` where something else was made before.
    pub fn of<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

/// What an earlier target came to.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// The files that it wants.
    pub files: Vec<Desired>,
    /// The files as they are, one a destination.
    pub actual: Vec<Actual>,
    /// Its files will be as it wants them; otherwise they stay as they are.
    pub is_written: bool,
    /// These are all of its files, not a single one that is changed by itself.
    pub is_whole: bool,
}

/// A branch of a repository that a target writes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// The CI config repository (`sources.ci-config`), one branch for all releases.
    CiConfig,
    /// The release's branch of build data (`sources.build-data`).
    BuildData,
    /// Any other repository. It is found as components are (`sources.components.repo`).
    Repository {
        /// Its name on the forge.
        name: RepoName,
        /// Its branch: the first of these that there is.
        branches: Vec<String>,
    },
    /// A branch that the release may have been built from before: what is left there may go. One that is not there is no
    /// fault.
    Former {
        /// The repository.
        name: RepoName,
        /// The branch.
        branch: String,
    },
}

impl Destination {
    /// The destination of targets that write into the CI config repository.
    ///
    /// # Errors
    /// None.
    pub fn ci_config(_: &Ask<'_>) -> Result<Vec<Self>, Vec<Finding>> {
        Ok(vec![Self::CiConfig])
    }

    /// The destinations of targets that write into each component's own repository, to the branch that it is built from.
    ///
    /// # Errors
    /// None.
    pub fn components(ask: &Ask<'_>) -> Result<Vec<Self>, Vec<Finding>> {
        let known = ask.repositories().filter(|(_, branch)| !branch.is_empty());
        let own = known.map(|(name, branch)| Self::Repository {
            name: name.clone(),
            branches: vec![branch.to_owned()],
        });
        Ok(own.collect())
    }
}

/// What a target looks at in a repository.
#[derive(Default)]
pub struct Reads {
    /// Paths of files; one that is not there is no fault.
    pub files: Vec<String>,
    /// Folders.
    pub trees: Vec<Tree>,
    /// What is read besides, once this is known of what is there.
    pub then: Option<Then>,
    /// Says, once those are read, what is to be known of other repositories.
    pub beside: Option<fn(&Ask<'_>, &Actual) -> Vec<Beside>>,
}

/// What is read besides, by what was read first.
pub type Then = Box<dyn Fn(&Actual) -> Reads + Send + Sync>;

impl Reads {
    /// Whether a file of a path is among what is looked at.
    pub fn cover(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path) || self.trees.iter().any(|tree| tree.covers(path))
    }
}

/// Something of a repository that a target does not write to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beside {
    /// The repository. It is found as components are.
    pub repo: RepoName,
    /// Its branch.
    pub branch: String,
    /// The path of a file.
    pub path: String,
    /// What is to be known of the file.
    pub what: Question,
}

/// What is to be known of a file of another repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// What it says.
    Text,
    /// Whether it was changed after a file of the target's own repository was, by that one's path.
    ChangedAfter(String),
}

/// What was found of a file of another repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What it says.
    Text(Arc<[u8]>),
    /// It is not there.
    Absent,
    /// It was changed later, by this commit.
    Later(String),
    /// It was not changed later.
    NotLater,
    /// What is here does not tell, and why.
    Unknown(String),
}

/// The files of a folder and of the folders in it.
pub struct Tree {
    /// The folder.
    pub folder: String,
    /// How many levels of folders are looked into; 1: this one only.
    pub depth: usize,
    /// Which paths are read.
    pub wanted: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// What `wanted` depends on, where the list of paths is worth keeping between runs: the same commit, folder and key, the
    /// same list.
    pub key: Option<String>,
}

impl Tree {
    /// Whether a path is among those that are read, should a file be there.
    fn covers(&self, path: &str) -> bool {
        let below = match self.folder.as_str() {
            "" => Some(path),
            folder => path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
        };
        below.is_some_and(|below| below.split('/').count() <= self.depth) && (self.wanted)(path)
    }

    /// All files of a folder.
    pub fn of(folder: impl Into<String>, depth: usize) -> Self {
        Self {
            folder: folder.into(),
            depth,
            wanted: Box::new(|_| true),
            key: None,
        }
    }

    /// Only the files that a predicate wants.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.wanted = Box::new(wanted);
        self
    }
}

/// What a target does in a branch cut.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// Its files are ci-operator configs: what they promote and what they are built from gives the order of the cut.
    Promotes,
    /// Its files change with those that they follow.
    Follows,
    /// Its files change in a step of their own, after all configs of the release, in the order of the targets.
    Step(&'static Step),
    /// Its files change in several steps of their own: these, and which of them a file goes in.
    Steps(&'static [&'static Step], fn(&Desired) -> &'static Step),
    /// Its files are made from all configs together: each step has them as they are after it.
    WithPromotions,
    /// It takes no part: its files follow by themselves once the release is derived from its new branches.
    None,
}

impl PartialEq for Cut {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.steps() == other.steps()
    }
}

impl Eq for Cut {}

impl Cut {
    /// The steps of its own that it has.
    pub fn steps(self) -> Vec<&'static Step> {
        match self {
            Self::Step(step) => vec![step],
            Self::Steps(steps, _) => steps.to_vec(),
            Self::Promotes | Self::Follows | Self::WithPromotions | Self::None => Vec::new(),
        }
    }
}

/// Where a target's own step stands among those of the configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// Before any config of the release promotes: what its payload needs has to be there.
    Before,
    /// Together with the configs that promote first; by itself where some promote already, and not at all where none does.
    WithFirst,
    /// After all configs of the release.
    After,
    /// After the configs of all releases of the cut.
    AfterAll,
}

/// A step of a cut.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// Where it stands among the targets' own steps; lower ones go first.
    pub at: u32,
    /// Where it stands among the configs' steps.
    pub when: When,
    /// Its kind, as the train's JSON has it.
    pub name: &'static str,
    /// What happens, behind the release's number and a colon.
    pub title: &'static str,
    /// Why it stands where it does.
    pub because: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_covers_files_that_may_come() {
        let reads = Reads {
            files: vec!["a/x.yaml".into()],
            trees: vec![Tree::of("b", 2)],
            then: None,
            beside: None,
        };
        for path in ["a/x.yaml", "b/y", "b/c/y"] {
            assert!(reads.cover(path), "{path}");
        }
        for path in ["a/y.yaml", "b", "bc/y", "b/c/d/y"] {
            assert!(!reads.cover(path), "{path}");
        }
        assert!(
            Reads {
                files: Vec::new(),
                trees: vec![Tree::of("", 1)],
                then: None,
                beside: None,
            }
            .cover("y")
        );
    }
}
