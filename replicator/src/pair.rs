//! Source znode beside target znode: what the target holds at the places that the source has shown.
//!
//! The target is asked for exactly the paths of a chunk, and is taken to hold values of the same sizes. Where it
//! answers with much more than that, fewer are asked for at once: its heap is not ours to fill either.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use crate::budget::{Permit, Weight};
use crate::error::{Code, Result};
use crate::limits;
use crate::session::{ReadOp, ReadReply};
use crate::source::reader::Reader;
use crate::source::{Chunk, Visit};
use crate::znode::{Kind, Names, Znode, ZnodePath};

/// Expected reply of one request to the target at most.
const PAIR_REPLY_BYTES_MAX: usize = 512 * 1024;

/// A visit of the source with what the target has there.
#[derive(Debug)]
pub enum Pair {
    /// A znode of the source.
    Znode {
        /// As the source has it.
        source: Znode,
        /// As the target has it.
        target: Beside,
    },
    /// A list of children.
    Children {
        /// Whose children.
        parent: ZnodePath,
        /// As the source has them.
        source: Names,
        /// How many the source has listed, before any was left out; `None` where the parent is left out itself.
        listed: Option<usize>,
        /// As the target has them; empty where it has no such znode.
        target: Names,
    },
    /// Anything else that the source has shown.
    Other(Visit),
}

/// What stands at the target in a znode's place.
#[derive(Debug)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// A znode.
    Znode(Znode),
    /// An ephemeral of some session: not part of the tree, but in the way.
    Ephemeral,
    /// Something that we may not read.
    Unreadable(Code),
}

/// Pairs that were read together, with the permit for their bytes.
#[derive(Debug)]
pub struct Pairs {
    /// In the source's order.
    pub pairs: Vec<Pair>,
    /// Bytes that the pairs hold.
    pub permit: Permit,
}

/// Reads the target beside the source.
#[derive(Debug)]
pub struct Pairing<'a> {
    reader: &'a Reader,
    /// Whether children lists are compared too, and not znodes alone.
    with_children: bool,
    /// Znodes that one request may ask for; follows what the target answers.
    batch_ops: AtomicUsize,
    /// Requests in flight, of all chunks together.
    window: Semaphore,
}

impl<'a> Pairing<'a> {
    /// Pairs with what `reader` sees; `with_children` compares children lists too.
    pub fn new(reader: &'a Reader, with_children: bool) -> Self {
        let batch_ops = AtomicUsize::new(limits::UNSIZED_BATCH_MAX);
        Self { reader, with_children, batch_ops, window: Semaphore::new(limits::PAIR_READS_IN_FLIGHT_MAX) }
    }

    /// Reads what the target has at every place of a chunk.
    pub async fn pair(&self, chunk: Chunk) -> Result<Pairs> {
        let Chunk { visits, mut permit } = chunk;
        let batches = self.batches(&visits);
        let answers: Vec<Vec<ReadReply>> = stream::iter(batches.into_iter().map(|batch| self.read(batch)))
            .buffered(limits::PAIR_READS_IN_FLIGHT_MAX)
            .try_collect()
            .await?;
        let mut answers = answers.into_iter().flatten();
        let mut pairs = Vec::with_capacity(visits.len());
        let (mut held, mut extra) = (0, 0);
        for visit in visits {
            held += limits::ZNODE_OVERHEAD_BYTES;
            let listed = if let Visit::Children { listed, .. } = &visit { Some(*listed) } else { None };
            pairs.push(match visit {
                Visit::Znode(source) => {
                    let target = beside(&source.path, answers.next());
                    held += source.data_len();
                    if let Beside::Znode(target) = &target {
                        extra += target.data_len();
                    }
                    Pair::Znode { source, target }
                }
                Visit::Children { parent, names: source, .. } | Visit::OnTheWay(parent, source)
                    if self.with_children =>
                {
                    let target = match answers.next() {
                        Some(ReadReply::Children(names)) => names,
                        Some(ReadReply::Refused(Code::NO_NODE)) => Names::default(),
                        Some(ReadReply::Refused(code)) => {
                            pairs.push(Pair::Other(Visit::Unreadable(parent, code)));
                            continue;
                        }
                        Some(ReadReply::Data(..)) | None => {
                            return Err(self.reader.lane().protocol("a multiRead's answers do not fit its questions"));
                        }
                    };
                    held += source.size();
                    extra += target.size();
                    Pair::Children { parent, source, listed, target }
                }
                other => Pair::Other(other),
            });
        }
        permit.resize(Weight { operations: pairs.len(), bytes: held + extra });
        self.read_acls(&mut pairs).await?;
        Ok(Pairs { pairs, permit })
    }

