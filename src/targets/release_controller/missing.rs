//! An entry that a release controller's file lacks and that its neighbours have, in the file's own style.

use std::ops::Range;

use super::text::{indent, quoted};
use super::{Spot, from_minor_before};
use crate::base::Release as Number;
use crate::facts::release_controller::{self, Entry};
use crate::targets::asking::OwnRules;
use crate::targets::payload_jobs::gates::minor_before;
use crate::targets::shift::Shift;

/// A job that no entry waits for.
#[derive(Clone, Copy, Debug)]
pub struct WantedEntry<'w> {
    /// Its name.
    pub job: &'w str,
    /// The end of its name that does not depend on a branch.
    pub end: &'w str,
    /// The release that it upgrades from, where it tests that.
    pub from: Option<Number>,
}

/// The piece by which a file gets an entry for a job, with its place; and whether payloads are accepted where the job fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Where it comes in.
    pub at: Range<usize>,
    /// What comes in.
    pub text: String,
    /// The file whose entry it is.
    pub of: String,
    /// Whether that entry is optional.
    pub optional: bool,
}

/// The entry for a job in the file of a release at a path: that of the newest older file of the same kind, or else of the oldest
/// newer one, with its versions moved; for a further upgrade that of the file's own first one. `None` where none of them has one,
/// or its key stands for something else here: which entry it is to be, somebody has to choose.
pub fn addition<'a, 'f>(
    release: impl Into<OwnRules<'a>>,
    spot: &Spot,
    (path, text): (&str, &str),
    wanted: WantedEntry<'_>,
    files: impl Iterator<Item = (&'f String, &'f [u8])>,
) -> Option<Addition> {
    let release = release.into();
    let own = release.number();
    let form = spot
        .paths
        .iter()
        .find(|form| own.of_same_form(form, path) == Some(own))?;
    let mut neighbours: Vec<(Number, &String, &str)> = files
        .filter_map(|(path, text)| Some((own.of_same_form(form, path)?, path, std::str::from_utf8(text).ok()?)))
        .filter(|(number, ..)| *number != own)
        .collect();
    neighbours.sort_by_key(|(number, ..)| *number);
    let split = neighbours.partition_point(|(number, ..)| *number < own);
    let older = split.checked_sub(1).and_then(|at| neighbours.get(at));
    let around = older.into_iter().chain(neighbours.get(split));
    let with = |number| (number, minor_before(release, number));
    let of_neighbour = |(number, of, text): &(Number, &String, &str)| {
        let shift = Shift::between(with(*number), with(own));
        let moved = shift.text(text);
        let entries = release_controller::read(moved.as_bytes()).ok()?.entries;
        let at = entries.iter().position(|entry| is_for(entry, wanted))?;
        Some(Source {
            text: moved,
            entries,
            at,
            key: None,
            of: (*of).clone(),
        })
    };
    let here = Here::of(text)?;
    let mut sources: Vec<Source> = around.filter_map(of_neighbour).collect();
    sources.extend(here.further(spot, wanted, path));
    sources.iter().find_map(|source| here.with(source, wanted))
}

/// Whether an entry waits for a job, whatever the branch of its config.
fn is_for(entry: &Entry, wanted: WantedEntry<'_>) -> bool {
    let same = entry.job.as_ref().is_some_and(|(name, _)| name.ends_with(wanted.end));
    let from = entry.from.as_deref().and_then(|from| from.parse::<Number>().ok());
    same && !entry.disabled && (wanted.from.is_none() || from == wanted.from || from_minor_before(entry))
}

/// An entry that another one is made of: of a text whose versions are those of the new one already.
struct Source {
    text: String,
    entries: Vec<Entry>,
    at: usize,
    /// What it is to be called; `None`: as it is.
    key: Option<String>,
    /// The file that it is of.
    of: String,
}

/// The file as it is.
struct Here<'h> {
    text: &'h str,
    entries: Vec<Entry>,
}

impl<'h> Here<'h> {
    fn of(text: &'h str) -> Option<Self> {
        let entries = release_controller::read(text.as_bytes()).ok()?.entries;
        Some(Self { text, entries })
    }

    /// The file's own entry of another upgrade, moved to the one that is wanted.
    fn further(&self, spot: &Spot, wanted: WantedEntry<'_>, path: &str) -> Option<Source> {
        let to = wanted.from?;
        self.entries.iter().enumerate().find_map(|(at, entry)| {
            let from: Number = entry.from.as_deref()?.parse().ok()?;
            let text = Shift::between((from, None), (to, None)).text(self.text);
            let entries = release_controller::read(text.as_bytes()).ok()?.entries;
            let key = spot.further_key(&entry.key, to);
            let fits = entries.get(at).is_some_and(|moved| is_for(moved, wanted));
            fits.then(|| Source {
                text,
                entries,
                at,
                key: Some(key),
                of: path.to_owned(),
            })
        })
    }

