//! Finds the jobs of a job file by its lines, without parsing what is in them.
//!
//! Job files are large and almost all of it is others'. A file as openshift/release's own generator writes it has one list
//! (of one repository, or of jobs that run by the clock), each job a block of lines: that much shows without parsing. Whatever looks different is unclear,
//! and then the whole file is parsed.

use std::borrow::Cow;
use std::ops::Range;

use crate::yaml;

/// The label that names a job's variant.
const VARIANT: &str = "ci-operator.openshift.io/variant";
/// The label that says who wrote a job.
const GENERATOR: &str = "ci.openshift.io/generator";
/// The generator's value of that label.
const GENERATED: &str = "prowgen";
/// The label that names a test's cluster profile.
const PROFILE: &str = "ci-operator.openshift.io/cloud-cluster-profile";

/// Keys of a job that people and other tools set.
const EXTRAS: [&str; 3] = ["max_concurrency", "reporter_config", "skip_report"];

/// What is known of a job that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job<'t> {
    /// Its full name.
    pub name: Cow<'t, str>,
    /// The cluster that it runs on.
    pub cluster: Cow<'t, str>,
    /// Its config's variant.
    pub variant: Cow<'t, str>,
    /// Its test's cluster profile.
    pub profile: Cow<'t, str>,
    /// Whether the repository's generator wrote it.
    pub generated: bool,
    /// Another generator that wrote it.
    pub generator: Cow<'t, str>,
    /// Whether it says something that its config may not say: then it takes a parser to know what.
    pub extras: bool,
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// The line it starts at, from 1.
    pub line: u32,
}

impl Job<'_> {
    /// Tells whether the job is one of a variant's generated ones.
    pub fn is_of(&self, variant: &str) -> bool {
        self.generated && self.variant == variant
    }

    /// Tells whether no generator wrote it.
    pub fn is_by_hand(&self) -> bool {
        !self.generated && self.generator.is_empty()
    }
}

/// The path that a value has in a job, as far as it matters here.
enum Slot {
    Name,
    Cluster,
    Variant,
    Profile,
    Generator,
}

/// The jobs below a head of whole lines in the order of the file, each a list item after `indent`; `None` where lines alone
/// cannot tell.
pub fn scan<'t>(text: &'t [u8], head: &str, indent: &'static str) -> Option<Vec<Job<'t>>> {
    let text = std::str::from_utf8(text).ok()?;
    let body = text.strip_prefix(head)?;
    if !body.strip_prefix(indent)?.starts_with("- ") || !body.ends_with('\n') || body.contains('\r') {
        return None;
    }
    let mut at = text.len() - body.len();
    let lines = u32::try_from(head.matches('\n').count()).ok()?;
    let mut scan = Scan {
        jobs: Vec::new(),
        in_labels: false,
        indent,
        first_line: lines + 1,
    };
    for (number, line) in body.split_inclusive('\n').enumerate() {
        scan.line(line.trim_end_matches('\n'), at, number)?;
        at += line.len();
    }
    scan.finish(at)
}

struct Scan<'t> {
    jobs: Vec<Job<'t>>,
    in_labels: bool,
    /// What stands before the dash of a job.
    indent: &'static str,
    /// The line after the head.
    first_line: u32,
}

impl<'t> Scan<'t> {
    fn line(&mut self, line: &'t str, at: usize, number: usize) -> Option<()> {
        let inner = line.strip_prefix(self.indent);
        if let Some(first) = inner.and_then(|line| line.strip_prefix("- ")) {
            self.close(at);
            self.jobs.push(Job {
                range: at..at,
                line: u32::try_from(number).ok()? + self.first_line,
                ..Job::default()
            });
            return self.key(first);
        }
        match inner.and_then(|line| line.strip_prefix("  ")) {
            // A blank line can only be inside a text, which is somebody's own.
            None if line.is_empty() => Some(()),
            None => None,
            Some(key) if key.starts_with(' ') => self.inside(key),
            Some(key) => self.key(key),
        }
    }

    /// A key of the job itself, or an item of the list that its last key has.
    fn key(&mut self, line: &'t str) -> Option<()> {
        self.in_labels = line == "labels:";
        // Jobs of several documents, or with anchors, are not told apart by lines.
        if line.is_empty() || line.starts_with(['&', '*', '!', '{', '[', '?', '\t', ' ']) {
            return None;
        }
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        let key = key.trim_end_matches(':');
        if EXTRAS.contains(&key) {
            self.jobs.last_mut()?.extras = true;
        }
        match key {
            "name" => self.set(Slot::Name, value),
            "cluster" => self.set(Slot::Cluster, value),
            "labels" if !self.in_labels => None,
            _ => Some(()),
        }
    }

    /// A line deeper in the job.
    fn inside(&mut self, line: &'t str) -> Option<()> {
        let label = match line.strip_prefix("  ") {
            Some(label) if self.in_labels && !label.starts_with(' ') => label,
            _ => return Some(()),
        };
        let (key, value) = label.split_once(": ")?;
        let slot = match key {
            VARIANT => Slot::Variant,
            GENERATOR => Slot::Generator,
            PROFILE => Slot::Profile,
            _ => return Some(()),
        };
        self.set(slot, value)
    }

    fn set(&mut self, slot: Slot, value: &'t str) -> Option<()> {
        let value = scalar(value)?;
        let job = self.jobs.last_mut()?;
        let place = match slot {
            Slot::Name => &mut job.name,
            Slot::Cluster => &mut job.cluster,
            Slot::Variant => &mut job.variant,
            Slot::Profile => &mut job.profile,
            Slot::Generator if value == GENERATED => {
                job.generated = true;
                return Some(());
            }
            Slot::Generator => &mut job.generator,
        };
        // A key that is there twice is a mistake that only a parser may judge.
        if !place.is_empty() {
            return None;
        }
        *place = value;
        Some(())
    }

    fn close(&mut self, at: usize) {
        if let Some(job) = self.jobs.last_mut() {
            job.range.end = at;
        }
    }

    fn finish(mut self, at: usize) -> Option<Vec<Job<'t>>> {
        self.close(at);
        let named = |job: &Job<'_>| !job.name.is_empty();
        if self.jobs.iter().all(named) {
            Some(self.jobs)
        } else {
            None
        }
    }
}

/// A scalar on one line; `None` where it takes more than a look.
fn scalar(value: &str) -> Option<Cow<'_, str>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !value.is_empty() && value.chars().all(plain) {
        return Some(Cow::Borrowed(value));
    }
    let node = yaml::parse(value.as_bytes()).ok()?;
    node.text().map(|text| Cow::Owned(text.to_owned()))
}

/// What is known of a job that was parsed.
pub fn of_node(node: &yaml::Node) -> Job<'static> {
    let text = |path: &[&str]| {
        let found = node.at(path).and_then(yaml::Node::text).unwrap_or_default();
        Cow::Owned(found.to_owned())
    };
    Job {
        name: text(&["name"]),
        cluster: text(&["cluster"]),
        variant: text(&["labels", VARIANT]),
        profile: text(&["labels", PROFILE]),
        generated: text(&["labels", GENERATOR]) == GENERATED,
        generator: Cow::Owned(
            Some(text(&["labels", GENERATOR]).into_owned())
                .filter(|name| name != GENERATED)
                .unwrap_or_default(),
        ),
        extras: EXTRAS.iter().any(|key| node.get(key).is_some()),
        range: 0..0,
        line: node.pos.line,
    }
}
