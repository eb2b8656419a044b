//! Which files a Dockerfile puts where: its `COPY` and `ADD` instructions.

use super::lines::{Instruction, Lines};
use super::subst;
use super::{Dockerfile, MAX_BYTES};

/// One `COPY` or `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The line on which it starts, from 1.
    pub line: u32,
    /// The stage in which it stands.
    pub stage_index: usize,
    /// What it copies, as written.
    pub sources: Vec<String>,
    /// Where to, as written.
    pub destination: String,
}

/// Reads the copies of a Dockerfile's resulting image: those of its last stage and of the stages that it continues. Of a
/// text that is no Dockerfile it yields nothing.
pub fn copies(text: &[u8]) -> Vec<Copied> {
    let Ok(dockerfile) = Dockerfile::parse(text) else {
        return Vec::new();
    };
    let mut all = all(text).unwrap_or_default();
    let mut kept = vec![dockerfile.stages.len().saturating_sub(1)];
    while let Some(earlier) = kept.last().and_then(|at| dockerfile.stages.get(*at)?.earlier_stage) {
        kept.push(earlier);
    }
    all.retain(|copied| kept.contains(&copied.stage_index));
    all
}

fn all(text: &[u8]) -> Option<Vec<Copied>> {
    let text = String::from_utf8_lossy(text.get(..MAX_BYTES).unwrap_or(text));
    let mut lines = Lines::new(&text).ok()?;
    let (escape, mut stages, mut found) = (lines.escape, 0_usize, Vec::new());
    while let Some(joined) = lines.next_joined() {
        let instruction = joined.instruction();
        if instruction.is("FROM") {
            stages += 1;
        } else if instruction.is("COPY") || instruction.is("ADD") {
            found.extend(copied(&instruction, stages.checked_sub(1)?, escape));
        }
        if ["RUN", "COPY", "ADD", "ONBUILD"]
            .iter()
            .any(|keyword| instruction.is(keyword))
        {
            lines.skip_heredocs(&instruction).ok()?;
        }
    }
    Some(found)
}

fn copied(instruction: &Instruction<'_>, stage_index: usize, escape: char) -> Option<Copied> {
    let mut rest = instruction.rest;
    while rest.starts_with("--") {
        rest = rest
            .split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest.trim_start());
    }
    let mut words: Vec<String> = match serde_json::from_str(rest) {
        Ok(words) => words,
        Err(_) => subst::words(rest, escape)?
            .into_iter()
            .map(|word| subst::unquote(word, escape))
            .collect(),
    };
    let destination = words.pop().filter(|_| !words.is_empty())?;
    Some(Copied {
        line: instruction.line,
        stage_index,
        sources: words,
        destination,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let tell = |c: Copied| format!("{}: {} -> {}", c.line, c.sources.join(" "), c.destination);
        copies(text.as_bytes()).into_iter().map(tell).collect()
    }

    #[test]
    fn copies_of_the_resulting_image_are_read() {
        let text = "FROM a AS builder\nCOPY . .\nFROM b AS base\nADD x /x\nFROM base\n\
                    COPY --from=builder --chown=1:1 /go/src/install \\\n  more /manifests/\n\
                    copy [\"a b\", \"/c\"]\nCOPY <<EOF /d\nFROM nothing\nEOF\n";
        assert_eq!(
            told(text),
            [
                "4: x -> /x",
                "6: /go/src/install more -> /manifests/",
                "8: a b -> /c",
                "9: <<EOF -> /d"
            ]
        );
    }

    #[test]
    fn what_is_no_copy_or_no_dockerfile_yields_nothing() {
        assert_eq!(told("FROM a\nCOPY onlyone\nRUN COPY a b\n"), Vec::<String>::new());
        assert_eq!(told("COPY a b\n"), Vec::<String>::new());
        assert_eq!(told(""), Vec::<String>::new());
    }
}
