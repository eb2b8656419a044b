//! Files of YAML documents as they are and as they should be, change by change, for targets that edit what people wrote.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Refused, Verdict};
use crate::targets::{Actual, Ask, Rendered, Target};
use crate::yaml::Node;
use crate::yaml::edit::{self, How};

/// One file.
pub(in crate::targets) struct File {
    /// What it says, changes included.
    pub documents: Vec<Node>,
    desired: Desired,
    text: String,
    /// The whole text where the file is new, or is no YAML that is edited by what it means.
    whole: Option<String>,
    gone: bool,
}

/// All files.
pub(in crate::targets) struct Files<'a> {
    pub ask: &'a Ask<'a>,
    pub actual: &'a Actual,
    target: &'static Target,
    /// The code of a finding about a file that cannot be read.
    unreadable: &'static str,
    files: BTreeMap<String, File>,
    /// Paths of files and folders that could not be read.
    unread: BTreeSet<String>,
    pub findings: Vec<Finding>,
}

/// Whether a path is in a folder.
fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a text has a word, which is no part of a longer one.
pub(in crate::targets) fn says(text: &str, word: &str) -> bool {
    let goes_on = |beside: Option<char>| beside.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let mut places = text.match_indices(word);
    places.any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !goes_on(before.chars().next_back()) && !goes_on(after.chars().next())
    })
}

impl<'a> Files<'a> {
    /// Reads the YAML files that are there; `unreadable` is the code of the finding about one that cannot be read.
    pub fn read(ask: &'a Ask<'a>, actual: &'a Actual, target: &'static Target, unreadable: &'static str) -> Self {
        let mut files = Self {
            ask,
            actual,
            target,
            unreadable,
            files: BTreeMap::new(),
            unread: BTreeSet::new(),
            findings: Vec::new(),
        };
        for (path, why) in &actual.unreadable {
            files.cannot_read(path, None, why);
        }
        for (path, bytes) in &actual.files {
            // JSON is YAML, and kustomize takes both.
            if ![".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end)) {
                continue;
            }
            let text = std::str::from_utf8(bytes).map_err(|error| error.to_string());
            let read = text.and_then(|text| {
                let documents = edit::documents(text, &How::default()).map_err(|why| why.to_string())?;
                Ok((text.to_owned(), documents))
            });
            let (text, documents) = match read {
                Ok(read) => read,
                Err(why) => {
                    files.cannot_read(path, None, &why);
                    continue;
                }
            };
            let desired = actual.file(target, ask.release, path.clone());
            let file = File {
                documents,
                desired,
                text,
                whole: None,
                gone: false,
            };
            files.files.insert(path.clone(), file);
        }
        files
    }

    /// Tells of a file that cannot be read, so that it stays.
    fn cannot_read(&mut self, path: &str, line: Option<u32>, why: &str) {
        let text = format!("{path} cannot be read: {why}");
        let finding = Finding::new(Severity::Error, self.unreadable, text)
            .with_help("put the file right; it stays as it is until then");
        self.tell(finding, path, line);
        self.unread.insert(path.to_owned());
    }

    /// Adds a finding about a file.
    pub fn tell(&mut self, finding: Finding, path: &str, line: Option<u32>) {
        let release = self.ask.release.metadata.release.to_string();
        let finding = finding.with_place(self.actual.place(path, line)).with_release(release);
        self.findings.push(finding);
    }

