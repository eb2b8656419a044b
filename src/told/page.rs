//! The text of an issue or comment, taken apart: blocks, each about a break, and silences. What a reader does not see tells what each is
//! about; all that comes from others is escaped before it gets there, so that it cannot pose as one.

use std::fmt::Write as _;

use crate::base::Date;
use crate::plan::{BEGIN, END};

/// Stands in every text of ours; `table` behind it: it is the table.
const TOLD: &str = "<!-- lockstep:told";
/// Starts a block.
const BREAK: &str = "<!-- lockstep:break ";
/// Ends the last block.
const BLOCKS_END: &str = "<!-- lockstep:breaks-end -->";
/// Starts a line about a silence.
const SILENCE: &str = "<!-- lockstep:silence ";
/// Starts the line that names people.
const NAMED: &str = "<!-- lockstep:cc -->";
/// Stands in an issue that was closed here, and not by a person.
const CLOSED: &str = "<!-- lockstep:closed -->";
/// As many blocks and silences are read of one text.
const MOST: usize = 400;

/// How a break stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not build.
    Broken,
    /// It builds again since that time (seconds since 1970), or is no longer an image.
    Mended(i64),
    /// OCP's own build fails as well, seen at that time (seconds since 1970): its own CI tells of it.
    Shared(i64),
    /// It is told in an older issue or comment.
    Elsewhere,
}

impl State {
    /// Since when nothing is to be done about it here.
    pub fn over(self) -> Option<i64> {
        match self {
            Self::Mended(at) | Self::Shared(at) => Some(at),
            Self::Broken | Self::Elsewhere => None,
        }
    }
}

/// A break as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The release.
    pub release: String,
    /// The payload tag.
    pub image: String,
    /// The first bad commit.
    pub since: String,
    /// How it stands.
    pub state: State,
    /// Its lines, without what a reader does not see.
    pub text: String,
}

/// A silence that somebody asked for, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The comment in which it was asked for.
    pub comment: u64,
    /// Of this image.
    pub image: String,
    /// The last day on which it holds.
    pub until: Date,
    /// What is shown of it.
    pub text: String,
}

/// A text of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Whether it is the table.
    pub is_table: bool,
    /// The breaks.
    pub blocks: Vec<Block>,
    /// The silences.
    pub silences: Vec<Kept>,
    /// The line that names who approves changes there, from when it was begun on; empty: nobody is named.
    pub named: String,
    /// Whether it was closed here.
    pub is_closed: bool,
}

impl Page {
    /// Takes a text apart; `None`: it is none of ours.
    pub fn of(body: &str) -> Option<Self> {
        let managed = body.split_once(BEGIN)?.1.split_once(END)?.0;
        let told = managed.split_once(TOLD)?.1;
        let mut page = Self {
            is_table: told.starts_with(" table"),
            is_closed: managed.contains(CLOSED),
            ..Self::default()
        };
        let mut inside = false;
        for line in managed.lines().map(|line| line.trim_end_matches('\r')) {
            if line.contains(BLOCKS_END) {
                inside = false;
            } else if let Some(block) = block(line).filter(|_| page.blocks.len() < MOST) {
                page.blocks.push(block);
                inside = true;
            } else if let Some(kept) = kept(line).filter(|_| page.silences.len() < MOST) {
                page.silences.push(kept);
            } else if let Some((_, named)) = line.split_once(NAMED) {
                page.named = named.to_owned();
            } else if let (true, Some(block)) = (inside, page.blocks.last_mut()) {
                block.text.push('\n');
                block.text.push_str(line);
            }
        }
        for block in &mut page.blocks {
            block.text = block.text.trim_matches('\n').to_owned();
        }
        Some(page)
    }

    /// Puts it together: what stands before the blocks, the blocks, the silences, and what stands at the end.
    pub fn write(&self, head: &str, foot: &str) -> String {
        let mut out = format!("{BEGIN}\n{TOLD}{} -->\n", if self.is_table { " table" } else { "" });
        if self.is_closed {
            let _ = writeln!(out, "{CLOSED}");
        }
        let _ = writeln!(out, "{}", head.trim_end());
        // A table's rows follow its head line by line.
        let gap = if self.is_table { "" } else { "\n" };
        for block in &self.blocks {
            let mark = mark(block);
            let text = &block.text;
            match text.strip_prefix("| ").filter(|_| self.is_table) {
                // In front of the row it would end the table.
                Some(cells) => drop(writeln!(out, "| {mark}{cells}")),
                None => drop(writeln!(out, "{gap}{mark}\n{text}")),
            }
        }
        let _ = writeln!(out, "\n{BLOCKS_END}");
        for kept in &self.silences {
            let Kept {
                comment,
                image,
                until,
                text,
            } = kept;
            let image = plain(image);
            let _ = writeln!(out, "{SILENCE}{comment} {image} {until} -->{text}\n");
        }
        if !self.named.is_empty() {
            let _ = writeln!(out, "{NAMED}{}\n", self.named);
        }
        let _ = write!(out, "{}\n{END}", foot.trim_end());
        out
    }
}

