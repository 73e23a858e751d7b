//! A migration under way: the plan, the servers, the trees, what is known, and the journal that hears of each act first.

mod time;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use replicator::whole_file::{Existing, Unfinished};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::time::{Away, SESSION_TIMEOUT_MS};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::Guard;
use crate::host::{Command, Host, MigrationId};
use crate::journal::{Entry, Journal};
use crate::metrics::Metrics;
use crate::pegasus::client::{MetaClient, MetaOptions};
use crate::pegasus::messages::{AppInfo, PartitionConfig};
use crate::pegasus::metadata::Metadata;
use crate::plan::{Plan, StepName};
use crate::server::{Process, Server, said};
use crate::state::{State, now_ms};
use crate::step::Step;
use crate::telling::Teller;
use crate::trees::{Attempt, Ensemble, Proof, Trees};

/// How long the primary is looked for where the cluster should have one.
const PRIMARY_WAIT: Duration = Duration::from_secs(5);
/// Between two looks at something that is waited for.
pub const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Attempts at a proof while something may still be written.
const PROOFS_MAX: usize = 5;

/// One migration, as one process works on it.
pub struct Migration {
    /// What the operator wants.
    pub plan: Plan,
    /// All meta servers, in the plan's order.
    pub servers: Vec<Server>,
    /// Who asks them.
    pub meta: Arc<MetaClient>,
    /// What is known; it goes into the journal with each record.
    pub state: State,
    /// Ends it where that does no harm.
    pub stop: CancellationToken,
    /// The cluster's tables, as the leader listed them last; a process that resumes may have none.
    pub apps: Option<Vec<AppInfo>>,
    /// Their partitions, by table.
    pub partitions: BTreeMap<i32, Vec<PartitionConfig>>,
    /// What a meta server would make of the copy, and the digest of the tree that it was read from.
    pub copy: Option<(String, Metadata)>,
    /// Who tells a person what goes on.
    pub teller: Teller,
    /// Whoever is told of each record, besides the journal.
    pub metrics: Option<Arc<Metrics>>,
    /// On the way back a journal that can't be written any more holds up nothing.
    pub only_restores: bool,
    journal: Option<Journal>,
    guard: Option<Guard>,
    trees: Option<Trees>,
    /// When the cluster has been without a meta server for as long as the plan allows.
    away_until: Option<Instant>,
}

impl Migration {
    /// Of this plan; nothing is asked yet. Without a `journal` it can look, but not act.
    pub fn new(plan: Plan, state: State, journal: Option<Journal>, stop: CancellationToken) -> Result<Self> {
        let servers: Vec<Server> = plan.meta_servers.iter().map(|server| Server::new(server, &plan.limits)).collect();
        let options = MetaOptions {
            connect_timeout: plan.limits.rpc_max,
            call_timeout: plan.limits.rpc_max,
            primary_wait: PRIMARY_WAIT,
            recovery_timeout: plan.recovery.wait,
            ..MetaOptions::default()
        };
        let meta = MetaClient::new(servers.iter().map(|server| server.address.clone()).collect(), options)?;
        let meta = Arc::new(meta);
        let (apps, partitions, copy) = (None, BTreeMap::new(), None);
        let (guard, trees, away_until, teller) = (None, None, None, Teller::default());
        let metrics = None;
        Ok(Self {
            plan,
            servers,
            meta,
            state,
            stop,
            apps,
            partitions,
            copy,
            teller,
            metrics,
            only_restores: false,
            journal,
            guard,
            trees,
            away_until,
        })
    }

    /// The trees; known as soon as the cluster's root is.
    pub fn trees(&mut self) -> Result<&mut Trees> {
        if self.trees.is_none() {
            let State { cluster_root, lock_root, .. } = &self.state;
            if cluster_root.is_empty() {
                return Err(Error::new(
                    ErrorKind::Local,
                    "migration",
                    "open the trees",
                    "the cluster's root is not known",
                ));
            }
            let (source, target) = (ensemble(&self.plan.source)?, ensemble(&self.plan.target)?);
            let mut trees =
                Trees::new(&source, &target, cluster_root, lock_root, &self.plan.limits, &self.plan.policy)?;
            trees.teller = self.teller.clone();
            self.trees = Some(trees);
        }
        Ok(self.trees.as_mut().expect("it was made just now"))
    }

