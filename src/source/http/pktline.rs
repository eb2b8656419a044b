//! Git's packet lines: four hexadecimal digits of length, then the payload.

use std::io::{self, Read, Write};

/// The largest packet, its four digits included.
const MAX_PACKET: usize = 65_520;

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    Data(&'a [u8]),
    /// `0000`, the end of a message or a part of it.
    Flush,
    /// `0001` and `0002`, further ends in protocol version 2.
    Delimiter,
}

impl Packet<'_> {
    /// The payload as text without its line feed; `None` for what is no text.
    pub(super) fn text(&self) -> Option<&str> {
        let Self::Data(bytes) = self else { return None };
        std::str::from_utf8(bytes).ok().map(|text| text.trim_end_matches('\n'))
    }
}

/// Reads packets one by one.
pub(super) struct PacketReader<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: Read> PacketReader<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
        }
    }

    /// Reads the next packet; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> io::Result<Option<Packet<'_>>> {
        let mut head = [0; 4];
        if !self.fill_head(&mut head)? {
            return Ok(None);
        }
        let length = std::str::from_utf8(&head).ok().filter(|head| !head.starts_with('+'));
        let length = length.and_then(|head| usize::from_str_radix(head, 16).ok());
        match length {
            Some(0) => Ok(Some(Packet::Flush)),
            Some(1 | 2) => Ok(Some(Packet::Delimiter)),
            Some(length @ 4..=MAX_PACKET) => {
                self.buffer.resize(length - 4, 0);
                self.from.read_exact(&mut self.buffer)?;
                Ok(Some(Packet::Data(&self.buffer)))
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the answer is not in git's protocol",
            )),
        }
    }

    /// Reads four bytes; `false` when the stream ends before the first.
    fn fill_head(&mut self, head: &mut [u8; 4]) -> io::Result<bool> {
        let (first, rest) = head.split_at_mut(1);
        loop {
            match self.from.read(first) {
                Ok(0) => return Ok(false),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.from.read_exact(rest)?;
        Ok(true)
    }
}

/// Appends a packet with a line of text.
pub(super) fn push_line(message: &mut Vec<u8>, line: &str) {
    // Lines are a few words and an id or branch name; a request is built in memory, so writing cannot fail.
    let _ = writeln!(message, "{:04x}{line}", line.len() + 5);
}

/// Appends a flush packet.
pub(super) fn push_flush(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0000");
}

/// Appends a delimiter packet.
pub(super) fn push_delimiter(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0001");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let mut message = Vec::new();
        push_line(&mut message, "command=ls-refs");
        push_delimiter(&mut message);
        push_line(&mut message, "");
        push_flush(&mut message);
        assert_eq!(message, b"0014command=ls-refs\n00010005\n0000");
        let mut packets = PacketReader::new(message.as_slice());
        assert_eq!(packets.next().unwrap().unwrap().text(), Some("command=ls-refs"));
        assert_eq!(packets.next().unwrap(), Some(Packet::Delimiter));
        assert_eq!(packets.next().unwrap().unwrap().text(), Some(""));
        assert_eq!(packets.next().unwrap(), Some(Packet::Flush));
        assert_eq!(packets.next().unwrap(), None);
    }

    #[test]
    fn refuses_what_is_no_packet() {
        for bytes in [
            &b"<htm"[..],
            b"0003",
            b"fff1",
            b"ffff",
            b"000",
            b"0009abc",
            b"+010",
            b"\xff\xff\xff\xff",
        ] {
            assert!(PacketReader::new(bytes).next().is_err(), "{bytes:?}");
        }
    }
}
