//! The command line: what was typed, understood once; nothing past this room sees clap.
//!
//! Reports go to stdout, everything else to stderr. With `--format json` stdout holds one document at the end and
//! nothing else.

mod credentials;
mod status;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::credentials::Credentials;
use self::verify::VerifyArgs;
use crate::certificate;
use crate::connect::ConnectString;
use crate::copy::copy;
use crate::error::{Error, Result};
use crate::limits;
use crate::options::{
    AclPolicy, AgainstOptions, Auth, CopyOptions, EnsembleOptions, ReadFrom, Transport, VerifyOptions,
};
use crate::progress::{Counts, Progress};
use crate::report::{Outcome, Task, exit};
use crate::resources::Resources;
use crate::verify::{against, verify};

const ENVIRONMENT: &str = "\
Environment:
  ZKREPLICATOR_AUTH         scheme:credentials for both sides, for example digest:user:password
  ZKREPLICATOR_SOURCE_AUTH  the same for the source alone; replaces what is for both sides there
  ZKREPLICATOR_TARGET_AUTH  the same for the target alone
  RUST_LOG                  what is logged to stderr, for example replicator=debug

Exit codes:
  0    done; equal
  1    differences found
  2    error; the message says what to do
  3    done, but the source changed while it was read, or the certificate that was asked for could not be given
  130  interrupted; can be run again";

const COPY_EXAMPLES: &str = "\
Examples:
  A tree into an empty place of another ensemble, then proof of it:
    zkreplicator copy --verify zk1:2181,zk2:2181/pegasus/onebox new1:2181/pegasus/onebox

  Again later: only what differs is sent (nothing is removed):
    zkreplicator copy --update zk1:2181/pegasus/onebox new1:2181/pegasus/onebox

  The same, with a certificate that a change ticket can hold (see zkreplicator verify --help):
    zkreplicator copy --verify --certificate moved.json zk1:2181/a new1:2181/a

  With credentials that stand on no command line:
    ZKREPLICATOR_AUTH=digest:admin:secret zkreplicator copy zk1:2181/a new1:2181/a";

#[derive(Parser)]
#[command(name = "zkreplicator", version, about = "Copies and compares ZooKeeper trees", after_help = ENVIRONMENT)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Log more to stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Copy the tree at SOURCE to TARGET
    ///
    /// Every znode below SOURCE's path is created at TARGET's with its data and its ACL, parents first. Ephemeral znodes
    /// and /zookeeper are left out. Missing ancestors of the target's root are created. The source is never written.
    #[command(after_help = COPY_EXAMPLES)]
    Copy {
        /// Servers and root of the tree to read: host:port,host:port/path
        source: String,
        /// Servers and root of the place to copy it to
        target: String,
        #[command(flatten)]
        trees: Trees,
        /// Bring a target that holds znodes up to date: send only what differs, remove nothing
        #[arg(long)]
        update: bool,
        /// Read both trees again afterwards and compare them
        #[arg(long)]
        verify: bool,
        /// Write a certificate of what was found equal to FILE, which must not be there
        #[arg(long, value_name = "FILE", requires = "verify")]
        certificate: Option<PathBuf>,
        /// Whether ACLs are copied, or every znode that is created is open to anyone
        #[arg(long, value_enum, default_value_t = Acls::Preserve)]
        acl: Acls,
        /// The largest request that the target takes (its jute.maxbuffer)
        #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
        jute_maxbuffer: usize,
    },
    /// Compare the trees at SOURCE and TARGET, or the tree at SOURCE with a certificate
    ///
    /// Both are read in full over new sessions, behind the last transaction that each side had when they began; data, ACL
    /// and children of every znode are compared, and a digest of each tree is printed. Nothing is written.
    #[command(after_help = verify::EXAMPLES)]
    Verify(VerifyArgs),
}

