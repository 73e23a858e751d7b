//! An archive as it is written: frame behind frame, whoever takes the bytes.

use std::io::{self, Write};

use super::block::Block;
use super::document::{End, Head};
use super::frame::{FrameKind, HEADER_BYTES, Header, Packer, Packing, checksum};
use super::index::{self, Entry};
use super::totals::Totals;
use crate::limits;
use crate::znode::Zxid;

/// What takes the frames of one archive.
#[derive(Debug)]
pub struct Sink<W> {
    out: W,
    head: Head,
    archive: u64,
    sequence: u32,
    /// Blocks that were written, packed only at the end.
    index: Vec<u8>,
    totals: Totals,
    bytes: u64,
}

/// A payload that is ready to be written.
struct Payload<'p> {
    packing: Packing,
    kept: &'p [u8],
    raw_bytes: usize,
    znodes: u64,
    checksum: [u8; 16],
}

impl<W: Write> Sink<W> {
    /// Begins an archive; `archive` is a number that no other one has.
    pub fn begin(out: W, head: Head, archive: u64) -> io::Result<Self> {
        let mut sink = Self { out, head, archive, sequence: 0, index: Vec::new(), totals: Totals::default(), bytes: 0 };
        let document = sink.head.encode();
        sink.document(FrameKind::Head, &document)?;
        Ok(sink)
    }

    /// Writes a block.
    pub fn block(&mut self, block: &Block) -> io::Result<()> {
        let znodes = block.totals.reading.sum.znodes;
        let Block { packing, kept, checksum, raw_bytes, label, totals } = block;
        let payload = Payload { packing: *packing, kept, raw_bytes: *raw_bytes, znodes, checksum: *checksum };
        self.frame(FrameKind::Block, &payload, label)?;
        self.totals.merge(totals);
        let frame_bytes = (HEADER_BYTES + label.len() + kept.len()) as u64;
        index::push(&mut self.index, Entry { znodes, frame_bytes, label });
        Ok(())
    }

    /// What was written until now.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Ends the archive of a tree that was read behind `zxid`, and wholly so when the ensemble had reached `zxid_after`;
    /// `settled` says whether it is of one moment. Gives its end, and its bytes.
    pub fn finish(mut self, zxid: Option<Zxid>, zxid_after: Option<Zxid>, settled: bool) -> io::Result<(W, End, u64)> {
        let blocks = self.sequence - 1;
        let index = std::mem::take(&mut self.index);
        let raw_bytes = index.len();
        let (packing, kept) = Packer::default().pack(&index, limits::ARCHIVE_LEVEL);
        let payload = Payload { packing, kept: &kept, raw_bytes, znodes: 0, checksum: checksum(&kept) };
        self.frame(FrameKind::Index, &payload, "")?;
        self.totals.reading.zxid = zxid;
        let end = End::of(self.head.clone(), &self.totals, blocks, zxid_after, settled);
        self.document(FrameKind::End, &end.encode())?;
        self.out.flush()?;
        Ok((self.out, end, self.bytes))
    }

    fn document(&mut self, kind: FrameKind, document: &[u8]) -> io::Result<()> {
        if document.len() > limits::ARCHIVE_DOCUMENT_BYTES_MAX {
            return Err(too_large("what is said of the archive, its globs above all,", document.len()));
        }
        let payload = Payload {
            packing: Packing::Stored,
            kept: document,
            raw_bytes: document.len(),
            znodes: 0,
            checksum: checksum(document),
        };
        self.frame(kind, &payload, "")
    }

    fn frame(&mut self, kind: FrameKind, payload: &Payload<'_>, label: &str) -> io::Result<()> {
        let &Payload { packing, kept, raw_bytes, znodes, checksum } = payload;
        if raw_bytes > limits::ARCHIVE_BLOCK_BYTES_MAX {
            return Err(too_large("a block", raw_bytes));
        }
        let number = |number: usize| u32::try_from(number).expect("a block is far below 4 GiB, and so are its parts");
        let header = Header {
            kind,
            packing,
            sequence: self.sequence,
            archive: self.archive,
            before: self.totals.reading.sum.znodes,
            znodes: u32::try_from(znodes).expect("a block has few items"),
            raw_bytes: number(raw_bytes),
            kept_bytes: number(kept.len()),
            label_bytes: number(label.len()),
            checksum,
        };
        self.out.write_all(&header.encode(label.as_bytes()))?;
        self.out.write_all(label.as_bytes())?;
        self.out.write_all(kept)?;
        self.sequence = self.sequence.checked_add(1).ok_or_else(|| too_large("the archive", usize::MAX))?;
        self.bytes += (HEADER_BYTES + label.len() + kept.len()) as u64;
        Ok(())
    }
}

fn too_large(what: &str, bytes: usize) -> io::Error {
    io::Error::other(format!("{what} needs {bytes} bytes, more than the format holds"))
}
