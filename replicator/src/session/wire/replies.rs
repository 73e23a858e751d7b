//! Replies to what the seam wants to know; decoded by whoever asked.

use super::outbox::{Answer, Reply};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::jute::{Malformed, MultiResult, op};
use crate::session::ReadReply;

/// Waits for a reply that says that `op` was done.
pub(super) async fn done(answer: Answer, op: &'static str) -> Result<Reply> {
    let reply = answer.reply().await.map_err(|kind| Error::new(kind, op))?;
    if reply.code == Code::OK { Ok(reply) } else { Err(Error::new(ErrorKind::Refused(reply.code), op)) }
}

/// A reply to `op` that is not what the protocol allows.
pub(super) fn malformed(Malformed(text): Malformed, op: &'static str) -> Error {
    Error::new(ErrorKind::Protocol(text.to_owned()), op)
}

/// The answers of a multiRead of `asked` operations.
pub(super) async fn multi_read(answer: Answer, asked: usize) -> Result<Vec<ReadReply>> {
    const OP: &str = "read";
    let mut body = done(answer, OP).await?.body;
    let mut replies = Vec::with_capacity(asked);
    while let Some(result) = body.multi_result().map_err(|error| malformed(error, OP))? {
        replies.push(match result {
            _ if replies.len() == asked => return Err(malformed(MISCOUNTED, OP)),
            MultiResult::Data(data, stat) => ReadReply::Data(data, stat),
            MultiResult::Children(names) => ReadReply::Children(names),
            MultiResult::Refused(code) => ReadReply::Refused(code),
            MultiResult::Written => return Err(malformed(Malformed("a read was answered as a write"), OP)),
        });
    }
    if replies.len() == asked { Ok(replies) } else { Err(malformed(MISCOUNTED, OP)) }
}

/// The answers of getData and getChildren, asked one by one, as a multiRead gives them. What is wrong with one znode
/// is its answer; what is wrong with the session ends the read.
pub(super) async fn reads(asked: Vec<(i32, Answer)>) -> Result<Vec<ReadReply>> {
    const OP: &str = "read";
    let mut replies = Vec::with_capacity(asked.len());
    for (op, answer) in asked {
        replies.push(match done(answer, OP).await {
            Ok(mut reply) if op == op::GET_DATA => {
                let (data, stat) = reply.body.data().map_err(|error| malformed(error, OP))?;
                ReadReply::Data(data, stat)
            }
            Ok(mut reply) => ReadReply::Children(reply.body.names().map_err(|error| malformed(error, OP))?),
            Err(error) => match error.code() {
                Some(code @ (Code::NO_NODE | Code::NO_AUTH)) => ReadReply::Refused(code),
                _ => return Err(error),
            },
        });
    }
    Ok(replies)
}

/// What came of a multi of `asked` writes: all or nothing. Of one that failed every operation has an error: 0 before
/// the one that failed, its code, and -2 behind it (DataTree.java:976-1014).
pub(super) async fn multi(answer: Answer, asked: usize) -> Result<(), (Option<usize>, Error)> {
    const OP: &str = "write";
    let wrong = |text| (None, malformed(Malformed(text), OP));
    let mut body = done(answer, OP).await.map_err(|error| (None, error))?.body;
    let mut answered = 0;
    let mut written = 0;
    let mut failed = None;
    while let Some(result) = body.multi_result().map_err(|error| (None, malformed(error, OP)))? {
        match result {
            MultiResult::Written => written += 1,
            MultiResult::Refused(Code::OK | Code::RUNTIME_INCONSISTENCY) => {}
            MultiResult::Refused(code) => {
                failed.get_or_insert((answered, code));
            }
            MultiResult::Data(..) | MultiResult::Children(_) => return Err(wrong("a write was answered as a read")),
        }
        answered += 1;
    }
    match failed {
        _ if answered != asked => Err((None, malformed(MISCOUNTED, OP))),
        Some((index, code)) => Err((Some(index), Error::new(ErrorKind::Refused(code), OP))),
        None if written == asked => Ok(()),
        None => Err(wrong("a multi was neither done nor refused")),
    }
}

const MISCOUNTED: Malformed = Malformed("a multi's answer holds another number of results than were asked for");
