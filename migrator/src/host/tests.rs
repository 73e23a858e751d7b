//! Commands and files on this machine, for real. Over ssh the same is tried in tests/it/hosts.rs.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Command, FILE_BYTES_MAX, Host, MigrationId, OUTPUT_BYTES_MAX};
use crate::error::{Error, ErrorKind};

const LIMIT: Duration = Duration::from_secs(20);

fn id() -> MigrationId {
    MigrationId::new("m-1").unwrap()
}

async fn run(script: &str) -> super::Output {
    Host::local().run(&Command::new("try", script), LIMIT).await.unwrap()
}

/// A directory with a file `config.ini` in it.
fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.ini");
    fs::write(&path, content).unwrap();
    (dir, path)
}

async fn write_error(path: &Path, content: &[u8]) -> Error {
    Host::local().write_file(path, content, &id(), LIMIT).await.unwrap_err()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_commands_end_is_told_apart() {
    let output = run("echo out; echo err >&2; exit 3").await;
    assert_eq!((output.code, &*output.stdout.bytes, &*output.stderr.bytes), (Some(3), &b"out\n"[..], &b"err\n"[..]));
    assert!(run("exit 0").await.is_success());
    assert_eq!(run("no-such-command-at-all").await.code, Some(127));
    assert_eq!(run("exit 255").await.code, Some(255));
    assert_eq!(run("kill -9 $$").await.code, None);
}

#[tokio::test]
async fn arguments_and_input_arrive_as_they_are() {
    let odd = "a b'c\"d$HOME`x`\\ \n*é";
    let command = Command::new("try", "printf '%s|%s|' \"$1\" \"$2\"; cat").arg(odd).arg("").input("in\0put");
    let output = Host::local().run(&command, LIMIT).await.unwrap();
    assert_eq!(output.stdout.bytes, format!("{odd}||in\0put").as_bytes());
}

#[tokio::test]
async fn a_command_need_not_read_its_input() {
    let command = Command::new("try", "exit 4").input(vec![b'x'; 1 << 20]);
    assert_eq!(Host::local().run(&command, LIMIT).await.unwrap().code, Some(4));
}

#[tokio::test]
async fn of_a_long_output_the_end_is_kept() {
    let output = run("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end").await;
    assert_eq!(output.stdout.bytes.len(), OUTPUT_BYTES_MAX);
    assert_eq!(output.stdout.cut, 300_005 - OUTPUT_BYTES_MAX as u64);
    assert!(output.stdout.bytes.ends_with(b"x\nend\n"));
    assert!(output.stdout.to_string().starts_with("(234469 bytes before) xxx"));
}

#[tokio::test]
async fn output_is_shown_so_that_a_terminal_does_not_obey() {
    assert_eq!(run("printf 'a\\033[2Jb\\n\\n'").await.stdout.to_string(), "a\\u{1b}[2Jb");
}

#[tokio::test]
async fn a_command_out_of_time_is_killed_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let command = Command::new("try", "sleep 600 & echo $! $$ >\"$1\"; wait").arg(pids.to_str().unwrap());
    let error = Host::local().run(&command, Duration::from_millis(500)).await.unwrap_err();
    assert_eq!((error.kind, error.outcome_unknown), (ErrorKind::TimedOut, true));
    assert!(error.to_string().starts_with("host local: try: it did not come to an end within 500ms"), "{error}");
    let pids = fs::read_to_string(&pids).unwrap();
    let deadline = Instant::now() + LIMIT;
    for pid in pids.split_whitespace() {
        // A zombie that nobody has waited for yet is gone too.
        while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(Instant::now() < deadline, "{pid} lives");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn what_a_command_leaves_running_stays() {
    let output = run("setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $!").await;
    let pid = output.stdout.to_string();
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    assert!(run(&format!("kill {pid}")).await.is_success());
}

#[tokio::test]
async fn a_file_is_replaced_and_what_it_held_is_kept_beside_it() {
    let (dir, path) = file(b"one");
    let host = Host::local();
    assert_eq!(host.read_file(&path, LIMIT).await.unwrap(), b"one");
    assert_eq!(host.read_backup(&path, &id(), LIMIT).await.unwrap(), None);
    let binary: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    host.write_file(&path, &binary, &id(), LIMIT).await.unwrap();
    assert_eq!(host.read_file(&path, LIMIT).await.unwrap(), binary);
    host.write_file(&path, b"three\r\n", &id(), LIMIT).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"three\r\n");
    assert_eq!(host.read_backup(&path, &id(), LIMIT).await.unwrap().as_deref(), Some(&b"one"[..]));
    let other = MigrationId::new("m-2").unwrap();
    host.write_file(&path, b"", &other, LIMIT).await.unwrap();
    assert_eq!(host.read_backup(&path, &other, LIMIT).await.unwrap().as_deref(), Some(&b"three\r\n"[..]));
    assert_eq!(names(dir.path()), ["config.ini", "config.ini.zkmigrator-m-1", "config.ini.zkmigrator-m-2"]);
    host.remove_backup(&path, &other, LIMIT).await.unwrap();
    host.remove_backup(&path, &other, LIMIT).await.unwrap();
    assert_eq!(names(dir.path()), ["config.ini", "config.ini.zkmigrator-m-1"]);
}

#[tokio::test]
async fn mode_and_owner_stay() {
    let (_dir, path) = file(b"one");
    // Only root can give files away.
    let owner = if nix::unistd::geteuid().is_root() { Some((12_345, 23_456)) } else { None };
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::chown(&path, Some(uid), Some(gid)).unwrap();
    }
    for mode in [0o640, 0o444, 0o600] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Host::local().write_file(&path, b"two", &id(), LIMIT).await.unwrap();
        let is = fs::metadata(&path).unwrap();
        assert_eq!(is.mode() & 0o7777, mode);
        if let Some(owner) = owner {
            assert_eq!((is.uid(), is.gid()), owner);
        }
    }
    let backup = fs::metadata(path.with_file_name("config.ini.zkmigrator-m-1")).unwrap();
    assert_eq!(backup.mode() & 0o7777, 0o640, "the backup is as secret as the file was");
}

