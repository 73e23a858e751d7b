//! Every operation that the session speaks beyond what a copy needs, on a real server: deletes and checks in a multi,
//! lists with their stat, watches, and the answers to each kind of create.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use harness::{Server, ServerOptions, read_tree, shared_pair, unique_root};
use replicator::connect::{Chroot, Located};
use replicator::error::{Code, Error, ErrorKind, Side};
use replicator::jute::{self, ConnectRequest, Decoder, Encoder, MultiResult, op};
use replicator::options::{EnsembleOptions, Transport};
use replicator::session::watch::{Change, Event, Scope};
use replicator::session::{Lane, WriteOp};
use replicator::znode::{Acl, Kind, ZnodePath};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::product::Outcome;

const LIMIT: Duration = Duration::from_secs(20);

async fn lane(server: &Server, root: &str, transport: Transport) -> Result<Lane, Error> {
    let options = EnsembleOptions { transport, ..EnsembleOptions::to(server.at(root).parse()?) };
    Lane::connect(Side::Target, &options).await
}

fn create(path: &str) -> WriteOp {
    let data = Some(Bytes::from_static(b"data"));
    WriteOp::Create { path: ZnodePath::new(path), data, acl: Acl::open(), kind: Kind::Persistent }
}

fn delete(path: &str, version: i32) -> WriteOp {
    WriteOp::Delete { path: ZnodePath::new(path), version }
}

fn check(path: &str, version: i32) -> WriteOp {
    WriteOp::Check { path: ZnodePath::new(path), version }
}

fn set_data(path: &str) -> WriteOp {
    WriteOp::SetData { path: ZnodePath::new(path), data: None, version: -1 }
}

#[tokio::test]
async fn deletes_and_checks_are_all_or_nothing_on_both_transports() -> Outcome {
    let (_, target) = shared_pair().await?;
    for transport in [Transport::Wire, Transport::ZookeeperClient] {
        let root = unique_root("deletes");
        let lane = lane(target, &root, transport).await?;
        lane.write(vec![create("/"), create("/a"), create("/a/b"), create("/c"), set_data("/c")]).await?;
        let client = target.client().await?;
        let before = read_tree(&client, &root).await?;
        for (refused, code) in [
            (delete("/a", -1), Code::NOT_EMPTY),
            (delete("/a/b", 7), Code::BAD_VERSION),
            (check("/c", 0), Code::BAD_VERSION),
            (delete("/none", -1), Code::NO_NODE),
            (check("/none", -1), Code::NO_NODE),
        ] {
            let path = format!("{root}{}", refused.path());
            let error = lane.write(vec![check("/c", 1), create("/d"), refused]).await.expect_err("it is refused");
            assert_eq!((error.code(), error.path), (Some(code), Some(path)));
        }
        assert_eq!(read_tree(&client, &root).await?, before, "a multi that failed has left something");

        lane.write(vec![check("/", -1), check("/c", 1), delete("/c", 1), delete("/a/b", 0), delete("/a", -1)]).await?;
        let (names, stat) = lane.children(&ZnodePath::root()).await?.ok_or("the root is missing")?;
        assert_eq!((names.len(), stat.num_children, stat.cversion), (0, 0, 4));
    }
    Ok(())
}

#[tokio::test]
async fn a_list_of_children_comes_with_its_stat_on_both_transports() -> Outcome {
    let (source, _) = shared_pair().await?;
    for transport in [Transport::Wire, Transport::ZookeeperClient] {
        let root = unique_root("lists");
        let lane = lane(source, &root, transport).await?;
        lane.write(vec![create("/"), create("/a"), create("/b"), create("/b/c")]).await?;
        let (names, stat) = lane.children(&ZnodePath::root()).await?.ok_or("the root is missing")?;
        let mut names: Vec<&str> = names.iter().collect();
        names.sort_unstable();
        assert_eq!((&names[..], stat.num_children, stat.data_length), (&["a", "b"][..], 2, 4));
        assert!(lane.children(&ZnodePath::new("/none")).await?.is_none());
    }
    Ok(())
}

#[tokio::test]
async fn a_watch_of_a_tree_sees_what_happens_in_it_in_order() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("watch");
    let lane = lane(source, &root, Transport::Wire).await?;
    lane.write(vec![create("/")]).await?;
    let mut events = lane.watch(&ZnodePath::root(), Scope::Tree).await?;

    // Somebody else does it, once by once and in one multi.
    let client = source.client().await?;
    let options = zookeeper_client::CreateMode::Persistent.with_acls(zookeeper_client::Acls::anyone_all());
    client.create(&format!("{root}/a"), b"", &options).await?;
    client.set_data(&format!("{root}/a"), b"new", None).await?;
    client.set_data(&root, b"new", None).await?;
    let mut multi = client.new_multi_writer();
    multi.add_create(&format!("{root}/a/b"), b"", &options)?;
    multi.add_delete(&format!("{root}/a/b"), None)?;
    multi.add_delete(&format!("{root}/a"), None)?;
    multi.commit().await?;

    for (change, path) in [
        (Change::Created, "/a"),
        (Change::DataSet, "/a"),
        (Change::DataSet, "/"),
        (Change::Created, "/a/b"),
        (Change::Deleted, "/a/b"),
        (Change::Deleted, "/a"),
    ] {
        let Event { change: seen, path: at, .. } =
            timeout(LIMIT, events.next()).await?.ok_or("the stream has ended")?;
        assert_eq!((seen, at.as_str()), (change, path));
    }
    lane.close().await;
    assert_eq!(timeout(LIMIT, events.next()).await?, None, "the session was closed");
    Ok(())
}

