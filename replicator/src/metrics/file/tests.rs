use std::fs;
use std::time::Instant;

use super::*;

fn untold(_: &str) {}

/// A disk that hangs is a write that does not end.
#[test]
fn a_hung_disk_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.prom");
    let metrics = MetricsFile::new(file.clone(), untold);
    metrics.state().is_under_way = true;
    metrics.begin(|| unreachable!("another is under way"));
    let began = Instant::now();
    assert!(!metrics.conclude("the end".to_owned()));
    assert!(began.elapsed() >= limits::METRICS_ENDED_WITHIN);
    assert!(metrics.state().has_failed && !file.exists());
}

#[test]
fn the_end_is_written_behind_what_is_under_way_and_nothing_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.prom");
    let metrics = MetricsFile::new(file.clone(), untold);
    metrics.state().is_under_way = true;
    let under_way = UnderWay(Arc::clone(&metrics));
    let under_way = thread::spawn(move || {
        // It goes on only when the end waits for it.
        while !under_way.0.state().has_ended {
            thread::yield_now();
        }
        under_way.0.write("half way")
    });
    assert!(metrics.conclude("the end".to_owned()));
    assert!(under_way.join().unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), "the end");
    metrics.begin(|| unreachable!("it has ended"));
}

/// A runtime drops what it has not begun when it ends: the end waited for it, in vain, and was not written.
#[test]
fn what_the_runtime_never_began_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.prom");
    let metrics = MetricsFile::new(file.clone(), untold);
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (hold, held) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || held.recv());
    runtime.block_on(async { metrics.begin(|| "half way".to_owned()) });
    runtime.shutdown_background();
    drop(hold);
    assert!(metrics.conclude("the end".to_owned()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "the end");
}

#[test]
fn that_it_can_not_be_written_is_told_once() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gone").join("run.prom");
    let metrics = MetricsFile::new(file, |text| TOLD.lock().unwrap().push(text.to_owned()));
    assert!(!metrics.write("half way"));
    assert!(!metrics.conclude("the end".to_owned()));
    let told = TOLD.lock().unwrap();
    assert!(told.len() == 1 && told[0].contains("run.prom could not be written: "), "{told:?}");
}
