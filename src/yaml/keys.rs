//! What keys a mapping that people write may have, what they mean and what holds when they are absent.
//!
//! The configuration and the targets' options are described with it; checking, defaults and the JSON schema all come from
//! the description, so they cannot disagree.

/// A mapping with known keys.
pub struct Section {
    /// What it is for.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Keys of which exactly one must be given; empty where there is no such group.
    pub one_of: &'static [&'static str],
}

/// A key of a section.
#[derive(Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: ValueForm,
    /// Whether it must be there.
    pub need: Need,
    /// What it means.
    pub about: &'static str,
}

/// Whether a key must be there.
#[derive(Clone, Copy)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out.
    Optional,
    /// What holds when it is absent: a scalar, or the one element of a list.
    Default(&'static str),
}

/// What a value looks like.
#[derive(Clone, Copy)]
pub enum ValueForm {
    /// A text.
    Text(Format),
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A whole number from 0 on.
    Count,
    /// `true` or `false`.
    Flag,
    /// A mapping.
    Map(&'static Section),
    /// A mapping whose `kind` says which keys it has.
    Variants(&'static [(&'static str, &'static Section)]),
    /// A list.
    List(&'static ValueForm),
    /// A word in the place of a list.
    WordOrList(&'static str, &'static ValueForm),
    /// A word, or a mapping of that one word to options: the words there are.
    WordWithOptions(fn() -> Vec<(&'static str, &'static Section)>),
}

/// What a text looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Any text.
    Any,
    /// `4.16`, quoted or not.
    Release,
    /// `2026-01-31`.
    Date,
    /// `org/repo`.
    Component,
    /// A path; relative ones start at the configuration's folder.
    Path,
    /// A URL or path of a repository, and which placeholders it may and must have.
    Repository {
        /// Those that it may have.
        may: &'static [&'static str],
        /// Those that it must have.
        must: &'static [&'static str],
    },
    /// The address of a server, or the path of a folder of the same form.
    Server,
    /// A reference into a registry, or the URL or path of a file, and which placeholders it may have.
    ImageReferences {
        /// Those that it may have.
        may: &'static [&'static str],
    },
    /// A text and which placeholders it may and must have.
    Template {
        /// Those that it may have.
        may: &'static [&'static str],
        /// Those that it must have.
        must: &'static [&'static str],
    },
    /// An `http` or `https` URL.
    Url,
    /// The name of an environment variable.
    EnvName,
    /// The name of an object in Kubernetes.
    ObjectName,
    /// A cron expression with seconds.
    Schedule,
    /// An IP address and a port.
    Address,
}

/// A key that must be there.
pub const fn required(name: &'static str, kind: ValueForm, about: &'static str) -> Key {
    Key {
        name,
        kind,
        need: Need::Required,
        about,
    }
}

/// A key that may be left out.
pub const fn optional(name: &'static str, kind: ValueForm, about: &'static str) -> Key {
    Key {
        name,
        kind,
        need: Need::Optional,
        about,
    }
}

/// A key with what holds when it is absent.
pub const fn default(name: &'static str, kind: ValueForm, value: &'static str, about: &'static str) -> Key {
    Key {
        name,
        kind,
        need: Need::Default(value),
        about,
    }
}

/// A section without alternatives.
pub const fn section(about: &'static str, keys: &'static [Key]) -> Section {
    Section {
        about,
        keys,
        one_of: &[],
    }
}

/// Any text.
pub const TEXT: ValueForm = ValueForm::Text(Format::Any);
/// A path.
pub const PATH: ValueForm = ValueForm::Text(Format::Path);
/// A release.
pub const RELEASE: ValueForm = ValueForm::Text(Format::Release);
/// A repository, `org/repo`.
pub const COMPONENT: ValueForm = ValueForm::Text(Format::Component);

impl Section {
    /// The key of a name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl ValueForm {
    /// What a value of this kind is called in messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Text(Format::Release) => "a release such as \"4.16\"".into(),
            Self::Text(_) => "a string".into(),
            Self::Word(words) => one_of(words),
            Self::Count => "a whole number".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Map(_) | Self::Variants(_) => "a mapping".into(),
            Self::List(item) => format!("a list, each item {}", item.describe()),
            Self::WordOrList(word, item) => format!("`{word}`, or a list, each item {}", item.describe()),
            Self::WordWithOptions(choices) => {
                let names: Vec<&str> = choices().into_iter().map(|(name, _)| name).collect();
                one_of(&names)
            }
        }
    }
}

/// `` `a`, `b` or `c` ``.
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".into(),
    }
}

impl Section {
    /// The keys that must be there.
    pub fn required(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().filter(|key| matches!(key.need, Need::Required))
    }
}

/// The options of a target without any.
pub static NO_OPTIONS: Section = section("This target has no options.", &[]);
