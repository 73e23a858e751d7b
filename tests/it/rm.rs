//! rm: a tree goes, with nothing beside it, when its root was confirmed and nothing speaks against it; otherwise nothing.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use harness::proxy::{Direction, Flow, Fuse, Reach, Then, Traffic};
use harness::tree::{self, TreeZnode};
use harness::{Proxy, Server, load, shared_pair, unique_root};
use nix::pty::openpty;
use replicator::error::{ErrorKind, Side};
use replicator::limits;
use replicator::options::EnsembleOptions;
use replicator::progress::Progress;
use replicator::remove::{self, Care};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, CreateOptions, Permission};

use crate::product::{Outcome, Run, finish, run, zkreplicator};

const LIMIT: Duration = Duration::from_secs(60);
const OPEN: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());
const EPHEMERAL: CreateOptions<'static> = CreateMode::Ephemeral.with_acls(Acls::anyone_all());

/// A tree of `count` znodes below a root of its own.
async fn tree_of(name: &str, count: usize) -> Result<(&'static Server, String, Client), Box<dyn std::error::Error>> {
    let (_, target) = shared_pair().await?;
    let (root, client) = (unique_root(name), target.client().await?);
    load(&client, &root, tree::small(1, count)).await?;
    Ok((target, root, client))
}

/// Removes with the root confirmed.
async fn rm(root: &str, to: &str, more: &[&str]) -> Run {
    run(&[&["rm", "--format", "json", "--yes-remove", root], more, &[to]].concat()).await
}

async fn stands(client: &Client, path: &str) -> Result<bool, zookeeper_client::Error> {
    Ok(client.check_stat(path).await?.is_some())
}

#[tokio::test]
async fn removes_the_tree_with_its_root_and_nothing_beside_it() -> Outcome {
    let (target, root, client) = tree_of("rm", 5_000).await?;
    let beside = format!("{root}-beside");
    load(&client, &beside, tree::small(2, 3)).await?;
    let document = rm(&root, &target.at(&root), &[]).await.expect(0).json();
    assert_eq!((&document["verdict"], &document["removed"]["znodes"]), (&"done".into(), &5_001.into()), "{document:#}");
    assert_eq!(document["found"]["znodes"], 5_001);
    assert!(!stands(&client, &root).await?);
    assert_eq!(client.list_children(&beside).await?.len(), 3);
    // What is not there is removed already.
    let again = rm(&root, &target.at(&root), &[]).await.expect(0).json();
    assert_eq!((&again["verdict"], &again["removed"]), (&"nothing there".into(), &Value::Null));
    let text = run(&["rm", "--yes-remove", &root, &target.at(&root)]).await.expect(0).stdout;
    assert!(text.starts_with("nothing to remove: there is no "), "{text}");
    Ok(())
}

#[tokio::test]
async fn says_what_would_go_and_leaves_it() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("rm-plan");
    let client = target.client().await?;
    let loaded = load(&client, &root, tree::bush(3, 500)).await?;
    let document = run(&["rm", "--dry-run", "--format", "json", &target.at(&root)]).await.expect(0).json();
    assert_eq!((&document["verdict"], &document["removed"]), (&"planned".into(), &Value::Null));
    let found = &document["found"];
    assert_eq!((&found["znodes"], &found["bytes"]), (&(loaded.znodes + 1).into(), &loaded.bytes.into()));
    assert_eq!(found["ephemeral_owners"], json!([]));
    let text = run(&["rm", "--dry-run", &target.at(&root)]).await.expect(0).stdout;
    assert!(text.contains("nothing was removed") && text.contains("501 znodes"), "{text}");
    assert_eq!(harness::read_tree(&client, &root).await?.len(), 501);
    Ok(())
}

