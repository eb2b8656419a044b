//! What requests are signed with: a token of the environment or a file, or an app's token for each organisation.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::FaultKind;
use crate::base::RepoName;

/// Where a secret is found. The secret itself is never part of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A GitHub App's id and its private key's file.
    App {
        /// The app's id.
        id: u64,
        /// The PEM file with the private key.
        key_file: PathBuf,
    },
    /// The environment variable that holds a token.
    TokenEnv(String),
    /// The file that holds a token.
    TokenFile(PathBuf),
}

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one header that carries it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the secret out of a text.
    pub(super) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.0, "***")
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How long before its end an installation's token is renewed, in seconds.
const MARGIN: i64 = 300;

/// Where tokens come from.
#[derive(Debug)]
pub struct Auth {
    credential: Credential,
    installations: Mutex<BTreeMap<String, Installation>>,
}

/// An app's token for one organisation.
#[derive(Clone, Debug)]
struct Installation {
    token: Secret,
    ends: i64,
}

/// What is at hand for a request.
pub(super) enum Token {
    /// A token that can be used.
    Ready(Secret),
    /// An installation's token has to be asked for, with this signed claim.
    AskWith(Secret),
}

impl Auth {
    /// Uses a credential of the configuration.
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            installations: Mutex::default(),
        }
    }

    /// The token for an organisation. Variables and files are read each time, so that a renewed token is noticed.
    pub(super) fn token(&self, org: &str, now: i64) -> Result<Token, FaultKind> {
        let ready = |text: String| Token::Ready(Secret::new(text.trim()));
        match &self.credential {
            Credential::TokenEnv(name) => match std::env::var(name) {
                Ok(text) if !text.trim().is_empty() => Ok(ready(text)),
                _ => Err(FaultKind::Credential(format!(
                    "the environment variable {name} (`forge.token-env`) holds no token"
                ))),
            },
            Credential::TokenFile(path) => read(path, "forge.token-file").map(ready),
            Credential::App { id, key_file } => {
                let known = self.known().get(org).filter(|known| known.ends - MARGIN > now).cloned();
                match known {
                    Some(known) => Ok(Token::Ready(known.token)),
                    None => claim(*id, key_file, now).map(Token::AskWith),
                }
            }
        }
    }

    /// What an App says of itself; nothing where the credential is a token.
    pub(super) fn claim(&self, now: i64) -> Result<Option<Secret>, FaultKind> {
        match &self.credential {
            Credential::App { id, key_file } => claim(*id, key_file, now).map(Some),
            Credential::TokenEnv(_) | Credential::TokenFile(_) => Ok(None),
        }
    }

    /// Keeps an installation's token until shortly before it ends.
    pub(super) fn keep(&self, org: &str, token: Secret, ends: i64) {
        self.known().insert(org.to_owned(), Installation { token, ends });
    }

    /// Forgets an installation's token that was not accepted. Says whether there was one.
    pub(super) fn forget(&self, org: &str) -> bool {
        self.known().remove(org).is_some()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Installation>> {
        self.installations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path, key: &str) -> Result<String, FaultKind> {
    let fault = |why: String| FaultKind::Credential(format!("{} (`{key}`): {why}", path.display()));
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Err(fault("the file is empty".into())),
        Ok(text) => Ok(text),
        Err(error) => Err(fault(error.to_string())),
    }
}

/// What an app says of itself: who it is, from a minute ago (clocks differ) for nine minutes (ten are allowed).
#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

fn claim(id: u64, key_file: &Path, now: i64) -> Result<Secret, FaultKind> {
    let pem = read(key_file, "forge.app.key-file")?;
    let bad = |_| {
        let path = key_file.display();
        FaultKind::Credential(format!(
            "{path} (`forge.app.key-file`) is no RSA private key in PEM form; download the app's key anew"
        ))
    };
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(bad)?;
    let claims = Claims {
        iat: now - 60,
        exp: now + 540,
        iss: id.to_string(),
    };
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    jsonwebtoken::encode(&header, &claims, &key)
        .map(Secret::new)
        .map_err(bad)
}

/// The paths that lead to an installation's token.
pub(super) fn installation_path(repo: &RepoName) -> String {
    format!("/repos/{repo}/installation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("ghs_abcdef");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.scrub("401 for ghs_abcdef!"), "401 for ***!");
        assert_eq!(Secret::new("").scrub("a"), "a");
    }

    #[test]
    fn a_token_file_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        let auth = Auth::new(Credential::TokenFile(file.clone()));
        assert!(auth.token("o", 0).is_err(), "it is not there");
        for text in ["one", "two\n"] {
            std::fs::write(&file, text).unwrap();
            match auth.token("o", 0) {
                Ok(Token::Ready(secret)) => assert_eq!(secret.expose(), text.trim()),
                _ => panic!("no token"),
            }
        }
    }

    #[test]
    fn an_installation_is_renewed_before_it_ends() {
        let auth = Auth::new(Credential::App {
            id: 1,
            key_file: "/nowhere/key.pem".into(),
        });
        auth.keep("o", Secret::new("t"), 4_000);
        assert!(matches!(auth.token("o", 3_000), Ok(Token::Ready(_))));
        let error = auth.token("o", 3_800).err().expect("the key is not there").to_string();
        assert!(error.contains("forge.app.key-file"), "{error}");
        assert!(
            auth.token("other", 0).is_err(),
            "one organisation's token is not another's"
        );
        assert!(auth.forget("o") && !auth.forget("o"));
    }
}