    fn with(&self, source: &Source, wanted: WantedEntry<'_>) -> Option<Addition> {
        let entry = source.entries.get(source.at)?;
        let key = source.key.as_ref().unwrap_or(&entry.key);
        if self.entries.iter().any(|own| own.key == *key) {
            return None;
        }
        let (job, range) = entry.job.as_ref()?;
        let mut block = source.text.get(entry.range.clone())?.to_owned();
        if job != wanted.job {
            let at = range.start - entry.range.start..range.end - entry.range.start;
            block.replace_range(at, &quoted(wanted.job));
        }
        block.replace_range(..quoted(&entry.key).len(), &quoted(key));
        let earlier = source.entries.iter().take(source.at).rev();
        let behind = earlier.filter_map(|before| self.entries.iter().find(|own| own.key == before.key));
        // A further upgrade stands behind the one that it is a copy of.
        let own = source.key.as_ref().and_then(|_| self.entries.get(source.at));
        let behind = own.into_iter().chain(behind).next().or(self.entries.last())?;
        let (space, block) = self.in_own_style(behind, &block);
        Some(Addition {
            at: behind.range.end..behind.range.end,
            text: format!(",{space}{block}"),
            of: source.of.clone(),
            optional: entry.optional,
        })
    }

    /// An entry as this file would have it, with the space before it: indented as its entries are, or in one line where they are.
    fn in_own_style(&self, behind: &Entry, block: &str) -> (String, String) {
        let own = |entry: &Entry| self.text.get(entry.range.clone()).unwrap_or_default();
        let model = self.entries.iter().find(|entry| own(entry).contains('\n'));
        let one_line = || block.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let Some(base) = indent(self.text, behind.range.start) else {
            return (" ".to_owned(), one_line());
        };
        let Some(model) = model.map(own) else {
            return (format!("\n{base}"), one_line());
        };
        let (base, inner) = steps(model).unwrap_or((base, "  "));
        let (old_base, old_inner) = steps(block).unwrap_or(("", "  "));
        let line = |line: &str| {
            let space = leading(line);
            let deeper = space.strip_prefix(old_base).unwrap_or_default();
            let depth = deeper.len() / old_inner.len().max(1);
            format!("{base}{}{}", inner.repeat(depth), line.trim_start())
        };
        let mut lines = block.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let all: Vec<String> = std::iter::once(first).chain(lines.map(line)).collect();
        (format!("\n{base}"), all.join("\n"))
    }
}

