//! How lanes are opened: behind a sync and a zxid, waited for where the ensemble has been reached before, and as many beside
//! one another as the servers take.

use std::sync::Arc;

use super::{Lane, Session, diagnose};
use crate::error::{Code, ErrorKind, Result, Side};
use crate::options::EnsembleOptions;
use crate::retry::Kind;
use crate::znode::Zxid;

impl Lane {
    /// Opens a session and waits until the server behind it is up to date (sync), so that nothing read here is older
    /// than the moment of the call.
    pub async fn connect(side: Side, options: &EnsembleOptions) -> Result<Self> {
        Self::connect_behind(side, options, Zxid::default()).await
    }

    /// The same on a server that has applied all transactions up to `seen`; any other server refuses, and is passed
    /// over. The `zookeeper-client` transport knows no such barrier: its sync is the only one.
    ///
    /// An ensemble that has given a session before is waited for, as long as one that is lost.
    pub async fn connect_behind(side: Side, options: &EnsembleOptions, seen: Zxid) -> Result<Self> {
        let mut patience = options.retry.patience();
        let mut waiting = None;
        loop {
            let failed = match Self::try_connect(side, options, seen).await {
                Err(error) if matches!(error.kind, ErrorKind::Unreachable(_)) && options.retry.was_reached() => error,
                done => return done,
            };
            let Some(wait) = patience.next_wait() else { return Err(failed) };
            waiting.get_or_insert_with(|| options.retry.waits(&failed.to_string()));
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_connect(side: Side, options: &EnsembleOptions, seen: Zxid) -> Result<Self> {
        let session = match tokio::time::timeout(diagnose::connect_share(options), Session::connect(options, seen))
            .await
        {
            Ok(Ok(session)) => Arc::new(session),
            Ok(Err(error)) if error.kind == ErrorKind::Refused(Code::AUTH_FAILED) => return Err(error.at(side)),
            Ok(Err(error)) => return Err(diagnose::explain(options, &error.kind.to_string()).await.at(side)),
            Err(_) => return Err(diagnose::explain(options, "no session within the connect timeout").await.at(side)),
        };
        let (chroot, pace, retry) = (options.connect.chroot.clone(), options.pace.clone(), options.retry.clone());
        retry.reached();
        Ok(Self { side, chroot, session, latencies: options.observed.run(), pace, retry })
    }

    /// Opens up to `count` more sessions like this one at once, whose latencies are counted with this one's. How many there
    /// will be is up to the servers (maxClientCnxns): fewer are slower, and none is waited for.
    pub async fn connect_beside(&self, options: &EnsembleOptions, seen: Zxid, count: usize) -> Vec<Self> {
        let wanted = (0..count).map(|_| Self::try_connect(self.side, options, seen));
        let (mut lanes, mut refused) = (Vec::new(), None);
        for lane in futures::future::join_all(wanted).await {
            match lane {
                Ok(lane) => lanes.push(Self { latencies: Arc::clone(&self.latencies), ..lane }),
                Err(error) => {
                    self.retry.count(Kind::Missing);
                    refused = Some(error);
                }
            }
        }
        if let Some(error) = refused {
            let given = if lanes.is_empty() { "none".to_owned() } else { format!("only {}", lanes.len()) };
            tracing::warn!("{given} of {count} further sessions was to be had, which is slower: {error}");
        }
        lanes
    }
}
