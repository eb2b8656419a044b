//! Secrets that ended up where none belongs, and how not to repeat them.

/// What GitHub's tokens start with.
const TOKEN_PREFIXES: [&str; 6] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];

/// Keys whose value is a secret, by how their name ends. (Ours end in `-env` or `-file` and name a place.)
const SECRET_KEYS: [&str; 6] = ["token", "password", "passwd", "secret", "private-key", "private_key"];

const MASK: &str = "***";

/// Whether a text holds a token, a private key, or a URL with a password.
pub(super) fn is_secret(text: &str) -> bool {
    text.contains("PRIVATE KEY") || words(text).any(|word| token_at(word).is_some() || user_info(word).is_some())
}

/// Whether a key's name says that its value is a secret.
pub(super) fn is_secret_key(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_KEYS.iter().any(|key| name.ends_with(key))
}

/// The line with every secret in it replaced. Characters before the first secret keep their column.
pub(super) fn mask(line: &str) -> String {
    if line.contains("PRIVATE KEY") {
        return MASK.to_owned();
    }
    let mut out = String::new();
    let mut rest = mask_values(line);
    while let Some((start, end)) = first_secret(&rest) {
        out.push_str(rest.get(..start).unwrap_or(""));
        out.push_str(MASK);
        rest = rest.get(end..).unwrap_or("").to_owned();
    }
    out + &rest
}

fn first_secret(text: &str) -> Option<(usize, usize)> {
    let base = text.as_ptr() as usize;
    words(text).find_map(|word| {
        let at = word.as_ptr() as usize - base;
        let (start, end) = token_at(word).or_else(|| user_info(word))?;
        Some((at + start, at + end))
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '`'))
        .filter(|word| !word.is_empty())
}

/// Where a token stands in a word, as bytes.
fn token_at(word: &str) -> Option<(usize, usize)> {
    let start = TOKEN_PREFIXES.iter().filter_map(|prefix| word.find(prefix)).min()?;
    let token = word.get(start..)?;
    let length = token
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(token.len());
    (length >= 12).then_some((start, start + length))
}

/// Where the `user:password` of a URL stands in a word, as bytes.
fn user_info(word: &str) -> Option<(usize, usize)> {
    let start = word.find("://")? + 3;
    let authority = word.get(start..)?;
    let authority = authority.split(['/', '?', '#']).next()?;
    let length = authority.rfind('@')?;
    let info = authority.get(..length)?;
    (!info.is_empty() && info != MASK).then_some((start, start + length))
}

/// Masks what stands behind `token:` and its like, up to the end of the value.
fn mask_values(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(':') {
        out.push_str(before);
        out.push(':');
        rest = after;
        if is_secret_key(before.trim_end_matches(['"', '\'', ' '])) {
            let value = rest.trim_start();
            let end = value.find([',', '}']).unwrap_or(value.len());
            if value.get(..end).is_some_and(|v| !v.trim().is_empty()) {
                out.extend([" ", MASK]);
                rest = value.get(end..).unwrap_or("");
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (line, masked) in [
            ("  token: hunter2", "  token: ***"),
            (
                "forge: {kind: github, token: hunter2, api: x}",
                "forge: {kind: github, token: ***, api: x}",
            ),
            ("\"password\": 'a b'", "\"password\": ***"),
            ("token-env: ghp_0123456789abcdef # mine", "token-env: *** # mine"),
            (
                "repo: https://me:hunter2@github.com/a/b",
                "repo: https://***@github.com/a/b",
            ),
            (
                "repo: https://ghp_0123456789abcdef@github.com/a",
                "repo: https://***@github.com/a",
            ),
            ("-----BEGIN RSA PRIVATE KEY-----", "***"),
        ] {
            assert_eq!(mask(line), masked);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for line in [
            "token-env: GITHUB_TOKEN",
            "token-file: /run/token",
            "repo: git@github.com:a/b",
            "ghp_",
            "token:",
        ] {
            assert_eq!(mask(line), line);
            assert!(!is_secret(line), "{line}");
        }
    }

    #[test]
    fn tokens_are_known_by_their_form() {
        assert!(is_secret("github_pat_11ABCDEFG0"));
        assert!(is_secret("https://me@example.org/x"));
        assert!(!is_secret("https://example.org/@x"));
    }
}
