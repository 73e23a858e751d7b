//! Work is done once, wherever it is done, and nobody is kept waiting by it.

use std::thread;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Many jobs at once: what comes of each, and whether it was done on the spot.
fn done(threads: usize) -> Vec<(usize, bool)> {
    let pool = Pool::of(threads).expect("threads");
    let here = thread::current().id();
    let jobs = (0..100).map(|index| pool.run(move || (index, thread::current().id() == here)));
    runtime().block_on(join_all(jobs))
}

#[test]
fn each_job_is_done_once_and_answered_in_its_place() {
    for threads in [0, 1, 3] {
        let indexes: Vec<usize> = done(threads).into_iter().map(|(index, _)| index).collect();
        assert_eq!(indexes, (0..100).collect::<Vec<_>>(), "{threads} threads");
    }
}

#[test]
fn without_threads_all_is_done_on_the_spot() {
    assert!(done(0).into_iter().all(|(_, here)| here));
}

#[test]
fn a_thread_takes_what_it_has_room_for() {
    // The first job finds an empty channel; those behind it may find a full one.
    assert_eq!(done(1)[0], (0, false));
}

/// An archive is read without a wait for anybody: without threads nobody else was ever asked whether it should go on.
#[test]
fn work_without_threads_can_be_interrupted() {
    let pool = Pool::of(0).expect("no threads");
    let stop = CancellationToken::new();
    let ends = async {
        for piece in 0.. {
            if piece == 3 {
                stop.cancel();
            }
            assert!(piece < 10, "nobody was asked between the pieces");
            pool.run(|| ()).await;
        }
    };
    runtime().block_on(async {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = ends => {}
        }
    });
}
