//! The fuzz targets' corpora through the targets' own bodies, as ordinary tests.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

use std::fs;
use std::path::Path;

use migrator::journal;

fn replay(target: &str, body: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display())) {
        let path = entry.expect("a corpus can be listed").path();
        body(&fs::read(&path).expect("an input can be read"));
        inputs += 1;
    }
    assert!(inputs > 0, "{target} has no corpus");
}

#[test]
fn a_servers_replies_are_decoded_or_refused() {
    replay("jute_reply", bodies::jute_reply);
}

#[test]
fn connect_strings_mean_the_same_when_printed() {
    replay("connect_string", bodies::connect_string);
}

#[test]
fn acl_maps_mean_the_same_when_printed() {
    replay("acl_map", bodies::acl_map);
}

#[test]
fn certificates_are_refused_or_mean_the_same_when_written_again() {
    replay("certificate", bodies::certificate);
}

#[test]
fn filters_are_refused_or_agree_with_themselves() {
    replay("filter", bodies::filter);
}

#[test]
fn a_servers_words_are_understood_or_passed_over() {
    replay("server_text", bodies::server_text);
}

#[test]
fn amounts_and_credentials_are_understood_or_refused() {
    replay("user_text", bodies::user_text);
}

#[test]
fn configuration_files_are_refused_or_edited_in_one_place() {
    replay("pegasus_config", bodies::pegasus_config);
}

#[test]
fn plans_are_refused_in_one_line_or_hold_together() {
    replay("plan", bodies::plan);
}

#[test]
fn a_meta_servers_frames_are_refused_or_come_back_as_they_were() {
    replay("pegasus_rpc", bodies::pegasus_rpc);
}

#[test]
fn journals_are_damaged_or_say_what_was_written() {
    replay("journal", bodies::journal);
}

/// Those that a change of what a record holds has left behind would reach nothing any more.
#[test]
fn the_journals_seeds_are_journals_still() {
    let seed = |name: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/journal").join(name);
        fs::read_to_string(file).expect("a seed can be read")
    };
    let records = |text: &str| journal::parse(text.as_bytes()).map(|read| (read.records.len(), read.torn > 0));
    assert_eq!(records(&seed("begun")), Ok((4, false)));
    assert_eq!(records(&seed("begun-and-torn")), Ok((2, true)));
    let sealed: String = seed("records").lines().map(journal::sealed).collect();
    assert_eq!(records(&sealed), Ok((11, false)));
}

#[test]
fn archives_are_read_as_they_were_written_or_refused() {
    replay("archive", bodies::archive);
}
