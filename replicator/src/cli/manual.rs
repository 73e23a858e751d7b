//! `completions` and `man`, which both programs have: what a shell, and man, are told of a command line.

use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

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
    mkdir -p ~/.local/share/bash-completion/completions
    {program} completions bash \\
      > ~/.local/share/bash-completion/completions/{program}

  For bash, at once:
    source <({program} completions bash)

  For zsh, into a directory of its $fpath:
    mkdir -p ~/.zfunc
    {program} completions zsh > ~/.zfunc/_{program}

  For fish:
    mkdir -p ~/.config/fish/completions
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
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let Some(dir) = &self.dir else {
            let (_, page) = page(command).map_err(|error| cant_write(Path::new("stdout"), &error))?;
            return print(&page);
        };
        let commands: Vec<Command> = command.get_subcommands().cloned().collect();
        for command in commands.into_iter().chain([command]) {
            let written = page(command).and_then(|(name, page)| std::fs::write(dir.join(name), page));
            written.map_err(|error| cant_write(dir, &error))?;
        }
        Ok(())
    }
}

/// The name of a command's page, and the page. Examples stand there as they are, to be taken with the mouse: clap_mangen would
/// fill and hyphenate them as any text.
fn page(command: Command) -> std::io::Result<(String, Vec<u8>)> {
    let mut page = Vec::new();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let man = Man::new(command);
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    let (heading, text) = match help.strip_prefix("Examples:\n") {
        Some(examples) => ("EXAMPLES", examples),
        None => ("NOTES", help.as_str()),
    };
    let mut section = Roff::new();
    section.control("SH", [heading]).control("nf", []);
    for line in text.lines() {
        section.text([roman(line)]);
    }
    section.control("fi", []).to_writer(&mut page)?;
    Ok((man.get_filename(), page))
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
