//! Rule sets by name: the built-in one, files and directories; each list of them is loaded once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config;
use crate::rules::diagnostic::Texts;
use crate::rules::{Diagnostic, RuleSet};
use crate::run::rule_files::{self, BUILTIN, Unreadable};

/// Rule files by name, in their order.
pub type Files = Vec<(String, Vec<u8>)>;

/// Why rules cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SetError {
    /// A file or directory cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Arc<Unreadable>),
    /// The rules have faults; the text shows each with its place.
    #[error("{text}")]
    Faults {
        /// The faults.
        faults: Vec<Diagnostic>,
        /// The faults, for people.
        text: String,
    },
}

/// Loads rule sets. Where the current directory holds the built-in rules' files, those stand for `builtin`, so that an
/// edit counts without a build.
#[derive(Debug, Default)]
pub struct RuleSets {
    loaded: Mutex<HashMap<Vec<PathBuf>, Loaded>>,
}

/// A rule set, or why there is none.
type Loaded = Result<Arc<RuleSet>, SetError>;

/// The name of the built-in rule set.
pub const BUILTIN_NAME: &str = "builtin";

/// The name of the built-in rule set that appends a test for developers.
pub const FEEDBACK_NAME: &str = "feedback";

/// The folder that stands for the built-in rules, where the current directory has it.
pub fn builtin_folder() -> Option<&'static Path> {
    let there = BUILTIN.iter().all(|(name, _)| Path::new(name).is_file());
    there.then_some(Path::new("rules"))
}

/// Reads the files of rule sets; `builtin` is the built-in one.
///
/// # Errors
/// The first file or directory that cannot be read.
pub fn read(sets: &[PathBuf]) -> Result<Files, Unreadable> {
    let folder = builtin_folder();
    let mut wanted: Vec<config::RuleSet> = Vec::new();
    for set in sets {
        let set = match (set.as_path(), folder) {
            (path, Some(folder)) if path == Path::new(BUILTIN_NAME) => config::RuleSet::Path(folder.to_owned()),
            (path, None) if path == Path::new(BUILTIN_NAME) => config::RuleSet::Builtin,
            (path, _) if path == Path::new(FEEDBACK_NAME) => config::RuleSet::Feedback,
            (path, Some(folder)) if path.components().eq(folder.components()) => {
                config::RuleSet::Path(folder.to_owned())
            }
            (path, _) => config::RuleSet::Path(path.to_owned()),
        };
        if !wanted.contains(&set) {
            wanted.push(set);
        }
    }
    rule_files::read(&wanted)
}

impl RuleSets {
    /// Loads a list of rule sets, or returns what came of it before.
    ///
    /// # Errors
    /// A file that cannot be read, or the faults of all files.
    pub fn load(&self, sets: &[PathBuf]) -> Loaded {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = loaded.get(sets) {
            return known.clone();
        }
        let result = load(sets);
        loaded.insert(sets.to_vec(), result.clone());
        result
    }
}

fn load(sets: &[PathBuf]) -> Loaded {
    let files = read(sets).map_err(Arc::new)?;
    RuleSet::load(&files).map(Arc::new).map_err(|faults| {
        let texts = Texts::new(&files);
        let text = faults
            .iter()
            .map(|fault| texts.show(fault))
            .collect::<Vec<_>>()
            .join("\n");
        SetError::Faults { faults, text }
    })
}
