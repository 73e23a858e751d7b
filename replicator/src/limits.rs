//! Every maximum of the line, named, with its reason.
//!
//! Figures come from measurements on ZooKeeper 3.8.0 (2 cores shared by client and servers); they are defaults that
//! no option needs to change, except where the CLI names one.

use std::time::Duration;

/// ZooKeeper's default `jute.maxbuffer`: a request of exactly this many bytes passes, one more and the server closes
/// the connection without a word (NIOServerCnxn.java:561-570).
pub const JUTE_MAXBUFFER_BYTES: usize = 1_048_575;

/// The smallest request limit that is taken: below it not even a small znode passes.
pub const JUTE_MAXBUFFER_BYTES_MIN: usize = 4_096;

/// Operations in one multiRead at most: beyond it the server gains nothing (461k znodes/s at 128, 497k at 512).
pub const READ_BATCH_OPS_MAX: usize = 512;

/// Bytes of one multiRead request at most: long paths must not reach the server's request limit.
pub const READ_REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Znodes in a batch whose siblings have shown no sizes yet. A multiRead's reply is built in the server's heap without
/// bound, and batches of large values have run 2 GB heaps out of memory.
pub const UNSIZED_BATCH_MAX: usize = 16;

/// Znodes of unknown size that are outstanding at once, over all batches.
pub const UNSIZED_OUTSTANDING_MAX: usize = 128;

/// Znodes that a parent which has shown no sizes yet is asked for at least, where many such parents wait: with 16 each, as
/// one alone gets, no more than eight of them could be begun in a round trip.
pub const UNSIZED_SHARE_MIN: usize = 4;

/// Bytes of expected reply outstanding at once, for znodes whose siblings have shown sizes.
pub const EXPECTED_REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Servers whose data and children are read at once: beyond it one client's processor is what a copy waits for.
pub const DATA_LANES_MAX: usize = 4;

/// multiReads in flight at once over all lanes: more keeps no server busier.
pub const READS_IN_FLIGHT_MAX: usize = 16;

/// When fewer znodes than this are known, children are asked for together with the data: a chain is bound by round
/// trips, and one a level is half of two.
pub const NARROW_FRONTIER: usize = 8;

/// Sessions that read ACLs, which can't be batched: one request each. 100,000 of them beside a copy took 3.2 s on two
/// sessions, 2.7 s on four, 2.2 s on eight, 1.8 s on sixteen (benches/runs, sweep of the floor). Fewer will do where a
/// server takes no more.
pub const ACL_LANES: usize = 16;

/// ACL requests in flight on one session: 512 on all of them, half of what a server takes before it stops reading
/// every client's socket (globalOutstandingLimit, 1000; ServerCnxn.java:142-152).
pub const ACL_LANE_WINDOW: usize = 32;

/// Chunks whose ACLs or target's znodes are being read at once.
pub const CHUNKS_IN_FLIGHT_MAX: usize = 8;

/// Bytes that the whole line may hold: znodes read and not yet written or compared.
pub const BUDGET_BYTES: usize = 8 * 1024 * 1024;

/// Visits that the whole line may hold, whatever they weigh: what a server writes in 200 ms.
pub const BUDGET_OPERATIONS: usize = 32_768;

/// ACLs that are remembered of one side, where somebody wants them to be: about 56 bytes each.
pub const REMEMBERED_ACLS_MAX: usize = 4_000_000;

/// Fingerprints of znodes that a copy keeps to find what changed while it read: 8 bytes each, and the slack of their
/// buckets. Above it a changed ACL is found by reading all of them again.
pub const FINGERPRINTS_MAX: usize = 16_000_000;

/// Passes over a source that keeps changing, the first one included; then the copy ends and says so.
pub const PASSES_MAX: usize = 10;

/// What a znode costs in memory beside its data: path, stat, bookkeeping.
pub const ZNODE_OVERHEAD_BYTES: usize = 256;

/// Operations in one multi at most: 500 x 4 in flight is where a server writes fastest (147k znodes/s).
pub const WRITE_BATCH_OPS_MAX: usize = 500;

/// Bytes in one multi at most, unless a single znode is larger: the server keeps the last 500 transactions in memory.
pub const WRITE_BATCH_BYTES_MAX: usize = 256 * 1024;

/// Requests in flight on the writing session, at least: enough for a server nearby.
pub const WRITES_IN_FLIGHT_MIN: usize = 8;

/// Requests in flight on the writing session, at most: 300 multis a second, the best seen of a server, over a round
/// trip of 200 ms.
pub const WRITES_IN_FLIGHT_MAX: usize = 64;

/// Bytes in flight on the writing session while the window is at its smallest; grows with it.
pub const WRITE_BYTES_IN_FLIGHT_MIN: usize = 4 * 1024 * 1024;

