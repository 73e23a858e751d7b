//! How a removal ends, and what is said of it.

use super::*;
use crate::error::Code;
use crate::progress::Counts;

fn survey(znodes: u64) -> Survey {
    Survey { counts: Counts { read: znodes, ..Counts::default() }, ..Survey::default() }
}

fn account(outcome: &Outcome, planned: bool) -> (u8, &'static str, Vec<String>) {
    let account = Account { target: "zk1:2181/a", planned, outcome, resources: Resources::default() };
    assert_eq!(account.json()["verdict"], account.verdict());
    (account.exit_code(), account.verdict(), account.complaints())
}

#[test]
fn ends_with_0_where_the_tree_is_gone_by_whomever() {
    let done = |znodes| Outcome { survey: Some(survey(znodes)), kept: None, removed: None, error: None };
    assert_eq!(account(&done(0), false), (exit::DONE, "nothing there", Vec::new()));
    assert_eq!(account(&done(7), true), (exit::DONE, "planned", Vec::new()));
    let removed = Outcome { removed: Some(Removed::default()), ..done(7) };
    assert_eq!(account(&removed, false), (exit::DONE, "done", Vec::new()));
}

#[test]
fn says_whether_anything_was_removed_and_what_can_be_done() {
    let refused = Outcome { survey: Some(survey(7)), ..Outcome::failed(Error::bad_input("a reason")) };
    assert_eq!(account(&refused, false), (exit::ERROR, "blocked", vec!["a reason".to_owned()]));

    let moved = Error::new(ErrorKind::Refused(Code::NOT_EMPTY), "delete").on("/a/b");
    let removed = Some(Removed { znodes: 1_000, ..Removed::default() });
    let (code, verdict, lines) =
        account(&Outcome { survey: Some(survey(7)), kept: None, removed, error: Some(moved) }, false);
    assert_eq!((code, verdict), (exit::ERROR, "failed"));
    assert_eq!(
        lines[1..],
        [
            "others go on creating and deleting there: stop them",
            "1,000 znode(s) were removed before; the same command goes on from there",
        ]
    );

    let stopped = Error { outcome_unknown: true, ..Error::new(ErrorKind::Interrupted, "") };
    let (code, verdict, lines) =
        account(&Outcome { survey: Some(survey(7)), kept: None, removed, error: Some(stopped) }, false);
    assert_eq!((code, verdict, &*lines[0]), (exit::INTERRUPTED, "interrupted", "interrupted"));
    assert!(lines[1].contains("unknown") && lines.iter().all(|line| !line.contains("--update")), "{lines:?}");
}
