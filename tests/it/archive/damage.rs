//! A damaged archive is refused before anything is written, and what is left of it comes back.

use harness::{load, read_tree, shared_pair, tree, unique_root};

use super::{Place, dump};
use crate::product::{Outcome, run};

/// What each frame begins with.
const MAGIC: &[u8] = b"\x89ZKAR\r\n\x1a";

fn frames(bytes: &[u8]) -> Vec<usize> {
    bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC).map(|(at, _)| at).collect()
}

#[tokio::test]
async fn each_block_may_be_lost_and_the_rest_comes_back() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("damage"), Place::new());
    let (from, client) = (source.at(&root), target.client().await?);
    load(&source.client().await?, &root, tree::pegasus_like(5, 12_000)).await?;
    dump(&from, &place.file, &[]).await;
    let whole = read_tree(&source.client().await?, &root).await?;
    let bytes = std::fs::read(&place.file)?;
    let frames = frames(&bytes);
    assert!(frames.len() >= 7, "head, four blocks or more, index, end: {frames:?}");
    for (number, start) in frames.iter().enumerate() {
        // A bit of its payload, or of its header.
        let at = if number % 2 == 0 { start + 200 } else { start + 30 };
        let mut damaged = bytes.clone();
        damaged[at] ^= 16;
        std::fs::write(&place.file, damaged)?;
        let to = target.at(&format!("{root}/{number}"));
        let holds_znodes = number > 0 && number + 2 < frames.len();
        let named = if holds_znodes { format!("block {number} (") } else { format!("frame {number} (no znodes)") };
        for args in [&["copy", &place.tree(), &to], &["verify", &place.tree(), &from]] {
            let refused =
                run(args).await.expect(2).says(&["damaged", &named, "nothing was changed", "restore --salvage"]);
            assert!(!holds_znodes || refused.stderr.contains("from /"), "{}", refused.stderr);
        }
        run(&["scan", &place.tree()]).await.expect(2).says(&["damaged", &named]);

        let rescued = run(&["restore", "--salvage", "--verify", "--format", "json", place.file(), &to]).await.expect(3);
        let rescued = rescued.json();
        assert_eq!(
            (&rescued["verdict"], &rescued["copy"]["archive"]["lost"]["count"]),
            (&"not complete".into(), &1.into())
        );
        let lost = rescued["copy"]["archive"]["lost"]["znodes"].as_u64().expect("a number");
        let made_up = rescued["copy"]["archive"]["made_up"]["list"].as_array().expect("a list").clone();
        let there = read_tree(&client, &format!("{root}/{number}")).await?;
        assert_eq!(there.len() as u64, whole.len() as u64 - lost + made_up.len() as u64, "{rescued:#}");
        assert_eq!(lost > 0, holds_znodes);
        for (path, seen) in there {
            let is_made_up = made_up.iter().any(|made_up| made_up == path.as_str());
            assert!(is_made_up == (seen.data != whole[&path].data) || seen.data.is_empty(), "{path}");
            assert!(is_made_up || seen.data == whole[&path].data, "{path}");
        }
        run(&["rm", "--yes-remove", &format!("{root}/{number}"), &to]).await.expect(0);
    }
    Ok(())
}

#[tokio::test]
async fn an_archive_that_was_cut_off_says_so_and_its_beginning_comes_back() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("cut"), Place::new());
    load(&source.client().await?, &root, tree::pegasus_like(6, 9_000)).await?;
    dump(&source.at(&root), &place.file, &[]).await;
    let bytes = std::fs::read(&place.file)?;
    let frames = frames(&bytes);
    let to = target.at(&root);
    for (round, cut) in [bytes.len() - 1, frames[3] + 100, frames[2], frames[1] + 10].into_iter().enumerate() {
        std::fs::write(&place.file, &bytes[..cut])?;
        run(&["copy", &place.tree(), &to]).await.expect(2).says(&[
            "damaged",
            "ends before its end",
            "nothing was changed",
        ]);
        let to = format!("{to}/{round}");
        let text = run(&["copy", "--salvage", &place.tree(), &to]).await.expect(3).stdout;
        assert!(text.contains("LOST") && text.contains("ends before its end"), "{text}");
        assert!(text.contains("an unknown number more") == (round > 0), "{text}");
    }
    std::fs::write(&place.file, &bytes[..40])?;
    run(&["copy", "--salvage", &place.tree(), &to]).await.expect(2).says(&["no archive of this program"]);
    std::fs::write(&place.file, b"")?;
    run(&["verify", &place.tree(), &to]).await.expect(2).says(&["no archive of this program"]);
    Ok(())
}

#[tokio::test]
async fn what_is_left_goes_into_an_empty_place_only_and_removes_nothing() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, place) = (unique_root("salvage"), Place::new());
    let to = target.at(&root);
    load(&source.client().await?, &root, tree::small(6, 500)).await?;
    load(&target.client().await?, &root, tree::small(7, 10)).await?;
    dump(&source.at(&root), &place.file, &[]).await;
    let mut bytes = std::fs::read(&place.file)?;
    let at = frames(&bytes)[1] + 30;
    bytes[at] ^= 1;
    std::fs::write(&place.file, bytes)?;
    run(&["copy", "--salvage", &place.tree(), &to]).await.expect(2).says(&["nothing was changed"]);
    run(&["copy", "--salvage", "--update", &place.tree(), &to]).await.expect(2).says(&["--update"]);
    run(&["sync", "--salvage", &place.tree(), &to]).await.expect(2).says(&["--salvage"]);
    run(&["sync", &place.tree(), &to]).await.expect(2).says(&["damaged"]);
    assert_eq!(read_tree(&target.client().await?, &root).await?.len(), 11);
    Ok(())
}
