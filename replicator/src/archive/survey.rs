//! A look at a whole archive before anything of it is used: every frame is found and its checksum made, nothing is unpacked.
//!
//! So what is damaged is known before the first znode goes anywhere. A frame whose header can't be read is passed over to the
//! next that has the magic, the archive's id and a right checksum; sequence numbers and counts of znodes tell what lies
//! between. Takes the memory of a block's place for each block, and of one buffer.

use std::io;

use super::document::{End, Head};
use super::fields::Malformed;
use super::frame::{FrameKind, HEADER_BYTES, Header, MAGIC, truncated, unpack};
use super::index::{self, Entry};
use super::losses::{Loss, Losses, Place};
use super::store::Store;
use crate::limits;

/// Bytes that are looked at together.
const WINDOW_BYTES: usize = 256 * 1024;
const DAMAGED: &str = "its bytes are not those that were written";
const MISSING: &str = "it is not there, or its beginning is damaged";
const CUT_OFF: &str = "the archive ends before its end";

/// A block whose bytes are those that were written.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its header.
    pub header: Header,
    /// Where its payload is, in bytes from the beginning of the file.
    pub at: u64,
}

/// What an archive has.
#[derive(Debug, Default)]
pub struct Survey {
    /// What it is of; `None` where neither its head nor its end can be read.
    pub head: Option<Head>,
    /// What it came to.
    pub end: Option<End>,
    /// Its blocks.
    pub blocks: Vec<Found>,
    /// What is lost.
    pub losses: Losses,
}

/// Why an archive can't be looked at.
#[derive(Debug)]
pub enum Unusable {
    /// It can't be read.
    Io(io::Error),
    /// It is none, or not one that this program knows.
    Malformed(Malformed),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Malformed> for Unusable {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

/// Looks at all of it.
pub fn survey(store: &(impl Store + ?Sized)) -> Result<Survey, Unusable> {
    let mut surveyor = Surveyor {
        store,
        len: store.len()?,
        archive: None,
        next: 0,
        znodes: 0,
        path: None,
        index: Vec::new(),
        is_indexed: false,
        gaps: Vec::new(),
        found: Survey::default(),
    };
    let mut at = 0;
    while let Some(frame) = surveyor.frame_from(at)? {
        at = surveyor.take(&frame)?;
    }
    surveyor.conclude(at)
}

/// A frame whose header is right.
struct Frame {
    header: Header,
    label: String,
    start: u64,
}

impl Frame {
    fn payload(&self) -> u64 {
        self.start + HEADER_BYTES as u64 + u64::from(self.header.label_bytes)
    }

    fn end(&self) -> u64 {
        self.payload() + u64::from(self.header.kept_bytes)
    }
}

struct Surveyor<'s, S: ?Sized> {
    store: &'s S,
    len: u64,
    archive: Option<u64>,
    /// The sequence number that comes next.
    next: u32,
    /// Znodes in all blocks before it.
    znodes: u64,
    /// The last path before it.
    path: Option<String>,
    index: Vec<u8>,
    /// Whether an index came, and all behind it holds nothing of the tree.
    is_indexed: bool,
    /// The first losses, before the index was asked.
    gaps: Vec<Loss>,
    found: Survey,
}

impl<S: Store + ?Sized> Surveyor<'_, S> {
    /// The first frame at `at` or behind it.
    fn frame_from(&self, at: u64) -> Result<Option<Frame>, Unusable> {
        if let Some(frame) = self.frame_at(at)? {
            return Ok(Some(frame));
        }
        let mut window = Vec::new();
        let mut start = at.saturating_add(1);
        while start < self.len {
            let bytes = usize::try_from(self.len - start).unwrap_or(usize::MAX).min(WINDOW_BYTES);
            window.resize(bytes, 0);
            self.store.read_at(start, &mut window)?;
            for (offset, _) in window.windows(MAGIC.len()).enumerate().filter(|(_, bytes)| **bytes == MAGIC) {
                if let Some(frame) = self.frame_at(start + offset as u64)? {
                    return Ok(Some(frame));
                }
            }
            // A magic may lie across two windows.
            let step = bytes.saturating_sub(MAGIC.len() - 1).max(1);
            start += step as u64;
        }
        Ok(None)
    }

