//! Checks texts against the format that their key asks for.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;

use super::fault::{Code, Fault, Span};
use super::keys::{Format, one_of};
use super::{secret, wording};
use crate::base::{Date, Release, RepoName};
use crate::source::{Location, LocationError, Template};

/// Checks a text and adds what is wrong to `faults`.
pub(super) fn check(text: &str, format: Format, span: Span, faults: &mut Vec<Fault>) {
    if secret::is_secret(text) {
        let hint = "name where the secret is found instead, and change this one, since it has been seen";
        faults.push(Fault::new(Code::Secret, span, "this value holds a secret", hint));
        return;
    }
    if text.trim().is_empty() {
        faults.push(bad(
            span,
            "the text is empty".into(),
            "give a value, or leave the key out".into(),
        ));
        return;
    }
    if let Err((message, hint)) = check_format(text, format) {
        faults.push(bad(span, message, hint));
    }
    if let Format::Repository { may, must } | Format::Template { may, must } = format {
        check_placeholders(text, may, must, span, faults);
    } else if let Format::ImageReferences { may } = format {
        check_placeholders(text, may, &[], span, faults);
    }
}

/// Whether a text has the form that a format asks for, placeholders aside.
pub(super) fn takes(text: &str, format: Format) -> bool {
    check_format(text, format).is_ok()
}

fn bad(span: Span, message: String, hint: Cow<'static, str>) -> Fault {
    Fault::new(Code::BadValue, span, message, hint)
}

/// The message and the hint of what is wrong.
type Verdict = Result<(), (String, Cow<'static, str>)>;

fn check_format(text: &str, format: Format) -> Verdict {
    match format {
        Format::Any | Format::Path | Format::Template { .. } => Ok(()),
        Format::Release => said(text.parse::<Release>(), "write it as \"4.16\""),
        Format::Date => said(text.parse::<Date>(), "such as 2026-01-31"),
        Format::Component => said(text.parse::<RepoName>(), "write it as `org/repo`"),
        Format::ImageReferences { .. } if is_oci(text) => Ok(()),
        Format::Repository { .. } | Format::ImageReferences { .. } => check_location(text),
        Format::Server => match Location::server_in(text, Path::new("")) {
            Err(LocationError::Invalid { text, message }) => Err((format!("`{text}` cannot be read"), message.into())),
            _ => Ok(()),
        },
        Format::Url => {
            let http = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            let named = http
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace));
            ok_if(
                named,
                text,
                "is not an `http` or `https` URL",
                "write it as `https://api.github.com`",
            )
        }
        Format::EnvName => {
            let legal = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let starts = !text.starts_with(|c: char| c.is_ascii_digit());
            ok_if(
                legal && starts,
                text,
                "is not the name of an environment variable",
                "write the name, such as `GITHUB_TOKEN`",
            )
        }
        Format::ObjectName => {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let ends = |c: Option<char>| c.is_some_and(|c| legal(c) && c != '-');
            let named = text.len() <= 63 && text.chars().all(legal);
            ok_if(
                named && ends(text.chars().next()) && ends(text.chars().last()),
                text,
                "is not the name of an object in Kubernetes",
                "write at most 63 lower-case letters, digits and `-`, such as `lockstep`",
            )
        }
        Format::Schedule => check_schedule(text),
        Format::Address => check_address(text),
    }
}

fn said<T, E: std::fmt::Display>(result: Result<T, E>, hint: &'static str) -> Verdict {
    result.map(|_| ()).map_err(|error| (error.to_string(), hint.into()))
}

fn ok_if(holds: bool, text: &str, fault: &str, hint: &'static str) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err((format!("`{text}` {fault}"), hint.into()))
    }
}

/// Whether a template gives a location: with the shortest and the longest release it does so with every release.
fn check_location(text: &str) -> Verdict {
    let template = Template::new(text);
    for release in [Release::new(0, 0), Release::new(u32::MAX, u32::MAX)] {
        let filled = template.expand(&[("org", "org"), ("repo", "repo"), ("release", &release.to_string())]);
        // A fault of a placeholder is reported at its own place.
        if let Err(LocationError::Invalid { message, .. }) = filled {
            return Err((format!("`{template}` cannot be read"), message.into()));
        }
    }
    Ok(())
}

/// An IP address and a port; of what has a port alone, or a name before it, the hint keeps the port.
fn check_address(text: &str) -> Verdict {
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    let last = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let port = last.filter(|port| *port > 0).unwrap_or(8080);
    let hint = format!(
        "write an IP address and a port: `127.0.0.1:{port}` for this machine alone, `0.0.0.0:{port}` or `\"[::]:{port}\"` for others, too"
    );
    Err((format!("`{text}` is not an address to listen on"), hint.into()))
}

/// A cron expression as far as it can be checked without a calendar: six or seven fields of legal characters.
fn check_schedule(text: &str) -> Verdict {
    let fields = text.split_whitespace().count();
    let legal = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c.is_whitespace() || "*/,-?".contains(c));
    let hint = "second, minute, hour, day of month, month, day of week, such as `0 */10 * * * *` for every ten minutes";
    let message = match (legal, fields) {
        (false, _) => format!("`{text}` has characters that no cron expression has"),
        (true, 6 | 7) => return Ok(()),
        (true, n) => format!(
            "`{text}` has {n} field{}, a cron expression with seconds has six",
            if n == 1 { "" } else { "s" }
        ),
    };
    Err((message, hint.into()))
}

fn check_placeholders(text: &str, may: &[&str], must: &[&str], span: Span, faults: &mut Vec<Fault>) {
    let template = Template::new(text);
    for (at, name) in template.placeholders() {
        let place = Span {
            width: name.map_or(1, |name| name.chars().count() + 2),
            ..span
        };
        let inside = text.get(..at).map(|before| before.chars().count());
        faults.extend(placeholder_fault(place, name, may).map(|fault| Fault { inside, ..fault }));
    }
    for name in must.iter().filter(|name| !template.has(name)) {
        let message = format!("the placeholder `{{{name}}}` is missing");
        let hint = match *name {
            "release" => "without it all releases would share it",
            _ => "without it every component would be read from one repository",
        };
        faults.push(Fault::new(Code::BadPlaceholder, span, message, hint));
    }
}

fn placeholder_fault(span: Span, name: Option<&str>, may: &[&str]) -> Option<Fault> {
    let hint = match may {
        [] => "no placeholder may stand here".to_owned(),
        _ => {
            let braced: Vec<String> = may.iter().map(|name| format!("{{{name}}}")).collect();
            let words: Vec<&str> = braced.iter().map(String::as_str).collect();
            format!("what may stand here is {}", one_of(&words))
        }
    };
    let Some(name) = name else {
        return Some(Fault::new(
            Code::BadPlaceholder,
            span,
            "this brace is never closed",
            hint,
        ));
    };
    if may.contains(&name) {
        return None;
    }
    let hint = wording::nearest(name, may).map_or(hint, |meant| format!("did you mean `{{{meant}}}`?"));
    Some(Fault::new(
        Code::BadPlaceholder,
        span,
        format!("unknown placeholder `{{{name}}}`"),
        hint,
    ))
}

/// Whether an `image-references` text is a reference into a registry: neither a URL nor a path that says so.
pub(super) fn is_oci(text: &str) -> bool {
    !text.contains("://") && !["./", "../", "/"].iter().any(|start| text.starts_with(start))
}
