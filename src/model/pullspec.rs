//! Pullspecs, taken apart.

use std::borrow::Cow;
use std::fmt;

/// The image that a pullspec names, by its digest in the place of the tag.
pub fn at_digest(pullspec: &str, digest: &str) -> String {
    // What stands behind the last colon is no tag where a slash follows: that is a port.
    let name = match pullspec.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => pullspec,
    };
    format!("{name}@{digest}")
}

/// `registry/namespace/name:tag`, as image streams of a cluster's registry are addressed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamTag {
    /// The registry's host.
    pub registry: String,
    /// The image stream's namespace.
    pub namespace: String,
    /// The image stream's name.
    pub name: String,
    /// The tag.
    pub tag: String,
}

impl StreamTag {
    /// Takes a pullspec apart; `None` where it has another form (a digest, more path, no tag).
    pub fn parse(pullspec: &str) -> Option<Self> {
        let (path, tag) = pullspec.rsplit_once(':')?;
        let mut parts = path.split('/');
        let (registry, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = [namespace, name, tag]
            .iter()
            .all(|part| !part.is_empty() && !part.contains(['@', ':', '/']));
        if parts.next().is_some() || registry.is_empty() || !plain {
            return None;
        }
        let own = str::to_owned;
        Some(Self {
            registry: own(registry),
            namespace: own(namespace),
            name: own(name),
            tag: own(tag),
        })
    }

    /// The key that OKD's configs give it in `base_images`.
    pub fn key(&self) -> String {
        format!("{}_{}_{}", self.namespace, self.name, self.tag)
    }
}

impl fmt::Display for StreamTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}:{}", self.registry, self.namespace, self.name, self.tag)
    }
}

/// The ways in which a registry's image stream tags are written: patterns with `<namespace>`, `<name>` and `<tag>`. The
/// first one is the form that all others are turned into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spellings {
    patterns: Vec<Pattern>,
}

/// What stands before, between and after namespace, name and tag.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    before: String,
    first: String,
    second: String,
    after: String,
}

impl Spellings {
    /// Reads patterns.
    ///
    /// # Errors
    /// The first pattern that lacks one of the three parts, or has them in another order or side by side.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, &'p str> {
        let patterns = patterns.into_iter().map(|text| Pattern::read(text).ok_or(text));
        Ok(Self {
            patterns: patterns.collect::<Result<_, _>>()?,
        })
    }

    /// Writes a pullspec as the first pattern has it; one that no pattern fits stays as it is.
    pub fn canonical<'t>(&self, pullspec: &'t str) -> Cow<'t, str> {
        let Some((first, others)) = self.patterns.split_first() else {
            return Cow::Borrowed(pullspec);
        };
        if first.parts(pullspec).is_some() {
            return Cow::Borrowed(pullspec);
        }
        let parts = others.iter().find_map(|pattern| pattern.parts(pullspec));
        parts.map_or(Cow::Borrowed(pullspec), |parts| Cow::Owned(first.write(parts)))
    }

    /// Tells whether two pullspecs name one image.
    pub fn same(&self, one: &str, other: &str) -> bool {
        one == other || self.canonical(one) == self.canonical(other)
    }
}

impl Pattern {
    fn read(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once("<namespace>")?;
        let (first, rest) = rest.split_once("<name>")?;
        let (second, after) = rest.split_once("<tag>")?;
        let apart = ![before, first, second].contains(&"");
        let own = str::to_owned;
        apart.then(|| Self {
            before: own(before),
            first: own(first),
            second: own(second),
            after: own(after),
        })
    }

    /// Namespace, name and tag of a pullspec of this form. A namespace and a name have none of the characters that stand
    /// between them; a tag may.
    fn parts<'t>(&self, pullspec: &'t str) -> Option<[&'t str; 3]> {
        let rest = pullspec.strip_prefix(&self.before)?.strip_suffix(self.after.as_str())?;
        let (namespace, rest) = rest.split_once(&self.first)?;
        let (name, tag) = rest.split_once(&self.second)?;
        let plain = |part: &str| !part.is_empty() && !part.contains(['/', ':', '@']);
        [namespace, name, tag]
            .into_iter()
            .all(plain)
            .then_some([namespace, name, tag])
    }

    fn write(&self, [namespace, name, tag]: [&str; 3]) -> String {
        let Self {
            before,
            first,
            second,
            after,
        } = self;
        format!("{before}{namespace}{first}{name}{second}{tag}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_image_are_turned_into_the_first() {
        let patterns = [
            "registry.example.com/<namespace>/<name>:<tag>",
            "proxy.example.com/all:<namespace>_<name>_<tag>",
        ];
        let spellings = Spellings::new(patterns).expect("patterns");
        let canonical = "registry.example.com/ocp/4.16:base_rhel9";
        assert_eq!(
            spellings.canonical("proxy.example.com/all:ocp_4.16_base_rhel9"),
            canonical
        );
        assert!(spellings.same(canonical, "proxy.example.com/all:ocp_4.16_base_rhel9"));
        for other in [
            canonical,
            "proxy.example.com/all:latest",
            "proxy.example.com/all:a_b@c_d",
            "scratch",
            "${BASE}",
        ] {
            assert_eq!(spellings.canonical(other), other);
        }
        assert_eq!(Spellings::default().canonical("a"), "a");
        for wrong in [
            "r/<namespace>/<name>",
            "<namespace>/<name>:<tag>",
            "r/<namespace><name>:<tag>",
            "r/<name>/<namespace>:<tag>",
        ] {
            assert_eq!(Spellings::new([wrong]), Err(wrong));
        }
    }

    #[test]
    fn only_the_form_of_an_image_stream_tag_is_taken_apart() {
        let tag = StreamTag::parse("registry.example.com:5000/ocp/builder:rhel-9").expect("a stream tag");
        assert_eq!(tag.key(), "ocp_builder_rhel-9");
        assert_eq!(tag.to_string(), "registry.example.com:5000/ocp/builder:rhel-9");
        for other in [
            "builder",
            "a/b:c",
            "r/a/b/c:t",
            "r/a/b@sha256:0",
            "r/a/b:",
            "/a/b:t",
            "scratch",
        ] {
            assert_eq!(StreamTag::parse(other), None, "{other}");
        }
    }
}
