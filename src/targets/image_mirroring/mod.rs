//! Target `image-mirroring`: which promoted images CI copies to a public registry, one file a stream.
//!
//! CI's own tool writes each file whole, from all configs of openshift/release; its check refuses a change of what is promoted
//! without its lines here. So the files change in the same pull request as the configs.

mod entry;
mod mapping;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value as Json;

use self::mapping::{Form, MirrorConfig};
use super::{Actual, Ask, Cut, Destination, Earlier, Reads, Rendered, Target, Tree, prow_config, release_name};
use crate::base::{Place, RepoName};
use crate::facts::ci_config;
use crate::facts::promoted::{self, Tag};
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict};
use crate::rules::Decision;
use crate::targets::asking::{self, OwnRules};
use crate::yaml;
use crate::yaml::keys::NO_OPTIONS;

/// The target.
pub static TARGET: Target = Target {
    name: "image-mirroring",
    group: prow_config::TARGET.group,
    about: "which promoted images CI copies to a public registry, one mapping file a stream",
    place: "the CI config repository, one branch for all releases",
    owns: "the mapping files of streams to which OKD's images are promoted, each as a whole",
    seeds: "the entry of a release's stream in the configuration beside them",
    leaves: "all other entries, but for tags that go with the newest release, and the files of other streams",
    options: &NO_OPTIONS,
    after: &[prow_config::TARGET.name],
    destinations: Destination::ci_config,
    reads,
    render: |ask, actual| match place(ask.rules()) {
        Ok(Some(spot)) => rendered(ask, &spot, actual),
        Ok(None) => Rendered::default(),
        Err(findings) => Rendered {
            findings,
            ..Rendered::default()
        },
    },
    cut: Cut::WithPromotions,
    wait: super::door::no_wait,
    folders: &[],
};

/// The mapping files and their configuration, and all configs of the repository: any of them may promote to a stream.
fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    // What rules fail at is reported where the files are made.
    let Ok(Some(spot)) = place(ask.rules()) else {
        return Ok(Reads::default());
    };
    let (config, form) = (spot.config.clone(), spot.form.clone());
    let own = Tree::of(spot.folder(), 1).only(move |path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        path == config || form.is_file(name)
    });
    let all = Tree::of(ci_config::ROOT, 3).only(|path| path.ends_with(".yaml") || path.ends_with(".yml"));
    let key = Some("all".to_owned());
    Ok(Reads {
        trees: vec![own, Tree { key, ..all }],
        ..Reads::default()
    })
}

/// Renders the files with what the configs will promote once they are written.
fn rendered(ask: &Ask<'_>, spot: &Spot, actual: &Actual) -> Rendered {
    let Some(namespace) = actual.files.get(&spot.config).and_then(|text| namespace(text)) else {
        return render(ask.rules(), spot, actual, &Promoted::default(), &[], ask.policy);
    };
    let promoted = Promoted::of(actual, &namespace);
    let earlier = ask
        .earlier
        .get(prow_config::TARGET.name)
        .filter(|earlier| earlier.is_written);
    let changed = earlier.map(|earlier| changed(earlier, &promoted)).unwrap_or_default();
    render(ask.rules(), spot, actual, &promoted, &changed, ask.policy)
}

/// The namespace whose streams are mirrored.
fn namespace(text: &[u8]) -> Option<String> {
    let root = yaml::parse(text).ok()?;
    root.get("source_namespace")?.text().map(str::to_owned)
}

/// The configs that change. One that would promote what another config of OKD's still promotes waits until that one has moved.
fn changed(earlier: &Earlier, promoted: &Promoted) -> Vec<Desired> {
    let own = earlier.files.iter().filter(|file| !file.held);
    let own: BTreeSet<&str> = own.map(|file| file.path.as_str()).collect();
    let others = earlier.actual.iter().flat_map(|actual| actual.files.keys());
    let others = others.filter(|path| !own.contains(path.as_str()));
    let taken: BTreeSet<&Tag> = others.filter_map(|path| promoted.tags.get(path)).flatten().collect();
    let waits = |file: &Desired| {
        let before = promoted.tags.get(&file.path);
        let after = file.after.as_deref().and_then(|text| yaml::parse(text).ok());
        let after = after.map(|root| promoted::tags(&root)).unwrap_or_default();
        after
            .iter()
            .any(|tag| taken.contains(tag) && !before.is_some_and(|before| before.contains(tag)))
    };
    let files = earlier.files.iter().filter(|file| file.before != file.after);
    files.filter(|file| !waits(file)).cloned().collect()
}

