use super::*;

#[test]
fn a_family_has_its_help_its_type_and_its_samples() {
    let mut text = Exposition::default();
    text.family("a_total", Kind::Counter, "How many\nthere are.");
    text.sample("a_total", &[("side", "source"), ("what", "x")], 3);
    text.single("b_seconds", Kind::Gauge, "How long.", 0.25);
    assert_eq!(
        text.finish(),
        "# HELP a_total How many\\nthere are.\n# TYPE a_total counter\na_total{side=\"source\",what=\"x\"} 3\n\
         # HELP b_seconds How long.\n# TYPE b_seconds gauge\nb_seconds 0.25\n"
    );
}

#[test]
fn a_label_of_any_text_stays_one() {
    let mut text = Exposition::default();
    text.sample("a", &[("path", "C:\\\"x\"\ny} 1")], 1);
    assert_eq!(text.finish(), "a{path=\"C:\\\\\\\"x\\\"\\ny} 1\"} 1\n");
}
