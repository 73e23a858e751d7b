//! The client against servers of a few lines, each with its way of answering.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{MetaClient, MetaOptions, Role};
use crate::error::{Error, ErrorKind};
use crate::pegasus::frame::{Reply, Request, ThriftReply};
use crate::pegasus::messages::{
    Call, ClusterInfoRequest, ControlMetaReply, ControlMetaRequest, ListAppsReply, PartitionConfig, QueryConfigReply,
    QueryConfigRequest, RecoveryReply, RecoveryRequest,
};
use crate::pegasus::record::{Value, encode_body};
use crate::pegasus::types::{ErrorCode, HostPort, Level};

crate::record! {
    /// What all replies begin with.
    struct OnlyErr {
        /// The server's word.
        1: err: ErrorCode,
    }
}

/// What a server does with a request: the bytes that it answers, or none and the connection is left as it is.
type Answers = Arc<dyn Fn(&Request) -> Option<Vec<u8>> + Send + Sync>;

/// A server that lives as long as the test's runtime; its address.
async fn server(answers: impl Fn(&Request) -> Option<Vec<u8>> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    let answers: Answers = Arc::new(answers);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&answers)));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, answers: Answers) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        if Request::frame_length(&bytes).expect("the client asks properly") == Some(bytes.len()) {
            let request = Request::decode(&bytes).expect("the client asks properly");
            match answers(&request) {
                Some(reply) => stream.write_all(&reply).await.expect("the client listens"),
                None => std::future::pending().await,
            }
            return;
        }
    }
}

fn answer(request: &Request, reply: &impl Value) -> Vec<u8> {
    Reply::Thrift(ThriftReply {
        error: ErrorCode::OK.into(),
        rpc: format!("{}_ACK", request.rpc),
        sequence: request.sequence,
        body: encode_body(0, reply),
    })
    .encode()
}

/// A primary without tables, whose level is blind.
fn primary(request: &Request) -> Vec<u8> {
    let err = ErrorCode::from(ErrorCode::OK);
    match request.rpc.as_str() {
        ControlMetaRequest::RPC => answer(request, &ControlMetaReply { err, old_level: 200 }),
        QueryConfigRequest::RPC => {
            answer(request, &QueryConfigReply { err: "ERR_OBJECT_NOT_FOUND".into(), ..QueryConfigReply::default() })
        }
        RecoveryRequest::RPC => {
            answer(request, &RecoveryReply { err: "ERR_TRY_AGAIN".into(), hint_message: "x".into() })
        }
        _ => answer(request, &ListAppsReply { err, ..ListAppsReply::default() }),
    }
}

/// A follower that names `primary`.
fn follower(request: &Request, primary: Option<&str>) -> Vec<u8> {
    let err = ErrorCode::from(ErrorCode::FORWARD_TO_OTHERS);
    let named = primary.map(|primary| PartitionConfig {
        hp_primary: Some(primary.parse::<HostPort>().expect("it is an address")),
        ..PartitionConfig::default()
    });
    match request.rpc.as_str() {
        QueryConfigRequest::RPC => {
            let partitions = named.into_iter().collect();
            answer(request, &QueryConfigReply { err, partitions, ..QueryConfigReply::default() })
        }
        _ => answer(request, &OnlyErr { err }),
    }
}

fn client(servers: &[&String]) -> MetaClient {
    let options = MetaOptions {
        connect_timeout: Duration::from_secs(5),
        call_timeout: Duration::from_millis(500),
        recovery_timeout: Duration::from_secs(5),
        primary_wait: Duration::from_millis(500),
        retry_wait: Duration::from_millis(20),
    };
    MetaClient::new(servers.iter().map(|&server| server.clone()).collect(), options).expect("they are servers")
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    listener.local_addr().expect("it is bound").to_string()
}

#[tokio::test]
async fn the_primary_is_found_behind_a_follower_and_a_dead_server() {
    let leader = server(|request| Some(primary(request))).await;
    let named = leader.clone();
    let other = server(move |request| Some(follower(request, Some(&named)))).await;
    let client = client(&[&nobody().await, &other]);
    assert_eq!(client.primary().await.expect("it is named"), leader);
    assert_eq!(client.level().await.expect("it answers"), Level::Blind);
    assert_eq!(client.role(&other).await.expect("it answers"), Role::Follower(vec![leader]));
}

#[tokio::test]
async fn a_change_of_primary_is_survived() {
    let asked = Arc::new(AtomicUsize::new(0));
    let new = server(|request| Some(primary(request))).await;
    let named = new.clone();
    let old = server(move |request| match asked.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Some(primary(request)),
        _ => Some(follower(request, Some(&named))),
    })
    .await;
    let client = client(&[&old]);
    assert_eq!(client.set_level(Level::Steady).await.expect("it answers"), Level::Blind);
    assert_eq!(client.level().await.expect("it answers"), Level::Blind);
    assert_eq!(client.known(), Some(new));
}

#[tokio::test]
async fn a_primary_that_loads_its_state_is_waited_for() {
    let asked = AtomicUsize::new(0);
    let loading = server(move |request| match asked.fetch_add(1, Ordering::Relaxed) {
        0..6 => Some(answer(request, &OnlyErr { err: ErrorCode::SERVICE_NOT_ACTIVE.into() })),
        _ => Some(primary(request)),
    })
    .await;
    assert_eq!(client(&[&loading]).list_apps(None).await.expect("it answers at last"), []);
}

#[tokio::test]
async fn nobody_is_primary_for_a_bounded_time() {
    let other = server(|request| Some(follower(request, None))).await;
    let error = client(&[&other]).cluster_info().await.expect_err("there is no primary");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::Unreachable, false));
    assert!(error.to_string().contains("names nobody"), "{error}");
}

