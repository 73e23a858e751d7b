//! Pages of real runs, looked at in a real browser: what is in them, how they are laid out, and pictures of them, which stay in
//! the build directory for people.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::browser::{Browser, Scheme};
use harness::{load, shared_pair, tree, unique_root, until};
use serde_json::Value;
use zookeeper_client::{Acls, CreateMode};

use crate::product::{Outcome, run, zkreplicator};

/// Names that a page must not take for markup, nor for instructions how text runs.
const HOSTILE: [&str; 3] = ["<script>document.title='pwned'</script>", "\"onload=\"x", "\u{202e}gpj.exe"];

/// Where the pages and pictures of a test lie.
pub(crate) fn directory(name: &str) -> std::io::Result<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name);
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Fails unless the page can be read on a desk and on a phone, in light and in darkness, by who sees it and who does not.
/// Gives what a browser finds in it.
pub(crate) async fn looks_well(page: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let browser = Browser::find()?;
    for (scheme, width, height, name) in [
        (Scheme::Light, 1_200, 2_200, "light"),
        (Scheme::Dark, 1_200, 2_200, "dark"),
        (Scheme::Light, 360, 3_000, "phone"),
        (Scheme::Dark, 360, 3_000, "phone-dark"),
    ] {
        let picture = page.with_extension(format!("{name}.png"));
        browser.picture(page, scheme, (width, height), &picture).await?;
        let found = browser.measure(page, width, scheme).await?;
        assert_eq!(found["content"], found["width"], "{name}: the page is wider than its window: {found}");
        assert_eq!(found["scripts"], 0, "{found}");
        assert!(found["worst"]["ratio"].as_f64() >= Some(4.5), "{name}: text that can't be read: {}", found["worst"]);
        let is_dark = found["ground"][0].as_f64() < Some(128.0);
        assert_eq!(is_dark, scheme == Scheme::Dark, "{name}: {}", found["ground"]);
        let mut ids: Vec<&str> = found["ids"].as_array().ok_or("no ids")?.iter().filter_map(Value::as_str).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id comes twice: {ids:?}");
        for picture in found["pictures"].as_array().ok_or("no pictures")? {
            assert_eq!((&picture["role"], &picture["labelled"]), (&"img".into(), &true.into()), "{picture}");
            assert!(picture["words"].as_str().is_some_and(|words| words.len() > 10), "{picture}");
            let none = Value::Array(Vec::new());
            assert_eq!((&picture["outside"], &picture["overlaps"]), (&none, &none), "{name}: {picture}");
            assert!(picture["smallest"].as_f64() > Some(9.0), "{name}: text too small: {picture}");
        }
        let headings = found["headings"].as_array().ok_or("no headings")?;
        let first = headings.iter().filter(|heading| heading.as_str().is_some_and(|text| text.starts_with("H1")));
        assert_eq!(first.count(), 1, "{headings:?}");
    }
    let pdf = page.with_extension("pdf");
    browser.print(page, &pdf).await?;
    assert!(fs::read(&pdf)?.starts_with(b"%PDF-"));
    tell(page);
    Ok(browser.measure(page, 1_200, Scheme::Light).await?)
}

#[expect(clippy::print_stdout, reason = "a person wants to know where the pictures are")]
fn tell(page: &Path) {
    println!("pictures: {}", page.with_extension("*.png").display());
}

#[track_caller]
pub(crate) fn shows(found: &Value, parts: &[&str]) {
    let text = found["text"].as_str().unwrap_or_default();
    for part in parts {
        assert!(text.contains(part), "the page does not show {part:?}:\n{text}");
    }
}

fn pictures(found: &Value) -> Vec<&str> {
    let pictures = found["pictures"].as_array().map(Vec::as_slice).unwrap_or_default();
    pictures.iter().filter_map(|picture| picture["title"].as_str()).collect()
}

#[tokio::test]
async fn a_copy_that_was_compared() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-copy");
    let at_source = source.client().await?;
    load(&at_source, &root, tree::pegasus_like(1, 30_000)).await?;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for name in HOSTILE {
        at_source.create(&format!("{root}/{}", name.replace('/', "|")), &vec![b'x'; 70_000], &options).await?;
    }
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    at_source.create(&format!("{root}/holder"), b"", &ephemeral).await?;
    let page = directory("copy")?.join("page.html");
    let certificate = directory("copy")?.join("certificate.json");
    let _ = fs::remove_file(&certificate);
    let (from, to, page_name) = (source.at(&root), target.at(&root), page.display().to_string());
    let certificate = certificate.display().to_string();
    let args = ["copy", "--verify", "--report", &page_name, "--certificate", &certificate, &from, &to];
    let ran = run(&args).await.expect(0);
    let found = looks_well(&page).await?;
    let digest = ran.stdout.split("digest ").nth(1).and_then(|rest| rest.get(..32)).ok_or("no digest")?;
    shows(
        &found,
        &["Equal", "both trees are equal", &from, &to, digest, "0: done; equal where compared", &certificate],
    );
    shows(&found, &["30,004", "ephemeral (they belong to live sessions)", "Processor time"]);
    // The largest are those that we made, and their names are text.
    shows(&found, &["Largest", "68.4 KiB", "/<script>document.title=", "/\\\"onload=\\\"x", "\\u{202e}gpj.exe"]);
    let shown = pictures(&found);
    for title in [
        "Znodes, a second over time",
        "Data, MiB a second over time",
        "Source, multiRead, ms over time",
        "Target, multi, ms over time",
    ] {
        assert!(shown.contains(&title), "no {title:?} in {shown:?}");
    }
    let words = found["pictures"][0]["words"].as_str().unwrap_or_default();
    assert!(words.contains("read: at most") && words.contains("written: at most"), "{words}");
    Ok(())
}

