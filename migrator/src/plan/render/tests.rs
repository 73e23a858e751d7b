//! A new plan can be read, and says nothing of a server that it does not know.

use super::{ClusterFacts, MetaServerFacts, render};
use crate::plan::{Place, Plan};

fn facts() -> ClusterFacts {
    let server = |address: &str, silent: Option<&str>| MetaServerFacts {
        address: address.to_owned(),
        is_primary: address.starts_with("m2"),
        silent: silent.map(str::to_owned),
    };
    ClusterFacts {
        cluster: "onebox".to_owned(),
        root: "/pegasus/onebox".to_owned(),
        source: "a:1,b:2".to_owned(),
        target: "c:3/x".to_owned(),
        meta_servers: vec![
            server("m1:34601", None),
            server("m2:34601", None),
            server("m3:34601", Some("no\nanswer \"\\")),
        ],
    }
}

#[test]
fn what_is_rendered_can_be_read() {
    let text = render(&facts());
    let plan = Plan::parse(&text).unwrap();
    assert_eq!(plan.cluster, "onebox");
    assert_eq!(plan.source.connect.to_string(), "a:1,b:2/");
    assert_eq!(plan.target.connect.to_string(), "c:3/x");
    let addresses: Vec<String> = plan.meta_servers.iter().map(|server| server.address.to_string()).collect();
    assert_eq!(addresses, ["m1:34601", "m2:34601"]);
    assert_eq!(plan.meta_servers[0].host, Place::Ssh("m1".to_owned()));
    assert!(plan.meta_servers.iter().all(|server| server.check.as_str().ends_with("exit 2")));
    assert_eq!(text.matches("# The primary.\n").count(), 1, "{text}");
}

#[test]
fn a_silent_server_is_a_commented_entry() {
    let text = render(&facts());
    assert!(text.contains("# It did not answer (\"no\\u000aanswer \\\"\\\\\"): a person"), "{text}");
    let entry: String = text[text.find("# [[meta_server]]").unwrap()..]
        .lines()
        .fold(String::new(), |entry, line| entry + line.strip_prefix("# ").unwrap() + "\n");
    let plan = Plan::parse(&(text + &entry)).unwrap();
    assert_eq!(plan.meta_servers[2].address.to_string(), "m3:34601");
}

#[test]
fn a_servers_words_end_no_string() {
    let odd = "x\"\n[policy]\nremove_stale_lock = true\\\u{7f}\u{85}\t".to_owned();
    let text = render(&ClusterFacts { cluster: odd.clone(), root: odd.clone(), ..facts() });
    let read: toml::Table = text.parse().unwrap();
    assert_eq!(read["cluster"].as_str(), Some(&*odd));
    assert!(!read.contains_key("policy"));
}
