//! Every maximum of this crate, named, with its reason.

use std::time::Duration;

/// Between two looks at what must stay as it is while trees are read: the level, the leader, its session. A level that was
/// lost costs no more time than this, and neither server feels a call a second.
pub const WATCHED_EVERY: Duration = Duration::from_secs(1);

/// Looks in a row to which a leader may give no answer: one may be lost on the way, a leader that is busy answers the next.
pub const UNANSWERED_MAX: u32 = 3;

/// How long nobody may see who stands in line for the lock: as long as a meta server's own session lasts unless configured,
/// so that one that is lost is not missed for longer.
pub const LINE_UNSEEN_MAX: Duration = Duration::from_secs(30);

/// How long the target is asked again whether it was written, before there is a way back: a connection that broke comes back
/// in that time, and a cluster without a leader waits no longer.
pub const TARGET_ASKED_FOR: Duration = Duration::from_secs(20);

/// How long is looked for everything to be as it was at the end of a way back: a meta server that has just been started may
/// not answer at once, and a person is called for what stays.
pub const AS_IT_WAS_WITHIN: Duration = Duration::from_secs(5);

/// The largest journal that is read: a migration of 100 meta servers writes less than 10 MB.
pub const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// The largest frame that is taken from a meta server. The partition configurations of a table with 100,000 partitions
/// are some 25 MB; a length above this is taken for damage.
pub const FRAME_BYTES_MAX: usize = 32 << 20;

/// The most elements that one list or map of a frame may say it has. An element of one byte on the wire may be a record
/// of 250 bytes in memory: this and [`FRAME_BYTES_MAX`] bound what a frame can make of itself.
pub const FRAME_ELEMENTS_MAX: usize = 1 << 18;

/// The largest head of an HTTP answer. The meta server's own are below 200 bytes.
pub const HTTP_HEAD_BYTES_MAX: usize = 16 << 10;

/// The largest body of an HTTP answer. A configuration value's is below 1 KiB.
pub const HTTP_BODY_BYTES_MAX: usize = 4 << 20;

/// The most meta servers that one cluster may be said to have. Each is asked at the same time when the primary is looked
/// for; real clusters have two or three.
pub const META_SERVERS_MAX: usize = 32;

/// The most findings that are listed of a tree; the rest is counted. A tree that lost all its partitions would otherwise
/// give a finding each.
pub const FINDINGS_MAX: usize = 100;

/// The most partitions that a table may say it has. Real ones have up to some thousand.
pub const PARTITIONS_MAX: i32 = 1 << 20;
