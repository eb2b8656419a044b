//! The entry of a new stream in the configuration of image mirroring, beside those of the streams of its kind and like them.

use std::collections::BTreeSet;

use super::mapping::MirrorConfig;
use crate::base::Release;
use crate::targets::shift::Shift;
use crate::yaml::{self, Node};

/// A stream of the same form as the new one: its release, and the lines that it has in the text, from 0.
struct Known {
    release: Release,
    name: String,
    lines: std::ops::Range<usize>,
}

/// The configuration with a stream that it lacks; `None` where none of its kind is there, or the text is not written line by
/// line. The tags of the newest one with the other release in them; those of `moving` leave it where the new one is newer.
pub(super) fn with_stream(text: &str, stream: &str, release: Release, moving: &[String]) -> Option<String> {
    let root = yaml::parse(text.as_bytes()).ok()?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let known = known(&root, lines.len(), stream, release)?;
    let newest = known.iter().max_by_key(|one| one.release)?;
    let is_newest = release > newest.release;
    // Whether the newest stands first. Where there is one only: as people have it for all but those named after a release alone.
    let oldest = known.iter().min_by_key(|one| one.release)?;
    let descends =
        newest.lines.start < oldest.lines.start || known.len() == 1 && newest.name.parse::<Release>().is_err();
    let older = known
        .iter()
        .filter(|one| one.release < release)
        .max_by_key(|one| one.release);
    let newer = known
        .iter()
        .filter(|one| one.release > release)
        .min_by_key(|one| one.release);
    let at = match (descends, older, newer) {
        (true, Some(older), _) => older.lines.start,
        (false, Some(older), _) => older.lines.end,
        (true, None, Some(newer)) => newer.lines.end,
        (false, None, Some(newer)) => newer.lines.start,
        (_, None, None) => return None,
    };
    let moves = |line: &str| moving.iter().any(|tag| tag_of(line).is_some_and(|own| own == *tag));
    let shift = Shift::between((newest.release, None), (release, None));
    let block = lines.get(newest.lines.clone())?;
    let (head, items) = block.split_first()?;
    if !head.trim_end().ends_with(':') {
        return None;
    }
    let mut own = head.replacen(&newest.name, stream, 1);
    for item in items.iter().filter(|item| tag_of(item).is_some()) {
        let moved = shift.plain(item);
        if moved != **item || (is_newest && moves(item)) {
            own.push_str(&ended(&moved));
        }
    }
    let mut out = String::with_capacity(text.len() + own.len());
    for (number, line) in lines.iter().enumerate() {
        if number == at {
            out.push_str(&own);
        }
        let leaves = is_newest && moves(line) && known.iter().any(|one| one.lines.contains(&number));
        if !leaves {
            out.push_str(&if number + 1 == at {
                ended(line)
            } else {
                (*line).to_owned()
            });
        }
    }
    if at >= lines.len() {
        out.push_str(&own);
    }
    means(&root, &out, stream).then_some(out)
}

