//! Fetches one commit with its tree, without its history where the server can leave it out, and without the contents of its
//! files where it can leave these out, too; or commits with their history, without contents; or the contents of some files.

use std::io::{self, Read, Write};

use git2::Oid;

use super::client::{Request, plain};
use super::pktline::{Packet, PacketReader, push_delimiter, push_flush, push_line};
use super::refs::{RESULT, Session, Spoken};
use crate::source::SourceError;

/// The most bytes of a pack that are read. The largest repository in question is some 2 GiB with all its history.
const MAX_PACK: u64 = 8 << 30;
/// The most bytes of a history without contents that are read at once: all branches of openshift-eng/ocp-build-data, ten years of
/// them, are 12 MiB.
const MAX_HISTORY: u64 = 256 << 20;
/// After how many received bytes progress is reported.
const REPORT_EVERY: u64 = 4 << 20;

/// What is to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum What<'a> {
    /// A commit with all that it holds.
    Whole(Oid),
    /// A commit with its trees, without the contents of files.
    Trees(Oid),
    /// Commits with all that was before them and their trees, without the contents of files; only a server that can leave these
    /// out gives them.
    History(&'a [Oid]),
    /// Contents of files by their ids; only a server of version 2 gives them.
    Blobs(&'a [Oid]),
}

/// What to fetch, and what is there already.
pub(in crate::source) struct FetchRequest<'a> {
    pub(in crate::source) what: What<'a>,
    /// Commits whose trees are complete here: the server leaves out what they hold.
    pub(in crate::source) have: &'a [Oid],
    /// Commits whose parents are not here.
    pub(in crate::source) shallow: &'a [Oid],
}

/// What a fetch changed of which commits have no parents here.
#[derive(Default, Debug, PartialEq, Eq)]
pub(in crate::source) struct Fetched {
    pub(in crate::source) shallow: Vec<Oid>,
    pub(in crate::source) unshallow: Vec<Oid>,
}

/// Fetches a commit and writes the pack to `sink`; `report` is told how far it is.
pub(in crate::source) fn fetch(
    session: &Session<'_>,
    wanted: &FetchRequest<'_>,
    sink: &mut dyn Write,
    report: &dyn Fn(&str),
) -> Result<Fetched, SourceError> {
    let request = Request {
        url: session.url,
        limit: match wanted.what {
            What::History(_) => MAX_HISTORY,
            What::Whole(_) | What::Trees(_) | What::Blobs(_) => MAX_PACK,
        },
        accept: RESULT,
    };
    let (message, v2) = match &session.spoken {
        Spoken::V2 { shallow, .. } => (ask_v2(wanted, *shallow), true),
        Spoken::V0 { capabilities, .. } => {
            let can = |what: &str| capabilities.iter().any(|known| known == what);
            if !can("side-band-64k") {
                return Err(request.unreachable("the server is too old: it cannot send `side-band-64k`"));
            }
            match wanted.what {
                What::Blobs(_) => {
                    return Err(request.unreachable("the server gives no contents of files by their ids"));
                }
                What::History(_) => {
                    return Err(request.unreachable("the server cannot leave the contents of files out"));
                }
                What::Whole(_) | What::Trees(_) => {}
            }
            let optional = ["thin-pack", "ofs-delta"]
                .into_iter()
                .filter(|what| can(what))
                .collect::<Vec<_>>()
                .join(" ");
            (ask_v0(wanted, can("shallow"), &optional), false)
        }
    };
    let body = session.client.post(&request, &session.base, v2, &message)?;
    receive(body, sink, report).map_err(|error| request.unreachable(error.to_string()))
}

