//! zkmigrator
