//! Where ZooKeeper and java are on this machine.
//!
//! `ZOOKEEPER_JARS` and `JAVA_HOME` let a run choose another release; without them Debian's package is used, so that
//! one `apt-get` makes the tests run.
//!
//! Invariant: a variable that is set decides. If what it names is unusable that is an error, never a fall-through to
//! something else that would be tested in its stead.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use crate::Error;

/// Debian's jars; the manifest of `zookeeper.jar` names those it needs.
const DEBIAN: &str = "/usr/share/java";

/// Debian's manifest names slf4j's API and no backend (as its `zkEnv.sh` runs it, a server logs nothing at all).
const DEBIAN_JARS: [&str; 2] = ["zookeeper.jar", "slf4j-simple.jar"];

/// A ZooKeeper and the java to run it with.
#[derive(Clone, Debug)]
pub struct Installation {
    java: PathBuf,
    classpath: OsString,
}

impl Installation {
    /// Finds both: `ZOOKEEPER_JARS`, else Debian's package; `JAVA_HOME`, else `java` on the `PATH`.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] with the command that installs both; [`Error::Variable`] if a variable names a directory
    /// that is missing, or has not got what it should.
    pub fn find() -> Result<Self, Error> {
        Self::find_with(|variable| env::var_os(variable))
    }

    /// Like [`Installation::find`], in an environment given as a function.
    ///
    /// # Errors
    /// Those of [`Installation::find`].
    pub fn find_with(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let jars = match variable("ZOOKEEPER_JARS") {
            Some(directory) => named_jars(&directory)?,
            None => debian_jars()?,
        };
        let java = match variable("JAVA_HOME") {
            Some(home) => named_java(&home)?,
            None => java_on(&variable("PATH").unwrap_or_default())?,
        };
        // Only a colon in a path could fail the join, and then no classpath could name it.
        let classpath = env::join_paths(jars).map_err(|_colon| Error::Variable {
            variable: "ZOOKEEPER_JARS",
            value: display(&variable("ZOOKEEPER_JARS").unwrap_or_default()),
            problem: "a classpath can't name a path with a colon",
        })?;
        Ok(Self { java, classpath })
    }

    /// The java program.
    pub fn java(&self) -> &Path {
        &self.java
    }

    /// The classpath of the server.
    pub fn classpath(&self) -> &OsStr {
        &self.classpath
    }
}

fn named_jars(directory: &OsStr) -> Result<Vec<PathBuf>, Error> {
    let unusable = |problem| Error::Variable { variable: "ZOOKEEPER_JARS", value: display(directory), problem };
    let entries = fs::read_dir(directory).map_err(|_missing| unusable("no such directory"))?;
    let mut jars: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some(OsStr::new("jar")))
        .collect();
    jars.sort();
    if jars.is_empty() { Err(unusable("no *.jar in this directory")) } else { Ok(jars) }
}

fn debian_jars() -> Result<Vec<PathBuf>, Error> {
    let jars = DEBIAN_JARS.map(|jar| Path::new(DEBIAN).join(jar));
    if jars[0].is_file() {
        Ok(jars.into())
    } else {
        Err(Error::NotInstalled { what: "ZooKeeper", places: format!("ZOOKEEPER_JARS, {}", jars[0].display()) })
    }
}

fn named_java(home: &OsStr) -> Result<PathBuf, Error> {
    let java = Path::new(home).join("bin/java");
    if java.is_file() {
        Ok(java)
    } else {
        Err(Error::Variable { variable: "JAVA_HOME", value: display(home), problem: "no bin/java in this directory" })
    }
}

fn java_on(path: &OsStr) -> Result<PathBuf, Error> {
    env::split_paths(path)
        .map(|directory| directory.join("java"))
        .find(|java| java.is_file())
        .ok_or_else(|| Error::NotInstalled { what: "java", places: format!("JAVA_HOME, PATH={}", display(path)) })
}

fn display(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}
