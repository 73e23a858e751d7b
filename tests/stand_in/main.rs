//! A stand-in for Pegasus's meta server, for tests: it speaks its RPC, reads its configuration file by its rules, holds its
//! lock in a real ZooKeeper, and has its levels, its faults and its ways to end.
//!
//! `stand-in-meta-server CONFIG [-app_list meta]`, the command line of the real one. With `-app_list replica` it is no more
//! than a replica server's port: it answers by HTTP for its configuration. What it does, and how it fails, is what
//! a meta server built from apache/incubator-pegasus at db756dcdf was seen to do; `it/stand_in` holds it to that. It is a
//! test's tool and lives only there.
//!
//! An abort (a CHECK of the real one) is an abort. SIGTERM ends it with 0 and closes no session, so its lock lingers.

mod admin;
mod answers;
mod config;
mod http;
mod json;
mod keeper;
mod load;
mod nodes;
mod records;
mod server;
mod state;

use std::process::{abort, exit};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::admin::Admin;
use self::config::{Config, Settings};
use self::server::Server;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    tokio::task::LocalSet::new().block_on(&runtime, run());
}

async fn run() {
    let path = std::env::args().nth(1).unwrap_or_else(|| fail("no configuration file"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| fail(&format!("{path}: {error}")));
    let config = Config::parse(&text).unwrap_or_else(|why| fail(&why));
    let app = app_list().unwrap_or_else(|| "meta".to_owned());
    let settings = Settings::new(&config, &app).unwrap_or_else(|why| fail(&why));
    let admin = Admin::read(settings.admin.as_deref());
    if admin.refuse_start {
        fail("told not to start");
    }
    let mut terminated = signal(SignalKind::terminate()).expect("a signal can be listened to");
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await;
    let listener = listener.unwrap_or_else(|error| fail(&format!("port {}: {error}", settings.port)));
    let server = Arc::new(Server::new(config, settings));
    tokio::task::spawn_local(server::listen(Arc::clone(&server), listener));
    if app == "meta" {
        tokio::task::spawn_local(load::run(Arc::clone(&server)));
    }
    terminated.recv().await;
    tokio::time::sleep(server.admin().slow_exit()).await;
    say("got SIGTERM");
    exit(0);
}

/// What follows `-app_list`.
fn app_list() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "-app_list");
    arguments.nth(1)
}

/// A line in what the test sees when something is not as it thought.
fn say(line: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("stand-in: {line}\n").as_bytes());
}

/// The real one's CHECK.
fn fail(why: &str) -> ! {
    say(&format!("abort: {why}"));
    abort()
}
