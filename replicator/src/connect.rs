//! Connect strings and chroots: `host:port,host:port/path`, as ZooKeeper's own clients take them.
//!
//! The chroot is the root of the tree that is moved. It is applied in one place, [`Chroot::locate`]: past it nothing
//! knows where a tree lives.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::error::Error;
use crate::znode::ZnodePath;

/// ZooKeeper's own port, when a connect string names none.
const DEFAULT_PORT: u16 = 2181;

/// What to do about a path that ZooKeeper refuses.
const PATH_ADVICE: &str = "correct it, for example /pegasus/onebox: zkCli.sh ls shows what is there";

/// What a connect string is.
const FORM: &str = "it is host:port,host:port/path, for example zk1:2181,zk2:2181/pegasus";

/// The absolute path of a tree's root; `/` when the whole ensemble is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chroot(String);

impl Chroot {
    /// The root of the ensemble.
    pub fn none() -> Self {
        Self("/".to_owned())
    }

    /// A chroot from an absolute path, refused where ZooKeeper would refuse it.
    pub fn new(path: &str) -> Result<Self, Error> {
        check_path(path).map_err(|why| Error::bad_input(format!("path {path:?}: {why}; {PATH_ADVICE}")))?;
        if is_reserved(path) {
            return Err(Error::bad_input(format!(
                "path {path:?} is ZooKeeper's own (/zookeeper), and is never read nor written: name the root of another tree"
            )));
        }
        Ok(Self(path.to_owned()))
    }

    /// The absolute path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root of the ensemble.
    pub fn is_none(&self) -> bool {
        self.0 == "/"
    }

    /// Where `path` lives in the ensemble.
    pub fn locate<'a>(&'a self, path: &'a ZnodePath) -> Located<'a> {
        let chroot = if self.is_none() { "" } else { &*self.0 };
        let path = if path.is_root() && !chroot.is_empty() { "" } else { path.as_str() };
        Located { chroot, path }
    }

    /// The other way round: the path below the root, of an absolute path; `None` where it is not below.
    pub fn below(&self, absolute: &str) -> Option<ZnodePath> {
        let path = if self.is_none() { absolute } else { absolute.strip_prefix(&*self.0)? };
        match path {
            "" if !self.is_none() => Some(ZnodePath::root()),
            "/" if self.is_none() => Some(ZnodePath::root()),
            path => (path.starts_with('/') && !path.ends_with('/')).then(|| ZnodePath::new(path)),
        }
    }

    /// Every path above the root, from the top: `/a/b/c` gives `/a`, `/a/b`.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').skip(1).map(|(end, _)| &self.0[..end])
    }

    /// Whether one of the two lies within the other, or both are the same.
    pub fn overlaps(&self, other: &Self) -> bool {
        let within = |inner: &Self, outer: &Self| {
            outer.is_none()
                || inner.0 == outer.0
                || inner.0.strip_prefix(&*outer.0).is_some_and(|rest| rest.starts_with('/'))
        };
        within(self, other) || within(other, self)
    }
}

/// An absolute path in two parts, so that nobody has to join them before they are sent.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    chroot: &'a str,
    path: &'a str,
}

impl Located<'_> {
    /// The parts, one behind the other.
    pub fn parts(&self) -> [&str; 2] {
        [self.chroot, self.path]
    }

    /// Bytes of the whole path.
    pub fn len(&self) -> usize {
        self.chroot.len() + self.path.len()
    }

    /// Never: an absolute path has at least its `/`.
    pub fn is_empty(&self) -> bool {
        false
    }
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chroot)?;
        f.write_str(self.path)
    }
}

/// An ensemble and a tree in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectString {
    /// Host names or addresses with their ports; IPv6 without brackets.
    pub hosts: Vec<(String, u16)>,
    /// The tree's root.
    pub chroot: Chroot,
}

