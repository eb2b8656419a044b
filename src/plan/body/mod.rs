//! What a pull request says: its title, and the managed part of its body.

mod merge;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::causes::{CauseGroup, by_cause, by_weight, left_by_cause};
use super::change::{Accepted, ChangeKind, FIXES, FileChange, Left, PullRequest, RETIRE, Scope, WHOLE_FILE};
use super::diff::unified;
use super::step::Step;
use super::upstream::Upstream;
use crate::base::Color;
use crate::base::text::{clip, code, inert, markdown};
use crate::finding::{Finding, group};

pub use merge::{merge, says, with_run};

/// The line that the managed part of a body starts with.
pub const BEGIN: &str = "<!-- lockstep:begin -->";
/// The line that it ends with.
pub const END: &str = "<!-- lockstep:end -->";
/// The largest body that GitHub takes, in characters.
pub const MAX_BODY: usize = 65_536;

/// What the managed part may take in all, in bytes: well under [`MAX_BODY`], which leaves room for what people write
/// around it.
const ROOM: usize = 60_000;
/// What each part of the body may take, in bytes. Images and files also get what the parts before them have left.
const DEPENDS: usize = 2_000;
const CAUSES: usize = 8_000;
const IMAGES: usize = 11_000;
const FILES: usize = 18_000;
const NOTES: usize = 2_000;
const FINDINGS: usize = 6_000;
const LEFT: usize = 3_000;
const DIFFS: usize = 7_000;
/// How many rules of a file are named.
const RULES: usize = 3;
/// The longest diff of one file, in bytes.
const DIFF: usize = 3_000;

/// What a body tells beside the pull request itself.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What was found on the way and while planning.
    pub findings: &'a [Finding],
    /// The acceptances that cover something.
    pub accepted: &'a [Accepted],
    /// What differs and is not adopted.
    pub not_adopted: &'a [Left],
    /// What the releases were derived from.
    pub upstream: &'a [Upstream],
    /// Where the service shows whole plans.
    pub service: Option<&'a str>,
    /// Where people find the rule files.
    pub rules_web: Option<&'a str>,
}

/// The title: what, how much, for which release; behind what its readers expect at its start.
pub fn title(pr: &PullRequest) -> String {
    let title = plain_title(pr);
    match inert(&pr.words.prefix) {
        prefix if prefix.is_empty() || title.is_empty() => title,
        prefix => clip(&format!("{prefix} {title}"), 200),
    }
}

fn plain_title(pr: &PullRequest) -> String {
    let release = inert(&pr.scope.release);
    if let Some(step) = pr.step.as_ref().filter(|_| !pr.files.is_empty()) {
        let Step {
            to, number, of, what, ..
        } = step;
        return clip(&format!("Cut to {to}, step {number} of {of}: {}", inert(what)), 200);
    }
    let title = match pr.files.as_slice() {
        [] => return String::new(),
        [one] if pr.carried == 0 => format!("OKD {release}: {} {}", verb(one), inert(&one.path)),
        _ if pr.scope.group == RETIRE => {
            format!("OKD {release}: retire what verifies and mirrors it ({})", pr.counts())
        }
        _ if pr.scope.group == FIXES => format!("OKD {release}: put right what an audit found ({})", pr.counts()),
        _ => format!(
            "OKD {release}: bring {} in line with what OCP is built from ({}{})",
            inert(&pr.scope.group),
            pr.counts(),
            match pr.carried {
                0 => String::new(),
                more => format!(", {more} more from before"),
            }
        ),
    };
    clip(&title, 200)
}

/// Has title and body of a pull request say that it has more files, which this run has not looked at.
pub fn carrying(pr: &mut PullRequest, carried: usize) {
    pr.carried = carried;
    if carried == 0 || pr.files.is_empty() {
        return;
    }
    pr.title = title(pr);
    let (files, stay) = match carried {
        1 => ("1 more file", "stays"),
        _ => ("more files", "stay"),
    };
    let count = if carried == 1 {
        String::new()
    } else {
        format!("{carried} ")
    };
    let line = format!(
        "{count}{files} of this pull request {stay} as proposed: the run that wrote this text did not look at all of it.\n\n"
    );
    let mark = format!("<!-- lockstep:digest {} -->\n", pr.digest);
    if let Some((before, rest)) = pr
        .body
        .split_once("<!-- lockstep:digest ")
        .and_then(|(before, rest)| Some((before, rest.split_once('\n')?.1)))
    {
        pr.body = format!("{before}{mark}{line}{rest}");
    }
}

