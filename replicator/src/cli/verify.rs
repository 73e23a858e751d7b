//! What is typed behind `verify`.

use std::path::PathBuf;

use clap::Args;

use super::acl::{self, Acl};
use super::archive::{self, NO_CREDENTIALS, Typed};
use super::pace::PaceArgs;
use super::trees::{Access, Globs};
use super::watch::WatchArgs;
use super::work::{Fix, Work};
use super::{Order, check_jute_maxbuffer};
use crate::certificate::{Certificate, Terms};
use crate::error::{Error, Result};
use crate::limits;
use crate::options::{
    AgainstOptions, ArchiveOptions, CounterPolicy, EphemeralPolicy, Salvage, TreeOptions, VerifyOptions,
};
use crate::report::Task;
use crate::znode::Zxid;

const EXAMPLES: &str = "\
Examples:
  Two trees:
    zkreplicator verify zk1:2181/pegasus/onebox new1:2181/pegasus/onebox

  The same with a digest of each subtree down to two levels, and a certificate of it:
    zkreplicator verify --depth 2 --certificate moved.json zk1:2181/a \\
      new1:2181/a

  With a page that shows the differences:
    zkreplicator verify --report verify.html zk1:2181/a new1:2181/a

  The differences, and only they, are sent to the target, which is compared again:
    zkreplicator verify --fix zk1:2181/a new1:2181/a

  A part of the trees (see zkreplicator copy --help):
    zkreplicator verify --include '/apps/*' --exclude '/**/lock' zk1:2181/a \\
      new1:2181/a

  Two trees that others need meanwhile:
    zkreplicator verify --max-ops-per-second 5000 --max-latency 100ms \\
      zk1:2181/a new1:2181/a

  A tree and the archive that was made of it; or two archives:
    zkreplicator verify archive:onebox.zka zk1:2181/pegasus/onebox

  A year later, one tree and the certificate:
    zkreplicator verify --against moved.json new1:2181/a

Each difference is a line with a sign:
  +  only the source has it
  -  only the target has it
  *  both have it, and data, ACL, kind or counter differ
  !  one of the sides does not let us read it
