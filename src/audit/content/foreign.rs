//! Bases and builders that metadata resolves to an image which is not OKD's, or that stay as the Dockerfile has them.

use serde_json::Value as Json;

use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::metadata::references;
use crate::base::Place;
use crate::derive::content::{Content, view};
use crate::derive::provenance::taken_from;
use crate::derive::resolve::{Resolved, named};
use crate::derive::{DerivedImage, DerivedInput, Release, Standing};
use crate::finding::Severity::{Error, Warning};
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::metadata::Metadata;

static BASE: Code = Code {
    name: "foreign-base",
    family: Family::Content,
    severity: Error,
    title: "an image's base is not OKD's content",
    means: "The image that stands for its final FROM is one that a rule calls foreign: what is in it ends up in OKD's \
            payload. It builds and runs, so nobody notices until somebody looks inside.",
    action: "Give what is named there an image for OKD (`okd_alignment.resolve_as` or `tag_name`, the stream's \
             `okd.resolve_as.image`), name another base in `okd_alignment.from`, or allow it with a rule that sets `allowed`.",
    example: "beacon: its base, stream base, stands for registry.example.com/ocp/4.16:base-rhel9: it is OCP's",
    fix: None,
};

static BUILDER: Code = Code {
    name: "foreign-builder",
    family: Family::Content,
    severity: Warning,
    title: "an image is built with something that is not OKD's content",
    means: "A builder stays out of the image, but for what is copied from it: libraries, scripts, packages. A rule calls this \
            one foreign, and none allows it.",
    action: "Name another builder for OKD in `okd_alignment.from`, give the stream an image for OKD, or allow it with a rule \
             that sets `allowed`.",
    example: "console: its builder, stream nodejs, stands for registry.example.com/ocp/builder:nodejs: it is OCP's",
    fix: None,
};

static KEPT: Code = Code {
    name: "foreign-kept",
    family: Family::Content,
    severity: Warning,
    title: "a FROM that is not OKD's content stays as the Dockerfile has it",
    means: "Metadata names the builder by its pullspec, so that nothing replaces the FROM, and what the Dockerfile names is \
            foreign. Whoever builds for OKD needs to be able to pull it.",
    action: "Name a stream or member in ocp-build-data, or another image in the Dockerfile, or allow it with a rule that sets \
             `allowed`.",
    example: "beacon: FROM registry.example.com/ubi9/ubi:latest is not replaced: it is RHEL's",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&BASE, &BUILDER, &KEPT], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let content = Content::new(release);
    let mut resolver = content.resolver();
    let built = |image: &&DerivedImage| !matches!(image.standing, Standing::Dropped(_));
    for image in release.images.values().filter(built) {
        for (index, (entry, builder)) in entries(&image.from.value).into_iter().enumerate() {
            // A name that leads nowhere is told of where it is derived.
            let (Some((kind, name)), Ok(resolved)) = (named(entry), resolver.resolve(entry)) else {
                continue;
            };
            let input = image.inputs.get(index);
            let one = One {
                release,
                image,
                named: (kind, &name),
                builder,
            };
            let kept = input.filter(|input| !input.replace.value);
            let pullspec = kept.map_or(&resolved.pullspec, |input| &input.written);
            let pullspec = release.payload.spellings.canonical(pullspec);
            let seen = view((kind, &name), builder, index, input, &pullspec);
            if let Some(why) = content.foreign(&image.view, &seen) {
                sink.add(match kept {
                    Some(input) => one.kept(input, &why),
                    None => one.resolved(&resolved, &why),
                });
            }
        }
    }
}

/// The entries of a `from`, builders first, as the Dockerfile has them.
fn entries(from: &Json) -> Vec<(&Json, bool)> {
    let builders = from["builder"].as_array().into_iter().flatten();
    let mut entries: Vec<_> = builders.map(|entry| (entry, true)).collect();
    if named(from).is_some() {
        entries.push((from, false));
    }
    entries
}

/// One entry of an image's `from`.
struct One<'o> {
    release: &'o Release<'o>,
    image: &'o DerivedImage,
    named: (&'o str, &'o str),
    builder: bool,
}

impl One<'_> {
    fn resolved(&self, resolved: &Resolved, why: &str) -> Finding {
        let ((kind, name), key) = (self.named, &self.image.key);
        let (code, part) = if self.builder {
            (&BUILDER, "builder")
        } else {
            (&BASE, "base")
        };
        let text = format!(
            "{key}: its {part}, {kind} {name}, stands for {}: {why}",
            resolved.pullspec
        );
        let finding = code.finding(text).with_place(self.place()).with_help(help(resolved));
        let finding = finding.with_subject(Subject::Name(format!("{kind} {name}")));
        self.about(finding).with_cause(resolved.pullspec.clone())
    }

    fn kept(&self, input: &DerivedInput, why: &str) -> Finding {
        let origin = self.image.origin.as_ref();
        let place = Place {
            repo: origin.map(|origin| origin.name.clone()).unwrap_or_default(),
            commit: origin.and_then(|origin| origin.commit.clone()),
            file: self.image.dockerfile.clone(),
            line: Some(input.line),
        };
        let text = format!("{}: FROM {} is not replaced: {why}", self.image.key, input.written);
        let help = format!(
            "name a stream or member in {}, or allow it with a rule that sets `allowed`",
            Metadata::image_file(&self.image.key)
        );
        let finding = KEPT.finding(text).with_place(place).with_help(help);
        let finding = finding.with_subject(Subject::Name(input.written.clone()));
        self.about(finding).with_cause(input.written.clone())
    }

    fn about(&self, finding: Finding) -> Finding {
        let finding = finding.with_image(self.image.tag.value.clone());
        match &self.image.repository.value {
            Some(repo) => finding.with_component(repo.to_string()),
            None => finding,
        }
    }

    /// The line that names it, in the stanza that the `from` was taken from; that of the stanza where a rule made it.
    fn place(&self) -> Place {
        let Release { rules, metadata, .. } = self.release;
        let taken = taken_from(rules, &self.image.from.tried, "from");
        let key = taken.map_or("from", |key| key.file).to_owned() + if self.builder { ".builder" } else { "" };
        let node = metadata.images.get(&self.image.key).map(|image| &image.node);
        let named = node.into_iter().flat_map(references::all);
        let mut here = named.filter(|one| one.key == key && (one.kind, one.name) == self.named);
        let line = here.next().map(|one| one.line);
        let stanza = || {
            node.and_then(|node| references::at(node, &key))
                .map(|node| node.pos.line)
        };
        metadata.place(Metadata::image_file(&self.image.key), line.or_else(stanza))
    }
}

/// What to do depends on what led to the image last.
fn help(resolved: &Resolved) -> String {
    let last = resolved.chain.last().map(|step| (step.kind, step.name.as_str()));
    match last {
        Some(("stream", name)) => format!(
            "give stream {name} of streams.yml an image for OKD (`okd.resolve_as.image`), or allow it with a rule that sets `allowed`"
        ),
        Some(("member", name)) => format!(
            "give {} `okd_alignment.tag_name` or `okd_alignment.resolve_as`, or allow it with a rule that sets `allowed`",
            Metadata::image_file(name)
        ),
        _ => "name another image in `okd_alignment.from`, or allow it with a rule that sets `allowed`".to_owned(),
    }
}
