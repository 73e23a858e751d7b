use super::*;

fn span(name: &str, from: u64, to: u64) -> Span {
    Span { name: name.to_owned(), from: Duration::from_millis(from), to: Duration::from_millis(to) }
}

fn bar(name: &str, from: u64, to: u64) -> Bar {
    Bar { span: span(name, from, to), kind: Kind::Forward }
}

fn band(name: &str, from: u64, to: u64) -> Band {
    Band { span: span(name, from, to), is_outage: false }
}

fn timeline<'a>(bars: &'a [Bar], bands: &'a [Band], end: u64) -> Timeline<'a> {
    Timeline { id: "steps", title: "Steps", bars, bands, end: Duration::from_millis(end) }
}

#[test]
fn each_step_is_a_bar_of_its_length() {
    let bars = [bar("backup", 0, 500), bar("copy", 500, 1_000)];
    let svg = timeline(&bars, &[band("frozen", 250, 750)], 1_000).figure();
    assert!(svg.contains("class=\"bar\" x=\"6.0\" y=\"53.0\" width=\"274.0\""), "{svg}");
    assert!(svg.contains("class=\"band\" x=\"143.0\" y=\"30\" width=\"274.0\""), "{svg}");
    assert!(
        svg.contains("backup: 500 ms long, after 0 ms; copy: 500 ms long, after 500 ms; frozen: 500 ms long"),
        "{svg}"
    );
}

#[test]
fn what_took_no_time_is_seen_and_is_a_number() {
    let svg = timeline(&[bar("all", 0, 0)], &[], 0).figure();
    assert!(svg.contains("width=\"3.0\"") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert_eq!(timeline(&[], &[band("frozen", 0, 1)], 1).figure(), "");
}

#[test]
fn a_step_of_any_name_is_text() {
    let svg = timeline(&[bar("<script>", 0, 1)], &[band("<b>", 0, 1)], 1).figure();
    assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
}
