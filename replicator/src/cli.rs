//! The command line: what was typed, understood once; nothing past this room sees clap.
//!
//! Reports go to stdout, everything else to stderr. With `--format json` stdout holds one document at the end and
//! nothing else.

mod acl;
mod bench;
mod credentials;
mod process;
mod status;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;

use self::acl::{Acl, Masked};
use self::credentials::Credentials;
use self::process::{in_runtime, log_to_stderr, stop_on_signal, write_report};
use crate::connect::ConnectString;
use crate::copy::copy;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::limits;
use crate::options::{CopyOptions, EnsembleOptions, ReadFrom, Transport, VerifyOptions};
use crate::progress::Progress;
use crate::report::{Outcome, Task};
use crate::resources::Resources;
use crate::verify::verify;
use crate::znode::Zxid;

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
  3    done, but the source changed while it was read, or ACLs were not copied for --masked-acl skip or open
  130  interrupted; can be run again";

const COPY_EXAMPLES: &str = "\
Examples:
  A tree into an empty place of another ensemble, then proof of it:
    zkreplicator copy --verify zk1:2181,zk2:2181/pegasus/onebox new1:2181/pegasus/onebox

  Again later: only what differs is sent (nothing is removed):
    zkreplicator copy --update zk1:2181/pegasus/onebox new1:2181/pegasus/onebox

  With credentials that stand on no command line:
    ZKREPLICATOR_AUTH=digest:admin:secret zkreplicator copy zk1:2181/a new1:2181/a

  Of each application its configuration alone, and no znode called tmp:
    zkreplicator copy --include '/apps/*/config' --exclude '/**/tmp' zk1:2181/a new1:2181/a

  With the ids of ACLs rewritten:
    zkreplicator copy --verify --acl map rules zk1:2181/a new1:2181/a

The file of --acl map holds a rule a line; for each entry of an ACL the first that fits is the one:
  sasl:bob -> digest:bob:IuF44nXb=  one id; digest:bob:x -> ... resolves an id that the server hides
  sasl:* -> digest:*                every id of a scheme; * on the right takes the id over
  x509:CN=old -> drop               the entry goes away; # begins a line that says nothing

Globs are paths below the root of the tree:
  *  ?  [ab]  {one,two}  names or parts of them; they cross no slash, and a \\ takes one as it is
  **                     any number of names: /**/tmp at any depth, /apps/** all below /apps";

const VERIFY_EXAMPLES: &str = "\
Examples:
  zkreplicator verify zk1:2181/pegasus/onebox new1:2181/pegasus/onebox

  A part of the trees (see zkreplicator copy --help):
    zkreplicator verify --include '/apps/*' --exclude '/**/lock' zk1:2181/a new1:2181/a

Each difference is a line with a sign:
  +  only the source has it
  -  only the target has it
  *  both have it, and data, ACL or kind differ
  !  one of the sides does not let us read it";

#[derive(Parser)]
#[command(name = "zkreplicator", version, about = "Copies and compares ZooKeeper trees, and measures how fast", after_help = ENVIRONMENT)]
struct Cli {
    #[command(subcommand)]
    command: Action,
    /// Log more to stderr; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Action {
    #[command(flatten)]
    Trees(Command),
    Bench(bench::Bench),
}

#[derive(Subcommand)]
enum Command {
    /// Copy the tree at SOURCE to TARGET
    ///
    /// Every znode below SOURCE's path is created at TARGET's with its data and its ACL, parents first. Ephemeral znodes
    /// and /zookeeper are left out. Missing ancestors of the target's root are created. The source is never written.
    #[command(after_help = COPY_EXAMPLES)]
    Copy {
        #[command(flatten)]
        trees: Trees,
        #[command(flatten)]
        globs: Globs,
        /// Bring a target that holds znodes up to date: send only what differs, remove nothing
        #[arg(long)]
        update: bool,
        /// Read both trees again afterwards and compare them
        #[arg(long)]
        verify: bool,
        /// preserve: ACLs are copied; open: they are not read, and znodes that are created are open to anyone
        /// (world:anyone:cdrwa); map FILE: they are copied as the rules of FILE make them
        #[arg(long, value_name = "preserve|open|map FILE", default_value = "preserve", value_parser = acl::copied)]
        acl: Acl,
        /// What becomes of a znode when the server hides an id of its ACL (digest:user:x) for want of ADMIN
        #[arg(long, value_enum, default_value_t = Masked::Fail)]
        masked_acl: Masked,
        /// Leave sequence counters as they come; otherwise the next sequential child of a znode gets a number that is
        /// not below the source's
        #[arg(long)]
        no_counters: bool,
        /// The largest request that the target takes (its jute.maxbuffer)
        #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
        jute_maxbuffer: usize,
    },
    /// Compare the trees at SOURCE and TARGET
    ///
    /// Both are read in full over new sessions; data, ACL and children of every znode are compared, and a digest of
    /// each tree is printed. Nothing is written.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify {
        #[command(flatten)]
        trees: Trees,
        #[command(flatten)]
        globs: Globs,
        /// preserve: ACLs are compared; ignore: they are not read; map FILE: the source's are compared as the rules of FILE
        /// make them
        #[arg(long, value_name = "preserve|ignore|map FILE", default_value = "preserve", value_parser = acl::compared)]
        acl: Acl,
        /// How many differences are listed; the rest is counted
        #[arg(long, value_name = "N", default_value_t = limits::DIFFERENCES_LISTED)]
        list: usize,
    },
}

