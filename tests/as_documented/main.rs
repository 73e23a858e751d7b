//! A program as the documents call it: `zkreplicator copy zk1:2181/a new1:2181/a` runs the real one on the servers of a test, and
//! what it says of them is said of the documents' again.
//!
//! It is called by the program's name. `AS_DOCUMENTED` names a file with the [`World`].

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde::Deserialize;

/// What the documents' names stand for.
#[derive(Deserialize)]
struct World {
    /// Programs by their names.
    programs: BTreeMap<String, PathBuf>,
    /// Addresses by those of the documents.
    addresses: BTreeMap<String, String>,
    /// Other texts of the output, by what the documents have in their place.
    texts: BTreeMap<String, String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(std::io::stderr(), "as documented: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u8, Box<dyn std::error::Error>> {
    let world = std::env::var_os("AS_DOCUMENTED").ok_or("AS_DOCUMENTED names no world")?;
    let world: World = serde_json::from_slice(&std::fs::read(world)?)?;
    let mut arguments = std::env::args();
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let program = world.programs.get(name).ok_or_else(|| format!("{name:?} is none of the documents' programs"))?;
    let mut typed = Typed::default();
    let arguments: Vec<String> = arguments.map(|argument| world.real(&argument, &mut typed)).collect();
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    // As a terminal shows them: messages come while the report is made.
    std::io::stdout().write_all(world.documented(&output.stderr, &typed).as_bytes())?;
    std::io::stdout().write_all(world.documented(&output.stdout, &typed).as_bytes())?;
    Ok(output.status.code().and_then(|code| u8::try_from(code).ok()).ok_or("it was ended by a signal")?)
}

/// What was typed for each real address.
type Typed = BTreeMap<String, String>;

impl World {
    /// An argument with real addresses: of servers that are one in truth, with commas between them, one is left.
    fn real(&self, argument: &str, typed: &mut Typed) -> String {
        let argument =
            self.texts.iter().fold(argument.to_owned(), |argument, (text, real)| argument.replace(text, real));
        let mut real = String::new();
        let mut rest = argument.as_str();
        while let Some((name, address)) = self.addresses.iter().find(|(name, _)| rest.starts_with(name.as_str())) {
            let mut end = name.len();
            while let Some((next, _)) = self.addresses.iter().find(|(next, other)| {
                *other == address && rest[end..].strip_prefix(',').is_some_and(|rest| rest.starts_with(next.as_str()))
            }) {
                end += 1 + next.len();
            }
            typed.insert(address.clone(), rest[..end].to_owned());
            real += address;
            rest = &rest[end..];
            if let Some(behind) = rest.strip_prefix(',') {
                real.push(',');
                rest = behind;
            }
        }
        if let (true, Some((before, behind))) = (real.is_empty(), argument.split_once('=')) {
            return format!("{before}={}", self.real(behind, typed));
        }
        real + rest
    }

    /// What was said, of the documents' addresses: those that were typed, or else the first of that name.
    fn documented(&self, said: &[u8], typed: &Typed) -> String {
        let mut said = String::from_utf8_lossy(said).into_owned();
        for (text, real) in &self.texts {
            said = said.replace(real, text);
        }
        for (name, address) in &self.addresses {
            said = said.replace(address, typed.get(address).unwrap_or(name));
        }
        said
    }
}
