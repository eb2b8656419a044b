//! What CI's builder makes of a Dockerfile: which image each `FROM` and each `COPY --from` names once it has replaced them.
//!
//! As openshift/builder does it (`pkg/build/builder/common.go`, `addBuildParameters` and `replaceImagesFromSource`, at
//! commit 9ed70da36): texts are compared as they stand, letter by letter. It knows neither arguments nor stages, but for one
//! thing: a `COPY --from` that names a stage which has begun by then is left alone.

mod config;
mod recipe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use config::{Item, read_item};
pub use recipe::{Recipe, Stage};

/// The kind of line by which a Dockerfile names an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// `FROM`
    #[default]
    From,
    /// `COPY --from=`
    Copy,
    /// `RUN --mount=…,from=`: CI's builder does not replace it.
    Mount,
    /// A pullspec among the words of a `RUN`: nothing replaces it.
    Run,
}

impl InputKind {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Copy => "copy",
            Self::Mount => "mount",
            Self::Run => "run",
        }
    }

    /// How the line reads, in front of what it names.
    pub fn line(self) -> &'static str {
        match self {
            Self::From => "FROM ",
            Self::Copy => "COPY --from=",
            Self::Mount => "RUN --mount=from=",
            Self::Run => "RUN … ",
        }
    }
}

/// What a build is told to put in the place of what a Dockerfile names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacements<'a> {
    /// What replaces the last `FROM`, whatever that says: a build strategy's `from`.
    pub base: Option<&'a str>,
    /// Whether what replaces the last `FROM` is a name that is none of a Dockerfile's texts.
    base_is_name: bool,
    /// What replaces texts.
    texts: BTreeMap<&'a str, &'a str>,
}

impl<'a> Replacements<'a> {
    /// Replacements of texts, in the order in which the build has them: where one text stands twice, the later one counts.
    pub fn new(base: Option<&'a str>, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            base,
            base_is_name: false,
            texts: texts.into_iter().collect(),
        }
    }

    /// The same with names in the place of pullspecs, as a config has them: the pullspec of an image that is only just
    /// built stands in no Dockerfile, whatever its name is.
    pub fn by_name(base: Option<&'a str>, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            base_is_name: true,
            ..Self::new(base, texts)
        }
    }

    /// Adds a text.
    pub fn insert(&mut self, text: &'a str, with: &'a str) {
        self.texts.insert(text, with);
    }

    /// Takes a text away.
    pub fn remove(&mut self, text: &str) {
        self.texts.remove(text);
    }

    /// What replaces a text.
    pub fn of(&self, text: &str) -> Option<&'a str> {
        self.texts.get(text).copied()
    }
}

/// One text of a Dockerfile after the build's replacements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became<'a> {
    /// Nothing replaced it.
    Stayed(&'a str),
    /// This stands in its place.
    Replaced(&'a str),
}

impl<'a> Became<'a> {
    /// The text that the build goes on with.
    pub fn text(self) -> &'a str {
        match self {
            Self::Stayed(text) | Self::Replaced(text) => text,
        }
    }

    /// What stands in its place, if anything does.
    pub fn replacement(self) -> Option<&'a str> {
        match self {
            Self::Stayed(_) => None,
            Self::Replaced(text) => Some(text),
        }
    }
}

/// A Dockerfile after the build's replacements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built<'a> {
    /// Each `FROM`, in order.
    pub froms: Vec<Became<'a>>,
    /// Each `COPY --from`, in order.
    pub copies: Vec<Became<'a>>,
}

/// Replaces what a Dockerfile names, as the builder does.
pub fn replace<'a>(recipe: &'a Recipe, with: &Replacements<'a>) -> Built<'a> {
    let last = recipe.stages.len().saturating_sub(1);
    let froms = recipe.stages.iter().enumerate().map(|(index, stage)| {
        match with.base.filter(|_| index == last) {
            Some(base) if with.base_is_name => Became::Replaced(base),
            // The base has been written in by then, and is compared like any other text.
            Some(base) => Became::Replaced(with.of(base).unwrap_or(base)),
            None => became(&stage.from, with),
        }
    });
    let copies = recipe.copies().map(|(text, begun)| match begun {
        true => Became::Stayed(text),
        false => became(text, with),
    });
    Built {
        froms: froms.collect(),
        copies: copies.collect(),
    }
}

fn became<'a>(text: &'a str, with: &Replacements<'a>) -> Became<'a> {
    with.of(text).map_or(Became::Stayed(text), Became::Replaced)
}
