//! Wrong input ends with exit code 2, a message that says what to do, and nothing changed.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use harness::{Server, load, read_tree, shared_pair, tree, unique_root};
use zookeeper_client::{Acl, Acls, AuthId, Permission};

use crate::product::{Outcome, run, run_with};

/// Nothing stands at the target's `root`.
async fn assert_untouched(target: &Server, root: &str) -> Outcome {
    assert!(target.client().await?.check_stat(root).await?.is_none(), "{root} was made");
    Ok(())
}

#[tokio::test]
async fn names_a_host_that_nobody_knows() -> Outcome {
    let (_, target) = shared_pair().await?;
    let root = unique_root("unknown-host");
    let ran = run(&["copy", "no-such-host.invalid:2181/a", &target.at(&root)]).await.expect(2);
    ran.says(&["source: connect", "no-such-host.invalid:2181 is an unknown host"]);
    assert_untouched(target, &root).await
}

#[tokio::test]
async fn refuses_to_try_again_for_longer_than_a_day_or_for_no_time_at_all() -> Outcome {
    for (within, why) in [("2days", "it is 1day at most"), ("soon", "a duration is a number and a unit")] {
        run(&["copy", "--retry-for", within, "a:1/a", "b:1/b"]).await.expect(2).says(&["--retry-for", why]);
    }
    Ok(())
}

#[tokio::test]
async fn names_a_port_that_nobody_listens_on() -> Outcome {
    let (source, _) = shared_pair().await?;
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let to = format!("{free}/a");
    run(&["copy", &source.at("/"), &to]).await.expect(2).says(&["target: connect", &free.to_string(), "refuses"]);
    run(&["verify", &source.at("/"), &to]).await.expect(2).says(&["target: connect", "refuses"]);
    Ok(())
}

#[tokio::test]
async fn gives_up_on_a_server_that_is_no_zookeeper() -> Outcome {
    let (source, _) = shared_pair().await?;
    // One that says nothing, and one that talks about something else.
    for answer in ["", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept() {
                let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
                open.push(stream);
            }
        });
        let started = Instant::now();
        let to = format!("{address}/a");
        let ran = run(&["copy", "--connect-timeout", "2000", &source.at("/"), &to]).await.expect(2);
        ran.says(&["target: connect", "no ZooKeeper server"]);
        assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn refuses_what_is_no_connect_string() -> Outcome {
    let (source, _) = shared_pair().await?;
    for wrong in ["", "host:port/x", "host:99999/x", "/path/alone", "a:1//x", "a:1/x/../y", "a:1/zookeeper/quota"] {
        run(&["copy", &source.at("/"), wrong]).await.expect(2);
        run(&["verify", wrong, &source.at("/")]).await.expect(2);
    }
    let said = run(&["copy", "a b:1", &source.at("/")]).await.expect(2);
    said.says(&["connect string", "zk1:2181,zk2:2181/pegasus"]);
    Ok(())
}

#[tokio::test]
async fn refuses_a_source_path_that_does_not_exist() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("no-path");
    let ran = run(&["copy", &source.at(&root), &target.at(&root)]).await.expect(2);
    ran.says(&["source has no znode", &root]);
    run(&["verify", &source.at(&root), &target.at(&root)]).await.expect(2).says(&["source has no znode"]);
    assert_untouched(target, &root).await
}