#[tokio::test]
async fn a_write_without_an_answer_is_sent_once_and_its_outcome_is_unknown() {
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&writes);
    let silent = server(move |request| {
        if request.rpc == QueryConfigRequest::RPC {
            return Some(primary(request));
        }
        counted.fetch_add(1, Ordering::Relaxed);
        None
    })
    .await;
    let error = client(&[&silent]).set_level(Level::Blind).await.expect_err("nobody answers");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::TimedOut, true));
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    let error = client(&[&silent]).level().await.expect_err("nobody answers");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::TimedOut, false));
}

#[tokio::test]
async fn a_write_that_was_not_sent_has_a_known_outcome() {
    let request = ControlMetaRequest { level: 200 };
    let nobody = nobody().await;
    let error = client(&[&nobody]).ask_one(&nobody, &request).await.expect_err("nobody listens");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::Unreachable, false));
}

#[tokio::test]
async fn a_recovery_gives_its_word_whatever_it_is() {
    let leader = server(|request| Some(primary(request))).await;
    let request = RecoveryRequest::of_nodes(&["127.0.0.1:34801".to_owned()]).await.expect("it is an address");
    assert_eq!(request.recovery_nodes[0].to_string(), "127.0.0.1:34801");
    let reply = client(&[&leader]).start_recovery(&request).await.expect("it answers");
    assert_eq!((reply.err.0.as_str(), reply.hint_message.as_str()), ("ERR_TRY_AGAIN", "x"));
}

#[tokio::test]
async fn damaged_answers_are_errors() {
    let refused = async |bytes: Vec<u8>| -> Error {
        let damaged = server(move |_| Some(bytes.clone())).await;
        client(&[&damaged]).ask_one(&damaged, &ClusterInfoRequest).await.expect_err("it is damaged")
    };
    let huge = refused(vec![0xff, 0xff, 0xff, 0xff, 0]).await;
    assert_eq!(huge.kind, ErrorKind::Protocol);
    assert!(huge.why.contains("4294967295 bytes"), "{huge}");
    let cut = refused(vec![0, 0, 1, 0, 0, 0]).await;
    assert_eq!(cut.kind, ErrorKind::Unreachable);
    let noise = refused([&[0, 0, 0, 32][..], &[7; 28]].concat()).await;
    assert_eq!(noise.kind, ErrorKind::Protocol);
    let other = Request::new("RPC_CM_OTHER", 0, 0, Vec::new());
    let other = refused(answer(&other, &ControlMetaReply::default())).await;
    assert!(other.why.contains("RPC_CM_OTHER_ACK with number 0 is no answer"), "{other}");
}

#[tokio::test]
async fn a_server_without_a_handler_refuses() {
    let other = server(|request| {
        let (rpc, error) = (format!("{}_ACK", request.rpc), "ERR_HANDLER_NOT_FOUND".into());
        Some(Reply::Thrift(ThriftReply { error, rpc, sequence: request.sequence, body: Vec::new() }).encode())
    })
    .await;
    let error = client(&[&other]).command(&other, "help", &[]).await.expect_err("it has no handler");
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::Refused, false));
    assert!(error.to_string().ends_with("it answers ERR_HANDLER_NOT_FOUND"), "{error}");
}

/// A server that answers any HTTP request with these bytes.
async fn http_server(bytes: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut asked).await.expect("the client asks");
            }
            stream.write_all(bytes.as_bytes()).await.expect("the client listens");
            // Like the real one, it leaves the connection open.
            std::mem::forget(stream);
        }
    });
    address
}

#[tokio::test]
async fn configuration_values_are_asked_of_one_server() {
    let body = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 41\r\n\r\n{\"name\":\"timeout_ms\",\"a\":1,\"value\":10000}";
    let asked = http_server(body).await;
    let client = client(&[&asked]);
    assert_eq!(client.config_value(&asked, "timeout_ms").await.expect("it answers"), "10000");
    assert_eq!(client.config_value(&asked, "hosts_list").await.expect_err("it is another").kind, ErrorKind::Protocol);
    assert_eq!(client.config_value(&asked, "a b").await.expect_err("it is no name").kind, ErrorKind::Input);
    let huge = http_server("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").await;
    assert_eq!(client.config_value(&huge, "x").await.expect_err("it is too long").kind, ErrorKind::Protocol);
    let missing = http_server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let error = client.config_value(&missing, "x").await.expect_err("it is not there");
    assert!(error.to_string().ends_with("it answers with status 404"), "{error}");
}

#[test]
fn lists_of_servers_are_checked() {
    for servers in [vec![], vec!["a1"], vec!["a1:0"], vec![":34601"], vec!["a1:34601"; 33]] {
        let servers = servers.into_iter().map(str::to_owned).collect();
        let error = MetaClient::new(servers, MetaOptions::default()).expect_err("it is no list of servers");
        assert_eq!(error.kind, ErrorKind::Input);
    }
}

#[tokio::test]
async fn calls_can_be_spawned() {
    let leader = server(|request| Some(primary(request))).await;
    let client = Arc::new(client(&[&leader]));
    let asked = Arc::clone(&client);
    let level = tokio::spawn(async move { asked.level().await });
    assert_eq!(level.await.expect("it does not panic").expect("it answers"), Level::Blind);
    let asked = Arc::clone(&client);
    let value = tokio::spawn(async move { asked.config_value("127.0.0.1:1", "hosts_list").await });
    assert!(value.await.expect("it does not panic").is_err());
}
