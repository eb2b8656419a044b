//! Konflux's resources of a release, a file each, in the repository that a cluster applies.

mod joined;
mod versions;
mod wanted;

use std::collections::BTreeSet;

pub(super) use self::joined::{joined, stay_listed};
use self::wanted::{Maker, WantedDocument};
use super::causes::Causes;
use super::fresh::{MARK, Shared, text};
use super::pipeline;
use super::plans::{Plan, World};
use super::runs::label;
use crate::finding::{Finding, Severity};
use crate::targets::documents::{Files, says};
use crate::targets::to_node;
use crate::yaml::Node;
use crate::yaml::edit;
use crate::yaml::edit::path::{find, keys, set};

/// A release's resources.
pub(super) struct Resources<'r> {
    pub world: &'r World,
    pub causes: &'r Causes<'r>,
    pub repository: String,
    pub shared: Shared<'r>,
    /// Whether a component has those rebuilt that are built from it.
    pub nudges: bool,
}

/// What belongs in the list of files.
#[derive(Default)]
struct Listed {
    /// Files that stand where they are written.
    own: BTreeSet<String>,
    /// Files that people gave another name: a list that is there has them in its own way, be it by their folder.
    others: BTreeSet<String>,
}

impl Listed {
    /// All of them, by name.
    fn all(&self) -> impl Iterator<Item = &String> {
        self.own.union(&self.others)
    }
}