/// Where the files are and what they look like, as rules say.
pub struct Spot {
    /// The path of the files' configuration.
    pub config: String,
    /// Streams that are not mirrored, as somebody wants it.
    pub unmirrored: Vec<String>,
    /// Tags that the newest release has alone.
    moving: Vec<String>,
    form: Form,
    decision: Decision,
}

impl Spot {
    /// The configuration, and the file of a stream.
    pub fn files(&self, stream: &str) -> Vec<String> {
        let name = self.form.file_of(&MirrorConfig::default(), stream);
        vec![self.config.clone(), format!("{}/{name}", self.folder())]
    }

    /// The folder that the files are in.
    fn folder(&self) -> &str {
        self.config.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Asks the rules where the files are; `None`: nothing is mirrored.
///
/// # Errors
/// A rule that failed.
pub fn place<'a>(release: impl Into<OwnRules<'a>>) -> Result<Option<Spot>, Vec<Finding>> {
    let rules = release.into();
    let mut failed = Vec::new();
    let mut decide = |field: &str| {
        let (decision, more) = asking::of_target(rules, TARGET.name, field);
        failed.extend(more);
        decision
    };
    let (file, decision) = (decide("file"), decide("mirror"));
    let (moving, unmirrored) = (decide("moving"), decide("unmirrored"));
    if !failed.is_empty() {
        return Err(failed);
    }
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    let part = |key: &str| text(decision.value.as_ref().and_then(|value| value.get(key)));
    let (config, form) = (
        text(file.value.as_ref()),
        Form {
            file: part("file"),
            source: part("source"),
            target: part("target"),
        },
    );
    let known = !config.is_empty() && !form.file.is_empty() && !form.source.is_empty();
    Ok(known.then_some(Spot {
        config,
        unmirrored: asking::texts(&unmirrored),
        moving: asking::texts(&moving),
        form,
        decision,
    }))
}

/// What configs promote to the streams of a namespace, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// Tags by the config's path; configs that promote nothing are left out.
    pub tags: BTreeMap<String, BTreeSet<Tag>>,
    /// Paths of configs, or folders of them, that cannot be read.
    pub unreadable: BTreeSet<String>,
}

impl Promoted {
    fn of(actual: &Actual, namespace: &str) -> Self {
        let below = format!("{}/", ci_config::ROOT);
        let configs: Vec<_> = actual
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(&below))
            .collect();
        let read = configs
            .into_par_iter()
            .map(|(path, text)| (path, tags(text, namespace)));
        let mut all = Self::default();
        for (path, tags) in read.collect::<Vec<_>>() {
            match tags {
                Some(tags) if tags.is_empty() => {}
                Some(tags) => drop(all.tags.insert(path.clone(), tags)),
                None => drop(all.unreadable.insert(path.clone())),
            }
        }
        let broken = actual
            .unreadable
            .keys()
            .filter(|path| path.starts_with(ci_config::ROOT));
        all.unreadable.extend(broken.cloned());
        all
    }
}

/// What a config promotes to the namespace; `None`: it cannot be read. Few do: the others are not read further than it takes
/// to see that.
fn tags(text: &Arc<[u8]>, namespace: &str) -> Option<BTreeSet<Tag>> {
    if memchr::memmem::find(text, namespace.as_bytes()).is_none() {
        return Some(BTreeSet::new());
    }
    let promotions = ci_config::promotions(text).ok()?;
    if !promotions
        .iter()
        .any(|entry| entry.promotes() && entry.namespace == namespace)
    {
        return Some(BTreeSet::new());
    }
    let tags = promoted::tags(&yaml::parse(text).ok()?);
    Some(tags.into_iter().filter(|tag| tag.namespace == namespace).collect())
}