fn ask_v2(wanted: &FetchRequest<'_>, shallow: bool) -> Vec<u8> {
    let mut message = Vec::new();
    push_line(&mut message, "command=fetch");
    push_delimiter(&mut message);
    // Without history between them, a server leaves out what a commit we have holds only for a thin pack.
    push_line(&mut message, "thin-pack");
    push_line(&mut message, "ofs-delta");
    if shallow && matches!(wanted.what, What::Whole(_) | What::Trees(_)) {
        push_depth(&mut message, wanted);
    }
    if let What::Trees(_) | What::History(_) = wanted.what {
        push_line(&mut message, "filter blob:none");
    }
    for oid in wanted.what.oids() {
        push_line(&mut message, &format!("want {oid}"));
    }
    push_end(&mut message, wanted);
    push_flush(&mut message);
    message
}

impl What<'_> {
    fn oids(&self) -> &[Oid] {
        match self {
            Self::Whole(oid) | Self::Trees(oid) => std::slice::from_ref(oid),
            Self::History(oids) | Self::Blobs(oids) => oids,
        }
    }
}

fn ask_v0(wanted: &FetchRequest<'_>, shallow: bool, optional: &str) -> Vec<u8> {
    let mut message = Vec::new();
    for oid in wanted.what.oids() {
        push_line(&mut message, &format!("want {oid} side-band-64k {optional}"));
    }
    if shallow {
        push_depth(&mut message, wanted);
    }
    push_flush(&mut message);
    push_end(&mut message, wanted);
    message
}

fn push_depth(message: &mut Vec<u8>, wanted: &FetchRequest<'_>) {
    for oid in wanted.shallow {
        push_line(message, &format!("shallow {oid}"));
    }
    push_line(message, "deepen 1");
}

fn push_end(message: &mut Vec<u8>, wanted: &FetchRequest<'_>) {
    for oid in wanted.have {
        push_line(message, &format!("have {oid}"));
    }
    push_line(message, "done");
}

/// Takes an answer of either version apart: lines about shallow commits, then the pack in band 1 of a side band.
fn receive(body: impl Read, sink: &mut dyn Write, report: &dyn Fn(&str)) -> io::Result<Fetched> {
    let mut packets = PacketReader::new(body);
    let mut fetched = Fetched::default();
    let (mut received, mut reported) = (0, 0);
    while let Some(packet) = packets.next()? {
        let Packet::Data(bytes) = packet else {
            // In version 0 one flush stands between the shallow commits and the pack, the next one behind it.
            if received > 0 && packet == Packet::Flush {
                break;
            } else {
                continue;
            }
        };
        match bytes.split_first() {
            Some((1, pack)) => {
                sink.write_all(pack)?;
                received += pack.len() as u64;
                if received - reported >= REPORT_EVERY {
                    reported = received;
                    report(&format!("{} MiB received", received >> 20));
                }
            }
            Some((2, text)) => report_remote(text, report),
            Some((3, text)) => {
                return Err(io::Error::other(format!(
                    "the server says: {}",
                    String::from_utf8_lossy(text)
                )));
            }
            _ => line(&packet, &mut fetched)?,
        }
    }
    match received {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server sent no pack")),
        _ => Ok(fetched),
    }
}

/// Reads an answer as one that brings a pack, which goes nowhere.
pub(super) fn read_answer(bytes: &[u8]) {
    drop(receive(bytes, &mut io::sink(), &|_| {}));
}

/// Passes on what the server says of its progress, of which each line replaces the one before.
fn report_remote(text: &[u8], report: &dyn Fn(&str)) {
    let text = String::from_utf8_lossy(text);
    if let Some(last) = text.split(['\r', '\n']).map(str::trim).rfind(|line| !line.is_empty()) {
        report(&format!("remote: {}", plain(last)));
    }
}

fn line(packet: &Packet<'_>, fetched: &mut Fetched) -> io::Result<()> {
    let text = packet.text().unwrap_or_default();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "shallow" => fetched.shallow.extend(Oid::from_str(rest)),
        "unshallow" => fetched.unshallow.extend(Oid::from_str(rest)),
        "ERR" => return Err(io::Error::other(format!("the server says: {rest}"))),
        // Headings of version 2, acknowledgements of version 0: nothing follows from them after `done`.
        _ => {}
    }
    Ok(())
}
