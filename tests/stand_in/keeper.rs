//! The stand-in's ZooKeeper session: the lock by the official recipe, and what is read and written below it.
//!
//! The real one's client never gives a session up by itself: only the server can say that it has expired. So when ours does
//! after a long time without a server, it is taken up again with the same session. When it has expired, the process exits
//! with 0 (`meta/meta_server_failure_detector.cpp:191`).

use std::process::exit;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions, Error, SessionState};

use crate::{fail, say};

const RETRY: Duration = Duration::from_millis(100);
/// Where the lock's children are, below the lock's root.
const LOCK: &str = "dsn.meta.server.leader";
/// What their names begin with.
const PREFIX: &str = "LOCKNODE";

/// A session that lives as long as the server says so.
pub(crate) struct Keeper {
    hosts: String,
    session_timeout: Duration,
    client: Mutex<Client>,
}

impl Keeper {
    /// Aborts when there is no session within its timeout.
    pub(crate) async fn connect(hosts: &str, session_timeout: Duration) -> Self {
        let connect = connector(session_timeout).connect(hosts);
        let client = match timeout(session_timeout, connect).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => fail(&format!("zookeeper {hosts}: {error}")),
            Err(_) => fail(&format!("zookeeper {hosts}: no session within {session_timeout:?}")),
        };
        Self { hosts: hosts.to_owned(), session_timeout, client: Mutex::new(client) }
    }

    /// Keeps the session for as long as the server does.
    pub(crate) async fn keep(&self) {
        loop {
            let client = self.client();
            let mut watcher = client.state_watcher();
            let mut state = watcher.peek_state();
            while !state.is_terminated() {
                state = watcher.changed().await;
            }
            if state != SessionState::Expired {
                fail(&format!("the zookeeper session ended: {state:?}"));
            }
            say("without zookeeper for long");
            let again = loop {
                let connect = connector(self.session_timeout).with_session(client.session().clone());
                match connect.connect(&self.hosts).await {
                    Ok(again) if again.session_id() == client.session_id() => break again,
                    Ok(_) | Err(Error::SessionExpired) => {
                        say("the zookeeper session has expired");
                        exit(0);
                    }
                    Err(_) => sleep(RETRY).await,
                }
            };
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = again;
        }
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does something with the session until it comes to an end that is not the connection's.
    async fn persist<T>(&self, act: impl AsyncFn(Client) -> Result<T, Error>) -> Result<T, Error> {
        loop {
            match act(self.client()).await {
                Err(Error::ConnectionLoss | Error::Timeout | Error::SessionExpired | Error::ClientClosed) => {
                    sleep(RETRY).await;
                }
                result => return result,
            }
        }
    }

    /// The data of a znode, if it is there.
    pub(crate) async fn data(&self, path: &str) -> Option<Vec<u8>> {
        match self.persist(async |client| client.get_data(path).await).await {
            Ok((data, _)) => Some(data),
            Err(Error::NoNode) => None,
            Err(error) => fail(&format!("get {path}: {error}")),
        }
    }

    /// The names of a znode's children, none where it is not there.
    pub(crate) async fn children(&self, path: &str) -> Vec<String> {
        match self.persist(async |client| client.list_children(path).await).await {
            Ok(children) => children,
            Err(Error::NoNode) => Vec::new(),
            Err(error) => fail(&format!("list {path}: {error}")),
        }
    }

    /// Makes a znode, unless it is there.
    pub(crate) async fn create(&self, path: &str, data: &[u8]) {
        let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
        match self.persist(async |client| client.create(path, data, &options).await).await {
            Ok(_) | Err(Error::NodeExists) => {}
            Err(error) => fail(&format!("create {path}: {error}")),
        }
    }

    /// Makes a znode and all above it, unless they are there.
    pub(crate) async fn create_path(&self, path: &str) {
        for (end, _) in path.match_indices('/').filter(|(at, _)| *at > 0) {
            self.create(&path[..end], b"").await;
        }
        if path != "/" {
            self.create(path, b"").await;
        }
    }

    /// Sets a znode's data.
    pub(crate) async fn set(&self, path: &str, data: &[u8]) {
        if let Err(error) = self.persist(async |client| client.set_data(path, data, None).await).await {
            fail(&format!("set {path}: {error}"));
        }
    }

    /// Waits until the lock is held; tells who holds it meanwhile. Never returns while a child with a lower number is
    /// there, be it nobody's.
    pub(crate) async fn lock(&self, root: &str, myself: &str, mut holder: impl FnMut(String)) {
        let directory = format!("{}/{LOCK}", root.trim_end_matches('/'));
        self.create_path(&directory).await;
        let options: CreateOptions<'_> = CreateMode::EphemeralSequential.with_acls(Acls::anyone_all());
        let path = format!("{directory}/{PREFIX}");
        let created = self.persist(async |client| client.create(&path, myself.as_bytes(), &options).await).await;
        let mine = match created {
            Ok((_, sequence)) => format!("{PREFIX}{sequence}"),
            // A persistent znode that has this number (`zookeeper/lock_struct.cpp:593`).
            Err(error) => fail(&format!("create {path}: {error}")),
        };
        say(&format!("waits for the lock as {mine}"));
        loop {
            let listed = self.persist(async |client| client.list_and_watch_children(&directory).await).await;
            let (children, watcher) = listed.unwrap_or_else(|error| fail(&format!("list {directory}: {error}")));
            let lowest = children.into_iter().filter(|name| name.starts_with(PREFIX)).min();
            let Some(lowest) = lowest else { fail("the lock has gone") };
            if lowest == mine {
                return;
            }
            if let Some(data) = self.data(&format!("{directory}/{lowest}")).await {
                holder(String::from_utf8_lossy(&data).into_owned());
                watcher.changed().await;
            }
        }
    }
}

/// The session is left behind when the process ends.
fn connector(session_timeout: Duration) -> zookeeper_client::Connector {
    Client::connector().with_session_timeout(session_timeout).with_detached()
}
