//! Shows a plan to a person: by cause, by file or by image, then what was left alone, and one line that sums it up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::causes::{CauseGroup, by_cause, by_weight, left_by_cause};
use super::change::{Accepted, ChangeKind, FileChange, NEW_FILE, Plan, PullRequest, REMOVED_FILE, WHOLE_FILE, WhatIf};
use super::desired::Cause;
use super::diff::unified;
use crate::base::Color;
use crate::base::text::{clip, terminal};
use crate::finding::Finding;

/// How the changes are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By rule and field, with counts and an example.
    Cause,
    /// By file, with diffs.
    File,
    /// By image.
    Image,
}

/// With more files than this, causes are what is shown unless asked otherwise.
const MANY_FILES: usize = 10;
/// The same with more lines than this in the files as they are to be: a difference of that length is not read.
const MANY_LINES: usize = 200;
/// The longest value that is shown on a line, in characters.
const VALUE: usize = 60;

impl By {
    /// What suits a plan when nothing was asked for.
    pub fn suiting(plan: &Plan) -> Self {
        let lines = |file: &FileChange| {
            file.after
                .as_deref()
                .map_or(0, |text| text.split(|byte| *byte == b'\n').count())
        };
        let files = || plan.changing().flat_map(|pr| &pr.files);
        if files().count() > MANY_FILES || files().map(lines).sum::<usize>() > MANY_LINES {
            Self::Cause
        } else {
            Self::File
        }
    }
}

/// Shows a plan. `by`: `None` takes what suits it. Text of inputs comes escaped.
pub fn text(plan: &Plan, by: Option<By>, color: Color) -> String {
    let mut out = details(plan, by, color);
    let _ = writeln!(out, "{}", color.paint("1", &summary(plan)));
    out
}

/// Shows only what changes.
pub fn changes(plan: &Plan, by: By, color: Color) -> String {
    let mut out = String::new();
    for pr in plan.changing() {
        heading(&mut out, pr, color);
        match by {
            By::Cause => causes(&mut out, pr, color),
            By::File => files(&mut out, pr, color),
            By::Image => images(&mut out, pr, color),
        }
    }
    out
}

/// The same without the line that sums it up.
pub fn details(plan: &Plan, by: Option<By>, color: Color) -> String {
    let asked = by.is_some();
    let by = by.unwrap_or_else(|| By::suiting(plan));
    let mut out = changes(plan, by, color);
    left_alone(&mut out, plan, color);
    findings(&mut out, plan, color);
    if by == By::Cause && !asked {
        out.push_str("`--by file` shows the differences, `--by image` what changes for each image.\n");
    }
    out
}

fn heading(out: &mut String, pr: &PullRequest, color: Color) {
    let repo = format!("{}, branch {}", pr.scope.repo, pr.base);
    let line = format!(
        "{} {} in {repo}: {}",
        pr.scope.group,
        pr.scope.release,
        files_of(pr.files.len())
    );
    let _ = writeln!(out, "{}", color.paint("1", &terminal(&line)));
    if let Some(why) = &pr.blocked {
        let _ = writeln!(out, "{}", color.paint("31", &terminal(&format!("  withheld: {why}"))));
    }
    for scope in &pr.depends {
        let _ = writeln!(
            out,
            "{}",
            terminal(&format!("  depends on the pull request for {scope}"))
        );
    }
    out.push('\n');
}

