//! A case: what is read, and what must hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::Value as Json;

use super::CASE_FILE;
use super::fault::Fault;
use super::value;
use crate::base::Release;
use crate::config;
use crate::rules::Diagnostic;
use crate::rules::diagnostic::Texts;
use crate::rules::load::nearest;
use crate::targets::{self, Chosen};
use crate::yaml::{self, Mapping, Node, Pos};

/// The folder of repositories, `input/<org>/<repo>/…`.
pub const INPUT: &str = "input";
/// The folder of expected files, `expected/<org>/<repo>/…`.
pub const EXPECTED: &str = "expected";

const KEYS: [&str; 11] = [
    "about", "release", "targets", "rules", "values", "findings", "absent", "removed", "set", "audit", "failures",
];

/// A case as its file says it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub dir: PathBuf,
    /// What it shows, in one sentence.
    pub about: String,
    /// The release.
    pub release: Release,
    /// The targets; the ci-operator configs unless said, on which all others build.
    pub targets: Vec<Chosen>,
    /// The rule sets; paths as seen from the current directory.
    pub rules: Vec<PathBuf>,
    /// Values of the unified build config by path.
    pub values: BTreeMap<String, Json>,
    /// Findings that must be there; all others must not.
    pub findings: Vec<ExpectedFinding>,
    /// Texts that must occur in no value and no rendered file.
    pub absent_texts: Vec<String>,
    /// Paths of the unified build config that must lead nowhere.
    pub absent_values: Vec<String>,
    /// Files that must be removed, `org/repo/path`.
    pub removed: Vec<String>,
    /// Changes of metadata, as `--set` takes them.
    pub set: Vec<String>,
    /// Whether findings of the audit count, too.
    pub audit: bool,
    /// What failed builds say, and what rules `on: failure` say of that.
    pub failures: BTreeMap<String, String>,
}

/// A finding that a case expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedFinding {
    /// Its code.
    pub code: String,
    /// A part of its message; empty: any.
    pub text: String,
}

/// Finds cases: a path is a case itself, or a folder of cases.
///
/// # Errors
/// A path that cannot be read, or none holds a case.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    let mut found = Vec::new();
    for path in paths {
        if path.join(CASE_FILE).exists() {
            found.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(Fault::io(path, "read"))?;
        let before = found.len();
        for entry in entries {
            let entry = entry.map_err(Fault::io(path, "read"))?.path();
            // A folder without `case.yaml` is a case that somebody has not finished: it fails instead of being passed over.
            if entry.is_dir() {
                found.push(entry);
            }
        }
        found[before..].sort();
    }
    if found.is_empty() {
        return Err(Fault::NoCase(paths.to_vec()));
    }
    Ok(found)
}

impl Case {
    /// Reads a case's file.
    ///
    /// # Errors
    /// All of its faults, for people.
    pub fn read(dir: &Path) -> Result<Self, Fault> {
        let file = dir.join(CASE_FILE);
        let shown = file.display().to_string();
        let bytes = fs::read(&file).map_err(Fault::io(&file, "read"))?;
        let mut reader = Reader {
            dir,
            file: shown.clone(),
            faults: Vec::new(),
        };
        let case = reader.case(&bytes);
        match case {
            Some(case) if reader.faults.is_empty() => Ok(case),
            _ => {
                let files = [(shown, bytes)];
                let texts = Texts::new(&files);
                let shown: Vec<_> = reader.faults.iter().map(|fault| texts.show(fault)).collect();
                Err(Fault::Faulty(shown.join("\n")))
            }
        }
    }

    /// Tells whether the case says what must hold at all.
    pub fn expects_something(&self) -> bool {
        let said = !self.values.is_empty() || !self.findings.is_empty() || !self.removed.is_empty();
        let said = said || !self.failures.is_empty();
        said || !self.absent_texts.is_empty() || !self.absent_values.is_empty() || self.dir.join(EXPECTED).is_dir()
    }
}

/// Takes `..` out of a path where the folder before it is named.
fn without_parents(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match (part, clean.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => drop(clean.pop()),
            _ => clean.push(part),
        }
    }
    clean
}

