//! Where pieces of text go in and out: lines, commas, and the comments that tell of them.

use std::ops::Range;

use super::refused::Refused;
use super::walk::{Splice, Walk};

impl Walk<'_> {
    pub(super) fn remove(
        &mut self,
        range: &Range<usize>,
        before: Option<usize>,
        next: Option<usize>,
        flow: bool,
        key: Option<&str>,
    ) -> Result<(), Refused> {
        if flow {
            // With the comma and blanks towards the neighbour that stays.
            let range = match (before, next) {
                (_, Some(next)) => range.start..next,
                (Some(before), None) => before.max(self.splices.last().map_or(0, |last| last.range.end))..range.end,
                (None, None) => return Err(Refused::Unfollowed),
            };
            self.no_comment(range.clone())?;
            self.splices.push(Splice {
                range,
                text: String::new(),
            });
            return Ok(());
        }
        let line = self.line_start(range.start);
        let blank = self
            .text
            .get(line..range.start)
            .is_some_and(|lead| lead.trim().is_empty());
        let start = match blank {
            // A text without a last line break stays one.
            true if range.end == self.text.len() && !self.text.ends_with('\n') => {
                self.text[..line].trim_end_matches(['\n', '\r']).len()
            }
            true => line,
            false => range.start,
        };
        let range = start..if blank {
            range.end
        } else {
            next.ok_or(Refused::Unfollowed)?
        };
        self.comment_above(line, key)?;
        self.no_comment_of(range.clone(), key)?;
        self.splices.push(Splice {
            range,
            text: String::new(),
        });
        Ok(())
    }

    /// Puts lines behind an entry or item, or in front of the first one, which starts at `first`.
    pub(super) fn insert_lines(&mut self, behind: Option<&Range<usize>>, first: usize, column: usize, text: String) {
        let Some(behind) = behind else {
            let text = format!("{text}{}", " ".repeat(column));
            self.splices.push(Splice {
                range: first..first,
                text,
            });
            return;
        };
        let part = self.part(behind);
        // Blank lines at the end of a block scalar are no part of it, unless it keeps them: behind them then.
        let at = behind.start + part.trim_end().len();
        let line = at + self.text[at..].find('\n').map_or(self.text.len() - at, |end| end + 1);
        let at = if part.contains("|+") || part.contains(">+") {
            behind.end
        } else {
            line.min(behind.end)
        };
        let indent = " ".repeat(column);
        let text = if self.text[..at].ends_with('\n') {
            format!("{indent}{text}")
        } else {
            format!("{}{indent}{}", self.style.eol, text.trim_end_matches(['\n', '\r']))
        };
        self.splices.push(Splice { range: at..at, text });
    }

    pub(super) fn insert_inline(&mut self, behind: Option<usize>, first: usize, text: &str) {
        let (at, text) = match behind {
            Some(end) => (end, format!(", {text}")),
            None => (first, format!("{text}, ")),
        };
        self.splices.push(Splice { range: at..at, text });
    }

    pub(super) fn part(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        let mark = if start == 0 && self.text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        start + mark
    }

    pub(super) fn column(&self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    pub(super) fn no_comment(&self, range: Range<usize>) -> Result<(), Refused> {
        self.no_comment_of(range, None)
    }

    pub(super) fn no_comment_of(&self, range: Range<usize>, key: Option<&str>) -> Result<(), Refused> {
        let within = |comment: &&Range<usize>| range.contains(&comment.start);
        match self.tree.comments.iter().find(within) {
            Some(comment) => Err(self.comment(comment.start, key)),
            None => Ok(()),
        }
    }

    /// Whoever wrote a comment above had a reason that a program does not know.
    pub(super) fn comment_above(&self, line: usize, key: Option<&str>) -> Result<(), Refused> {
        let above = self.text[..line].trim_end_matches(['\n', '\r']);
        let direct = line - above.len() <= 2;
        let start = above.rfind('\n').map_or(0, |at| at + 1);
        let said = above[start..].trim_start();
        if direct && said.starts_with('#') {
            return Err(self.comment(start, key));
        }
        Ok(())
    }

    pub(super) fn comment(&self, at: usize, key: Option<&str>) -> Refused {
        let line = self.text[..at].matches('\n').count() + 1;
        Refused::Comment {
            line,
            of: key.unwrap_or("it").to_owned(),
        }
    }
}
