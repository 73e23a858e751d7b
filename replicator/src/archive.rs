//! Trees on a disk: a file that holds every znode with its data, ACL, kind and stat, in blocks that stand for themselves.
//!
//! ```text
//! source ──chunks──> blocks of items ──pool: encode, digest, pack──> file         (dump)
//! file ──blocks──> pool: unpack, decode ──items──> replay ──chunks──> the line    (restore, verify, scan)
//! ```
//!
//! `docs/archive-format.md` is its specification. An archive is looked at as a whole before it is used ([`survey`]): what is
//! damaged is known, by block and by path, before the first znode goes anywhere.

pub mod block;
pub mod document;
pub mod dump;
mod fields;
pub mod frame;
pub mod index;
mod losses;
#[cfg(test)]
mod model;
pub mod order;
mod reading;
pub mod replay;
pub mod sink;
pub mod store;
pub mod survey;
pub mod totals;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use self::block::Item;
pub use self::document::{AclsKept, End, Head};
pub use self::fields::Malformed;
pub use self::losses::{Loss, Losses, Place};
pub use self::reading::Chunks;
pub use self::replay::{MadeUp, Replay, Wanted};
use self::survey::{Found, Survey, Unusable};
use crate::digest::TreeDigest;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::filter::Filter;
use crate::options::{AclPolicy, ArchiveOptions, CounterPolicy, Salvage};
use crate::pool::Pool;
use crate::source::Visit;
use crate::verify::{Reading, Summary};

/// An archive that was looked at, and can be read.
#[derive(Debug)]
pub struct Archive {
    side: Side,
    file: PathBuf,
    store: Arc<File>,
    head: Head,
    end: Option<End>,
    blocks: Vec<Found>,
    losses: Losses,
    pool: Pool,
}

impl Archive {
    /// Opens the archive and looks at all of it. Where it is damaged this is an error that says what is lost, unless what is
    /// left is wanted.
    pub async fn open(side: Side, options: &ArchiveOptions) -> Result<Self> {
        let ArchiveOptions { file, salvage } = options.clone();
        let wrong = |why: Unusable| match why {
            Unusable::Io(error) => {
                Error::new(ErrorKind::Io(error.to_string()), "read").at(side).on(options.file.display().to_string())
            }
            Unusable::Malformed(why) => refused(side, &options.file, &why),
        };
        let looked_at = tokio::task::spawn_blocking(move || {
            let store = File::open(&file)?;
            survey::survey(&store).map(|survey| (store, survey))
        });
        let looked_at = looked_at.await.unwrap_or_else(|panic| Err(std::io::Error::other(panic).into()));
        let (store, Survey { head, end, blocks, losses }) = looked_at.map_err(wrong)?;
        if salvage == Salvage::Refused && !losses.is_empty() {
            let why = format!(
                "it is damaged, and {} znode(s) of it are lost: {losses}; nothing was changed; zkreplicator restore --salvage restores the rest",
                losses.znodes_text()
            );
            return Err(refused(side, &options.file, &Malformed(why)));
        }
        let Some(head) = head else {
            let why = "neither its head nor its end can be read, so nobody knows what it is of".to_owned();
            return Err(refused(side, &options.file, &Malformed(why)));
        };
        let pool = Pool::new()?;
        Ok(Self { side, file: options.file.clone(), store: Arc::new(store), head, end, blocks, losses, pool })
    }

    /// What it is of.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What it came to; `None` where that is lost.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// What is lost of it.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Which side it is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// What of a tree is meant, where only what `filter` takes of this archive is: what was left out of it is left out of
    /// what is compared with it, too.
    pub fn filter(&self, filter: &Filter) -> Result<Filter> {
        let [include, exclude] = filter.said();
        let Head { include: own_include, exclude: own_exclude, .. } = &self.head;
        if !include.is_empty() && !own_include.is_empty() {
            let why = format!("it was itself made with --include ({}): give no other", own_include.join(", "));
            return Err(self.refused(&Malformed(why)));
        }
        Filter::new(&[own_include, include].concat(), &[own_exclude, exclude].concat())
    }

    /// Whether it holds what `acl` asks for.
    pub fn check_acls(&self, acl: &AclPolicy) -> Result<()> {
        if self.head.acls != AclsKept::Left || *acl == AclPolicy::Open {
            return Ok(());
        }
        let why = "it holds no ACLs, since they were not read for it: give --acl open to restore it, --acl ignore to verify it";
        Err(self.refused(&Malformed(why.to_owned())))
    }

    /// Whether what was read of all of it is what its end says.
    pub fn check_digest(&self, read: &Summary) -> Result<()> {
        let Some(end) = &self.end else { return Ok(()) };
        let digest = end.digest().map_err(|why| self.refused(&why))?;
        if (read.znodes, read.bytes, read.digest) == (end.znodes, end.data_bytes, digest) {
            return Ok(());
        }
        let why = "its znodes are not those that its end speaks of, although all checksums are right: report this";
        Err(self.refused(&Malformed(why.to_owned())))
    }

    /// All of it, as a walk of the tree would give it.
    pub fn chunks(&self, wanted: Wanted) -> Chunks<'_> {
        Chunks::of(self, wanted)
    }

    /// Reads all of it as it would be restored, and holds it against its end.
    pub async fn read_back(&self) -> Result<()> {
        let wanted = Wanted { filter: Filter::default(), acl: AclPolicy::Preserve, names: false, torn: false };
        let (mut chunks, mut read) = (self.chunks(wanted), Reading::default());
        while let Some(chunk) = chunks.next().await? {
            for znode in chunk.visits.iter().filter_map(Visit::znode) {
                read.add(znode, &TreeDigest::of(znode, CounterPolicy::Ignore));
            }
        }
        self.check_digest(&read.sum)
    }

    /// Items of one block. Runs on the pool.
    fn items(store: &File, found: &Found) -> Result<Vec<Item>, Unusable> {
        let raw = Bytes::from(survey::payload(store, found)?);
        let items = block::decode(&raw)?;
        let znodes = items.iter().filter(|item| matches!(item, Item::Znode(_))).count();
        if znodes == found.header.znodes as usize {
            Ok(items)
        } else {
            Err(Malformed(format!("block {} has {znodes} znodes and says otherwise", found.header.sequence)).into())
        }
    }

    fn unusable(&self, why: Unusable) -> Error {
        match why {
            Unusable::Io(error) => {
                Error::new(ErrorKind::Io(error.to_string()), "read").at(self.side).on(self.file.display().to_string())
            }
            Unusable::Malformed(why) => self.refused(&why),
        }
    }

    fn refused(&self, why: &Malformed) -> Error {
        refused(self.side, &self.file, why)
    }
}

fn refused(side: Side, file: &Path, why: &Malformed) -> Error {
    Error::bad_input(format!("archive {}: {why}", file.display())).at(side)
}
