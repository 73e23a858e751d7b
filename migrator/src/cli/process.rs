//! What stands around the work: the runtime, signals, the log, and stdout.

use std::io::Write;
use std::process::ExitCode;

use replicator::terminal;
use replicator::terminal::log::{Log, Logging};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::error::{Error, ErrorKind, Result};

/// Runs `work` to its end, on one thread.
pub(super) fn in_runtime<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::new(ErrorKind::Local, "program", "start the runtime", error.to_string()))?;
    {
        let _entered = runtime.enter();
        // It asks how far it is, from the first moment on: where nobody listens it ends the program. Once there is a listener
        // the signal never does that again.
        if let Err(error) = signal(SignalKind::user_defined1()) {
            tracing::warn!("SIGUSR1 can't be caught, and ends the program: {error}");
        }
    }
    let done = runtime.block_on(work);
    // A name that is still being looked up must not hold the exit.
    runtime.shutdown_background();
    done
}

/// SIGINT, SIGTERM and SIGHUP end the work where that does no harm; whoever wants it ended at once has SIGKILL.
pub(super) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Whoever has started it with nohup wants it to go on without its terminal.
    let hangup = if ignores_hangup() { Ok(None) } else { signal(SignalKind::hangup()).map(Some) };
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), hangup);
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
        tracing::warn!("signals can't be caught: an interrupt ends the program at once");
        return stop;
    };
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = hung_up(&mut hangup) => {}
            }
            // First of all: a terminal that is gone, or that nobody reads, may hold up the words.
            told.cancel();
            drop(tokio::task::spawn_blocking(|| {
                tell("ends as soon as that does no harm: not while the cluster has no meta server");
            }));
        }
    });
    stop
}

async fn hung_up(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP was ignored when this program was started, as nohup does it.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is the one of signal 1.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// What RUST_LOG asks for; otherwise warnings, and more with `-v`. Logs until what it gives is dropped, at the end of the program.
pub(super) fn log_to_stderr(verbose: u8) -> Logging {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    // Nothing holds up a migration, whatever is lost of its log.
    let (log, logging) = Log::begin(false);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || log.clone()).with_ansi(false).init();
    logging
}

/// Says something to a person. Nobody is left to tell when stderr is gone.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "zkmigrator: {}", terminal::line(text));
}

/// Writes a report to stdout, and ends with `code`; with `unwritten` where nobody could read it.
pub(super) fn conclude(report: &str, code: u8, unwritten: u8) -> ExitCode {
    match std::io::stdout().lock().write_all(report.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(error) => {
            tell(&format!("the report could not be written: {error}"));
            ExitCode::from(unwritten)
        }
    }
}
