//! Brings the contents of files that were left out when a commit or a history was fetched.

use std::sync::Arc;

use git2::Oid;

use super::http::{Client, Session};
use super::mirror::Mirror;
use super::{Progress, RemoteUrl, SourceError};

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
    /// The host cannot be reached, or does not hand them out.
    pub(super) fn bring(&self, oids: &[Oid]) -> Result<(), SourceError> {
        let report = |line: &str| {
            if let Some(progress) = &self.progress {
                progress(&format!("{}: {line}", self.url));
            }
        };
        let session = Session::connect(&self.client, &self.url)?;
        self.mirror.bring_blobs(&session, self.whole, oids, &report)
    }
}