fn verb(file: &FileChange) -> &'static str {
    match file.kind {
        ChangeKind::New => "add",
        ChangeKind::Changed => "update",
        ChangeKind::Removed => "remove",
    }
}

/// The managed part of the body; empty for a pull request without files.
pub fn body(pr: &PullRequest, context: Context<'_>) -> String {
    if pr.files.is_empty() {
        return String::new();
    }
    let mut out = format!("{BEGIN}\n<!-- lockstep:digest {} -->\n", pr.digest);
    out.push_str(&pr.step.as_ref().map(Step::mark).unwrap_or_default());
    head(&mut out, pr);
    if !pr.words.note.is_empty() {
        let _ = writeln!(out, "{}\n", pr.words.note);
    }
    let upstream = context
        .upstream
        .iter()
        .find(|upstream| upstream.release == pr.scope.release);
    upstream::since(&mut out, upstream);
    depends(&mut out, pr);
    why(&mut out, pr, upstream, context.rules_web);
    upstream::images(&mut out, pr, upstream);
    what(&mut out, pr);
    notes(&mut out, pr);
    left(&mut out, pr, context);
    concerning(&mut out, pr, context.findings);
    diffs(&mut out, pr);
    out.push_str("---\n");
    if let Some(service) = context.service {
        let _ = writeln!(
            out,
            "The whole plan, with all that is left out here: <{}/api/v1/plan>\n",
            address(service)
        );
    }
    out.push_str(
        "Close this pull request to refuse this content: it stays closed until the content changes. Commits pushed to \
         this branch are not overwritten, and text outside of this part is kept.\n",
    );
    out.push_str(END);
    out.push('\n');
    out
}

