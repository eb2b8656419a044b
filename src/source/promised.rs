//! Brings the contents of files that were left out when a commit or a history was fetched.

use std::sync::Arc;

use git2::Oid;

use super::http::{Client, Session};
use super::mirror::Mirror;
use super::{Progress, RemoteUrl};

/// What brings contents of files into a fetched repository.
pub(super) struct Promised {
    pub(super) mirror: Mirror,
    pub(super) url: RemoteUrl,
    pub(super) client: Arc<Client>,
    /// The commit that is fetched whole where the server does not give files by their ids; `None`: then they cannot be had.
    pub(super) whole: Option<Oid>,
    pub(super) progress: Option<Progress>,
}

impl Promised {
    /// Brings files by their ids.
    ///
    /// # Errors
    /// A sentence for people.
    pub(super) fn bring(&self, oids: &[Oid]) -> Result<(), String> {
        let report = |line: &str| {
            if let Some(progress) = &self.progress {
                progress(&format!("{}: {line}", self.url));
            }
        };
        let session = Session::connect(&self.client, &self.url).map_err(|error| error.to_string())?;
        let brought = self.mirror.bring_blobs(&session, self.whole, oids, &report);
        brought.map_err(|error| error.to_string())
    }
}
