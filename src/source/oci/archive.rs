//! Looks for a few files in a layer's tar, without ever trusting a name in it.
//!
//! Nothing is unpacked: only the bytes of files that were asked for are kept. Names come from whoever made the image, so
//! a wanted file counts only where it stands under its plain name as a regular file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use tar::{Archive, Entry, EntryType};

use super::inflate::Bounded;
use crate::base::from_root;
use crate::source::MAX_BLOB;

/// The most entries of one layer.
const MAX_ENTRIES: usize = 500_000;
/// The longest name that is read; those of wanted files are short.
const MAX_NAME: u64 = 64 << 10;
/// What marks a file that a layer takes away from those below.
const WHITEOUT: &str = ".wh.";
/// What marks a folder of which nothing of the layers below shows.
const OPAQUE: &str = ".wh..wh..opq";

/// Why a layer cannot be looked into.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("a layer has more than {MAX_ENTRIES} entries")]
    Entries,
    #[error("the entry `{}` of a layer leads out of it", .0.escape_debug())]
    LeadsOut(String),
    #[error("{path} is no {expected} in a layer ({kind:?})")]
    Kind {
        path: String,
        expected: &'static str,
        kind: EntryType,
    },
    #[error("an entry of {size} bytes, more than the {limit} that are read")]
    TooLarge { size: u64, limit: u64 },
    #[error("a layer ends in the middle of a file")]
    Ends,
    #[error("an extended header changes the size of an entry")]
    Size,
    /// What the reader says, in a form that is safe to show.
    #[error("a layer cannot be unpacked: {0}")]
    Unpacking(String),
}

/// What a layer says of the wanted files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Their bytes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Paths below which layers underneath have nothing to say, whatever they hold.
    pub hidden: BTreeSet<String>,
}

impl Found {
    /// Whether a path of a layer underneath shows through.
    pub fn hides(&self, path: &str) -> bool {
        let covers = |hidden: &String| {
            path.strip_prefix(hidden.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || hidden.is_empty())
        };
        self.hidden.iter().any(covers)
    }
}

/// Looks for files in a tar.
///
/// # Errors
/// The tar is broken or passes a bound, or a wanted path is a link or the like.
pub(super) fn look(reader: &mut Bounded<'_>, wanted: &[&str]) -> Result<Found, Broken> {
    let mut found = Found::default();
    let mut archive = Archive::new(reader);
    let entries = archive.entries().map_err(|error| broken(&error))?.raw(true);
    let mut name = None;
    for (count, entry) in entries.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(Broken::Entries);
        }
        let mut entry = entry.map_err(|error| broken(&error))?;
        match entry.header().entry_type() {
            EntryType::GNULongName => name = Some(long_name(&mut entry)?),
            EntryType::XHeader => name = pax_name(&mut entry)?.or(name),
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            _ => {
                let path = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                note(&mut entry, &path, wanted, &mut found)?;
            }
        }
    }
    Ok(found)
}

type Item<'e, 'r, 'a> = Entry<'e, &'r mut Bounded<'a>>;

/// Notes what an entry means for the wanted files. The last entry of a name counts.
fn note(entry: &mut Item<'_, '_, '_>, path: &[u8], wanted: &[&str], found: &mut Found) -> Result<(), Broken> {
    let Ok(text) = std::str::from_utf8(path) else {
        return Ok(());
    };
    let plain = from_root(text);
    let on_the_way = |path: &str| {
        wanted
            .iter()
            .any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    };
    let concerns = wanted.contains(&&*plain) || on_the_way(&plain);
    if concerns && (text.starts_with('/') || text.split('/').any(|part| part == "..")) {
        return Err(Broken::LeadsOut(text.to_owned()));
    }
    let (folder, file) = plain.rsplit_once('/').unwrap_or(("", &plain));
    if file == OPAQUE {
        found.hidden.insert(folder.to_owned());
    } else if let Some(hidden) = file.strip_prefix(WHITEOUT) {
        let parent = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        found.hidden.insert(format!("{parent}{hidden}"));
    } else if wanted.contains(&&*plain) {
        let kind = entry.header().entry_type();
        if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
            return Err(Broken::Kind {
                path: plain,
                expected: "regular file",
                kind,
            });
        }
        found.files.insert(plain, content(entry, MAX_BLOB)?);
    } else if concerns && entry.header().entry_type() != EntryType::Directory {
        let kind = entry.header().entry_type();
        return Err(Broken::Kind {
            path: plain,
            expected: "folder",
            kind,
        });
    }
    Ok(())
}

fn content(entry: &mut Item<'_, '_, '_>, limit: u64) -> Result<Vec<u8>, Broken> {
    let size = entry.header().entry_size().map_err(|error| broken(&error))?;
    if size > limit {
        return Err(Broken::TooLarge { size, limit });
    }
    let mut bytes = Vec::new();
    entry
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| broken(&error))?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err(Broken::Ends)
    }
}

fn long_name(entry: &mut Item<'_, '_, '_>) -> Result<Vec<u8>, Broken> {
    let mut name = content(entry, MAX_NAME)?;
    if let Some(end) = name.iter().position(|byte| *byte == 0) {
        name.truncate(end);
    }
    Ok(name)
}

