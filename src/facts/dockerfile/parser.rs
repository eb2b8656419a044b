//! From instructions to facts.

use super::lines::{Instruction, Lines};
use super::subst::{self, Expanded, Values};
use super::{Arg, CopyFrom, CopySource, Dockerfile, Label, MAX_ARGS, MAX_BYTES, MAX_STAGES, ParseError, Stage};

/// Instructions that say nothing about what is built from what.
const OTHERS: [&str; 13] = [
    "ADD",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "MAINTAINER",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads a Dockerfile; see [`Dockerfile::parse`].
pub(super) fn parse(text: &[u8]) -> Result<Dockerfile, ParseError> {
    if text.len() > MAX_BYTES {
        let message = format!(
            "the file has {} bytes; expected a Dockerfile of at most {MAX_BYTES}",
            text.len()
        );
        return Err(ParseError {
            line: 1,
            column: 1,
            message,
        });
    }
    let text = String::from_utf8_lossy(text);
    let mut lines = Lines::new(&text)?;
    let mut parser = Parser {
        escape: lines.escape,
        ..Parser::default()
    };
    while let Some(joined) = lines.next_joined() {
        let instruction = joined.instruction();
        parser.instruction(&instruction)?;
        if ["RUN", "COPY", "ADD", "ONBUILD"]
            .iter()
            .any(|keyword| instruction.is(keyword))
        {
            lines.skip_heredocs(&instruction)?;
        }
    }
    if parser.facts.stages.is_empty() {
        let message = "the file has no FROM; expected at least one".to_owned();
        return Err(ParseError {
            line: 1,
            column: 1,
            message,
        });
    }
    Ok(parser.facts)
}

/// Builds the facts up, instruction by instruction.
#[derive(Default)]
struct Parser {
    facts: Dockerfile,
    values: Values,
    escape: char,
}

impl Parser {
    fn instruction(&mut self, instruction: &Instruction<'_>) -> Result<(), ParseError> {
        if instruction.is("FROM") {
            return self.from(instruction);
        }
        if instruction.is("ARG") {
            // Arguments of a stage are not seen by any FROM.
            return if self.facts.stages.is_empty() {
                self.arg(instruction)
            } else {
                Ok(())
            };
        }
        let of_interest = ["RUN", "COPY", "LABEL"].iter().any(|keyword| instruction.is(keyword));
        if !of_interest && !OTHERS.iter().any(|keyword| instruction.is(keyword)) {
            let keyword: String = instruction.keyword.chars().take(40).collect();
            return Err(instruction.error(format!(
                "unknown instruction `{keyword}`; expected an instruction such as FROM, ARG, RUN or COPY"
            )));
        }
        if self.facts.stages.is_empty() {
            let keyword = instruction.keyword.to_ascii_uppercase();
            return Err(instruction.error(format!(
                "{keyword} stands in front of the first FROM; expected FROM or ARG"
            )));
        }
        if instruction.is("LABEL") {
            self.label(instruction);
        } else if instruction.is("COPY") {
            self.copy(instruction);
        } else if instruction.is("RUN") {
            self.run(instruction);
        }
        Ok(())
    }

    fn from(&mut self, instruction: &Instruction<'_>) -> Result<(), ParseError> {
        let index = self.facts.stages.len();
        if index >= MAX_STAGES {
            return Err(instruction.error(format!("the file has too many stages; expected at most {MAX_STAGES}")));
        }
        let (flags, rest) = flags(instruction.rest);
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (written, name) = match words.as_slice() {
            [image] => (*image, None),
            [image, keyword, name] if keyword.eq_ignore_ascii_case("AS") => (*image, Some((*name).to_owned())),
            _ => {
                return Err(instruction.error("FROM is malformed; expected `FROM <image>` or `FROM <image> AS <name>`"));
            }
        };
        if written.contains("{{") {
            return Err(instruction.error("FROM holds a template; expected the name of an image"));
        }
        let image = self.image(instruction, written)?;
        let earlier_stage = self.stage_named(&image.text);
        self.facts.stages.push(Stage {
            index,
            line: instruction.line,
            image_as_written: written.to_owned(),
            image: image.text,
            platform: flag(&flags, "platform").map(str::to_owned),
            name,
            earlier_stage,
            unresolved_args: image.unresolved,
        });
        Ok(())
    }

    /// Substitutes the image of a `FROM`. An image that comes out empty depends on arguments given to the build.
    fn image(&self, instruction: &Instruction<'_>, written: &str) -> Result<Expanded, ParseError> {
        let image = self.expand(instruction, written)?;
        if !image.text.is_empty() {
            return Ok(image);
        }
        let unresolved = subst::names(written).map(str::to_owned).collect();
        Ok(Expanded {
            text: written.to_owned(),
            unresolved,
        })
    }

    fn expand(&self, instruction: &Instruction<'_>, word: &str) -> Result<Expanded, ParseError> {
        subst::expand(word, &self.values, self.escape)
            .ok_or_else(|| instruction.error("arguments refer to each other beyond measure; expected a shorter value"))
    }

    fn arg(&mut self, instruction: &Instruction<'_>) -> Result<(), ParseError> {
        let Some(words) = subst::words(instruction.rest, self.escape) else {
            return Err(instruction.error("a quote is not closed; expected `ARG <name>[=<default>]`"));
        };
        if words.is_empty() {
            return Err(instruction.error("ARG names nothing; expected `ARG <name>[=<default>]`"));
        }
        if self.facts.global_args.len() + words.len() > MAX_ARGS {
            return Err(instruction.error(format!("the file has too many arguments; expected at most {MAX_ARGS}")));
        }
        for word in words {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name, Some(self.expand(instruction, default)?)),
                None => (word, None),
            };
            let text = default.as_ref().map(|default| default.text.clone());
            self.facts.global_args.push(Arg {
                line: instruction.line,
                name: name.to_owned(),
                default: text,
            });
            // A second declaration without a default leaves the value of the first.
            if let Some(default) = default {
                self.values.insert(name.to_owned(), default);
            }
        }
        Ok(())
    }

    fn copy(&mut self, instruction: &Instruction<'_>) {
        let (flags, _) = flags(instruction.rest);
        if let Some(from) = flag(&flags, "from") {
            self.copy_from(instruction.line, from);
        }
    }

    fn run(&mut self, instruction: &Instruction<'_>) {
        let (flags, _) = flags(instruction.rest);
        for (_, mount) in flags.into_iter().filter(|(name, _)| *name == "mount") {
            let from = mount.split(',').find_map(|option| option.strip_prefix("from="));
            if let Some(from) = from {
                self.copy_from(instruction.line, from);
            }
        }
    }

    /// Notes a use of another stage or image; unlike `FROM`, a number is a stage's index.
    fn copy_from(&mut self, line: u32, from: &str) {
        let from = subst::unquote(from, self.escape);
        let Some(stage_index) = self.facts.stages.len().checked_sub(1) else {
            return;
        };
        let by_index = from.parse::<usize>().ok().filter(|&index| index < stage_index);
        // The stage that is being built is not yet there to copy from.
        let by_name = || self.stage_named(&from).filter(|&index| index < stage_index);
        let resolves_to = match by_index.or_else(by_name) {
            Some(index) => CopySource::Stage(index),
            None => CopySource::Image(from.clone()),
        };
        self.facts.copies_from.push(CopyFrom {
            line,
            stage_index,
            from,
            resolves_to,
        });
    }

    fn label(&mut self, instruction: &Instruction<'_>) {
        let Some(stage_index) = self.facts.stages.len().checked_sub(1) else {
            return;
        };
        let line = instruction.line;
        let escape = self.escape;
        let words = subst::words(instruction.rest, escape).unwrap_or_default();
        let label = |key: &str, value: &str| Label {
            line,
            stage_index,
            key: subst::unquote(key, escape),
            value: subst::unquote(value, escape),
        };
        if let [key, _, ..] = words.as_slice()
            && !key.contains('=')
        {
            // The old form: `LABEL key any value`.
            let value = instruction.rest.strip_prefix(key).unwrap_or_default().trim();
            self.facts.labels.push(label(key, value));
            return;
        }
        let pairs = words.into_iter().filter_map(|word| word.split_once('='));
        self.facts.labels.extend(pairs.map(|(key, value)| label(key, value)));
    }

    /// Finds the latest stage of that name so far.
    fn stage_named(&self, name: &str) -> Option<usize> {
        self.facts
            .stages
            .iter()
            .rposition(|stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }
}

/// Splits `--name=value` flags off the front of an instruction's arguments.
fn flags(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut flags = Vec::new();
    while let Some(flag) = rest.strip_prefix("--") {
        let end = flag.find(char::is_whitespace).unwrap_or(flag.len());
        let (name, value) = flag[..end].split_once('=').unwrap_or((&flag[..end], ""));
        flags.push((name, value));
        rest = flag[end..].trim_start();
    }
    (flags, rest)
}

fn flag<'a>(flags: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    flags.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
