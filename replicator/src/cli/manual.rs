//! `completions` and `man`, which both programs have: what a shell, and man, are told of a command line.

use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::error::{Error, ErrorKind, Result};

/// Write to stdout what a shell needs to complete this program's command line
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Write the man page to stdout, or all pages to a directory
#[derive(Args)]
pub struct Pages {
    /// Write a page for the program and one for each of its commands to DIR, which must be there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What `completions --help` shows.
pub fn completions_examples(program: &str) -> String {
    format!(
        "\
Examples:
  For bash, from the next login on:
    {program} completions bash > ~/.local/share/bash-completion/completions/{program}

  For bash, at once:
    source <({program} completions bash)

  For zsh, into a directory of its $fpath:
    {program} completions zsh > ~/.zfunc/_{program}

  For fish:
    {program} completions fish > ~/.config/fish/completions/{program}.fish"
    )
}

/// What `man --help` shows.
pub fn pages_examples(program: &str) -> String {
    format!(
        "\
Examples:
  To read it now:
    {program} man | man -l -

  To install the pages of all commands; then man {program} finds them:
    mkdir -p ~/.local/share/man/man1
    {program} man --dir ~/.local/share/man/man1"
    )
}

impl Completions {
    /// Writes them, for the program that `command` describes.
    pub fn write(&self, mut command: Command) -> Result<()> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        print(&script)
    }
}

impl Pages {
    /// Writes them, for the program that `command` describes.
    pub fn write(&self, command: Command) -> Result<()> {
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page).map_err(|error| cant_write(Path::new("stdout"), &error))?;
            return print(&page);
        };
        clap_mangen::generate_to(command, dir).map_err(|error| cant_write(dir, &error))
    }
}

fn cant_write(to: &Path, error: &std::io::Error) -> Error {
    let text = match error.kind() {
        Io::NotFound => format!("there is no directory {}: make it first (mkdir -p)", to.display()),
        _ => format!("{}: {error}; --dir names a directory that may be written", to.display()),
    };
    Error::new(ErrorKind::Io(text), "write the pages")
}

/// Whoever stops reading has seen enough.
fn print(text: &[u8]) -> Result<()> {
    match std::io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != Io::BrokenPipe => {
            Err(Error::new(ErrorKind::Io(error.to_string()), "write to stdout"))
        }
        _ => Ok(()),
    }
}
