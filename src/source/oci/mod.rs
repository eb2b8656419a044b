//! Images in a registry, of which a few files are read.
//!
//! The client is asynchronous, the program is not: a runtime of one thread lives in here. It must not be used from within
//! another runtime's thread (use `spawn_blocking` there).

mod archive;
mod ask;
mod error;
mod inflate;
mod login;

use std::collections::BTreeMap;
use std::path::PathBuf;

use oci_client::Reference;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
    OciDescriptor, OciManifest,
};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

pub use error::{OciError, OciErrorKind};

use crate::net::{self, is_loopback};

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;
/// The largest layer that is read, in bytes as it is packed. Those of a release that matter have some megabytes.
const MAX_PACKED: u64 = 256 << 20;
/// The most bytes that all layers of an image may unpack to.
const MAX_UNPACKED: u64 = 2 << 30;
/// The most layers of an image.
const MAX_LAYERS: usize = 512;

const MEDIA_TYPES: [&str; 4] = [
    IMAGE_MANIFEST_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
];

/// How a registry is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file with logins; without it the usual ones are looked for.
    pub auth_file: Option<PathBuf>,
    /// Which image of a list is read.
    pub architecture: String,
    /// Whether a registry elsewhere is asked without encryption.
    pub insecure: bool,
}

/// An image that a registry has, named by its digest.
pub struct RegistryImage {
    /// The name without tag and digest, such as `quay.io/okd/scos-release`.
    pub name: String,
    /// The digest of its manifest, or of the list that it is in.
    pub digest: String,
    registry: Registry,
}

/// Files of an image by path.
pub type Files = BTreeMap<String, Vec<u8>>;

struct Registry {
    runtime: Runtime,
    client: oci_client::Client,
    image: Reference,
    asker: ask::Asker,
    /// What is said where the registry refuses.
    told: String,
    architecture: String,
}

/// Looks into a layer as if the files of a release were wanted of it.
pub(super) fn read_layer(bytes: &[u8]) {
    const LIMIT: u64 = 16 << 20;
    drop(archive::look(
        &mut inflate::open(bytes, LIMIT),
        &["release-manifests/image-references"],
    ));
}

impl RegistryImage {
    /// Asks a registry for the digest that a reference stands for now. One with a digest is not asked for.
    ///
    /// # Errors
    /// What kept the registry from answering.
    pub fn find(reference: &str, options: &Options) -> Result<Self, OciError> {
        let failed = |kind| OciError {
            reference: reference.to_owned(),
            kind,
        };
        let registry = Registry::new(reference, options).map_err(failed)?;
        let digest = match registry.image.digest() {
            Some(digest) => digest.to_owned(),
            None => registry.digest().map_err(failed)?,
        };
        let name = format!("{}/{}", registry.image.registry(), registry.image.repository());
        Ok(Self { name, digest, registry })
    }

    /// Reads files of the image, layer by layer from the top until the first of `wanted` is found. What layers above
    /// took away is not there; files that are not there are left out.
    ///
    /// # Errors
    /// The first of `wanted` is not there, or the image cannot be read.
    pub fn files(&self, wanted: &[&str]) -> Result<Files, OciError> {
        let registry = &self.registry;
        let work = async { tokio::time::timeout(net::REGISTRY.total, registry.files(&self.digest, wanted)).await };
        let done = registry.runtime.block_on(work);
        let minutes = net::REGISTRY.total.as_secs() / 60;
        let done = done.unwrap_or_else(|_| {
            Err(OciErrorKind::Unreachable(format!(
                "it took more than {minutes} minutes"
            )))
        });
        done.map_err(|kind| OciError {
            reference: format!("{}@{}", self.name, self.digest),
            kind,
        })
    }
}

fn certificate(der: &[u8]) -> Certificate {
    Certificate {
        encoding: CertificateEncoding::Der,
        data: der.to_vec(),
    }
}

impl Registry {
    fn new(reference: &str, options: &Options) -> Result<Self, OciErrorKind> {
        let image: Reference = reference.parse().map_err(|error: oci_client::ParseError| {
            OciErrorKind::Reference(crate::source::http::plain(&error.to_string()))
        })?;
        let login = login::find(options.auth_file.as_deref(), &image)?;
        let open = options.insecure || is_loopback(image.registry());
        let config = ClientConfig {
            protocol: if open {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            platform_resolver: None,
            read_timeout: Some(net::REGISTRY.silence),
            connect_timeout: Some(net::CONNECT),
            user_agent: net::NAME,
            tls_certs_only: net::trusted().iter().map(|der| certificate(der)).collect(),
            ..ClientConfig::default()
        };
        net::provide_encryption();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| OciErrorKind::Unreachable(error.to_string()))?;
        let client = oci_client::Client::try_from(config);
        let client = client.map_err(|error| error::of_client(error, &login.told))?;
        let asker = ask::Asker::new(&image, &login, open)?;
        // The client would ask the registry where to send a login, and send it there. It gets what is left to send.
        runtime.block_on(client.store_auth_if_needed(image.resolve_registry(), asker.auth()));
        Ok(Self {
            runtime,
            client,
            image,
            asker,
            told: login.told,
            architecture: options.architecture.clone(),
        })
    }

    fn digest(&self) -> Result<String, OciErrorKind> {
        let digest = self.asker.digest(self.image.tag().unwrap_or("latest"))?;
        checked(&digest)?;
        Ok(digest)
    }

