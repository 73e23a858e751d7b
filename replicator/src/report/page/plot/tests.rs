use proptest::prelude::*;

use super::*;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn steps(values: &[Option<f64>]) -> Vec<Step> {
    let step = |(index, value): (usize, &Option<f64>)| Step {
        from: seconds(index as f64 / 10.0),
        to: seconds((index + 1) as f64 / 10.0),
        value: *value,
    };
    values.iter().enumerate().map(step).collect()
}

fn plot<'a>(lines: &'a [Line], phases: &'a [Span]) -> Plot<'a> {
    let end = lines.iter().flat_map(|line| &line.steps).map(|step| step.to).max().unwrap_or_default();
    Plot { id: "rates", title: "Znodes", unit: "a second", lines, phases, waits: &[], end }
}

fn line(values: &[Option<f64>]) -> Line {
    Line { name: "read", steps: steps(values) }
}

#[test]
fn marks_are_round_numbers() {
    assert_eq!(ticks(160_000.0, 4), (vec![0.0, 50_000.0, 100_000.0, 150_000.0, 200_000.0], 200_000.0));
    assert_eq!(ticks(4.0, 4), (vec![0.0, 1.0, 2.0, 3.0, 4.0], 4.0));
    assert_eq!(ticks(0.62, 5).0.len(), 5);
    assert_eq!(ticks(1.0, 4), (vec![0.0, 0.25, 0.5, 0.75, 1.0], 1.0));
}

#[test]
fn numbers_are_short() {
    let told = [0.0, 0.25, 0.2, 1.0, 2.5, 40.0, 999.0, 1_500.0, 150_000.0, 2e6, 3.2e9].map(short);
    assert_eq!(told, ["0", "0.25", "0.2", "1", "2.5", "40", "999", "1.5k", "150k", "2M", "3.2G"]);
}

#[test]
fn a_line_is_drawn_in_steps_and_breaks_where_nothing_is_known() {
    let lines = [line(&[Some(50.0), Some(100.0), None, Some(0.0)])];
    let svg = plot(&lines, &[]).figure();
    // 412 wide for 0.4 s, 156 high for 100.
    assert!(svg.contains("d=\"M58.0 102.0H161.0H161.0V24.0H264.0M367.0 180.0H470.0\""), "{svg}");
}

#[test]
fn nothing_gives_nothing() {
    assert_eq!(plot(&[], &[]).figure(), "");
    assert_eq!(plot(&[line(&[])], &[]).figure(), "");
    assert_eq!(plot(&[line(&[None, Some(f64::NAN)])], &[]).figure(), "");
}

#[test]
fn it_tells_in_words_too() {
    let svg = plot(&[line(&[Some(5.0), Some(1_500.0)])], &[]).figure();
    assert!(
        svg.contains("<desc id=\"rates-text\">Over 200 ms. read: at most 1.5k a second, after 100 ms.</desc>"),
        "{svg}"
    );
    assert!(svg.contains("role=\"img\" aria-labelledby=\"rates-title rates-text\""));
}

#[test]
fn the_last_mark_stays_within_the_picture() {
    let svg = plot(&[line(&[Some(1.0); 2])], &[]).figure();
    assert!(svg.contains("x=\"470.0\" y=\"198.0\" text-anchor=\"end\">0.2</text>"), "{svg}");
    assert!(svg.contains("text-anchor=\"middle\">0.1</text>"), "{svg}");
}

#[test]
fn a_phase_has_its_name_where_there_is_room_for_it() {
    let lines = [line(&[Some(1.0); 10])];
    let span = |name: &str, from, to| Span { name: name.to_owned(), from: seconds(from), to: seconds(to) };
    let svg = plot(&lines, &[span("copy", 0.0, 0.9), span("verify", 0.9, 1.0)]).figure();
    assert!(svg.contains(">copy</text>") && !svg.contains(">verify</text>"), "{svg}");
}

proptest! {
    /// Whatever the numbers are, there is none in the picture that is none, and all of it lies within.
    #[test]
    fn every_number_is_one(
        values in prop::collection::vec(prop::option::of(prop_oneof![
            Just(0.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::MIN_POSITIVE), 0.0..1e-9, 0.0..1e15, Just(1e300),
        ]), 0..40),
        nothing_took_time in any::<bool>(),
    ) {
        let lines = [line(&values), line(&values)];
        let all = plot(&lines, &[]);
        let end = if nothing_took_time { Duration::ZERO } else { all.end };
        let svg = Plot { end, ..all }.figure();
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
        for y in svg.split('V').skip(1).filter_map(|rest| rest.split(['H', 'Z', '"', 'M']).next()?.parse::<f64>().ok()) {
            prop_assert!((0.0..=HEIGHT).contains(&y), "{}", y);
        }
    }

    #[test]
    fn an_axis_holds_what_it_shows(max in 1e-12..1e15f64, wanted in 2u32..8) {
        let (marks, top) = ticks(max, wanted);
        prop_assert!(top >= max * 0.999 && marks.len() <= wanted as usize + 2 && marks.len() >= 2);
        prop_assert!((marks.last().unwrap() - top).abs() <= top * 1e-12);
    }
}
