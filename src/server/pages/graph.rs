//! The build graph as a picture: a column a wave, and what is built from what between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{Moment, assets, links, matrix, words};
use crate::base::Release;
use crate::graph::{Drift, Edge, EdgeKind, Graph, Node};
use crate::server::standing::{Standing, State};

/// Sizes of the picture, in its own units.
const WIDTH: usize = 200;
const HEIGHT: usize = 26;
const GAP: usize = 8;
/// Between columns of one wave, and between waves: edges need room there.
const NEAR: usize = 24;
const FAR: usize = 96;
const TOP: usize = 34;
const MARGIN: usize = 12;
/// More images than this of one wave make another column.
const A_COLUMN: usize = 36;
/// As many characters fit into a node.
const FITS: usize = 24;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    release: String,
    #[serde(default)]
    image: String,
    /// Anything: all lines are drawn.
    #[serde(default)]
    all: String,
}

/// The page.
#[derive(Serialize)]
pub(super) struct Picture {
    release: String,
    image: String,
    about: Option<String>,
    unknown: bool,
    releases: Vec<String>,
    lead: String,
    width: usize,
    height: usize,
    bands: Vec<Band>,
    edges: Vec<EdgeView>,
    nodes: Vec<NodeView>,
    list: Vec<Wave>,
    externals: Vec<String>,
    cycles: Vec<String>,
    states: Vec<Mark>,
    /// What marks on images mean.
    legend: Vec<String>,
    all: bool,
}

/// How a state is marked: by a shape as well as by a colour.
#[derive(Serialize)]
struct Mark {
    class: &'static str,
    title: &'static str,
    shape: &'static str,
}

#[derive(Serialize)]
struct Band {
    name: String,
    x: usize,
    width: usize,
}

#[derive(Serialize)]
struct EdgeView {
    class: &'static str,
    path: String,
}

#[derive(Serialize)]
struct NodeView {
    key: String,
    link: String,
    x: usize,
    y: usize,
    label: String,
    title: String,
    class: &'static str,
    about: bool,
}

/// The same as a list.
#[derive(Serialize)]
struct Wave {
    name: String,
    images: Vec<ImageView>,
}

#[derive(Serialize)]
struct ImageView {
    tag: String,
    link: String,
    class: &'static str,
    state: &'static str,
    from: Vec<String>,
}

impl Picture {
    /// The page; the newest release where none is named, `None` where the named one is not here.
    pub(super) fn of(look: &Moment<'_>, which: Which) -> Option<Self> {
        let releases: Vec<String> = look.view.releases.keys().map(ToString::to_string).collect();
        let release = if which.release.is_empty() {
            look.view.releases.keys().next_back().copied()
        } else {
            Some(
                which
                    .release
                    .parse::<Release>()
                    .ok()
                    .filter(|release| look.view.releases.contains_key(release))?,
            )
        };
        let whole = release.and_then(|release| drawn(look, release));
        let key = whole
            .as_ref()
            .and_then(|graph| graph.find(&which.image))
            .map(str::to_owned);
        let unknown = key.is_none() && !which.image.is_empty();
        let graph = match (whole, key) {
            (Some(graph), Some(key)) => graph.around(&key),
            (Some(graph), None) => graph,
            (None, _) => return Some(Self::empty(releases, which)),
        };
        let states = states(look, release);
        let drawn = match which.all.is_empty() {
            true => graph.clone().unknotted(),
            false => graph.clone(),
        };
        let layout = Layout::of(&graph);
        let about = graph.about.as_ref();
        let tag_of = |key: &String| {
            graph
                .images
                .iter()
                .find(|node| node.key == *key)
                .map(|node| node.tag.clone())
        };
        Some(Self {
            release: release.map(|release| release.to_string()).unwrap_or_default(),
            image: which.image,
            about: about.and_then(tag_of),
            unknown,
            releases,
            lead: lead(&graph),
            width: layout.width,
            height: layout.height,
            bands: layout
                .bands
                .clone()
                .into_iter()
                .map(|(name, x, width)| Band { name, x, width })
                .collect(),
            edges: drawn.edges.iter().filter_map(|edge| layout.edge(edge)).collect(),
            nodes: graph
                .images
                .iter()
                .filter_map(|node| layout.node(node, &graph, &states, &drawn.marks(&node.key)))
                .collect(),
            list: list(&graph, &states),
            externals: graph
                .externals
                .iter()
                .map(|external| external.pullspec.clone())
                .collect(),
            cycles: graph.cycles.iter().map(|cycle| cycle.join(" → ")).collect(),
            states: State::ALL.into_iter().map(mark).collect(),
            legend: drawn.legend().collect(),
            all: !which.all.is_empty(),
        })
    }

