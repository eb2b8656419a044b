//! Reads operators' own `image-references` from component repositories.
//!
//! An operator ships its manifests in the folder `/manifests` of its image. Which folder of the repository that is says
//! the Dockerfile's `COPY`; where it doesn't, every `image-references` that is found counts.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Run;
use crate::base::{Origin, Place, RepoName};
use crate::derive::outline::Outline;
use crate::derive::payload::Operator;
use crate::derive::{Component, Components, Image, ReadFile, Standing};
use crate::facts::dockerfile::copies;
use crate::facts::payload::{Fault, ImageReferences};
use crate::finding::{Finding, Severity};
use crate::source::{EntryKind, Snapshot};

/// Must change when the same commit yields other lists.
const VERSION: u32 = 1;
/// The file that names images.
const FILE: &str = "image-references";
/// Where an operator's image has its manifests.
const MANIFESTS: &str = "/manifests";
/// How many folders below one another are searched.
const MAX_DEPTH: usize = 5;
/// How many folders of one repository are searched.
const MAX_FOLDERS: usize = 2000;
/// Folders of other people's sources and of tests.
const SKIPPED: [&str; 4] = ["vendor", "node_modules", "testdata", "third_party"];
/// Where lists are looked for in repositories that are read through an API, where each folder is a request.
const LIKELY: [&str; 3] = ["manifests", "install", "openshift/manifests"];

/// A list as it is kept between runs.
#[derive(Clone, Serialize, Deserialize)]
struct List {
    file: String,
    /// Dockerfiles that copy its folder to where manifests are.
    copied_by: Vec<String>,
    content: Result<ImageReferences, Fault>,
}

/// Reads the lists of all repositories that images of an outline are built from.
pub fn read(run: &Run, outline: &Outline<'_>, components: &Components) -> (Vec<Operator>, Vec<Finding>) {
    let mut images: BTreeMap<&RepoName, Vec<&Image>> = BTreeMap::new();
    for image in outline.images.values() {
        if let (Some(repo), false) = (&image.repository.value, matches!(image.standing, Standing::Dropped(_))) {
            images.entry(repo).or_default().push(image);
        }
    }
    let read = images.into_par_iter().filter_map(|(repo, images)| {
        let component = components.get(repo)?.as_ref().ok()?;
        let reader = Reader {
            run,
            outline,
            repo,
            component,
            images,
        };
        Some(reader.operators())
    });
    let (mut operators, mut findings) = (Vec::new(), Vec::new());
    for (found, wrong) in read.collect::<Vec<_>>() {
        operators.extend(found);
        findings.extend(wrong);
    }
    (operators, findings)
}

struct Reader<'r> {
    run: &'r Run,
    outline: &'r Outline<'r>,
    repo: &'r RepoName,
    component: &'r Component,
    images: Vec<&'r Image>,
}

