//! What `/zookeeper/quota` holds: read level by level, a bounded number of znodes.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::explained;
use crate::connect::Chroot;
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::session::{Lane, ReadOp, ReadReply};
use crate::znode::ZnodePath;

pub(super) const LIMITS: &str = "zookeeper_limits";
pub(super) const STATS: &str = "zookeeper_stats";

/// The limits of one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) data: Option<Bytes>,
    pub(super) version: i32,
}

impl Limits {
    pub(super) fn can_be_parsed(&self) -> bool {
        self.data.as_deref().is_some_and(limits_can_be_parsed)
    }
}

/// Whether every server can parse these limits: `key=number` between commas and semicolons, with perhaps another `=`
/// behind the number (StatsTrack.java).
pub fn limits_can_be_parsed(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    text.split([',', ';']).all(|pair| {
        let mut parts = pair.split('=').skip(1);
        parts.next().is_some_and(|number| number.parse::<i64>().is_ok())
    })
}

/// A znode below `/zookeeper/quota`, other than limits and stats.
#[derive(Debug, Default)]
struct Spot {
    limits: Option<Limits>,
    /// Whether the stats are there.
    counted: bool,
}

/// One ensemble's quotas, by the absolute path of the znode that they are on.
#[derive(Debug, Default)]
pub(super) struct Quotas(BTreeMap<String, Spot>);

/// Where the quota of the znode at an absolute path is kept.
pub(super) fn place(at: &str) -> ZnodePath {
    ZnodePath::new(&format!("/zookeeper/quota{}", at.trim_end_matches('/')))
}

impl Quotas {
    /// Those at and below the root of the tree that `lane` sees.
    pub(super) async fn at_and_below(lane: &Lane) -> Result<Self> {
        Self::read(lane, Vec::new()).await
    }

    /// Those above it too.
    pub(super) async fn around(lane: &Lane) -> Result<Self> {
        Self::read(lane, lane.chroot().ancestors().map(str::to_owned).collect()).await
    }

    /// Reads what is at `above`, and all that is at and below the root of the tree.
    async fn read(lane: &Lane, above: Vec<String>) -> Result<Self> {
        let ensemble = lane.seen_from(Chroot::none());
        let mut spots = BTreeMap::new();
        let mut level = above;
        level.push(lane.chroot().as_str().to_owned());
        while !level.is_empty() {
            if spots.len() + level.len() > limits::QUOTA_ZNODES_MAX {
                return Err(too_many(lane));
            }
            let mut next = Vec::new();
            let places = level.iter().map(|at| place(at)).collect();
            for (at, reply) in level.iter().zip(ask(&ensemble, places, Asked::Children).await?) {
                let Some(ReadReply::Children(names)) = reply else { continue };
                let has = |wanted: &str| names.iter().any(|name| name == wanted);
                let limits = has(LIMITS).then_some(Limits { data: None, version: -1 });
                spots.insert(at.clone(), Spot { limits, counted: has(STATS) });
                // What is above the root is looked at, and not into.
                if lane.chroot().below(at).is_some() {
                    let below = names.iter().filter(|name| ![LIMITS, STATS].contains(name));
                    next.extend(below.map(|name| format!("{}/{name}", at.trim_end_matches('/'))));
                }
            }
            level = next;
        }
        read_limits(&ensemble, &mut spots).await?;
        Ok(Self(spots))
    }

    /// The limits that are set, with the paths of their znodes.
    pub(super) fn set(&self) -> impl Iterator<Item = (&str, &Limits)> {
        self.0.iter().filter_map(|(at, spot)| spot.limits.as_ref().map(|limits| (&**at, limits)))
    }

    /// The limits of a znode, and whether there are stats.
    pub(super) fn at(&self, at: &str) -> (Option<Limits>, bool) {
        self.0.get(at).map(|spot| (spot.limits.clone(), spot.counted)).unwrap_or_default()
    }

