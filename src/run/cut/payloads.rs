//! What payloads need beside their images, read and made for a cut.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Cut;
use crate::cut::payload::{Payloads, Verified};
use crate::cut::{Role, Unit};
use crate::derive::Release;
use crate::plan::Desired;
use crate::run::{Run, RunError, audit, render};
use crate::source::Snapshot;
use crate::targets::{self, image_mirroring, payload_jobs, release_controller};

impl Run {
    /// What there is of it.
    pub(super) fn payloads(
        &self,
        releases: &[Release<'_>],
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Payloads, RunError> {
        let mut payloads = Payloads::default();
        let (Some(newest), Some(ground)) = (releases.last(), render::ci_config(self, ci)?) else {
            return Ok(payloads);
        };
        if let Some(known) = audit::verification::read(self, newest, &ground, BTreeSet::new()) {
            payloads.jobs = Some(known.written);
            payloads.elsewhere = known.elsewhere;
            for (path, text) in &known.controllers {
                payloads.wait(path, text);
            }
        }
        for release in releases {
            let Ok(Some(spot)) = image_mirroring::place(release) else {
                continue;
            };
            payloads.unmirrored.extend(spot.unmirrored.iter().cloned());
            if payloads.mirrored.is_none()
                && let Ok(Some(blob)) = ground.snapshot.read(&spot.config)
            {
                payloads.mirrored = image_mirroring::streams_in(&blob.bytes);
            }
        }
        Ok(payloads)
    }

    /// Adds the entry of each release's stream in the configuration of image mirroring, which has to be there before the file
    /// that needs it.
    pub(super) fn mirror_first(
        &self,
        cut: &mut Cut,
        releases: &[Release<'_>],
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<(), RunError> {
        let targets::Cut::Step(step) = payload_jobs::TARGET.cut else {
            return Ok(());
        };
        for release in releases {
            let number = release.metadata.release;
            let Ok(Some(spot)) = image_mirroring::place(release) else {
                continue;
            };
            let promotes = |file: &&Desired| {
                let target = targets::find(&file.target);
                file.before != file.after && target.is_some_and(|target| target.cut == targets::Cut::Promotes)
            };
            let units = cut.units.iter().filter(|unit| unit.release == number);
            let changed: Vec<Desired> = units.flat_map(|unit| &unit.files).filter(promotes).cloned().collect();
            if changed.is_empty() {
                continue;
            }
            let beside = render::with_promotions(self, release, ci, &[], &changed)?;
            let entry = beside
                .files
                .into_iter()
                .find(|file| file.path == spot.config && file.before != file.after);
            cut.units.extend(entry.map(|file| Unit {
                path: file.path.clone(),
                release: number,
                component: None,
                before: None,
                after: None,
                role: Role::Own(step),
                files: vec![file],
            }));
        }
        Ok(())
    }
}

/// What verifies the payload of each release that has one of the release controller's files.
pub(super) fn verified(releases: &[Release<'_>], payloads: &Payloads) -> Vec<Verified> {
    let one = |release: &Release<'_>| {
        let spot = release_controller::place(release).ok()??;
        let number = release.metadata.release;
        let is_own = |path: &str| spot.release_of(path) == Some(number);
        payloads
            .waits
            .keys()
            .any(|path| is_own(path))
            .then(|| Verified::new(number, payloads, is_own))?
    };
    releases.iter().filter_map(one).collect()
}
