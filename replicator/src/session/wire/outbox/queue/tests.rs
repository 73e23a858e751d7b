//! What becomes of requests when the connection under them breaks.

use super::*;
use crate::jute::LENGTH_BYTES;

type Heard = oneshot::Receiver<Result<Reply, ErrorKind>>;

fn put(queue: &mut Queue, op: i32) -> Result<Heard, ErrorKind> {
    let (reporter, heard) = oneshot::channel();
    queue.put(op, |request| request.text("/a"), reporter, None).map(|_| heard)
}

/// The numbers of the requests that would be sent now, in order.
fn sent(queue: &mut Queue) -> Vec<i32> {
    let mut frames = BytesMut::new();
    queue.take(&mut frames);
    let mut xids = Vec::new();
    while !frames.is_empty() {
        let length = usize::try_from(frames.get_i32()).expect("a length");
        let mut frame = frames.split_to(length);
        xids.push(frame.get_i32());
    }
    xids
}

fn lost() -> ErrorKind {
    ErrorKind::Lost("it broke".to_owned())
}

#[test]
fn reads_are_sent_again_in_order_and_writes_are_not() {
    let mut queue = Queue::new();
    for op in [op::SYNC, op::MULTI, op::MULTI_READ, op::SET_ACL, op::GET_ACL] {
        put(&mut queue, op).expect("it is taken");
    }
    assert_eq!(sent(&mut queue), [1, 2, 3, 4, 5]);
    assert!(queue.answered(1).is_ok());
    // One that was not sent yet counts as one that was.
    put(&mut queue, op::EXISTS).expect("it is taken");
    assert_eq!(queue.detach(&lost()).len(), 2);
    queue.attach();
    assert_eq!(sent(&mut queue), [3, 5, 6]);
    for xid in [3, 5, 6] {
        assert!(queue.answered(xid).is_ok());
    }
    assert_eq!((queue.kept.len(), queue.is_waited_for()), (0, false));
}

#[test]
fn what_is_asked_while_there_is_no_connection_goes_out_with_the_next() {
    let mut queue = Queue::new();
    put(&mut queue, op::GET_DATA).expect("it is taken");
    queue.detach(&lost());
    put(&mut queue, op::GET_DATA).expect("it is taken");
    // Twice: the server that took the session closed the connection again.
    queue.attach();
    queue.detach(&lost());
    queue.attach();
    assert_eq!(sent(&mut queue), [1, 2]);
}

#[test]
fn no_write_overtakes_one_that_was_lost() {
    let mut queue = Queue::new();
    let first = put(&mut queue, op::MULTI).expect("it is taken");
    assert_eq!(queue.detach(&lost()).len(), 1);
    drop(first);
    queue.attach();
    assert_eq!(put(&mut queue, op::MULTI).err(), Some(lost()));
    put(&mut queue, op::SYNC).expect("reads are");
    queue.open_to_writes();
    put(&mut queue, op::MULTI).expect("somebody has looked");
    assert_eq!(sent(&mut queue), [2, 3]);
}

#[test]
fn a_write_without_a_connection_shuts_out_those_behind_it() {
    let mut queue = Queue::new();
    queue.detach(&lost());
    assert!(put(&mut queue, op::MULTI).is_err());
    queue.attach();
    assert!(put(&mut queue, op::SET_ACL).is_err(), "the one before it would have to be sent first");
}

#[test]
fn a_session_without_writes_under_way_is_open_to_them_when_it_comes_back() {
    let mut queue = Queue::new();
    put(&mut queue, op::GET_DATA).expect("it is taken");
    assert!(queue.detach(&lost()).is_empty());
    queue.attach();
    put(&mut queue, op::MULTI).expect("nothing was lost");
    assert_eq!(sent(&mut queue), [1, 2]);
}

#[test]
fn what_a_server_throws_away_is_sent_again_behind_what_waits() {
    let mut queue = Queue::new();
    for op in [op::GET_DATA, op::MULTI, op::GET_DATA] {
        put(&mut queue, op).expect("it is taken");
    }
    assert_eq!(sent(&mut queue), [1, 2, 3]);
    assert!(queue.thrown_away(1).is_ok_and(|told| told.is_none()));
    assert!(queue.thrown_away(2).is_ok_and(|told| told.is_some()), "a write is its owner's to send again");
    assert!(queue.has_thrown_away());
    put(&mut queue, op::GET_DATA).expect("it is taken");
    queue.send_again();
    assert_eq!(sent(&mut queue), [4, 1]);
    for xid in [3, 4, 1] {
        assert!(queue.answered(xid).is_ok());
    }
    assert_eq!(queue.kept.len(), 0);

    // A connection that breaks meanwhile takes none of it along.
    put(&mut queue, op::GET_DATA).expect("it is taken");
    put(&mut queue, op::GET_DATA).expect("it is taken");
    assert!(queue.thrown_away(5).is_ok());
    queue.detach(&lost());
    queue.attach();
    assert_eq!(sent(&mut queue), [6, 5]);
}

#[test]
fn after_the_end_nobody_waits_and_nobody_gets_in() {
    let mut queue = Queue::new();
    put(&mut queue, op::GET_DATA).expect("it is taken");
    put(&mut queue, op::GET_DATA).expect("it is taken");
    assert!(queue.thrown_away(1).is_ok());
    assert_eq!(queue.end(lost()).1.len(), 2);
    assert_eq!(put(&mut queue, op::GET_DATA).err(), Some(lost()));
}

#[test]
fn a_close_needs_no_look_and_is_the_last() {
    let mut queue = Queue::new();
    put(&mut queue, op::MULTI).expect("it is taken");
    queue.detach(&lost());
    queue.attach();
    assert!(!queue.is_closing());
    let (reporter, _heard) = oneshot::channel();
    assert!(queue.put(op::CLOSE_SESSION, |_| {}, reporter, None).is_ok());
    assert!(queue.is_closing() && queue.frames.len() == LENGTH_BYTES + 8);
}
