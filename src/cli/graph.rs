//! `lockstep graph`

use anyhow::anyhow;
use lockstep::finding;
use lockstep::graph::{Drift, Graph, dot::dot, mermaid::mermaid};

use super::args::{GraphArgs, GraphFormat};
use super::{Ended, Outcome, Usage, lines, print, schema_of, setup};

/// Prints what is built from what in one release.
pub fn run(args: &GraphArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Graph>()?)?;
        return Ok(Ended::Done);
    }
    let ready = setup::ready(&args.common)?;
    if let [first, _, ..] = ready.releases.as_slice() {
        let known: Vec<_> = ready.releases.iter().map(ToString::to_string).collect();
        let text = format!(
            "a graph is of one release: add `--release {first}`, or another of {}",
            known.join(", ")
        );
        return Err(Usage(text).into());
    }
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    for release in &releases {
        if finding::lacks_component(&release.findings) {
            ended = Ended::Failed;
        }
        let plan = ready.plan_of(release)?;
        let drift = plan.map(|plan| Drift::of_plan(&plan, &release.metadata.release.to_string()));
        let graph = Graph::new(release.build_config(), drift.as_ref());
        let graph = match &args.image {
            Some(image) => around(graph, image)?,
            None if args.all_edges || args.format == GraphFormat::Json => graph,
            None => graph.unknotted(),
        };
        print(&match args.format {
            GraphFormat::Dot => dot(&graph),
            GraphFormat::Mermaid => mermaid(&graph),
            GraphFormat::Json => serde_json::to_string_pretty(&graph)? + "\n",
        })?;
    }
    Ok(ended)
}

fn around(graph: Graph, image: &str) -> Result<Graph, anyhow::Error> {
    let Some(key) = graph.find(image).map(str::to_owned) else {
        let known = graph.images.iter().map(|node| node.tag.as_str());
        let near = lines::near(image, known);
        return Err(anyhow!("no image of the release has the tag or key `{image}`{near}"));
    };
    Ok(graph.around(&key))
}
