//! What every HTTP client goes by, whichever library sends its requests: certificates, proxy, patience, name.
//!
//! ureq asks git servers, registries and plain URLs, reqwest asks GitHub and, under `oci-client`, registries. The cluster's API is
//! asked as `kubectl` does, by its own configuration.
#![expect(
    clippy::disallowed_methods,
    reason = "proxies and certificates are told by the environment"
)]

#[cfg(test)]
mod tests;

use std::fs;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use ureq::config::ConfigBuilder;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;
use ureq::{Agent, Proxy};

/// The name that requests carry.
pub const NAME: &str = concat!("lockstep/", env!("CARGO_PKG_VERSION"));
/// How long connecting may take, name resolution and TLS included.
pub const CONNECT: Duration = Duration::from_secs(15);

/// The variable that names a file of trusted certificates, as OpenSSL, curl and git know it.
const CERTIFICATES: &str = "SSL_CERT_FILE";

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long it may be silent.
    pub silence: Duration,
    /// How long one request may take in all.
    pub total: Duration,
}

/// An API whose answers are small.
pub const API: Patience = Patience {
    silence: Duration::from_secs(30),
    total: Duration::from_secs(60),
};
/// A git server: packing a large repository takes a while before the first byte comes.
pub const GIT: Patience = Patience {
    silence: Duration::from_secs(120),
    total: Duration::from_secs(30 * 60),
};
/// Where results of builds are read: what does not answer soon is asked again by the next look.
pub const RESULTS: Patience = Patience {
    silence: Duration::from_secs(20),
    total: Duration::from_secs(5 * 60),
};
/// A registry.
pub const REGISTRY: Patience = Patience {
    silence: Duration::from_secs(60),
    total: Duration::from_secs(10 * 60),
};

/// The settings of a client of ureq's. Statuses are no errors.
pub fn ureq(patience: Patience) -> ConfigBuilder<AgentScope> {
    let roots = match own_roots() {
        Some(certificates) => {
            let certificates = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
            RootCerts::from(certificates.collect::<Vec<_>>())
        }
        None => RootCerts::WebPki,
    };
    Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(patience.silence))
        .timeout_per_write(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_global(Some(patience.total))
        .user_agent(NAME)
}

/// The proxy for a host; none for this very machine.
pub fn proxy(host: &str) -> Option<Proxy> {
    if is_loopback(host) { None } else { Proxy::try_from_env() }
}

/// A client of reqwest's, for requests to one host. Redirects are not followed: which may be, whoever asks decides.
///
/// # Errors
/// A certificate of the environment's file cannot be used.
pub fn reqwest(patience: Patience, host: &str) -> Result<reqwest::Client, reqwest::Error> {
    provide_encryption();
    let roots = trusted().iter().map(|der| reqwest::Certificate::from_der(der));
    let client = reqwest::Client::builder()
        .tls_certs_only(roots.collect::<Result<Vec<_>, _>>()?)
        .connect_timeout(CONNECT)
        .read_timeout(patience.silence)
        .timeout(patience.total)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(NAME);
    let client = if is_loopback(host) { client.no_proxy() } else { client };
    client.build()
}

/// The certificates that servers are trusted by, as DER: those of the environment's file, or else the public ones that are built
/// in.
pub fn trusted() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| match own_roots() {
        Some(own) => own.to_vec(),
        None => webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .map(|der| der.to_vec())
            .collect(),
    })
}

/// The certificates of the file that the environment names.
fn own_roots() -> Option<&'static [Vec<u8>]> {
    static OWN: OnceLock<Option<Vec<Vec<u8>>>> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        let path = std::env::var_os(CERTIFICATES).filter(|path| !path.is_empty())?;
        let found = fs::read(&path).map(|pem| certificates(&pem)).unwrap_or_default();
        if found.is_empty() {
            let path = path.display();
            tracing::warn!("{CERTIFICATES}: no certificate can be read from {path}; the public ones are used");
        }
        Some(found).filter(|found| !found.is_empty())
    });
    own.as_deref()
}

fn certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    let items = parse_pem(pem).filter_map(Result::ok);
    items
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate.der().to_vec()),
            _ => None,
        })
        .collect()
}

/// Whether a host, with or without its port, is this very machine.
pub fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None if host.matches(':').count() > 1 => host,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Says who encrypts, where a library leaves that to the program.
pub fn provide_encryption() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else has said so already: that will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
