//! Lines of the journal, pure: records into bytes, and bytes into what can be trusted.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Entries, Entry};

/// Where a line's check stands: first, so that the rest is what it is over, byte for byte.
const PREFIX: &[u8] = b"{\"check\":\"";
/// Between the check and the rest.
const BEHIND: &[u8] = b"\",";
/// Hex digits of a digest that a line holds: against chance, not against forgery.
const CHECK_DIGITS: usize = 32;

/// What a line is checked by, and the next line with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check(blake3::Hash);

impl Check {
    /// What the first line follows.
    pub(super) fn first() -> Self {
        Self(blake3::Hash::from_bytes([0; blake3::OUT_LEN]))
    }

    fn of(self, rest: &[u8]) -> Self {
        Self(blake3::Hasher::new().update(self.0.as_bytes()).update(rest).finalize())
    }

    fn digits(self) -> String {
        self.0.to_hex()[..CHECK_DIGITS].to_owned()
    }
}

#[derive(Serialize)]
struct Written<'a, R> {
    seq: u64,
    at_ms: u64,
    record: &'a R,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read<R> {
    seq: u64,
    at_ms: u64,
    record: R,
}

/// A line with its line end, and the check that the next one follows.
pub(super) fn encode<R: Serialize>(
    before: Check,
    seq: u64,
    at_ms: u64,
    record: &R,
) -> serde_json::Result<(Vec<u8>, Check)> {
    let object = serde_json::to_vec(&Written { seq, at_ms, record })?;
    let rest = &object[1..];
    let check = before.of(rest);
    Ok(([PREFIX, check.digits().as_bytes(), BEHIND, rest, b"\n"].concat(), check))
}

/// What a journal's bytes say, and the check that the next line follows. An error where something other than the last line
/// is damaged, or where an undamaged line holds no such record: another version wrote it.
pub fn parse<R: DeserializeOwned>(bytes: &[u8]) -> Result<(Entries<R>, Check), String> {
    let mut entries = Vec::new();
    let mut check = Check::first();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let number = entries.len() as u64 + 1;
        let Some((rest, next)) = checked(check, line) else {
            if lines.peek().is_some() {
                return Err(format!("line {number} is damaged, and others follow it"));
            }
            return Ok((Entries { entries, torn_bytes: line.len() as u64 }, check));
        };
        // The rest is what stood behind the brace.
        let object = [b"{", rest].concat();
        let read: Read<R> = serde_json::from_slice(&object)
            .map_err(|error| format!("line {number} is no record of this version: {error}"))?;
        if read.seq != number {
            return Err(format!("line {number} calls itself number {}", read.seq));
        }
        entries.push(Entry { sequence: read.seq, at_ms: read.at_ms, record: read.record });
        check = next;
    }
    Ok((Entries { entries, torn_bytes: 0 }, check))
}

/// The rest of a line that is whole and follows the one before.
fn checked(before: Check, line: &[u8]) -> Option<(&[u8], Check)> {
    let (digits, rest) = line.strip_suffix(b"\n")?.strip_prefix(PREFIX)?.split_at_checked(CHECK_DIGITS)?;
    let rest = rest.strip_prefix(BEHIND)?;
    let check = before.of(rest);
    (check.digits().as_bytes() == digits).then_some((rest, check))
}
