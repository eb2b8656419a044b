//! The runs of a component's repository: those that are there, merged, and those that are missing.

use std::collections::BTreeSet;

use super::branch::{judge, retarget, tell, was_built_from};
use super::causes::Causes;
use super::cel::{self, Starts};
use super::fresh::{self, MARK, Shared};
use super::merge::{Merge, additions};
use super::plans::{Plan, World};
use super::runs::{self, Event, Run, expression, label, starts};
use crate::finding::{Finding, Severity};
use crate::targets::documents::{Files, says};
use crate::yaml::Node;
use crate::yaml::edit;

/// The runs of one repository, on one branch or in a folder of a central one.
pub(super) struct Repository<'r> {
    pub world: &'r World,
    pub causes: &'r Causes<'r>,
    pub shared: Shared<'r>,
    /// `org/repo`
    pub name: String,
    /// The branch; `None` in a central repository, which has the runs of all.
    pub branch: Option<String>,
    /// The folder with the runs, with its slash.
    pub folder: String,
}

impl Repository<'_> {
    /// The images that are built from the repository.
    fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.world.plans.iter().filter(|plan| plan.repository == self.name)
    }

    fn is_here(&self, plan: &Plan) -> bool {
        self.branch.as_ref().is_none_or(|branch| *branch == plan.branch)
    }

    fn is_of(&self, run: &Run, plan: &Plan) -> bool {
        run.component == plan.component && self.is_of_release(run)
    }

    /// Whether a run is of this release, as far as its version tells.
    fn is_of_release(&self, run: &Run) -> bool {
        !self.world.konflux.has_versions.value || run.version == self.world.konflux.version.value
    }

    /// Puts right what is there and adds what is missing.
    pub fn render(&self, files: &mut Files<'_>) {
        let there = runs::all(files, &self.folder, &self.world.konflux.labels.value);
        for plan in self.plans() {
            let own: Vec<&Run> = there.iter().filter(|run| self.is_of(run, plan)).collect();
            for run in &own {
                files.about(&run.path, Some(&self.name), &plan.tag);
            }
            match self.is_here(plan) {
                true => self.image(files, plan, &own),
                false => own.iter().for_each(|run| self.left_over(files, plan, run)),
            }
        }
        self.moved(files, &there);
        self.unwanted(files, &there);
        self.others(files, &there);
        for (name, paths) in runs::same_names(files, &self.folder) {
            let list: Vec<&str> = paths.iter().map(String::as_str).collect();
            let text = format!(
                "several runs are called {name}, so none of the repository starts: {}",
                list.join(", ")
            );
            let finding = Finding::new(Severity::Error, "tekton-same-name", text)
                .with_component(self.name.clone())
                .with_help("let one of them go, or give it another name");
            files.tell(finding, list[0], None);
        }
    }

    /// In a central repository the runs of an image go along when it moves to another component's repository.
    fn moved(&self, files: &mut Files<'_>, there: &[Run]) {
        if self.branch.is_some() {
            return;
        }
        let elsewhere = self.world.plans.iter().filter(|plan| plan.repository != self.name);
        for plan in elsewhere {
            for run in there.iter().filter(|run| self.is_of(run, plan)) {
                files.about(&run.path, Some(&self.name), &plan.tag);
                self.left_over(files, plan, run);
            }
        }
    }

    /// The file of another run that has a run's name already: with two of them none of the repository starts.
    fn taken(&self, files: &Files<'_>, plan: &Plan, event: Event, path: &str) -> Option<String> {
        let name = fresh::name(plan, event);
        let all = runs::all(files, &self.folder, &self.world.konflux.labels.value);
        let mut others = all.into_iter().filter(|run| run.name == name && run.path != path);
        others.next().map(|run| run.path)
    }

    fn image(&self, files: &mut Files<'_>, plan: &Plan, own: &[&Run]) {
        let mut left: Vec<&Run> = own
            .iter()
            .copied()
            .filter(|run| !self.is_link(files, plan, run))
            .collect();
        for event in Event::ALL {
            let path = format!("{}{}", self.folder, fresh::file(plan, event));
            let at = left.iter().position(|run| run.path == path).or_else(|| {
                let other = Event::ALL.map(|event| format!("{}{}", self.folder, fresh::file(plan, event)));
                let free = |run: &&Run| run.event == Some(event) && !other.contains(&run.path);
                left.iter().position(free)
            });
            match at {
                Some(at) => {
                    let run = left.remove(at);
                    retarget(files, self.causes, self.world, plan, run, Some(event));
                    let taken = self.taken(files, plan, event, &run.path).is_some();
                    let mut merge = Merge {
                        files,
                        causes: self.causes,
                        world: self.world,
                        plan,
                        run,
                        event,
                        may_rename: !taken,
                    };
                    merge.all();
                    judge(files, self.world, plan, run, &[event]);
                    self.pipeline(files, plan, run);
                    self.placeholders(files, plan, run);
                }
                None => self.add(files, plan, event, &path),
            }
        }
        // What people made beside them is theirs, but for the branch.
        for run in left {
            retarget(files, self.causes, self.world, plan, run, run.event);
            let events = run.event.map_or(Event::ALL.to_vec(), |event| vec![event]);
            judge(files, self.world, plan, run, &events);
            self.placeholders(files, plan, run);
        }
        for event in Event::ALL {
            self.two_runs(files, plan, own, event);
        }
    }

    fn is_link(&self, files: &mut Files<'_>, plan: &Plan, run: &Run) -> bool {
        let is_link = files.actual.links.contains(&run.path);
        if is_link {
            self.foreign(files, plan, &run.path, "it is a link");
        }
        is_link
    }

    fn foreign(&self, files: &mut Files<'_>, plan: &Plan, path: &str, why: &str) {
        let text = format!(
            "{path} has the name of a run of {}, and is left alone: {why}",
            plan.component
        );
        let finding = Finding::new(Severity::Warning, "tekton-foreign", text)
            .with_image(plan.tag.clone())
            .with_component(self.name.clone())
            .with_help(format!(
                "give it the label {}: {}, or another name",
                self.world.konflux.labels.value.component, plan.component
            ));
        files.tell(finding, path, None);
    }

    /// The file that cannot be read and may hold a run of an image: it is called so, says so, or says nothing at all.
    fn unread(&self, files: &Files<'_>, plan: &Plan, event: Event) -> Option<String> {
        let (name, file) = (fresh::name(plan, event), fresh::file(plan, event));
        let title = file.trim_end_matches(".yaml");
        let says_so = |text: &str| says(text, &plan.component) || says(text, &name);
        let mut unread = files.unread(&self.folder);
        let found = unread.find(|(path, text)| says(path, title) || text.as_deref().is_none_or(says_so));
        found.map(|(path, _)| path.to_owned())
    }

    fn add(&self, files: &mut Files<'_>, plan: &Plan, event: Event, path: &str) {
        if files.is_there(path) {
            let mut kinds = files
                .documents(path)
                .iter()
                .map(|node| node.get("kind").and_then(Node::as_str));
            // What cannot be read has been told of.
            let is_read = files.actual.files.contains_key(path) && !files.is_unread(path);
            match kinds.any(|kind| kind == Some("PipelineRun")) {
                true => self.foreign(files, plan, path, "its label names another component, or it has none"),
                false if is_read => self.foreign(files, plan, path, "it is no run"),
                false => {}
            }
            return;
        }
        if let Some(unread) = self.unread(files, plan, event) {
            let name = fresh::name(plan, event);
            let text = format!("{name} is not added: {unread}, which cannot be read, may hold it");
            let finding = Finding::new(Severity::Error, "tekton-unreadable", text)
                .with_image(plan.tag.clone())
                .with_component(self.name.clone())
                .with_help("put the file right");
            return files.tell(finding, &unread, None);
        }
        if let Some(other) = self.taken(files, plan, event, path) {
            let why = "with a second run of that name none of the repository would start";
            return self.foreign(files, plan, &other, why);
        }
        let node = fresh::run(self.world, plan, event, &self.shared);
        let cause = self.causes.file(Some(plan), &self.name, &[], true, "a run");
        files.add(path, edit::fresh(&node), cause, Some(&self.name), &[&plan.tag]);
    }

    /// Removes runs of images that the release does not have.
    fn unwanted(&self, files: &mut Files<'_>, there: &[Run]) {
        let world = self.world;
        let known: BTreeSet<&str> = world.plans.iter().map(|plan| plan.component.as_str()).collect();
        for run in there {
            if run.component.is_empty() || known.contains(&*run.component) || world.held.contains(&run.component) {
                continue;
            }
            let Some(node) = files.documents(&run.path).get(run.document).cloned() else {
                continue;
            };
            let dropped = world.dropped.get(&run.component);
            let marked = label(&node, MARK.0) == Some(MARK.1);
            let of_release = match world.konflux.has_versions.value {
                true => true,
                false => run.application == world.konflux.application.value,
            };
            let of_ours = marked && world.complete && of_release;
            if !self.is_of_release(run) || (dropped.is_none() && !of_ours) {
                continue;
            }
            let tag = world.gone(&run.component);
            let mut more = additions(&node);
            if files.documents(&run.path).len() != 1 {
                more.push("other documents".to_owned());
            }
            files.about(&run.path, Some(&self.name), tag);
            if !more.is_empty() {
                self.stays(files, tag, run, &format!("people added {}", more.join(", ")));
                continue;
            }
            let cause = self.causes.file(None, &self.name, &[], false, "a run");
            files.remove(&run.path, cause);
        }
    }

    pub(super) fn stays(&self, files: &mut Files<'_>, tag: &str, run: &Run, why: &str) {
        self.stays_until(files, tag, run, why, "remove the file by hand");
    }

    /// Tells that a run stays, and what to do about it.
    pub(super) fn stays_until(&self, files: &mut Files<'_>, tag: &str, run: &Run, why: &str, help: &str) {
        let text = format!(
            "{} builds {}, which is not built here; it stays: {why}",
            run.path, run.component
        );
        let finding = Finding::new(Severity::Warning, "dropped-with-additions", text)
            .with_image(tag.to_owned())
            .with_component(self.name.clone())
            .with_help(help);
        files.tell(finding, &run.path, None);
    }

    /// Several runs of one component on one event: it would be built twice.
    fn two_runs(&self, files: &mut Files<'_>, plan: &Plan, own: &[&Run], event: Event) {
        let start: Vec<&Run> = own
            .iter()
            .copied()
            .filter(|run| {
                let node = files.documents(&run.path).get(run.document);
                node.is_some_and(|node| starts(node, event, &plan.branch, &plan.dockerfile) == Starts::Yes)
            })
            .collect();
        if let [first, _, ..] = start.as_slice() {
            let list: Vec<&str> = start.iter().map(|run| run.path.as_str()).collect();
            let text = format!(
                "{} is built {} times for each {}: {}",
                plan.component,
                list.len(),
                event.word(),
                list.join(", ")
            );
            let finding = Finding::new(Severity::Error, "tekton-two-runs", text)
                .with_help("let all but one go, or start on something else");
            tell(files, plan, first, finding);
        }
    }

    /// Placeholders that are not closed: Pipelines as Code leaves them as they are.
    fn placeholders(&self, files: &mut Files<'_>, plan: &Plan, run: &Run) {
        let Some(bytes) = files.actual.files.get(&run.path) else {
            return;
        };
        let text = String::from_utf8_lossy(bytes);
        let broken = text
            .lines()
            .enumerate()
            .find_map(|(at, line)| Some((at, broken(line)?.to_owned())));
        if let Some((at, part)) = broken {
            let text = format!("{} has a placeholder that is not closed: {part}", run.path);
            let finding = Finding::new(Severity::Warning, "tekton-broken-placeholder", text)
                .with_image(plan.tag.clone())
                .with_component(self.name.clone())
                .with_help("close it with two braces");
            files.tell(finding, &run.path, u32::try_from(at + 1).ok());
        }
    }

    /// Runs of others that name other branches only, as after a cut that nobody followed.
    fn others(&self, files: &mut Files<'_>, there: &[Run]) {
        let Some(branch) = &self.branch else { return };
        if !self.plans().any(|plan| plan.branch == *branch) {
            return;
        }
        let known: BTreeSet<&str> = self.world.plans.iter().map(|plan| plan.component.as_str()).collect();
        let stale = there.iter().filter(|run| {
            let node = files.documents(&run.path).get(run.document);
            let said = node.and_then(expression).and_then(cel::read);
            let ours = known.contains(&*run.component) || self.world.held.contains(&run.component);
            !ours
                && said.is_some_and(|said| {
                    let mut others = said.branches.iter();
                    !said.by_hand
                        && !said.branches.is_empty()
                        && others.all(|literal| literal.value != *branch && was_built_from(self.world, &literal.value))
                })
        });
        let stale: Vec<&str> = stale.map(|run| run.path.as_str()).collect();
        if let Some(first) = stale.first() {
            let text = format!(
                "{} runs of other components start on other branches only, and are left alone: {}",
                stale.len(),
                crate::base::text::clip(&stale.join(", "), 300)
            );
            let finding = Finding::new(Severity::Note, "tekton-foreign", text)
                .with_component(self.name.clone())
                .with_help("whoever made them may want to retarget them, too");
            files.tell(finding, first, None);
        }
    }
}

/// The first placeholder of a line that is not closed.
fn broken(line: &str) -> Option<&str> {
    let mut rest = line;
    while let Some(at) = rest.find("{{") {
        let part = &rest[at..];
        let inside = part[2..].find(['{', '}', '\'', '"']).map_or(part.len(), |end| end + 2);
        if !part[inside..].starts_with("}}") {
            let word = part[2..inside].trim();
            let is_word = !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' '));
            return is_word.then(|| part.get(..(inside + 1).min(part.len())).unwrap_or(part));
        }
        rest = &part[inside + 2..];
    }
    None
}
