//! Each command that a document shows does what the document shows, on real servers.
//!
//! Documents are Markdown; what stands in a `console` block is run by trycmd, in the document's order, and its output is
//! compared (`...` stands for lines, `[..]` for a part of one). `zk1:2181` and its like are a source, `new1:2181` and its like a
//! target ([`as_documented`](../as_documented/main.rs)). Before each document both hold what [`World::begin`] gives them.

pub(crate) mod examples;
pub(crate) mod world;

use std::path::{Path, PathBuf};

use harness::tree::TreeZnode;
use harness::{Server, ServerOptions, golden, load, shared_pair, unique_root};

use self::world::World;
use crate::product::{Outcome, finish, run};

/// Documents whose commands speak to ZooKeeper alone.
const DOCUMENTS: [&str; 12] = [
    "docs/copying.md",
    "docs/verifying.md",
    "docs/zkcopy.md",
    "docs/archives.md",
    "docs/scanning.md",
    "docs/removing.md",
    "docs/bench.md",
    "docs/load.md",
    "docs/terminal.md",
    "docs/reports.md",
    "docs/metrics.md",
    "docs/json.md",
];

/// The root of the project.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Servers of their own: documents speak of whole ensembles.
pub(crate) async fn two_servers() -> Result<(Server, Server), harness::Error> {
    tokio::try_join!(Server::start(ServerOptions::default()), Server::start(ServerOptions::default()))
}

/// The source holds a real Pegasus tree at `/pegasus/onebox`, and a small one at `/a`; the target `/pegasus` alone.
pub(crate) async fn begin((source, target): &(Server, Server)) -> Outcome {
    for server in [source, target] {
        for child in server.client().await?.list_children("/").await?.iter().filter(|child| *child != "zookeeper") {
            let root = format!("/{child}");
            run(&["rm", "--yes-remove", &root, &server.at(&root)]).await.expect(0);
        }
    }
    golden::load(&source.client().await?, golden::CLUSTER_ROOT, &golden::live()).await?;
    let small = ["/apps", "/apps/1", "/apps/1/config", "/apps/2", "/tmp"].map(|path| TreeZnode::new(path, path));
    load(&source.client().await?, "/a", small.into_iter()).await?;
    load(&target.client().await?, "/pegasus", std::iter::empty()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_does_what_its_document_shows() -> Outcome {
    let servers = two_servers().await?;
    let world = World::new(&servers.0.connect_string(), &servers.1.connect_string())?;
    let mut failed = Vec::new();
    for document in DOCUMENTS {
        begin(&servers).await?;
        if let Err(why) = world.run(&project().join(document)).await? {
            failed.push(format!("{document}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_shows_what_is_not_so_fails() -> Outcome {
    let servers = two_servers().await?;
    begin(&servers).await?;
    let world = World::new(&servers.0.connect_string(), &servers.1.connect_string())?;
    let directory = tempfile::tempdir()?;
    let document = directory.path().join("wrong.md");
    std::fs::write(&document, "```console\n$ zkreplicator scan zk1:2181/a\nscanned the moon\n...\n```\n")?;
    assert!(world.run(&document).await?.is_err());
    std::fs::write(&document, "```console\n$ zkreplicator scan zk1:2181/a\nscanned zk1:2181/a, [..]\n...\n```\n")?;
    assert_eq!(world.run(&document).await?, Ok(()));
    Ok(())
}

/// The example that the library's documentation shows.
#[tokio::test]
async fn the_example_of_the_library_copies_and_compares() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("example");
    load(&source.client().await?, &root, [TreeZnode::new("/b", "data")].into_iter()).await?;
    let example = |from: String, to: String| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_example-copy"));
        command.args([from, to]).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn()
    };
    let done = finish(example(source.at(&root), target.at(&root))?).await.expect(0);
    assert!(done.stdout.starts_with("2 znodes, equal, digest "), "{}", done.stdout);
    let again = finish(example(source.at(&root), target.at(&root))?).await.expect(1);
    assert!(again.stderr.contains("holds a tree already (1 child below its root)"), "{}", again.stderr);
    Ok(())
}

/// Commands stand where they are run: in `console` blocks of documents that a test runs.
#[test]
fn no_document_shows_a_command_that_is_not_run() -> Outcome {
    let mut documents = vec![project().join("README.md")];
    for entry in std::fs::read_dir(project().join("docs"))? {
        documents.push(entry?.path());
    }
    let mut shown = Vec::new();
    for document in documents.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(document)?;
        let name = document.strip_prefix(project())?.display().to_string();
        let (mut block, mut runs) = (None, false);
        for (number, line) in text.lines().enumerate() {
            if let Some(language) = line.strip_prefix("```") {
                block = if block.is_some() { None } else { Some(language.to_owned()) };
                continue;
            }
            let is_code = block.is_some() || line.starts_with("    ");
            let command = line.trim_start().trim_start_matches("$ ");
            let ours = ["zkreplicator ", "zkmigrator ", "zkcopy ", "./zkcopy "];
            if is_code && ours.iter().any(|program| command.starts_with(program)) {
                runs |= block.as_deref() == Some("console");
                if block.as_deref() != Some("console") {
                    shown.push(format!("{name}:{}: {line}", number + 1));
                }
            }
        }
        if runs && !DOCUMENTS.contains(&name.as_str()) && !crate::migrate::documents::DOCUMENTS.contains(&name.as_str())
        {
            shown.push(format!("{name} is in no list of documents that are run"));
        }
    }
    assert!(shown.is_empty(), "commands that no test runs:\n{}", shown.join("\n"));
    Ok(())
}

/// What docs/troubleshooting.md quotes is what the programs say.
#[test]
fn messages_that_are_explained_exist() -> Outcome {
    let mut sources = String::new();
    let mut directories = vec![project().join("replicator/src"), project().join("migrator/src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &std::fs::read_to_string(path)?;
            }
        }
    }
    // A text that is broken over lines is one.
    let sources = sources.split("\\\n").map(str::trim_start).collect::<String>();
    let text = std::fs::read_to_string(project().join("docs/troubleshooting.md"))?;
    let mut quoted = 0;
    for message in text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|(first, _)| first) {
        for words in message.split("`, `").flat_map(|message| message.split("...")) {
            let variable = |word: &str| matches!(word, "N" | "M" | "FILE" | "PATH" | "\"\"");
            for part in words.split(' ').collect::<Vec<_>>().split(|word| variable(word)) {
                let part = part.join(" ");
                quoted += 1;
                assert!(sources.contains(part.trim_matches('"').trim()), "{part:?} of {message:?} is said nowhere");
            }
        }
    }
    assert!(quoted > 30, "only {quoted} quotes were found");
    Ok(())
}