/// Renders the mapping files. `actual` has the folder's files; `promoted` what all configs of the repository promote; `changed`
/// the configs that the same pull request changes.
pub fn render(
    release: OwnRules<'_>,
    spot: &Spot,
    actual: &Actual,
    promoted: &Promoted,
    changed: &[Desired],
    policy: &Policy,
) -> Rendered {
    let mut rendered = Rendered::default();
    let beside = actual
        .unreadable
        .iter()
        .filter(|(path, _)| path.starts_with(spot.folder()));
    rendered.findings.extend(beside.map(|(path, why)| {
        Finding::new(Severity::Error, "unreadable-mirroring", why.clone())
            .with_place(actual.place(path, None))
            .with_release(release_name(release))
            .with_help("put the file right; until then it stays as it is")
    }));
    let Some(bytes) = actual.files.get(&spot.config) else {
        return rendered;
    };
    let root = match yaml::parse(bytes) {
        Ok(root) => root,
        Err(error) => {
            let text = format!("the configuration of image mirroring cannot be read: {}", error.text());
            rendered
                .findings
                .push(broken(release, spot, actual, error.pos.line, text));
            return rendered;
        }
    };
    let config = MirrorConfig::read(&root);
    for (line, what) in &config.faults {
        let text = format!("CI's tool stops at the configuration of image mirroring: {what}");
        rendered.findings.push(broken(release, spot, actual, *line, text));
    }
    let renderer = Renderer {
        release,
        spot,
        actual,
        config: &config,
        policy,
        before: promoted,
        after: overlaid(&promoted.tags, changed),
    };
    for stream in renderer.streams(changed) {
        renderer.stream(&stream, &mut rendered);
    }
    rendered
}

/// What is promoted once the configs are changed.
fn overlaid(before: &BTreeMap<String, BTreeSet<Tag>>, changed: &[Desired]) -> BTreeMap<String, BTreeSet<Tag>> {
    let mut after = before.clone();
    for file in changed {
        let root = file.after.as_deref().and_then(|text| yaml::parse(text).ok());
        let tags = root.map(|root| promoted::tags(&root)).unwrap_or_default();
        if tags.is_empty() {
            after.remove(&file.path);
        } else {
            after.insert(file.path.clone(), tags);
        }
    }
    after
}

struct Renderer<'r> {
    release: OwnRules<'r>,
    spot: &'r Spot,
    actual: &'r Actual,
    config: &'r MirrorConfig,
    policy: &'r Policy,
    before: &'r Promoted,
    after: BTreeMap<String, BTreeSet<Tag>>,
}

