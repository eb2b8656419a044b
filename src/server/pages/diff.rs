//! A file's change side by side.

use serde::Serialize;
use similar::{ChangeTag, DiffOp, DiffTag, TextDiff};

use crate::plan::FileChange;

/// The most bytes of both sides together that are compared.
const MAX_COMPARED: usize = 1 << 20;
/// The most lines of a file's change that are shown.
const MAX_LINES: usize = 1500;
/// How many lines that are alike stand around a change.
const CONTEXT: usize = 3;
/// Longer lines are not compared word by word.
const MAX_LINE: usize = 2000;

/// A change.
#[derive(Debug, Serialize)]
pub(super) struct Diff {
    /// Lines, with gaps between them.
    pub rows: Vec<Row>,
    /// Whether only one side is there.
    pub one_sided: bool,
    /// Lines that are not shown.
    pub left_out: usize,
    /// Why nothing is shown.
    pub note: Option<String>,
}

/// One line of both sides.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// `gap`, `same`, `change`, `old` or `new`.
    pub kind: &'static str,
    /// The old side.
    pub old: Option<Line>,
    /// The new side.
    pub new: Option<Line>,
    /// In a gap: how many lines are alike.
    pub alike: usize,
}

/// One line of one side.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Its text, in parts; the second of each says whether it differs.
    pub parts: Vec<(String, bool)>,
}

/// Compares both sides.
pub(super) fn side_by_side(file: &FileChange) -> Diff {
    let (before, after) = (file.before.as_deref(), file.after.as_deref());
    let texts = (
        std::str::from_utf8(before.unwrap_or_default()),
        std::str::from_utf8(after.unwrap_or_default()),
    );
    let one_sided = before.is_none() || after.is_none();
    match texts {
        (Ok(old), Ok(new)) if old.len() + new.len() <= MAX_COMPARED => {
            let mut rows = rows(old, new);
            let left_out = rows.len().saturating_sub(MAX_LINES);
            rows.truncate(MAX_LINES);
            Diff {
                rows,
                one_sided,
                left_out,
                note: None,
            }
        }
        _ => Diff {
            rows: Vec::new(),
            one_sided,
            left_out: 0,
            note: Some("It is no text, or too large to show".to_owned()),
        },
    }
}

fn rows(old: &str, new: &str) -> Vec<Row> {
    let diff = TextDiff::from_lines(old, new);
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut rows = Vec::new();
    let mut seen = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(seen, |op| op.old_range().start);
        if start > seen {
            rows.push(gap(start - seen));
        }
        for op in &group {
            op_rows(op, &old, &new, &mut rows);
            seen = op.old_range().end;
        }
    }
    if seen < old.len() && !rows.is_empty() {
        rows.push(gap(old.len() - seen));
    }
    rows
}

fn gap(alike: usize) -> Row {
    Row {
        kind: "gap",
        old: None,
        new: None,
        alike,
    }
}

fn op_rows(op: &DiffOp, old: &[&str], new: &[&str], rows: &mut Vec<Row>) {
    let (olds, news) = (op.old_range(), op.new_range());
    for at in 0..olds.len().max(news.len()) {
        let left = (at < olds.len()).then(|| olds.start + at);
        let right = (at < news.len()).then(|| news.start + at);
        let text =
            |lines: &[&str], at: Option<usize>| at.map(|at| lines.get(at).copied().unwrap_or_default().to_owned());
        let (before, after) = (text(old, left), text(new, right));
        let (kind, before, after) = match (op.tag(), before, after) {
            (DiffTag::Equal, before, after) => ("same", before.map(whole), after.map(whole)),
            (_, Some(before), Some(after)) => {
                let (before, after) = words(&before, &after);
                ("change", Some(before), Some(after))
            }
            (_, Some(before), None) => ("old", Some(whole(before)), None),
            (_, None, after) => ("new", None, after.map(whole)),
        };
        let line = |at: Option<usize>, parts| at.zip(parts).map(|(at, parts)| Line { number: at + 1, parts });
        rows.push(Row {
            kind,
            old: line(left, before),
            new: line(right, after),
            alike: 0,
        });
    }
}

type Parts = Vec<(String, bool)>;

fn whole(text: String) -> Parts {
    vec![(text, false)]
}

/// Which words of two lines differ.
fn words(old: &str, new: &str) -> (Parts, Parts) {
    if old.len() + new.len() > MAX_LINE {
        return (whole(old.to_owned()), whole(new.to_owned()));
    }
    let (mut before, mut after) = (Parts::new(), Parts::new());
    let (old, new) = (tokens(old), tokens(new));
    let diff = TextDiff::from_slices(&old, &new);
    for change in diff.iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                add(&mut before, text, false);
                add(&mut after, text, false);
            }
            ChangeTag::Delete => add(&mut before, text, true),
            ChangeTag::Insert => add(&mut after, text, true),
        }
    }
    (before, after)
}

/// Words, and what stands between them: a pullspec has no blanks, and only its tag may differ.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (token, tail) = rest.split_at(word.max(first.len_utf8()));
        tokens.push(token);
        rest = tail;
    }
    tokens
}

fn add(parts: &mut Parts, text: &str, differs: bool) {
    match parts.last_mut() {
        Some((last, same)) if *same == differs => last.push_str(text),
        _ => parts.push((text.to_owned(), differs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_beside_what_they_become() {
        let old: String = (1..=20).map(|at| format!("line {at}\n")).collect();
        let new = old.replace("line 10\n", "line ten\n").replace("line 20\n", "");
        let rows = rows(&old, &new);
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind).collect();
        let expected = [
            "gap", "same", "same", "same", "change", "same", "same", "same", "gap", "same", "same", "same", "old",
        ];
        assert_eq!(kinds, expected);
        assert_eq!((rows[0].alike, rows[8].alike), (6, 3));
        let changed = rows[4].new.as_ref().unwrap();
        assert_eq!(changed.number, 10);
        assert_eq!(changed.parts, [("line ".to_owned(), false), ("ten".to_owned(), true)]);
    }

    #[test]
    fn only_the_words_that_differ_are_marked() {
        let (old, new) = words("  tag: rhel-9-golang-1.20", "  tag: rhel-9-golang-1.21");
        assert_eq!(
            old,
            [("  tag: rhel-9-golang-1.".to_owned(), false), ("20".to_owned(), true)]
        );
        assert_eq!(
            new,
            [("  tag: rhel-9-golang-1.".to_owned(), false), ("21".to_owned(), true)]
        );
        assert_eq!(tokens("ü-1.b").concat(), "ü-1.b");
    }

    #[test]
    fn a_new_file_has_one_side() {
        let rows = rows("", "a\nb\n");
        assert!(rows.iter().all(|row| row.kind == "new" && row.old.is_none()));
        assert_eq!(rows.len(), 2);
    }
}
