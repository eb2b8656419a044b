//! The part of the configuration that is about findings.

use super::fault::{Code, Fault, span};
use super::keys;
use super::view::View;
use crate::audit::registry;
use crate::base::Date;
use crate::finding::Severity;
use crate::finding::policy::{AuditPolicy, Level, Scope, Setting, Suppression};
use crate::rules::load::nearest;

/// Reads the section.
pub(super) fn policy(view: View<'_>, file: &str) -> AuditPolicy {
    let settings = view
        .items("severity")
        .map(|node| setting(View::of(node, &keys::SEVERITY)));
    let suppress = view.items("suppress").map(|node| {
        let at = format!("{file}:{}", node.pos.line);
        suppression(View::of(node, &keys::SUPPRESS), at)
    });
    AuditPolicy {
        settings: settings.collect(),
        suppress: suppress.collect(),
    }
}

/// Tells of codes that do not exist.
pub(super) fn check_codes(view: View<'_>, faults: &mut Vec<Fault>) {
    let known: Vec<_> = registry::codes().iter().map(|code| code.name).collect();
    for node in view.items("severity").chain(view.items("suppress")) {
        let Some(code) = node.get("code") else { continue };
        let Some(name) = code.as_str().filter(|name| registry::find(name).is_none()) else {
            continue;
        };
        let message = format!("there is no finding `{name}`");
        faults.push(Fault::new(Code::BadValue, span(code), message, nearest(name, &known)));
    }
}

fn setting(view: View<'_>) -> Setting {
    Setting {
        code: view.text("code").to_owned(),
        level: match view.text("level") {
            // A bare `off` is read as false, which is no text.
            "off" | "" => Level::Off,
            "note" => Level::On(Severity::Note),
            "warning" => Level::On(Severity::Warning),
            _ => Level::On(Severity::Error),
        },
        scope: scope(view),
    }
}

fn suppression(view: View<'_>, at: String) -> Suppression {
    Suppression {
        code: view.text("code").to_owned(),
        scope: scope(view),
        reason: view.text("reason").to_owned(),
        author: view.text("author").to_owned(),
        // A day that cannot be read has been reported, and the configuration is thrown away.
        until: view.parsed("until").unwrap_or_else(|| Date::of_unix(0)),
        at,
    }
}

fn scope(view: View<'_>) -> Scope {
    let text = |key| view.has(key).then(|| view.text(key).to_owned());
    Scope {
        component: text("component"),
        image: text("image"),
        release: text("release"),
    }
}
