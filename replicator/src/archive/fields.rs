//! The small fields of an archive: numbers that take as many bytes as they need, and bytes behind their length.
//!
//! A number is LEB128: seven bits a byte, the lowest first, the top bit set on all but the last. A signed one is folded
//! (0, -1, 1, -2, ...) before. Each has one form: a longer one than it needs is refused, so that equal values are equal bytes.

use std::fmt;

/// What is wrong with bytes that are said to be of an archive, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same, from words that are known.
pub(super) fn malformed<T>(why: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(why.into()))
}

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    let folded = (number << 1) ^ (number >> 63);
    put_number(out, u64::from_ne_bytes(folded.to_ne_bytes()));
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Fields that are still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let Some((taken, rest)) = self.0.split_at_checked(len) else { return malformed("it ends within a field") };
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { malformed("a number is longer than it needs") } else { Ok(number) };
            }
        }
        malformed("a number has more than 64 bits")
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let folded = self.number()?;
        let number = (folded >> 1) ^ (folded & 1).wrapping_neg();
        Ok(i64::from_ne_bytes(number.to_ne_bytes()))
    }

    /// A number that has to fit into `T`.
    pub(super) fn fitting<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).or_else(|_| malformed("a number is too large"))
    }

    pub(super) fn int(&mut self) -> Result<i32, Malformed> {
        i32::try_from(self.signed()?).or_else(|_| malformed("a number is too large"))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.fitting()?;
        self.take(len)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).or_else(|_| malformed("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests;
