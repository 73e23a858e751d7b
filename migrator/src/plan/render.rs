//! A new plan from what a cluster says of itself, for `zkmigrator init`.
//!
//! What the cluster can't say (files, hosts, commands) is written so that the plan can be read and is refused by the first
//! look at the cluster until a person has filled it in: a check command that can't tell is never taken for an answer.

use std::fmt::Write;

/// What is known of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its name.
    pub cluster: String,
    /// The root of its tree (`zookeeper_root`).
    pub root: String,
    /// The ZooKeeper that it uses (`zookeeper_hosts`).
    pub source: String,
    /// The ZooKeeper that it will use.
    pub target: String,
    /// Its meta servers, those that do not answer too.
    pub meta_servers: Vec<MetaServerFacts>,
}

/// What is known of a meta server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaServerFacts {
    /// `host:port`.
    pub address: String,
    /// Whether it leads.
    pub is_primary: bool,
    /// Why it could not be asked, where it could not.
    pub silent: Option<String>,
}

const HEAD: &str = "\
# A plan for zkmigrator. docs/plan.md has every key with its default, docs/hosts.md commands to copy.
# `zkmigrator plan --plan FILE` checks it against the living cluster and changes nothing.
";

const COMMANDS: &str = "\
# Commands are texts for `sh -c` on the host. `check` exits 0 if the process runs, 1 if it is gone, and anything else if it
# can't tell. `stop` must keep a supervisor from bringing the process back.
";

/// The text of a new plan.
pub fn render(facts: &ClusterFacts) -> String {
    let mut text = HEAD.to_owned();
    // Writing to a String can't fail.
    let _ = write!(
        text,
        "\ncluster = {}\n\n# The cluster's tree is {} on both sides. Credentials, where they are needed: auth_file = \"FILE\" or \
         auth_env = \"NAME\".\n[source]\nconnect = {}\n\n[target]\nconnect = {}\n\n{COMMANDS}",
        quoted(&facts.cluster),
        quoted(&facts.root),
        quoted(&facts.source),
        quoted(&facts.target),
    );
    for server in &facts.meta_servers {
        let entry = meta_server(server);
        match &server.silent {
            None => text.push_str(&entry),
            Some(why) => {
                let _ = writeln!(text, "\n# It did not answer ({}): a person has to know why.", quoted(why));
                for line in entry.trim_start().lines() {
                    let _ = writeln!(text, "# {line}");
                }
            }
        }
    }
    text
}

fn meta_server(server: &MetaServerFacts) -> String {
    let host = server.address.rsplit_once(':').map_or(&*server.address, |(host, _)| host);
    let missing = |what: &str| quoted(&format!("echo 'the plan does not say how it is {what}' >&2; exit 2"));
    format!(
        "\n{}[[meta_server]]\naddress = {}\nhost = {}\nconfig_file = {}\nstop = {}\nstart = {}\ncheck = {}\n",
        if server.is_primary { "# The primary.\n" } else { "" },
        quoted(&server.address),
        quoted(&format!("ssh:{}", host.trim_matches(['[', ']']))),
        // Two servers of one host have no file in common, which the plan is held to.
        quoted(&format!("/FILL/IN/{}/config.ini", server.address.replace('/', "_"))),
        missing("stopped"),
        missing("started"),
        missing("looked at"),
    )
}

/// A TOML string of one line; what a server says can't end it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
