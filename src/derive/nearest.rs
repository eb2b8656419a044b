//! Which of the Dockerfiles that are there was meant by one that is not.

/// How many a message names.
const SHOWN: usize = 5;

/// The Dockerfiles of a repository, the one that was most likely meant first: of the same name in another folder, else the one whose
/// path differs least.
pub fn nearest<'t>(missing: &str, there: &'t [String]) -> Vec<&'t str> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut all: Vec<&str> = there.iter().map(String::as_str).collect();
    let own = name(missing);
    let order = |path: &&str| {
        let (same, differs) = (name(path) != own, strsim::damerau_levenshtein(missing, path));
        // A common name in any folder says less than a folder in which one letter is wrong.
        (differs > CLOSE, same, differs, (*path).to_owned())
    };
    all.sort_by_cached_key(order);
    all
}

/// Paths that differ in so few letters are one that was written wrong.
const CLOSE: usize = 3;

/// Names them: `it has Dockerfile, images/Dockerfile and 2 more`.
pub fn shown(all: &[&str]) -> String {
    let (first, rest) = all.split_at(all.len().min(SHOWN));
    match (first, rest.len()) {
        ([], _) => "it has no Dockerfile".to_owned(),
        (first, 0) => format!("it has {}", first.join(", ")),
        (first, more) => format!("it has {} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_one_comes_first() {
        let there = [
            "Dockerfile",
            "Dockerfile.rhel9",
            "images/operator/Dockerfile",
            "test/Dockerfile",
        ]
        .map(str::to_owned);
        let first = |missing: &str| nearest(missing, &there)[0].to_owned();
        assert_eq!(first("Dockerfile.rhel7"), "Dockerfile.rhel9");
        assert_eq!(first("dockerfile"), "Dockerfile");
        assert_eq!(
            first("images/cluster-operator/Dockerfile"),
            "images/operator/Dockerfile"
        );
        assert_eq!(first("tests/Dockerfile"), "test/Dockerfile");
    }

    #[test]
    fn many_are_counted() {
        let many: Vec<String> = (0..7).map(|at| format!("{at}/Dockerfile")).collect();
        let named = shown(&nearest("Dockerfile", &many));
        assert!(
            named.starts_with("it has 0/Dockerfile, ") && named.ends_with(" and 2 more"),
            "{named}"
        );
        assert_eq!(shown(&[]), "it has no Dockerfile");
    }
}
