//! Why an image could not be read from a registry.

use oci_client::errors::{OciDistributionError, OciErrorCode};

use super::login::LoginError;
use crate::source::http::plain;

/// Why an image could not be read. Texts never hold credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reference}: {kind}")]
pub struct OciError {
    /// The image as configured.
    pub reference: String,
    /// What kept it from being read.
    pub kind: OciErrorKind,
}

/// What kept an image from being read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OciErrorKind {
    /// The text is no reference to an image.
    #[error("this is no reference to an image: {0}; write it as registry/name:tag")]
    Reference(String),
    /// Nothing is there under that name.
    #[error("the registry has no such image")]
    NotFound,
    /// The registry refuses.
    #[error("the registry refuses to hand it out: {0}")]
    Denied(String),
    /// The registry did not answer, or not as one does. Trying again later may help.
    #[error("the registry cannot be asked: {0}")]
    Unreachable(String),
    /// What came is not what was announced, or not what an image is.
    #[error("the image is broken: {0}")]
    Broken(String),
    /// It is larger than what is read.
    #[error("the image is too large: {0}")]
    TooLarge(String),
    /// A list of images lacks the architecture that was asked for.
    #[error("the image has no variant for linux/{architecture}; it has {}", if known.is_empty() { "none" } else { known })]
    NoArchitecture {
        /// What was asked for.
        architecture: String,
        /// What there is.
        known: String,
    },
    /// The files that were asked for are not in it.
    #[error("the image has no file {0}; is it a release image?")]
    NoFile(String),
    /// The login file cannot be used.
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl OciErrorKind {
    /// Says whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// Sorts a failure of the client. `login` says which login was used.
pub(super) fn of_client(error: OciDistributionError, login: &str) -> OciErrorKind {
    use OciDistributionError as E;
    match error {
        E::ImageManifestNotFoundError(_) => OciErrorKind::NotFound,
        E::AuthenticationFailure(_) | E::UnauthorizedError { .. } => OciErrorKind::Denied(login.to_owned()),
        E::RegistryError { envelope, .. } => of_envelope(&envelope.errors, login),
        E::ServerError { code: 404, .. } => OciErrorKind::NotFound,
        E::ServerError { code: 401 | 403, .. } => OciErrorKind::Denied(login.to_owned()),
        E::ServerError { code, .. } => OciErrorKind::Unreachable(format!("it answered {code}")),
        E::DigestError(error) => OciErrorKind::Broken(plain(&error.to_string())),
        E::RequestError(error) => OciErrorKind::Unreachable(request(&error)),
        E::IoError(error) => OciErrorKind::Unreachable(plain(&error.to_string())),
        other => OciErrorKind::Broken(plain(&other.to_string())),
    }
}

fn of_envelope(errors: &[oci_client::errors::OciError], login: &str) -> OciErrorKind {
    let is = |wanted: &[OciErrorCode]| errors.iter().any(|error| wanted.contains(&error.code));
    if is(&[
        OciErrorCode::ManifestUnknown,
        OciErrorCode::NameUnknown,
        OciErrorCode::NotFound,
    ]) {
        OciErrorKind::NotFound
    } else if is(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
        OciErrorKind::Denied(login.to_owned())
    } else if is(&[OciErrorCode::BlobUnknown, OciErrorCode::ManifestBlobUnknown]) {
        OciErrorKind::Broken("a part of it is missing in the registry".to_owned())
    } else {
        let told: Vec<String> = errors
            .iter()
            .map(|error| format!("{:?} {}", error.code, error.message))
            .collect();
        OciErrorKind::Unreachable(format!("it says {}", plain(&told.join(", "))))
    }
}

/// What went wrong with a request, down to the cause: the outermost error names the URL only.
fn request(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    plain(&last.to_string())
}
