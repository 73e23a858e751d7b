//! A copy that is killed (SIGKILL) at any moment is finished by the same command with `--update`, which sends what is
//! missing and nothing else.
//!
//! The moment is a byte: the proxy in front of the target holds what comes behind it, and then the program is killed. So
//! what the target holds at that moment is known, whatever the machine does meanwhile. What was held is delivered late or
//! lost, as the seed says: both happen. A failure names its seed: KILL_SEED=17 runs that one.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use futures::future::try_join_all;
use harness::proxy::{Direction, Ending, Flow, Fuse, Reach, Then};
use harness::tree::{self, Random};
use harness::{Proxy, Seen, Server, ServerOptions, load, read_tree, until};

use crate::product::{finish, run, zkreplicator};

type Failed = Box<dyn std::error::Error>;

const SEEDS: u64 = 100;
/// Each has a target of its own; more would only wait for the same two cores.
const AT_ONCE: u64 = 3;
const ZNODES: usize = 2_000;
const LIMIT: Duration = Duration::from_secs(60);
/// Moments are drawn from all bytes of a whole copy, and some behind them; one of so many from the first few, which open the
/// session and look at the target.
const SHARE_MAX_PERMILLE: usize = 1_100;
const EARLY_ONE_OF: usize = 16;
const EARLY_BYTES: usize = 150;

/// Where a kill fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fell {
    BeforeTheFirstWrite,
    Between,
    BehindTheLastWrite,
}

/// A tree, as data and ACLs.
type Tree = BTreeMap<String, Seen>;

/// A target of one worker, and what a whole copy sends to it.
struct Bed<'a> {
    source: &'a Server,
    tree: &'a Tree,
    target: Server,
    proxy: Proxy,
    bytes: u64,
}

impl<'a> Bed<'a> {
    async fn start(source: &'a Server, tree: &'a Tree) -> Result<Self, Failed> {
        let target = Server::start(ServerOptions::default()).await?;
        let proxy = Proxy::start(target.address())?;
        run(&["copy", &source.at("/a"), &proxy.at("/seed-000")]).await.expect(0);
        let bytes = proxy.traffic(Direction::ToServer).delivered;
        Ok(Self { source, tree, target, proxy, bytes })
    }

    /// What the target holds at `root`; nothing where the root is missing.
    async fn holds(&self, root: &str) -> Result<Tree, Failed> {
        // A session that is opened now stands behind all that the server has taken.
        let client = self.target.client().await?;
        if client.check_stat(root).await?.is_none() {
            return Ok(Tree::new());
        }
        Ok(read_tree(&client, root).await?)
    }

    /// Copies, kills, and copies again.
    async fn kill(&self, seed: u64) -> Result<Fell, Failed> {
        let mut random = Random::new(seed);
        let share = random.below(SHARE_MAX_PERMILLE) as u64;
        let early = random.below(EARLY_BYTES) as u64;
        let bytes = if random.below(EARLY_ONE_OF) == 0 { early } else { self.bytes * share / 1_000 };
        let late = random.below(2) == 0;
        let (from, root) = (self.source.at("/a"), format!("/seed-{seed:03}"));
        self.proxy.arm(Fuse { direction: Direction::ToServer, bytes, then: Then::Flow(Flow::Hold) });
        let mut child = zkreplicator(&["copy", &from, &self.proxy.at(&root)]).spawn()?;
        until("the moment of the kill, or the end", LIMIT, async || {
            let moment = !self.proxy.is_armed(Direction::ToServer);
            (moment || child.try_wait().ok().flatten().is_some()).then_some(())
        })
        .await?;
        child.start_kill()?;
        finish(child).await;
        if !late {
            self.proxy.cut(Ending::Reset);
        }
        self.proxy.heal();
        self.proxy.flow(Direction::ToServer, Flow::Pass, Reach::All);
        // Then nothing of it comes any more.
        until("the end of its connections", LIMIT, async || {
            let connections = self.target.command("cons").await.ok()?;
            (self.proxy.open() == 0 && connections.matches("sid=0x").count() == 0).then_some(())
        })
        .await?;
        let before = self.holds(&root).await?;
        let missing = self.tree.keys().filter(|path| !before.contains_key(*path)).count();

        let to = self.target.at(&root);
        let again = run(&["copy", "--update", "--format", "json", &from, &to]).await.expect(0).json();
        let znodes = &again["copy"]["znodes"];
        assert_eq!(znodes["created"], missing, "{again:#}");
        for rewritten in ["data_set", "acl_set", "deleted"] {
            assert_eq!(znodes[rewritten], 0, "{rewritten}: {again:#}");
        }
        let after = self.holds(&root).await?;
        assert!(same(self.tree, &after), "the copy is not the tree");
        Ok(match missing {
            0 => Fell::BehindTheLastWrite,
            _ if before.is_empty() => Fell::BeforeTheFirstWrite,
            _ => Fell::Between,
        })
    }
}

/// The same znodes with the same data and ACLs.
fn same(one: &Tree, other: &Tree) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|((path, seen), (at, other))| path == at && seen.data == other.data && seen.acl == other.acl)
}

#[tokio::test]
async fn a_copy_killed_at_any_moment_is_finished_by_the_same_command_with_update() -> Result<(), Failed> {
    let source = Server::start(ServerOptions::default()).await?;
    let client = source.client().await?;
    load(&client, "/a", tree::pegasus_like(4, ZNODES)).await?;
    let tree = read_tree(&client, "/a").await?;
    let only: Option<u64> = std::env::var("KILL_SEED").ok().map(|seed| seed.parse()).transpose()?;
    let beds = try_join_all((0..AT_ONCE).map(|_| Bed::start(&source, &tree))).await?;
    let worker = async |bed: &Bed<'_>, number: u64| {
        let mut fell = Vec::new();
        for seed in (1..=SEEDS).filter(|seed| seed % AT_ONCE == number && only.is_none_or(|only| only == *seed)) {
            let killed = bed.kill(seed).await.unwrap_or_else(|error| panic!("KILL_SEED={seed}: {error}"));
            fell.push(killed);
        }
        fell
    };
    let fell = futures::future::join_all(beds.iter().zip(0..).map(|(bed, number)| worker(bed, number))).await.concat();
    let count = |wanted: Fell| fell.iter().filter(|fell| **fell == wanted).count();
    let [first, between, last] = [Fell::BeforeTheFirstWrite, Fell::Between, Fell::BehindTheLastWrite].map(count);
    let kills = fell.len();
    writeln!(
        std::io::stderr(),
        "{kills} kills: {first} before the first write, {between} between, {last} behind the last"
    )?;
    if only.is_none() {
        assert_eq!(fell.len() as u64, SEEDS);
        assert!(
            between * 2 >= fell.len(),
            "{between} of {} kills fell between the first and the last write",
            fell.len()
        );
    }
    Ok(())
}
