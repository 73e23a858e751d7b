//! Sessions of an ensemble for what is no tree's: the migration's own lock, a lock node, a question of time.

use std::time::Duration;

use futures::future::join_all;
use replicator::connect::endpoint;
use tokio::time::timeout;
use zookeeper_client::{Client, Error as ZkError};

use crate::trees::Ensemble;

/// How long one server may take to grant a session that is only opened to see its timeout.
const GRANTED_WITHIN: Duration = Duration::from_secs(3);

/// A session with these credentials, seen from the ensemble's chroot.
pub async fn connect(ensemble: &Ensemble, session_timeout: Duration) -> Result<Client, ZkError> {
    let mut connector = Client::connector().with_session_timeout(session_timeout);
    for auth in &ensemble.auths {
        connector = connector.with_auth(&auth.scheme, auth.credentials.as_bytes());
    }
    let chroot = if ensemble.connect.chroot.is_none() { "" } else { ensemble.connect.chroot.as_str() };
    connector.connect(&format!("{}{chroot}", ensemble.connect.servers())).await
}

/// What the servers make of a session timeout that is `asked` of them: each has limits of its own (minSessionTimeout and
/// maxSessionTimeout, 2 and 20 ticks unless configured), and nobody knows which one a meta server will ask. The longest of
/// those that answer; `None` where none does.
pub async fn granted(ensemble: &Ensemble, asked: Duration) -> Option<Duration> {
    let one = async |server: String| {
        let connector = Client::connector().with_session_timeout(asked);
        let client = timeout(GRANTED_WITHIN, connector.connect(&server)).await.ok()?.ok()?;
        Some(client.session_timeout())
    };
    let servers = ensemble.connect.hosts.iter().map(|(host, port)| one(endpoint(host, *port)));
    join_all(servers).await.into_iter().flatten().max()
}
