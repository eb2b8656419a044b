//! Logins for registries, from the file that docker and podman write.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;

/// The largest login file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A login file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the login file {} cannot be used: {why}", path.display())]
pub struct LoginError {
    /// The file.
    pub path: PathBuf,
    /// Why. It never quotes the file.
    pub why: NoLogin,
}

/// Why a login file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLogin {
    /// The system refuses, in its own words.
    #[error("{0}")]
    Io(String),
    /// It is larger than is read.
    #[error("it is {0} bytes large")]
    TooLarge(u64),
    /// It is none.
    #[error("it is no JSON of docker's form")]
    Form,
    /// The entry that counts has no login that can be used.
    #[error("`{key}` {why}")]
    Entry {
        /// The entry.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A login, and what is said of it when it is refused.
pub(super) struct Login {
    pub auth: RegistryAuth,
    pub told: String,
}

/// Finds the login for an image. A file that is named and cannot be read is an error; one that is looked for is not.
pub(super) fn find(file: Option<&Path>, image: &Reference) -> Result<Login, LoginError> {
    let files = match file {
        Some(file) => vec![file.to_owned()],
        None => usual_files().into_iter().filter(|file| file.is_file()).collect(),
    };
    for path in &files {
        if let Some(auth) = read(path, image)? {
            let told = format!("the login in {} is not accepted, or may not read it", path.display());
            return Ok(Login { auth, told });
        }
    }
    let told = match files.first() {
        Some(path) => format!("{} has no login for {}", path.display(), image.registry()),
        None => format!(
            "there is no login for {}; set `sources.payload.auth-file`",
            image.registry()
        ),
    };
    let auth = RegistryAuth::Anonymous;
    Ok(Login { auth, told })
}

/// Where logins usually are: the file that the environment names, else podman's, docker's.
fn usual_files() -> Vec<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(file) = folder("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let podman = folder("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json"));
    let docker = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")));
    podman
        .into_iter()
        .chain(docker.map(|dir| dir.join("config.json")))
        .collect()
}

#[derive(serde::Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    registrytoken: String,
}

fn read(path: &Path, image: &Reference) -> Result<Option<RegistryAuth>, LoginError> {
    let fault = |why| LoginError {
        path: path.to_owned(),
        why,
    };
    let refused = |error: std::io::Error| fault(NoLogin::Io(error.to_string()));
    let size = fs::metadata(path).map_err(refused)?.len();
    if size > MAX_FILE {
        return Err(fault(NoLogin::TooLarge(size)));
    }
    let text = fs::read(path).map_err(refused)?;
    // What serde says could quote a part of the file.
    let file: File = serde_json::from_slice(&text).map_err(|_| fault(NoLogin::Form))?;
    match entry(&file.auths, image) {
        Some((key, entry)) => entry.auth().map(Some).map_err(|why| {
            let key = key.to_owned();
            fault(NoLogin::Entry { key, why })
        }),
        None => Ok(None),
    }
}

/// The entry whose key is the longest that the image's name starts with, as podman does it.
fn entry<'f>(auths: &'f BTreeMap<String, Entry>, image: &Reference) -> Option<(&'f str, &'f Entry)> {
    let name = format!("{}/{}", image.registry(), image.repository());
    let covers = |key: &str| {
        let key = key.trim_start_matches("https://").trim_start_matches("http://");
        let key = key
            .trim_end_matches('/')
            .trim_end_matches("/v1")
            .trim_end_matches("/v2");
        let key = if key == "index.docker.io" { "docker.io" } else { key };
        let rest = name.strip_prefix(key)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(key.len())
    };
    let found = auths.iter().filter_map(|(key, entry)| Some((covers(key)?, key, entry)));
    let (_, key, entry) = found.max_by_key(|(length, ..)| *length)?;
    Some((key, entry))
}

impl Entry {
    fn auth(&self) -> Result<RegistryAuth, &'static str> {
        if !self.registrytoken.is_empty() {
            return Ok(RegistryAuth::Bearer(self.registrytoken.clone()));
        }
        if !self.username.is_empty() {
            return Ok(RegistryAuth::Basic(self.username.clone(), self.password.clone()));
        }
        if self.auth.is_empty() {
            return Err("holds no login: one that a helper program keeps cannot be used");
        }
        let decoded = STANDARD
            .decode(self.auth.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or("holds an `auth` that is no base64")?;
        let (user, password) = decoded
            .split_once(':')
            .ok_or("holds an `auth` that is no `user:password`")?;
        Ok(RegistryAuth::Basic(user.to_owned(), password.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Reference {
        text.parse().expect("a reference")
    }

    fn found(json: &str, of: &str) -> Result<Option<RegistryAuth>, NoLogin> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("auth.json");
        fs::write(&path, json).expect("written");
        read(&path, &image(of)).map_err(|error| error.why)
    }

    fn basic(user: &str, password: &str) -> RegistryAuth {
        RegistryAuth::Basic(user.to_owned(), password.to_owned())
    }

    #[test]
    fn the_most_exact_entry_counts() {
        let json = r#"{"auths": {
            "quay.io": {"auth": "YTpi"}, "quay.io/okd": {"username": "c", "password": "d"},
            "https://index.docker.io/v1/": {"auth": "ZTpmOmc="}, "quay.io/ok": {"auth": "eDp5"},
            "reg.example:5000": {"registrytoken": "t"}}, "credsStore": "x"}"#;
        for (of, auth) in [
            ("quay.io/okd/scos-release:1", Some(basic("c", "d"))),
            ("quay.io/other/x", Some(basic("a", "b"))),
            ("docker.io/library/x", Some(basic("e", "f:g"))),
            ("reg.example:5000/x", Some(RegistryAuth::Bearer("t".to_owned()))),
            ("reg.example/x", None),
        ] {
            assert_eq!(found(json, of), Ok(auth), "{of}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_says_so_without_its_content() {
        for (json, message) in [
            ("s3cret", "it is no JSON of docker's form"),
            (
                r#"{"auths": {"q.io": {"auth": "s3cret"}}}"#,
                "`q.io` holds an `auth` that is no base64",
            ),
            (
                r#"{"auths": {"q.io": {"auth": "czNjcmV0"}}}"#,
                "`q.io` holds an `auth` that is no `user:password`",
            ),
            (r#"{"auths": {"q.io": {}}}"#, "`q.io` holds no login"),
        ] {
            let error = found(json, "q.io/x").unwrap_err().to_string();
            assert!(error.contains(message) && !error.contains("s3cret"), "{error}");
        }
        assert!(
            find(Some(Path::new("/nowhere/a.json")), &image("q.io/x"))
                .is_err_and(|e| e.path == Path::new("/nowhere/a.json"))
        );
    }
}
