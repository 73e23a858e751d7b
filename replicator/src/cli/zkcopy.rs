//! `zkreplicator zkcopy`, or a link to the program that is called `zkcopy`: zkcopy's own command line.
//!
//! Scripts that call zkcopy go on working, so its options are taken with their names, defaults and forms; where it loses
//! data or does not tell of a failure, ours differs. docs/zkcopy.md lists every difference.

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgAction, Args};

use super::acl::{self, Acl, Masked};
use super::pace::PaceArgs;
use super::process::tell;
use super::trees::{Access, Globs};
use super::watch::WatchArgs;
use super::{Order, Work, check_jute_maxbuffer};
use crate::error::Result;
use crate::limits;
use crate::options::{CopyOptions, EphemeralPolicy};

/// What the command is called, and a link to the program that stands for it.
const NAME: &str = "zkcopy";
/// Its flags that may have a value, and may stand behind one hyphen together.
const FLAGS: [u8; 2] = [b'c', b'i'];

const EXAMPLES: &str = "\
Examples:
  As zkcopy is called:
    zkreplicator zkcopy --source zk1:2181/pegasus --target new1:2181/pegasus

  By its own name, for scripts that have it:
    ln -s zkreplicator zkcopy
    zkcopy -s zk1:2181/pegasus -t new1:2181/pegasus -w 100 -b 500 -c

  As zkcopy would, with ACLs that are open to anyone:
    zkcopy --acl open -s zk1:2181/a -t new1:2181/a

Flags take a value or none: -c, -c true, -c=true, --copyOnly, --copyOnly true, --copyOnly=true.
What differs from zkcopy, and how it is had back, is in docs/zkcopy.md: exit codes tell of failures, ACLs are copied, a
znode called zookeeper is one like any other, no more than --max-delete are removed, -i alone means -i true.";

/// Copy a tree with the options of zkcopy
///
/// Creates and updates at the target what the source has, and removes there what it does not have, unless --copyOnly is
/// given. Only what differs is written.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("session_timeout", |arg| arg
    .long("timeout")
    .default_value("40000")
    .help("Session timeout in milliseconds")))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that a user gives or does not")]
pub(super) struct ZkCopy {
    /// Location of a source tree to copy
    #[arg(short, long, value_name = "server:port/path")]
    source: String,
    /// Target location
    #[arg(short, long, value_name = "server:port/path")]
    target: String,
    /// Taken for zkcopy's sake: how many requests are under way is found out while it runs
    #[arg(short, long, value_name = "N", default_value_t = 10, allow_negative_numbers = true)]
    workers: i32,
    /// Do not remove znodes that the source does not have
    #[arg(
        short, long = "copyOnly", value_name = "true|false", num_args = 0..=1, action = ArgAction::Set,
        default_value = "false", default_missing_value = "true", value_parser = flag, hide_possible_values = true
    )]
    copy_only: bool,
    /// Leave ephemeral znodes out; with false they are copied as persistent ones, which nothing will ever remove
    #[arg(
        short, long = "ignoreEphemeralNodes", value_name = "true|false", num_args = 0..=1, action = ArgAction::Set,
        default_value = "true", default_missing_value = "true", value_parser = flag, hide_possible_values = true
    )]
    ignore_ephemerals: bool,
    /// Leave znodes alone that were not modified after this moment, in milliseconds since 1970; parents that are missing
    /// are created
    #[arg(short, long, value_name = "MS", default_value_t = -1, allow_negative_numbers = true)]
    mtime: i64,
    /// The most writes in one transaction; beyond 500 it makes none larger
    #[arg(short, long = "batchSize", value_name = "N", default_value_t = 1_000, allow_negative_numbers = true)]
    batch_size: i32,
    /// How many znodes may be removed at most [default: a tenth of the target or 1,000, whichever is more]
    #[arg(long, value_name = "N")]
    max_delete: Option<u64>,
    /// preserve: ACLs are copied; open: they are not read, and znodes that are created are open to anyone, as zkcopy
    /// makes them; map FILE: they are copied as the rules of FILE make them
    #[arg(long, value_name = "preserve|open|map FILE", default_value = "preserve", value_parser = acl::copied)]
    acl: Acl,
    /// What becomes of a znode when the server hides an id of its ACL (digest:user:x) for want of ADMIN
    #[arg(long, value_enum, default_value_t = Masked::Fail)]
    masked_acl: Masked,
    /// Leave sequence counters as they come
    #[arg(long)]
    no_counters: bool,
    /// The largest request that the target takes (its jute.maxbuffer)
    #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
    jute_maxbuffer: usize,
    /// Messages tell to run a copy again with it; here it is always so
    #[arg(long, hide = true)]
    update: bool,
    #[command(flatten)]
    globs: Globs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    access: Access,
}

