//! The decision against a model of a server: with nobody else about it is right, and with others it takes nothing for done
//! that does not show.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::znode::{AclEntry, Kind, ZnodePath};

const PATHS: [&str; 5] = ["/a", "/b", "/c", "/d", "/e"];
const RAISED_BY: &str = "/raised";

#[derive(Clone, Debug)]
struct Znode {
    data: Option<Bytes>,
    stat: Stat,
    acl: Acl,
}

/// A server that executes what it is told, without conditions.
#[derive(Clone, Debug, Default)]
struct Server {
    zxid: i64,
    znodes: BTreeMap<&'static str, Znode>,
}

fn name(path: &ZnodePath) -> &'static str {
    let parent = path.parent().filter(|parent| !parent.is_root());
    let path = parent.as_ref().unwrap_or(path).as_str();
    PATHS.into_iter().find(|name| *name == path).expect("one of five")
}

impl Server {
    fn execute(&mut self, writes: &[WriteOp]) {
        self.zxid += 1;
        for write in writes {
            let at = name(write.path());
            match write {
                WriteOp::Create { data, acl, .. } => {
                    let stat = Stat { czxid: self.zxid, ..Stat::default() };
                    self.znodes.insert(at, Znode { data: data.clone(), stat, acl: acl.clone() });
                }
                WriteOp::Delete { .. } => {
                    self.znodes.remove(at);
                }
                write => {
                    let Some(znode) = self.znodes.get_mut(at) else { continue };
                    match write {
                        WriteOp::SetData { data, .. } => {
                            znode.data.clone_from(data);
                            znode.stat.version += 1;
                        }
                        WriteOp::SetAcl { acl, .. } => {
                            znode.acl.clone_from(acl);
                            znode.stat.aversion += 1;
                        }
                        // A child that came and went: cversion twice up, and no child more.
                        WriteOp::RaiseCounter { .. } => znode.stat.cversion += 2,
                        _ => {}
                    }
                }
            }
        }
    }

    fn places(&self, writes: &[WriteOp]) -> Vec<Place> {
        let place = |write: &WriteOp| match self.znodes.get(name(write.path())) {
            None => Place::Empty,
            Some(Znode { data, stat, acl }) => Place::Znode { data: data.clone(), stat: *stat, acl: Some(acl.clone()) },
        };
        writes.iter().map(place).collect()
    }

    /// What would be planned for this place.
    fn plan(&self, at: &'static str, choice: u8, data: u8) -> WriteOp {
        let (path, data) = (ZnodePath::new(at), Some(Bytes::from(vec![data])));
        match (self.znodes.get(at), choice) {
            (None, _) => WriteOp::Create { path, data, acl: Acl::open(), kind: Kind::Persistent },
            (Some(there), 0) => WriteOp::SetData { path, data, version: there.stat.version },
            (Some(there), 1) => WriteOp::Delete { path, version: there.stat.version },
            (Some(there), _) => WriteOp::RaiseCounter {
                path: ZnodePath::new(&format!("{at}{RAISED_BY}")),
                to: there.stat.counter() + 1,
            },
        }
    }
}

/// A server with some znodes, and a multi that was planned for what it holds.
fn planned() -> impl Strategy<Value = (Server, Vec<WriteOp>)> {
    let there = proptest::sample::subsequence(PATHS.to_vec(), 0..=PATHS.len());
    let written = proptest::sample::subsequence(PATHS.to_vec(), 1..=PATHS.len());
    (there, written, proptest::collection::vec((0..3_u8, 1..3_u8), PATHS.len())).prop_map(
        |(there, written, choices)| {
            let mut server = Server::default();
            for at in there {
                let create = server.plan(at, 0, 0);
                server.execute(&[create]);
            }
            let writes =
                written.into_iter().zip(choices).map(|(at, (choice, data))| server.plan(at, choice, data)).collect();
            (server, writes)
        },
    )
}

