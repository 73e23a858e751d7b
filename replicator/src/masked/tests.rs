//! What becomes of a masked ACL, and of what lies below it.

use super::*;
use crate::znode::{AclEntry, Kind, Stat};

fn znode(path: &str, id: &str, num_children: i32) -> Znode {
    let acl = Acl::new([AclEntry { perms: Acl::ALL, scheme: "digest".into(), id: id.into() }]);
    let stat = Stat { num_children, ..Stat::default() };
    Znode { path: ZnodePath::new(path), data: None, acl: Some(acl), kind: Kind::Persistent, stat }
}

#[test]
fn stops_at_a_hidden_id_and_says_what_to_do() {
    let mut masked = Masked::new(MaskedAcls::Fail);
    assert_eq!(masked.admit(&mut znode("/a", "user:hash=", 0)), Ok(true));
    let error = masked.admit(&mut znode("/b", "user:x", 0)).expect_err("a hidden id").to_string();
    assert!(error.contains("digest:user:x:rwcda (/b)") && error.contains("--masked-acl"), "{error}");
}

#[test]
fn leaves_out_the_znode_with_all_below_it_and_nothing_else() {
    let mut masked = Masked::new(MaskedAcls::Skip);
    let mut admits = |path, id, children| masked.admit(&mut znode(path, id, children));
    assert_eq!(admits("/", "user:hash=", 2), Ok(true));
    assert_eq!(admits("/a", "user:x", 1), Ok(false));
    assert_eq!(admits("/a/b", "user:hash=", 1), Ok(false));
    assert_eq!(admits("/a/b/c", "user:hash=", 0), Ok(false));
    assert_eq!(admits("/ab", "user:hash=", 0), Ok(true));
    assert!(masked.leaves_out(&ZnodePath::new("/a/x")) && !masked.leaves_out(&ZnodePath::new("/ab")));
    for path in ["/a/b", "/a", "/"] {
        masked.leave(&ZnodePath::new(path));
    }
    assert!(masked.left_out.open.is_empty());
    let report = masked.into_report();
    assert_eq!((report.znodes, report.below), (1, 2));
    assert_eq!(report.list[0].0.as_str(), "/a");
}

#[test]
fn does_not_leave_out_the_root() {
    assert!(Masked::new(MaskedAcls::Skip).admit(&mut znode("/", "user:x", 1)).is_err());
}

#[test]
fn takes_the_acl_away_and_admits_the_znode() {
    let mut masked = Masked::new(MaskedAcls::Open);
    let mut hidden = znode("/a", "user:x", 1);
    assert_eq!(masked.admit(&mut hidden), Ok(true));
    assert_eq!(hidden.acl, None);
    assert_eq!(masked.admit(&mut znode("/a/b", "user:hash=", 0)), Ok(true));
    assert_eq!(masked.into_report().znodes, 1);
}
