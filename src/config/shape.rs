//! Compares the raw form with the table of keys: unknown and missing keys, wrong types, malformed texts.

use super::fault::{Code, Fault, key_span, span};
use super::format;
use super::keys::{Format, Need, Section, ValueForm, one_of};
use super::wording::{missing_key, nearest, unknown_key, unknown_word, wrong_type, wrong_type_of};
use crate::yaml::{Mapping, Node, Value};

/// Checks a node against its kind and adds what is wrong to `faults`.
pub(super) fn check(node: &Node, kind: &ValueForm, faults: &mut Vec<Fault>) {
    match (kind, &node.value) {
        (ValueForm::Text(of), Value::String(text)) => format::check(text, *of, span(node), faults),
        // A number where a text of some form belongs: where the form is wrong, too, quotes alone would not help.
        (ValueForm::Text(of), Value::Number(text)) if *of == Format::Release || !format::takes(text, *of) => {
            format::check(text, *of, span(node), faults);
        }
        (ValueForm::Word(words), Value::String(text)) => check_word(text, words, node, faults),
        // YAML 1.1 reads a bare `off` as false; people mean the word.
        (ValueForm::Word(words), Value::Bool(false)) if words.contains(&"off") => {}
        (ValueForm::Count, Value::Number(text)) => faults.extend(count_fault(text, node)),
        (ValueForm::Flag, Value::Bool(_)) => {}
        (ValueForm::Map(section), Value::Map(map)) => check_section(node, map, section, faults),
        (ValueForm::Variants(choices), Value::Map(map)) => check_by_kind(node, map, choices, faults),
        (ValueForm::List(item), Value::Seq(nodes)) => check_list(node, nodes, item, faults),
        (ValueForm::WordOrList(word, _), Value::String(text))
            if **text == **word || nearest(text, &[word]).is_some() =>
        {
            check_word(text, &[word], node, faults);
        }
        (ValueForm::WordOrList(_, item), Value::Seq(nodes)) => check_list(node, nodes, item, faults),
        (ValueForm::WordWithOptions(choices), Value::String(text)) => check_plain(text, &choices(), node, faults),
        (ValueForm::WordWithOptions(choices), Value::Map(map)) => check_options(node, map, &choices(), faults),
        _ => faults.push(wrong_type_of(node, kind)),
    }
}

fn check_section(node: &Node, map: &Mapping, section: &Section, faults: &mut Vec<Fault>) {
    for (key, value) in &map.entries {
        match section.key(&key.text) {
            Some(known) => check(value, &known.kind, faults),
            None => faults.push(unknown_key(key_span(key), &key.text, section)),
        }
    }
    let missing = section
        .keys
        .iter()
        .filter(|key| matches!(key.need, Need::Required) && map.get(key.name).is_none())
        .filter(|key| !is_misspelt_in(map, key.name, section));
    faults.extend(missing.map(|key| missing_key(node, key)));
    check_one_of(node, map, section.one_of, faults);
}

/// Whether a key stands there under a wrong name, which has been told with the right one.
fn is_misspelt_in(map: &Mapping, name: &str, section: &Section) -> bool {
    let known: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
    let mut unknown = map.entries.iter().filter(|(key, _)| section.key(&key.text).is_none());
    unknown.any(|(key, _)| nearest(&key.text, &known) == Some(name))
}

fn check_one_of(node: &Node, map: &Mapping, group: &[&str], faults: &mut Vec<Fault>) {
    let given: Vec<_> = map
        .entries
        .iter()
        .filter(|(key, _)| group.contains(&&*key.text))
        .collect();
    let mut keys = given.iter().map(|(key, _)| key);
    match (keys.next(), keys.next()) {
        (None, _) if !group.is_empty() => faults.push(Fault::new(
            Code::MissingKey,
            span(node),
            format!("one of {} is missing", one_of(group)),
            "say where the secret is found: never the secret itself",
        )),
        (Some(first), Some(second)) => faults.push(Fault::new(
            Code::Conflict,
            key_span(second),
            format!("`{}` and `{}` exclude one another", first.text, second.text),
            format!("keep one of {}", one_of(group)),
        )),
        _ => {}
    }
}

fn check_by_kind(node: &Node, map: &Mapping, choices: &[(&str, &Section)], faults: &mut Vec<Fault>) {
    let Some(kind) = map.get("kind") else {
        faults.push(Fault::new(
            Code::MissingKey,
            span(node),
            "the key `kind` is missing",
            format!("it is {}, and says which other keys there are", one_of(&names(choices))),
        ));
        return;
    };
    let Value::String(name) = &kind.value else {
        faults.push(wrong_type(kind, &one_of(&names(choices))));
        return;
    };
    match choices.iter().find(|(choice, _)| *choice == &**name) {
        Some((_, section)) => check_section(node, map, section, faults),
        None => check_word(name, &names(choices), kind, faults),
    }
}

fn check_list(node: &Node, nodes: &[Node], item: &ValueForm, faults: &mut Vec<Fault>) {
    if nodes.is_empty() {
        faults.push(Fault::new(
            Code::BadValue,
            span(node),
            "the list is empty",
            "give at least one item, or leave the key out",
        ));
    }
    for node in nodes {
        check(node, item, faults);
    }
}

fn check_options(node: &Node, map: &Mapping, choices: &[(&str, &'static Section)], faults: &mut Vec<Fault>) {
    let [(key, options)] = map.entries.as_slice() else {
        faults.push(Fault::new(
            Code::WrongType,
            span(node),
            format!("a mapping with one key is expected, this one has {}", map.entries.len()),
            "write a list item for each, as in `- name: {option: value}`",
        ));
        return;
    };
    match choices.iter().find(|(name, _)| *name == &*key.text) {
        Some((_, section)) => check(options, &ValueForm::Map(section), faults),
        None => faults.push(unknown_word(key_span(key), &key.text, &names(choices))),
    }
}

/// A word without its options: there must be none that has to be given.
fn check_plain(text: &str, choices: &[(&str, &'static Section)], node: &Node, faults: &mut Vec<Fault>) {
    check_word(text, &names(choices), node, faults);
    let known = choices.iter().find(|(name, _)| *name == text);
    let missing = known.into_iter().flat_map(|(_, section)| section.required());
    faults.extend(missing.map(|key| {
        let message = format!("`{text}` needs the option `{}`", key.name);
        let hint = format!("{} Write `- {text}: {{{}: …}}`", key.about, key.name);
        Fault::new(Code::MissingKey, span(node), message, hint)
    }));
}

fn check_word(text: &str, words: &[&str], node: &Node, faults: &mut Vec<Fault>) {
    if !words.contains(&text) {
        faults.push(unknown_word(span(node), text, words));
    }
}

fn names<'a>(choices: &[(&'a str, &Section)]) -> Vec<&'a str> {
    choices.iter().map(|(name, _)| *name).collect()
}

/// What is wrong with a number that must be a whole one from 0 on.
fn count_fault(text: &str, node: &Node) -> Option<Fault> {
    let whole = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if whole(text) && text.parse::<u32>().is_ok() {
        return None;
    }
    let (is, hint) = match text.strip_prefix('-') {
        Some(_) => ("is less than 0", "write a whole number from 0 on".to_owned()),
        None if whole(text) => ("is too much", format!("the most is {}", u32::MAX)),
        None => (
            "is no whole number",
            "write it in digits alone, such as `10`".to_owned(),
        ),
    };
    Some(Fault::new(Code::BadValue, span(node), format!("`{text}` {is}"), hint))
}
