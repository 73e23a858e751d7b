//! What is shown as it is, and what is not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[test]
fn what_people_write_stays_as_it_is() {
    for text in ["/a/b-c_1.2", "Zürich, 北京, Ωmega", "naïve e\u{301}", "\"quoted\" and \\back"] {
        assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
    }
    assert_eq!(lines("one\ntwo\n"), "one\ntwo\n");
}

#[test]
fn what_a_terminal_obeys_is_escaped() {
    assert_eq!(line("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
    assert_eq!(line("one\ntwo\r\t\0"), "one\\ntwo\\r\\t\\u{0}");
    assert_eq!(lines("one\ntwo\r"), "one\ntwo\\r");
    // C1's own CSI, an override, an isolate, a mark without width.
    assert_eq!(line("\u{9b}2J\u{202e}txt\u{2066}\u{200b}"), "\\u{9b}2J\\u{202e}txt\\u{2066}\\u{200b}");
}

proptest! {
    #[test]
    fn nothing_that_hides_is_left(text in any::<String>()) {
        prop_assert!(!line(&text).contains(hides));
        prop_assert!(!lines(&text).replace('\n', "").contains(hides));
    }

    /// A document means the same, and holds nothing that a terminal obeys.
    #[test]
    fn json_means_the_same(text in any::<String>()) {
        let text = format!("{text}\u{9b}\u{202e}\u{e0001}");
        let document = json!({ &text: [text] });
        let printed = format!("{document:#}\n");
        let escaped = json(&printed);
        prop_assert!(!escaped.replace('\n', "").contains(hides));
        prop_assert_eq!(serde_json::from_str::<Value>(&escaped).expect("it is JSON"), document);
    }
}
