//! What is easily typed wrongly, and what the program says to write in its place.

use harness::{load, shared_pair, tree, unique_root};
use tokio::process::Command;

use super::assert_told;
use crate::product::{Outcome, finish, run, zkreplicator};

/// A name without a slash was taken for a host, which had a hint; one with a slash for a host and a root, which had none.
#[tokio::test]
async fn a_file_where_a_tree_is_wanted_is_told_how_an_archive_is_written() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("slips");
    load(&source.client().await?, &root, tree::small(1, 20)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let directory = tempfile::tempdir()?;
    let here = |args: &[&str]| -> Command {
        let mut command = zkreplicator(args);
        command.current_dir(directory.path());
        command
    };
    std::fs::create_dir(directory.path().join("kept"))?;
    for file in ["x.zka", "kept/y"] {
        finish(here(&["dump", &from, file]).spawn()?).await.expect(0);
    }
    let absolute = directory.path().join("x.zka").display().to_string();
    for file in ["x.zka", "./x.zka", "kept/y", "../x", "~/x.zka", "no-such.zka", "no/such.zka", &absolute] {
        for args in [
            &["copy", file, &to][..],
            &["sync", file, &to],
            &["verify", file, &from],
            &["verify", &from, file],
            &["scan", file],
            &["copy", &from, file],
            &["rm", "--yes-remove", "/x.zka", file],
        ] {
            let ran = finish(here(args).spawn()?).await.expect(2);
            assert_told(&ran, &format!("{file:?} names a file"), &format!("for an archive write archive:{file} "));
        }
    }
    for args in [&["dump", &from, "archive:z.zka"][..], &["restore", "archive:x.zka", &to]] {
        let ran = finish(here(args).spawn()?).await.expect(2);
        assert_told(&ran, "FILE is the name of a file alone", ".zka\"");
    }
    assert!(!directory.path().join("archive:z.zka").exists());
    assert!(target.client().await?.check_stat(&root).await?.is_none(), "something was changed");
    // And written so it is one.
    finish(here(&["verify", "archive:./x.zka", &from]).spawn()?).await.expect(0);
    Ok(())
}

#[tokio::test]
async fn other_slips_are_told_what_to_write_before_anybody_is_asked() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("slips-servers");
    load(&source.client().await?, &root, tree::small(1, 20)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let (server, other) = (source.address(), target.address());
    let http = format!("http://{from}");
    let zk = format!("zk://{from}");
    let (comma, twice, semicolon) = (format!("{server},"), format!("{to},{other}{root}"), format!("{server};{from}"));
    let (portless, doubled, own) =
        (format!("{}:/a", server.ip()), format!("{server}//a"), format!("{server}/zookeeper"));
    let secret = format!("zk://user:secret@{from}");
    for (args, happened, hint) in [
        (&["copy", &http, &to][..], "no http:// stands before servers", "leave it out"),
        (&["verify", &zk, &to], "no zk:// stands before servers", "leave it out"),
        (&["verify", &comma, &from], "a host is missing", "commas and no spaces between them"),
        (&["copy", &from, &twice], "the path stands once", "behind the last server"),
        (&["scan", &semicolon], "no semicolon", "host:port,host:port/path"),
        (&["scan", &portless], "\"\" is no port", "without a colon it is 2181"),
        (&["scan", &doubled], "it has an empty part", "correct it, for example"),
        (&["copy", &from, &own], "ZooKeeper's own", "name the root of another tree"),
        (&["rm", "--yes-remove", "/", &server.to_string()], "the root of an ensemble can't be removed", "name a path"),
        (&["scan", &secret], "takes no credentials", "ZKREPLICATOR_AUTH"),
    ] {
        let ran = run(args).await.expect(2);
        assert_told(&ran, happened, hint);
        assert!(!ran.stderr.contains("secret") && !ran.stdout.contains("secret"), "{ran:?}");
    }
    // Servers with a space between them are two words, and the third is one too many.
    let torn = run(&["copy", &comma, &from, &to]).await.expect(2);
    assert!(torn.stderr.contains("tip: the servers of one tree are one word"), "{}", torn.stderr);
    let torn = run(&["copy", "--format", "json", &comma, &from, &to]).await.expect(2).json();
    assert!(
        torn["error"]["message"].as_str().is_some_and(|why| why.contains("tip: the servers of one tree")),
        "{torn:#}"
    );
    assert!(target.client().await?.check_stat(&root).await?.is_none(), "something was changed");
    Ok(())
}