    /// What to ask for, cut into requests. A znode without children at the source may have some at the target: its
    /// children are found by their number, see [`crate::verify`].
    fn batches<'v>(&self, visits: &'v [Visit]) -> Vec<(Vec<ReadOp<'v>>, usize)> {
        let ops_max = self.batch_ops.load(Ordering::Relaxed);
        let mut batches = Vec::new();
        let (mut ops, mut reply_bytes, mut request_bytes) = (Vec::new(), 0, 0);
        for visit in visits {
            let (op, bytes) = match visit {
                Visit::Znode(znode) => (ReadOp::Data(&znode.path), znode.data_len() + limits::ZNODE_OVERHEAD_BYTES),
                Visit::Children { parent, names, .. } | Visit::OnTheWay(parent, names) if self.with_children => {
                    (ReadOp::Children(parent), 2 * names.size())
                }
                _ => continue,
            };
            if !ops.is_empty()
                && (ops.len() >= ops_max
                    || reply_bytes + bytes > PAIR_REPLY_BYTES_MAX
                    || request_bytes > limits::READ_REQUEST_BYTES_MAX)
            {
                batches.push((mem::take(&mut ops), mem::take(&mut reply_bytes)));
                request_bytes = 0;
            }
            ops.push(op);
            reply_bytes += bytes;
            request_bytes += op.path().as_str().len() + self.reader.lane().chroot().as_str().len() + 16;
        }
        if !ops.is_empty() {
            batches.push((ops, reply_bytes));
        }
        batches
    }

    async fn read(&self, (ops, expected): (Vec<ReadOp<'_>>, usize)) -> Result<Vec<ReadReply>> {
        let room = self.window.acquire().await.expect("the window is never closed: nothing here closes it");
        self.reader.lane().free().await;
        let replies = self.reader.read(&ops).await?;
        drop(room);
        if replies.len() != ops.len() {
            return Err(self.reader.lane().protocol("a multiRead has more or fewer answers than questions"));
        }
        let seen: usize = replies.iter().map(size).sum();
        let ops_max = self.batch_ops.load(Ordering::Relaxed);
        let ops_max = if seen > 2 * expected { limits::UNSIZED_BATCH_MAX } else { ops_max * 2 };
        self.batch_ops.store(ops_max.min(limits::READ_BATCH_OPS_MAX), Ordering::Relaxed);
        Ok(replies)
    }

    async fn read_acls(&self, pairs: &mut [Pair]) -> Result<()> {
        if !self.reader.reads_acls() {
            return Ok(());
        }
        let znodes = pairs.iter().enumerate().filter_map(|(index, pair)| match pair {
            Pair::Znode { target: Beside::Znode(znode), .. } => Some((index, znode.path.clone(), znode.stat)),
            _ => None,
        });
        for (index, acl) in self.reader.acls(znodes.collect()).await? {
            let Pair::Znode { target, .. } = &mut pairs[index] else { continue };
            match (acl, &mut *target) {
                (Ok((acl, stat)), Beside::Znode(znode)) => {
                    znode.acl = Some(self.reader.mapped(&acl, &znode.path)?);
                    // The data may be of another server: what is set is conditional on the ACL that was compared.
                    znode.stat.aversion = stat.aversion;
                }
                (Err(Code::NO_NODE), _) => *target = Beside::Nothing,
                (Err(code), _) => *target = Beside::Unreadable(code),
                (Ok(_), _) => {}
            }
        }
        Ok(())
    }
}

fn beside(path: &ZnodePath, reply: Option<ReadReply>) -> Beside {
    match reply {
        Some(ReadReply::Data(data, stat)) => match Kind::of_owner(stat.ephemeral_owner) {
            Kind::Ephemeral { .. } => Beside::Ephemeral,
            kind => Beside::Znode(Znode { path: path.clone(), data, acl: None, kind, stat }),
        },
        Some(ReadReply::Refused(Code::NO_NODE)) => Beside::Nothing,
        Some(ReadReply::Refused(code)) => Beside::Unreadable(code),
        Some(ReadReply::Children(_)) | None => Beside::Unreadable(Code::MARSHALLING_ERROR),
    }
}

fn size(reply: &ReadReply) -> usize {
    match reply {
        ReadReply::Data(data, _) => data.as_ref().map_or(0, bytes::Bytes::len) + 96,
        ReadReply::Children(names) => names.size(),
        ReadReply::Refused(_) => 16,
    }
}
