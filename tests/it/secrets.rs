//! Credentials stand on no command line, and nothing that is printed, logged or kept holds them. What is kept is its
//! owner's alone.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use harness::{load, shared_pair, tree, unique_root, until};
use zookeeper_client::{Acl, Acls, AuthId, CreateMode, Permission};

use crate::product::{Outcome, Run, finish, run, zkreplicator};

const USER: &str = "alice";
const PASSWORD: &str = "s3cr3t-of-alice";
/// What the server makes of the two: an ACL holds it.
const HASHED: &str = "alice:iCq5Jr/0WnjXfyd4lvOwV7Up7ro=";

/// Fails where a text holds the password, as it is or as bytes in a list.
#[track_caller]
fn assert_silent(what: &str, text: &str) {
    let as_bytes: Vec<String> = PASSWORD.bytes().map(|byte| byte.to_string()).collect();
    for secret in [PASSWORD.to_owned(), as_bytes.join(", ")] {
        assert!(!text.contains(&secret), "{what} holds the password:\n{text}");
    }
}

/// Runs with everything logged and the credentials in the environment, and looks at all that is said meanwhile.
async fn run_loudly(args: &[&str]) -> Run {
    let mut command = zkreplicator(args);
    command.env("ZKREPLICATOR_AUTH", format!("digest:{USER}:{PASSWORD}")).env("RUST_LOG", "trace");
    let child = command.spawn().expect("the program starts");
    let pid = child.id().expect("it runs");
    // A process that has just ended has no command line any more.
    for place in ["cmdline", "comm"] {
        let shown = std::fs::read(format!("/proc/{pid}/{place}")).unwrap_or_default();
        assert_silent(place, &String::from_utf8_lossy(&shown));
    }
    let ran = finish(child).await;
    assert_silent("stdout", &ran.stdout);
    assert_silent("stderr", &ran.stderr);
    ran
}

fn assert_kept(file: &Path) -> Outcome {
    assert_eq!(std::fs::metadata(file)?.permissions().mode() & 0o777, 0o600, "{}", file.display());
    assert_silent("a file", &std::fs::read_to_string(file)?);
    Ok(())
}

#[tokio::test]
async fn nothing_that_is_said_or_kept_holds_a_password() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("secrets");
    let client = source.client().await?;
    client.auth("digest", format!("{USER}:{PASSWORD}").as_bytes()).await?;
    load(&client, &root, tree::small(1, 200)).await?;
    let ours = [Acl::new(Permission::ALL, AuthId::new("digest", HASHED))];
    client.create(&format!("{root}/ours"), b"", &CreateMode::Persistent.with_acls(Acls::new(&ours))).await?;
    let directory = tempfile::tempdir()?;
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (from, to, plan, certificate) = (source.at(&root), target.at(&root), file("plan"), file("certificate"));

    run_loudly(&["copy", "-vv", "--dry-run", "--out", &plan, &from, &to]).await.expect(0);
    assert_kept(Path::new(&plan))?;
    run_loudly(&["copy", "-vv", "--verify", "--certificate", &certificate, &from, &to]).await.expect(0);
    assert_kept(Path::new(&certificate))?;
    run_loudly(&["verify", "-vv", "--format", "json", &from, &to]).await.expect(0);
    run_loudly(&["verify", "-vv", "--against", &certificate, &to]).await.expect(0);
    run_loudly(&["sync", "-vv", "--transport", "zookeeper-client", &from, &to]).await;
    let site = format!("{root}/bench");
    client.create(&site, b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
    run_loudly(&["bench", "-vv", "--znodes", "100", &source.at(&site), &source.at(&site)]).await.expect(0);
    // Errors: nobody there, an ACL that is not ours to see, and a certificate that is there already.
    run_loudly(&["copy", "--connect-timeout", "500", &from, "127.0.0.1:1/x"]).await.expect(2);
    run_loudly(&["verify", "--certificate", &certificate, &from, &to]).await.expect(2);
    Ok(())
}

#[tokio::test]
async fn credentials_that_are_wrong_are_not_repeated() -> Outcome {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("auth");
    let at = file.display().to_string();
    for wrong in
        [PASSWORD.to_owned(), format!("world:{PASSWORD}"), format!("digest:{PASSWORD}"), format!(":{PASSWORD}")]
    {
        std::fs::write(&file, format!("# ours\n{wrong}\n"))?;
        let ran = run(&["copy", "--auth-file", &at, "127.0.0.1:1/x", "127.0.0.1:1/y"]).await.expect(2);
        assert_silent("stdout", &ran.stdout);
        assert_silent("stderr", &ran.stderr);
        ran.says(&["auth, line 2"]);
    }
    let endless = run(&["copy", "--auth-file", "/dev/zero", "127.0.0.1:1/x", "127.0.0.1:1/y"]).await.expect(2);
    endless.says(&["auth file /dev/zero: it is larger than"]);
    Ok(())
}

#[tokio::test]
async fn what_is_kept_is_its_owners_alone_whatever_the_umask() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("modes");
    load(&source.client().await?, &root, tree::small(1, 20)).await?;
    let directory = tempfile::tempdir()?;
    let (from, to) = (source.at(&root), target.at(&root));
    for (option, args) in [("--out", &["copy", "--dry-run"][..]), ("--certificate", &["copy", "--verify"])] {
        let file = directory.path().join(option.trim_start_matches('-'));
        let at = file.display().to_string();
        let program = env!("CARGO_BIN_EXE_zkreplicator-under-test");
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "umask 000; exec \"$0\" \"$@\"", program]).args(args).args([option, &at, &from, &to]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        finish(child).await.expect(0);
        assert_kept(&file)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_running_program_shows_no_credentials_in_the_list_of_processes() -> Outcome {
    let directory = tempfile::tempdir()?;
    let (auth, pause) = (directory.path().join("auth"), directory.path().join("pause"));
    std::fs::write(&auth, format!("digest:{USER}:{PASSWORD}\n"))?;
    std::fs::write(&pause, "")?;
    let (source, target) = shared_pair().await?;
    let root = unique_root("processes");
    load(&source.client().await?, &root, tree::small(1, 20)).await?;
    let (auth, held) = (auth.display().to_string(), pause.display().to_string());
    let (from, to) = (source.at(&root), target.at(&root));
    let child = zkreplicator(&["copy", "--auth-file", &auth, "--pause-file", &held, &from, &to]).spawn()?;
    let pid = child.id().ok_or("it runs")?;
    let shown = until("the program to run", Duration::from_secs(10), async || {
        let shown = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        shown.contains("--auth-file").then_some(shown)
    })
    .await?;
    assert_silent("cmdline", &shown);
    std::fs::remove_file(&pause)?;
    finish(child).await.expect(0);
    Ok(())
}
