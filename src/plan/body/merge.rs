//! The managed part of a body among what people write around it.

use super::upstream::SINCE;
use super::{BEGIN, END, MAX_BODY};

/// Starts the line that names the digest of the content.
const DIGEST: &str = "<!-- lockstep:digest ";
/// Starts the line that names the run that wrote the body.
const RUN: &str = "<!-- lockstep:run ";
/// Starts a part of a body.
const PART: &str = "\n### ";
/// Starts what stands at the end of the managed part.
const FOOT: &str = "\n---\n";

/// Puts the managed part into a body that people may have written around. Where they took the markers out, they took
/// the body over: it stays as it is. While the content is the same, so is what is said of when the drift began.
pub fn merge(existing: &str, managed: &str) -> String {
    let Some((before, there, after)) = split(existing) else {
        return existing.to_owned();
    };
    let managed = match digest(there) == digest(managed) {
        true => with_since_of(managed.trim_end(), there),
        false => managed.trim_end().to_owned(),
    };
    let around = before.chars().count() + after.chars().count();
    let managed = shortened(&managed, MAX_BODY.saturating_sub(around));
    format!("{before}{managed}{after}")
}

/// Whether a body says what it should. Commits count for nothing while the content is the same: each commit of
/// metadata would have the body rewritten.
pub fn says(existing: &str, managed: &str) -> bool {
    let (existing, merged) = (plain(existing), plain(&merge(existing, managed)));
    let same_content = || {
        let [a, b] = [&existing, &merged].map(|body| split(body).and_then(|(_, there, _)| digest(there)));
        a.is_some() && a == b
    };
    existing == merged || (same_content() && without_commits(&existing) == without_commits(&merged))
}

/// Puts into a managed part which run writes it: its logs and its record say more. Another run is no reason to write it
/// anew.
pub fn with_run(managed: &str, run: &str) -> String {
    match managed.strip_prefix(BEGIN) {
        Some(rest) => format!(
            "{BEGIN}\n{RUN}{} -->\n{}",
            crate::base::text::inert(run),
            rest.trim_start_matches('\n')
        ),
        None => managed.to_owned(),
    }
}

/// A browser writes other line ends, and each run has an id of its own.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split('\n').filter(|line| !line.starts_with(RUN)).collect();
    lines.join("\n").trim_end().to_owned()
}

/// What stands before the managed part, itself, and after it.
fn split(body: &str) -> Option<(&str, &str, &str)> {
    let start = body.find(BEGIN)?;
    let length = body.get(start..)?.find(END)? + END.len();
    Some((
        body.get(..start)?,
        body.get(start..start + length)?,
        body.get(start + length..)?,
    ))
}

fn digest(managed: &str) -> Option<&str> {
    let rest = managed.get(managed.find(DIGEST)? + DIGEST.len()..)?;
    rest.split_whitespace().next()
}

fn since(managed: &str) -> Option<&str> {
    let [begin, end] = SINCE;
    let start = managed.find(begin)?;
    let length = managed.get(start..)?.find(end)? + end.len();
    managed.get(start..start + length)
}

fn with_since_of(managed: &str, there: &str) -> String {
    match (since(managed), since(there)) {
        (Some(new), Some(old)) => managed.replacen(new, &old.replace("\r\n", "\n"), 1),
        _ => managed.to_owned(),
    }
}

/// Leaves out parts from the end until a body has room beside what people wrote.
fn shortened(managed: &str, room: usize) -> String {
    let mut body = managed.to_owned();
    while body.chars().count() > room {
        let (Some(foot), Some(part)) = (body.rfind(FOOT), body.rfind(PART)) else {
            break;
        };
        if part > foot {
            break;
        }
        body.replace_range(part..foot, "");
    }
    body
}

/// Takes the ids of commits out: runs of ten and more hexadecimal digits.
fn without_commits(body: &str) -> String {
    let (mut out, mut run) = (String::with_capacity(body.len()), String::new());
    for c in body.chars() {
        match c {
            '0'..='9' | 'a'..='f' => run.push(c),
            c => {
                settle(&mut out, &mut run);
                out.push(c);
            }
        }
    }
    settle(&mut out, &mut run);
    out
}

fn settle(out: &mut String, run: &mut String) {
    out.push_str(if run.len() < 10 { run } else { "…" });
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managed(digest: &str, commit: &str, parts: &str) -> String {
        let [begin, end] = SINCE;
        format!(
            "{BEGIN}\n{DIGEST}{digest} -->\nHello\n\n{begin}\nFirst seen at {commit}.\n{end}\n{parts}\n---\nBye\n{END}\n"
        )
    }

    const ONE: &str = "0123456789";
    const TWO: &str = "abcdefabcd";

    #[test]
    fn another_run_is_no_reason_to_write() {
        let there = with_run(&managed("d1", ONE, ""), "run-1");
        assert!(there.contains("<!-- lockstep:run run-1 -->"), "{there}");
        assert!(says(&there, &with_run(&managed("d1", ONE, ""), "run-2")));
        assert!(says(&there, &managed("d1", ONE, "")), "nor is one without an id");
        let merged = merge(&there, &with_run(&managed("d2", ONE, ""), "run-2"));
        assert!(merged.contains("run-2") && !merged.contains("run-1"), "{merged}");
        assert_eq!(with_run("", "run-1"), "", "nothing is said where nothing is wanted");
    }

    #[test]
    fn the_first_commit_stays_while_the_content_does() {
        let there = managed("d1", ONE, "");
        assert!(
            says(&there, &managed("d1", TWO, "")),
            "no body is rewritten for a commit"
        );
        let other = managed("d1", TWO, "### Findings\nx");
        assert!(!says(&there, &other));
        let merged = merge(&there, &other);
        assert!(
            merged.contains(ONE) && merged.contains("Findings") && !merged.contains(TWO),
            "{merged}"
        );
        let merged = merge(&there, &managed("d2", TWO, ""));
        assert!(
            merged.contains(TWO) && !merged.contains(ONE),
            "new content, new drift: {merged}"
        );
    }

    #[test]
    fn what_people_write_around_it_stays() {
        let there = format!("Mine\r\n{}Also mine", managed("d1", ONE, "").replace('\n', "\r\n"));
        assert!(says(&there, &managed("d1", ONE, "")));
        let merged = merge(&there, &managed("d2", TWO, ""));
        assert!(
            merged.starts_with("Mine\r\n") && merged.ends_with("Also mine"),
            "{merged}"
        );
        assert_eq!(merge("taken over", &managed("d2", TWO, "")), "taken over");
    }

    #[test]
    fn parts_go_where_people_wrote_much() {
        let there = format!("{}\n{}", "x".repeat(MAX_BODY - 1_000), managed("d1", ONE, ""));
        let parts = format!("\n### Files\n{}\n\n### Diffs\n{}\n", "f".repeat(300), "d".repeat(3_000));
        let merged = merge(&there, &managed("d2", TWO, &parts));
        assert!(merged.chars().count() <= MAX_BODY, "{}", merged.chars().count());
        assert!(merged.contains("### Files") && !merged.contains("### Diffs") && merged.trim_end().ends_with(END));
    }
}
