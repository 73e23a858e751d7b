//! Pegasus's configuration files: read by the server's own rules, edited in place.
//!
//! The dialect is that of the server's parser (`utils/configuration.cpp:59-233` at db756dcdf), so that what this room says
//! of a file is what the server will make of it. An edit changes the bytes of one value, or adds or takes away one line
//! of its own; comments, order, spacing and line ends stay. What can't be edited with certainty is refused, with the line
//! and the reason: a person then edits it.
//!
//! The ZooKeeper hosts are read from `[zookeeper] hosts_list` only (`zookeeper/zookeeper_session.cpp:78`); Pegasus's
//! document on the migration names `[meta_server]`, where a value is never read. See [`ConfigFile::notes`].

mod diff;
mod edit;
mod parse;

use std::ops::Range;

pub use diff::diff;

use crate::error::{Error, ErrorKind, Result};

/// The section that the server reads the ZooKeeper hosts from.
pub const ZOOKEEPER: &str = "zookeeper";
/// The key of the ZooKeeper hosts, in [`ZOOKEEPER`].
pub const HOSTS_LIST: &str = "hosts_list";
/// The meta server's own section.
pub const META_SERVER: &str = "meta_server";
/// The level that a leader starts with, in [`META_SERVER`]; the server's default is `steady`.
pub const START_LEVEL: &str = "meta_function_level_on_start";
/// Whether a leader waits for a recovery, in [`META_SERVER`]; the server's default is `false`.
pub const RECOVER: &str = "recover_from_replica_server";

/// One configuration file, as its server reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    bytes: Vec<u8>,
    sections: Vec<Section>,
}

/// A section: the server allows a name once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: Vec<u8>,
    /// The line of its header; the first line of a file is 1.
    line: usize,
    /// Bytes of its header's line, with the line end.
    span: Range<usize>,
    entries: Vec<Entry>,
}

/// A line with a key. Of several with the same key the server takes the first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: Vec<u8>,
    line: usize,
    /// Bytes of the line, with the line end.
    span: Range<usize>,
    /// Bytes of the value, without the blanks around it; where one would go if there is none. `None` without `=`.
    value: Option<Range<usize>>,
    /// Whether a comment follows on the line.
    commented: bool,
    /// Whether the line holds `^#` or `^;`, so that its bytes are not its meaning.
    escaped: bool,
}

impl ConfigFile {
    /// Reads a file by the server's rules. An error is one that the server would not start with either, but for NUL, which
    /// the server takes for the end of a line.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes = bytes.into();
        let sections = parse::sections(&bytes)?;
        Ok(Self { bytes, sections })
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the server reads for a key; `None` where it takes its default. An error where that can't be said with
    /// certainty: the value is a template, holds escapes, or is not UTF-8.
    pub fn get(&self, section: &str, key: &str) -> Result<Option<&str>> {
        let op = format!("read [{section}] {key}");
        match self.section(section).and_then(|section| section.first(key)) {
            None => Ok(None),
            Some(entry) => self.value(entry).map(Some).map_err(|why| refused(op, why)),
        }
    }

    /// What a person should know of the file although the server starts with it: keys that are there twice, and a
    /// `hosts_list` where Pegasus's document says it should be and the server does not read it.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for section in &self.sections {
            for (index, entry) in section.entries.iter().enumerate() {
                let first = section.entries.iter().position(|other| other.key == entry.key).unwrap_or(index);
                if first < index {
                    notes.push(format!(
                        "line {}: [{}] {} is there since line {}; the server reads the first",
                        entry.line,
                        section.name.escape_ascii(),
                        entry.key.escape_ascii(),
                        section.entries[first].line
                    ));
                }
            }
        }
        notes.extend(self.misplaced_hosts());
        notes
    }

    fn misplaced_hosts(&self) -> Option<String> {
        let entry = self.section(META_SERVER)?.first(HOSTS_LIST)?;
        Some(format!(
            "line {}: [{META_SERVER}] {HOSTS_LIST} is never read, although Pegasus's document names it; the server reads \
             [{ZOOKEEPER}] {HOSTS_LIST}",
            entry.line
        ))
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name.as_bytes())
    }

    /// The value as text, where its bytes are its meaning.
    fn value(&self, entry: &Entry) -> Result<&str, String> {
        let line = entry.line;
        if entry.escaped {
            return Err(format!("line {line} holds an escape (^# or ^;), which is not edited"));
        }
        let Some(value) = entry.value.clone() else { return Ok("") };
        let text =
            std::str::from_utf8(&self.bytes[value]).map_err(|_| format!("the value on line {line} is not UTF-8"))?;
        match template(text) {
            Some(mark) => Err(format!(
                "the value on line {line} is a template ({mark}): what a deployment tool or -cargs makes of it is not in \
                 this file; give the file that the server is started with"
            )),
            None => Ok(text),
        }
    }
}

impl Section {
    fn first(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key.as_bytes())
    }
}

/// The mark by which a text is a template of the server's own (`%name%`) or of a deployment tool.
fn template(text: &str) -> Option<&'static str> {
    let fenced = |mark: char| text.split(mark).skip(1).count() > 1;
    match () {
        () if text.contains("%{") => Some("%{...}"),
        () if fenced('%') => Some("%name%"),
        () if fenced('@') => Some("@name@"),
        () if text.contains("${") => Some("${...}"),
        () if text.contains("{{") => Some("{{...}}"),
        () => None,
    }
}

fn refused(op: impl Into<String>, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Input, "config file", op, why)
}

#[cfg(test)]
mod tests;
