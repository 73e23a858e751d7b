//! Which part of a tree is in which block: what a lost block held can be told although nothing of it can be read.
//!
//! For each block, in order: its znodes, its bytes in the file, and its label. Blocks have the sequence numbers from 1.

use super::fields::{Fields, Malformed, put_bytes, put_number};

/// What is known of a block without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its znodes.
    pub znodes: u64,
    /// Bytes of its frame.
    pub frame_bytes: u64,
    /// First and last path, with a NUL between them.
    pub label: String,
}

/// Adds one block to an index.
pub fn push(index: &mut Vec<u8>, entry: &Entry) {
    put_number(index, entry.znodes);
    put_number(index, entry.frame_bytes);
    put_bytes(index, entry.label.as_bytes());
}

/// All blocks of an index.
pub fn parse(index: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut fields = Fields(index);
    let mut entries = Vec::new();
    while !fields.is_empty() {
        let (znodes, frame_bytes) = (fields.number()?, fields.number()?);
        entries.push(Entry { znodes, frame_bytes, label: fields.text()?.to_owned() });
    }
    Ok(entries)
}

/// The two paths of a label.
pub fn paths(label: &str) -> (&str, &str) {
    label.split_once('\0').unwrap_or((label, label))
}
