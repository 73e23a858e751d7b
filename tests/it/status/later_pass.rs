//! What is shown when all of a source was read, and it is read again for what has changed meanwhile.

use harness::{load, shared_pair, tree, unique_root, until};

use super::{LIMIT, Shown, drawn};
use crate::pace::{asked, heard};
use crate::product::{Outcome, finish};
use crate::quotas::set_quota;

/// A percentage stood still there, near its end, for as long as the pass took.
#[tokio::test]
async fn a_later_pass_says_what_it_looks_for_and_no_percentage() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-pass");
    let client = source.client().await?;
    load(&client, &root, tree::small(1, 2_000)).await?;
    // So that the first pass has a percentage.
    set_quota(&client, &root, "count=100000,bytes=-1").await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["copy", "--acl", "open", "--max-ops-per-second", "1000", &from, &to];
    let shown = Shown::begin(80, &[], &args)?;
    let has_percentage = |line: &String| line.contains(" %");
    until("the first pass", LIMIT, async || drawn(&shown.text()).iter().any(has_percentage).then_some(())).await?;
    client.set_data(&root, b"changed", None).await?;
    let lines = drawn(&shown.end()?);
    let (later, first): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.contains("pass "));
    assert!(first.iter().any(has_percentage), "{first:#?}");
    assert!(later.len() > 1 && later[0].contains("copy      pass 2   changes since pass 1"), "{later:#?}");
    for line in later {
        assert!(!line.contains('%') && !line.contains(" left") && !line.contains("/s "), "{line}");
        assert!(line.contains("waits: ") || line.contains("source held: "), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn who_asks_is_told_of_the_pass_too() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-pass-asked");
    let client = source.client().await?;
    load(&client, &root, tree::small(1, 2_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let (child, mut said) = heard(&["copy", "--acl", "open", "--max-ops-per-second", "1000", &from, &to]).await?;
    asked(&child, &mut said, &["copy: ", " znodes/s, ", "of at least "]).await?;
    client.set_data(&root, b"changed", None).await?;
    asked(&child, &mut said, &["copy: 2,001 read, ", ", pass 2: changes since pass 1, ", "; the source is held"])
        .await?;
    // Whoever stands in the way of stderr holds the program up.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    finish(child).await.expect(0);
    Ok(())
}
