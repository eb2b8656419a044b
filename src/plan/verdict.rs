//! What happens to one difference.

use serde::{Deserialize, Serialize};

/// What happens to one field that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is put right.
    Apply,
    /// It stays: the acceptance of this index in [`super::Policy::accept`] says so.
    Accepted(usize),
    /// It stays for now: it is not adopted.
    NotAdopted,
}