#[tokio::test]
async fn differences_that_were_planted() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-verify");
    let (at_source, at_target) = (source.client().await?, target.client().await?);
    load(&at_source, &root, tree::small(2, 2_000)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    run(&["copy", &from, &to]).await.expect(0);
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    at_target.create(&format!("{root}/<b>extra"), b"", &options).await?;
    at_source.create(&format!("{root}/missing"), b"", &options).await?;
    at_target.set_data(&root, b"another", None).await?;
    let long = "long-".repeat(60);
    at_source.create(&format!("{root}/{long}"), b"", &options).await?;
    let page = directory("verify")?.join("page.html");
    let page_name = page.display().to_string();
    run(&["verify", "--depth", "1", "--report", &page_name, &from, &to]).await.expect(1);
    let found = looks_well(&page).await?;
    shows(&found, &["Different", "there are 4 differences", "1: differences found", "verify --fix"]);
    shows(&found, &["/<b>extra", "only the target has it", "/missing", "only the source has it", "data", &long]);
    Ok(())
}

#[tokio::test]
async fn a_bench() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-bench");
    load(&source.client().await?, &root, tree::small(1, 2)).await?;
    load(&target.client().await?, &root, tree::small(1, 2)).await?;
    let page = directory("bench")?.join("page.html");
    let page_name = page.display().to_string();
    run(&["bench", "--znodes", "20000", "--report", &page_name, &source.at(&root), &target.at(&root)]).await.expect(0);
    let found = looks_well(&page).await?;
    shows(&found, &["Equal", "generated, copied, compared, copied again and removed", "generate", "update", "remove"]);
    shows(&found, &["Znodes that stand out", "Largest", "310 B", "Widest", "/apps"]);
    assert!(pictures(&found).contains(&"Znodes, a second over time"));
    Ok(())
}

#[tokio::test]
async fn a_run_that_fails_has_a_page_too() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-failed");
    load(&target.client().await?, &root, tree::small(1, 5)).await?;
    let page = directory("failed")?.join("page.html");
    let page_name = page.display().to_string();
    let (from, to) = (source.at(&root), target.at(&root));
    let failed = run(&["copy", "--report", &page_name, &from, &to]).await.expect(2);
    let found = looks_well(&page).await?;
    shows(&found, &["Failed", "2: error", "see to the cause", &format!("the source has no znode {root}")]);
    assert!(failed.stderr.contains("the source has no znode"));

    // What was typed wrong is told there too, and nothing was drawn.
    run(&["copy", "--report", &page_name, "--include", "[", &from, &to]).await.expect(2);
    let html = fs::read_to_string(&page)?;
    assert!(html.contains("--include") && !html.contains("<svg"), "{html}");
    Ok(())
}

#[tokio::test]
async fn plans_archives_and_certificates_have_pages_too() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-others");
    load(&source.client().await?, &root, tree::small(1, 300)).await?;
    let directory = tempfile::tempdir()?;
    let name = |name: &str| directory.path().join(name).display().to_string();
    let (page, archive, certificate) = (name("page.html"), name("tree.zka"), name("certificate.json"));
    let (from, to) = (source.at(&root), target.at(&root));
    for (args, part) in [
        (vec!["copy", "--dry-run", &from, &to], "nothing was written"),
        (vec!["dump", "--verify", &from, &archive], "301 znodes; both trees are equal"),
        (vec!["restore", &archive, &to], "proves that both are the same"),
        (vec!["sync", &from, &to], "Equal already, kept"),
        (vec!["verify", "--certificate", &certificate, &from, &to], "Certificate: "),
        (vec!["verify", "--against", &certificate, &to], "is what the certificate of"),
    ] {
        let args: Vec<&str> = args.into_iter().chain(["--report", &page]).collect();
        run(&args).await.expect(0);
        let html = fs::read_to_string(&page)?;
        assert!(html.contains(part) && html.contains("class=\"good\""), "{args:?}: no {part:?} in {html}");
        assert!(html.contains("<svg") && html.ends_with("</html>\n"), "{args:?}: {html}");
    }
    Ok(())
}

