//! Shows a place of a text to people: its line, and a caret under what is meant.

use super::Pos;

/// How many characters of a line are shown.
const SHOWN: usize = 110;

/// The line of a place with its number, and carets under `width` characters of it. A long line is cut around the place,
/// control characters are shown as blanks; `None` for an empty line, which has nothing to show.
pub fn excerpt(line: &str, pos: Pos, width: usize) -> Option<String> {
    let length = line.chars().count();
    let column = (pos.column as usize).saturating_sub(1).min(length);
    let skipped = if column + 20 > SHOWN { column - 40 } else { 0 };
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = line.chars().skip(skipped).take(SHOWN).map(printable).collect();
    if shown.trim().is_empty() {
        return None;
    }
    let (shown, offset) = (shown.trim_end(), column - skipped);
    let margin = " ".repeat(pos.line.to_string().len());
    let caret = "^".repeat(width.min(shown.chars().count().saturating_sub(offset)).max(1));
    let indent = " ".repeat(offset);
    Some(format!(
        "{margin} |\n{} | {shown}\n{margin} | {indent}{caret}\n",
        pos.line
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str, column: u32, width: usize) -> String {
        excerpt(line, Pos { line: 12, column }, width).unwrap_or_default()
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        assert_eq!(at("  key: value", 3, 3), "   |\n12 |   key: value\n   |   ^^^\n");
        assert_eq!(at("é: ü", 4, 1), "   |\n12 | é: ü\n   |    ^\n");
        assert_eq!(
            at("short", 90, 9),
            "   |\n12 | short\n   |      ^\n",
            "a place behind the end"
        );
        assert_eq!(at(" \t ", 1, 1), "", "nothing to show");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let shown = at(&line, 501, 4);
        assert!(shown.lines().all(|line| line.chars().count() < 130), "{shown}");
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1].find("HERE"), lines[2].find("^^^^"));
    }

    #[test]
    fn control_characters_do_nothing() {
        assert!(!at("a\x1b[31mb", 1, 1).contains('\x1b'));
    }
}
