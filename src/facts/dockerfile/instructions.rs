//! A Dockerfile's instructions one by one, for comparing two of them.

use super::lines::Lines;
use super::{MAX_BYTES, ParseError};

/// One instruction, continuation lines joined; the text of heredocs is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The line on which it starts, from 1.
    pub line: u32,
    /// The keyword in capitals.
    pub keyword: String,
    /// What follows it.
    pub rest: String,
}

/// Reads the instructions of a Dockerfile, known or not.
///
/// # Errors
/// The first place whose structure is none of a Dockerfile, or a text that is too long.
pub fn instructions(text: &str) -> Result<Vec<Instruction>, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError {
            line: 1,
            column: 1,
            message: format!("the file has {} bytes; expected at most {MAX_BYTES}", text.len()),
        });
    }
    let mut lines = Lines::new(text)?;
    let mut found = Vec::new();
    while let Some(joined) = lines.next_joined() {
        let instruction = joined.instruction();
        found.push(Instruction {
            line: instruction.line,
            keyword: instruction.keyword.to_ascii_uppercase(),
            rest: instruction.rest.to_owned(),
        });
        if ["RUN", "COPY", "ADD"].iter().any(|keyword| instruction.is(keyword)) {
            lines.skip_heredocs(&instruction)?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_joined_and_comments_left_out() {
        let all = instructions("# c\nfrom a\nRUN x && \\\n  y\nCOPY <<E /f\nbody\nE\nUSER z\n").expect("a Dockerfile");
        let shown: Vec<_> = all
            .iter()
            .map(|one| format!("{} {} {}", one.line, one.keyword, one.rest))
            .collect();
        assert_eq!(shown, ["2 FROM a", "3 RUN x &&   y", "5 COPY <<E /f", "8 USER z"]);
        assert!(instructions(&"#".repeat(MAX_BYTES + 1)).is_err());
    }
}
