//! What stands around the work: the runtime, signals, the log, and stdout.

use std::io::Write;
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::trees::Format;
use crate::error::{Error, ErrorKind, Result};
use crate::report::exit;
use crate::terminal;
use crate::terminal::log::{Log, Logging};
use crate::whole_file::{self, Existing};

/// Runs `work` to its end.
pub(super) fn in_runtime<T>(work: impl Future<Output = T>) -> Result<T> {
    // One thread drives all sockets: what the line asks for while it runs gathers, and goes out in few writes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(ErrorKind::Io(error.to_string()), "start the runtime"))?;
    let done = runtime.block_on(async {
        // Who asks before there is anything to be told must not end the program.
        drop(signal(SignalKind::user_defined1()));
        work.await
    });
    // A name that is still being looked up must not hold the exit.
    runtime.shutdown_background();
    Ok(done)
}

/// The first SIGINT or SIGTERM ends the work in good order, the second one at once.
pub(super) async fn stop_on_signal(stop: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("signals can't be caught: an interrupt ends the program at once");
        return;
    };
    for _ in 0..2 {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_cancelled() {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        stop.cancel();
    }
}

/// Says something to a person, in words that a terminal shows and does not obey. Nobody is left to tell when stderr is gone.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "zkreplicator: {}", terminal::line(text));
}

/// Writes the report of a command that ends with `code` to stdout, and to `out` too; gives the code that it ends with then. A
/// terminal shows what is in it and does not obey.
pub(super) fn conclude(report: impl Fn(u8) -> String, format: Format, code: u8, out: Option<&Path>) -> u8 {
    let text = |code| match format {
        Format::Text => terminal::lines(&report(code)).into_owned(),
        Format::Json => terminal::json(&report(code)).into_owned(),
    };
    let code = out.map_or(code, |file| write_out(file, &text(code), code));
    write_report(&text(code), code)
}

/// Gives the exit code: a report that nobody could read is an error.
fn write_report(text: &str, code: u8) -> u8 {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => code,
        Err(error) => {
            tell(&format!("the report could not be written: {error}; see where stdout leads, then run again"));
            code.max(exit::ERROR)
        }
    }
}

/// Finds out before the work whether a report can be written to `file`.
pub(super) fn check_out(file: &Path) -> Result<()> {
    whole_file::check(file).map_err(|why| Error::bad_input(format!("--out {}: {why}", file.display())))
}

/// Writes a report, or a page of it, to `file` too; gives the exit code.
pub(super) fn write_out(file: &Path, text: &str, code: u8) -> u8 {
    match whole_file::write(file, text, Existing::Replaced) {
        Ok(()) => code,
        Err(error) => {
            tell(&whole_file::unwritten(file, &error));
            code.max(exit::ERROR)
        }
    }
}

/// Logs until what it gives is dropped, at the end of the program.
pub(super) fn log_to_stderr(verbose: u8) -> Logging {
    let level = match verbose {
        // What waits, and what is missing, is told to whoever waits; what others log is not for them.
        0 => "error,replicator=warn",
        1 => "info",
        _ => "debug",
    };
    let asked = EnvFilter::try_from_default_env();
    // Who asks for more than warnings wants all of it.
    let (log, logging) = Log::begin(verbose > 0 || asked.is_ok());
    let filter = asked.unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || log.clone()).with_ansi(false).init();
    logging
}
