//! Which ACLs are probed, and in what requests.

use super::*;
use crate::budget::{Budget, Weight};
use crate::znode::{AclEntry, Stat};

fn acl(id: &str) -> Acl {
    Acl::new([AclEntry { perms: Acl::ALL, scheme: "digest".into(), id: id.into() }])
}

fn znode(path: &str, acl: Acl) -> Znode {
    Znode { path: ZnodePath::new(path), data: None, acl: Some(acl), kind: Kind::Persistent, stat: Stat::default() }
}

fn probes() -> Probes {
    Probes::new(Chroot::none(), limits::JUTE_MAXBUFFER_BYTES)
}

/// The znodes of each probe.
fn taken(probes: &mut Probes) -> Vec<Vec<String>> {
    let permit = Arc::new(Budget::of_line().try_take(Weight::default()).expect("an empty budget gives one permit"));
    let batches = probes.take(&permit);
    assert!(batches.iter().all(|batch| batch.ops.len() == batch.probed.len()));
    batches.into_iter().map(|batch| batch.probed.iter().map(ZnodePath::to_string).collect()).collect()
}

#[test]
fn probes_each_distinct_acl_once_before_it_is_written() {
    let mut probes = probes();
    probes.note(&znode("/a", acl("one")), &Beside::Nothing);
    probes.note(&znode("/b", acl("two")), &Beside::Nothing);
    probes.note(&znode("/c", acl("one")), &Beside::Nothing);
    probes.note(&znode("/d", acl("three")), &Beside::Znode(znode("/d", acl("one"))));
    assert_eq!(taken(&mut probes), [["/a", "/b", "/d"]]);
    probes.note(&znode("/e", acl("three")), &Beside::Nothing);
    assert!(taken(&mut probes).is_empty());
}

#[test]
fn probes_nothing_that_every_server_takes_or_that_is_there_already_or_was_not_read() {
    let mut probes = probes();
    probes.note(&znode("/a", Acl::open()), &Beside::Nothing);
    probes.note(&znode("/b", acl("one")), &Beside::Znode(znode("/b", acl("one"))));
    probes.note(&Znode { acl: None, ..znode("/c", acl("two")) }, &Beside::Nothing);
    assert!(taken(&mut probes).is_empty());
}

#[test]
fn forgets_and_probes_again_rather_than_remember_without_bound() {
    let mut probes = probes();
    for index in 0..=limits::ACLS_PROBED_REMEMBERED_MAX {
        probes.note(&znode("/a", acl(&index.to_string())), &Beside::Nothing);
    }
    assert_eq!(probes.known.len(), 1);
    let probed = taken(&mut probes);
    assert_eq!(probed.iter().map(Vec::len).sum::<usize>(), limits::ACLS_PROBED_REMEMBERED_MAX + 1);
    assert!(probed.iter().all(|znodes| znodes.len() <= limits::WRITE_BATCH_OPS_MAX));
    probes.note(&znode("/b", acl("0")), &Beside::Nothing);
    assert_eq!(taken(&mut probes), [["/b"]]);
}

#[test]
fn leaves_an_acl_that_fits_no_request_to_the_write() {
    let mut probes = Probes::new(Chroot::none(), limits::JUTE_MAXBUFFER_BYTES_MIN);
    let entries =
        (0..200).map(|id| AclEntry { perms: 1, scheme: "digest".into(), id: format!("user{id}:hash").into() });
    probes.note(&znode("/large", Acl::new(entries)), &Beside::Nothing);
    probes.note(&znode("/small", acl("one")), &Beside::Nothing);
    assert_eq!(taken(&mut probes), [["/small"]]);
}
