//! Facts: what the inputs say, typed, with places. Pure parsers; reading is the caller's business.

pub mod ci_config;
pub mod ci_operator_yaml;
pub mod ci_tags;
pub mod dockerfile;
pub mod gating;
pub mod gomod;
pub mod group;
pub mod image;
pub mod json;
pub mod literal;
pub mod overlay;
pub mod payload;
pub mod promoted;
pub mod release_controller;
pub mod stream;
pub mod view;

/// Keeps a JSON value as its text where the format is not self-describing (the cache).
mod json_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}
