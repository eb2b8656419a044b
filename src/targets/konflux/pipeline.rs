//! The shared build pipeline: written once where it is not there, and kept up to date by bots from then on.

use super::fresh::Shared;
use super::plans::World;

const PIPELINE: &str = include_str!("okd-build.yaml");
/// The script that replaces what Dockerfiles are built from, as its task runs it.
const SCRIPT: &str = include_str!("from-map.sh");
/// How far the lines of the script are indented in the pipeline.
const INDENT: &str = "        ";

/// The pipeline's text.
pub(super) fn text(world: &World, shared: &Shared<'_>) -> String {
    let mut script = String::from("|");
    for line in SCRIPT.lines() {
        script.push('\n');
        if !line.is_empty() {
            script.push_str(INDENT);
            script.push_str(line);
        }
    }
    PIPELINE
        .replace("@NAME@", shared.name(world))
        .replace("@RUNNER@", &world.konflux.pipeline.value.runner)
        .replace("@SCRIPT@", &script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{self, Node};

    #[test]
    fn the_script_stands_in_the_pipeline_as_it_is() {
        let world = World::default();
        let text = text(&world, &Shared::Unknown);
        let root = yaml::parse(text.as_bytes()).expect("YAML");
        let tasks = root.at(&["spec", "tasks"]).and_then(Node::as_seq).expect("tasks");
        let named = |list: &[Node], name: &str| {
            let found = list
                .iter()
                .find(|item| item.get("name").and_then(Node::text) == Some(name));
            found.cloned().expect("one of that name")
        };
        let task = named(tasks, "from-map");
        let script = named(task.get("params").and_then(Node::as_seq).expect("params"), "SCRIPT");
        assert_eq!(script.get("value").and_then(Node::as_str), Some(SCRIPT));
    }
}
