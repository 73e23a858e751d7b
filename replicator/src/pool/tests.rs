//! Work is done once, wherever it is done.

use std::thread;

use futures::future::join_all;

use super::*;

/// Which threads do work of this size, many jobs at once, and what comes of it.
fn done(threads: usize, bytes: usize) -> Vec<(usize, bool)> {
    let pool = Pool::of(threads).expect("threads");
    let here = thread::current().id();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let jobs = (0..100).map(|index| pool.run(bytes, move || (index, thread::current().id() == here)));
    runtime.block_on(join_all(jobs))
}

#[test]
fn each_job_is_done_once_and_answered_in_its_place() {
    for threads in [0, 1, 3] {
        for bytes in [0, limits::INLINE_BYTES_MAX] {
            let indexes: Vec<usize> = done(threads, bytes).into_iter().map(|(index, _)| index).collect();
            assert_eq!(indexes, (0..100).collect::<Vec<_>>(), "{threads} threads, {bytes} bytes");
        }
    }
}

#[test]
fn what_is_small_or_has_no_thread_is_done_on_the_spot() {
    assert!(done(0, limits::INLINE_BYTES_MAX).into_iter().all(|(_, here)| here));
    assert!(done(2, limits::INLINE_BYTES_MAX - 1).into_iter().all(|(_, here)| here));
}

#[test]
fn what_is_large_goes_to_a_thread() {
    // The first job finds an empty channel; those behind it may find a full one.
    assert_eq!(done(1, limits::INLINE_BYTES_MAX)[0], (0, false));
}
