//! Several servers that form one ensemble.
//!
//! For what only an ensemble shows: a leader that dies, a follower that serves reads, a client that moves on.
//!
//! Invariant: an ensemble that was returned has one leader, and every server of it serves.

use std::fmt::Write;

use crate::{
    Error, Installation, Server, ServerOptions, ports,
    server::{PORT_ATTEMPTS, START_LIMIT},
    until,
};

/// Servers that elect a leader among them. They end with this value, or with this process.
#[derive(Debug)]
pub struct Ensemble {
    servers: Vec<Server>,
}

impl Ensemble {
    /// Starts this many servers, 2 at least, and waits until all serve and one leads.
    ///
    /// # Errors
    /// Those of [`Server::start`].
    ///
    /// # Panics
    /// With fewer than 2 servers: ZooKeeper would run a single one standalone, without a leader.
    pub async fn start(servers: usize, options: ServerOptions) -> Result<Self, Error> {
        assert!(servers >= 2, "an ensemble has 2 servers at least");
        let installation = Installation::find()?;
        let mut attempt = 1;
        loop {
            let ensemble = Self::launch(&installation, servers, &options)?;
            match ensemble.ready().await {
                Ok(()) => return Ok(ensemble),
                Err(_taken) if attempt < PORT_ATTEMPTS && ensemble.servers.iter().any(Server::lost_its_port) => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The connect string that names all servers, running or not.
    pub fn connect_string(&self) -> String {
        let addresses: Vec<String> = self.servers.iter().map(Server::connect_string).collect();
        addresses.join(",")
    }

    /// The connect string of all servers with a chroot. `/` and the empty path mean none.
    pub fn at(&self, path: &str) -> String {
        self.connect_string() + path.trim_end_matches('/')
    }

    /// All servers, running or not.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The server of this index.
    ///
    /// # Panics
    /// If there is none.
    pub fn server(&self, index: usize) -> &Server {
        &self.servers[index]
    }

    /// The index of the leader. Waits until every running server serves and just one of them leads.
    ///
    /// # Errors
    /// [`Error::Timeout`] if that does not happen, as with too few servers for a quorum.
    pub async fn leader(&self) -> Result<usize, Error> {
        until("one leader", START_LIMIT, async || {
            let mut leaders = Vec::new();
            for (index, server) in self.servers.iter().enumerate().filter(|(_, server)| server.is_running()) {
                if server.mode().await? == "leader" {
                    leaders.push(index);
                }
            }
            <[usize; 1]>::try_from(leaders).ok().map(|[leader]| leader)
        })
        .await
    }

    /// Kills a server with SIGKILL, and waits for its end.
    ///
    /// # Errors
    /// Those of [`Server::kill`].
    pub async fn kill(&self, index: usize) -> Result<(), Error> {
        self.server(index).kill().await
    }

    /// Starts a server again on its ports and data, and waits until it serves: there must be a quorum with it.
    ///
    /// # Errors
    /// Those of [`Server::restart`].
    pub async fn restart(&self, index: usize) -> Result<(), Error> {
        self.server(index).restart().await
    }

    fn launch(installation: &Installation, servers: usize, options: &ServerOptions) -> Result<Self, Error> {
        let mut members = String::new();
        for id in 1..=servers {
            writeln!(members, "server.{id}=127.0.0.1:{}:{}", ports::free()?, ports::free()?)
                .expect("a String takes all that is written to it");
        }
        let servers = (1..=servers)
            .map(|id| Server::launch(installation, options, ports::free()?, Some((id, &members))))
            .collect::<Result<_, _>>()?;
        Ok(Self { servers })
    }

    async fn ready(&self) -> Result<(), Error> {
        for server in &self.servers {
            server.ready().await?;
        }
        self.leader().await.map(drop)
    }
}
