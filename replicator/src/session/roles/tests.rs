//! Servers of two ensembles are told from those of one.

use super::*;

const ALONE: &str = "Mode: standalone";
const LEADER: &str = "Mode: leader";
const FOLLOWER: &str = "Mode: follower";
const SILENT: &str = "srvr is not executed because it is not in the whitelist.";

/// Whether there is a doubt about servers at these ports that said this.
fn doubtful(servers: &[(u16, &str)]) -> bool {
    let said = servers.iter().map(|(port, mode)| (Some(SocketAddr::from(([10, 0, 0, 1], *port))), srvr::parse(mode)));
    may_be_two_ensembles(&said.collect::<Vec<_>>())
}

#[test]
fn one_that_stands_alone_has_nobody_beside_it() {
    for other in [ALONE, LEADER, FOLLOWER] {
        assert!(doubtful(&[(1, ALONE), (2, other)]) && doubtful(&[(1, other), (2, ALONE)]), "{other}");
    }
    assert!(!doubtful(&[(1, ALONE), (1, ALONE)]), "one server by two names");
    assert!(!doubtful(&[(1, ALONE), (2, SILENT)]), "nobody knows what the other is");
}

#[test]
fn an_ensemble_has_one_leader() {
    assert!(doubtful(&[(1, FOLLOWER), (2, LEADER), (3, LEADER)]));
    assert!(!doubtful(&[(1, LEADER), (1, LEADER), (2, FOLLOWER)]), "one server by two names");
    assert!(!doubtful(&[(1, FOLLOWER), (2, LEADER), (3, FOLLOWER), (4, SILENT)]));
}
