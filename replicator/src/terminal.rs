//! Text that a terminal shows and does not obey.
//!
//! Names of znodes, ids in ACLs and what a server says are other people's: they may hold escape sequences, and characters
//! that turn the order of a line around or can't be seen. Paths are escaped where they are printed, by the words' own rules;
//! this is the last gate, for everything that goes to a terminal, so that nothing depends on each place having remembered.

pub mod log;

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a terminal obeys it or does not show it: control characters (C0, DEL, C1), bidirectional overrides and
/// isolates, and characters of no width.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A part of a line: line breaks are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, hides, |c, out| out.extend(c.escape_default()))
}

/// Whole lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && hides(c), |c, out| out.extend(c.escape_default()))
}

/// A JSON document: the same one, with escapes of its own. Outside its strings nothing but line breaks is escaped.
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| c != '\n' && hides(c),
        |c, out| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String can't fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn escaped(text: &str, hides: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(&hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hides(c) { escape(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
