//! What is typed behind `verify`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Order, Trees, Work};
use crate::certificate::{self, Certificate};
use crate::error::{Error, Result};
use crate::limits;
use crate::options::{AclPolicy, AgainstOptions, CounterPolicy, Transport, VerifyOptions};
use crate::znode::Zxid;

pub(super) const EXAMPLES: &str = "\
Examples:
  Two trees:
    zkreplicator verify zk1:2181/pegasus/onebox new1:2181/pegasus/onebox

  The same with a digest of each subtree down to two levels, and a certificate of it:
    zkreplicator verify --depth 2 --certificate moved.json zk1:2181/a new1:2181/a

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

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// Servers and root of the tree to read: host:port,host:port/path
    source: String,
    /// Servers and root of the other tree
    #[arg(required_unless_present = "against", conflicts_with = "against")]
    target: Option<String>,
    /// Whether ACLs are compared
    #[arg(long, value_enum, default_value_t = ComparedAcls::Preserve)]
    acl: ComparedAcls,
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
    /// Write a certificate to FILE, which must not be there
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Compare the tree at SOURCE with the certificate in FILE, on the certificate's own terms. Credentials are those for
    /// both sides
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["acl", "counters", "depth", "certificate", "source_auth_file", "target_auth_file"]
    )]
    against: Option<PathBuf>,
    #[command(flatten)]
    trees: Trees,
}

#[derive(Clone, Copy, ValueEnum)]
enum ComparedAcls {
    /// They are compared, and part of the digests
    Preserve,
    /// They are not read; report and certificate say so
    Ignore,
}

impl From<ComparedAcls> for AclPolicy {
    fn from(acl: ComparedAcls) -> Self {
        match acl {
            ComparedAcls::Preserve => Self::Preserve,
            ComparedAcls::Ignore => Self::Open,
        }
    }
}

impl VerifyArgs {
    pub(super) fn understand(self) -> Order {
        let (source, target) = (&self.source, self.target.as_deref().unwrap_or_default());
        if let Some(file) = &self.against {
            let options = Certificate::read(file).and_then(|certificate| self.against(certificate));
            let acl = options.as_ref().map_or(self.acl.into(), |options| options.certificate.options.acl);
            let task = self.trees.task("verify", source, &file.display().to_string(), acl);
            let work = options.map(|options| Work::Against(Box::new(options)));
            return Order { task, work, certificate: None, format: self.trees.format };
        }
        let task = self.trees.task("verify", source, target, self.acl.into());
        let work = self.verify(target).map(|options| Work::Verify(Box::new(options)));
        Order { task, work, format: self.trees.format, certificate: self.certificate }
    }

    fn verify(&self, target: &str) -> Result<VerifyOptions> {
        self.trees.check_certificate(self.certificate.as_deref())?;
        let (source, target) = self.trees.understand(&self.source, target)?;
        Ok(VerifyOptions {
            source,
            target,
            acl: self.acl.into(),
            counters: if self.counters { CounterPolicy::Compare } else { CounterPolicy::Ignore },
            depth: self.depth,
            target_seen: Zxid::default(),
            differences_listed: self.list,
        })
    }

    fn against(&self, certificate: Certificate) -> Result<AgainstOptions> {
        self.trees.check_certifiable()?;
        let tree = self.trees.ensemble(&self.source, self.trees.credentials()?.tree)?;
        Ok(AgainstOptions { tree, certificate, differences_listed: self.list })
    }
}

impl Trees {
    /// Whether the certificate that is asked for could be written, before anything is read for it.
    pub(super) fn check_certificate(&self, file: Option<&Path>) -> Result<()> {
        file.map_or(Ok(()), |file| self.check_certifiable().and_then(|()| certificate::check_free(file)))
    }

    /// A certificate rests on what only our own transport sees.
    fn check_certifiable(&self) -> Result<()> {
        match self.transport.into() {
            Transport::Wire => Ok(()),
            Transport::ZookeeperClient => Err(Error::bad_input(
                "a certificate needs --transport wire: the zookeeper-client transport does not tell null data from \
                 empty data, nor behind which zxid it reads",
            )),
        }
    }
}
