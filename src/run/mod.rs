//! One run: from configuration to plan. The only place where sources, cache, rules and targets meet.

pub mod audit;
pub mod begin;
mod beside;
pub mod branches;
mod carried;
mod carry;
pub mod components;
pub mod configured;
pub mod cut;
mod decisions;
mod dockerfiles;
mod doozer;
pub mod feedback;
mod ground;
mod heads;
pub mod history;
pub mod impact;
mod input_error;
mod later;
pub mod lock;
mod memo;
pub mod metadata;
mod modules;
mod neighbours;
pub mod operators;
pub mod payload;
pub mod place;
pub mod releases;
mod render;
pub mod results;
pub mod rule_files;
mod successors;
pub mod told;
mod traced;
mod upstream;
pub mod verified;
pub mod whatif;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use self::branches::Depth;
use crate::base::{Date, Place, Release, RepoName};
use crate::config::Config;
use crate::derive::complete::complete;
use crate::derive::outline::{Input, Outline};
use crate::derive::payload::Demand;
use crate::derive::{self, Branches, Components};
use crate::finding::policy::AuditPolicy;
use crate::finding::{Finding, Severity};
use crate::forge::local::LocalForge;
use crate::model::metadata::Metadata;
use crate::plan::{self, Desired, Names, NotCompared, Plan, Policy, Reach};
use crate::source::{Instead, Snapshot, Sources};
use crate::store::Store;
use crate::targets::{Rendered, TARGETS};

pub use input_error::InputError;
pub use rule_files::LoadedRules;
use whatif::Assumed;
pub use whatif::{NoOverride, Overrides};

/// Everything that a run needs; made once, used for any number of releases.
pub struct Run {
    config: Config,
    sources: Sources,
    /// Facts of earlier runs.
    store: Store,
    /// The rules, loaded when they are first needed.
    rules: LoadedRules,
    /// Which build of the program this is: what another one remembered is not taken for its own.
    build: String,
    /// Changes of metadata to try out.
    overrides: Overrides,
    /// Files that are taken to be there already.
    assumed: Assumed,
    /// What was added to OKD's stanzas of branches, as far as it was looked for.
    histories: carried::Histories,
    /// What of the drift is put right.
    policy: Policy,
    /// What is told of long work.
    progress: Option<Progress>,
    /// Releases that were found and that nothing of OKD's knows.
    passed_over: Mutex<BTreeSet<Release>>,
}

impl Run {
    /// A run by a configuration, its rules and a way in to its sources. It remembers nothing, has no day on which anything
    /// ends, and tells nobody how far it is.
    pub fn new(config: Config, rules: LoadedRules, sources: Sources) -> Self {
        Self {
            policy: config.policy(None),
            sources,
            store: Store::disabled(),
            rules,
            build: String::new(),
            overrides: Overrides::default(),
            assumed: Assumed::default(),
            histories: carried::Histories::default(),
            progress: None,
            passed_over: Mutex::default(),
            config,
        }
    }

    /// Remembers in a store, for this build of the program.
    #[must_use]
    pub fn remembering(mut self, store: Store, build: impl Into<String>) -> Self {
        (self.store, self.build) = (store, build.into());
        self
    }

    /// Tries changes of metadata out.
    #[must_use]
    pub fn trying(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Takes what releases come to for merged, beside what is taken so already. Tells whether any of it is not there yet.
    pub fn assume(&mut self, renderings: &[Rendering]) -> bool {
        self.assumed.add(renderings)
    }

    /// Takes place on a day: acceptances and suppressions end.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        self.set_day(today);
        self
    }