    async fn files(&self, digest: &str, wanted: &[&str]) -> Result<Files, OciErrorKind> {
        checked(digest)?;
        let layers = self.layers(digest)?;
        if layers.len() > MAX_LAYERS {
            return Err(OciErrorKind::TooLarge(format!("{} layers", layers.len())));
        }
        let (mut files, mut above, mut left) = (Files::new(), Vec::<archive::Found>::new(), MAX_UNPACKED);
        for layer in layers.iter().rev() {
            let open: Vec<&str> = wanted
                .iter()
                .copied()
                .filter(|path| !files.contains_key(*path) && !above.iter().any(|layer| layer.hides(path)))
                .collect();
            if open.first() != wanted.first() {
                break;
            }
            let bytes = self.layer(layer).await?;
            let mut reader = inflate::open(&bytes, left);
            let mut found = archive::look(&mut reader, &open).map_err(|why| OciErrorKind::Broken(why.to_string()))?;
            left = reader.left();
            files.append(&mut found.files);
            above.push(found);
        }
        match wanted.first() {
            Some(first) if !files.contains_key(*first) => Err(OciErrorKind::NoFile((*first).to_owned())),
            _ => Ok(files),
        }
    }

    /// The layers of the image, or of the one of a list that is for the architecture; the lowest first.
    fn layers(&self, digest: &str) -> Result<Vec<OciDescriptor>, OciErrorKind> {
        let index = match self.manifest(digest)? {
            OciManifest::Image(image) => return Ok(image.layers),
            OciManifest::ImageIndex(index) => index,
        };
        let platform = |entry: &oci_client::manifest::ImageIndexEntry| {
            let platform = entry.platform.as_ref()?;
            Some((platform.os.to_string(), platform.architecture.to_string()))
        };
        let wanted = Some(("linux".to_owned(), self.architecture.clone()));
        let Some(entry) = index.manifests.iter().find(|entry| platform(entry) == wanted) else {
            let known = index.manifests.iter().filter_map(platform);
            let known: Vec<String> = known.map(|(os, architecture)| format!("{os}/{architecture}")).collect();
            return Err(OciErrorKind::NoArchitecture {
                architecture: self.architecture.clone(),
                known: crate::source::http::plain(&known.join(", ")),
            });
        };
        checked(&entry.digest)?;
        match self.manifest(&entry.digest)? {
            OciManifest::Image(image) => Ok(image.layers),
            OciManifest::ImageIndex(_) => Err(OciErrorKind::Broken("a list of images is in another one".to_owned())),
        }
    }

    fn manifest(&self, digest: &str) -> Result<OciManifest, OciErrorKind> {
        let bytes = self.asker.manifest(digest)?;
        verify(&bytes, digest)?;
        let broken = |error: serde_json::Error| OciErrorKind::Broken(format!("its manifest cannot be read: {error}"));
        serde_json::from_slice(&bytes).map_err(broken)
    }

    /// A layer's bytes as they are packed, compared with their digest before anything looks at them.
    async fn layer(&self, layer: &OciDescriptor) -> Result<Vec<u8>, OciErrorKind> {
        checked(&layer.digest)?;
        let size =
            u64::try_from(layer.size).map_err(|_| OciErrorKind::Broken("a layer's size is negative".to_owned()))?;
        if size > MAX_PACKED {
            return Err(OciErrorKind::TooLarge(format!(
                "a layer of {size} bytes, at most {MAX_PACKED} are read"
            )));
        }
        let mut sink = Sink {
            bytes: Vec::new(),
            limit: size,
        };
        // Addresses that a manifest names for a layer are other people's.
        let layer = OciDescriptor {
            urls: None,
            ..layer.clone()
        };
        let pulled = self.client.pull_blob(&self.image, &layer, &mut sink).await;
        if sink.bytes.len() as u64 > size {
            return Err(OciErrorKind::Broken(format!(
                "a layer is larger than the {size} bytes that its manifest says"
            )));
        }
        pulled.map_err(|error| error::of_client(error, &self.told))?;
        verify(&sink.bytes, &layer.digest)?;
        Ok(sink.bytes)
    }
}

/// Takes a layer's bytes, and stops where more come than were announced.
struct Sink {
    bytes: Vec<u8>,
    limit: u64,
}

impl tokio::io::AsyncWrite for Sink {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() as u64 > self.limit {
            return std::task::Poll::Ready(Err(std::io::Error::other("more bytes than were announced")));
        }
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// Whether a digest is one that is computed here, and nothing that would change a URL.
fn checked(digest: &str) -> Result<(), OciErrorKind> {
    let hex = digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64);
    if hex.is_some_and(|hex| {
        hex.bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }) {
        Ok(())
    } else {
        let shown: String = digest.chars().take(80).collect();
        Err(OciErrorKind::Broken(format!(
            "`{}` is no sha256 digest",
            shown.escape_debug()
        )))
    }
}

fn verify(bytes: &[u8], digest: &str) -> Result<(), OciErrorKind> {
    let actual = crate::base::text::hex(&Sha256::digest(bytes));
    match digest.strip_prefix("sha256:") {
        Some(expected) if expected == actual => Ok(()),
        _ => Err(OciErrorKind::Broken(format!(
            "what came has the digest sha256:{actual}, not {digest}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        for (registry, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.9.9.9", true),
            ("[::1]:5000", true),
            ("quay.io", false),
            ("127.0.0.1.example.com", false),
            ("localhost.example.com:80", false),
        ] {
            assert_eq!(is_loopback(registry), loopback, "{registry}");
        }
    }

    #[test]
    fn a_digest_is_sixty_four_digits() {
        assert_eq!(checked(&format!("sha256:{}", "0f".repeat(32))), Ok(()));
        for digest in [
            "sha256:",
            "sha512:00",
            "sha256:../../x",
            &format!("sha256:{}", "0F".repeat(32)),
        ] {
            assert!(checked(digest).is_err(), "{digest}");
        }
        assert_eq!(
            verify(
                b"",
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            ),
            Ok(())
        );
        assert!(
            verify(
                b"x",
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            )
            .is_err()
        );
    }
}
