//! A source that was opened: an ensemble, or an archive. Past here nobody knows which.

use super::Chunk;
use super::changes::Changes;
use super::reader::Reader;
use super::walk::Walk;
use crate::acl_map::AclMap;
use crate::archive::{self, Archive, Wanted};
use crate::budget::Budget;
use crate::error::{Code, Error, ErrorKind, Result, Side};
use crate::filter::Filter;
use crate::latency::Latency;
use crate::limits;
use crate::options::{AclPolicy, EphemeralPolicy, Salvage, TreeOptions};
use crate::progress::Progress;
use crate::quota;
use crate::session::Lane;
use crate::znode::{ZnodePath, Zxid};

/// Where a tree comes from.
#[derive(Debug)]
pub enum Source {
    /// Servers.
    Ensemble(Reader),
    /// A file.
    Archive {
        /// As it was looked at.
        archive: Box<Archive>,
        /// What becomes of its ACLs.
        acl: AclPolicy,
        /// Whether what is left of a damaged one is wanted.
        salvage: Salvage,
    },
}

/// Chunks that are still to come.
pub enum Chunks<'a> {
    /// Of a walk.
    Walked(Walk<'a>),
    /// Of an archive.
    Replayed(archive::Chunks<'a>),
}

impl Source {
    /// Opens it at `side`; see [`Reader::connect`]. A map is for the source alone.
    pub async fn open(side: Side, options: &TreeOptions, acl: &AclPolicy, seen: Zxid) -> Result<Self> {
        match options {
            TreeOptions::Ensemble(options) => Reader::connect(side, options, acl, seen).await.map(Self::Ensemble),
            TreeOptions::Archive(options) => {
                let archive = Archive::open(side, options).await?;
                archive.check_acls(acl)?;
                let acl = match acl {
                    AclPolicy::Map(_) if side != Side::Source => AclPolicy::Map(AclMap::default()),
                    acl => acl.clone(),
                };
                Ok(Self::Archive { archive: Box::new(archive), acl, salvage: options.salvage })
            }
        }
    }

    /// The sessions, where it is an ensemble.
    pub fn reader(&self) -> Option<&Reader> {
        if let Self::Ensemble(reader) = self { Some(reader) } else { None }
    }

    /// The first of them.
    pub fn lane(&self) -> Option<&Lane> {
        self.reader().map(Reader::lane)
    }

    /// The archive, where it is one.
    pub fn archive(&self) -> Option<&Archive> {
        if let Self::Archive { archive, .. } = self { Some(archive) } else { None }
    }

    /// What is meant of it where `filter` says what is wanted: an archive may have less.
    pub fn filter(&self, filter: &Filter) -> Result<Filter> {
        self.archive().map_or_else(|| Ok(filter.clone()), |archive| archive.filter(filter))
    }

    /// All that `filter` leaves of it. `changes` is for a source that changes; `names` says whether lists of children are
    /// wanted, which an archive has to make.
    pub fn chunks<'a>(
        &'a self,
        filter: &Filter,
        ephemerals: EphemeralPolicy,
        changes: Option<&'a Changes>,
        names: bool,
    ) -> Chunks<'a> {
        match self {
            Self::Ensemble(reader) => {
                let walk = Walk::of_tree(reader, Budget::of_line(), filter.clone()).taking_ephemerals(ephemerals);
                Chunks::Walked(match changes {
                    Some(changes) => walk.sifted(changes),
                    None => walk,
                })
            }
            Self::Archive { archive, acl, salvage } => {
                let torn = *salvage == Salvage::Wanted;
                Chunks::Replayed(archive.chunks(Wanted { filter: filter.clone(), acl: acl.clone(), names, torn }))
            }
        }
    }

    /// Does `work` that reads what `filter` leaves of it, and meanwhile tells `progress` how many znodes there may be, where
    /// somebody has counted them: an archive's end, or a quota. What is done soon is not kept from it by another request.
    pub async fn foretold<T>(&self, filter: &Filter, progress: &Progress, work: impl Future<Output = T> + Unpin) -> T {
        let whole = filter.is_empty();
        let foretell = async {
            tokio::time::sleep(limits::FORETOLD_AFTER).await;
            let counted = match self {
                Self::Ensemble(reader) => quota::counted(reader.lane()).await,
                Self::Archive { archive, .. } => archive.end().map(|end| end.znodes),
            };
            if let Some(counted) = counted.filter(|_| whole) {
                progress.expect(counted);
            }
            std::future::pending().await
        };
        tokio::select! {
            biased;
            done = work => done,
            never = foretell => never,
        }
    }

    /// A zxid that all of its servers have reached; see [`Reader::sync`]. `None` where there is none: an archive stands still.
    pub async fn sync(&self) -> Result<Option<Zxid>> {
        match self {
            Self::Ensemble(reader) => reader.sync().await,
            Self::Archive { .. } => Ok(None),
        }
    }

    /// The transaction behind which it is read, or was.
    pub fn behind(&self) -> Option<Zxid> {
        match self {
            Self::Ensemble(reader) => reader.behind(),
            Self::Archive { archive, .. } => archive.end().and_then(|end| end.zxid).map(Zxid),
        }
    }

    /// How long its servers took to answer.
    pub fn latencies(&self) -> Vec<Latency> {
        self.lane().map(|lane| lane.latencies().summary()).unwrap_or_default()
    }

    /// A refusal as an error about `path`.
    pub fn refused(&self, code: Code, op: &'static str, path: &ZnodePath) -> Error {
        match self {
            Self::Ensemble(reader) => reader.lane().refused(code, op, path),
            Self::Archive { archive, .. } => {
                Error::new(ErrorKind::Refused(code), op).at(archive.side()).on(path.as_str())
            }
        }
    }

    /// Ends its sessions.
    pub async fn close(self) {
        if let Self::Ensemble(reader) = self {
            reader.close().await;
        }
    }
}

impl Chunks<'_> {
    /// Asks for the first of them now, in the call.
    pub fn begin(&mut self) {
        if let Self::Walked(walk) = self {
            walk.begin();
        }
    }

    /// The next chunk; `None` when there is no more.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        match self {
            Self::Walked(walk) => walk.next().await,
            Self::Replayed(chunks) => chunks.next().await,
        }
    }
}
