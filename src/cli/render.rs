//! `lockstep render`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep::base::path_fault;
use lockstep::plan::{Bytes, Desired};
use lockstep::targets;
use rayon::prelude::*;

use super::args::RenderArgs;
use super::written::write;
use super::{Ended, Outcome, print, setup, sources};

/// Writes the desired files to a directory.
pub fn run(args: &RenderArgs) -> Outcome {
    if let Some(dir) = &args.sources {
        return sources::run(args, dir);
    }
    let Some(out) = &args.out else {
        return Ok(Ended::Done); // one of the two is given
    };
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let renderings = ready.renderings(&mut ended)?;
    let findings: Vec<_> = renderings
        .iter()
        .flat_map(|rendering| rendering.findings.iter().cloned())
        .collect();
    setup::tell(&ready.run.heard(findings));
    let files = renderings.iter().flat_map(|rendering| &rendering.files);
    let files = files.filter(|file| !file.held && path_fault(&file.path).is_none());
    let mut by_place: BTreeMap<PathBuf, Vec<&Desired>> = BTreeMap::new();
    for file in files.filter(|file| file.after.is_some()) {
        by_place.entry(place(out, file)).or_default().push(file);
    }
    let files: BTreeMap<PathBuf, Bytes> = by_place
        .into_iter()
        .filter_map(|(place, files)| Some((place, of_all(&files)?)))
        .collect();
    let write_all = || {
        files
            .par_iter()
            .map(|(path, bytes)| write(path, bytes))
            .collect::<Result<_, _>>()
    };
    // What is remembered goes to the disk meanwhile.
    let (written, ()) = rayon::join(write_all, || ready.run.store().flush());
    let written: Vec<bool> = written?;
    let (all, new) = (written.len(), written.iter().filter(|new| **new).count());
    let files = if new == 1 {
        "1 file".to_owned()
    } else {
        format!("{new} files")
    };
    let rest = match all - new {
        0 => String::new(),
        1 => ", 1 more is there as it should be".to_owned(),
        same => format!(", {same} more are there as they should be"),
    };
    print(&format!("{files} written to {}{rest}\n", out.display()))?;
    Ok(ended)
}

/// What a file says that releases share: what each of them changes, or else what the last one wants.
fn of_all(files: &[&Desired]) -> Option<Bytes> {
    let last = files.last()?.after.clone();
    match files.len() {
        0 | 1 => last,
        _ => targets::joined(files).or(last),
    }
}

fn place(out: &Path, file: &Desired) -> PathBuf {
    out.join(&file.repo.org).join(&file.repo.repo).join(&file.path)
}
