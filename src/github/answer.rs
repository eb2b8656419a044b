//! The form of answers that several have in common, and of those about an App.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Fault, FaultKind};
use crate::base::loose::{List, Loose, May};

/// A page of a list; odd items are defaults in their place.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Default + DeserializeOwned")]
pub struct Page<T> {
    /// How many items there are on all pages.
    #[serde(default)]
    pub total_count: May<u64>,
    /// The items of this one.
    #[serde(default)]
    pub nodes: List<T>,
    /// What follows.
    #[serde(default)]
    pub page_info: Loose<PageInfo>,
}

/// What follows a page.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PageInfo {
    /// Whether there is a next page.
    pub has_next_page: Loose<bool>,
    /// After what it starts.
    pub end_cursor: May<String>,
}

/// Where an App is installed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Installation {
    /// Its id.
    pub(super) id: May<u64>,
    /// Since when it may do nothing.
    pub suspended_at: May<String>,
    /// What it may do, by the name of what it may do it with: `read`, `write`, `admin`.
    pub permissions: Loose<BTreeMap<String, May<String>>>,
}

/// A token that was made for an App.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Granted {
    pub(super) token: May<String>,
    pub(super) expires_at: Loose<String>,
}

/// Why something was refused.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) message: May<String>,
    pub(super) errors: List<Option<Reason>>,
}

/// One reason of several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Reason {
    Text(String),
    Told { message: String },
}

/// Data and errors of GraphQL.
#[derive(Deserialize)]
pub(super) struct Graph {
    #[serde(default)]
    pub(super) data: Value,
    #[serde(default)]
    pub(super) errors: Option<Vec<GraphError>>,
}

/// One error of a GraphQL answer.
#[derive(Debug, Deserialize)]
pub struct GraphError {
    /// Its type, e.g. `NOT_FOUND`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What GitHub said.
    #[serde(default)]
    pub message: String,
    /// The names that lead to what it is about.
    #[serde(default)]
    path: List<Value>,
}

impl GraphError {
    /// Whether it is about something below what is at a path of so many names, which the credential may not see: that costs only itself.
    fn is_barred_below(&self, names: usize) -> bool {
        matches!(self.fault(), FaultKind::Forbidden(_)) && self.path.len() > names
    }

    /// Which item of a list has a field that the credential may not see.
    fn barred_item(&self, list: &[&str], field: &str) -> Option<usize> {
        let [at, name, ..] = self.path.get(list.len()..)? else {
            return None;
        };
        let is_meant = name.as_str() == Some(field) && self.concerns(list) && self.is_barred_below(list.len());
        at.as_u64().filter(|_| is_meant).and_then(|at| at.try_into().ok())
    }

    /// Whether it is about what is at a path, something in it, or something around it. Without a path it may be about anything.
    fn concerns(&self, path: &[&str]) -> bool {
        let mut both = path.iter().zip(self.path.iter());
        both.all(|(name, at)| at.as_str() == Some(*name))
    }

    /// What it comes to where nothing else came.
    pub(super) fn fault(&self) -> FaultKind {
        let message = crate::base::text::terminal(&self.message);
        match self.kind.as_str() {
            "NOT_FOUND" => FaultKind::NotFound,
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => FaultKind::Forbidden(message),
            _ => FaultKind::Refused { status: 422, message },
        }
    }
}

/// Data of a GraphQL answer, of which some parts may have failed. A `null` is absence only where no part failed there.
#[derive(Debug)]
pub struct Parts {
    /// The data.
    pub data: Value,
    pub(super) errors: Vec<GraphError>,
}

impl Parts {
    /// Why what is at a path was not read, though an answer came. That something is not there is no failure.
    pub fn failed(&self, path: &[&str]) -> Option<FaultKind> {
        let mut errors = self.errors.iter().filter(|error| error.concerns(path));
        errors.find(|error| error.kind != "NOT_FOUND").map(GraphError::fault)
    }

    /// The same, where what the credential may not see in it costs only itself.
    pub fn failed_but_for_barred(&self, path: &[&str]) -> Option<FaultKind> {
        let mut errors = self.errors.iter().filter(|error| error.concerns(path));
        errors
            .find(|error| error.kind != "NOT_FOUND" && !error.is_barred_below(path.len()))
            .map(GraphError::fault)
    }