impl Reader<'_> {
    fn operators(&self) -> (Vec<Operator>, Vec<Finding>) {
        let (lists, origin) = match self.lists() {
            Ok(read) => read,
            Err(message) => return (Vec::new(), vec![self.unreadable(message)]),
        };
        let shipped = lists.iter().any(|list| !list.copied_by.is_empty());
        let (mut operators, mut findings) = (Vec::new(), Vec::new());
        for list in lists {
            let place = Place {
                repo: origin.name.clone(),
                commit: origin.commit.clone(),
                file: list.file.clone(),
                line: None,
            };
            let images = self.shipping(&list, shipped);
            match list.content {
                Ok(references) => {
                    findings.extend(references.faults.iter().map(|fault| self.wrong(&place, fault)));
                    operators.push(Operator {
                        repo: self.repo.clone(),
                        place,
                        images,
                        tags: references.tags,
                    });
                }
                Err(fault) => findings.push(self.wrong(&place, &fault)),
            }
        }
        (operators, findings)
    }

    /// Keys of the images that ship a list. Where some Dockerfile says what it ships, only that is shipped.
    fn shipping(&self, list: &List, said: bool) -> Vec<String> {
        let labelled = self.images.iter().filter(|image| self.is_labelled(image));
        let ships = labelled.filter(|image| !said || list.copied_by.contains(&image.dockerfile));
        ships.map(|image| image.key.clone()).collect()
    }

    fn is_labelled(&self, image: &Image) -> bool {
        match self.component.dockerfiles.get(&image.dockerfile) {
            Some(ReadFile::Found(dockerfile)) => dockerfile.is_release_operator(),
            _ => false,
        }
    }

    fn lists(&self) -> Result<(Vec<List>, Origin), String> {
        let labelled = self.images.iter().filter(|image| self.is_labelled(image));
        let dockerfiles: BTreeSet<&str> = labelled.map(|image| &*image.dockerfile).collect();
        let origin = &self.component.origin;
        let key = |commit: &str| format!("{commit} {dockerfiles:?} {}", self.walks());
        let store = &self.run.store;
        let commit = origin.commit.as_deref();
        if let Some(lists) = commit.and_then(|commit| store.get("operators", VERSION, key(commit).as_bytes())) {
            return Ok((lists, origin.clone()));
        }
        let location = self
            .run
            .config
            .sources
            .components
            .repo(self.outline.metadata.release, self.repo);
        let location = location.ok_or_else(|| format!("`sources.components.repo` has no place for {}", self.repo))?;
        let sources = &self.run.sources;
        let snapshot = sources.open_component(self.repo, &location, &origin.branch);
        let snapshot = snapshot.map_err(|error| error.to_string())?;
        let lists = find(&*snapshot, &dockerfiles, self.walks())?;
        let origin = snapshot.origin().clone();
        if let Some(commit) = &origin.commit {
            store.put("operators", VERSION, key(commit).as_bytes(), &lists);
        }
        Ok((lists, origin))
    }

    /// Whether every folder is looked into, or only likely ones.
    fn walks(&self) -> bool {
        self.run.sources.github().is_none()
    }

    fn unreadable(&self, message: String) -> Finding {
        let text = format!(
            "the operators' lists of images of {} cannot be read: {message}",
            self.repo
        );
        Finding::new(Severity::Warning, "unreadable-image-references", text)
            .with_component(self.repo.to_string())
            .with_help("what its operators ask for is not known until it can be read")
    }

    fn wrong(&self, place: &Place, fault: &Fault) -> Finding {
        let line = fault.line;
        Finding::new(Severity::Warning, "unreadable-image-references", fault.message.clone())
            .with_component(self.repo.to_string())
            .with_place(Place { line, ..place.clone() })
            .with_help("composing a release fails on it as well; put the file right")
    }
}

/// Finds the lists of a repository, and which Dockerfiles ship which.
fn find(snapshot: &dyn Snapshot, dockerfiles: &BTreeSet<&str>, walk: bool) -> Result<Vec<List>, String> {
    let mut copied_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for dockerfile in dockerfiles {
        for folder in shipped_folders(snapshot, dockerfile)? {
            copied_by.entry(folder).or_default().push((*dockerfile).to_owned());
        }
    }
    let mut folders: BTreeSet<String> = copied_by.keys().cloned().collect();
    if walk {
        folders.extend(folders_with_lists(snapshot)?);
    } else {
        folders.extend(LIKELY.map(str::to_owned));
    }
    let mut lists = Vec::new();
    for folder in folders {
        let file = join(&folder, FILE);
        let content = match snapshot.read(&file) {
            Ok(Some(blob)) => ImageReferences::parse(&blob.bytes),
            Ok(None) => continue,
            Err(error) => Err(Fault {
                line: None,
                message: error.to_string(),
            }),
        };
        lists.push(List {
            copied_by: copied_by.remove(&folder).unwrap_or_default(),
            content,
            file,
        });
    }
    Ok(lists)
}