proptest! {
    #[test]
    fn with_nobody_else_about_it_is_right((mut server, writes) in planned()) {
        prop_assert!(!stands(&writes, &server.places(&writes)), "it was not executed");
        server.execute(&writes);
        prop_assert!(stands(&writes, &server.places(&writes)), "it was executed");
    }

    #[test]
    fn what_is_taken_for_done_shows_whoever_else_writes(
        (mut server, writes) in planned(),
        executed in any::<bool>(),
        strangers in proptest::collection::vec((0..PATHS.len(), 0..3_u8, 0..4_u8), 0..6),
    ) {
        if executed {
            server.execute(&writes);
        }
        for (at, choice, data) in strangers {
            let write = server.plan(PATHS[at], choice, data);
            server.execute(&[write]);
        }
        if stands(&writes, &server.places(&writes)) {
            let told = writes.iter().any(|write| !is_raise(write));
            for write in writes.iter().filter(|write| !(told && is_raise(write))) {
                let there = server.znodes.get(name(write.path()));
                match write {
                    WriteOp::Delete { .. } => prop_assert!(there.is_none()),
                    WriteOp::Create { data, .. } | WriteOp::SetData { data, .. } => {
                        prop_assert_eq!(there.map(|there| &there.data), Some(data));
                    }
                    WriteOp::RaiseCounter { to, .. } => prop_assert!(there.is_some_and(|there| there.stat.counter() >= *to)),
                    _ => {}
                }
            }
        }
    }
}

fn set_acl(aversion: i32) -> WriteOp {
    let acl = Acl::new([AclEntry { perms: 1, scheme: "digest".into(), id: "user:hash".into() }]);
    WriteOp::SetAcl { path: ZnodePath::new("/a"), acl, aversion, seals: true }
}

fn znode(aversion: i32, acl: Option<Acl>) -> Place {
    Place::Znode { data: None, stat: Stat { aversion, ..Stat::default() }, acl }
}

#[test]
fn an_acl_was_set_if_its_version_says_so_or_it_shuts_us_out() {
    let write = set_acl(3);
    let WriteOp::SetAcl { acl, .. } = &write else { panic!("it is one") };
    let masked = Acl::new([AclEntry { perms: 1, scheme: "digest".into(), id: "user:x".into() }]);
    for (place, done) in [
        (znode(3, Some(acl.clone())), false),
        (znode(4, Some(acl.clone())), true),
        (znode(4, Some(masked)), true),
        (znode(4, Some(Acl::open())), false),
        (znode(5, Some(acl.clone())), false),
        (Place::Hidden, true),
        (Place::Empty, false),
    ] {
        assert_eq!(stands(std::slice::from_ref(&write), std::slice::from_ref(&place)), done, "{place:?}");
    }
    assert!(stands(&[set_acl(-1)], &[znode(9, Some(acl.clone()))]), "any version will do");
}

#[test]
fn znodes_that_were_not_created_together_were_not_created_by_us() {
    let create =
        |path| WriteOp::Create { path: ZnodePath::new(path), data: None, acl: Acl::open(), kind: Kind::Persistent };
    let at = |czxid| Place::Znode { data: None, stat: Stat { czxid, ..Stat::default() }, acl: None };
    let writes = [create("/a"), create("/b")];
    assert!(stands(&writes, &[at(7), at(7)]));
    assert!(!stands(&writes, &[at(7), at(8)]));
    assert!(!stands(&writes, &[at(7), Place::Empty]));
    assert!(stands(&writes, &[at(7), Place::Hidden]), "where nothing was before, something is");
}

#[test]
fn what_can_not_be_told_is_not_taken_for_done() {
    let check = WriteOp::Check { path: ZnodePath::new("/a"), version: 0 };
    assert!(!stands(&[check], &[znode(0, None)]));
    let set = WriteOp::SetData { path: ZnodePath::new("/a"), data: None, version: 0 };
    assert!(!stands(&[set], &[Place::Hidden]));
    assert!(!stands(&[], &[]));
}

#[test]
fn an_ephemeral_in_its_place_was_not_created_by_us() {
    let create = WriteOp::Create { path: ZnodePath::new("/a"), data: None, acl: Acl::open(), kind: Kind::Persistent };
    let owned_by = |ephemeral_owner| Place::Znode {
        data: None,
        stat: Stat { ephemeral_owner, ..Stat::default() },
        acl: Some(Acl::open()),
    };
    assert!(stands(std::slice::from_ref(&create), &[owned_by(0)]));
    assert!(!stands(&[create], &[owned_by(0x1234)]));
}
