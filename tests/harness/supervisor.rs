//! A java process under an `sh` whose stdin we hold: when that closes, java dies.
//!
//! A test process can end without running a destructor: abort, SIGKILL, a `static`. What the kernel does in every case
//! is close its file descriptors. So the `sh` reads orders from a pipe that only we hold the other end of (Rust opens
//! pipes close-on-exec, no other child inherits it), and the end of the orders is the order to kill.
//!
//! Invariants: `sh` exits when java has, with its status. It is in a process group of its own, so that a signal to our
//! group can't kill it before it has done its work. The directory is removed at the end of the orders, and kept if java
//! ended before: then the server may be started again on it.

use std::{
    ffi::OsString,
    fmt, fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
};

use crate::Error;

/// `$1` is the directory, `$2` the log, the rest is the command. A background job's stdin is /dev/null: hence fd 3.
/// TERM is ignored once the orders have ended, so that the holder's status says who ended first.
const SCRIPT: &str = r#"
directory=$1 log=$2; shift 2; exec 3<&0
"$@" >>"$log" 2>&1 </dev/null 3<&- & java=$!
echo "$java"; exec >/dev/null
{
  while read -r signal <&3; do kill -s "$signal" "$java"; done
  trap '' TERM; kill -s KILL "$java"; exit 0
} & holder=$!
wait "$java"; status=$?
kill "$holder"; wait "$holder" && rm -rf "$directory"
exit "$status"
"#;

/// A command and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct CommandLine(pub(crate) Vec<OsString>);

impl fmt::Display for CommandLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|word| word.to_string_lossy()).collect();
        out.write_str(&words.join(" "))
    }
}

/// A running command that can't outlive this process.
#[derive(Debug)]
pub(crate) struct Supervisor {
    sh: Child,
    orders: Option<ChildStdin>,
    pid: u32,
}

impl Supervisor {
    /// Runs `command` in `directory`, its output appended to `log`.
    pub(crate) fn spawn(command: &CommandLine, directory: &Path, log: &Path) -> Result<Self, Error> {
        let failed = || format!("sh, to run {command}");
        let mut sh = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .args([directory, log])
            .args(&command.0)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io(failed()))?;
        let orders = sh.stdin.take();
        let mut line = String::new();
        let stdout = sh.stdout.take().expect("stdout was set to a pipe six lines above");
        BufReader::new(stdout).read_line(&mut line).map_err(Error::io(failed()))?;
        let pid = line.trim().parse().map_err(|_no_number| Error::Start {
            reason: "sh told no process id".to_owned(),
            command: command.to_string(),
            log: line,
        })?;
        Ok(Self { sh, orders, pid })
    }

    /// The process id of java.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends java a signal, by its name without `SIG`. None is sent if it has ended.
    pub(crate) fn signal(&mut self, name: &str) {
        if let Some(orders) = &mut self.orders {
            // The only failure is a broken pipe: java has ended, and `sh` with it.
            let _ended = writeln!(orders, "{name}");
        }
    }

    /// Whether a signal has stopped java: all its threads, and it has some.
    pub(crate) fn is_stopped(&self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid)) else {
            return false;
        };
        // The state comes after the name, which is in parentheses and may hold any character.
        let is_stopped = |stat: &str| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'));
        threads
            .flatten()
            .all(|thread| fs::read_to_string(thread.path().join("stat")).is_ok_and(|stat| is_stopped(&stat)))
    }

    /// How java ended, if it has.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.sh.try_wait().ok().flatten()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nothing is left to do about a failure, and `sh` ends with java, which was killed.
        let _status = self.sh.wait();
    }
}