/// Counts files: `1 file`, `168 files`.
fn files_of(count: usize) -> String {
    plural(count, "file", "files")
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn causes(out: &mut String, pr: &PullRequest, color: Color) {
    for group in by_cause(&pr.files) {
        cause(out, &group, color);
    }
}

fn cause(out: &mut String, group: &CauseGroup<'_>, color: Color) {
    let name = match group.files.first() {
        Some((kind, _)) if group.field == WHOLE_FILE && ![NEW_FILE, REMOVED_FILE].contains(&group.rule) => {
            format!("{kind}, by {}", group.rule)
        }
        _ if group.field == WHOLE_FILE => group.rule.to_owned(),
        _ => format!("{}: {}", group.rule, group.field),
    };
    let mut line = format!(
        "{:>7}  {}",
        files_of(group.files.len()),
        color.paint("33", &terminal(&name))
    );
    if group.fields > group.files.len() {
        let _ = write!(line, ", {}", plural(group.fields, "place", "places"));
    }
    if !group.rule_at.is_empty() {
        let _ = write!(line, "  ({})", terminal(group.rule_at));
    }
    let _ = writeln!(out, "  {line}");
    let _ = writeln!(out, "           {}", terminal(group.because));
    let _ = writeln!(
        out,
        "           e.g. {}\n",
        terminal(&example(group.example.path, group.example.cause))
    );
}

/// `org/repo item: old → new`, or the path where there are no values.
fn example(path: &str, cause: &Cause) -> String {
    if cause.field == WHOLE_FILE || (cause.old.is_none() && cause.new.is_none()) {
        let images = clip(&cause.images.join(", "), VALUE);
        return match (cause.component.is_empty(), images.is_empty()) {
            (false, false) => format!("{}: {images}", cause.component),
            _ => path.to_owned(),
        };
    }
    let mut out = subject(path, cause);
    if let Some(item) = &cause.item {
        let _ = write!(out, " {item}");
    }
    let _ = write!(out, ": {}", values(cause));
    out
}

/// The component, or the path where there is none.
fn subject(path: &str, cause: &Cause) -> String {
    if cause.component.is_empty() {
        path.to_owned()
    } else {
        cause.component.clone()
    }
}

fn values(cause: &Cause) -> String {
    let [old, new] = both(cause, VALUE);
    format!("{old} → {new}")
}

/// Both values of a cause, each no longer than a number of characters; what differs is never cut off.
pub(super) fn both(cause: &Cause, most: usize) -> [String; 2] {
    match (&cause.old, &cause.new) {
        (Some(old), Some(new)) => {
            let from = beginning_of_difference(old, new, most);
            [excerpt(old, from, most), excerpt(new, from, most)]
        }
        (old, new) => [old, new].map(|value| {
            value
                .as_ref()
                .map_or_else(|| "(nothing)".to_owned(), |value| clip(value, most))
        }),
    }
}

/// How many characters to leave out of two values so that what differs can be seen: none where both are short.
fn beginning_of_difference(old: &str, new: &str, most: usize) -> usize {
    const BEFORE: usize = 20;
    if old.chars().count().max(new.chars().count()) <= most {
        return 0;
    }
    let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
    same.saturating_sub(BEFORE)
}

fn excerpt(value: &str, from: usize, most: usize) -> String {
    let rest: String = value.chars().skip(from).collect();
    let start = if from > 0 { "…" } else { "" };
    format!("{start}{}", clip(&rest, most))
}

/// Shows what a pull request changes in a few lines: one a file, or by cause where there are many.
pub fn brief(pr: &PullRequest) -> String {
    let mut out = String::new();
    if pr.files.len() > MANY_FILES {
        causes(&mut out, pr, Color::Off);
        return out;
    }
    for file in by_weight(&pr.files) {
        let name = file.component.as_deref().unwrap_or(&file.path);
        let mut images = file.images.join(", ");
        if !images.is_empty() {
            images.insert_str(0, ": ");
        }
        let _ = writeln!(
            out,
            "  {:<9}{}{}",
            file.kind.to_string(),
            terminal(name),
            terminal(&images)
        );
        for cause in file.causes.iter().filter(|_| file.kind == ChangeKind::Changed) {
            let item = cause
                .item
                .as_ref()
                .map(|item| format!(" of {item}"))
                .unwrap_or_default();
            if cause.old.is_some() || cause.new.is_some() {
                let line = format!("{}{item}: {}", cause.field, values(cause));
                let _ = writeln!(out, "             {}", terminal(&line));
            }
            let _ = writeln!(out, "               {}", terminal(&reason_alone(cause)));
        }
    }
    out
}

/// The rule behind a cause: `id (file:line): sentence`.
fn reason_alone(cause: &Cause) -> String {
    let at = if cause.rule_at.is_empty() {
        String::new()
    } else {
        format!(" ({})", cause.rule_at)
    };
    format!("{}{at}: {}", cause.rule, cause.because)
}

fn files(out: &mut String, pr: &PullRequest, color: Color) {
    for file in by_weight(&pr.files) {
        let _ = writeln!(
            out,
            "{} {}",
            color.paint(shade(file.kind), &file.kind.to_string()),
            terminal(&file.path)
        );
        for cause in file.causes.iter().filter(|_| file.kind != ChangeKind::New) {
            let _ = writeln!(out, "  {}", terminal(&reason(cause)));
        }
        for note in &file.notes {
            let _ = writeln!(out, "  note: {}", terminal(note));
        }
        out.push_str(&unified(file, color));
        out.push('\n');
    }
}

fn reason(cause: &Cause) -> String {
    let item = cause
        .item
        .as_ref()
        .map(|item| format!(" of {item}"))
        .unwrap_or_default();
    format!("{}{item}: {}", cause.field, reason_alone(cause))
}

fn shade(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "32",
        ChangeKind::Changed => "33",
        ChangeKind::Removed => "31",
    }
}

