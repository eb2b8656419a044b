//! The answer for a person: by cause, the worst first.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::answer::{Change, ImageResult, ImageState, OfRelease, Payload, Results};
use crate::base::Color;
use crate::base::text::terminal;

/// As many changes of a payload are shown.
const CHANGES: usize = 10;
/// As many suspects are shown.
const SUSPECTS: usize = 5;

/// Shows an answer.
pub fn text(results: &Results, color: Color) -> String {
    let mut out = String::new();
    for release in &results.releases {
        let _ = writeln!(out, "{}", color.paint("1", &terminal(&summary(release))));
        for state in ImageState::ALL {
            let of_state: Vec<&ImageResult> = release.images.iter().filter(|image| image.state == state).collect();
            match state {
                ImageState::Builds => {}
                ImageState::Broken => of_state.iter().for_each(|image| broken(&mut out, image)),
                _ => by_cause(&mut out, state, &of_state),
            }
        }
        for (image, other) in release
            .images
            .iter()
            .filter_map(|image| Some((image, image.elsewhere.as_ref()?)))
        {
            if other.state != ImageState::Builds {
                let says = if other.says.is_empty() {
                    other.state.name()
                } else {
                    &other.says
                };
                let line = format!("  {} {} by {}: {says}", other.state.name(), image.image, other.job);
                let _ = writeln!(out, "{}", terminal(&line));
            }
        }
        for payload in &release.payloads {
            let newest = payload.newest.as_deref().unwrap_or("no payload");
            let phase = payload.phase.as_deref().unwrap_or("-");
            let accepted = match (&payload.accepted, payload.since) {
                (Some(_), 0) => String::new(),
                (Some(accepted), since) => format!("; {since} since {accepted}, which was accepted"),
                (None, _) => "; none was accepted".to_owned(),
            };
            let line = format!("  {}: {newest} {phase}{accepted}", payload.stream);
            let _ = writeln!(out, "{}", terminal(&line));
            refused(&mut out, payload);
        }
        out.push('\n');
    }
    for unread in &results.unread {
        let line = format!(
            "{} could not be read, so what it knows is missing: {}",
            unread.source, unread.why
        );
        let _ = writeln!(out, "{}", terminal(&line));
    }
    out
}

/// What failed of a stream's payloads, and what changed before the first one did.
fn refused(out: &mut String, payload: &Payload) {
    let blocking = payload.failed.iter().filter(|job| job.blocking);
    let failed: Vec<&str> = blocking.map(|job| job.job.as_str()).collect();
    if let (Some(rejected), false) = (&payload.rejected, failed.is_empty()) {
        let _ = writeln!(
            out,
            "    {}",
            terminal(&format!("of {rejected} failed: {}", failed.join(", ")))
        );
    }
    let (Some(since), Some(first), false) = (
        &payload.changes_since,
        &payload.first_rejected,
        payload.changes.is_empty(),
    ) else {
        return;
    };
    let count = payload.changes.len();
    let _ = writeln!(
        out,
        "    {}",
        terminal(&format!("{count} changes from {since} to {first}:"))
    );
    for change in payload.changes.iter().take(CHANGES) {
        let _ = writeln!(out, "      {}", terminal(&change.to_string()));
    }
    if count > CHANGES {
        let _ = writeln!(out, "      and {} more", count - CHANGES);
    }
}

impl fmt::Display for Change {
    /// `openshift/etcd 1234567..89abcde (etcd): #12, #15`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |commit: &Option<String>| {
            commit
                .as_ref()
                .map(|commit| commit.chars().take(10).collect::<String>())
        };
        write!(f, "{} ", self.repository)?;
        match (short(&self.before), short(&self.after)) {
            (Some(before), Some(after)) => write!(f, "{before}..{after}")?,
            (None, Some(after)) => write!(f, "new at {after}")?,
            (Some(before), None) => write!(f, "gone, was at {before}")?,
            (None, None) => f.write_str("of no known commit")?,
        }
        write!(f, " ({})", self.images.join(", "))?;
        let pulls: Vec<String> = self
            .pulls
            .iter()
            .filter_map(|pull| Some(format!("#{}", pull.pull?)))
            .collect();
        match pulls.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", pulls.join(", ")),
        }
    }
}

fn summary(release: &OfRelease) -> String {
    let count = |state| release.images.iter().filter(|image| image.state == state).count();
    let states = ImageState::ALL.into_iter().rev();
    let counts = states
        .map(|state| (state, count(state)))
        .filter(|(_, count)| *count > 0);
    let parts: Vec<String> = counts
        .map(|(state, count)| format!("{count} {}", state.name()))
        .collect();
    match parts.is_empty() {
        true => format!("{}: nothing of what is asked for", release.release),
        false => format!("{}: {}", release.release, parts.join(", ")),
    }
}

fn broken(out: &mut String, image: &ImageResult) {
    let short = |commit: &String| commit.chars().take(10).collect::<String>();
    let mut line = format!("  broken {}: {}", image.image, image.says);
    if let Some(since) = &image.since {
        let _ = write!(line, "; since {} of {}", short(since), image.repository);
    }
    if let Some(good) = &image.last_good {
        let _ = write!(line, ", last good at {}", short(good));
    }
    match image.okd_only {
        Some(true) => line.push_str("; OKD only"),
        Some(false) => line.push_str("; OCP fails as well"),
        None => {}
    }
    if let Some(silenced) = &image.silenced {
        let _ = write!(line, "; silenced: {silenced}");
    }
    let _ = writeln!(out, "{}", terminal(&line));
    for said in &image.lines {
        let _ = writeln!(out, "    | {}", terminal(said));
    }
    for suspect in image.suspects.iter().take(SUSPECTS) {
        let pull = suspect
            .pull
            .map_or_else(|| short(&suspect.commit), |pull| format!("#{pull}"));
        let _ = writeln!(out, "    suspect {}", terminal(&format!("{pull} {}", suspect.title)));
    }
    if image.suspects.len() > SUSPECTS {
        let _ = writeln!(out, "    and {} more", image.suspects.len() - SUSPECTS);
    }
}

fn by_cause(out: &mut String, state: ImageState, images: &[&ImageResult]) {
    let mut causes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for image in images {
        causes.entry(&image.says).or_default().push(&image.image);
    }
    for (says, tags) in causes {
        let line = format!("  {} {}: {says}", state.name(), tags.join(", "));
        let _ = writeln!(out, "{}", terminal(&line));
    }
}