    fn frame_at(&self, start: u64) -> Result<Option<Frame>, Unusable> {
        let mut bytes = [0; HEADER_BYTES];
        let room = self.len.saturating_sub(start);
        if room < HEADER_BYTES as u64 {
            return Ok(None);
        }
        self.store.read_at(start, &mut bytes)?;
        let Some(label_bytes) = Header::label_bytes(&bytes) else { return Ok(None) };
        if room < (HEADER_BYTES + label_bytes) as u64 {
            return Ok(None);
        }
        let mut label = vec![0; label_bytes];
        self.store.read_at(start + HEADER_BYTES as u64, &mut label)?;
        let Some(header) = Header::parse(&bytes, &label) else { return Ok(None) };
        let header = header?;
        let Ok(label) = String::from_utf8(label) else { return Ok(None) };
        let belongs = self.archive.is_none_or(|archive| archive == header.archive) && header.sequence >= self.next;
        Ok(belongs.then_some(Frame { header, label, start }))
    }

    /// Takes a frame; gives where the next one is to be.
    fn take(&mut self, frame: &Frame) -> Result<u64, Unusable> {
        let Header { kind, sequence, before, znodes, .. } = frame.header;
        self.archive = Some(frame.header.archive);
        let (first_path, last_path) = index::paths(&frame.label);
        if sequence > self.next {
            let holds_nothing = self.is_indexed || before == self.znodes;
            let path = (kind == FrameKind::Block).then(|| first_path.to_owned());
            self.lost(Loss {
                first: self.next,
                last: Some(sequence - 1),
                znodes: before.checked_sub(self.znodes),
                place: if holds_nothing { Place::Nowhere } else { Place::Between(self.path.clone(), path) },
                why: MISSING,
            });
        }
        self.next = sequence.checked_add(1).ok_or_else(|| Malformed("it has too many frames".to_owned()))?;
        self.znodes = before.saturating_add(u64::from(znodes));
        self.is_indexed |= matches!(kind, FrameKind::Index | FrameKind::End);
        let is_whole = frame.end() <= self.len && self.checksum(frame)? == frame.header.checksum;
        if kind == FrameKind::Block {
            self.path = Some(last_path.to_owned());
        }
        if is_whole {
            self.keep(frame)?;
            return Ok(frame.end());
        }
        let place = match kind {
            FrameKind::Block => Place::From(first_path.to_owned(), last_path.to_owned()),
            _ => Place::Nowhere,
        };
        let why = if frame.end() <= self.len { DAMAGED } else { CUT_OFF };
        self.lost(Loss { first: sequence, last: Some(sequence), znodes: Some(znodes.into()), place, why });
        // Where bytes are missing the next frame begins before it should.
        let expected = frame.end();
        Ok(if expected < self.len && self.frame_at(expected)?.is_some() { expected } else { frame.payload() })
    }

    fn keep(&mut self, frame: &Frame) -> Result<(), Unusable> {
        let found = Found { header: frame.header, at: frame.payload() };
        match frame.header.kind {
            FrameKind::Block => self.found.blocks.push(found),
            FrameKind::Head => self.found.head = Some(Head::parse(&payload(self.store, &found)?)?),
            FrameKind::Index => {
                self.index = payload(self.store, &found)?;
                index::entries(&self.index).try_for_each(|entry| entry.map(drop))?;
            }
            FrameKind::End => {
                let end = End::parse(&payload(self.store, &found)?)?;
                self.found.head.get_or_insert_with(|| end.head.clone());
                self.found.end = Some(end);
            }
        }
        Ok(())
    }

