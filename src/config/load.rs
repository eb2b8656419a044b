//! Reads the configuration file: the one place of this module that touches a disk.
#![expect(clippy::disallowed_methods, reason = "a configuration is a file")]

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Care, Config, Faults, parse_with};

/// The largest configuration that is read, in bytes.
const MAX: u64 = 1 << 20;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("{path}: {error}{}", hint(.error))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said; part of the message, and so no source to print behind it.
        error: io::Error,
    },
    /// The file is wrong.
    #[error(transparent)]
    Faults(#[from] Faults),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "\n  help: `lockstep init` writes a first one; `--config FILE` names one that is elsewhere"
        }
        _ => "",
    }
}

/// Reads a configuration file. Its relative paths start at its folder; rules that it names and that are not there are faults of it.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    load_with(path, Care::Usual)
}

/// The same, looked at more or less closely.
pub fn load_with(path: &Path, care: Care) -> Result<Config, LoadError> {
    let bytes = read(path).map_err(|error| LoadError::Read {
        path: path.to_owned(),
        error,
    })?;
    let name = path.display().to_string();
    Ok(parse_with(
        &bytes,
        &name,
        path.parent().unwrap_or(Path::new("")),
        care,
        &missing,
    )?)
}

/// Why nothing can be read at a path.
fn missing(path: &Path) -> Option<String> {
    std::fs::metadata(path).err().map(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        _ => error.to_string(),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(io::Error::other(format!(
            "larger than the {MAX} bytes that are read of a configuration"
        )));
    }
    Ok(bytes)
}
