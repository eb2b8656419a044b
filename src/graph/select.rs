//! A part of the graph: one image, what it is built from, and what is built from it.

use std::collections::{BTreeMap, BTreeSet};

use super::Graph;
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
