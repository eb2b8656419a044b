//! What this machine has to have: a clock, a place to keep things, secrets.

use std::fs;
use std::path::Path;

use super::Check;
use crate::config::{Access, Config, Secret};
use crate::store::{Store, WarningKind};

/// No clock that is right is before this: 2026-01-01.
const EARLIEST: i64 = 1_767_225_600;
/// Shorter secrets can be tried out.
const SHORT: usize = 16;

/// Whether the clock can be right at all; GitHub's own is compared with it where there is a token.
pub(super) fn clock(now: i64) -> Check {
    let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
    let shown = format!("{} UTC", time.format("%Y-%m-%d %H:%M:%S"));
    if now < EARLIEST {
        let help = "set the clock: acceptances end by it, and a GitHub App signs with it";
        return Check::fail("clock", format!("it says {shown}, which is long ago"), help);
    }
    Check::ok("clock", shown)
}

/// Whether the state directory can be used.
pub(super) fn state(dir: &Path) -> Vec<Check> {
    let writable = folder("state", dir);
    if writable.state != super::State::Ok {
        return vec![writable];
    }
    let (_, warning) = Store::open(dir);
    let cache = warning.map(|warning| match warning.kind {
        WarningKind::InUse => Check::note("state", warning.message, "nothing, where that is the service itself"),
        WarningKind::Rebuilt | WarningKind::Cleared => Check::note("state", warning.message, "nothing"),
        WarningKind::Unavailable | WarningKind::Newer => Check::fail(
            "state",
            warning.message,
            "give this version a `state` directory of its own",
        ),
    });
    [Some(writable), cache].into_iter().flatten().collect()
}

/// Whether files can be made in a folder.
pub(super) fn folder(what: &str, dir: &Path) -> Check {
    let shown = dir.display();
    let probe = dir.join(format!(".lockstep-doctor-{}", std::process::id()));
    let made = fs::create_dir_all(dir).and_then(|()| fs::write(&probe, b"x"));
    let gone = made.and_then(|()| fs::remove_file(&probe));
    match gone {
        Ok(()) => Check::ok(what, format!("{shown} can be written")),
        Err(error) => Check::fail(
            what,
            format!("{shown} cannot be written: {error}"),
            "make the folder, or let the user that lockstep runs as write there",
        ),
    }
}

/// Whether the secrets of the HTTP server can be read.
pub(super) fn secrets(config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    match &config.server.webhook {
        Some(secret) => checks.push(of("webhook secret", secret)),
        None => checks.push(Check::note(
            "webhook secret",
            "there is none, so changes at GitHub are noticed by the schedule alone",
            "nothing, or `server.webhook` (docs/operations.md)",
        )),
    }
    if let Access::Token(secret) = &config.server.access {
        checks.push(of("access token", secret));
    }
    checks
}

fn of(what: &str, secret: &Secret) -> Check {
    let (place, read) = match secret {
        Secret::Env(name) => (
            format!("the environment variable {name}"),
            std::env::var(name).map_err(|error| error.to_string()),
        ),
        Secret::File(path) => (
            path.display().to_string(),
            fs::read_to_string(path).map_err(|error| error.to_string()),
        ),
    };
    match read.as_deref().map(str::trim) {
        Err(why) => Check::fail(what, format!("{place} cannot be read: {why}"), "put the secret there"),
        Ok("") => Check::fail(what, format!("{place} is empty"), "put the secret there"),
        Ok(text) if text.len() < SHORT => Check::note(
            what,
            format!("{place} holds {} characters, which can be tried out", text.len()),
            "make a longer one: `openssl rand -hex 32`",
        ),
        Ok(_) => Check::ok(what, format!("{place} holds one")),
    }
}
