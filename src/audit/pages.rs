//! What people can read about a code: its page, and one document of all codes.

use std::fmt::Write as _;

use super::check::Need;
use super::registry;
use crate::finding::{Code, Family};

/// The page of a code, as `audit --explain` prints it.
pub fn page(code: &Code) -> String {
    let mut out = format!(
        "{} ({}, family {})\n\n{}.\n\n{}\n\nWhat to do: {}\n",
        code.name,
        code.severity,
        code.family.name(),
        capital(code.title),
        code.means,
        code.action
    );
    let _ = writeln!(out, "\nExample:\n    {}", code.example);
    let _ = match code.fix {
        Some(fix) => writeln!(out, "\n`audit --fix` {fix}."),
        None => writeln!(out, "\n`audit --fix` leaves it to a person."),
    };
    if let Some(needs) = needs(code) {
        let _ = writeln!(out, "\n{needs}");
    }
    out
}

/// The document of all codes.
pub fn document() -> String {
    let codes = registry::codes();
    let mut out = String::from(
        "# Findings\n\nEvery code that lockstep's findings can have. `lockstep audit --explain CODE` prints one of them. \
         This file is made from\nthe registry (`INSTA_UPDATE=always cargo test --test it audit_codes::` writes it anew).\n",
    );
    out.push_str("\n| code | severity | what is wrong |\n|---|---|---|\n");
    for code in &codes {
        let _ = writeln!(
            out,
            "| [{0}](#{0}) | {1} | {2} |",
            code.name,
            code.severity,
            cell(code.title)
        );
    }
    for family in Family::ALL {
        let of_family: Vec<_> = codes.iter().filter(|code| code.family == family).collect();
        if of_family.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n## {}\n\n{}", capital(family.name()), family.about());
        of_family.into_iter().for_each(|code| section(&mut out, code));
    }
    out
}

fn section(out: &mut String, code: &Code) {
    let _ = writeln!(
        out,
        "\n### {}\n\n*{}.* {}.\n\n{}\n\n**What to do.** {}",
        code.name,
        capital(&code.severity.to_string()),
        capital(code.title),
        code.means,
        code.action
    );
    if let Some(fix) = code.fix {
        let _ = writeln!(out, "\n**`--fix`** {fix}.");
    }
    if let Some(needs) = needs(code) {
        let _ = writeln!(out, "\n{needs}");
    }
    let _ = writeln!(out, "\n    {}", code.example);
}

/// What the check of a code needs, as a sentence.
fn needs(code: &Code) -> Option<String> {
    let check = registry::checks().find(|check| check.codes.iter().any(|own| own.name == code.name))?;
    if check.needs.is_empty() {
        return None;
    }
    let needs: Vec<_> = check.needs.iter().map(|need| Need::describe(*need)).collect();
    Some(format!("Skipped without {}.", needs.join(" and ")))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
        .unwrap_or_default()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
