//! The port: what comes is an RPC in one of three framings or a GET, and is answered in its own.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use migrator::pegasus::frame::{RdsnHeader, Reply, Request, RequestHeader, ThriftReply};
use migrator::pegasus::messages::{AppInfo, PartitionConfig};
use migrator::pegasus::record::{Damage, encode_body};
use migrator::pegasus::types::{AppStatus, ErrorCode, RpcAddress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::admin::Admin;
use crate::answers::{self, Answered};
use crate::config::{Config, Settings};
use crate::keeper::Keeper;
use crate::nodes::address;
use crate::state::{Phase, State};
use crate::{http, json};

/// Codes of the real one's build that its native replies carry (`tests/golden/pegasus-rpc/*.rdsn*`).
const TASK_CODES: [(&str, u32); 2] = [("RPC_CM_CLUSTER_INFO", 0x42), ("RPC_CM_CONTROL_META", 0x44)];
const ERROR_CODES: [(&str, u32); 2] = [(ErrorCode::FORWARD_TO_OTHERS, 9), ("ERR_HANDLER_NOT_FOUND", 11)];

pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) settings: Settings,
    keeper: OnceLock<Arc<Keeper>>,
    state: Mutex<State>,
    /// One write at a time; reads go on meanwhile.
    pub(crate) writing: tokio::sync::Mutex<()>,
}

impl Server {
    pub(crate) fn new(config: Config, settings: Settings) -> Self {
        let state = State { level: settings.level_on_start.number(), ..State::default() };
        let writing = tokio::sync::Mutex::new(());
        Self { config, settings, keeper: OnceLock::new(), state: Mutex::new(state), writing }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is to the cluster, and whom it names as a follower.
    pub(crate) fn standing(&self) -> (Phase, Option<String>) {
        let state = self.state();
        (state.phase, state.leader.clone())
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin::read(self.settings.admin.as_deref())
    }

    pub(crate) fn set_keeper(&self, keeper: Arc<Keeper>) {
        let _ = self.keeper.set(keeper);
    }

    /// Only a server that serves or recovers asks for it, and it has one by then.
    pub(crate) fn keeper(&self) -> &Keeper {
        self.keeper.get().expect("it is set before there are handlers")
    }

    /// A path below the cluster's root.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.settings.cluster_root.trim_end_matches('/'))
    }

    /// Writes a table, which may be in another state in memory, and has it in memory then.
    pub(crate) async fn write_app(&self, info: AppInfo, stored: AppStatus) {
        let path = self.path(&format!("apps/{}", info.app_id));
        self.keeper().set(&path, &json::app(&info, stored)).await;
        self.state().change(info.app_id, |app| *app = info.clone());
    }

    /// Writes a partition, and has it in memory then.
    pub(crate) async fn write_partition(&self, config: PartitionConfig) {
        let path = self.path(&format!("apps/{}/{}", config.pid.app_id, config.pid.index));
        self.keeper().set(&path, &json::partition(&config)).await;
        if let Some(app) = self.state().apps.get_mut(&config.pid.app_id) {
            app.partitions.insert(config.pid.index, config);
        }
    }
}

/// Seconds of the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

pub(crate) async fn listen(server: Arc<Server>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let server = Arc::clone(&server);
        tokio::task::spawn_local(async move { converse(&server, stream).await });
    }
}

/// Answers until the other side closes, or says what is no request: then the connection is closed.
async fn converse(server: &Server, mut stream: TcpStream) {
    let mut bytes = Vec::new();
    while let Ok(read) = stream.read_buf(&mut bytes).await {
        if read == 0 {
            return;
        }
        while !bytes.is_empty() {
            let reply = match next(server, &mut bytes).await {
                Ok(Some(reply)) => reply,
                Ok(None) => break,
                Err(_) => return,
            };
            if stream.write_all(&reply).await.is_err() {
                return;
            }
        }
    }
}

/// The answer to what stands at the beginning of `bytes`, which is taken away; none: it is not there in full, or there will
/// never be one.
async fn next(server: &Server, bytes: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Damage> {
    if bytes.starts_with(b"GET ") {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let head: Vec<u8> = bytes.drain(..end + 4).collect();
        return Ok(Some(http::answer(server, &String::from_utf8_lossy(&head))));
    }
    match Request::frame_length(bytes)? {
        Some(length) if length <= bytes.len() => {
            let frame: Vec<u8> = bytes.drain(..length).collect();
            Ok(answer(server, &Request::decode(&frame)?).await)
        }
        _ => Ok(None),
    }
}

async fn answer(server: &Server, request: &Request) -> Option<Vec<u8>> {
    let admin = server.admin();
    if admin.crash_at.contains(&request.rpc) {
        crate::fail(&format!("told to at {}", request.rpc));
    }
    if let RequestHeader::Rdsn(header) = &request.header {
        let forwards = header.context & RdsnHeader::CAN_FORWARD != 0 && request.rpc.starts_with("RPC_CM_");
        let (phase, leader) = server.standing();
        if let Some(leader) = leader.filter(|_| phase == Phase::Follower && forwards) {
            // Another port than that of a pure client means a real forward, which the client sees nothing of.
            let pure = header.from_address.socket().is_some_and(|socket| (1..1024).contains(&socket.port()));
            let body = encode_body(0, &address(&leader));
            return pure.then(|| rdsn(server, header, &request.rpc, ErrorCode::FORWARD_TO_OTHERS, body));
        }
    }
    let (error, body) = match answers::answer(server, request).await {
        Answered::Body(body) => (ErrorCode::OK, body),
        Answered::NoHandler => ("ERR_HANDLER_NOT_FOUND", Vec::new()),
        Answered::Never => return None,
    };
    if admin.is_silent(&request.rpc) {
        return None;
    }
    if let RequestHeader::Rdsn(header) = &request.header {
        return Some(rdsn(server, header, &request.rpc, error, body));
    }
    let (error, rpc) = (ErrorCode::from(error), format!("{}_ACK", request.rpc));
    Some(Reply::Thrift(ThriftReply { error, rpc, sequence: request.sequence, body }).encode())
}

fn rdsn(server: &Server, request: &RdsnHeader, rpc: &str, error: &str, body: Vec<u8>) -> Vec<u8> {
    let code =
        |codes: &[(&str, u32)], name: &str| codes.iter().find(|(known, _)| *known == name).map_or(0, |(_, code)| *code);
    let header = RdsnHeader {
        rpc_name: format!("{rpc}_ACK"),
        local_code: [code(&TASK_CODES, rpc), 0],
        context: request.context & !RdsnHeader::IS_REQUEST,
        from_address: own_address(server),
        error_name: error.to_owned(),
        local_error: [code(&ERROR_CODES, error), 0],
        ..request.clone()
    };
    Reply::Rdsn(Box::new(header), body).encode()
}

pub(crate) fn own_address(server: &Server) -> RpcAddress {
    address(&server.settings.name)
}
