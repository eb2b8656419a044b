//! A graph in Mermaid's language: a flowchart from left to right with a frame for each wave.

use std::fmt::Write as _;

use super::draw::{Item, Layout, external_lines, lines, places, title, wave_title};
use super::{Edge, EdgeKind, Graph, State};

/// As many edges as Mermaid draws unless whoever shows the picture allows more.
const MOST_EDGES: usize = 500;

/// Draws a graph. Where there would be more edges than Mermaid takes, those from builders that come from elsewhere are
/// left out, and a comment says so: an image's label says its Go.
pub fn mermaid(graph: &Graph) -> String {
    let layout = Layout::new(graph);
    let mut out = format!("---\ntitle: {}\n---\nflowchart LR\n", quoted(&[title(graph)]));
    let edges = edges(graph, &layout, &mut out);
    let used = |id: &str| edges.iter().any(|edge| edge.from == id);
    for (at, (place, externals)) in places(graph).into_iter().enumerate() {
        let shown: Vec<_> = externals
            .into_iter()
            .filter(|external| used(&external.pullspec))
            .collect();
        if shown.is_empty() {
            continue;
        }
        let _ = writeln!(out, "  subgraph p{at}[{}]", quoted(&[place]));
        for external in shown {
            if let Some(name) = layout.name(&external.pullspec) {
                let _ = writeln!(
                    out,
                    "    {name}([{}]):::external",
                    quoted(&external_lines(external, graph))
                );
            }
        }
        out.push_str("  end\n");
    }
    for (at, (wave, items)) in layout.waves.iter().enumerate() {
        let _ = writeln!(out, "  subgraph w{at}[{}]", quoted(&[wave_title(*wave)]));
        for item in items {
            boxed(&mut out, item, graph);
        }
        out.push_str("  end\n");
    }
    for edge in &edges {
        if let (Some(from), Some(to)) = (layout.name(&edge.from), layout.name(&edge.to)) {
            let _ = writeln!(out, "  {from} {} {to}", arrow(edge));
        }
    }
    out.push_str(CLASSES);
    out
}

const CLASSES: &str = "  \
  classDef external fill:#eeeeee,stroke:#888888
  classDef instep fill:#e3f4e3,stroke:#555555
  classDef new fill:#dbe9ff,stroke:#555555
  classDef differs fill:#fff2c2,stroke:#555555
  classDef held fill:#eeeeee,stroke:#555555,stroke-dasharray:4
  classDef plain fill:#ffffff,stroke:#555555
  classDef short fill:#ffffff,stroke:#cc0000,stroke-width:3px
";

fn boxed(out: &mut String, item: &Item<'_>, graph: &Graph) {
    let alone = item.nodes.len() == 1;
    if !alone {
        let _ = writeln!(
            out,
            "    subgraph {}[{}]",
            item.name,
            quoted(&[format!("{} images", item.nodes.len())])
        );
    }
    for (at, node) in item.nodes.iter().enumerate() {
        let short = node.go.as_ref().is_some_and(|go| !go.enough);
        let name = if alone {
            item.name.clone()
        } else {
            format!("{}_{at}", item.name)
        };
        let _ = writeln!(
            out,
            "    {name}[{}]:::{}",
            quoted(&lines(node, graph)),
            class(node.state, short)
        );
    }
    if !alone {
        out.push_str("    end\n");
    }
}

fn edges<'g>(graph: &Graph, layout: &Layout<'g>, out: &mut String) -> Vec<&'g Edge> {
    let all = layout.edges.clone();
    if all.len() <= MOST_EDGES {
        return all;
    }
    let external = |edge: &Edge| graph.externals.iter().any(|external| external.pullspec == edge.from);
    let (left, shown): (Vec<&Edge>, Vec<&Edge>) = all
        .into_iter()
        .partition(|edge| edge.kind == EdgeKind::Builder && external(edge));
    let _ = writeln!(
        out,
        "  %% {} edges from builders that come from elsewhere are left out",
        left.len()
    );
    shown
}

fn class(state: State, short: bool) -> &'static str {
    match (short, state) {
        (true, _) => "short",
        (false, State::InStep) => "instep",
        (false, State::New) => "new",
        (false, State::Changed) => "differs",
        (false, State::Held) => "held",
        (false, State::Unknown) => "plain",
    }
}

fn arrow(edge: &Edge) -> &'static str {
    match (edge.in_cycle, edge.kind) {
        (true, _) => "-->|circle|",
        (false, EdgeKind::Base) => "==>",
        (false, EdgeKind::Builder) => "-->",
        (false, EdgeKind::CopiesFrom) => "-.->",
    }
}

/// Lines as one quoted text: quotes and marks of markup become entity codes, as Mermaid writes them.
fn quoted(lines: &[String]) -> String {
    let mut out = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push_str("<br/>");
        }
        for c in crate::base::text::terminal(line).chars() {
            match c {
                '"' | '<' | '>' | '&' | '#' | '`' | ';' | '\\' => {
                    let _ = write!(out, "#{};", u32::from(c));
                }
                c => out.push(c),
            }
        }
    }
    out.push('"');
    out
}
