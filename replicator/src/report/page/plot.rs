//! Lines over time, as SVG. A function of its numbers: no clock, no server, and no number in it that is none.
//!
//! Steps and not slopes: a rate is that of its whole interval, and a run of one interval has a line too.

mod ticks;

use std::fmt::Write;
use std::time::Duration;

pub use self::ticks::{ticks, time_unit};
use super::escape;

/// As the page sets it beside another; on a phone its text is set larger.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 40.0;
/// What a letter takes at most, where a name must fit.
const LETTER: f64 = 9.0;

/// One step of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
    /// How high; `None`: nobody knows.
    pub value: Option<f64>,
}

/// A line, and what it is called.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// A time with a name: a phase, or a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub name: String,
    /// From when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
}

/// What is drawn: one line or two.
#[derive(Clone, Debug)]
pub struct Plot<'a> {
    /// Names it among those of the page: letters, digits and `-`.
    pub id: &'a str,
    /// What is shown.
    pub title: &'a str,
    /// What the numbers are.
    pub unit: &'a str,
    /// One or two.
    pub lines: &'a [Line],
    /// Parts of the time, as the ground of it.
    pub phases: &'a [Span],
    /// Times that are marked at the bottom.
    pub waits: &'a [Span],
    /// How long all of it took.
    pub end: Duration,
}

impl Plot<'_> {
    /// The figure with its heading and legend; nothing where there is nothing to be drawn.
    pub fn figure(&self) -> String {
        if self.values().next().is_none() {
            return String::new();
        }
        let mut legend = String::new();
        for (line, class) in self.lines.iter().zip(["one", "two"]) {
            // Writing to a String can't fail.
            let _ = write!(legend, "<span><i class=\"{class}\"></i>{}</span>", escape(line.name));
        }
        if !self.waits.is_empty() {
            legend += "<span><i class=\"wait\"></i>waiting</span>";
        }
        let (title, unit) = (escape(self.title), escape(self.unit));
        let svg = self.svg();
        format!(
            "<figure>\n<figcaption><h3>{title}, {unit}</h3><span class=\"legend\">{legend}</span></figcaption>\n{svg}</figure>\n"
        )
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let steps = self.lines.iter().flat_map(|line| &line.steps);
        steps.filter_map(|step| step.value.filter(|value| value.is_finite()))
    }

    fn svg(&self) -> String {
        let Self { id, title, unit, .. } = self;
        let (unit_name, unit_seconds) = time_unit(self.end);
        let across =
            Scale { max: (self.end.as_secs_f64() / unit_seconds).max(f64::MIN_POSITIVE), size: WIDTH - LEFT - RIGHT };
        let high = self.values().fold(0.0, f64::max);
        // Nothing but zeros is a line at the bottom of a scale, too.
        let (values, top) = ticks(if high > 0.0 { high } else { 1.0 }, 4);
        let up = Scale { max: top, size: HEIGHT - TOP - BOTTOM };
        let x = |at: Duration| LEFT + across.place(at.as_secs_f64() / unit_seconds);
        let y = |value: f64| HEIGHT - BOTTOM - up.place(value);
        let bottom = HEIGHT - BOTTOM;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\n\
             <title id=\"{id}-title\">{}, {} over time</title>\n<desc id=\"{id}-text\">{}</desc>\n",
            escape(title),
            escape(unit),
            escape(&self.in_words())
        );
        for (index, phase) in self.phases.iter().enumerate() {
            let (from, to) = (x(phase.from), x(phase.to));
            if index % 2 == 0 {
                let _ = writeln!(
                    svg,
                    "<rect class=\"phase\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                    to - from,
                    bottom - TOP
                );
            }
            // A name that has no room would stand on another.
            if to - from >= phase.name.chars().count() as f64 * LETTER {
                let _ = writeln!(
                    svg,
                    "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    from + 2.0,
                    TOP - 7.0,
                    escape(&phase.name)
                );
            }
        }
        for value in values {
            let (at, label) = (y(value), short(value));
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                WIDTH - RIGHT,
                LEFT - 7.0,
                at + 4.0
            );
        }
        for wait in self.waits {
            let (from, to) = (x(wait.from), x(wait.to));
            let _ = writeln!(
                svg,
                "<rect class=\"wait\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"8\"><title>{}</title></rect>",
                bottom - 8.0,
                (to - from).max(1.0),
                escape(&wait.name)
            );
        }
        for (line, class) in self.lines.iter().zip(["one", "two"]) {
            if class == "one" {
                let _ = writeln!(svg, "<path class=\"under\" d=\"{}\"/>", area(line, x, y));
            }
            let _ = writeln!(svg, "<path class=\"{class}\" d=\"{}\"/>", path(line, x, y));
        }
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\"/>",
            WIDTH - RIGHT
        );
        let (times, _) = ticks(across.max, 5);
        for time in times.into_iter().filter(|time| *time <= across.max * 1.000_001) {
            let at = LEFT + across.place(time);
            // The last one stays within the picture.
            let anchor = if at > WIDTH - 3.0 * RIGHT { "end" } else { "middle" };
            svg += &tick(at, bottom, anchor, &short(time));
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{unit_name}</text>",
            WIDTH - RIGHT,
            HEIGHT - 4.0
        );
        svg + "</svg>\n"
    }

    /// The same for whoever does not see it.
    fn in_words(&self) -> String {
        let mut words = format!("Over {}.", super::duration(self.end));
        for line in self.lines {
            let known =
                line.steps.iter().filter_map(|step| Some((step.value.filter(|value| value.is_finite())?, step.from)));
            if let Some((high, at)) = known.max_by(|one, other| one.0.total_cmp(&other.0)) {
                let _ = write!(
                    words,
                    " {}: at most {} {}, after {}.",
                    line.name,
                    short(high),
                    self.unit,
                    super::duration(at)
                );
            }
        }
        words
    }
}