    /// Whether a quota above or below `at` stands here that is none of `ours`.
    pub(super) fn nests(&self, at: &str, ours: &HashSet<String>) -> bool {
        let foreign = |at: &str, spot: &Spot| spot.limits.is_some() && !ours.contains(at);
        let below = format!("{at}/");
        let from = (Bound::Included(below.as_str()), Bound::Unbounded);
        let mut inside = self.0.range::<str, _>(from).take_while(|(path, _)| path.starts_with(&below));
        inside.any(|(path, spot)| foreign(path, spot))
            || above(at).any(|path| self.0.get(path).is_some_and(|spot| foreign(path, spot)))
    }

    /// The places that the quota of `at` needs and that are missing, from the top; from now on they are there.
    pub(super) fn make(&mut self, at: &str) -> Vec<ZnodePath> {
        let missing: Vec<String> =
            above(at).chain([at]).filter(|path| !self.0.contains_key(*path)).map(str::to_owned).collect();
        let places = missing.iter().map(|path| place(path)).collect();
        self.0.extend(missing.into_iter().map(|path| (path, Spot::default())));
        places
    }
}

/// The ancestors of an absolute path, from the top, without the root.
fn above(at: &str) -> impl Iterator<Item = &str> {
    at.match_indices('/').skip(1).map(|(end, _)| &at[..end])
}

/// Gives limits that were listed what they hold. Limits that have gone by now were taken away by somebody: none are left.
async fn read_limits(ensemble: &Lane, spots: &mut BTreeMap<String, Spot>) -> Result<()> {
    let mut listed: Vec<_> = spots.iter_mut().filter(|(_, spot)| spot.limits.is_some()).collect();
    let places = listed.iter().map(|(at, _)| place(at).child(LIMITS)).collect();
    let replies = ask(ensemble, places, Asked::Data).await?;
    for ((_, spot), reply) in listed.iter_mut().zip(replies) {
        spot.limits = match reply {
            Some(ReadReply::Data(data, stat)) => Some(Limits { data, version: stat.version }),
            _ => None,
        };
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Asked {
    Data,
    Children,
}

/// Asks for the same of many znodes; `None` for one that is not there.
async fn ask(ensemble: &Lane, paths: Vec<ZnodePath>, asked: Asked) -> Result<Vec<Option<ReadReply>>> {
    // Nothing tells how large they are.
    let requests = stream::iter(paths.chunks(limits::UNSIZED_BATCH_MAX)).map(|paths| async move {
        let op = |path| match asked {
            Asked::Data => ReadOp::Data(path),
            Asked::Children => ReadOp::Children(path),
        };
        let replies = ensemble.read(&paths.iter().map(op).collect::<Vec<_>>()).await?;
        let known = paths.iter().zip(replies).map(|(path, reply)| match reply {
            ReadReply::Refused(Code::NO_NODE) => Ok(None),
            ReadReply::Refused(code) => Err(explained(ensemble.refused(code, "read", path), "read")),
            reply => Ok(Some(reply)),
        });
        known.collect::<Result<Vec<_>>>()
    });
    let replies: Vec<_> = requests.buffered(limits::READS_IN_FLIGHT_MAX).try_collect().await?;
    Ok(replies.into_iter().flatten().collect())
}

fn too_many(lane: &Lane) -> Error {
    let text = format!(
        "more than {} znodes: what was copied stands, its quotas do not; leave --quotas out, and set the few that matter \
         with ZooKeeper's own setquota",
        limits::QUOTA_ZNODES_MAX
    );
    Error::bad_input(text).at(lane.side()).on(place(lane.chroot().as_str()).to_string())
}

#[cfg(test)]
impl Quotas {
    /// As if they had been read: paths with their limits and whether there are stats.
    pub(super) fn of(spots: &[(&str, Option<Limits>, bool)]) -> Self {
        let spot = |(at, limits, counted): &(&str, Option<Limits>, bool)| {
            ((*at).to_owned(), Spot { limits: limits.clone(), counted: *counted })
        };
        Self(spots.iter().map(spot).collect())
    }
}
