//! Pull requests on GitHub: one commit without a clone, and people first.
//!
//! What was written is remembered at GitHub itself (marker comments in the body, trailers in the commit), so a run
//! needs nothing of the run before it; the journal only finishes sooner what a killed run had begun.

mod budget;
mod hand;
mod journal;
mod look;
mod options;
mod owners;
mod query;
mod steps;
mod text;
mod tree;
mod write;

pub use journal::{Intent, Journal, NoJournal};
pub use options::{HOLD, Options};
pub use write::GithubWriter;

use steps::Unfinished;

use super::{ForgeError, ForgeRead, Observed};
use crate::github::Client;
use crate::plan::PullRequest;

/// The reader of pull requests on GitHub.
pub struct GithubForge {
    client: Client,
    options: Options,
}

impl GithubForge {
    /// Reads through a client.
    pub fn new(client: Client, options: Options) -> Self {
        Self { client, options }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl ForgeRead for GithubForge {
    fn observe(&self, wanted: &PullRequest) -> Result<Observed, ForgeError> {
        let numbers = look::Numbers::default();
        Ok(look::look(&self.client, &self.options, wanted, Unfinished::default(), &numbers)?.observed)
    }
}