With --depth there is a line for each subtree too, with /** behind its root, and = where both sides are the same.

A certificate is written, mode 0600, when both trees are equal, were read in full and were not written meanwhile;
otherwise none is, the report says why, and the exit code is not 0.";

/// Compare the trees at SOURCE and TARGET, or the tree at SOURCE with a certificate
///
/// Both are read in full over new sessions, behind the last transaction that each side had when they began; data, ACL and
/// children of every znode are compared, and a digest of each tree is printed. Nothing is written without --fix.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// Servers and root of the tree to read, host:port,host:port/path; or archive:FILE
    source: String,
    /// Servers and root of the other tree, or archive:FILE
    #[arg(required_unless_present = "against", conflicts_with = "against")]
    target: Option<String>,
    #[command(flatten)]
    globs: Globs,
    /// preserve: ACLs are compared; ignore: they are not read; map FILE: the source's are compared as the rules of FILE
    /// make them
    #[arg(long, value_name = "preserve|ignore|map FILE", default_value = "preserve", value_parser = acl::compared)]
    acl: Acl,
    /// Compare sequence counters too (the number that a znode's next sequential child gets). The target's may rightly
    /// be higher: nothing lowers a counter, and each child that was ever created there has counted
    #[arg(long)]
    counters: bool,
    /// Give each subtree down to N levels below the root a digest of its own
    #[arg(long, value_name = "N", default_value_t = 0)]
    depth: usize,
    /// How many differences are listed; the rest is counted
    #[arg(long, value_name = "N", default_value_t = limits::DIFFERENCES_LISTED)]
    list: usize,
    /// Send what differs, and nothing else, to TARGET, and compare again; the report is of both. Overwrites and removals are
    /// conditional on the versions that were read. With --acl ignore, what is created is open to anyone
    #[arg(long, conflicts_with = "against")]
    fix: bool,
    /// With --fix: how many znodes may be removed at most [default: a tenth of the target or 1,000, whichever is more]
    #[arg(long, value_name = "N", requires = "fix")]
    max_delete: Option<u64>,
    /// With --fix: the largest request that the target takes (its jute.maxbuffer)
    #[arg(long, value_name = "BYTES", default_value_t = limits::JUTE_MAXBUFFER_BYTES, requires = "fix")]
    jute_maxbuffer: usize,
    /// Write a certificate to FILE, which must not be there
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Compare the tree at SOURCE with the certificate in FILE, on the certificate's own terms. Credentials are those for
    /// both sides
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "acl", "include", "exclude", "counters", "depth", "certificate", "source_auth_file", "target_auth_file"
        ]
    )]
    against: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    watch: WatchArgs,
}

impl VerifyArgs {
    pub(super) fn understand(self, typed: &Typed) -> Order {
        let format = self.access.format;
        let Some(file) = &self.against else {
            let target = self.target.as_deref().unwrap_or_default();
            let task = self.access.task("verify", &self.source, target, self.acl.as_reported(), &self.globs);
            let work = self.verify(target, typed).and_then(|options| {
                if !self.fix {
                    return Ok(Work::Verify(Box::new(options)));
                }
                check_jute_maxbuffer(self.jute_maxbuffer)?;
                let Some(target) = options.target.ensemble().cloned() else {
                    return Err(Error::bad_input(
                        "--fix does not write an archive, which is written whole: zkreplicator dump --replace does",
                    ));
                };
                let copy = options.to_fix(target, self.jute_maxbuffer);
                Ok(Work::Fix(Box::new(Fix { verify: options, copy, max_delete: self.max_delete })))
            });
            return Order {
                task,
                work,
                counted: None,
                format,
                certificate: self.certificate,
                out: None,
                watch: self.watch,
            };
        };
        let options = Certificate::read(file).and_then(|certificate| self.against(certificate));
        let file = file.display().to_string();
        let task = self.access.task("verify", &self.source, "", self.acl.as_reported(), &self.globs);
        let mut task = Task { target: file, ..task };
        if let Ok(AgainstOptions { certificate, .. }) = &options {
            let Terms { acls, include, exclude, .. } = certificate.terms.clone();
            task = Task { acls, include, exclude, ..task };
        }
        Order {
            task,
            work: options.map(|options| Work::Against(Box::new(options))),
            counted: None,
            format,
            certificate: None,
            out: None,
            watch: self.watch,
        }
    }

    fn verify(&self, target: &str, typed: &Typed) -> Result<VerifyOptions> {
        self.access.check_certificate(self.certificate.as_deref())?;
        let files = [archive::named(&self.source)?, archive::named(target)?];
        if files.iter().any(Option::is_some) {
            typed.refuse(&["certificate"], "an archive needs none: its own end says what it holds")?;
            self.access.check_wire()?;
        }
        let credentials = self.access.credentials()?;
        let in_file = |file| TreeOptions::Archive(ArchiveOptions { file, salvage: Salvage::Refused });
        let (source, target) = match files {
            [None, None] => {
                let (source, target) = self.access.sides(&self.source, target)?;
                (self.pace.of(source).into(), self.pace.of(target).into())
            }
            [Some(source), None] => {
                typed.refuse(&["source_auth_file"], NO_CREDENTIALS)?;
                let target = self.access.ensemble(target, credentials.target)?;
                (in_file(source), self.pace.of(target).into())
            }
            [None, Some(target)] => {
                typed.refuse(&["target_auth_file"], NO_CREDENTIALS)?;
                let source = self.access.ensemble(&self.source, credentials.source)?;
                (self.pace.of(source).into(), in_file(target))
            }
            [Some(source), Some(target)] => {
                typed.refuse_servers()?;
                (in_file(source), in_file(target))
            }
        };
        Ok(VerifyOptions {
            source,
            target,
            filter: self.globs.understand()?,
            acl: self.acl.understand()?,
            counters: if self.counters { CounterPolicy::Compare } else { CounterPolicy::Ignore },
            ephemerals: EphemeralPolicy::default(),
            depth: self.depth,
            target_seen: Zxid::default(),
            differences_listed: self.list,
        })
    }

    fn against(&self, certificate: Certificate) -> Result<AgainstOptions> {
        if archive::named(&self.source)?.is_some() {
            return Err(Error::bad_input(
                "--against compares a living tree with a certificate; an archive's digest stands in its end (scan)",
            ));
        }
        self.access.check_certifiable()?;
        let tree = self.pace.of(self.access.tree(&self.source)?);
        Ok(AgainstOptions { tree, certificate, differences_listed: self.list })
    }
}
