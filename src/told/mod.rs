//! Telling once, after the merge: who hears that an image does not build, where, and in which words.
//!
//! Everything here is data: what does not build ([`crate::results`]), what was told before ([`Object`], as it stands on the forge), and
//! what is to be written ([`Telling`]). Nothing is remembered elsewhere: each text carries in comments that nobody sees which breaks
//! it is about, each known by release, payload tag and first bad commit.

mod breaks;
mod command;
mod desk;
mod draft;
mod finish;
mod object;
mod page;
mod policy;
#[cfg(test)]
mod tests;
mod text;

pub use breaks::{Break, Cause};
pub use desk::{concerns, plan, told_of};
pub use object::{Door, Key, Merged, Object, Said, There};
pub use page::{Block, Page, State};
pub use policy::{Policy, Telling, Unsaid};

use serde::Serialize;

use crate::base::RepoName;
use crate::base::text::terminal;

/// Whether a text is one of ours that tells of breaks.
pub fn is_ours(body: &str) -> bool {
    Page::of(body).is_some()
}

/// Whether a text of ours keeps the silence that was asked for in a comment.
pub fn keeps(body: &str, comment: u64) -> bool {
    Page::of(body).is_some_and(|page| page.silences.iter().any(|kept| kept.comment == comment))
}

/// Whether a comment asks for silence.
pub fn asks_for_silence(comment: &str) -> bool {
    command::silence(comment).is_some()
}

/// Whether a comment of ours is the word with which an issue was closed.
pub fn is_word(comment: &str) -> bool {
    comment.starts_with(finish::WORD)
}

/// In which form breaks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A comment on the merged pull request where one alone is the cause and young, else a row or an issue.
    Comment,
    /// An issue in the component's repository.
    Issue,
    /// A row in one issue.
    Table,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Comment, Self::Issue, Self::Table];

    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Issue => "issue",
            Self::Table => "table",
        }
    }
}

/// One write to the forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Write {
    /// The repository, `org/repo`.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub repository: RepoName,
    /// What is done.
    #[serde(flatten)]
    pub deed: Deed,
    /// What it is about, in a few words.
    pub about: String,
}

fn as_text<S: serde::Serializer>(name: &RepoName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "write", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Deed {
    /// A comment on a merged pull request.
    Comment {
        /// The pull request.
        pull: u64,
        /// Its text.
        body: String,
    },
    /// Another text of that comment.
    EditComment {
        /// The pull request.
        pull: u64,
        /// The comment.
        comment: u64,
        /// Its text.
        body: String,
    },
    /// A new issue.
    Open {
        /// Its title.
        title: String,
        /// Its text.
        body: String,
    },
    /// Another text of an issue, and whether it is open from then on.
    Edit {
        /// The issue.
        number: u64,
        /// Its text.
        body: String,
        /// Whether it is opened (`true`) or closed (`false`) with that; none: it stays as it is.
        open: Option<bool>,
    },
    /// A word on an issue.
    Say {
        /// The issue.
        number: u64,
        /// Its text.
        body: String,
    },
}

/// What kind of write it is, as metrics count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A comment on a merged pull request.
    Comment,
    /// A new issue.
    Issue,
    /// Another text of what is there.
    Edit,
    /// An issue is closed.
    Close,
    /// An issue is opened again.
    Reopen,
    /// A word on an issue.
    Word,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Comment,
        Self::Issue,
        Self::Edit,
        Self::Close,
        Self::Reopen,
        Self::Word,
    ];

    /// Its name, as labels have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Issue => "issue",
            Self::Edit => "edit",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::Word => "word",
        }
    }
}

impl Write {
    /// What kind it is.
    pub fn kind(&self) -> Kind {
        match &self.deed {
            Deed::Comment { .. } => Kind::Comment,
            Deed::Open { .. } => Kind::Issue,
            Deed::EditComment { .. } | Deed::Edit { open: None, .. } => Kind::Edit,
            Deed::Edit { open: Some(false), .. } => Kind::Close,
            Deed::Edit { open: Some(true), .. } => Kind::Reopen,
            Deed::Say { .. } => Kind::Word,
        }
    }

    /// Whether something new begins with it, which people are notified of.
    pub fn begins(&self) -> bool {
        matches!(self.deed, Deed::Comment { .. } | Deed::Open { .. })
    }

    /// What it writes to, where that is there: the issue or pull request, and the comment.
    pub fn target(&self) -> (RepoName, Option<u64>, Option<u64>) {
        let (number, comment) = match &self.deed {
            Deed::Comment { pull, .. } => (Some(*pull), None),
            Deed::EditComment { pull, comment, .. } => (Some(*pull), Some(*comment)),
            Deed::Open { .. } => (None, None),
            Deed::Edit { number, .. } | Deed::Say { number, .. } => (Some(*number), None),
        };
        (self.repository.clone(), number, comment)
    }

    /// The text that is written.
    pub fn body(&self) -> &str {
        match &self.deed {
            Deed::Comment { body, .. }
            | Deed::EditComment { body, .. }
            | Deed::Open { body, .. }
            | Deed::Edit { body, .. }
            | Deed::Say { body, .. } => body,
        }
    }
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (repo, about) = (&self.repository, terminal(&self.about));
        match &self.deed {
            Deed::Comment { pull, .. } => write!(f, "comment on {repo}#{pull}: {about}"),
            Deed::EditComment { pull, .. } => write!(f, "edit the comment on {repo}#{pull}: {about}"),
            Deed::Open { title, .. } => write!(f, "open an issue in {repo}: {}", terminal(title)),
            Deed::Edit { number, open, .. } => {
                let what = match open {
                    None => "edit",
                    Some(true) => "reopen",
                    Some(false) => "close",
                };
                write!(f, "{what} {repo}#{number}: {about}")
            }
            Deed::Say { number, .. } => write!(f, "say on {repo}#{number}: {about}"),
        }
    }
}
