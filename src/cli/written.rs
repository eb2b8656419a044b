//! Files that a command writes for people to look at.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Writes a file where it is not there with these bytes. Tells whether it was written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<bool, anyhow::Error> {
    let same_size = fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() == bytes.len() as u64);
    if same_size && fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, bytes));
    written.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(true)
}