    /// The files below a folder, by path.
    pub fn below<'f>(&'f self, folder: &'f str) -> impl Iterator<Item = (&'f str, &'f File)> {
        let files = self
            .files
            .iter()
            .filter(move |(path, file)| path.starts_with(folder) && !file.gone);
        files.map(|(path, file)| (path.as_str(), file))
    }

    /// What a file's documents say.
    pub fn documents(&self, path: &str) -> &[Node] {
        self.files.get(path).map_or(&[], |file| &file.documents)
    }

    /// Whether there is such a file, readable or not.
    pub fn is_there(&self, path: &str) -> bool {
        self.files.get(path).map_or_else(
            || self.actual.files.contains_key(path) || self.actual.unreadable.contains_key(path),
            |file| !file.gone,
        )
    }

    /// Whether a file is there and could not be read.
    pub fn is_unread(&self, path: &str) -> bool {
        !self.files.contains_key(path) && self.is_there(path)
    }

    /// The files of a folder that are there and could not be read, each with its text as far as there is one.
    pub fn unread<'f>(&'f self, folder: &'f str) -> impl Iterator<Item = (&'f str, Option<Cow<'f, str>>)> {
        let unread = self.unread.iter().map(String::as_str);
        let of_folder = unread.filter(move |path| path.starts_with(folder) || is_below(folder, path));
        of_folder.map(|path| {
            (
                path,
                self.actual.files.get(path).map(|bytes| String::from_utf8_lossy(bytes)),
            )
        })
    }

    /// Whether a new file may be made. What is in its place, readable or not, stays, and that is told.
    pub fn is_free(&mut self, path: &str) -> bool {
        if self
            .unread
            .iter()
            .any(|unread| path == unread || is_below(path, unread))
        {
            return false;
        }
        let is_free = !self.is_there(path);
        if !is_free {
            let text = format!("`{path}` is not written: another file is there, which stays as it is");
            let finding = Finding::new(Severity::Error, "unsafe-path", text).with_help("give that file another name");
            self.tell(finding, path, None);
        }
        is_free
    }

    /// Says which images a file is about.
    pub fn about(&mut self, path: &str, component: Option<&str>, image: &str) {
        if let Some(file) = self.files.get_mut(path) {
            file.desired.component = component.map(str::to_owned);
            file.desired.images.push(image.to_owned());
            file.desired.images.sort();
            file.desired.images.dedup();
        }
    }

    /// Changes what a file says, if the policy wants that. Whether it was done.
    pub fn change(&mut self, path: &str, cause: Cause, change: impl FnOnce(&mut [Node])) -> bool {
        let Some(file) = self.files.get_mut(path) else {
            return false;
        };
        match self.ask.policy.verdict(&cause, &file.desired.release) {
            Verdict::Apply => {
                change(&mut file.documents);
                file.desired.causes.push(cause);
                true
            }
            verdict => {
                file.desired.refused.push(Refused { cause, verdict });
                false
            }
        }
    }

    /// Changes a file's text where that cannot be said by what it means; `text` was made from [`Self::text`]. Whether the
    /// policy wants it.
    pub fn retext(&mut self, path: &str, cause: Cause, text: String) -> bool {
        let Some(file) = self.files.get_mut(path) else {
            return false;
        };
        let Ok(documents) = edit::documents(&text, &How::default()) else {
            return false;
        };
        match self.ask.policy.verdict(&cause, &file.desired.release) {
            Verdict::Apply => {
                (file.text, file.documents) = (text, documents);
                file.desired.causes.push(cause);
                true
            }
            verdict => {
                file.desired.refused.push(Refused { cause, verdict });
                false
            }
        }
    }

    /// The text of a file with the changes made before; `None`: it is not there, or they cannot be made.
    pub fn text(&self, path: &str) -> Option<String> {
        let file = self.files.get(path)?;
        self.settled(path, file).ok()
    }

    /// Carries out what causes have been given for.
    pub fn apply(&mut self, path: &str, change: impl FnOnce(&mut [Node])) {
        if let Some(file) = self.files.get_mut(path) {
            change(&mut file.documents);
        }
    }

    /// Adds a file where none is. Whether that was done: the policy may not want it.
    pub fn add(&mut self, path: &str, text: String, cause: Cause, component: Option<&str>, images: &[&str]) -> bool {
        if !self.is_free(path) {
            return false;
        }
        let mut desired = self.actual.file(self.target, self.ask.release, path);
        desired.component = component.map(str::to_owned);
        desired.images = images.iter().map(|image| (*image).to_owned()).collect();
        let applied = match self.ask.policy.verdict(&cause, &desired.release) {
            Verdict::Apply => {
                desired.causes.push(cause);
                true
            }
            verdict => {
                desired.refused.push(Refused { cause, verdict });
                false
            }
        };
        let documents = edit::documents(&text, &How::default()).unwrap_or_default();
        let file = File {
            documents: if applied { documents } else { Vec::new() },
            desired,
            text: String::new(),
            whole: applied.then_some(text),
            gone: false,
        };
        self.files.insert(path.to_owned(), file);
        applied
    }

    /// Removes a file. Whether the policy wants that.
    pub fn remove(&mut self, path: &str, cause: Cause) -> bool {
        let Some(file) = self.files.get_mut(path) else {
            return false;
        };
        match self.ask.policy.verdict(&cause, &file.desired.release) {
            Verdict::Apply => {
                file.desired.causes = vec![cause];
                file.gone = true;
                true
            }
            verdict => {
                file.desired.refused.push(Refused { cause, verdict });
                false
            }
        }
    }

    /// Gives a file another name; what it says goes along.
    pub fn rename(&mut self, from: &str, to: &str, cause: Cause) -> bool {
        let Some(text) = self
            .files
            .get(from)
            .filter(|file| !file.gone)
            .map(|file| self.settled(from, file))
        else {
            return false;
        };
        let Ok(text) = text else {
            return false;
        };
        let (component, images) = {
            let desired = &self.files[from].desired;
            (desired.component.clone(), desired.images.clone())
        };
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        if !self.add(to, text, cause.clone(), component.as_deref(), &images) {
            self.files.remove(to);
            return false;
        }
        let causes = std::mem::take(&mut self.files.get_mut(from).expect("it is there").desired.causes);
        self.remove(from, cause);
        if let Some(file) = self.files.get_mut(to) {
            file.desired.causes.extend(causes);
            file.desired.notes.push(format!("was {from}"));
        }
        true
    }

    /// The text of a file with its changes made.
    fn settled(&self, path: &str, file: &File) -> Result<String, Finding> {
        if let Some(whole) = &file.whole {
            return Ok(whole.clone());
        }
        let how = How {
            indent_lists: true,
            ..How::default()
        };
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let edited = edit::edit(&file.text, &file.documents, &how).map_err(|why| why.to_string());
        let edited = edited.and_then(|text| match is_json(&file.text) && !is_json(&text) {
            true => Err("it is JSON, and would be YAML then".to_owned()),
            false => Ok(text),
        });
        edited.map_err(|why| {
            let text = format!("{path} is not changed: {why}");
            Finding::new(Severity::Warning, "edit-refused", text)
                .with_place(self.actual.place(path, None))
                .with_release(file.desired.release.clone())
                .with_help("change it by hand, or take out what stands in the way; what would change is in the plan")
        })
    }

    /// The files, each as it should be.
    pub fn finish(mut self) -> Rendered {
        let mut rendered = Rendered::default();
        for (path, file) in std::mem::take(&mut self.files) {
            let text = self.settled(&path, &file);
            let mut desired = file.desired;
            match text {
                _ if file.gone => desired.after = None,
                Ok(text) if desired.before.is_none() && file.whole.is_none() => drop(text),
                Ok(text) => desired.after = Some(Bytes::from(text.into_bytes())),
                Err(finding) => {
                    self.findings.push(finding);
                    desired.causes.clear();
                    desired.held = true;
                }
            }
            rendered.files.push(desired);
        }
        rendered.findings = self.findings;
        rendered
    }
}
