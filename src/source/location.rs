//! Where a repository is: a URL or a local path.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::RemoteUrl;
use super::url::{is_scp_like, percent_decode, redact, strip_scheme};
use crate::base::RepoName;

/// Where a repository is. `Display` and `Debug` never show credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A repository behind `https://` or `http://`.
    Url(RemoteUrl),
    /// A local bare or ordinary repository, or a plain directory.
    Path(PathBuf),
}

/// Why a text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The text is neither a URL that can be read nor a path.
    #[error("`{text}` is no repository: {message}")]
    Invalid {
        /// The text, credentials masked.
        text: String,
        /// What is wrong with it, and what would be right.
        message: String,
    },
    /// A template names a placeholder that has no value here.
    #[error("`{template}`: unknown placeholder `{{{name}}}`; known: {}", braced(known))]
    UnknownPlaceholder {
        /// The template.
        template: String,
        /// The placeholder without its braces.
        name: String,
        /// The placeholders that there are.
        known: Vec<String>,
    },
    /// A value would change what the template means.
    #[error("`{value}` cannot stand for `{{{name}}}` in a repository's path or URL: {message}")]
    BadValue {
        /// The placeholder without its braces.
        name: String,
        /// The value, control characters escaped.
        value: String,
        /// What is wrong with it.
        message: &'static str,
    },
}

fn braced(names: &[String]) -> String {
    let braced: Vec<String> = names.iter().map(|name| format!("`{{{name}}}`")).collect();
    if braced.is_empty() {
        "none".to_owned()
    } else {
        braced.join(", ")
    }
}

