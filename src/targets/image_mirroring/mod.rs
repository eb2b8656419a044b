//! Target `image-mirroring`: which promoted images CI copies to a public registry, one file a stream.
//!
//! CI's own tool writes each file whole, from all configs of openshift/release; its check refuses a change of what is promoted
//! without its lines here. So the files change in the same pull request as the configs.

mod entry;
mod mapping;
mod promoted;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value as Json;

use self::mapping::{Form, MirrorConfig};
pub use self::promoted::Promoted;
use self::promoted::{changed, overlaid};
use self::streams::{Renderer, not_mirrored};
use super::{Actual, Ask, Cut, Destination, Reads, Rendered, Target, Tree, prow_config, release_name};
use crate::base::{Place, RepoName};
use crate::facts::ci_config;
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Desired, Policy};
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
            rendered.missed.insert(TARGET.name.to_owned());
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
