use super::*;

const HOSTILE: &str = "</pre><script>alert('1')</script>&amp;\" onload=\"x \u{202e}gpj.exe\u{1b}[31m";

#[test]
fn what_others_have_said_is_text() {
    let escaped = escape(HOSTILE);
    for c in ['<', '>', '"', '\'', '\u{202e}', '\u{1b}'] {
        assert!(!escaped.contains(c), "{c:?} in {escaped}");
    }
    assert!(escaped.starts_with("&lt;/pre&gt;&lt;script&gt;alert(&#39;1&#39;)"), "{escaped}");
    assert!(escaped.contains("&amp;amp;&quot; onload=&quot;x \\u{202e}gpj.exe\\u{1b}[31m"), "{escaped}");
    assert_eq!(escape("/p\u{e4}th/\u{4e2d}\nb"), "/p\u{e4}th/\u{4e2d}\nb");
}

#[test]
fn no_part_of_a_page_takes_text_for_markup() {
    let mut page = Page::new(HOSTILE, HOSTILE, Tone::Bad, HOSTILE, HOSTILE);
    page.next(HOSTILE);
    page.error(HOSTILE);
    page.facts(&[("path", HOSTILE.to_owned())]);
    let cell = vec![HOSTILE.to_owned(), HOSTILE.to_owned()];
    page.section(HOSTILE, &table(HOSTILE, &[(HOSTILE, Column::Text), ("path", Column::Code)], &[cell]));
    page.section("Text", &(paragraph(HOSTILE) + &remark(HOSTILE) + &verbatim(HOSTILE)));
    page.details(HOSTILE, HOSTILE);
    let html = page.finish();
    for part in ["<script", "onload=\"", "\u{202e}", "\u{1b}"] {
        assert!(!html.contains(part), "{part:?} in {html}");
    }
    assert_eq!(html.matches("&lt;script&gt;").count(), 18);
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = Page::new("zkreplicator 1", "t", Tone::Good, "done", "s").finish();
    for part in ["http://", "https://", "src=", "href=", "@import", "url(", "<script"] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.contains("<meta name=\"viewport\"") && page.contains("prefers-color-scheme: dark"));
}

#[test]
fn what_is_empty_is_left_out() {
    let mut page = Page::new("p", "t", Tone::Good, "done", "s");
    page.section("Nothing", &table("t", &[("a", Column::Text)], &[]));
    page.facts(&[("none", String::new())]);
    let html = page.finish();
    assert!(!html.contains("Nothing") && !html.contains("none</dt>"));
}

#[test]
fn times_are_told_as_a_person_says_them() {
    let told = [0.012, 1.5, 119.0, 7_325.4].map(|seconds| duration(Duration::from_secs_f64(seconds)));
    assert_eq!(told, ["12 ms", "1.50 s", "119.00 s", "2h 2m 5s"]);
    assert_eq!(moment(SystemTime::UNIX_EPOCH), "1970-01-01 00:00:00 UTC");
}