#[tokio::test]
async fn stops_before_the_first_delete_where_a_session_owns_something() -> Outcome {
    let (target, root, client) = tree_of("rm-owned", 200).await?;
    let owner = target.client().await?;
    owner.create(&format!("{root}/0/lock"), b"", &EPHEMERAL).await?;
    let to = target.at(&root);
    for more in [&[][..], &["--dry-run"]] {
        let ran = rm(&root, &to, more).await.expect(2).says(&["1 ephemeral znode(s)", "--with-ephemerals"]);
        let document = ran.json();
        assert_eq!((&document["verdict"], &document["removed"]), (&"blocked".into(), &Value::Null));
        let session = format!("{:#x}", owner.session_id().0);
        let owners = json!([{ "session": session, "znodes": 1, "paths": ["/0/lock"] }]);
        assert_eq!(document["found"]["ephemeral_owners"], owners);
    }
    let text = run(&["rm", "--dry-run", &to]).await.expect(2).stdout;
    assert!(text.contains("1 of session 0x") && text.contains("/0/lock"), "{text}");
    assert_eq!(harness::read_tree(&client, &root).await?.len(), 202, "nothing has gone");

    // One that comes behind the look stops it where it is met, and stays.
    let options = EnsembleOptions::to(to.parse()?);
    let (progress, never) = (Progress::default(), CancellationToken::new());
    let removed = remove::tree(Side::Target, &options, limits::JUTE_MAXBUFFER_BYTES, Care::Unowned, &progress, &never);
    let error = removed.await.expect_err("an ephemeral is in the way");
    assert!(matches!(&error.kind, ErrorKind::BadInput(why) if why.contains("/0/lock")), "{error}");
    assert!(stands(&client, &format!("{root}/0/lock")).await?);

    rm(&root, &to, &["--with-ephemerals", "--dry-run"]).await.expect(0);
    let document = rm(&root, &to, &["--with-ephemerals"]).await.expect(0).json();
    assert_eq!(document["found"]["ephemeral"], 1);
    assert!(!stands(&client, &root).await? && stands(&owner, "/").await?, "the session goes on without it");
    Ok(())
}

#[tokio::test]
async fn removes_nothing_without_a_confirmation_that_is_exact() -> Outcome {
    let (target, root, client) = tree_of("rm-refused", 20).await?;
    let to = target.at(&root);
    // The tests' programs have no terminal.
    run(&["rm", &to]).await.expect(2).says(&["no terminal", "--yes-remove", &root, "nothing was removed"]);
    for wrong in ["/", "", &root[1..], &format!("{root}/"), &format!("{root}/0"), &root.to_uppercase()] {
        rm(wrong, &to, &[]).await.expect(2).says(&["--yes-remove", "nothing was removed"]);
    }
    rm(&format!("{root}x"), &to, &["--dry-run"]).await.expect(2);
    rm("/", &target.at("/"), &["--with-ephemerals"]).await.expect(2).says(&["root of an ensemble"]);
    rm("/", &target.at(""), &["--dry-run"]).await.expect(2).says(&["root of an ensemble"]);
    for own in ["/zookeeper", "/zookeeper/quota"] {
        rm(own, &target.at(own), &["--with-ephemerals"]).await.expect(2).says(&["ZooKeeper's own"]);
    }
    assert_eq!(harness::read_tree(&client, &root).await?.len(), 21);
    assert!(stands(&client, "/zookeeper/quota").await?);
    Ok(())
}

/// What a terminal shows before `rm` ends, when `typed` is typed at it.
async fn at_terminal(typed: &str, to: &str) -> Result<(Run, String), Box<dyn std::error::Error>> {
    let pty = openpty(None, None)?;
    let mut command = zkreplicator(&["rm", "--format", "json", to]);
    let child = command.stdin(File::from(pty.slave)).spawn()?;
    // The command holds the terminal's other end, too.
    drop(command);
    let mut master = File::from(pty.master);
    master.write_all(typed.as_bytes())?;
    let ran = finish(child).await;
    let mut echo = Vec::new();
    // The end of a terminal whose other side was closed is an error on Linux.
    let _ended = master.read_to_end(&mut echo);
    Ok((ran, String::from_utf8_lossy(&echo).into_owned()))
}

