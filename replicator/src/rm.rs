//! Removes a tree for whoever has confirmed it: it is looked at first, and nothing goes where that shows a reason.
//!
//! ```text
//! survey ──> refusal? ──> (confirmed) ──> remove, children first, several passes where others write there
//! ```
//!
//! The survey reads the whole tree before the first delete, since a session's ephemeral may be anywhere in it, and so may
//! a znode that can't be read. Between the two the tree may change: an ephemeral that comes meanwhile stops the removal
//! where it is met ([`Care::Unowned`]).
//!
//! A delete asks for no version. What is confirmed is a path with all below it, whatever it holds, so a write to a znode
//! that is about to go changes nothing; and a version says nothing of children, which is what a removal could lose: the
//! server itself refuses to delete a znode that has any.

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use tokio_util::sync::CancellationToken;

use crate::archive::Archive;
use crate::archive::dump::{DumpReport, dump};
use crate::budget::Budget;
use crate::ephemerals::Owner;
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::filter::Filter;
use crate::options::{AclPolicy, ArchiveOptions, DumpOptions, OwnedZnodes, RmOptions, Salvage};
use crate::progress::{Counts, Progress};
use crate::remove::{self, Care};
use crate::scan::Listed;
use crate::source::Visit;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::znode::Zxid;

/// What stands where a tree is to be removed.
#[derive(Debug, Default)]
pub struct Survey {
    /// The root's absolute path.
    pub root: String,
    /// Znodes without an owner, and their bytes; and ephemerals.
    pub counts: Counts,
    /// The sessions that own these.
    pub owners: Vec<Owner>,
    /// What can't be read, and so not be removed.
    pub unreadable: Listed<Code>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What a removal has done, however it ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Removed {
    /// Znodes whose removal was acknowledged.
    pub znodes: u64,
    /// Requests that it took.
    pub requests: u64,
    /// From the first connect to the last acknowledgement.
    pub elapsed: Duration,
}

impl Survey {
    /// All znodes.
    pub fn znodes(&self) -> u64 {
        self.counts.read + self.counts.ephemeral
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.znodes() + self.unreadable.count == 0
    }

    /// Why nothing may be removed, if there is a reason.
    pub fn refusal(&self, ephemerals: OwnedZnodes) -> Option<Error> {
        let Self { root, counts, unreadable, .. } = self;
        let refused = |text: String| Some(Error::bad_input(text).at(Side::Target));
        if unreadable.count > 0 {
            let first = unreadable.list.first().map(|(path, _)| path.as_str()).unwrap_or_default();
            return refused(format!(
                "{} znode(s) of {root} can't be read (below it, the first is {}), so what is below them can't be removed: \
                 nothing was; give credentials that may read them",
                unreadable.count,
                first.escape_debug()
            ));
        }
        if counts.ephemeral > 0 && ephemerals == OwnedZnodes::Refused {
            return refused(format!(
                "{} ephemeral znode(s) of {root} belong to sessions that have not ended (they are listed by session): \
                 nothing was removed; end those clients, or give --with-ephemerals to take the znodes from them",
                counts.ephemeral
            ));
        }
        None
    }
}

/// Reads the whole tree and says what would go. Writes nothing; `stop` ends it within a round trip.
pub async fn survey(options: &RmOptions, progress: &Progress, stop: &CancellationToken) -> Result<Survey> {
    check_root(options)?;
    let started = Instant::now();
    let mut session = None;
    let read = tokio::select! {
        read = read(options, progress, &mut session) => read,
        () = stop.cancelled() => Err(Error::new(ErrorKind::Interrupted, "")),
    };
    OptionFuture::from(session.map(Reader::close)).await;
    let (root, counts) = (options.target.connect.chroot.as_str().to_owned(), progress.counts());
    Ok(Survey { root, counts, owners: progress.ephemeral_owners(), unreadable: read?, elapsed: started.elapsed() })
}

async fn read(options: &RmOptions, progress: &Progress, session: &mut Option<Reader>) -> Result<Listed<Code>> {
    let opened = Reader::connect(Side::Target, &options.target, &AclPolicy::Open, Zxid::default()).await?;
    let reader = &*session.insert(opened);
    let mut unreadable = Listed::default();
    let mut walk = Walk::of_tree(reader, Budget::of_line(), Filter::default());
    while let Some(chunk) = walk.next().await? {
        for visit in &chunk.visits {
            progress.visited(visit);
            if let Visit::Unreadable(path, code) = visit {
                unreadable.add(path, *code);
            }
        }
    }
    Ok(unreadable)
}

/// Keeps the tree in an archive before it is removed, and reads the archive back. An error where anything of the tree is not
/// in it, be it that it was written meanwhile: then nothing may be removed. `stop` ends it within a round trip.
pub async fn keep(options: &DumpOptions, progress: &Progress, stop: &CancellationToken) -> Result<DumpReport> {
    let kept = dump(options, progress, stop).await?;
    let refused = |why: &str| {
        let file = options.file.display();
        let text = format!("{why}: nothing was removed; the archive {file} stands, give another name for the next one");
        Err(Error::bad_input(text).at(Side::Target))
    };
    if let Some(why) = kept.disturbed() {
        return refused(&format!("the tree is not in the archive as it is ({why})"));
    }
    if kept.masked.znodes > 0 || kept.end.ephemerals > 0 {
        return refused("not all of the tree is in the archive");
    }
    let archive = ArchiveOptions { file: options.file.clone(), salvage: Salvage::Refused };
    tokio::select! {
        read = async { Archive::open(Side::Target, &archive).await?.read_back().await } => read?,
        () = stop.cancelled() => return Err(Error::new(ErrorKind::Interrupted, "")),
    }
    Ok(kept)
}

/// Removes the tree, its root included. Counts into `progress`, also what was removed before an error. `stop` ends it
/// within a round trip; the same call goes on from there.
pub async fn rm(options: &RmOptions, progress: &Progress, stop: &CancellationToken) -> (Removed, Result<()>) {
    let started = Instant::now();
    let care = match options.ephemerals {
        OwnedZnodes::Refused => Care::Unowned,
        OwnedZnodes::Removed => Care::None,
    };
    let removed = remove::tree(Side::Target, &options.target, options.jute_maxbuffer, care, progress, stop).await;
    let counts = progress.counts();
    (Removed { znodes: counts.deleted, requests: counts.requests, elapsed: started.elapsed() }, removed)
}

/// The root of an ensemble is never meant; `/zookeeper` is refused as a path already.
pub fn check_root(options: &RmOptions) -> Result<()> {
    if options.target.connect.chroot.is_none() {
        let text = "the root of an ensemble can't be removed; name a path: host:port,host:port/path";
        return Err(Error::bad_input(text).at(Side::Target));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