/// Numbers to lengths.
struct Scale {
    max: f64,
    size: f64,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        (value / self.max).clamp(0.0, 1.0) * self.size
    }
}

/// Steps that follow one another, without those of which nothing is known.
fn runs(line: &Line) -> Vec<Vec<(Duration, Duration, f64)>> {
    let mut runs: Vec<Vec<(Duration, Duration, f64)>> = Vec::new();
    let mut goes_on = false;
    for step in &line.steps {
        match step.value.filter(|value| value.is_finite()) {
            None => goes_on = false,
            Some(value) => {
                let step = (step.from, step.to, value);
                match runs.last_mut().filter(|_| goes_on) {
                    Some(run) => run.push(step),
                    None => runs.push(vec![step]),
                }
                goes_on = true;
            }
        }
    }
    runs
}

fn path(line: &Line, x: impl Fn(Duration) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    for run in runs(line) {
        for (index, (from, to, value)) in run.into_iter().enumerate() {
            let (from, to, high) = (x(from), x(to), y(value));
            let _ = if index == 0 {
                write!(path, "M{from:.1} {high:.1}H{to:.1}")
            } else {
                write!(path, "H{from:.1}V{high:.1}H{to:.1}")
            };
        }
    }
    path
}

fn area(line: &Line, x: impl Fn(Duration) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let bottom = y(0.0);
    for run in runs(line) {
        let Some((first, ..)) = run.first() else { continue };
        let _ = write!(path, "M{:.1} {bottom:.1}", x(*first));
        for (from, to, value) in run {
            let _ = write!(path, "H{:.1}V{:.1}H{:.1}", x(from), y(value), x(to));
        }
        let _ = write!(path, "V{bottom:.1}Z");
    }
    path
}

/// A number as an axis shows it: `0.25`, `40`, `1.5k`, `2M`.
pub fn short(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        high if high >= 1e9 => (value / 1e9, "G"),
        high if high >= 1e6 => (value / 1e6, "M"),
        high if high >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        high if high >= 100.0 => 0,
        high if high >= 10.0 => 1,
        high if high >= 1.0 || high == 0.0 => 2,
        high if high >= 0.1 => 3,
        high if high >= 0.01 => 4,
        _ => 6,
    };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

/// A mark on the axis of time, which lies at `bottom`, and what stands below it.
pub(super) fn tick(at: f64, bottom: f64, anchor: &str, text: &str) -> String {
    format!(
        "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}</text>\n",
        bottom + 4.0,
        bottom + 18.0,
    )
}

#[cfg(test)]
mod tests;
