//! How work goes, in one line that is always of the same form: what is done, how far it is, how fast, and what it waits for.
//!
//! Fields have fixed widths and fixed places, so that eyes find the same thing at the same place while figures change; where a
//! window is too narrow whole fields go, the least important first, and what it waits for stays. Which fields there are depends
//! on the window alone, and not on what is waited for. Nothing here asks anybody: a [`State`] comes in, a line goes out.
//! [`looked_at`] says when, and [`Writer`] shows it.

pub mod estimate;
mod line;
mod look;
mod waiting;
mod writer;

use std::time::Duration;

pub use self::estimate::{Size, left, percent};
pub use self::line::Shown;
pub use self::look::{Look, looked_at};
pub use self::waiting::{Load, waits_for};
pub use self::writer::Writer;

/// A part of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As it is shown, in its full width.
    pub text: String,
    /// Where there is no room those of the highest number go first; 0 stays whatever happens.
    pub rank: u8,
}

impl Field {
    /// A text that stands to the left of its width.
    pub fn left(text: impl AsRef<str>, width: usize, rank: u8) -> Self {
        Self { text: format!("{:<width$}", text.as_ref()), rank }
    }

    /// A number, or what stands for one, to the right of its width.
    pub fn right(text: impl AsRef<str>, width: usize, rank: u8) -> Self {
        Self { text: format!("{:>width$}", text.as_ref()), rank }
    }
}

/// What is shown of a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// In their order.
    pub fields: Vec<Field>,
    /// What is waited for.
    pub waits: String,
}

/// Columns that are kept for what it waits for: it mostly goes into them, and is cut where it does not.
const WAITS_COLUMNS: usize = 30;
/// Between two fields.
const GAP: &str = "  ";

impl State {
    /// Its fields, and what it waits for, in `width` columns at most.
    pub fn within(&self, width: usize) -> (String, String) {
        let mut fields: Vec<&Field> = self.fields.iter().collect();
        while columns(&fields) + WAITS_COLUMNS > width {
            let Some((at, _)) =
                fields.iter().enumerate().filter(|(_, field)| field.rank > 0).max_by_key(|(_, field)| field.rank)
            else {
                break;
            };
            fields.remove(at);
        }
        let mut text: String = fields.iter().flat_map(|field| [&field.text, GAP]).collect();
        if text.chars().count() >= width {
            text = cut(text.trim_end(), width);
        }
        let waits = cut(&self.waits, width - text.chars().count());
        (text, waits)
    }
}

fn columns(fields: &[&Field]) -> usize {
    fields.iter().map(|field| field.text.chars().count() + GAP.len()).sum()
}

/// So much of a text as goes into `width`; that something is missing is seen.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { kept + "…" }
}

/// `1:02:03`, `4:05`, `3 days`: as long as it needs.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}"),
        1..100 => format!("{hours}:{minutes:02}:{rest:02}"),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests;
