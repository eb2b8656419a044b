//! What Konflux builds of a release, image by image, in its own words: made once a run, whatever the number of repositories.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{MAX_NAME, is_line, name_fault, version_fault, word_fault};
use crate::derive::Derived;
use crate::derive::digest::parents;
use crate::derive::from_map::{Target as Stands, from_map};
use crate::derive::konflux::{ImageThere, Konflux};
use crate::finding::{Finding, Severity};
use crate::model::arch;
use crate::model::build_config::{BuildConfig, Image, RuleAt};
use crate::model::pullspec::at_digest;
use crate::targets::Ask;
use crate::targets::asking::{self, OwnRules};
use crate::targets::paths::{below, clean};

/// All of a release.
#[derive(Default)]
pub(super) struct World {
    pub release: String,
    pub konflux: Konflux,
    /// Images that are built, by key.
    pub plans: Vec<Plan>,
    /// Components of images that the release positively does not have, with the tag of each.
    pub dropped: BTreeMap<String, String>,
    /// Components of images that could not be derived: what is there of them stays.
    pub held: BTreeSet<String>,
    /// Whether all that says which images there are could be read.
    pub complete: bool,
    /// What was found of the images of a repository.
    pub findings: BTreeMap<String, Vec<Finding>>,
}

/// An image as it is built in Konflux.
pub(super) struct Plan {
    pub tag: String,
    /// `org/repo`
    pub repository: String,
    pub branch: String,
    pub component: String,
    /// What the names of its files and runs begin with.
    pub stem: String,
    /// The Dockerfile, from the repository's root.
    pub dockerfile: String,
    /// The build context; empty: the root.
    pub context: String,
    /// The Dockerfile, below the context where it is there.
    pub below: String,
    /// Where it is pushed, without a tag.
    pub image: String,
    /// Whether a repository for it has to be made.
    pub needs_repository: bool,
    /// Platforms in the order of their names.
    pub platforms: BTreeSet<String>,
    pub build_args: Vec<(String, String)>,
    /// What its Dockerfile names, and the image that stands for each.
    pub from_map: BTreeMap<String, String>,
    /// The folder with RPM repositories; empty: none.
    pub repo_files: String,
    pub rules: Rules,
    /// The components that are built from it.
    pub children: BTreeSet<String>,
}

/// The rules behind a plan's values.
#[derive(Default)]
pub(super) struct Rules {
    pub component: Vec<RuleAt>,
    pub repository: Vec<RuleAt>,
    pub branch: Vec<RuleAt>,
    pub dockerfile: Vec<RuleAt>,
    pub context: Vec<RuleAt>,
    pub build_args: Vec<RuleAt>,
    pub arches: Vec<RuleAt>,
    pub from: Vec<RuleAt>,
    pub tenant: Vec<RuleAt>,
    pub application: Vec<RuleAt>,
    pub image: Vec<RuleAt>,
    pub account: Vec<RuleAt>,
}

impl World {
    /// Whether a component that is not built may be one of the release's all the same: it could not be derived, or not all that
    /// says which there are could be read.
    pub fn is_undecided(&self, component: &str) -> bool {
        let is_built = self.plans.iter().any(|plan| plan.component == component);
        let is_unknown = !self.complete && !self.dropped.contains_key(component);
        !is_built && (is_unknown || self.held.contains(component))
    }

    /// What is said of files of a component that is not built, so that its runs and its resources are known as one's: the tag
    /// of its image, or its own name where metadata has no such image any more.
    pub fn gone<'w>(&'w self, component: &'w str) -> &'w str {
        self.dropped.get(component).map_or(component, String::as_str)
    }

    /// The repository of a component that is not built, where metadata still says it.
    pub fn repository_of_gone(&self, component: &str) -> Option<String> {
        let mut images = self.konflux.images.values();
        let image = images.find(|there| there.is_dropped && there.component.value == component)?;
        image.repository.as_ref().map(ToString::to_string)
    }
}

