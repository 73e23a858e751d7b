//! The server's parser: lines into sections and keys, with the place of every value.
//!
//! It follows `configuration::load` (`utils/configuration.cpp:104-229`) line by line. What differs: NUL is refused, which
//! the server takes for the end of a line's text, and no argument replaces `%name%`.

use super::{Entry, Section, refused};
use crate::error::{Error, Result};

/// One line: where it is, and which of its bytes the server looks at.
struct Line<'a> {
    number: usize,
    /// Where it starts in the file.
    start: usize,
    /// Where the next one starts.
    end: usize,
    /// Where `text` starts in the file.
    text_start: usize,
    /// What is left without blanks in front, comment and line end.
    text: &'a [u8],
    commented: bool,
    escaped: bool,
}

pub(super) fn sections(bytes: &[u8]) -> Result<Vec<Section>> {
    if bytes.is_empty() {
        return Err(refused("parse", "it is empty"));
    }
    let mut sections: Vec<Section> = Vec::new();
    let mut start = 0;
    for (index, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = line(index + 1, start, raw)?;
        start = line.end;
        if line.text.is_empty() {
            continue;
        }
        let equals = line.text.iter().position(|byte| *byte == b'=');
        if line.text[0] == b'[' {
            if equals.is_some() {
                return Err(wrong(&line, "a line that starts with [ holds ="));
            }
            let section = section(&line)?;
            if let Some(first) = sections.iter().find(|other| other.name == section.name) {
                let name = section.name.escape_ascii();
                return Err(wrong(
                    &line,
                    &format!(
                        "section [{name}] is there since line {}; the server does not load such a file",
                        first.line
                    ),
                ));
            }
            sections.push(section);
        } else {
            let entry = entry(&line, equals)?;
            match sections.last_mut() {
                Some(section) => section.entries.push(entry),
                None => return Err(wrong(&line, "a key stands before the first section")),
            }
        }
    }
    Ok(sections)
}

fn line(number: usize, start: usize, raw: &[u8]) -> Result<Line<'_>> {
    let end = start + raw.len();
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    let blanks = raw.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    let text = &raw[blanks..];
    let mut line = Line { number, start, end, text_start: start + blanks, text, commented: false, escaped: false };
    if raw.contains(&0) {
        return Err(wrong(&line, "it holds NUL"));
    }
    for (at, byte) in text.iter().enumerate() {
        if matches!(byte, b'#' | b';') {
            if at > 0 && text[at - 1] == b'^' {
                line.escaped = true;
            } else {
                line.text = &text[..at];
                line.commented = true;
                break;
            }
        }
    }
    Ok(line)
}

fn section(line: &Line<'_>) -> Result<Section> {
    let inside = line.text.iter().position(|byte| *byte == b']').map(|right| &line.text[1..right]);
    let Some(inside) = inside else { return Err(wrong(line, "the section's ] is missing")) };
    let name = unescaped(trim(inside));
    if name.is_empty() {
        return Err(wrong(line, "the section has no name"));
    }
    Ok(Section { name, line: line.number, span: line.start..line.end, entries: Vec::new() })
}

fn entry(line: &Line<'_>, equals: Option<usize>) -> Result<Entry> {
    let key = unescaped(trim(&line.text[..equals.unwrap_or(line.text.len())]));
    if key.is_empty() {
        return Err(wrong(line, "a key is missing before ="));
    }
    let value = equals.map(|equals| {
        let behind = &line.text[equals + 1..];
        let value = trim(behind);
        // Without a value its place is behind one blank, where a person would put it.
        let blanks = if value.is_empty() {
            usize::from(behind.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')))
        } else {
            behind.len() - trim_start(behind).len()
        };
        let start = line.text_start + equals + 1 + blanks;
        start..start + value.len()
    });
    let (commented, escaped) = (line.commented, line.escaped);
    Ok(Entry { key, line: line.number, span: line.start..line.end, value, commented, escaped })
}

/// What `trim_string` leaves (`utils/strings.cpp:412`).
fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let blanks = text.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    &text[..text.len() - blanks]
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blanks..]
}

/// `^#` means `#` and `^;` means `;`. Nothing else is escaped: an unescaped one would have begun a comment.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let followed = |at: usize| text.get(at + 1).is_some_and(|next| matches!(next, b'#' | b';'));
    text.iter().enumerate().filter(|(at, byte)| **byte != b'^' || !followed(*at)).map(|(_, byte)| *byte).collect()
}

fn wrong(line: &Line<'_>, why: &str) -> Error {
    refused("parse", format!("line {}: {why}", line.number))
}
