//! Builders with an older Go than the module asks for.

use super::streams::{asked, go_line, place, stream_with};
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::derive::content::Content;
use crate::derive::{DerivedImage, DerivedInput, Standing};
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::go::GoVersion;
use crate::model::metadata::Metadata;

static REFUSED: Code = Code {
    name: "go-refused",
    family: Family::Go,
    severity: Error,
    title: "a builder's Go refuses the module, which asks for a newer one",
    means: "Since 1.21, Go does not build a module whose go.mod asks for a newer version. The build fails, or fetches another \
            Go from the network where it may.",
    action: "Build with a stream that has the version; the help names one. Or lower the `go` line.",
    example: "beacon: go.mod asks for Go 1.23, its builder (stream golang) has 1.22",
    fix: None,
};

static OLDER: Code = Code {
    name: "go-older",
    family: Family::Go,
    severity: Warning,
    title: "a builder's Go is older than the module asks for",
    means: "Before 1.21, Go built such a module as far as it could. It fails where the module uses something newer, and then \
            with a message about the code.",
    action: "Build with a stream that has the version; the help names one. Or lower the `go` line.",
    example: "beacon: go.mod asks for Go 1.21, its builder (stream golang) has 1.20",
    fix: None,
};

static TOOLCHAIN: Code = Code {
    name: "go-toolchain",
    family: Family::Go,
    severity: Note,
    title: "go.mod prefers a newer Go than the builder has",
    means: "The `toolchain` line asks for a newer Go than the builder's. Where the build may use the network it fetches that, \
            else it goes on with what it has: what is built may not be what was tested.",
    action: "Build with a stream that has the version, or drop the `toolchain` line.",
    example: "beacon: go.mod prefers go1.22.3, its builder (stream golang) has 1.21",
    fix: None,
};

static UNCERTAIN: Code = Code {
    name: "go-module-uncertain",
    family: Family::Go,
    severity: Note,
    title: "it is not certain which module of a repository an image is built from",
    means: "A repository can hold several modules. The one counts that the Dockerfile builds, as far as `context_dir`, `WORKDIR`, \
            `COPY` and the commands tell. Here they tell of several, or variables hide it; then the one that asks for the \
            newest Go counts, or that of the build context.",
    action: "Nothing, if the builder's Go is new enough for the module that the image is built from.",
    example: "beacon: Dockerfile builds the modules of go.mod and api/go.mod; api/go.mod counts, which asks for Go 1.24",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&REFUSED, &OLDER, &TOOLCHAIN, &UNCERTAIN], &[Need::Components], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let content = Content::new(context.release);
    for image in context.release.images.values() {
        let Some((asked, file)) = asked(image).filter(|_| image.standing == Standing::Derived) else {
            continue;
        };
        sink_doubt(image, sink);
        let toolchain = image.go.toolchain.as_ref();
        let prefers = toolchain.and_then(|line| Some((GoVersion::parse(&line.version)?, line)));
        for input in &image.inputs {
            let Some(has) = GoVersion::parse(&input.go.value) else {
                continue;
            };
            if !has.satisfies(asked) {
                let code = if has.refuses_newer() { &REFUSED } else { &OLDER };
                let text = format!(
                    "{}: {file} asks for Go {asked}, {} has {has}",
                    image.key,
                    builder(input)
                );
                let finding = code
                    .finding(text)
                    .with_place(go_line(image))
                    .with_subject(Subject::Module(file.to_owned()));
                sink.add(with_stream(context, &content, finding, image, input, asked));
            } else if let Some((wanted, line)) = prefers.filter(|(wanted, _)| !has.satisfies(*wanted)) {
                let (file, name) = (&line.file, &line.version);
                let text = format!("{}: {file} prefers {name}, {} has {has}", image.key, builder(input));
                let finding = TOOLCHAIN.finding(text).with_place(place(image, file, line.line));
                let finding = finding.with_subject(Subject::Module(file.to_owned()));
                sink.add(with_stream(context, &content, finding, image, input, wanted));
            }
        }
    }
}

/// Tells where it is not certain which module counts.
fn sink_doubt(image: &DerivedImage, sink: &mut Sink) {
    let (doubt, Some(line)) = (&image.go.doubt, &image.go.asked) else {
        return;
    };
    if doubt.is_empty() {
        return;
    }
    let text = format!(
        "{}: {doubt}; {} counts, which asks for Go {}",
        image.key, line.file, line.version
    );
    let finding = UNCERTAIN
        .finding(text)
        .with_place(go_line(image))
        .with_image(image.tag.value.clone());
    let component = image.component().unwrap_or_default();
    let help = "check that the builder has the Go of the module that the image is built from";
    sink.add(finding.with_component(component).with_help(help));
}

fn builder(input: &DerivedInput) -> String {
    format!("its builder ({} {})", input.kind, input.name)
}

fn with_stream(
    context: &Context<'_>,
    content: &Content<'_>,
    finding: Finding,
    image: &DerivedImage,
    input: &DerivedInput,
    wanted: GoVersion,
) -> Finding {
    let file = Metadata::image_file(&image.key);
    let help = match stream_with(context.release, content, wanted, &input.pullspec.value) {
        Some(stream) => format!("{stream}: name it in `from.builder` of {file}"),
        None => format!("no stream of streams.yml has Go {wanted}: add one, or lower what go.mod asks for"),
    };
    let component = image.component().unwrap_or_default();
    finding
        .with_help(help)
        .with_image(image.tag.value.clone())
        .with_component(component)
        .with_cause(format!("{} {}", input.kind, input.name))
}
