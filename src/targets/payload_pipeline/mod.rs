//! Target `payload-pipeline`: OKD's images built on a cluster of OKD's own, by OpenShift Builds driven by Tekton or Argo.
//!
//! The repository's files were made by hand and go on belonging to people: a BuildConfig is known by what it builds, its
//! managed fields are kept right, and everything else stays as it is, comments included. What the two drivers build when
//! follows from one computation.

mod argo;
mod beside;
mod builders;
mod causes;
mod forks;
mod found;
mod fresh;
mod lists;
mod names;
mod order;
mod patches;
mod renames;
mod shipwright;
mod tekton;
#[cfg(test)]
mod tests;
mod unwanted;
mod vacant;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use self::causes::Causes;
use self::found::{FOLDER, Matched};
use self::lists::Listed;
use self::names::{Plan, some};
use self::order::Order;
use self::vacant::Unread;
use self::wanted::{Kept, changes, fork_of};
use super::documents::Files;
use super::{Actual, Ask, Cut, Destination, Reads, Rendered, Step, Target, Tree, When};
use crate::base::RepoName;
use crate::derive::here::Here;
use crate::finding::{Finding, Severity};
use crate::yaml::Node;
use crate::yaml::edit;
use crate::yaml::edit::path::{keys, prune, set};
use crate::yaml::keys::{COMPONENT, Format, Key, Section, ValueForm, default, optional, section};

/// The target.
pub static TARGET: Target = Target {
    name: "payload-pipeline",
    group: "payload-pipeline",
    about: "BuildConfigs, their batches for Tekton and Argo, builders and, by option, Shipwright's builds: OKD on a cluster of its own",
    place: "okd-payload-pipeline, its branch of the release, or `main` for one release",
    owns: "of a BuildConfig: source, what FROMs are replaced by, Dockerfile, its own build arguments, output and the labels \
           that follow from them; the batches; the list of files; Shipwright's builds whole",
    seeds: "a new BuildConfig's name, profile of resources and layers policy",
    leaves: "forked Dockerfiles and all that goes with them, environment, triggers, secrets, other items and documents, \
             timeouts, builds of the pipeline's own",
    options: &OPTIONS,
    after: &[],
    destinations,
    reads,
    render,
    cut: Cut::Step(&CUT),
    wait: super::door::no_wait,
    folders: &[],
};

static CUT: Step = Step {
    at: 50,
    when: When::After,
    name: "pipeline",
    title: "let the pipeline of OKD's own build the release",
    because: "nothing is promoted from there, so it waits for nothing and nothing waits for it",
};

const REPO: Key = default(
    "repo",
    COMPONENT,
    "okd-project/okd-payload-pipeline",
    "The pipeline's repository, `org/repo`; it is found as components are.",
);
const MAIN: Key = optional(
    "main",
    ValueForm::Text(Format::Release),
    "The release that is built from the branch `main` as long as it has no branch of its own.",
);
const SHIPWRIGHT: Key = default(
    "shipwright",
    ValueForm::Flag,
    "false",
    "Whether builds for Shipwright are written, too.",
);
const ARCHITECTURES: Key = default(
    "architectures",
    ValueForm::Word(&["for-all", "per-image"]),
    "for-all",
    "Whether the shared Argo workflow is to build each image for its own architectures (`per-image`), or all for the same.",
);

static OPTIONS: Section = section(
    "How okd-payload-pipeline is written.",
    &[REPO, MAIN, SHIPWRIGHT, ARCHITECTURES],
);

fn destinations(ask: &Ask<'_>) -> Result<Vec<Destination>, Vec<Finding>> {
    let release = ask.rules().number().to_string();
    let mut branches = vec![ask.branch_here(TARGET.name)?.value];
    if ask.options.text(&MAIN) == release {
        branches.push("main".to_owned());
    }
    let name = ask.options.text(&REPO).parse::<RepoName>();
    Ok(name
        .map(|name| Destination::Repository { name, branches })
        .into_iter()
        .collect())
}

fn reads(_: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    let folders = [
        ("buildconfigs", 1),
        ("pipelines", 1),
        ("argo-workflows/okd-workflows", 1),
        ("shipwright", 2),
        ("variants", 2),
        ("forks", 2),
    ];
    Ok(Reads {
        files: Vec::new(),
        trees: folders.map(|(folder, depth)| Tree::of(folder, depth)).into(),
        beside: Some(beside::asked),
        ..Reads::default()
    })
}

