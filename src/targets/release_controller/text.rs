//! The text of a new file, made of an older one's: what names a release moves on, and a person's formatting stays.

use std::ops::Range;

use serde_json::Value as Json;

use crate::base::Release as Number;
use crate::facts::json::{self, Fault, NotJson, What};
use crate::facts::release_controller::{self, Controller, Entry};
use crate::targets::shift::Shift;

/// What a new file is made of and for.
pub(super) struct Making<'m> {
    /// The release of the older file, and the release that is upgraded to it as rules have it.
    pub from: (Number, Option<Number>),
    pub to: Number,
    /// The releases that are upgraded to the new one.
    pub upgrades_from: &'m [Number],
    /// What the entries of further upgrades are called: with `{name}` and `{from}`.
    pub further: &'m str,
    /// What an entry says that upgrades from the minor release before, where there is none.
    pub previous_minor: &'m Json,
    /// The jobs that there will be, each with the end of its name that does not depend on a branch.
    pub jobs: &'m [(String, String)],
}

impl Making<'_> {
    /// The new text.
    ///
    /// # Errors
    /// The older one cannot be read.
    pub fn text(&self, older: &[u8]) -> Result<String, Fault> {
        let there = release_controller::read(older)?;
        let older = std::str::from_utf8(older).map_err(|_| NotJson::NotUtf8.at(1))?;
        let first = self.first_upgrade(&there);
        let kept = without(older, |entry| {
            let from = entry.from.as_deref().and_then(|from| from.parse().ok());
            from.is_some_and(|from: Number| Some(from) != first || self.upgrades_from.is_empty())
        })?;
        let before = first.or(self.from.1);
        let shift = Shift::between((self.from.0, before), (self.to, self.upgrades_from.first().copied()));
        let text = self.jobs(&shift.text(&kept))?;
        let text = self.further(&text)?;
        self.without_minor_before(&text)
    }

    /// The release that the older file upgrades from first.
    fn first_upgrade(&self, there: &Controller) -> Option<Number> {
        let all = there
            .entries
            .iter()
            .filter_map(|entry| entry.from.as_deref()?.parse().ok());
        let all: Vec<Number> = all.collect();
        let of_rule = self.from.1.filter(|from| all.contains(from));
        of_rule.or_else(|| all.first().copied())
    }

    /// Names the jobs that there will be, where they are the same but for the branch of their config.
    fn jobs(&self, text: &str) -> Result<String, Fault> {
        let mut changes = Vec::new();
        for (name, range) in release_controller::read(text.as_bytes())?
            .entries
            .into_iter()
            .filter_map(|entry| entry.job)
        {
            if self.jobs.iter().any(|(job, _)| *job == name) {
                continue;
            }
            let same = self.jobs.iter().filter(|(_, end)| name.ends_with(end.as_str()));
            if let Some((job, _)) = same.max_by_key(|(_, end)| end.len()) {
                changes.push((range, quoted(job)));
            }
        }
        Ok(spliced(text, changes))
    }

    /// Adds an entry for each further upgrade, a copy of that of the first.
    fn further(&self, text: &str) -> Result<String, Fault> {
        let Some((first, rest)) = self.upgrades_from.split_first() else {
            return Ok(text.to_owned());
        };
        let entries = release_controller::read(text.as_bytes())?.entries;
        let is_first = |entry: &&Entry| entry.from.as_deref() == Some(first.to_string().as_str());
        let mut changes = Vec::new();
        for entry in entries.iter().filter(is_first) {
            let block = text.get(entry.range.clone()).unwrap_or_default();
            let space = indent(text, entry.range.start).map_or(" ".to_owned(), |indent| format!("\n{indent}"));
            for from in rest {
                let key = self
                    .further
                    .replace("{name}", &entry.key)
                    .replace("{from}", &from.to_string());
                if entries.iter().any(|entry| entry.key == key) {
                    continue;
                }
                let value = block.get(quoted(&entry.key).len()..).unwrap_or_default();
                let value = Shift::between((*first, None), (*from, None)).text(value);
                let end = entry.range.end;
                changes.push((end..end, format!(",{space}{}{value}", quoted(&key))));
            }
        }
        Ok(spliced(text, changes))
    }

    /// Where the release is the first of its major, nothing is the minor release before it.
    fn without_minor_before(&self, text: &str) -> Result<String, Fault> {
        if self.to.minor > 0 {
            return Ok(text.to_owned());
        }
        let entries = release_controller::read(text.as_bytes())?.entries;
        let said = self.previous_minor.as_object();
        let replaces = said.is_some_and(|said| said.keys().any(|key| key.starts_with("upgradeFrom")));
        let mut changes = Vec::new();
        for entry in entries.iter().filter(|entry| from_minor_before(entry)) {
            let Some((_, range)) = &entry.upgrade_from else {
                continue;
            };
            let space = indent(text, range.start).map_or(" ".to_owned(), |indent| format!("\n{indent}"));
            let own = text.get(range.clone()).filter(|_| !replaces).map(str::to_owned);
            let new = said
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{}: {value}", quoted(key)));
            let parts: Vec<String> = own.into_iter().chain(new).collect();
            changes.push((range.clone(), parts.join(&format!(",{space}"))));
        }
        Ok(spliced(text, changes))
    }
}

