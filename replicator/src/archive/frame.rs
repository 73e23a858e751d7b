//! A frame: the one shape of everything in an archive. A header that is complete in itself, a label, and a payload.
//!
//! ```text
//!  0  8  magic                    24  8  znodes in all blocks before it     48 16  checksum of the payload
//!  8  2  version                  32  4  znodes in it                       64 16  checksum of bytes 0 to 63 and the label
//! 10  1  kind                     36  4  bytes of the payload, unpacked     80     label
//! 11  1  how the payload is kept  40  4  bytes of the payload as it is kept        payload
//! 12  4  sequence number          44  4  bytes of the label
//! 16  8  the archive's id
//! ```
//!
//! All numbers are little-endian. A header tells who it belongs to and what its block holds, so that a reader that lost its
//! place finds the next one by its magic and knows what lies between.

use std::io;

use super::fields::{Malformed, malformed};
use crate::limits;

/// What a frame begins with. A byte that is no ASCII, and line ends of both kinds: what treats the file as text breaks it here.
pub const MAGIC: [u8; 8] = *b"\x89ZKAR\r\n\x1a";
/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 1;
/// Bytes of a header without its label.
pub const HEADER_BYTES: usize = 80;
/// Bytes of a header that its checksum is made of, beside the label.
const CHECKED_BYTES: usize = 64;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// What the archive is of: the first frame.
    Head = 1,
    /// A part of the tree.
    Block = 2,
    /// Which part is in which block.
    Index = 3,
    /// What all of it came to: the last frame.
    End = 4,
}

/// How a payload is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Stored = 0,
    /// As one zstd frame (RFC 8878) without a dictionary.
    Zstd = 1,
}

/// 16 bytes of BLAKE3.
pub type Checksum = [u8; 16];

/// A frame's header, without its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame holds.
    pub kind: FrameKind,
    /// How its payload is kept.
    pub packing: Packing,
    /// Its place in the archive, from 0 without a gap.
    pub sequence: u32,
    /// The archive that it belongs to.
    pub archive: u64,
    /// Znodes in all blocks before it.
    pub before: u64,
    /// Znodes in it.
    pub znodes: u32,
    /// Bytes of the payload, unpacked.
    pub raw_bytes: u32,
    /// Bytes of the payload as it is kept.
    pub kept_bytes: u32,
    /// Bytes of the label.
    pub label_bytes: u32,
    /// Of the payload as it is kept.
    pub checksum: Checksum,
}

/// The checksum of bytes.
pub fn checksum(bytes: &[u8]) -> Checksum {
    truncated(blake3::Hasher::new().update(bytes))
}

/// The first half of a hash.
pub(super) fn truncated(hasher: &blake3::Hasher) -> Checksum {
    let mut checksum = [0; 16];
    checksum.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    checksum
}

