//! What an image's `inputs` and `from` mean: for each place of its Dockerfile, the image that is there in the end.
//!
//! CI's builder is asked, or rather its simulator ([`crate::model::replacement`]). So texts that replace nothing say nothing,
//! and neither do inputs that replace a pullspec by itself, the order of texts, and the names of keys.

use super::froms::{Want, Wants, copies, froms};
use crate::model::build_config::Image;
use crate::model::pullspec::{Spellings, StreamTag};
use crate::model::replacement::{Became, read_item, replace};
use crate::yaml::Node;

/// The image in each place of a Dockerfile; `None` where that is nobody's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// By `FROM`, in order.
    pub froms: Vec<Option<String>>,
    /// By `COPY --from`, in order.
    pub copies: Vec<Option<String>>,
}

/// A part of what an item says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The last `FROM`.
    Base,
    /// Everything else.
    Inputs,
}

impl Sources {
    /// Whether a part is as wanted.
    pub fn same(&self, wanted: &Self, part: Part) -> bool {
        let equal = |(there, wanted): (&Option<String>, &Option<String>)| wanted.is_none() || there == wanted;
        let last = self.froms.len().saturating_sub(1);
        let mut froms = self.froms.iter().zip(&wanted.froms).enumerate();
        let froms = froms.all(|(at, pair)| (at == last) != (part == Part::Base) || equal(pair));
        froms && (part == Part::Base || self.copies.iter().zip(&wanted.copies).all(equal))
    }
}

/// Looks up what references and texts stand for.
pub struct Reader<'r> {
    /// The image whose Dockerfile it is.
    pub image: &'r Image,
    /// `base_images`, the first that has a key counts.
    pub base_images: [Option<&'r Node>; 2],
    /// Spellings of one image.
    pub spellings: &'r Spellings,
}

impl Reader<'_> {
    /// What an item makes of the Dockerfile.
    pub fn there(&self, item: &Node) -> Sources {
        let read = read_item(item);
        let built = replace(&self.image.stages, &read.replacements);
        let froms = built.froms.iter().enumerate();
        let froms = froms.map(|(at, became)| match became {
            Became::Replaced(reference) => self.image_of(reference),
            Became::Stayed(_) => self.stayed(at),
        });
        let copies = built.copies.iter().map(|became| match became {
            Became::Replaced(reference) => self.image_of(reference),
            Became::Stayed(text) => self.copied(text),
        });
        Sources {
            froms: froms.map(Some).collect(),
            copies: copies.map(Some).collect(),
        }
    }

    /// What should be made of it.
    pub fn wanted(&self, wants: &Wants) -> Sources {
        let froms = wants.froms.iter().enumerate().map(|(at, want)| match want {
            Want::Stays => Some(self.stayed(at)),
            Want::By(reference) => Some(self.image_of(reference)),
            Want::Open => None,
        });
        let texts = self.image.stages.copies();
        let copies = wants.copies.iter().zip(texts).map(|(want, (text, _))| match want {
            Want::Stays => Some(self.copied(text)),
            Want::By(reference) => Some(self.image_of(reference)),
            Want::Open => None,
        });
        Sources {
            froms: froms.collect(),
            copies: copies.collect(),
        }
    }

    /// What a `FROM` names that nothing replaces: an image, or an earlier stage.
    fn stayed(&self, at: usize) -> String {
        let mut froms = froms(self.image);
        let line = froms.find(|(stage, _)| *stage == at);
        line.map_or_else(|| format!("stage {at}"), |(_, line)| self.plain(line.written))
    }

    fn copied(&self, text: &str) -> String {
        let copy = copies(self.image).find(|copy| copy.token == text);
        copy.map_or_else(|| format!("stage {text}"), |copy| self.plain(copy.written))
    }

    /// An image that nothing replaces, in the same form as a base image's.
    fn plain(&self, written: &str) -> String {
        let written = self.spellings.canonical(written);
        match StreamTag::parse(&written) {
            Some(tag) => format!("{}/{}:{}", tag.namespace, tag.name, tag.tag),
            None => written.into_owned(),
        }
    }

    /// What a reference of the file stands for: a base image's stream tag, or the name of something made in the file.
    fn image_of(&self, reference: &str) -> String {
        let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let mut bases = self.base_images.iter().flatten();
        match bases.find_map(|images| images.get(reference)) {
            Some(node) => format!(
                "{}/{}:{}",
                text(node, "namespace"),
                text(node, "name"),
                text(node, "tag")
            ),
            None => reference.to_owned(),
        }
    }
}

/// The Dockerfile's path from the repository's root, and the build context, without `.` segments.
pub fn dockerfile(item: &Node) -> (String, String) {
    let text = |key: &str| item.get(key).and_then(Node::text).unwrap_or_default();
    let clean = |path: &str| crate::base::segments_of(path).collect::<Vec<_>>().join("/");
    let (context, path) = (clean(text("context_dir")), text("dockerfile_path"));
    let path = clean(&format!(
        "{context}/{}",
        if path.is_empty() { "Dockerfile" } else { path }
    ));
    (path, context)
}
