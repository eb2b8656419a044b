//! Runs a case: derives, renders, and renders once more on top of the result.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::case::{Case, INPUT};
use super::fault::Fault;
use super::sets::RuleSets;
use crate::config::{self, Config};
use crate::derive;
use crate::finding::Finding;
use crate::impact::Judge;
use crate::model::metadata::Metadata;
use crate::plan::Desired;
use crate::rules::RuleSet;
use crate::rules::set::Record;
use crate::run::{LoadedRules, NoOverride, Overrides, Run, RunError};
use crate::source::memory::MemorySnapshot;
use crate::source::{Snapshot, Sources};
use crate::targets::Rendered;

/// The repository of CI configs within a case's input.
pub(super) const CI_CONFIG: &str = "openshift/release";
/// The repository of build data within a case's input.
pub(super) const BUILD_DATA: &str = "openshift-eng/ocp-build-data";

/// Everything that a case's run is made of.
pub struct Bench {
    /// The run.
    pub run: Run,
    /// The CI configs, where the case has any.
    pub ci: Option<Arc<dyn Snapshot>>,
    /// ocp-build-data.
    pub metadata: Metadata,
    /// What became of rules.
    pub record: Arc<Record>,
    /// Whether findings of the audit count, too.
    audit: bool,
}

/// What a case's run came to.
pub struct Results<'b> {
    /// The unified build config; `None` where it could not be derived.
    pub release: Option<derive::Release<'b>>,
    /// All files that targets looked at.
    pub files: Vec<Desired>,
    /// Everything that was found.
    pub findings: Vec<Finding>,
}

/// The name of a file in `expected`.
pub fn expected_name(file: &Desired) -> String {
    format!("{}/{}", file.repo, file.path)
}

/// The files that a case writes: those that are new or differ from what is there.
pub fn written<'r>(results: &'r Results<'_>) -> BTreeMap<String, &'r Desired> {
    let differs = |file: &&Desired| !file.held && file.after.is_some() && file.after != file.before;
    results
        .files
        .iter()
        .filter(differs)
        .map(|file| (expected_name(file), file))
        .collect()
}

impl Bench {
    /// Gets a case ready.
    ///
    /// # Errors
    /// Rules or inputs that cannot be used.
    pub fn new(case: &Case, sets: &RuleSets) -> Result<Self, Fault> {
        let record = Arc::new(Record::default());
        let rules = sets.load(&case.rules)?;
        let rules = Arc::new(rules.recording(Arc::clone(&record)));
        let input = case.dir.join(INPUT);
        if !input.is_dir() {
            return Err(Fault::NoInput(input));
        }
        let config = configuration(case, &input)?;
        let run = run(config, rules, &case.set)?;
        let ci: Option<Arc<dyn Snapshot>> = match input.join(CI_CONFIG) {
            folder if folder.is_dir() => Some(Arc::new(tree(&folder)?)),
            _ => None,
        };
        let metadata = run.metadata(case.release)?;
        Ok(Self {
            run,
            ci,
            metadata,
            record,
            audit: case.audit,
        })
    }

    /// Derives and renders.
    ///
    /// # Errors
    /// A target's files as they are cannot be read.
    pub fn results(&self) -> Result<Results<'_>, Fault> {
        match self.run.derive_whole(&self.metadata, self.ci.as_deref()) {
            Ok(release) => {
                let rendered = self.render(&release, self.ci.as_ref())?;
                let mut findings = release.findings.clone();
                findings.extend(rendered.findings);
                if self.audit {
                    let metadata = std::slice::from_ref(&self.metadata);
                    let audit = self.run.audit_seen(metadata, self.ci.as_ref(), false, Judge::new);
                    let (audit, judges) = audit?;
                    // What findings mean is said by rules, too, and those are to be tried as well.
                    if let (Some(judge), Ok(rules)) = (judges.first(), self.run.rules()) {
                        audit.findings.iter().for_each(|finding| {
                            judge.meaning(rules, finding);
                        });
                    }
                    findings.extend(audit.findings);
                }
                Ok(Results {
                    release: Some(release),
                    files: rendered.files,
                    findings,
                })
            }
            Err(RunError::Release { findings, .. }) => Ok(Results {
                release: None,
                files: Vec::new(),
                findings,
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn render(&self, release: &derive::Release<'_>, ci: Option<&Arc<dyn Snapshot>>) -> Result<Rendered, RunError> {
        self.run.render(std::slice::from_ref(release), ci)
    }

    /// Renders on top of other content of the CI configs: files by path, `None` for one that is gone.
    ///
    /// # Errors
    /// The case's own files cannot be read.
    pub fn render_on(
        &self,
        release: &derive::Release<'_>,
        changed: &BTreeMap<String, Option<Arc<[u8]>>>,
    ) -> Result<Vec<Desired>, Fault> {
        if self.ci.is_none() {
            return Ok(Vec::new());
        }
        let ci = &self.run.config().sources.ci_config;
        let Some(crate::source::Location::Path(folder)) = ci.as_ref().map(config::CiConfig::repo) else {
            return Ok(Vec::new());
        };
        let mut tree = tree(&folder)?;
        for (path, bytes) in changed {
            match bytes {
                Some(bytes) => tree = tree.file(path, bytes),
                None => tree.remove(path),
            }
        }
        let ci: Arc<dyn Snapshot> = Arc::new(tree);
        Ok(self.render(release, Some(&ci))?.files)
    }
}

/// The configuration of a case, as a `lockstep.yaml` beside its `input` would be.
fn configuration(case: &Case, input: &Path) -> Result<Config, config::Faults> {
    let ci = if input.join(CI_CONFIG).is_dir() {
        format!("  ci-config: {{repo: {CI_CONFIG}}}\n")
    } else {
        String::new()
    };
    let text = format!(
        "sources:\n  build-data: {{repo: {BUILD_DATA}}}\n{ci}  components: {{repo: \"{{org}}/{{repo}}\"}}\n\
         releases: [\"{}\"]\nrules: [builtin]\ntargets: [prow-config]\n\
         forge: {{kind: github, token-env: NOT_USED}}\nstate: .state\n",
        case.release
    );
    let mut config = config::parse(text.as_bytes(), "the case's configuration", input)?;
    config.targets.clone_from(&case.targets);
    Ok(config)
}

fn run(config: Config, rules: Arc<RuleSet>, set: &[String]) -> Result<Run, NoOverride> {
    Ok(Run::new(config, LoadedRules::ready(rules), Sources::new(None)).trying(Overrides::parse(set)?))
}

/// Reads a folder into memory: cases are small, and what is rendered must go on top.
fn tree(folder: &Path) -> Result<MemorySnapshot, Fault> {
    let mut tree = MemorySnapshot::new(CI_CONFIG);
    for (path, bytes) in files(folder)? {
        tree = tree.file(path, bytes);
    }
    Ok(tree)
}

/// All files below a folder by their path in it, sorted.
///
/// # Errors
/// A file or folder that cannot be read, or one that is neither.
pub fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Fault> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((dir, prefix)) = folders.pop() {
        let fault = || Fault::io(&dir, "read");
        for entry in fs::read_dir(&dir).map_err(fault())? {
            let entry = entry.map_err(fault())?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(fault())?;
            if kind.is_dir() {
                folders.push((path, format!("{name}/")));
            } else if kind.is_file() {
                let bytes = fs::read(&path).map_err(Fault::io(&path, "read"))?;
                found.insert(name, bytes);
            } else {
                return Err(Fault::NoFile(path));
            }
        }
    }
    Ok(found)
}
