//! Pullspecs, taken apart.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

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
