//! Three stand-in meta servers as processes on the recorded tree, and a plan for the migration of their cluster.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::pegasus::{MetaConfig, MetaServer};
use harness::tree::TreeZnode;
use harness::{Server, golden, load, read_tree, shared_pair, unique_root, until};
use migrator::pegasus::client::{MetaClient, MetaOptions};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::product::{Run, finish};

pub(super) type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// How long anything may take to come about.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// The meta servers' session timeout, by which their lock outlives them.
const SESSION_TIMEOUT_MS: u64 = 2_000;

/// A cluster that serves.
pub(super) struct Cluster {
    pub(super) source: &'static Server,
    pub(super) target: &'static Server,
    pub(super) root: String,
    pub(super) metas: Vec<MetaServer>,
    directory: TempDir,
    /// More lines of the plan, by table.
    policy: String,
    limits: String,
    hooks: String,
    replaced: Vec<(String, String)>,
    path: Option<std::ffi::OsString>,
}

impl Cluster {
    /// Three meta servers on the recorded tree.
    pub(super) async fn start(name: &str) -> Fallible<Self> {
        Self::start_with(name, |_| {}).await
    }

    /// The same; `change` has the last word on their configuration files.
    pub(super) async fn start_with(name: &str, change: impl Fn(&mut MetaConfig)) -> Fallible<Self> {
        Self::start_on(name, recorded(), change).await
    }

    /// The same on any tree.
    pub(super) async fn start_on(
        name: &str,
        tree: impl Iterator<Item = TreeZnode> + Send,
        change: impl Fn(&mut MetaConfig),
    ) -> Fallible<Self> {
        let (source, target) = shared_pair().await?;
        let root = format!("{}/onebox", unique_root(name));
        load(&source.client().await?, &root, tree).await?;
        let program = Path::new(env!("CARGO_BIN_EXE_stand-in-meta-server"));
        let metas = MetaServer::prepare(program, 3, &source.connect_string(), |config| {
            config.root.clone_from(&root);
            config.lock_root = format!("{root}/lock");
            config.zookeeper_timeout_ms = SESSION_TIMEOUT_MS;
            change(config);
        })?;
        let (policy, limits, hooks) = (String::new(), String::new(), String::new());
        let (directory, replaced) = (tempfile::tempdir()?, Vec::new());
        let cluster = Self { source, target, root, metas, directory, policy, limits, hooks, replaced, path: None };
        for meta in &cluster.metas {
            meta.start()?;
        }
        cluster.settled().await?;
        Ok(cluster)
    }

    /// Adds a line to `[policy]` of the plan.
    pub(super) fn policy(mut self, line: &str) -> Self {
        self.policy += line;
        self.policy.push('\n');
        self
    }

    /// Adds a line to `[limits]` of the plan, or takes the place of one with the same key.
    pub(super) fn limit(mut self, line: &str) -> Self {
        self.limits += line;
        self.limits.push('\n');
        self
    }

    /// A file of the test's.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs the program, and does `act` when it comes `when` (`before`, `after`) this step; the program waits meanwhile.
    pub(super) async fn run_and(
        self,
        args: &[&str],
        (when, step): (&str, &str),
        act: impl AsyncFnOnce(&Self) -> Fallible<()>,
    ) -> Fallible<(Self, Run)> {
        let (reached, go) = (self.file("reached"), self.file("go"));
        let (reached_at, go_at) = (reached.display(), go.display());
        let script = format!(
            "[ $1 = {step} ] || exit 0; echo $PPID > {reached_at}.new; mv {reached_at}.new {reached_at}; until [ -e {go_at} ]; \
             do sleep 0.02; done"
        );
        let hooks = format!("[hooks]\n{when} = {script:?}\n");
        let cluster = Self { hooks, ..self };
        let mut child = cluster.spawn(args)?;
        until("the hook to be reached", LIMIT, async || {
            (reached.exists() || child.try_wait().ok()?.is_some()).then_some(())
        })
        .await?;
        if reached.exists() {
            act(&cluster).await?;
            std::fs::write(&go, "")?;
        }
        let run = finish(child).await;
        assert!(reached.exists(), "the hook was never reached: {run:?}\n{}", cluster.story());
        Ok((Self { hooks: String::new(), ..cluster }, run))
    }