/// Bytes in flight on the writing session, at most: they are held twice, as data and as a request.
pub const WRITE_BYTES_IN_FLIGHT_MAX: usize = 8 * 1024 * 1024;

/// The highest sequence counter that is carried over: a million below where it runs over, into negative numbers or into
/// one number for ever (zookeeperProgrammers.md, Sequence Nodes).
pub const COUNTER_MAX: u32 = i32::MAX.unsigned_abs() - 1_000_000;

/// setACLs that wait for what was sent before them, or for their own acknowledgement.
pub const SEALS_WAITING_MAX: usize = 256;

/// Bytes of children's names that wait to be read before no more parents are listed: what the frontier of a bushy tree
/// may hold, beside one list that is larger by itself.
pub const FRONTIER_NAMES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Requests to the target in flight while it is read beside the source.
pub const PAIR_READS_IN_FLIGHT_MAX: usize = 8;

/// How long a batch that is not full waits for more while others are in flight.
pub const WRITE_LINGER: Duration = Duration::from_millis(2);

/// How long the paths of a bench may take to be removed: the largest tree that it makes, at 17,000 znodes a second, a
/// tenth of what a server does.
pub const REMOVE_WITHIN: Duration = Duration::from_secs(600);

/// Znodes of a bench's tree at most: a server holds them in its heap, and every one costs it 300 bytes and more.
pub const BENCH_ZNODES_MAX: u64 = 10_000_000;

/// Bytes of data of a bench's tree at most: they, too, lie in the heap of every server.
pub const BENCH_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// What a request needs beside the data and the paths of a tree's root and of its deepest znode.
pub const BENCH_REQUEST_ROOM_BYTES: usize = 1_024;

/// Children of `/` that are compared to tell whether two ensembles are the same one.
pub const SAME_ENSEMBLE_CHILDREN_MAX: usize = 1_000;

/// Threads that compare and digest at most: beyond it the network is what a verify waits for.
pub const POOL_THREADS_MAX: usize = 8;

/// Chunks of fewer bytes than this are compared on the spot: the hop to a thread and back costs more, some 40 us. It takes 15 %
/// more time at 256 KiB, 2 % at 512, and 18 % less at 1,024 (`cargo bench --bench pool`, on two processors; with more, less).
pub const INLINE_BYTES_MAX: usize = 512 * 1024;

/// Stats asked for at once while ensembles are told apart.
pub const STATS_IN_FLIGHT_MAX: usize = 64;

/// Differences kept for the report; the rest is counted.
pub const DIFFERENCES_LISTED: usize = 100;

/// Subtrees that get a digest of their own at most: a page for a person, a few MiB of memory. Where a level has more, it
/// gets none.
pub const SUBTREES_MAX: usize = 10_000;

/// Bytes of the paths of these subtrees at most: so that a certificate that names them all can be read again.
pub const SUBTREE_PATHS_BYTES_MAX: usize = 1024 * 1024;

/// Globs in a certificate at most: nobody types more, and each is compiled.
pub const CERTIFICATE_GLOBS_MAX: usize = 1_000;

/// Bytes of a certificate at most: one with [`SUBTREES_MAX`] subtrees takes less than 5 MiB.
pub const CERTIFICATE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of the document of a dry run that `--plan` reads at most: with [`BLOCKERS_LISTED`] blockers and [`CHANGES_LISTED`]
/// changes of the usual length it has less than 1 MiB, and a wrong file may have no end.
pub const PLAN_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Distinct ACLs that a copy remembers to have probed, before it forgets them all and probes again: some hundred KB, and
/// far more than most trees have.
pub const ACLS_PROBED_REMEMBERED_MAX: usize = 4_096;

/// Rules of an ACL map at most: each entry of each ACL is held against all of them.
pub const ACL_MAP_RULES_MAX: usize = 1_000;

/// Bytes of an ACL map's file at most: far above that many rules, far below what hurts.
pub const ACL_MAP_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of a file of credentials at most: nobody has a thousand identities, and a wrong file may have no end.
pub const AUTH_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Levels of a tree that a scan counts one by one; all below them are counted together. Nobody reads more, and a path of
/// 1 MB has half a million.
pub const SCAN_LEVELS_MAX: usize = 1_024;

/// How many of the widest, the largest and the highest a scan lists, unless `--top` says otherwise.
pub const SCAN_TOP: usize = 10;

/// The same at most: each is held with its path until the end.
pub const SCAN_TOP_MAX: usize = 1_000;

/// Distinct ACLs that a scan tells apart; the znodes of all others are counted together. A tree that has one for each of
/// its znodes must not be held in memory by them.
pub const SCAN_ACLS_MAX: usize = 1_000;

/// Bytes of these ACLs at most: one may be as large as a request.
pub const SCAN_ACLS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Znodes of each kind of problem that a scan lists; the rest is counted.
pub const SCAN_PROBLEMS_LISTED: usize = 100;