struct Reader<'r> {
    dir: &'r Path,
    file: String,
    faults: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn fault(&mut self, code: &'static str, pos: Pos, message: String, hint: &str) {
        self.faults.push(Diagnostic {
            code,
            file: self.file.clone(),
            pos,
            width: 0,
            message,
            hint: hint.to_owned(),
        });
    }

    fn case(&mut self, bytes: &[u8]) -> Option<Case> {
        let root = match yaml::parse(bytes) {
            Ok(root) => root,
            Err(error) => {
                self.fault("not-yaml", error.pos, error.message, "");
                return None;
            }
        };
        let Some(map) = root.as_map() else {
            self.fault(
                "wrong-type",
                root.pos,
                "a case is a mapping".into(),
                "start with `about` and `release`",
            );
            return None;
        };
        self.known(map, &KEYS);
        let about = map.get("about").and_then(Node::text).unwrap_or_default().to_owned();
        if about.trim().is_empty() {
            let hint = "say in one sentence what the case shows";
            self.fault(
                "missing-about",
                root.pos,
                "the case does not say what it shows (`about`)".into(),
                hint,
            );
        }
        let release = self.release(&root, map);
        let (targets, rules) = (self.targets(map), self.rules(map));
        let values = self.values(map);
        let findings = self.findings(map);
        let absent = map.get("absent").and_then(Node::as_map).cloned().unwrap_or_default();
        self.known(&absent, &["texts", "values"]);
        let absent_values = self.texts(&absent, "values");
        for path in &absent_values {
            self.path(path, map.get("absent").map_or(root.pos, |node| node.pos));
        }
        Some(Case {
            name: self
                .dir
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            dir: self.dir.to_owned(),
            about,
            release: release?,
            targets,
            rules,
            values,
            findings,
            absent_texts: self.texts(&absent, "texts"),
            absent_values,
            removed: self.texts(map, "removed"),
            set: self.texts(map, "set"),
            audit: self.flag(map, "audit"),
            failures: self.failures(map),
        })
    }

    fn known(&mut self, map: &Mapping, known: &[&str]) {
        for (key, _) in map.entries.iter().filter(|(key, _)| !known.contains(&&*key.text)) {
            let message = format!("unknown key `{}`", key.text);
            self.fault("unknown-key", key.pos, message, &nearest(&key.text, known));
        }
    }

    fn release(&mut self, root: &Node, map: &Mapping) -> Option<Release> {
        let node = map.get("release");
        let text = node.and_then(Node::text).unwrap_or_default();
        let release = text.parse::<Release>();
        if let Err(error) = &release {
            let pos = node.map_or(root.pos, |node| node.pos);
            self.fault("bad-release", pos, error.to_string(), "such as `release: \"4.16\"`");
        }
        release.ok()
    }

    /// Texts of failed builds, each with what is to be said of it.
    fn failures(&mut self, map: &Mapping) -> BTreeMap<String, String> {
        let Some(node) = map.get("failures") else {
            return BTreeMap::new();
        };
        let pairs = node.as_map().map(|map| {
            let pairs = map
                .iter()
                .map(|(text, says)| Some((text.to_owned(), says.text()?.to_owned())));
            pairs.collect::<Option<BTreeMap<_, _>>>()
        });
        pairs.flatten().unwrap_or_else(|| {
            let message = "`failures` is a mapping of texts to texts".to_owned();
            self.fault(
                "wrong-type",
                node.pos,
                message,
                "such as `\"no route to host\": CI could not …`",
            );
            BTreeMap::new()
        })
    }

    fn flag(&mut self, map: &Mapping, key: &str) -> bool {
        let Some(node) = map.get(key) else { return false };
        let flag = node.as_bool();
        if flag.is_none() {
            self.fault(
                "wrong-type",
                node.pos,
                format!("`{key}` is true or false"),
                "such as `audit: true`",
            );
        }
        flag.unwrap_or_default()
    }

    /// The targets, as a configuration names them.
    fn targets(&mut self, map: &Mapping) -> Vec<Chosen> {
        let Some(node) = map.get("targets") else {
            return targets::find(targets::DEFAULT)
                .and_then(Chosen::plain)
                .into_iter()
                .collect();
        };
        // A case of the audit alone has no target.
        if node.as_seq().is_some_and(<[_]>::is_empty) {
            return Vec::new();
        }
        config::targets(node, self.dir).unwrap_or_else(|faults| {
            for fault in faults {
                self.fault(fault.code.as_str(), fault.span.pos, fault.message, &fault.hint);
            }
            Vec::new()
        })
    }

    /// Rule paths start at the case's folder and may lead to the folder that holds the folder of cases, no further.
    fn rules(&mut self, map: &Mapping) -> Vec<PathBuf> {
        let Some(node) = map.get("rules") else {
            return vec![super::sets::BUILTIN_NAME.into()];
        };
        let mut rules = Vec::new();
        for name in self.texts(map, "rules") {
            let path = Path::new(&name);
            let mut depth = 2i32;
            let mut inside = true;
            for part in path.components() {
                depth += match part {
                    Component::Normal(_) => 1,
                    Component::ParentDir => -1,
                    Component::CurDir => 0,
                    Component::RootDir | Component::Prefix(_) => -100,
                };
                inside &= depth >= 0;
            }
            if !inside {
                let hint = "rules of a case stand in its folder, or beside the folder of cases (`../../x`)";
                self.fault(
                    "leaves-folder",
                    node.pos,
                    format!("`{name}` leads out of the fixtures"),
                    hint,
                );
            } else if [super::sets::BUILTIN_NAME, super::sets::FEEDBACK_NAME].contains(&name.as_str()) {
                rules.push(name.into());
            } else {
                rules.push(without_parents(&crate::source::under(self.dir, &name)));
            }
        }
        rules
    }

    fn values(&mut self, map: &Mapping) -> BTreeMap<String, Json> {
        let Some(node) = map.get("values") else {
            return BTreeMap::new();
        };
        let Some(values) = node.as_map() else {
            let hint = "such as `images.oc.tag: cli`";
            self.fault("wrong-type", node.pos, "`values` is a mapping of paths".into(), hint);
            return BTreeMap::new();
        };
        for (key, _) in &values.entries {
            self.path(&key.text, key.pos);
        }
        values
            .entries
            .iter()
            .map(|(key, node)| (key.text.to_string(), Json::from(node)))
            .collect()
    }

    fn path(&mut self, path: &str, pos: Pos) {
        if let Err(error) = value::segments(path) {
            self.fault(
                "bad-path",
                pos,
                error.to_string(),
                "`lockstep build-config` shows the document",
            );
        }
    }

    fn findings(&mut self, map: &Mapping) -> Vec<ExpectedFinding> {
        let Some(node) = map.get("findings") else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        for item in node.as_seq().unwrap_or_default() {
            let part = |name: &str| item.get(name).and_then(Node::text).map(str::to_owned);
            let code = item.text().map(str::to_owned).or_else(|| part("code"));
            if let Some(map) = item.as_map() {
                self.known(map, &["code", "text"]);
            }
            match code {
                Some(code) => findings.push(ExpectedFinding {
                    code,
                    text: part("text").unwrap_or_default(),
                }),
                None => self.fault(
                    "wrong-type",
                    item.pos,
                    "a finding is a code".into(),
                    "or `{code: …, text: …}`",
                ),
            }
        }
        if node.as_seq().is_none() {
            self.fault(
                "wrong-type",
                node.pos,
                "`findings` is a list of codes".into(),
                "such as `[stage-count]`",
            );
        }
        findings
    }

    fn texts(&mut self, map: &Mapping, key: &str) -> Vec<String> {
        let Some(node) = map.get(key) else {
            return Vec::new();
        };
        let items: Option<Vec<String>> = node
            .as_seq()
            .map(|items| items.iter().map(|item| item.text().map(str::to_owned)).collect())
            .unwrap_or_default();
        if items.is_none() {
            self.fault(
                "wrong-type",
                node.pos,
                format!("`{key}` is a list of texts"),
                "write `[a, b]`",
            );
        }
        items.unwrap_or_default()
    }
}
