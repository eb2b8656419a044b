//! The real client against a small registry: layers, lists, logins, and everything that a registry can get wrong.

use crate::support::fake_registry;
use std::io::Write;

use fake_registry::{Registry, layer, sha256};
use lockstep::source::oci::{OciError, OciErrorKind, Options, RegistryImage};
use tar::EntryType::{Regular, Symlink};

const REFERENCES: &str = "release-manifests/image-references";
const METADATA: &str = "release-manifests/release-metadata";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn options() -> Options {
    Options {
        auth_file: Some("tests/it/support/fake_registry/no-logins.json".into()),
        architecture: "amd64".to_owned(),
        insecure: false,
    }
}

fn read_with(registry: &Registry, options: &Options) -> Result<Vec<(String, String)>, OciError> {
    let image = RegistryImage::find(&registry.name("okd/release:4.16"), options)?;
    let files = image.files(&[REFERENCES, METADATA])?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ok(files.into_iter().map(|(path, bytes)| (path, text(bytes))).collect())
}

fn read(registry: &Registry) -> Result<Vec<(String, String)>, OciError> {
    read_with(registry, &options())
}

/// What a registry with one image of these layers, the lowest first, comes to.
fn read_layers(layers: &[Vec<u8>]) -> Result<Vec<(String, String)>, OciError> {
    let registry = Registry::start();
    registry.image("4.16", layers);
    read(&registry)
}

#[test]
fn the_top_layer_is_all_that_is_read_where_it_has_the_files() {
    let registry = Registry::start();
    let base = gzip(&layer(&[(Regular, REFERENCES, "old"), (Regular, "bin/cvo", "x")]));
    let top = zstd(&layer(&[(Regular, REFERENCES, "new"), (Regular, METADATA, "4.16")]));
    registry.image("4.16", &[base.clone(), top.clone()]);
    let wanted = [
        (REFERENCES.to_owned(), "new".to_owned()),
        (METADATA.to_owned(), "4.16".to_owned()),
    ];
    assert_eq!(read(&registry), Ok(wanted.to_vec()));
    let asked = registry.asked();
    assert!(asked.iter().any(|path| path.ends_with(&sha256(&top))), "{asked:?}");
    assert!(!asked.iter().any(|path| path.ends_with(&sha256(&base))), "{asked:?}");
}

#[test]
fn a_layer_below_is_read_where_the_top_says_nothing() {
    let base = layer(&[(Regular, REFERENCES, "base")]);
    let middle = gzip(&layer(&[(Regular, METADATA, "middle")]));
    let top = zstd(&layer(&[(Regular, "etc/x", "y")]));
    let found = read_layers(&[base, middle, top]).expect("files");
    let texts: Vec<_> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["base", "middle"]);
}

#[test]
fn what_a_layer_takes_away_is_gone() {
    let base = gzip(&layer(&[(Regular, REFERENCES, "old"), (Regular, METADATA, "old")]));
    for name in [
        "release-manifests/.wh.image-references",
        "release-manifests/.wh..wh..opq",
        ".wh.release-manifests",
    ] {
        let error = read_layers(&[base.clone(), layer(&[(Regular, name, "")])]).unwrap_err();
        assert_eq!(error.kind, OciErrorKind::NoFile(REFERENCES.to_owned()), "{name}");
    }
    let anew = layer(&[
        (Regular, "release-manifests/.wh..wh..opq", ""),
        (Regular, REFERENCES, "new"),
    ]);
    assert_eq!(
        read_layers(&[base, anew]),
        Ok(vec![(REFERENCES.to_owned(), "new".to_owned())])
    );
}

#[test]
fn a_list_has_one_image_for_each_architecture() {
    let registry = Registry::start();
    let of = |text| registry.image(text, &[gzip(&layer(&[(Regular, REFERENCES, text)]))]);
    registry.list("4.16", &[("amd64", of("for amd64")), ("arm64", of("for arm64"))]);
    for architecture in ["amd64", "arm64"] {
        let options = Options {
            architecture: architecture.to_owned(),
            ..options()
        };
        let found = read_with(&registry, &options).expect("files");
        assert_eq!(found[0].1, format!("for {architecture}"));
    }
    let options = Options {
        architecture: "s390x".to_owned(),
        ..options()
    };
    let error = read_with(&registry, &options).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("no variant for linux/s390x; it has linux/amd64, linux/arm64"),
        "{error}"
    );
}

#[test]
fn a_login_is_exchanged_for_a_token() {
    let registry = Registry::start();
    registry.image("4.16", &[layer(&[(Regular, REFERENCES, "x")])]);
    registry.ask_for_login("me", "s3cret");
    let error = read(&registry).unwrap_err();
    assert!(matches!(error.kind, OciErrorKind::Denied(_)), "{error}");
    assert!(
        error.to_string().contains("no-logins.json has no login for 127.0.0.1"),
        "{error}"
    );

    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("auth.json");
    let options = Options {
        auth_file: Some(file.clone()),
        ..options()
    };
    let login = |password: &str| {
        let text = serde_json::json!({"auths": {registry.host(): {"username": "me", "password": password}}});
        std::fs::write(&file, text.to_string()).expect("written");
    };
    login("wr0ng");
    let error = read_with(&registry, &options).unwrap_err();
    assert!(
        error.to_string().contains("is not accepted") && !error.to_string().contains("wr0ng"),
        "{error}"
    );
    login("s3cret");
    assert!(read_with(&registry, &options).is_ok());
}

