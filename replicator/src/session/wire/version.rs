//! Whether a server knows multiRead, found out without hurting a session that serves anything.
//!
//! A server older than 3.6 answers an operation that it does not know with -6 and closes the session
//! (UnimplementedRequestProcessor.java:32-43). So its version is asked with `srvr`, on a connection of its own; where
//! that is not allowed (`4lw.commands.whitelist`), one session is opened for nothing but to try.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::connect;
use super::replies::done;
use crate::connect::Chroot;
use crate::error::{Code, Result};
use crate::jute::op;
use crate::options::EnsembleOptions;
use crate::session::srvr;
use crate::znode::ZnodePath;

/// The first release with multiRead.
const MULTI_READ_SINCE: (u32, u32) = (3, 6);

/// Whether the server at `address` knows multiRead: as the options say, or as it says itself. It is asked once in the
/// life of this process, however many sessions want to know.
pub(super) async fn has_multi_read(address: SocketAddr, options: &EnsembleOptions) -> Result<bool> {
    static KNOWN: LazyLock<Mutex<HashMap<SocketAddr, Arc<OnceCell<bool>>>>> = LazyLock::new(Mutex::default);
    if let Some(version) = options.server_version {
        return Ok(version >= MULTI_READ_SINCE);
    }
    let known = Arc::clone(KNOWN.lock().unwrap_or_else(PoisonError::into_inner).entry(address).or_default());
    known.get_or_try_init(|| find_out(address, options)).await.copied()
}

async fn find_out(address: SocketAddr, options: &EnsembleOptions) -> Result<bool> {
    if let Some(version) = srvr::ask(address).await.version {
        tracing::debug!(%address, ?version, "server version");
        return Ok(version >= MULTI_READ_SINCE);
    }
    let known = probe(address, options).await?;
    tracing::debug!(%address, known, "multiRead tried, since srvr is not answered");
    Ok(known)
}

/// A multiRead on a session of its own.
async fn probe(address: SocketAddr, options: &EnsembleOptions) -> Result<bool> {
    let session = connect::open(address, options).await?;
    let tried = session.shared.send(op::MULTI_READ, |request| {
        request.multi_read(op::GET_DATA, Chroot::none().locate(&ZnodePath::root()));
        request.multi_end();
    });
    match done(tried, "ask for the version of").await {
        Ok(_) => {
            session.close().await;
            Ok(true)
        }
        Err(error) if error.code() == Some(Code::UNIMPLEMENTED) => Ok(false),
        Err(error) => Err(error),
    }
}
