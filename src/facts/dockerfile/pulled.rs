//! Pullspecs among the words of a script.

/// The longest pullspec that is taken for one, in bytes.
const LONGEST: usize = 512;

/// Yields what looks like a pullspec with a registry: a host with a dot, a path, and a tag or digest. Whether it is pulled,
/// nobody knows; variables in it end it.
pub(super) fn pullspecs(script: &str) -> impl Iterator<Item = &str> {
    let apart = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | '=' | ',' | ';' | '(' | ')' | '|' | '&' | '<' | '>' | '\\'
            )
    };
    script.split(apart).filter_map(pullspec)
}

fn pullspec(word: &str) -> Option<&str> {
    // `docker://` and its like name a transport; a page of the web is no image.
    let word = match word.split_once("://") {
        Some((transport, rest)) => (!transport.starts_with("http")).then_some(rest)?,
        None => word,
    };
    let word = word.trim_end_matches(['.', ':', ']', '}']);
    let (host, path) = word.split_once('/').filter(|_| word.len() <= LONGEST)?;
    let name = host.split(':').next()?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@');
    let is_host = name.contains('.') && !name.starts_with('.') && !name.contains(['_', '@']);
    let is_path = path.contains(':') && !path.starts_with('/') && !path.contains("//");
    (is_host && is_path && word.chars().all(known)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pullspecs_are_found_among_other_words() {
        let script = "set -e; oc image extract registry.example.com/ocp/4.16:cli --path /usr/bin/oc:. && \\\n \
                      skopeo copy docker://quay.example.com:5000/a/b@sha256:00ff dir:x\nIMAGE=\"r.example.com/a/b:c\" \
                      curl https://example.com/a:b -H a/b:c ./x/y:z r.example.com/${A}:c example.com/a/b";
        let found: Vec<_> = pullspecs(script).collect();
        assert_eq!(
            found,
            [
                "registry.example.com/ocp/4.16:cli",
                "quay.example.com:5000/a/b@sha256:00ff",
                "r.example.com/a/b:c",
            ]
        );
    }
}