/// Bytes of a children list above which ZooKeeper's own clients end the connection, unless they are told otherwise (their
/// `jute.maxbuffer`; ClientCnxnSocket.java, readLength).
pub const CLIENT_REPLY_BYTES_MAX: usize = 1_048_575;

/// Intervals of a run that a report shows at most: two to a pixel of a plot as a page sets it. When there are as many, each is
/// made twice as long.
pub const SERIES_POINTS_MAX: usize = 512;

/// How often a run is looked at for a report or for `--metrics-file`, and how long an interval is at first: a copy of half a
/// second has a curve too, and a look takes a tenth of a millisecond.
pub const SAMPLED_EVERY: Duration = Duration::from_millis(100);

/// How often the file of `--metrics-file` is written: who scrapes it does so every few seconds.
pub const METRICS_WRITTEN_EVERY: Duration = Duration::from_secs(1);

/// How long the end of a command waits for its file of metrics: a file system that has hung must not hold it.
pub const METRICS_ENDED_WITHIN: Duration = Duration::from_secs(5);

/// How long the last words on stderr may take to go out: a terminal takes milliseconds, and one that nobody reads never.
pub const SAID_WITHIN: Duration = Duration::from_secs(2);

/// Words that wait to go out to stderr; what comes on top is dropped. A whole migration says less than this.
pub const WORDS_WAITING_MAX: usize = 1_000;

/// The largest and the widest znodes that a report lists: what a person reads.
pub const REPORT_TOP: usize = 10;

/// Sessions whose ephemerals are listed in the report; more are only counted.
pub const EPHEMERAL_OWNERS_LISTED: usize = 100;

/// Znodes with masked ACLs kept for the report; the rest is counted.
pub const MASKED_LISTED: usize = 100;

/// Paths of ephemerals kept for the report, and one more for each session that has none among them.
pub const EPHEMERALS_LISTED: usize = 100;

/// What would end a copy, kept for the report of a dry run; the rest is counted.
pub const BLOCKERS_LISTED: usize = 1_000;

/// Changes to what the target holds, kept for the report of a dry run; the rest is counted.
pub const CHANGES_LISTED: usize = 100;

/// Operations that a target is taken to write in a second, where a copy's time is estimated: what a copy of small znodes
/// came to on two cores that it shared with both servers (benches/runs).
pub const WRITES_A_SECOND_EXPECTED: u64 = 100_000;

/// Bytes of data that a target is taken to write in a second, likewise: a disk's transaction log.
pub const WRITTEN_BYTES_A_SECOND_EXPECTED: u64 = 100 * 1024 * 1024;

/// What may pass at once after a rest, in time: what a timer's tick and a busy machine make late is caught up with, and no
/// more.
pub const PACE_BURST: Duration = Duration::from_millis(50);

/// The shortest wait for a pace: hundreds of requests may wait, and wake up together. Below [`PACE_BURST`], so that the
/// rate is kept.
pub const PACE_TICK: Duration = Duration::from_millis(20);

/// How often somebody who waits looks again: whether a pause file is there, and whether a limit was lifted.
pub const PAUSE_LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

/// How long replies are gathered before it is decided whether they take too long: a few dozen requests, and soon enough
/// for somebody who uses the same server.
pub const BACKOFF_WINDOW: Duration = Duration::from_millis(200);

/// The same where replies take longer than that: a change needs the time of a reply to show, but not for ever.
pub const BACKOFF_WINDOW_MAX: Duration = Duration::from_secs(2);

/// Operations a second that `--max-latency` always leaves: a full request a second, so that a copy comes to its end
/// however slow a server is.
pub const BACKOFF_OPS_PER_SECOND_MIN: u64 = 500;

/// Znodes below `/zookeeper/quota` that are looked at, on each side: whoever has set more has a program for it, and each
/// quota that is set takes a round trip and makes every server count its subtree in one go.
pub const QUOTA_ZNODES_MAX: usize = 10_000;

/// Quotas kept for the report; the rest is counted.
pub const QUOTAS_LISTED: usize = 100;

/// How many session timeouts a server that shows signs of life may keep all requests of a session waiting: no server takes
/// five minutes for one answer, and the largest that is taken passes in that time at 450 KB a second.
pub const ANSWER_WITHIN_TIMEOUTS: u32 = 10;

/// The longest session timeout by which a server is judged, unless a longer one was asked for: it may grant any.
pub const SESSION_TIMEOUT_TRUSTED: Duration = Duration::from_secs(300);

/// How long a session is given to close in good order.
pub const CLOSE_WITHIN: Duration = Duration::from_millis(800);

