//! Names with `*` in them.

/// Tells whether a name is of a pattern, in which `*` stands for any characters.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(start) else {
        return false;
    };
    let mut ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("Dockerfile.okd", "Dockerfile.okd", true),
            ("Dockerfile.okd*", "Dockerfile.okd9", true),
            ("*.scos", "Dockerfile.scos", true),
            ("*.scos", "Dockerfile.scos.md", false),
            ("Dockerfile*okd*", "Dockerfile.mine.okd", true),
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!matches("é*", "e") && matches("*é", "aé"));
    }
}
