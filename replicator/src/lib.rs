//! A high-throughput replicator of `ZooKeeper` trees.
//!
//! ```text
//!  source                                                                     target
//!  walk ──chunks──> pair with the target ──> plan ──> batch ──> write ──────> ensemble
//!  multiRead        multiRead                writes   multis    acks
//! ```
//!
//! [`copy::copy`] moves a tree, [`verify::verify`] compares two, [`bench::bench`] measures both on a tree that it makes
//! up, [`scan::scan`] says what is in one, [`rm::rm`] removes one. All take plain [`options`], count into a
//! [`progress::Progress`] and stop when told to. Reads run many at once in constant memory; writes go out on one
//! session, parents first, many in flight. The source is never written, but by a bench, below a path that it made.
//!
//! # Examples
//!
//! A copy, and the proof of it (`examples/copy.rs`, which a test runs on real servers):
//!
//! ```no_run
#![doc = include_str!("../examples/copy.rs")]
//! ```
//!
//! What does not need a server runs anywhere. A filter says which paths belong to a tree:
//!
//! ```
//! use replicator::filter::{Filter, Place};
//! use replicator::znode::ZnodePath;
//!
//! let filter = Filter::new(&["/apps/*".to_owned()], &["/**/tmp".to_owned()])?;
//! assert_eq!(filter.place(&ZnodePath::new("/apps/7/config")), Place::Taken);
//! assert_eq!(filter.place(&ZnodePath::new("/apps/7/tmp")), Place::LeftOut);
//! assert_eq!(filter.place(&ZnodePath::new("/apps")), Place::OnTheWay);
//! # Ok::<(), replicator::error::Error>(())
//! ```
//!
//! A digest says what a tree is, in whatever order it was read:
//!
//! ```
//! use replicator::digest::TreeDigest;
//! use replicator::znode::{Acl, Kind, Stat, Znode, ZnodePath};
//!
//! let znode = |path: &str, data: &'static str| Znode {
//!     path: ZnodePath::new(path),
//!     data: Some(data.into()),
//!     acl: Some(Acl::open()),
//!     kind: Kind::Persistent,
//!     stat: Stat::default(),
//! };
//! let [mut one, mut other] = [TreeDigest::default(); 2];
//! [znode("/a", "1"), znode("/a/b", "2")].iter().for_each(|znode| one.add(znode));
//! [znode("/a/b", "2"), znode("/a", "1")].iter().for_each(|znode| other.add(znode));
//! assert_eq!(one, other);
//! other.add(&znode("/a/c", ""));
//! assert_ne!(one, other);
//! ```
//!
//! A connect string is servers and a root:
//!
//! ```
//! use replicator::connect::ConnectString;
//!
//! let tree: ConnectString = "zk1:2181,[::1]:2182/pegasus/onebox".parse()?;
//! assert_eq!((tree.servers(), tree.chroot.as_str()), ("zk1:2181,[::1]:2182".to_owned(), "/pegasus/onebox"));
//! assert!("zk1:2181/pegasus//onebox".parse::<ConnectString>().is_err());
//! # Ok::<(), replicator::error::Error>(())
//! ```

pub mod acl_map;
pub mod acl_memory;
pub mod amounts;
pub mod archive;
pub mod batch;
pub mod bench;
pub mod budget;
pub mod certificate;
pub mod cli;
pub mod connect;
pub mod copy;
pub mod digest;
pub mod ephemerals;
pub mod error;
pub mod filter;
pub mod jute;
pub mod latency;
pub mod limits;
pub mod masked;
pub mod metrics;
pub mod options;
pub mod pace;
pub mod pair;
pub mod plan;
pub mod pool;
pub mod progress;
pub mod quota;
pub mod rehearsal;
pub mod remove;
pub mod report;
pub mod resources;
pub mod retry;
pub mod rm;
pub mod scan;
pub mod series;
pub mod session;
pub mod source;
pub mod status;
pub mod sync;
pub mod target;
pub mod terminal;
pub mod verify;
pub mod whole_file;
pub mod znode;