fn images(out: &mut String, pr: &PullRequest, color: Color) {
    let mut images: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    for file in &pr.files {
        if file.kind == ChangeKind::Changed {
            for cause in &file.causes {
                let item = cause
                    .item
                    .as_ref()
                    .map(|item| format!(" of {item}"))
                    .unwrap_or_default();
                let of = match (cause.images.is_empty(), cause.component.is_empty()) {
                    (true, false) => format!("{}: ", cause.component),
                    _ => String::new(), // the image says which
                };
                let line = match (&cause.old, &cause.new) {
                    (None, None) => format!("{of}{}{item}  ({})", cause.field, cause.rule),
                    _ => format!("{of}{}{item}: {}  ({})", cause.field, values(cause), cause.rule),
                };
                note_for(&mut images, &cause.images, line);
            }
        } else {
            note_for(&mut images, &file.images, whole_file(file));
        }
    }
    for (image, lines) in images {
        let name = image.map_or_else(|| "no image in particular".to_owned(), terminal);
        let _ = writeln!(out, "  {}", color.paint("33", &name));
        for line in lines {
            let _ = writeln!(out, "    {}", terminal(&line));
        }
    }
    out.push('\n');
}

fn whole_file(file: &FileChange) -> String {
    format!("{}: {}", file.kind, file.path)
}

fn note_for<'a>(images: &mut BTreeMap<Option<&'a str>, Vec<String>>, tags: &'a [String], line: String) {
    if tags.is_empty() {
        images.entry(None).or_default().push(line);
        return;
    }
    for tag in tags {
        images.entry(Some(tag)).or_default().push(line.clone());
    }
}

fn left_alone(out: &mut String, plan: &Plan, color: Color) {
    if plan.accepted.is_empty() && plan.not_adopted.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", color.paint("1", "Left as it is"));
    for Accepted { accept, left } in &plan.accepted {
        let until = accept.until.map(|until| format!(" until {until}")).unwrap_or_default();
        let line = format!(
            "  accepted: {}, {}: {} ({}{until})",
            accept.cause,
            plural(left.len(), "place", "places"),
            accept.reason,
            accept.author
        );
        let _ = writeln!(out, "{}", terminal(&line));
    }
    for group in left_by_cause(&plan.not_adopted) {
        let line = format!(
            "  not adopted: {}: {}, {}",
            group.rule,
            group.field,
            files_of(group.files.len())
        );
        let _ = writeln!(out, "{}", terminal(&line));
    }
    out.push('\n');
}

