//! Keys of `okd.content.source` that stand in `okd` itself.

use crate::yaml::Node;

/// The keys that nobody reads there. Of `okd` itself there are none of these names.
const KEYS: [&str; 3] = ["dockerfile", "path", "modifications"];

/// Those of a stanza that stand in the wrong place, and not in the right one as well.
pub(super) fn misplaced(okd: &Node) -> Vec<&'static str> {
    let source = okd.at(&["content", "source"]);
    let known = |key: &str| source.is_some_and(|source| source.get(key).is_some());
    KEYS.into_iter()
        .filter(|key| okd.get(key).is_some() && !known(key))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn what_is_in_its_place_stays() {
        let of = |text: &str| misplaced(&parse(text.as_bytes()).expect("YAML"));
        assert_eq!(of("dockerfile: D\nmode: enabled\n"), ["dockerfile"]);
        assert_eq!(of("dockerfile: D\ncontent: {source: {dockerfile: E}}\n"), [""; 0]);
        assert_eq!(of("[]\n"), [""; 0]);
    }
}
