//! Words, quotes and variables of a Dockerfile's instructions.

use std::collections::BTreeMap;

/// The longest text that goes into or comes out of a substitution, in bytes; arguments of arguments grow exponentially.
const MAX_EXPANDED: usize = 4 << 10;

/// The most variables without a value that a text may hold.
const MAX_UNRESOLVED: usize = 64;

/// How deep a default may hold further variables (`${A:-${B:-…}}`).
const MAX_DEPTH: usize = 16;

/// A text after substitution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text; variables without a value keep theirs.
    pub text: String,
    /// The names of the variables without a value, each once, in order.
    pub unresolved: Vec<String>,
}

/// The values of the arguments seen so far.
pub(super) type Values = BTreeMap<String, Expanded>;

/// Cuts a text into words at spaces outside quotes; quotes and escapes stay. `None` where a quote is not closed.
pub(super) fn words(text: &str, escape: char) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if let Some(start) = start.take() {
                words.push(&text[start..at]);
            }
            continue;
        }
        start.get_or_insert(at);
        match quote {
            // Nothing is escaped between single quotes.
            _ if c == escape && quote != Some('\'') => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ => {}
        }
    }
    if let Some(start) = start {
        words.push(&text[start..]);
    }
    quote.is_none().then_some(words)
}

/// Takes quotes and escapes off a word.
pub(super) fn unquote(word: &str, escape: char) -> String {
    let mut out = String::with_capacity(word.len());
    let mut quote = None;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ if c == escape && quote != Some('\'') => out.push(chars.next().unwrap_or(c)),
            _ => out.push(c),
        }
    }
    out
}

/// Substitutes variables in a word and takes its quotes off. `None` where the word or the result is too long.
pub(super) fn expand(word: &str, values: &Values, escape: char) -> Option<Expanded> {
    if word.len() > MAX_EXPANDED {
        return None;
    }
    let mut out = Expanded::default();
    expand_into(&mut out, word, values, escape, 0)?;
    Some(out)
}

/// Yields the names of the variables that a word uses, without those inside their defaults.
pub(super) fn names(word: &str) -> impl Iterator<Item = &str> {
    word.match_indices('$')
        .filter_map(|(at, _)| variable(&word[at..]).0)
        .map(|variable| variable.name)
}

fn expand_into(out: &mut Expanded, word: &str, values: &Values, escape: char, depth: usize) -> Option<()> {
    let mut rest = word;
    let mut quote = None;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if out.text.len() > MAX_EXPANDED || out.unresolved.len() > MAX_UNRESOLVED || depth > MAX_DEPTH {
            return None;
        }
        if c == '$' && quote != Some('\'') {
            let (variable, after) = variable(rest);
            match variable {
                Some(variable) => substitute(out, &variable, values, escape, depth)?,
                None => out.text.push_str(&rest[..rest.len() - after.len()]),
            }
            rest = after;
            continue;
        }
        rest = after;
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ if c == escape && quote != Some('\'') => {
                let escaped = rest.chars().next();
                rest = &rest[escaped.map_or(0, char::len_utf8)..];
                out.text.push(escaped.unwrap_or(c));
            }
            _ => out.text.push(c),
        }
    }
    (out.text.len() <= MAX_EXPANDED).then_some(())
}

/// A use of a variable.
struct Variable<'a> {
    /// The whole use as written.
    raw: &'a str,
    name: &'a str,
    form: Form<'a>,
}

enum Form<'a> {
    /// `$X`, `${X}`
    Plain,
    /// `${X:-word}`, and `${X-word}` which takes an empty value
    Default { word: &'a str, empty_counts: bool },
    /// `${X:+word}`, and `${X+word}` which takes an empty value
    Alternative { word: &'a str, empty_counts: bool },
    /// Anything else between braces; its text is kept.
    Other,
}

/// Reads the variable at the start of a text, and what follows. Without a variable, what follows is after the `$`.
fn variable(text: &str) -> (Option<Variable<'_>>, &str) {
    let after = &text[1..];
    let Some(body) = after.strip_prefix('{') else {
        let name = name_of(after);
        let rest = &after[name.len()..];
        let raw = &text[..text.len() - rest.len()];
        return (
            (!name.is_empty()).then_some(Variable {
                raw,
                name,
                form: Form::Plain,
            }),
            rest,
        );
    };
    let Some(end) = closing_brace(body) else {
        return (None, after);
    };
    let (inner, rest) = (&body[..end], &body[end + 1..]);
    let name = name_of(inner);
    if name.is_empty() {
        return (None, rest);
    }
    let raw = &text[..text.len() - rest.len()];
    (
        Some(Variable {
            raw,
            name,
            form: form_of(&inner[name.len()..]),
        }),
        rest,
    )
}

fn form_of(modifier: &str) -> Form<'_> {
    let (empty_counts, operator) = modifier
        .strip_prefix(':')
        .map_or((true, modifier), |operator| (false, operator));
    match (modifier, operator.chars().next()) {
        ("", _) => Form::Plain,
        (_, Some('-')) => Form::Default {
            word: &operator[1..],
            empty_counts,
        },
        (_, Some('+')) => Form::Alternative {
            word: &operator[1..],
            empty_counts,
        },
        _ => Form::Other,
    }
}

/// Finds the brace that closes an opened one, over nested ones.
fn closing_brace(body: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Gives the variable name that a text starts with, or nothing.
fn name_of(text: &str) -> &str {
    let end = text
        .bytes()
        .position(|b| !b.is_ascii_alphanumeric() && b != b'_')
        .unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        ""
    } else {
        &text[..end]
    }
}

fn substitute(out: &mut Expanded, var: &Variable<'_>, values: &Values, escape: char, depth: usize) -> Option<()> {
    let value = values.get(var.name);
    let set = |empty_counts: bool| value.is_some_and(|value| empty_counts || !value.text.is_empty());
    match var.form {
        Form::Default { word, empty_counts } if !set(empty_counts) => {
            return expand_into(out, word, values, escape, depth + 1);
        }
        Form::Alternative { word, empty_counts } if set(empty_counts) => {
            return expand_into(out, word, values, escape, depth + 1);
        }
        Form::Alternative { .. } => return Some(()),
        Form::Plain | Form::Default { .. } => {
            if let Some(value) = value {
                out.text.push_str(&value.text);
                value.unresolved.iter().for_each(|name| note(out, name));
                return Some(());
            }
        }
        Form::Other => {}
    }
    out.text.push_str(var.raw);
    note(out, var.name);
    Some(())
}

/// Notes a variable without a value, once.
fn note(out: &mut Expanded, name: &str) {
    if !out.unresolved.iter().any(|known| known == name) {
        out.unresolved.push(name.to_owned());
    }
}
