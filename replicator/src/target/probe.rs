//! Whether the target takes an ACL, asked before anything that carries it is written.
//!
//! A target may know no provider for a scheme, or take an id for none (-114). Without a probe that shows when the ACL is
//! set, which for a restrictive parent is after all of its children: the tree would be left under a working ACL.
//!
//! A probe is a multi that never holds: creates of scratch znodes, each with one of the ACLs, and a check of a version
//! that a new znode can't have. Nothing of it is left behind, whatever the answer. The server looks at the ACL of a
//! create first, before the parent and our rights there (PrepRequestProcessor.java, `pRequest2TxnCreate`: `fixupACL`
//! comes before `getRecordForPath` and `checkACL`; so in 3.4). So a create that fails for another reason has a good ACL,
//! and only those behind it are asked again.
//!
//! The line does not wait for the answer: a probe goes ahead of the writes of its chunk on the same session, and what is
//! under way when it is refused stands. Invariant: what is remembered is bounded; what was forgotten is probed again.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::Writer;
use crate::batch::{Batch, Batcher};
use crate::budget::Permit;
use crate::connect::Chroot;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::limits;
use crate::pair::Beside;
use crate::rehearsal::Block;
use crate::session::{Lane, WriteOp};
use crate::znode::{Acl, Kind, Znode, ZnodePath};

/// What scratch znodes are called, with a number behind it; without one it is the path that is checked.
pub(super) const SCRATCH: &str = "/zkreplicator-acl-probe";
/// Bytes of the check in a request besides the chroot: multi header, path with its length, version.
const CHECK_BYTES: usize = 9 + 4 + SCRATCH.len() + 4;

/// Collects the distinct ACLs that are about to be written.
#[derive(Debug)]
pub struct Probes {
    known: HashSet<Acl>,
    /// To be probed, each with the first znode that is to have it.
    wanted: Vec<(ZnodePath, Acl)>,
    batcher: Batcher,
}

impl Probes {
    /// Probes in the tree at `chroot`, on servers that take requests of `request_bytes_max` bytes.
    pub fn new(chroot: Chroot, request_bytes_max: usize) -> Self {
        let creates_bytes_max = request_bytes_max.saturating_sub(CHECK_BYTES + chroot.as_str().len());
        Self { known: HashSet::new(), wanted: Vec::new(), batcher: Batcher::new(chroot, creates_bytes_max) }
    }

    /// Notes the ACL of a znode of the source, if the znode at the target is to get it and it has not been met before.
    pub fn note(&mut self, source: &Znode, target: &Beside) {
        let Some(acl) = &source.acl else { return };
        let has_it = matches!(target, Beside::Znode(there) if there.acl.as_ref() == Some(acl));
        if has_it || acl.is_for_anyone() || self.known.contains(acl) {
            return;
        }
        if self.known.len() >= limits::ACLS_PROBED_REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.insert(acl.clone());
        self.wanted.push((source.path.clone(), acl.clone()));
    }

    /// The probes of what was noted since the last call. They go out before the writes that use these ACLs.
    pub fn take(&mut self, permit: &Arc<Permit>) -> Vec<Batch> {
        let (mut batches, mut full, mut probed) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (path, acl)) in self.wanted.drain(..).enumerate() {
            // One that fits no request is refused as too large when it is to be written.
            if self.batcher.push(create(index, acl), permit, &mut full).is_ok() {
                batches.extend(full.drain(..).map(|batch| Batch { probed: mem::take(&mut probed), ..batch }));
                probed.push(path);
            }
        }
        batches.extend(self.batcher.take().map(|batch| Batch { probed, ..batch }));
        batches
    }
}

fn create(index: usize, acl: Acl) -> WriteOp {
    let path = ZnodePath::new(&format!("{SCRATCH}-{index}"));
    WriteOp::Create { path, data: None, acl, kind: Kind::Persistent }
}

/// Fails whatever is there: nothing, most likely.
pub(super) fn check() -> WriteOp {
    WriteOp::Check { path: ZnodePath::new(SCRATCH), version: i32::MAX }
}

/// Asks now, in the call. An ACL of `creates` that is refused is named with its znode of `probed`: it is the error, or
/// is noted by a dry run, which asks for all of them.
pub(super) fn ask(
    writer: Writer<'_>,
    creates: Vec<WriteOp>,
    probed: Vec<ZnodePath>,
) -> BoxFuture<'_, (Vec<WriteOp>, Vec<ZnodePath>, Result<()>)> {
    let first = send(writer.lane, &creates);
    Box::pin(async move {
        let done = answered(writer, &creates, &probed, first).await;
        (creates, probed, done)
    })
}

fn send<'a>(lane: &'a Lane, creates: &[WriteOp]) -> BoxFuture<'a, Result<()>> {
    lane.write(creates.iter().cloned().chain([check()]).collect())
}

async fn answered<'a>(
    writer: Writer<'a>,
    creates: &[WriteOp],
    probed: &[ZnodePath],
    first: BoxFuture<'a, Result<()>>,
) -> Result<()> {
    let lane = writer.lane;
    let (mut answer, mut asked) = (first.await, 0);
    loop {
        let Err(error) = answer else {
            return Err(lane.protocol("a check of a version that no znode has was taken for true"));
        };
        let code = match error.code() {
            Some(code) if !super::recovery::is_passing(&error) => code,
            _ => return Err(error),
        };
        let is_about = |create: &WriteOp| error.path == Some(lane.chroot().locate(create.path()).to_string());
        // If it is about the check, all ACLs are good.
        let Some(failed) = creates[asked..].iter().position(is_about) else { return Ok(()) };
        asked += failed;
        if code == Code::INVALID_ACL {
            writer.blocked(refused(lane, &creates[asked], &probed[asked]), Block::RefusedAcl)?;
        }
        asked += 1;
        if asked == creates.len() {
            return Ok(());
        }
        answer = send(lane, &creates[asked..]).await;
    }
}

fn refused(lane: &Lane, create: &WriteOp, path: &ZnodePath) -> Error {
    let acl = if let WriteOp::Create { acl, .. } = create { acl.to_string() } else { String::new() };
    Error::new(ErrorKind::AclRefused(acl), "set ACL of").at(lane.side()).on(lane.chroot().locate(path).to_string())
}

#[cfg(test)]
mod tests;