    /// Tells how far long work is.
    #[must_use]
    pub fn telling(mut self, progress: Option<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Takes place on another day from now on.
    pub fn set_day(&mut self, today: Date) {
        self.policy = self.config.policy(Some(today));
    }

    /// Remembers in another store from now on; the one from before is given back.
    pub fn set_store(&mut self, store: Store) -> Store {
        std::mem::replace(&mut self.store, store)
    }

    /// Reads other snapshots in the place of some branches from now on.
    pub(crate) fn set_instead(&mut self, instead: Instead) {
        self.sources.set_instead(instead);
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What opens repositories.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What is remembered.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The day of the run, where there is one.
    pub fn today(&self) -> Option<Date> {
        self.policy.today
    }
}

/// What a release comes to: every file that targets looked at, and what was found on the way.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// The release.
    pub release: Release,
    /// The files.
    pub files: Vec<Desired>,
    /// The findings of derivation and targets.
    pub findings: Vec<Finding>,
    /// What it was derived from.
    pub upstream: plan::Upstream,
    /// The branch that each component would have for the next release.
    pub successors: BTreeMap<RepoName, String>,
    /// The targets of which not everything could be looked at.
    pub missed: BTreeSet<String>,
}

/// A release as it was derived, or recalled.
#[derive(Debug)]
pub struct Derivation<T> {
    /// What it comes to.
    pub rendering: Rendering,
    /// What was seen of it; `None` where the rendering was recalled.
    pub seen: Option<T>,
    /// What it is remembered under; `None` where it is not, so that the next run derives it anew.
    pub key: Option<String>,
}

/// Is told how far long work is: what is being done, how many of how many.
pub type Progress = Arc<dyn Fn(&str, usize, usize) + Send + Sync>;

/// What kept a whole release, or the run, from being derived.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source that nothing can be done without.
    #[error("{what} cannot be read: {error}")]
    Source {
        /// What the source is for.
        what: String,
        /// Why it cannot be read.
        error: crate::source::SourceError,
    },
    /// A release that could not be derived at all.
    #[error("release {release} cannot be derived{}", why(.findings))]
    Release {
        /// The release.
        release: Release,
        /// Why.
        findings: Vec<Finding>,
    },
    /// Rules that are wrong.
    #[error("the rules have {} fault{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Rules(Vec<crate::rules::diagnostic::Diagnostic>),
    /// Rules that cannot be read.
    #[error(transparent)]
    RuleFiles(#[from] rule_files::Unreadable),
    /// Something in the configuration that only a run can notice.
    #[error("{0}")]
    Config(String),
    /// An image that is asked for and that no release has.
    #[error("no image of {} has the payload tag `{image}`{}", named(.releases), .hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    NoImage {
        /// The payload tag.
        image: String,
        /// The releases that were looked at.
        releases: Vec<Release>,
        /// What may be meant.
        hint: Option<String>,
    },
    /// A target's files as they are could not be read.
    #[error("the target's files cannot be read: {0}")]
    Forge(#[from] crate::forge::ForgeError),
}

fn named(releases: &[Release]) -> String {
    let names: Vec<String> = releases.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The first thing that keeps a release from being derived: what, where, and how many more there are.
fn why(findings: &[Finding]) -> String {
    let Some(first) = findings.first() else {
        return String::new();
    };
    let place = first.place.as_ref().map(|place| format!(" in {place}"));
    let more = match findings.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let text = format!("{}{}: {}{more}", first.code, place.unwrap_or_default(), first.message);
    format!(": {}", crate::base::text::terminal(&text))
}

impl Run {
    /// Tells how far long work is.
    pub(crate) fn tell(&self, what: &str, done: usize, of: usize) {
        if let Some(progress) = &self.progress {
            progress(what, done, of);
        }
    }

    /// The rules.
    ///
    /// # Errors
    /// All faults of the rule files.
    pub fn rules(&self) -> Result<&crate::rules::RuleSet, RunError> {
        let rules = self.rules.get_with(|files| self.load_rules(files));
        rules.map_err(|faults| RunError::Rules(faults.to_vec()))
    }

    /// The CI configs' snapshot, where there is such a source.
    ///
    /// # Errors
    /// It is configured and cannot be read.
    pub fn ci_config(&self) -> Result<Option<Arc<dyn Snapshot>>, RunError> {
        let Some(ci) = &self.config.sources.ci_config else {
            return Ok(None);
        };
        let what = || "the CI config source (`sources.ci-config`)".to_owned();
        let name = ci.name().map_or_else(|| ci.repo().to_string(), |name| name.to_string());
        self.tell("reading CI configs", 0, 1);
        let opened = self.sources.open_branch(&name, &ci.repo(), ci.branch.as_deref());
        let snapshot = opened.map_err(|error| RunError::Source { what: what(), error })?;
        Ok(Some(Arc::from(snapshot)))
    }

    /// What a release comes to, recalled where nothing has changed.
    ///
    /// # Errors
    /// Build data or a target's files cannot be read, or the release cannot be derived at all.
    pub fn rendering(&self, release: Release, ci: Option<&Arc<dyn Snapshot>>) -> Result<Rendering, RunError> {
        let derivation = self.derivation(release, ci, |_| true, |_| ())?;
        Ok(derivation.rendering)
    }

    /// The same, with what a release is derived to on the way. `recall` says whether what is remembered under a key is good
    /// enough; `look` sees the release where it is derived.
    ///
    /// # Errors
    /// As [`Self::rendering`].
    pub fn derivation<T>(
        &self,
        release: Release,
        ci: Option<&Arc<dyn Snapshot>>,
        recall: impl FnOnce(&str) -> bool,
        look: impl FnOnce(&derive::Release<'_>) -> T,
    ) -> Result<Derivation<T>, RunError> {
        let slot = self.slot(release, ci.map(|ci| &**ci));
        let known = slot.as_ref().filter(|slot| recall(&slot.to_string()));
        if let Some(rendering) = known.and_then(|slot| self.recall(slot, release)) {
            return Ok(Derivation {
                rendering,
                seen: None,
                key: slot.map(|slot| slot.to_string()),
            });
        }
        let rules = || {
            let rules = self.rules();
            rules.inspect(|rules| self.recall_decisions(rules, release, ""))
        };
        let (rules, metadata) = rayon::join(rules, || self.metadata(release));
        let (rules, metadata) = (rules?, metadata?);
        let derived = self.derive(&metadata, ci.map(|ci| &**ci))?;
        let render::Whole { rendered, heads } = render::render(self, std::slice::from_ref(&derived), ci)?;
        let Rendered {
            files,
            findings,
            missed,
            ..
        } = rendered;
        let findings = derived.findings.iter().cloned().chain(findings).collect();
        let rendering = Rendering {
            release,
            files,
            findings,
            upstream: self.upstream(&derived),
            successors: successors::successors(&derived),
            missed,
        };
        let heads = self.heads_of(&derived, heads);
        let seen = Some(look(&derived));
        // To free a whole release takes as long as to remember what it comes to.
        let remember = || {
            self.keep_decisions(rules, release, "");
            slot.filter(|slot| heads.is_some_and(|heads| self.remember(slot, heads, &rendering)))
        };
        let (slot, ()) = rayon::join(remember, || drop(derived));
        Ok(Derivation {
            seen,
            key: slot.map(|slot| slot.to_string()),
            rendering,
        })
    }

    /// Derives a release from its metadata.
    ///
    /// # Errors
    /// The payload itself could not be derived.
    pub fn derive<'a>(
        &'a self,
        metadata: &'a Metadata,
        ci: Option<&dyn Snapshot>,
    ) -> Result<derive::Release<'a>, RunError> {
        let (outline, components) = self.drawn(metadata, ci, self.asked()?)?;
        Ok(self.with_neighbours(complete(outline, &components), ci))
    }

    /// Derives a release with all that can be known of its payload: what it was last built from, and what operators ask
    /// of it.
    ///
    /// # Errors
    /// The payload itself could not be derived.
    pub fn derive_whole<'a>(
        &'a self,
        metadata: &'a Metadata,
        ci: Option<&dyn Snapshot>,
    ) -> Result<derive::Release<'a>, RunError> {
        let (outline, components) = self.drawn_whole(metadata, ci)?;
        Ok(self.with_neighbours(complete(outline, &components), ci))
    }

    /// Draws the outline of a release and reads its components, with all that can be known of its payload.
    fn drawn_whole<'a>(
        &'a self,
        metadata: &'a Metadata,
        ci: Option<&dyn Snapshot>,
    ) -> Result<(Outline<'a>, Components), RunError> {
        let asked = Asked {
            last: true,
            operators: true,
            branches: Depth::All,
            ..self.asked()?
        };
        self.drawn(metadata, ci, asked)
    }

    fn drawn<'a>(
        &'a self,
        metadata: &'a Metadata,
        ci: Option<&dyn Snapshot>,
        asked: Asked,
    ) -> Result<(Outline<'a>, Components), RunError> {
        let (last, unread) = match asked.last {
            true => self.last_payload(metadata.release),
            false => (None, Vec::new()),
        };
        let mut demand = Demand {
            last,
            ..Demand::default()
        };
        let mut round = 1;
        loop {
            let mut outline = self.outline(metadata, ci, &demand, asked.branches)?;
            let components = components::read(self, &outline);
            let (mut settled, mut wrong) = (true, Vec::new());
            if asked.operators {
                let (operators, found) = operators::read(self, &outline, &components);
                settled = !asked.by_rules || operators == demand.operators;
                (demand.operators, demand.operators_read, wrong) = (operators, true, found);
            }
            if settled || round == MAX_ROUNDS {
                outline.findings.extend(unread);
                outline.findings.extend(wrong);
                outline.findings.extend((!settled).then(unsettled));
                outline.demand = demand;
                return Ok((outline, components));
            }
            round += 1;
        }
    }

    /// What of the payload the rules ask for.
    fn asked(&self) -> Result<Asked, RunError> {
        let rules = self.rules()?;
        let by_rules = rules.uses_path(&["payload", "wanted_by"]);
        Ok(Asked {
            last: rules.uses_path(&["payload", "tags"]),
            operators: by_rules,
            by_rules,
            branches: Depth::Branch,
        })
    }

    /// What metadata and CI configs alone say of a release.
    pub(crate) fn outline<'a>(
        &'a self,
        metadata: &'a Metadata,
        ci: Option<&dyn Snapshot>,
        demand: &Demand,
        depth: Depth,
    ) -> Result<Outline<'a>, RunError> {
        let release = metadata.release;
        let rules = self.rules()?;
        let outline = Outline::draw(Input {
            rules,
            metadata,
            demand,
        });
        let mut outline = outline.map_err(|findings| RunError::Release { release, findings })?;
        let branches: Option<Branches> = ci.map(|ci| branches::read(self, ci, &outline, depth));
        outline.settle_branches(branches.as_ref());
        Ok(outline)
    }

    /// What concerns several releases together: what was not carried forward, and signs of a release that nobody looks
    /// after. `newest`: what the newest of them comes to, where it could be derived.
    pub fn between(&self, releases: &[Release], newest: Option<&Rendering>, ci: Option<&dyn Snapshot>) -> Vec<Finding> {
        let mut findings = self.carry_forward_between(releases, ci);
        findings.extend(self.unattended(releases));
        findings.extend(self.branched(releases, newest, ci));
        findings
    }

    /// Releases after the newest of these that build data has and that nobody looks after.
    fn unattended(&self, releases: &[Release]) -> Vec<Finding> {
        let passed_over = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_over = passed_over
            .iter()
            .map(|release| crate::cut::detect::passed_over(*release));
        passed_over.chain(self.after_newest(releases)).collect()
    }

    fn after_newest(&self, releases: &[Release]) -> Option<Finding> {
        let crate::config::Releases::List(listed) = &self.config.releases else {
            return None;
        };
        let newest = releases.iter().chain(listed).max()?;
        crate::cut::detect::new_releases(*newest, &self.in_build_data())
    }

    /// The releases that build data has a branch of, as far as that can be told.
    fn in_build_data(&self) -> BTreeSet<Release> {
        let known = releases::in_build_data(&self.config, &self.sources, None);
        known.ok().flatten().unwrap_or_default()
    }

    /// Renders the configured targets of derived releases.
    ///
    /// # Errors
    /// A target's files as they are cannot be read.
    pub fn render(
        &self,
        releases: &[derive::Release<'_>],
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Rendered, RunError> {
        render::render(self, releases, ci).map(|whole| whole.rendered)
    }

    /// Plans what is to change. Findings travel with the plan; `between` are those about several releases.
    pub fn plan(&self, renderings: Vec<Rendering>, between: Vec<Finding>, whole: bool) -> Plan {
        self.plan_beside(renderings, between, whole, Vec::new())
    }

    /// The same beside releases that could not be derived at all.
    pub fn plan_beside(
        &self,
        renderings: Vec<Rendering>,
        between: Vec<Finding>,
        whole: bool,
        failed: Vec<NotCompared>,
    ) -> Plan {
        let mut plan = self.planned(renderings, between, whole, self.config.audit.clone());
        plan.not_compared.extend(failed);
        plan.not_compared.sort();
        plan
    }

    /// The findings that are shown, as the configuration has it.
    pub fn heard(&self, findings: Vec<Finding>) -> Vec<Finding> {
        self.config.audit.heard(findings, self.policy.today).shown
    }

    fn planned(&self, renderings: Vec<Rendering>, between: Vec<Finding>, whole: bool, audit: AuditPolicy) -> Plan {
        let (mut desired, mut findings, mut upstream) = (Vec::new(), between, Vec::new());
        let mut reach = BTreeMap::new();
        let names = whole.then(|| self.names(&renderings));
        let words = self.words(renderings.iter().map(|rendering| rendering.release));
        let mut releases: Vec<Release> = renderings.iter().map(|rendering| rendering.release).collect();
        for rendering in renderings {
            reach.extend(self.reach(&rendering));
            desired.extend(rendering.files);
            findings.extend(rendering.findings);
            upstream.push(rendering.upstream);
        }
        findings.extend(crate::cut::guard::share(&mut desired));
        let is_cut = || findings.iter().any(|finding| finding.code == crate::cut::detect::CODE);
        match &self.config.releases {
            crate::config::Releases::List(listed) => releases.extend(listed),
            crate::config::Releases::Auto if !whole && is_cut() => releases.extend(self.in_build_data()),
            crate::config::Releases::Auto => {}
        }
        let findings = crate::cut::detect::in_one_place(findings, &releases);
        Plan::build(plan::Input {
            desired,
            findings,
            policy: self.policy.clone(),
            max_removals: self.config.limits.removals,
            whole,
            upstream,
            service: self.config.service.clone(),
            rules_web: self.config.rules_web.clone(),
            audit,
            reach,
            names,
            words,
            ..plan::Input::default()
        })
    }

    /// What there is to name in a configuration.
    fn names(&self, renderings: &[Rendering]) -> Names {
        let mut names = Names::default();
        for Rendering { release, upstream, .. } in renderings {
            names.releases.insert(release.to_string());
            names.components.extend(upstream.components.keys().cloned());
            for (tag, image) in &upstream.images {
                names.images.insert(tag.clone());
                names
                    .images
                    .extend(Metadata::image_of_file(&image.file).map(str::to_owned));
                names.components.extend(image.component.clone());
            }
        }
        if let Ok(rules) = self.rules() {
            for rule in rules.rules.iter() {
                names.rules.insert(rule.id.clone());
                names
                    .fields
                    .extend(rule.settings.iter().map(|setting| setting.field.to_owned()));
            }
        }
        names
    }

    /// How far a release was looked at, by group.
    fn reach(&self, rendering: &Rendering) -> BTreeMap<(String, String), Reach> {
        let mut groups: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for target in TARGETS {
            groups.entry(target.group).or_default().insert(target.name.to_owned());
        }
        let asked: BTreeSet<String> = self
            .config
            .targets
            .iter()
            .map(|chosen| chosen.target.name.to_owned())
            .collect();
        let of = |(group, all): (&str, BTreeSet<String>)| {
            let targets = asked.intersection(&all).cloned().collect();
            let reach = Reach::of(targets, rendering.missed.clone(), &all, &self.policy.adopt);
            ((rendering.release.to_string(), group.to_owned()), reach)
        };
        groups.into_iter().map(of).collect()
    }

    /// The local forge, where that is configured.
    pub fn forge(&self) -> Option<LocalForge> {
        match &self.config.forge {
            crate::config::Forge::Local { dir } => Some(LocalForge::new(dir.clone(), forge_identity())),
            crate::config::Forge::GitHub { .. } => None,
        }
    }
}

/// How often what operators ask for may change which images, and so which operators, there are.
const MAX_ROUNDS: usize = 5;

/// What of the payload is read.
#[derive(Clone, Copy)]
struct Asked {
    /// The payload as it was last built.
    last: bool,
    /// Operators' lists.
    operators: bool,
    /// Whether rules see the lists: which images there are may then depend on them.
    by_rules: bool,
    /// How many configs of each repository.
    branches: Depth,
}

fn unsettled() -> Finding {
    let text = format!(
        "rules that use `payload.wanted_by` change which operators there are, each time anew after {MAX_ROUNDS} rounds"
    );
    Finding::new(Severity::Warning, "unsettled-demand", text)
        .with_help("let a rule that makes an image needed not depend on what that image's own repository asks for")
}

/// Whose name the local forge's commits carry.
fn forge_identity() -> crate::forge::local::Identity {
    crate::forge::local::Identity::default()
}

/// A finding about a file of a source that could not be read or understood.
pub(crate) fn unreadable(
    snapshot: &dyn Snapshot,
    code: &'static str,
    file: &str,
    line: Option<u32>,
    message: impl Into<String>,
) -> Finding {
    let origin = snapshot.origin();
    let place = Place {
        repo: origin.name.clone(),
        commit: origin.commit.clone(),
        file: file.to_owned(),
        line,
    };
    Finding::new(Severity::Error, code, message).with_place(place)
}
