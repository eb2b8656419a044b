//! Variables that an image or a stream uses and that group.yml does not have.

use std::sync::LazyLock;

use regex::Regex;

use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink, spelling};
use crate::finding::Severity::Error;
use crate::finding::{Code, Family, Subject};
use crate::model::metadata::Metadata;
use crate::rules::load::near;
use crate::yaml::{Node, Value};

static DANGLING: Code = Code {
    name: "dangling-variable",
    family: Family::Metadata,
    severity: Error,
    title: "a variable is used that group.yml does not have",
    means: "`{NAME}` stands for a variable of group.yml's `vars`. One that is not there stays as it is written, so a branch, a \
            tag or a path with braces in it is looked for, which does not exist.",
    action: "Correct the name, or add the variable; the message has the nearest known one.",
    example: "beacon: `{GO_LATST}` is no variable of group.yml",
    fix: Some("writes the one known name that differs in no more than two letters and in no number"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&DANGLING], &[], run);

/// A name in braces as variables are written. A shell's `${NAME}` is something else.
static BRACES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(^|[^$])\{([A-Z][A-Z0-9_]*)\}").expect("a pattern"));

/// Whether a text has such a variable: then that is what is wrong with it, and not that nothing has this name.
pub(super) fn dangles(metadata: &Metadata, text: &str) -> bool {
    let mut named = BRACES.captures_iter(text);
    named.any(|found| !metadata.group.vars.contains_key(&found[2]))
}

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        walk(&image.node, &mut |text, line| {
            judge(metadata, key, &Metadata::image_file(key), text, line, sink);
        });
    }
    for stream in metadata.streams() {
        walk(&stream.node, &mut |text, line| {
            judge(metadata, &stream.name, "streams.yml", text, line, sink);
        });
    }
}

fn judge(metadata: &Metadata, what: &str, file: &str, text: &str, line: u32, sink: &mut Sink) {
    for found in BRACES.captures_iter(text) {
        let name = &found[2];
        if metadata.group.vars.contains_key(name) {
            continue;
        }
        let known: Vec<_> = metadata.group.vars.keys().map(String::as_str).collect();
        let help = near(name, &known).unwrap_or_else(|| format!("correct the name, or add {name} to `vars`"));
        let finding = DANGLING
            .finding(format!("{what}: `{{{name}}}` is no variable of group.yml"))
            .with_place(metadata.place(file, Some(line)))
            .with_help(help);
        let change = spelling::meant(name, known.iter().copied()).map(|meant| Change::Metadata {
            file: file.to_owned(),
            edit: Edit::Replace {
                line,
                old: format!("{{{name}}}"),
                new: format!("{{{meant}}}"),
            },
        });
        let because = format!("group.yml has no variable {name}.");
        sink.add_with_fix(
            finding
                .with_cause(name)
                .with_about(name)
                .with_subject(Subject::Name(name.to_owned())),
            change,
            because,
        );
    }
}

/// Shows every text of a tree with its line.
fn walk(node: &Node, see: &mut impl FnMut(&str, u32)) {
    match &node.value {
        Value::String(text) => see(text, node.pos.line),
        Value::Seq(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Map(map) => map.entries.iter().for_each(|(_, value)| walk(value, see)),
        Value::Tagged(tagged) => walk(&tagged.node, see),
        _ => {}
    }
}
