//! What an operator's terminal is given besides reports: completions, man pages, help.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::product::Outcome;

/// Each program by its name, with its commands.
pub(crate) const PROGRAMS: [(&str, &str, &[&str]); 2] = [
    (
        "zkreplicator",
        env!("CARGO_BIN_EXE_zkreplicator-under-test"),
        &["copy", "sync", "verify", "dump", "restore", "scan", "rm", "zkcopy", "bench", "completions", "man"],
    ),
    (
        "zkmigrator",
        env!("CARGO_BIN_EXE_zkmigrator-under-test"),
        &["init", "plan", "run", "resume", "rollback", "status", "cleanup", "completions", "man"],
    ),
];

/// What a program that ends well says on stdout.
pub(crate) fn said(program: &str, args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let output = Command::new(program).args(args).output()?;
    assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn bash_completes_commands_options_and_values() -> Outcome {
    for (name, program, _) in PROGRAMS {
        let script = tempfile::NamedTempFile::new()?;
        std::fs::write(script.path(), said(program, &["completions", "bash"])?)?;
        assert!(Command::new("bash").arg("-n").arg(script.path()).status()?.success(), "bash can't read it");
        let completed = |words: &[&str]| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            let ask = format!(
                "source {}; COMP_WORDS=({name} {}); COMP_CWORD={}; _{name} {name} \"${{COMP_WORDS[-1]}}\" {}; \
                 printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                script.path().display(),
                words.join(" "),
                words.len(),
                words.len().checked_sub(2).map_or(name, |before| words[before]),
            );
            let output = Command::new("bash").args(["--norc", "-c", &ask]).output()?;
            assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
            Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
        };
        let (begun, command, option) =
            if name == "zkmigrator" { ("roll", "rollback", "--plan") } else { ("ver", "verify", "--counters") };
        assert_eq!(completed(&[begun])?, [command]);
        assert_eq!(completed(&[command, option])?, [option]);
        assert_eq!(completed(&[command, "--format", "j"])?, ["json"]);
    }
    Ok(())
}

#[test]
fn every_shell_is_told_of_every_command() -> Outcome {
    for (name, program, commands) in PROGRAMS {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let script = said(program, &["completions", shell])?;
            for command in commands {
                assert!(script.contains(command), "{name} in {shell} has no {command}");
            }
        }
        let output = Command::new(program).args(["completions", "tcsh"]).output()?;
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr)?.contains("possible values: bash"));
    }
    Ok(())
}

/// The page must have its sections, and no line that begins like a request and is none.
fn check_page(page: &str, sections: &[&str]) {
    for section in sections {
        assert!(page.lines().any(|line| line == format!(".SH {section}")), "no {section} in\n{page}");
    }
    for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
        let request: String = line.chars().skip(1).take_while(|c| !c.is_whitespace()).collect();
        assert!(
            ["TH", "SH", "SS", "TP", "RS", "RE", "PP", "IP", "ie", "el", "br", "nf", "fi"].contains(&&*request),
            "{line:?}"
        );
    }
}

#[test]
fn man_pages_have_their_sections_one_for_each_command_and_nothing_else_is_written() -> Outcome {
    for (name, program, commands) in PROGRAMS {
        let page = said(program, &["man"])?;
        check_page(&page, &["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SUBCOMMANDS", "NOTES"]);
        let (above, directory) = (tempfile::tempdir()?, "pages");
        let directory = above.path().join(directory);
        let to = directory.to_str().ok_or("not UTF-8")?;
        // It makes no directory.
        let refused = Command::new(program).args(["man", "--dir", to]).output()?;
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8(refused.stderr)?.contains("make it first (mkdir -p)"));
        std::fs::create_dir(&directory)?;
        assert_eq!(said(program, &["man", "--dir", to])?, "");
        let mut written: Vec<String> = names(&directory)?;
        written.sort();
        let mut wanted: Vec<String> = commands.iter().map(|command| format!("{name}-{command}.1")).collect();
        wanted.push(format!("{name}.1"));
        wanted.sort();
        assert_eq!((written, names(above.path())?), (wanted, vec!["pages".to_owned()]));
        for command in commands {
            let page = std::fs::read_to_string(directory.join(format!("{name}-{command}.1")))?;
            check_page(&page, &["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"]);
            // One that could not be typed as it stands would be none.
            let (_, examples) = page.split_once(".SH EXAMPLES\n.nf\n").ok_or("no examples")?;
            assert!(examples.replace('\\', "").contains(&format!("{name} {command}")), "{examples}");
        }
    }
    Ok(())
}

fn names(directory: &Path) -> std::io::Result<Vec<String>> {
    std::fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

#[test]
fn who_stops_reading_has_seen_enough() -> Outcome {
    for (_, program, _) in PROGRAMS {
        for args in [&["completions", "bash"][..], &["man"], &["--help"]] {
            let (reader, writer) = nix::unistd::pipe()?;
            drop(reader);
            let output = Command::new(program).args(args).stdout(writer).stderr(Stdio::piped()).output()?;
            assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
        }
    }
    Ok(())
}
