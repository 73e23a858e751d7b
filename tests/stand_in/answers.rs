//! What is answered to each RPC: who may answer first, then what.

mod command;
mod reads;
mod recovery;
mod writes;

pub(crate) use reads::pairs;

use migrator::pegasus::frame::Request;
use migrator::pegasus::messages::{
    Call, ClusterInfoRequest, CommandRequest, ControlMetaRequest, ListAppsRequest, ListNodesRequest, PartitionConfig,
    QueryConfigReply, QueryConfigRequest, RecoveryRequest,
};
use migrator::pegasus::record::{Value, decode_body, encode_body};
use migrator::pegasus::types::ErrorCode;

use crate::nodes::address;
use crate::records::Refusal;
use crate::server::Server;
use crate::state::Phase;

/// What becomes of a request.
pub(crate) enum Answered {
    /// A reply's record.
    Body(Vec<u8>),
    /// The RPC is not known here.
    NoHandler,
    /// Nothing, for ever.
    Never,
}

pub(crate) async fn answer(server: &Server, request: &Request) -> Answered {
    let phase = server.state().phase;
    if phase == Phase::Starting {
        return Answered::NoHandler;
    }
    match request.rpc.as_str() {
        CommandRequest::RPC => reply(request, |asked| command::answer(&asked)),
        "RPC_FD_FAILURE_DETECTOR_PING" => reply(request, |beacon| reads::ping(server, &beacon)),
        QueryConfigRequest::RPC => match refusal(server) {
            Some(err) => body(&follower(server, err)),
            None => reply(request, |asked| reads::query_config(server, &asked)),
        },
        ClusterInfoRequest::RPC => lead(server, request, |_: ClusterInfoRequest| reads::cluster_info(server)),
        ListAppsRequest::RPC => lead(server, request, |asked| reads::list_apps(server, &asked)),
        ListNodesRequest::RPC => lead(server, request, |asked| reads::list_nodes(server, &asked)),
        ControlMetaRequest::RPC => lead(server, request, |asked| reads::control_meta(server, &asked)),
        RecoveryRequest::RPC => recovery::answer(server, request).await,
        _ => writes::answer(server, request).await,
    }
}

/// Why this server does not answer for the cluster (`meta/meta_service.h`, `check_leader_status`).
fn refusal(server: &Server) -> Option<&'static str> {
    match server.state().phase {
        Phase::Starting | Phase::Follower => Some(ErrorCode::FORWARD_TO_OTHERS),
        Phase::Loading => Some(ErrorCode::SERVICE_NOT_ACTIVE),
        Phase::Recovering => Some(ErrorCode::UNDER_RECOVERY),
        Phase::Serving => None,
    }
}

/// The reply to a request that anyone answers. One that can't be read is never answered.
fn reply<Q: Value, A: Value>(request: &Request, answer: impl FnOnce(Q) -> A) -> Answered {
    decode_body(&request.body).map_or(Answered::Never, |asked| body(&answer(asked)))
}

/// The reply to a request that only the primary answers.
fn lead<Q: Value, A: Value + Refusal>(server: &Server, request: &Request, answer: impl FnOnce(Q) -> A) -> Answered {
    match refusal(server) {
        Some(err) => body(&A::refuse(err)),
        None => reply(request, answer),
    }
}

fn body(reply: &impl Value) -> Answered {
    Answered::Body(encode_body(0, reply))
}

/// Where a follower sends those who ask for partitions: `partitions[0].primary`.
fn follower(server: &Server, err: &str) -> QueryConfigReply {
    let leader = server.state().leader.clone().filter(|_| err == ErrorCode::FORWARD_TO_OTHERS);
    let named = leader.and_then(|leader| leader.parse().ok().map(|name| (name, address(&leader))));
    let partitions =
        named.map(|(name, primary)| PartitionConfig { primary, hp_primary: Some(name), ..PartitionConfig::default() });
    QueryConfigReply { partitions: partitions.into_iter().collect(), ..QueryConfigReply::refuse(err) }
}
