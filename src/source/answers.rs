//! What answers of servers go through before anything is believed of them, for the mutation runner (`tests/fuzz`).

use super::{http, oci};

/// An answer of a git server, whichever it is taken for.
pub fn git(bytes: &[u8]) {
    http::read_answer(bytes);
}

/// A layer of an image.
pub fn layer(bytes: &[u8]) {
    oci::read_layer(bytes);
}
