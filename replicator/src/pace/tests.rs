//! Who waits for a pace, and what is said of it.

use std::sync::Arc;

use super::*;
use crate::error::Side;
use crate::options::EnsembleOptions;
use crate::retry::Kind;

fn pace(options: &PaceOptions) -> Pace {
    Pace::of(options).expect("something is wanted")
}

#[test]
fn nothing_wanted_is_no_pace() {
    assert!(Pace::of(&PaceOptions::default()).is_none());
}

#[tokio::test]
async fn who_waits_is_shown_and_who_gives_up_is_not() {
    let pace = pace(&PaceOptions { ops_per_second: Some(1), ..PaceOptions::default() });
    pace.sent(3_600, 0);
    assert!(!pace.is_free());
    let shared = Arc::new(pace);
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let pace = Arc::clone(&shared);
            tokio::spawn(async move { pace.free().await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(shared.waits_for().as_deref(), Some("at the rate that was set"));
    for task in waiting {
        task.abort();
        let _ = task.await;
    }
    assert_eq!(shared.waits_for(), None, "who gives up does not wait");
    assert!(shared.waits().rate > Duration::ZERO);
    assert_eq!(shared.waits().paused, Duration::ZERO);
}

#[tokio::test]
async fn bytes_are_paid_for_when_they_are_there() {
    let pace = pace(&PaceOptions { bytes_per_second: Some(1_000), ..PaceOptions::default() });
    pace.sent(1_000_000, 0);
    assert!(pace.is_free(), "operations are not bytes");
    pace.answered(Duration::ZERO, 1_000_000);
    assert!(!pace.is_free());
}

#[tokio::test]
async fn a_file_holds_up_while_it_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("pause");
    std::fs::write(&file, "").expect("a file");
    let pace = pace(&PaceOptions { pause_file: Some(file.clone()), ..PaceOptions::default() });
    let held = pace.clone();
    let turn = tokio::spawn(async move { held.free().await });
    while pace.waits_for().is_none() {
        tokio::task::yield_now().await;
    }
    let said = pace.waits_for().unwrap_or_default();
    assert!(said.starts_with("paused, ") && said.ends_with("pause is there"), "{said}");
    std::fs::remove_file(&file).expect("it is there");
    turn.await.expect("it goes on");
    assert!(pace.is_free());
    assert!(pace.waits().paused > Duration::ZERO);
}

#[test]
fn times_in_which_several_wait_count_once() {
    let began = Instant::now();
    let at = |ms| began + Duration::from_millis(ms);
    let mut board = waits::Board::default();
    board.begin(Reason::Rate, at(0));
    board.begin(Reason::Rate, at(10));
    board.end(Reason::Rate, at(20));
    board.begin(Reason::Paused, at(20));
    assert_eq!(board.now(), Some(Reason::Paused));
    board.end(Reason::Rate, at(30));
    board.begin(Reason::Rate, at(100));
    let waits = board.so_far(at(105));
    assert_eq!((waits.rate, waits.paused), (Duration::from_millis(35), Duration::from_millis(85)));
}

#[test]
fn a_side_that_is_lost_is_told_before_one_that_is_held_back() {
    let connect = |text: &str| text.parse().expect("a connect string");
    let (source, target) = (EnsembleOptions::to(connect("a:1/a")), EnsembleOptions::to(connect("b:1/b")));
    let sides = Sides::of(&source, Some(&target));
    assert_eq!(sides.waits_for(), None);
    let waiting = target.retry.waits("the connection broke");
    assert_eq!(sides.waits_for().as_deref(), Some("the target is lost: trying to come back"));
    drop(waiting);
    assert_eq!(sides.waits_for(), None);
    target.retry.count(Kind::Reconnect);
    let [(Side::Source, none), (Side::Target, one)] = sides.retries()[..] else { panic!("two sides") };
    assert_eq!((none.reconnects, one.reconnects), (0, 1));
}
