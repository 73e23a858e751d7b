//! Which visits a later pass takes.

use super::*;
use crate::error::Code;
use crate::znode::{Kind, Names, Stat, Znode};

fn znode(path: &str, stat: Stat) -> Visit {
    Visit::Znode(Znode { path: ZnodePath::new(path), data: None, acl: None, kind: Kind::Persistent, stat })
}

fn old(num_children: i32) -> Stat {
    Stat { czxid: 5, mzxid: 6, pzxid: 7, num_children, ..Stat::default() }
}

/// What is left of `visits`, as paths.
fn sifted(changes: &Changes, mut visits: Vec<Visit>) -> Vec<String> {
    changes.sift(&mut visits);
    let path = |visit: &Visit| match visit {
        Visit::Znode(znode) => znode.path.to_string(),
        Visit::Children { parent, .. } => format!("children of {parent}"),
        Visit::OnTheWay(path, _) => format!("on the way {path}"),
        Visit::Leave(path) => format!("leave {path}"),
        Visit::Ephemeral { path, .. } => format!("ephemeral {path}"),
        Visit::Filtered(path, count) => format!("{count} left out of {path}"),
        Visit::Vanished(path) | Visit::Reserved(path) | Visit::Unreadable(path, _) => {
            format!("other {path}")
        }
    };
    visits.iter().map(path).collect()
}

fn walked_once(paths: &[(&str, Stat)]) -> Changes {
    let changes = Changes::default();
    let visits: Vec<Visit> = paths.iter().map(|(path, stat)| znode(path, *stat)).collect();
    assert_eq!(sifted(&changes, visits).len(), paths.len(), "the first walk takes everything");
    changes.since(Zxid(10));
    changes
}

#[test]
fn takes_what_was_created_written_or_got_and_lost_children_and_what_has_another_acl() {
    let all = ["/same", "/created", "/written", "/parent", "/acl"];
    let changes = walked_once(&all.map(|path| (path, old(0))));
    let now = vec![
        znode("/same", old(0)),
        znode("/created", Stat { czxid: 11, ..old(0) }),
        znode("/written", Stat { mzxid: 11, ..old(0) }),
        znode("/parent", Stat { pzxid: 11, ..old(0) }),
        znode("/acl", Stat { aversion: 1, ..old(0) }),
        znode("/unseen", old(0)),
    ];
    assert_eq!(sifted(&changes, now), ["/created", "/written", "/parent", "/acl", "/unseen"]);
}

#[test]
fn gives_the_children_and_the_leave_of_what_it_takes_and_of_nothing_else() {
    let changes = walked_once(&[("/a", old(2)), ("/b", old(2))]);
    let children = |path: &str| Visit::Children { parent: ZnodePath::new(path), names: Names::default(), listed: 2 };
    let now = vec![
        znode("/a", Stat { mzxid: 20, ..old(2) }),
        children("/a"),
        znode("/b", old(2)),
        children("/b"),
        Visit::Leave(ZnodePath::new("/b")),
        Visit::Leave(ZnodePath::new("/a")),
    ];
    assert_eq!(sifted(&changes, now), ["/a", "children of /a", "leave /a"]);
}

#[test]
fn finds_gone_what_it_has_seen_and_leaves_alone_what_it_has_not() {
    let changes = walked_once(&[("/a", old(2)), ("/a/seen", old(0)), ("/a/replaced", old(0))]);
    let (seen, other) = (ZnodePath::new("/a/seen"), ZnodePath::new("/a/somebody-else's"));
    assert!(changes.has_seen(&seen) && !changes.has_seen(&other));
    changes.forget(&seen);
    assert!(!changes.has_seen(&seen), "it is removed once");
    let ephemeral = |path| Visit::Ephemeral { path: ZnodePath::new(path), owner: 1 };
    assert_eq!(sifted(&changes, vec![ephemeral("/a/replaced"), ephemeral("/a/other")]), ["ephemeral /a/replaced"]);
    assert!(!changes.is_unsure());
}

#[test]
fn is_unsure_when_something_goes_while_it_is_read() {
    let changes = walked_once(&[("/a", old(0))]);
    sifted(&changes, vec![Visit::Vanished(ZnodePath::new("/a"))]);
    assert!(changes.is_unsure());
    changes.since(Zxid(20));
    assert!(!changes.is_unsure(), "a pass begins anew");
    let refused = vec![Visit::Unreadable(ZnodePath::new("/a"), Code::NO_AUTH)];
    assert_eq!(sifted(&changes, refused), ["other /a"], "what can't be read is never left out in silence");
}

/// In both directions: an ACL that is older than the data shows itself by its aversion, which must be met again; one that
/// is newer was copied, and is as good as its aversion says.
#[test]
fn takes_again_what_has_an_acl_older_than_its_data() {
    let stat = |aversion| Stat { aversion, ..old(0) };
    let changes = Changes::default();
    sifted(&changes, vec![znode("/older", stat(1)), znode("/newer", stat(1)), znode("/same", stat(1))]);
    assert!(!changes.is_unsure());
    changes.torn(&[(ZnodePath::new("/older"), Some(0)), (ZnodePath::new("/newer"), Some(2))]);
    assert!(changes.is_unsure(), "another pass looks");
    changes.since(Zxid(10));
    let all = || vec![znode("/older", stat(1)), znode("/newer", stat(2)), znode("/same", stat(1))];
    assert_eq!(sifted(&changes, all()), ["/older"]);
    // The server of the ACLs is behind once more, in a later pass that finds nothing to write.
    changes.torn(&[(ZnodePath::new("/older"), Some(0))]);
    assert!(changes.is_unsure());
    changes.since(Zxid(20));
    assert_eq!(sifted(&changes, all()), ["/older"]);
    assert!(!changes.is_unsure());
    changes.since(Zxid(30));
    assert_eq!(sifted(&changes, all()), [""; 0]);
}

/// It was seen, and is to be removed where it stands; it was not read, and so another pass has to look.
#[test]
fn is_unsure_when_something_goes_between_its_data_and_its_acl() {
    let changes = walked_once(&[("/a", old(0))]);
    sifted(&changes, vec![znode("/a", Stat { mzxid: 11, ..old(0) })]);
    changes.torn(&[(ZnodePath::new("/a"), None)]);
    assert!(changes.is_unsure() && changes.has_seen(&ZnodePath::new("/a")));
}

/// A pass before may have taken what it led to then.
#[test]
fn always_takes_what_a_filter_lets_lead_to_nothing() {
    let changes = walked_once(&[("/a", old(1))]);
    assert_eq!(sifted(&changes, vec![Visit::OnTheWay(ZnodePath::new("/a"), Names::default())]), ["on the way /a"]);
}
