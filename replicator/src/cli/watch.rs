//! What is wanted to be seen of a run besides its report: a page, and metrics for a monitoring system.

use std::path::PathBuf;

use clap::Args;

/// Of commands that have metrics alone.
#[derive(Args, Default)]
pub(super) struct MetricsArgs {
    /// Keep FILE up to date for Prometheus while it works, and with the outcome at the end: for node_exporter's textfile
    /// collector, for example --metrics-file /var/lib/prometheus/node-exporter/zkreplicator.prom
    #[arg(long, value_name = "FILE")]
    pub(super) metrics_file: Option<PathBuf>,
}

/// Of commands that have a page too.
#[derive(Args, Default)]
pub(super) struct WatchArgs {
    /// Write a page to look at to FILE: outcome, rates and latency over time, differences, proof; for example --report
    /// move.html. It needs no network, and is written also when the run fails
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
}

impl From<MetricsArgs> for WatchArgs {
    fn from(metrics: MetricsArgs) -> Self {
        Self { report: None, metrics }
    }
}
