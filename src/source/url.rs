//! URLs of repositories, with credentials kept out of sight.

use std::fmt;

/// Decodes `%xx`; `None` where two hexadecimal digits do not follow.
pub(super) fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

/// Splits `https://` (true) or `http://` (false) off.
pub(super) fn strip_scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Some((true, rest)),
        "http" => Some((false, rest)),
        _ => None,
    }
}

/// Says whether a text is meant as `user@host:path`.
pub(super) fn is_scp_like(text: &str) -> bool {
    let Some((user, (host, _))) = text
        .split_once('@')
        .and_then(|(user, rest)| Some((user, rest.split_once(':')?)))
    else {
        return false;
    };
    !user.contains('/') && !host.contains('/')
}

/// Masks what stands before the last `@` of a text that may be a URL: a password may hold characters that end it early.
pub(super) fn redact(text: &str) -> String {
    let start = match text.find("://") {
        Some(at) => at + 3,
        None if is_scp_like(text) => 0,
        None => return text.escape_debug().to_string(),
    };
    let (scheme, rest) = text.split_at_checked(start).unwrap_or(("", text));
    let text = match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}***@{host}"),
        None => text.to_owned(),
    };
    text.escape_debug().to_string()
}

/// An `https://` or `http://` URL of a repository.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RemoteUrl {
    secure: bool,
    /// `user:password` as it stands in the URL, percent-encoded.
    userinfo: Option<String>,
    /// Host and port.
    authority: String,
    /// The path from its leading `/`, without a trailing one.
    pub(super) path: String,
}

impl RemoteUrl {
    /// Parses what follows `://`.
    pub(super) fn new(secure: bool, rest: &str) -> Result<Self, &'static str> {
        let url = Self::of_server(secure, rest)?;
        match url.path.is_empty() {
            true => Err("the URL has no path; it should be like `https://host/org/repo`"),
            false => Ok(url),
        }
    }

    /// Parses what follows `://` of a server's address, which may have no path.
    pub(super) fn of_server(secure: bool, rest: &str) -> Result<Self, &'static str> {
        if rest.contains(['?', '#']) {
            return Err("a URL of a repository or server has no `?` and no `#`");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (userinfo, authority) = match authority.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(userinfo.to_owned()), authority),
            None => (None, authority),
        };
        let path = path.trim_end_matches('/');
        let url = Self {
            secure,
            userinfo,
            authority: authority.to_ascii_lowercase(),
            path: path.to_owned(),
        };
        let parsed = url.base().parse::<ureq::http::Uri>().ok();
        match parsed.as_ref().and_then(ureq::http::Uri::host) {
            Some(host) if !host.is_empty() => Ok(url),
            _ => Err("it is not a URL: host or path hold characters that must be percent-encoded"),
        }
    }

    /// The URL without credentials and without a trailing `/`.
    pub fn base(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.path)
    }

    /// The path without its leading and trailing `/`.
    pub(super) fn path(&self) -> &str {
        self.path.trim_matches('/')
    }

    /// `user:password` as bytes for basic authentication, percent-decoded.
    pub(super) fn credentials(&self) -> Option<Vec<u8>> {
        let userinfo = self.userinfo.as_deref()?;
        let with_colon = if userinfo.contains(':') {
            userinfo.to_owned()
        } else {
            format!("{userinfo}:")
        };
        percent_decode(&with_colon)
    }

    /// A directory name that tells a reader which repository it is for and that no other URL has.
    pub(super) fn slug(&self) -> String {
        let base = self.base();
        let bytes = base.bytes();
        // FNV-1a: stable over versions and platforms, and enough to keep names apart that read the same.
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let path = self.path.trim_end_matches(".git");
        let readable: String = format!("{}{path}", self.authority)
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
                    c
                } else {
                    '-'
                }
            })
            .take(80)
            .collect();
        format!("{readable}-{hash:016x}.git")
    }

    /// Says whether the connection is encrypted.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Says whether both are at the same scheme, host and port.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.authority) == (other.secure, &other.authority)
    }

    /// The text of a URL at the same scheme, host and port with another path.
    pub(super) fn at_path(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme(), self.authority)
    }

    /// The same without credentials.
    pub(super) fn without_credentials(self) -> Self {
        Self { userinfo: None, ..self }
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = if self.userinfo.is_some() { "***@" } else { "" };
        write!(f, "{}://{mask}{}{}", self.scheme(), self.authority, self.path)
    }
}

impl fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Location;

    #[test]
    fn texts_are_masked() {
        for (text, masked) in [
            ("https://me:s3/cret@host/x", "https://***@host/x"),
            ("https://a:b@c@host/x?y", "https://***@host/x?y"),
            ("me:s3cret@host:x", "***@host:x"),
            ("/path/a@b:c", "/path/a@b:c"),
            ("https://host/x\n", "https://host/x\\n"),
        ] {
            assert_eq!(redact(text), masked);
        }
    }

    #[test]
    fn slugs_are_readable_and_distinct() {
        let slug = |text: &str| match Location::parse(text) {
            Ok(Location::Url(url)) => url.slug(),
            other => panic!("{text}: {other:?}"),
        };
        let a = slug("https://github.com/openshift/release");
        assert!(
            a.starts_with("github.com-openshift-release-") && a.ends_with(".git"),
            "{a}"
        );
        assert_eq!(a, slug("https://me:pw@github.com/openshift/release/"));
        let others = [
            "https://github.com/openshift/release.git",
            "https://github.com/openshift-release/x",
            "http://github.com/openshift/release",
            "https://github.com/openshift-release",
            "https://h/../../etc",
        ];
        for other in others {
            let slug = slug(other);
            assert_ne!(a, slug);
            assert!(!slug.contains('/') && !slug.starts_with('.'), "{slug}");
        }
        assert!(slug(&format!("https://h/{}", "x".repeat(5000))).len() < 120);
    }
}
