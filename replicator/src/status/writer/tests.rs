use std::sync::Mutex;
use std::time::Instant;

use super::*;

fn line(plain: &str) -> (State, String) {
    (State { fields: Vec::new(), waits: String::new() }, plain.to_owned())
}

/// A terminal that takes nothing is one whose lock is held.
#[test]
fn a_terminal_that_takes_nothing_holds_up_nobody() {
    static TERMINAL: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let stopped = TERMINAL.lock().unwrap();
    let writer = Writer::begin(Shown::Never, Duration::ZERO, |text| TERMINAL.lock().unwrap().push(text.to_owned()));
    let began = Instant::now();
    for _ in 0..2 * limits::WORDS_WAITING_MAX {
        writer.say("words");
        writer.show(Duration::ZERO, || line("the line"));
    }
    writer.end();
    assert!(began.elapsed() < 2 * limits::SAID_WITHIN);
    assert!(stopped.is_empty());
}

#[test]
fn a_log_gets_a_line_when_it_is_time_and_all_that_is_said() {
    static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let write = |text: &str| LOG.lock().unwrap().push(text.to_owned());
    let writer = Writer::begin(Shown::Always, Duration::from_secs(2), write);
    writer.say("begins");
    writer.show(Duration::from_secs(6), || line("four seconds after the one before"));
    writer.say("goes on");
    let logged = writer.end();
    assert_eq!(
        (logged, &LOG.lock().unwrap()[..]),
        (Duration::from_secs(2), &["begins".to_owned(), "goes on".to_owned()][..])
    );

    let writer = Writer::begin(Shown::Always, logged, write);
    writer.show(Duration::from_secs(7), || line("the line"));
    assert_eq!(writer.end(), Duration::from_secs(7));
    assert_eq!(LOG.lock().unwrap().last().unwrap(), "the line");
}