    /// Takes out of a list the items with a field that the credential may not see: that costs only themselves.
    pub fn leave_barred(&mut self, list: &[&str], field: &str) {
        let barred = |error: &GraphError| error.barred_item(list, field);
        let gone: BTreeSet<usize> = self.errors.iter().filter_map(barred).collect();
        self.errors.retain(|error| barred(error).is_none());
        let found = list.iter().try_fold(&mut self.data, |at, name| at.get_mut(*name));
        if let Some(items) = found.and_then(Value::as_array_mut) {
            let mut numbers = 0..;
            items.retain(|_| numbers.next().is_none_or(|at| !gone.contains(&at)));
        }
    }

    /// The data, where no part of it failed; `what` was asked for.
    ///
    /// # Errors
    /// A part of it could not be read.
    pub fn whole(self, what: String) -> Result<Value, Fault> {
        match self.failed(&[]) {
            Some(kind) => Err(Fault { what, kind }),
            None => Ok(self.data),
        }
    }

    /// No data, as where nothing that was asked for is there.
    pub fn none() -> Self {
        Self {
            data: Value::Null,
            errors: Vec::new(),
        }
    }
}

/// Somebody with an account.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Login {
    /// Its name; empty where it is gone.
    pub login: Loose<String>,
}

impl<T> Page<T> {
    /// After what the next page starts, if there is one.
    pub fn next(&self) -> Option<String> {
        self.page_info
            .end_cursor
            .clone()
            .filter(|_| *self.page_info.has_next_page)
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            total_count: May::default(),
            nodes: List::default(),
            page_info: Loose::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(errors: Value) -> Parts {
        Parts {
            data: Value::Null,
            errors: serde_json::from_value(errors).expect("errors"),
        }
    }

    #[test]
    fn a_part_that_failed_is_not_absent() {
        let timeout = json!([{"message": "Something went wrong", "path": ["r0", "f3"]}]);
        let answer = parts(timeout);
        let refused = FaultKind::Refused {
            status: 422,
            message: "Something went wrong".to_owned(),
        };
        for path in [&["r0", "f3"][..], &["r0"], &[], &["r0", "f3", "entries"]] {
            assert_eq!(answer.failed(path), Some(refused.clone()), "{path:?}");
        }
        for path in [&["r0", "f1"][..], &["r1"]] {
            assert_eq!(answer.failed(path), None, "{path:?}");
        }
        let absent = parts(json!([{"type": "NOT_FOUND", "message": "m", "path": ["r0"]}]));
        assert_eq!(absent.failed(&["r0"]), None);
        let anywhere = parts(json!([{"message": "m"}]));
        assert!(anywhere.failed(&["r0", "f1"]).is_some());
    }

    #[test]
    fn what_may_not_be_seen_costs_only_itself_where_that_is_asked_for() {
        let path = ["r0", "f0", "target", "status"];
        let answer = parts(json!([{"type": "FORBIDDEN", "message": "m", "path": path}]));
        let field = ["r0", "f0"];
        assert_eq!(answer.failed(&field), Some(FaultKind::Forbidden("m".to_owned())));
        assert_eq!(answer.failed_but_for_barred(&field), None);
        assert!(answer.failed_but_for_barred(&path).is_some());
    }

    #[test]
    fn an_item_that_may_not_be_seen_is_left_and_nothing_else_is() {
        let list = ["repository", "pullRequests", "nodes"];
        let error = |kind: &str, at: Value, field: &str| {
            let path = json!(["repository", "pullRequests", "nodes", at, field, "nameWithOwner"]);
            json!({"type": kind, "message": "m", "path": path})
        };
        let left = |errors: Value| {
            let mut answer = parts(errors);
            answer.data = json!({"repository": {"pullRequests": {"nodes": ["a", "b", "c"]}}});
            answer.leave_barred(&list, "headRepository");
            let found = answer.data["repository"]["pullRequests"]["nodes"].clone();
            (found, answer.whole(String::new()).is_ok())
        };
        let all = json!(["a", "b", "c"]);
        let barred = error("FORBIDDEN", json!(1), "headRepository");
        assert_eq!(left(json!([barred])), (json!(["a", "c"]), true));
        assert_eq!(
            left(json!([error("", json!(1), "headRepository")])),
            (all.clone(), false)
        );
        assert_eq!(
            left(json!([error("FORBIDDEN", json!(1), "labels")])),
            (all.clone(), false)
        );
        assert_eq!(
            left(json!([{"type": "FORBIDDEN", "path": ["repository", "base"]}])),
            (all, false)
        );
        let both = json!([barred, {"type": "FORBIDDEN", "path": ["fork", "head"]}]);
        assert_eq!(left(both), (json!(["a", "c"]), false));
    }
}
