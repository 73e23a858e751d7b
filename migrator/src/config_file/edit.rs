//! Edits: the bytes of one value, or one line of our own.
//!
//! [`ConfigFile::with_value`] and [`ConfigFile::without`] give a new file that was read again by the server's rules. A line
//! that was added and is taken away again leaves exactly the bytes of before.

use super::{ConfigFile, Entry, HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER, refused, template};
use crate::error::Result;

/// Keys that may be missing, since the server then takes its default.
const ADDABLE: [(&str, &str); 2] = [(META_SERVER, START_LEVEL), (META_SERVER, RECOVER)];

impl ConfigFile {
    /// The file with another value for one key. [`START_LEVEL`] and [`RECOVER`] are added where they are missing, as a line
    /// at the end of their section. Refused, with the line and the reason, is whatever can't be edited with certainty.
    pub fn with_value(&self, section: &str, key: &str, value: &str) -> Result<Self> {
        let op = format!("set [{section}] {key}");
        let bytes = self.bytes_with(section, key, value).map_err(|why| refused(op, why))?;
        Self::parse(bytes)
    }

    /// The file without one key, if its line holds nothing but key and value as [`ConfigFile::with_value`] writes them.
    /// For [`START_LEVEL`] and [`RECOVER`]: what such an edit added is taken away.
    pub fn without(&self, section: &str, key: &str) -> Result<Self> {
        let op = format!("take away [{section}] {key}");
        let bytes = self.bytes_without(section, key).map_err(|why| refused(op, why))?;
        Self::parse(bytes)
    }

    fn bytes_with(&self, section: &str, key: &str, value: &str) -> Result<Vec<u8>, String> {
        writable(value)?;
        let Some(entry) = self.only(section, key)? else { return self.bytes_with_line(section, key, value) };
        self.value(entry)?;
        let Some(place) = entry.value.clone() else { return Err(format!("line {} has no =", entry.line)) };
        Ok([&self.bytes[..place.start], value.as_bytes(), &self.bytes[place.end..]].concat())
    }

    fn bytes_with_line(&self, section: &str, key: &str, value: &str) -> Result<Vec<u8>, String> {
        if !ADDABLE.contains(&(section, key)) {
            let misplaced = (section, key) == (ZOOKEEPER, HOSTS_LIST);
            let misplaced = misplaced.then(|| self.misplaced_hosts()).flatten().map(|note| format!(" ({note})"));
            return Err(format!("it is not in the file{}", misplaced.unwrap_or_default()));
        }
        let Some(section) = self.section(section) else { return Err("its section is not in the file".to_owned()) };
        let neighbour = section.entries.last().map_or(&section.span, |entry| &entry.span);
        let above = &self.bytes[neighbour.clone()];
        let indent: &[u8] = match section.entries.last() {
            Some(_) => &above[..above.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()],
            None => b"",
        };
        let line = [indent, format!("{key} = {value}").as_bytes()].concat();
        let (before, after) = self.bytes.split_at(neighbour.end);
        Ok(match line_end(above) {
            Some(line_end) => [before, &line, line_end, after].concat(),
            // The file ends here without a line end, and does so with the new line too. A bare carriage return at its end
            // would melt into a line end of \n.
            None if above.ends_with(b"\r") => [before, b"\r\n", &line].concat(),
            None => {
                let first = self.bytes.split_inclusive(|byte| *byte == b'\n').next().and_then(line_end);
                [before, first.unwrap_or(b"\n"), &line].concat()
            }
        })
    }

    fn bytes_without(&self, section: &str, key: &str) -> Result<Vec<u8>, String> {
        let Some(entry) = self.only(section, key)? else { return Err("it is not in the file".to_owned()) };
        let value = self.value(entry)?;
        let text = &self.bytes[entry.span.clone()];
        let line_end = line_end(text);
        let body = text[..text.len() - line_end.map_or(0, <[u8]>::len)].trim_ascii_start();
        if body != format!("{key} = {value}").as_bytes() {
            return Err(format!("line {} holds more than {key} = value", entry.line));
        }
        let mut start = entry.span.start;
        if line_end.is_none() {
            // The last line of a file without a line end: the one above it came with it.
            start -= self.bytes[..start]
                .split_inclusive(|byte| *byte == b'\n')
                .next_back()
                .and_then(self::line_end)
                .map_or(0, <[u8]>::len);
        }
        Ok([&self.bytes[..start], &self.bytes[entry.span.end..]].concat())
    }

    /// The entry of a key that is there once; of several only the first is read, which may not be what was meant.
    fn only(&self, section: &str, key: &str) -> Result<Option<&Entry>, String> {
        let Some(section) = self.section(section) else { return Ok(None) };
        let mut found = section.entries.iter().filter(|entry| entry.key == key.as_bytes());
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                Err(format!("it is there twice, on lines {} and {}", first.line, second.line))
            }
            (first, _) => Ok(first),
        }
    }
}

/// What may be written as it is and is read as it is.
fn writable(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("the new value is empty".to_owned());
    }
    if let Some(mark) = template(value) {
        return Err(format!("the new value is a template ({mark})"));
    }
    if value.trim() != value {
        return Err("the new value has blanks around it".to_owned());
    }
    match value.chars().find(|c| matches!(c, '#' | ';' | '^') || c.is_control()) {
        Some(c) => Err(format!("the new value holds {c:?}, which would have to be escaped")),
        None => Ok(()),
    }
}

fn line_end(line: &[u8]) -> Option<&'static [u8]> {
    match () {
        () if line.ends_with(b"\r\n") => Some(b"\r\n"),
        () if line.ends_with(b"\n") => Some(b"\n"),
        () => None,
    }
}