    /// The meta server that leads.
    pub(super) async fn leader(&self) -> Fallible<&MetaServer> {
        let leader = self.client()?.primary().await?;
        Ok(self.metas.iter().find(|meta| meta.name() == leader).ok_or("the leader is none of ours")?)
    }

    /// One that does not lead.
    pub(super) async fn follower(&self) -> Fallible<&MetaServer> {
        let leader = self.client()?.primary().await?;
        Ok(self.metas.iter().find(|meta| meta.name() != leader).ok_or("there is no follower")?)
    }

    /// One that does not run.
    pub(super) fn stopped(&self) -> Fallible<&MetaServer> {
        Ok(self.metas.iter().find(|meta| !meta.is_running()).ok_or("all run")?)
    }

    /// The same plan, with something else in its text.
    pub(super) fn replacing(mut self, old: &str, new: &str) -> Self {
        self.replaced.push((old.to_owned(), new.to_owned()));
        self
    }

    /// Waits until one leads and all stand in line.
    pub(super) async fn settled(&self) -> Fallible<()> {
        let client = self.client()?;
        let settled = until("all meta servers to serve", LIMIT, async || {
            for meta in &self.metas {
                client.role(meta.name()).await.ok()?;
            }
            client.cluster_info().await.ok()
        });
        settled.await.map_err(|error| format!("{error}\n{}", self.story()))?;
        Ok(())
    }

    /// Asks the meta servers.
    pub(super) fn client(&self) -> Fallible<MetaClient> {
        let options = MetaOptions { primary_wait: Duration::from_millis(500), ..MetaOptions::default() };
        Ok(MetaClient::new(self.metas.iter().map(|meta| meta.name().to_owned()).collect(), options)?)
    }

    /// The plan's file, written anew.
    pub(super) fn plan(&self) -> Fallible<PathBuf> {
        let limit = |key: &str, default: &str| {
            if self.limits.lines().any(|line| line.starts_with(&format!("{key} "))) {
                String::new()
            } else {
                format!("{key} = {default:?}\n")
            }
        };
        let quoted = |path: &Path| format!("{:?}", path.display().to_string());
        let defaults = [("tripwire", "1s"), ("cleanup_hold", "1ms"), ("stop_max", "3s"), ("start_max", "3s")];
        let limits = defaults.map(|(key, default)| limit(key, default)).concat() + &self.limits;
        let mut text = format!(
            "cluster = \"onebox\"\njournal = {}\n[source]\nconnect = {:?}\n[target]\nconnect = {:?}\n[policy]\n{}\n\
             [limits]\n{limits}\n{}",
            quoted(&self.file("journal")),
            self.source.connect_string(),
            self.target.connect_string(),
            self.policy,
            self.hooks,
        );
        for meta in &self.metas {
            let script = |name: &str| quoted(&meta.file(name));
            let (config, stop, start, check) =
                (script("config.ini"), script("stop.sh"), script("start.sh"), script("check.sh"));
            writeln!(
                text,
                "[[meta_server]]\naddress = {:?}\nhost = \"local\"\nconfig_file = {config}\nstop = {stop}\nstart = {start}\n\
                 check = {check}",
                meta.name(),
            )?;
        }
        for (old, new) in &self.replaced {
            assert!(text.contains(old), "{old:?} is not in the plan");
            text = text.replace(old, new);
        }
        let file = self.file("zkmigrator.toml");
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// Programs in this directory come before all others of the same name.
    pub(super) fn path(mut self, directory: &Path) -> Fallible<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::iter::once(directory.to_owned()).chain(std::env::split_paths(&path));
        self.path = Some(std::env::join_paths(directories)?);
        Ok(self)
    }

    /// Runs the program with another plan.
    pub(super) async fn run_plan(&self, args: &[&str], plan: &Path) -> Fallible<Run> {
        Ok(finish(self.spawn_plan(args, plan)?).await)
    }

    /// Starts the program with the plan and these arguments.
    pub(super) fn spawn(&self, args: &[&str]) -> Fallible<Child> {
        self.spawn_plan(args, &self.plan()?)
    }

