//! What all drawings of a graph have in common: short names, labels, and the order of things.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, EdgeKind, External, Go, Graph, Node, State};
use crate::base::text::terminal;

/// From how many images on that are built from the same and used by none are drawn as one box.
const MANY: usize = 3;

/// A box of the drawing: one image, or several that are built from the same things and that nothing is built from.
pub(super) struct Item<'g> {
    /// Its name in the drawing, which no name of an input can break out of.
    pub name: String,
    /// Its images, never none.
    pub nodes: Vec<&'g Node>,
}

/// A graph as it is laid out.
pub(super) struct Layout<'g> {
    /// The boxes of each wave, those without a wave last.
    pub waves: Vec<(Option<u32>, Vec<Item<'g>>)>,
    /// The edges that are drawn; of a box with several images those of its first.
    pub edges: Vec<&'g Edge>,
    names: BTreeMap<&'g str, String>,
}

impl<'g> Layout<'g> {
    pub fn new(graph: &'g Graph) -> Self {
        let mut layout = Self {
            waves: Vec::new(),
            edges: Vec::new(),
            names: BTreeMap::new(),
        };
        let externals = graph.externals.iter().enumerate();
        let externals = externals.map(|(at, external)| (external.pullspec.as_str(), format!("x{at}")));
        layout.names.extend(externals);
        let mut folded = BTreeSet::new();
        for (wave, boxes) in boxes(graph) {
            let mut items = Vec::new();
            for nodes in boxes {
                let name = format!("i{}", layout.names.len());
                for (at, node) in nodes.iter().enumerate() {
                    layout.names.insert(&node.key, name.clone());
                    if at > 0 {
                        folded.insert(node.key.as_str());
                    }
                }
                items.push(Item { name, nodes });
            }
            layout.waves.push((wave, items));
        }
        let edges = graph.edges.iter();
        layout.edges = edges.filter(|edge| !folded.contains(edge.to.as_str())).collect();
        layout
    }

    /// The name of the box of an image (by key) or an external (by pullspec).
    pub fn name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }
}

type Boxes<'g> = Vec<Vec<&'g Node>>;
type Alike<'g> = BTreeMap<(String, Vec<(&'g str, EdgeKind)>), Vec<&'g Node>>;

/// Images by wave, those without one last, and in each wave those that are drawn as one.
fn boxes(graph: &Graph) -> Vec<(Option<u32>, Boxes<'_>)> {
    let common = graph.common.iter().map(|common| common.id.as_str());
    let used: BTreeSet<&str> = graph
        .edges
        .iter()
        .map(|edge| edge.from.as_str())
        .chain(common)
        .collect();
    let mut inputs: BTreeMap<&str, Vec<(&str, EdgeKind)>> = BTreeMap::new();
    for edge in &graph.edges {
        inputs.entry(&edge.to).or_default().push((&edge.from, edge.kind));
    }
    let alone = |node: &Node| used.contains(node.key.as_str()) || graph.about.as_ref() == Some(&node.key);
    let mut waves: BTreeMap<(bool, Option<u32>), (Boxes<'_>, Alike<'_>)> = BTreeMap::new();
    for node in &graph.images {
        let (boxes, alike) = waves.entry((node.wave.is_none(), node.wave)).or_default();
        if alone(node) {
            boxes.push(vec![node]);
        } else {
            let built_from = inputs.get(node.key.as_str()).cloned().unwrap_or_default();
            alike
                .entry((graph.marks(&node.key), built_from))
                .or_default()
                .push(node);
        }
    }
    let mut settled = Vec::new();
    for ((_, wave), (mut boxes, alike)) in waves {
        for nodes in alike.into_values() {
            if nodes.len() >= MANY {
                boxes.push(nodes);
            } else {
                boxes.extend(nodes.into_iter().map(|node| vec![node]));
            }
        }
        settled.push((wave, boxes));
    }
    settled
}

