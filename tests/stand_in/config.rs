//! Pegasus's configuration file, by the server's rules (`utils/configuration.cpp:59-233`), and what of it is used here.
//!
//! A reader of its own: the migrator rewrites such files with another, and neither may lean on the other's mistakes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use migrator::pegasus::types::Level;

/// Sections, keys and values.
#[derive(Debug, Default)]
pub(crate) struct Config(BTreeMap<String, BTreeMap<String, String>>);

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut config = Self::default();
        let mut section: Option<String> = None;
        if text.is_empty() {
            return Err("the configuration file is empty".to_owned());
        }
        for (number, line) in text.lines().enumerate() {
            let line = without_comment(line);
            let line = line.trim_start_matches([' ', '\t', '\r']);
            let bad = || format!("unexpected configuration in line {}: {line}", number + 1);
            if line.is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                let (name, _) = name.split_once(']').filter(|_| !line.contains('=')).ok_or_else(bad)?;
                let name = name.trim().to_owned();
                if name.is_empty() || config.0.contains_key(&name) {
                    return Err(format!("section [{name}] is redefined or has no name"));
                }
                config.0.insert(name.clone(), BTreeMap::new());
                section = Some(name);
                continue;
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            let values = section.as_ref().and_then(|name| config.0.get_mut(name)).ok_or_else(bad)?;
            if key.is_empty() {
                return Err(bad());
            }
            // `%name%` is what -cargs would have replaced. The first of two keys wins.
            let unset = value.len() > 2 && value.starts_with('%') && value.ends_with('%');
            values.entry(key.to_owned()).or_insert_with(|| if unset { String::new() } else { value.to_owned() });
        }
        Ok(config)
    }

    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.0.get(section)?.get(key).map(String::as_str)
    }

    /// The sections whose names begin so, in the server's order.
    pub(crate) fn sections(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }
}

/// Up to the first `#` or `;` that no `^` stands before; the `^` goes.
fn without_comment(line: &str) -> String {
    let mut kept = String::new();
    for character in line.chars() {
        if matches!(character, '#' | ';') {
            // As the server looks at it: the byte before, on the line as it was.
            match kept.pop() {
                Some('^') => {}
                Some(before) => {
                    kept.push(before);
                    return kept;
                }
                None => return kept,
            }
        }
        kept.push(character);
    }
    kept
}

/// What a stand-in uses.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    /// What it calls itself: `localhost:34601`.
    pub(crate) name: String,
    pub(crate) meta_servers: String,
    pub(crate) cluster_name: String,
    pub(crate) cluster_root: String,
    pub(crate) lock_root: String,
    pub(crate) zookeeper_hosts: String,
    pub(crate) zookeeper_timeout: Duration,
    pub(crate) level_on_start: Level,
    pub(crate) recover: bool,
    pub(crate) min_live_nodes: usize,
    pub(crate) live_percentage: usize,
    pub(crate) grace: Duration,
    pub(crate) hold_seconds: i64,
    pub(crate) admin: Option<PathBuf>,
}

impl Settings {
    /// Of an app: `meta` or `replica`.
    pub(crate) fn new(config: &Config, app: &str) -> Result<Self, String> {
        let text = |section: &str, key: &str, default: &str| {
            let value = config.get(section, key).unwrap_or(default).to_owned();
            if value.contains("%{") {
                return Err(format!("[{section}] {key} was never filled in: {value}"));
            }
            Ok(value)
        };
        let port = number(text(&format!("apps.{app}"), "ports", "34601"))?;
        let level = text("meta_server", "meta_function_level_on_start", "steady")?;
        let lock_root = text("meta_server", "distributed_lock_service_parameters", "")?;
        if lock_root.is_empty() {
            return Err("[meta_server] distributed_lock_service_parameters is missing".to_owned());
        }
        Ok(Self {
            port,
            name: format!("{}:{port}", text("stand_in", "host", "localhost")?),
            meta_servers: text("meta_server", "server_list", "")?.replace(' ', ""),
            cluster_name: text("replication", "cluster_name", "")?,
            cluster_root: normal(&text("meta_server", "cluster_root", "/")?),
            lock_root: normal(&lock_root),
            zookeeper_hosts: text("zookeeper", "hosts_list", "")?,
            zookeeper_timeout: Duration::from_millis(number(text("zookeeper", "timeout_ms", "30000"))?),
            level_on_start: Level::from_name(&level).ok_or_else(|| format!("invalid function level: fl_{level}"))?,
            recover: text("meta_server", "recover_from_replica_server", "false")? == "true",
            min_live_nodes: number(text("meta_server", "min_live_node_count_for_unfreeze", "3"))?,
            live_percentage: number(text("meta_server", "node_live_percentage_threshold_for_update", "65"))?,
            grace: Duration::from_secs(number(text("replication", "fd_grace_seconds", "22"))?),
            hold_seconds: number(text("meta_server", "hold_seconds_for_dropped_app", "604800"))?,
            admin: config.get("stand_in", "admin").map(PathBuf::from),
        })
    }
}

fn number<T: FromStr>(text: Result<String, String>) -> Result<T, String> {
    let text = text?;
    text.parse().map_err(|_| format!("{text} is no number"))
}

/// A path without empty names: `/a/b`, or `/`.
fn normal(path: &str) -> String {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    format!("/{}", names.join("/"))
}
