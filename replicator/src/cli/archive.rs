//! What is typed about archives: `archive:FILE` in the place of a tree, `dump`, and what an archive has no use for.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use super::acl::{self, Acl, Masked};
use super::pace::PaceArgs;
use super::trees::{Access, Globs};
use super::watch::WatchArgs;
use super::{Order, Work};
use crate::error::{Error, Result};
use crate::options::{ArchiveOptions, DumpOptions, Salvage, TreeOptions, VerifyOptions};
use crate::whole_file::Existing;

/// What stands before the name of a file in the place of a tree. A server of that name is written with a dot behind it.
pub(super) const PREFIX: &str = "archive:";
pub(super) const NO_CREDENTIALS: &str = "nobody logs in at an archive";

/// Options that say something about servers, and their care.
const OF_SERVERS: [&str; 14] = [
    "auth_file",
    "source_auth_file",
    "target_auth_file",
    "session_timeout",
    "connect_timeout",
    "retry_for",
    "transport",
    "server_version",
    "max_reply",
    "read_from",
    "max_ops_per_second",
    "max_bytes_per_second",
    "max_latency",
    "pause_file",
];

const EXAMPLES: &str = "\
Examples:
  A tree into a file, and proof of it:
    zkreplicator dump --verify zk1:2181,zk2:2181/pegasus/onebox onebox.zka

  Every night, in the place of the one of yesterday, with care for the servers:
    zkreplicator dump --replace --max-latency 100ms zk1:2181/pegasus pegasus.zka

  What is in it, and whether a tree still is that:
    zkreplicator scan archive:onebox.zka
    zkreplicator verify archive:onebox.zka zk1:2181/pegasus/onebox

Back again: zkreplicator restore --help.";

/// Write the tree at SOURCE to the archive FILE
///
/// Every znode with its data, ACL, kind, sequence counter and stat, packed and with checksums; the file is readable by its
/// owner alone, and is there in full or not at all. Ephemeral znodes and /zookeeper are left out. Where the tree was written
/// while it was read the archive is of no single moment: the report says so, and the exit code is 3.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DumpArgs {
    /// Servers and root of the tree to read: host:port,host:port/path
    source: String,
    /// The archive to be
    file: PathBuf,
    /// FILE may be there: the new archive takes its place when it is complete
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    globs: Globs,
    /// Read the tree again afterwards and compare it with the archive
    #[arg(long)]
    verify: bool,
    /// preserve: ACLs are kept; open: they are not read; map FILE: they are kept as the rules of FILE make them
    #[arg(long, value_name = "preserve|open|map FILE", default_value = "preserve", value_parser = acl::copied)]
    acl: Acl,
    /// What becomes of a znode when the server hides an id of its ACL (digest:user:x) for want of ADMIN
    #[arg(long, value_enum, default_value_t = Masked::Fail)]
    masked_acl: Masked,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    watch: WatchArgs,
}

impl DumpArgs {
    pub(super) fn understand(self, typed: &Typed) -> Order {
        let target = reported(&self.file);
        let task = self.access.task("dump", &self.source, &target, self.acl.as_reported(), &self.globs);
        let existing = if self.replace { Existing::Replaced } else { Existing::Kept };
        let dumping = Dumping {
            access: &self.access,
            globs: &self.globs,
            acl: &self.acl,
            masked_acl: self.masked_acl,
            pace: &self.pace,
            verify: self.verify,
        };
        let work = refuse_prefix(&self.file);
        let work = work.and_then(|()| dumping.work(&self.source, self.file.clone(), existing, typed));
        Order { task, work, counted: None, format: self.access.format, certificate: None, out: None, watch: self.watch }
    }
}

/// What a dump takes, however it was called.
pub(super) struct Dumping<'a> {
    pub(super) access: &'a Access,
    pub(super) globs: &'a Globs,
    pub(super) acl: &'a Acl,
    pub(super) masked_acl: Masked,
    pub(super) pace: &'a PaceArgs,
    pub(super) verify: bool,
}