#[tokio::test]
async fn behind_a_link_the_file_is_replaced() {
    let (dir, path) = file(b"one");
    let link = dir.path().join("link with ' and \"");
    symlink(&path, &link).unwrap();
    Host::local().write_file(&link, b"two", &id(), LIMIT).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(Host::local().read_backup(&link, &id(), LIMIT).await.unwrap().as_deref(), Some(&b"one"[..]));
}

#[tokio::test]
async fn what_cannot_be_replaced_safely_is_refused_and_stays() {
    let (dir, path) = file(b"one");
    fs::hard_link(&path, dir.path().join("other")).unwrap();
    let error = write_error(&path, b"two").await;
    assert!(error.why.starts_with("it has other hard links") && !error.outcome_unknown, "{error}");
    assert_eq!(names(dir.path()), ["config.ini", "other"]);
    assert_eq!(fs::read(&path).unwrap(), b"one");
    assert!(write_error(dir.path(), b"two").await.why.starts_with("it is no regular file"));
    let absent = dir.path().join("absent");
    assert_eq!(write_error(&absent, b"two").await.why, "it does not exist");
    assert_eq!(Host::local().read_file(&absent, LIMIT).await.unwrap_err().why, "it does not exist");
    assert_eq!(Host::local().read_file(&absent.join("x"), LIMIT).await.unwrap_err().why, "it does not exist");
    assert!(write_error(Path::new("relative"), b"x").await.why.contains("no absolute path"));
    assert!(write_error(Path::new("/a\n"), b"x").await.why.contains("no absolute path"));
    assert!(write_error(&path, &vec![0; FILE_BYTES_MAX + 1]).await.why.contains("more than"));
    fs::write(&absent, vec![b'x'; FILE_BYTES_MAX + 1]).unwrap();
    assert!(Host::local().read_file(&absent, LIMIT).await.unwrap_err().why.contains("larger than"));
}

#[tokio::test]
async fn content_that_does_not_arrive_in_full_changes_nothing() {
    let (dir, path) = file(b"one");
    let command = super::files::write_command(&path, b"two", &id()).unwrap().input("tw");
    let output = Host::local().run(&command, LIMIT).await.unwrap();
    assert_eq!(output.code, Some(45));
    assert_eq!(fs::read(&path).unwrap(), b"one");
    assert_eq!(names(dir.path()), ["config.ini", "config.ini.zkmigrator-m-1"]);
}

#[test]
fn a_migrations_id_can_stand_in_a_files_name() {
    assert_eq!(id().suffix(), ".zkmigrator-m-1");
    for wrong in ["", "a/b", "a b", "é", &"x".repeat(65)] {
        assert_eq!(MigrationId::new(wrong), None, "{wrong}");
    }
}

#[test]
fn contents_are_not_in_debug_output() {
    let command = Command::new("try", "script hunter2").input("hunter2").arg("hunter2");
    assert!(!format!("{command:?}").contains("hunter2"));
    let printed = super::Printed { bytes: b"hunter2".to_vec(), cut: 0 };
    assert_eq!(format!("{printed:?}"), "7 bytes");
}
