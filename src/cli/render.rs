//! `lockstep render`

use std::fs;
use std::path::Path;

use anyhow::Context;
use lockstep::plan::path_fault;

use super::args::RenderArgs;
use super::{Ended, Outcome, print, setup};

/// Writes the desired files to a directory.
pub fn run(args: &RenderArgs) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let renderings = ready.renderings(&mut ended)?;
    let findings: Vec<_> = renderings
        .iter()
        .flat_map(|rendering| rendering.findings.iter().cloned())
        .collect();
    setup::tell(&ready.run.heard(findings));
    let mut written = 0;
    let files = renderings.iter().flat_map(|rendering| &rendering.files);
    for file in files.filter(|file| !file.held) {
        let Some(after) = &file.after else { continue };
        if path_fault(&file.path).is_some() {
            continue;
        }
        write(
            &args.out.join(&file.repo.org).join(&file.repo.repo).join(&file.path),
            after,
        )?;
        written += 1;
    }
    print(&format!("{written} files written to {}\n", args.out.display()))?;
    Ok(ended)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), anyhow::Error> {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, bytes));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
