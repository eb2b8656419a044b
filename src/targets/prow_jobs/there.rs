//! A job as it is: what of it is not the generator's to say.

use serde_json::{Map, Value as Json, json};

use super::facts::limit;
use crate::yaml::Node;

/// What a job that is there says and its config does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct There {
    /// Whether the job is there at all.
    pub exists: bool,
    /// The cluster that the dispatcher gave it.
    pub cluster: String,
    /// How many of it run at once; null: as many as there are.
    pub max_concurrency: Json,
    /// Whether it reports nothing.
    pub skip_report: bool,
    /// Where it reports its results; null: nowhere.
    pub reporter: Json,
}

impl There {
    /// What a parsed job says.
    pub fn of(job: &Node) -> Self {
        let cluster = job.get("cluster").and_then(Node::text).unwrap_or_default();
        Self {
            exists: true,
            cluster: cluster.to_owned(),
            max_concurrency: limit(job),
            skip_report: job.get("skip_report").and_then(Node::as_bool) == Some(true),
            reporter: reporter(job),
        }
    }

    /// As rules see it.
    pub fn view(&self) -> Json {
        json!({
            "exists": self.exists, "cluster": self.cluster, "max_concurrency": self.max_concurrency,
            "skip_report": self.skip_report, "reporter": self.reporter,
        })
    }
}

/// The settings that a job can have about its reports; others are no settings, and the generator drops them.
fn reporter(job: &Node) -> Json {
    let Some(section) = job.get("reporter_config").filter(|section| section.as_map().is_some()) else {
        return Json::Null;
    };
    let Some(slack) = section.get("slack").filter(|slack| slack.as_map().is_some()) else {
        return json!({});
    };
    let mut kept = Map::new();
    let text = |key: &str| slack.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    for key in ["channel", "host", "report_template"] {
        kept.extend(text(key).map(|text| (key.to_owned(), json!(text))));
    }
    let states = slack
        .get("job_states_to_report")
        .filter(|states| states.as_seq().is_some_and(|s| !s.is_empty()));
    kept.extend(states.map(|states| ("job_states_to_report".to_owned(), Json::from(states))));
    let report = slack.get("report").and_then(Node::as_bool);
    kept.extend(report.map(|report| ("report".to_owned(), json!(report))));
    json!({ "slack": kept })
}
