//! What a survey has to show before anything is removed.

use super::*;
use crate::connect::ConnectString;
use crate::options::EnsembleOptions;
use crate::znode::ZnodePath;

fn survey(read: u64, ephemeral: u64, unreadable: u64) -> Survey {
    let counts = Counts { read, ephemeral, ..Counts::default() };
    let mut survey = Survey { root: "/a".to_owned(), counts, ..Survey::default() };
    for index in 0..unreadable {
        survey.unreadable.add(&ZnodePath::new(&format!("/shut-{index}")), Code::NO_AUTH);
    }
    survey
}

fn said(survey: &Survey, ephemerals: OwnedZnodes) -> String {
    survey.refusal(ephemerals).map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn ephemerals_are_a_reason_unless_they_may_go() {
    let owned = survey(10, 2, 0);
    assert!(said(&owned, OwnedZnodes::Refused).contains("2 ephemeral znode(s) of /a"));
    assert_eq!(said(&owned, OwnedZnodes::Removed), "");
    assert_eq!(said(&survey(10, 0, 0), OwnedZnodes::Refused), "");
}

#[test]
fn what_can_not_be_read_is_always_a_reason() {
    let shut = survey(10, 0, 2);
    for ephemerals in [OwnedZnodes::Refused, OwnedZnodes::Removed] {
        assert!(said(&shut, ephemerals).contains("the first is /shut-0"));
    }
    assert!(!survey(0, 0, 1).is_empty() && survey(0, 0, 0).is_empty());
}

#[test]
fn the_root_of_an_ensemble_and_what_is_zookeepers_own_are_never_meant() {
    let check = |connect: &str| {
        let connect = connect.parse::<ConnectString>()?;
        let (ephemerals, jute_maxbuffer) = (OwnedZnodes::Removed, 4_096);
        check_root(&RmOptions { target: EnsembleOptions::to(connect), ephemerals, jute_maxbuffer })
    };
    for never in ["zk:1", "zk:1/", "zk:1/zookeeper", "zk:1/zookeeper/quota"] {
        assert!(check(never).is_err(), "{never}");
    }
    for path in ["zk:1/a", "zk:1/a/zookeeper", "zk:1/zookeeper2"] {
        assert_eq!(check(path), Ok(()), "{path}");
    }
}
