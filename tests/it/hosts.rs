//! Commands and files on a host that a real sshd leads to. The same on this machine: migrator/src/host/tests.rs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use harness::sshd::Sshd;
use migrator::error::{Error, ErrorKind};
use migrator::host::{Command, Host, MigrationId, OUTPUT_BYTES_MAX, SshOptions};
use migrator::plan::Place;

const LIMIT: Duration = Duration::from_secs(30);

fn options(sshd: &Sshd) -> SshOptions {
    SshOptions { connect_max: LIMIT, config_file: Some(sshd.client_config()) }
}

async fn connect(sshd: &Sshd, name: &str) -> Result<Host, Error> {
    Host::connect(&Place::Ssh(name.to_owned()), &options(sshd)).await
}

async fn host() -> (Sshd, Host) {
    let sshd = Sshd::start().await.expect("sshd starts");
    let host = connect(&sshd, Sshd::NAME).await.expect("it lets us in");
    (sshd, host)
}

#[tokio::test]
async fn commands_arguments_and_exit_codes_go_over_ssh_as_they_are() {
    let (_sshd, host) = host().await;
    let odd = "a b'c\"d$HOME`x`\\ \n*é!";
    let command = Command::new("try", "printf '%s|%s|' \"$1\" \"$2\"; cat; echo no >&2; exit 3");
    let output = host.run(&command.arg(odd).arg("").input("in\0put"), LIMIT).await.unwrap();
    assert_eq!(output.code, Some(3));
    assert_eq!(output.stdout.bytes, format!("{odd}||in\0put").as_bytes());
    assert_eq!(output.stderr.bytes, b"no\n");
    for code in [0, 1, 126, 127, 254, 255] {
        let output = host.run(&Command::new("try", format!("exit {code}")), LIMIT).await.unwrap();
        assert_eq!((output.code, &*output.stdout.bytes), (Some(code), &b""[..]));
    }
    let output = host.run(&Command::new("try", "printf 'no line end'; kill -9 $$"), LIMIT).await.unwrap();
    assert_eq!((output.code, &*output.stdout.bytes), (Some(128 + 9), &b"no line end"[..]));
    let output = host.run(&Command::new("try", "head -c 300000 /dev/zero; echo end"), LIMIT).await.unwrap();
    assert_eq!(output.stdout.bytes.len(), OUTPUT_BYTES_MAX);
    assert!(output.stdout.bytes.ends_with(b"\0end\n"));
}

#[tokio::test]
async fn files_are_replaced_over_ssh_with_mode_and_backup() {
    let (_sshd, host) = host().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("con'fig $x.ini");
    fs::write(&path, "one").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let id = MigrationId::new("m-1").unwrap();
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    assert_eq!(host.read_backup(&path, &id, LIMIT).await.unwrap(), None);
    host.write_file(&path, &content, &id, LIMIT).await.unwrap();
    host.write_file(&path, b"three", &id, LIMIT).await.unwrap();
    host.write_file(&path, &content, &id, LIMIT).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(host.read_file(&path, LIMIT).await.unwrap(), content);
    assert_eq!(host.read_backup(&path, &id, LIMIT).await.unwrap().as_deref(), Some(&b"one"[..]));
    host.remove_backup(&path, &id, LIMIT).await.unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let error = host.read_file(&dir.path().join("absent"), LIMIT).await.unwrap_err().to_string();
    assert!(error.starts_with("host ssh:here: read /") && error.ends_with("absent: it does not exist"), "{error}");
}

#[tokio::test]
async fn a_connection_that_broke_is_made_again_and_the_command_is_not_sent_twice() {
    let (_sshd, host) = host().await;
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count").display().to_string();
    // What serves this connection is the parent of the shell that our shell runs in.
    let script = "echo x >>\"$1\"; read -r _ _ _ sshd _ </proc/$PPID/stat; kill -9 \"$sshd\"; sleep 60";
    let command = Command::new("stop", script).arg(&count);
    let error = host.run(&command, LIMIT).await.unwrap_err();
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::Unreachable, true), "{error}");
    assert!(host.run(&Command::new("try", "exit 0"), LIMIT).await.unwrap().is_success());
    assert_eq!(fs::read_to_string(count).unwrap(), "x\n");
}

#[tokio::test]
async fn a_command_that_does_not_end_is_given_up_and_the_next_one_runs() {
    let (_sshd, host) = host().await;
    let started = Instant::now();
    let error = host.run(&Command::new("stop", "sleep 60"), Duration::from_millis(300)).await.unwrap_err();
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::TimedOut, true), "{error}");
    assert!(started.elapsed() < LIMIT);
    assert!(host.run(&Command::new("try", "exit 0"), LIMIT).await.unwrap().is_success());
}

/// A terminal sends Ctrl-C to all of a process group.
#[tokio::test]
async fn what_carries_a_command_is_in_a_process_group_of_its_own() {
    let (_sshd, host) = host().await;
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    // It goes on until its carrier was looked at.
    let command = Command::new("try", "until [ -e \"$1\" ]; do sleep 0.05; done").arg(seen.display().to_string());
    let look = async {
        let found = harness::until("ssh to carry it", LIMIT, async || {
            Some(carriers(seen.to_str()?)).filter(|found| !found.is_empty())
        });
        let found = found.await.unwrap();
        fs::write(&seen, "").unwrap();
        found
    };
    let (output, groups) = tokio::join!(host.run(&command, LIMIT), look);
    assert!(output.unwrap().is_success());
    let own = group("self").expect("we are there");
    assert!(groups.iter().all(|group| *group != own), "{groups:?} are not of our group, {own}");
}

/// The process groups of the ssh processes that have `word` in their command line.
fn carriers(word: &str) -> Vec<i32> {
    let pids =
        fs::read_dir("/proc").expect("there is /proc").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let carries = |pid: &String| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.starts_with("ssh\0") && line.contains(word)
    };
    pids.filter(carries).filter_map(|pid| group(&pid)).collect()
}

/// The process group of a process: behind its name, its state and its parent.
fn group(pid: &str) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

#[tokio::test]
async fn the_operators_configuration_decides_the_way_and_an_unknown_key_is_refused() {
    let sshd = Sshd::start().await.expect("sshd starts");
    let behind = connect(&sshd, Sshd::BEHIND).await.unwrap();
    assert!(behind.run(&Command::new("try", "exit 0"), LIMIT).await.unwrap().is_success());
    let error = connect(&sshd, Sshd::STRANGER).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("Host key verification failed"), "{error}");
}

#[tokio::test]
async fn an_exit_code_that_is_not_the_commands_own_is_not_believed() {
    let sshd = Sshd::start().await.expect("sshd starts");
    let error = connect(&sshd, Sshd::MUTE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.to_string().contains("the host did not say how it ended"), "{error}");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_an_error_that_says_so() {
    let sshd = Sshd::start().await.expect("sshd starts");
    let error = connect(&sshd, Sshd::CLOSED).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(
        error.to_string().starts_with("host ssh:closed: connect: ") && error.to_string().contains("refused"),
        "{error}"
    );
}