    fn checksum(&self, frame: &Frame) -> io::Result<[u8; 16]> {
        let (mut hasher, mut window) = (blake3::Hasher::new(), Vec::new());
        let (mut at, end) = (frame.payload(), frame.end());
        while at < end {
            window.resize(usize::try_from(end - at).unwrap_or(usize::MAX).min(WINDOW_BYTES), 0);
            self.store.read_at(at, &mut window)?;
            hasher.update(&window);
            at += window.len() as u64;
        }
        Ok(truncated(&hasher))
    }

    /// All frames were found; `at` is where the last of them ended.
    fn conclude(mut self, at: u64) -> Result<Survey, Unusable> {
        if self.archive.is_none() {
            return Err(Malformed(
                "it is no archive of this program (zkreplicator dump writes them), or all of it is damaged".to_owned(),
            )
            .into());
        }
        match &self.found.end {
            Some(end) => {
                if end.znodes != self.znodes {
                    return Err(Malformed("its end and its blocks disagree on the number of znodes".to_owned()).into());
                }
                if at < self.len {
                    let why = "there are bytes behind the end of the archive, which belong to nothing";
                    let place = Place::Nowhere;
                    self.lost(Loss { first: self.next, last: None, znodes: Some(0), place, why });
                }
            }
            // It may have been found and be damaged: then it is among the losses already.
            None if self.gaps.last().is_some_and(|loss| loss.last == self.next.checked_sub(1)) && self.is_indexed => {}
            None => {
                let (place, znodes) = if self.is_indexed {
                    (Place::Nowhere, Some(0))
                } else {
                    (Place::Between(self.path.clone(), None), None)
                };
                self.lost(Loss { first: self.next, last: None, znodes, place, why: CUT_OFF });
            }
        }
        self.tell();
        Ok(self.found)
    }

    /// Notes a loss. Those behind the first ones are counted: a damaged file may have any number.
    fn lost(&mut self, loss: Loss) {
        if self.gaps.len() < limits::ARCHIVE_LOSSES_LISTED {
            self.gaps.push(loss);
        } else {
            self.found.losses.count(loss.znodes);
        }
    }

    /// Lists the losses, block by block where an index tells what was in them. Both come in the order of the blocks.
    fn tell(&mut self) {
        let losses = &mut self.found.losses;
        let mut entries = (1..).zip(index::entries(&self.index).map_while(Result::ok)).peekable();
        for mut loss in std::mem::take(&mut self.gaps) {
            if let (Some(last), Place::Between(..)) = (loss.last, &loss.place) {
                while let Some((block, Entry { znodes, label, .. })) = entries.next_if(|(block, _)| *block <= last) {
                    if block >= loss.first {
                        let (first_path, last_path) = index::paths(label);
                        let place = Place::From(first_path.to_owned(), last_path.to_owned());
                        let (first, znodes) = (block, Some(znodes));
                        losses.add(Loss { first, last: Some(block), znodes, place, why: loss.why });
                        // What the index speaks of is told.
                        loss.znodes = loss.znodes.zip(znodes).map(|(all, told)| all.saturating_sub(told));
                        loss.first = block + 1;
                    }
                }
                if loss.first > last {
                    continue;
                }
                if loss.znodes == Some(0) {
                    loss.place = Place::Nowhere;
                }
            }
            losses.add(loss);
        }
    }
}

/// The unpacked payload of a frame. Its checksum is made anew: what was looked at may have changed since.
pub fn payload(store: &(impl Store + ?Sized), found: &Found) -> Result<Vec<u8>, Unusable> {
    let Found { header, at } = found;
    if (header.kept_bytes as usize) > limits::ARCHIVE_BLOCK_BYTES_MAX
        || at + u64::from(header.kept_bytes) > store.len()?
    {
        return Err(Malformed("it became shorter while it was read".to_owned()).into());
    }
    let mut kept = vec![0; header.kept_bytes as usize];
    store.read_at(*at, &mut kept)?;
    if super::frame::checksum(&kept) != header.checksum {
        return Err(Malformed(format!("frame {} was changed while it was read", header.sequence)).into());
    }
    Ok(unpack(header, kept)?)
}

#[cfg(test)]
mod tests;
