//! What `--help` promises: every command has an example, and every example is one that the program takes.

use super::*;

#[test]
fn every_command_has_an_example_that_it_takes() {
    let mut walked = 0;
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let too_wide = help.lines().filter(|line| line.starts_with("    ") && line.chars().count() > 80);
        assert_eq!(
            too_wide.collect::<Vec<_>>(),
            [""; 0],
            "{name} --help: what a terminal breaks can't be typed as it stands"
        );
        let mut examples = 0;
        for line in help.replace("\\\n", " ").lines().map(str::trim).filter(|line| line.starts_with("zkmigrator ")) {
            let line = line.split(['|', '>']).next().unwrap_or_default();
            let parsed = Cli::command().try_get_matches_from(line.split_whitespace());
            let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {line:?}: {error}"));
            examples += usize::from(parsed.subcommand_name() == Some(name));
        }
        assert!(examples > 0, "{name} --help has no example of it:\n{help}");
        assert!(command.get_about().is_some(), "{name} says nothing of itself");
        walked += 1;
    }
    assert_eq!(walked, 9, "of which commands is this a test?");
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}
