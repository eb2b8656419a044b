//! A Dockerfile's line structure: instructions joined over continuations, comments and heredocs left out.

use std::borrow::Cow;

use super::ParseError;
use super::subst;

/// One instruction with its continuation lines joined.
pub(super) struct Instruction<'a> {
    /// The line on which it starts, from 1.
    pub line: u32,
    /// The column on which it starts, from 1.
    pub column: u32,
    /// The instruction's keyword, as written.
    pub keyword: &'a str,
    /// What follows the keyword.
    pub rest: &'a str,
}

impl Instruction<'_> {
    /// Makes an error that points at this instruction.
    pub fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError {
            line: self.line,
            column: self.column,
            message: message.into(),
        }
    }

    /// Compares the keyword without regard to case.
    pub fn is(&self, keyword: &str) -> bool {
        self.keyword.eq_ignore_ascii_case(keyword)
    }
}

/// A joined line before it is cut into keyword and rest.
pub(super) struct Joined<'a> {
    line: u32,
    column: u32,
    text: Cow<'a, str>,
}

impl Joined<'_> {
    /// Cuts the line into keyword and rest.
    pub fn instruction(&self) -> Instruction<'_> {
        let text = self.text.trim();
        let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        Instruction {
            line: self.line,
            column: self.column,
            keyword,
            rest: rest.trim_start(),
        }
    }
}

/// Walks over a Dockerfile's text.
pub(super) struct Lines<'a> {
    rest: &'a str,
    /// The number of the line last taken.
    number: u32,
    /// What continues a line and escapes a character; a directive may change it.
    pub escape: char,
}

impl<'a> Lines<'a> {
    /// Starts at the top of a text: skips a byte order mark and reads the parser directives.
    pub fn new(text: &'a str) -> Result<Self, ParseError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Lines {
            rest: text,
            number: 0,
            escape: '\\',
        };
        lines.escape = directives(text)?;
        Ok(lines)
    }

    /// Takes the next instruction, joined over its continuations. Heredocs that it opens follow in the text:
    /// [`Self::skip_heredocs`].
    pub fn next_joined(&mut self) -> Option<Joined<'a>> {
        let (raw, first) = loop {
            let raw = self.next_line()?;
            let first = raw.trim_start();
            if !first.is_empty() && !first.starts_with('#') {
                break (raw, first);
            }
        };
        let line = self.number;
        let column = 1 + count(&raw[..raw.len() - first.len()]);
        let Some(head) = self.continued(first) else {
            return Some(Joined {
                line,
                column,
                text: Cow::Borrowed(first),
            });
        };
        let mut text = head.to_owned();
        while let Some(next) = self.next_line() {
            let bare = next.trim_start();
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            match self.continued(next) {
                Some(part) => text.push_str(part),
                None => {
                    text.push_str(next);
                    break;
                }
            }
        }
        Some(Joined {
            line,
            column,
            text: Cow::Owned(text),
        })
    }

    /// Skips the heredocs that an instruction opens, in their order, and gives their text.
    pub fn skip_heredocs(&mut self, instruction: &Instruction<'_>) -> Result<&'a str, ParseError> {
        let text = self.rest;
        for heredoc in heredocs(instruction.rest, self.escape) {
            loop {
                let Some(line) = self.next_line() else {
                    return Err(instruction.error(format!(
                        "the heredoc `<<{}` has no end; expected a line `{}`",
                        heredoc.name, heredoc.name
                    )));
                };
                let line = if heredoc.strip_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line == heredoc.name {
                    break;
                }
            }
        }
        Ok(&text[..text.len() - self.rest.len()])
    }

    /// Takes the next line of the text without its end.
    fn next_line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number = self.number.saturating_add(1);
        let (line, rest) = match memchr::memchr(b'\n', self.rest.as_bytes()) {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, ""),
        };
        self.rest = rest;
        Some(line.trim_end_matches('\r'))
    }

    /// Gives the line without its continuation character, if it has one. A doubled character is no continuation.
    fn continued<'l>(&self, line: &'l str) -> Option<&'l str> {
        let head = line.trim_end_matches([' ', '\t']).strip_suffix(self.escape)?;
        (!head.ends_with(self.escape)).then_some(head)
    }
}

/// Reads the directives at the top (`# escape=`, `# syntax=`, `# check=`) and gives the escape character.
fn directives(text: &str) -> Result<char, ParseError> {
    for (line, number) in text.lines().zip(1u32..) {
        let Some((key, value)) = line
            .trim()
            .strip_prefix('#')
            .and_then(|comment| comment.split_once('='))
        else {
            break;
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "syntax" | "check" => {}
            "escape" => match value.trim() {
                "\\" => return Ok('\\'),
                "`" => return Ok('`'),
                other => {
                    let message = format!("unknown escape character `{other}`; expected `\\` or a backtick");
                    return Err(ParseError {
                        line: number,
                        column: 1 + count(line) - count(line.trim_start()),
                        message,
                    });
                }
            },
            _ => break,
        }
    }
    Ok('\\')
}

/// A heredoc that an instruction opens.
struct Heredoc {
    name: String,
    strip_tabs: bool,
}

/// Finds the heredocs that an instruction's arguments open: words of the form `[digits]<<[-]name`.
fn heredocs(rest: &str, escape: char) -> Vec<Heredoc> {
    // Most instructions have none, and cutting words is the expensive part.
    if memchr::memmem::find(rest.as_bytes(), b"<<").is_none() || is_json_array(rest) {
        return Vec::new();
    }
    let Some(words) = subst::words(rest, escape) else {
        return Vec::new();
    };
    words.into_iter().filter_map(|word| heredoc(word, escape)).collect()
}

fn heredoc(word: &str, escape: char) -> Option<Heredoc> {
    let rest = word
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix("<<")?;
    let (strip_tabs, name) = rest.strip_prefix('-').map_or((false, rest), |name| (true, name));
    if name.contains('<') {
        return None;
    }
    let name = subst::unquote(name, escape);
    (!name.is_empty()).then_some(Heredoc { name, strip_tabs })
}

/// Tells whether arguments are in the exec form, which has no heredocs.
fn is_json_array(rest: &str) -> bool {
    rest.starts_with('[') && serde_json::from_str::<Vec<String>>(rest).is_ok()
}

/// Counts a text's characters.
fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
