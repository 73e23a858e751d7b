//! What `--help` promises: every command has an example, and every example is one that the program takes.

use std::cell::RefCell;

use super::*;

/// Of a terminal.
const COLUMNS: usize = 80;

/// The arguments of a line as a shell makes them: words, and single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        // What stands between quotes is one word, whatever it holds.
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words.into_iter().skip_while(|word| word.contains('=') && !word.starts_with('-')).collect()
}

#[test]
fn every_command_has_an_example_that_it_takes() {
    let mut walked = 0;
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let too_wide = help.lines().filter(|line| line.starts_with("    ") && line.chars().count() > COLUMNS);
        assert_eq!(
            too_wide.collect::<Vec<_>>(),
            [""; 0],
            "{name} --help: what a terminal breaks can't be typed as it stands"
        );
        let mut examples = 0;
        for line in help
            .replace("\\\n", " ")
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("zkreplicator ") && line.starts_with(['z', 'Z']))
        {
            let line = line.split([';', '|', '>']).next().unwrap_or_default();
            let parsed =
                Cli::command().try_get_matches_from(acl::join_map_file(words(line).into_iter().map(Into::into)));
            let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {line:?}: {error}"));
            examples += usize::from(parsed.subcommand_name() == Some(name));
        }
        assert!(examples > 0, "{name} --help has no example of it:\n{help}");
        assert!(command.get_about().is_some(), "{name} says nothing of itself");
        walked += 1;
    }
    assert_eq!(walked, 11, "of which commands is this a test?");
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_report_tells_the_code_that_the_program_ends_with() {
    let told = RefCell::new(Vec::new());
    let report = |code| {
        told.borrow_mut().push(code);
        String::new()
    };
    let code = conclude(report, Format::Json, exit::DONE, Some(Path::new("/proc/no/such/file")));
    assert_eq!((code, told.take()), (exit::ERROR, vec![exit::DONE, exit::ERROR]));
}