impl Renderer<'_> {
    /// The streams to look at: that of the payload, and those in which a changed config promotes something else than before.
    fn streams(&self, changed: &[Desired]) -> BTreeSet<String> {
        let (payload, namespace) = (self.release.payload(), self.config.namespace());
        let own = (payload.namespace.value == namespace).then(|| payload.name.value.clone());
        let mut streams: BTreeSet<String> = own.into_iter().collect();
        for file in changed {
            let (before, after) = (self.before.tags.get(&file.path), self.after.get(&file.path));
            let none = BTreeSet::new();
            let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
            let differs = before
                .symmetric_difference(after)
                .filter(|tag| tag.namespace == namespace);
            streams.extend(differs.map(|tag| tag.name.clone()));
        }
        streams
    }

    fn stream(&self, stream: &str, rendered: &mut Rendered) {
        let namespace = self.config.namespace();
        let promoted = self.after.values().flatten();
        let here = promoted.filter(|tag| tag.namespace == namespace && tag.name == stream);
        let tags: BTreeSet<&str> = here.map(|tag| tag.tag.as_str()).collect();
        if tags.is_empty() {
            // CI's tool writes no file for a stream that nothing promotes to, and leaves one that is there.
            return;
        }
        let with_entry = match self.config.streams.contains_key(stream) {
            true => None,
            false if self.spot.unmirrored.iter().any(|other| other == stream) => return,
            false => match self.entry(stream, rendered) {
                Some(config) => Some(config),
                None => {
                    rendered.findings.push(self.not_mirrored(stream));
                    return;
                }
            },
        };
        let config = with_entry.as_ref().unwrap_or(self.config);
        let path = format!("{}/{}", self.spot.folder(), self.spot.form.file_of(config, stream));
        if self.actual.unreadable.contains_key(&path) || !self.config.faults.is_empty() {
            rendered.files.push(self.file(&path, true));
            return;
        }
        let before = self
            .actual
            .files
            .get(&path)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let before_lines: Vec<&str> = before.as_deref().unwrap_or_default().lines().collect();
        let unsure = !self.before.unreadable.is_empty();
        let kept = if unsure { before_lines.as_slice() } else { &[] };
        let text = self.spot.form.text(config, stream, &tags, kept);
        if unsure {
            rendered.findings.push(self.unsure(stream, &path));
        }
        let mut file = self.file(&path, false);
        self.settle(&mut file, stream, &before_lines, &text);
        rendered.files.push(file);
    }

    /// Adds the entry of the release's own stream to the configuration, which is given as it will be; `None`: it cannot be
    /// made, or somebody does not want it.
    fn entry(&self, stream: &str, rendered: &mut Rendered) -> Option<MirrorConfig> {
        let own = self.release.payload();
        if own.name.value != stream || own.namespace.value != self.config.namespace() || super::has_ended(self.release)
        {
            return None;
        }
        let mut file = self.file(&self.spot.config, false);
        let before = std::str::from_utf8(file.before.as_deref()?).ok()?;
        let number = self.release.number();
        let text = entry::with_stream(before, stream, number, &self.spot.moving)?;
        let config = MirrorConfig::read(&yaml::parse(text.as_bytes()).ok()?);
        let tags = config.streams.get(stream)?.join(", ");
        let rule = self.spot.decision.deciders().last();
        let cause = Cause {
            new: Some(format!("{stream} with the tags {tags}")),
            item: Some(stream.to_owned()),
            ..asking::cause(self.release, rule, "streams", file.repo.to_string())
        };
        match self.policy.verdict(&cause, &file.release) {
            Verdict::Apply => {
                file.after = Some(Bytes::from(text.into_bytes()));
                file.causes = vec![cause];
                rendered.files.push(file);
                Some(config)
            }
            verdict => {
                file.refused.push(Refused { cause, verdict });
                rendered.files.push(file);
                None
            }
        }
    }

    fn settle(&self, file: &mut Desired, stream: &str, before: &[&str], text: &str) {
        if file.before.as_deref() == Some(text.as_bytes()) {
            return;
        }
        let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (before.iter().copied().collect(), text.lines().collect());
        let count = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| one.difference(other).count();
        let (gone, come) = (count(&old, &new), count(&new, &old));
        let lines = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("a line {what}")),
            more => Some(format!("{more} lines {what}")),
        };
        let rule = self.spot.decision.deciders().last();
        let rule = rule.and_then(|at| self.release.rule(at));
        let new_file = file.before.is_none();
        let cause = Cause {
            rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
            rule_at: rule.map(|rule| rule.place.to_string()).unwrap_or_default(),
            field: if new_file { "file" } else { "lines" }.to_owned(),
            item: None,
            component: file.repo.to_string(),
            images: Vec::new(),
            old: lines(gone, "that nothing stands for any more"),
            new: lines(come, &format!("for what is promoted to {stream}")).or_else(|| Some("in order".to_owned())),
            because: rule.map(|rule| rule.because.clone()).unwrap_or_default(),
        };
        match self.policy.verdict(&cause, &file.release) {
            Verdict::Apply => {
                file.after = Some(Bytes::from(text.as_bytes()));
                file.causes = vec![cause];
            }
            verdict => file.refused.push(Refused { cause, verdict }),
        }
    }

    fn file(&self, path: &str, held: bool) -> Desired {
        Desired {
            held,
            ..self.actual.file(&TARGET, self.release, path)
        }
    }

    fn not_mirrored(&self, stream: &str) -> Finding {
        let text = self.actual.files.get(&self.spot.config).map(|text| &**text);
        let place = |line| self.actual.place(&self.spot.config, line);
        not_mirrored(self.release, self.config, stream, text.unwrap_or_default(), place)
    }

    fn unsure(&self, stream: &str, path: &str) -> Finding {
        let unreadable: Vec<&str> = self.before.unreadable.iter().map(String::as_str).take(3).collect();
        let text = format!(
            "what is promoted to {stream} is not known for certain: {} of the configs cannot be read ({})",
            self.before.unreadable.len(),
            unreadable.join(", ")
        );
        Finding::new(Severity::Warning, "mirroring-unsure", text)
            .with_place(self.actual.place(path, None))
            .with_release(release_name(self.release))
            .with_help("no line is taken out until they can be; CI's own tool stops at them")
    }
}

