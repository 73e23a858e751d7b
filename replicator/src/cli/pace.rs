//! What is typed about care for the servers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::amounts;
use crate::options::EnsembleOptions;
use crate::pace::{Pace, PaceOptions};

/// How fast each side may be asked.
#[derive(Args)]
pub(super) struct PaceArgs {
    /// Operations a second at most, on each side by itself: every getData, getChildren, getACL, create, set and delete is
    /// one
    #[arg(long, value_name = "N", value_parser = amounts::count, help_heading = "Care for the servers")]
    max_ops_per_second: Option<u64>,
    /// Bytes of data a second at most, on each side by itself; with K, M or G behind the number
    #[arg(long, value_name = "BYTES", value_parser = amounts::bytes, help_heading = "Care for the servers")]
    max_bytes_per_second: Option<u64>,
    /// Ask a side less while one of ten of its replies takes longer than this, and more again when they do not: 200ms
    #[arg(long, value_name = "DURATION", value_parser = amounts::duration, help_heading = "Care for the servers")]
    max_latency: Option<Duration>,
    /// Ask nothing new while FILE exists; sessions stay open, and it goes on when FILE is removed
    #[arg(long, value_name = "FILE", help_heading = "Care for the servers")]
    pause_file: Option<PathBuf>,
}

impl PaceArgs {
    /// A side with a pace of its own.
    pub(super) fn of(&self, ensemble: EnsembleOptions) -> EnsembleOptions {
        let options = PaceOptions {
            ops_per_second: self.max_ops_per_second,
            bytes_per_second: self.max_bytes_per_second,
            latency_max: self.max_latency,
            pause_file: self.pause_file.clone(),
        };
        EnsembleOptions { pace: Pace::of(&options), ..ensemble }
    }
}