/// Whether an entry upgrades from the minor release before, in the release controller's own words.
pub fn from_minor_before(entry: &Entry) -> bool {
    let words = entry.upgrade_from.as_ref().map(|(words, _)| words.as_str());
    !entry.disabled && words == Some("PreviousMinor")
}

/// The text of a file of a whole major with another major: what starts a text or stands before `.y` moves, names of jobs stay.
pub(super) fn of_major(older: &[u8], from: u32, to: u32) -> Result<String, Fault> {
    release_controller::read(older)?;
    let text = std::str::from_utf8(older).map_err(|_| NotJson::NotUtf8.at(1))?;
    let mut changes = Vec::new();
    texts(&json::parse(text)?, &mut |range| {
        let raw = text.get(range.clone()).unwrap_or_default();
        let moved = raw.replacen(&format!("\"{from}-"), &format!("\"{to}-"), 1);
        let moved = moved.replace(&format!("{from}.y"), &format!("{to}.y"));
        if moved != raw {
            changes.push((range, moved));
        }
    });
    Ok(spliced(text, changes))
}

/// All texts but those of jobs.
fn texts(value: &json::Value, found: &mut impl FnMut(Range<usize>)) {
    match &value.what {
        What::Text(_) => found(value.range.clone()),
        What::Word => {}
        What::List(items) => items.iter().for_each(|item| texts(item, found)),
        What::Map(members) => {
            let others = members.iter().filter(|member| member.key != "prowJob");
            others.for_each(|member| texts(&member.value, found));
        }
    }
}

/// A text without some entries of `verify`.
fn without(text: &str, goes: impl Fn(&Entry) -> bool) -> Result<String, Fault> {
    let mut text = text.to_owned();
    loop {
        let entries = release_controller::read(text.as_bytes())?.entries;
        let Some(at) = entries.iter().position(&goes) else {
            return Ok(text);
        };
        let before = at.checked_sub(1).and_then(|before| entries.get(before));
        let range = match (entries.get(at), entries.get(at + 1), before) {
            (Some(entry), Some(next), _) => entry.range.start..next.range.start,
            (Some(entry), None, Some(before)) => before.range.end..entry.range.end,
            (Some(entry), None, None) => entry.range.clone(),
            (None, ..) => return Ok(text),
        };
        text = spliced(&text, vec![(range, String::new())]);
    }
}

/// The space before a place, where nothing else stands before it in its line.
pub(super) fn indent(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let start = before.rfind('\n')? + 1;
    before.get(start..).filter(|space| space.trim().is_empty())
}

