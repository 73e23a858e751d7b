//! Random operations on a source, some of them while it is copied; a model beside it; copies and syncs; no difference.
//!
//! A round is made of its seed alone, and a failure names it: ROUND_SEED=17 runs that one.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};
use harness::tree::{Random, TreeZnode};
use harness::{Server, load, read_tree, shared_pair, unique_root};
use replicator::copy::copy;
use replicator::error::Side;
use replicator::options::{Auth, CopyOptions, EnsembleOptions};
use replicator::progress::Progress;
use replicator::session::{Lane, ReadOp, ReadReply, WriteOp};
use replicator::sync::sync;
use replicator::znode::ZnodePath;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, Permission};

type Failed = Box<dyn std::error::Error>;

const ROUNDS: u64 = 1_000;
/// More would only wait for the same two cores.
const ROUNDS_AT_ONCE: usize = 4;
/// Rounds that fail before the rest is given up.
const FAILURES_MAX: usize = 8;
const ZNODES: usize = 100;
const OPERATIONS: usize = 50;
const AUTH: (&str, &str) = ("digest", "rounds:secret");

/// What a znode of the model is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Modelled {
    data: Option<Vec<u8>>,
    acl: usize,
    ephemeral: bool,
    /// How many children were ever created below it.
    counter: u32,
}

impl Modelled {
    fn new(data: &[u8]) -> Self {
        Self { data: Some(data.to_vec()), acl: 0, ephemeral: false, counter: 0 }
    }
}

/// ACLs that leave us every right, the first one the default.
fn acls() -> [Vec<Acl>; 3] {
    let us = || Acl::new(Permission::ALL, AuthId::new("digest", "rounds:JbTStgxv96C0XpRhzRtAtSh52Mo="));
    let all = |permission| Acl::new(permission, AuthId::anyone());
    [Acls::anyone_all().to_vec(), vec![us(), all(Permission::READ)], vec![us()]]
}

/// A source's tree and what it should hold.
struct Round {
    random: Random,
    root: String,
    client: Client,
    /// For what `zookeeper-client` can't say: null data.
    lane: Lane,
    model: BTreeMap<String, Modelled>,
}

impl Round {
    fn pick(&mut self, wanted: impl Fn(&str, &Modelled, &BTreeMap<String, Modelled>) -> bool) -> Option<String> {
        let paths: Vec<&String> =
            self.model.iter().filter(|(path, znode)| wanted(path, znode, &self.model)).map(|(path, _)| path).collect();
        let index = self.random.below(paths.len().max(1));
        paths.get(index).map(|path| (*path).clone())
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = self.random.below(40);
        self.random.bytes(len)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{}", self.root, path.trim_end_matches('/'))
    }

    fn created(&mut self, parent: &str, path: String, znode: Modelled) {
        if let Some(parent) = self.model.get_mut(parent) {
            parent.counter += 1;
        }
        self.model.insert(path, znode);
    }

    /// One operation, on the server and on the model.
    async fn operate(&mut self) -> Result<(), Failed> {
        let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
        match self.random.below(100) {
            kind @ 0..45 => {
                let Some(parent) = self.pick(|_, znode, _| !znode.ephemeral) else { return Ok(()) };
                let data = self.bytes();
                let name = format!("{}/c{}", parent.trim_end_matches('/'), self.random.below(1_000_000));
                match kind {
                    0..30 if !self.model.contains_key(&name) => {
                        self.client.create(&self.at(&name), &data, &options).await?;
                        self.created(&parent, name, Modelled::new(&data));
                    }
                    30..40 => {
                        let options = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
                        let (_, sequence) = self.client.create(&self.at(&name), &data, &options).await?;
                        self.created(&parent, format!("{name}{sequence}"), Modelled::new(&data));
                    }
                    40..45 if !self.model.contains_key(&name) => {
                        let options = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
                        self.client.create(&self.at(&name), &data, &options).await?;
                        self.created(&parent, name, Modelled { ephemeral: true, ..Modelled::new(&data) });
                    }
                    _ => {}
                }
            }
            45..60 => {
                let Some(path) = self.pick(|_, _, _| true) else { return Ok(()) };
                let data = self.bytes();
                self.client.set_data(&self.at(&path), &data, None).await?;
                self.model.entry(path).and_modify(|znode| znode.data = Some(data));
            }
            60..67 => {
                let Some(path) = self.pick(|_, _, _| true) else { return Ok(()) };
                let write = WriteOp::SetData { path: ZnodePath::new(&path), data: None, version: -1 };
                self.lane.write(vec![write]).await?;
                self.model.entry(path).and_modify(|znode| znode.data = None);
            }
            67..80 => {
                let Some(path) = self.pick(|_, _, _| true) else { return Ok(()) };
                let acl = self.random.below(3);
                self.client.set_acl(&self.at(&path), &acls()[acl], None).await?;
                self.model.entry(path).and_modify(|znode| znode.acl = acl);
            }
            _ => {
                let leaf = |path: &str, _: &Modelled, model: &BTreeMap<String, Modelled>| {
                    let below = format!("{}/", path.trim_end_matches('/'));
                    path != "/"
                        && !model.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below))
                };
                let Some(path) = self.pick(leaf) else { return Ok(()) };
                self.client.delete(&self.at(&path), None).await?;
                self.model.remove(&path);
            }
        }
        Ok(())
    }

    async fn operate_often(&mut self) -> Result<(), Failed> {
        for _ in 0..OPERATIONS {
            self.operate().await?;
        }
        Ok(())
    }
}

