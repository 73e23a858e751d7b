//! The wire transport on real servers, beside an independent client: what one wrote, the other reads.
//!
//! Lanes are used as the line uses them. The other client is `zookeeper-client`, none of the product's code.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use harness::{Server, ServerOptions, shared_pair, unique_root};
use replicator::{
    error::{Code, Error, ErrorKind, Side},
    options::{Auth, EnsembleOptions, Transport},
    retry::Retry,
    session::{Lane, ReadOp, ReadReply, WriteOp},
    znode::{Acl, AclEntry, Kind, ZnodePath, Zxid},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use zookeeper_client as zk;

use crate::product::{Outcome, run};

/// Nothing that is bounded in the product takes longer, on any machine.
const LIMIT: Duration = Duration::from_secs(20);

fn options(connect: &str) -> Result<EnsembleOptions, Error> {
    Ok(EnsembleOptions::to(connect.parse()?))
}

/// A lane at `root`, which it made.
async fn lane(server: &Server, root: &str) -> Result<Lane, Error> {
    let lane = Lane::connect(Side::Target, &options(&server.at(root))?).await?;
    lane.write(vec![create("/", None)]).await?;
    Ok(lane)
}

fn create(path: &str, data: Option<&'static [u8]>) -> WriteOp {
    WriteOp::Create {
        path: ZnodePath::new(path),
        data: data.map(Bytes::from_static),
        acl: Acl::open(),
        kind: Kind::Persistent,
    }
}

async fn data_of(lane: &Lane, path: &str) -> Result<Option<Bytes>, Box<dyn std::error::Error>> {
    let znode = lane.znode(&ZnodePath::new(path)).await?;
    Ok(znode.ok_or_else(|| format!("{path} is missing"))?.data)
}

#[tokio::test]
async fn what_the_wire_wrote_another_client_reads() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("wire-writes");
    let lane = lane(target, &root).await?;
    let acl = Acl::new([
        AclEntry { perms: 31, scheme: "world".into(), id: "anyone".into() },
        AclEntry { perms: 1, scheme: "ip".into(), id: "10.1.2.3".into() },
    ]);
    let path = ZnodePath::new("/a");
    // One behind the other without waiting: the later ones need the earlier ones.
    let writes = [
        lane.write(vec![create("/a", Some(b"first")), create("/a/\u{e4}\u{4e2d}", Some(b"")), create("/a/c", None)]),
        lane.write(vec![WriteOp::SetData {
            path: path.clone(),
            data: Some(Bytes::from_static(b"second")),
            version: 0,
        }]),
        lane.write(vec![WriteOp::SetAcl { path: path.clone(), acl: acl.clone(), aversion: 0, seals: false }]),
    ];
    for done in writes {
        done.await?;
    }

    let client = target.client().await?;
    let (data, stat) = client.get_data(&format!("{root}/a")).await?;
    assert_eq!((&data[..], stat.version, stat.aversion), (&b"second"[..], 1, 1));
    let (read, _) = client.get_acl(&format!("{root}/a")).await?;
    let written: Vec<(&str, &str)> = read.iter().map(|entry| (entry.scheme(), entry.id())).collect();
    assert_eq!(written, [("world", "anyone"), ("ip", "10.1.2.3")]);
    let mut children = client.list_children(&format!("{root}/a")).await?;
    children.sort();
    assert_eq!(children, ["c", "\u{e4}\u{4e2d}"]);
    let (seen, of_acl) = lane.acl(&path).await?;
    assert_eq!((seen, of_acl.czxid, of_acl.aversion), (acl, stat.czxid, 1), "an ACL comes with its own stat");
    assert!(lane.last_zxid().is_some_and(|zxid| zxid >= Zxid(stat.mzxid)), "{:?}", lane.last_zxid());
    lane.close().await;
    Ok(())
}

