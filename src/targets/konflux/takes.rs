//! Whether the pipeline of a run takes the map of what is replaced.

use super::branch::tell;
use super::plans::Plan;
use super::repository::Repository;
use super::runs::Run;
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::Node;

impl Repository<'_> {
    /// Whether the run's pipeline replaces what the Dockerfile is built from.
    pub(super) fn pipeline(&self, files: &mut Files<'_>, plan: &Plan, run: &Run) {
        let Some(node) = files.documents(&run.path).get(run.document).cloned() else {
            return;
        };
        if plan.from_map.is_empty() {
            return;
        }
        let finding = match self.takes(files, &node) {
            Takes::Map => return,
            Takes::NoMap(which) => {
                let text = format!(
                    "{which} takes no `from-map`, so {} is built from what its Dockerfile names",
                    run.name
                );
                Finding::new(Severity::Warning, "from-not-replaced", text)
                    .with_help("let the run use the shared pipeline, or its pipeline take the parameter")
            }
            Takes::Unknown(which) => {
                let text = format!("whether {which} takes the `from-map` of {} is not known", run.name);
                Finding::new(Severity::Note, "pipeline-unknown", text)
                    .with_help("see that it does, or let the run use the shared pipeline")
            }
        };
        tell(files, plan, run, finding);
    }

    fn takes(&self, files: &Files<'_>, node: &Node) -> Takes {
        let spec = node.get("spec");
        if let Some(inline) = spec.and_then(|spec| spec.get("pipelineSpec")) {
            return match takes_map(inline) {
                true => Takes::Map,
                false => Takes::NoMap("the pipeline in it".to_owned()),
            };
        }
        let Some(reference) = spec.and_then(|spec| spec.get("pipelineRef")) else {
            return Takes::Unknown("its pipeline".to_owned());
        };
        if *reference == self.shared.reference(self.world) {
            return Takes::Map;
        }
        if let Some(name) = reference.get("name").and_then(Node::text) {
            let documents = files.below(&self.folder).flat_map(|(_, file)| file.documents.iter());
            let mut pipelines = documents.filter(|node| {
                node.get("kind").and_then(Node::as_str) == Some("Pipeline")
                    && node.at(&["metadata", "name"]).and_then(Node::text) == Some(name)
            });
            return match pipelines.next().and_then(|pipeline| pipeline.get("spec")) {
                Some(spec) if takes_map(spec) => Takes::Map,
                Some(_) => Takes::NoMap(format!("pipeline {name}")),
                None => Takes::Unknown(format!("pipeline {name}")),
            };
        }
        let of = |name: &str| {
            let params = reference.get("params").and_then(Node::as_seq).unwrap_or_default();
            let found = params
                .iter()
                .find(|param| param.get("name").and_then(Node::text) == Some(name));
            found.and_then(|param| param.get("value")?.text()).unwrap_or_default()
        };
        let shared = self.shared.reference(self.world);
        let same = |name: &str| {
            let own = shared.get("params").and_then(Node::as_seq).unwrap_or_default();
            own.iter().any(|param| {
                param.get("name").and_then(Node::text) == Some(name)
                    && param
                        .get("value")
                        .and_then(Node::text)
                        .map(|url| url.trim_end_matches(".git"))
                        == Some(of(name).trim_end_matches(".git"))
            })
        };
        match same("url") && same("pathInRepo") {
            true => Takes::Map,
            false => Takes::Unknown(
                format!("the pipeline {} {} {}", of("url"), of("pathInRepo"), of("bundle"))
                    .trim()
                    .to_owned(),
            ),
        }
    }
}

/// Whether a pipeline takes the map.
enum Takes {
    Map,
    NoMap(String),
    Unknown(String),
}

fn takes_map(spec: &Node) -> bool {
    let params = spec.get("params").and_then(Node::as_seq).unwrap_or_default();
    params
        .iter()
        .any(|param| param.get("name").and_then(Node::text) == Some("from-map"))
}
