//! A hostile source: each of its tricks ends with a clear error, in bounded time and memory, nothing is written outside the
//! target's root, and nothing that it says reaches a terminal as it was.

mod server;

use std::time::{Duration, Instant};

use harness::{load, shared_pair, tree, unique_root};

use self::server::{Hostile, Wicked};
use crate::product::{Outcome, Run, run};

/// A run against a hostile server takes no longer: its session times out after 4 s.
const WITHIN: Duration = Duration::from_secs(30);
/// Bytes of memory that such a run may take.
const RESIDENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Copies from a server that is wicked, and sees that nothing bad comes of it.
async fn copy_from(wicked: Wicked) -> Result<Run, Box<dyn std::error::Error>> {
    copy_in_session(wicked, "4000").await
}

/// The same with a session timeout of so many ms.
async fn copy_in_session(wicked: Wicked, timeout_ms: &str) -> Result<Run, Box<dyn std::error::Error>> {
    let (_, target) = shared_pair().await?;
    let around = unique_root("hostile");
    let source = Hostile::start(wicked.clone()).await?;
    let started = Instant::now();
    let limits =
        ["--retry-for", "3s", "--session-timeout", timeout_ms, "--connect-timeout", "3000", "--max-reply", "1000000"];
    let trees = [source.at("/x"), target.at(&format!("{around}/root"))];
    let args = [&["copy", "--format", "json"][..], &limits[..], &[&trees[0], &trees[1]]].concat();
    let ran = run(&args).await;
    assert!(started.elapsed() < WITHIN, "{wicked:?}: it took {:?}", started.elapsed());
    let document = ran.json();
    let resident = document["process"]["resident_bytes_max"].as_u64().ok_or("a report has the memory")?;
    assert!(resident <= RESIDENT_BYTES_MAX, "{wicked:?}: {resident} bytes of memory");
    for said in [&ran.stdout, &ran.stderr] {
        let obeyed =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!said.contains(obeyed), "{wicked:?}: a terminal would obey {said:?}");
    }
    let client = target.client().await?;
    if client.check_stat(&around).await?.is_some() {
        assert!(client.list_children(&around).await?.iter().all(|name| name == "root"), "{wicked:?}");
    }
    Ok(ran)
}

#[tokio::test]
async fn children_that_would_lead_elsewhere_are_refused_and_never_written() -> Outcome {
    for name in ["..", ".", "", "/", "a/b", "../../escape", "a/../../b", "/zookeeper", "nul\0", "\0"] {
        let names = vec![b"fine".to_vec(), name.as_bytes().to_vec()];
        let ran = copy_from(Wicked::Names(names)).await?.expect(2);
        ran.says(&["source: read /x: unexpected answer from the server: it lists a child", "no znode can be called"]);
    }
    Ok(())
}

#[tokio::test]
async fn names_that_a_server_refuses_end_with_its_refusal_and_are_printed_escaped() -> Outcome {
    for (name, shown) in
        [("esc\u{1b}[2J", "esc\\u{1b}[2J"), ("csi\u{9b}2J", "csi\\u{9b}2J"), ("line\nbreak", "line\\nbreak")]
    {
        let ran = copy_from(Wicked::Names(vec![name.as_bytes().to_vec()])).await?.expect(2);
        ran.says(&["target: create ", shown]);
    }
    // Names that are no UTF-8, and the same one twice.
    copy_from(Wicked::Names(vec![b"\xff\xfe".to_vec()])).await?.expect(2).says(&["source: ", "not UTF-8"]);
    copy_from(Wicked::Names(vec![b"a".to_vec(), b"a".to_vec()])).await?.expect(2).says(&["target: create ", "/root/a"]);
    Ok(())
}

#[tokio::test]
async fn a_name_that_turns_a_line_around_is_copied_and_printed_escaped() -> Outcome {
    let name = "txt\u{202e}exe\u{2066}";
    copy_from(Wicked::Names(vec![name.as_bytes().to_vec()])).await?.expect(0);
    // Against a target that has no such znode it is a difference, in text and in JSON.
    let (_, target) = shared_pair().await?;
    let root = unique_root("override");
    target
        .client()
        .await?
        .create(
            &root,
            b"data",
            &zookeeper_client::CreateMode::Persistent.with_acls(zookeeper_client::Acls::anyone_all()),
        )
        .await?;
    let source = Hostile::start(Wicked::Names(vec![name.as_bytes().to_vec()])).await?;
    for format in ["text", "json"] {
        let ran = run(&["verify", "--format", format, &source.at("/x"), &target.at(&root)]).await.expect(1);
        assert!(!ran.stdout.contains('\u{202e}') && !ran.stdout.contains('\u{2066}'), "{}", ran.stdout);
        assert!(ran.stdout.contains("202e"), "{}", ran.stdout);
    }
    Ok(())
}