fn findings(out: &mut String, plan: &Plan, color: Color) {
    let gone = plan.what_if.iter().flat_map(|what_if| &what_if.findings_gone);
    let heading = match &plan.what_if {
        Some(_) => "Findings that it adds",
        None => "Findings",
    };
    section(out, heading, &plan.findings, color);
    section(
        out,
        "Findings that it takes away",
        &gone.cloned().collect::<Vec<_>>(),
        color,
    );
}

fn section(out: &mut String, heading: &str, findings: &[Finding], color: Color) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", color.paint("1", heading));
    for group in crate::finding::group(&crate::finding::by_component(findings)) {
        for line in group.to_string().lines() {
            let _ = writeln!(out, "  {}", terminal(line));
        }
    }
    out.push('\n');
}

/// What a try changes, against the configuration as it is.
fn tried_out(plan: &Plan, what_if: &WhatIf) -> String {
    let tried = terminal(&what_if.tried.join(" "));
    let counts = plan.counts();
    if plan.looked_at == 0 {
        return format!("What if: with `{tried}` nothing could be compared");
    }
    let changes = match counts.total() {
        0 if plan.not_compared.is_empty() => format!("`{tried}` changes nothing"),
        0 => format!("`{tried}` changes nothing of what could be compared"),
        total => format!("`{tried}` changes {}: {counts}", files_of(total)),
    };
    let drift = match what_if.drift_as_it_is.total() {
        0 => String::new(),
        1 => "; as it is, 1 file differs".to_owned(),
        total => format!("; as it is, {} differ", files_of(total)),
    };
    format!("What if: {changes}, against the configuration as it is{drift}")
}

/// The line that sums a plan up.
pub fn summary(plan: &Plan) -> String {
    let counts = plan.counts();
    let mut out = if let Some(what_if) = &plan.what_if {
        tried_out(plan, what_if)
    } else if plan.has_drift() {
        let requests = plural(plan.changing().count(), "pull request", "pull requests");
        let differ = if counts.total() == 1 { "differs" } else { "differ" };
        format!("Drift: {} in {requests} {differ}: {counts}", files_of(counts.total()))
    } else if plan.looked_at == 0 {
        // Nobody is to read "in sync" where nothing could be compared.
        match plan.not_compared.is_empty() {
            true => "Nothing was compared: no file was derived, and none of ours is there".to_owned(),
            // What is there was not looked at.
            false => "Nothing was compared".to_owned(),
        }
    } else if !plan.not_compared.is_empty() {
        format!(
            "Not everything was compared: {} looked at, nothing else to change",
            files_of(plan.looked_at)
        )
    } else if !plan.not_adopted.is_empty() || plan.doubtful > 0 {
        format!(
            "Nothing that is adopted differs: {} looked at",
            files_of(plan.looked_at)
        )
    } else {
        format!("In sync: {} looked at, nothing to change", files_of(plan.looked_at))
    };
    let accepted: usize = plan.accepted.iter().map(|a| a.left.len()).sum();
    let also = [
        (
            plan.changing().filter(|pr| pr.blocked.is_some()).count(),
            "pull request withheld",
            "pull requests withheld",
        ),
        (accepted, "deviation accepted", "deviations accepted"),
        (
            plan.not_adopted.len(),
            "difference not adopted",
            "differences not adopted",
        ),
        (
            plan.doubtful,
            "file left, which may be meant by a name that nothing has",
            "files left, which may be meant by a name that nothing has",
        ),
        (plan.held, "file not derived and kept", "files not derived and kept"),
        (plan.findings.len(), "finding", "findings"),
        (plan.suppressed, "finding suppressed", "findings suppressed"),
    ];
    for (count, one, many) in also.into_iter().filter(|(count, ..)| *count > 0) {
        let _ = write!(out, "; {}", plural(count, one, many));
    }
    if let Some(first) = plan.not_compared.first() {
        let more = match plan.not_compared.len() - 1 {
            0 => String::new(),
            more => format!("; and for {}", plural(more, "more reason", "more reasons")),
        };
        let _ = write!(out, "\nNot compared: {}{more}", terminal(&first.to_string()));
    }
    out
}