    fn empty(releases: Vec<String>, which: Which) -> Self {
        Self {
            release: which.release,
            image: which.image,
            about: None,
            unknown: false,
            releases,
            lead: "Nothing has been derived yet.".to_owned(),
            width: 0,
            height: 0,
            bands: Vec::new(),
            edges: Vec::new(),
            nodes: Vec::new(),
            list: Vec::new(),
            externals: Vec::new(),
            cycles: Vec::new(),
            states: Vec::new(),
            legend: Vec::new(),
            all: false,
        }
    }
}

fn mark(state: State) -> Mark {
    let class = matrix::class(state);
    Mark {
        class,
        title: state.title(),
        shape: assets::shape(class),
    }
}

fn drawn(look: &Moment<'_>, release: Release) -> Option<Graph> {
    let config = look.view.releases.get(&release)?.build_config.clone()?;
    let drift = Drift::of_plan(&look.view.plan, &release.to_string());
    Some(Graph::new(&config, Some(&drift)))
}

fn states(look: &Moment<'_>, release: Option<Release>) -> HashMap<String, State> {
    let standing = Standing::of(look.view);
    let state = |row: &crate::server::standing::Row<'_>| Some((row.key.to_owned(), row.cells.get(&release?)?.state));
    standing.rows.iter().filter_map(state).collect()
}

fn lead(graph: &Graph) -> String {
    let waves: BTreeSet<u32> = graph.images.iter().filter_map(|node| node.wave).collect();
    format!(
        "{} in {}, built from {} that come{} from elsewhere.",
        words::counted(graph.images.len(), "image"),
        words::counted(waves.len(), "wave"),
        words::counted(graph.externals.len(), "image"),
        if graph.externals.len() == 1 { "s" } else { "" }
    )
}

/// Waves in order; images without one come last.
fn waves(graph: &Graph) -> Vec<(String, Vec<&Node>)> {
    let mut waves: BTreeMap<(bool, Option<u32>), Vec<&Node>> = BTreeMap::new();
    for node in &graph.images {
        waves.entry((node.wave.is_none(), node.wave)).or_default().push(node);
    }
    let name = |wave: Option<u32>| wave.map_or_else(|| "in a circle".to_owned(), |wave| format!("wave {wave}"));
    waves
        .into_iter()
        .map(|((_, wave), nodes)| (name(wave), nodes))
        .collect()
}

fn list(graph: &Graph, states: &HashMap<String, State>) -> Vec<Wave> {
    let view = |node: &&Node| {
        let state = state_of(node, states);
        ImageView {
            tag: node.tag.clone(),
            link: links::image(&node.key, &graph.release),
            class: matrix::class(state),
            state: state.title(),
            from: parents(node, graph),
        }
    };
    let wave = |(name, nodes): (String, Vec<&Node>)| Wave {
        name,
        images: nodes.iter().map(view).collect(),
    };
    waves(graph).into_iter().map(wave).collect()
}

fn state_of(node: &Node, states: &HashMap<String, State>) -> State {
    // What is not among the images was not compared with anything.
    states.get(&node.key).copied().unwrap_or(State::NotBuilt)
}

/// What an image is built from, by tag or pullspec.
fn parents(node: &Node, graph: &Graph) -> Vec<String> {
    let name = |id: &String| {
        let image = graph.images.iter().find(|image| image.key == *id);
        image.map_or(id, |image| &image.tag).clone()
    };
    let names: BTreeSet<String> = graph
        .edges
        .iter()
        .filter(|edge| edge.to == node.key)
        .map(|edge| name(&edge.from))
        .collect();
    names.into_iter().collect()
}

/// Where everything stands.
struct Layout {
    places: HashMap<String, (usize, usize)>,
    bands: Vec<(String, usize, usize)>,
    width: usize,
    height: usize,
}