impl Header {
    /// The header as it is written before `label`.
    pub fn encode(&self, label: &[u8]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10] = self.kind as u8;
        bytes[11] = self.packing as u8;
        bytes[12..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.archive.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.before.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.znodes.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.raw_bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.kept_bytes.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.label_bytes.to_le_bytes());
        bytes[48..64].copy_from_slice(&self.checksum);
        let own = own_checksum(&bytes, label);
        bytes[64..80].copy_from_slice(&own);
        bytes
    }

    /// How long the label is that a header promises; `None` where this can't be a header. Nothing of it is trusted yet.
    pub fn label_bytes(bytes: &[u8; HEADER_BYTES]) -> Option<usize> {
        let promised = u32::from_le_bytes(array(&bytes[44..48])) as usize;
        (bytes.starts_with(&MAGIC) && promised <= limits::ARCHIVE_LABEL_BYTES_MAX).then_some(promised)
    }

    /// The header before `label`; `None` where the two do not have the checksum that they say. An error where they have, and
    /// this program does not know what they mean.
    pub fn parse(bytes: &[u8; HEADER_BYTES], label: &[u8]) -> Option<Result<Self, Malformed>> {
        (bytes[CHECKED_BYTES..] == own_checksum(bytes, label)).then(|| Self::fields(bytes))
    }

    fn fields(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Malformed> {
        let u32_at = |at: usize| u32::from_le_bytes(array(&bytes[at..at + 4]));
        let u64_at = |at: usize| u64::from_le_bytes(array(&bytes[at..at + 8]));
        let version = u16::from_le_bytes(array(&bytes[8..10]));
        if version != VERSION {
            return malformed(format!("it is of format version {version}, and this program knows version {VERSION}"));
        }
        let header = Self {
            kind: match bytes[10] {
                1 => FrameKind::Head,
                2 => FrameKind::Block,
                3 => FrameKind::Index,
                4 => FrameKind::End,
                kind => return malformed(format!("it has a frame of kind {kind}, which there is not")),
            },
            packing: match bytes[11] {
                0 => Packing::Stored,
                1 => Packing::Zstd,
                packing => return malformed(format!("it has a frame packed as {packing}, which there is not")),
            },
            sequence: u32_at(12),
            archive: u64_at(16),
            before: u64_at(24),
            znodes: u32_at(32),
            raw_bytes: u32_at(36),
            kept_bytes: u32_at(40),
            label_bytes: u32_at(44),
            checksum: array(&bytes[48..64]),
        };
        let raw_max = match header.kind {
            FrameKind::Head | FrameKind::End => limits::ARCHIVE_DOCUMENT_BYTES_MAX,
            FrameKind::Block | FrameKind::Index => limits::ARCHIVE_BLOCK_BYTES_MAX,
        };
        if header.raw_bytes as usize > raw_max || header.kept_bytes > header.raw_bytes {
            return malformed(format!("it has a frame of {} bytes, more than {raw_max}", header.raw_bytes));
        }
        if header.znodes as usize > limits::ARCHIVE_BLOCK_ITEMS_MAX {
            return malformed(format!("it has a block of {} znodes", header.znodes));
        }
        Ok(header)
    }
}

/// Packs payload after payload, with what zstd and the packed bytes need of memory for each.
#[derive(Default)]
pub struct Packer {
    zstd: Option<zstd::bulk::Compressor<'static>>,
    packed: Vec<u8>,
}

impl Packer {
    /// Packs a payload, where that makes it smaller.
    pub fn pack(&mut self, raw: &[u8], level: i32) -> (Packing, Vec<u8>) {
        let kept = match self.compress(raw, level) {
            Ok(()) if self.packed.len() < raw.len() => (Packing::Zstd, self.packed.clone()),
            // What can't be packed, for whatever reason, is kept as it is.
            _ => (Packing::Stored, raw.to_vec()),
        };
        if self.packed.capacity() > limits::ARCHIVE_MAKING_BYTES_MAX {
            self.packed = Vec::new();
        }
        kept
    }

    fn compress(&mut self, raw: &[u8], level: i32) -> io::Result<()> {
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Compressor::default()),
        };
        zstd.set_compression_level(level)?;
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        zstd.compress_to_buffer(raw, &mut self.packed).map(drop)
    }
}

/// Unpacks a payload that has the checksum of its header. It takes no more memory than the header says, which is bounded.
pub fn unpack(header: &Header, kept: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    let raw = match header.packing {
        Packing::Stored => kept,
        Packing::Zstd => zstd::bulk::decompress(&kept, header.raw_bytes as usize)
            .or_else(|_| malformed("its payload can't be unpacked into the bytes that it says"))?,
    };
    if raw.len() == header.raw_bytes as usize {
        Ok(raw)
    } else {
        malformed("its payload has another length than it says")
    }
}

fn own_checksum(bytes: &[u8; HEADER_BYTES], label: &[u8]) -> Checksum {
    truncated(blake3::Hasher::new().update(&bytes[..CHECKED_BYTES]).update(label))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the caller cuts as many bytes as the number has")
}

#[cfg(test)]
mod tests;