/// What a release comes to; errors where nothing can be said of it as a whole.
pub(super) type Made = Result<World, Vec<Finding>>;

/// What a release comes to, made when it is first asked for.
///
/// # Errors
/// Rules failed, or nobody says whose cluster builds the release.
pub(super) fn world<'a>(ask: &'a Ask<'_>, target: &'static str) -> Result<&'a World, Vec<Finding>> {
    match ask.memo.of(|| made(ask, target)) {
        Some(Ok(world)) => Ok(world),
        Some(Err(findings)) => Err(findings.clone()),
        None => Err(Vec::new()),
    }
}

fn made(ask: &Ask<'_>, target: &'static str) -> Made {
    let (konflux, failed) = ask.konflux(target)?;
    let number = ask.rules().number().to_string();
    if konflux.tenant.value.is_empty() {
        let text = format!("nobody says whose cluster builds {number}: no tenant is given");
        let finding = Finding::new(Severity::Error, "konflux-no-tenant", text)
            .with_release(number)
            .with_help("a rule on target sets `tenant`, overriding `konflux-tenant`; nothing is written until then");
        return Err(vec![finding]);
    }
    if let Some(fault) = version_fault(&konflux) {
        let finding = Finding::new(Severity::Error, "name-unfit", fault)
            .with_release(number)
            .with_help("put right the rules that set `version` and `labels` of target `konflux`; nothing is written until then");
        return Err(vec![finding]);
    }
    let document = ask.build_config();
    let mut maker = Maker {
        rules: ask.rules(),
        konflux: &konflux,
        document,
        findings: BTreeMap::new(),
    };
    let (plans, held) = maker.plans();
    let mut findings = maker.findings;
    findings.entry(String::new()).or_default().extend(failed);
    let dropped = konflux.images.iter().filter(|(_, there)| there.is_dropped);
    let dropped = dropped.map(|(_, there)| (there.component.value.clone(), there.tag.clone()));
    let alive: BTreeSet<&String> = plans.iter().map(|plan| &plan.component).chain(&held).collect();
    let dropped = dropped.filter(|(component, _)| !alive.contains(component)).collect();
    Ok(World {
        release: number,
        dropped,
        held,
        plans,
        complete: konflux.complete,
        findings,
        konflux,
    })
}

struct Maker<'m> {
    rules: OwnRules<'m>,
    konflux: &'m Konflux,
    document: &'m BuildConfig,
    findings: BTreeMap<String, Vec<Finding>>,
}

