//! Reads a layer's bytes, whichever way they are compressed, up to a bound.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// What a reader says that has come to its bound.
pub(super) const TOO_MUCH: &str = "it unpacks to more than is read";

/// Opens a layer. What it is compressed with says its beginning; its media type is only a claim.
pub(super) fn open(bytes: &[u8], limit: u64) -> Bounded<'_> {
    let inner: Box<dyn Read + '_> = if bytes.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(bytes))
    } else if is_zstd(bytes) {
        Box::new(Frames { rest: bytes, at: None })
    } else {
        Box::new(bytes)
    };
    Bounded { inner, left: limit }
}

/// Whether bytes start with a frame of zstd, or with one that is to be skipped.
fn is_zstd(bytes: &[u8]) -> bool {
    let skippable = |first: &u8| (0x50..=0x5f).contains(first);
    bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || (bytes.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) && bytes.first().is_some_and(skippable))
}

/// All frames of a zstd stream, one after the other: a layer may be made of many.
struct Frames<'a> {
    rest: &'a [u8],
    at: Option<StreamingDecoder<&'a [u8], FrameDecoder>>,
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(mut decoder) = self.at.take() else {
                if self.rest.is_empty() {
                    return Ok(0);
                }
                self.next_frame()?;
                continue;
            };
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.at = Some(decoder);
                return Ok(read);
            }
            self.rest = decoder.into_inner();
        }
    }
}

impl Frames<'_> {
    fn next_frame(&mut self) -> io::Result<()> {
        match StreamingDecoder::new(self.rest) {
            Ok(decoder) => self.at = Some(decoder),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let end = usize::try_from(length).ok().and_then(|length| length.checked_add(8));
                let rest = end.and_then(|end| self.rest.get(end..));
                self.rest = rest.ok_or(io::ErrorKind::UnexpectedEof)?;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok(())
    }
}

/// A reader that fails when more comes than it may read.
pub(super) struct Bounded<'a> {
    inner: Box<dyn Read + 'a>,
    left: u64,
}

impl Bounded<'_> {
    /// How much may still be read.
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(TOO_MUCH))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("finished")
    }

    fn read(bytes: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        open(bytes, limit).read_to_end(&mut read).map(|_| read)
    }

    #[test]
    fn every_compression_yields_the_same_bytes() {
        let skip = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let frames = [skip.clone(), zstd(b"some "), skip, zstd(b"bytes")].concat();
        let members = [gzip(b"some "), gzip(b"bytes")].concat();
        for packed in [&frames, &members, &b"some bytes".to_vec()] {
            assert_eq!(read(packed, 100).expect("read"), b"some bytes");
            assert_eq!(read(packed, 10).expect("just enough"), b"some bytes");
            assert_eq!(read(packed, 9).unwrap_err().to_string(), TOO_MUCH);
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let long: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for packed in [zstd(&long), gzip(&long)] {
            let cut = packed.get(..packed.len() / 2).expect("half");
            assert!(read(cut, 1 << 20).is_err());
        }
        assert!(
            read(&[0x5a, 0x2a, 0x4d, 0x18, 9, 0, 0, 0], 100).is_err(),
            "a skipped frame that ends early"
        );
        assert!(read(&[0x28, 0xb5, 0x2f, 0xfd, 0xff], 100).is_err());
    }
}
