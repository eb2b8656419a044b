//! The options that a target is configured with.

use std::collections::BTreeMap;

use crate::yaml::keys::{Key, Need, Section, ValueForm};
use serde_json::Value as Json;

/// The values of options by name, checked against their schema, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, Json>);

impl Options {
    /// The values that hold where nothing is said.
    pub fn defaults(section: &Section) -> Self {
        let default = |key: &Key| match key.need {
            Need::Default(text) => Some((key.name, standing_for(&key.kind, text))),
            Need::Required | Need::Optional => None,
        };
        Self(section.keys.iter().filter_map(default).collect())
    }

    /// Sets an option.
    pub fn set(&mut self, key: &Key, value: Json) {
        self.0.insert(key.name, value);
    }

    /// Whether an option is given or has a default.
    pub fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key.name)
    }

    /// A text; empty where the option is left out.
    pub fn text(&self, key: &Key) -> &str {
        self.0.get(key.name).and_then(Json::as_str).unwrap_or_default()
    }

    /// Whether a flag is set.
    pub fn flag(&self, key: &Key) -> bool {
        self.0.get(key.name).and_then(Json::as_bool).unwrap_or_default()
    }

    /// All values by name.
    pub fn all(&self) -> &BTreeMap<&'static str, Json> {
        &self.0
    }
}

/// What a default's text stands for.
pub fn standing_for(kind: &ValueForm, text: &str) -> Json {
    match kind {
        ValueForm::Count => text.parse::<u64>().map_or(Json::Null, Json::from),
        ValueForm::Flag => Json::Bool(text == "true"),
        ValueForm::List(item) => Json::Array(vec![standing_for(item, text)]),
        _ => Json::from(text),
    }
}