impl Maker<'_> {
    fn tell(&mut self, repository: &str, finding: Finding) {
        let finding = finding.with_release(self.rules.number().to_string());
        self.findings.entry(repository.to_owned()).or_default().push(finding);
    }

    /// The images that are built, and the components of those that are held.
    fn plans(&mut self) -> (Vec<Plan>, BTreeSet<String>) {
        let mut held = self.konflux.held.clone();
        let unknown = self
            .konflux
            .images
            .values()
            .filter(|there| !there.is_built && !there.is_dropped);
        held.extend(unknown.map(|there| there.component.value.clone()));
        let twice = self.twice();
        let mut plans = Vec::new();
        let mut keys = BTreeMap::new();
        for (key, image) in &self.document.images {
            let Some(there) = self.konflux.images.get(key) else {
                continue;
            };
            match self.plan(image, there, &twice) {
                Ok(plan) => {
                    self.prepared(image, &plan);
                    keys.insert(key.as_str(), plan.component.clone());
                    plans.push(plan);
                }
                Err(findings) => {
                    held.insert(there.component.value.clone());
                    for finding in findings {
                        self.tell(&image.repository.value, finding);
                    }
                }
            }
        }
        let mut children: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (key, parents) in parents(&self.document.images) {
            for parent in parents {
                let names = keys.get(parent.as_str()).zip(keys.get(key.as_str()));
                if let Some((parent, child)) = names {
                    children.entry(parent).or_default().insert(child.clone());
                }
            }
        }
        for plan in &mut plans {
            plan.children = children.get(plan.component.as_str()).cloned().unwrap_or_default();
        }
        (plans, held)
    }

    /// Tells of a step in front of the Dockerfile, which Konflux has no place for.
    fn prepared(&mut self, image: &Image, plan: &Plan) {
        let step = image.prepare.value.as_object().is_some_and(|step| !step.is_empty());
        if step && plan.repo_files.is_empty() {
            let text = format!(
                "{} has a step that prepares its base, which no run of Konflux does",
                plan.tag
            );
            let finding = Finding::new(Severity::Note, "prepare-not-applied", text)
                .with_image(plan.tag.clone())
                .with_component(plan.repository.clone())
                .with_help("a rule on image can name a folder of its repository with RPM repositories (`repo_files`)");
            self.tell(&plan.repository, finding);
        }
    }

    /// What two images would both be pushed as, and the tags of these.
    fn twice(&self) -> BTreeMap<String, Vec<String>> {
        let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, image) in &self.document.images {
            if let Some(there) = self.konflux.images.get(key) {
                let component = there.component.value.clone();
                let pushed = self.image(there);
                of.entry(component).or_default().push(image.tag.value.clone());
                of.entry(pushed).or_default().push(image.tag.value.clone());
            }
        }
        of.retain(|_, tags| tags.len() > 1);
        of
    }

    /// Where an image is pushed.
    fn image(&self, there: &ImageThere) -> String {
        let konflux = self.konflux;
        match there.container_image.value.as_str() {
            "" => format!(
                "{}/{}/{}",
                konflux.pushes_to.value, konflux.tenant.value, there.component.value
            ),
            given => given.to_owned(),
        }
    }

    fn plan(
        &self,
        image: &Image,
        there: &ImageThere,
        twice: &BTreeMap<String, Vec<String>>,
    ) -> Result<Plan, Vec<Finding>> {
        let component = there.component.value.clone();
        let about = |code, text: String, help: &str| {
            let finding = Finding::new(Severity::Error, code, text);
            vec![
                finding
                    .with_image(image.tag.value.clone())
                    .with_component(image.repository.value.clone())
                    .with_help(help),
            ]
        };
        if let Some(why) = name_fault(&component) {
            let code = if component.len() > MAX_NAME {
                "name-too-long"
            } else {
                "name-unfit"
            };
            let text = format!("{} would be component `{component}`: {why}", image.tag.value);
            return Err(about(code, text, "a rule on image gives it another `component`"));
        }
        let pushed = self.image(there);
        let known = [&component, &pushed]
            .into_iter()
            .find_map(|name| Some((name, twice.get(name)?)));
        if let Some((name, tags)) = known {
            let text = format!("{} would all be built as {name}", tags.join(", "));
            return Err(about(
                "component-twice",
                text,
                "rules on image give each a `component` of its own",
            ));
        }
        for (what, word) in [
            ("branch", &image.branch.value),
            ("context", &image.context_dir.value),
            ("Dockerfile", &image.dockerfile.value),
        ] {
            if let Some(why) = word_fault(word) {
                let text = format!(
                    "{}: its {what} `{}` cannot stand in a run: {why}",
                    image.tag.value,
                    crate::base::text::clip(word, 100)
                );
                return Err(about(
                    "name-unfit",
                    text,
                    "put its metadata right; the image is left as it is",
                ));
            }
        }
        let from_map = self.map_of(image)?;
        let konflux = self.konflux;
        let context = clean(&image.context_dir.value);
        let args = image.build_args.value.as_array().into_iter().flatten();
        let args = args.filter_map(|arg| Some((arg["name"].as_str()?.to_owned(), arg["value"].as_str()?.to_owned())));
        let arches = image.arches.value.iter().map(|name| arch::go_name(name));
        let platforms = arches.filter_map(|arch| konflux.platforms.value.get(arch).cloned());
        let platforms: BTreeSet<String> = platforms.collect();
        if platforms.is_empty() {
            let text = format!(
                "{} is built for {}, and no rule says where Konflux builds that",
                image.tag.value,
                image.arches.value.join(", ")
            );
            return Err(about(
                "konflux-no-platform",
                text,
                "see `platforms` of target `konflux` and the image's `arches`",
            ));
        }
        let rules = |derived: &Derived<String>| asking::rules_of(self.rules, derived);
        let inputs = image.builders.iter().chain(&image.base);
        Ok(Plan {
            tag: image.tag.value.clone(),
            repository: image.repository.value.clone(),
            branch: image.branch.value.clone(),
            stem: match konflux.has_versions.value {
                true => format!("{component}-{}", konflux.version.value),
                false => component.clone(),
            },
            below: below(&image.dockerfile.value, &context),
            dockerfile: clean(&image.dockerfile.value),
            context,
            image: pushed,
            needs_repository: there.container_image.value.is_empty(),
            platforms,
            build_args: args.collect(),
            from_map,
            repo_files: there.repo_files.value.clone(),
            children: BTreeSet::new(),
            rules: Rules {
                component: rules(&there.component),
                repository: image.repository.rules.clone(),
                branch: image.branch.rules.clone(),
                dockerfile: image.dockerfile.rules.clone(),
                context: image.context_dir.rules.clone(),
                build_args: image.build_args.rules.clone(),
                arches: image.arches.rules.clone(),
                from: inputs.flat_map(|input| input.pullspec.rules.clone()).collect(),
                tenant: rules(&konflux.tenant),
                application: rules(&konflux.application),
                image: [rules(&konflux.pushes_to), rules(&there.component)].concat(),
                account: rules(&konflux.service_account),
            },
            component,
        })
    }

    /// The texts of a Dockerfile as they stand, and what replaces each. What arguments come to is not among them: the script
    /// that replaces them compares what it sees.
    fn map_of(&self, image: &Image) -> Result<BTreeMap<String, String>, Vec<Finding>> {
        let map = from_map(image)?;
        let inputs = image.builders.iter().chain(&image.base);
        let inputs = inputs.map(|input| input.token.as_ref().unwrap_or(&input.written));
        let copies = image.copies_from.iter();
        let copies = copies.map(|copy| copy.token.as_ref().unwrap_or(&copy.written));
        let stand: BTreeSet<&String> = inputs.chain(copies).collect();
        let mut lines = BTreeMap::new();
        for (text, target) in map.texts().filter(|(text, _)| stand.iter().any(|known| known == text)) {
            let with = self.reference(target).filter(|with| is_line(text) && is_line(with));
            let Some(with) = with else {
                let text = format!(
                    "{}: `{text}` of its Dockerfile cannot be replaced in Konflux",
                    image.tag.value
                );
                let finding = Finding::new(Severity::Error, "from-not-replaced", text)
                    .with_image(image.tag.value.clone())
                    .with_component(image.repository.value.clone())
                    .with_help("what stands for it has no component, or its text cannot be passed on; the image is left as it is");
                return Err(vec![finding]);
            };
            lines.insert(text.to_owned(), with);
        }
        Ok(lines)
    }

    fn reference(&self, target: &Stands) -> Option<String> {
        match target {
            Stands::Own(key) => {
                let there = self.konflux.images.get(key).filter(|there| !there.is_dropped)?;
                Some(format!("{}:{}", self.image(there), self.konflux.floating.value))
            }
            Stands::External(pullspec) => Some(match self.konflux.external.get(pullspec) {
                Some(digest) => at_digest(pullspec, digest),
                None => pullspec.clone(),
            }),
        }
    }
}
