//! Lines of explanations.

use lockstep::base::text::terminal;

/// A hint that names the nearest known tag, or the shortest one that the word is a part of.
pub(super) fn near<'k>(word: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    let nearest = known
        .clone()
        .map(|tag| (strsim::damerau_levenshtein(word, tag), tag))
        .min();
    let part = || {
        known
            .filter(|tag| tag.contains(word) || word.contains(tag))
            .min_by_key(|tag| (tag.len(), *tag))
    };
    let meant = nearest
        .filter(|(distance, _)| *distance <= 2.max(word.len() / 3))
        .map(|(_, tag)| tag);
    match meant.or_else(|| part().filter(|tag| word.len() > 2 && tag.len() > 2)) {
        Some(tag) => format!("; did you mean `{tag}`?"),
        None => String::new(),
    }
}

/// A line with a word in front of it.
pub(super) fn entry(out: &mut String, kind: &str, text: &str) {
    line(out, 2, &format!("{kind:<10}{text}"));
}

/// A line, indented.
pub(super) fn line(out: &mut String, indent: usize, text: &str) {
    let text = terminal(&text.trim_end().replace('\n', " "));
    out.push_str(&" ".repeat(if text.is_empty() { 0 } else { indent }));
    out.push_str(&text);
    out.push('\n');
}