/// The name that an extended header gives to the next entry. One that changes its size is of no image we know.
fn pax_name(entry: &mut Item<'_, '_, '_>) -> Result<Option<Vec<u8>>, Broken> {
    let header = content(entry, MAX_NAME)?;
    let mut name = None;
    for record in tar::PaxExtensions::new(&header) {
        let record = record.map_err(|error| broken(&error))?;
        match record.key_bytes() {
            b"path" => name = Some(record.value_bytes().to_vec()),
            b"size" => return Err(Broken::Size),
            _ => {}
        }
    }
    Ok(name)
}

fn broken(error: &std::io::Error) -> Broken {
    Broken::Unpacking(crate::source::http::plain(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::inflate;
    use super::*;

    const WANTED: [&str; 2] = ["m/a", "m/b"];

    /// A tar of entries: kind, name exactly as it is to stand there, content or link target.
    fn layer(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (kind, name, content) in entries {
            let mut header = tar::Header::new_ustar();
            let old = header.as_old_mut();
            old.name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if is_link {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            let bytes = if is_link { &[][..] } else { content.as_bytes() };
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, bytes).expect("appended");
        }
        builder.into_inner().expect("finished")
    }

    fn found(bytes: &[u8]) -> Result<Found, Broken> {
        look(&mut inflate::open(bytes, 1 << 20), &WANTED)
    }

    fn file(name: &str) -> (EntryType, &str, &str) {
        (EntryType::Regular, name, "x")
    }

    #[test]
    fn files_are_found_under_their_plain_names() {
        let bytes = layer(&[
            (EntryType::Directory, "./m/", ""),
            file("./m/a"),
            file("m/other"),
            (EntryType::Regular, "m/a", "last"),
        ]);
        let found = found(&bytes).expect("found");
        assert_eq!(found.files, BTreeMap::from([("m/a".to_owned(), b"last".to_vec())]));
        assert_eq!(found.hidden, BTreeSet::new());
    }

    #[test]
    fn whiteouts_hide_what_is_below() {
        let found = found(&layer(&[file("m/.wh.a"), file("n/.wh..wh..opq"), file(".wh.o")])).expect("found");
        for (path, hidden) in [
            ("m/a", true),
            ("m/b", false),
            ("n/x", true),
            ("o", true),
            ("o/p", true),
            ("op", false),
        ] {
            assert_eq!(found.hides(path), hidden, "{path}");
        }
        let all = self::found(&layer(&[file(".wh..wh..opq")])).expect("found");
        assert!(all.hides("m/a"));
    }

    #[test]
    fn tricks_are_refused_where_they_concern_a_wanted_file() {
        for (entry, message) in [
            (file("/m/a"), "the entry `/m/a` of a layer leads out of it"),
            (file("../m/a"), "the entry `../m/a` of a layer leads out of it"),
            (file("x/../m/a"), "the entry `x/../m/a` of a layer leads out of it"),
            (
                (EntryType::Symlink, "m/a", "/etc/passwd"),
                "m/a is no regular file in a layer (Symlink)",
            ),
            (
                (EntryType::Link, "m/a", "n"),
                "m/a is no regular file in a layer (Link)",
            ),
            ((EntryType::Symlink, "m", "n"), "m is no folder in a layer (Symlink)"),
            (file("m"), "m is no folder in a layer (Regular)"),
        ] {
            assert_eq!(found(&layer(&[file("m/b"), entry])).unwrap_err().to_string(), message);
        }
        let elsewhere = layer(&[
            file("../etc/x"),
            file("/y"),
            (EntryType::Symlink, "l", "m"),
            file("m/a"),
        ]);
        assert_eq!(found(&elsewhere).expect("others don't matter").files.len(), 1);
    }

    #[test]
    fn long_names_and_extended_headers_are_bounded() {
        let long = format!("{}/a", "n".repeat(300));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, &long, &b"x"[..]).expect("a long name");
        builder
            .append_pax_extensions([("path", &b"m/a"[..])])
            .expect("a header");
        let mut header = tar::Header::new_ustar();
        header.set_path("elsewhere").expect("a path");
        header.set_size(1);
        header.set_cksum();
        builder.append(&header, &b"x"[..]).expect("appended");
        let bytes = builder.into_inner().expect("finished");
        assert_eq!(found(&bytes).expect("found").files.keys().collect::<Vec<_>>(), ["m/a"]);

        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions([("size", &b"5"[..])]).expect("a header");
        assert_eq!(found(&builder.into_inner().expect("finished")), Err(Broken::Size));

        let huge = "n".repeat(70_000);
        let bytes = layer(&[(EntryType::GNULongName, "././@LongLink", &huge), file("m/a")]);
        let (size, limit) = (70_000, 65_536);
        assert_eq!(found(&bytes), Err(Broken::TooLarge { size, limit }));
    }

    #[test]
    fn a_tar_that_ends_early_is_broken() {
        let bytes = layer(&[file("m/b"), (EntryType::Regular, "m/a", &"x".repeat(3000))]);
        for end in [700, 1100, 1600, 3000] {
            assert!(found(bytes.get(..end).expect("part")).is_err(), "{end}");
        }
        let bounded = look(&mut inflate::open(&bytes, 2000), &WANTED);
        assert!(bounded.unwrap_err().to_string().contains(inflate::TOO_MUCH));
    }
}
