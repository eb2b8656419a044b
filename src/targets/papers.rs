//! What papers say of targets, from their registration.

use std::fmt::Write as _;

use super::{TARGETS, Target};
use crate::yaml::keys::{Key, Need, ValueForm};

/// The links to all targets' pages, for the README.
pub fn links() -> String {
    let links: Vec<String> = TARGETS
        .iter()
        .map(|target| format!("[{0}](docs/targets/{0}.md)", target.name))
        .collect();
    links.join(", ")
}

/// The table of all targets.
pub fn table() -> String {
    let mut out = String::from(
        "# Targets\n\nWhat is rendered, and where it goes. `targets` of the configuration names them; one with options is a mapping, as in\n\
         `targets: [prow-config, {NAME: {OPTION: VALUE}}]`. All targets of a group change in one pull request a release and repository.\n\n\
         | target | what it makes | where | group |\n|---|---|---|---|\n",
    );
    for target in TARGETS {
        let Target {
            name,
            group,
            about,
            place,
            ..
        } = target;
        let _ = writeln!(out, "| [`{name}`]({name}.md) | {about} | {place} | `{group}` |");
    }
    out
}

/// The part of a target's page that follows from its registration.
pub fn head(target: &Target) -> String {
    let mut out = String::new();
    section(target, &mut out);
    out
}

fn section(target: &Target, out: &mut String) {
    let Target {
        group,
        about,
        place,
        owns,
        seeds,
        leaves,
        options,
        after,
        ..
    } = target;
    let _ = write!(
        out,
        "- **Makes** {about}.\n- **Writes to** {place}, in group `{group}`.\n"
    );
    let _ = write!(
        out,
        "- **Owns** {owns}.\n- **Seeds** {seeds}.\n- **Leaves** {leaves}.\n"
    );
    if !after.is_empty() {
        let names: Vec<String> = after.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(
            out,
            "- **Follows** {}: where that is not configured, its files are taken as they are.",
            names.join(", ")
        );
    }
    if options.keys.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "\n{}\n\n| option | | unless said | meaning |\n|---|---|---|---|\n",
        options.about
    );
    for Key {
        name,
        kind,
        need,
        about,
    } in options.keys
    {
        let unless = match need {
            Need::Required => "must be given".to_owned(),
            Need::Optional => String::new(),
            Need::Default(text) => format!("`{text}`"),
        };
        let _ = writeln!(out, "| `{name}` | {} | {unless} | {about} |", word(kind));
    }
}

fn word(kind: &ValueForm) -> String {
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    match kind {
        ValueForm::Count => "number".to_owned(),
        ValueForm::Flag => "flag".to_owned(),
        ValueForm::List(_) | ValueForm::WordOrList(..) => "list".to_owned(),
        ValueForm::Map(section) => {
            let keys = section.keys.iter().map(|key| key.name).collect();
            format!("mapping with {}", quoted(keys).join(", "))
        }
        ValueForm::Variants(_) => "mapping".to_owned(),
        ValueForm::Word(words) => quoted(words.to_vec()).join(" or "),
        ValueForm::Text(_) | ValueForm::WordWithOptions(_) => "text".to_owned(),
    }
}
