//! Pull requests on GitHub: one commit without a clone, and people first.
//!
//! What was written is remembered at GitHub itself (marker comments in the body, trailers in the commit), so a run
//! needs nothing of the run before it; the journal only finishes sooner what a killed run had begun.

mod answers;
pub mod breaks;
mod budget;
mod files;
mod journal;
mod look;
mod options;
mod owners;
mod perform;
mod query;
pub mod remark;
mod steps;
pub mod tell;
mod text;
mod train;
mod tree;
mod write;

pub use journal::{Intent, Journal, NoJournal};
pub use options::{HOLD, Options};
pub use write::GithubWriter;

use std::sync::Arc;

use crate::github::{Client, Reader};

/// Pull requests on GitHub: what is there is read through a reader, which cannot write.
pub struct GithubForge {
    client: Arc<Client>,
    reader: Reader,
    options: Options,
}

impl GithubForge {
    /// Works through a client.
    pub fn new(client: Client, options: Options) -> Self {
        let client = Arc::new(client);
        Self {
            reader: Reader::new(Arc::clone(&client)),
            client,
            options,
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }
}
