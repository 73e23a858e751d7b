//! The real program, run as a user runs it, and what it said.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// No run of a test takes longer than this.
const LIMIT: Duration = Duration::from_secs(180);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The document on stdout: one, and nothing else.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not one JSON document: {error}\n{self:?}"))
    }

    /// Fails the test unless the run ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless stderr has all of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "stderr does not say {part:?}:\n{}", self.stderr);
        }
        self
    }
}

/// The program with these arguments, and none of the machine's credentials.
pub(crate) fn zkreplicator(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkreplicator-under-test"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for variable in ["ZKREPLICATOR_AUTH", "ZKREPLICATOR_SOURCE_AUTH", "ZKREPLICATOR_TARGET_AUTH", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

/// Waits for a run that was started.
pub(crate) async fn finish(child: Child) -> Run {
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = output.expect("the program hangs").expect("the program's output can be read");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("reports are UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// Runs it to its end.
pub(crate) async fn run(args: &[&str]) -> Run {
    finish(zkreplicator(args).spawn().expect("the program starts")).await
}

/// The same with variables in its environment.
pub(crate) async fn run_with(env: &[(&str, &str)], args: &[&str]) -> Run {
    finish(zkreplicator(args).envs(env.iter().copied()).spawn().expect("the program starts")).await
}
