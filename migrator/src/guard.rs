//! The lock that keeps two migrators off one cluster: an ephemeral znode at the target, in a place of the tool's own.
//!
//! It lies outside the cluster's root, as `/zkmigrator/<root with _ for />`, so that it is no part of what is compared, and
//! its directory is removed with it. The recipe is zookeeper-client's. What a migrator that was killed has left there goes
//! with its session; one that resumes the same migration knows it by its data, holds the file lock beside the journal, so
//! that the other is dead for certain, and takes it away at once: a cluster may stand still meanwhile.

use std::time::Duration;

use tokio::time::timeout;
use zookeeper_client::{
    Acls, Client, CreateMode, Error as ZkError, LockOptions, LockPrefix, OwnedLockClient, SessionState,
};

use crate::error::{Error, ErrorKind, Result};
use crate::session::connect;
use crate::trees::Ensemble;

/// Where all of them lie.
const HOME: &str = "/zkmigrator";
/// How long the lock outlives a migrator that was killed, unless the server's limits say otherwise.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long is waited for a lock that another migrator holds: longer than one that was killed leaves it behind.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// How long its removal may take; what stays goes with the session.
const RELEASE_WITHIN: Duration = Duration::from_secs(5);

/// The lock, held until it is released or its session ends.
#[derive(Debug)]
pub struct Guard {
    lock: OwnedLockClient,
    client: Client,
    directory: String,
}

impl Guard {
    /// Takes the lock of the cluster whose root is `root`, for the migration `id`.
    pub async fn take(target: &Ensemble, root: &str, id: &str) -> Result<Self> {
        let directory = format!("{HOME}/{}", root.trim_matches('/').replace('/', "_"));
        let failed = |why: String| Error::new(ErrorKind::Unreachable, "target", "take the migration's lock", why);
        let client = connect(target, SESSION_TIMEOUT).await.map_err(|error| failed(error.to_string()))?;
        take_away_own(&client, &directory, id).await.map_err(|error| failed(error.to_string()))?;
        let open = Acls::anyone_all();
        let options = LockOptions::new(open)
            .with_ancestor_options(CreateMode::Persistent.with_acls(open))
            .map_err(|error| failed(error.to_string()))?;
        let prefix = LockPrefix::new_curator(&directory, "lock-").map_err(|error| failed(error.to_string()))?;
        let taken = timeout(WAIT_MAX, client.lock(prefix, id.as_bytes(), options)).await;
        let Ok(taken) = taken else {
            let holder = holder(&client, &directory).await;
            return Err(Error::new(
                ErrorKind::Refused,
                "target",
                "take the migration's lock",
                format!(
                    "another migrator holds {directory} ({holder}): wait until it has ended, or end it; what a \
                         migrator that was killed holds goes within {} s",
                    SESSION_TIMEOUT.as_secs()
                ),
            ));
        };
        let lock = taken.map_err(|error| failed(error.to_string()))?.into_owned();
        Ok(Self { lock, client: client.clone(), directory })
    }

    /// Whether the session that holds it has ended.
    pub fn is_lost(&self) -> bool {
        !matches!(self.client.state(), SessionState::SyncConnected | SessionState::Disconnected)
    }

    /// Gives the lock back, and takes its directory away where nobody else is in it. What can't be removed in time goes
    /// with the session, but for the empty directory.
    pub async fn release(self) {
        let Self { lock, client, directory } = self;
        let path = lock.lock_path().to_owned();
        let removed = timeout(RELEASE_WITHIN, async {
            for path in [path.as_str(), &directory, HOME] {
                match client.delete(path, None).await {
                    Ok(()) | Err(ZkError::NoNode | ZkError::NotEmpty) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
        .await;
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!("{directory} could not be removed from the target; it is of no use any more");
        }
        drop(lock);
    }
}

/// Takes away what this migration has left when its migrator was killed.
async fn take_away_own(client: &Client, directory: &str, id: &str) -> Result<(), ZkError> {
    let names = match client.list_children(directory).await {
        Ok(names) => names,
        Err(ZkError::NoNode) => return Ok(()),
        Err(error) => return Err(error),
    };
    for name in names {
        let path = format!("{directory}/{name}");
        match client.get_data(&path).await {
            Ok((data, stat)) if data == id.as_bytes() => match client.delete(&path, Some(stat.version)).await {
                Ok(()) | Err(ZkError::NoNode) => {}
                Err(error) => return Err(error),
            },
            Ok(_) | Err(ZkError::NoNode) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Which migration holds the lock, for a person.
async fn holder(client: &Client, directory: &str) -> String {
    let mut names = client.list_children(directory).await.unwrap_or_default();
    names.sort_by_key(|name| name.rsplit('-').next().map(str::to_owned));
    let Some(first) = names.first() else { return "by now nobody: try again".to_owned() };
    match client.get_data(&format!("{directory}/{first}")).await {
        Ok((data, _)) => format!("migration {}", String::from_utf8_lossy(&data)),
        Err(error) => format!("who can't be read: {error}"),
    }
}