fn leading(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

/// The space before the last line of an entry, and what its second line has more; `None` of one in a single line.
fn steps(block: &str) -> Option<(&str, &str)> {
    let base = leading(block.lines().last().filter(|_| block.contains('\n'))?);
    let second = leading(block.lines().nth(1)?);
    let inner = second.strip_prefix(base).filter(|inner| !inner.is_empty())?;
    Some((base, inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::tests::world::World;
    use crate::targets::release_controller::place;

    const FOLDER: &str = "core-services/release-controller/_releases/release-okd-scos-";

    /// A file with entries, in people's own style.
    fn file(entries: &str) -> String {
        format!("{{\n  \"name\": \"x\",\n  \"verify\": {{\n{entries}\n  }}\n}}\n")
    }

    fn aws(release: &str) -> String {
        format!(
            "    \"aws\":{{\n      \"prowJob\": {{\"name\": \"periodic-ci-o-r-main-okd-scos-{release}-e2e\"}}\n    }}"
        )
    }

    fn gcp(release: &str) -> String {
        format!(
            "     \"gcp\": {{\n      \"optional\": true,\n      \"prowJob\": {{\n        \"name\": \
             \"periodic-ci-o-r-master-okd-scos-{release}-gcp\"\n      }}\n    }}"
        )
    }

    fn minor(release: &str, from: &str) -> String {
        format!(
            "    \"minor\": {{\n      \"prowJob\": {{\"name\": \
             \"periodic-ci-o-r-main-okd-scos-{release}-upgrade-from-okd-scos-{from}-up\"}},\n      \"upgradeFromRelease\": \
             {{\"candidate\": {{\"version\": \"{from}\"}}}}\n    }}"
        )
    }

    /// The file of 4.16 with the entry of a job, made with others by the end of their paths.
    fn made(here: &str, end: &str, from: Option<&str>, others: &[(&str, &str)]) -> Option<(String, bool)> {
        let world = World::new();
        let release = world.release();
        let spot = place(&release).expect("rules").expect("a place");
        let job = format!("periodic-ci-o-r-main{end}");
        let wanted = WantedEntry {
            job: &job,
            end,
            from: from.map(|from| from.parse().expect("a release")),
        };
        let path = |name: &str| format!("{FOLDER}{name}.json");
        let others: Vec<(String, &[u8])> = others
            .iter()
            .map(|(name, text)| (path(name), text.as_bytes()))
            .collect();
        let all = others.iter().map(|(path, text)| (path, *text));
        let made = addition(&release, &spot, (&path("4.16"), here), wanted, all)?;
        let mut text = here.to_owned();
        text.replace_range(made.at, &made.text);
        Some((text, made.optional))
    }

    #[test]
    fn an_entry_comes_as_the_release_before_has_it() {
        let here = file(&format!("{},\n{}", aws("4.16"), minor("4.16", "4.15")));
        let older = file(&format!(
            "{},\n{},\n{}",
            aws("4.15"),
            gcp("4.15"),
            minor("4.15", "4.14")
        ));
        let blocking = |release: &str| file(&gcp(release).replace("\"optional\": true,\n      ", ""));
        let (oldest, newer) = (blocking("4.14"), blocking("4.17"));
        let others = [("4.15", older.as_str()), ("4.17", newer.as_str())];
        let (text, optional) = made(&here, "-okd-scos-4.16-gcp", None, &others).expect("an entry");
        let moved = gcp("4.16")
            .replace("     \"gcp\"", "    \"gcp\"")
            .replace("master", "main");
        assert_eq!(
            text,
            file(&format!("{},\n{moved},\n{}", aws("4.16"), minor("4.16", "4.15"))),
            "behind the one that it stands behind there"
        );
        assert!(optional);
        let (_, optional) = made(&here, "-okd-scos-4.16-gcp", None, &others[1..]).expect("of the newer one");
        assert!(!optional);
        assert_eq!(
            made(&here, "-okd-scos-4.16-azure", None, &others),
            None,
            "nobody has it"
        );
        assert_eq!(
            made(
                &here,
                "-okd-scos-4.16-gcp",
                None,
                &[("4.15-ci", &older), ("4.14", &oldest), ("4.17", "{")]
            )
            .map(|(_, optional)| optional),
            Some(false),
            "another kind says nothing, and what cannot be read costs itself"
        );
    }

    #[test]
    fn a_key_that_stands_for_something_else_is_left_to_people() {
        let here = file(&aws("4.16").replace("e2e", "other"));
        let older = file(&aws("4.15"));
        assert_eq!(made(&here, "-okd-scos-4.16-e2e", None, &[("4.15", &older)]), None);
    }

    #[test]
    fn an_upgrade_comes_with_the_release_that_it_starts_from() {
        let here = file(&aws("4.16"));
        let older = file(&format!("{},\n{}", aws("4.15"), minor("4.15", "4.14")));
        let end = "-okd-scos-4.16-upgrade-from-okd-scos-4.15-up";
        let (text, _) = made(&here, end, Some("4.15"), &[("4.15", &older)]).expect("an entry");
        assert_eq!(text, file(&format!("{},\n{}", aws("4.16"), minor("4.16", "4.15"))));
        // Of two upgrades the second is made of the first, where no neighbour has it.
        let further = "-okd-scos-4.16-upgrade-from-okd-scos-4.14-up";
        let (text, _) = made(&text, further, Some("4.14"), &[]).expect("an entry");
        let second = minor("4.16", "4.14").replace("\"minor\"", "\"minor-from-4.14\"");
        assert_eq!(
            text,
            file(&format!("{},\n{},\n{second}", aws("4.16"), minor("4.16", "4.15")))
        );
    }

    #[test]
    fn it_has_the_style_of_the_file() {
        let older = file(&gcp("4.15"));
        let one_line = file("    \"aws\": { \"prowJob\": {\"name\": \"x\"} }");
        let (text, _) = made(&one_line, "-okd-scos-4.16-gcp", None, &[("4.15", &older)]).expect("an entry");
        assert!(
            text.contains(
                "{\"name\": \"x\"} },\n    \"gcp\": { \"optional\": true, \"prowJob\": { \"name\": \
                 \"periodic-ci-o-r-main-okd-scos-4.16-gcp\" } }\n"
            ),
            "{text}"
        );
        let tabs = "{\n\t\"verify\": {\n\t\t\"aws\": {\n\t\t\t\"prowJob\": {\"name\": \"x\"}\n\t\t}\n\t}\n}\n";
        let (text, _) = made(tabs, "-okd-scos-4.16-gcp", None, &[("4.15", &older)]).expect("an entry");
        assert!(
            text.contains("\n\t\t},\n\t\t\"gcp\": {\n\t\t\t\"optional\": true,\n\t\t\t\"prowJob\": {\n\t\t\t\t\"name\": \"periodic"),
            "{text}"
        );
        let all_in_one = "{\"verify\": {\"aws\": {\"prowJob\": {\"name\": \"x\"}}}}";
        let (text, _) = made(all_in_one, "-okd-scos-4.16-gcp", None, &[("4.15", &older)]).expect("an entry");
        assert!(
            text.starts_with("{\"verify\": {\"aws\": {\"prowJob\": {\"name\": \"x\"}}, \"gcp\": { \"optional\""),
            "{text}"
        );
        for text in [text.as_str(), tabs] {
            assert!(release_controller::read(text.as_bytes()).is_ok());
        }
        assert_eq!(
            made("{\"verify\": {}}", "-okd-scos-4.16-gcp", None, &[("4.15", &older)]),
            None
        );
    }
}
