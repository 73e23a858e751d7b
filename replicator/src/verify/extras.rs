//! The end of a verify's line: takes what was found, in order, and asks the target for what is open.

use futures::{Stream, StreamExt};

use super::compare::{Found, Open};
use super::differences::{Difference, Sign};
use crate::budget::Budget;
use crate::connect::is_reserved;
use crate::error::{Code, Result};
use crate::filter::{Filter, Place};
use crate::source::Visit;
use crate::source::reader::Reader;
use crate::source::walk::Walk;
use crate::znode::{Names, ZnodePath};

/// Everything found so far, and whom to ask.
pub(super) struct Comparison<'a> {
    pub(super) target: &'a Reader,
    pub(super) filter: &'a Filter,
    pub(super) all: Found,
}

impl Comparison<'_> {
    /// Runs until nothing more is found.
    pub(super) async fn run(mut self, found: impl Stream<Item = Result<Found>>) -> Result<Found> {
        let mut found = std::pin::pin!(found);
        while let Some(found) = found.next().await {
            let mut found = found?;
            let open = std::mem::take(&mut found.open);
            self.all.merge(found);
            for open in open {
                match open {
                    Open::Extras(parent, names) => self.extras(parent, names).await?,
                    Open::Childless(parent) => self.children(parent).await?,
                    Open::Ephemeral(path) => self.beside_ephemeral(path).await?,
                }
            }
        }
        Ok(self.all)
    }

    /// Children that only the target has, and all below them.
    async fn extras(&mut self, parent: ZnodePath, names: Names) -> Result<()> {
        let at_root = self.target.lane().chroot().is_none() && parent.is_root();
        let names: Names = names.iter().filter(|name| !(at_root && is_reserved(parent.child(name).as_str()))).collect();
        let mut walk = Walk::of_children(self.target, Budget::of_line(), self.filter.clone(), parent, names);
        while let Some(chunk) = walk.next().await? {
            for visit in chunk.visits {
                match visit {
                    Visit::Znode(znode) => {
                        self.all.add_target(&znode);
                        self.all.add(Difference::at(Sign::OnlyTarget, znode.path));
                    }
                    Visit::Children { listed, .. } => self.all.target.listed += listed as u64,
                    Visit::Unreadable(path, _) => self.all.add(Difference::at(Sign::Unreadable, path)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// All below a znode of the target where the source has nothing.
    async fn children(&mut self, parent: ZnodePath) -> Result<()> {
        self.target.lane().free().await;
        let (names, _) = self.target.lane().children(&parent).await?.unwrap_or_default();
        if self.filter.place(&parent) == Place::Taken {
            self.all.target.listed += names.len() as u64;
        }
        self.extras(parent, names).await
    }

    /// The source's ephemerals are no part of its tree: a znode of that name at the target is one too many, unless it
    /// is an ephemeral itself.
    async fn beside_ephemeral(&mut self, path: ZnodePath) -> Result<()> {
        match self.target.lane().znode(&path).await {
            Ok(Some(znode)) if !znode.kind.is_ephemeral() => {
                if self.filter.place(&path) == Place::Taken {
                    self.all.add_target(&znode);
                    self.all.add(Difference::at(Sign::OnlyTarget, path.clone()));
                }
                self.children(path).await?;
            }
            Ok(_) => {}
            Err(error) if error.code() == Some(Code::NO_AUTH) => {
                self.all.add(Difference::at(Sign::Unreadable, path));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