#[test]
fn what_came_must_be_what_was_announced() {
    let registry = Registry::start();
    let bytes = gzip(&layer(&[(Regular, REFERENCES, "x")]));
    registry.image("4.16", std::slice::from_ref(&bytes));
    let mut other = bytes.clone();
    if let Some(last) = other.last_mut() {
        *last ^= 1;
    }
    for (sent, what) in [
        (other, "another byte"),
        (bytes[..bytes.len() / 2].to_vec(), "half of it"),
        ([bytes.clone(), vec![0; 9]].concat(), "more than it"),
    ] {
        registry.send_for(&sha256(&bytes), sent);
        let error = read(&registry).unwrap_err();
        assert!(matches!(error.kind, OciErrorKind::Broken(_)), "{what}: {error}");
    }
    registry.send_for(&sha256(&bytes), bytes);
    assert!(read(&registry).is_ok());
}

#[test]
fn tricks_with_names_and_links_are_refused() {
    for (kind, name, content) in [
        (Regular, "../release-manifests/image-references", "x"),
        (Regular, "/release-manifests/image-references", "x"),
        (Symlink, REFERENCES, "/etc/passwd"),
        (Symlink, "release-manifests", "etc"),
    ] {
        let error = read_layers(&[layer(&[(kind, name, content)])]).unwrap_err();
        assert!(matches!(error.kind, OciErrorKind::Broken(_)), "{name}: {error}");
    }
}

#[test]
fn a_registry_that_fails_is_told_from_an_image_that_is_not_there() {
    let registry = Registry::start();
    assert_eq!(read(&registry).unwrap_err().kind, OciErrorKind::NotFound);
    registry.fail_with(500);
    let error = read(&registry).unwrap_err();
    assert!(
        error.kind.is_retryable() && error.to_string().contains("500"),
        "{error}"
    );
    registry.fail_with(403);
    assert!(matches!(read(&registry).unwrap_err().kind, OciErrorKind::Denied(_)));
    let error = RegistryImage::find("127.0.0.1:1/okd/release:4.16", &options())
        .err()
        .expect("nobody listens");
    assert!(error.kind.is_retryable(), "{error}");
    let error = RegistryImage::find("no reference", &options())
        .err()
        .expect("no reference");
    assert!(matches!(error.kind, OciErrorKind::Reference(_)), "{error}");
}

/// Options with a login for a registry.
fn with_login(registry: &Registry, dir: &tempfile::TempDir) -> Options {
    let file = dir.path().join("auth.json");
    let login = serde_json::json!({"auths": {registry.host(): {"username": "me", "password": "s3cret"}}});
    std::fs::write(&file, login.to_string()).expect("written");
    Options {
        auth_file: Some(file),
        ..options()
    }
}

#[test]
fn a_login_goes_where_the_registry_is_and_nowhere_else() {
    let dir = tempfile::tempdir().expect("a folder");
    for (challenge, why) in [
        ("Bearer realm=\"https://elsewhere.example/token\"", "another site's"),
        ("Bearer realm=\"http://elsewhere.example/token\"", "not encrypted"),
        ("Bearer realm=\"nonsense\"", "no address"),
    ] {
        let registry = Registry::start();
        registry.image("4.16", &[layer(&[(Regular, REFERENCES, "x")])]);
        registry.ask_for_login("me", "s3cret");
        registry.challenge(challenge);
        let error = read_with(&registry, &with_login(&registry, &dir)).unwrap_err();
        assert!(
            matches!(&error.kind, OciErrorKind::Denied(said) if said.contains(why)),
            "{challenge}: {error}"
        );
        assert!(!error.to_string().contains("s3cret"));
        assert_eq!(registry.shown(), Vec::<String>::new());
    }
}

#[test]
fn a_registry_that_asks_for_no_login_gets_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = Registry::start();
    registry.image("4.16", &[layer(&[(Regular, REFERENCES, "x")])]);
    assert!(read_with(&registry, &with_login(&registry, &dir)).is_ok());
    assert_eq!(registry.shown(), Vec::<String>::new());
}

#[test]
fn a_registry_that_wants_the_login_itself_gets_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = Registry::start();
    registry.image("4.16", &[layer(&[(Regular, REFERENCES, "x")])]);
    registry.ask_for_login("me", "s3cret");
    registry.challenge("Basic realm=\"here\"");
    let found = read_with(&registry, &with_login(&registry, &dir));
    assert_eq!(found.map(|files| files.len()), Ok(1));
    assert!(registry.shown().iter().all(|text| text.starts_with("Basic ")));
}

#[test]
fn a_token_that_cannot_be_sent_is_an_error_and_no_crash() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = Registry::start();
    registry.image("4.16", &[layer(&[(Regular, REFERENCES, "x")])]);
    registry.ask_for_login("me", "s3cret");
    registry.give("a\r\nb");
    let error = read_with(&registry, &with_login(&registry, &dir)).unwrap_err();
    assert!(error.to_string().contains("none that can be sent"), "{error}");
}

#[test]
fn a_manifest_is_read_up_to_a_bound_whatever_the_registry_says_of_its_length() {
    for taciturn in [false, true] {
        let registry = Registry::start();
        let digest = registry.image("4.16", &[layer(&[(Regular, REFERENCES, "x")])]);
        if taciturn {
            registry.be_taciturn();
        }
        assert_eq!(read(&registry).map(|files| files.len()), Ok(1), "{taciturn}");
        let large = vec![b' '; (4 << 20) + 1];
        registry.send_as_manifest(&digest, large);
        let error = read(&registry).unwrap_err();
        assert!(matches!(error.kind, OciErrorKind::TooLarge(_)), "{taciturn}: {error}");
    }
}