#[derive(Args)]
struct Globs {
    /// Take only what the glob matches, with everything below it and the parents it needs; may be given several times
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out what the glob matches, with everything below it, even if it is included; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

impl Globs {
    fn understand(&self) -> Result<Filter> {
        Filter::new(&self.include, &self.exclude)
    }
}

#[derive(Args)]
struct Trees {
    /// Servers and root of the tree to read: host:port,host:port/path
    source: String,
    /// Servers and root of the other tree
    target: String,
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

/// What is to be done, after everything typed has been understood.
enum Work {
    Copy(CopyOptions),
    Verify(VerifyOptions),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(acl::join_map_file(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    log_to_stderr(cli.verbose);
    let work = match cli.command {
        Action::Bench(bench) => return bench.main(),
        Action::Trees(work) => work,
    };
    let (command, trees, globs, acl) = match &work {
        Command::Copy { trees, globs, acl, .. } => ("copy", trees, globs, acl),
        Command::Verify { trees, globs, acl, .. } => ("verify", trees, globs, acl),
    };
    let (source, target) = (trees.source.clone(), trees.target.clone());
    let (acls, include, exclude) = (acl.as_reported(), globs.include.clone(), globs.exclude.clone());
    let task = Task { command, source, target, transport: trees.transport.into(), acls, include, exclude };
    let format = trees.format;
    let outcome = match understand(work) {
        Ok(work) => run(&work),
        Err(error) => Outcome { error: Some((error, crate::progress::Counts::default())), ..Outcome::default() },
    };
    let outcome = Outcome { resources: Resources::now(), ..outcome };
    report(&task, &outcome, format)
}

fn understand(command: Command) -> Result<Work> {
    match command {
        Command::Copy { trees, globs, update, verify, acl, masked_acl, no_counters, jute_maxbuffer } => {
            check_jute_maxbuffer(jute_maxbuffer)?;
            let (source, target) = trees.understand()?;
            Ok(Work::Copy(CopyOptions {
                source,
                target,
                update,
                verify,
                filter: globs.understand()?,
                acl: acl.understand()?,
                masked_acls: masked_acl.into(),
                counters: !no_counters,
                removal: None,
                jute_maxbuffer,
            }))
        }
        Command::Verify { trees, globs, acl, list } => {
            let (source, target) = trees.understand()?;
            Ok(Work::Verify(VerifyOptions {
                source,
                target,
                filter: globs.understand()?,
                acl: acl.understand()?,
                target_seen: Zxid::default(),
                differences_listed: list,
            }))
        }
    }
}

fn check_jute_maxbuffer(bytes: usize) -> Result<()> {
    let min = limits::JUTE_MAXBUFFER_BYTES_MIN;
    if bytes >= min {
        Ok(())
    } else {
        Err(Error::bad_input(format!("--jute-maxbuffer {bytes}: it is at least {min} bytes")))
    }
}

impl Trees {
    fn understand(&self) -> Result<(EnsembleOptions, EnsembleOptions)> {
        let credentials = Credentials::read(&self.auth_file, &self.source_auth_file, &self.target_auth_file)?;
        let side = |connect: &str, auths| {
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
        };
        Ok((side(&self.source, credentials.source)?, side(&self.target, credentials.target)?))
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

fn run(work: &Work) -> Outcome {
    in_runtime(perform(work)).unwrap_or_else(|error| Outcome {
        error: Some((error, crate::progress::Counts::default())),
        ..Outcome::default()
    })
}

async fn perform(work: &Work) -> Outcome {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let mut outcome = Outcome::default();
    let verify_options = match work {
        Work::Verify(options) => Some(options.clone()),
        Work::Copy(options) => {
            let progress = Progress::default();
            match status::shown("copy", &progress, copy(options, &progress, &stop)).await {
                Ok(report) => {
                    let verify = options.verify.then(|| VerifyOptions::of_copy(options, &report));
                    outcome.copy = Some(report);
                    verify
                }
                Err(error) => {
                    outcome.error = Some((error, progress.counts()));
                    return outcome;
                }
            }
        }
    };
    if let Some(options) = verify_options {
        let progress = Progress::default();
        match status::shown("verify", &progress, verify(&options, &progress, &stop)).await {
            Ok(report) => outcome.verify = Some(report),
            Err(error) => outcome.error = Some((error, progress.counts())),
        }
    }
    outcome
}

fn report(task: &Task, outcome: &Outcome, format: Format) -> ExitCode {
    let text = match format {
        Format::Text => outcome.text(task),
        Format::Json => format!("{:#}\n", outcome.json(task)),
    };
    let mut stderr = std::io::stderr().lock();
    if let Some((error, counts)) = &outcome.error {
        // Nobody is left to tell when stderr is gone.
        let _ = writeln!(stderr, "zkreplicator: {error}");
        let written = counts.created + counts.data_set + counts.acl_set;
        if written > 0 {
            let _ = writeln!(stderr, "zkreplicator: {written} write(s) were acknowledged before; they stand");
        }
    }
    drop(stderr);
    ExitCode::from(write_report(&text, outcome.exit_code()))
}