impl Location {
    /// Parses `https://…`, `http://…`, `file://…` or a local path; a relative one counts from the current directory.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        Self::parse_in(text, Path::new(""))
    }

    /// Parses as [`Location::parse`] does, with relative paths counting from `base`.
    pub fn parse_in(text: &str, base: &Path) -> Result<Self, LocationError> {
        Self::parse_with(text, base, RemoteUrl::new)
    }

    /// Parses the address of a server that is no repository, which may have no path, or the path of a folder of the same form.
    pub fn server_in(text: &str, base: &Path) -> Result<Self, LocationError> {
        Self::parse_with(text, base, RemoteUrl::of_server)
    }

    fn parse_with(
        text: &str,
        base: &Path,
        url: impl FnOnce(bool, &str) -> Result<RemoteUrl, &'static str>,
    ) -> Result<Self, LocationError> {
        let invalid = |message: &str| LocationError::Invalid {
            text: redact(text),
            message: message.to_owned(),
        };
        if text.trim().is_empty() {
            return Err(invalid("it is empty; give a URL or a path"));
        }
        if text.chars().any(char::is_control) {
            return Err(invalid("it holds a control character"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            if is_scp_like(text) {
                return Err(invalid(
                    "SSH is not supported; use `https://…` or a local mirror's path",
                ));
            }
            return Ok(Self::Path(under(base, text)));
        };
        if scheme.eq_ignore_ascii_case("file") {
            return file_url(rest).map(Self::Path).map_err(invalid);
        }
        match strip_scheme(text) {
            Some((secure, rest)) => url(secure, rest).map(Self::Url).map_err(invalid),
            None => Err(invalid(
                "only `https://`, `http://`, `file://` and local paths can be read",
            )),
        }
    }

    /// The repository's name on its forge as far as its location says it: the last two segments without `.git`.
    pub fn name(&self) -> Option<RepoName> {
        let text = match self {
            Self::Url(url) => url.path(),
            Self::Path(path) => path.to_str()?.trim_end_matches('/'),
        };
        let (before, repo) = text.strip_suffix(".git").unwrap_or(text).rsplit_once('/')?;
        let org = before.rsplit('/').next()?;
        format!("{org}/{repo}").parse().ok()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// A path as seen from the current directory: a relative one starts at `base`, `.` segments are dropped.
pub(crate) fn under(base: &Path, path: &str) -> PathBuf {
    let joined = base.join(path);
    let kept: PathBuf = joined
        .components()
        .filter(|c| !matches!(c, Component::CurDir))
        .collect();
    if kept.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        kept
    }
}

/// Takes the path of a `file://` URL. Such a repository is opened in place: libgit2 refuses shallow fetches from it.
fn file_url(rest: &str) -> Result<PathBuf, &'static str> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err("a `file://` URL needs an absolute path: `file:///mirrors/repo.git`");
    }
    let path = percent_decode(path).ok_or("it holds a `%` that is not followed by two hexadecimal digits")?;
    let path = String::from_utf8(path).map_err(|_| "its path is not UTF-8")?;
    if path.contains('\0') {
        Err("its path holds a NUL byte")
    } else {
        Ok(PathBuf::from(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_urls_from_paths() {
        let base = Path::new("/base");
        let path = |text: &str| match Location::parse_in(text, base) {
            Ok(Location::Path(path)) => path.display().to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(path("fixtures/x"), "/base/fixtures/x");
        assert_eq!(path("/mirrors/x.git"), "/mirrors/x.git");
        assert_eq!(path("./a:b"), "/base/a:b");
        assert_eq!(path("../x//y/"), "/base/../x/y");
        assert_eq!(Location::parse("./"), Ok(Location::Path(".".into())));
        assert_eq!(path("file:///mirrors/a%20b.git"), "/mirrors/a b.git");
        assert_eq!(path("FILE://localhost/m"), "/m");
        let url = |text: &str| Location::parse(text).unwrap().to_string();
        assert_eq!(
            url("HTTPS://GitHub.com/Org/repo.git/"),
            "https://github.com/Org/repo.git"
        );
        assert_eq!(url("http://127.0.0.1:80/r"), "http://127.0.0.1:80/r");
    }

    #[test]
    fn the_address_of_a_server_needs_no_path() {
        let base = Path::new("/base");
        let server = |text: &str| Location::server_in(text, base).map(|found| found.to_string());
        assert_eq!(
            server("https://prow.example.org").as_deref(),
            Ok("https://prow.example.org")
        );
        assert_eq!(
            server("https://prow.example.org/").as_deref(),
            Ok("https://prow.example.org")
        );
        assert_eq!(
            server("https://storage.example.org/bucket/").as_deref(),
            Ok("https://storage.example.org/bucket")
        );
        assert_eq!(server("ci").as_deref(), Ok("/base/ci"));
        for text in [
            "https://",
            "https:///x",
            "ftp://prow.example.org",
            "https://prow.example.org?x=1",
            "",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
        assert!(
            Location::parse_in("https://prow.example.org", base).is_err(),
            "no repository is there"
        );
    }

    #[test]
    fn a_location_says_its_name() {
        let name = |text: &str| Location::parse(text).unwrap().name().map(|name| name.to_string());
        for text in [
            "https://github.com/openshift/release",
            "https://github.com/openshift/release.git/",
            "https://me:pw@example.org/mirrors/openshift/release",
            "file:///srv/openshift/release.git",
            "/srv/openshift/release.git/",
            "openshift/release",
        ] {
            assert_eq!(name(text).as_deref(), Some("openshift/release"), "{text}");
        }
        for text in [
            "https://example.org/release",
            "release",
            "../release",
            "/release",
            "/",
            "a b/c",
            "a/.git",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        for text in [
            "",
            " ",
            "a\nb",
            "git@github.com:org/repo",
            "ssh://git@host/x",
            "git://host/x",
            "https://",
            "https://host",
            "https://host/",
            "https:///path",
            "https://ho st/x",
            "https://host/x?y",
            "https://host/x#y",
            "file://host/x",
            "file://x",
            "file:///%zz",
            "file:///%",
            "file:///%00",
            "https://host/%zz y",
        ] {
            let error = Location::parse(text).expect_err(text);
            assert!(matches!(error, LocationError::Invalid { .. }), "{text}: {error:?}");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        let location = Location::parse("https://me:s3cret@host/org/repo").unwrap();
        assert_eq!(location.to_string(), "https://***@host/org/repo");
        assert!(!format!("{location:?}").contains("s3cret"));
        let Location::Url(url) = location else { panic!("a URL") };
        assert_eq!(url.base(), "https://host/org/repo");
        assert_eq!(url.credentials().unwrap(), b"me:s3cret");
        for text in [
            "ssh://me:s3cret@host/x",
            "https://me:s3cret@",
            "https://a:s3cret@b@host/x?y",
            "x://s3cret@h",
        ] {
            let error = Location::parse(text).unwrap_err();
            assert!(!format!("{error}{error:?}").contains("s3cret"), "{error}");
        }
    }
}
