//! A text with placeholders: a location such as `https://github.com/{org}/{repo}`, a branch such as `release-{release}`.

use std::path::PathBuf;

use super::location::under;
use super::url::redact;
use super::{Location, LocationError};

/// A text with placeholders in braces. `Display` and `Debug` never show credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    base: PathBuf,
}

impl Template {
    /// Takes a template whose relative paths count from the current directory.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            base: PathBuf::new(),
        }
    }

    /// Takes a template whose relative paths count from `base`.
    pub fn relative_to(text: impl Into<String>, base: impl Into<PathBuf>) -> Self {
        Self {
            text: text.into(),
            base: base.into(),
        }
    }

    /// The text as written, placeholders, credentials and all.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it would be written in the current directory: a relative path starts with the template's base.
    pub fn rebased(&self) -> String {
        if self.text.contains("://") {
            self.text.clone()
        } else {
            under(&self.base, &self.text).display().to_string()
        }
    }

    /// Yields the placeholders in their order: the byte where each starts, and its name unless its brace never closes.
    pub fn placeholders(&self) -> impl Iterator<Item = (usize, Option<&str>)> {
        let mut at = 0;
        pieces(&self.text).filter_map(move |piece| {
            let start = at;
            match piece {
                Piece::Name(name) => {
                    at += name.len() + 2;
                    Some((start, Some(name)))
                }
                Piece::Text(text) => {
                    at += text.len();
                    text.find('{').map(|open| (start + open, None))
                }
            }
        })
    }

    /// Says whether a placeholder such as `release` occurs.
    pub fn has(&self, placeholder: &str) -> bool {
        self.placeholders().any(|(_, name)| name == Some(placeholder))
    }

    /// Finds the value of a placeholder for which this template gives `text`: the way back from a branch to its
    /// release. Placeholders beside it are taken literally.
    pub fn value_in<'t>(&self, text: &'t str, placeholder: &str) -> Option<&'t str> {
        let (before, after) = self.text.split_once(&format!("{{{placeholder}}}"))?;
        text.strip_prefix(before)?.strip_suffix(after)
    }

    /// Fills the placeholders in and takes the result as a location. A value may not change which directory or host is
    /// meant.
    pub fn expand(&self, values: &[(&str, &str)]) -> Result<Location, LocationError> {
        Location::parse_in(&self.fill(values)?, &self.base)
    }

    /// Fills the placeholders in, in one pass. Values are checked as for [`Template::expand`].
    pub fn fill(&self, values: &[(&str, &str)]) -> Result<String, LocationError> {
        let mut text = String::with_capacity(self.text.len() + 32);
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Name(name) => {
                    let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
                    let value = value.ok_or_else(|| self.unknown(name, values))?;
                    check(name, value)?;
                    text.push_str(value);
                }
            }
        }
        Ok(text)
    }

    fn unknown(&self, name: &str, values: &[(&str, &str)]) -> LocationError {
        LocationError::UnknownPlaceholder {
            template: self.to_string(),
            name: name.escape_debug().to_string(),
            known: values.iter().map(|(known, _)| (*known).to_owned()).collect(),
        }
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&redact(&self.text))
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({self})")
    }
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Splits a template; a `{` that is not closed is text.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let open = rest
            .find('{')
            .filter(|open| rest.get(*open..).is_some_and(|tail| tail.contains('}')));
        let end = match open {
            Some(0) => rest.find('}').map_or(rest.len(), |close| close + 1),
            Some(open) => open,
            None => rest.len(),
        };
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        let name = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}'));
        Some(name.map_or(Piece::Text(piece), Piece::Name))
    })
}