    fn spawn_plan(&self, args: &[&str], plan: &Path) -> Fallible<Child> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkmigrator-under-test"));
        command.args(args).arg("--plan").arg(plan).current_dir(self.directory.path());
        command.envs(self.path.iter().map(|path| ("PATH", path)));
        command.stdin(std::process::Stdio::null()).kill_on_drop(true).env_remove("RUST_LOG");
        Ok(command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn()?)
    }

    /// Runs the program with the plan and these arguments.
    pub(super) async fn run(&self, args: &[&str]) -> Fallible<Run> {
        Ok(finish(self.spawn(args)?).await)
    }

    /// `hosts_list` as each meta server that runs has it.
    pub(super) async fn hosts(&self) -> Fallible<Vec<String>> {
        let client = self.client()?;
        let mut hosts = Vec::new();
        for meta in self.metas.iter().filter(|meta| meta.is_running()) {
            hosts.push(client.config_value(meta.name(), "hosts_list").await?);
        }
        Ok(hosts)
    }

    /// Whole records of the journal.
    pub(super) fn records(&self) -> usize {
        let journal = std::fs::read_to_string(self.file("journal").join("journal")).unwrap_or_default();
        journal.split('\n').count() - 1
    }

    /// A file that the migration has saved.
    pub(super) fn saved(&self, name: &str) -> Fallible<Vec<u8>> {
        for entry in std::fs::read_dir(self.file("journal"))? {
            let file = entry?.path().join(name);
            if file.is_file() {
                return Ok(std::fs::read(file)?);
            }
        }
        Err(format!("{name} was not saved").into())
    }

    /// What a person would look at when something is not as it should be.
    pub(super) fn story(&self) -> String {
        let journal = std::fs::read_to_string(self.file("journal").join("journal")).unwrap_or_default();
        let entry = |line: &str| {
            let record: serde_json::Value = serde_json::from_str(line.split_once(' ')?.1).ok()?;
            Some(format!("{} at {}: {}", record["number"], record["at_ms"], record["entry"]))
        };
        let mut lines: Vec<String> = journal.lines().filter_map(entry).collect();
        for meta in &self.metas {
            let log: Vec<String> = meta.log().lines().rev().take(5).map(str::to_owned).collect();
            lines.push(format!(
                "{}: running {}, ended {:?}, log {log:?}",
                meta.name(),
                meta.is_running(),
                meta.status()
            ));
        }
        lines.join("\n")
    }

    /// The configuration files.
    pub(super) fn configs(&self) -> Fallible<Vec<String>> {
        Ok(self.metas.iter().map(|meta| std::fs::read_to_string(meta.file("config.ini"))).collect::<Result<_, _>>()?)
    }

    /// Fails the test unless everything is as it was before the migration.
    pub(super) async fn expect_as_before(&self, configs: &[String]) -> Fallible<()> {
        self.expect_on(self.source).await?;
        assert!(self.configs()? == configs, "a configuration file is another\n{}", self.story());
        let left = read_tree(&self.target.client().await?, &self.root).await;
        assert!(left.map_or(true, |left| left.is_empty()), "something is left at the target\n{}", self.story());
        Ok(())
    }

    /// Fails the test unless the cluster serves on that ZooKeeper as it did before.
    pub(super) async fn expect_on(&self, server: &Server) -> Fallible<()> {
        self.settled().await?;
        assert_eq!(self.hosts().await?, vec![server.connect_string(); 3]);
        let info = self.client()?.cluster_info().await?;
        assert_eq!((info.zookeeper_hosts, info.zookeeper_root), (server.connect_string(), self.root.clone()));
        assert_eq!(self.client()?.level().await?.name(), "steady");
        let apps = self.client()?.list_apps(None).await?;
        let names: Vec<&str> = apps.iter().map(|app| app.app_name.as_str()).collect();
        assert_eq!(names, ["stat", "temp", "user_profile", "orders", "ns.table_with.dots", "to_drop", "renamed"]);
        Ok(())
    }
}

/// The recorded tree of a cluster, without what belonged to sessions, from its root.
pub(super) fn recorded() -> impl Iterator<Item = TreeZnode> + Send {
    golden::live().into_iter().filter_map(|znode| {
        let path = znode.path.strip_prefix(golden::CLUSTER_ROOT)?;
        (!path.is_empty() && znode.stat.ephemeral_owner == 0).then(|| TreeZnode {
            path: path.to_owned(),
            data: znode.data.clone(),
            acl: znode.acl.clone(),
            ephemeral: false,
        })
    })
}
