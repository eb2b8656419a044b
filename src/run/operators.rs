//! Reads operators' own `image-references` from component repositories.
//!
//! An operator ships its manifests in the folder `/manifests` of its image. Which folder of the repository that is says
//! the `COPY` of its Dockerfile's final stage. A final stage that copies nothing, or copies to `/manifests` what is not found in
//! the repository, does not say: then every `image-references` counts. One that copies and not there ships none.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{InputError, Run};
use crate::base::{Origin, Place, RepoName, segments_of};
use crate::derive::outline::Outline;
use crate::derive::payload::Operator;
use crate::derive::{Component, Components, DerivedImage, ReadFile, Standing};
use crate::facts::dockerfile::copies;
use crate::facts::payload::{Fault, ImageReferences};
use crate::finding::{Finding, Severity};
use crate::source::{EntryKind, Noted, Paths, ReadError, Snapshot};

/// Must change when the same commit yields other lists.
const VERSION: u32 = 3;
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

/// What is kept of a repository between runs.
#[derive(Clone, Serialize, Deserialize)]
struct Lists {
    all: Vec<List>,
    /// Dockerfiles that do not say what they ship.
    silent: Vec<String>,
    /// What was looked at for that.
    looked_at: Paths,
}

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
    let mut images: BTreeMap<&RepoName, Vec<&DerivedImage>> = BTreeMap::new();
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
    images: Vec<&'r DerivedImage>,
}

