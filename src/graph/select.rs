//! A part of the graph: one image, what it is built from, and what is built from it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Common, Graph};
use crate::model::graph::closure;

impl Graph {
    /// Finds an image by its tag or, where no tag is that, by its key.
    pub fn find(&self, image: &str) -> Option<&str> {
        let by_tag = self.images.iter().find(|node| node.tag == image);
        let node = by_tag.or_else(|| self.images.iter().find(|node| node.key == image))?;
        Some(&node.key)
    }

    /// Keeps of the graph an image by key, its ancestors and its descendants.
    #[must_use]
    pub fn around(mut self, key: &str) -> Self {
        let above = self.reached(key, Direction::Ancestors);
        let below = self.reached(key, Direction::Descendants);
        let both = |id: &String| above.contains(id) || below.contains(id);
        self.images.retain(|node| both(&node.key));
        self.externals.retain(|external| both(&external.pullspec));
        // An edge that leads past the image, from an ancestor to a descendant, says nothing about it.
        let kept = |edge: &super::Edge| {
            (above.contains(&edge.from) && above.contains(&edge.to))
                || (below.contains(&edge.from) && below.contains(&edge.to))
        };
        self.edges.retain(kept);
        self.cycles.retain(|cycle| cycle.iter().all(both));
        self.about = Some(key.to_owned());
        self
    }

    /// Draws no lines to what more than a third of all images are built from: these are marked with it. A graph of a few images
    /// is no knot, and neither is the part around one image.
    #[must_use]
    pub fn unknotted(mut self) -> Self {
        const FEW: usize = 30;
        if self.images.len() < FEW || self.about.is_some() {
            return self;
        }
        let mut built: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for edge in self.edges.iter().filter(|edge| !edge.in_cycle) {
            built.entry(&edge.from).or_default().insert(&edge.to);
        }
        built.retain(|_, marked| marked.len() * 3 > self.images.len());
        let mut common: Vec<(&str, BTreeSet<&str>)> = built.into_iter().collect();
        common.sort_by_key(|(id, marked)| (std::cmp::Reverse(marked.len()), *id));
        // An image has a handful of FROMs, so that no more than a dozen can be common to a third of all.
        let marks = '①'..='⑳';
        let common = common.into_iter().zip(marks).map(|((id, marked), mark)| Common {
            id: id.to_owned(),
            mark,
            marked: marked.into_iter().map(str::to_owned).collect(),
        });
        self.common = common.collect();
        let common = &self.common;
        self.edges
            .retain(|edge| edge.in_cycle || !common.iter().any(|one| one.id == edge.from));
        self
    }

    /// What an image is marked with.
    pub fn marks(&self, key: &str) -> String {
        let marks = self.common.iter().filter(|common| common.marked.contains(key));
        marks.map(|common| common.mark).collect()
    }

    /// What marks mean: the mark, the name of the image, and how many images have it.
    pub fn legend(&self) -> impl Iterator<Item = String> {
        self.common.iter().map(|common| {
            let image = self.images.iter().find(|node| node.key == common.id);
            let name = image.map_or(&common.id, |node| &node.tag);
            format!("{} built from {name}, {} images", common.mark, common.marked.len())
        })
    }

    /// All that can be reached from an image along edges in one direction, itself included.
    fn reached(&self, key: &str, direction: Direction) -> BTreeSet<String> {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for edge in &self.edges {
            let (at, to) = match direction {
                Direction::Ancestors => (&edge.to, &edge.from),
                Direction::Descendants => (&edge.from, &edge.to),
            };
            next.entry(at).or_default().push(to);
        }
        let steps = |node: &str| next.get(node).cloned().unwrap_or_default();
        closure([key], steps).into_iter().map(str::to_owned).collect()
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Ancestors,
    Descendants,
}
