//! Plans that are of this command, and those that are not.

use serde_json::{Value, json};

use super::*;
use crate::options::Transport;
use crate::report::Acls;

fn task() -> Task {
    Task {
        command: "copy",
        source: "zk1:2181/a".to_owned(),
        target: "new1/a".to_owned(),
        transport: Transport::Wire,
        acls: Acls::Preserved,
        include: vec!["/apps".to_owned()],
        exclude: Vec::new(),
    }
}

fn document() -> Value {
    json!({
        "version": 1, "command": "copy", "source": "zk1:2181/a", "target": "new1:2181/a/", "include": ["/apps"], "exclude": [],
        "verdict": "planned", "plan": { "znodes": { "read": 1234, "create": 7 }, "bytes": {} }, "something": "new",
    })
}

#[test]
fn a_plan_of_the_same_gives_its_count() {
    assert_eq!(of_document(document().to_string().as_bytes(), &task()), Ok(1234));
    let blocked = {
        let mut document = document();
        document["verdict"] = "blocked".into();
        document
    };
    assert_eq!(of_document(blocked.to_string().as_bytes(), &task()), Ok(1234));
}

#[test]
fn what_is_not_of_this_command_says_nothing_of_it() {
    for (field, value, why) in [
        ("version", json!(2), "it has version 2"),
        ("command", json!("sync"), "the plan of a sync, and this is a copy"),
        ("source", json!("zk1:2181/b"), "its source is \"zk1:2181/b\", and here it is \"zk1:2181/a\""),
        ("source", json!("zk2:2181/a"), "its source is"),
        ("target", json!("archive:a.zka"), "its target is"),
        ("include", json!([]), "another --include"),
        ("exclude", json!(["/tmp"]), "another --include or --exclude"),
        ("plan", Value::Null, "it is no plan: its verdict is \"planned\""),
        ("plan", json!({ "znodes": {} }), "no document of a dry run: missing field `read`"),
    ] {
        let mut other = document();
        other[field] = value;
        let refused = of_document(other.to_string().as_bytes(), &task()).expect_err(why);
        assert!(refused.contains(why), "{field}: {refused}");
    }
    for bytes in [&b""[..], b"plan of a copy from a to b: nothing was written", b"[1]", b"\xff"] {
        assert!(of_document(bytes, &task()).expect_err("no JSON").starts_with("it is no document of a dry run: "));
    }
}

#[test]
fn a_file_without_an_end_is_not_read_to_it() {
    let refused = znodes(Path::new("/dev/zero"), &task()).expect_err("it never ends").to_string();
    assert!(refused.contains("/dev/zero: it has more than") && refused.contains("nothing was changed"), "{refused}");
}