#[tokio::test]
async fn what_another_client_wrote_the_wire_reads_also_from_an_old_server() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("wire-reads");
    let client = source.client().await?;
    let open = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all());
    let readable = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_read());
    client.create(&root, b"root", &open).await?;
    client.create(&format!("{root}/b"), &vec![7; 200_000], &readable).await?;
    for n in 0..5_000 {
        client.create(&format!("{root}/{n:05}-a-name-that-is-long"), b"", &open).await?;
    }

    for (transport, version) in [
        (Transport::Wire, None),
        (Transport::Wire, Some((3, 4))),
        (Transport::Wire, Some((3, 6))),
        (Transport::ZookeeperClient, None),
    ] {
        let mut options = options(&source.at(&root))?;
        (options.transport, options.server_version) = (transport, version);
        let lane = Lane::connect(Side::Source, &options).await?;
        let (top, b, none) = (ZnodePath::root(), ZnodePath::new("/b"), ZnodePath::new("/none"));
        let ops = [ReadOp::Data(&top), ReadOp::Children(&top), ReadOp::Data(&none), ReadOp::Data(&b)];
        let replies = lane.read(&ops).await?;
        let [
            ReadReply::Data(Some(data), stat),
            ReadReply::Children(names),
            ReadReply::Refused(Code::NO_NODE),
            ReadReply::Data(Some(large), _),
        ] = &replies[..]
        else {
            return Err(format!("{replies:?}").into());
        };
        assert_eq!((&data[..], stat.num_children), (&b"root"[..], 5_001));
        assert_eq!((names.len(), large.len()), (5_001, 200_000));
        let mut names: Vec<&str> = names.iter().collect();
        names.sort_unstable();
        assert_eq!(
            (names[0], names[4_999], names[5_000]),
            ("00000-a-name-that-is-long", "04999-a-name-that-is-long", "b")
        );
        assert_eq!(lane.acl(&b).await?.0.to_string(), "world:anyone:r");
        assert_eq!(lane.stat(&b).await?.map(|stat| stat.data_length), Some(200_000));
        assert_eq!(lane.stat(&none).await?, None);
        lane.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn null_data_is_kept_apart_from_empty_data() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("wire-null");
    let lane = lane(target, &root).await?;
    lane.write(vec![create("/null", None), create("/empty", Some(b"")), create("/some", Some(b"x"))]).await?;
    let mut old = options(&target.at(&root))?;
    old.server_version = Some((3, 4));
    let old = Lane::connect(Side::Source, &old).await?;
    for lane in [&lane, &old] {
        assert_eq!(data_of(lane, "/null").await?, None);
        assert_eq!(data_of(lane, "/empty").await?, Some(Bytes::new()));
    }
    let set = |path: &str, data| WriteOp::SetData { path: ZnodePath::new(path), data, version: 0 };
    lane.write(vec![set("/null", Some(Bytes::new())), set("/empty", None)]).await?;
    assert_eq!(data_of(&lane, "/null").await?, Some(Bytes::new()));
    assert_eq!(data_of(&lane, "/empty").await?, None);
    Ok(())
}

#[tokio::test]
async fn copy_update_and_verify_keep_null_apart_from_empty() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("wire-null-copy");
    let from = lane(source, &root).await?;
    from.write(vec![create("/null", None), create("/empty", Some(b""))]).await?;
    let (at_source, at_target) = (source.at(&root), target.at(&root));
    run(&["copy", "--verify", &at_source, &at_target]).await.expect(0);
    let to = Lane::connect(Side::Target, &options(&at_target)?).await?;
    assert_eq!((data_of(&to, "/null").await?, data_of(&to, "/empty").await?), (None, Some(Bytes::new())));

    from.write(vec![WriteOp::SetData { path: ZnodePath::new("/null"), data: Some(Bytes::new()), version: 0 }]).await?;
    let verify = ["verify", "--format", "json", &at_source, &at_target];
    let different = run(&verify).await.expect(1).json();
    assert_eq!(different["verify"]["differences"]["differing"], 1);
    assert_eq!(different["verify"]["null_and_empty"], "told apart");
    let blind = run(&[&verify[..], &["--transport", "zookeeper-client"]].concat()).await.expect(0).json();
    assert!(blind["verify"]["null_and_empty"].as_str().is_some_and(|text| text.starts_with("not told apart")));

    let updated = run(&["copy", "--update", "--format", "json", &at_source, &at_target]).await.expect(0).json();
    assert_eq!(updated["copy"]["znodes"]["data_set"], 1);
    assert_eq!(data_of(&to, "/null").await?, Some(Bytes::new()));
    Ok(())
}

