//! Finds rule files: the built-in set, directories, single files.
#![expect(clippy::disallowed_methods, reason = "reads rule files")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use git2::{ObjectType, Oid};

use crate::config;
use crate::rules::RuleSet;
use crate::rules::diagnostic::Diagnostic;

/// The built-in rules, as they stand in `rules/`.
pub const BUILTIN: &[(&str, &str)] = &[
    ("rules/10-payload.yaml", include_str!("../../rules/10-payload.yaml")),
    ("rules/20-images.yaml", include_str!("../../rules/20-images.yaml")),
    ("rules/30-from.yaml", include_str!("../../rules/30-from.yaml")),
    (
        "rules/40-ci-operator.yaml",
        include_str!("../../rules/40-ci-operator.yaml"),
    ),
    ("rules/50-prow-jobs.yaml", include_str!("../../rules/50-prow-jobs.yaml")),
    (
        "rules/60-release-controller.yaml",
        include_str!("../../rules/60-release-controller.yaml"),
    ),
    (
        "rules/62-payload-jobs.yaml",
        include_str!("../../rules/62-payload-jobs.yaml"),
    ),
    (
        "rules/65-image-mirroring.yaml",
        include_str!("../../rules/65-image-mirroring.yaml"),
    ),
    ("rules/70-payload.yaml", include_str!("../../rules/70-payload.yaml")),
    ("rules/80-audit.yaml", include_str!("../../rules/80-audit.yaml")),
    (
        "rules/85-build-data.yaml",
        include_str!("../../rules/85-build-data.yaml"),
    ),
    ("rules/85-feedback.yaml", include_str!("../../rules/85-feedback.yaml")),
    (
        "rules/90-payload-pipeline.yaml",
        include_str!("../../rules/90-payload-pipeline.yaml"),
    ),
    ("rules/95-konflux.yaml", include_str!("../../rules/95-konflux.yaml")),
];

/// The rule set `feedback`, which nobody has unless it is named.
pub const FEEDBACK: &[(&str, &str)] = &[(
    "rules/feedback/presubmit.yaml",
    include_str!("../../rules/feedback/presubmit.yaml"),
)];

/// Rule files, loaded when they are first needed: where nothing has changed they are not.
pub struct LoadedRules {
    files: Vec<(String, Vec<u8>)>,
    loaded: OnceLock<Result<Arc<RuleSet>, Vec<Diagnostic>>>,
}

impl LoadedRules {
    /// Takes the files of all sets in their order.
    pub fn new(files: Vec<(String, Vec<u8>)>) -> Self {
        Self {
            files,
            loaded: OnceLock::new(),
        }
    }

    /// Takes rules that are loaded already, without their files: nothing is remembered under their digest.
    pub fn ready(rules: Arc<RuleSet>) -> Self {
        Self {
            files: Vec::new(),
            loaded: OnceLock::from(Ok(rules)),
        }
    }

    /// The rules.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn get(&self) -> Result<&RuleSet, &[Diagnostic]> {
        self.get_with(RuleSet::load)
    }

    /// The rules, loaded by a function where they are not yet.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn get_with(
        &self,
        load: impl FnOnce(&[(String, Vec<u8>)]) -> Result<RuleSet, Vec<Diagnostic>>,
    ) -> Result<&RuleSet, &[Diagnostic]> {
        self.loaded
            .get_or_init(|| load(&self.files).inspect(warn).map(portable).map(Arc::new))
            .as_ref()
            .map(|rules| &**rules)
            .map_err(Vec::as_slice)
    }

    /// Whether a text stands in any of the files: tells without loading them that rules don't use a variable.
    pub fn mention(&self, text: &str) -> bool {
        self.files
            .iter()
            .any(|(_, bytes)| memchr::memmem::find(bytes, text.as_bytes()).is_some())
    }

    /// A digest of the files' names and contents.
    pub fn digest(&self) -> String {
        let mut bytes = Vec::new();
        for (name, text) in &self.files {
            bytes.extend(format!("{name} {}\n", text.len()).into_bytes());
            bytes.extend(text);
        }
        // libgit2 fails here only when it is out of memory; an empty digest then matches nothing that was remembered.
        Oid::hash_object(ObjectType::Blob, &bytes)
            .map(|oid| oid.to_string())
            .unwrap_or_default()
    }
}

/// Says which old names rules have.
fn warn(rules: &RuleSet) {
    for told in rules.old_names() {
        tracing::warn!("{}:{}: {}", told.file, told.pos, told.message);
    }
}

/// Names the files of rules as anybody may read them: what a rule decides is told in pull requests and on pages, and where a set is
/// named by an absolute path, that is a matter of this machine. Faults of rules are told with the whole path.
fn portable(mut rules: RuleSet) -> RuleSet {
    // They were just loaded: nobody shares them yet.
    for rule in Arc::get_mut(&mut rules.rules).into_iter().flatten() {
        rule.place.file = without_machine(&rule.place.file);
    }
    rules
}