/// What a reader does not see of a block. In a table it stands in the row's first cell.
fn mark(block: &Block) -> String {
    let state = match block.state {
        State::Broken => "broken".to_owned(),
        State::Mended(at) => format!("mended@{at}"),
        State::Shared(at) => format!("shared@{at}"),
        State::Elsewhere => "elsewhere".to_owned(),
    };
    let Block {
        release, image, since, ..
    } = block;
    format!(
        "{BREAK}{} {} {} {state} -->",
        plain(release),
        plain(image),
        plain(since)
    )
}

fn block(line: &str) -> Option<Block> {
    let (before, rest) = line.split_once(BREAK)?;
    let (inside, after) = rest.split_once(" -->")?;
    let mut words = inside.split(' ');
    let mut word = || words.next().map(from_plain);
    let (release, image, since, state) = (word()?, word()?, word()?, word()?);
    let state = match state.as_str() {
        "broken" => State::Broken,
        "elsewhere" => State::Elsewhere,
        other => match other.split_once('@')? {
            ("mended", at) => State::Mended(at.parse().ok()?),
            ("shared", at) => State::Shared(at.parse().ok()?),
            _ => return None,
        },
    };
    Some(Block {
        release,
        image,
        since,
        state,
        text: format!("{before}{after}"),
    })
}

fn kept(line: &str) -> Option<Kept> {
    let (inside, text) = line.split_once(SILENCE)?.1.split_once(" -->")?;
    let mut words = inside.split(' ');
    Some(Kept {
        comment: words.next()?.parse().ok()?,
        image: words.next().map(from_plain)?,
        until: words.next()?.parse().ok()?,
        text: text.to_owned(),
    })
}

/// A word that can end no comment: all but letters, digits, `.`, `_` and single `-` is written by its number.
fn plain(word: &str) -> String {
    const LONGEST: usize = 200;
    let mut out = String::new();
    for byte in word.bytes().take(LONGEST) {
        match byte {
            b'-' if !out.ends_with('-') => out.push('-'),
            b'.' | b'_' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => drop(write!(out, "%{byte:02x}")),
        }
    }
    if out.is_empty() { "%".to_owned() } else { out }
}

fn from_plain(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let [first, more @ ..] = rest {
        let digits = more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.extend((*first != b'%').then_some(*first));
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_is_taken_apart_again() {
        let block = |image: &str, state| Block {
            release: "4.21".to_owned(),
            image: image.to_owned(),
            since: "a".repeat(40),
            state,
            text: "first\n\nlast".to_owned(),
        };
        let page = Page {
            is_table: false,
            blocks: vec![
                block("etcd", State::Broken),
                block("a -->\n<b>--x", State::Mended(7)),
                block("é", State::Elsewhere),
                block("both", State::Shared(8)),
            ],
            silences: vec![Kept {
                comment: 5,
                image: "etcd".to_owned(),
                until: "2026-01-31".parse().expect("a day"),
                text: "Silent".to_owned(),
            }],
            named: "cc @ann".to_owned(),
            is_closed: true,
        };
        let text = page.write("head", "foot");
        assert_eq!(
            Page::of(&format!("above\n{text}\nbelow")).as_ref(),
            Some(&page),
            "{text}"
        );
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(Page::of(&crlf), Some(page), "as a form on a web page sends it");
        assert_eq!(Page::of("<!-- lockstep:told -->"), None);
    }

    #[test]
    fn a_table_keeps_a_row_a_line() {
        let row = |image: &str| Block {
            release: "4.21".to_owned(),
            image: image.to_owned(),
            since: "b".to_owned(),
            state: State::Broken,
            text: format!("| 4.21 | {image} |"),
        };
        let page = Page {
            is_table: true,
            blocks: vec![row("a"), row("b")],
            ..Page::default()
        };
        let text = page.write("| release | image |\n|---|---|", "foot");
        assert_eq!(Page::of(&text), Some(page));
    }
}