/// A boolean as zkcopy takes it.
fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("it is true or false".to_owned()),
    }
}

/// Says the command where the program is called by its name, and takes flags apart that stand behind one hyphen.
pub(super) fn arguments(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let by_name = args.first().and_then(|program| Path::new(program).file_name()).is_some_and(|name| name == NAME);
    if by_name {
        args.insert(1, NAME.into());
    }
    let said = args.iter().skip(1).position(|arg| !arg.as_encoded_bytes().starts_with(b"-"));
    match said.map(|at| at + 1).filter(|at| args[*at] == NAME) {
        Some(at) => {
            let own = args.split_off(at + 1);
            args.extend(own.into_iter().flat_map(spread));
            args
        }
        None => args,
    }
}

/// `-ci` as `-c` and `-i`, `-itrue` as `-i=true`. Anything else stays as it is.
fn spread(arg: OsString) -> Vec<OsString> {
    let Some(mut rest) = arg.to_str().and_then(|text| text.strip_prefix('-')) else { return vec![arg] };
    let mut apart = Vec::new();
    while let Some(letter) = rest.bytes().next().filter(|letter| FLAGS.contains(letter)) {
        let letter = char::from(letter);
        rest = &rest[1..];
        let value = rest.strip_prefix('=').unwrap_or(rest);
        if flag(value).is_ok() {
            apart.push(format!("-{letter}={value}").into());
            return apart;
        }
        if rest.starts_with('=') {
            break;
        }
        apart.push(format!("-{letter}").into());
    }
    if apart.is_empty() {
        return vec![arg];
    }
    if !rest.is_empty() {
        apart.push(format!("-{rest}").into());
    }
    apart
}

impl ZkCopy {
    pub(super) fn understand(self) -> Order {
        let task = self.access.task(NAME, &self.source, &self.target, self.acl.as_reported(), &self.globs);
        let work = self
            .options()
            .map(Box::new)
            .map(|options| if self.copy_only { Work::Copy(options) } else { Work::Sync(options, self.max_delete) });
        if !self.ignore_ephemerals {
            tell(
                "warning: -i false copies ephemeral znodes as persistent ones: nothing will remove them when \
                 their sessions end",
            );
        }
        Order {
            task,
            work,
            counted: None,
            format: self.access.format,
            certificate: None,
            out: None,
            watch: WatchArgs::default(),
        }
    }

    fn options(&self) -> Result<CopyOptions> {
        check_jute_maxbuffer(self.jute_maxbuffer)?;
        let (source, target) = self.access.sides(&self.source, &self.target)?;
        let (source, target) = (self.pace.of(source), self.pace.of(target));
        tracing::debug!(workers = self.workers, update = self.update, "taken and not needed");
        Ok(CopyOptions {
            update: true,
            filter: self.globs.understand()?,
            acl: self.acl.understand()?,
            masked_acls: self.masked_acl.into(),
            counters: !self.no_counters,
            ephemerals: if self.ignore_ephemerals { EphemeralPolicy::LeftOut } else { EphemeralPolicy::AsPersistent },
            newer_than_ms: (self.mtime >= 0).then_some(self.mtime),
            batch_ops_max: usize::try_from(self.batch_size).unwrap_or_default(),
            jute_maxbuffer: self.jute_maxbuffer,
            ..CopyOptions::between(source, target)
        })
    }
}

#[cfg(test)]
mod tests;
