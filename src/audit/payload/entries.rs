//! Entries of the release controller's files that are missing, as the neighbours' files have them.

use super::own::Own;
use crate::audit::Change;
use crate::audit::context::Context;
use crate::targets::payload_jobs::gates::Gate;
use crate::targets::release_controller::missing::{self, WantedEntry};

/// The changes by which each of the release's files gets an entry for a job as the file of its kind of a release before or after
/// has it, and why, a sentence. None where no neighbour has one: what a payload is to wait for, people choose.
pub(super) fn of_neighbours(context: &Context<'_>, own: &Own<'_>, gate: Gate, job: &str) -> (Vec<Change>, String) {
    let (mut changes, mut whose) = (Vec::new(), Vec::new());
    let variant = format!("-{}-", own.gates.variant(gate));
    let end = job.find(&variant).and_then(|at| job.get(at..));
    let (Some(spot), Some(end)) = (&own.spot, end) else {
        return (changes, String::new());
    };
    let wanted = WantedEntry {
        job,
        end,
        from: gate.from,
    };
    for (path, text, file) in own.controllers() {
        if file.ended || !own.is_own(path) {
            continue;
        }
        let Ok(there) = std::str::from_utf8(text) else { continue };
        let others = own.all.controllers.iter().map(|(path, text)| (path, &**text));
        if let Some(made) = missing::addition(context.release, spot, (path, there), wanted, others) {
            let optional = if made.optional { "optional" } else { "blocking" };
            let name = made.of.rsplit('/').next().unwrap_or_default();
            whose.push(format!("{name} has it ({optional})"));
            changes.push(Change::Piece {
                path: path.clone(),
                text: text.clone(),
                at: made.at,
                new: made.text,
            });
        }
    }
    (changes, format!("The entry is as {}.", whose.join(", and as ")))
}
