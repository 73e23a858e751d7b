//! Looks at a target that a meta server fills by itself: whether it is empty, and whether its tables are whole.

use replicator::error::Side;
use replicator::session::Lane;
use replicator::znode::ZnodePath;

use super::{Trees, tree};
use crate::error::Result;

impl Trees {
    /// Children of the target's root.
    pub async fn at_target(&self) -> Result<usize> {
        let failed = |error| tree("look at the root", &error);
        let lane = Lane::connect(Side::Target, &self.target).await.map_err(failed)?;
        let root = lane.children(&ZnodePath::root()).await;
        lane.close().await;
        Ok(root.map_err(failed)?.map_or(0, |(names, _)| names.len()))
    }

    /// The data of the target's `apps`, which a meta server makes `lock` while it writes tables there, and `unlock` when all
    /// are there (`meta/server_state.cpp`, `sync_apps_to_remote_storage`); `None`: there are none.
    pub async fn apps_at_target(&self) -> Result<Option<Vec<u8>>> {
        let failed = |error| tree("look at the tables", &error);
        let lane = Lane::connect(Side::Target, &self.target).await.map_err(failed)?;
        let apps = async {
            lane.sync().await?;
            lane.znode(&ZnodePath::root().child("apps")).await
        };
        let apps = apps.await;
        lane.close().await;
        Ok(apps.map_err(failed)?.map(|znode| znode.data.unwrap_or_default().to_vec()))
    }
}