#[tokio::test]
async fn at_a_terminal_the_root_is_typed() -> Outcome {
    let (target, root, client) = tree_of("rm-typed", 30).await?;
    let to = target.at(&root);
    for wrong in ["y\n".to_owned(), "\n".to_owned(), format!("{root}/0\n"), format!(" {root}\n")] {
        let (ran, _) = at_terminal(&wrong, &to).await?;
        let ran = ran.expect(2).says(&["31 znodes", "type the root", &root, "what was typed is not"]);
        assert_eq!(ran.json()["removed"], Value::Null);
        assert_eq!(harness::read_tree(&client, &root).await?.len(), 31);
    }
    let (ran, _) = at_terminal(&format!("{root}\n"), &to).await?;
    assert_eq!(ran.expect(0).json()["removed"]["znodes"], 31);
    assert!(!stands(&client, &root).await?);
    Ok(())
}

#[tokio::test]
async fn an_interrupt_is_an_answer_too() -> Outcome {
    let (target, root, client) = tree_of("rm-asked", 30).await?;
    let pty = openpty(None, None)?;
    let mut command = zkreplicator(&["rm", &target.at(&root)]);
    let mut child = command.stdin(File::from(pty.slave)).spawn()?;
    let mut stderr = child.stderr.take().expect("it is piped");
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("type the root") {
        assert!(stderr.read_buf(&mut said).await? > 0, "it ended: {}", String::from_utf8_lossy(&said));
    }
    let pid = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status()?.success());
    finish(child).await.expect(130);
    assert_eq!(harness::read_tree(&client, &root).await?.len(), 31);
    drop(pty.master);
    Ok(())
}

/// A server that does not answer keeps nobody who wants to leave.
#[tokio::test]
async fn an_interrupt_while_it_connects_ends_it() -> Outcome {
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let to = format!("{}/a", silent.local_addr()?);
    let child = zkreplicator(&["rm", "--yes-remove", "/a", "--connect-timeout", "60000", &to]).spawn()?;
    // Once it has said something it has also seen to signals.
    let (mut stream, _) = silent.accept()?;
    stream.read_exact(&mut [0])?;
    let pid = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status()?.success());
    let sent = std::time::Instant::now();
    finish(child).await.expect(130).says(&["interrupted"]);
    assert!(sent.elapsed() < Duration::from_secs(10), "it took {:?}", sent.elapsed());
    Ok(())
}

#[tokio::test]
async fn removes_nothing_where_something_can_not_be_read_and_names_what_may_not_go() -> Outcome {
    let (target, root, client) = tree_of("rm-rights", 50).await?;
    let acl = |permission| [Acl::new(permission, AuthId::anyone())];
    let to = target.at(&root);
    client
        .set_acl(
            &format!("{root}/1"),
            &acl(Permission::WRITE | Permission::CREATE | Permission::DELETE | Permission::ADMIN),
            None,
        )
        .await?;
    let ran = rm(&root, &to, &[]).await.expect(2).says(&["can't be read", "/1", "nothing was"]);
    assert_eq!(ran.json()["found"]["unreadable"]["count"], 1);
    assert!(stands(&client, &format!("{root}/0/0")).await?);

    // The right to delete shows only when it is asked for; what was removed until then stays removed.
    client.set_acl(&format!("{root}/1"), &acl(Permission::READ | Permission::ADMIN), None).await?;
    let ran = rm(&root, &to, &[]).await.expect(2).says(&["delete", "not authorized", "the same command goes on"]);
    assert!(ran.json()["error"]["path"].as_str().is_some_and(|path| path.starts_with(&format!("{root}/1/"))));
    client.set_acl(&format!("{root}/1"), &acl(Permission::ALL), None).await?;
    rm(&root, &to, &[]).await.expect(0);
    Ok(())
}

/// They come for a while, and then no more.
#[tokio::test]
async fn takes_what_appears_meanwhile() -> Outcome {
    let (target, root, client) = tree_of("rm-busy", 20_000).await?;
    let writer = target.client().await?;
    let child = zkreplicator(&["rm", "--format", "json", "--yes-remove", &root, &target.at(&root)]).spawn()?;
    let (mut created, mut begun) = (0, 0);
    for n in 0..100_000 {
        for parent in ["", "/0", "/1/2", "/f/f/f"] {
            created += usize::from(writer.create(&format!("{root}{parent}/new-{n}"), b"", &OPEN).await.is_ok());
        }
        // Some before the first delete, and a few behind it.
        for child in 0..16 {
            begun += usize::from(!stands(&writer, &format!("{root}/{child:x}/0/0")).await?);
        }
        if begun > 5 {
            break;
        }
    }
    let document = finish(child).await.expect(0).json();
    let removed = document["removed"]["znodes"].as_u64().expect("a number");
    assert!((20_001..=20_001 + created as u64).contains(&removed), "{created} came: {document:#}");
    assert!(!stands(&client, &root).await?);
    Ok(())
}

