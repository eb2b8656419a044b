//! Asks a server for its refs: its branches and the commits that they are at.

use std::collections::BTreeMap;
use std::io::{self, Read};

use git2::Oid;

use super::client::{Client, Request};
use super::pktline::{Packet, PacketReader, push_delimiter, push_flush, push_line};
use crate::source::local::likely_branch;
use crate::source::{RemoteUrl, SourceError};

/// The most bytes of a list of refs that are read.
const MAX_REFS: u64 = 128 << 20;
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
pub(super) const RESULT: &str = "application/x-git-upload-pack-result";
const HEAD: &str = "HEAD";
const HEADS: &str = "refs/heads/";

/// One ref as a server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ref {
    pub(super) name: String,
    pub(super) oid: Oid,
    /// The ref that it stands for, where it is symbolic and the server was asked.
    pub(super) symbolic: Option<String>,
}

/// A git server that has said what it can do.
pub(in crate::source) struct Session<'a> {
    pub(super) client: &'a Client,
    /// The repository as configured: what errors name.
    pub(super) url: &'a RemoteUrl,
    /// The repository after redirects.
    pub(super) base: RemoteUrl,
    pub(super) spoken: Spoken,
}

/// The protocol version that a server answers in.
pub(super) enum Spoken {
    /// Version 2; `shallow`: it can leave history out; `filter`: it can leave the contents of files out.
    V2 { shallow: bool, filter: bool },
    /// Version 0 (or 1): all refs came at once.
    V0 { refs: Vec<Ref>, capabilities: Vec<String> },
}

impl<'a> Session<'a> {
    /// Connects to a repository.
    pub(in crate::source) fn connect(client: &'a Client, url: &'a RemoteUrl) -> Result<Self, SourceError> {
        let request = Request {
            url,
            limit: MAX_REFS,
            accept: ADVERTISEMENT,
        };
        let answer = client.get(&request, "/info/refs?service=git-upload-pack")?;
        let spoken = greeting(answer.body).map_err(|error| request.unreachable(error.to_string()))?;
        Ok(Self {
            client,
            url,
            base: answer.base,
            spoken,
        })
    }

    /// Whether the contents of files can be left out of a fetch, and had later by their ids.
    pub(in crate::source) fn filters(&self) -> bool {
        matches!(self.spoken, Spoken::V2 { filter: true, .. })
    }

    /// Yields the commit that a branch is at.
    pub(in crate::source) fn branch(&self, branch: &str) -> Result<Oid, SourceError> {
        let refname = format!("{HEADS}{branch}");
        let valid = git2::Reference::is_valid_name(&refname);
        let found = if valid { self.refs(&refname)? } else { Vec::new() };
        match found.into_iter().find(|one| one.name == refname) {
            Some(one) => Ok(one.oid),
            None => Err(SourceError::no_branch(
                self.url.to_string(),
                branch,
                self.branches()?,
                false,
            )),
        }
    }

