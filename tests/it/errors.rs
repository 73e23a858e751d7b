//! Every message says what to do next, in one line: failures of the real program, one by one.

mod interrupted;
mod slips;

use std::net::TcpListener;
use std::process::Stdio;

use harness::{load, shared_pair, tree, unique_root};
use zookeeper_client::{Acl, AuthId, Permission};

use crate::product::{Outcome, Run, finish, run_with};

/// What is done, what the message says has happened, and what it says to do.
struct Case<'a> {
    args: Vec<&'a str>,
    env: &'a [(&'a str, &'a str)],
    happened: &'a str,
    hint: &'a str,
}

fn case<'a>(args: &[&'a str], happened: &'a str, hint: &'a str) -> Case<'a> {
    Case { args: args.to_vec(), env: &[], happened, hint }
}

/// The one line of stderr that has both.
#[track_caller]
fn assert_told(run: &Run, happened: &str, hint: &str) {
    let told = run.stderr.lines().any(|line| line.contains(happened) && line.contains(hint));
    assert!(told, "no line says {happened:?} and {hint:?}:\n{}", run.stderr);
}

#[tokio::test]
async fn each_says_what_to_do_next() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, full, locked, gone) =
        (unique_root("told"), unique_root("told-full"), unique_root("told-locked"), unique_root("told-gone"));
    let at_source = source.client().await?;
    load(&at_source, &root, tree::small(1, 20)).await?;
    load(&target.client().await?, &full, tree::small(2, 60)).await?;
    load(&at_source, &locked, tree::small(3, 20)).await?;
    let nobody = [Acl::new(Permission::ALL, AuthId::new("ip", "192.0.2.1"))];
    at_source.set_acl(&locked, &nobody, None).await?;
    load(&at_source, &format!("{root}-big"), tree::big_values(4, 1, 100_000)).await?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("no-archive.zka");
    std::fs::write(&file, b"something else, and long enough to be looked at as an archive of znodes would be")?;
    let (file, absent) = (file.display().to_string(), directory.path().join("absent").display().to_string());

    let (from, to) = (source.at(&root), target.at(&gone));
    let (other, at_full, at_locked) = (source.at(&gone), target.at(&full), source.at(&locked));
    let (nowhere, big) = (format!("{closed}/a"), source.at(&format!("{root}-big")));
    let unknown = "no-such-host.invalid:2181/a";
    // What came before the znode that is too large may stand.
    let to_big = target.at(&format!("{root}-big"));
    let against = ["verify", "--against", &absent, &from];
    let cases = [
        case(&["copy", &nowhere, &to], "refuses the connection", "check that the server runs"),
        case(&["copy", unknown, &to], "unknown host", "check its name and the resolver"),
        case(&["copy", &other, &to], "the source has no znode", "check the path"),
        case(&["verify", &other, &to], "the source has no znode", "check the path"),
        case(&["copy", &from, &at_full], "holds a tree already", "--update"),
        case(&["copy", &at_locked, &to], "not authorized", "ZKREPLICATOR_SOURCE_AUTH, --source-auth-file"),
        case(&["copy", &from, &from], "same ensemble", "choose a target outside"),
        case(&["copy", "a b:1", &to], "connect string", "for example"),
        case(&["copy", "--include", "apps", &from, &to], "--include", "a glob is a path"),
        case(&["copy", "--jute-maxbuffer", "100000", &big, &to_big], "needs a request of", "raise jute.maxbuffer"),
        case(&["copy", "--jute-maxbuffer", "1", &from, &to], "--jute-maxbuffer 1", "it is at least"),
        case(&["copy", "--max-reply", "100", &from, &to], "--max-reply", "run again"),
        case(&["copy", "--salvage", &from, &to], "only an archive can be salvaged", "leave it out"),
        case(&["copy", "--auth-file", &absent, &from, &to], "absent", "scheme:credentials"),
        case(&["restore", &absent, &to], "No such file", "see to that, then run again"),
        case(&["restore", &file, &to], "no-archive.zka", "zkreplicator dump"),
        case(&["restore", "--quotas", &file, &to], "--quotas has no meaning here", "leave it out"),
        case(&["dump", &from, &file], "no-archive.zka", "--replace"),
        case(&["sync", "--max-delete", "0", &from, &at_full], "would be removed", "--max-delete"),
        case(&against, "absent", "--certificate"),
        case(&["copy", "--acl", "map", &absent, &from, &to], "--acl map", "name a file with a rule a line"),
        case(&["copy", "--connect-timeout", "10s", &from, &to], "--connect-timeout", "milliseconds, a plain number"),
        case(&["copy", "--session-timeout", "10s", &from, &to], "--session-timeout", "milliseconds, a plain number"),
        case(&["copy", "--max-ops-per-second", "5k", &from, &to], "--max-ops-per-second", "it is a plain number"),
        case(&["scan", &other], "there is no znode", "name the tree's root"),
        case(&["rm", &at_full], "there is no terminal", "--yes-remove"),
        case(&["rm", "--yes-remove", "/x", &at_full], "is not the root of the tree", &full),
        case(&["bench", &from, &to], "there is no znode", "create it, or name another path"),
        case(&["bench", "--znodes", "9999999", "--data-bytes", "900000", &from, &at_full], "heap", "at most"),
        case(&["copy", "--pause-fil", "x", &from, &to], "--pause-fil", "--pause-file"),
        Case {
            env: &[("ZKREPLICATOR_TARGET_AUTH", "no-such-scheme:secret")],
            ..case(&["copy", &from, &to], "authentication failed", "check the scheme and the credentials")
        },
        // The scheme was forgotten, and not told.
        Case {
            env: &[("ZKREPLICATOR_SOURCE_AUTH", "bob:pw")],
            ..case(&["copy", &from, &to], "authentication failed; tried: scheme \"bob\"", "digest:user:password")
        },
        Case {
            env: &[("ZKREPLICATOR_AUTH", "digest")],
            ..case(&["copy", &from, &to], "ZKREPLICATOR_AUTH", "scheme:credentials")
        },
    ];
    for Case { args, env, happened, hint } in cases {
        let ran = run_with(env, &args).await.expect(2);
        if ran.stderr.starts_with("error: ") {
            // clap's own, with its tips on lines of their own.
            assert!(ran.stderr.contains(happened) && ran.stderr.contains(hint), "{args:?}: {}", ran.stderr);
        } else {
            assert_told(&ran, happened, hint);
        }
    }
    assert!(target.client().await?.check_stat(&gone).await?.is_none(), "something was changed");
    Ok(())
}