impl Layout {
    fn of(graph: &Graph) -> Self {
        let mut layout = Self {
            places: HashMap::new(),
            bands: Vec::new(),
            width: MARGIN,
            height: 0,
        };
        for (name, mut nodes) in waves(graph) {
            layout.order(&mut nodes, graph);
            layout.wave(name, &nodes);
        }
        layout.width = layout.width.saturating_sub(FAR) + MARGIN;
        layout.height += MARGIN;
        layout
    }

    /// Puts images that are built from the same near each other: by how high their parents stand.
    fn order(&self, nodes: &mut [&Node], graph: &Graph) {
        let height = |node: &&Node| {
            let parents = graph.edges.iter().filter(|edge| edge.to == node.key);
            let heights: Vec<usize> = parents
                .filter_map(|edge| Some(self.places.get(&edge.from)?.1))
                .collect();
            heights.iter().sum::<usize>() / heights.len().max(1)
        };
        nodes.sort_by_cached_key(|node| (height(node), node.tag.clone()));
    }

    fn wave(&mut self, name: String, nodes: &[&Node]) {
        let start = self.width;
        // Columns of one wave are as long as each other.
        let columns = nodes.len().div_ceil(A_COLUMN).max(1);
        for column in nodes.chunks(nodes.len().div_ceil(columns).max(1)) {
            for (at, node) in column.iter().enumerate() {
                let y = TOP + at * (HEIGHT + GAP);
                self.places.insert(node.key.clone(), (self.width, y));
                self.height = self.height.max(y + HEIGHT);
            }
            self.width += WIDTH + NEAR;
        }
        let width = self.width - NEAR - start;
        self.bands.push((name, start, width));
        self.width = start + width + FAR;
    }

    fn edge(&self, edge: &Edge) -> Option<EdgeView> {
        let ((x, y), (to_x, to_y)) = (self.places.get(&edge.from)?, self.places.get(&edge.to)?);
        let (x, y, to_y) = (x + WIDTH, y + HEIGHT / 2, to_y + HEIGHT / 2);
        let bend = to_x.abs_diff(x).min(FAR) / 2;
        let class = match edge.kind {
            _ if edge.in_cycle => "circle",
            EdgeKind::Base => "base",
            EdgeKind::Builder => "builder",
            EdgeKind::CopiesFrom => "copies",
        };
        let (first, second) = (x + bend, to_x.saturating_sub(bend));
        Some(EdgeView {
            class,
            path: format!("M{x} {y}C{first} {y} {second} {to_y} {to_x} {to_y}"),
        })
    }

    fn node(&self, node: &Node, graph: &Graph, states: &HashMap<String, State>, marks: &str) -> Option<NodeView> {
        let (x, y) = *self.places.get(&node.key)?;
        let state = state_of(node, states);
        let from = parents(node, graph);
        let built = if from.is_empty() {
            String::new()
        } else {
            format!(", built from {}", from.join(", "))
        };
        Some(NodeView {
            key: node.key.clone(),
            link: links::image(&node.key, &graph.release),
            x,
            y,
            label: clip(&node.tag, marks),
            title: format!("{}: {}{built}", node.tag, state.title()),
            class: matrix::class(state),
            about: graph.about.as_ref() == Some(&node.key),
        })
    }
}

/// As much of a name as fits in front of its marks.
fn clip(name: &str, marks: &str) -> String {
    let fits = match marks.chars().count() {
        0 => FITS,
        count => FITS.saturating_sub(count + 1).max(2),
    };
    let name = if name.chars().count() <= fits {
        name.to_owned()
    } else {
        name.chars().take(fits - 1).chain(['…']).collect()
    };
    format!("{name} {marks}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_fit_end_in_dots() {
        assert_eq!(clip("etcd", ""), "etcd");
        assert_eq!(clip("etcd", "①②"), "etcd ①②");
        assert_eq!(clip(&"x".repeat(FITS), "").chars().count(), FITS);
        assert_eq!(clip(&"x".repeat(FITS), "①").chars().count(), FITS);
        assert_eq!(clip(&"ü".repeat(FITS + 1), ""), format!("{}…", "ü".repeat(FITS - 1)));
    }
}
