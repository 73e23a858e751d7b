//! What a dry run has counted, given to the copy behind it.

use harness::{load, read_tree, shared_pair, tree, unique_root};

use super::{drawn, seen};
use crate::product::{Outcome, run};

#[tokio::test]
async fn a_plan_gives_the_copy_behind_it_a_percentage_from_its_first_line() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-plan");
    load(&source.client().await?, &root, tree::small(1, 3_000)).await?;
    let directory = tempfile::tempdir()?;
    let plan = directory.path().join("plan.json").display().to_string();
    let from = source.at(&root);
    for command in ["copy", "sync"] {
        let to = target.at(&format!("{root}-{command}"));
        run(&[command, "--dry-run", "--format", "json", "--out", &plan, &from, &to]).await.expect(0);
        let rate = ["--acl", "open", "--max-ops-per-second", "1000"];
        let shown = seen(200, &[], &[&[command, "--plan", &plan][..], &rate[..], &[&from, &to]].concat())?;
        let lines = drawn(&shown);
        assert!(lines.first().is_some_and(|line| line.contains(command) && line.contains(" %")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains(" left ")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains(" of ~3,001")), "{lines:#?}");
    }
    // The same without it: nobody has counted.
    let to = target.at(&format!("{root}-without"));
    let lines = drawn(&seen(120, &[], &["copy", "--acl", "open", "--max-ops-per-second", "1000", &from, &to])?);
    assert!(lines.iter().all(|line| !line.contains('%')), "{lines:#?}");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_is_old_decides_nothing() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-old-plan");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 50)).await?;
    let directory = tempfile::tempdir()?;
    let plan = directory.path().join("plan.json").display().to_string();
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", "--dry-run", "--format", "json", "--out", &plan, &from, &to]).await.expect(0);
    load(&at_source, &format!("{root}/later"), tree::small(2, 200)).await?;
    run(&["copy", "--verify", "--plan", &plan, &from, &to]).await.expect(0);
    // The same of an archive, which is another source.
    let archive = directory.path().join("a.zka").display().to_string();
    run(&["dump", &from, &archive]).await.expect(0);
    run(&["restore", "--plan", &plan, &archive, &to]).await.expect(2).says(&["it is the plan of a copy"]);
    run(&["restore", "--update", "--dry-run", "--format", "json", "--out", &plan, &archive, &to]).await.expect(0);
    run(&["restore", "--update", "--plan", &plan, &archive, &to]).await.expect(0);
    assert_eq!(read_tree(&at_source, &root).await?.len(), read_tree(&target.client().await?, &root).await?.len());
    Ok(())
}

#[tokio::test]
async fn what_is_no_plan_of_this_command_is_refused_before_anything_is_written() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-wrong-plan");
    load(&source.client().await?, &root, tree::small(1, 50)).await?;
    load(&source.client().await?, &format!("{root}-b"), tree::small(1, 5)).await?;
    let directory = tempfile::tempdir()?;
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (plan, text, absent) = (file("plan.json"), file("plan.txt"), file("absent"));
    let (from, other, to) = (source.at(&root), source.at(&format!("{root}-b")), target.at(&root));
    let elsewhere = target.at(&format!("{root}/elsewhere"));
    run(&["copy", "--dry-run", "--format", "json", "--out", &plan, &from, &to]).await.expect(0);
    run(&["copy", "--dry-run", "--out", &text, &from, &to]).await.expect(0);
    for (args, why) in [
        (&["copy", "--plan", &plan, &other, &to][..], "its source is "),
        (&["copy", "--plan", &plan, &from, &elsewhere], "its target is "),
        (&["sync", "--plan", &plan, &from, &to], "it is the plan of a copy, and this is a sync"),
        (&["copy", "--include", "/0", "--plan", &plan, &from, &to], "it was made with another --include"),
        (&["copy", "--plan", &text, &from, &to], "it is no document of a dry run"),
        (&["copy", "--plan", &absent, &from, &to], "No such file"),
    ] {
        let refused =
            run(args).await.expect(2).says(&["--plan", why, "nothing was changed", "--dry-run --format json"]);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    }
    run(&["copy", "--plan", &plan, &from, &format!("archive:{absent}")])
        .await
        .expect(2)
        .says(&["--plan has no meaning"]);
    assert!(target.client().await?.check_stat(&root).await?.is_none(), "something was written");
    Ok(())
}