/// The folders with a list that a Dockerfile copies to where manifests are.
fn shipped_folders(snapshot: &dyn Snapshot, dockerfile: &str) -> Result<BTreeSet<String>, String> {
    let mut folders = BTreeSet::new();
    let Some(blob) = snapshot.read(dockerfile).map_err(|error| error.to_string())? else {
        return Ok(folders);
    };
    let copies = copies(&blob.bytes);
    let to_manifests = |to: &str| to.trim_end_matches('/') == MANIFESTS || to.starts_with("/manifests/");
    for source in copies
        .iter()
        .filter(|copied| to_manifests(&copied.destination))
        .flat_map(|copied| &copied.sources)
    {
        // The source may be a path in another stage (`/go/src/…/install`): its end is one in the repository.
        let source = source.trim_end_matches('/').trim_end_matches("/*");
        let source = source.strip_suffix("/image-references").unwrap_or(source);
        let parts: Vec<&str> = source.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        for start in 0..parts.len() {
            let folder = parts[start..].join("/");
            // A path that leaves the repository, or one with a wildcard, is no folder of it.
            if matches!(snapshot.oid(&join(&folder, FILE)), Ok(Some(_))) {
                folders.insert(folder);
                break;
            }
        }
    }
    Ok(folders)
}

/// All folders with a list, within bounds: those nearer to the root first.
fn folders_with_lists(snapshot: &dyn Snapshot) -> Result<BTreeSet<String>, String> {
    let (mut found, mut todo, mut seen) = (BTreeSet::new(), vec![String::new()], 0);
    for _ in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        for folder in todo {
            seen += 1;
            if seen > MAX_FOLDERS {
                return Ok(found);
            }
            for entry in snapshot
                .list(&folder)
                .map_err(|error| error.to_string())?
                .unwrap_or_default()
            {
                match entry.kind {
                    EntryKind::Dir if !SKIPPED.contains(&&*entry.name) && !entry.name.starts_with('.') => {
                        below.push(join(&folder, &entry.name));
                    }
                    EntryKind::File | EntryKind::Link if entry.name == FILE => drop(found.insert(folder.clone())),
                    _ => {}
                }
            }
        }
        todo = below;
    }
    Ok(found)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::memory::MemorySnapshot;

    const LIST: &str = "kind: ImageStream\nspec: {tags: [{name: a}]}\n";

    fn found(snapshot: &MemorySnapshot, dockerfiles: &[&str], walk: bool) -> Vec<String> {
        let lists = find(snapshot, &dockerfiles.iter().copied().collect(), walk).expect("lists");
        let tell = |list: &List| format!("{} by {}", list.file, list.copied_by.join(" "));
        lists.iter().map(tell).collect()
    }

    #[test]
    fn a_dockerfile_says_which_folder_it_ships() {
        let snapshot = MemorySnapshot::new("o/r")
            .file(
                "Dockerfile",
                "FROM a AS b\nFROM c\nCOPY --from=b /go/src/github.com/o/r/install /manifests\n",
            )
            .file(
                "other/Dockerfile",
                "FROM c\nADD ./deploy/manifests/ /manifests/\nCOPY crds/*.yaml /manifests/\n",
            )
            .file("install/image-references", LIST)
            .file("deploy/manifests/image-references", LIST)
            .file("hack/image-references", LIST)
            .file("vendor/x/manifests/image-references", LIST);
        assert_eq!(
            found(&snapshot, &["Dockerfile", "other/Dockerfile"], true),
            [
                "deploy/manifests/image-references by other/Dockerfile",
                "hack/image-references by ",
                "install/image-references by Dockerfile"
            ]
        );
    }

    #[test]
    fn without_a_walk_likely_folders_are_tried() {
        let snapshot = MemorySnapshot::new("o/r")
            .file("Dockerfile", "FROM a\n")
            .file("manifests/image-references", LIST)
            .file("odd/image-references", LIST);
        assert_eq!(
            found(&snapshot, &["Dockerfile"], false),
            ["manifests/image-references by "]
        );
        assert_eq!(found(&snapshot, &[], true).len(), 2);
    }

    #[test]
    fn a_path_that_leaves_the_repository_ships_nothing() {
        let snapshot = MemorySnapshot::new("o/r")
            .file(
                "Dockerfile",
                "FROM a\nCOPY ../../etc /manifests\nCOPY missing /manifests\nCOPY a /elsewhere\n",
            )
            .file("a/image-references", LIST);
        assert_eq!(found(&snapshot, &["Dockerfile"], true), ["a/image-references by "]);
    }
}
