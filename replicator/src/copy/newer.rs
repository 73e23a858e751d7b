//! A copy of what was written lately: a znode that is not newer than a moment is left alone, whatever the target has.
//!
//! It is created only where it is missing and something newer below it has to stand on it; whether there is anything shows
//! when the walk has met it. Until then of such a parent only its path is kept, and it is read again when it is wanted: so
//! memory does not depend on what old parents hold.
//!
//! Removal takes no notice of any of this: the names of old znodes are in the source's lists, so theirs stay.

use std::collections::HashMap;

use futures::{Stream, TryStreamExt, stream};

use crate::budget::{Permit, Weight};
use crate::error::{Code, Result};
use crate::limits;
use crate::pair::{Beside, Pair, Pairs};
use crate::progress::Progress;
use crate::session::{Lane, ReadOp, ReadReply};
use crate::source::Visit;
use crate::source::reader::Reader;
use crate::znode::{Kind, Znode, ZnodePath};

/// Takes what is newer out of one pass.
pub(super) struct Newer<'a> {
    /// Znodes written up to this moment are old, in ms since the epoch.
    than_ms: i64,
    source: &'a Reader,
    /// The writing session: what it is asked it answers behind everything that it was sent.
    target: &'a Lane,
    progress: &'a Progress,
    /// Parents that have not been left yet, and whether the target has them, or will.
    open: HashMap<ZnodePath, bool>,
    /// Parents that were created although this pass did not meet them: in a later pass they have not changed themselves.
    /// Nobody leaves them until its end. They are as many as have come into use while the copy is under way.
    unmet: Vec<ZnodePath>,
    /// The znode that was met last, and whether the target has it, or will.
    last: Option<(ZnodePath, bool)>,
    /// Bytes of parents that were read again for the pairs at hand.
    read_again: Weight,
}

impl<'a> Newer<'a> {
    pub(super) fn new(than_ms: i64, source: &'a Reader, target: &'a Lane, progress: &'a Progress) -> Self {
        let (open, unmet, read_again) = (HashMap::new(), Vec::new(), Weight::default());
        Self { than_ms, source, target, progress, open, unmet, last: None, read_again }
    }

    /// What is to be planned of `pairs`, each parent before what is below it.
    pub(super) fn taken_from<'s>(
        self,
        pairs: impl Stream<Item = Result<Pairs>> + 's,
    ) -> impl Stream<Item = Result<Pairs>> + 's
    where
        'a: 's,
    {
        let state = Some((self, Box::pin(pairs)));
        let taken = stream::try_unfold(state, |state| async {
            let Some((mut newer, mut pairs)) = state else { return Ok(None) };
            Ok(Some(match pairs.try_next().await? {
                Some(met) => (newer.take(met).await?, Some((newer, pairs))),
                None => (newer.leave_unmet(), None),
            }))
        });
        Box::pin(taken)
    }

    async fn take(&mut self, Pairs { pairs, mut permit }: Pairs) -> Result<Pairs> {
        let mut taken = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match pair {
                Pair::Znode { source, target } => self.znode(source, target, &mut taken).await?,
                Pair::Other(Visit::Leave(path)) => {
                    self.open.remove(&path);
                    // One that was not given is not known to who plans, and is left for nothing.
                    taken.push(Pair::Other(Visit::Leave(path)));
                }
                // It had no children yet when its own stat was read.
                Pair::Other(Visit::Children { ref parent, .. }) => {
                    if let Some((parent, stands)) = self.last.take_if(|(last, _)| last == parent) {
                        self.open.entry(parent).or_insert(stands);
                    }
                    taken.push(pair);
                }
                other => taken.push(other),
            }
        }
        let (weight, again) = (permit.weight(), std::mem::take(&mut self.read_again));
        permit.resize(Weight { operations: weight.operations + again.operations, bytes: weight.bytes + again.bytes });
        Ok(Pairs { pairs: taken, permit })
    }

    async fn znode(&mut self, source: Znode, target: Beside, taken: &mut Vec<Pair>) -> Result<()> {
        let missing = matches!(target, Beside::Nothing);
        let old = source.stat.mtime <= self.than_ms;
        if old {
            self.progress.older();
        }
        let stands = if old { !missing } else { !missing || self.make_parents(&source.path, taken).await? };
        if source.stat.num_children > 0 {
            self.open.insert(source.path.clone(), stands);
        }
        self.last = Some((source.path.clone(), stands));
        // One whose parents have gone from the source meanwhile has gone with them.
        if !old && stands {
            taken.push(Pair::Znode { source, target });
        }
        Ok(())
    }

    /// Adds the parents of `path` that the target lacks, from the top; gives whether all of them could be had.
    async fn make_parents(&mut self, path: &ZnodePath, taken: &mut Vec<Pair>) -> Result<bool> {
        let mut lacking = Vec::new();
        let mut above = path.parent();
        while let Some(parent) = above {
            let stands = match self.open.get(&parent) {
                Some(stands) => *stands,
                None => match self.target.stat(&parent).await {
                    Ok(stat) => stat.is_some(),
                    // One that we may not see is there.
                    Err(error) if error.code() == Some(Code::NO_AUTH) => true,
                    Err(error) => return Err(error),
                },
            };
            if stands {
                break;
            }
            above = parent.parent();
            lacking.push(parent);
        }
        for parent in lacking.into_iter().rev() {
            match self.read(&parent).await? {
                Some(Visit::Znode(source)) => {
                    self.read_again.operations += 1;
                    self.read_again.bytes += limits::ZNODE_OVERHEAD_BYTES + source.data_len();
                    taken.push(Pair::Znode { source, target: Beside::Nothing });
                }
                Some(other) => {
                    taken.push(Pair::Other(other));
                    return Ok(false);
                }
                None => return Ok(false),
            }
            if self.open.insert(parent.clone(), true).is_none() {
                self.unmet.push(parent);
            }
        }
        Ok(true)
    }

    /// A parent as the source has it now, or why it can't be had.
    async fn read(&self, path: &ZnodePath) -> Result<Option<Visit>> {
        let reply = self.source.read(&[ReadOp::Data(path)]).await?.pop();
        let mut visits = match reply {
            Some(ReadReply::Data(data, stat)) => {
                let kind = Kind::of_owner(stat.ephemeral_owner);
                [Visit::Znode(Znode { path: path.clone(), data, acl: None, kind, stat })]
            }
            Some(ReadReply::Refused(Code::NO_NODE)) => return Ok(None),
            Some(ReadReply::Refused(code)) => return Ok(Some(Visit::Unreadable(path.clone(), code))),
            _ => {
                return Err(self.source.lane().protocol("a multiRead of one operation was answered by something else"));
            }
        };
        self.source.read_acls(&mut visits).await?;
        let [visit] = visits;
        Ok(Some(visit))
    }

    /// The end of the pass: who plans gives them their own ACLs and counters now.
    fn leave_unmet(&mut self) -> Pairs {
        let leaves = std::mem::take(&mut self.unmet).into_iter().rev();
        Pairs { pairs: leaves.map(|path| Pair::Other(Visit::Leave(path))).collect(), permit: Permit::none() }
    }
}