/// Tells of a stream that something promotes to and that the configuration, whose text it is, does not name.
fn not_mirrored(
    release: OwnRules<'_>,
    config: &MirrorConfig,
    stream: &str,
    text: &[u8],
    place: impl Fn(Option<u32>) -> Place,
) -> Finding {
    let images = yaml::parse_section(text, "images").ok().flatten();
    let place = place(images.map(|images| images.pos.line));
    let namespace = config.namespace();
    let help = match Form::missing(config, stream, release.number()) {
        Some(lines) => format!("add below `images`:\n{}", lines.trim_end()),
        None => format!("add {stream} with its tags below `images`, or leave it out if nobody is to get its images"),
    };
    let text = format!(
        "configs promote to {namespace}/{stream}, and {} does not name that stream: its images are not mirrored",
        place.file
    );
    Finding::new(Severity::Warning, "stream-not-mirrored", text)
        .with_place(place)
        .with_release(release_name(release))
        .with_help(help)
}

/// Tells where the configuration of image mirroring, as it was read, lacks the stream that a release is promoted to, though no
/// rule leaves it out. `None` also where it cannot be read, or where rules fail.
pub fn unmirrored<'a>(release: impl Into<OwnRules<'a>>, at: &Place, text: &[u8]) -> Option<Finding> {
    let release = release.into();
    let spot = place(release).ok()??;
    let config = MirrorConfig::read(&yaml::parse(text).ok()?);
    let stream = &release.payload().name.value;
    let meant = release.payload().namespace.value == config.namespace() && !spot.unmirrored.contains(stream);
    let lacks = meant && !config.streams.contains_key(stream) && !super::has_ended(release);
    let place = |line| Place { line, ..at.clone() };
    lacks.then(|| not_mirrored(release, &config, stream, text, place))
}

fn broken(release: OwnRules<'_>, spot: &Spot, actual: &Actual, line: u32, text: String) -> Finding {
    Finding::new(Severity::Error, "unreadable-mirroring", text)
        .with_place(actual.place(&spot.config, Some(line)))
        .with_release(release_name(release))
        .with_help("put the file right; until then the mapping files stay as they are")
}

/// What goes with a stream that nobody promotes to any more: its entry, and its file. `actual` has [`Spot::files`].
pub fn retired<'a>(release: impl Into<OwnRules<'a>>, spot: &Spot, actual: &Actual, stream: &str) -> Vec<Desired> {
    let release = release.into();
    let Some(text) = actual
        .files
        .get(&spot.config)
        .and_then(|text| std::str::from_utf8(text).ok())
    else {
        return Vec::new();
    };
    let Some(after) = entry::without_stream(text, stream) else {
        return Vec::new();
    };
    let mut config = super::removed(actual, &TARGET, release, &spot.config);
    config.after = Some(Bytes::from(after.into_bytes()));
    let mapping = spot
        .files(stream)
        .into_iter()
        .filter(|path| *path != spot.config && actual.files.contains_key(path));
    let mapping = mapping.map(|path| super::removed(actual, &TARGET, release, &path));
    std::iter::once(config).chain(mapping).collect()
}

/// The namespace and the names of the streams that a configuration mirrors; `None` where it cannot be read.
pub fn streams_in(text: &[u8]) -> Option<(String, BTreeSet<String>)> {
    let config = MirrorConfig::read(&yaml::parse(text).ok()?);
    let namespace = config.namespace().to_owned();
    Some((namespace, config.streams.into_keys().collect()))
}

/// The configuration with every stream that releases add to it, each by itself; `None` where it is another file.
pub fn joined(before: Option<&[u8]>, afters: &[&[u8]]) -> Option<Vec<u8>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let afters: Option<Vec<&str>> = afters.iter().copied().map(text).collect();
    entry::joined(text(before?)?, &afters?).map(String::into_bytes)
}
