//! The form of one entry: a header that tells whether its bytes can be trusted, and a value in postcard's encoding.
//!
//! ```text
//! schema (1) · checksum (4) · parser version (4) · generation (4) · value
//! ```
//! Numbers are little-endian. The checksum covers the key and everything after itself, so neither a torn value nor one that
//! stands under another's key is taken for good.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of this form and of the database's layout.
pub(super) const SCHEMA: u8 = 1;

/// The length of the header, in bytes.
const HEADER: usize = 13;

/// Makes the database's key of a kind and a key.
pub(super) fn key(kind: &str, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(kind.len() + 1 + key.len());
    full.extend_from_slice(kind.as_bytes());
    full.push(0);
    full.extend_from_slice(key);
    full
}

/// Encodes a value with its header.
pub(super) fn encode<T: Serialize>(
    key: &[u8],
    parser_version: u32,
    generation: u32,
    value: &T,
) -> postcard::Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER];
    bytes[5..9].copy_from_slice(&parser_version.to_le_bytes());
    bytes[9..HEADER].copy_from_slice(&generation.to_le_bytes());
    let bytes = postcard::to_extend(value, bytes)?;
    Ok(sealed(key, bytes))
}

/// Decodes a value. `None` where the bytes are damaged, of another form, or another parser's.
pub(super) fn decode<T: DeserializeOwned>(key: &[u8], parser_version: u32, bytes: &[u8]) -> Option<T> {
    if word(bytes, 5)? != parser_version || !is_whole(key, bytes) {
        return None;
    }
    postcard::from_bytes(bytes.get(HEADER..)?).ok()
}

/// Gives the generation in which an entry was last written; of damaged bytes the oldest, so that they go first.
pub(super) fn generation(bytes: &[u8]) -> u32 {
    word(bytes, 9).unwrap_or(0)
}

/// Gives an entry's bytes with another generation.
pub(super) fn with_generation(key: &[u8], bytes: &[u8], generation: u32) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    bytes.get_mut(9..HEADER)?.copy_from_slice(&generation.to_le_bytes());
    Some(sealed(key, bytes))
}

/// Sets schema and checksum of an entry that is otherwise complete.
fn sealed(key: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(key, &bytes[5..]);
    bytes[0] = SCHEMA;
    bytes[1..5].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn is_whole(key: &[u8], bytes: &[u8]) -> bool {
    let sum = bytes.get(5..).map(|rest| checksum(key, rest));
    bytes.first() == Some(&SCHEMA) && sum.is_some() && word(bytes, 1) == sum
}

fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(rest);
    hasher.finalize()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}