impl Reader<'_> {
    fn operators(&self) -> (Vec<Operator>, Vec<Finding>) {
        let (lists, origin) = match self.lists() {
            Ok(read) => read,
            Err(why) => return (Vec::new(), vec![self.unreadable(&why)]),
        };
        let said = lists.all.iter().any(|list| !list.copied_by.is_empty());
        let silent: &[String] = if said { &[] } else { &lists.silent };
        let (mut operators, mut findings) = (Vec::new(), Vec::new());
        for list in lists.all {
            let place = Place {
                repo: origin.name.clone(),
                commit: origin.commit.clone(),
                file: list.file.clone(),
                line: None,
            };
            let images = self.shipping(&list, silent);
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

    /// Keys of the images that ship a list. Where some Dockerfile says that it ships one, only what is said is shipped.
    fn shipping(&self, list: &List, silent: &[String]) -> Vec<String> {
        let labelled = self.images.iter().filter(|image| self.is_labelled(image));
        let ships =
            labelled.filter(|image| list.copied_by.contains(&image.dockerfile) || silent.contains(&image.dockerfile));
        ships.map(|image| image.key.clone()).collect()
    }

    fn is_labelled(&self, image: &DerivedImage) -> bool {
        match self.component.dockerfiles.get(&image.dockerfile) {
            Some(ReadFile::Found(dockerfile)) => dockerfile.is_release_operator(),
            _ => false,
        }
    }

    fn lists(&self) -> Result<(Lists, Origin), InputError> {
        let labelled = self.images.iter().filter(|image| self.is_labelled(image));
        let dockerfiles: BTreeSet<&str> = labelled.map(|image| &*image.dockerfile).collect();
        let origin = &self.component.origin;
        let key = |commit: &str| format!("{commit} {dockerfiles:?} {}", self.walks());
        let store = &self.run.store;
        let commit = origin.commit.as_deref();
        let known = commit.and_then(|commit| store.get::<Lists>("operators", VERSION, key(commit).as_bytes()));
        if let Some(lists) = known {
            let name = self.repo.to_string();
            self.run.sources.note(&name, self.branch(), &lists.looked_at);
            return Ok((lists, origin.clone()));
        }
        let location = self
            .run
            .config
            .sources
            .components
            .repo(self.outline.metadata.release, self.repo);
        let location = location.ok_or_else(|| InputError::NoPlace(self.repo.clone()))?;
        let sources = &self.run.sources;
        let snapshot = sources.open_component(self.repo, &location, self.branch())?;
        let lists = find(&*snapshot, &dockerfiles, self.walks())?;
        let origin = snapshot.origin().clone();
        if let Some(commit) = &origin.commit {
            store.put("operators", VERSION, key(commit).as_bytes(), &lists);
        }
        Ok((lists, origin))
    }

    /// The branch that the component was asked for at; what was read may be a folder in its place, which has none.
    fn branch(&self) -> &str {
        let derived = self.images.iter().find(|image| image.standing == Standing::Derived);
        derived.map_or(&self.component.origin.branch, |image| &image.branch)
    }

    /// Whether every folder is looked into, or only likely ones.
    fn walks(&self) -> bool {
        self.run.sources.github().is_none()
    }

    fn unreadable(&self, why: &InputError) -> Finding {
        let text = format!("the operators' lists of images of {} cannot be read: {why}", self.repo);
        Finding::new(Severity::Warning, "unreadable-image-references", text)
            .with_component(self.repo.to_string())
            .with_help("what its operators ask for is not known until it can be read")
    }

    fn wrong(&self, place: &Place, fault: &Fault) -> Finding {
        let (line, text) = (fault.line, format!("{}: {}", place.file, fault.message));
        Finding::new(Severity::Warning, "unreadable-image-references", text)
            .with_component(self.repo.to_string())
            .with_place(Place { line, ..place.clone() })
            .with_help("composing a release fails on it as well; put the file right")
    }
}

/// Finds the lists of a repository, and which Dockerfiles ship which.
fn find(snapshot: &dyn Snapshot, dockerfiles: &BTreeSet<&str>, walk: bool) -> Result<Lists, ReadError> {
    let noted = Noted::of(snapshot);
    let snapshot: &dyn Snapshot = &noted;
    let mut copied_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut silent = Vec::new();
    for dockerfile in dockerfiles {
        let shipped = shipped_folders(snapshot, dockerfile)?;
        if shipped.is_silent {
            silent.push((*dockerfile).to_owned());
        }
        for folder in shipped.folders {
            copied_by.entry(folder).or_default().push((*dockerfile).to_owned());
        }
    }
    let mut folders: BTreeSet<String> = copied_by.keys().cloned().collect();
    if walk {
        folders.extend(folders_with_lists(snapshot)?);
    } else {
        folders.extend(LIKELY.map(str::to_owned));
    }
    let files: Vec<String> = folders.iter().map(|folder| join(folder, FILE)).collect();
    snapshot.expect(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let mut all = Vec::new();
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
        all.push(List {
            copied_by: copied_by.remove(&folder).unwrap_or_default(),
            content,
            file,
        });
    }
    Ok(Lists {
        all,
        silent,
        looked_at: noted.paths(),
    })
}

/// What a Dockerfile's final stage ships.
#[derive(Default)]
struct Shipped {
    /// The folders with a list that it copies to where manifests are.
    folders: BTreeSet<String>,
    /// Whether it does not say.
    is_silent: bool,
}

fn shipped_folders(snapshot: &dyn Snapshot, dockerfile: &str) -> Result<Shipped, ReadError> {
    let mut folders = BTreeSet::new();
    let Some(blob) = snapshot.read(dockerfile)? else {
        return Ok(Shipped::default());
    };
    let copies = copies(&blob.bytes);
    let to_manifests = |to: &str| {
        let to = to.trim_end_matches('/');
        to.is_empty() || to == MANIFESTS || to.starts_with("/manifests/")
    };
    let mut says = !copies.is_empty();
    for source in copies
        .iter()
        .filter(|copied| to_manifests(&copied.destination))
        .flat_map(|copied| &copied.sources)
    {
        says = false;
        // The source may be a path in another stage (`/go/src/…/install`): its end is one in the repository.
        let source = source.trim_end_matches('/').trim_end_matches("/*");
        let source = source.strip_suffix("/image-references").unwrap_or(source);
        let parts: Vec<&str> = segments_of(source).collect();
        for start in 0..parts.len() {
            let folder = parts[start..].join("/");
            // A path that leaves the repository, or one with a wildcard, is no folder of it.
            if matches!(snapshot.oid(&join(&folder, FILE)), Ok(Some(_))) {
                folders.insert(folder);
                break;
            }
        }
    }
    let is_silent = !says && folders.is_empty();
    Ok(Shipped { folders, is_silent })
}

/// All folders with a list, within bounds: those nearer to the root first.
fn folders_with_lists(snapshot: &dyn Snapshot) -> Result<BTreeSet<String>, ReadError> {
    let (mut found, mut todo, mut seen) = (BTreeSet::new(), vec![String::new()], 0);
    for _ in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        for folder in todo {
            seen += 1;
            if seen > MAX_FOLDERS {
                return Ok(found);
            }
            for entry in snapshot.list(&folder)?.unwrap_or_default() {
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
        lists.all.iter().map(tell).collect()
    }

    fn silent(dockerfile: &str) -> bool {
        let snapshot = MemorySnapshot::new("o/r")
            .file("Dockerfile", dockerfile)
            .file("tests/image-references", LIST);
        let lists = find(&snapshot, &BTreeSet::from(["Dockerfile"]), true).expect("lists");
        assert_eq!(lists.all.len(), 1);
        !lists.silent.is_empty()
    }

    #[test]
    fn a_final_stage_that_copies_elsewhere_ships_no_list() {
        assert!(!silent(
            "FROM a AS b\nCOPY . .\nFROM c\nCOPY --from=b /tool /usr/bin/\n"
        ));
        assert!(
            silent("FROM a\nLABEL io.openshift.release.operator=true\n"),
            "it copies nothing"
        );
        assert!(silent("FROM a AS b\nFROM c\nCOPY --from=b /out/$NAME /manifests\n"));
        assert!(silent("FROM a\nCOPY rootfs /\n"));
        assert!(!silent("FROM a\nCOPY tests /manifests\n"), "it ships that list");
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
