//! Which word a misspelled one was meant to be, where there is no doubt.

/// How many letters may differ.
const MOST: usize = 2;
/// Words shorter than this are too much like others.
const SHORTEST: usize = 5;

/// The one known word that a word differs from in a few letters. A number in it is no misspelling: `golang-1.21` is not what
/// was meant by `golang-1.22`.
pub fn meant<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() < SHORTEST {
        return None;
    }
    let mut near: Vec<&str> = known
        .into_iter()
        .filter(|candidate| {
            candidate.len().abs_diff(word.len()) <= MOST
                && digits(candidate).eq(digits(word))
                && strsim::damerau_levenshtein(word, candidate) <= MOST
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn digits(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_taken_for_the_one_that_it_can_only_have_been() {
        let known = ["dockerfile", "from", "golang-1.21", "base-rhel8", "base-rhel9"];
        for (word, expected) in [
            ("dockerfil", Some("dockerfile")),
            ("dokcerfile", Some("dockerfile")),
            ("golnag-1.21", Some("golang-1.21")),
            ("golang-1.22", None),
            ("base-rhel", None),
            ("fron", None),
            ("docker", None),
        ] {
            assert_eq!(meant(word, known), expected, "{word}");
        }
        assert_eq!(meant("beacons", ["beacon", "beaconz"]), None, "two are near");
        assert_eq!(
            meant("beacons", ["beacon", "beacon"]),
            Some("beacon"),
            "the same one twice"
        );
    }
}
