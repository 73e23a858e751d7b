//! Prometheus's text exposition format, version 0.0.4: families of samples, each with its HELP and its TYPE.
//!
//! [`run`] says what a command of `zkreplicator` has to tell; other programs fill an [`Exposition`] of their own.
//! [`mod@file`] is where it goes.

pub mod file;
pub mod run;

use std::fmt::{Display, Write};

/// What a family of samples is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only ever grows; its name ends with `_total`.
    Counter,
    /// It comes and goes.
    Gauge,
    /// Samples by what they are no longer than.
    Histogram,
}

/// A text as it is filled.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    /// What each sample has in front of its own labels, as it is written.
    common: String,
}

/// Labels of a sample.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// One whose samples all have these labels: several texts are collected together, and none may hide another's.
    pub fn of(common: Labels<'_>) -> Self {
        Self { text: String::new(), common: written(common) }
    }

    /// Begins a family: its samples follow. No name may come twice.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String can't fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample of the family that was begun last.
    pub fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        let own = written(labels);
        let labels: Vec<&str> = [&*self.common, &own].into_iter().filter(|labels| !labels.is_empty()).collect();
        let _ = match &*labels.join(",") {
            "" => writeln!(self.text, "{name} {value}"),
            labels => writeln!(self.text, "{name}{{{labels}}} {value}"),
        };
    }

    /// A family of a single sample.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Labels as they are written, one behind the other.
fn written(labels: Labels<'_>) -> String {
    let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escape(text))).collect();
    labels.join(",")
}

/// The text of a label as the format wants it.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