    /// Yields the commits that branches are at, in their order, in one question.
    pub(in crate::source) fn heads(&self, branches: &[&str]) -> Result<Vec<Oid>, SourceError> {
        let names: Vec<String> = branches.iter().map(|branch| format!("{HEADS}{branch}")).collect();
        let valid: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| git2::Reference::is_valid_name(name))
            .collect();
        let found = match (&self.spoken, valid.as_slice()) {
            (_, []) => Vec::new(),
            (Spoken::V0 { refs, .. }, _) => refs.clone(),
            (Spoken::V2 { .. }, valid) => self.ask(valid, false)?,
        };
        let at: BTreeMap<&str, Oid> = found.iter().map(|one| (&*one.name, one.oid)).collect();
        let head = |(name, branch): (&String, &&str)| match at.get(name.as_str()) {
            Some(oid) => Ok(*oid),
            None => Err(SourceError::no_branch(
                self.url.to_string(),
                branch,
                self.branches()?,
                false,
            )),
        };
        names.iter().zip(branches).map(head).collect()
    }

    /// Yields the default branch, the one that the server's HEAD stands for, and the commit that it is at.
    pub(in crate::source) fn default_branch(&self) -> Result<(String, Oid), SourceError> {
        let (refs, symbolic) = match &self.spoken {
            Spoken::V0 { refs, capabilities } => {
                let said = capabilities.iter().find_map(|one| one.strip_prefix("symref=HEAD:"));
                (refs.clone(), said.map(str::to_owned))
            }
            Spoken::V2 { .. } => {
                let refs = self.ask(&[HEAD], true)?;
                let said = refs.iter().find_map(|one| one.symbolic.clone());
                (refs, said)
            }
        };
        let head = refs.iter().find(|one| one.name == HEAD).map(|one| one.oid);
        let branch = symbolic.as_deref().and_then(|target| target.strip_prefix(HEADS));
        match (branch, head) {
            (Some(branch), Some(oid)) => Ok((branch.to_owned(), oid)),
            _ => self.branch_of_head(head),
        }
    }

    /// Yields the branch that HEAD may stand for: an old server tells its commit alone, and one where HEAD names a branch that nobody
    /// pushed nothing.
    fn branch_of_head(&self, head: Option<Oid>) -> Result<(String, Oid), SourceError> {
        let refs = self.refs(HEADS)?;
        let all: Vec<(&str, Oid)> = refs
            .iter()
            .filter_map(|one| Some((one.name.strip_prefix(HEADS)?, one.oid)))
            .collect();
        let at_head = |(_, oid): &&(&str, Oid)| head.is_none_or(|head| head == *oid);
        let names: Vec<String> = all.iter().filter(at_head).map(|(name, _)| (*name).to_owned()).collect();
        let likely = likely_branch(&names).and_then(|branch| all.iter().find(|(name, _)| *name == branch));
        likely.map(|(name, oid)| ((*name).to_owned(), *oid)).ok_or_else(|| {
            let names = all.iter().map(|(name, _)| (*name).to_owned()).collect();
            SourceError::no_default(self.url.to_string(), names)
        })
    }

    /// Lists the branches by name.
    pub(in crate::source) fn branches(&self) -> Result<Vec<String>, SourceError> {
        let heads = self.refs(HEADS)?;
        let mut names: Vec<String> = heads
            .into_iter()
            .filter_map(|one| one.name.strip_prefix(HEADS).map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Lists refs whose names start so; the server may send others, too.
    fn refs(&self, prefix: &str) -> Result<Vec<Ref>, SourceError> {
        match &self.spoken {
            Spoken::V0 { refs, .. } => Ok(refs.clone()),
            Spoken::V2 { .. } => self.ask(&[prefix], false),
        }
    }

    /// Asks a server of version 2 for refs; `symbolic`: and what those that stand for others stand for.
    fn ask(&self, prefixes: &[&str], symbolic: bool) -> Result<Vec<Ref>, SourceError> {
        let mut message = Vec::new();
        push_line(&mut message, "command=ls-refs");
        push_delimiter(&mut message);
        if symbolic {
            push_line(&mut message, "symrefs");
        }
        for prefix in prefixes {
            push_line(&mut message, &format!("ref-prefix {prefix}"));
        }
        push_flush(&mut message);
        let request = Request {
            url: self.url,
            limit: MAX_REFS,
            accept: RESULT,
        };
        let body = self.client.post(&request, &self.base, true, &message)?;
        listed(body).map_err(|error| request.unreachable(error.to_string()))
    }
}

/// Reads an answer as a greeting and as a list of refs.
pub(super) fn read_answer(bytes: &[u8]) {
    drop((greeting(bytes), listed(bytes)));
}

/// Reads a server's first answer: its capabilities, in version 0 with all refs.
fn greeting(body: impl Read) -> io::Result<Spoken> {
    let mut packets = PacketReader::new(body);
    let mut refs = Vec::new();
    let mut capabilities: Option<Vec<String>> = None;
    let mut v2 = false;
    while let Some(packet) = packets.next()? {
        let Packet::Data(bytes) = &packet else { continue };
        let line = String::from_utf8_lossy(bytes);
        let line = line.trim_end_matches('\n');
        match line {
            _ if line.starts_with("# service=") || line == "version 1" => {}
            "version 2" => v2 = true,
            _ if v2 => capabilities.get_or_insert_default().push(line.to_owned()),
            _ => {
                let (line, first) = line
                    .split_once('\0')
                    .map_or((line, None), |(line, rest)| (line, Some(rest)));
                if let Some(first) = first {
                    capabilities = Some(first.split(' ').map(str::to_owned).collect());
                }
                refs.extend(parse_ref(line)?);
            }
        }
    }
    let capabilities = capabilities.unwrap_or_default();
    if !v2 {
        return Ok(Spoken::V0 { refs, capabilities });
    }
    let fetch = capabilities.iter().find_map(|line| line.strip_prefix("fetch="));
    let can = |wanted: &str| fetch.is_some_and(|what| what.split(' ').any(|word| word == wanted));
    Ok(Spoken::V2 {
        shallow: can("shallow"),
        filter: can("filter"),
    })
}

fn listed(body: impl Read) -> io::Result<Vec<Ref>> {
    let mut packets = PacketReader::new(body);
    let mut refs = Vec::new();
    loop {
        match packets.next()? {
            Some(Packet::Data(bytes)) => refs.extend(parse_ref(String::from_utf8_lossy(bytes).trim_end_matches('\n'))?),
            Some(Packet::Delimiter) => {}
            Some(Packet::Flush) => return Ok(refs),
            // An answer that was cut off must not read as "there is no such branch".
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the list of refs is cut off",
                ));
            }
        }
    }
}