impl Resources<'_> {
    fn folder(&self) -> &str {
        self.world.konflux.resources_folder.value.trim_matches('/')
    }

    /// The file of a component.
    fn file(&self, component: &str) -> String {
        format!("{}/components/{component}.yaml", self.folder())
    }

    /// Makes the files right.
    pub fn render(&self, files: &mut Files<'_>) {
        let maker = Maker {
            world: self.world,
            rules: self.causes.rules,
            shared: &self.shared,
            nudges: self.nudges,
        };
        let has_versions = self.world.konflux.has_versions.value;
        let mut listed = Listed::default();
        if !has_versions {
            let usual = format!("{}/application.yaml", self.folder());
            let wanted = [maker.application()];
            let name = &*self.world.konflux.application.value;
            if let Some(home) = self.home(files, &usual, &wanted, &[name, "Application"], &mut listed, None) {
                self.document(files, (&usual, &home), None, &wanted);
            }
        }
        for plan in &self.world.plans {
            let usual = self.file(&plan.component);
            let wanted = maker.image(plan);
            let words = [plan.component.as_str()];
            let Some(home) = self.home(files, &usual, &wanted, &words, &mut listed, Some(plan)) else {
                continue;
            };
            // What several images share is of no one repository.
            let repository = (home == usual).then_some(&*plan.repository);
            files.about(&home, repository, &plan.tag);
            let place = wanted
                .first()
                .and_then(|wanted| self.place(files, &usual, &wanted.fresh));
            let before = place.and_then(|(path, at)| files.documents(&path).get(at).cloned());
            let wanted = match &before {
                Some(there) if has_versions => self.own_part(files, &home, plan, there, wanted),
                _ => Some(wanted),
            };
            if let Some(wanted) = wanted {
                self.document(files, (&usual, &home), Some(plan), &wanted);
                self.moved(files, &home, plan, before.as_ref());
            }
        }
        self.unheard(files);
        for (file, resource) in &self.world.konflux.extra_resources.value {
            let path = format!("{}/{file}", self.folder());
            if crate::base::path_fault(&path).is_some() {
                continue;
            }
            let resource = to_node(resource);
            if !files.is_there(&path) {
                if let Some((other, _)) = self.place(files, &path, &resource) {
                    listed.others.insert(self.listing(&other));
                    continue;
                }
                let words: Vec<&str> = name(&resource).into_iter().chain(kind(&resource)).collect();
                if words.len() == 2 && self.waits(files, &path, &words, None) {
                    continue;
                }
                let cause = self.causes.file(None, &self.repository, &[], true, "a resource");
                files.add(&path, edit::fresh(&resource), cause, None, &[]);
            }
            listed.own.insert(file.clone());
        }
        let gone = self.unwanted(files);
        self.kustomization(files, &listed, &gone);
        let path = &self.world.konflux.pipeline.value.path;
        if !files.is_there(path) {
            let cause = self
                .causes
                .file(None, &self.repository, &[], true, "the build pipeline");
            files.add(path, pipeline::text(self.world, &self.shared), cause, None, &[]);
        }
    }

    /// What a list in the release's folder calls a file.
    fn listing(&self, path: &str) -> String {
        let below = path.strip_prefix(self.folder()).unwrap_or(path);
        below.trim_start_matches('/').to_owned()
    }

    /// Where a resource stands, and which document it is: by what it is and its name in any file, or in its usual one by what
    /// it is alone, unless that is another image's.
    fn place(&self, files: &Files<'_>, usual: &str, fresh: &Node) -> Option<(String, usize)> {
        let find = |path: &str, is: &dyn Fn(&Node) -> bool| {
            let at = files.documents(path).iter().position(is)?;
            Some((path.to_owned(), at))
        };
        let folder = format!("{}/", self.folder());
        let is_other = |node: &Node| {
            let mut built = self.world.plans.iter().map(|plan| &plan.component);
            name(node).is_some_and(|name| built.any(|other| other == name) || self.world.held.contains(name))
        };
        find(usual, &|node| is_same(node, fresh))
            .or_else(|| {
                let mut others = files.below(&folder);
                others.find_map(|(path, _)| find(path, &|node| is_same(node, fresh)))
            })
            .or_else(|| find(usual, &|node| kind(node) == kind(fresh) && !is_other(node)))
    }

    /// The file with the first of some resources, or where it is to be; `None`: that waits for one that cannot be read.
    fn home(
        &self,
        files: &mut Files<'_>,
        usual: &str,
        wanted: &[WantedDocument<'_>],
        words: &[&str],
        listed: &mut Listed,
        plan: Option<&Plan>,
    ) -> Option<String> {
        let places = wanted.iter().map(|wanted| self.place(files, usual, &wanted.fresh));
        let places: Vec<Option<String>> = places.map(|place| place.map(|(path, _)| path)).collect();
        let first = places.first().cloned().flatten();
        let home = first.unwrap_or_else(|| usual.to_owned());
        if self.waits(files, &home, words, plan) {
            return None;
        }
        let paths = places.into_iter().flatten().chain([home.clone()]);
        for path in paths {
            let of = if path == usual {
                &mut listed.own
            } else {
                &mut listed.others
            };
            of.insert(self.listing(&path));
        }
        Some(home)
    }

    /// Whether a new file waits for one that cannot be read and may hold what it is for, as it says these words; that is told.
    fn waits(&self, files: &mut Files<'_>, path: &str, words: &[&str], plan: Option<&Plan>) -> bool {
        let folder = format!("{}/", self.folder());
        // The list of files holds none.
        let may_hold = |path: &str, text: Option<&str>| {
            !path.ends_with("/kustomization.yaml") && text.is_none_or(|text| words.iter().all(|word| says(text, word)))
        };
        let found = files
            .unread(&folder)
            .find(|(path, text)| may_hold(path, text.as_deref()));
        let Some(unread) = found.map(|(path, _)| path.to_owned()).filter(|_| !files.is_there(path)) else {
            return false;
        };
        let text = format!(
            "{path} is not added: {unread}, which cannot be read, may hold {}",
            words.first().copied().unwrap_or_default()
        );
        let mut finding = Finding::new(Severity::Error, "unreadable-resource", text).with_help("put the file right");
        if let Some(plan) = plan {
            finding = finding
                .with_image(plan.tag.clone())
                .with_component(plan.repository.clone());
        }
        files.tell(finding, &unread, None);
        true
    }

    /// Makes documents right, those of other kinds left alone; what is not there is added with the usual file alone.
    fn document(
        &self,
        files: &mut Files<'_>,
        (usual, home): (&str, &str),
        plan: Option<&Plan>,
        wanted: &[WantedDocument<'_>],
    ) {
        if files.is_unread(home) {
            return;
        }
        let mut missing = Vec::new();
        for wanted in wanted {
            match self.place(files, usual, &wanted.fresh) {
                Some((path, document)) => self.fields(files, (&path, document), plan, wanted),
                None => missing.push(wanted),
            }
        }
        if !files.is_there(home) {
            let texts: Vec<String> = missing.iter().map(|wanted| edit::fresh(&wanted.fresh)).collect();
            let cause = self.causes.file(plan, &self.repository, &[], true, "a resource");
            let tags: Vec<&str> = plan.iter().map(|plan| plan.tag.as_str()).collect();
            let component = plan.map(|plan| plan.repository.as_str());
            files.add(home, texts.join("---\n"), cause, component, &tags);
            return;
        }
        for wanted in missing {
            let text = format!("{home} has no {}, though Konflux needs one", wanted.kind);
            let finding = Finding::new(Severity::Warning, "resource-missing", text)
                .with_help("add it to the file, or remove the file so that it is written anew");
            files.tell(finding, home, None);
        }
    }

    /// Puts the managed fields of a document right.
    fn fields(
        &self,
        files: &mut Files<'_>,
        (path, document): (&str, usize),
        plan: Option<&Plan>,
        wanted: &WantedDocument<'_>,
    ) {
        let mut refused: Option<&[edit::path::Step<'_>]> = None;
        for field in &wanted.managed {
            // Where an item may not come, nothing of it does.
            if refused.is_some_and(|item| field.path.starts_with(item)) {
                continue;
            }
            let node = files.documents(path).get(document);
            let there = node.and_then(|node| find(node, &field.path)).cloned();
            let value = field.value(&wanted.fresh, there.as_ref(), self.world);
            let Some(value) = value.filter(|value| !field.is_met(there.as_ref(), value)) else {
                continue;
            };
            let (old, new) = (there.as_ref().map(told), told(&value));
            let cause = self
                .causes
                .field(plan, field.name(), &field.rules, old.as_deref(), Some(&new));
            let changed = files.change(path, cause, |documents| {
                if let Some(root) = documents.get_mut(document) {
                    _ = set(root, &field.path, value);
                }
            });
            if field.once && !changed {
                refused = Some(&field.path);
            }
        }
    }

    /// Tells of a component whose repository is another one now: nobody looks at the old one any more.
    fn moved(&self, files: &mut Files<'_>, path: &str, plan: &Plan, before: Option<&Node>) {
        let url = before.and_then(wanted::url);
        let old = url.map(|url| {
            url.trim_end_matches(".git")
                .trim_start_matches("https://github.com/")
                .to_owned()
        });
        if let Some(old) = old.filter(|old| *old != plan.repository) {
            let text = format!(
                "{} is built from {} now; its runs in {old} stay there",
                plan.component, plan.repository
            );
            let finding = Finding::new(Severity::Warning, "konflux-moved", text)
                .with_image(plan.tag.clone())
                .with_component(plan.repository.clone())
                .with_help("remove them by hand, unless the forge says that it is the same repository");
            files.tell(finding, path, None);
        }
    }

    /// Tells of an option that Konflux has no place for.
    fn unheard(&self, files: &mut Files<'_>) {
        let has_children = self.world.plans.iter().any(|plan| !plan.children.is_empty());
        if self.nudges && has_children && self.world.konflux.has_versions.value {
            let text = "a component with versions says nowhere which others are built again after it";
            let finding = Finding::new(Severity::Note, "nudges-not-heard", text)
                .with_help("take the option `nudges` away; a NudgeConfig of your own can be among `extra_resources`");
            files.tell(finding, &format!("{}/kustomization.yaml", self.folder()), None);
        }
    }

    /// Removes the resources of images that the release does not have; gives the names of their files.
    fn unwanted(&self, files: &mut Files<'_>) -> BTreeSet<String> {
        let folder = format!("{}/components/", self.folder());
        let known: BTreeSet<&str> = self.world.plans.iter().map(|plan| plan.component.as_str()).collect();
        let mut gone = BTreeSet::new();
        let there: Vec<String> = files.below(&folder).map(|(path, _)| path.to_owned()).collect();
        for path in there {
            let documents = files.documents(&path).to_vec();
            let component = documents.iter().find(|node| kind(node) == Some("Component"));
            let component = component.and_then(name).unwrap_or_default().to_owned();
            if component.is_empty() || known.contains(&*component) || self.world.is_undecided(&component) {
                continue;
            }
            // Where another's stands in the file it is people's doing.
            let is_ours = |node: &Node| label(node, MARK.0) == Some(MARK.1) && name(node) == Some(&*component);
            let marked = documents.iter().all(is_ours);
            let dropped = self.world.dropped.get(&component);
            let tag = self.world.gone(&component);
            if self.world.konflux.has_versions.value {
                if (dropped.is_some() || marked) && self.leaves(files, &path, &component, tag, marked) {
                    gone.insert(self.listing(&path));
                }
                continue;
            }
            if !marked {
                let text =
                    format!("{path} is of {component}, which the release does not build; it stays, as people made it");
                if dropped.is_some() {
                    let finding = Finding::new(Severity::Warning, "dropped-with-additions", text)
                        .with_help("remove the file by hand");
                    files.tell(finding, &path, None);
                }
                continue;
            }
            files.about(&path, self.world.repository_of_gone(&component).as_deref(), tag);
            let cause = self.causes.file(None, &self.repository, &[], false, "a resource");
            if files.remove(&path, cause) {
                gone.insert(self.listing(&path));
            }
        }
        gone
    }

    fn kustomization(&self, files: &mut Files<'_>, listed: &Listed, gone: &BTreeSet<String>) {
        let path = format!("{}/kustomization.yaml", self.folder());
        if files.is_unread(&path) {
            return;
        }
        if !files.is_there(&path) {
            let node = Node::map([
                ("apiVersion", text("kustomize.config.k8s.io/v1beta1")),
                ("kind", text("Kustomization")),
                ("resources", Node::seq(listed.all().map(|file| text(file.as_str())))),
            ]);
            let cause = self.causes.file(None, &self.repository, &[], true, "the list of files");
            files.add(&path, edit::fresh(&node), cause, None, &[]);
            return;
        }
        let resources = keys(&["resources"]);
        let there = files
            .documents(&path)
            .first()
            .and_then(|node| find(node, &resources))
            .cloned();
        let there: Vec<Node> = there
            .and_then(|node| node.as_seq().map(<[Node]>::to_vec))
            .unwrap_or_default();
        let mut after: Vec<Node> = there
            .iter()
            .filter(|node| !gone.contains(&listed_as(node)))
            .cloned()
            .collect();
        let known: BTreeSet<String> = after.iter().map(listed_as).collect();
        after.extend(
            listed
                .own
                .iter()
                .filter(|file| !known.contains(*file))
                .map(|file| text(file.as_str())),
        );
        if after == there {
            return;
        }
        let new: Vec<&str> = after
            .iter()
            .filter(|node| !there.contains(node))
            .filter_map(Node::text)
            .collect();
        let cause = self.causes.field(
            None,
            "resources",
            &[],
            None,
            Some(&crate::base::text::clip(&new.join(", "), 200)),
        );
        files.change(&path, cause, |documents| {
            if let Some(root) = documents.first_mut() {
                _ = set(root, &resources, Node::seq(after));
            }
        });
    }
}

/// The file that an entry of a list of files is about.
fn listed_as(entry: &Node) -> String {
    entry.text().unwrap_or_default().trim_start_matches("./").to_owned()
}

fn kind(node: &Node) -> Option<&str> {
    node.get("kind").and_then(Node::as_str)
}

fn name(node: &Node) -> Option<&str> {
    node.at(&["metadata", "name"])?.text()
}

/// Whether a document is a resource: of its API, kind and name, and of no other namespace.
fn is_same(node: &Node, resource: &Node) -> bool {
    let group = |node: &Node| {
        let api = node.get("apiVersion").and_then(Node::text)?;
        Some(api.split('/').next().unwrap_or_default().to_owned())
    };
    let at = ["metadata", "namespace"];
    let (here, wanted) = (node.at(&at).and_then(Node::text), resource.at(&at).and_then(Node::text));
    name(node).is_some()
        && name(node) == name(resource)
        && kind(node) == kind(resource)
        && group(node) == group(resource)
        && (here.is_none() || wanted.is_none() || here == wanted)
}

/// A value in a few words.
fn told(node: &Node) -> String {
    let name = || node.get("name").and_then(Node::text);
    match node.as_seq() {
        Some(items) => format!("{} items", items.len()),
        None => node.text().or_else(name).unwrap_or_default().to_owned(),
    }
}