#[tokio::test]
async fn a_watch_of_one_znode_sees_its_children_come_and_go_and_no_further() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("watch-one");
    let lane = lane(source, &root, Transport::Wire).await?;
    lane.write(vec![create("/"), create("/a")]).await?;
    let mut events = lane.watch(&ZnodePath::new("/a"), Scope::Znode).await?;
    lane.write(vec![create("/b")]).await?;
    lane.write(vec![create("/a/b")]).await?;
    lane.write(vec![set_data("/a/b")]).await?;
    lane.write(vec![set_data("/a")]).await?;
    for (change, path) in [(Change::ChildrenChanged, "/a"), (Change::DataSet, "/a")] {
        let Event { change: seen, path: at, .. } =
            timeout(LIMIT, events.next()).await?.ok_or("the stream has ended")?;
        assert_eq!((seen, at.as_str()), (change, path));
    }
    Ok(())
}

#[tokio::test]
async fn a_watch_is_refused_where_there_is_none() -> Outcome {
    let (source, _) = shared_pair().await?;
    let crate_lane = lane(source, "", Transport::ZookeeperClient).await?;
    let error = crate_lane.watch(&ZnodePath::root(), Scope::Tree).await.expect_err("it has none");
    assert!(matches!(error.kind, ErrorKind::BadInput(_)), "{error}");
    let options = EnsembleOptions { server_version: Some((3, 5)), ..EnsembleOptions::to(source.at("").parse()?) };
    let old = Lane::connect(Side::Source, &options).await?;
    let error = old.watch(&ZnodePath::root(), Scope::Tree).await.expect_err("3.5 does not know it");
    assert_eq!(error.code(), Some(Code::UNIMPLEMENTED));
    // It was not asked, so the session lives.
    assert!(old.stat(&ZnodePath::root()).await?.is_some());
    Ok(())
}

/// A session of bare frames: what the server answers, byte for byte.
struct Bare(TcpStream);

impl Bare {
    async fn connect(server: &Server) -> Result<Self, Box<dyn std::error::Error>> {
        let mut bare = Self(TcpStream::connect(server.address()).await?);
        let mut frame = BytesMut::new();
        let request = ConnectRequest { timeout_ms: 30_000, ..ConnectRequest::default() };
        jute::frame(&mut frame, |encoder| encoder.connect(request)).expect("short");
        bare.exchange(&frame).await?;
        Ok(bare)
    }

    async fn exchange(&mut self, frame: &[u8]) -> std::io::Result<Bytes> {
        self.0.write_all(frame).await?;
        let length = self.0.read_i32().await?;
        let mut reply = vec![0; usize::try_from(length).expect("a length")];
        self.0.read_exact(&mut reply).await?;
        Ok(reply.into())
    }

    /// The results of one multi.
    async fn multi(
        &mut self,
        body: impl FnOnce(&mut Encoder<'_>),
    ) -> Result<Vec<MultiResult>, Box<dyn std::error::Error>> {
        let mut frame = BytesMut::new();
        jute::request(&mut frame, 1, op::MULTI, body).expect("short");
        let mut reply = Decoder::new(self.exchange(&frame).await?);
        assert_eq!(reply.reply_header()?.code, Code::OK);
        let results = std::iter::from_fn(|| reply.multi_result().transpose()).collect::<Result<_, _>>()?;
        assert_eq!(reply.rest(), b"", "bytes are left over");
        Ok(results)
    }
}

#[tokio::test]
async fn a_multi_of_every_kind_of_write_is_answered_as_it_is_decoded() -> Outcome {
    let server = Server::start(ServerOptions::default().property("zookeeper.extendedTypesEnabled", "true")).await?;
    let mut bare = Bare::connect(&server).await?;
    let none = Chroot::none();
    let [a, b, container, ttl] = ["/a", "/a/b", "/container", "/ttl"].map(ZnodePath::new);
    let open = Acl::open();
    let at = |path| -> Located<'_> { none.locate(path) };
    let results = bare.multi(|multi| {
        multi.multi_create(at(&a), None, &open, Kind::Persistent);
        multi.multi_create2(at(&b), Some(b"data"), &open);
        multi.multi_create(at(&container), None, &open, Kind::Container);
        multi.multi_create(at(&ttl), None, &open, Kind::Ttl { ttl_ms: 60_000 });
        multi.multi_set_data(at(&a), Some(b"data"), 0);
        multi.multi_check(at(&a), 1);
        multi.multi_delete(at(&b), 0);
        multi.multi_end();
    });
    let results = results.await?;
    assert_eq!(results.len(), 7);
    assert!(results.iter().all(|result| matches!(result, MultiResult::Written)), "{results:?}");
    let mut names = server.client().await?.list_children("/").await?;
    names.sort();
    assert_eq!(names, ["a", "container", "ttl", "zookeeper"]);

    let refused = bare.multi(|multi| {
        multi.multi_check(at(&a), 1);
        multi.multi_delete(at(&b), -1);
        multi.multi_create2(at(&b), None, &open);
        multi.multi_end();
    });
    let refused = refused.await?;
    let [MultiResult::Refused(Code::OK), MultiResult::Refused(Code::NO_NODE), MultiResult::Refused(last)] = refused[..]
    else {
        return Err(format!("{refused:?}").into());
    };
    assert_eq!(last, Code::RUNTIME_INCONSISTENCY);
    Ok(())
}
