//! Which certificates a server is trusted by.

use std::fs;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// The variable that names a file of trusted certificates, as OpenSSL, curl and git know it.
const VARIABLE: &str = "SSL_CERT_FILE";

/// Trusts the certificates of the file named in the environment, or else the public ones that are built in.
pub(in crate::source) fn config() -> TlsConfig {
    let roots = std::env::var_os(VARIABLE)
        .filter(|path| !path.is_empty())
        .and_then(|path| {
            let certificates = fs::read(&path).map(|pem| certificates(&pem)).unwrap_or_default();
            if certificates.is_empty() {
                tracing::warn!(
                    "{VARIABLE}: no certificate can be read from {}; the public ones are used",
                    path.display()
                );
            }
            (!certificates.is_empty()).then(|| RootCerts::from(certificates))
        });
    TlsConfig::builder()
        .root_certs(roots.unwrap_or(RootCerts::WebPki))
        .build()
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(Result::ok);
    items
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_certificates_and_nothing_else() {
        let item = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
        let pem = format!(
            "text\n{}{}{}",
            item("CERTIFICATE"),
            item("PRIVATE KEY"),
            item("CERTIFICATE")
        );
        assert_eq!(certificates(pem.as_bytes()).len(), 2);
        assert!(certificates(b"no PEM").is_empty());
    }
}
