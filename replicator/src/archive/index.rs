//! Which part of a tree is in which block: what a lost block held can be told although nothing of it can be read.
//!
//! For each block, in order: its znodes, its bytes in the file, and its label. Blocks have the sequence numbers from 1.

use super::fields::{Fields, Malformed, put_bytes, put_number};

/// What is known of a block without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its znodes.
    pub znodes: u64,
    /// Bytes of its frame.
    pub frame_bytes: u64,
    /// First and last path, with a NUL between them.
    pub label: &'a str,
}

/// Adds one block to an index.
pub fn push(index: &mut Vec<u8>, entry: Entry<'_>) {
    put_number(index, entry.znodes);
    put_number(index, entry.frame_bytes);
    put_bytes(index, entry.label.as_bytes());
}

/// All blocks of an index, one after the other: nothing is held but its bytes. Behind an error there is no more.
pub fn entries(index: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, Malformed>> {
    let mut fields = Fields(index);
    std::iter::from_fn(move || {
        if fields.is_empty() {
            return None;
        }
        let read = entry(&mut fields);
        if read.is_err() {
            fields = Fields(&[]);
        }
        Some(read)
    })
}

fn entry<'a>(fields: &mut Fields<'a>) -> Result<Entry<'a>, Malformed> {
    Ok(Entry { znodes: fields.number()?, frame_bytes: fields.number()?, label: fields.text()? })
}

/// The two paths of a label.
pub fn paths(label: &str) -> (&str, &str) {
    label.split_once('\0').unwrap_or((label, label))
}