pub(super) fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// Puts pieces in the place of others.
pub fn spliced(text: &str, mut changes: Vec<(Range<usize>, String)>) -> String {
    changes.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in changes {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().expect("a release")
    }

    const OLDER: &str = "{\n  \"name\": \"5.0.0-0.okd\",\n  \"verify\": {\n    \"aws\":{\n      \"prowJob\": {\"name\": \
        \"periodic-ci-o-r-master-okd-5.0-e2e\"}\n    },\n     \"minor\": {\n      \"prowJob\": {\"name\": \
        \"periodic-ci-o-r-master-okd-5.0-upgrade-from-okd-4.22-e2e\"},\n      \"upgradeFromRelease\": {\"candidate\": \
        {\"version\": \"4.22\"}}\n    }\n  }\n}\n";

    fn made(older: &str, from: (&str, &str), to: &str, upgrades: &[&str], jobs: &[(&str, &str)]) -> String {
        let jobs: Vec<(String, String)> = jobs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let making = Making {
            from: (number(from.0), Some(number(from.1))),
            to: number(to),
            upgrades_from: &upgrades.iter().map(|text| number(text)).collect::<Vec<_>>(),
            further: "{name}-from-{from}",
            previous_minor: &serde_json::json!({"disabled": true}),
            jobs: &jobs,
        };
        making.text(older.as_bytes()).expect("a file")
    }

    #[test]
    fn a_second_upgrade_gets_an_entry_and_one_that_is_no_more_goes() {
        let both = made(OLDER, ("5.0", "4.22"), "5.1", &["4.22", "5.0"], &[]);
        let entry = "     \"minor-from-5.0\": {\n      \"prowJob\": {\"name\": \
                     \"periodic-ci-o-r-master-okd-5.1-upgrade-from-okd-5.0-e2e\"},\n      \"upgradeFromRelease\": {\"candidate\": \
                     {\"version\": \"5.0\"}}\n    }\n  }\n}\n";
        assert!(both.ends_with(entry), "{both}");
        assert!(both.contains(
            "\"minor\": {\n      \"prowJob\": {\"name\": \"periodic-ci-o-r-master-okd-5.1-upgrade-from-okd-4.22-e2e\"}"
        ));
        let next = made(&both, ("5.1", "4.22"), "5.2", &["5.1"], &[]);
        assert_eq!(
            next,
            OLDER.replace("5.0", "5.2").replace("4.22", "5.1"),
            "formatting and all"
        );
        let none = made(OLDER, ("5.0", "4.22"), "5.1", &[], &[]);
        assert!(
            !none.contains("minor") && release_controller::read(none.as_bytes()).is_ok(),
            "{none}"
        );
    }

    #[test]
    fn jobs_are_named_as_they_will_be() {
        let jobs = [("periodic-ci-o-r-main-okd-5.1-e2e", "-okd-5.1-e2e")];
        let text = made(OLDER, ("5.0", "4.22"), "5.1", &["5.0"], &jobs);
        assert!(text.contains("\"periodic-ci-o-r-main-okd-5.1-e2e\""), "{text}");
        assert!(
            text.contains("master-okd-5.1-upgrade-from-okd-5.0-e2e"),
            "what is not there keeps its name: {text}"
        );
    }

    #[test]
    fn what_upgrades_from_the_minor_before_is_switched_off_where_a_major_begins() {
        let older = "{\"verify\": {\n  \"minor\": {\n    \"upgradeFrom\": \"PreviousMinor\"\n  }}}";
        let text = made(older, ("4.23", "4.22"), "5.0", &["4.22"], &[]);
        let off =
            "{\"verify\": {\n  \"minor\": {\n    \"upgradeFrom\": \"PreviousMinor\",\n    \"disabled\": true\n  }}}";
        assert_eq!(text, off);
        assert_eq!(made(older, ("4.22", "4.21"), "4.23", &["4.22"], &[]), older);
    }

    #[test]
    fn a_new_major_has_its_own_streams() {
        let older = "{\n  \"name\":\"4-scos-next\",\n  \"to\": \"14-x\", \"verify\":{\"u\":{\"prowJob\": {\"name\": \"4-job\"}}}}\n";
        let text = of_major(older.as_bytes(), 4, 5).expect("a file");
        assert_eq!(text, older.replace("\"4-scos", "\"5-scos"));
        assert!(of_major(b"{\n// no\n}", 4, 5).is_err_and(|fault| fault.line == 2));
    }
}
