//! Faults that name what was probably meant.

use super::fault::{Code, Fault, Span, span};
use super::keys::{Format, Key, Need, Section, ValueForm, one_of};
use super::secret;
use crate::yaml::{self, Node, Value};

/// A key that a section does not have.
pub(super) fn unknown_key(span: Span, name: &str, section: &Section) -> Fault {
    let known: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
    if secret::is_secret_key(name) {
        let hint = "name the environment variable or file that holds it: `token-env`, `token-file` or `app` of `forge`";
        return Fault::new(
            Code::Secret,
            span,
            format!("the key `{name}` would hold a secret"),
            hint,
        );
    }
    let hint = match (nearest(name, &known), known.is_empty()) {
        (Some(key), _) => format!("did you mean `{key}`?"),
        (None, true) => section.about.to_owned(),
        (None, false) => format!(
            "the keys here are {}",
            known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    Fault::new(Code::UnknownKey, span, format!("unknown key `{name}`"), hint)
}

/// A key that must be there and is not; the place is the mapping's.
pub(super) fn missing_key(node: &Node, key: &Key) -> Fault {
    let message = format!("the key `{}` is missing", key.name);
    Fault::new(
        Code::MissingKey,
        span(node),
        message,
        format!("`{}`: {}", key.name, key.about),
    )
}

/// A word that is not one of those known.
pub(super) fn unknown_word(span: Span, word: &str, known: &[&str]) -> Fault {
    let hint = match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write {}", one_of(known)),
    };
    Fault::new(Code::BadValue, span, format!("`{word}` is not known here"), hint)
}

/// A value of another type than expected.
pub(super) fn wrong_type(node: &Node, expected: &str) -> Fault {
    let found = node.type_name();
    let hint = match &node.value {
        Value::Null => "give a value, or leave the key out".to_owned(),
        Value::Number(_) | Value::Bool(_) if expected.contains("string") => "put it in quotes".to_owned(),
        _ => format!("write {expected}"),
    };
    let message = format!("this is {found}, what is expected is {expected}");
    Fault::new(Code::WrongType, span(node), message, hint)
}

/// A value of another type than its kind asks for; what is one item of a list is shown as such a list.
pub(super) fn wrong_type_of(node: &Node, kind: &ValueForm) -> Fault {
    let mut fault = wrong_type(node, &kind.describe());
    let item = match (kind, &node.value) {
        (ValueForm::List(item) | ValueForm::WordOrList(_, item), Value::String(text) | Value::Number(text)) => {
            Some((item, text))
        }
        _ => None,
    };
    if let Some((item, text)) = item.filter(|(_, text)| !text.trim().is_empty() && !secret::is_secret(text)) {
        let quoted = match item {
            ValueForm::Text(Format::Release) => format!("\"{text}\""),
            _ => text.to_string(),
        };
        fault.hint = format!("it is a list, of one item, too: write `[{quoted}]`");
    } else if let (ValueForm::Count | ValueForm::Flag, Value::String(text)) = (kind, &node.value)
        && (text.parse::<u32>().is_ok() || matches!(&**text, "true" | "false"))
    {
        fault.hint = "write it without quotes".into();
    } else if let (ValueForm::Map(section), Value::String(text)) = (kind, &node.value)
        && !secret::is_secret(text)
    {
        let mut required = section.keys.iter().filter(|key| matches!(key.need, Need::Required));
        if let (Some(key), None) = (required.next(), required.next()) {
            fault.hint = format!("write a mapping: `{{{}: {text}}}`", key.name);
        }
    }
    fault
}

/// A text that is not YAML.
pub(super) fn syntax(error: yaml::Error) -> Fault {
    let span = Span {
        pos: error.pos,
        width: 0,
    };
    Fault::new(
        Code::Syntax,
        span,
        error.message,
        "the rest of the file is checked once this is right",
    )
}

/// The known word that is nearest to what was written, if any is near: in a short word one letter is all that may be wrong, since
/// two make another word of it.
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', ' '], "-");
    let written = plain(written);
    let near = |word: &str| strsim::damerau_levenshtein(&written, &plain(word));
    let best = known.iter().copied().min_by_key(|word| near(word))?;
    let is_start = !written.is_empty() && (best.starts_with(&*written) || written.starts_with(best));
    let most = match written.chars().count() {
        0..=6 => 1,
        letters => 1 + letters / 4,
    };
    (near(best) <= most || is_start).then_some(best)
}