impl Dumping<'_> {
    pub(super) fn work(&self, source: &str, file: PathBuf, existing: Existing, typed: &Typed) -> Result<Work> {
        typed.refuse(&["target_auth_file"], NO_CREDENTIALS)?;
        self.access.check_wire()?;
        if named(source)?.is_some() {
            return Err(Error::bad_input("an archive is copied to another one as any file is (cp)"));
        }
        let options = DumpOptions {
            existing,
            filter: self.globs.understand()?,
            acl: self.acl.understand()?,
            masked_acls: self.masked_acl.into(),
            ..DumpOptions::of(self.pace.of(self.access.source(source)?), file.clone())
        };
        options.check_file()?;
        let verify = self.verify.then(|| {
            let archive = TreeOptions::Archive(ArchiveOptions { file, salvage: Salvage::Refused });
            let verify = VerifyOptions::between(options.source.clone(), archive, options.filter.clone());
            Box::new(VerifyOptions { acl: options.acl.clone(), ..verify })
        });
        Ok(Work::Dump(Box::new(options), verify))
    }
}

/// The file of `archive:FILE`; `None` where a text is a connect string.
pub(super) fn named(text: &str) -> Result<Option<PathBuf>> {
    match text.strip_prefix(PREFIX) {
        None => Ok(None),
        Some("") => Err(Error::bad_input("archive: has no file behind it, for example archive:onebox.zka")),
        Some(file) => Ok(Some(PathBuf::from(file))),
    }
}

/// A file as reports name it: with the prefix once, also where it was typed though a file alone is wanted.
pub(super) fn reported(file: &Path) -> String {
    let file = file.display().to_string();
    if file.starts_with(PREFIX) { file } else { format!("{PREFIX}{file}") }
}

/// Refuses what names a file where a tree is wanted: taken for servers it would only be an unknown host, or none. A server of
/// such a name has its port behind it.
pub(super) fn refuse_bare_file(text: &str) -> Result<()> {
    let host = text.split('/').next().unwrap_or_default();
    let file = Path::new(text);
    let is_called_so = file.extension().is_some_and(|extension| extension == "zka") || file.is_file();
    let is_no_host = matches!(host, "" | "." | ".." | "~");
    if text.is_empty() || host.contains([':', ',', '@']) || !(is_no_host || is_called_so) {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "{text:?} names a file, and a tree is wanted: for an archive write {PREFIX}{text} (copy, sync, verify and scan take it), for \
         a tree host:port,host:port/path, for example zk1:2181/pegasus"
    )))
}

/// Refuses the other way round: where a file alone is wanted nothing stands before its name.
pub(super) fn refuse_prefix(file: &Path) -> Result<()> {
    match file.to_str().and_then(|file| file.strip_prefix(PREFIX)) {
        Some(bare) => Err(Error::bad_input(format!(
            "FILE is the name of a file alone: write {bare:?} (a file that is called so: ./{PREFIX}{bare})"
        ))),
        None => Ok(()),
    }
}

/// Arguments that name a file, or may.
const FILES: [&str; 13] = [
    "source",
    "target",
    "file",
    "archive",
    "against",
    "certificate",
    "out",
    "plan",
    "acl",
    "pause_file",
    "auth_file",
    "source_auth_file",
    "target_auth_file",
];

/// Which options were typed, and not left at their defaults: what can't be heeded is refused.
#[derive(Debug, Default)]
pub(super) struct Typed {
    ids: HashSet<String>,
    files: Vec<PathBuf>,
}

impl Typed {
    /// Those of the command that was called.
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let Some((_, command)) = matches.subcommand() else { return Self::default() };
        let typed = |id: &&str| command.value_source(id) == Some(ValueSource::CommandLine);
        let ids = command.ids().map(clap::Id::as_str).filter(typed).map(str::to_owned).collect();
        let values = FILES.iter().filter_map(|id| command.try_get_raw(id).ok().flatten()).flatten();
        let bare = |value: &OsStr| {
            let text = value.to_str().unwrap_or_default();
            [PREFIX, "map="].iter().find_map(|prefix| text.strip_prefix(prefix)).map_or(value.into(), PathBuf::from)
        };
        Self { ids, files: values.map(bare).collect() }
    }

    /// Files that the command reads and writes, its page and its metrics apart; and what was typed where one could stand.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Refuses options with an archive.
    pub(super) fn refuse(&self, ids: &[&str], why: &str) -> Result<()> {
        match ids.iter().find(|id| self.ids.contains(**id)) {
            Some(id) => {
                Err(Error::bad_input(format!("--{} has no meaning here: {why}; leave it out", id.replace('_', "-"))))
            }
            None => Ok(()),
        }
    }

    /// Refuses those that say something about servers, where there are none.
    pub(super) fn refuse_servers(&self) -> Result<()> {
        self.refuse(&OF_SERVERS, "no server is asked")
    }
}
