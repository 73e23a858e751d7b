//! What stands around the work: the runtime, signals, the log, and stdout.

use std::io::Write;
use std::process::ExitCode;

use replicator::terminal;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::error::{Error, ErrorKind, Result};

/// Runs `work` to its end, on one thread.
pub(super) fn in_runtime<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::new(ErrorKind::Local, "program", "start the runtime", error.to_string()))?;
    let done = runtime.block_on(work);
    // A name that is still being looked up must not hold the exit.
    runtime.shutdown_background();
    done
}

/// SIGINT and SIGTERM end the work where that does no harm; whoever wants it ended at once has SIGKILL.
pub(super) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            tracing::warn!("signals can't be caught: an interrupt ends the program at once");
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tell("ends as soon as that does no harm: not while the cluster has no meta server");
            told.cancel();
        }
    });
    stop
}

/// What RUST_LOG asks for; otherwise warnings, and more with `-v`.
pub(super) fn log_to_stderr(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// Says something to a person. Nobody is left to tell when stderr is gone.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "zkmigrator: {}", terminal::line(text));
}

/// Writes a report to stdout. One that nobody could read is an error.
pub(super) fn conclude(report: &str, code: u8) -> ExitCode {
    match std::io::stdout().lock().write_all(report.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(error) => {
            tell(&format!("the report could not be written: {error}"));
            ExitCode::from(code.max(2))
        }
    }
}