#[tokio::test]
async fn a_multi_that_fails_names_the_operation_and_leaves_nothing() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("wire-multi");
    let lane = lane(target, &root).await?;
    lane.write(vec![create("/there", None)]).await?;
    // In flight together: the second one needs what the first one does not leave.
    let first = lane.write(vec![create("/a", None), create("/there", None), create("/b", None)]);
    let second = lane.write(vec![create("/a/below", None)]);
    let third = lane.write(vec![create("/c", None)]);
    let error = first.await.expect_err("/there is there");
    assert_eq!((error.code(), error.path), (Some(Code::NODE_EXISTS), Some(format!("{root}/there"))));
    let error = second.await.expect_err("its parent was rolled back");
    assert_eq!((error.code(), error.path), (Some(Code::NO_NODE), Some(format!("{root}/a/below"))));
    third.await?;
    let (names, stat) = lane.children(&ZnodePath::root()).await?.ok_or("the root is missing")?;
    assert_eq!(stat.num_children, 2);
    let mut names: Vec<&str> = names.iter().collect();
    names.sort_unstable();
    assert_eq!(names, ["c", "there"]);
    Ok(())
}

#[tokio::test]
async fn containers_and_ttl_znodes_are_created() -> Outcome {
    let server = Server::start(ServerOptions::default().property("zookeeper.extendedTypesEnabled", "true")).await?;
    let lane = lane(&server, "/kinds").await?;
    let of_kind = |path: &str, kind| WriteOp::Create { path: ZnodePath::new(path), data: None, acl: Acl::open(), kind };
    lane.write(vec![
        of_kind("/container", Kind::Container),
        of_kind("/container/child", Kind::Persistent),
        of_kind("/ttl", Kind::Ttl { ttl_ms: 3_600_000 }),
    ])
    .await?;
    let names = server.client().await?.list_children("/kinds").await?;
    assert_eq!(names.len(), 2, "{names:?}");
    Ok(())
}

#[tokio::test]
async fn credentials_count_and_wrong_ones_are_refused() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("wire-auth");
    let open = lane(target, &root).await?;
    let mut known = options(&target.at(&root))?;
    known.auths = vec![Auth { scheme: "digest".to_owned(), credentials: "user:a-secret".to_owned() }];
    let known = Lane::connect(Side::Target, &known).await?;
    assert!(known.is_authenticated() && !open.is_authenticated());
    let path = ZnodePath::new("/mine");
    known
        .write(vec![WriteOp::Create { path: path.clone(), data: None, acl: Acl::creator(), kind: Kind::Persistent }])
        .await?;
    assert!(known.acl(&path).await?.0.to_string().starts_with("digest:user:"));
    assert!(matches!(open.read(&[ReadOp::Data(&path)]).await?[..], [ReadReply::Refused(Code::NO_AUTH)]));
    assert!(!format!("{known:?}").contains("secret"));

    let mut wrong = options(&target.at(&root))?;
    wrong.auths = vec![Auth { scheme: "no-such-scheme".to_owned(), credentials: "user:a-secret".to_owned() }];
    let error = Lane::connect(Side::Target, &wrong).await.expect_err("no such scheme");
    assert_eq!(error.code(), Some(Code::AUTH_FAILED));
    assert!(!error.to_string().contains("secret"), "{error}");
    Ok(())
}