#[tokio::test]
async fn ids_in_acls_are_printed_escaped() -> Outcome {
    // One that is hidden is named in the message.
    let ran = copy_from(Wicked::AclId("eve\u{1b}[31m\u{202e}\nsource: all is well:x".to_owned())).await?.expect(2);
    ran.says(&["\\u{1b}[31m\\u{202e}\\nsource: all is well"]);
    Ok(())
}

#[tokio::test]
async fn lengths_beyond_all_bounds_are_refused() -> Outcome {
    let max = i32::MAX.to_be_bytes();
    for (answer, says) in [
        (max.to_vec(), "--max-reply"),
        ((-5_i32).to_be_bytes().to_vec(), "a reply of -5 bytes"),
        ([&8_i32.to_be_bytes()[..], &[0; 8]].concat(), "the frame ends within a record"),
        (vec![0x55; 100_000], "--max-reply"),
    ] {
        copy_from(Wicked::Answers(answer)).await?.expect(2).says(&["source: ", says]);
    }
    let multi = |op: i32, body: &[u8]| [&op.to_be_bytes()[..], &[0], &[0; 4], body].concat();
    for (reply, says) in [
        // Data, and a list of children, of 2 GiB; results of a write; nothing; a thousand refusals where one was asked.
        (multi(4, &max), "the frame ends within a record"),
        (multi(8, &max), "more elements than there are bytes"),
        (multi(1, &max), "the frame ends within a record"),
        (multi(2, &[]), "a read was answered as a write"),
        (multi(99, &[]), "was not asked for"),
        (Vec::new(), "the frame ends within a record"),
        (multi(-1, &(-101_i32).to_be_bytes()).repeat(1_000), "another number of results"),
    ] {
        copy_from(Wicked::Replies(reply)).await?.expect(2).says(&["source: ", says]);
    }
    Ok(())
}

#[tokio::test]
async fn greetings_that_are_none_end_within_the_connect_timeout() -> Outcome {
    let granted = |timeout: i32| [&36_i32.to_be_bytes()[..], &[0; 4], &timeout.to_be_bytes(), &[0xff; 28]].concat();
    for greeting in [Vec::new(), i32::MAX.to_be_bytes().to_vec(), vec![0xff; 64], vec![0; 64], granted(-1), granted(0)]
    {
        copy_from(Wicked::Greets(greeting)).await?.expect(2).says(&["source: connect"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_within_its_session_timeout() -> Outcome {
    copy_from(Wicked::FallsSilent).await?.expect(2).says(&["source: ", "has not answered"]);
    Ok(())
}

#[tokio::test]
async fn a_target_that_answers_nonsense_ends_a_copy() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("nonsense");
    load(&source.client().await?, &root, tree::small(1, 20)).await?;
    for wicked in [Wicked::Names(vec![b"..".to_vec()]), Wicked::Replies(vec![0xff; 50]), Wicked::FallsSilent] {
        let target = Hostile::start(wicked.clone()).await?;
        for command in [&["copy", "--update"][..], &["sync"], &["verify"]] {
            let started = Instant::now();
            let trees = [source.at(&root), target.at("/x")];
            let args = [command, &["--retry-for", "3s", "--session-timeout", "4000"], &[&trees[0], &trees[1]]].concat();
            run(&args).await.expect(2).says(&["target: "]);
            assert!(started.elapsed() < WITHIN, "{command:?} against {wicked:?}: it took {:?}", started.elapsed());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_keeps_a_request_waiting_for_ever_is_given_up() -> Outcome {
    for wicked in [Wicked::AnswersPingsAlone, Wicked::SendsEventsAlone, Wicked::Drips] {
        copy_in_session(wicked, "1000").await?.expect(2).says(&["source: ", "has answered no request for"]);
    }
    Ok(())
}
