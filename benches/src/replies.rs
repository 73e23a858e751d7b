//! Answers as a server sends them, without the length in front: what the decoder's benchmarks read.

use bytes::{Bytes, BytesMut};
use replicator::jute::{self, Encoder, LENGTH_BYTES, op};

/// The answer to a multiRead of `znodes` getDatas, `data_bytes` of data each.
pub fn multi_read(znodes: usize, data_bytes: usize) -> Bytes {
    let data = vec![7; data_bytes];
    reply(|encoder| {
        header(encoder);
        for _ in 0..znodes {
            result(encoder, op::GET_DATA, false, 0);
            encoder.buffer(Some(&data));
            stat(encoder, data_bytes);
        }
        result(encoder, op::NONE, true, -1);
    })
}

/// The body of a getChildren's answer with `names` names.
pub fn names(names: usize) -> Bytes {
    reply(|encoder| {
        encoder.int(int(names));
        for index in 0..names {
            encoder.text(&format!("child-{index:07}"));
        }
    })
}

fn reply(body: impl FnOnce(&mut Encoder<'_>)) -> Bytes {
    let mut buffer = BytesMut::new();
    jute::frame(&mut buffer, body).expect("a benchmark's answer is far below 2 GiB");
    buffer.freeze().slice(LENGTH_BYTES..)
}

/// `ReplyHeader`: xid, zxid, no error.
fn header(encoder: &mut Encoder<'_>) {
    encoder.int(1);
    encoder.long(1);
    encoder.int(0);
}

/// `MultiHeader`
fn result(encoder: &mut Encoder<'_>, op: i32, done: bool, code: i32) {
    encoder.int(op);
    encoder.boolean(done);
    encoder.int(code);
}

/// `Stat` of a persistent znode without children.
fn stat(encoder: &mut Encoder<'_>, data_bytes: usize) {
    for zxid_or_time in [1, 1, 1_700_000_000_000, 1_700_000_000_000] {
        encoder.long(zxid_or_time);
    }
    for version in [0; 3] {
        encoder.int(version);
    }
    encoder.long(0);
    encoder.int(int(data_bytes));
    encoder.int(0);
    encoder.long(1);
}

fn int(len: usize) -> i32 {
    i32::try_from(len).expect("a benchmark's answer is far below 2 GiB")
}
