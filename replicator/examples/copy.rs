#![doc = "Copies a tree into an empty place, compares both, and says what came of it: `copy zk1:2181/a new1:2181/a`"]

use std::error::Error;
use std::io::Write;

use replicator::connect::ConnectString;
use replicator::copy::copy;
use replicator::options::{CopyOptions, EnsembleOptions, VerifyOptions};
use replicator::progress::Progress;
use replicator::verify::verify;
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let trees: Vec<String> = std::env::args().skip(1).collect();
    let [source, target] = &trees[..] else { return Err("give a source and a target".into()) };
    let source = EnsembleOptions::to(source.parse::<ConnectString>()?);
    let target = EnsembleOptions::to(target.parse::<ConnectString>()?);

    // Whoever looks on reads `progress`, and whoever wants it ended cancels `stop`.
    let (progress, stop) = (Progress::default(), CancellationToken::new());
    let options = CopyOptions::between(source, target);
    let copied = copy(&options, &progress, &stop).await?;

    // Read back from both sides, by new sessions.
    let compared = verify(&VerifyOptions::of_copy(&options, &copied), &Progress::default(), &stop).await?;
    let Some(difference) = compared.differences.list.first() else {
        let tree = compared.target.sum;
        writeln!(std::io::stdout(), "{} znodes, equal, digest {}", tree.znodes, tree.digest)?;
        return Ok(());
    };
    Err(format!("{} differences, the first: {difference:?}", compared.differences.total()).into())
}