#[tokio::test]
async fn a_migrator_that_can_not_begin_says_what_to_do_next() -> Outcome {
    let directory = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> std::io::Result<String> {
        let file = directory.path().join(name);
        std::fs::write(&file, text)?;
        Ok(file.display().to_string())
    };
    let meta = "[[meta_server]]\naddress = \"127.0.0.1:1\"\nhost = \"local\"\nconfig_file = \"/c\"\nstop = \"true\"\n\
                start = \"true\"\ncheck = \"true\"\n";
    let whole = format!(
        "cluster = \"onebox\"\njournal = {:?}\n[source]\nconnect = \"127.0.0.1:1\"\n[target]\nconnect = \"127.0.0.1:2\"\n\
         [limits]\nrpc_max = \"200ms\"\n{meta}",
        directory.path().join("journal").display().to_string()
    );
    let (no_toml, unknown) = (file("no.toml", "cluster = onebox")?, file("key.toml", &format!("clustr = 1\n{whole}"))?);
    let (plan, absent) = (file("plan.toml", &whole)?, directory.path().join("absent.toml").display().to_string());
    for (args, happened, hint) in [
        (vec!["plan", "--plan", &absent], "No such file", "zkmigrator init"),
        (vec!["plan", "--plan", &no_toml], "no.toml", "correct that"),
        (vec!["plan", "--plan", &unknown], "clustr", "correct that"),
        (vec!["resume", "--plan", &plan], "no migration was begun", "zkmigrator run"),
        (vec!["rollback", "--plan", &plan], "no migration was begun", "zkmigrator run"),
        (vec!["init", "--meta-servers", "127.0.0.1:1", "--target", "zk4:2181"], "meta server", "can be reached"),
        (vec!["init", "--meta-servers", "nonsense", "--target", "zk4:2181"], "nonsense", "correct that"),
    ] {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_zkmigrator-under-test"));
        command.args(&args).env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
        let ran = finish(command.spawn()?).await.expect(2);
        assert_told(&ran, happened, hint);
    }
    Ok(())
}