    /// The server of an address.
    pub fn server(&self, address: &str) -> Result<&Server> {
        self.servers.iter().find(|server| server.address == address).ok_or_else(|| {
            let known: Vec<&str> = self.servers.iter().map(|server| server.address.as_str()).collect();
            Error::new(
                ErrorKind::Input,
                "plan",
                "find a meta server",
                format!(
                    "{address} is none of its meta servers ({}): add it, as the cluster calls it",
                    known.join(", ")
                ),
            )
        })
    }

    /// The server that leads.
    pub fn leader(&self) -> Result<Server> {
        let leader = self.state.leader.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Local, "migration", "find the leader", "no step has noted who leads")
        })?;
        self.server(leader).cloned()
    }

    /// All but the leader.
    pub fn followers(&self) -> Vec<Server> {
        let leader = self.state.leader.as_deref();
        self.servers.iter().filter(|server| Some(server.address.as_str()) != leader).cloned().collect()
    }

    /// Where files of this migration lie.
    pub fn directory(&self) -> PathBuf {
        self.plan.journal.join(&self.state.id)
    }

    /// What its files are called after.
    pub fn id(&self) -> Result<MigrationId> {
        MigrationId::new(self.state.id.clone()).ok_or_else(|| {
            Error::new(ErrorKind::Local, "journal", "read the migration's name", format!("{:?} is none", self.state.id))
        })
    }

    /// Tells a person.
    pub fn say(&self, text: &str) {
        self.teller.say(text);
    }

    /// Says it, and keeps it for the report.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.say(&text);
        if self.state.notes.last() != Some(&text) {
            self.state.notes.push(text);
        }
    }

    /// An error where somebody wants it to end.
    pub fn refuse_when_stopped(&self) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(Error::new(ErrorKind::Interrupted, "migration", "go on", "it was interrupted"));
        }
        Ok(())
    }

    /// Keeps other migrators off the cluster from now on.
    pub async fn take_guard(&mut self) -> Result<()> {
        if self.guard.as_ref().is_none_or(Guard::is_lost) {
            let (target, root) = (ensemble(&self.plan.target)?, self.state.cluster_root.clone());
            self.guard = Some(Guard::take(&target, &root, &self.state.id).await?);
        }
        Ok(())
    }

    /// Gives the lock back.
    pub async fn release_guard(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.release().await;
        }
    }

    /// Runs the plan's hook, if there is one.
    pub async fn hook(&mut self, when: &str, step: StepName) -> Result<()> {
        let hook = if when == "before" { &self.plan.hooks.before } else { &self.plan.hooks.after };
        let Some(hook) = hook.clone() else { return Ok(()) };
        self.about_to_for(format!("run the hook {when} {step}"), self.plan.limits.hook_max)?;
        let command = Command::new(format!("run the hook {when} {step}"), hook.as_str()).arg(step.to_string());
        // Without a meta server nobody has a minute for it.
        let output = self.away().bound(Host::local().run(&command, self.plan.limits.hook_max)).await?;
        let said = said(&output).map_err(|why| Error::new(ErrorKind::Refused, "hook", command.what(), why))?;
        self.did(command.what(), Some(said))
    }

    /// A step begins.
    pub fn begin(&mut self, index: usize, step: &dyn Step) -> Result<()> {
        self.say(&format!("{}: {}", step.name(), step.purpose()));
        self.teller.step(index + 1, &step.name().to_string());
        self.state.begun = self.state.begun.max(index + 1);
        self.write(Entry::Step(step.name().to_string()))
    }

    /// A step is done.
    pub fn finish(&mut self, index: usize, step: &dyn Step) -> Result<()> {
        self.state.done = index + 1;
        self.write(Entry::StepDone(step.name().to_string()))
    }

    /// A step is to be taken back.
    pub fn begin_undo(&mut self, step: &dyn Step) -> Result<()> {
        self.say(&format!("back from {}", step.name()));
        self.teller.step_back(&step.name().to_string());
        self.write(Entry::Undo(step.name().to_string()))
    }

    /// A step is taken back.
    pub fn finish_undo(&mut self, index: usize, step: &dyn Step) -> Result<()> {
        self.state.begun = index;
        self.state.done = self.state.done.min(index);
        self.write(Entry::Undone(step.name().to_string()))
    }

    /// Something failed. The journal hears of it where it still can: this is no time for another error.
    pub fn fail(&mut self, error: &Error) {
        if let Err(unwritten) = self.write(Entry::Failed(error.to_string())) {
            self.say(&unwritten.to_string());
        }
    }

    /// Something is about to be done. When this returns, the journal knows.
    pub fn about_to(&mut self, what: impl Into<String>) -> Result<()> {
        self.about_to_for(what, Duration::ZERO)
    }

    /// The same, of commands that may go on for so long when this process is killed.
    pub fn about_to_for(&mut self, what: impl Into<String>, longest: Duration) -> Result<()> {
        let outlives_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let what = what.into();
        self.teller.waits(what.as_str(), longest);
        self.write(Entry::Act { what, outlives_ms })
    }

    /// It was done.
    pub fn did(&mut self, what: impl Into<String>, output: Option<String>) -> Result<()> {
        self.teller.goes_on();
        self.write(Entry::Acted { what: what.into(), output: output.filter(|output| !output.is_empty()) })
    }

    /// Adds a record.
    pub fn write(&mut self, entry: Entry) -> Result<()> {
        let Some(journal) = &mut self.journal else {
            return Err(Error::new(
                ErrorKind::Local,
                "journal",
                "write it",
                "this is a rehearsal: nothing may be done",
            ));
        };
        if let Some(metrics) = &self.metrics {
            metrics.note(&entry, &self.state);
        }
        match journal.write(entry, &self.state) {
            Err(error) if self.only_restores => {
                // A full disk must not keep a cluster from being served.
                self.note(format!("{error}; it goes back all the same"));
                Ok(())
            }
            written => written,
        }
    }

    /// Proves that both trees are the same, sending what differs until they are.
    pub async fn prove(&mut self) -> Result<Proof> {
        if self.state.times.leader_starting.is_some() {
            // The target is, or may be, the cluster's own by now.
            let why = "a leader was started on the target: nothing is sent there any more";
            return Err(Error::new(ErrorKind::Refused, "target", "bring it up to date", why));
        }
        let mut open = String::new();
        for _ in 0..PROOFS_MAX {
            // A name of its own: no certificate is ever written over.
            let file = self.directory().join(format!("proof-{}.certificate", now_ms()));
            let stop = CancellationToken::new();
            match self.trees()?.prove(&file, &stop).await? {
                Attempt::Proven(proof) => {
                    self.state.proof = Some(proof.clone());
                    self.state.certificate = Some(file);
                    return Ok(proof);
                }
                Attempt::Open(why) => open = why,
            }
            let progress = self.teller.counting("copy");
            self.trees()?.copy(false, &progress, &stop).await?;
        }
        Err(Error::new(ErrorKind::Refused, "tree", "prove the copy", open))
    }

    /// Looks at every meta server: none may be there.
    pub async fn see_all_gone(&self) -> Result<()> {
        let all = futures::future::join_all(self.servers.iter().map(Server::process)).await;
        for (server, process) in self.servers.iter().zip(all) {
            match process? {
                Process::Gone => {}
                Process::Running(why) | Process::Unclear(why) => {
                    return Err(Error::new(
                        ErrorKind::Refused,
                        format!("meta server {}", server.address),
                        "see it gone",
                        format!("{why}: does a supervisor bring it back? its stop command must keep it stopped"),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// An ensemble of the plan, with its credentials.
pub fn ensemble(planned: &crate::plan::Ensemble) -> Result<Ensemble> {
    Ok(Ensemble {
        connect: planned.connect.clone(),
        auths: planned.credentials.read()?,
        jute_maxbuffer: replicator::limits::JUTE_MAXBUFFER_BYTES,
    })
}

/// Writes a file of the migration, whole or not at all, readable by its owner alone.
pub fn keep(directory: &Path, name: &str, content: &(impl AsRef<[u8]> + ?Sized)) -> Result<()> {
    let file = directory.join(name);
    let failed = |why: std::io::Error| {
        Error::new(ErrorKind::Local, format!("file {}", file.display()), "write it", why.to_string())
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let written = Unfinished::beside(&file).and_then(|mut unfinished| {
        unfinished.write_all(content.as_ref())?;
        unfinished.finish(&file, Existing::Replaced)
    });
    written.map_err(failed)
}
