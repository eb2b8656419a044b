//! Runs of ours on a branch that their image is not built from: they go once nothing of what people made of them is lost.

use super::TARGET;
use super::fresh;
use super::merge::{additions, param};
use super::plans::Plan;
use super::repository::Repository;
use super::runs::{self, Event, Run, expression};
use crate::base::RepoName;
use crate::targets::documents::Files;
use crate::targets::{Actual, Ask, Beside, Question, Told};
use crate::yaml::Node;
use crate::yaml::edit::{self, How};

/// The files of the branch that an image is built from, for those of its runs that stand on another one.
pub(super) fn asked(ask: &Ask<'_>, actual: &Actual) -> Vec<Beside> {
    // What fails is told of when the files are rendered.
    let Ok(world) = super::plans::world(ask, TARGET.name) else {
        return Vec::new();
    };
    let name = actual.repo.to_string();
    let elsewhere = |plan: &&Plan| plan.repository == name && plan.branch != actual.branch;
    let elsewhere: Vec<&Plan> = world.plans.iter().filter(elsewhere).collect();
    if elsewhere.is_empty() {
        return Vec::new();
    }
    let files = Files::read(ask, actual, &TARGET, "tekton-unreadable");
    let there = runs::all(&files, super::TEKTON, &world.konflux.labels.value);
    let of_ours = there.iter().filter_map(|run| {
        let plan = elsewhere.iter().find(|plan| plan.component == run.component)?;
        Some(beside(&actual.repo, plan, &run.path))
    });
    let mut asked: Vec<Beside> = of_ours.collect();
    asked.dedup();
    asked
}

fn beside(repo: &RepoName, plan: &Plan, path: &str) -> Beside {
    Beside {
        repo: repo.clone(),
        branch: plan.branch.clone(),
        path: path.to_owned(),
        what: Question::Text,
    }
}

impl Repository<'_> {
    /// A run of ours on a branch that its image is not built from: it goes, as another branch has it.
    pub(super) fn left_over(&self, files: &mut Files<'_>, plan: &Plan, run: &Run) {
        if files.documents(&run.path).len() != 1 || files.actual.links.contains(&run.path) {
            self.stays(files, &plan.tag, run, "other documents stand beside it");
            return;
        }
        let lost = self.lost(files, plan, run);
        if !lost.is_empty() {
            let place = match self.branch {
                Some(_) => &plan.branch,
                None => &plan.repository,
            };
            let why = format!("{place} does not have what people made of it ({})", lost.join(", "));
            let help = format!(
                "copy it to {place}, where its branch is put right; then it goes here, as it does when it is removed by hand"
            );
            self.stays_until(files, &plan.tag, run, &why, &help);
            return;
        }
        let cause = self
            .causes
            .file(Some(plan), &self.name, &plan.rules.branch, false, "a run");
        files.remove(&run.path, cause);
    }

    /// What a run says that neither a new one nor the one in its place would.
    fn lost(&self, files: &Files<'_>, plan: &Plan, run: &Run) -> Vec<String> {
        let Some(node) = files.documents(&run.path).get(run.document) else {
            return Vec::new();
        };
        let event = run.event.unwrap_or(Event::Push);
        let fresh = fresh::run(self.world, plan, event, &self.shared);
        let mut own = self.own(&files.actual.branch, plan, node, &fresh);
        if own.is_empty() {
            return own;
        }
        let there = match &self.branch {
            Some(_) => match files.actual.beside.get(&beside(&files.actual.repo, plan, &run.path)) {
                Some(Told::Text(bytes)) => read(bytes),
                _ => Vec::new(),
            },
            None => files.documents(&self.moved_to(plan, &run.path)).to_vec(),
        };
        let label = self.world.konflux.labels.value.component.as_str();
        let others = there
            .iter()
            .filter(|other| runs::label(other, label) == Some(&plan.component));
        for other in others {
            let has = self.own(&files.actual.branch, plan, other, &fresh);
            own.retain(|what| !has.contains(what));
        }
        own
    }

    /// Where a file of a central repository stands once its image is built from another component's repository.
    fn moved_to(&self, plan: &Plan, path: &str) -> String {
        let file = path.strip_prefix(&self.folder).unwrap_or(path);
        format!("{}/{}/{}/{file}", super::CENTRAL, plan.repository, super::TEKTON)
    }

    /// What people made of a run, against a new one.
    fn own(&self, branch: &str, plan: &Plan, node: &Node, fresh: &Node) -> Vec<String> {
        const ONCE: [&str; 3] = ["git-url", "revision", "image-expires-after"];
        const LISTS: [&str; 3] = ["build-platforms", "build-args", "additional-tags"];
        const SPEC: [&str; 3] = ["pipelineRef", "timeouts", "workspaces"];
        let mut found = additions(node);
        let other = |there: Option<&Node>, new: Option<&Node>| there.is_some() && there != new;
        let once = ONCE
            .into_iter()
            .filter(|name| other(param(node, name), param(fresh, name)));
        let more = LISTS.into_iter().filter(|name| {
            let items = |node| param(node, name).and_then(Node::as_seq).unwrap_or_default();
            items(node).iter().any(|item| !items(fresh).contains(item))
        });
        found.extend(once.chain(more).map(|name| format!("param {name}")));
        let of = |node, key| Node::get(node, "spec").and_then(|spec| spec.get(key));
        let spec = SPEC.into_iter().filter(|key| other(of(node, key), of(fresh, key)));
        found.extend(spec.map(|key| format!("spec.{key}")));
        let said = |node| plainly(expression(node).unwrap_or_default(), branch, &plan.branch);
        if said(node) != said(fresh) {
            found.push("when it starts".to_owned());
        }
        found
    }
}

/// An expression without what makes no difference here: spaces, the kind of quotes, and which of two branches it names.
fn plainly(expression: &str, former: &str, own: &str) -> String {
    let packed: String = expression.split_whitespace().collect();
    let packed = packed.replace('\'', "\"");
    packed.replace(&format!("\"{former}\""), &format!("\"{own}\""))
}

fn read(bytes: &[u8]) -> Vec<Node> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    edit::documents(text, &How::default()).unwrap_or_default()
}