/// The file and the folder that it is in, of an absolute path; others are as they are.
fn without_machine(path: &str) -> String {
    let path = Path::new(path);
    if !path.is_absolute() {
        return path.display().to_string();
    }
    let parts: Vec<_> = path.iter().skip(1).collect();
    let last: std::path::PathBuf = parts.iter().skip(parts.len().saturating_sub(2)).collect();
    last.display().to_string()
}

/// Rules that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file system refuses.
    #[error("rules {} cannot be read: {error}{}", path.display(), near(path))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A directory without rules.
    #[error("rules {}: the directory has no *.yaml file", .0.display())]
    Empty(PathBuf),
    /// A file that is larger than is read.
    #[error("rules {} are larger than {LARGEST} bytes, which are the most", .0.display())]
    TooLarge(PathBuf),
}

/// Which of the sets may be meant by a path that is not there.
fn near(path: &Path) -> String {
    let meant = path
        .to_str()
        .and_then(|name| crate::rules::load::near(name, &["builtin", "feedback"]));
    meant.map(|meant| format!("; {meant}")).unwrap_or_default()
}

/// The largest rule file that is read, in bytes.
const LARGEST: u64 = 8 << 20;

/// Reads the files of some rule sets in their order; the files of a directory in the order of their names.
///
/// # Errors
/// The first file or directory that cannot be read.
pub fn read(sets: &[config::RuleSet]) -> Result<Vec<(String, Vec<u8>)>, Unreadable> {
    let mut files = Vec::new();
    for set in sets {
        match set {
            config::RuleSet::Builtin => files.extend(owned(BUILTIN)),
            config::RuleSet::Feedback => files.extend(owned(FEEDBACK)),
            config::RuleSet::Path(path) => read_path(path, &mut files)?,
        }
    }
    Ok(files)
}

fn owned(files: &'static [(&str, &str)]) -> impl Iterator<Item = (String, Vec<u8>)> {
    files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
}

fn read_path(path: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Unreadable> {
    let fault = |error| unreadable(path, error);
    if !fs::metadata(path).map_err(fault)?.is_dir() {
        return read_file(path, files);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(fault)? {
        let file = entry.map_err(fault)?.path();
        if file.extension().is_some_and(|ext| ext == "yaml" || ext == "yml") {
            found.push(file);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Unreadable::Empty(path.to_owned()));
    }
    found.iter().try_for_each(|file| read_file(file, files))
}

fn unreadable(path: &Path, error: std::io::Error) -> Unreadable {
    let path = path.to_owned();
    Unreadable::Io { path, error }
}

fn read_file(path: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Unreadable> {
    let mut bytes = Vec::new();
    // The size that a file says it has is no bound: a device has none, and gives what it has for ever.
    let read = fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if read.map_err(|error| unreadable(path, error))? as u64 > LARGEST {
        return Err(Unreadable::TooLarge(path.to_owned()));
    }
    files.push((path.display().to_string(), bytes));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_rules_folder_is_built_in() {
        let mut there: Vec<String> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"))
            .expect("the rules folder")
            .map(|entry| format!("rules/{}", entry.expect("an entry").file_name().to_string_lossy()))
            .filter(|name| name.ends_with(".yaml"))
            .collect();
        there.sort();
        assert_eq!(
            there,
            BUILTIN.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn absolute_paths_do_not_leave_the_machine() {
        let text = b"rules:\n- id: x\n  because: It is.\n  on: image\n  set: {tag: own}\n".to_vec();
        for (name, shown) in [
            ("/home/ann/okd/mine.yaml", "okd/mine.yaml"),
            ("/x.yaml", "x.yaml"),
            ("mine.yaml", "mine.yaml"),
        ] {
            let rules = LoadedRules::new(vec![(name.to_owned(), text.clone())]);
            assert_eq!(rules.get().expect("rules").rules[0].place.file, shown);
        }
        let wrong = LoadedRules::new(vec![("/home/ann/mine.yaml".to_owned(), b"rules: 1\n".to_vec())]);
        let faults = wrong.get().expect_err("no list");
        assert!(format!("{faults:?}").contains("/home/ann/mine.yaml"), "{faults:?}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let missing = config::RuleSet::Path("/nowhere/rules".into());
        assert!(read(&[missing]).is_err_and(|error| error.to_string().contains("/nowhere/rules")));
        let misspelt = config::RuleSet::Path("bultin".into());
        assert!(read(&[misspelt]).is_err_and(|error| error.to_string().ends_with("; did you mean `builtin`?")));
        let empty = tempfile::tempdir().expect("a folder");
        let error = read(&[config::RuleSet::Path(empty.path().into())]).expect_err("no rule in it");
        assert!(matches!(error, Unreadable::Empty(_)), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_never_ends_is_not_read_to_its_end() {
        let error = read(&[config::RuleSet::Path("/dev/zero".into())]).expect_err("no end");
        assert!(matches!(error, Unreadable::TooLarge(_)), "{error}");
    }
}
