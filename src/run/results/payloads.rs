//! How the release controller's streams stand.

use serde_json::Value as Json;

use super::Reader;
use crate::base::Release;
use crate::results::answer::Payload;

/// The largest answer of the release controller that is read, in bytes.
const TAGS_BYTES: u64 = 16 << 20;
/// What is told of it.
const SOURCE: &str = "sources.results.release-controller";

impl Reader<'_> {
    /// How the release controller's streams of a release stand.
    pub(super) fn payloads(&mut self, release: Release) -> Vec<Payload> {
        let Some((base, streams)) = &self.sources.release_controller else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for stream in streams {
            let stream = stream.replace("{release}", &release.to_string());
            let path = format!("/api/v1/releasestream/{stream}/tags");
            match self.run.sources.bytes_below(base, &path, TAGS_BYTES) {
                Ok(bytes) => match payload(&stream, &bytes) {
                    Some(payload) => all.push(payload),
                    None => self.missing(SOURCE, format!("{stream}: it is no list of tags")),
                },
                Err(error) => self.missing(SOURCE, error.to_string()),
            }
        }
        all
    }
}

/// When a payload was made, as its name ends: `…-2024-11-24-110045`.
fn made(tag: &str) -> Option<i64> {
    let ending = tag.get(tag.len().checked_sub(17)?..)?;
    let time = chrono::NaiveDateTime::parse_from_str(ending, "%Y-%m-%d-%H%M%S").ok()?;
    Some(time.and_utc().timestamp())
}

/// A stream's payloads, the newest first as the release controller has them.
fn payload(stream: &str, bytes: &[u8]) -> Option<Payload> {
    let answer: Json = serde_json::from_slice(bytes).ok()?;
    let tags = answer["tags"].as_array()?;
    let name = |tag: &Json| tag["name"].as_str().map(str::to_owned);
    let accepted = tags.iter().position(|tag| tag["phase"] == "Accepted");
    Some(Payload {
        stream: stream.to_owned(),
        newest: tags.first().and_then(name),
        phase: tags.first().and_then(|tag| tag["phase"].as_str()).map(str::to_owned),
        accepted_time: accepted.and_then(|at| made(tags.get(at)?["name"].as_str()?)),
        accepted: accepted.and_then(|at| tags.get(at)).and_then(name),
        since: accepted.unwrap_or(tags.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_how_long_nothing_was_accepted() {
        let tags = br#"{"name":"s","tags":[{"name":"c","phase":"Ready"},{"name":"b","phase":"Rejected"},{"name":"a","phase":"Accepted"}]}"#;
        let found = payload("s", tags).expect("a list");
        assert_eq!(
            (found.newest.as_deref(), found.phase.as_deref()),
            (Some("c"), Some("Ready"))
        );
        assert_eq!((found.accepted.as_deref(), found.since), (Some("a"), 2));
        assert_eq!(
            payload("s", b"no release configuration exists with the requested name"),
            None
        );
    }
}
