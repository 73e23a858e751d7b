//! What is typed behind `copy`.

use std::path::PathBuf;

use clap::Args;

use super::acl::{self, Acl, Masked};
use super::archive::{self, Dumping, NO_CREDENTIALS, Typed};
use super::pace::PaceArgs;
use super::trees::{Access, Globs};
use super::watch::WatchArgs;
use super::{Order, Work, check_jute_maxbuffer, counted, process};
use crate::copy::dry_run::Removal;
use crate::error::{Error, Result};
use crate::limits;
use crate::options::{ArchiveOptions, CopyOptions, EnsembleOptions, Salvage, TreeOptions};
use crate::whole_file::Existing;

const EXAMPLES: &str = "\
Examples:
  A tree into an empty place of another ensemble, then proof of it:
    zkreplicator copy --verify zk1:2181,zk2:2181/pegasus/onebox \\
      new1:2181/pegasus/onebox

  What it would do, and what stands in its way: nothing is written
    zkreplicator copy --dry-run --out plan.txt zk1:2181/a new1:2181/a

  The same as a document, which gives the copy behind it a percentage and a time from its first second:
    zkreplicator copy --dry-run --format json --out plan.json zk1:2181/a \\
      new1:2181/a
    zkreplicator copy --plan plan.json zk1:2181/a new1:2181/a

  Again later: only what differs is sent (nothing is removed):
    zkreplicator copy --update zk1:2181/pegasus/onebox new1:2181/pegasus/onebox

  With a certificate for the change ticket (see zkreplicator verify --help):
    zkreplicator copy --verify --certificate moved.json zk1:2181/a new1:2181/a

  With a page to look at for the change ticket, and metrics for Prometheus meanwhile:
    zkreplicator copy --verify --report move.html \\
      --metrics-file /var/lib/node/zk.prom zk1:2181/a new1:2181/a

  With credentials that stand on no command line:
    ZKREPLICATOR_AUTH=digest:admin:secret zkreplicator copy zk1:2181/a \\
      new1:2181/a

  Of each application its configuration alone, and no znode called tmp:
    zkreplicator copy --include '/apps/*/config' --exclude '/**/tmp' \\
      zk1:2181/a new1:2181/a

  From a source that others need, by day (touch stop.now to pause it, kill -USR1 PID to see how it goes):
    zkreplicator copy --max-ops-per-second 5000 --max-latency 100ms \\
      --pause-file stop.now zk1:2181/a new1:2181/a

  With the ids of ACLs rewritten:
    zkreplicator copy --verify --acl map rules zk1:2181/a new1:2181/a

The file of --acl map holds a rule a line; for each entry of an ACL the first that fits is the one:
  sasl:bob -> digest:bob:IuF44nXb=  one id; digest:bob:x -> ... resolves an id that the server hides
  sasl:* -> digest:*                every id of a scheme; * on the right takes the id over
  x509:CN=old -> drop               the entry goes away; # begins a line that says nothing

