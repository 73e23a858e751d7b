//! What a person sees of an edit, and what nobody sees.

use super::diff;

#[test]
fn shows_the_change_and_three_lines_around_it() {
    let before = "[a]\nb = 1\nc = 2\nd = 3\ne = 4\nf = 5\n";
    let after = before.replace("e = 4", "e = 40");
    assert_eq!(
        diff("/etc/config.ini", before.as_bytes(), after.as_bytes()),
        "--- /etc/config.ini\n+++ /etc/config.ini\n@@ -2,5 +2,5 @@\n b = 1\n c = 2\n d = 3\n-e = 4\n+e = 40\n f = 5\n"
    );
}

#[test]
fn shows_nothing_where_nothing_changes() {
    assert_eq!(diff("f", b"[a]\n", b"[a]\n"), "");
}

#[test]
fn hides_lines_and_comments_that_may_hold_a_secret() {
    let before =
        "[zookeeper]\n  sasl_password_file = /x/hunter2\n  ; old PassWord hunter2\nhosts_list = a:1 # secret hunter2\n";
    let after = before.replace("a:1", "monkey:1");
    let diff = diff("f", before.as_bytes(), after.as_bytes());
    assert!(!diff.contains("hunter2"), "{diff}");
    assert!(diff.contains("-hosts_list = a:1 (not shown"), "{diff}");
    assert!(diff.contains("+hosts_list = monkey:1 (not shown"), "{diff}");
    assert_eq!(diff.matches("not shown").count(), 4, "{diff}");
}

#[test]
fn a_terminal_does_not_obey_it() {
    let diff = diff("f\x1b[2J", "[a]\nb = \x1b[2J\n".as_bytes(), "[a]\nb = \u{202e}\n".as_bytes());
    assert!(diff.chars().all(|c| c == '\n' || !c.is_control()), "{diff:?}");
    assert!(!diff.contains('\u{202e}'));
}

#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    assert!(diff("f", b"[a]\n# \xff\nb = 1\n", b"[a]\n# \xff\nb = 2\n").contains('\u{fffd}'));
}
