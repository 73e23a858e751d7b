//! Each example of `zkreplicator COMMAND --help` does what the sentence above it says, on real servers.
//!
//! Before each of them both servers are as a document finds them ([`documents::begin`]), and as the command needs them; files
//! stay from one example of a command to the next. Those of `zkmigrator`: [`crate::migrate::examples`].

use std::path::Path;

use harness::tree::TreeZnode;
use harness::{Server, load};
use zookeeper_client::{Acls, Client, CreateMode};

use crate::documents;
use crate::documents::examples::{self, Example};
use crate::documents::world::{RULES, World};
use crate::product::{Outcome, run};
use crate::terminal::PROGRAMS;

/// Examples that are not run, and why.
const NOT_RUN: [(&str, &str); 1] = [(
    "zkreplicator rm zk1:2181,zk2:2181/pegasus/onebox",
    "a person types the root at a terminal: tests/it/rm.rs is that person",
)];

/// Texts of examples that are run with less, since what they show would take minutes.
const LESS: [(&str, &str); 2] =
    [("--znodes 1000000", "--znodes 2000"), ("bench --format", "bench --znodes 2000 --format")];

/// Examples that end with another code than 0, as their sentence, or the command's help, says.
const CODES: [(&str, i32); 1] = [("restore --salvage", 3)];

#[tokio::test(flavor = "multi_thread")]
async fn each_example_of_a_help_does_what_its_sentence_says() -> Outcome {
    let servers = documents::two_servers().await?;
    let mut world = World::new(&servers.0.connect_string(), &servers.1.connect_string())?;
    let node = tempfile::tempdir()?;
    world.text("/var/lib/node", &node.path().display().to_string());
    // It reads all of it, as a pager does.
    world.stub("man", "#!/bin/sh\nexec grep -c '^[.]TH ' > /dev/null\n")?;
    let (mut failed, mut ran, mut passed_over) = (Vec::new(), 0, Vec::new());
    let (_, _, commands) = PROGRAMS[0];
    for command in commands {
        let place = tempfile::tempdir()?;
        for Example { what, script } in examples::of("zkreplicator", command)? {
            if NOT_RUN.iter().any(|(shown, _)| *shown == script) {
                passed_over.push(script);
                continue;
            }
            let _owner = prepare(command, &script, &servers, place.path()).await?;
            let less = LESS.iter().fold(script.clone(), |script, (shown, less)| script.replace(shown, less));
            let code = CODES.iter().find(|(of, _)| script.contains(of)).map_or(0, |(_, code)| *code);
            let done = Example { what: what.clone(), script: less }.run(&world, place.path()).await?;
            ran += 1;
            if done.code != Some(code) {
                failed.push(format!(
                    "{what}\n  {script}\n  ended with {:?}, not {code}:\n{}{}",
                    done.code, done.stdout, done.stderr
                ));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(passed_over, NOT_RUN.map(|(shown, _)| shown), "what is not run is shown");
    assert!(ran >= 45, "only {ran} examples were found");
    Ok(())
}

/// Gives the servers, and the directory, what the example needs; the client that owns what belongs to a session.
async fn prepare(
    command: &str,
    script: &str,
    servers: &(Server, Server),
    place: &Path,
) -> Result<Option<Client>, Box<dyn std::error::Error>> {
    documents::begin(servers).await?;
    let (source, target) = servers;
    let archive = place.join("onebox.zka");
    match command {
        "copy" => std::fs::write(place.join("rules"), RULES)?,
        "sync" if script.contains("--max-delete") => {
            let extras = (0..1_100).map(|number| TreeZnode::new(format!("/extra-{number}"), ""));
            load(&target.client().await?, "/a", extras).await?;
        }
        "verify" => {
            for root in ["/pegasus/onebox", "/a"] {
                run(&["copy", &source.at(root), &target.at(root)]).await.expect(0);
            }
            if script.contains("--fix") {
                target.client().await?.set_data("/a/apps", b"differs", None).await?;
            }
        }
        "rm" if script.contains("--with-ephemerals") => {
            let owner = source.client().await?;
            load(&owner, "/kafka", std::iter::empty()).await?;
            owner.create("/kafka/e", b"", &CreateMode::Ephemeral.with_acls(Acls::anyone_all())).await?;
            return Ok(Some(owner));
        }
        _ => {}
    }
    if matches!(command, "verify" | "restore" | "scan") && !archive.exists() {
        run(&["dump", &source.at("/pegasus/onebox"), &archive.display().to_string()]).await.expect(0);
    }
    if script.contains("--salvage") {
        let mut bytes = std::fs::read(&archive)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&archive, bytes)?;
    }
    Ok(None)
}
