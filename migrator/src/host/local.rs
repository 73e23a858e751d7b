//! Commands on this machine: a process group of their own, which goes when nobody waits for it any more.

use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process;

use super::exchange::exchange;
use super::{Command, Output};
use crate::error::{Error, ErrorKind, Result};

/// Runs a command to its end. When this is dropped before, the command and its process group are killed.
pub(super) async fn run(command: &Command) -> Result<Output> {
    let failed = |error: std::io::Error| Error::new(ErrorKind::Local, "host local", &command.what, error.to_string());
    let mut child = process::Command::new("sh")
        .args(["-c", &command.script, "sh"])
        .args(&command.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut group = Group(child.id());
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(failed(std::io::Error::other("its pipes are missing")));
    };
    let unknown = |error| failed(error).with_unknown_outcome();
    let (stdout, stderr) =
        exchange(&command.input, command.output_bytes_max, stdin, stdout, stderr).await.map_err(unknown)?;
    let status = child.wait().await.map_err(unknown)?;
    // What it left running on purpose stays.
    group.0 = None;
    Ok(Output { code: status.code(), stdout, stderr })
}

/// The process group of a command that has not come to its end.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        // The leader was not waited for, or only just: its id is not another's yet.
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()) {
            // A group that is gone already needs no signal.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}