#[tokio::test]
async fn refuses_one_tree_as_source_and_target_by_whatever_address() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("same");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 20)).await?;
    let before = read_tree(&at_source, &root).await?;
    let elsewhere = |path: &str| format!("localhost:{}{path}", source.address().port());
    let (inner, parent) = (format!("{root}/inner/deep"), "/");
    for (from, to) in [
        (source.at(&root), source.at(&root)),
        (source.at(&root), elsewhere(&root)),
        (source.at(&root), elsewhere(&inner)),
        (source.at(&root), elsewhere(parent)),
        (source.at(parent), elsewhere(&root)),
        (source.at(parent), elsewhere(parent)),
    ] {
        for update in [&[][..], &["--update"]] {
            let args = [&["copy"], update, &[&from, &to]].concat();
            run(&args).await.expect(2).says(&["same ensemble", "nothing was changed"]);
        }
    }
    let after = read_tree(&at_source, &root).await?;
    assert!(before.len() == after.len() && before.iter().all(|(path, seen)| after[path].stat == seen.stat));

    // Beside each other on one ensemble they may live, and the same path on another ensemble is another tree.
    let beside = unique_root("beside");
    run(&["copy", "--verify", &source.at(&root), &elsewhere(&beside)]).await.expect(0);
    run(&["copy", "--verify", &source.at(&root), &target.at(&root)]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn refuses_what_it_may_not_read_or_write() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("rights");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(2, 50)).await?;
    let (from, to) = (source.at(&root), target.at(&root));

    // No right to create below the parent of the target's root, and then below the root itself.
    let locked = [Acl::new(Permission::READ, AuthId::anyone())];
    let options = zookeeper_client::CreateMode::Persistent.with_acls(Acls::new(&locked));
    let parent = unique_root("locked");
    at_target.create(&parent, b"as it was", &options).await?;
    let stat = at_target.check_stat(&parent).await?;
    for path in [format!("{parent}/x"), parent.clone()] {
        run(&["copy", &from, &target.at(&path)]).await.expect(2).says(&["target: ", "not authorized", &parent]);
    }
    assert_eq!(at_target.check_stat(&parent).await?, stat);

    // A source root that we may not read.
    let nobody = [Acl::new(Permission::ALL, AuthId::new("ip", "192.0.2.1"))];
    at_source.set_acl(&root, &nobody, None).await?;
    run(&["copy", &from, &to]).await.expect(2).says(&["source: ", "not authorized", &root]);
    assert_untouched(target, &root).await
}

#[tokio::test]
async fn refuses_credentials_that_no_server_takes() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("auth");
    load(&source.client().await?, &root, tree::small(3, 10)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let ran =
        run_with(&[("ZKREPLICATOR_TARGET_AUTH", "no-such-scheme:secret-text")], &["copy", &from, &to]).await.expect(2);
    let ran = ran.says(&["target: ", "authentication failed"]);
    assert!(!ran.stderr.contains("secret-text"));
    let ran = run_with(&[("ZKREPLICATOR_AUTH", "digest-secret-text")], &["copy", &from, &to]).await.expect(2);
    assert!(!ran.stderr.contains("secret-text"));
    ran.says(&["ZKREPLICATOR_AUTH"]);
    run(&["copy", "--auth-file", "/no/such/file", &from, &to]).await.expect(2).says(&["/no/such/file"]);
    assert_untouched(target, &root).await
}

#[tokio::test]
async fn stops_at_a_znode_that_no_request_can_carry_before_it_is_sent() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("too-large");
    load(&source.client().await?, &root, tree::big_values(4, 1, 100_000)).await?;
    let ran = run(&["copy", "--jute-maxbuffer", "100000", &source.at(&root), &target.at(&root)]).await.expect(2);
    ran.says(&["target: create ", &root, "100000", "jute.maxbuffer"]);
    run(&["copy", "--jute-maxbuffer", "12", &source.at(&root), &target.at(&root)]).await.expect(2);
    // With the limit that the server has it passes.
    run(&["copy", "--update", "--verify", &source.at(&root), &target.at(&root)]).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_told_in_json_too() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("json");
    let ran = run(&["copy", "--format", "json", &source.at(&root), &target.at(&root)]).await.expect(2);
    let document = ran.json();
    assert_eq!(document["exit_code"], 2);
    assert_eq!(document["verdict"], "failed");
    assert!(document["error"]["message"].as_str().is_some_and(|message| message.contains(&root)), "{document}");
    Ok(())
}
