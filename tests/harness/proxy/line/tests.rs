//! What the delay line does with time, order and room.

use std::{io::IoSlice, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{LINE_BYTES_MAX, Line};

const MS: Duration = Duration::from_millis(1);

/// What is due, as the receiver would see it, in one call with two slices.
fn due(line: &Line, now: Instant, bytes_max: u64) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 2];
    let filled = line.due(now, bytes_max, &mut slices);
    slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
}

#[test]
fn bytes_come_out_when_they_are_due_and_in_order() {
    let (mut line, start) = (Line::default(), Instant::now());
    line.push(start + 2 * MS, Bytes::from_static(b"first"));
    line.push(start + MS, Bytes::from_static(b"second"));
    line.push(start + 9 * MS, Bytes::from_static(b"third"));
    assert_eq!(due(&line, start + MS, u64::MAX), b"");
    assert_eq!(line.next_due(), Some(start + 2 * MS));
    assert_eq!(due(&line, start + 2 * MS, u64::MAX), b"firstsecond");
    assert_eq!(due(&line, start + 9 * MS, 7), b"firstse");
    assert_eq!(due(&line, start + 9 * MS, 0), b"");
}

#[test]
fn what_was_taken_is_gone_also_within_a_chunk() {
    let (mut line, start) = (Line::default(), Instant::now());
    line.push(start, Bytes::from_static(b"first"));
    line.push(start, Bytes::from_static(b"second"));
    line.advance(3);
    assert_eq!((due(&line, start, u64::MAX), line.bytes()), (b"stsecond".to_vec(), 8));
    line.advance(5);
    assert_eq!((due(&line, start, u64::MAX), line.bytes()), (b"ond".to_vec(), 3));
    line.advance(3);
    assert_eq!((line.next_due(), line.bytes()), (None, 0));
}

#[test]
fn only_what_is_due_is_dropped() {
    let (mut line, start) = (Line::default(), Instant::now());
    line.push(start, Bytes::from_static(b"first"));
    line.push(start + MS, Bytes::from_static(b"second"));
    assert_eq!((line.drop_due(start), line.bytes()), (5, 6));
    assert_eq!((line.drop_due(start + MS), line.bytes()), (6, 0));
}

#[test]
fn the_close_comes_behind_the_last_byte() {
    let (mut line, start) = (Line::default(), Instant::now());
    line.push(start + 5 * MS, Bytes::from_static(b"x"));
    line.close(start + MS);
    assert!(line.is_closed() && !line.is_through(start + 5 * MS));
    line.advance(1);
    assert!(!line.is_through(start + 4 * MS) && line.is_through(start + 5 * MS));
    assert_eq!(line.next_due(), Some(start + 5 * MS));
}

#[test]
fn a_full_line_has_no_room_be_it_of_large_chunks_or_of_single_bytes() {
    for (size, chunks_max) in [(1 << 20, LINE_BYTES_MAX >> 20), (1, LINE_BYTES_MAX / 64)] {
        let (mut line, start) = (Line::default(), Instant::now());
        let chunk = Bytes::from(vec![0; size]);
        let mut chunks = 0;
        while line.has_room() {
            line.push(start, chunk.clone());
            chunks += 1;
        }
        assert!(chunks > 1_000 || size > 1, "{chunks} chunks of {size}");
        assert!(chunks <= chunks_max, "{chunks} chunks of {size}");
    }
}
