//! Secrets that are one text: read when they are needed, so that a changed one holds at once; compared in constant time.

use std::io::Read;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::config::Secret;

/// The most bytes that a secret may have.
const MAX_SECRET: u64 = 4096;

/// Why a secret cannot be had. The text names its place and never itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable or file has none.
    #[error("{0} holds no secret")]
    Empty(String),
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, String),
    /// The file is larger than any secret.
    #[error("{0} is larger than {MAX_SECRET} bytes")]
    TooLarge(String),
}

/// Reads a secret. White space around it does not belong to it.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn read(secret: &Secret) -> Result<Vec<u8>, SecretError> {
    let (place, bytes) = match secret {
        Secret::Env(name) => {
            let value = std::env::var_os(name).unwrap_or_default();
            (format!("the variable {name}"), value.into_encoded_bytes())
        }
        Secret::File(file) => {
            let place = format!("the file {}", file.display());
            let bytes = read_file(file).map_err(|error| SecretError::Unreadable(place.clone(), error.to_string()))?;
            (place, bytes)
        }
    };
    if bytes.len() as u64 > MAX_SECRET {
        return Err(SecretError::TooLarge(place));
    }
    match bytes.trim_ascii() {
        [] => Err(SecretError::Empty(place)),
        secret => Ok(secret.to_vec()),
    }
}

fn read_file(file: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?
        .take(MAX_SECRET + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a message carries the signature that the secret's owner gives it.
pub fn is_signed(secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    mac(secret, message).is_some_and(|mac| mac.verify_slice(signature).is_ok())
}

/// Whether a token that was shown is the right one; how long the answer takes says nothing about it.
pub fn is_token(right: &[u8], shown: &[u8]) -> bool {
    let of_shown = mac(right, shown).map(|mac| mac.finalize().into_bytes());
    of_shown.is_some_and(|of_shown| is_signed(right, right, &of_shown))
}

fn mac(secret: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(message);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_anew_and_trimmed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let secret = Secret::File(file.clone());
        assert!(matches!(read(&secret), Err(SecretError::Unreadable(..))));
        for text in ["first\n", "  second "] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&secret).unwrap(), text.trim().as_bytes());
        }
        std::fs::write(&file, " \n").unwrap();
        assert!(matches!(read(&secret), Err(SecretError::Empty(_))));
        std::fs::write(&file, vec![b'x'; 5000]).unwrap();
        assert!(matches!(read(&secret), Err(SecretError::TooLarge(_))));
    }

    #[test]
    fn a_signature_is_that_of_the_message_and_the_secret() {
        // The example of GitHub's documentation of webhook deliveries.
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signature: Vec<u8> = (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        assert!(is_signed(b"It's a Secret to Everybody", b"Hello, World!", &signature));
        assert!(!is_signed(b"It's a Secret to Everybody", b"Hello, World?", &signature));
        assert!(!is_signed(b"another secret", b"Hello, World!", &signature));
        assert!(!is_signed(
            b"It's a Secret to Everybody",
            b"Hello, World!",
            &signature[..31]
        ));
    }

    #[test]
    fn a_token_is_the_right_one_or_not() {
        assert!(is_token(b"right", b"right"));
        for wrong in ["", "righ", "right ", "Right", "rightright"] {
            assert!(!is_token(b"right", wrong.as_bytes()), "{wrong:?}");
        }
    }
}
