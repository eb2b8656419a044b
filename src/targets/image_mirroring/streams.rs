//! The mapping file of each stream: whether it has an entry, and its lines.

use std::collections::{BTreeMap, BTreeSet};

use super::mapping::{Form, MirrorConfig};
use super::promoted::Promoted;
use super::{Spot, TARGET, entry};
use crate::base::Place;
use crate::facts::promoted::Tag;
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict};
use crate::targets::asking::{self, OwnRules};
use crate::targets::{Actual, Rendered, release_name};
use crate::yaml;

/// Renders the files of streams.
pub(super) struct Renderer<'r> {
    pub release: OwnRules<'r>,
    pub spot: &'r Spot,
    pub actual: &'r Actual,
    pub config: &'r MirrorConfig,
    pub policy: &'r Policy,
    pub before: &'r Promoted,
    pub after: BTreeMap<String, BTreeSet<Tag>>,
}

impl Renderer<'_> {
    /// The streams to look at: that of the payload, and those in which a changed config promotes something else than before.
    pub fn streams(&self, changed: &[Desired]) -> BTreeSet<String> {
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

    pub fn stream(&self, stream: &str, rendered: &mut Rendered) {
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
        if own.name.value != stream
            || own.namespace.value != self.config.namespace()
            || crate::targets::has_ended(self.release)
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
        let new_file = file.before.is_none();
        let field = if new_file { "file" } else { "lines" };
        let cause = Cause {
            old: lines(gone, "that nothing stands for any more"),
            new: lines(come, &format!("for what is promoted to {stream}")).or_else(|| Some("in order".to_owned())),
            ..asking::cause(self.release, rule, field, file.repo.to_string())
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
pub(super) fn not_mirrored(
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