/// What it is about, a paragraph.
fn head(out: &mut String, pr: &PullRequest) {
    let counts = pr.counts();
    let (files, differ) = match counts.total() {
        1 => ("file", "differs"),
        _ => ("files", "differ"),
    };
    let what = format!(
        "{} {files} in {} of {}",
        counts.total(),
        code(&pr.base),
        code(&pr.scope.repo.to_string())
    );
    let release = markdown(&pr.scope.release);
    if let Some(step) = &pr.step {
        let after = step
            .after
            .as_deref()
            .map(|after| format!(", after {}", inert(after)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "This is {step}{after}: {}. It stands here because {}. It changes {what}: {counts}.\n\nWhile the cut is under way \
             nothing else is proposed for its releases. After the merge, `lockstep cut --from {} --to {} --apply` takes the next \
             step; `--abandon` in place of `--apply` gives the cut up.\n",
            markdown(&step.what),
            markdown(&step.because),
            step.from,
            step.to,
        );
        return;
    }
    let _ = if pr.scope.group == FIXES {
        writeln!(
            out,
            "An audit of {release} found something in {what} that can safely be put right: {counts}.\n"
        )
    } else {
        writeln!(
            out,
            "{what} {differ} from what the metadata of {release} asks for: {counts}. This puts them right.\n\n\
             OKD is built from the sources that OCP is built from, so its build configuration follows OCP's metadata by a set of \
             rules. To review: *Why* below names the rule behind each difference, what is not simply new first. Is the rule right \
             for that component? The files themselves are checked as those of anybody else.\n"
        )
    };
}

/// Writes rows until a number of bytes is used up, then how many are missing.
fn bounded(out: &mut String, budget: usize, rows: impl ExactSizeIterator<Item = String>, what: &str) {
    let (total, start) = (rows.len(), out.len());
    for (done, row) in rows.enumerate() {
        if out.len() - start + row.len() > budget {
            let _ = writeln!(out, "\n… and {} more {what} that are not listed here.", total - done);
            break;
        }
        out.push_str(&row);
    }
    out.push('\n');
}

/// The words for a pull request that another one depends on; a forge that knows its number puts that in their place.
pub fn mention(scope: &Scope) -> String {
    format!(
        "the pull request from {} in {}",
        code(&scope.head()),
        code(&scope.repo.to_string())
    )
}

fn depends(out: &mut String, pr: &PullRequest) {
    if pr.depends.is_empty() {
        return;
    }
    out.push_str("Depends on, as its images are built from theirs:\n\n");
    bounded(
        out,
        DEPENDS,
        pr.depends
            .iter()
            .map(|scope| format!("- depends on {}\n", mention(scope))),
        "pull requests",
    );
}

/// An address that cannot end the link it stands in.
fn address(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() && !"<>\\`\"".contains(*c);
    text.trim_end_matches('/').chars().filter(plain).collect()
}

fn why(out: &mut String, pr: &PullRequest, upstream: Option<&Upstream>, web: Option<&str>) {
    out.push_str("### Why\n\n| Files | Rule | Field | Because | For example |\n|---:|---|---|---|---|\n");
    let groups = by_cause(&pr.files);
    bounded(
        out,
        CAUSES,
        groups.iter().map(|group| cause_row(group, upstream, web)),
        "causes",
    );
}

/// Where people look at a rule: a line of a file below an address. Not where either could end the link.
fn rule_link(web: &str, at: &str) -> Option<String> {
    let (file, line) = at.rsplit_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
    let inside = !file.starts_with('/') && file.split('/').all(|part| !part.is_empty() && part != "..");
    let is_line = !line.is_empty() && line.chars().all(|c| c.is_ascii_digit());
    let web = address(web);
    let web = (web.starts_with("https://") || web.starts_with("http://")).then_some(web)?;
    let fits = inside && is_line && file.chars().all(plain) && !web.contains(['(', ')', ' ']);
    fits.then(|| format!("{web}/{}#L{line}", file.trim_start_matches("./")))
}

fn cause_row(group: &CauseGroup<'_>, upstream: Option<&Upstream>, web: Option<&str>) -> String {
    let cause = group.example.cause;
    let rule = match (group.rule_at, web.and_then(|web| rule_link(web, group.rule_at))) {
        ("", _) => code(&clip(group.rule, 80)),
        (at, Some(link)) => format!("[{}]({link}) ({})", code(&clip(group.rule, 80)), code(&clip(at, 120))),
        (at, None) => format!("{} ({})", code(&clip(group.rule, 80)), code(&clip(at, 120))),
    };
    let whole = group.field == WHOLE_FILE;
    let subject = if whole || cause.component.is_empty() {
        group.example.path
    } else {
        &cause.component
    };
    let mut example = code(&clip(subject, 200));
    if let Some(item) = &cause.item {
        let _ = write!(example, " {}", code(&clip(item, 80)));
    }
    if !whole && (cause.old.is_some() || cause.new.is_some()) {
        let [old, new] = super::text::both(cause, 120);
        let value = |value: &Option<String>, cut: String| match value {
            Some(_) => code(&cut),
            None => "nothing".to_owned(),
        };
        let _ = write!(example, ": {} → {}", value(&cause.old, old), value(&cause.new, new));
    }
    if let Some(metadata) = upstream.and_then(|upstream| upstream::metadata_of(upstream, &cause.images)) {
        let _ = write!(example, " ({metadata})");
    }
    let because = markdown(&clip(group.because, 300));
    format!(
        "| {} | {rule} | {} | {because} | {example} |\n",
        group.files.len(),
        code(&clip(group.field, 80))
    )
}

/// The bytes that are left in a body when some are kept for the parts that follow.
fn left_of(out: &str, kept: usize) -> usize {
    ROOM.saturating_sub(out.len() + kept)
}

fn what(out: &mut String, pr: &PullRequest) {
    out.push_str("### Files\n\n| File | Change | Rules |\n|---|---|---|\n");
    let budget = FILES.max(left_of(out, NOTES + LEFT + FINDINGS + DIFFS));
    bounded(out, budget, by_weight(&pr.files).into_iter().map(file_row), "files");
}

fn file_row(file: &FileChange) -> String {
    let rules: BTreeSet<&str> = file.causes.iter().map(|cause| cause.rule.as_str()).collect();
    let named: Vec<String> = rules.iter().take(RULES).map(|rule| code(&clip(rule, 60))).collect();
    let more = match rules.len().checked_sub(RULES) {
        None | Some(0) => String::new(),
        Some(more) => format!(" and {more} more"),
    };
    format!(
        "| {} | {} | {}{more} |\n",
        code(&clip(&file.path, 300)),
        file.kind,
        named.join(", ")
    )
}

fn notes(out: &mut String, pr: &PullRequest) {
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &pr.files {
        for note in &file.notes {
            notes.entry(note).or_default().push(&file.path);
        }
    }
    if notes.is_empty() {
        return;
    }
    out.push_str("### Notes\n\n");
    let rows = notes.iter().map(|(note, paths)| {
        let more = if paths.len() > 1 {
            format!(" and {} more", paths.len() - 1)
        } else {
            String::new()
        };
        let first = paths.first().copied().unwrap_or_default();
        format!("- {}: {}{more}\n", markdown(&clip(note, 300)), code(&clip(first, 300)))
    });
    bounded(out, NOTES, rows, "notes");
}

/// Writes what differs and stays as it is, and why.
fn left(out: &mut String, pr: &PullRequest, context: Context<'_>) {
    let repo = pr.scope.repo.to_string();
    let here = |left: &&Left| left.repo == repo && left.release == pr.scope.release;
    let mut rows = Vec::new();
    for Accepted { accept, left } in context.accepted {
        let count = left.iter().filter(here).count();
        if count > 0 {
            let (cause, author) = (code(&clip(&accept.cause, 80)), markdown(&clip(&accept.author, 80)));
            let reason = markdown(&clip(&accept.reason, 300));
            rows.push(format!("- {count} × {cause}: accepted by {author}, {reason}\n"));
        }
    }
    for group in left_by_cause(context.not_adopted.iter().filter(here)) {
        let (rule, field) = (code(&clip(group.rule, 80)), code(&clip(group.field, 80)));
        rows.push(format!("- {} × {rule} ({field}): not adopted yet\n", group.fields));
    }
    if !rows.is_empty() {
        out.push_str("### Left alone\n\n");
        bounded(out, LEFT, rows.into_iter(), "causes");
    }
}

/// Writes the diffs of files that are there already, folded.
fn diffs(out: &mut String, pr: &PullRequest) {
    let changed = by_weight(pr.files.iter().filter(|file| file.kind == ChangeKind::Changed));
    if changed.is_empty() {
        return;
    }
    out.push_str("### Diffs\n\n");
    bounded(out, DIFFS, changed.iter().map(|file| folded(file)), "diffs");
}

fn folded(file: &FileChange) -> String {
    let diff = unified(file, Color::Off);
    let mut text = String::new();
    for (done, line) in diff.lines().skip(2).enumerate() {
        if text.len() + line.len() > DIFF {
            let _ = writeln!(
                text,
                "… and {} more lines",
                diff.lines().count().saturating_sub(2 + done)
            );
            break;
        }
        let _ = writeln!(text, "{line}");
    }
    // Nothing is rendered in code but what ends it; our own markers must not be found in it.
    let text = text.replace("<!--", "<!\u{200b}--");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    // No markdown is read in a summary.
    let path = inert(&clip(&file.path, 300));
    let path = path.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<details><summary><code>{path}</code></summary>\n\n{fence}diff\n{text}{fence}\n</details>\n")
}

/// Writes the findings that concern the files: by component, by image, or by place.
fn concerning(out: &mut String, pr: &PullRequest, findings: &[Finding]) {
    let components: BTreeSet<&str> = pr.files.iter().filter_map(|f| f.component.as_deref()).collect();
    let images: BTreeSet<&str> = pr
        .files
        .iter()
        .flat_map(|f| f.images.iter().map(String::as_str))
        .collect();
    let paths: BTreeSet<&str> = pr.files.iter().map(|f| f.path.as_str()).collect();
    let repo = pr.scope.repo.to_string();
    let concerns = |finding: &&Finding| {
        finding.release.as_ref().is_none_or(|r| *r == pr.scope.release)
            && (finding.component.as_deref().is_some_and(|c| components.contains(c))
                || finding.image.as_deref().is_some_and(|i| images.contains(i))
                || finding
                    .place
                    .as_ref()
                    .is_some_and(|p| p.repo == repo && paths.contains(p.file.as_str())))
    };
    let concerning: Vec<Finding> = findings.iter().filter(concerns).cloned().collect();
    if concerning.is_empty() {
        return;
    }
    out.push_str("### Findings about these files\n\n");
    let groups = group(&concerning);
    let rows = groups.iter().map(|group| {
        let text = group.to_string();
        let mut lines = text.lines().map(|line| markdown(&clip(line.trim_start(), 400)));
        format!("- {}\n", lines.by_ref().collect::<Vec<_>>().join("\n  "))
    });
    bounded(out, FINDINGS, rows, "findings");
}

#[cfg(test)]
mod tests {
    use super::rule_link;

    #[test]
    fn a_rule_is_linked_where_it_can_be() {
        let web = "https://github.com/o/r/blob/main";
        let link = |at: &str| rule_link(web, at);
        assert_eq!(link("rules/a.yaml:12"), Some(format!("{web}/rules/a.yaml#L12")));
        assert_eq!(
            rule_link(&format!("{web}/"), "./a.yaml:1"),
            Some(format!("{web}/a.yaml#L1"))
        );
        for at in [
            "",
            "a.yaml",
            "a.yaml:x",
            "../a.yaml:1",
            "/a.yaml:1",
            "a b.yaml:1",
            "a).yaml:1",
        ] {
            assert_eq!(link(at), None, "{at}");
        }
        for web in ["javascript:x", "https://x/(", ""] {
            assert_eq!(rule_link(web, "a.yaml:1"), None, "{web}");
        }
    }
}
