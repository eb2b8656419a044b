//! Contents of files in a plan that is kept: text as it is, everything else as base64.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A file's bytes, shared.
type Bytes = Arc<[u8]>;

/// A file's content.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Base64(String),
}

/// Writes a content; `None` is `null`.
pub fn serialize<S: Serializer>(bytes: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
    let content = bytes.as_deref().map(|bytes| match std::str::from_utf8(bytes) {
        Ok(text) => Content::Text(text.to_owned()),
        Err(_) => Content::Base64(STANDARD.encode(bytes)),
    });
    content.serialize(serializer)
}

/// Reads what [`serialize`] writes.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    let bytes = match Option::<Content>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Content::Text(text)) => text.into_bytes(),
        Some(Content::Base64(text)) => STANDARD.decode(text).map_err(D::Error::custom)?,
    };
    Ok(Some(Arc::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Held {
        #[serde(with = "super")]
        bytes: Option<Bytes>,
    }

    #[test]
    fn every_content_comes_back_as_it_was() {
        for bytes in [None, Some(&b"a: \"b\"\n"[..]), Some(b""), Some(b"\xff\x00")] {
            let held = Held {
                bytes: bytes.map(Bytes::from),
            };
            let text = serde_json::to_string(&held).unwrap();
            assert_eq!(serde_json::from_str::<Held>(&text).unwrap(), held, "{text}");
        }
        assert!(serde_json::from_str::<Held>(r#"{"bytes": {"base64": "?"}}"#).is_err());
    }
}