#[tokio::test]
async fn requests_to_a_server_that_dies_or_hangs_are_lost_in_time() -> Outcome {
    let server = Server::start(ServerOptions::default()).await?;
    let retry = Retry::within(Duration::from_millis(500));
    let lane =
        Lane::connect(Side::Target, &EnsembleOptions { retry: retry.clone(), ..options(&server.at("/dies"))? }).await?;
    lane.write(vec![create("/", None)]).await?;
    let mut short = EnsembleOptions { retry, ..options(&server.connect_string())? };
    // The server's ticks allow no less than 1 s.
    short.session_timeout = Duration::from_secs(1);
    let hung = Lane::connect(Side::Target, &short).await?;

    server.pause().await?;
    let (write, path) = (lane.write(vec![create("/a", None)]), ZnodePath::root());
    let error = tokio::time::timeout(LIMIT, hung.acl(&path)).await?.expect_err("it hangs");
    assert!(matches!(&error.kind, ErrorKind::Lost(why) if why.contains("has not answered for")), "{error}");

    server.kill().await?;
    let error = tokio::time::timeout(LIMIT, write).await?.expect_err("it was killed");
    assert!(error.outcome_unknown && error.to_string().contains("is unknown"), "{error}");
    let error = tokio::time::timeout(LIMIT, lane.stat(&path)).await?.expect_err("no later request gets through");
    assert!(matches!(error.kind, ErrorKind::Lost(_)), "{error}");
    tokio::time::timeout(LIMIT, lane.close()).await?;
    Ok(())
}

#[tokio::test]
async fn a_reply_beyond_the_limit_is_refused() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("wire-large");
    let writer = lane(source, &root).await?;
    writer.write(vec![create("/large", Some(&[1; 5_000]))]).await?;
    let mut options = options(&source.at(&root))?;
    options.reply_bytes_max = 4_000;
    let lane = Lane::connect(Side::Source, &options).await?;
    assert!(lane.stat(&ZnodePath::new("/large")).await?.is_some());
    let error = lane.znode(&ZnodePath::new("/large")).await.expect_err("5,000 bytes");
    assert!(error.to_string().contains("--max-reply"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_has_not_come_far_enough_is_passed_over() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("wire-barrier");
    let writer = lane(source, &root).await?;
    writer.write(vec![create("/a", None)]).await?;
    let seen = writer.last_zxid().ok_or("the wire tells zxids")?;
    let options = options(&source.at(&root))?;
    let lane = Lane::connect_behind(Side::Source, &options, seen).await?;
    assert!(lane.znode(&ZnodePath::new("/a")).await?.is_some());

    let error = Lane::connect_behind(Side::Source, &options, Zxid(i64::MAX / 2)).await.expect_err("no server is there");
    assert!(matches!(error.kind, ErrorKind::Unreachable(_)), "{error}");
    Ok(())
}

/// A server in front of `server` that refuses `srvr`, as one does whose `4lw.commands.whitelist` lacks it; gives its
/// connect string, and how often it was asked.
async fn that_keeps_its_version(server: SocketAddr) -> std::io::Result<(String, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, asked) = (listener.local_addr()?.to_string(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    // Ends with the runtime of its test.
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut word = [0; 4];
                near.read_exact(&mut word).await?;
                if word == *b"srvr" {
                    count.fetch_add(1, Ordering::Relaxed);
                    return near.write_all(b"srvr is not executed because it is not in the whitelist.\n").await;
                }
                let mut far = TcpStream::connect(server).await?;
                far.write_all(&word).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await.map(drop)
            });
        }
    });
    Ok((address, asked))
}

#[tokio::test]
async fn a_server_that_keeps_its_version_is_tried_once_for_many_sessions() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("wire-version");
    let writer = lane(source, &root).await?;
    writer.write(vec![create("/a", Some(b"data"))]).await?;
    let (address, asked) = that_keeps_its_version(source.address()).await?;
    let options = options(&format!("{address}{root}"))?;
    let first = Lane::connect(Side::Source, &options).await?;
    let mut lanes = first.connect_beside(&options, Zxid::default(), 4).await;
    assert_eq!(lanes.len(), 4);
    lanes.push(first);
    for lane in &lanes {
        assert_eq!(data_of(lane, "/a").await?, Some(Bytes::from_static(b"data")));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    Ok(())
}
