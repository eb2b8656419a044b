//! A graph in Graphviz's language: from left to right by wave, what comes from elsewhere in clusters at the left.

use std::fmt::Write as _;

use super::draw::{Item, Layout, external_lines, lines, places, title, wave_title};
use super::{Edge, EdgeKind, External, Graph, Node, State};

/// Draws a graph. Thick lines lead from bases, thin ones from builders, dotted ones from what files are copied from.
pub fn dot(graph: &Graph) -> String {
    let layout = Layout::new(graph);
    let mut out = String::from("digraph lockstep {\n");
    let _ = writeln!(
        out,
        "  graph [rankdir=LR, ranksep=1.5, nodesep=0.08, newrank=true, fontname=\"sans-serif\", labelloc=t, label={}]",
        quoted(&[title(graph) + " (thick: base; thin: builder; dotted: files copied)"])
    );
    out.push_str(
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#555555\", fontname=\"sans-serif\", fontsize=10, margin=\"0.08,0.04\"]\n  \
         edge [color=\"#999999\", arrowsize=0.5]\n",
    );
    clusters(&mut out, graph, &layout);
    ranks(&mut out, graph, &layout);
    for edge in &layout.edges {
        line(&mut out, edge, &layout);
    }
    out.push_str("}\n");
    out
}

fn clusters(out: &mut String, graph: &Graph, layout: &Layout<'_>) {
    for (at, (place, externals)) in places(graph).into_iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_{at} {{\n    label={}\n    style=\"rounded,dashed\"\n    color=\"#888888\"\n    fontsize=11",
            quoted(&[place])
        );
        for external in externals {
            external_node(out, external, layout, graph);
        }
        out.push_str("  }\n");
    }
}

fn external_node(out: &mut String, external: &External, layout: &Layout<'_>, graph: &Graph) {
    let Some(name) = layout.name(&external.pullspec) else {
        return;
    };
    let fill = if external.in_payload { "#ffe0cc" } else { "#eeeeee" };
    let _ = writeln!(
        out,
        "    {name} [label={}, tooltip={}, shape=cds, style=filled, fillcolor=\"{fill}\"]",
        quoted(&external_lines(external, graph)),
        quoted(std::slice::from_ref(&external.pullspec))
    );
}

/// Each wave is a rank under a heading; headings follow one another, so that ranks do.
fn ranks(out: &mut String, graph: &Graph, layout: &Layout<'_>) {
    let mut headings = Vec::new();
    for (at, (wave, items)) in layout.waves.iter().enumerate() {
        let _ = writeln!(out, "  {{\n    rank=same");
        let title = quoted(&[wave_title(*wave)]);
        let _ = writeln!(
            out,
            "    w{at} [label={title}, shape=plaintext, style=\"\", fontsize=14]"
        );
        headings.push(format!("w{at}"));
        for item in items {
            boxed(out, item, graph);
        }
        out.push_str("  }\n");
    }
    if headings.len() > 1 {
        let _ = writeln!(out, "  {} [style=invis]", headings.join(" -> "));
    }
    // What comes from elsewhere stands in front of the first wave also where nothing of that is built from it.
    if let Some(first) = headings.first() {
        for external in &graph.externals {
            if let Some(name) = layout.name(&external.pullspec) {
                let _ = writeln!(out, "  {name} -> {first} [style=invis]");
            }
        }
    }
}

fn boxed(out: &mut String, item: &Item<'_>, graph: &Graph) {
    if let [node] = item.nodes.as_slice() {
        return image_node(out, &item.name, node, graph);
    }
    let columns = columns(item.nodes.len());
    let _ = write!(
        out,
        "    {} [shape=plain, style=\"\", label=<<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"3\" STYLE=\"ROUNDED\" COLOR=\"#555555\">",
        item.name
    );
    for row in item.nodes.chunks(columns) {
        out.push_str("<TR>");
        for node in row {
            let border = if is_short(node) {
                " BORDER=\"2\" COLOR=\"#cc0000\""
            } else {
                ""
            };
            let label: Vec<String> = lines(node, graph).iter().map(|line| html(line)).collect();
            let tip: Vec<String> = tip(node).iter().map(|line| html(line)).collect();
            let _ = write!(
                out,
                "<TD BGCOLOR=\"{}\"{border} TOOLTIP=\"{}\">{}</TD>",
                fill(node.state),
                tip.join("&#10;"),
                label.join("<BR/>")
            );
        }
        out.push_str("</TR>");
    }
    out.push_str("</TABLE>>]\n");
}

/// So many columns that a box is not much higher than wide; cells are about four times as wide as high.
fn columns(count: usize) -> usize {
    (1..).find(|columns| columns * columns * 4 >= count).unwrap_or(1)
}

fn fill(state: State) -> &'static str {
    match state {
        State::InStep => "#e3f4e3",
        State::New => "#dbe9ff",
        State::Changed => "#fff2c2",
        State::Held => "#eeeeee",
        State::Unknown => "#ffffff",
    }
}

/// Whether a builder of an image has an older Go than its go.mod asks for.
fn is_short(node: &Node) -> bool {
    node.go.as_ref().is_some_and(|go| !go.enough)
}

fn tip(node: &Node) -> Vec<String> {
    let file = Some(&node.dockerfile).filter(|file| !file.is_empty());
    [&node.key]
        .into_iter()
        .chain(file)
        .chain(&node.files)
        .cloned()
        .collect()
}

fn image_node(out: &mut String, name: &str, node: &Node, graph: &Graph) {
    let border = if is_short(node) {
        ", color=\"#cc0000\", penwidth=2"
    } else {
        ""
    };
    let dashed = if node.state == State::Held {
        ", style=\"rounded,filled,dashed\""
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "    {name} [label={}, tooltip={}, fillcolor=\"{}\"{border}{dashed}]",
        quoted(&lines(node, graph)),
        quoted(&tip(node)),
        fill(node.state)
    );
}

fn line(out: &mut String, edge: &Edge, layout: &Layout<'_>) {
    let (Some(from), Some(to)) = (layout.name(&edge.from), layout.name(&edge.to)) else {
        return;
    };
    let style = match (edge.in_cycle, edge.kind) {
        (true, _) => "color=\"#cc0000\", penwidth=3, constraint=false",
        (false, EdgeKind::Base) => "color=\"#333333\", penwidth=1.6",
        (false, EdgeKind::Builder) => "color=\"#888888\", penwidth=0.7",
        (false, EdgeKind::CopiesFrom) => "style=dotted, constraint=false",
    };
    let tip = match edge.at.as_slice() {
        [] => String::new(),
        at => format!(", edgetooltip={}", quoted(at)),
    };
    let _ = writeln!(out, "  {from} -> {to} [{style}{tip}]");
}

/// Lines as one quoted text of the language.
fn quoted(lines: &[String]) -> String {
    let mut out = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push_str("\\n");
        }
        for c in crate::base::text::terminal(line).chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                // A label's entities are resolved.
                '&' => out.push_str("&amp;"),
                c => out.push(c),
            }
        }
    }
    out.push('"');
    out
}

/// Text within an HTML-like label.
fn html(text: &str) -> String {
    let mut out = String::new();
    for c in crate::base::text::terminal(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
