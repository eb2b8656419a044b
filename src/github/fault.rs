//! What can go wrong between here and GitHub, told apart where somebody acts on the difference.

use std::time::Duration;

use crate::base::Barred;

/// Why a request did not do what it was sent for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {kind}")]
pub struct Fault {
    /// What was being done, e.g. `opening a pull request in openshift/release`.
    pub what: String,
    /// What happened.
    pub kind: FaultKind,
}

/// The kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The connection failed or took too long: what was sent may have been carried out.
    #[error("the connection failed ({0})")]
    Connection(String),
    /// GitHub had trouble of its own: what was sent may have been carried out.
    #[error("GitHub answered {0}, trouble of its own")]
    Server(u16),
    /// The answer was cut short or is not what the API gives.
    #[error("the answer cannot be read ({0})")]
    Garbled(String),
    /// Too much was asked for; nothing was carried out.
    #[error("{}, try again in {} s", if *.secondary { "GitHub asks to slow down" } else { "the limit of requests is used up" }, wait.as_secs())]
    RateLimited {
        /// How long to wait.
        wait: Duration,
        /// Whether it is the limit for bursts, not the one an hour.
        secondary: bool,
    },
    /// The credential is not accepted.
    #[error("the credential is not accepted ({0}): renew the token, or check the app's id and key")]
    Unauthorized(String),
    /// The credential may not do this.
    #[error("not permitted ({0}): docs/operations.md lists the permissions that are needed")]
    Forbidden(String),
    /// There is no such thing, or the credential may not see it.
    #[error("not found: the repository is not there, or the credential has no access to it")]
    NotFound,
    /// Something else changed it at the same time, or the request does not fit what is there.
    #[error("GitHub answered {status}: {message}")]
    Refused {
        /// 409 or 422.
        status: u16,
        /// What GitHub said.
        message: String,
    },
    /// A branch is no longer where it was seen.
    #[error("the branch has moved meanwhile")]
    Moved,
    /// The API sends elsewhere, where the credential must not go.
    #[error("the API redirects to another host ({0}), which is not followed; check `forge.api`")]
    Redirected(String),
    /// Any other answer.
    #[error("GitHub answered {status}: {message}")]
    Other {
        /// The status.
        status: u16,
        /// What GitHub said.
        message: String,
    },
    /// This process must not write any more; nothing was sent.
    #[error("nothing more is written: {0}")]
    Fenced(Barred),
    /// The secret could not be had.
    #[error("{0}")]
    Credential(String),
}

impl Fault {
    /// An answer that lacks what cannot be done without.
    pub fn lacks(what: String, field: &str) -> Self {
        let kind = FaultKind::lacks(field);
        Self { what, kind }
    }
}

impl FaultKind {
    /// The answer lacks what cannot be done without.
    pub fn lacks(field: &str) -> Self {
        Self::Garbled(format!("it has no `{field}`"))
    }

    /// Whether the same call may succeed when it is made again later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connection(_) | Self::Server(_) | Self::Garbled(_) | Self::RateLimited { .. }
        )
    }

    /// Whether the call was certainly not carried out.
    pub fn is_undone(&self) -> bool {
        matches!(self, Self::RateLimited { .. })
    }

    /// Whether it is worth looking at what is there now and deciding anew.
    pub fn asks_to_look_again(&self) -> bool {
        matches!(
            self,
            Self::Connection(_) | Self::Server(_) | Self::Garbled(_) | Self::Refused { .. } | Self::Moved
        )
    }
}