/// Refuses a value that could lead elsewhere than the template's author meant: values come from other people's metadata.
fn check(name: &str, value: &str) -> Result<(), LocationError> {
    let message = if value.is_empty() {
        "it is empty"
    } else if value.starts_with('-') {
        "it starts with `-`"
    } else if value == "." || value.contains("..") {
        "`.` and `..` lead to another directory"
    } else if value.contains(['/', '\\']) {
        "it holds a path separator"
    } else if value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        "it holds a blank or a control character"
    } else if value.contains(['?', '#', '%', '@', ':', '{', '}']) {
        "it holds a character that means something in a URL"
    } else {
        return Ok(());
    };
    Err(LocationError::BadValue {
        name: name.to_owned(),
        value: value.escape_debug().to_string(),
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &[(&str, &str)] = &[("org", "openshift"), ("repo", "api"), ("release", "4.16")];

    fn expand(template: &str) -> String {
        Template::new(template).expand(VALUES).unwrap().to_string()
    }

    #[test]
    fn fills_placeholders_in() {
        assert_eq!(
            expand("https://github.com/{org}/{repo}"),
            "https://github.com/openshift/api"
        );
        assert_eq!(expand("/mirrors/{org}/{repo}.git"), "/mirrors/openshift/api.git");
        assert_eq!(
            expand("fixtures/demo/ocp-build-data-{release}"),
            "fixtures/demo/ocp-build-data-4.16"
        );
        assert_eq!(expand("plain"), "plain");
        assert_eq!(expand("a}b{c"), "a}b{c");
        let template = Template::relative_to("x/{repo}", "/base");
        assert_eq!(template.expand(VALUES).unwrap().to_string(), "/base/x/api");
        let branch = Template::relative_to("a//{release}.", "/base");
        assert_eq!(branch.fill(VALUES).unwrap(), "a//4.16.", "a branch is no path");
    }

    #[test]
    fn placeholders_have_their_place() {
        let template = Template::new("{a}/ü{b}{a} {c");
        let found: Vec<_> = template.placeholders().collect();
        assert_eq!(found, [(0, Some("a")), (6, Some("b")), (9, Some("a")), (13, None)]);
        assert!(template.has("b") && !template.has("c"));
    }

    #[test]
    fn a_branch_leads_back_to_its_release() {
        let template = Template::new("openshift-{release}");
        assert_eq!(template.value_in("openshift-4.16", "release"), Some("4.16"));
        assert_eq!(template.value_in("rhcos-4.16", "release"), None);
        assert_eq!(Template::new("a{release}a").value_in("a", "release"), None);
        assert_eq!(Template::new("main").value_in("main", "release"), None);
    }

    #[test]
    fn is_rewritten_for_the_current_directory() {
        let rebased = |text: &str| Template::relative_to(text, "conf").rebased();
        assert_eq!(rebased("./m/{org}"), "conf/m/{org}");
        assert_eq!(rebased("/m/{org}"), "/m/{org}");
        assert_eq!(rebased("https://host/{org}"), "https://host/{org}");
    }

    #[test]
    fn names_the_known_placeholders() {
        for template in ["/m/{branch}", "/m/{}", "/m/{ org}", "/m/{{org}}"] {
            let error = Template::new(template).expand(VALUES).unwrap_err().to_string();
            assert!(error.ends_with("known: `{org}`, `{repo}`, `{release}`"), "{error}");
        }
    }

    #[test]
    fn refuses_values_that_lead_elsewhere() {
        let template = Template::new("/mirrors/{org}/{repo}.git");
        for value in [
            "", ".", "..", "../x", "a/b", "/", "-x", "a\nb", "a\0", "a b", "a..b", "a\\b", "%2e%2e", "a?b", "a#b",
            "a@b", "host:1", "{repo}", "\u{85}",
        ] {
            let error = template.expand(&[("org", value), ("repo", "r")]).expect_err(value);
            assert!(
                matches!(&error, LocationError::BadValue { name, .. } if name == "org"),
                "{value}: {error}"
            );
            assert!(!error.to_string().contains('\n') && !error.to_string().contains('\0'));
        }
        assert!(template.expand(&[("org", ".github"), ("repo", "a_b-c.d")]).is_ok());
    }

    #[test]
    fn credentials_are_never_shown() {
        let template = Template::new("https://me:s3cret@host/{org}/{nope}");
        let error = template.expand(VALUES).unwrap_err();
        assert!(
            !format!("{template}{template:?}{error}{error:?}").contains("s3cret"),
            "{error}"
        );
    }
}
