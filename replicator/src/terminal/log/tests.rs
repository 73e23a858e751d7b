use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::*;

/// A log whose thread writes with `write`.
fn log(keeps_all: bool, write: fn(&str)) -> (Log, Logging) {
    let (entries, waiting) = bounded(limits::WORDS_WAITING_MAX);
    thread::spawn(move || write_all(&waiting, write));
    let log = Log { entries: Some(entries), keeps_all };
    (log.clone(), Logging(log))
}

/// A terminal that takes nothing is one whose lock is held.
#[test]
fn a_terminal_that_takes_nothing_holds_up_nobody_who_logs() {
    static TERMINAL: Mutex<()> = Mutex::new(());
    let stopped = TERMINAL.lock().unwrap();
    let (mut log, logging) = log(false, |_| drop(TERMINAL.lock().unwrap()));
    let began = Instant::now();
    for _ in 0..2 * limits::WORDS_WAITING_MAX {
        log.write_all(b"a server is waited for\n").unwrap();
    }
    drop(logging);
    assert!(began.elapsed() < 2 * limits::SAID_WITHIN);
    drop(stopped);
}

#[test]
fn what_was_logged_is_written_when_it_ends_and_all_of_it_where_that_is_wanted() {
    static WRITTEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // Slower than who logs: there is no room when it ends.
    let write = |text: &str| {
        thread::sleep(Duration::from_micros(100));
        WRITTEN.lock().unwrap().push(text.to_owned());
    };
    let (mut log, logging) = log(true, write);
    let all = 3 * limits::WORDS_WAITING_MAX;
    for n in 0..all {
        log.write_all(n.to_string().as_bytes()).unwrap();
    }
    drop(logging);
    assert!(WRITTEN.lock().unwrap().iter().enumerate().all(|(n, text)| *text == n.to_string()));
    assert_eq!(WRITTEN.lock().unwrap().len(), all);
}