fn render(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let (here, failed) = match ask.here(TARGET.name) {
        Ok(found) => found,
        Err(findings) => {
            return Rendered {
                findings,
                ..Rendered::default()
            };
        }
    };
    let mut files = Files::read(ask, actual, &TARGET, "unreadable-buildconfig");
    files.findings.extend(failed);
    let (plans, found) = names::plans(ask.build_config(), &here);
    files.findings.extend(found);
    let causes = Causes {
        rules: ask.rules(),
        here: &here,
        repository: actual.repo.to_string(),
    };
    let pipeline = Pipeline {
        here: &here,
        plans: &plans,
        causes: &causes,
    };
    pipeline.render(&mut files);
    files.finish()
}

/// What one rendering works with.
struct Pipeline<'p> {
    here: &'p Here,
    plans: &'p [Plan<'p>],
    causes: &'p Causes<'p>,
}

impl Pipeline<'_> {
    fn render(&self, files: &mut Files<'_>) {
        let (here, causes) = (self.here, self.causes);
        let all = found::all(files);
        let mut matched = found::matched(files, &all, self.plans, &self.known());
        let patches = patches::all(files);
        let prepared = tekton::prepared(files);
        let unread = Unread::of(files);
        vacant::names(files, self.plans, &all, &unread, &mut matched);
        let batches = order::batched(self.plans, &matched, here, &prepared);
        vacant::places(files, self.plans, &batches, &mut matched);
        let mut order = order::order(files, self.plans, &matched, here, &prepared);
        order.all.extend(all.iter().map(|found| found.name.clone()));
        let settled = self.is_settled();
        let wide = self.arches(files, settled);
        self.narrow(files, &matched, &mut order, &wide, settled);
        self.changed(files, &matched, &patches);
        let mut listed = builders::render(files, causes, here, self.plans, &all, &unread, &mut order);
        listed.extend(self.added(files, &matched, &mut order));
        for removed in unwanted::render(files, causes, &matched, settled) {
            order.forget(&removed.name);
            listed.push(Listed::Removed(found::base_name(&removed.path).to_owned()));
        }
        listed.extend(renames::render(files, causes, self.plans, &matched, &order));
        tekton::render(files, causes, &order, &patches, &unread);
        let heard = self.heard(files, &order);
        argo::render(files, causes, &order, heard);
        argo::default_arches(files, causes, &wide);
        let mut first: Vec<String> = order.builders.clone();
        first.extend(
            order
                .of_name
                .iter()
                .filter(|(_, batch)| **batch == 0)
                .map(|(name, _)| name.clone()),
        );
        argo::check_prepared(files, &first, &order.gone);
        lists::kustomization(files, causes, &listed);
        // Of what people set aside, and of what is in no batch, nothing else is there than the image in its place.
        let built = self.plans.iter().filter(|plan| order.has(plan, &matched));
        let built: BTreeSet<&str> = built.map(|plan| plan.here.tag.value.as_str()).collect();
        lists::placeholders(files, causes, &built);
        lists::rebuild(files, &order.of_name.keys().cloned().collect(), &order.gone);
        if files.ask.options.flag(&SHIPWRIGHT) {
            shipwright::render(files, causes, self.plans, &self.known(), &wide);
        }
        self.notes(files);
    }

    /// Tags of the stream that belong to images of the release, whether these are built here or not.
    fn known(&self) -> BTreeSet<String> {
        let tags = self.here.images.values().map(|image| &image.tag.value);
        tags.chain(self.here.held.values())
            .map(|tag| format!("{}:{tag}", self.here.stream.value))
            .collect()
    }

    /// Whether it is known of every image what it needs here, so that what none of them needs is positively gone.
    fn is_settled(&self) -> bool {
        self.here.complete && self.here.held.is_empty() && self.here.built().len() == self.plans.len()
    }

    /// Architectures that any image of the release has here. While that is not known of all, those that are built stay.
    fn arches(&self, files: &Files<'_>, settled: bool) -> BTreeSet<String> {
        let planned = self.plans.iter().flat_map(|plan| plan.arches.iter().cloned());
        let mut arches: BTreeSet<String> = planned.collect();
        if !settled {
            let known = &self.here.arches.value;
            arches.extend(argo::arches(files).into_iter().filter(|arch| known.contains(arch)));
        }
        arches
    }

    /// Puts right what is there.
    fn changed(&self, files: &mut Files<'_>, matched: &Matched, patches: &[patches::Patch]) {
        for plan in self.plans {
            let Some(there) = matched.of_image.get(plan.key) else {
                continue;
            };
            let tag = plan.here.tag.value.as_str();
            files.about(&there.path, Some(&plan.image.repository.value), tag);
            let Some(node) = there.node(files).cloned() else {
                continue;
            };
            let kept = self.kept(files, plan, &node, there, patches);
            if matched.of_image.get(plan.key).is_some_and(found::Found::is_failing) {
                continue;
            }
            for change in changes(plan, &node, &kept, self.causes) {
                let (document, apply) = (there.document, change.apply);
                files.change(&there.path, change.cause, |documents| {
                    if let Some(root) = documents.get_mut(document) {
                        apply(root);
                    }
                });
            }
        }
    }

    fn kept(
        &self,
        files: &mut Files<'_>,
        plan: &Plan<'_>,
        node: &Node,
        there: &found::Found,
        patches: &[patches::Patch],
    ) -> Kept {
        let fork = fork_of(node, &format!("{}:{}", self.here.stream.value, self.here.forks.value));
        if let Some(fork) = &fork {
            forks::tell(files, plan, there, fork);
        }
        let labels = patches::labels(node);
        let setting = patches
            .iter()
            .find(|patch| patch.sets("/spec/source/git/ref") && patch.is_for("BuildConfig", &there.name, &labels));
        if let Some(patch) = setting {
            let text = format!(
                "a patch sets the branch of {}, so the file's stays as it is",
                there.name
            );
            let finding = Finding::new(Severity::Note, "ref-patched", text)
                .with_image(plan.here.tag.value.clone())
                .with_help("take the patch out: each file has the branch that the release is built from");
            files.tell(finding, &patch.file, Some(patch.line));
        }
        Kept {
            fork,
            branch: setting.is_some(),
        }
    }

    /// Adds BuildConfigs for images that have none.
    fn added(&self, files: &mut Files<'_>, matched: &Matched, order: &mut Order) -> Vec<Listed> {
        let mut listed = Vec::new();
        for plan in self.plans.iter().filter(|plan| vacant::lacks(plan, matched)) {
            let Some(batch) = order.batches.of.get(plan.key) else {
                continue;
            };
            let tag = plan.here.tag.value.as_str();
            let file = vacant::file_name(*batch, tag);
            let node = fresh::build_config(plan, tag, order.narrow.get(tag).map(String::as_str));
            let component = Some(plan.image.repository.value.as_str());
            let cause = self.causes.file(component, Some(tag), None, Some("a BuildConfig"));
            let path = format!("{FOLDER}{file}");
            if files.add(&path, edit::fresh(&node), cause, component, &[tag]) {
                listed.push(Listed::Added(file));
            } else {
                order.of_name.remove(tag);
            }
        }
        listed
    }

    /// Marks images that are not built for every architecture, takes the mark away from those that are, as far as that is
    /// settled, and tells of those that can be built for none.
    fn narrow(
        &self,
        files: &mut Files<'_>,
        matched: &Matched,
        order: &mut Order,
        wide: &BTreeSet<String>,
        settled: bool,
    ) {
        let by_key: BTreeMap<&str, &Plan<'_>> = self.plans.iter().map(|plan| (plan.key, plan)).collect();
        for plan in self.plans {
            let parents = plan.parents.iter().filter_map(|parent| by_key.get(parent.as_str()));
            let common = parents.fold(plan.arches.clone(), |common, parent| &common & &parent.arches);
            let tag = &plan.here.tag.value;
            if common.is_empty() {
                let text = format!("{tag} and what it is built from have no architecture in common that is built here");
                let finding = Finding::new(Severity::Error, "no-architecture", text)
                    .with_image(tag.clone())
                    .with_component(plan.image.repository.value.clone())
                    .with_help("let metadata name the same architectures for an image and for what it is built from");
                files.findings.push(finding);
                continue;
            }
            let there = matched.of_image.get(plan.key).filter(|there| !there.is_failing());
            let said = there.and_then(|there| Self::said(files, there));
            let is_narrow = common != *wide;
            // What is held may be the reason for what it says.
            let unsure = !is_narrow || plan.parents.iter().any(|parent| !by_key.contains_key(parent.as_str()));
            let arches = match unsure && !settled {
                true => said.clone(),
                false => is_narrow.then(|| common.into_iter().collect::<Vec<_>>().join(",")),
            };
            let name = order::name_of(plan, matched);
            if let Some(there) = there.filter(|_| said != arches) {
                self.mark(files, plan, there, said.clone(), arches.clone());
            }
            if arches.is_none() {
                order.widened.extend(said.map(|said| (name.clone(), said)));
            }
            order.narrow.extend(arches.map(|arches| (name, arches)));
        }
    }

    /// The architectures that a BuildConfig is marked with.
    fn said(files: &Files<'_>, there: &found::Found) -> Option<String> {
        let node = there.node(files)?;
        node.at(&["metadata", "annotations", fresh::ARCHES])?
            .text()
            .map(str::to_owned)
    }

    /// Marks a BuildConfig with the architectures that it is built for, or with none where these are all.
    fn mark(
        &self,
        files: &mut Files<'_>,
        plan: &Plan<'_>,
        there: &found::Found,
        said: Option<String>,
        arches: Option<String>,
    ) {
        let path = keys(&["metadata", "annotations", fresh::ARCHES]);
        let rules = plan.image.arches.rules.clone();
        let item = Some(fresh::ARCHES.to_owned());
        let cause = self
            .causes
            .image(plan, "annotations", item, &rules, said, arches.clone());
        let document = there.document;
        files.change(&there.path, cause, |documents| match arches {
            Some(arches) => _ = set(&mut documents[document], &path, Node::string(arches)),
            None => drop(prune(&mut documents[document], &path)),
        });
    }

    /// Whether the shared workflow builds each image for its own architectures; otherwise that is told.
    fn heard(&self, files: &mut Files<'_>, order: &Order) -> bool {
        let narrow: Vec<&str> = order.narrow.keys().map(String::as_str).collect();
        if narrow.is_empty() || !files.is_there(argo::SHARED) || argo::hears_items(files) {
            return argo::hears_items(files);
        }
        if files.ask.options.text(&ARCHITECTURES) == "per-image" && argo::hear_items(files, self.causes, &narrow) {
            return true;
        }
        let text = format!(
            "{} images are not built for every architecture, and the workflow builds all for the same: {}",
            narrow.len(),
            some(&narrow)
        );
        let finding = Finding::new(Severity::Warning, "architecture-not-heard", text).with_help(format!(
            "let it pass `{}` on; the option `architectures: per-image` does that",
            argo::OF_ITEM
        ));
        files.tell(finding, argo::SHARED, None);
        false
    }

    /// What of the images has no place in a BuildConfig.
    fn notes(&self, files: &mut Files<'_>) {
        let about = |plan: &Plan<'_>, code, text: String| {
            Finding::new(Severity::Note, code, text)
                .with_image(plan.here.tag.value.clone())
                .with_component(plan.image.repository.value.clone())
                .with_release(files.ask.rules().number().to_string())
        };
        let mut notes = Vec::new();
        for plan in self.plans {
            let tag = &plan.here.tag.value;
            if plan
                .image
                .prepare
                .value
                .as_object()
                .is_some_and(|step| !step.is_empty())
            {
                let text = format!("{tag} has a step that prepares its base, which a BuildConfig does not do");
                notes.push(
                    about(plan, "prepare-not-applied", text)
                        .with_help("the pipeline's own base has to have what the step adds"),
                );
            }
            let args = plan
                .image
                .build_args
                .value
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            if args.len() > 1 && args.iter().any(|arg| arg["name"] == wanted::TAGS) {
                let text = format!(
                    "{tag} has build arguments besides {}, so the patch of a variant would take them away and is kept off",
                    wanted::TAGS
                );
                notes.push(
                    about(plan, "variant-cannot-set-tags", text)
                        .with_help("a variant that needs another value sets it in a patch of its own"),
                );
            }
        }
        files.findings.extend(notes);
    }
}
