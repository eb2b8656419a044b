//! Unified diffs of the files that change, made when somebody looks at them.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use super::change::FileChange;
use crate::base::Color;
use crate::base::text::terminal;

/// The most bytes of both sides together that are compared line by line.
const MAX_COMPARED: usize = 1 << 20;

/// Writes a file's change as a unified diff with three lines of context. Control characters of the file are escaped.
pub fn unified(file: &FileChange, color: Color) -> String {
    let path = terminal(&file.path);
    let name = |side: &str, there: bool| {
        if there {
            format!("{side}/{path}")
        } else {
            "/dev/null".to_owned()
        }
    };
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}",
        color.paint("1", &format!("--- {}", name("a", file.before.is_some())))
    );
    let _ = writeln!(
        out,
        "{}",
        color.paint("1", &format!("+++ {}", name("b", file.after.is_some())))
    );
    let (before, after) = (
        file.before.as_deref().unwrap_or_default(),
        file.after.as_deref().unwrap_or_default(),
    );
    match (std::str::from_utf8(before), std::str::from_utf8(after)) {
        (Ok(old), Ok(new)) if old.len() + new.len() <= MAX_COMPARED => hunks(&mut out, old, new, color),
        _ => {
            let _ = writeln!(
                out,
                "Not text, or too large to show: {} bytes become {}",
                before.len(),
                after.len()
            );
        }
    }
    out
}

fn hunks(out: &mut String, old: &str, new: &str, color: Color) {
    let diff = TextDiff::from_lines(old, new);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(out, "{}", color.paint("36", &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let line = change.value();
            let text = terminal(line.strip_suffix('\n').unwrap_or(line));
            let line_out = match change.tag() {
                ChangeTag::Delete => color.paint("31", &format!("-{text}")),
                ChangeTag::Insert => color.paint("32", &format!("+{text}")),
                ChangeTag::Equal => format!(" {text}"),
            };
            let _ = writeln!(out, "{line_out}");
            if !line.ends_with('\n') {
                let _ = writeln!(out, "\\ No newline at end of file");
            }
        }
    }
}
