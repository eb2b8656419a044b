//! What all pages have in common: the templates, and what stands around each page.

use std::fmt::Write as _;
use std::sync::LazyLock;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, context};
use serde::Serialize;

use super::{Moment, assets, links, words};
use crate::base::text::terminal;
use crate::board::Lease;

const TEMPLATES: [(&str, &str); 17] = [
    ("frame.html", include_str!("html/frame.html")),
    ("macros.html", include_str!("html/macros.html")),
    ("matrix.html", include_str!("html/matrix.html")),
    ("image.html", include_str!("html/image.html")),
    ("drift.html", include_str!("html/drift.html")),
    ("requests.html", include_str!("html/requests.html")),
    ("runs.html", include_str!("html/runs.html")),
    ("findings.html", include_str!("html/findings.html")),
    ("graph.html", include_str!("html/graph.html")),
    ("cut.html", include_str!("html/cut.html")),
    ("results.html", include_str!("html/results.html")),
    ("payloads.html", include_str!("html/payloads.html")),
    ("verified.html", include_str!("html/verified.html")),
    ("verify.html", include_str!("html/verify.html")),
    ("impact.html", include_str!("html/impact.html")),
    ("impact-one.html", include_str!("html/impact-one.html")),
    ("missing.html", include_str!("html/missing.html")),
];

static PAGES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(environment);

fn environment() -> Result<Environment<'static>, Error> {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    pages.set_formatter(write);
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.add_filter("thousands", words::thousands);
    pages.add_filter("urlpart", |text: &str| links::part(text));
    for (name, text) in TEMPLATES {
        pages.add_template(name, text)?;
    }
    Ok(pages)
}

/// Writes a value into a page: what means something in HTML is escaped, and what steers a reader is shown as such.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => return Err(ErrorKind::UndefinedError.into()),
        ValueKind::None => return Ok(()),
        _ => {}
    }
    let written = match value.as_str() {
        Some(text) if !value.is_safe() && *state.auto_escape() != AutoEscape::None => escaped(out, text),
        _ => write!(out, "{value}"),
    };
    written.map_err(Error::from)
}

fn escaped(out: &mut Output<'_>, text: &str) -> std::fmt::Result {
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.write_char('\n')?;
        }
        for c in terminal(line).chars() {
            match c {
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '&' => out.write_str("&amp;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                c => out.write_char(c)?,
            }
        }
    }
    Ok(())
}

/// What stands around every page.
#[derive(Serialize)]
struct Frame {
    here: &'static str,
    style: String,
    version: &'static str,
    posted: String,
    started: String,
    writes: bool,
    lease: Option<String>,
    not_ready: Vec<(&'static str, String)>,
    /// Whether anything was derived yet: before that, nothing that is not there says anything.
    derived: bool,
    /// Whether a run has looked at the pull requests.
    looked: bool,
    queue_length: usize,
}

impl Frame {
    fn of(template: &str, look: &Moment<'_>, queue_length: usize) -> Self {
        let lease = match &look.view.lease {
            Lease::Alone => None,
            Lease::Held { since } => Some(format!("holds the lease since {}", words::utc(*since))),
            Lease::Elsewhere { holder } => Some(format!("only looks: {holder} holds the lease")),
            Lease::Unknown(why) => Some(format!("only looks: {why}")),
            Lease::Observing => Some("only looks: it was started with --observe".to_owned()),
        };
        let reasons = look.view.reasons().into_iter();
        Self {
            here: here(template),
            style: assets::address("style.css"),
            version: env!("CARGO_PKG_VERSION"),
            posted: words::utc(look.now),
            started: words::utc(look.view.started),
            writes: look.view.lease.writes(),
            lease,
            not_ready: reasons.map(|(what, why)| (what, why.to_owned())).collect(),
            derived: !look.view.releases.is_empty(),
            looked: !look.view.applied.run.is_empty() || !look.view.pull_requests.is_empty(),
            queue_length,
        }
    }
}

/// Which of the pages that are linked to from everywhere a template belongs to.
fn here(template: &str) -> &'static str {
    match template {
        "matrix.html" | "image.html" => "/",
        "drift.html" => "/drift",
        "requests.html" => "/pull-requests",
        "runs.html" => "/runs",
        "findings.html" => "/findings",
        "graph.html" => "/graph",
        "results.html" => "/results",
        "payloads.html" => "/payloads",
        "cut.html" => "/cut",
        "verified.html" | "verify.html" => "/verify",
        "impact.html" | "impact-one.html" => "/impact",
        _ => "",
    }
}

/// What a template gets to see of a page's content.
pub(super) fn value<T: Serialize>(content: T) -> Value {
    Value::from(Serde(content))
}

/// Makes a page.
///
/// # Errors
/// A template that is wrong, or that names what the content does not have.
pub(super) fn render(template: &str, look: &Moment<'_>, queue_length: usize, content: Value) -> Result<String, Error> {
    let pages = match &*PAGES {
        Ok(pages) => pages,
        Err(error) => return Err(Error::new(ErrorKind::SyntaxError, format!("{error:#}"))),
    };
    let frame = Frame::of(template, look, queue_length);
    let context = context! { frame => value(frame), page => content };
    pages.get_template(template)?.render(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_well_formed() {
        let pages = environment().unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(pages.templates().count(), TEMPLATES.len());
    }

    #[test]
    fn what_inputs_say_is_text_and_nothing_else() {
        let mut pages = environment().unwrap();
        pages
            .add_template("t.html", "<i title=\"{{ x }}\">{{ x }}</i>")
            .unwrap();
        let said = "<b onclick='x'>\"&\u{202e}\u{7}\na/b";
        let html = pages
            .get_template("t.html")
            .unwrap()
            .render(context! { x => said })
            .unwrap();
        let text = "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;\\u{202e}\\u{7}\na/b";
        assert_eq!(html, format!("<i title=\"{text}\">{text}</i>"));
        pages.add_template("u.html", "{{ y }}").unwrap();
        let undefined = pages.get_template("u.html").unwrap().render(context! {});
        assert!(undefined.is_err(), "a name that nobody gives is a fault");
    }
}
