//! Variables of group.yml that other readers of YAML print in another way.

use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink};
use crate::facts::group::Misprint;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family, Subject};

static CODE: Code = Code {
    name: "variable-misprinted",
    family: Family::Metadata,
    severity: Warning,
    title: "a variable is a number that other programs print in another way than it is written",
    means: "A value of `vars` without quotes is a number, true or false for most programs that read YAML, and they put in what they \
            print of it: `1.20` becomes 1.2, `010` becomes 8, `1_0` becomes 10, `yes` becomes True. Here it is used as it is \
            written, so CI and ART look for different branches and tags.",
    action: "Put the value in quotes.",
    example: "GO_LATEST is 1.20 as it is written, and 1.2 for programs that read it as a number",
    fix: Some("puts the value in quotes"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for misprint in &metadata.group.misprints {
        let Misprint {
            name,
            written,
            printed,
            file,
            line,
        } = misprint;
        let finding = CODE
            .finding(format!(
                "{name} is {written} as it is written, and {printed} for programs that read it as a number"
            ))
            .with_place(metadata.place(file.clone(), Some(*line)))
            .with_subject(Subject::Name(name.clone()))
            .with_help(format!("put it in quotes: `{name}: \"{written}\"`"));
        let change = Change::Metadata {
            file: file.clone(),
            edit: Edit::Quote {
                line: *line,
                value: written.clone(),
            },
        };
        sink.add_with_fix(
            finding,
            Some(change),
            "Other programs read a number there, and print it in another way.",
        );
    }
}
