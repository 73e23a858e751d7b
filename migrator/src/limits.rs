//! Every maximum of this crate, named, with its reason.

/// The largest journal that is read: a migration of 100 meta servers writes less than 10 MB.
pub const JOURNAL_BYTES_MAX: u64 = 64 << 20;
