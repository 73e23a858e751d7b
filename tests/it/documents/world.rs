//! What the documents' commands find: programs, addresses and files.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// No command of a document takes longer.
const LIMIT: Duration = Duration::from_secs(120);
/// The file of `--acl map rules`.
pub(crate) const RULES: &str = "# what no rule fits stays as it is\nsasl:* -> digest:*\n";
/// Programs that documents call, and what is run for them.
const PROGRAMS: [(&str, &str); 3] = [
    ("zkreplicator", env!("CARGO_BIN_EXE_zkreplicator-under-test")),
    ("zkcopy", env!("CARGO_BIN_EXE_zkreplicator-under-test")),
    ("zkmigrator", env!("CARGO_BIN_EXE_zkmigrator-under-test")),
];

/// Where a document is run.
pub(crate) struct World {
    directory: TempDir,
    programs: BTreeMap<String, String>,
    addresses: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

impl World {
    /// `zk1:2181` to `zk3:2181` are the source; `new1:2181` and its like, and `zk4:2181` and its like, the target.
    pub(crate) fn new(source: &str, target: &str) -> std::io::Result<Self> {
        let mut world = Self {
            directory: tempfile::tempdir()?,
            programs: BTreeMap::new(),
            addresses: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        for number in 1..=3 {
            world.address(&format!("zk{number}:2181"), source);
            world.address(&format!("zk{}:2181", number + 3), target);
            world.address(&format!("new{number}:2181"), target);
        }
        for (name, program) in PROGRAMS {
            // Links, since it is by its name that the program knows what it is called as.
            let real = world.directory.path().join("real").join(name);
            std::fs::create_dir_all(world.directory.path().join("real"))?;
            symlink(program, &real)?;
            symlink(env!("CARGO_BIN_EXE_as-documented"), world.directory.path().join(name))?;
            world.programs.insert(name.to_owned(), real.display().to_string());
        }
        Ok(world)
    }

    /// The documents' name of an address.
    pub(crate) fn address(&mut self, name: &str, address: &str) {
        self.addresses.insert(name.to_owned(), address.to_owned());
    }

    /// What the documents have in the place of a text.
    pub(crate) fn text(&mut self, text: &str, real: &str) {
        self.texts.insert(text.to_owned(), real.to_owned());
    }

    /// A program that documents call, as a script.
    pub(crate) fn program(&mut self, name: &str, script: &str) -> std::io::Result<()> {
        let real = self.directory.path().join("real").join(name);
        std::fs::write(&real, script)?;
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o755))?;
        symlink(env!("CARGO_BIN_EXE_as-documented"), self.directory.path().join(name))?;
        self.programs.insert(name.to_owned(), real.display().to_string());
        Ok(())
    }

    /// A program of the machine's that documents call, as a script that takes its place.
    pub(crate) fn stub(&self, name: &str, script: &str) -> std::io::Result<()> {
        let file = self.directory.path().join(name);
        std::fs::write(&file, script)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))
    }

    /// A shell that runs `script` in the directory `place`, which is its home too, and ends where a command of it fails.
    pub(crate) fn shell(&self, script: &str, place: &Path) -> std::io::Result<Command> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::iter::once(self.directory.path().to_owned()).chain(std::env::split_paths(&path));
        let mut shell = Command::new("bash");
        shell.args(["--norc", "-e", "-o", "pipefail", "-c", script]).current_dir(place).env("HOME", place);
        shell.env("AS_DOCUMENTED", self.described()?);
        shell.env("PATH", std::env::join_paths(programs).map_err(std::io::Error::other)?);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(shell)
    }

    /// The file that tells the documents' programs what is there.
    fn described(&self) -> std::io::Result<PathBuf> {
        let Self { directory, programs, addresses, texts } = self;
        let world = directory.path().join("world.json");
        let described = json!({ "programs": programs, "addresses": addresses, "texts": texts });
        std::fs::write(&world, described.to_string())?;
        Ok(world)
    }

    /// Runs a document's commands, in a directory of their own; an error is that something was not so, which was shown.
    pub(crate) async fn run(&self, document: &Path) -> Result<Result<(), String>, Box<dyn std::error::Error>> {
        let (directory, programs, world) = (&self.directory, &self.programs, self.described()?);
        let place = tempfile::tempdir_in(directory.path())?;
        // trycmd runs a document's commands in the directory beside it that is called after it.
        let case = place.path().join("document.md");
        std::fs::copy(document, &case)?;
        let cwd = place.path().join("document.in");
        std::fs::create_dir(&cwd)?;
        std::fs::write(cwd.join("rules"), RULES)?;
        let called: Vec<_> = programs.keys().map(|name| (name.clone(), directory.path().join(name))).collect();
        let ran = tokio::task::spawn_blocking(move || {
            std::panic::catch_unwind(|| {
                let cases = trycmd::TestCases::new();
                cases.env("AS_DOCUMENTED", world.to_string_lossy()).timeout(LIMIT);
                for (name, program) in called {
                    cases.register_bin(name, program);
                }
                cases.case(&case);
                cases.run();
            })
        });
        Ok(ran.await?.map_err(|_| "see above".to_owned()))
    }
}