/// Asked of a server for a session, unless `--session-timeout` says otherwise.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a side may take to give a session, unless `--connect-timeout` says otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server that was lost is tried again without any success, unless `--retry-for` says otherwise: longer than an
/// election takes, or the restart of a server with a large tree.
pub const RETRY_FOR: Duration = Duration::from_secs(30);

/// The longest `--retry-for`: who wants to wait for longer may as well run it again.
pub const RETRY_FOR_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The first wait before a lost server is tried again; each one is twice as long as the one before.
pub const RETRY_WAIT_MIN: Duration = Duration::from_millis(25);

/// The longest wait between two tries.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(2);

/// How often the connection may break under one request, sent alone and larger than any that passed, before it is taken for
/// too large: a server ends the connection over such a one without a word (NIOServerCnxn.java:561-570).
pub const CUTS_OF_ONE_REQUEST_MAX: u32 = 5;

/// Bytes of one reply at most, unless `--max-reply` says otherwise: a parent with a million children answers 40 MB or
/// more, a server that has gone mad any number. Memory is only taken for what arrives.
pub const REPLY_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Bytes that the read buffer of a session grows by: one multiRead's reply is 40 to 80 KB.
pub const READ_BLOCK_BYTES: usize = 64 * 1024;

/// Bytes that are allocated for a reply because it says that it is as long: a multiRead's is shorter, and is not copied
/// from one buffer to a larger one while it arrives.
pub const CLAIM_TRUSTED_BYTES: usize = 512 * 1024;

/// How long a server may take to tell its version (`srvr`) before it is found out another way.
pub const VERSION_WITHIN: Duration = Duration::from_secs(1);

/// Bytes of an answer to `srvr` that are read at most: the version stands in its first line.
pub const VERSION_ANSWER_BYTES_MAX: u64 = 4_096;

/// Events of watches that wait to be taken: a multi makes one of each of its operations, so a few of the largest. Beyond
/// it the stream ends, and who listened looks at everything.
pub const EVENTS_WAITING_MAX: usize = 8 * 1024;

/// Distinct ACLs that a session remembers, so that equal ones are shared.
pub const ACLS_REMEMBERED_MAX: usize = 16;

/// Znodes that a sync removes without being told that it may, unless a tenth of the target is more.
pub const DELETES_ALLOWED: u64 = 1_000;

/// Walks of a tree that is removed, where others create and delete in it meanwhile.
pub const REMOVE_PASSES_MAX: usize = 8;

/// Bytes of data and paths with which a block of an archive is full: long enough to be packed well (see
/// `docs/archive-format.md`), short enough that a damaged one costs little.
pub const ARCHIVE_BLOCK_BYTES: usize = 1024 * 1024;

/// Items of a block at most: znodes, and what is said of their children. With [`ZNODE_OVERHEAD_BYTES`] for each it bounds
/// what a block takes in memory.
pub const ARCHIVE_BLOCK_ITEMS_MAX: usize = 8_192;

/// Bytes of a block at most, unpacked: the last of its znodes may be as large as a reply ([`REPLY_BYTES_MAX`]).
pub const ARCHIVE_BLOCK_BYTES_MAX: usize = 160 * 1024 * 1024;

/// Bytes of a path in a block's label; longer ones are cut there. Labels are for people who have lost something.
pub const ARCHIVE_LABEL_PATH_BYTES: usize = 1_024;

/// Bytes of a label: two such paths, and what stands between them.
pub const ARCHIVE_LABEL_BYTES_MAX: usize = 2 * ARCHIVE_LABEL_PATH_BYTES + 1;

/// Bytes of an archive's head and of its end: globs and figures.
pub const ARCHIVE_DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Blocks that are packed or unpacked at once, and as many megabytes: one for each of a few processors.
pub const ARCHIVE_BLOCKS_IN_FLIGHT_MAX: usize = 4;

/// What is kept of each part of the memory in which a block was made, for the next one; of a block of large values it is given
/// back. More than twice what is usual.
pub const ARCHIVE_MAKING_BYTES_MAX: usize = 4 * ARCHIVE_BLOCK_BYTES;

/// How much zstd tries (1 to 22). A block of the Pegasus-like tree takes 6.9 % of its paths and data at 1 and at 3, and 5.4 %
/// at 5, for several times the processor time (`cargo bench --bench archive`).
pub const ARCHIVE_LEVEL: i32 = 1;

/// Visits of an archive that go through the line together: as many as one multiRead of a server gives.
pub const ARCHIVE_CHUNK_VISITS: usize = READ_BATCH_OPS_MAX;

/// Losses of a damaged archive that are listed, and znodes that were made up for lost ones; the rest is counted.
pub const ARCHIVE_LOSSES_LISTED: usize = 100;

/// A command that takes longer than this asks how much there is to do: what is done sooner needs no estimate, and should not
/// send another request.
pub const FORETOLD_AFTER: Duration = Duration::from_secs(1);