impl ConnectString {
    /// The servers without the tree.
    pub fn servers(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(|(host, port)| endpoint(host, *port)).collect();
        hosts.join(",")
    }
}

impl FromStr for ConnectString {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // Most likely a password stands before it, and may hold what looks like an end: nobody is shown the text.
        let credentials = || {
            Error::bad_input(format!(
                "a connect string takes no credentials (user:password@): give them in ZKREPLICATOR_AUTH or with --auth-file; {FORM}"
            ))
        };
        let wrong = |why: String| {
            if text.contains('@') {
                return credentials();
            }
            Error::bad_input(format!("connect string {text:?}: {why}; {FORM}"))
        };
        let (scheme, bare) = text.split_once("://").map_or((None, text), |(scheme, bare)| (Some(scheme), bare));
        let (servers, chroot) = match bare.find('/') {
            Some(start) => bare.split_at(start),
            None => (bare, "/"),
        };
        if servers.contains('@') || has_server(chroot, '@') {
            return Err(credentials());
        }
        if let Some(scheme) = scheme {
            return Err(wrong(format!("no {scheme}:// stands before servers; leave it out")));
        }
        if has_server(chroot, ',') {
            return Err(wrong("the path stands once, behind the last server".to_owned()));
        }
        let hosts = servers
            .split(',')
            .map(|server| parse_server(server.trim()).map_err(&wrong))
            .collect::<Result<Vec<_>, _>>()?;
        let chroot = chroot.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(chroot);
        Ok(Self { hosts, chroot: Chroot::new(chroot)? })
    }
}

impl fmt::Display for ConnectString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.servers(), self.chroot.as_str())
    }
}

/// `host:port`, with brackets around IPv6.
pub fn endpoint(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whether an absolute path is `/zookeeper` or below it.
pub fn is_reserved(path: &str) -> bool {
    path.strip_prefix("/zookeeper").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path goes on with a server behind `mark`, as `/a` does in `zk1:2181/a,zk2:2181/a`.
fn has_server(path: &str, mark: char) -> bool {
    path.split(mark).skip(1).any(|part| {
        let (server, _) = part.split_once('/').unwrap_or((part, ""));
        server.split_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    })
}

fn parse_server(server: &str) -> Result<(String, u16), String> {
    let (host, port) = if let Some(rest) = server.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| format!("{server:?} has no closing bracket"))?;
        // A link-local address has its interface behind it: fe80::1%eth0.
        if host.split('%').next().is_none_or(|address| address.parse::<Ipv6Addr>().is_err()) {
            return Err(format!("{host:?} stands in brackets and is no IPv6 address"));
        }
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(format!("{server:?} has something else than a port behind the bracket")),
        }
    } else {
        if server.contains(';') {
            return Err("a comma stands between servers, and no semicolon".to_owned());
        }
        match server.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(format!("{server:?}: an IPv6 address stands in brackets"));
            }
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        }
    };
    if host.is_empty() {
        return Err("a host is missing; its servers are one word, with commas and no spaces between them".to_owned());
    }
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '@' | '[' | ']')) {
        return Err(format!("{host:?} is no host name"));
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(format!("{port:?} is no port; without a colon it is {DEFAULT_PORT}")),
        },
    };
    Ok((host.to_owned(), port))
}

/// ZooKeeper's own rules (common/PathUtils.java:41-93).
fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("it must start with /".to_owned());
    }
    if path == "/" {
        return Ok(());
    }
    for name in path[1..].split('/') {
        match name {
            "" => return Err("it has an empty part (// or a / at the end)".to_owned()),
            "." | ".." => return Err("relative parts (. and ..) are not allowed".to_owned()),
            _ => {}
        }
    }
    let refused = |c: &char| {
        matches!(*c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
            || *c > '\u{ffff}'
    };
    match path.chars().find(refused) {
        Some(c) => Err(format!("ZooKeeper does not allow the character {:?}", c.escape_unicode().to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
