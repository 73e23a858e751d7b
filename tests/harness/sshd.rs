//! A real sshd on a free port of 127.0.0.1, with throwaway keys, and the client's configuration for it.
//!
//! It is reached by an `ssh -F` file only: nobody's own keys, known hosts or configuration are used or changed. It logs in
//! whoever runs the tests, by key.
//!
//! Invariants: it is never the system's daemon, and neither it nor its directory outlives the [`Sshd`] or this process.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    Error, ports,
    supervisor::{CommandLine, Supervisor},
    until,
};

/// sshd is up in some milliseconds, on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often another port is tried.
const PORT_ATTEMPTS: usize = 5;
/// Where Debian has it; not on everybody's `PATH`.
const SSHD: &str = "/usr/sbin/sshd";
/// Where root's sshd confines what has not logged in; Debian makes it when the daemon starts, which it need not.
const CONFINEMENT: &str = "/run/sshd";

/// An sshd that ends with this value, or with this process.
#[derive(Debug)]
pub struct Sshd {
    // Declared, and so dropped, before the directory that it works in.
    process: Supervisor,
    directory: TempDir,
}

impl Sshd {
    /// The name by which its configuration knows it.
    pub const NAME: &str = "here";
    /// The same server, through a jump at itself.
    pub const BEHIND: &str = "behind";
    /// The same server, whose key is not known by this name.
    pub const STRANGER: &str = "stranger";
    /// The same server, where our key runs nothing but `exit 1`, as `nologin` does.
    pub const MUTE: &str = "mute";
    /// A port that nobody listens on.
    pub const CLOSED: &str = "closed";

    /// Starts it and waits until it greets.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] without sshd; [`Error::Start`] if it does not come up.
    pub async fn start() -> Result<Self, Error> {
        if !Path::new(SSHD).exists() {
            return Err(Error::NotInstalled { what: "sshd (Debian's openssh-server)", places: SSHD.to_owned() });
        }
        // Without root it confines nothing, and the directory can't be made.
        let _ = fs::DirBuilder::new().mode(0o755).create(CONFINEMENT);
        let mut attempt = 1;
        loop {
            match Self::launch(ports::free()?).await {
                Err(Error::Start { log, .. }) if attempt < PORT_ATTEMPTS && log.contains("Address already in use") => {
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }

    /// The client's configuration file, for `ssh -F`.
    pub fn client_config(&self) -> PathBuf {
        self.directory.path().join("ssh_config")
    }

    async fn launch(port: u16) -> Result<Self, Error> {
        let directory =
            tempfile::Builder::new().prefix("sshd-").tempdir().map_err(Error::io("a directory for sshd"))?;
        let path = directory.path();
        write_files(path, port)?;
        let config = path.join("sshd_config");
        let words = [SSHD.as_ref(), "-D".as_ref(), "-e".as_ref(), "-f".as_ref(), config.as_os_str()];
        let command = CommandLine(words.map(Into::into).to_vec());
        let log = path.join("log");
        let process = Supervisor::spawn(&command, path, &log)?;
        let mut sshd = Self { process, directory };
        let end = until("sshd to greet", START_LIMIT, async || match sshd.process.exited() {
            Some(status) => Some(Some(status)),
            None => greets(port).then_some(None),
        });
        match end.await? {
            None => Ok(sshd),
            Some(status) => Err(Error::Start {
                reason: status.to_string(),
                command: command.to_string(),
                log: fs::read_to_string(log).unwrap_or_default(),
            }),
        }
    }
}

fn greets(port: u16) -> bool {
    let mut line = String::new();
    let stream = TcpStream::connect(("127.0.0.1", port));
    stream.and_then(|stream| BufReader::new(stream).read_line(&mut line)).is_ok() && line.starts_with("SSH-")
}

fn write_files(path: &Path, port: u16) -> Result<(), Error> {
    for key in ["host_key", "user_key", "mute_key"] {
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path.join(key)))?;
    }
    let read = |name: &str| fs::read_to_string(path.join(name)).map_err(Error::io(name.to_owned()));
    let write = |name: &str, text: String| fs::write(path.join(name), text).map_err(Error::io(name.to_owned()));
    let at = |name: &str| path.join(name).display().to_string();
    let user = run(Command::new("id").arg("-un"))?;
    write("authorized_keys", format!("{}command=\"exit 1\" {}", read("user_key.pub")?, read("mute_key.pub")?))?;
    write("known_hosts", format!("known {}", read("host_key.pub")?))?;
    write(
        "sshd_config",
        format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            at("host_key"),
            at("authorized_keys")
        ),
    )?;
    let (here, behind, stranger, closed, mute) = (Sshd::NAME, Sshd::BEHIND, Sshd::STRANGER, Sshd::CLOSED, Sshd::MUTE);
    let (user, user_key, mute_key, known_hosts) = (user.trim(), at("user_key"), at("mute_key"), at("known_hosts"));
    // The first value of a keyword counts, but for IdentityFile, of which all are tried.
    write(
        "ssh_config",
        format!(
            "Host {closed}\n  Port 1\n\
             Host {stranger}\n  HostKeyAlias unknown\n\
             Host {behind}\n  ProxyJump {here}\n\
             Host {mute}\n  IdentityFile {mute_key}\n\
             Host * !{mute}\n  IdentityFile {user_key}\n\
             Host *\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  HostKeyAlias known\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {known_hosts}\n  GlobalKnownHostsFile none\n"
        ),
    )
}

fn run(command: &mut Command) -> Result<String, Error> {
    let what = format!("{command:?}");
    let output = command.output().map_err(Error::io(what.clone()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Start { reason: output.status.to_string(), command: what, log })
    }
}
