//! What is remembered is of one znode, one life of it and one version of its ACL.

use super::*;

fn path(text: &str) -> ZnodePath {
    text.split('/').skip(1).fold(ZnodePath::root(), |path, name| path.child(name))
}

#[test]
fn another_version_life_or_znode_is_not_recalled() {
    let memory = AclMemory::default();
    let stat = Stat { czxid: 7, aversion: 1, ..Stat::default() };
    memory.remember(&path("/a"), &stat, &Acl::open());
    assert_eq!(memory.recall(&path("/a"), &stat), Some(Acl::open()));
    // What does not come from a setACL or a create is of no account.
    let written = Stat { mzxid: 9, version: 3, cversion: 4, pzxid: 9, ..stat };
    assert_eq!(memory.clone().recall(&path("/a"), &written), Some(Acl::open()));
    assert_eq!(memory.recall(&path("/a"), &Stat { aversion: 2, ..stat }), None);
    assert_eq!(memory.recall(&path("/a"), &Stat { czxid: 8, ..stat }), None);
    assert_eq!(memory.recall(&path("/b"), &stat), None);
}
