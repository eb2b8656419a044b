//! Addresses of pages, and of repositories on the web.

use std::fmt::Write as _;

/// One part of a path or one value of a query, with everything escaped that could mean something there.
pub(super) fn part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The page of an image in a release.
pub(super) fn image(key: &str, release: &str) -> String {
    format!("/images/{}/{}", part(key), part(release))
}

/// The page of what verifies a release.
pub(super) fn verification(release: &str) -> String {
    format!("/verify/{}", part(release))
}

/// A repository on the web; only where the name is one.
pub(super) fn repository(name: &str) -> Option<String> {
    let name: crate::base::RepoName = name.parse().ok()?;
    Some(format!("https://github.com/{name}"))
}

/// An address that may be linked to: of the web, and nothing that runs.
pub(super) fn web(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web.then(|| url.to_owned())
}

/// What a pull request is called beside others: `#7`.
pub(super) fn number(url: &str) -> String {
    let last = url.rsplit('/').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        format!("#{last}")
    } else {
        "pull request".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_means_anything_in_an_address() {
        assert_eq!(image("harbor-base.rhel9", "4.16"), "/images/harbor-base.rhel9/4.16");
        assert_eq!(image("../x?y#z", "4.16"), "/images/..%2Fx%3Fy%23z/4.16");
        assert_eq!(part("a&b=ü"), "a%26b%3D%C3%BC");
    }

    #[test]
    fn only_the_web_is_linked_to() {
        assert_eq!(web("javascript:alert(1)"), None);
        assert_eq!(
            web("https://github.com/a/b/pull/1").as_deref(),
            Some("https://github.com/a/b/pull/1")
        );
        assert_eq!(number("https://github.com/a/b/pull/12"), "#12");
        assert_eq!(number("https://ghe.example.org/"), "pull request");
        assert_eq!(
            repository("openshift/etcd").as_deref(),
            Some("https://github.com/openshift/etcd")
        );
        assert_eq!(repository("a/../../x"), None);
    }
}
