//! `lockstep render`

use std::fs;
use std::path::Path;

use anyhow::Context;
use lockstep::plan::path_fault;

use super::args::RenderArgs;
use super::{Outcome, print, setup};

/// Writes the desired files to a directory.
pub fn run(args: &RenderArgs) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = ready.ended;
    let releases = ready.derive(&mut ended);
    let rendered = ready.run.render(&releases, ready.ci.as_ref())?;
    let findings: Vec<_> = releases
        .iter()
        .flat_map(|release| release.findings.iter().cloned())
        .chain(rendered.findings)
        .collect();
    setup::tell(&findings);
    ended = ended.max(setup::unread_sources(&findings));
    let mut written = 0;
    for file in rendered.files.iter().filter(|file| !file.held) {
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
