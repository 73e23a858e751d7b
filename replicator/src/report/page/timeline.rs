//! What happened when, as bars: one a line, its name and its time above it, so that a narrow page shows it as well as a wide one.

use std::fmt::Write;
use std::time::Duration;

use super::plot::{Span, short, tick, ticks, time_unit};
use super::{duration, escape};

/// Narrow, so that its text can be read on a phone; `style.css` sets it no wider than it bears.
const WIDTH: f64 = 560.0;
const MARGIN: f64 = 6.0;
const ROW: f64 = 40.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;

/// What a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that was done.
    Forward,
    /// Something that was taken back.
    Back,
    /// Something that did not come to its end.
    Broken,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What was done, and when.
    pub span: Span,
    /// How it went.
    pub kind: Kind,
}

/// A time that lies behind the bars: what it all is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// What it is, and when.
    pub span: Span,
    /// Whether nothing was served meanwhile.
    pub is_outage: bool,
}

impl Band {
    fn class(&self) -> &'static str {
        if self.is_outage { "band outage" } else { "band" }
    }
}

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    /// Names it among those of the page: letters, digits and `-`.
    pub id: &'a str,
    /// What is shown.
    pub title: &'a str,
    /// In order.
    pub bars: &'a [Bar],
    /// Behind the bars; of two that overlap the later one is seen.
    pub bands: &'a [Band],
    /// How long all of it took.
    pub end: Duration,
}

impl Timeline<'_> {
    /// The figure with its heading and legend; nothing where there is nothing to be drawn.
    pub fn figure(&self) -> String {
        if self.bars.is_empty() {
            return String::new();
        }
        let mut legend = String::new();
        for band in self.bands {
            let (class, Span { name, from, to }) = (band.class(), &band.span);
            let took = duration(to.saturating_sub(*from));
            // Writing to a String can't fail.
            let _ = write!(legend, "<span><i class=\"{class}\"></i>{}: {took}</span>", escape(name));
        }
        let (title, svg) = (escape(self.title), self.svg());
        format!(
            "<figure class=\"timeline\">\n<figcaption><h3>{title}</h3><span class=\"legend\">{legend}</span></figcaption>\n{svg}</figure>\n"
        )
    }

    fn svg(&self) -> String {
        let Self { id, title, bars, bands, end } = self;
        let height = TOP + BOTTOM + ROW * bars.len() as f64;
        let bottom = height - BOTTOM;
        let all = end.as_secs_f64().max(f64::MIN_POSITIVE);
        let x = |at: Duration| MARGIN + (at.as_secs_f64() / all).clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\n\
             <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-text\">{}</desc>\n",
            escape(title),
            escape(&self.in_words())
        );
        for band in *bands {
            let (class, from, to) = (band.class(), x(band.span.from), x(band.span.to));
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                (to - from).max(1.0),
                bottom - TOP
            );
        }
        for (index, Bar { span, kind }) in bars.iter().enumerate() {
            let top = TOP + ROW * index as f64;
            let class = match kind {
                Kind::Forward => "bar",
                Kind::Back => "bar back",
                Kind::Broken => "bar broken",
            };
            let (from, to) = (x(span.from), x(span.to));
            // A name begins where its bar does, or ends there where it would not fit.
            let (at, anchor) = if from > WIDTH * 0.6 { (to.max(from + 3.0), "end") } else { (from, "start") };
            let took = duration(span.to.saturating_sub(span.from));
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\"><tspan class=\"name\">{}</tspan> {took}</text>",
                top + 17.0,
                escape(&span.name)
            );
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"10\" rx=\"2\"/>",
                top + 23.0,
                (to - from).max(3.0)
            );
        }
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{MARGIN}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\"/>",
            WIDTH - MARGIN
        );
        let (unit, unit_seconds) = time_unit(*end);
        let (times, _) = ticks((all / unit_seconds).max(1e-9), 5);
        for time in times.into_iter().filter(|time| time * unit_seconds <= all * 1.000_001) {
            let at = MARGIN + time * unit_seconds / all * (WIDTH - 2.0 * MARGIN);
            let anchor = if at < 2.0 * MARGIN {
                "start"
            } else if at > WIDTH - 3.0 * MARGIN {
                "end"
            } else {
                "middle"
            };
            svg += &tick(at, bottom, anchor, &short(time));
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{unit}</text>",
            WIDTH - MARGIN,
            height - 4.0
        );
        svg + "</svg>\n"
    }

    /// The same for whoever does not see it.
    fn in_words(&self) -> String {
        let spans = self.bars.iter().map(|bar| &bar.span).chain(self.bands.iter().map(|band| &band.span));
        let words = spans.map(|Span { name, from, to }| {
            format!("{name}: {} long, after {}", duration(to.saturating_sub(*from)), duration(*from))
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests;
