//! What of a Dockerfile decides what is replaced.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::dockerfile::{Dockerfile, Use};

/// The texts of a Dockerfile that name what it is built from, as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Recipe {
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// One stage of a [`Recipe`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// What its `FROM` names, as it stands: an image, or an earlier stage.
    pub from: String,
    /// The stage's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The earlier stage that it continues, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<usize>,
    /// What its `COPY --from` name, as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
}

impl Recipe {
    /// Takes out of a Dockerfile's facts what counts.
    pub fn of(dockerfile: &Dockerfile) -> Self {
        let copies = |index: usize| {
            let here = dockerfile.copies_from.iter();
            here.filter(move |copy| copy.by == Use::Copy && copy.stage_index == index)
                .map(|copy| copy.from.clone())
        };
        let stages = dockerfile.stages.iter().map(|stage| Stage {
            from: stage.image_as_written.clone(),
            name: stage.name.clone().filter(|name| !name.is_empty()),
            continues: stage.earlier_stage,
            copies: copies(stage.index).collect(),
        });
        Self {
            stages: stages.collect(),
        }
    }

    /// Reads a Dockerfile. Of a text that is none it yields nothing to replace.
    pub fn read(text: &[u8]) -> Self {
        Dockerfile::parse(text).map_or_else(|_| Self::default(), |dockerfile| Self::of(&dockerfile))
    }

    /// Yields what each `COPY --from` names, in order, and whether that is a stage which has begun by then: to the builder,
    /// by its name where it has one, else by its number.
    pub fn copies(&self) -> impl Iterator<Item = (&str, bool)> {
        let named = |at: usize, text: &str| match self.stages[at].name.as_deref() {
            Some(name) => name == text,
            None => text == at.to_string(),
        };
        let stages = self.stages.iter().enumerate();
        stages.flat_map(move |(at, stage)| {
            let copies = stage.copies.iter();
            copies.map(move |text| (text.as_str(), (0..=at).any(|begun| named(begun, text))))
        })
    }

    /// Tells whether a text is the name of any stage, as stages are looked up when the image is built.
    pub fn is_stage(&self, text: &str) -> bool {
        let mut names = self.stages.iter().filter_map(|stage| stage.name.as_deref());
        names.any(|name| name.eq_ignore_ascii_case(text))
    }

    /// Tells whether any stage continues a stage of that name, so that the name must not be replaced.
    pub fn is_continued(&self, name: &str) -> bool {
        let mut continued = self.stages.iter().filter_map(|stage| {
            let earlier = self.stages.get(stage.continues?)?;
            Some((stage.from.as_str(), earlier.name.as_deref().unwrap_or_default()))
        });
        continued.any(|(from, earlier)| from == name || earlier.eq_ignore_ascii_case(name))
    }
}