/// How trees are reached, and how the report is written.
#[derive(Args)]
struct Trees {
    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// File with lines of scheme:credentials for both sides; may be given several times
    #[arg(long, value_name = "FILE")]
    auth_file: Vec<PathBuf>,
    /// The same for the source alone; replaces what is for both sides there
    #[arg(long, value_name = "FILE")]
    source_auth_file: Vec<PathBuf>,
    /// The same for the target alone
    #[arg(long, value_name = "FILE")]
    target_auth_file: Vec<PathBuf>,
    /// Session timeout asked of the servers, in ms
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    session_timeout: u64,
    /// How long a side may take to give a session, in ms
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    connect_timeout: u64,
    /// What speaks to the servers of both sides
    #[arg(long, value_enum, default_value_t = TransportName::Wire)]
    transport: TransportName,
    /// What the servers of both sides are taken for, for example 3.4; otherwise they are asked (srvr), or tried on a
    /// session of its own
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    server_version: Option<(u32, u32)>,
    /// The largest reply that the wire transport takes; a parent with a million children answers 40 MB or more
    #[arg(long, value_name = "BYTES", default_value_t = limits::REPLY_BYTES_MAX)]
    max_reply: usize,
    /// Which servers of an ensemble are read from
    #[arg(long, value_enum, default_value_t = ReadFromName::Followers)]
    read_from: ReadFromName,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReadFromName {
    /// Followers and observers, several at once; the leader only when there is nothing else
    Followers,
    /// All of those that are named, the leader too
    Any,
}

impl From<ReadFromName> for ReadFrom {
    fn from(name: ReadFromName) -> Self {
        match name {
            ReadFromName::Followers => Self::Followers,
            ReadFromName::Any => Self::Any,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TransportName {
    /// Our own: the fast one; tells null data from empty data
    Wire,
    /// The zookeeper-client crate; reads null data as empty
    ZookeeperClient,
}

impl From<TransportName> for Transport {
    fn from(name: TransportName) -> Self {
        match name {
            TransportName::Wire => Self::Wire,
            TransportName::ZookeeperClient => Self::ZookeeperClient,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum Acls {
    /// Read, copied and compared
    Preserve,
    /// Not read; znodes that are created are open to anyone (world:anyone:cdrwa)
    Open,
}

impl From<Acls> for AclPolicy {
    fn from(acl: Acls) -> Self {
        match acl {
            Acls::Preserve => Self::Preserve,
            Acls::Open => Self::Open,
        }
    }
}

/// What is to be done, after everything typed has been understood.
enum Work {
    Copy(Box<CopyOptions>),
    Verify(Box<VerifyOptions>),
    Against(Box<AgainstOptions>),
}

/// The work, what the report calls it, and where its certificate goes.
struct Order {
    task: Task,
    work: Result<Work>,
    certificate: Option<PathBuf>,
    format: Format,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    log_to_stderr(cli.verbose);
    let order = match cli.command {
        Command::Copy { source, target, trees, update, verify, certificate, acl, jute_maxbuffer } => {
            let task = trees.task("copy", &source, &target, acl.into());
            let work = check_jute_maxbuffer(jute_maxbuffer).and_then(|()| {
                trees.check_certificate(certificate.as_deref())?;
                let (source, target) = trees.understand(&source, &target)?;
                let acl = acl.into();
                Ok(Work::Copy(Box::new(CopyOptions { source, target, update, verify, acl, jute_maxbuffer })))
            });
            Order { task, work, certificate, format: trees.format }
        }
        Command::Verify(args) => args.understand(),
    };
    let Order { task, work, certificate, format } = order;
    let outcome = match work {
        Ok(work) => run(&work, certificate.as_deref()),
        Err(error) => Outcome { error: Some((error, Counts::default())), ..Outcome::default() },
    };
    let outcome = Outcome { resources: Resources::now(), ..outcome };
    report(&task, &outcome, format)
}

fn check_jute_maxbuffer(bytes: usize) -> Result<()> {
    let min = limits::JUTE_MAXBUFFER_BYTES_MIN;
    if bytes < min {
        return Err(Error::bad_input(format!("--jute-maxbuffer {bytes}: it is at least {min} bytes")));
    }
    Ok(())
}

impl Trees {
    fn task(&self, command: &'static str, source: &str, target: &str, acl: AclPolicy) -> Task {
        let (source, target) = (source.to_owned(), target.to_owned());
        Task { command, source, target, transport: self.transport.into(), acl }
    }

    fn understand(&self, source: &str, target: &str) -> Result<(EnsembleOptions, EnsembleOptions)> {
        let credentials = self.credentials()?;
        Ok((self.ensemble(source, credentials.source)?, self.ensemble(target, credentials.target)?))
    }

    fn credentials(&self) -> Result<Credentials> {
        Credentials::read(&self.auth_file, &self.source_auth_file, &self.target_auth_file)
    }

    fn ensemble(&self, connect: &str, auths: Vec<Auth>) -> Result<EnsembleOptions> {
        Ok(EnsembleOptions {
            connect: connect.parse::<ConnectString>()?,
            auths,
            session_timeout: Duration::from_millis(self.session_timeout),
            connect_timeout: Duration::from_millis(self.connect_timeout),
            transport: self.transport.into(),
            server_version: self.server_version,
            reply_bytes_max: self.max_reply,
            read_from: self.read_from.into(),
            spared: Vec::new(),
        })
    }
}

/// `3.4` or `3.4.14`: what comes after the minor release decides nothing.
fn parse_version(text: &str) -> Result<(u32, u32), String> {
    let mut parts = text.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.all(|rest| rest.is_ok())) {
        (Some(Ok(major)), Some(Ok(minor)), true) => Ok((major, minor)),
        _ => Err("a version is two numbers and a dot between them, for example 3.4".to_owned()),
    }
}

fn run(work: &Work, certificate: Option<&Path>) -> Outcome {
    // One thread drives all sockets: what the line asks for while it runs gathers, and goes out in few writes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(perform(work, certificate));
            // A name that is still being looked up must not hold the exit.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => {
            let kind = crate::error::ErrorKind::Io(error.to_string());
            let error = Error::new(kind, "start the runtime");
            Outcome { error: Some((error, Counts::default())), ..Outcome::default() }
        }
    }
}

async fn perform(work: &Work, certificate: Option<&Path>) -> Outcome {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let progress = Progress::default();
    let mut outcome = Outcome::default();
    let verify_options = match work {
        Work::Verify(options) => Some((**options).clone()),
        Work::Copy(options) => match status::shown("copy", &progress, copy(options, &progress, &stop)).await {
            Ok(report) => {
                let verify = options.verify.then(|| VerifyOptions::of_copy(options, &report));
                outcome.copy = Some(report);
                verify
            }
            Err(error) => {
                outcome.error = Some((error, progress.counts()));
                None
            }
        },
        Work::Against(options) => {
            match status::shown("verify", &progress, against(options, &progress, &stop)).await {
                Ok(report) => outcome.against = Some((report, options.certificate.clone())),
                Err(error) => outcome.error = Some((error, progress.counts())),
            }
            None
        }
    };
    if let Some(options) = verify_options {
        let progress = Progress::default();
        match status::shown("verify", &progress, verify(&options, &progress, &stop)).await {
            Ok(report) => {
                if let Some(file) = certificate {
                    match certificate::issue(file, &options, &report) {
                        Ok(issued) => outcome.certificate = Some(issued),
                        Err(error) => outcome.error = Some((error, progress.counts())),
                    }
                }
                outcome.verify = Some(report);
            }
            Err(error) => outcome.error = Some((error, progress.counts())),
        }
    }
    outcome
}

/// The first SIGINT or SIGTERM ends the work in good order, the second one at once.
async fn stop_on_signal(stop: CancellationToken) {
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

fn report(task: &Task, outcome: &Outcome, format: Format) -> ExitCode {
    let text = match format {
        Format::Text => outcome.text(task),
        Format::Json => format!("{:#}\n", outcome.json(task)),
    };
    let mut code = outcome.exit_code();
    let mut stderr = std::io::stderr().lock();
    if let Some((error, counts)) = &outcome.error {
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(stderr, "zkreplicator: {error}");
        let written = counts.created + counts.data_set + counts.acl_set;
        if written > 0 {
            let _ = writeln!(stderr, "zkreplicator: {written} write(s) were acknowledged before; they stand");
        }
    }
    if let Err(error) = std::io::stdout().lock().write_all(text.as_bytes()) {
        let _ = writeln!(stderr, "zkreplicator: the report could not be written: {error}");
        code = code.max(exit::ERROR);
    }
    ExitCode::from(code)
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}