fn ensemble(at: &str) -> Result<EnsembleOptions, Failed> {
    let auth = Auth { scheme: AUTH.0.to_owned(), credentials: AUTH.1.to_owned() };
    Ok(EnsembleOptions { auths: vec![auth], ..EnsembleOptions::to(at.parse()?) })
}

async fn client(server: &Server) -> Result<Client, Failed> {
    let client = server.client().await?;
    client.auth(AUTH.0, AUTH.1.as_bytes()).await?;
    Ok(client)
}

/// Both trees against the model.
async fn compare(round: &Round, target: &Server, at_target: &Lane) -> Result<(), Failed> {
    let source = read_tree(&round.client, &round.root).await?;
    let copied = read_tree(&client(target).await?, &round.root).await?;
    assert!(source.keys().eq(round.model.keys()), "the model is not what the source holds");
    let lasting: BTreeMap<_, _> = round.model.iter().filter(|(_, znode)| !znode.ephemeral).collect();
    assert_eq!(copied.keys().collect::<Vec<_>>(), lasting.keys().copied().collect::<Vec<_>>());
    let paths: Vec<ZnodePath> = lasting.keys().map(|path| ZnodePath::new(path)).collect();
    let ops: Vec<ReadOp<'_>> = paths.iter().map(ReadOp::Data).collect();
    for ((path, znode), reply) in lasting.into_iter().zip(at_target.read(&ops).await?) {
        let ReadReply::Data(data, stat) = reply else { panic!("{path}: {reply:?}") };
        assert_eq!(data.as_deref(), znode.data.as_deref(), "{path}");
        assert_eq!(&copied[path].acl, &acls()[znode.acl], "{path}");
        assert_eq!(copied[path].data, znode.data.clone().unwrap_or_default(), "{path}, read by somebody else");
        assert!(stat.counter() >= znode.counter, "{path}: {} < {}", stat.counter(), znode.counter);
    }
    Ok(())
}

async fn round(seed: u64) -> Result<bool, Failed> {
    let (source, target) = shared_pair().await?;
    let root = unique_root("round");
    let (from, to) = (ensemble(&source.at(&root))?, ensemble(&target.at(&root))?);
    let mut round = Round {
        random: Random::new(seed),
        client: client(source).await?,
        lane: Lane::connect(Side::Source, &from).await?,
        model: BTreeMap::from([("/".to_owned(), Modelled::new(b""))]),
        root,
    };
    let mut tree = Vec::new();
    for number in 0..ZNODES {
        let Some(parent) = round.pick(|path, _, _| path.matches('/').count() < 5) else { continue };
        let path = format!("{}/i{number}", parent.trim_end_matches('/'));
        let data = round.bytes();
        tree.push(TreeZnode::new(path.clone(), data.clone()));
        round.created(&parent, path, Modelled::new(&data));
    }
    load(&round.client, &round.root.clone(), tree.into_iter()).await?;

    let options = CopyOptions::between(from, to.clone());
    let (progress, stop) = (Progress::default(), CancellationToken::new());
    let second = seed % 2 == 1;
    if second {
        copy(&options, &progress, &stop).await?;
    }
    let moving = async {
        if second { sync(&options, None, &progress, &stop).await } else { copy(&options, &progress, &stop).await }
    };
    let (copied, operated) = tokio::join!(moving, round.operate_often());
    operated?;
    let overlapped = !copied?.passes.later.is_empty();
    // What came after its last pass.
    sync(&options, None, &Progress::default(), &stop).await?;
    let at_target = Lane::connect(Side::Target, &to).await?;
    compare(&round, target, &at_target).await?;
    at_target.close().await;
    round.lane.close().await;
    Ok(overlapped)
}

#[tokio::test]
async fn no_round_of_random_operations_and_copies_leaves_a_difference() -> Result<(), Failed> {
    let seeds = match std::env::var("ROUND_SEED") {
        Ok(seed) => vec![seed.parse()?],
        Err(_) => (0..ROUNDS).collect(),
    };
    let count = seeds.len();
    let rounds = stream::iter(seeds).map(|seed| async move {
        let ended = AssertUnwindSafe(round(seed)).catch_unwind().await;
        ended
            .unwrap_or_else(|_| Err("it panicked, see above".into()))
            .map_err(|error| format!("ROUND_SEED={seed}: {error}"))
    });
    let mut ended = rounds.buffer_unordered(ROUNDS_AT_ONCE);
    let (mut overlapped, mut failed) = (0, Vec::new());
    while let Some(ended) = ended.next().await {
        match ended {
            Ok(moved) => overlapped += usize::from(moved),
            Err(error) => failed.push(error),
        }
        // A server that has died fails all that are left, each after a connect timeout: a CI run never came to its end.
        assert!(failed.len() < FAILURES_MAX, "{failed:#?}");
    }
    assert!(failed.is_empty(), "{} of {count} rounds failed: {failed:#?}", failed.len());
    assert!(2 * overlapped >= count || count == 1, "operations came during a copy in {overlapped} of {count} rounds");
    Ok(())
}