/// What a wave is called.
pub(super) fn wave_title(wave: Option<u32>) -> String {
    wave.map_or_else(|| "in a circle".to_owned(), |wave| format!("wave {wave}"))
}

/// Externals by the registry and namespace that they come from.
pub(super) fn places(graph: &Graph) -> BTreeMap<String, Vec<&External>> {
    let mut places: BTreeMap<String, Vec<&External>> = BTreeMap::new();
    for external in &graph.externals {
        let place = match (external.in_payload, external.pullspec.rsplit_once('/')) {
            (true, _) => "in the payload, built by no image here".to_owned(),
            (false, Some((place, _))) => terminal(place),
            (false, None) => "elsewhere".to_owned(),
        };
        places.entry(place).or_default().push(external);
    }
    places
}

/// A name with a mark of its own, where it is what many images are built from.
fn own_mark(graph: &Graph, id: &str, name: &str) -> String {
    let own = graph.common.iter().find(|common| common.id == id);
    own.map_or_else(
        || terminal(name),
        |common| format!("({}) {}", common.mark, terminal(name)),
    )
}

/// The lines of an image's label: tag and marks, repository, Go, state.
pub(super) fn lines(node: &Node, graph: &Graph) -> Vec<String> {
    let tag = format!("{} {}", own_mark(graph, &node.key, &node.tag), graph.marks(&node.key));
    let mut lines = vec![tag.trim_end().to_owned(), terminal(&node.repository)];
    lines.extend(node.go.as_ref().map(go));
    let state = match node.state {
        State::InStep | State::Unknown => None,
        State::New => Some("new"),
        State::Changed => Some("differs"),
        State::Held => Some("held: could not be derived"),
    };
    lines.extend(state.map(str::to_owned));
    lines.retain(|line| !line.is_empty());
    lines
}

fn go(go: &Go) -> String {
    let provided = terminal(&go.provided.join(", "));
    match &go.asked {
        Some(asked) if go.enough => format!("Go {provided} (asks {})", terminal(asked)),
        Some(asked) => format!("Go {provided}, asks {}!", terminal(asked)),
        None => format!("Go {provided}"),
    }
}

/// The lines of an external's label: its name in its place, and its Go.
pub(super) fn external_lines(external: &External, graph: &Graph) -> Vec<String> {
    let name = external
        .pullspec
        .rsplit_once('/')
        .map_or(external.pullspec.as_str(), |(_, name)| name);
    let mut lines = vec![own_mark(graph, &external.pullspec, name)];
    let told = |go: &&String| !name.contains(go.as_str());
    lines.extend(
        external
            .go
            .as_ref()
            .filter(told)
            .map(|go| format!("Go {}", terminal(go))),
    );
    lines
}

/// One line that says what the picture shows.
pub(super) fn title(graph: &Graph) -> String {
    let count = |state: State| graph.images.iter().filter(|node| node.state == state).count();
    let waves: BTreeSet<u32> = graph.images.iter().filter_map(|node| node.wave).collect();
    let mut parts = vec![
        counted(graph.images.len(), "image"),
        counted(waves.len(), "wave"),
        counted(graph.externals.len(), "image") + " from elsewhere",
    ];
    let states = [(State::New, "new"), (State::Changed, "differ"), (State::Held, "held")];
    for (state, word) in states {
        let count = count(state);
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    if !graph.cycles.is_empty() {
        parts.push(counted(graph.cycles.len(), "circle"));
    }
    let about = graph.about.as_deref().map(|key| format!(", around {}", terminal(key)));
    let legend: Vec<String> = graph.legend().map(|line| terminal(&line)).collect();
    let legend = if legend.is_empty() {
        String::new()
    } else {
        format!("; {}", legend.join("; "))
    };
    format!(
        "{}{}: {}{legend}",
        graph.release,
        about.unwrap_or_default(),
        parts.join(", ")
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
