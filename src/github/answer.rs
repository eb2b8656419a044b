//! The form of answers that several have in common, and of those about an App.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
#[derive(Clone, Debug, Deserialize)]
pub struct GraphError {
    /// Its type, e.g. `NOT_FOUND`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What GitHub said.
    #[serde(default)]
    pub message: String,
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