Globs are paths below the root of the tree:
  *  ?  [ab]  {one,two}  names or parts of them; they cross no slash, and a \\ takes one as it is
  **                     any number of names: /**/tmp at any depth, /apps/** all below /apps";

const SYNC_EXAMPLES: &str = "\
Examples:
  Until the old ensemble is left: the new one is made the same, again and again
    zkreplicator sync --verify zk1:2181,zk2:2181/pegasus/onebox \\
      new1:2181/pegasus/onebox

  What would be set and what would go, before it does:
    zkreplicator sync --dry-run zk1:2181/a new1:2181/a

  It is more than a tenth, and may go:
    zkreplicator sync --max-delete 25000 zk1:2181/a new1:2181/a";

const RESTORE_EXAMPLES: &str = "\
Examples:
  Into an empty place, and proof of it:
    zkreplicator restore --verify onebox.zka new1:2181/pegasus/onebox

  What it would do: nothing is written
    zkreplicator restore --dry-run onebox.zka new1:2181/pegasus/onebox

  One application of it:
    zkreplicator restore --include /apps/7 onebox.zka new1:2181/pegasus/onebox

  What is left of a damaged one:
    zkreplicator restore --salvage onebox.zka new1:2181/rescue";

/// Copy the tree at SOURCE to TARGET
///
/// Every znode below SOURCE's path is created at TARGET's with its data and its ACL, parents first. Ephemeral znodes
/// and /zookeeper are left out. Missing ancestors of the target's root are created. The source is never written.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CopyArgs {
    /// Servers and root of the tree to read, host:port,host:port/path; or archive:FILE
    source: String,
    /// Servers and root of the other tree, or archive:FILE
    target: String,
    /// Of a damaged archive, restore what is left: what is lost is listed, and the exit code is 3
    #[arg(long, conflicts_with = "update")]
    salvage: bool,
    /// Bring a target that holds znodes up to date: send only what differs, remove nothing. An archive is
    /// written whole, and takes the place of the one that is there
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    line: LineArgs,
}

/// Make the tree at TARGET what the tree at SOURCE is
///
/// As copy --update, and what the source does not have is removed from the target, children before parents. What is to go
/// is counted first; more than a tenth of the target or 1,000 znodes, whichever is more, is refused before anything is
/// changed, unless --max-delete says otherwise. Each overwrite and each removal is conditional on the version that was
/// read: where somebody else has written meanwhile, it ends with the path. Ephemeral znodes are left alone on both sides.
#[derive(Args)]
#[command(after_help = SYNC_EXAMPLES)]
pub(super) struct SyncArgs {
    /// Servers and root of the tree to read, host:port,host:port/path; or archive:FILE
    source: String,
    /// Servers and root of the other tree
    target: String,
    /// How many znodes may be removed at most [default: a tenth of the target or 1,000, whichever is more]
    #[arg(long, value_name = "N")]
    max_delete: Option<u64>,
    #[command(flatten)]
    line: LineArgs,
}

/// Restore the tree that the archive FILE holds to TARGET
///
/// The same as copy archive:FILE TARGET. The archive is looked at as a whole before anything is written; a damaged one is
/// refused, and what is lost of it is listed, unless --salvage is given.
#[derive(Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(super) struct RestoreArgs {
    /// The archive
    file: PathBuf,
    /// Servers and root of the tree to write: host:port,host:port/path
    target: String,
    /// Restore what is left of a damaged archive: what is lost is listed, and the exit code is 3. Lost znodes that are needed
    /// as parents are made up, with null data
    #[arg(long, conflicts_with = "update")]
    salvage: bool,
    /// Bring a target that holds znodes to what the archive holds: send only what differs, remove nothing
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    line: LineArgs,
}

/// What copy, sync and restore have in common.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that a user gives or does not")]
struct LineArgs {
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    globs: Globs,
    /// Read both trees again afterwards and compare them
    #[arg(long)]
    verify: bool,
    /// Write a certificate of what was found equal to FILE, which must not be there
    #[arg(long, value_name = "FILE", requires = "verify")]
    certificate: Option<PathBuf>,
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
    /// Write nothing: read and plan everything, and say what would be done, what stands in the way (exit code 2), and how
    /// long it may take
    #[arg(long, conflicts_with = "certificate")]
    dry_run: bool,
    /// Write what a dry run says to FILE too, as --format says
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    out: Option<PathBuf>,
    /// What the same command wrote with --dry-run --format json --out FILE: how many znodes it counted is what the status line
    /// tells percentage and time from, at once. It decides nothing of what is written
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Set the limits of quotas at and below the root too, last; the target's servers count anew. A quota that only the
    /// target has is left alone
    #[arg(long)]
    quotas: bool,
    /// The largest request that the target takes (its jute.maxbuffer)
    #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES)]
    jute_maxbuffer: usize,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    watch: WatchArgs,
}

impl CopyArgs {
    pub(super) fn understand(self, typed: &Typed) -> Order {
        let Self { source, target, salvage, update, line } = self;
        let to_file = archive::named(&target).transpose();
        let Some(file) = to_file else {
            let options = line.options(&source, &target, salvage, typed);
            let options = options.map(|options| CopyOptions { update, ..options });
            return line.copy("copy", &source, &target, options);
        };
        let existing = if update { Existing::Replaced } else { Existing::Kept };
        line.dump("copy", &source, &target, file, existing, typed)
    }
}

impl RestoreArgs {
    pub(super) fn understand(self, typed: &Typed) -> Order {
        let Self { file, target, salvage, update, line } = self;
        let source = archive::reported(&file);
        let options = archive::refuse_prefix(&file).and_then(|()| line.restore(file, &target, salvage, typed));
        let options = options.map(|options| CopyOptions { update, ..options });
        line.copy("restore", &source, &target, options)
    }
}

impl SyncArgs {
    pub(super) fn understand(self, typed: &Typed) -> Order {
        let Self { source, target, max_delete, line } = self;
        if let Some(file) = archive::named(&target).transpose() {
            let file = typed.refuse(&["max_delete"], "an archive is written whole").and(file);
            return line.dump("sync", &source, &target, file, Existing::Kept, typed);
        }
        let options = line.options(&source, &target, false, typed);
        let dry_run = line.dry_run;
        let work = options.map(Box::new).map(|options| {
            if dry_run { Work::DryRun(options, Removal::AtMost(max_delete)) } else { Work::Sync(options, max_delete) }
        });
        line.order("sync", &source, &target, work)
    }
}

impl LineArgs {
    fn copy(self, command: &'static str, source: &str, target: &str, options: Result<CopyOptions>) -> Order {
        let dry_run = self.dry_run;
        let work = options
            .map(Box::new)
            .map(|options| if dry_run { Work::DryRun(options, Removal::Nothing) } else { Work::Copy(options) });
        self.order(command, source, target, work)
    }

    fn order(self, command: &'static str, source: &str, target: &str, work: Result<Work>) -> Order {
        let task = self.access.task(command, source, target, self.acl.as_reported(), &self.globs);
        let counted = self.plan.as_deref().map(|file| counted::znodes(file, &task)).transpose();
        let (work, counted) = match counted {
            Ok(counted) => (work, counted),
            Err(error) => (work.and(Err(error)), None),
        };
        Order {
            task,
            work,
            counted,
            format: self.access.format,
            certificate: self.certificate,
            out: self.out,
            watch: self.watch,
        }
    }

    /// A copy whose source is an archive if it is called so.
    fn options(&self, source: &str, target: &str, salvage: bool, typed: &Typed) -> Result<CopyOptions> {
        if let Some(file) = archive::named(source)? {
            return self.restore(file, target, salvage, typed);
        }
        typed.refuse(&["salvage"], "only an archive can be salvaged")?;
        let (source, target) = self.access.sides(source, target)?;
        self.between(self.pace.of(source).into(), target)
    }

    fn restore(&self, file: PathBuf, target: &str, salvage: bool, typed: &Typed) -> Result<CopyOptions> {
        typed.refuse(&["quotas"], "an archive holds no quotas")?;
        typed.refuse(&["certificate"], "an archive needs none: its own end says what it holds")?;
        typed.refuse(&["source_auth_file"], NO_CREDENTIALS)?;
        typed.refuse(&["masked_acl"], "no ACL of an archive is masked")?;
        self.access.check_wire()?;
        if archive::named(target)?.is_some() {
            return Err(Error::bad_input("an archive is copied to another one as any file is (cp)"));
        }
        let salvage = if salvage { Salvage::Wanted } else { Salvage::Refused };
        self.between(TreeOptions::Archive(ArchiveOptions { file, salvage }), self.access.target(target)?)
    }

    fn between(&self, source: TreeOptions, target: EnsembleOptions) -> Result<CopyOptions> {
        check_jute_maxbuffer(self.jute_maxbuffer)?;
        self.access.check_certificate(self.certificate.as_deref())?;
        self.out.as_deref().map_or(Ok(()), process::check_out)?;
        Ok(CopyOptions {
            verify: self.verify,
            filter: self.globs.understand()?,
            acl: self.acl.understand()?,
            masked_acls: self.masked_acl.into(),
            counters: !self.no_counters,
            quotas: self.quotas,
            jute_maxbuffer: self.jute_maxbuffer,
            ..CopyOptions::between(source, self.pace.of(target))
        })
    }

    /// A copy whose target is an archive.
    fn dump(
        self,
        command: &'static str,
        source: &str,
        target: &str,
        file: Result<PathBuf>,
        existing: Existing,
        typed: &Typed,
    ) -> Order {
        let work = file.and_then(|file| {
            typed.refuse(&["quotas"], "an archive holds no quotas")?;
            typed.refuse(&["no_counters"], "an archive always holds sequence counters: give it when it is restored")?;
            typed
                .refuse(&["jute_maxbuffer"], "a file takes znodes of any size: give it when the archive is restored")?;
            typed.refuse(&["certificate"], "an archive needs none: its own end says what it holds")?;
            typed.refuse(&["dry_run", "out", "plan"], "zkreplicator scan says what would be in the archive")?;
            typed.refuse(&["salvage"], "only an archive can be salvaged")?;
            Dumping {
                access: &self.access,
                globs: &self.globs,
                acl: &self.acl,
                masked_acl: self.masked_acl,
                pace: &self.pace,
                verify: self.verify,
            }
            .work(source, file, existing, typed)
        });
        self.order(command, source, target, work)
    }
}