/// Parses `<id> <name>[ <attributes>]`; `None` for what stands for "no refs", an error for anything else.
fn parse_ref(line: &str) -> io::Result<Option<Ref>> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    if let Some(message) = line.strip_prefix("ERR ") {
        return Err(invalid(format!("the server says: {message}")));
    }
    let mut words = line.split(' ');
    let (Some(oid), Some(name)) = (words.next(), words.next()) else {
        return Err(invalid(format!("not a ref: {line}")));
    };
    if oid == "shallow" || oid == "unborn" || name == "capabilities^{}" {
        return Ok(None);
    }
    let whole = oid.len() == 40;
    let oid = Oid::from_str(oid)
        .ok()
        .filter(|_| whole)
        .ok_or_else(|| invalid(format!("not an object id: {oid}")))?;
    let symbolic = words.find_map(|word| word.strip_prefix("symref-target:"));
    Ok(Some(Ref {
        name: name.to_owned(),
        oid,
        symbolic: symbolic.map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8e0dd8dadbacc55c08165a022677a71b2fb48a5b";

    fn message(lines: &[&str]) -> Vec<u8> {
        let mut message = Vec::new();
        lines.iter().for_each(|line| push_line(&mut message, line));
        push_flush(&mut message);
        message
    }

    #[test]
    fn understands_version_0() {
        let body = message(&[
            &format!("{ID} HEAD\0multi_ack shallow"),
            &format!("{ID} refs/heads/main"),
        ]);
        let Spoken::V0 { refs, capabilities } = greeting(body.as_slice()).unwrap() else {
            panic!("version 0")
        };
        assert_eq!(capabilities, ["multi_ack", "shallow"]);
        assert_eq!(refs[1].name, "refs/heads/main");
        let empty = message(&[&format!("{} capabilities^{{}}\0shallow", "0".repeat(40))]);
        assert!(matches!(greeting(empty.as_slice()).unwrap(), Spoken::V0 { refs, .. } if refs.is_empty()));
    }

    #[test]
    fn understands_version_2() {
        let body = message(&["version 2", "agent=git/2", "ls-refs=unborn", "fetch=shallow filter"]);
        assert!(matches!(
            greeting(body.as_slice()).unwrap(),
            Spoken::V2 { shallow: true, .. }
        ));
        let refs = listed(message(&[&format!("{ID} refs/heads/a peeled:{ID}"), "unborn HEAD"]).as_slice()).unwrap();
        assert_eq!((refs.len(), &*refs[0].name), (1, "refs/heads/a"));
        let refs = listed(message(&[&format!("{ID} HEAD symref-target:refs/heads/trunk")]).as_slice()).unwrap();
        assert_eq!(refs[0].symbolic.as_deref(), Some("refs/heads/trunk"));
    }

    #[test]
    fn refuses_nonsense() {
        for line in ["", "x", "abc refs/heads/a", "zz refs/heads/a", "ERR denied"] {
            assert!(listed(message(&[line]).as_slice()).is_err(), "{line}");
        }
        let cut = message(&[&format!("{ID} refs/heads/a")]);
        assert!(listed(&cut[..cut.len() - 4]).is_err(), "without its end");
    }
}
