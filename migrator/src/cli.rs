//! The command line: it says what `zkmigrator` will do and that it does not do it yet.

use std::process::ExitCode;

use clap::Parser;

const NOT_YET: &str = "\
This version migrates nothing yet. What can be done today, by hand, after Pegasus's own document
(https://pegasus.apache.org/administration/zk-migration):

  1. stop all follower meta servers
  2. set_meta_level blind
  3. zkreplicator copy --verify OLD_ZOOKEEPER/ROOT NEW_ZOOKEEPER/ROOT
     (ROOT is zookeeper_root of cluster_info)
  4. stop the leader; repeat 3 with --update; it must report equal
  5. change hosts_list in section [zookeeper] of every meta server's configuration
     (the document says [meta_server]; the server reads [zookeeper])
  6. start the leader, check the cluster, start the followers";

#[derive(Parser)]
#[command(
    name = "zkmigrator",
    version,
    about = "Moves an Apache Pegasus cluster to another ZooKeeper ensemble (not yet: see below)",
    after_help = NOT_YET
)]
struct Cli {}

/// Runs the program: `--help` and `--version` answer, anything else is an error.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(Cli {}) => {
            let help = <Cli as clap::CommandFactory>::command().render_help();
            // Nobody is left to tell when stderr is gone.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), help.to_string().as_bytes());
            ExitCode::from(2)
        }
        Err(error) => error.exit(),
    }
}
