//! Hints for words that nobody knows.

/// A hint that names the nearest known word, or all of them where none is near.
pub fn nearest(word: &str, known: &[&str]) -> String {
    near(word, known).unwrap_or_else(|| format!("known here: {}", known.join(", ")))
}

/// A hint that names the nearest known word, where one is near.
pub fn near(word: &str, known: &[&str]) -> Option<String> {
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min();
    near.filter(|(distance, _)| *distance <= 2.max(word.len() / 3))
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}
