//! The answer as one page by itself, for a CI system that shows artifacts: no script, nothing that is loaded.

use std::fmt::Write as _;

use super::answer::{Impact, OfRelease};
use super::junit::xml;
use super::text::{UNSEEN, beside, line, title};

/// How the page looks, in light and in dark.
const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
                     li{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}";

/// Writes an answer.
pub fn page(impact: &Impact) -> String {
    let title = xml(&title(impact));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>OKD: {title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>{}</p>\n<p>{}</p>\n",
        xml(&impact.sentence),
        xml(&impact.todo)
    );
    for release in &impact.releases {
        of_release(&mut out, release);
    }
    let _ = writeln!(out, "<p>{UNSEEN}</p>\n</body></html>");
    out
}

fn of_release(out: &mut String, release: &OfRelease) {
    let _ = writeln!(out, "<h2>{}: {}</h2>", xml(&release.release), release.verdict.name());
    for (word, found) in [
        ("New", &release.new),
        ("Gone", &release.gone),
        ("Still", &release.still),
    ] {
        if found.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<h3>{word}</h3>\n<ul>");
        for one in found {
            let _ = writeln!(out, "<li>{}</li>", xml(&line(one)));
        }
        out.push_str("</ul>\n");
    }
    let beside = beside(release);
    if !beside.is_empty() {
        let _ = writeln!(out, "<p>Also: {}.</p>", xml(&beside));
    }
}
