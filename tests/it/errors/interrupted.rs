//! An interrupt says what stands and what to do next, whatever it has interrupted.

use harness::{load, shared_pair, tree, unique_root};
use tokio::process::Command;

use super::assert_told;
use crate::pace::{asked, heard};
use crate::product::{Outcome, Run, finish, run};

/// Runs it, and ends it with SIGINT as soon as it says that it is there.
async fn interrupted(args: &[&str], there: &[&str]) -> Result<Run, Box<dyn std::error::Error>> {
    let slowly = ["--acl", "open", "--max-ops-per-second", "400"];
    let slowly =
        if matches!(args[0], "verify" | "scan") { &["--acl", "ignore", slowly[2], slowly[3]] } else { &slowly };
    let slowly = if args[0] == "rm" { &slowly[2..] } else { &slowly[..] };
    let (child, mut said) = heard(&[args, slowly].concat()).await?;
    asked(&child, &mut said, there).await?;
    let pid = child.id().ok_or("it has ended")?.to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await?.success());
    let mut stderr = String::new();
    while let Some(line) = said.next_line().await? {
        stderr += &line;
        stderr.push('\n');
    }
    let ran = finish(child).await.expect(130);
    Ok(Run { stderr, ..ran })
}

#[tokio::test]
async fn it_says_what_stands_and_what_to_do_next() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, copied) = (unique_root("interrupted"), unique_root("interrupted-copied"));
    let at_target = target.client().await?;
    load(&source.client().await?, &root, tree::small(1, 2_000)).await?;
    load(&at_target, &copied, tree::small(1, 2_000)).await?;
    let (from, same, to) = (source.at(&root), target.at(&copied), target.at(&root));
    let directory = tempfile::tempdir()?;
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (archive, certificate) = (file("a.zka"), file("certificate"));
    run(&["verify", "--acl", "ignore", "--certificate", &certificate, &from, &same]).await.expect(0);
    let unchanged = "nothing was changed: run the same command again";
    for (args, there, stands) in [
        (&["verify", &from, &same][..], "verify: ", unchanged),
        (&["verify", "--fix", &from, &same], "verify: ", unchanged),
        (&["scan", &from], "scan: ", unchanged),
        (&["copy", "--dry-run", &from, &to], "dry run: ", unchanged),
        (&["dump", &from, &archive], "dump: ", "no archive was written, and nothing was changed: run the same"),
        (&["rm", "--yes-remove", &copied, &same], "look: ", "nothing was removed: run the same command again"),
    ] {
        let ran = interrupted(args, &[there, " read"]).await?;
        assert_told(&ran, "interrupted", stands);
    }
    assert!(!directory.path().join("a.zka").exists());
    assert!(at_target.check_stat(&root).await?.is_none(), "something was written");
    Ok(())
}

/// It said `interrupted` and nothing else, as if nothing had been done.
#[tokio::test]
async fn a_copy_that_is_complete_is_told_of_when_its_comparison_is_interrupted() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("interrupted-verify");
    load(&source.client().await?, &root, tree::small(1, 1_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let ran = interrupted(&["copy", "--verify", "--format", "json", &from, &to], &["verify: "]).await?;
    assert_told(&ran, "interrupted; all that was to be sent was sent and stands", "zkreplicator verify does that");
    let message = ran.json()["error"]["message"].as_str().map(str::to_owned).ok_or("no message")?;
    assert!(message.contains("zkreplicator verify does that"), "{message}");
    run(&["verify", "--acl", "ignore", &from, &to]).await.expect(0);
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("a.zka");
    let archive = file.display().to_string();
    let ran = interrupted(&["dump", "--verify", &from, &archive], &["verify: "]).await?;
    assert_told(&ran, "interrupted; the archive is written and stands", "zkreplicator verify does that");
    assert!(file.exists());
    Ok(())
}
