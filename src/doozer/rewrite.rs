//! A Dockerfile that needs nobody to replace what its FROMs name: for builders that cannot.

use std::ops::Range;

use serde_json::Value as Json;

use super::modify::{modify, short};
use crate::facts::dockerfile::{self, CopySource, Dockerfile, Use};
use crate::model::build_config::Image;

/// Why a Dockerfile cannot be written anew.
#[derive(Debug, thiserror::Error)]
pub enum NotRewritten {
    /// A modification changes nothing.
    #[error("`{0}` of its modifications does not occur in it")]
    Modification(String),
    /// It is no Dockerfile.
    #[error(transparent)]
    Dockerfile(#[from] dockerfile::ParseError),
    /// It has another number of FROMs than when it was derived from.
    #[error("it has {there} FROMs that name an image, and {derived} are derived")]
    Froms {
        /// How many it has.
        there: usize,
        /// How many are derived.
        derived: usize,
    },
    /// A FROM names something else than when it was derived from.
    #[error("line {line} names {there}, and {derived} was derived")]
    From {
        /// The line, from 1.
        line: u32,
        /// What it names.
        there: String,
        /// What it named.
        derived: String,
    },
    /// A name does not stand in its line as it was read: it is put together of variables.
    #[error("`{word}` is not found in line {line}")]
    Word {
        /// The name.
        word: String,
        /// The line, from 1.
        line: u32,
    },
}

/// Writes the Dockerfile of an image anew: modifications are made, as the rebase of ART's tool makes them, then every FROM, and
/// every `COPY --from` and mount, that is replaced names what stands for it. All other bytes stay.
///
/// # Errors
/// A modification that changes nothing, or a Dockerfile whose FROMs are no longer those that were derived.
pub fn rewrite(text: &str, image: &Image, modifications: &Json) -> Result<String, NotRewritten> {
    let (outcomes, modified) = modify(modifications, Some(text));
    if let Some(stops) = outcomes.iter().find(|one| one.outcome.stops()) {
        return Err(NotRewritten::Modification(stops.what.clone()));
    }
    let text = modified.unwrap_or_else(|| text.to_owned());
    let facts = Dockerfile::parse(text.as_bytes())?;
    let mut splices: Vec<(Range<usize>, &str)> = Vec::new();
    let inputs: Vec<_> = image.builders.iter().chain(&image.base).collect();
    let froms: Vec<_> = facts.external_stages().collect();
    if froms.len() != inputs.len() {
        return Err(NotRewritten::Froms {
            there: froms.len(),
            derived: inputs.len(),
        });
    }
    for (stage, input) in froms.into_iter().zip(inputs) {
        if stage.image != input.written {
            return Err(NotRewritten::From {
                line: stage.line,
                there: short(&stage.image),
                derived: short(&input.written),
            });
        }
        if input.replaced {
            splices.push((
                token(&text, stage.line, &stage.image_as_written)?,
                &input.pullspec.value,
            ));
        }
    }
    let mut seen = Vec::new();
    for copy in facts.copies_from.iter().filter(|copy| copy.by != Use::Run) {
        let CopySource::Image(named) = &copy.resolves_to else {
            continue;
        };
        let known = image
            .copies_from
            .iter()
            .find(|known| known.replaced && known.written == *named);
        if let Some(known) = known.filter(|_| !seen.contains(&(copy.line, &copy.from))) {
            splices.push((token(&text, copy.line, &copy.from)?, &known.pullspec));
            seen.push((copy.line, &copy.from));
        }
    }
    splices.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut out = text;
    for (range, with) in splices {
        out.replace_range(range, with);
    }
    Ok(out)
}

/// Where a word stands in the instruction that starts in a line.
fn token(text: &str, line: u32, word: &str) -> Result<Range<usize>, NotRewritten> {
    let gone = || NotRewritten::Word {
        word: short(word),
        line,
    };
    let start = text
        .split_inclusive('\n')
        .take((line as usize).saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let rest = text.get(start..).ok_or_else(gone)?;
    let length = instruction(rest);
    let part = &rest[..length];
    let fits = |at: usize| {
        let before = part[..at].chars().next_back();
        let behind = part[at + word.len()..].chars().next();
        let starts = before.is_some_and(|c| c.is_whitespace() || matches!(c, '=' | '"' | '\''));
        let ends = behind.is_none_or(|c| c.is_whitespace() || matches!(c, ',' | '"' | '\''));
        starts && ends
    };
    let at = part.match_indices(word).map(|(at, _)| at).find(|at| fits(*at));
    let at = at.ok_or_else(gone)?;
    Ok(start + at..start + at + word.len())
}

/// How long the instruction is that a text starts with: lines that are continued, and comments between them.
fn instruction(text: &str) -> usize {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        length += line.len();
        let plain = line.trim();
        let goes_on =
            plain.ends_with(['\\', '`']) || (length > line.len() && (plain.is_empty() || plain.starts_with('#')));
        if !goes_on {
            break;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::document::build_config;
    use crate::derive::tests::world::World;
    use serde_json::json;

    const TEXT: &str = "\
# FROM ci/golang
ARG BASE=ci/base
FROM --platform=linux/amd64 ci/golang AS build
RUN echo FROM ci/golang
FROM build AS test
FROM \\
  # the base
  ${BASE}
COPY --from=build /x /x
";

    fn rewritten(text: &str, modifications: &Json) -> Result<String, String> {
        let world = World::new().image("a", "r", "{builder: [{stream: golang}], stream: base}", TEXT);
        let release = world.release();
        let document = build_config(&release);
        let image = document.images.get("a").expect("it is derived");
        rewrite(text, image, modifications).map_err(|why| why.to_string())
    }

    #[test]
    fn froms_name_what_stands_for_them_and_all_else_stays() {
        let expected = TEXT
            .replace(
                "amd64 ci/golang AS",
                "amd64 registry.ci.openshift.org/ocp/builder:golang-1.21 AS",
            )
            .replace("${BASE}\n", "registry.ci.openshift.org/origin/base:stream9\n");
        assert_eq!(rewritten(TEXT, &Json::Null), Ok(expected));
        let crlf = TEXT.replace('\n', "\r\n");
        let there = rewritten(&crlf, &Json::Null).expect("it is written");
        assert_eq!(there.matches("\r\n").count(), crlf.matches("\r\n").count());
    }

    #[test]
    fn modifications_come_first_and_have_to_fit() {
        let add = json!([{"action": "replace", "match": "RUN echo", "replacement": "RUN true\nRUN echo"}]);
        let there = rewritten(TEXT, &add).expect("it is written");
        assert!(
            there.contains("RUN true\nRUN echo FROM ci/golang\n") && there.contains("base:stream9\n"),
            "{there}"
        );
        let gone = json!([{"action": "replace", "match": "RUN gone", "replacement": ""}]);
        assert_eq!(
            rewritten(TEXT, &gone),
            Err("`RUN gone` of its modifications does not occur in it".to_owned())
        );
    }

    #[test]
    fn a_dockerfile_that_was_not_derived_is_not_written() {
        let other = rewritten("FROM x\nFROM y\n", &Json::Null);
        assert_eq!(other, Err("line 1 names x, and ci/golang was derived".to_owned()));
        let fewer = rewritten("FROM ci/golang\n", &Json::Null);
        assert_eq!(
            fewer,
            Err("it has 1 FROMs that name an image, and 2 are derived".to_owned())
        );
    }
}