/// The configuration without a stream; `None` where it has none of that name, or is not written line by line.
pub(super) fn without_stream(text: &str, stream: &str) -> Option<String> {
    let root = yaml::parse(text.as_bytes()).ok()?;
    let images = root.get("images")?.as_map()?;
    let at = images.entries.iter().position(|(key, _)| *key.text == *stream)?;
    let line = |at: usize| {
        images
            .entries
            .get(at)
            .map(|(key, _)| key.pos.line.saturating_sub(1) as usize)
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let start = line(at)?;
    let behind = root
        .as_map()
        .into_iter()
        .flat_map(|map| &map.entries)
        .map(|(key, _)| key.pos.line as usize - 1);
    let end = line(at + 1)
        .or_else(|| behind.filter(|line| *line > start).min())
        .unwrap_or(lines.len());
    let kept = lines.iter().enumerate().filter(|(number, line)| {
        // A comment between two streams tells of the one below it.
        !(start..end).contains(number) || line.trim_start().starts_with('#')
    });
    let out: String = kept.map(|(_, line)| *line).collect();
    let (before, after) = (
        MirrorConfig::read(&root),
        MirrorConfig::read(&yaml::parse(out.as_bytes()).ok()?),
    );
    let mut wanted = before.streams;
    wanted.remove(stream);
    (after.streams == wanted && !wanted.is_empty()).then_some(out)
}

/// Whether a text says of all other streams what they said, some tags aside, and has the new one.
fn means(before: &Node, text: &str, stream: &str) -> bool {
    let Ok(root) = yaml::parse(text.as_bytes()) else {
        return false;
    };
    let (before, after) = (MirrorConfig::read(before), MirrorConfig::read(&root));
    let has = after.streams.get(stream).is_some_and(|tags| !tags.is_empty());
    let kept = |(name, tags): (&String, &Vec<String>)| {
        let own = after.streams.get(name);
        own.is_some_and(|own| own.iter().all(|tag| tags.contains(tag)))
    };
    has && after.faults.len() == before.faults.len()
        && after.streams.len() == before.streams.len() + 1
        && before.streams.iter().all(kept)
}

/// The streams whose names differ from the new one's in nothing but the release.
fn known(root: &Node, lines: usize, stream: &str, release: Release) -> Option<Vec<Known>> {
    let images = root.get("images")?.as_map()?;
    let starts: Vec<(usize, &str)> = images
        .entries
        .iter()
        .map(|(key, _)| (key.pos.line.saturating_sub(1) as usize, &*key.text))
        .collect();
    // What stands behind the streams, if anything.
    let behind = root
        .as_map()
        .into_iter()
        .flat_map(|map| &map.entries)
        .map(|(key, _)| key.pos.line as usize - 1);
    let last = starts.last()?.0;
    let end = behind.filter(|line| *line > last).min().unwrap_or(lines);
    let ends = starts.iter().skip(1).map(|(line, _)| *line).chain([end]);
    let all = starts.iter().zip(ends).filter_map(|((start, name), end)| {
        Some(Known {
            release: release.of_same_form(stream, name)?,
            name: (*name).to_owned(),
            lines: *start..end,
        })
    });
    let all: Vec<Known> = all.collect();
    (!all.is_empty() && all.iter().all(|one| one.lines.start < one.lines.end)).then_some(all)
}

/// The tag of an item's line.
fn tag_of(line: &str) -> Option<&str> {
    let tag = line.trim().strip_prefix("- ")?.trim();
    Some(tag.trim_matches(['"', '\'']))
}

/// A line with a line break at its end.
fn ended(line: &str) -> String {
    match line.ends_with('\n') {
        true => line.to_owned(),
        false => format!("{line}\n"),
    }
}

/// The configuration with every stream that one of the others has of it.
pub(super) fn joined(before: &str, afters: &[&str]) -> Option<String> {
    let read = |text: &str| Some(MirrorConfig::read(&yaml::parse(text.as_bytes()).ok()?));
    let there = read(before)?;
    let (mut new, mut moving) = (BTreeSet::new(), BTreeSet::new());
    for after in afters {
        let after = read(after)?;
        let more = after.streams.keys().filter(|name| !there.streams.contains_key(*name));
        new.extend(more.filter_map(|name| Some((name.rsplit('-').next()?.parse::<Release>().ok()?, name.clone()))));
        for (name, tags) in &there.streams {
            let now = after.streams.get(name).map(Vec::as_slice).unwrap_or_default();
            // What leaves a stream goes to a newer one.
            moving.extend(tags.iter().filter(|tag| !now.contains(tag)).cloned());
        }
    }
    let moving: Vec<String> = moving.into_iter().collect();
    new.into_iter().try_fold(before.to_owned(), |text, (release, stream)| {
        with_stream(&text, &stream, release, &moving)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "source_namespace: origin\nimages:\n  \"4.18\":\n  - \"4.18\"\n  - \"4.18.0\"\n  \"4.19\":\n  - \"4.19\"\n  \
                        - \"4.19.0\"\n  - latest\n  # newest first\n  \"scos-4.19\":\n  - \"4.19\"\n  - \"4.19.0\"\n  - latest\n  \
                        \"scos-4.18\":\n  - \"4.18\"\n  - \"4.18.0\"";

    fn with(stream: &str, release: &str) -> Option<String> {
        with_stream(
            TEXT,
            stream,
            release.parse().expect("a release"),
            &["latest".to_owned()],
        )
    }

    #[test]
    fn a_new_stream_stands_where_people_would_put_it() {
        let scos = with("scos-4.20", "4.20").expect("an entry");
        let expected = TEXT.replace(
            "  \"scos-4.19\":\n  - \"4.19\"\n  - \"4.19.0\"\n  - latest\n",
            "  \"scos-4.20\":\n  - \"4.20\"\n  - \"4.20.0\"\n  - latest\n  \"scos-4.19\":\n  - \"4.19\"\n  - \"4.19.0\"\n",
        );
        assert_eq!(scos, expected);
        let plain = with("4.20", "4.20").expect("an entry");
        assert!(
            plain.contains(
                "  - \"4.19.0\"\n  # newest first\n  \"4.20\":\n  - \"4.20\"\n  - \"4.20.0\"\n  - latest\n  \"scos"
            ),
            "{plain}"
        );
    }

    #[test]
    fn an_older_stream_takes_nothing_away() {
        let old = with("scos-4.17", "4.17").expect("an entry");
        assert!(
            old.starts_with(TEXT) && old.ends_with("\n  \"scos-4.17\":\n  - \"4.17\"\n  - \"4.17.0\"\n"),
            "{old}"
        );
    }

    #[test]
    fn without_one_of_its_kind_nothing_is_made_up() {
        assert_eq!(with("sriov-4.20", "4.20"), None);
        let flow = "images: {\"scos-4.19\": [\"4.19\"]}\n";
        assert_eq!(with_stream(flow, "scos-4.20", Release::new(4, 20), &[]), None);
        assert_eq!(with_stream("images: [", "scos-4.20", Release::new(4, 20), &[]), None);
    }

    #[test]
    fn a_stream_goes_and_all_others_stay() {
        let without = without_stream(TEXT, "4.19").expect("it goes");
        assert_eq!(
            without,
            TEXT.replace("  \"4.19\":\n  - \"4.19\"\n  - \"4.19.0\"\n  - latest\n  #", "  #")
        );
        let last = without_stream(TEXT, "scos-4.18").expect("it goes");
        assert!(last.ends_with("  - latest\n") && TEXT.starts_with(&last), "{last}");
        assert_eq!(without_stream(TEXT, "scos-4.1"), None);
    }

    #[test]
    fn several_new_streams_come_together() {
        let (one, two) = (
            with("scos-4.20", "4.20").expect("x"),
            with("scos-4.21", "4.21").expect("y"),
        );
        let moving = ["latest".to_owned()];
        let both = joined(TEXT, &[&two, &one]).expect("both");
        assert_eq!(Some(both), with_stream(&one, "scos-4.21", Release::new(4, 21), &moving));
    }
}
