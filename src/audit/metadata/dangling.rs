//! Members and streams that an image names and that are not there.

use serde_json::Value as Json;

use super::references::{self, Reference};
use super::variables;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink, spelling};
use crate::finding::Severity::{Error, Warning};
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::metadata::Metadata;
use crate::rules::load::near;

static MEMBER: Code = Code {
    name: "dangling-member",
    family: Family::Metadata,
    severity: Error,
    title: "an image names a member that has no file",
    means: "A base, builder or build root is another image of ocp-build-data, and there is no such image. The image that \
            names it can be built neither for OCP nor for OKD. For one that nobody builds it is a warning.",
    action: "Correct the name, or add the image's file; the help has the key that was meant, or the nearest known one.",
    example: "beacon: `from.builder` names member harbour-base, which has no file",
    fix: Some(
        "writes the key of the image whose `name` it is, or the one known key that differs in no more than two letters and \
               in no number",
    ),
};

static STREAM: Code = Code {
    name: "dangling-stream",
    family: Family::Metadata,
    severity: Error,
    title: "an image names a stream that is not in streams.yml",
    means: "A base, builder or build root is a stream, and no stream has that name or alias. The image that names it can be \
            built neither for OCP nor for OKD. For one that nobody builds it is a warning.",
    action: "Correct the name, or add the stream or an alias; the message has the nearest known name.",
    example: "beacon: `from.builder` names stream golang-1.22, which streams.yml does not have",
    fix: Some("writes the one known name that differs in no more than two letters and in no number"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&MEMBER, &STREAM], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        for reference in references::all(&image.node) {
            if let Some((mut finding, meant)) = judge(metadata, key, reference) {
                if !context.is_built(key) {
                    finding.severity = Warning;
                }
                finding.image = context.release.tag(key);
                // An image cannot be built from itself.
                let change = meant.filter(|name| name != key).map(|name| Change::Metadata {
                    file: Metadata::image_file(key),
                    edit: Edit::Replace {
                        line: reference.line,
                        old: reference.name.to_owned(),
                        new: name,
                    },
                });
                let because = format!("There is no {} {}.", reference.kind, reference.name);
                sink.add_with_fix(finding, change, because);
            }
        }
    }
}

/// The one image that has a text as its `name`, whole or without its folder, or as its payload tag: where a member is named so,
/// its key was meant.
fn named<'m>(metadata: &'m Metadata, text: &str) -> Option<(&'static str, &'m str)> {
    let one = |matches: &dyn Fn(&Json) -> bool| {
        let mut all = metadata.images.iter().filter(|(_, image)| matches(&image.view));
        let (key, _) = all.next()?;
        all.next().is_none().then_some(key.as_str())
    };
    let ends_so = |view: &Json| {
        view["name"]
            .as_str()
            .is_some_and(|name| name.rsplit('/').next() == Some(text))
    };
    let by_name = one(&|view| view["name"] == text).or_else(|| one(&ends_so));
    let by_tag = || one(&|view| view["payload_name"] == text);
    let by_name = by_name.map(|key| ("name", key));
    by_name.or_else(|| by_tag().map(|key| ("payload_name", key)))
}

/// What is wrong with a reference, and the name that was meant where there is no doubt.
fn judge(metadata: &Metadata, key: &str, reference: Reference<'_>) -> Option<(Finding, Option<String>)> {
    let Reference {
        key: at,
        kind,
        name,
        line,
    } = reference;
    if variables::dangles(metadata, name) {
        return None;
    }
    let (code, rest, hint, meant) = match kind {
        "member" if !metadata.images.contains_key(name) && !metadata.broken.contains(name) => {
            let known: Vec<_> = metadata.images.keys().map(String::as_str).collect();
            match named(metadata, name) {
                Some((field, key)) => {
                    let file = Metadata::image_file(key);
                    let help = format!("{name} is the `{field}` of {file}: a member is named by its key, {key}");
                    (
                        &MEMBER,
                        "has no file",
                        Some(help),
                        (field == "name").then(|| key.to_owned()),
                    )
                }
                None => {
                    let meant = spelling::meant(name, known.iter().copied()).map(str::to_owned);
                    (&MEMBER, "has no file", near(name, &known), meant)
                }
            }
        }
        "stream" if metadata.stream(name).is_none() => {
            let known: Vec<_> = metadata.stream_names().collect();
            let meant = spelling::meant(name, known.iter().copied()).map(str::to_owned);
            (&STREAM, "streams.yml does not have", near(name, &known), meant)
        }
        _ => return None,
    };
    let text = format!("{key}: `{at}` names {kind} {name}, which {rest}");
    let help = hint.unwrap_or_else(|| format!("correct the name, or add {kind} {name}"));
    let place = metadata.place(Metadata::image_file(key), Some(line));
    let finding = code.finding(text).with_place(place).with_help(help);
    let known = format!("{kind} {name}");
    let finding = finding.with_subject(Subject::Name(known.clone()));
    Some((finding.with_cause(known).with_about(name), meant))
}
