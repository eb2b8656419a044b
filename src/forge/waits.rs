//! Why a pull request waits for a later run, and when it is expected.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Why a pull request waits, and until when at least where that can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Waits {
    /// The reason, for people.
    pub why: String,
    /// The time from which on it is expected, `YYYY-MM-DDThh:mm:ssZ`; `null` where that depends on people.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "Option<String>")]
    pub until: Option<i64>,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until.and_then(time) {
            Some(time) => write!(f, "{}; expected from {time} on", self.why),
            None => f.write_str(&self.why),
        }
    }
}

fn time(at: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp(at, 0)?;
    Some(time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

fn as_text<S: Serializer>(until: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    until.and_then(time).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_said_where_it_can_be_told() {
        let waits = |until| Waits {
            why: "too many".into(),
            until,
        };
        assert_eq!(waits(None).to_string(), "too many");
        assert_eq!(
            waits(Some(1_700_000_000)).to_string(),
            "too many; expected from 2023-11-14T22:13:20Z on"
        );
        let json = serde_json::to_value(waits(Some(1_700_000_000))).unwrap();
        assert_eq!(json["until"], "2023-11-14T22:13:20Z");
        assert_eq!(
            serde_json::to_value(waits(None)).unwrap()["until"],
            serde_json::Value::Null
        );
    }
}
