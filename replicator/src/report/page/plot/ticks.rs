//! Where an axis has its marks: at 1, 2, 2.5 and 5 times a power of ten.

use std::time::Duration;

/// About `wanted` marks from 0 on, and where an axis that holds `max` ends: at the last of them. `max` is above 0.
pub fn ticks(max: f64, wanted: u32) -> (Vec<f64>, f64) {
    let rough = max / f64::from(wanted);
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough * 0.999_999);
    let step = step.unwrap_or(power * 10.0);
    let steps = (max / step - 1e-6).ceil().max(1.0);
    let mut marks = Vec::new();
    let mut count = 0.0;
    while count <= steps {
        marks.push(count * step);
        count += 1.0;
    }
    (marks, steps * step)
}

/// In what a time is told on an axis, and how many seconds that is.
pub fn time_unit(end: Duration) -> (&'static str, f64) {
    match end.as_secs() {
        0..=179 => ("seconds", 1.0),
        180..=10_799 => ("minutes", 60.0),
        _ => ("hours", 3_600.0),
    }
}