#[tokio::test]
async fn an_interrupted_run_has_a_page_too() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-interrupted");
    load(&source.client().await?, &root, tree::small(1, 5_000)).await?;
    let directory = tempfile::tempdir()?;
    let (page, metrics) = (directory.path().join("page.html"), directory.path().join("run.prom"));
    let (page_name, metrics_name) = (page.display().to_string(), metrics.display().to_string());
    let (from, to) = (source.at(&root), target.at(&root));
    let args =
        ["copy", "--max-ops-per-second", "200", "--report", &page_name, "--metrics-file", &metrics_name, &from, &to];
    let child = zkreplicator(&args).spawn()?;
    // As it is written the second time.
    let is_held_back = |text: &String| {
        let of = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        of("zkreplicator_held_back{").ends_with(" 1") && !of("zkreplicator_duration_seconds{").contains("} 0.")
    };
    let begun = async || fs::read_to_string(&metrics).ok().filter(is_held_back);
    until("the copy is held back", Duration::from_secs(30), begun).await?;
    let pid = i32::try_from(child.id().ok_or("it has ended")?)?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT)?;
    crate::product::finish(child).await.expect(130);
    let html = fs::read_to_string(&page)?;
    assert!(html.contains("interrupted") && html.contains("run the same copy again with --update"), "{html}");
    assert!(html.contains("class=\"wait\""), "the time in which it was held back is not marked");
    Ok(())
}

#[tokio::test]
async fn a_page_that_cant_be_written_ends_it_before_anything_is_done() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-unwritable");
    load(&source.client().await?, &root, tree::small(1, 5)).await?;
    for option in ["--report", "--metrics-file"] {
        let (from, to) = (source.at(&root), target.at(&root));
        let refused = run(&["copy", option, "/proc/no/such/file", &from, &to]).await.expect(2);
        refused.says(&[option, "/proc/no/such/file"]);
        run(&["scan", &to]).await.expect(2).says(&["no znode"]);
    }
    Ok(())
}

/// A certificate of a moment before was lost to `--report moved.json`.
#[tokio::test]
async fn a_page_takes_the_place_of_a_page_and_of_nothing_else() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-other");
    load(&source.client().await?, &root, tree::small(1, 5)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let copied = target.at(&format!("{root}-copied"));
    run(&["copy", &from, &copied]).await.expect(0);
    let directory = tempfile::tempdir()?;
    let name = |name: &str| directory.path().join(name).display().to_string();
    let (certificate, page) = (name("moved.json"), name("page.html"));
    run(&["verify", "--certificate", &certificate, &from, &copied]).await.expect(0);
    let before = fs::read(&certificate)?;
    let refused = run(&["copy", &from, &to, "--report", &certificate]).await.expect(2);
    refused.says(&["--report", "moved.json", "is no page of ours", "name another file"]);
    assert!(fs::read(&certificate)? == before, "it was replaced");
    run(&["scan", &to]).await.expect(2).says(&["no znode"]);
    fs::write(&page, "")?;
    for _ in 0..2 {
        run(&["verify", &from, &copied, "--report", &page]).await.expect(0);
        assert!(fs::read_to_string(&page)?.contains("both trees are equal"));
    }
    Ok(())
}

#[tokio::test]
async fn a_page_never_takes_the_place_of_what_the_command_writes_or_reads() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("report-own");
    load(&source.client().await?, &root, tree::small(1, 5)).await?;
    let directory = tempfile::tempdir()?;
    let name = |name: &str| directory.path().join(name).display().to_string();
    let (archive, other, from, to) = (name("tree.zka"), name("other"), source.at(&root), target.at(&root));
    run(&["dump", &from, &archive]).await.expect(0);
    let before = fs::read(&archive)?;
    let (certificate, link, rules) = (name("certificate.json"), name("link"), name("rules"));
    let same = target.at(&format!("{root}-same"));
    run(&["copy", &from, &same]).await.expect(0);
    run(&["verify", "--certificate", &certificate, &from, &same]).await.expect(0);
    std::os::unix::fs::symlink(&certificate, &link)?;
    fs::write(&rules, "")?;
    for args in [
        vec!["restore", &archive, &to, "--report", &archive],
        vec!["dump", "--replace", &from, &archive, "--metrics-file", &archive],
        vec!["verify", &from, &same, "--certificate", &other, "--report", &other],
        vec!["copy", &from, &to, "--report", &other, "--metrics-file", &other],
        vec!["verify", "--against", &certificate, &from, "--report", &certificate],
        vec!["verify", "--against", &certificate, &from, "--report", &link],
        vec!["dump", "--replace", &from, &archive, "--report", &name("./tree.zka")],
        vec!["copy", &from, &to, "--pause-file", &other, "--report", &other],
        vec!["copy", &from, &to, "--auth-file", &rules, "--report", &rules],
        vec!["copy", &from, &to, "--acl", "map", &rules, "--metrics-file", &rules],
    ] {
        run(&args).await.expect(2).says(&["give each a file of its own"]);
    }
    assert!(fs::read(&archive)? == before && !fs::exists(&other)?);
    run(&["scan", &to]).await.expect(2).says(&["no znode"]);
    Ok(())
}