/// They never end: after some passes it gives up, and says why. Before anything that it asks for goes to the server, something
/// is created: it used to be created as fast as could be, and where the machine gave this process no time, a pass went by in
/// which nobody created anything.
#[tokio::test]
async fn gives_up_on_a_tree_in_which_others_never_stop() -> Outcome {
    let (target, root, client) = tree_of("rm-endless", 100).await?;
    let proxy = Proxy::start(target.address())?;
    let to_server = Direction::ToServer;
    proxy.flow(to_server, Flow::Hold, Reach::All);
    let child = zkreplicator(&["rm", "--format", "json", "--yes-remove", &root, &proxy.at(&root)]).spawn()?;
    let endless = async {
        let gone = |traffic: Traffic| traffic.delivered + traffic.swallowed;
        for n in 0_u64.. {
            let asked = proxy.until_traffic(to_server, LIMIT, |traffic| traffic.received > gone(traffic)).await?;
            client.create(&format!("{root}/new-{n}"), b"", &OPEN).await?;
            // What had been asked goes out; what follows from it waits for the next one.
            proxy.arm(Fuse { direction: to_server, bytes: asked.received - gone(asked), then: Then::HoldAll });
            proxy.flow(to_server, Flow::Pass, Reach::All);
            proxy.until_traffic(to_server, LIMIT, |traffic| gone(traffic) >= asked.received).await?;
        }
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    let ran = tokio::select! {
        biased;
        ran = finish(child) => ran,
        failed = endless => panic!("nobody stops creating: {failed:?}"),
    };
    let ran = ran.expect(2).says(&["others go on creating", "the same command goes on from there"]);
    assert_eq!(ran.json()["verdict"], "failed");
    rm(&root, &target.at(&root), &[]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn an_interrupt_in_the_middle_leaves_a_smaller_tree_and_it_can_be_run_again() -> Outcome {
    for signal in ["-INT", "-TERM"] {
        let (target, root, client) = tree_of("rm-stop", 20_000).await?;
        let proxy = Proxy::start(target.address())?;
        // So slowly that there is a middle.
        proxy.bandwidth(Direction::ToClient, Some(2_000_000));
        let child = zkreplicator(&["rm", "--yes-remove", &root, &proxy.at(&root)]).spawn()?;
        harness::until("something was removed", LIMIT, async || {
            // What goes while it is read is an error.
            let left = harness::read_tree(&client, &root).await.map(|tree| tree.len());
            (left.is_err() || left.is_ok_and(|left| left < 20_001)).then_some(())
        })
        .await?;
        proxy.flow(Direction::ToClient, Flow::Hold, Reach::All);
        let pid = child.id().expect("it runs").to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status()?.success());
        finish(child).await.expect(130).says(&["interrupted", "the same command goes on from there"]);
        drop(proxy);
        rm(&root, &target.at(&root), &[]).await.expect(0);
        assert!(!stands(&client, &root).await?);
    }
    Ok(())
}

#[tokio::test]
async fn removes_znodes_of_every_name_and_size() -> Outcome {
    let (_, target) = shared_pair().await?;
    let client = target.client().await?;
    let root = unique_root("rm-odd");
    for transport in ["wire", "zookeeper-client"] {
        let names = ["/ü", "/a b", "/zookeeper", "/zookeeper/quota", "/.zkreplicator-counter", "/…"];
        load(&client, &root, names.map(|name| TreeZnode::new(name, name)).into_iter()).await?;
        load(&client, &root, tree::big_values(3, 5, 900_000)).await?;
        load(&client, &root, tree::deep(500)).await?;
        let document = rm(&root, &target.at(&root), &["--transport", transport]).await.expect(0).json();
        assert_eq!(document["removed"]["znodes"], 1 + 6 + 5 + 500, "{transport}");
    }
    Ok(())
}
