//! What people read.

use std::time::Duration;

use super::*;
use crate::retry::Retries;
use crate::verify::Differences;

#[test]
fn groups_digits_by_three() {
    for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(number), text);
    }
}

#[test]
fn says_bytes_with_a_unit() {
    for (number, text) in [(0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_572_864, "1.5 MiB")] {
        assert_eq!(bytes(number), text);
    }
}

#[test]
fn exits_with_the_worst_that_is_certain() {
    let verify = |only_source, unreadable, vanished| Outcome {
        verify: Some(VerifyReport {
            differences: Differences { only_source, unreadable, ..Differences::default() },
            skipped: Counts { vanished, ..Counts::default() },
            ..VerifyReport::default()
        }),
        ..Outcome::default()
    };
    assert_eq!(verify(0, 0, 0).exit_code(), exit::DONE);
    assert_eq!(verify(1, 1, 1).exit_code(), exit::DIFFERENT);
    assert_eq!(verify(0, 1, 1).exit_code(), exit::ERROR);
    assert_eq!(verify(0, 0, 1).exit_code(), exit::NOT_PROVEN);
    let interrupted = Error::new(ErrorKind::Interrupted, "");
    let outcome = Outcome { error: Some((interrupted, Counts::default())), ..Outcome::default() };
    assert_eq!(outcome.exit_code(), exit::INTERRUPTED);
}

#[test]
fn says_how_long_a_side_was_spared_and_why() {
    let waits = Waits {
        rate: Duration::from_millis(1_250),
        latency: Duration::from_millis(8_310),
        paused: Duration::ZERO,
        backed_off: 4,
    };
    let (mut text, waited) = (String::new(), [(Side::Target, waits)]);
    waited::text(&waited, &mut text).expect("a String takes all");
    let wanted = "  waited      target: 1.2 s at the rate that was set, 8.3 s for its latency (4 times backed off), 0.0 s paused\n";
    assert_eq!(text, wanted);
    let json = waited::json(&waited);
    assert_eq!(json, json!({ "target": { "rate_ms": 1_250, "latency_ms": 8_310, "paused_ms": 0, "backed_off": 4 } }));
    assert_eq!(waited::json(&[]), Value::Null);
}

#[test]
fn only_what_was_tried_again_is_told() {
    let told = |source, target| {
        let mut text = String::new();
        retries::text(&source, &target, &mut text).expect("a String takes all");
        text
    };
    assert_eq!(told(Retries::default(), Retries::default()), "");
    let target = Retries { reconnects: 2, writes_repeated: 1_000, ..Retries::default() };
    assert_eq!(
        told(Retries::default(), target),
        "  retries     target: 2 session(s) came back, 1,000 write request(s) were sent again\n"
    );
}

#[test]
fn what_was_tried_again_is_told_also_behind_an_error() {
    let retried =
        vec![(Side::Source, Retries::default()), (Side::Target, Retries { reconnects: 3, ..Retries::default() })];
    let error = Some((Error::new(ErrorKind::Lost("the connection broke".to_owned()), "write"), Counts::default()));
    let outcome = Outcome { error, retried, ..Outcome::default() };
    assert_eq!(outcome.retried_text(), "  retries     target: 3 session(s) came back\n");
    let json = retries::sides_json(&outcome.retried);
    assert_eq!((&json["source"]["reconnects"], &json["target"]["reconnects"]), (&json!(0), &json!(3)));
}
