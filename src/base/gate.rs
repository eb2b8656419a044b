//! Says, right before each write, whether it may still be made.

use std::fmt;
use std::sync::Arc;

/// Why a write must not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// Who asks for it may only read.
    #[error("a reader asked for a change")]
    Reader,
    /// The process is about to end.
    #[error("the service is shutting down; the next run goes on from here")]
    Ending,
    /// It was started to look only.
    #[error("this service only observes (`--observe`)")]
    Observes,
    /// The lease was ours, and has run out.
    #[error("the lease was not renewed in time: another replica may write by now")]
    LeaseLost,
    /// The lease is another's.
    #[error("another replica has the lease")]
    NoLease,
}

/// Says whether a write may still be made. Whoever writes asks before every single request: between the answer and the
/// request nothing else is done, so that at most the request in flight comes late.
pub trait Guard: Send + Sync {
    /// Lets the next write through.
    ///
    /// # Errors
    /// Why it must not be made.
    fn may_write(&self) -> Result<(), Barred>;
}

/// A guard that is shared; lets everything through by default.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<dyn Guard>>);

impl Gate {
    /// A gate that asks a guard.
    pub fn new(guard: Arc<dyn Guard>) -> Self {
        Self(Some(guard))
    }

    /// Lets the next write through.
    ///
    /// # Errors
    /// Why it must not be made.
    pub fn pass(&self) -> Result<(), Barred> {
        self.0.as_ref().map_or(Ok(()), |guard| guard.may_write())
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "guarded" } else { "open" })
    }
}
