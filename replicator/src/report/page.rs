//! A page to look at: HTML that needs nothing but itself, no network and no script.
//!
//! [`Page`] is the frame: outcome, facts, sections. Everything that others have said goes through [`escape`], the only place
//! that makes HTML of text. [`plot`] and [`timeline`] draw SVG.

pub mod bench;
pub mod outcome;
pub mod plot;
pub mod run;
pub mod timeline;

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use crate::terminal;

/// How each page begins, so that it is known again.
pub const BEGINS: &str = "<!DOCTYPE html>";

const STYLE: &str = include_str!("page/style.css");

/// How a run ended, as its color says too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As was wanted.
    Good,
    /// Something is to be looked at.
    Careful,
    /// Not as was wanted.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Careful => "careful",
            Self::Bad => "bad",
        }
    }

    /// So that it is told without colors too.
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "\u{2713}",
            Self::Careful => "!",
            Self::Bad => "\u{2715}",
        }
    }
}

/// Text of any origin as HTML shows it: nothing of it is markup, and what can't be seen is written out. It may stand between
/// tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in terminal::lines(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A page as it is filled.
#[derive(Debug)]
pub struct Page {
    title: String,
    program: String,
    head: String,
    body: String,
}

impl Page {
    /// Of a run: how it ended in a word and a sentence. `title` names it among other tabs.
    pub fn new(program: &str, title: &str, tone: Tone, verdict: &str, sentence: &str) -> Self {
        let head = format!(
            "<header class=\"{}\">\n<p class=\"verdict\"><span aria-hidden=\"true\">{}</span> {}</p>\n<h1>{}</h1>\n",
            tone.class(),
            tone.sign(),
            escape(&capitalized(verdict)),
            escape(sentence)
        );
        Self { title: title.to_owned(), program: program.to_owned(), head, body: String::new() }
    }

    /// What to do next, in the page's head.
    pub fn next(&mut self, text: &str) {
        // Writing to a String can't fail.
        let _ = writeln!(self.head, "<p class=\"next\"><b>Next:</b> {}</p>", escape(text));
    }

    /// What went wrong, in the page's head.
    pub fn error(&mut self, text: &str) {
        let _ = writeln!(self.head, "<p class=\"error\">{}</p>", escape(text));
    }

    /// Facts by name, in the page's head.
    pub fn facts(&mut self, facts: &[(&str, String)]) {
        self.head += &list(facts);
    }

    /// A section under a heading; nothing where there is nothing to be said. `content` is HTML.
    pub fn section(&mut self, heading: &str, content: &str) {
        if !content.is_empty() {
            let _ = writeln!(self.body, "<section>\n<h2>{}</h2>\n{content}</section>", escape(heading));
        }
    }

    /// Text as it is, to be opened.
    pub fn details(&mut self, summary: &str, text: &str) {
        let (summary, text) = (escape(summary), escape(text));
        let _ = writeln!(
            self.body,
            "<details>\n<summary>{summary}</summary>\n<pre tabindex=\"0\">{text}</pre>\n</details>"
        );
    }

    /// The whole document.
    pub fn finish(self) -> String {
        let Self { title, program, head, body } = self;
        let (title, program) = (escape(&title), escape(&program));
        format!(
            "{BEGINS}\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{head}</header>\n{body}</main>\n\
             <footer>Written by {program}. This page needs no network and holds no credentials.</footer>\n</body>\n</html>\n"
        )
    }
}

/// Facts by name.
pub fn list(facts: &[(&str, String)]) -> String {
    let mut html = String::from("<dl>\n");
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    html + "</dl>\n"
}

/// A heading within a section.
pub fn heading(text: &str) -> String {
    format!("<h3>{}</h3>\n", escape(text))
}

/// A paragraph.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// A remark below something.
pub fn remark(text: &str) -> String {
    format!("<p class=\"remark\">{}</p>\n", escape(text))
}

/// Text as it is.
pub fn verbatim(text: &str) -> String {
    format!("<pre tabindex=\"0\">{}</pre>\n", escape(text))
}

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A word.
    Text,
    /// Sentences.
    Words,
    /// Numbers, under each other.
    Number,
    /// Paths and digests, letter by letter.
    Code,
}

impl Column {
    fn class(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Words => " class=\"words\"",
            Self::Number => " class=\"number\"",
            Self::Code => " class=\"code\"",
        }
    }
}

/// A table in a box of its own, which scrolls where the page is too narrow for it; nothing where it has no rows.
pub fn table(caption: &str, columns: &[(&str, Column)], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let caption = escape(caption);
    let mut html = format!(
        "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\n<table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    for (name, column) in columns {
        let _ = write!(html, "<th scope=\"col\"{}>{}</th>", column.class(), escape(name));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (cell, (_, column)) in row.iter().zip(columns) {
            let _ = write!(html, "<td{}>{}</td>", column.class(), escape(cell));
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

/// With a capital at its beginning.
fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A moment, to the second, in UTC.
pub fn moment(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string().replace('T', " ").replace('Z', " UTC")
}

/// How long something took, as a person says it.
pub fn duration(took: Duration) -> String {
    match took.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{} ms", took.as_millis()),
        seconds if seconds < 120.0 => format!("{seconds:.2} s"),
        _ => humantime::format_duration(Duration::from_secs(took.as_secs())).to_string(),
    }
}

#[cfg(test)]
mod tests;
