//! From instructions to facts.

use super::lines::{Instruction, Lines};
use super::pulled::pullspecs;
use super::subst::{self, Expanded, Values};
use super::{
    Arg, CopyFrom, CopySource, Dockerfile, Label, MAX_ARGS, MAX_BYTES, MAX_STAGES, MAX_USES, ParseError, Stage, Use,
};

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
            let heredocs = lines.skip_heredocs(&instruction)?;
            if instruction.is("RUN") {
                parser.pulled(instruction.line, heredocs);
            }
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
            [image, keyword, name] if keyword.eq_ignore_ascii_case("AS") => (*image, Some(*name)),
            _ => {
                return Err(instruction.error("FROM is malformed; expected `FROM <image>` or `FROM <image> AS <name>`"));
            }
        };
        if written.contains("{{") {
            return Err(instruction.error("FROM holds a template; expected the name of an image"));
        }
        let image = self.image(instruction, written)?;
        let name = name.map(|name| self.expand(instruction, name)).transpose()?;
        let name = name.map(|name| name.text);
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
            self.copy_from(instruction.line, Use::Copy, from);
        }
    }

    fn run(&mut self, instruction: &Instruction<'_>) {
        let (flags, rest) = flags(instruction.rest);
        for (_, mount) in flags.iter().filter(|(name, _)| name == "mount") {
            let from = mount.split(',').find_map(|option| option.strip_prefix("from="));
            if let Some(from) = from {
                self.copy_from(instruction.line, Use::Mount, from);
            }
        }
        self.pulled(instruction.line, rest);
    }

    /// Notes the pullspecs in what a `RUN` runs.
    fn pulled(&mut self, line: u32, script: &str) {
        for pullspec in pullspecs(script) {
            self.uses(line, Use::Run, pullspec, CopySource::Image(pullspec.to_owned()));
        }
    }

    /// Notes a use of another stage or image; unlike `FROM`, a number is a stage's index.
    fn copy_from(&mut self, line: u32, by: Use, from: &str) {
        let Some(current) = self.facts.stages.len().checked_sub(1) else {
            return;
        };
        // Arguments of a stage are not looked at: what they leave open keeps its text.
        let image = subst::expand(from, &self.values, self.escape).filter(|image| !image.text.is_empty());
        let image = image.map_or_else(|| from.to_owned(), |image| image.text);
        let by_index = image.parse::<usize>().ok().filter(|&index| index < current);
        // The stage that is being built is not yet there to copy from.
        let by_name = || self.stage_named(&image).filter(|&index| index < current);
        let resolves_to = match by_index.or_else(by_name) {
            Some(index) => CopySource::Stage(index),
            None => CopySource::Image(image),
        };
        self.uses(line, by, from, resolves_to);
    }

    fn uses(&mut self, line: u32, by: Use, from: &str, resolves_to: CopySource) {
        let Some(stage_index) = self.facts.stages.len().checked_sub(1) else {
            return;
        };
        if self.facts.copies_from.len() < MAX_USES {
            self.facts.copies_from.push(CopyFrom {
                line,
                stage_index,
                by,
                from: from.to_owned(),
                resolves_to,
            });
        }
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

/// Splits `--name=value` flags off the front of an instruction's arguments, without their quotes and backslashes: as
/// builders do, whatever the escape character of the file is.
fn flags(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut flags = Vec::new();
    while rest.starts_with("--") {
        let (word, after) = flag_word(rest);
        rest = after.trim_start();
        let Some(word) = word.strip_prefix("--").filter(|word| !word.is_empty()) else {
            break;
        };
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        flags.push((name.to_owned(), value.to_owned()));
    }
    (flags, rest)
}

/// Takes one flag off the front of a text.
fn flag_word(text: &str) -> (String, &str) {
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => return (word, &text[at..]),
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ if c == '\\' => word.extend(chars.next().map(|(_, c)| c)),
            _ => word.push(c),
        }
    }
    (word, "")
}

fn flag<'a>(flags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let named = flags.iter().find(|(known, _)| known == name);
    named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}
